"""What may be given to the functions that a user meets: paths, sounds, samples and their rates."""

import os
import shutil
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from conftest import write_sound

from drumlesson import datasets, display, grooves, live, transcribing
from drumlesson.audio import SR, AudioError, Sound
from drumlesson.display import listen
from drumlesson.drums import synth_drums
from drumlesson.live import Microphone, Stream, listen_to_file, load_listener
from drumlesson.midi import Groove, read_midi, read_notes, write_midi, write_notes
from drumlesson.slicing import slice_hits
from drumlesson.sorting import sort_files, undo
from drumlesson.synth import synth_kit
from drumlesson.transcribing import load_transcriber, transcribe


@pytest.fixture(scope="module")
def beat():
    """Six seconds of kick, hi-hat and snare."""
    kit = synth_kit(19)
    x = np.zeros(6 * SR, np.float32)
    for i in range(24):
        hit = kit.hit(("kick", "hihat", "snare", "hihat")[i % 4])[:5000]
        x[2000 + 5000 * i :][: len(hit)] += 0.5 * hit
    return np.clip(x, -0.99, 0.99)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The home directory, with a sound and the files of two networks in it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    shutil.copy(live._SHIPPED, tmp_path / "listener.onnx")
    shutil.copy(transcribing._SHIPPED, tmp_path / "transcriber.onnx")
    return tmp_path


def heard(x, listener=None, **settings):
    """Moment and drum of all that a stream says for good."""
    stream = Stream(listener, **settings)
    said = [*stream.push(x), *stream.finish()]
    return [(round(h.time, 3), h.label) for h in said if not h.first and h.label]


def notes(groove):
    """Moment and drum of each note."""
    return list(zip(groove.times.round(3).tolist(), groove.labels.tolist(), strict=True))


# -- samples


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.float64])
def test_pcm_is_heard_as_the_same_samples_at_full_scale_are(beat, dtype):
    full = -int(np.iinfo(dtype).min) if dtype is not np.float64 else 1
    x = (beat.astype(float) * full).astype(dtype)
    found = heard(x)
    assert len(found) > 20 and found == heard(beat)
    assert heard(x, gain=2.0) == heard(beat, gain=2.0)
    assert notes(transcribe(x)) == notes(transcribe(beat))


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, bool, complex])
def test_what_has_no_full_scale_is_refused(dtype):
    with pytest.raises(AudioError, match=f"full scale being 1, .* not {np.dtype(dtype)}"):
        Stream().push(np.zeros(9, dtype))


@pytest.mark.parametrize("sr", [0, -1, 10, 999, 1_000_001, np.nan, np.inf, "22050", None])
def test_rates_that_are_none(beat, sr):
    for ask in (lambda: Stream(sr=sr), lambda: transcribe(beat, sr=sr)):
        with pytest.raises(AudioError, match="^sr is samples a second, from 1,000 to 1,000,000"):
            ask()


def test_a_rate_may_be_a_number_of_any_kind(beat):
    for sr in (22050.0, np.float32(22050), np.int64(22050)):
        assert notes(transcribe(beat, sr=sr)) == notes(transcribe(beat))
        assert heard(beat, sr=sr) == heard(beat)


def test_a_sound_knows_its_rate_and_name(beat):
    groove = transcribe(Sound(beat, SR, "loop"), sr=8000)
    assert groove.name == "loop" and notes(groove) == notes(transcribe(beat))
    assert transcribe(Sound(beat)).name == ""


# -- files


def test_a_network_may_be_named_by_its_file(beat, home):
    for path in ("~/listener.onnx", home / "listener.onnx"):
        assert heard(beat, path) == heard(beat, load_listener(path)) == heard(beat)
    for path in ("~/transcriber.onnx", home / "transcriber.onnx"):
        expected = notes(transcribe(beat))
        assert notes(transcribe(beat, path)) == expected
        assert notes(transcribe(beat, load_transcriber(path))) == expected
    with pytest.raises(ValueError, match=r"listener.onnx: is no transcriber"):
        transcribe(beat, "~/listener.onnx")
    with pytest.raises(ValueError, match="there is no such model file"):
        Stream("none.onnx")


def test_home_is_known_wherever_a_file_is_read(beat, home):
    soundfile.write(home / "beat.wav", beat, SR)
    groove = transcribe("~/beat.wav")
    assert groove.name == "beat" and len(groove) > 20
    assert any(said.label == "kick" for said in listen_to_file("~/beat.wav"))
    assert all(path.is_file() for path in slice_hits("~/beat.wav", "~/hits", groove))
    write_notes(groove, "~/beat.csv")
    write_midi(groove, "~/beat.mid")
    assert len(read_notes("~/beat.csv")) == len(read_midi("~/beat.mid")) == len(groove)
    write_sound(home / "lib" / "kick" / "1.wav")
    (home / "lib.csv").write_text("path,label\nlib/kick/1.wav,kick\n")
    assert len(datasets.read_folder("~/lib")[0]) == len(datasets.read_csv("~/lib.csv")[0]) == 1


def test_home_is_known_where_files_are_sorted_to(home, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_sound("new/1.wav")
    sort_files([("new/1.wav", "kick")], "~/sorted")
    assert (home / "sorted" / "kick" / "1.wav").is_file() and not os.path.exists("~")
    undo("~/sorted")
    assert not (home / "sorted" / "kick").exists()


@pytest.mark.parametrize("longest", [0, -1, np.nan, np.inf])
def test_pieces_of_no_length(tmp_path, longest):
    write_sound(tmp_path / "loop.wav")
    with pytest.raises(ValueError, match=f"longest is a number of seconds above 0, not {longest}"):
        slice_hits(tmp_path / "loop.wav", tmp_path, Groove([0.0], ["kick"]), longest=longest)
    assert os.listdir(tmp_path) == ["loop.wav"]


# -- the rest


def test_names_may_be_an_array():
    drums = synth_drums(n_kits=1, hits=1)
    players = listen(*drums, names=drums.labels)
    assert all(f"<b>{label}</b>" in players for label in drums.labels)
    with pytest.raises(ValueError, match="5 sounds but 2 names"):
        listen(*drums, names=drums.labels[:2])
    assert listen(drums[0], names=np.array([])) == display.listen(drums[0])


def test_labels_that_are_no_list():
    message = r"two lists of one length, not labels of shape \(\) for times of shape \(1,\)"
    with pytest.raises(ValueError, match=message):
        Groove([1.0], "kick")


@pytest.mark.parametrize(
    "table", [datasets.manifest, datasets.audit_decisions, grooves.groove_facts]
)
def test_a_table_that_is_changed_is_the_callers_own(table):
    changed, before = table(), table()
    changed["label"] = "gone"
    changed.iloc[:, 0] = "gone"
    assert table().equals(before) and not before.equals(changed)


def test_a_microphone_that_does_not_start_is_closed(monkeypatch):
    closed = []

    def fail():
        raise card.PortAudioError("Device unavailable [PaErrorCode -9985]")

    card = SimpleNamespace(
        PortAudioError=type("PortAudioError", (Exception,), {}),
        query_devices=lambda *_: {"name": "Card", "max_input_channels": 1},
        check_input_settings=lambda *_, **__: None,
        InputStream=lambda **_: SimpleNamespace(start=fail, close=lambda: closed.append(True)),
    )
    monkeypatch.setitem(sys.modules, "sounddevice", card)
    with pytest.raises(AudioError, match="Card: cannot be opened"), Microphone():
        pass
    assert closed == [True]

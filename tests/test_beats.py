"""Beats on the page that names drums: the script writes down what the package does."""

import json
import re
import warnings

import numpy as np
import onnx
import pytest
import soxr
from conftest import toy_groove
from onnx import numpy_helper
from test_page import TOOLS, asked, modules, node, told

from drumlesson.audio import SR, AudioError
from drumlesson.dev import page
from drumlesson.drums import load_drums
from drumlesson.groove import DRUMS
from drumlesson.midi import Groove, read_midi, read_notes, write_midi, write_notes
from drumlesson.rendering import drum_kits, render
from drumlesson.transcribing import (
    _SHIPPED,
    Transcriber,
    _given,
    _pictures,
    load_transcriber,
    transcribe,
)

__all__ = ["modules"]  # a fixture
pytestmark = pytest.mark.filterwarnings("ignore:.*something beside drums sounds")


def written_by_script(modules, sounds, sr=SR):
    """What the script writes down of sounds, a dict each."""
    parts = [np.array([len(x), sr], "<u4").tobytes() + x.astype("<f4").tobytes() for x in sounds]
    lines = node(TOOLS / "beats.js", modules, given=b"".join(parts))
    return [json.loads(line) for line in lines.splitlines()]


def notes_of(hits):
    """The hits of the script as the package counts them: (frame, drum)."""
    return [(round(hit["time"] * 100_000), hit["drum"]) for hit in hits]


def notes_in(groove):
    """The same of a groove."""
    times = np.rint(groove.times * 100_000).astype(int).tolist()
    return list(zip(times, groove.labels.tolist(), strict=True))


def curves_of(transcriber, x):
    """What the package's network says of each frame."""
    return np.concatenate(list(transcriber.curves(_pictures(_given(x, SR)[1]))))


@pytest.fixture(scope="module")
def rounded():
    """The shipped transcriber with weights as the page has them, run by the package."""
    model = onnx.load_model_from_string(_SHIPPED.read_bytes())
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32:
            continue
        bits = page._coarse(values.size)
        if bits < 16:
            most = 2 ** (bits - 1) - 1
            rows = np.abs(values.reshape(len(values), -1)).max(axis=1) / most
            steps = rows.astype(np.float32).reshape(-1, *[1] * (values.ndim - 1))
            values = (np.rint(values / steps) * steps).astype(np.float32)
        elif bits == 16:
            values = values.astype(np.float16).astype(np.float32)
        tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    return Transcriber(model.SerializeToString())


def synthesised(n, seconds=12.0):
    """Grooves on synthesised kits, in rooms."""
    kits = drum_kits(load_drums("synth", n_kits=n, hits=2, random_state=21))
    return [render(toy_groove(i, seconds), kit, kits, i).x for i, kit in enumerate(kits)]


def recorded(n, seconds=12.0):
    """The same on recorded kits."""
    kits = drum_kits(load_drums("open", labels=None))
    chosen = np.random.default_rng(3).permutation(len(kits))[:n]
    return [render(toy_groove(i, seconds), kits[i], kits, int(i)).x for i in chosen]


def check_alike(modules, sounds, rounded):
    """Script and package agree; returns the figures."""
    said = written_by_script(modules, sounds)
    figures = {"seconds": 0.0, "hits": 0, "script": 0.0, "weights": 0.0, "other hits": 0}
    for x, answer in zip(sounds, said, strict=True):
        curves = np.array(answer["curves"]).reshape(-1, len(DRUMS) + 1)
        off = np.abs(curves - curves_of(rounded, x)).max()
        theirs = transcribe(x, rounded)
        assert notes_of(answer["hits"]) == notes_in(theirs)
        velocities = np.array([hit["velocity"] for hit in answer["hits"]])
        assert np.abs(velocities - theirs.velocities).max() <= 1
        assert answer["seconds"] == pytest.approx(theirs.duration)
        shipped = curves_of(load_transcriber(), x)
        others = set(notes_of(answer["hits"])) ^ set(notes_in(transcribe(x)))
        figures["seconds"] += len(x) / SR
        figures["hits"] += len(answer["hits"])
        figures["script"] = max(figures["script"], off)
        figures["weights"] = max(figures["weights"], np.abs(curves - shipped).max())
        figures["other hits"] += len(others)
    return figures


def check_figures(figures):
    """The script is exact; fewer bits for the weights change few hits, those at a threshold."""
    assert figures["script"] < 1e-3, "with the same weights"
    assert figures["weights"] < 0.03, "with those of the package"
    assert figures["other hits"] <= 0.01 * figures["hits"]
    assert figures["hits"] > figures["seconds"], "too few hits to say anything"


def test_synthesised_beats_are_written_down_alike(modules, rounded, capsys):
    figures = check_alike(modules, synthesised(4), rounded)
    told(capsys, "script against package, synthesised beats", figures)
    check_figures(figures)


def test_recorded_drums_are_written_down_alike(modules, rounded, open_kits, capsys):
    figures = check_alike(modules, recorded(8), rounded)
    told(capsys, "script against package, recorded drums", figures)
    check_figures(figures)


@pytest.mark.parametrize("seconds", [0.25, 2.0, 7.36, 7.4, 20.0])
def test_any_length_is_written_down_alike(modules, rounded, seconds):
    """Shorter than what the network takes at once, as long, and longer."""
    (x,) = synthesised(1, 20.0)
    x = x[: round(seconds * SR)]
    (answer,) = written_by_script(modules, [x])
    assert notes_of(answer["hits"]) == notes_in(transcribe(x, rounded))


def test_silence_is_refused_as_in_the_package(modules):
    silence = np.zeros(2 * SR, np.float32)
    with pytest.raises(AudioError, match="is silent"):
        transcribe(silence)
    with pytest.raises(AssertionError, match="is silent"):
        written_by_script(modules, [silence])


def test_an_offset_is_taken_away_as_in_the_package(modules, rounded):
    (x,) = synthesised(1)
    moved = (0.5 * x + 0.2).astype(np.float32)
    plain, answer = written_by_script(modules, [x, moved])
    assert notes_of(answer["hits"]) == notes_in(transcribe(moved, rounded))
    assert len(set(notes_of(answer["hits"])) ^ set(notes_of(plain["hits"]))) <= 1
    with pytest.raises(AssertionError, match="holds one value all along"):
        written_by_script(modules, [np.full(2 * SR, 0.3, np.float32)])


@pytest.mark.parametrize("sr", [44100, 48000])
def test_another_rate_gives_the_same_hits(modules, rounded, sr):
    (x,) = synthesised(1)
    higher = soxr.resample(x, SR, sr).astype(np.float32)
    (answer,) = written_by_script(modules, [higher], sr)
    assert notes_of(answer["hits"]) == notes_in(transcribe(higher, rounded, sr=sr))


def without_numbers(text):
    """A text with N for each number."""
    return re.sub(r"\d+", "N", text)


def warned(x):
    """What the package warns of, without the number and the name of the recording; or nothing."""
    with warnings.catch_warnings(record=True, action="always") as caught:
        transcribe(x)
    return " ".join(without_numbers(str(w.message).partition(": ")[2]) for w in caught)


def test_it_warns_where_the_package_does(modules):
    """In the same words."""
    noise = np.random.default_rng(0).standard_normal((2, 6 * SR)) * 0.1
    t = np.arange(6 * SR) / SR
    chord = sum(np.sin(2 * np.pi * hz * t) for hz in (220, 277, 330, 440)) / 8
    sounds = [chord.astype(np.float32), *noise.astype(np.float32)[:1], *synthesised(1, 6.0)]
    said = written_by_script(modules, sounds)
    for x, answer in zip(sounds, said, strict=True):
        more = curves_of(load_transcriber(), x)[:, -1].mean()
        assert answer["more"] == pytest.approx(more, abs=0.02)
        said_there = answer["warning"].lower().replace(". ", " ").rstrip(".")
        assert without_numbers(said_there).lower() == warned(x).lower()
    assert {bool(answer["warning"]) for answer in said} == {True, False}


def test_no_step_takes_a_quarter_of_all(modules, capsys):
    (x,) = synthesised(1, 30.0)
    _, second = written_by_script(modules, [x, x])
    figures = {
        "seconds of work a minute": second["busy"] / 500,
        "longest step, ms": second["longest"],
    }
    told(capsys, "a beat in node", figures)
    assert second["longest"] < second["ms"] / 4, "it is done in one go"


# -- weights


@pytest.mark.parametrize("bits", [10, 12])
@pytest.mark.parametrize("shape", [(3, 5), (4, 2, 1, 3), (1, 1), (7, 64)])
def test_steps_are_read_as_they_were_written(modules, bits, shape):
    values = np.random.default_rng(bits).standard_normal(shape).astype(np.float32)
    text = page.base64.b85encode(page._as_steps(values, bits)).decode()
    read = asked(modules, "weights", text=text, shape=shape, bits=bits)
    step = np.abs(values.reshape(len(values), -1)).max(axis=1) / (2 ** (bits - 1) - 1)
    off = np.abs(np.reshape(read, values.shape) - values).reshape(len(values), -1).max(axis=1)
    assert np.all(off <= 0.501 * step)


def test_a_row_of_zeros_stays_one(modules):
    text = page.base64.b85encode(page._as_steps(np.zeros((2, 3), np.float32), 10)).decode()
    assert asked(modules, "weights", text=text, shape=[2, 3], bits=10) == [0] * 6


# -- files


def played():
    """A groove with all drums, two at once, one again before it ends, and a last one at the end."""
    times = [0.0, 0.0, 0.05, 0.5, 0.52, 1.0, 1.25, 61.5, 62.0]
    labels = ["kick", "hihat", "hihat", "snare", "tom", "cymbal", "other", "kick", "snare"]
    return Groove(
        times, labels, [1, 40, 127, 100, 64, 80, 20, 90, 110], duration=62.0, name="ü beat"
    )


def as_question(groove):
    """A groove as the script has it."""
    columns = zip(groove.times.tolist(), groove.labels.tolist(), groove.velocities, strict=True)
    hits = [{"time": t, "drum": drum, "velocity": int(v)} for t, drum, v in columns]
    return {"hits": hits, "seconds": groove.duration, "name": groove.name}


@pytest.mark.parametrize("groove", [played(), toy_groove(3, 9.0)], ids=["made up", "toy"])
def test_the_midi_file_is_that_of_the_package(modules, tmp_path, groove):
    ours, theirs = tmp_path / "ours.mid", tmp_path / "theirs.mid"
    ours.write_bytes(bytes.fromhex(asked(modules, "midi", groove=as_question(groove))))
    write_midi(groove, theirs)
    assert ours.read_bytes() == theirs.read_bytes()
    read = read_midi(ours)
    assert read.labels.tolist() == groove.labels.tolist()
    np.testing.assert_allclose(read.times, groove.times, atol=1e-3)
    assert read.velocities.tolist() == groove.velocities.tolist()


def test_the_table_is_that_of_the_package(modules, tmp_path):
    ours, theirs = tmp_path / "ours.csv", tmp_path / "theirs.csv"
    ours.write_bytes(asked(modules, "csvOfBeat", groove=as_question(played())).encode())
    write_notes(played(), theirs)
    assert ours.read_bytes() == theirs.read_bytes()
    assert len(read_notes(ours)) == len(played())


# -- what is a beat


def count(modules, x, sr=SR):
    """How many hits the page counts before it decides what a recording is."""
    return asked(modules, "hitCount", x=np.asarray(x, float).tolist(), sr=sr)


def test_a_hit_is_no_beat_and_a_beat_is_one(modules):
    drums = load_drums("synth", n_kits=2, hits=1, random_state=12)
    long = [np.pad(x, (0, max(0, 3 * SR - len(x)))) for x in drums.waves]
    assert [count(modules, x) for x in long] == [1] * len(long)
    assert all(count(modules, x[: 4 * SR]) > 3 for x in synthesised(2))


def test_the_example_is_heard_as_it_is_meant(modules):
    """The page's own beat: most of its hits are found, and none of the warnings comes."""
    x = np.array(asked(modules, "example"), np.float32)
    assert np.abs(x).max() < 1 and len(x) < 8 * SR
    assert count(modules, x) > 3
    (answer,) = written_by_script(modules, [x])
    drums = [hit["drum"] for hit in answer["hits"]]
    counts = {drum: drums.count(drum) for drum in DRUMS}
    assert answer["warning"] == "" and counts["kick"] == 6
    assert counts["snare"] >= 4 and counts["hihat"] >= 10 and counts["cymbal"] >= 1

"""From a recording to a groove: any length, any file, without TensorFlow."""

import copy
import pickle
import tracemalloc
import warnings

import numpy as np
import pytest
import soundfile
import soxr
from conftest import files_below, toy_groove, write_sound
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import drumlesson
from drumlesson import runtime
from drumlesson.audio import SR, AudioError
from drumlesson.drums import synth_drums
from drumlesson.groove import DRUMS, FRAMES, HOP, count_hits, f_measure, frame_picture
from drumlesson.midi import Groove
from drumlesson.outside import _MAKERS, _accompaniment, _made
from drumlesson.rendering import drum_kits, render
from drumlesson.transcribing import (
    _SHIPPED,
    PictureStream,
    Transcriber,
    _given,
    _measure_velocities,
    _opened,
    load_transcriber,
    transcribe,
)


def pieces_of(x, sizes):
    """An array in pieces of these sizes, in turn, until nothing is left."""
    at, turn = 0, 0
    while at < len(x):
        size = sizes[turn % len(sizes)]
        yield x[at : at + size]
        at, turn = at + size, turn + 1


def alike(groove, other, frames=0):
    """Whether two grooves have the same hits, each at the same moment but for so many frames."""
    if groove.labels.tolist() != other.labels.tolist():
        return False
    return bool(np.all(np.abs(groove.times - other.times) <= frames * HOP / SR + 1e-6))


def notes_of(groove):
    """All that a groove says of its notes."""
    return list(zip(groove.times, groove.labels, groove.velocities, strict=True))


def test_a_hit_on_the_first_sample_is_heard():
    """Loops are cut so; before such a hit there is nothing that it could stand out from."""
    kits = drum_kits(synth_drums(n_kits=40, hits=6))
    beat = 0.4
    hats, kicks = np.arange(16) * beat / 2, np.array([0, 1.5, 2, 4, 5.5, 6]) * beat
    times = [*hats, *kicks, *(np.arange(1, 8, 2) * beat), 0]
    labels = ["hihat"] * 16 + ["kick"] * 6 + ["snare"] * 4 + ["cymbal"]
    velocities = [90, 50] * 8 + [110] * 6 + [120] * 4 + [100]
    rock = Groove(times, labels, velocities, duration=8 * beat)
    for number, drums in ((3, {"kick"}), (5, {"kick", "cymbal"})):
        found = transcribe(render(rock, kits[number], kits, 1, strip=None).x)
        assert set(found.labels[found.times < 0.05]) == drums
        assert found.times.min() >= 0


# -- pieces


@given(
    samples=st.integers(1, 5000),
    sizes=st.lists(st.integers(1, 1500), min_size=1, max_size=6),
    seed=st.integers(0, 99),
)
def test_pieces_of_any_size_give_the_frames_of_the_whole(samples, sizes, seed):
    x = 0.1 * np.random.default_rng(seed).standard_normal(samples).astype(np.float32)
    stream = PictureStream()
    frames = [stream.push(piece) for piece in pieces_of(x, sizes)]
    picture = np.concatenate([*frames, stream.finish()])
    whole = frame_picture(x)
    assert picture.dtype == np.float32 and picture.shape == whole.shape
    np.testing.assert_allclose(picture, whole, atol=1e-3)


def test_frames_come_as_soon_as_their_samples_are_there():
    """A stream holds back no frame: that is what makes it fit to be listened to."""
    stream, there = PictureStream(), 0
    for block in range(1, 40):
        there += len(stream.push(np.zeros(HOP, np.float32)))
        assert there == max((block * HOP - FRAMES.n_fft // 2) // HOP + 1, 0)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    frames=st.integers(1, 2600),
    sizes=st.lists(st.integers(0, 1200), min_size=1, max_size=5).filter(any),
    seed=st.integers(0, 99),
)
def test_curves_do_not_depend_on_the_pieces(transcriber, frames, sizes, seed):
    """Nor on where the network's blocks begin, for each sees what lies around it."""
    picture = np.random.default_rng(seed).uniform(-5, 1, (frames, 80)).astype(np.float32)
    curves = np.concatenate(list(transcriber.curves(pieces_of(picture, sizes))))
    whole = np.concatenate(list(transcriber.curves([picture])))
    assert curves.shape == whole.shape == (frames, len(DRUMS))
    np.testing.assert_allclose(curves, whole, atol=1e-5)


def test_a_frame_is_answered_alike_wherever_it_lies_in_a_block(transcriber):
    """A picture that begins 300 frames later has the same curves, but for its borders."""
    picture = np.random.default_rng(0).uniform(-5, 1, (2500, 80)).astype(np.float32)
    whole = np.concatenate(list(transcriber.curves([picture])))
    later = np.concatenate(list(transcriber.curves([picture[300:]])))
    np.testing.assert_allclose(later[50:-50], whole[350:-50], atol=1e-4)


# -- recordings


def test_most_of_what_is_played_is_heard(transcriber, beat):
    groove = transcribe(beat.x, transcriber)
    assert f_measure(count_hits(beat.groove, groove)) > 0.6
    assert groove.duration == pytest.approx(8.0) and np.all(np.diff(groove.times) >= 0)
    assert set(groove.labels) <= set(DRUMS)


WAYS = {  # to keep a recording: what each channel has of it, ending, subtype
    "wav": ([1], "wav", "FLOAT"),
    "flac": ([1], "flac", "PCM_24"),
    "stereo": ([1, 1], "wav", "FLOAT"),
    "one side": ([1, 0], "wav", "FLOAT"),
    "cancelling": ([1, -1], "wav", "FLOAT"),
    "six channels": ([1] * 6, "wav", "PCM_24"),
}


def hits_of(groove):
    """{(time, drum): velocity}. A hit just at a threshold may fall to either side by rounding."""
    hits = zip(groove.times.round(3), groove.labels, groove.velocities, strict=True)
    return {(time, drum): int(velocity) for time, drum, velocity in hits}


@pytest.mark.parametrize("way", WAYS)
def test_a_file_gives_the_hits_of_its_samples(transcriber, beat, tmp_path, way):
    mono = beat.x / np.float32(2 * np.abs(beat.x).max())
    gains, ending, subtype = WAYS[way]
    x = np.outer(mono, np.float32(gains))
    path = write_sound(tmp_path / f"a beat.{ending}", x, subtype=subtype)
    groove = transcribe(path, transcriber)
    heard, expected = hits_of(groove), hits_of(transcribe(mono, transcriber))
    both = heard.keys() & expected.keys()
    assert len(both) > 20 and len(both) > 0.98 * max(len(heard), len(expected))
    assert all(abs(heard[hit] - expected[hit]) <= 1 for hit in both)
    assert groove.name == "a beat" and groove.duration == pytest.approx(8.0)


@pytest.mark.parametrize(
    "change",
    [
        lambda x: 0.2 * x + 0.3,
        lambda x: -0.1 - 0.2 * x,
        lambda x: x.astype(float) * 1e20,
        lambda x: x * 1e-7,
        lambda x: x.astype(float) + 1e3,
    ],
)
def test_offset_and_scale_of_samples_change_nothing(transcriber, beat, change):
    heard = hits_of(transcribe(change(beat.x), transcriber))
    expected = hits_of(transcribe(beat.x, transcriber))
    assert len(heard.keys() & expected.keys()) > 0.98 * max(len(heard), len(expected)) > 20


def test_the_level_is_that_of_the_sound_however_it_comes(beat, tmp_path, monkeypatch):
    x = (0.3 * beat.x / np.abs(beat.x).max() + 0.2)[: round(7.77 * SR)]
    mono, _ = _given(x, SR)
    levels = []
    for channels, block in ((1, 1 << 18), (2, 1 << 18), (4, 1 << 18), (1, 1000), (3, 777)):
        monkeypatch.setattr("drumlesson.transcribing._BLOCK", block)
        path = write_sound(tmp_path / "x.wav", np.stack([x] * channels, axis=1), subtype="FLOAT")
        facts, _ = _opened(path)
        assert facts.channel is None and facts.offset == pytest.approx(x.mean(), rel=1e-3)
        levels.append(facts.level)
    assert levels == pytest.approx([levels[0]] * len(levels), rel=1e-5)
    assert mono.level == pytest.approx(levels[0], rel=1e-5)


def test_a_recording_without_high_frequencies_is_warned_of(transcriber, beat, tmp_path):
    low = soxr.resample(beat.x, SR, 8000)
    path = write_sound(tmp_path / "low.wav", low, 8000, subtype="PCM_16")
    with pytest.warns(UserWarning, match="low.wav: holds next to nothing above 5.5 kHz"):
        transcribe(path, transcriber)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*5.5 kHz")
        transcribe(beat.x, transcriber)


def test_a_kick_alone_is_not_called_dull(transcriber, tmp_path):
    t = np.arange(SR // 2) / SR
    click = np.random.default_rng(0).standard_normal(len(t)) * np.exp(-t / 0.001)
    kick = np.sin(2 * np.pi * 60 * t) * np.exp(-t / 0.15) + 1e-3 * click
    loop = np.tile(kick, 8).astype(np.float32)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*5.5 kHz")
        transcribe(loop, transcriber)
    with pytest.warns(UserWarning, match="next to nothing above 5.5 kHz"):
        transcribe(soxr.resample(loop, SR, 8000), transcriber, sr=8000)


def test_clicks_in_the_middle_do_not_hide_that_channels_cancel(tmp_path):
    side = 0.1 * np.sin(np.arange(8 * SR) / 10)
    middle = np.zeros(8 * SR)
    for start in range(SR, 8 * SR, 2 * SR):
        middle[start : start + SR // 50] = 0.06
    x = np.stack([side + middle + 0.1, middle - side + 0.1], axis=1)
    facts, _ = _opened(write_sound(tmp_path / "x.wav", x.astype(np.float32), subtype="FLOAT"))
    assert facts.channel is not None and facts.level == pytest.approx(0.0711, rel=0.01)


@pytest.mark.parametrize("value", [3e38, 1e-4])
def test_numbers_too_great_and_too_small(transcriber, beat, tmp_path, value):
    x = np.stack([value * beat.x / np.abs(beat.x).max()] * 2, axis=1).astype(np.float32)
    path = write_sound(tmp_path / "x.wav", x, subtype="FLOAT")
    if value > 1:
        with pytest.raises(AudioError, match="too great for samples|infinite samples"):
            transcribe(path, transcriber)
    else:
        assert len(transcribe(path, transcriber)) == len(transcribe(beat.x, transcriber))


def test_a_file_that_may_not_be_read_is_one_line(transcriber, tmp_path, monkeypatch):
    def closed(path):
        raise PermissionError(13, "Permission denied")

    path = write_sound(tmp_path / "x.wav", np.ones(SR, np.float32))
    monkeypatch.setattr("drumlesson.transcribing._open", closed)
    with pytest.raises(AudioError, match="x.wav: cannot be read .*Permission denied"):
        transcribe(path, transcriber)


@pytest.mark.parametrize("sr", [44_100, 48_000, 96_000])
def test_another_rate_gives_the_same_hits(transcriber, beat, tmp_path, sr):
    x = soxr.resample(beat.x, SR, sr)
    path = write_sound(tmp_path / "beat.wav", x, sr, subtype="FLOAT")
    expected = transcribe(beat.x, transcriber)
    for groove in (transcribe(path, transcriber), transcribe(x, transcriber, sr=sr)):
        assert f_measure(count_hits(expected, groove, window=0.015)) > 0.98
        assert groove.duration == pytest.approx(8.0, abs=0.001)


@pytest.mark.parametrize("gain", [0.001, 0.3, 5])
def test_a_soft_recording_gives_the_hits_of_a_loud_one(transcriber, beat, gain):
    groove = transcribe(np.float32(gain) * beat.x, transcriber)
    assert notes_of(groove) == notes_of(transcribe(beat.x, transcriber))


@pytest.mark.parametrize("seconds", [8, 120])
def test_silence_around_the_drums_changes_nothing(transcriber, beat, seconds):
    silence = np.zeros(seconds * SR // HOP * HOP, np.float32)
    whole = transcribe(np.concatenate([silence, beat.x, silence]), transcriber)
    start = len(silence) / SR
    alone = transcribe(beat.x, transcriber)
    counts = count_hits(alone, whole.between(start, start + 8), window=0.015)
    assert f_measure(counts) > 0.95 and np.all(whole.times > start - 0.02)


def test_it_is_the_same_each_time(transcriber, beat):
    first, second = transcribe(beat.x, transcriber), transcribe(beat.x, transcriber)
    assert notes_of(first) == notes_of(second)


def test_what_comes_later_is_heard_like_what_comes_first(transcriber, beat):
    """Over many blocks, of samples and of frames."""
    frames = len(beat.x) // HOP
    x = np.tile(beat.x[: frames * HOP], 7)
    groove = transcribe(x, transcriber)
    length = frames * HOP / SR
    second, sixth = (groove.between(i * length, (i + 1) * length) for i in (1, 5))
    assert len(second) > 20 and alike(second, sixth)


def test_a_loud_stroke_has_a_higher_velocity(shipped, beat):
    half = len(beat.x) // 2
    gain = np.where(np.arange(len(beat.x)) < half, 0.3, 1).astype(np.float32)
    groove = transcribe(gain * beat.x, shipped)
    soft, loud = groove.between(0, 4), groove.between(4, 8)
    for drum in ("kick", "snare"):
        assert np.median(loud.velocities[loud.labels == drum]) > 1.5 * np.median(
            soft.velocities[soft.labels == drum]
        )


# -- memory


def peak_of(path, transcriber):
    """The most memory that a transcription takes, in bytes."""
    tracemalloc.start()
    try:
        groove = transcribe(path, transcriber)
        return tracemalloc.get_traced_memory()[1], groove
    finally:
        tracemalloc.stop()


def test_a_long_recording_takes_little_more_memory_than_a_short_one(transcriber, beat, tmp_path):
    minute = np.resize(beat.x, 60 * SR)
    paths = []
    for minutes in (1, 10):
        paths.append(tmp_path / f"{minutes}.wav")
        with soundfile.SoundFile(paths[-1], "w", SR, 1, "PCM_16") as file:
            for _ in range(minutes):
                file.write(minute)
    (short, few), (long, many) = (peak_of(path, transcriber) for path in paths)
    assert long < 2 * short and long < 100e6
    assert many.duration == pytest.approx(600) and len(many) > 9 * len(few) > 0


# -- what is no groove


def cut(path, kept):
    """The same file without its end."""
    content = path.read_bytes()
    path.write_bytes(content[: round(kept * len(content))])
    return path


def nan_sound(path):
    x = np.full(SR, 0.1, np.float32)
    x[500] = np.nan
    return write_sound(path, x, subtype="FLOAT")


NO_GROOVES = {
    "silence": (lambda p: write_sound(p / "x.wav", np.zeros(SR)), "is silent"),
    "too short": (lambda p: write_sound(p / "x.wav", np.full(2000, 0.1)), "too short"),
    "no samples": (lambda p: write_sound(p / "x.wav", np.zeros(0)), "is empty"),
    "truncated wav": (lambda p: cut(write_sound(p / "x.wav"), 0.5), "truncated"),
    "truncated flac": (lambda p: cut(write_sound(p / "x.flac"), 0.5), "x.flac"),
    "NaN": (lambda p: nan_sound(p / "x.wav"), "NaN"),
    "a header alone": (lambda p: cut(write_sound(p / "x.wav"), 0.001), "x.wav"),
    "no bytes": (lambda p: write_text(p / "x.wav", ""), "x.wav"),
    "text": (lambda p: write_text(p / "x.wav", "no sound"), "cannot be read as sound"),
    "raw": (lambda p: write_text(p / "x.raw", "no sound"), "cannot be read as sound"),
    "a folder": (lambda p: p, "it is a folder"),
    "nothing": (lambda p: p / "x.wav", "there is no such file"),
}


def write_text(path, text):
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", NO_GROOVES)
def test_what_is_no_recording_is_told_in_one_line(transcriber, tmp_path, name):
    make, message = NO_GROOVES[name]
    path = make(tmp_path)
    before = files_below(tmp_path)
    with pytest.raises(AudioError) as error:
        transcribe(path, transcriber)
    text = str(error.value)
    assert text.startswith(f"{path}: ") and message in text and len(text.splitlines()) == 1
    assert files_below(tmp_path) == before


@pytest.mark.parametrize(
    "x, message",
    [
        (np.zeros(SR), "is silent"),
        (np.zeros(0), "is empty"),
        (np.full(2000, 0.1), "too short"),
        (np.full(SR, np.inf), "NaN or infinite"),
        (np.zeros((SR, 2)), "an array of shape"),
    ],
    ids=["silent", "empty", "short", "infinite", "stereo"],
)
def test_samples_that_are_no_recording(transcriber, x, message):
    with pytest.raises(AudioError, match=message):
        transcribe(x, transcriber)


@pytest.mark.parametrize("kind", _MAKERS)
def test_what_is_no_drum_does_no_harm(transcriber, kind):
    """Whatever is heard in it is a groove within its length."""
    for seed in range(3):
        x = _made(kind, [seed])
        groove = transcribe(x, transcriber)
        assert groove.duration >= len(x) / SR > groove.times.max(initial=0)


def test_a_steady_tone_and_a_lone_click(transcriber):
    t = np.arange(3 * SR) / SR
    click = np.zeros(3 * SR, np.float32)
    click[SR] = 1
    for x in (np.sin(2 * np.pi * 440 * t), click):
        groove = transcribe(x, transcriber)
        assert len(groove) < 60 and groove.duration == pytest.approx(3.0)


@pytest.mark.parametrize("value", [1, -0.3, 1e-3])
def test_one_value_all_along_is_no_sound(transcriber, value):
    with pytest.raises(AudioError, match="holds one value all along"):
        transcribe(np.full(3 * SR, value), transcriber)


# -- the file of a transcriber


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda p: None, "there is no such model file"),
        (lambda p: p.mkdir(), "there is no such model file"),
        (lambda p: p.touch(), "is no transcriber"),
        (lambda p: p.write_text("no network"), "is no transcriber"),
        (lambda p: p.write_bytes(runtime.SHIPPED.read_bytes()), "no transcriber"),
    ],
    ids=["missing", "folder", "empty", "text", "classifier"],
)
def test_what_is_no_transcriber(tmp_path, make, message):
    path = tmp_path / "x.onnx"
    make(path)
    with pytest.raises(ValueError) as error:
        load_transcriber(path)
    text = str(error.value)
    assert text.startswith(f"{path}: ") and message in text and len(text.splitlines()) == 1


@pytest.mark.parametrize("told", ["", "{}", "[]", '{"threshold": [1], "margin": "x"}'])
def test_a_network_that_does_not_tell_how_it_is_read(transcriber_file, tmp_path, told):
    from drumlesson.exporting import with_metadata

    content = with_metadata(transcriber_file.read_bytes(), {"transcriber": told})
    (tmp_path / "x.onnx").write_bytes(content)
    with pytest.raises(ValueError, match=r"x\.onnx: is no transcriber, or a damaged one"):
        load_transcriber(tmp_path / "x.onnx")


def test_a_transcriber_says_what_was_measured(transcriber):
    assert transcriber.report_ == {"about": "a toy"}
    assert transcriber.threshold_.tolist() == [0.3] * len(DRUMS)
    assert repr(transcriber).startswith("Transcriber(kick, snare, hihat, cymbal, tom, other; ")
    assert isinstance(transcriber, Transcriber)


# -- the one that comes along


@pytest.fixture(scope="module")
def shipped():
    return load_transcriber()


def test_the_package_has_it_under_its_own_name(beat):
    assert drumlesson.transcribe is transcribe
    groove = drumlesson.transcribe(beat.x)
    assert f_measure(count_hits(beat.groove, groove)) > 0.5


def test_the_shipped_file_is_small(shipped):
    assert _SHIPPED.stat().st_size < 1_000_000
    assert shipped.threshold_.shape == (len(DRUMS),)
    assert np.all((shipped.threshold_ > 0) & (shipped.threshold_ < 1))


def test_the_shipped_one_hears_a_simple_beat(shipped, toy_kits):
    """Kick and snare in turn, hi-hats in between: every onset and every kick, on made kits, too."""
    times = np.arange(16) * 0.25 + 0.1
    groove = Groove(times, ["kick", "hihat", "snare", "hihat"] * 4, duration=4.3)
    scores = []
    for kit in toy_kits:
        made = render(groove, kit, toy_kits, effects=None, strip=None)
        heard = transcribe(made.x, shipped)
        assert all(np.abs(heard.times - time).min() < 0.03 for time in times)
        counts = count_hits(made.groove, heard)
        assert counts.loc["kick", "right"] == 4
        scores.append(f_measure(counts))
    assert np.median(scores) > 0.7


def one_each_second(labels, velocities):
    """Hits that do not overlap."""
    return Groove(np.arange(len(labels)) + 0.5, labels, velocities, duration=len(labels) + 1)


def test_a_constant_velocity_is_right_in_half_of_the_pairs():
    played = one_each_second(["kick"] * 6, [20, 50, 70, 90, 100, 127])
    written = one_each_second(["kick"] * 6, [100] * 6)
    row = _measure_velocities([(played, written)]).loc["kick"]
    assert row["order"] == 0.5 and row["hits"] == 6
    assert row["error"] == row["error of 100"] == pytest.approx(np.mean([80, 50, 30, 10, 0, 27]))


def test_velocities_are_measured_by_drum_and_recording():
    played = one_each_second(["kick", "snare"] * 3, [30, 90, 60, 60, 90, 30])
    turned = one_each_second(["kick", "snare"] * 3, [90, 90, 60, 60, 30, 30])
    table = _measure_velocities([(played, turned)])
    assert table["order"].to_dict() == {"kick": 0, "snare": 1}
    assert table["error"].to_dict() == {"kick": 40, "snare": 0}
    late = Groove(played.times + 0.2, played.labels, played.velocities)
    assert _measure_velocities([(played, late)]).empty
    louder = one_each_second(["kick"] * 2, [127, 127])  # no pair across recordings counts
    assert _measure_velocities([(louder, louder)]).empty


def test_guessed_velocities_are_better_than_a_constant(shipped, toy_kits):
    rng = np.random.default_rng(0)
    times = np.arange(48) * 0.25 + 0.1
    pairs = []
    for kit in toy_kits:
        labels = ["kick", "hihat", "snare", "hihat"] * 12
        groove = Groove(times, labels, rng.integers(20, 127, 48), duration=12.5)
        made = render(groove, kit, toy_kits, effects=None, strip=None)
        pairs.append((made.groove, transcribe(made.x, shipped)))
    table = _measure_velocities(pairs).loc[["kick", "snare", "hihat"]]
    assert (table["hits"] > 20).all() and (table["order"] > 0.75).all()
    assert table["error"].mean() < table["error of 100"].mean()


def test_the_shipped_one_bears_some_silence_around_the_drums(shipped, beat):
    silence = np.zeros(8 * SR // HOP * HOP, np.float32)
    whole = transcribe(np.concatenate([silence, beat.x, silence]), shipped)
    start = len(silence) / SR
    counts = count_hits(transcribe(beat.x, shipped), whole.between(start, start + 8))
    assert f_measure(counts) > 0.8 and np.all(whole.times > start - 0.02)


@pytest.mark.parametrize("kind", _MAKERS)
def test_the_shipped_one_bears_what_is_no_drum(shipped, kind):
    groove = transcribe(_made(kind, [0]), shipped)
    assert len(groove) <= 20


# -- something beside drums


@pytest.mark.parametrize("kinds", [("chord",), ("speech",), ("melody",)])
def test_it_warns_where_more_than_drums_sounds(kinds):
    """Of kinds that the network has not learned from."""
    with pytest.warns(UserWarning, match="the recording: something beside drums sounds for"):
        transcribe(_accompaniment(10.0, 4, kinds))


def test_it_does_not_warn_of_drums(toy_kits):
    played = render(toy_groove(1), toy_kits[0], toy_kits, 1, strip=None)
    with warnings.catch_warnings(action="error"):
        assert len(transcribe(played.x))


def test_a_file_without_the_second_network_has_nothing_to_warn_of(monkeypatch):
    model = load_transcriber()
    answer = model._answer
    monkeypatch.setattr(model, "_answer", lambda block: answer(block)[:, : len(DRUMS)])
    with warnings.catch_warnings(action="error"):
        transcribe(_accompaniment(4.0, 4), model)


@pytest.mark.parametrize("kind", ["uint8", "bool", "complex64", "U3"])
def test_arrays_that_hold_no_samples(transcriber, kind):
    """Samples of eight bits swing around 128, which would be heard as something else."""
    beat = np.tile(np.linspace(0, 9, SR), 3)
    with pytest.raises(AudioError, match="real numbers around zero"):
        transcribe(beat.astype(kind), transcriber)


@pytest.mark.parametrize("other", [3, b"beat.onnx", ["beat.onnx"]])
def test_what_is_of_another_type_is_no_transcriber(other):
    with pytest.raises(TypeError, match="transcriber is a file or a Transcriber, not"):
        transcribe(np.zeros(SR), other)


@pytest.mark.parametrize("again", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_transcriber_goes_into_other_processes(transcriber, again):
    picture = np.random.default_rng(0).normal(size=(300, FRAMES.n_mels)).astype(np.float32)
    here = np.concatenate(list(transcriber.curves([picture])))
    there = np.concatenate(list(again(transcriber).curves([picture])))
    assert np.array_equal(here, there)


def test_a_threshold_that_was_changed_goes_along(transcriber_file):
    changed = load_transcriber(transcriber_file)
    changed.threshold_ = changed.threshold_ + 0.1
    assert np.array_equal(copy.deepcopy(changed).threshold_, changed.threshold_)

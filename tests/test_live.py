"""Drums that are named while they are played: the same hits as offline, in time, and none lost."""

import copy
import csv
import json
import math
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from drumlesson import live
from drumlesson.audio import SR, AudioError
from drumlesson.cli import main
from drumlesson.groove import (
    DRUMS,
    FRAMES,
    HOP,
    FrameNetwork,
    frame_model,
    frame_picture,
    frame_targets,
)
from drumlesson.live import (
    _DELAYS,
    Heard,
    Listener,
    Microphone,
    Stream,
    _best_thresholds,
    _export_listener,
    _live_targets,
    _measure_delays,
    _measure_live,
    _Resampler,
    _seconds_after,
    _write_listener,
    listen_to,
    listen_to_file,
    load_listener,
    to_notes,
)
from drumlesson.midi import Groove, read_notes
from drumlesson.rendering import Rendering
from drumlesson.synth import synth_kit

# -- a sound, and who hears it

PATTERN = [("kick", 0.3), ("hihat", 0.5), ("kick", 0.8), ("kick", 1.2), ("hihat", 1.4)]
PATTERN += [("hihat", 1.7), ("kick", 2.0), ("hihat", 2.3)]


def made_up(label):
    """A hit that is as low as can be, or as high."""
    t = np.arange(SR // 5) / SR
    if label == "kick":
        return np.sin(2 * np.pi * 80 * t) * np.exp(-t / 0.03)
    noise = np.random.default_rng(0).standard_normal(len(t) + 2)
    return 0.2 * np.diff(noise, 2) * np.exp(-t / 0.02)


def played(hit):
    """The pattern, with hits that a function makes of labels."""
    x = np.zeros(3 * SR, np.float32)
    for label, at in PATTERN:
        sound = hit(label)[: SR // 5]
        start = round(at * SR) - int(np.argmax(np.abs(sound) > 0.1 * np.abs(sound).max()))
        x[start : start + len(sound)] += sound
    x *= np.float32(0.1 / np.sqrt(np.mean(x**2)))
    groove = Groove([at for _, at in PATTERN], [label for label, _ in PATTERN], duration=3.0)
    return Rendering(x, groove, np.ones(len(PATTERN), bool), "made up")


@pytest.fixture(scope="module")
def beat():
    """A few hits, as they are heard."""
    return played(made_up)


class Ear:
    """Hears where low bands get louder (a kick), and high ones (a hi-hat); it has learned nothing.

    Its late curves say what its early ones do.
    """

    delays = _DELAYS
    threshold_ = np.full((2, len(DRUMS)), 0.5)
    bands = {"kick": slice(0, 8), "hihat": slice(60, 80)}

    def __init__(self, nap=0.0):
        self.nap = nap  # seconds for each answer

    def start(self):
        return np.full((_DELAYS[1] + 3, FRAMES.n_mels), live._SILENCE, np.float32)

    def answer(self, past, new):
        time.sleep(self.nap)
        heard = np.concatenate([past, new])
        curves = np.zeros((len(new), 2, len(DRUMS)))
        for drum, bands in self.bands.items():
            level = np.maximum(heard[:, bands].mean(axis=1), -1.5)
            rise = np.tanh(np.maximum(level[3:] - level[:-3], 0) / 1.5)
            for i, delay in enumerate(self.delays):
                end = len(rise) + 1 - delay  # a rise is at its highest a frame after the hit
                curves[:, i, DRUMS.index(drum)] = rise[end - len(new) : end]
        return curves, heard[len(new) :]

    def curves(self, picture):
        return self.answer(self.start(), picture)[0]


def hear(stream, x, sizes=()):
    """All that a stream says of a sound, pushed in blocks of these sizes and then the rest."""
    said = []
    for block in np.split(x, np.minimum(np.cumsum(sizes, dtype=int), len(x))):
        said += stream.push(block)
    return said + stream.finish()


def hits(said):
    return [(heard.label, round(heard.time, 2)) for heard in said if not heard.first]


def close(said, expected):
    """Whether the hits are those expected, two frames off at most."""
    found = sorted((heard.label, heard.time) for heard in said if not heard.first)
    wanted = sorted(expected)
    labels = [label for label, _ in found] == [label for label, _ in wanted]
    return labels and all(
        abs(f[1] - w[1]) <= 2.5 * HOP / SR for f, w in zip(found, wanted, strict=True)
    )


def test_the_made_up_ear_hears_the_beat(beat):
    assert close(hear(Stream(Ear()), beat.x), PATTERN)


# -- targets


def test_live_targets_are_those_of_each_delay(beat):
    y = _live_targets(beat, 300)
    assert y.shape == (300, 2 * len(DRUMS)) and y.max() == 1
    for i, delay in enumerate(_DELAYS):
        columns = slice(i * len(DRUMS), (i + 1) * len(DRUMS))
        assert (y[:, columns] == frame_targets(beat, 300, delay)).all()
    assert (y[12:, :6][:-2] != y[12:, 6:][:-2]).any()
    assert _live_targets(beat, 300, (0, 1, 5)).shape == (300, 18)


# -- a network that is asked step by step

SMALL = FrameNetwork(filters=(4, 6), width=8, dilations=(1, 2, 4), causal=True)


@pytest.fixture(scope="module")
def network():
    """A small network that has learned nothing, and the same as an ONNX file."""
    from drumlesson.backend import keras

    keras.utils.set_random_seed(2)
    model = frame_model(SMALL, 2 * len(DRUMS), 40)
    for layer in model.layers:  # as if it had been fitted: means and variances are no zeros, ones
        if isinstance(layer, keras.layers.BatchNormalization):
            weights = [np.random.default_rng(1).uniform(0.5, 1.5, w.shape) for w in layer.weights]
            layer.set_weights(weights)
    return model, _export_listener(SMALL, model, 0.5, {"F": 0.5})


def test_step_by_step_is_the_network_at_once(network, beat):
    model, content = network
    picture = frame_picture(beat.x)
    before = np.full((40, FRAMES.n_mels), live._SILENCE, np.float32)
    whole = np.concatenate([before, picture])
    long = frame_model(SMALL, 2 * len(DRUMS), len(whole))
    long.set_weights(model.get_weights())
    expected = np.asarray(long(whole[None], training=False)).reshape(len(whole), 2, -1)[40:]
    found = Listener(content).curves(picture)
    assert found.shape == expected.shape and np.abs(found - expected).max() < 1e-4
    assert np.ptp(found) > 0.05


@pytest.mark.parametrize(
    "wrong",
    [
        FrameNetwork(causal=False),
        FrameNetwork(causal=True, dilations=(), recurrent=4),
        FrameNetwork(causal=True, dilations=(1,), recurrent=4),
    ],
)
def test_a_network_that_looks_ahead_is_no_listener(wrong):
    with pytest.raises(ValueError, match="live, a network is causal"):
        _export_listener(wrong, None, 0.5, {})


def test_a_listener_tells_what_it_is(network, tmp_path):
    path = tmp_path / "ear.onnx"
    path.write_bytes(network[1])
    listener = load_listener(path)
    assert listener.delays == _DELAYS and listener.report_ == {"F": 0.5}
    assert listener.threshold_.shape == (2, len(DRUMS))
    assert repr(listener).endswith("answers after 53 and 153 ms)")


def test_what_is_no_listener_is_one_line(network, tmp_path):
    from drumlesson.exporting import with_metadata

    path = tmp_path / "ear.onnx"
    with pytest.raises(ValueError, match="there is no such model file"):
        load_listener(path)
    about = {"threshold": [[0.5] * 6] * 2, "delays": [2, 12], "sizes": [3, 4, 5], "report": {}}
    told = [{}, {"listener": "{"}, {"listener": "{}"}, {"listener": json.dumps(about)}]
    told.append({"listener": json.dumps(about | {"sizes": [3, 4]})})
    damaged = [with_metadata(network[1], texts) for texts in told]
    for content in [*damaged, b"", b"hello", network[1][:5000]]:
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"ear.onnx: is no listener, or a damaged one") as e:
            load_listener(path)
        assert "\n" not in str(e.value)


def test_the_listener_that_comes_along_is_small_and_hears_a_beat():
    beat, listener = played(synth_kit(3).hit), load_listener()
    assert live._SHIPPED.stat().st_size < 1_000_000
    assert set(_DELAYS) <= set(listener.delays)
    found = to_notes(hear(Stream(listener), beat.x))
    right = 0
    for label, at in PATTERN:
        right += (np.abs(found.times[found.labels == label] - at) < 0.05).any()
    assert right >= len(PATTERN) // 2


def test_the_stored_measures_are_those_of_the_listener_that_comes_along():
    stored = Path(__file__).resolve().parent.parent / "nbs" / "evidence" / "live.csv"
    table = pd.read_csv(stored, index_col="drum")
    assert "toy" not in load_listener().report_
    for name in ("first F", "final F"):
        assert load_listener().report_[name] == pytest.approx(table.loc["five", name], abs=1e-4)


def test_a_listener_is_written_with_its_measures(network, beat, tmp_path):
    path = tmp_path / "ear.onnx"
    listener = _write_listener(SMALL, network[0], [beat], [beat], path, tmp_path, {"steps": 3})
    table = pd.read_csv(tmp_path / "live.csv", index_col="drum")
    assert listener.report_["steps"] == load_listener(path).report_["steps"] == 3
    assert listener.report_["final F"] == pytest.approx(table.loc["five", "final F"], abs=1e-4)
    curve = pd.read_csv(tmp_path / "live_delays.csv")
    assert len(curve) == 2 and {"ms", "five", *DRUMS} <= set(curve)


# -- live is offline


@settings(max_examples=20)
@given(sizes=st.lists(st.integers(0, 9000), max_size=30))
def test_blocks_of_any_size_give_what_the_whole_gives(beat, network, sizes):
    for listener in (Ear(), Listener(network[1])):
        whole, parts = hear(Stream(listener), beat.x), hear(Stream(listener), beat.x, sizes)
        assert len(whole) > 10
        assert [h._replace(proba=0) for h in parts] == [h._replace(proba=0) for h in whole]
        proba = [heard.proba for heard in whole]
        assert np.allclose([heard.proba for heard in parts], proba, rtol=0, atol=1e-4)


@pytest.mark.parametrize("sr", [44100, 48000, 8000])
def test_other_rates(beat, sr):
    import soxr

    if sr < SR:  # nothing is left for the hi-hat
        expected = [(label, at) for label, at in PATTERN if label == "kick"]
    else:
        expected = PATTERN
    x = soxr.resample(beat.x, SR, sr)
    said = hear(Stream(Ear(), sr), x, [100] * 300)
    assert close([heard for heard in said if heard.label == "kick" or sr > SR], expected)


def test_answers_come_in_time(beat):
    said = hear(Stream(Ear()), beat.x, [64] * 2000)
    first = [heard.said_at - heard.time for heard in said if heard.first]
    final = [heard.said_at - heard.time for heard in said if not heard.first]
    assert len(first) == len(final) == len(PATTERN)
    assert max(first) <= 0.060 and max(final) <= 0.160
    assert first == pytest.approx([_seconds_after(2)] * len(first))


def test_an_answer_is_given_with_the_block_that_makes_it_possible(beat):
    stream, pushed = Stream(Ear()), 0
    for start in range(0, len(beat.x), 50):
        block = beat.x[start : start + 50]
        for heard in stream.push(block):
            assert pushed < round(heard.said_at * SR) <= pushed + len(block)
        pushed += len(block)
    assert pushed == len(beat.x)


@pytest.mark.parametrize("sr", [44_100, 48_000, 96_000, 44_101])
def test_another_rate_is_no_later(beat, sr):
    import soxr

    x, pushed = soxr.resample(beat.x, SR, sr), 0
    stream, late = Stream(Ear(), sr), []
    for start in range(0, len(x), 64):
        pushed += len(x[start : start + 64])
        said = stream.push(x[start : start + 64])
        late += [pushed / sr - heard.said_at for heard in said]
    assert len(late) == 2 * len(PATTERN) and -0.001 < min(late) <= max(late) < 0.003


def test_an_offset_is_no_hit(beat):
    said = [heard[:4] for heard in hear(Stream(), beat.x)]
    moved = [heard[:4] for heard in hear(Stream(), beat.x + np.float32(0.3))]
    assert len(said) > 10 and moved == said


@pytest.mark.parametrize("sr", [44_100, 48_000, 96_000])
def test_samples_at_another_rate_are_the_same_sound(beat, sr):
    import soxr

    x = soxr.resample(beat.x, SR, sr, quality="VHQ")
    changing = _Resampler(sr)
    parts = [changing.push(part) for part in np.array_split(x, 700)]
    found = np.concatenate([*parts, changing.push(np.zeros(0, np.float32), last=True)])
    expected = soxr.resample(x, sr, SR, quality="VHQ")
    pictures = [frame_picture(sound[: len(beat.x)]) for sound in (found, expected)]
    frames = min(map(len, pictures))
    assert len(found) == pytest.approx(len(expected), abs=2)
    heard = pictures[1][:frames] > pictures[1].max() - 4  # down to -40 dB
    assert np.abs(pictures[0][:frames] - pictures[1][:frames])[heard].mean() < 0.02


def test_a_quicker_answer_can_be_asked_for(beat):
    class Quick(Ear):
        delays = (0, 2, 6, 12)
        threshold_ = np.full((4, len(DRUMS)), 0.5)

        def answer(self, past, new):
            both, past = super().answer(past, new)
            return np.repeat(both, 2, axis=1), past

    with pytest.raises(ValueError, match="choose two of these, the second at least 4 later"):
        Stream(Quick(), delays=(0, 2))
    with pytest.raises(ValueError, match="answers after 2, 12 frames: choose two"):
        Stream(Ear(), delays=(0, 12))
    assert Stream(Quick(), delays=(2, 6))._which == [1, 2]


# -- level


@pytest.mark.parametrize("decibels", [-12, 12])
def test_the_level_is_found_out(beat, decibels):
    x = beat.x * np.float32(10 ** (decibels / 20))
    assert close(hear(Stream(Ear()), x), PATTERN)
    other = np.sqrt(np.mean(x**2)) / 0.1
    assert close(hear(Stream(Ear(), gain=1 / other), x), PATTERN)


def test_a_fixed_gain_is_kept(beat):
    assert hits(hear(Stream(Ear(), gain=0.001), beat.x)) == []
    loud, soft = Stream(Ear(), gain=4), Stream(Ear(), gain=1)
    assert hits(hear(loud, beat.x / 4)) == hits(hear(soft, beat.x))


def test_the_gain_follows_the_loudest_of_late_within_bounds():
    gain = live._SlowGain(None)

    def after(level, seconds):
        power = np.full((round(seconds * SR / HOP), FRAMES.n_mels), level**2 / FRAMES.n_mels)
        return 10 ** (gain(np.log10(power + live._FAINT))[-1].max() / 2) * np.sqrt(FRAMES.n_mels)

    assert after(0.001, 1) < 0.2  # nothing is not made loud
    assert after(250, 0.02) == pytest.approx(live._SEEN, rel=0.01)  # at once
    soft = after(2.5, 1)  # soft beside the loud moment that was: a pause
    assert soft == pytest.approx(0.25, rel=0.1)
    assert after(25, 2) < after(25, 4) < live._SEEN
    assert after(25, 30) == pytest.approx(live._SEEN, rel=0.01)
    assert after(1e6, 1) == pytest.approx(1e5, rel=0.01)


# -- what a first answer becomes


def judged(first, final):
    """What is said of curves with peaks {(drum, frame): height}, without velocities."""
    judge = live._Judge(_DELAYS, np.full((2, 6), 0.5))
    curves = np.zeros((80, 2, 6))
    for i, peaks in enumerate((first, final)):
        for (drum, frame), height in peaks.items():
            at, column = frame + _DELAYS[i], DRUMS.index(drum)
            curves[at, i, column] = height
            for aside in (at - 1, at + 1):
                curves[aside, i, column] = max(curves[aside, i, column], height / 2)
    said = []
    for curve in curves:
        said += judge.add(curve, np.full(6, -20.0))
    return [(h.label, h.was, round(h.time * SR / HOP), h.first) for h in said]


def test_a_first_answer_stands():
    for moved in (-2, -1, 0, 1):
        said = judged({("kick", 20): 0.9}, {("kick", 20 + moved): 0.9})
        assert said == [("kick", None, 20, True), ("kick", "kick", 20 + moved, False)]


def test_a_first_answer_is_taken_back():
    said = judged({("tom", 20): 0.9}, {("tom", 20): 0.4})
    assert said == [("tom", None, 20, True), (None, "tom", 20, False)]


def test_a_first_answer_becomes_another_drum():
    said = judged({("tom", 20): 0.9}, {("tom", 20): 0.3, ("kick", 21): 0.8})
    assert said == [("tom", None, 20, True), ("kick", "tom", 21, False)]


def test_what_was_missed_is_named_late():
    assert judged({}, {("snare", 30): 0.7}) == [("snare", None, 30, False)]
    both = judged({("kick", 20): 0.9}, {("kick", 20): 0.9, ("hihat", 20): 0.9})
    assert both[1:] == [("kick", "kick", 20, False), ("hihat", None, 20, False)]


def test_each_drum_is_judged_for_itself():
    first = {("kick", 20): 0.9, ("hihat", 20): 0.8, ("tom", 21): 0.7}
    said = judged(first, {("kick", 20): 0.9, ("hihat", 20): 0.9})
    final = [answer for answer in said if not answer[3]]
    assert final == [
        ("kick", "kick", 20, False),
        ("hihat", "hihat", 20, False),
        (None, "tom", 21, False),
    ]


def test_a_roll_is_hit_by_hit_and_no_hit_is_named_twice():
    roll = {("snare", frame): 0.9 for frame in range(20, 40, 4)}
    said = judged(roll, roll)
    assert [answer[2] for answer in said if answer[3]] == list(range(20, 40, 4))
    assert [answer[:3] for answer in said if not answer[3]] == [
        ("snare", "snare", frame) for frame in range(20, 40, 4)
    ]
    twice = judged({("snare", 20): 0.9, ("snare", 23): 0.9}, {("snare", 21): 0.9})
    assert [answer[0] for answer in twice if not answer[3]] == ["snare", None]


def test_velocities_follow_the_loudness(beat):
    x = beat.x.copy()
    x[: SR * 6 // 10] *= np.float32(0.5)
    loud = [h.velocity for h in hear(Stream(Ear()), x) if h.label == "kick" and h.first]
    x[round(1.1 * SR) : round(1.3 * SR)] *= np.float32(0.5)
    soft = [h.velocity for h in hear(Stream(Ear()), x) if h.label == "kick" and h.first]
    assert len(loud) == len(soft) == 4
    assert soft[2] < 0.7 * loud[2] and soft[1] == loud[1] and all(1 <= v <= 127 for v in soft)


# -- what is no sound


def test_a_hit_on_the_first_sample_is_heard_like_any_other():
    kit = synth_kit(3)
    for label in ("kick", "snare", "tom"):
        hit, rest = kit.hit(label)[1:], np.zeros(SR // 2, np.float32)  # a hit begins at once
        first, later = Stream(), Stream()
        at_once = to_notes(first.push(np.concatenate([hit, rest])) + first.finish())
        silence = np.zeros(40 * HOP, np.float32)
        then = to_notes(later.push(np.concatenate([silence, hit, rest])) + later.finish())
        assert at_once.labels.tolist() == then.labels.tolist() != []
        assert at_once.times == pytest.approx(then.times - 40 * HOP / SR, abs=1e-6)


def _after_a_moment(first, noise):
    """Seven seconds in which two hits of a kit are played in turn, the first after a second."""
    kit = synth_kit(2)
    x = np.random.default_rng(0).normal(0, noise, 7 * SR).astype(np.float32)
    for number, label in enumerate([first, "snare"] * 2):
        hit = kit.hit(label)[:15_000]
        start = round((1 + 1.2 * number) * SR)
        x[start : start + len(hit)] += 0.7 * hit / np.abs(hit).max()
    return x


@pytest.mark.parametrize("noise", [1e-6, 1e-3])
@pytest.mark.parametrize("first", ["kick", "tom"])
def test_the_first_hit_after_a_moment_is_heard_as_the_third_is(first, noise):
    heard = hits(hear(Stream(), _after_a_moment(first, noise)))
    of_first = [label for label, at in heard if abs(at - 1) < 0.1]
    assert of_first == [label for label, at in heard if abs(at - 3.4) < 0.1] != []
    assert all(at > 0.9 for _, at in heard)  # the noise before is no hit


@pytest.mark.parametrize("level", [1, 0.25, 0.05])
def test_soft_recordings_are_heard_as_loud_ones_are(level):
    heard = hits(hear(Stream(), level * _after_a_moment("kick", 1e-6)))
    skins = [label for label, _ in heard if label in ("kick", "snare")]
    assert skins == ["kick", "snare", "kick", "snare"]


def test_silence_says_nothing():
    assert hear(Stream(Ear()), np.zeros(SR, np.float32)) == []
    assert hear(Stream(Ear()), np.zeros(0, np.float32)) == []


def test_blocks_that_are_none():
    stream = Stream(Ear())
    for block, why in (
        (np.zeros((10, 2)), r"shape \(samples,\), not \(10, 2\)"),
        ([0.0, np.nan], "NaN or infinite"),
        ([np.inf], "NaN or infinite"),
    ):
        with pytest.raises(AudioError, match=why):
            stream.push(block)
    assert stream.finish() == stream.finish() == []
    with pytest.raises(AudioError, match="has ended"):
        stream.push([0.0])


@pytest.mark.parametrize("gain", [0, np.nan])
def test_gains_that_are_none(gain):
    with pytest.raises(ValueError, match="^a gain is a number"):
        Stream(Ear(), gain=gain)


# -- files


def test_a_file_is_heard_as_its_samples_are(beat, tmp_path):
    path = tmp_path / "beat.wav"
    soundfile.write(path, beat.x * 0.3, SR, subtype="FLOAT")
    found, expected = list(listen_to_file(path, Ear())), hear(Stream(Ear()), beat.x * 0.3)
    assert hits(found) == hits(expected)
    assert close(found, PATTERN)


def test_files_that_are_none(tmp_path):
    silent = tmp_path / "silent.wav"
    soundfile.write(silent, np.zeros(SR), SR)
    text = tmp_path / "text.wav"
    text.write_text("hello")
    for path in (silent, text, tmp_path / "none.wav", tmp_path):
        with pytest.raises(AudioError, match=f"^{path}: ") as e:
            list(listen_to_file(path, Ear()))
        assert "\n" not in str(e.value)


# -- a microphone that is made up


class Card:
    """A sound card that plays a sound to its microphone, by the clock; it stands for sounddevice.

    What it plays is over at some time: then it gives nothing more, or is pulled out.
    """

    class PortAudioError(Exception):
        """As the library calls it."""

    def __init__(self, x, sr=SR, speed=1.0, channels=1, pulled_out=False, overflows=()):
        self.x, self.sr, self.speed = x, sr, speed
        self.channels, self.pulled_out, self.overflows = channels, pulled_out, overflows

    def query_devices(self, device=None, kind=None):
        about = {"name": "Card", "max_input_channels": self.channels}
        about["default_samplerate"] = float(self.sr)
        if kind is None:
            return [about, {"name": "Speaker", "max_input_channels": 0}]
        if device not in (None, "Card"):
            raise ValueError(f"No input device matching {device!r}")
        return about

    def check_input_settings(self, device, channels, dtype, samplerate):
        if samplerate != self.sr or channels != self.channels:
            raise self.PortAudioError("Invalid sample rate [PaErrorCode -9997]")

    def InputStream(self, **settings):
        self.settings = settings
        self.thread = threading.Thread(target=self.play, daemon=True)
        return SimpleNamespace(start=self.thread.start, close=lambda: None)

    def play(self, size=128):
        began = time.perf_counter()
        for i, start in enumerate(range(0, len(self.x), size)):
            ahead = began + start / self.sr / self.speed - time.perf_counter()
            time.sleep(max(ahead, 0))
            block = np.repeat(self.x[start : start + size, None], self.channels, axis=1)
            status = SimpleNamespace(input_overflow=i in self.overflows)
            self.settings["callback"](block, len(block), None, status)
        if self.pulled_out:
            self.settings["finished_callback"]()


@pytest.fixture
def plug(monkeypatch):
    """Puts a card in."""

    def plug(card):
        monkeypatch.setitem(sys.modules, "sounddevice", card)
        return card

    return plug


def test_no_sample_is_lost_while_listening_is_slow(beat, plug):
    plug(Card(beat.x, speed=3))
    seconds = len(beat.x) / SR
    with Microphone() as microphone:
        ear = Ear(nap=0.15)  # for three seconds of sound it would need a minute, frame by frame
        said = list(listen_to(microphone, seconds, ear))
        assert microphone.samples == len(beat.x) and microphone.lost == ""
    expected = hear(Stream(Ear()), beat.x)
    assert [h._replace(said_at=0) for h in said] == [h._replace(said_at=0) for h in expected]


def test_what_is_lost_is_counted_and_said(beat, plug, monkeypatch):
    monkeypatch.setattr(live, "_ROOM", 1)
    plug(Card(beat.x, speed=30, overflows=(3, 4)))
    with Microphone() as microphone:
        microphone._library.thread.join()  # nobody reads, and there is room for a second only
        some = next(microphone.blocks())
        assert SR - 128 < len(some) <= SR and np.array_equal(some, beat.x[: len(some)])
        lost = (len(beat.x) - len(some)) / SR
        assert microphone.lost == (
            f"{lost:.2f} s were lost, since listening was slow; the system lost samples 2 times"
        )


def test_the_clock_says_when_it_was_said(beat, plug):
    plug(Card(beat.x[: round(1.0 * SR)]))
    with Microphone() as microphone:
        said = list(listen_to(microphone, 0.99, Ear()))
    heard = [h for h in said if h.first]
    assert [h.label for h in heard] == ["kick", "hihat", "kick"]
    for h in heard:
        assert _seconds_after(2) - 1e-6 <= h.said_at - h.time < 2


def test_a_microphone_that_begins_amid_a_sound_hears_no_hit_there(beat, plug):
    x = beat.x[round(0.3 * SR) :]  # from the first hit on
    offline = {(heard.label, heard.first) for heard in hear(Stream(Ear()), x) if heard.time < 0.06}
    assert offline == {("kick", True), ("kick", False)}
    plug(Card(x, speed=10))
    with Microphone() as microphone:
        said = list(listen_to(microphone, 2.6, Ear()))
    assert close(said, [(label, at - 0.3) for label, at in PATTERN[1:]])


@pytest.mark.parametrize("sr, channels", [(44100, 1), (48000, 2)])
def test_a_card_with_a_rate_of_its_own(beat, plug, sr, channels):
    import soxr

    plug(Card(soxr.resample(beat.x, SR, sr), sr, speed=10, channels=channels))
    with Microphone("Card") as microphone:
        assert (microphone.sr, microphone._channels) == (sr, channels)
        assert close(list(listen_to(microphone, 2.9, Ear())), PATTERN)


@pytest.mark.parametrize("pulled_out", [True, False])
def test_a_microphone_that_goes_away_is_one_line(beat, plug, monkeypatch, pulled_out):
    monkeypatch.setattr(live, "_PATIENCE", 60 if pulled_out else 0.5)
    plug(Card(beat.x, speed=10, pulled_out=pulled_out))
    said = []
    with (
        Microphone() as microphone,
        pytest.raises(AudioError, match=r"^Card: gives no sound any more, after 3\.0 s$"),
    ):
        for heard in listen_to(microphone, None, Ear()):
            said.append(heard)
    assert len([h for h in said if not h.first]) == len(PATTERN)


def test_no_microphone(plug, monkeypatch):
    card = plug(Card(np.zeros(0)))
    with pytest.raises(AudioError, match="no microphone Nope .*: there is Card"):
        Microphone("Nope")

    def none(device=None, kind=None):
        if kind:
            raise card.PortAudioError("Error querying device -1")
        return []

    monkeypatch.setattr(card, "query_devices", none)
    with pytest.raises(AudioError, match="^there is no microphone: plug one in$"):
        Microphone()


def test_what_a_microphone_needs_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(ImportError, match=r'pip install "drumlesson\[live\]"'):
        Microphone()


def test_the_library_below_is_named_where_it_is_missing(tmp_path, monkeypatch):
    (tmp_path / "sounddevice.py").write_text('raise OSError("PortAudio library not found")')
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(AudioError, match="needs the library PortAudio .*: install libportaudio2"):
        Microphone()


# -- the command


@pytest.fixture
def listen(monkeypatch, capsys):
    """Runs the command with the made-up ear; gives exit status, output and error stream."""
    monkeypatch.setattr(live, "load_listener", lambda path=None: Ear())

    def listen(*words):
        status = main(["listen", *map(str, words)])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return status, out, err

    return listen


def test_the_command_hears_a_file(listen, beat, tmp_path):
    path, table = tmp_path / "beat.wav", tmp_path / "notes.csv"
    soundfile.write(path, beat.x * 0.3, SR)
    status, out, err = listen("--file", path, "--csv", table)
    *lines, summary = out.splitlines()
    assert (status, err) == (0, "") and len(lines) == len(PATTERN)
    assert lines[0].split()[1:3] == ["s", "kick"]
    assert summary.startswith("8 hits in 3.0 s") and "kick 4, hihat 4; first answers: 0" in summary
    notes = read_notes(table)
    assert notes.labels.tolist() == [label for label, _ in PATTERN]
    assert np.allclose(notes.times, [at for _, at in PATTERN], atol=0.03)


def test_the_command_writes_a_table_alone(listen, beat, tmp_path):
    path = tmp_path / "beat.wav"
    soundfile.write(path, beat.x * 0.3, SR)
    status, out, err = listen("--file", path, "--csv", "-")
    rows = list(csv.reader(out.splitlines()))
    assert status == 0 and rows[0] == ["time", "label", "velocity"]
    assert len(rows) == 1 + len(PATTERN) and err.startswith("8 hits")


def test_what_came_late_is_not_heard(beat, plug):
    """A reader that waits finds more in the ring than was asked for."""
    plug(Card(beat.x, speed=100))
    with Microphone() as microphone:
        time.sleep(0.2)
        blocks = list(microphone.blocks(0.5))
    assert sum(map(len, blocks)) == microphone.samples == math.ceil(0.5 * SR)


def test_the_command_hears_a_microphone(listen, beat, plug, tmp_path):
    plug(Card(beat.x * np.float32(0.3), speed=10))
    table = tmp_path / "notes.csv"
    status, out, err = listen("--seconds", "2.9", "--csv", table)
    assert status == 0 and err == "listening to Card; Ctrl-C ends it\n"
    assert out.splitlines()[-1].startswith("8 hits in 2.9 s: ")
    assert len(read_notes(table)) == len(PATTERN)


def test_the_command_keeps_what_it_heard_before_the_microphone_went(
    listen, beat, plug, tmp_path, monkeypatch
):
    plug(Card(beat.x * np.float32(0.3), speed=10, pulled_out=True))
    table = tmp_path / "notes.csv"
    status, out, err = listen("--csv", table)
    assert status == 1 and err.splitlines()[1:] == [
        "drumlesson: Card: gives no sound any more, after 3.0 s"
    ]
    assert out.splitlines()[-1].startswith("8 hits") and len(read_notes(table)) == 8


def test_an_interrupt_ends_with_a_summary(listen, beat, plug, tmp_path, monkeypatch):
    def interrupted(*args):
        yield from hear(Stream(Ear()), beat.x)[:6]
        raise KeyboardInterrupt

    monkeypatch.setattr(live, "listen_to", interrupted)
    plug(Card(beat.x))
    table = tmp_path / "notes.csv"
    status, out, _ = listen("--csv", table)
    assert status == 0 and out.splitlines()[-1].startswith("3 hits in ")
    assert len(read_notes(table)) == 3


def test_an_interrupted_file_leaves_no_table(listen, beat, tmp_path, monkeypatch):
    def interrupted(*args):
        yield from hear(Stream(Ear()), beat.x)[:6]
        raise KeyboardInterrupt

    monkeypatch.setattr(live, "_of_file", lambda path: (interrupted(), 3.0))
    status, _, _ = listen("--file", "beat.wav", "--csv", tmp_path / "notes.csv")
    assert status == 130 and not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "words, status, why",
    [
        (["--file", ""], 2, "--file: the name is empty"),
        (["--file", "none.wav", "--csv", ""], 2, "the name is empty"),
        (["--device", "Nope"], 2, "there is no microphone Nope"),
        (["--file", "none.wav"], 2, "none.wav: there is no such file"),
        (["--file", "none.wav", "--csv", "-"], 2, "none.wav: there is no such file"),
        (["--file", "none.wav", "--csv", "notes.csv"], 2, "none.wav: there is no such file"),
        (["--file", "none.wav", "--seconds", "2"], 2, "--seconds is for a microphone"),
        (["--file", "none.wav", "--device", "Card"], 2, "--device is for a microphone"),
        (["--seconds", "0"], 2, "--seconds"),
        (["--seconds", "long"], 2, "--seconds"),
        (["--csv", "kick.wav"], 2, "is named like a sound"),
    ],
)
def test_bad_words_are_one_line(listen, plug, words, status, why, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    plug(Card(np.zeros(SR, np.float32)))
    found, out, err = listen(*words)
    assert (found, out) == (status, "") and len(err.splitlines()) == 1 and why in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["silence", "text", "nothing", "short", "cut off"])
def test_a_file_that_is_no_recording_is_told_before_anything_is_written(listen, kind, tmp_path):
    path = tmp_path / "bad.wav"
    x = 0.1 * np.random.default_rng(0).standard_normal(SR)
    soundfile.write(path, {"silence": 0 * x, "short": x[: SR // 10]}.get(kind, x), SR)
    content = path.read_bytes()
    broken = {"text": b"not a sound", "nothing": b"", "cut off": content[: SR // 2]}
    path.write_bytes(broken.get(kind, content))
    status, out, err = listen("--file", path, "--csv", tmp_path / "notes.csv")
    assert (status, out) == (2, "") and err.count("\n") == 1
    assert err.startswith(f"drumlesson: {path}: ")
    assert list(tmp_path.iterdir()) == [path]


def test_python_tells_of_a_bad_file_at_once(tmp_path):
    with pytest.raises(AudioError, match="there is no such file"):
        listen_to_file(tmp_path / "none.wav", Ear())


def test_a_microphone_that_is_muted_is_told(listen, plug):
    plug(Card(np.zeros(SR, np.float32), speed=10))
    status, _, err = listen("--seconds", "0.9")
    assert status == 1 and "Card: gives nothing but silence: is it muted?" in err


def test_the_command_says_which_extra_it_needs(listen, monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    status, _, err = listen()
    assert status == 2 and 'pip install "drumlesson[live]"' in err and err.count("\n") == 1


# -- measures


def test_what_is_measured_live(beat):
    table = _measure_live(lambda: Stream(Ear()), [beat, beat])
    assert list(table.index) == [*DRUMS, "five"]
    row = table.loc["five"]
    assert row["hits"] == 2 * len(PATTERN) and row["first F"] == row["final F"] == 1
    assert 40 < row["first ms"] and row["first ms"] + 60 < row["final ms"]
    assert np.isnan(table.loc["tom", "first F"])


def test_what_is_measured_of_each_delay(beat):
    table = _measure_delays(Ear(), [beat])
    assert table["ms"].tolist() == pytest.approx([53.15, 152.92], abs=0.01)
    assert (table["five"] == 1).all() and (table["kick"] == 1).all()
    assert (_measure_delays(Ear(), [beat], 1.5)["five"] == 0).all()


def test_the_best_thresholds_are_found(beat):
    class Doubtful(Ear):
        """Sure of hits, and half sure of kicks that are none."""

        def answer(self, past, new):
            curves, past = super().answer(past, new)
            kick = DRUMS.index("kick")
            hat = curves[:, :, DRUMS.index("hihat")]
            curves[:, :, kick] = np.maximum(curves[:, :, kick], 0.45 * hat)
            return curves, past

    found = _best_thresholds(Doubtful(), [beat])
    assert found.shape == (2, len(DRUMS))
    assert (found[:, DRUMS.index("kick")] >= 0.3).all()
    assert (found[:, DRUMS.index("tom")] == 0.5).all()
    assert _measure_delays(Doubtful(), [beat], found)["five"].tolist() == [1, 1]
    assert _measure_delays(Doubtful(), [beat], 0.1)["five"].max() < 1


def test_notes_are_the_final_answers():
    said = [
        Heard(0.1, "kick", 90, True, 0.8, 0.15),
        Heard(0.1, "kick", 90, False, 0.9, 0.25, "kick"),
        Heard(0.2, None, 50, False, 0.9, 0.35, "tom"),
    ]
    assert to_notes(said).labels.tolist() == ["kick"]
    assert to_notes(said, 4.0).duration == 4.0 and to_notes([]).duration == 0
    assert [heard.news for heard in said] == [True, False, True]


# -- over a loop-back, in real time

_LISTENER = """
import json, sys
from drumlesson.live import Microphone, listen_to, load_listener
listener = load_listener()
with Microphone("pulse") as microphone:
    print("on", flush=True)
    for heard in listen_to(microphone, float(sys.argv[1]), listener):
        print(json.dumps(heard), flush=True)
    print(json.dumps(microphone.lost), flush=True)
"""


@pytest.fixture
def loop_back():
    """A sound server with a sink that leads to a source, and the environment that finds it."""
    for tool in ("pulseaudio", "pacat", "pactl"):
        if not shutil.which(tool):
            pytest.skip(f"{tool} is not installed: the loop-back is not tried")
    pytest.importorskip("sounddevice", reason="sounddevice, or PortAudio, is not installed")
    folder = Path(tempfile.mkdtemp(prefix="loop"))
    script = folder / "server.pa"
    script.write_text(
        f"load-module module-native-protocol-unix socket={folder}/native auth-anonymous=1\n"
        "load-module module-null-sink sink_name=drums rate=44100 channels=1\n"
        "set-default-sink drums\nset-default-source drums.monitor\n"
    )
    env = os.environ | {"XDG_RUNTIME_DIR": str(folder), "PULSE_SERVER": f"unix:{folder}/native"}
    options = ["-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"]
    with open(folder / "log", "w") as log:
        server = subprocess.Popen(
            ["pulseaudio", *options, "-F", str(script)], env=env, stdout=log, stderr=log
        )
    try:
        for _ in range(50):
            if subprocess.run(["pactl", "info"], env=env, capture_output=True).returncode == 0:
                break
            time.sleep(0.1)
        else:
            pytest.skip(f"no sound server starts here: {(folder / 'log').read_text()[-200:]}")
        yield env
    finally:
        server.terminate()
        server.wait(10)
        shutil.rmtree(folder, ignore_errors=True)


def test_a_rendering_is_heard_over_a_loop_back(loop_back, tmp_path, record_property):
    """Played in real time: the hits are those of the samples, and how late the answers come."""
    known = subprocess.run(
        [sys.executable, "-c", "import sounddevice; print(sounddevice.query_devices())"],
        env=loop_back,
        capture_output=True,
        text=True,
    )
    if "pulse" not in known.stdout:
        pytest.skip("PortAudio does not find PulseAudio (libasound2-plugins is missing)")
    x = np.tile(played(synth_kit(3).hit).x, 2)
    raw = tmp_path / "beat.raw"
    raw.write_bytes(x.tobytes())
    seconds = str(len(x) / SR + 3)
    player = ["pacat", "--playback", "--raw", "--format=float32le", f"--rate={SR}"]
    player += ["--channels=1", "--latency-msec=200", "--device=drums", str(raw)]
    with subprocess.Popen(
        [sys.executable, "-c", _LISTENER, seconds], env=loop_back, stdout=subprocess.PIPE, text=True
    ) as listening:
        assert listening.stdout.readline() == "on\n"
        subprocess.run(player, env=loop_back, check=True, timeout=60)
        *said, lost = map(json.loads, listening.stdout)
    said = [Heard(*heard) for heard in said]
    assert lost == "" and listening.returncode == 0
    offline = to_notes(hear(Stream(load_listener()), x))
    over_air = to_notes(said)
    late = np.subtract.outer(over_air.times, offline.times).ravel()
    shift = max(late, key=lambda shift: np.sum(np.abs(late - shift) < 0.012))
    n_same = 0
    for time_of, label in zip(offline.times, offline.labels, strict=True):
        near = np.abs(over_air.times - shift - time_of) < 0.025
        n_same += label in over_air.labels[near]
    share = n_same / len(offline)
    first = np.median([h.said_at - h.time for h in said if h.first])
    final = np.median([h.said_at - h.time for h in said if not h.first])
    for name, value in (("same", share), ("first_s", first), ("final_s", final)):
        record_property(name, round(float(value), 3))
    print(f"{share:.2f} of {len(offline)} hits; answers after {first:.3f} and {final:.3f} s")
    assert share >= 0.7
    assert _seconds_after(2) - 0.001 <= first < final


def test_a_listener_goes_into_other_processes():
    listener = live.load_listener()
    for again in (copy.deepcopy(listener), pickle.loads(pickle.dumps(listener))):
        assert repr(again) == repr(listener)
        assert np.array_equal(again.threshold_, listener.threshold_)


@pytest.mark.parametrize("other", [3, b"beat.onnx", np.zeros(3)])
def test_what_is_no_listener(other):
    with pytest.raises(TypeError, match="listener is a file or a Listener, not"):
        live.Stream(other)

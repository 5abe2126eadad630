"""From hits to a groove: targets, networks, peaks, scores."""

import numpy as np
import pytest
from conftest import files_below, interrupted_amid, toy_renderings
from hypothesis import given
from hypothesis import strategies as st

from drumlesson.audio import SR
from drumlesson.groove import (
    DRUMS,
    FRAMES,
    HOP,
    FrameNetwork,
    Pictures,
    _colours,
    count_hits,
    export_transcriber,
    f_measure,
    fit_frames,
    frame_model,
    frame_picture,
    frame_targets,
    masked_crossentropy,
    pick_peaks,
    to_groove,
)
from drumlesson.midi import Groove
from drumlesson.rendering import Rendering
from drumlesson.transcribing import Transcriber

KICK, SNARE, HIHAT = range(3)
COUNTED = ["right", "found", "there"]
TINY = FrameNetwork(filters=(2, 3), width=4, dilations=(1, 2))


def rendering(times, labels, audible=None, seconds=1.0):
    """A rendering without sound, to ask for its targets."""
    heard = np.ones(len(times), bool) if audible is None else np.array(audible)
    groove = Groove(times, labels, duration=seconds)
    return Rendering(np.zeros(round(seconds * SR), np.float32), groove, heard, "no kit")


def seconds_of(frame):
    """The time of a frame."""
    return frame * HOP / SR


# -- pictures


def test_a_frame_of_the_picture_is_centred_on_its_time():
    """A click is loudest in the frame that `frame_targets` gives it."""
    for frame in (5, 20, 61):
        x = np.zeros(SR, np.float32)
        x[frame * HOP] = 1
        assert frame_picture(x).mean(axis=1).argmax() == frame


def test_silence_is_the_floor_of_a_picture():
    picture = frame_picture(np.zeros(SR, np.float32))
    assert picture.shape == (SR // HOP + 1, FRAMES.n_mels) and np.allclose(picture, -5)


# -- targets


def test_a_hit_is_asked_for_in_its_frame_and_half_beside_it():
    y = frame_targets(rendering([seconds_of(30)], ["snare"]), 101)
    expected = np.zeros((101, len(DRUMS)), np.float32)
    expected[29:32, SNARE] = 0.5, 1, 0.5
    assert y.dtype == np.float32
    np.testing.assert_array_equal(y, expected)


def test_the_nearest_frame_counts():
    for aside in (-0.4, 0.4):
        y = frame_targets(rendering([seconds_of(30 + aside)], ["kick"]), 101)
        assert y[:, KICK].argmax() == 30


def test_what_cannot_be_heard_is_not_asked_for():
    hits = rendering([seconds_of(30), seconds_of(31)], ["kick", "snare"], [False, True])
    y = frame_targets(hits, 101)
    assert y[27:34, KICK].tolist() == [0, -1, -1, -1, -1, -1, 0]
    assert y[29:34, SNARE].tolist() == [0, 0.5, 1, 0.5, 0]


def test_what_can_be_heard_is_asked_for_though_another_cannot():
    hits = rendering([seconds_of(30), seconds_of(32)], ["kick", "kick"], [True, False])
    assert frame_targets(hits, 101)[28:36, KICK].tolist() == [0, 0.5, 1, 0.5, -1, -1, -1, 0]


def test_close_hits_of_a_drum_stay_whole():
    hits = rendering([seconds_of(30), seconds_of(31)], ["kick", "kick"])
    assert frame_targets(hits, 101)[28:34, KICK].tolist() == [0, 0.5, 1, 1, 0.5, 0]


@pytest.mark.parametrize("delay", [1, 5, 15])
def test_an_answer_may_come_later(delay):
    hits = rendering([seconds_of(30), seconds_of(40)], ["kick", "snare"], [True, False])
    now, later = frame_targets(hits, 101), frame_targets(hits, 101, delay)
    np.testing.assert_array_equal(later[delay:], now[:-delay])
    assert np.all(later[:delay] == 0)


hits = st.lists(
    st.tuples(st.floats(0, 1), st.sampled_from(DRUMS), st.booleans()), min_size=0, max_size=25
)


@given(hits, st.integers(0, 15))
def test_targets_of_any_groove(hits, delay):
    """Also at both ends of it."""
    hits = sorted(hits, key=lambda hit: hit[0])
    times = [time for time, _, _ in hits]
    labels = [label for _, label, _ in hits]
    audible = np.array([heard for _, _, heard in hits], bool)
    y = frame_targets(rendering(times, labels, audible), 101, delay)
    assert y.shape == (101, len(DRUMS)) and set(np.unique(y)) <= {-1, 0, 0.5, 1}
    due = set()
    for time, label, heard in hits:
        frame = round(time * SR / HOP) + delay
        if heard and frame < 101:
            due.add((frame, DRUMS.index(label)))
    assert {tuple(place) for place in np.argwhere(y == 1).tolist()} == due


# -- peaks


def curve(*values):
    """Frames of one drum, as a column."""
    return np.array(values, float)[:, None]


@pytest.mark.parametrize(
    "values, frames",
    [
        ((0, 0, 0.9, 0, 0), [2]),
        ((0.9, 0, 0, 0, 0.8), [0, 4]),
        ((0, 0.6, 0.7, 0.8, 0.7, 0.6), [3]),
        ((0, 0.8, 0, 0.9, 0, 0), [3]),  # within two frames the higher one counts
        ((0, 0.8, 0, 0, 0.9, 0), [1, 4]),
        ((0, 0.9, 0.9, 0, 0, 0), [1]),  # of two that are alike, the first
        ((0.4, 0.49, 0.4), []),
        ((0.2, 0.5, 0.2), [1]),
        ((), []),
    ],
)
def test_peaks(values, frames):
    found, drums = pick_peaks(curve(*values).reshape(-1, 1))
    assert found.tolist() == frames and drums.tolist() == [0] * len(frames)


def test_a_threshold_for_each_drum():
    proba = np.zeros((10, 3))
    proba[4] = 0.3, 0.3, 0.7
    frames, drums = pick_peaks(proba, [0.2, 0.4, 0.8])
    assert (frames.tolist(), drums.tolist()) == ([4], [0])


def test_a_drum_is_not_hit_again_at_once_but_another_may_be():
    proba = np.zeros((20, 2))
    proba[[3, 7, 12], 0] = 0.9
    proba[[4, 7], 1] = 0.9
    frames, drums = pick_peaks(proba, gap=0.05)
    assert list(zip(frames.tolist(), drums.tolist(), strict=True)) == [
        *[(3, 0), (4, 1)],
        (12, 0),
    ]


@given(
    st.lists(st.lists(st.floats(0, 1, width=16), min_size=3, max_size=3), max_size=60),
    st.floats(0.05, 1),
    st.sampled_from([0.03, 0.05, 0.1]),
)
def test_peaks_of_any_curves(rows, threshold, gap):
    proba = np.array(rows).reshape(-1, 3)
    frames, drums = pick_peaks(proba, threshold, gap)
    order = list(zip(frames.tolist(), drums.tolist(), strict=True))
    assert order == sorted(order)
    assert np.all(proba[frames, drums] >= threshold)
    for drum in range(3):
        mine = frames[drums == drum]
        assert np.all(np.diff(mine) >= round(gap * SR / HOP))
        if proba[:, drum].max(initial=0) >= threshold:
            assert len(mine) > 0  # the highest of all is always one


def test_the_hits_in_curves_as_a_groove():
    proba = np.zeros((101, len(DRUMS)))
    proba[20, SNARE] = proba[50, HIHAT] = proba[50, KICK] = 1
    groove = to_groove(proba)
    assert groove.labels.tolist() == ["snare", "kick", "hihat"]
    np.testing.assert_allclose(groove.times, [seconds_of(f) for f in (20, 50, 50)])
    assert groove.duration == pytest.approx(seconds_of(101))


@given(hits)
def test_targets_give_their_groove_back(hits):
    """What is asked of a network, taken for its answer: the hits, but for those too close."""
    hits = [hit for hit in sorted(hits) if hit[2]]
    apart = []
    for time, drum, _ in hits:
        if all(drum != other or time - before > 0.04 for before, other in apart):
            apart.append((time, drum))
    truth = Groove([time for time, _ in apart], [drum for _, drum in apart], duration=1.0)
    audible = np.ones(len(truth), bool)
    y = frame_targets(Rendering(np.zeros(SR, np.float32), truth, audible, ""), 101)
    counts = count_hits(truth, to_groove(y), window=0.006)
    assert counts["right"].sum() == counts["found"].sum() == counts["there"].sum() == len(apart)


# -- scores


def test_hits_are_counted():
    """Found at 50 ms: the first kick, not the second, which is 60 ms off; the snare only once."""
    truth = Groove([1.0, 2.0, 3.0, 4.0], ["kick", "kick", "snare", "tom"])
    found = Groove([1.04, 2.06, 2.98, 3.02, 4.0], ["kick", "kick", "snare", "snare", "cymbal"])
    counts = count_hits(truth, found)
    assert counts.index.tolist() == list(DRUMS)
    assert counts.loc["kick"][COUNTED].to_dict() == {"right": 1, "found": 2, "there": 2}
    assert counts.loc["snare"][COUNTED].to_dict() == {"right": 1, "found": 2, "there": 1}
    assert counts.loc["tom"][COUNTED].to_dict() == {"right": 0, "found": 0, "there": 1}
    assert counts.loc["cymbal"][COUNTED].to_dict() == {"right": 0, "found": 1, "there": 0}
    assert f_measure(counts) == pytest.approx(2 * 2 / (5 + 4))
    assert f_measure(counts.loc["kick"]) == pytest.approx(0.5)
    assert count_hits(truth, found, window=0.07).loc["kick", "right"] == 2


def test_ghost_notes_are_counted_apart():
    """Found or missed, they change no score; what is found where nothing is does."""
    truth = Groove([1.0, 2.0, 3.0], ["snare"] * 3, [100, 20, 20])
    counts = count_hits(truth, Groove([1.0, 2.0], ["snare"] * 2)).loc["snare"]
    assert counts.to_dict() == dict(zip(COUNTED, (1, 1, 1), strict=True)) | {
        "ghosts": 2,
        "ghosts found": 1,
    }
    assert f_measure(counts) == 1
    assert f_measure(count_hits(truth, Groove([1.0, 2.5], ["snare"] * 2))) == pytest.approx(2 / 3)


def test_as_many_hits_are_matched_as_can_be():
    """The nearest first would leave one over."""
    truth, found = Groove([1.0, 1.04], ["tom"] * 2), Groove([1.03, 1.07], ["tom"] * 2)
    assert count_hits(truth, found, window=0.035).loc["tom", "right"] == 2


def test_of_nothing_there_is_no_score():
    nothing = Groove([], [])
    assert np.isnan(f_measure(count_hits(nothing, nothing)))
    assert f_measure(count_hits(nothing, Groove([1.0], ["kick"]))) == 0


# -- networks


def test_targets_below_zero_do_not_count():
    y_true = np.array([[1, 0, -1, -1]], np.float32)
    y_pred = np.array([[0.8, 0.1, 0.3, 0.9]], np.float32)
    expected = -(np.log(0.8) + np.log(0.9)) / 2
    assert float(masked_crossentropy(y_true, y_pred)) == pytest.approx(expected, rel=1e-5)


def answers(network, picture):
    """What an unfitted network says of each frame, (frames, 6)."""
    from drumlesson.backend import keras

    keras.utils.set_random_seed(0)
    model = frame_model(network, frames=len(picture))
    return model.predict(picture[None], verbose=0).reshape(len(picture), -1), model


NETWORKS = {
    "convolutional": TINY,
    "causal": FrameNetwork((2, 3), 4, (1, 2), causal=True),
    "recurrent": FrameNetwork((2,), 4, (), recurrent=3),
    "causal and recurrent": FrameNetwork((2,), 4, (), recurrent=3, causal=True),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_how_far_a_network_sees(name):
    """No further than its margin, and a causal one never ahead."""
    network = NETWORKS[name]
    picture = np.random.default_rng(0).uniform(-5, 1, (300, 80)).astype(np.float32)
    whole, model = answers(network, picture)
    changed = picture.copy()
    changed[150] = 1
    other = model.predict(changed[None], verbose=0).reshape(len(picture), -1)
    differs = np.flatnonzero(np.abs(whole - other).max(axis=1) > 1e-5)
    assert 150 in differs
    assert differs.min() >= 150 - network.margin * (not network.causal)
    assert differs.max() <= 150 + network.margin
    if not network.recurrent:
        assert differs.max() >= 150 + network.margin - 2  # the margin is no larger than it must be


def test_pictures_and_batches(toy_kits):
    pictures = Pictures(toy_renderings(toy_kits, 3, 1))
    assert pictures.x.shape == (3, 401, 80) and pictures.y.shape == (3, 401, len(DRUMS))
    few = {"n": 2, "size": 4, "frames": 50}
    first, again = (list(pictures.batches(7, **few)) for _ in range(2))
    (other, _), *_ = pictures.batches(8, **few)
    for (x, y), (same_x, same_y) in zip(first, again, strict=True):
        assert x.shape == (4, 50, 80) and y.shape == (4, 50 * len(DRUMS))
        np.testing.assert_array_equal(x, same_x)
        np.testing.assert_array_equal(y, same_y)
    assert not np.array_equal(first[0][0], other)


def test_a_batch_has_the_answers_of_its_own_pictures(toy_kits):
    """Each stretch is found again in the pictures, at another gain, with its targets."""
    pictures = Pictures(toy_renderings(toy_kits, 2, 1))
    ((x, y),) = pictures.batches(0, n=1, size=4, frames=60, louder=0.0)
    for picture, answer in zip(x, y.reshape(4, 60, -1), strict=True):
        found = []
        for whole, all_answers in zip(pictures.x, pictures.y, strict=True):
            for at in range(len(whole) - 59):
                if np.array_equal(all_answers[at : at + 60], answer):
                    found.append(np.abs(whole[at : at + 60] - picture).max())
        assert min(found) < 0.35  # the floor is added once more


def test_a_batch_may_be_coloured_and_moved_by_bands(toy_kits):
    """A stretch that is moved by a band has each band's neighbour; an equaliser has mean nought."""
    pictures = Pictures(toy_renderings(toy_kits, 2, 1))
    plain = {"n": 1, "size": 8, "frames": 60, "louder": 0.0}
    ((x, _),) = pictures.batches(0, **plain, bands=2)
    whole = np.log10(10 ** pictures.x.astype(np.float32) + 1e-5)
    moves = set()
    for stretch in x:
        for move in range(-2, 3):
            band = (np.arange(80) - move).clip(0, 79)
            places = (
                abs(part[at : at + 60, band] - stretch).max() for part in whole for at in range(342)
            )
            if min(places) < 1e-5:
                moves.add(move)
    assert len(moves) > 1 and moves <= {-2, -1, 0, 1, 2}
    colours = _colours(500, np.arange(80), 0.15, np.random.default_rng(0))
    assert colours.shape == (500, 1, 80)
    knobs = colours[:, 0, [0, 79]]
    np.testing.assert_allclose(knobs.std(), 0.15 * np.sqrt(5 / 6), rtol=0.1)


def test_a_fit_that_was_broken_off_goes_on_with_the_same_result(toy_kits, tmp_path, monkeypatch):
    from drumlesson.backend import keras

    pictures = Pictures(toy_renderings(toy_kits, 4, 1))
    settings = {"frames": 32, "size": 2, "verbose": False}
    start = frame_model(FrameNetwork((2,), 4, (1,)), frames=32)

    def copy():
        """The same start, in a process that has drawn other random numbers."""
        model = keras.models.clone_model(start)
        model.set_weights(start.get_weights())
        return model

    whole = fit_frames(copy(), pictures, 200, folder=tmp_path / "whole", **settings)
    batches = Pictures.batches

    def broken(self, random_state, **kw):
        if random_state == [0, 1]:
            raise KeyboardInterrupt
        return batches(self, random_state, **kw)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Pictures, "batches", broken)
        fit_frames(copy(), pictures, 200, folder=tmp_path / "parts", **settings)
    parts = fit_frames(copy(), pictures, 200, folder=tmp_path / "parts", **settings)
    assert int(parts.optimizer.iterations) == int(whole.optimizer.iterations) == 200
    for one, other in zip(whole.get_weights(), parts.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    changed = zip(start.get_weights(), whole.get_weights(), strict=True)
    assert all(np.abs(before - after).max() > 1e-3 for before, after in changed)


def test_an_interrupt_amid_a_batch_is_not_lost(toy_kits, tmp_path, monkeypatch):
    pictures = Pictures(toy_renderings(toy_kits, 1, 1))
    ended = interrupted_amid(monkeypatch, "keras.Model.train_on_batch")
    with pytest.raises(KeyboardInterrupt):
        fit_frames(
            frame_model(FrameNetwork((2,), 4, (1,)), frames=32),
            pictures,
            100,
            folder=tmp_path,
            frames=32,
            size=2,
        )
    assert ended == ["keras.Model.train_on_batch"] and files_below(tmp_path) == []


@pytest.mark.parametrize("name", ["convolutional", "causal"])
def test_an_exported_network_says_what_keras_says(name):
    network = NETWORKS[name]
    picture = np.random.default_rng(1).uniform(-5, 1, (1500, 80)).astype(np.float32)
    expected, model = answers(network, picture)
    threshold = np.linspace(0.1, 0.6, len(DRUMS))
    transcriber = Transcriber(export_transcriber(network, model, threshold, {"f": 0.5}))
    curves = np.concatenate(list(transcriber.curves([picture])))
    inside = slice(network.margin, -network.margin)  # at its ends, Keras takes zeros for silence
    np.testing.assert_allclose(curves[inside], expected[inside], atol=1e-4)
    np.testing.assert_allclose(transcriber.threshold_, threshold)
    assert transcriber.report_ == {"f": 0.5}


def test_a_ghost_note_does_not_take_what_a_hit_beside_it_needs():
    truth = Groove([1.0, 1.04], ["snare", "snare"], [10, 100], duration=2.0)
    counts = count_hits(truth, Groove([1.04], ["snare"], duration=2.0)).loc["snare"]
    assert counts[["right", "found", "there", "ghosts", "ghosts found"]].tolist() == [1, 1, 1, 1, 0]
    later = count_hits(truth, Groove([1.0, 1.06], ["snare"] * 2, duration=2.0)).loc["snare"]
    assert later["right"] == later["found"] == later["ghosts found"] == 1
    both = count_hits(truth, Groove([1.0, 1.04], ["snare"] * 2, duration=2.0)).loc["snare"]
    assert both["right"] == both["found"] == both["ghosts found"] == 1


def test_targets_leave_out_what_comes_after_the_last_frame():
    for audible in (True, False):
        played = rendering([0.1, 5.0], ["kick", "snare"], [audible] * 2, seconds=5.0)
        y = frame_targets(played, 50)
        assert y.shape == (50, len(DRUMS)) and not y[:, SNARE].any()
        assert y[10, KICK] == (1 if audible else -1)

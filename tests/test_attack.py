"""Where a hit begins, and the window that is cut there."""

import dataclasses
import doctest
import pickle

import numpy as np
import pytest
from conftest import noise_hit
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from drumlesson import attack
from drumlesson.attack import (
    DOUBTS,
    Attack,
    _without_offset,
    envelope,
    find_hit,
    onset,
    peak_normalize,
    sweep,
)
from drumlesson.audio import SR, AudioError
from drumlesson.features import LogMel


@given(
    lead=st.integers(0, 3000),
    gain=st.floats(1e-3, 5),
    seconds=st.sampled_from([0.001, 0.01, 0.2, 1.0]),
    skip=st.sampled_from([0.0, 0.05]),
    n=st.integers(30, 6000),
)
def test_a_window_has_its_length_whatever_the_hit(lead, gain, seconds, skip, n):
    hit = gain * np.exp(-np.arange(n) / 500)
    x = np.concatenate([np.zeros(lead), hit]).astype(np.float32)
    windows = Attack(seconds, skip=skip)([x, x[lead:]])
    assert windows.shape == (2, round(seconds * SR))
    assert windows.dtype == np.float32
    assert np.isfinite(windows).all()
    assert np.abs(windows).max() <= 1 + 1e-6
    assert lead - 22 <= onset(x) <= lead


def test_an_early_hit_keeps_its_rise():
    """Zeros stand before a hit that begins at once, so that all onsets fall on one place."""
    hit = np.ones(100, np.float32)
    delayed = np.concatenate([np.zeros(220, np.float32), hit])
    early, late = Attack(0.01, pre=0.002)([hit, delayed])
    first = np.flatnonzero(early)[0]
    assert first == round(0.002 * SR)
    assert abs(np.flatnonzero(late)[0] - first) <= 22


LENGTHS = [0, -1, float("nan"), float("inf"), 1e-9, 1e9]
IMPOSSIBLE = [("seconds", length) for length in LENGTHS]
IMPOSSIBLE += [("skip", -0.1), ("skip", float("nan")), ("pre", -0.1), ("pre", 5)]
IMPOSSIBLE += [("sr", 0), ("sr", -22050), ("sr", 22050.5), ("sr", "22050")]
IMPOSSIBLE += [("threshold_db", "x"), ("threshold_db", -5), ("threshold_db", float("inf"))]
IMPOSSIBLE += [("peak_normalize", "no"), ("peak_normalize", 1), ("search", 1), ("seconds", "1")]


@pytest.mark.parametrize("name, value", IMPOSSIBLE)
def test_windows_that_cannot_be(name, value):
    with pytest.raises(ValueError, match=r"Attack|attack|search"):
        Attack(**{name: value})
    window = Attack()
    with pytest.raises(ValueError):
        window.set_params(**{name: value})
    assert window == Attack()


def test_a_sample_is_the_shortest_window_whatever_the_rate():
    assert Attack(0.001, sr=1000)([np.ones(10)]).shape == (1, 1)
    with pytest.raises(ValueError, match="a sample at least"):
        Attack(0.0005, sr=1000)


def test_the_examples_of_the_module_say_what_it_gives():
    found = doctest.testmod(attack, extraglobs={"np": np})
    assert found.attempted > 5 and not found.failed


def test_without_normalising_a_window_is_the_sound_itself():
    x = np.linspace(0.1, 0.5, 4410, dtype=np.float32)
    window = Attack(0.1, pre=0, peak_normalize=False)([x])[0]
    assert (window == x[: len(window)]).all()


def test_a_skip_leaves_out_the_beginning():
    x = np.linspace(0.5, 0.1, 4410, dtype=np.float32)
    window = Attack(0.05, skip=0.1, peak_normalize=False)([x])[0]
    start = round(0.1 * SR)
    assert (window == x[start : start + len(window)]).all()


def test_the_envelope_has_a_block_a_millisecond():
    silence, sound = np.zeros(SR // 10), np.ones(SR // 10 + 1)
    blocks = envelope(np.concatenate([silence, sound]))
    assert len(blocks) == pytest.approx(201, abs=1)
    assert blocks[0] == 0
    assert blocks[-1] == 1


def test_the_peak_of_each_sound_is_one_but_silence_stays_silent():
    x = np.array([[0.25, -0.5], [2.0, 0.0], [0.0, 0.0]])
    assert (peak_normalize(x) == [[0.5, -1.0], [1.0, 0.0], [0.0, 0.0]]).all()


def test_a_sweep_scores_each_window_in_each_fold(toys):
    feature, windows = LogMel(n_mels=16), [Attack(0.01), Attack(0.2)]
    model = LogisticRegression(C=0.01, max_iter=500)
    scores = sweep(toys.waves, toys.labels, toys.kits, model, feature, windows, folds=4)
    assert scores.shape == (2, 4)
    assert ((scores >= 0) & (scores <= 1)).all()
    again = sweep(toys.waves, toys.labels, toys.kits, model, feature, windows[1:], folds=4)
    assert (again == scores[1:]).all()


# -- as a step of scikit-learn


def test_a_window_is_a_setting_to_clone_to_compare_and_to_store():
    window = Attack(0.3, skip=0.1)
    assert window.get_params()["skip"] == 0.1
    assert clone(window) == window
    assert clone(window) is not window
    assert pickle.loads(pickle.dumps(window)) == window
    assert hash(clone(window)) == hash(window)
    assert dataclasses.replace(window, skip=0.0) == Attack(0.3)
    assert clone(window).set_params(skip=0.0) == Attack(0.3)
    assert window == Attack(0.3, skip=0.1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        window.seconds = 1.0


def flatten(pictures):
    return pictures.reshape(len(pictures), -1)


def test_window_and_feature_take_their_place_in_a_pipeline(toys):
    waves = list(toys.waves)
    logistic = LogisticRegression(C=0.01, max_iter=500)
    model = make_pipeline(Attack(0.3), LogMel(), FunctionTransformer(flatten), logistic)
    numbers = flatten(LogMel()(Attack(0.3)(waves)))
    alone = clone(logistic).fit(numbers, toys.labels)
    assert (model.fit(waves, toys.labels).predict(waves) == alone.predict(numbers)).all()


def test_settings_of_window_and_feature_can_be_searched(toys):
    logistic = LogisticRegression(C=0.01, max_iter=500)
    model = make_pipeline(Attack(0.3), LogMel(), FunctionTransformer(flatten), logistic)
    grid = {"logmel__n_mels": [8, 32], "attack__seconds": [0.05, 0.3]}
    search = GridSearchCV(model, grid, cv=2, error_score="raise").fit(list(toys.waves), toys.labels)
    assert len(search.cv_results_["params"]) == 4
    best = search.best_estimator_
    assert best["logmel"] == LogMel(n_mels=search.best_params_["logmel__n_mels"])
    assert best["attack"] == Attack(search.best_params_["attack__seconds"])
    assert model["logmel"] == LogMel()


# -- sounds that are not tidy


def behind(noise, x=None):
    """A hit at half of full scale behind some noise, which goes on underneath."""
    x = noise_hit() if x is None else x
    padded = np.pad(0.5 * x / np.abs(x).max(), (len(noise), 0))
    return padded + np.resize(noise, len(padded))


def hiss(seconds, db):
    rng = np.random.default_rng(1)
    return 10 ** (db / 20) * rng.standard_normal(round(seconds * SR))


def hum(seconds, db):
    t = np.arange(round(seconds * SR)) / SR
    x = np.sin(2 * np.pi * 50 * t) + np.sin(2 * np.pi * 100 * t) / 2
    return 10 ** (db / 20) * x / x.std()


def clicked():
    x = behind(np.zeros(SR // 2))
    x[SR // 10 : SR // 10 + 20] += 0.9 * (-1) ** np.arange(20) * np.exp(-np.arange(20) / 5)
    return x


def click_alone():
    x = np.zeros(SR)
    x[5000:5020] = np.exp(-np.arange(20) / 5)
    return x


UNTIDY = {  # seconds of lead, and a hit behind it
    "nothing": (0, noise_hit()),
    "silence": (5, behind(np.zeros(5 * SR))),
    "a click that is louder than the hit": (0.5, clicked()),
    "faint hiss": (0.5, behind(hiss(0.5, -50))),
    "hiss": (0.5, behind(hiss(0.5, -40))),
    "loud hiss": (0.5, behind(hiss(0.5, -30))),
    "long hiss": (5, behind(hiss(5, -40))),
    "hum": (0.5, behind(hum(0.5, -36))),
    "loud hum": (0.5, behind(hum(0.5, -26))),
    "an offset": (0.5, behind(np.zeros(SR // 2)) + 0.05),
    "a softer hit": (0.5, behind(np.resize(0.1 * noise_hit(), SR // 2))),
}


@pytest.mark.parametrize("what", UNTIDY)
@pytest.mark.parametrize("gain", [1, 1e-3])
def test_a_hit_is_found_whatever_sounds_before_it(what, gain):
    lead, x = UNTIDY[what]
    start, top = find_hit(_without_offset(gain * x))
    assert abs(start / SR - lead) <= 0.003
    assert start <= top < start + 0.02 * SR
    window = Attack(0.05, pre=0)([gain * x])[0]
    assert window.argmax() < 0.02 * SR and abs(window.mean()) < 0.05


def test_a_hit_that_swells_keeps_its_beginning():
    """The loudest moment may come long after the stroke, with no rise between."""
    swell = noise_hit(1.0) * 0
    swell += np.sin(np.arange(len(swell)) / 20) * np.linspace(0.2, 1, len(swell))
    assert find_hit(swell)[0] == 0
    assert find_hit(np.pad(swell, (1000, 0)))[0] == pytest.approx(1000, abs=22)


def test_windows_search_as_version_0_1_0_did_where_they_are_told_to():
    old = Attack(0.1, search="first")
    x = behind(hiss(0.5, -30))
    assert onset(x) < 100
    assert np.array_equal(old([x])[0][44:], Attack(0.1, search="first", pre=0)([x])[0][:-44])
    tidy = [noise_hit(random_state=i) for i in range(5)]
    assert np.array_equal(old(tidy), Attack(0.1)(tidy))
    assert not any(old.doubts([x, clicked()]))
    with pytest.raises(ValueError, match="search"):
        Attack(0.1, search="last")


def test_small_offsets_stay():
    """So the windows of ordinary recordings are those that models have learned from."""
    x = noise_hit()
    assert _without_offset(x) is x
    assert np.abs(_without_offset(x + 0.1) - (x - x.mean())).max() < 1e-6


def lowpassed(x, hz=3500):
    spectrum = np.fft.rfft(x)
    spectrum[np.fft.rfftfreq(len(x), 1 / SR) > hz] = 0
    return np.fft.irfft(spectrum, len(x))


DOUBTFUL = {
    "": [
        noise_hit(),
        clicked(),
        behind(np.zeros(5 * SR)),
        behind(hiss(0.5, -60)),
        behind(np.append(hiss(0.5, -40), np.zeros(2 * SR)))[: 3 * SR],  # it stops before the hit
        behind(np.zeros(SR // 2)) + 0.05,
    ],
    "noise": [
        behind(hiss(0.5, -30)),
        behind(hum(0.5, -26)),
        behind(hum(1, -20)),
        hiss(1, -20),
        hiss(0.25, -20),
        np.sin(np.arange(SR) / 10),
    ],
    "another": [np.tile(noise_hit(0.15), 2), np.tile(noise_hit(0.1), 20)],
    "short": [
        noise_hit()[:220],
        np.sin(np.arange(2000) / 10),
        np.array([0.0] * 100 + [1, -1]),
        click_alone(),
    ],
    "dull": [lowpassed(noise_hit(1.0))],
}


@pytest.mark.parametrize("doubt", DOUBTFUL)
def test_a_window_says_what_speaks_against_it(doubt):
    said = Attack(0.3).doubts(DOUBTFUL[doubt])
    assert said.tolist() == [doubt] * len(DOUBTFUL[doubt])
    assert set(DOUBTFUL) == {"", *DOUBTS}


@given(n=st.integers(22, 9000), kind=st.sampled_from(["noise", "zeros", "step"]))
def test_doubts_of_any_length(n, kind):
    x = {"noise": noise_hit(1.0)[:n], "zeros": np.zeros(n), "step": np.ones(n)}[kind]
    (said,) = Attack(0.3).doubts([x.astype(np.float32)])
    assert said in ("", *DOUBTS)


STEREO = np.stack([noise_hit(), noise_hit()])


@pytest.mark.parametrize(
    "x, told",
    [
        (STEREO, "shape .2, "),
        (STEREO.T, "shape .*, 2."),
        (np.zeros(0), "shape .0,."),
        (np.array(["a"]), "one of <U1"),
        (np.full(500, np.nan), "NaN or infinite"),
        (0.5, "shape .."),
    ],
)
def test_what_is_not_one_sound_has_no_onset(x, told):
    """In two columns a beginning would be found, at a sample that is none."""
    for find in (onset, find_hit, envelope, lambda x: Attack(0.1)([x])):
        with pytest.raises(AudioError, match=told):
            find(x)


@pytest.mark.parametrize("sr", [0, -1, "a", None])
def test_a_rate_that_is_none_has_no_onset(sr):
    for find in (onset, find_hit, envelope):
        with pytest.raises(AudioError, match="samples a second"):
            find(noise_hit(), sr)


def test_one_sound_where_a_list_is_expected():
    with pytest.raises(AudioError, match="a sound is an array of numbers"):
        Attack(0.1)(noise_hit())


@pytest.mark.parametrize("threshold_db", [0, -5, np.nan])
def test_a_threshold_that_is_none(threshold_db):
    with pytest.raises(ValueError, match="decibels above 0"):
        find_hit(noise_hit(), threshold_db=threshold_db)


class TestLoops:
    """A loop is no hit, wherever in it the loudest one lies."""

    HIT = noise_hit(0.1)
    GAP = np.zeros(SR // 2, np.float32)

    @pytest.mark.parametrize("loudest", range(4))
    def test_hits_far_apart_are_several(self, loudest):
        levels = [1.0 if i == loudest else 0.6 for i in range(4)]
        loop = np.concatenate([np.append(level * self.HIT, self.GAP) for level in levels])
        assert Attack(0.3).doubts([loop]).tolist() == ["another"]

    @pytest.mark.parametrize("level", [0.05, 0.2])
    def test_what_is_soft_beside_the_hit_is_none(self, level):
        soft = level * self.HIT
        for x in (
            np.concatenate([soft, self.GAP, self.HIT]),
            np.concatenate([self.HIT, self.GAP, soft]),
        ):
            assert Attack(0.3).doubts([x]).tolist() == [""]

    @pytest.mark.parametrize("level", [0.6, 1.0])
    @pytest.mark.parametrize("at", [SR // 10, SR // 2 + SR])
    def test_a_click_is_no_hit(self, level, at):
        x = np.concatenate([self.GAP, self.HIT, self.GAP, self.GAP])
        x[at] = level * np.abs(x).max()
        assert Attack(0.3).doubts([x]).tolist() == [""]

    def test_a_hit_after_silence_is_one(self):
        x = np.concatenate([self.GAP, self.HIT, self.GAP])
        assert Attack(0.3).doubts([x]).tolist() == [""]

    def test_recorded_hits_are_no_loops(self, open_kits):
        """Of all that the open kits hold, hardly one has another hit in it."""
        waves, _, _ = open_kits
        doubts = Attack(0.3).doubts(waves)
        assert (doubts == "another").mean() < 0.01

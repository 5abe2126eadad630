"""Where a hit begins, and the window that is cut there."""

import dataclasses
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from drumlesson.attack import Attack, envelope, onset, peak_normalize, sweep
from drumlesson.audio import SR
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
IMPOSSIBLE += [("skip", -0.1), ("skip", float("nan")), ("pre", -0.1)]


@pytest.mark.parametrize("name, value", IMPOSSIBLE)
def test_windows_that_cannot_be(name, value):
    with pytest.raises(ValueError):
        Attack(**{name: value})
    window = Attack()
    with pytest.raises(ValueError):
        window.set_params(**{name: value})
    assert window == Attack()


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

"""What goes into a classifier, and how it is asked: the same of every kind of input."""

import inspect
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from conftest import noise_hit, write_sound

from drumlesson import DrumClassifier, load
from drumlesson.answers import OUTSIDE, UNSURE, Answers, _sounds
from drumlesson.audio import SR, AudioError, Sound
from drumlesson.runtime import OnnxClassifier

ASKED = ("features", "predict_proba", "outside_proba", "predict", "doubts")


@pytest.fixture
def shipped():
    """The model that comes along, opened anew: a test may change it."""
    return load()


# -- settings that cannot be mixed up


@pytest.mark.parametrize("kind", [Answers, OnnxClassifier, DrumClassifier])
@pytest.mark.parametrize("name", [*ASKED, "score"])
def test_a_rate_is_given_by_name_only(kind, name):
    parameters = inspect.signature(getattr(kind, name)).parameters
    by_name = [p.name for p in parameters.values() if p.kind is p.KEYWORD_ONLY]
    assert by_name == (["unsure", "sr"] if name == "predict" else ["sr"])


@pytest.mark.parametrize("name", ASKED)
def test_a_rate_without_its_name_is_refused(shipped, name):
    with pytest.raises(TypeError, match="positional"):
        getattr(shipped, name)([noise_hit()], 44100)


def test_a_rate_is_no_weight(shipped, others):
    with pytest.raises(ValueError, match=r"sample_weight has shape \(\), and there are 15 sounds"):
        shipped.score(others.waves, others.labels, 44100)


@pytest.mark.parametrize("unsure", ["no", 44100, None, 1, np.ones(2)])
def test_unsure_is_true_or_false(shipped, unsure):
    with pytest.raises(ValueError, match="unsure is True or False, not"):
        shipped.predict([noise_hit()], unsure=unsure)


def test_a_numpy_bool_is_one(shipped, others):
    said = shipped.predict(others, unsure=np.bool_(True))
    assert said.tolist() == shipped.predict(others, unsure=True).tolist()


# -- the score


@pytest.mark.parametrize("form", [list, np.array, pd.Series, lambda y: pd.DataFrame({"label": y})])
def test_a_score_is_the_share_right_whatever_the_form_of_labels(shipped, others, form):
    y_pred = shipped.predict(others)
    assert shipped.score(others.waves, form(y_pred)) == 1
    labels = np.where(np.arange(len(others)) < 3, "another", y_pred)
    assert shipped.score(others.waves, form(labels)) == pytest.approx(12 / 15)


@pytest.mark.parametrize("y", [["kick"], [["kick", "snare"]], ["kick"] * 3, "kick"])
def test_labels_are_as_many_as_sounds(shipped, y):
    with pytest.raises(ValueError, match=r"y has shape .*, and there are 2 sounds"):
        shipped.score([noise_hit(), noise_hit()], y)


def test_weights_of_a_score_are_as_many_as_sounds(shipped, others):
    y_pred = shipped.predict(others[:4])
    labels = [*y_pred[:3], "another"]
    for form in (list, pd.Series, lambda w: pd.DataFrame({"weight": w})):
        assert shipped.score(others.waves[:4], labels, form([1, 0, 1, 2])) == 0.5
    with pytest.raises(ValueError, match="sample_weight has shape"):
        shipped.score(others.waves[:4], labels, [1, 2])


# -- a set of drums is looked at like a list


@pytest.mark.parametrize("name", ASKED)
@pytest.mark.parametrize(
    "x, text",
    [
        (np.zeros(5000, np.float32), "sound 1: is silent"),
        (np.full(5000, np.nan, np.float32), "sound 1: holds NaN"),
        (np.zeros(0, np.float32), "sound 1: is empty"),
        (np.ones((5000, 2), np.float32), "sound 1: expected one channel"),
    ],
    ids=["silent", "NaN", "empty", "stereo"],
)
def test_drums_are_checked_like_lists(shipped, others, name, x, text):
    drums = replace(others[:2], waves=[others.waves[0], x])
    for X in (drums.waves, drums):
        with pytest.raises(AudioError, match=text):
            getattr(shipped, name)(X)


@pytest.mark.parametrize("name", ASKED)
def test_no_drums_are_no_sounds(shipped, others, name):
    for X in ([], others[:0], np.zeros((0, 5000))):
        with pytest.raises(ValueError, match="no sounds: a classifier needs at least one"):
            getattr(shipped, name)(X)


def test_drums_know_their_rate(shipped, others):
    assert np.array_equal(shipped.features(others, sr=44100), shipped.features(others))


# -- what is no list of sounds


@pytest.mark.parametrize("kind", [np.float32, float, np.int16, np.uint8, bool, object])
def test_one_sound_is_not_many(shipped, kind):
    x = (100 * np.abs(noise_hit())).astype(kind)
    for X in (x, x.tolist(), pd.Series(x)):
        with pytest.raises(AudioError, match="one sound where a list .* is expected: give it as"):
            shipped.predict(X)
    if kind in (np.float32, float, np.int16):
        assert shipped.predict([x]).shape == (1,)


@pytest.mark.parametrize("X", [None, 42, np.float32(1), object()])
def test_what_is_no_list(shipped, X):
    with pytest.raises(AudioError, match="sounds come in a list, such as"):
        shipped.predict(X)


@pytest.mark.parametrize("x", [None, {}, object(), b"kick.wav"])
def test_what_is_no_sound(shipped, x):
    with pytest.raises(AudioError, match="sound 1: is .*, and a sound is an array of samples"):
        shipped.predict([noise_hit(), x])


def test_two_channels_are_told_from_many_sounds(shipped):
    stereo = np.stack([noise_hit()] * 2, axis=1)
    for X in (stereo, pd.DataFrame(stereo)):
        with pytest.raises(AudioError, match=r"one sound of 2 channels as \[x.mean\(axis=1\)\]"):
            shipped.predict(X)
    with pytest.raises(AudioError, match="sound 0: expected one channel.*average the channels"):
        shipped.predict([stereo])
    assert (
        shipped.predict([stereo.mean(axis=1)]).tolist() == shipped.predict([noise_hit()]).tolist()
    )


def test_a_generator_is_a_list(shipped, others):
    said = shipped.predict(x for x in others.waves)
    assert said.tolist() == shipped.predict(others.waves).tolist()


def test_sounds_say_whose_rate_cannot_be(shipped):
    with pytest.raises(AudioError, match=r"^sound 0 \(my hat\): sr is samples a second"):
        shipped.predict([Sound(noise_hit(), None, "my hat")])


# -- doubts about numbered classes


@pytest.mark.parametrize(
    "classes, kinds",
    [(list(range(5)), {int, str}), (list("abcde"), {str}), ([0.5, 1, 2, 3, 4], {float, str})],
)
def test_classes_stay_what_they_are_among_doubts(shipped, others, classes, kinds):
    shipped.classes_ = np.array(classes)
    proba = shipped.predict_proba(others).max(axis=1)
    shipped.calibration_ = replace(shipped.calibration_, unsure=float(np.median(proba)), outside=1)
    said = shipped.predict(others, unsure=True).tolist()
    assert {type(answer) for answer in said} == kinds and UNSURE in said
    for answer, label in zip(said, shipped.predict(others).tolist(), strict=True):
        assert answer in (label, UNSURE, OUTSIDE)


# -- how much of a sound is heard


def test_a_file_is_cut_around_its_loudest_moment_and_an_array_is_taken_whole(shipped, tmp_path):
    hiss = 0.05 * np.random.default_rng(0).standard_normal(3 * SR)
    late = np.append(hiss, noise_hit()).astype(np.float32)
    path = write_sound(tmp_path / "late.wav", late, subtype="FLOAT")
    of_file, of_array = _sounds([path, late])
    assert len(of_array) == len(late) and len(of_file) < SR + len(noise_hit()) + SR // 100
    proba = shipped.predict_proba([path, of_file])
    assert np.array_equal(proba[0], proba[1])


def test_a_sound_that_cannot_be_used_is_told_by_its_place(tmp_path):
    """Many are called kick."""
    kicks = [Sound(noise_hit(), name="kick"), Sound(np.full(500, np.nan), name="kick")]
    with pytest.raises(AudioError, match=r"sound 1 \(kick\): holds NaN"):
        load().predict(kicks)

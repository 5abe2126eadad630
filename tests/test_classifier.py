"""The classifier: what it learns, what its file keeps, and what it says of the wrong thing."""

import io
import json
import math
import os
import re
import subprocess
import sys
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import soxr
from conftest import files_below, noise_hit, write_sound
from hypothesis import given, settings
from hypothesis import strategies as st
from quick import QUICK
from sklearn.base import clone, is_classifier
from sklearn.model_selection import GroupKFold, cross_val_score

import drumlesson
from drumlesson import DrumClassifier, load, training
from drumlesson.answers import UNSURE, Calibration
from drumlesson.attack import DOUBTS, Attack
from drumlesson.audio import KEEP_SECONDS, SR, AudioError, Sound
from drumlesson.classifier import digest, spec_of
from drumlesson.drums import Drums, load_drums, summary
from drumlesson.evaluation import evaluate, kit_interval, plot_confusion
from drumlesson.families.convolutional import CNN
from drumlesson.families.dense import Dense
from drumlesson.families.ensemble import Ensemble
from drumlesson.features import LogMel
from drumlesson.labels import LABELS
from drumlesson.modelfiles import FORMAT
from drumlesson.registry import AUGMENTATIONS, FAMILIES, FEATURES, from_spec, to_spec
from drumlesson.tasks import Binary, Multiclass


@pytest.fixture(scope="module")
def small(toys):
    """A small and quick one, with settings that differ from the defaults."""
    return DrumClassifier(
        **{**QUICK, "window": Attack(0.06, pre=0.0, peak_normalize=False)}, random_state=5
    ).fit(toys)


@pytest.fixture(scope="module")
def two_labels(toys):
    """One that knows only two labels, which are not the course's."""
    few = toys[np.isin(toys.labels, ["kick", "snare"])]
    return DrumClassifier(**QUICK).fit(
        few.waves, np.where(few.labels == "kick", "low thing", "another thing"), few.kits
    )


# -- scikit-learn's conventions


def test_it_is_a_classifier_to_scikit_learn():
    assert is_classifier(DrumClassifier())


def test_settings_come_back_as_they_were_given():
    model = DrumClassifier(**QUICK)
    assert model.get_params().items() >= QUICK.items()
    again = clone(model).set_params(epochs=3)
    assert again.get_params() == {**model.get_params(), "epochs": 3} and model.epochs == 2


def test_fit_learns_something(model, toys):
    assert model.score(toys) > 0.5  # five classes
    assert list(model.classes_) == list(LABELS) and len(model.history_) == 8
    assert not np.isnan(model.history_).any(axis=None)


def test_probabilities(model, others):
    proba = model.predict_proba(others)
    assert (
        proba.shape == (len(others), 5)
        and proba == pytest.approx(proba.clip(0, 1))
        and proba.sum(axis=1) == pytest.approx(1)
    )
    assert list(model.predict(others)) == [LABELS[i] for i in proba.argmax(axis=1)]
    assert model.score(others) == pytest.approx(np.mean(model.predict(others) == others.labels))


def test_one_at_a_time_is_the_same_as_all_at_once(model, others):
    single = np.concatenate([model.predict_proba([x]) for x in others.waves])
    assert single == pytest.approx(model.predict_proba(others), abs=1e-5)


def test_more_than_one_block_is_the_same_as_one(model, others):
    many = others.waves * 20
    assert len(many) > 256
    assert model.predict_proba(many)[-len(others) :] == pytest.approx(
        model.predict_proba(others), abs=1e-5
    )


def test_every_form_of_input_is_the_same(model, others, tmp_path):
    waves = others.waves[:2]
    expected = model.predict_proba(others[:2])
    paths = []
    for number, x in enumerate(waves):
        paths.append(write_sound(tmp_path / f"{number}.wav", x, subtype="FLOAT"))
    names = [str(path) for path in paths]
    table = np.array([np.pad(x, (0, 4 * SR - len(x))) for x in waves])
    forms = {
        "arrays": waves,
        "sounds": [others[0], others[1]],
        "paths": paths,
        "a mixture": [paths[0], waves[1].astype(float)],
        "a table": table,
        "a data frame": pd.DataFrame(table),
        "names": names,
        "a column of names": pd.Series(names),
    }
    for form, X in forms.items():
        assert model.predict_proba(X) == pytest.approx(expected, abs=1e-4), form
    assert model.predict_proba(paths[0]) == pytest.approx(expected[:1], abs=1e-4)
    assert model.predict_proba(others[0]) == pytest.approx(expected[:1], abs=1e-4)


@pytest.mark.parametrize("task", [Binary("kick", threshold=0.5), Multiclass()])
def test_the_validation_accuracy_that_is_told_is_the_share_right(task, toys, capsys):
    rare = toys[
        (toys.labels != "kick") | (np.arange(len(toys)) % 3 == 0)
    ]  # no class weighs the same
    model = DrumClassifier(**QUICK | {"epochs": 1, "verbose": 1}, task=task, random_state=0)
    model.fit(rare)
    judging = rare[np.isin(rare.kits, model.validation_kits_)]
    told = f"validation accuracy {model.score(judging):.3f} on"
    assert told in capsys.readouterr().out


def test_the_same_seed_gives_nearly_the_same_model(small, toys, others):
    assert clone(small).fit(toys).predict_proba(others) == pytest.approx(
        small.predict_proba(others), abs=0.02
    )


@pytest.mark.usefixtures("eagerly")
def test_cross_validation_by_scikit_learn(toys):
    """A plain list of arrays of different lengths goes through; kits go in as metadata."""
    model = DrumClassifier(**QUICK)
    assert len({len(x) for x in toys.waves}) > 1
    scores = cross_val_score(
        model,
        toys.waves,
        toys.labels,
        groups=toys.kits,
        cv=GroupKFold(2),
        params={"groups": toys.kits},
        error_score="raise",
    )
    assert len(scores) == 2 and all(0 <= s <= 1 for s in scores)


# -- training


@pytest.mark.parametrize("share", [-1, 0.6, 1, 2, float("nan")])
def test_a_share_that_is_none(toys, share):
    with pytest.raises(ValueError, match="validation_fraction is a share"):
        DrumClassifier(**QUICK, validation_fraction=share).fit(toys)


@pytest.mark.parametrize(
    "change, text",
    [
        (dict(family="nosuch"), "no family is called 'nosuch': choose from .*dense"),
        (dict(task="nosuch"), "no task is called 'nosuch': choose from .*multiclass"),
        (dict(feature="nosuch"), "no feature is called 'nosuch': choose from logmel, mfcc, stft"),
        (dict(family="nosuch:thing"), "cannot load the family 'nosuch:thing'"),
        (dict(family="math:nosuch"), "cannot load the family 'math:nosuch'"),
        (dict(family=":"), "cannot load the family ':'"),
        (dict(family="math:pi"), "family"),
        (dict(feature="math:pi"), "feature"),
        (dict(task="math:pi"), "task"),
        (dict(family=abs), "one vector a hit"),
        (dict(window=0), "above zero"),
        (dict(window=-1), "above zero"),
        (dict(epochs=0), "epochs"),
        (dict(epochs=-3), "epochs"),
        (dict(batch_size=0), "batch_size"),
    ],
    ids=lambda v: "",
)
def test_settings_that_cannot_be(toys, change, text):
    with pytest.raises(ValueError, match=text):
        DrumClassifier(**{**QUICK, **change}).fit(toys)


@pytest.mark.filterwarnings("ignore:no kits are known")
@pytest.mark.parametrize(
    "X, y, groups, text",
    [
        ([], [], None, "at least one"),
        ([noise_hit()] * 4, ["kick"] * 4, None, "at least two classes.*kick"),
        ([noise_hit()] * 4, ["kick", "snare"], None, "4 sounds, 2 labels"),
        (
            [noise_hit()] * 4,
            ["kick", "snare"] * 2,
            ["a"],
            r"groups has shape \(1,\), and there are 4 sounds",
        ),
        ([noise_hit()] * 3, ["kick", "kick", "snare"], None, "snare has one example"),
        ([noise_hit()] * 5, [*["kick", "snare"] * 2, "snaer"], list("aabba"), "snaer has one"),
        ([noise_hit()] * 3 + [np.zeros(500)], ["kick", "snare"] * 2, None, "sound 3: is silent"),
        ([noise_hit()] * 3 + [[np.nan] * 500], ["kick", "snare"] * 2, None, "sound 3: holds NaN"),
        (
            [noise_hit()] * 3 + [noise_hit().reshape(-1, 3)],
            ["kick", "snare"] * 2,
            None,
            "sound 3: expected one channel",
        ),
        (
            [noise_hit()] * 3 + [Sound(noise_hit(), 0, "loud hat")],
            ["kick", "snare"] * 2,
            None,
            "loud hat.: sr is samples a second",
        ),
        (
            [noise_hit()] * 3 + ["nowhere.wav"],
            ["kick", "snare"] * 2,
            None,
            "nowhere.wav: there is no such file",
        ),
    ],
    ids=lambda v: "",
)
def test_data_that_cannot_be_learned_from(X, y, groups, text):
    model = DrumClassifier(**QUICK)
    with pytest.raises(ValueError, match=text):
        model.fit(X, y, groups)
    assert not [name for name in vars(model) if name.endswith("_")]


def test_labels_of_one_kind_in_drums(toys):
    with pytest.raises(ValueError, match="two classes.*tom"):
        DrumClassifier(**QUICK).fit(toys[toys.labels == "tom"])


def test_sounds_without_labels(others):
    with pytest.raises((TypeError, ValueError), match="label|y"):
        DrumClassifier(**QUICK).fit(others.waves)


def test_any_two_labels_will_do(two_labels, toys):
    """The five classes are the course's, not the classifier's."""
    assert list(two_labels.classes_) == ["another thing", "low thing"] and set(
        two_labels.predict(toys)
    ) <= {"another thing", "low thing"}


def test_an_interrupted_fit_leaves_it_unfitted(toys, monkeypatch):
    model = DrumClassifier(**QUICK)

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("keras.Model.fit", interrupt)
    with pytest.raises(KeyboardInterrupt):
        model.fit(toys)
    with pytest.raises(ValueError, match="call fit first"):
        model.predict(toys)
    assert model.get_params() == DrumClassifier(**QUICK).get_params()


def test_an_interrupted_second_fit_leaves_the_first(model, toys, others, monkeypatch):
    before = model.predict_proba(others)

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "train", interrupt)
    with pytest.raises(KeyboardInterrupt):
        model.fit(toys[:40])
    assert np.array_equal(model.predict_proba(others), before)


@pytest.mark.parametrize(
    "use",
    [
        lambda m, p: m.predict([noise_hit()]),
        lambda m, p: m.predict_proba([noise_hit()]),
        lambda m, p: m.score([noise_hit()], ["kick"]),
        lambda m, p: m.save(p / "x.keras"),
        lambda m, p: m.features([noise_hit()]),
    ],
    ids=["predict", "predict_proba", "score", "save", "features"],
)
def test_before_fit(tmp_path, use):
    with pytest.raises(ValueError, match="call fit first"):
        use(DrumClassifier(), tmp_path)
    assert files_below(tmp_path) == []


@pytest.mark.parametrize(
    "X, text",
    [
        ([], "no sounds"),
        ([[]], "sound 0: is empty"),
        ([noise_hit(), [0.5]], "sound 1: is 1 sample long"),
        (noise_hit(), "one channel|list"),
        ([np.full(500, np.inf)], "NaN or infinite"),
    ],
    ids=["none", "empty", "one sample", "no batch", "inf"],
)
def test_what_cannot_be_predicted(model, X, text):
    with pytest.raises(ValueError, match=text):
        model.predict(X)


def test_a_hit_may_come_late_in_its_file(model, tmp_path):
    lead = np.zeros(int((KEEP_SECONDS + 1) * SR), np.float32)
    soon = write_sound(tmp_path / "soon.wav", noise_hit())
    late = write_sound(tmp_path / "late.wav", np.concatenate([lead, noise_hit()]))
    proba = model.predict_proba([soon, late])
    assert np.abs(proba[0] - proba[1]).max() < 0.05


def test_what_cannot_be_heard_is_unsure_and_says_why():
    shipped = load()
    hit = load_drums("synth", n_kits=1, hits=1).waves[0]  # a kick
    hiss = 0.1 * np.random.default_rng(0).standard_normal(SR).astype(np.float32)
    sounds = [hit, np.append(hiss, hit), np.tile(hit[:2200], 3), hit[:300]]
    reasons = shipped.doubts(sounds)
    assert reasons.tolist() == ["", DOUBTS["noise"], DOUBTS["another"], DOUBTS["short"]]
    said = shipped.predict(sounds, unsure=True)
    assert said[0] == "kick" and set(said[1:]) == {UNSURE}
    assert UNSURE not in shipped.predict(sounds)
    shipped.calibration_ = replace(shipped.calibration_, unsure=1.0)
    assert shipped.doubts([hit])[0].startswith("less than 1.00 probable")


def test_a_lack_of_treble_speaks_against_high_drums_only():
    shipped = load()
    drums = load_drums("synth", n_kits=4, hits=2)
    dull = [soxr.resample(soxr.resample(x, SR, 8000), 8000, SR) for x in drums.waves]
    low = np.isin(shipped.predict(dull), ("kick", "tom"))
    doubted = shipped.doubts(dull) == DOUBTS["dull"]
    assert low.any() and (~low).any()
    assert not doubted[low].any() and doubted[~low].mean() > 0.8


@pytest.mark.usefixtures("eagerly")
def test_no_treble_says_nothing_about_classes_of_ones_own(toys):
    """A rest may be kicks and toms, and how high a rim sounds is not known."""
    dull = [soxr.resample(soxr.resample(x, SR, 8000), 8000, SR) for x in toys.waves[:20]]
    own = np.where(np.isin(toys.labels, ("kick", "tom")), "low thing", "my weird stuff")
    model = DrumClassifier(**QUICK).fit(toys.waves, own, toys.kits)
    assert DOUBTS["dull"] not in model.doubts(dull)
    model = DrumClassifier(task="snare", **QUICK).fit(toys)
    y_pred, why = model.predict(dull), model.doubts(dull)
    assert DOUBTS["dull"] not in why[y_pred == "rest"]


@pytest.mark.parametrize("task", ["one-vs-rest", "rim"])
@pytest.mark.usefixtures("eagerly")
def test_classes_of_ones_own(toys, tmp_path, task):
    """Trained, saved, opened, asked and judged like the five, and each in its place."""
    own = {
        "kick": "my weird stuff",
        "snare": "rim",
        "hihat": "hihat",
        "cymbal": "été",
        "tom": "tom",
    }
    table = toys.table.assign(label=[own[label] for label in toys.labels])
    drums = Drums(toys.waves, table)
    model = DrumClassifier(task=task, **QUICK).fit(drums)
    model.save(tmp_path / "own.keras")
    again = load(tmp_path / "own.keras")
    every = ["hihat", "tom", "my weird stuff", "rim", "été"]
    assert list(again.classes_) == (["rest", "rim"] if task == "rim" else every)
    assert list(again.predict(drums)) == list(model.predict(drums))
    report = evaluate(again, drums)
    assert report["labels"] == list(again.classes_) and report["n"] == len(drums)
    assert np.sum(report["confusion"]) == len(drums)
    assert len(report["per_class"]) == len(again.classes_)
    assert plot_confusion(report) and len(summary(drums).columns) == 5 + 3


# -- the file


def test_a_saved_model_says_the_same(model, model_file, others):
    again = load(model_file)
    assert again.predict_proba(others) == pytest.approx(model.predict_proba(others), abs=1e-6)
    assert list(again.classes_) == list(model.classes_)
    assert (again.training_kits_, again.validation_kits_) == (
        model.training_kits_,
        model.validation_kits_,
    )
    assert (again.window_, again.feature_, again.task_) == (
        model.window_,
        model.feature_,
        model.task_,
    )
    assert {
        k: v
        for k, v in again.get_params(deep=False).items()
        if k not in ("family", "task", "feature", "window")
    } == {
        k: v
        for k, v in model.get_params(deep=False).items()
        if k not in ("family", "task", "feature", "window")
    }


def test_a_loaded_model_is_saved_and_fitted_like_any_other(
    model, model_file, toys, others, tmp_path
):
    again = load(model_file)
    again.save(tmp_path / "copy.keras")
    assert load(tmp_path / "copy.keras").predict_proba(others) == pytest.approx(
        model.predict_proba(others), abs=1e-6
    )
    assert clone(again).set_params(epochs=1).fit(toys[::4]).predict(others).shape == (len(others),)


def test_settings_of_its_parts_come_back(small, tmp_path):
    small.save(tmp_path / "small.keras")
    again = load(tmp_path / "small.keras")
    assert (
        again.window == Attack(0.06, pre=0.0, peak_normalize=False)
        and again.feature == QUICK["feature"]
        and again.family == QUICK["family"]
    )


def test_the_file_opens_in_keras_safe_mode(model, model_file, others):
    import keras

    network = keras.saving.load_model(model_file, safe_mode=True)
    assert network.predict(model.features(others), verbose=0) == pytest.approx(
        model.predict_proba(others), abs=1e-5
    )
    with zipfile.ZipFile(model_file) as z:
        assert z.testzip() is None and {
            "drumlesson.json",
            "config.json",
            "model.weights.h5",
        } <= set(z.namelist())
        about = json.loads(z.read("drumlesson.json"))
        assert (
            about["classes"] == list(LABELS)
            and about["sr"] == SR
            and about["drumlesson"] == drumlesson.__version__
        )
        assert not any(
            "Lambda" in z.read(name).decode(errors="replace")
            for name in ("config.json", "drumlesson.json")
        )


def test_a_family_by_name_and_settings_of_objects_survive():
    for registry, part in (
        (FAMILIES, Dense(units=(3, 4), dropout=0.1)),
        (FEATURES, LogMel(n_mels=7, fmax=5000.0)),
    ):
        assert from_spec(registry, json.loads(json.dumps(to_spec(registry, part)))) == part


@pytest.mark.parametrize("path", ["drums.h5", "drums", "drums.keras.zip", ".keras"])
def test_names_that_no_model_file_has(model, tmp_path, path):
    with pytest.raises(ValueError, match=r"ends in \.keras"):
        model.save(tmp_path / path)
    assert files_below(tmp_path) == []


@pytest.mark.parametrize("stage", ["keras.Model.save", "zipfile.ZipFile.writestr", "os.replace"])
@pytest.mark.parametrize(
    "error",
    [KeyboardInterrupt, OSError("No space left on device")],
    ids=["interrupted", "disk full"],
)
def test_an_interrupted_save_leaves_the_old_file(model, tmp_path, monkeypatch, stage, error):
    path = tmp_path / "drums.keras"
    path.write_bytes(b"the model of yesterday")

    def fail(*_, **__):
        raise error

    monkeypatch.setattr(stage, fail)
    with pytest.raises((KeyboardInterrupt, OSError)):
        model.save(path)
    monkeypatch.undo()
    assert (
        files_below(tmp_path) == ["drums.keras"] and path.read_bytes() == b"the model of yesterday"
    )


def test_a_file_may_be_replaced_and_is_readable_by_others(model, tmp_path):
    path = tmp_path / "new" / "drums.keras"
    model.save(path)
    model.save(path)
    assert files_below(tmp_path) == ["new/drums.keras"]
    if os.name == "posix":
        (tmp_path / "plain").touch()
        assert path.stat().st_mode == (tmp_path / "plain").stat().st_mode


def altered(source, path, change):
    """A copy of a model file whose drumlesson.json is changed, or replaced by text."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "drumlesson.json":
                content = (
                    change if isinstance(change, str) else json.dumps(change(json.loads(content)))
                )
            new.writestr(name, content)
    return path


def without(key):
    return lambda about: {k: v for k, v in about.items() if k != key}


@pytest.mark.parametrize(
    "change, text",
    [
        ("", "damaged"),
        ("no JSON", "damaged"),
        ("[]", "damaged"),
        ("null", "damaged"),
        (
            lambda a: {**a, "format": 99, "drumlesson": "7.8.9"},
            "written by drumlesson 7.8.9 in format 99.*train the model again",
        ),
        (without("format"), "format"),
        *(
            (without(key), "damaged or altered")
            for key in (
                "family",
                "task",
                "feature",
                "window",
                "classes",
                "settings",
                "training_kits",
                "validation_kits",
            )
        ),
        (lambda a: {**a, "sr": 44100}, "44100"),
        (lambda a: {**a, "task": {"name": "nosuch"}}, "task 'nosuch' is not registered"),
        (lambda a: {**a, "task": "multiclass"}, "damaged or altered"),
        (
            lambda a: {**a, "task": {**a["task"], "outside": ["kick"]}},
            "'kick' is one of its classes, and outside of them",
        ),
        (lambda a: {**a, "task": {**a["task"], "outside": ["rim"]}}, "no answer to 5 classes"),
        (lambda a: {**a, "task": {**a["task"], "outside": "rim"}}, "outside is a tuple"),
        (lambda a: {**a, "calibration": {"outside": 2}}, "outside lies within 0 to 1"),
        (lambda a: {**a, "feature": {"name": "os:system"}}, "'os:system' is not registered"),
        (lambda a: {**a, "feature": {**a["feature"], "nosuch": 1}}, "damaged or altered"),
        (lambda a: {**a, "window": {"seconds": -1}}, "damaged or altered"),
        (lambda a: {**a, "settings": {"nosuch": 1}}, "damaged or altered"),
    ],
    ids=lambda v: "",
)
def test_files_that_were_altered(model_file, tmp_path, change, text):
    path = altered(model_file, tmp_path / "altered.keras", change)
    with pytest.raises(ValueError, match=text) as e:
        load(path)
    assert str(path) in str(e.value)


def test_a_file_of_format_3_opens(model_file, tmp_path, others):
    """Without a word on what is outside: nothing is."""
    calibration = {"temperature": 2.0, "unsure": 0.5}

    def change(about):
        return about | {"format": 3, "calibration": calibration}

    model = load(altered(model_file, tmp_path / "old.keras", change))
    assert model.calibration_ == Calibration(2.0, 0.5, outside=1.0)
    assert model.outside_proba(others).tolist() == [0] * len(others)


def test_an_unknown_family_is_no_hindrance(model_file, tmp_path, others):
    """Prediction needs the layers, which the file holds, not the function that made them."""
    path = altered(
        model_file,
        tmp_path / "mine.keras",
        lambda a: {**a, "family": {"name": "my_package:MyFamily"}},
    )
    assert np.array_equal(load(path).predict(others), load(model_file).predict(others))


def test_a_keras_model_of_somebody_else(model, tmp_path):
    path = tmp_path / "other.keras"
    model.network_.save(path)
    with pytest.raises(ValueError, match="not a drumlesson model"):
        load(path)


def test_code_in_a_file_is_not_run(model_file, tmp_path):
    """A Lambda layer carries code: safe mode refuses it."""
    import keras

    evil = keras.Sequential(
        [
            keras.Input((9, 64)),
            keras.layers.Lambda(lambda x: x),
            keras.layers.Flatten(),
            keras.layers.Dense(5),
        ]
    )
    evil.save(tmp_path / "evil.keras")
    with zipfile.ZipFile(model_file) as z, zipfile.ZipFile(tmp_path / "evil.keras", "a") as into:
        into.writestr("drumlesson.json", z.read("drumlesson.json"))
    with pytest.raises(ValueError, match="evil.keras"):
        load(tmp_path / "evil.keras")


@pytest.mark.parametrize(
    "content",
    [b"", b"no model", b"PK\x03\x04" + bytes(50), b"\x89HDF\r\n\x1a\n" + bytes(100)],
    ids=["empty", "text", "zip head", "hdf5"],
)
def test_what_is_no_model_file(tmp_path, content):
    path = tmp_path / "fake.keras"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="is no model file, or a damaged"):
        load(path)


@pytest.mark.parametrize("path", ["none.keras", "x" * 300 + ".keras"])
def test_where_there_is_no_model_file(tmp_path, path):
    with pytest.raises(ValueError, match="no such model file.*drumlesson train"):
        load(tmp_path / path)


def test_the_advice_where_there_is_no_model_file_can_be_followed():
    with pytest.raises(ValueError, match=r"`drumlesson train --out nope\.keras`"):
        load("nope")
    with pytest.raises(ValueError, match="the name of the model file is empty"):
        load("")


@given(data=st.data())
@settings(max_examples=25)
def test_a_damaged_model_file_is_named_or_harmless(model, model_file, others, data):
    """Flipped bytes and cuts: the file is refused, or says what it said before.

    The latter where nothing of weight was hit.
    """
    content = bytearray(model_file.read_bytes())
    path = model_file.with_name("damaged.keras")
    last = len(content) - 1
    anywhere = st.integers(0, last)
    places = anywhere | st.integers(0, 300) | st.integers(last - 2499, last)
    if data.draw(st.booleans()):
        content = content[: data.draw(anywhere)]
    else:
        for _ in range(data.draw(st.integers(1, 5))):
            content[data.draw(places)] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    try:
        again = load(path)
    except ValueError as e:
        assert str(path) in str(e)
    else:
        expected = pytest.approx(model.predict_proba(others[:2]), abs=1e-6)
        assert again.predict_proba(others[:2]) == expected


# -- a file from unsafe hands


EVENTS = {"os.system", "subprocess.Popen", "os.exec", "os.posix_spawn", "os.fork"}
HAPPENED = []
sys.addaudithook(lambda event, _: HAPPENED.append(event) if event in EVENTS else None)
NAMED = ["helper_of_a_stranger:x", "antigravity:fly", "unittest.mock:patch", "os:system"]


@pytest.fixture
def stranger(tmp_path, monkeypatch):
    """A folder with a module that a file may name: whoever imports it leaves a trace."""
    folder = tmp_path / "here"
    folder.mkdir()
    code = "from pathlib import Path\nPath('trace').touch()\nx = print\n"
    (folder / "helper_of_a_stranger.py").write_text(code)
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))
    for name in ("helper_of_a_stranger", "antigravity"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    del HAPPENED[:]
    yield folder
    assert HAPPENED == []
    assert not {"helper_of_a_stranger", "antigravity"} & set(sys.modules)
    assert "trace" not in files_below(tmp_path)


@pytest.fixture(scope="module")
def small_file(small, tmp_path_factory):
    path = tmp_path_factory.mktemp("small") / "small.keras"
    small.save(path)
    return path


def entries_of(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(path, entries, **kw):
    """A model file with these entries, which are bytes or plain data."""
    with zipfile.ZipFile(path, "w", **kw) as archive:
        for name, content in entries.items():
            is_data = isinstance(content, (dict, list))
            archive.writestr(name, json.dumps(content) if is_data else content)
    return path


def refusal(path):
    """The one line with which a file is refused."""
    with pytest.raises(ValueError) as e:
        load(path)
    said = str(e.value)
    assert str(path) in said and said.isprintable(), said
    return said


def nested(kind, parts, spec):
    """A spec that holds another one."""
    return {"name": kind, parts: [spec]}


def place_for(name):
    """What a `drumlesson.json` may say with a name in it: nine times for training only."""
    bare = {"name": name}
    in_ensemble = nested("ensemble", "members", name)
    in_chain = nested("chain", "steps", name)
    return [
        {"family": bare},
        {"family": in_ensemble},
        {"family": nested("ensemble", "members", bare)},
        {"family": nested("ensemble", "members", in_ensemble)},
        {"family": nested("committee", "members", name), "format": 1},
        {"augment": bare},
        {"augment": in_chain},
        {"augment": nested("chain", "steps", in_chain)},
        {"augment": {"name": "adapt", "transform": name}},
        {"family": name},
        {"augment": name},
        {"task": bare},
        {"feature": bare},
        {"feature": name},
        {"window": name},
    ]


@pytest.mark.parametrize("number", range(15))
def test_what_a_file_names_is_never_imported_or_run(stranger, small_file, toys, number):
    """Neither by load nor by what comes after it, at whatever depth the name stands."""
    name = NAMED[number % len(NAMED)]
    entries = entries_of(small_file)
    about = json.loads(entries["drumlesson.json"]) | place_for(name)[number]
    path = packed(stranger / "a.keras", entries | {"drumlesson.json": about})
    only_for_training = number < 9
    if not only_for_training:
        refusal(path)
        return
    model = load(path)
    few = toys[:4]
    assert np.isfinite(model.predict_proba(few)).all()
    assert evaluate(model, few)["n"] == 4
    for again in (model, clone(model)):
        with pytest.raises(ValueError, match="not registered here|cannot be called") as e:
            again.fit(toys)
        assert str(e.value).isprintable()


@pytest.mark.parametrize("name", NAMED)
def test_no_name_is_imported_at_any_depth_of_a_spec(stranger, name):
    for place in place_for(name)[:9]:
        registry, spec = FAMILIES, place.get("family")
        if spec is None:
            registry, spec = AUGMENTATIONS, place["augment"]
        with pytest.raises(ValueError):
            from_spec(registry, spec)


@dataclass(frozen=True)
class Mine(Dense):
    pass


class Quiet(LogMel):
    """A feature of one's own."""


@pytest.mark.parametrize("write, name", [("save", "m.keras"), ("export", "m.onnx")])
def test_a_feature_that_is_not_registered_here_does_not_damage_a_file(
    toys, tmp_path, monkeypatch, write, name
):
    path = tmp_path / name
    with monkeypatch.context() as registered:
        registered.setitem(FEATURES, "quiet", Quiet)
        model = DrumClassifier(**{**QUICK, "feature": Quiet(n_mels=16, hop_length=512)}).fit(toys)
        getattr(model, write)(path)
        assert load(path).predict(toys[:2]).shape == (2,)
    told = f"^{re.escape(str(path))}: the feature 'quiet' is not registered here: import its module"
    with pytest.raises(ValueError, match=told):
        load(path)


@pytest.mark.usefixtures("eagerly")
def test_a_family_of_ones_own_is_fitted_where_it_is_registered(toys, tmp_path, monkeypatch):
    path = tmp_path / "mine.keras"
    DrumClassifier(**{**QUICK, "family": Ensemble((Mine((4,)), "dense"))}).fit(toys).save(path)
    stranger = load(path)
    assert stranger.predict(toys[:2]).shape == (2,)
    with pytest.raises(ValueError, match="Mine' is not registered here: import its module"):
        clone(stranger).fit(toys)
    monkeypatch.setitem(FAMILIES, f"{Mine.__module__}:Mine", Mine)
    assert load(path).family_.members[0] == Mine((4,))
    assert clone(stranger).fit(toys).family_.members[0] == Mine((4,))


def places_in(value, at=()):
    """Where each value of JSON data stands, as a path of keys."""
    inside = []
    if isinstance(value, dict):
        inside = list(value.items())
    elif isinstance(value, list):
        inside = list(enumerate(value))
    found = [at] if at else []
    for key, part in inside:
        found += places_in(part, (*at, key))
    return found


STRANGE = [None, True, -1, 0, 0.5, 2**31, 10**30, 1e308, math.nan, math.inf, "", "x" * 5000]
STRANGE += [*NAMED, "../../etc/passwd", "a\n\x1b[2J", [], {}, [[1]], {"name": NAMED[0]}]
STRANGE += [["dense"] * 3, {"class_name": "Lambda", "module": "keras.layers", "config": {}}]


def altered_json(data, rng):
    """JSON data with one value replaced, removed, added or wrapped."""
    data = json.loads(json.dumps(data))
    places = places_in(data)
    *above, last = places[rng.integers(len(places))]
    holder = data
    for key in above:
        holder = holder[key]
    how = rng.integers(8)
    if how == 0:
        del holder[last]
    elif how == 1 and isinstance(holder, dict):
        holder[f"{last}_"] = holder[last]
    elif how == 2:
        holder[last] = [holder[last]]
    elif how == 3 and isinstance(holder[last], (int, float)):
        holder[last] = holder[last] * -1000 - 1
    else:
        holder[last] = STRANGE[rng.integers(len(STRANGE))]
    return data


def altered_bytes(content, rng):
    """Bytes cut short, or with a few of them others."""
    content = bytearray(content)
    if rng.random() < 0.5:
        return bytes(content[: rng.integers(len(content))])
    for at in rng.integers(len(content), size=5):
        content[at] ^= int(rng.integers(1, 256))
    return bytes(content)


def altered_file(entries, path, rng):
    """A model file of which one entry is not as it was."""
    about = json.loads(entries["drumlesson.json"])
    # what nobody reads may be altered, and is no test
    about |= {"report": None, "training_kits": [], "validation_kits": []}
    entries = entries | {"drumlesson.json": about}
    kind = rng.choice(["about", "network", "weights", "left out"], p=[0.86, 0.05, 0.06, 0.03])
    if kind == "about":
        entries["drumlesson.json"] = altered_json(about, rng)
    elif kind == "network":
        entries["config.json"] = altered_json(json.loads(entries["config.json"]), rng)
    elif kind == "weights":
        entries["model.weights.h5"] = altered_bytes(entries["model.weights.h5"], rng)
    else:
        del entries[rng.choice(list(entries))]
    return packed(path, entries)


@pytest.mark.parametrize("block", range(5))
def test_an_altered_file_is_refused_in_one_line_or_predicts(stranger, small_file, toys, block):
    """A hundred in each block."""
    rng = np.random.default_rng(block)
    entries = entries_of(small_file)
    for _ in range(100):
        path = altered_file(entries, stranger / "a.keras", rng)
        try:
            model = load(path)
        except ValueError as e:
            assert str(path) in str(e) and str(e).isprintable(), repr(str(e))
            continue
        proba = model.predict_proba(toys[:1])
        assert proba.shape == (1, len(model.classes_)) and np.isfinite(proba).all()
        assert model.predict(toys[:1])[0] in model.classes_
    assert files_below(stranger) == ["a.keras", "helper_of_a_stranger.py"]


def changed_weights(content, change):
    """An HDF5 file after `change` was called with it."""
    data = io.BytesIO(content)
    with h5py.File(data, "r+") as file:
        change(file)
    return data.getvalue()


def first_values(file):
    """The path of the first array of numbers in an HDF5 file."""
    names = []
    file.visititems(lambda name, node: names.append(name) if hasattr(node, "shape") else None)
    return names[0]


def with_nan(file):
    file[first_values(file)][...] = np.nan


def of_another_shape(file):
    name = first_values(file)
    del file[name]
    file[name] = np.zeros((3, 3), np.float32)


def linked(file):
    name = first_values(file)
    del file[name]
    file[name] = h5py.ExternalLink("/etc/passwd", "/x")


def stored_elsewhere(file):
    name = first_values(file)
    del file[name]
    file.create_dataset(name, (4,), "f4", external=[("/etc/passwd", 0, 16)])


def far_too_large(file):
    file.create_dataset("large", (1 << 40,), "f4", chunks=(1024,))


@pytest.mark.parametrize(
    "change, text",
    [
        (with_nan, "are NaN or infinite"),
        (of_another_shape, "damaged or altered"),
        (linked, "a link to elsewhere"),
        (stored_elsewhere, "not in the file"),
        (far_too_large, "not in the file"),
    ],
)
def test_weights_that_were_altered(small_file, tmp_path, change, text):
    entries = entries_of(small_file)
    entries["model.weights.h5"] = changed_weights(entries["model.weights.h5"], change)
    assert text in refusal(packed(tmp_path / "a.keras", entries))


def dense_layer(config):
    """The first dense layer in the configuration of a network."""
    layers = config["config"]["layers"]
    return next(layer for layer in layers if layer["class_name"] == "Dense")


@pytest.mark.parametrize(
    "change, text",
    [
        ({"class_name": "Lambda"}, "has a Lambda, which may run code"),
        ({"class_name": "TFSMLayer"}, "has a TFSMLayer"),
        ({"module": "helper_of_a_stranger"}, "no layer of Keras and not registered"),
        ({"module": "keras.utils", "class_name": "get_file"}, "'get_file' of 'keras.utils'"),
        (
            {"module": "keras.config", "class_name": "enable_unsafe_deserialization"},
            "of 'keras.config'",
        ),
        ({"module": "keras", "class_name": "Loss"}, "of 'keras'"),
        ({"module": 3}, "no layer of Keras"),
        ({"class_name": "NoSuch"}, "damaged or altered"),
    ],
)
def test_networks_that_name_other_things_than_layers(stranger, small_file, change, text):
    entries = entries_of(small_file)
    config = json.loads(entries["config.json"])
    dense_layer(config).update(change)
    assert text in refusal(packed(stranger / "a.keras", entries | {"config.json": config}))


def test_a_network_larger_than_its_file_takes_no_memory(small_file, tmp_path):
    entries = entries_of(small_file)
    config = json.loads(entries["config.json"])
    head = config["config"]["layers"][-1]
    head["config"]["units"] = 10**11
    said = refusal(packed(tmp_path / "a.keras", entries | {"config.json": config}))
    assert "weights, and the file" in said


@pytest.mark.parametrize(
    "change, text",
    [
        ({"classes": ["kick"]}, "two classes at least"),
        ({"classes": list(LABELS)[:4]}, "no answer to 4 classes"),
        ({"classes": [*LABELS, "kick"]}, "each once"),
        ({"classes": ["kick", 1, "hihat", "cymbal", "tom"]}, "of one kind"),
        ({"classes": [{}, "x"]}, "are texts or numbers, not {}"),
        ({"calibration": {"temperature": 0}}, "temperature lies within"),
        ({"calibration": {"temperature": math.nan}}, "temperature is a finite number"),
        ({"feature": {"name": "logmel", "n_fft": 2**31}}, "n_fft lies within 2 to 65536"),
        ({"feature": {"name": "logmel", "top_db": "x"}}, "top_db is a finite number or None"),
        ({"feature": {"name": "logmel", "n_mels": 32}}, "its network takes (None,"),
        ({"window": {"seconds": 0.3, "sr": 2**31}}, "sr lies within"),
        ({"window": {"seconds": 0.3, "sr": 44100}}, "the window is at 22050 Hz"),
        ({"window": {"seconds": math.nan}}, "seconds is a finite number"),
        ({"settings": {"epochs": 0}}, "epochs is a number from 1 up"),
        ({"settings": {"learning_rate": math.nan}}, "learning_rate is a finite number"),
        ({"settings": {"random_state": -1}}, "random_state is a whole number from 0"),
        ({"family": {"name": "dense", "units": "x"}}, "units is a tuple, each a whole number"),
        ({"family": {"name": "dense", "units": [2**40]}}, "units lies within 1 to 100000"),
        ({"family": {"units": [3]}}, "a family has a name"),
        ({"augment": {"name": "shift", "seconds": [0, 99]}}, "seconds lies within -1 to 1"),
        ({"task": {"name": "binary", "label": "tom"}}, "no answer to 5 classes"),
        ({"task": {"name": "one-vs-rest", "thresholds": [0.5, 0.5]}}, "damaged or altered"),
        ({"nosuch": 1}, "has no setting 'nosuch'"),
        ({"training_kits": "abc"}, "training_kits is a list, not 'abc'"),
    ],
    ids=lambda v: "",
)
def test_settings_of_a_file_that_cannot_be(small_file, tmp_path, change, text):
    entries = entries_of(small_file)
    about = json.loads(entries["drumlesson.json"]) | change
    assert text in refusal(packed(tmp_path / "a.keras", entries | {"drumlesson.json": about}))


def test_archives_that_are_larger_than_they_look(small_file, tmp_path):
    entries = entries_of(small_file)
    path = tmp_path / "a.keras"
    for name, size, text in (
        ("drumlesson.json", 40_000_000, "'drumlesson.json' has 40,000,000 bytes"),
        ("model.weights.h5", 90_000_000, "'model.weights.h5' has 90,000,000 bytes"),
    ):
        packed(path, entries | {name: b" " * size}, compression=zipfile.ZIP_DEFLATED)
        assert text in refusal(path)
    assert "no place for 'x.py'" in refusal(packed(path, entries | {"x.py": b""}))
    packed(path, entries)
    with pytest.warns(UserWarning, match="Duplicate name"):
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr("drumlesson.json", b"{}")
    assert "or for two" in refusal(path)
    deep = b'{"family":' * 100_000
    assert "damaged" in refusal(packed(path, entries | {"drumlesson.json": deep}))


def test_a_file_of_a_newer_keras_says_so(small_file, tmp_path, monkeypatch):
    newer = {"metadata.json": {"keras_version": "99.1.0"}}
    path = packed(tmp_path / "a.keras", entries_of(small_file) | newer)
    assert load(path).classes_.size == 5  # which is no reason to refuse it

    def fail(*_, **__):
        raise TypeError("Unrecognized keyword arguments: {'optional': False}\nat length")

    monkeypatch.setattr("keras.saving.load_model", fail)
    said = refusal(path)
    assert "was written by Keras 99.1.0, and Keras 3." in said and "pip install -U keras" in said
    assert "damaged" not in said and "optional" in said


def test_the_command_line_refuses_a_file_in_one_line(small_file, tmp_path):
    sound = write_sound(tmp_path / "hit.wav")
    entries = entries_of(small_file)
    about = json.loads(entries["drumlesson.json"]) | {"feature": {"name": "antigravity:fly"}}
    path = packed(tmp_path / "a.keras", entries | {"drumlesson.json": about})
    done = subprocess.run(
        [sys.executable, "-m", "drumlesson.cli", "predict", str(path), str(sound)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.count("\n") == 1 and str(path) in done.stderr
    assert "'antigravity:fly' is not registered here" in done.stderr


# -- what is not a number


@pytest.mark.parametrize(
    "settings, text",
    [
        (dict(learning_rate=math.nan), "learning_rate"),
        (dict(learning_rate=0), "learning_rate is a number above 0"),
        (dict(learning_rate=-1.0), "learning_rate"),
        (dict(learning_rate="x"), "learning_rate"),
        (dict(patience=-1), "patience"),
        (dict(patience=1.5), "patience"),
        (dict(epochs="x"), "epochs"),
        (dict(epochs=True), "epochs"),
        (dict(batch_size=0.5), "batch_size"),
        (dict(clipnorm=math.inf), "clipnorm"),
        (dict(refit="x"), "refit"),
        (dict(class_weight="x"), "class_weight"),
        (dict(class_weight={"kick": math.nan}), "class_weight"),
        (dict(random_state=-1), "random_state"),
        (dict(random_state=2**32), "random_state"),
        (dict(random_state=1.5), "random_state"),
        (dict(random_state="x"), "random_state"),
        (dict(window="x"), "window is seconds"),
        (dict(window=math.nan), "window"),
    ],
    ids=lambda v: "",
)
def test_a_setting_that_cannot_be_is_named(toys, settings, text):
    with pytest.raises(ValueError, match=text) as e:
        DrumClassifier(**{**QUICK, **settings}).fit(toys)
    assert str(e.value).isprintable()


@pytest.mark.parametrize("hole", [math.nan, None, pd.NA])
def test_labels_and_kits_with_holes(toys, hole):
    y = [*toys.labels[:-1], hole]
    with pytest.raises(ValueError, match=f"y holds NaN or None, first at {len(toys) - 1}"):
        DrumClassifier(**QUICK).fit(toys.waves, y, toys.kits)
    with pytest.raises(ValueError, match="groups holds NaN or None"):
        DrumClassifier(**QUICK).fit(toys.waves, toys.labels, [*toys.kits[:-1], hole])
    weights = [*np.ones(len(toys) - 1), math.inf]
    with pytest.raises(ValueError, match="sample_weight"):
        DrumClassifier(**QUICK).fit(toys, sample_weight=weights)


def test_a_training_that_ends_in_nan_leaves_it_as_it_was(toys, others):
    model = DrumClassifier(**QUICK, validation_fraction=0).fit(toys)
    before = model.predict_proba(others)
    model.set_params(learning_rate=1000.0, epochs=60, family=Dense((8,) * 6, dropout=0.0))
    model.set_params(task=Shouting())
    with pytest.raises(ValueError, match="the loss became NaN or infinite in epoch 1: try a lear"):
        model.fit(toys)
    assert np.array_equal(model.set_params(task="multiclass").predict_proba(others), before)


class Shouting(Multiclass):
    """A task whose loss is no number."""

    def loss(self, n_classes):
        return lambda y_true, y_pred: y_pred[:, 0] * math.nan


@pytest.mark.usefixtures("eagerly")
def test_a_network_of_nan_is_neither_saved_nor_asked(toys, tmp_path):
    model = DrumClassifier(**QUICK).fit(toys)
    for weight in model.network_.trainable_weights:
        weight.assign(weight.value * math.nan)
    with pytest.raises(ValueError, match="a.keras: is not written, since the network has NaN"):
        model.save(tmp_path / "a.keras")
    assert files_below(tmp_path) == []
    for ask in (model.predict, model.predict_proba):
        with pytest.raises(ValueError, match="the network answers NaN or infinite numbers"):
            ask(toys[:1])


# -- arrays that know their rate


def test_arrays_and_sounds_at_another_rate_are_resampled(model, others):
    fast = [soxr.resample(x, SR, 44100) for x in others.waves[:4]]
    waves = [soxr.resample(x, 44100, SR) for x in fast]
    expected = pytest.approx(model.predict_proba(waves), abs=1e-6)
    assert model.predict_proba(fast, sr=44100) == expected
    sounds = [Sound(x, 44100) for x in fast]
    assert model.predict_proba(sounds) == expected
    assert np.array_equal(model.predict(fast, sr=44100), model.predict(sounds))
    assert model.predict(sounds, sr=8000).tolist() == model.predict(sounds).tolist()
    assert model.score(fast, others.labels[:4], sr=44100) == model.score(waves, others.labels[:4])
    assert model.features(fast, sr=44100).shape == model.features(waves).shape


@pytest.mark.usefixtures("eagerly")
def test_what_is_learned_at_another_rate_is_what_is_learned_of_resampled_arrays(toys, others):
    fast = [soxr.resample(x, SR, 44100) for x in toys.waves]
    waves = [soxr.resample(x, 44100, SR) for x in fast]
    asked = [soxr.resample(x, SR, 44100) for x in others.waves]
    here, there = DrumClassifier(**QUICK), DrumClassifier(**QUICK)
    here.fit(waves, toys.labels, toys.kits)
    there.fit(fast, toys.labels, toys.kits, sr=44100)
    expected = here.predict_proba([soxr.resample(x, 44100, SR) for x in asked])
    assert there.predict_proba(asked, sr=44100) == pytest.approx(expected, abs=1e-6)
    assert there.predict_proba(asked) != pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("sr", [0, -44100, "x", math.nan, 2**31, None])
def test_a_rate_that_cannot_be(model, sr):
    with pytest.raises(AudioError, match="^sr is samples a second"):
        model.predict([noise_hit()], sr=sr)


# -- the model of version 0.1.0

OLD = Path(__file__).parent / "data" / "best.keras"


@pytest.mark.parametrize("path, within", [(OLD.with_suffix(".onnx"), 1e-5), (OLD, 1e-6)])
def test_the_model_of_0_1_0_says_what_it_said_then(path, within):
    stored = pd.read_csv(Path(__file__).parent / "data" / "shipped_0.1.0.csv")
    drums = load_drums("synth", n_kits=5, hits=2, random_state=123)
    assert list(stored["kit"]) == list(drums.kits)
    assert list(stored["label"]) == list(drums.labels)
    proba = load(path).predict_proba(drums)
    assert proba == pytest.approx(stored[list(LABELS)].to_numpy(), abs=within)


def test_a_file_of_format_1_has_todays_names():
    shipped = load(OLD)
    assert shipped.family_ == Ensemble(("cnn1d", CNN(stride=(2, 2))))
    assert shipped.feature_ == LogMel(hop_length=256) and shipped.window_ == Attack(0.3)
    assert shipped.augment_every == 8 and shipped.validation_fraction == 0
    with zipfile.ZipFile(OLD) as archive:
        assert json.loads(archive.read("drumlesson.json"))["format"] == 1


def test_a_digest_is_of_all_settings_but_the_seed():
    spec = spec_of(DrumClassifier(random_state=3, verbose=0))
    assert digest(spec) == digest(spec_of(DrumClassifier())) and len(digest(spec)) == 8
    assert set(spec) == {"family", "task", "feature", "window", "augment", "more"}
    assert not {"random_state", "verbose"} & set(spec["more"])
    others = [DrumClassifier(epochs=61), DrumClassifier("cnn"), DrumClassifier(augment="speed")]
    others.append(DrumClassifier(Dense(noise=0.1)))
    assert len({digest(spec_of(other)) for other in others} | {digest(spec)}) == 5


def test_settings_of_the_shipped_model_are_those_of_the_recipe():
    best = DrumClassifier(
        Ensemble(("cnn1d", CNN(stride=(2, 2)))),
        feature=LogMel(hop_length=256),
        window=Attack(0.3),
        augment="waves",
        epochs=120,
        augment_every=8,
        validation_fraction=0,
    )
    assert digest(spec_of(load(OLD))) == digest(spec_of(best))


def test_a_file_of_format_1_is_written_again_as_one_of_todays(tmp_path, others):
    shipped = load(OLD)
    shipped.save(tmp_path / "again.keras")
    with zipfile.ZipFile(tmp_path / "again.keras") as archive:
        about = json.loads(archive.read("drumlesson.json"))
    assert about["format"] == FORMAT == 4 and "renew" not in about["settings"]
    again = load(tmp_path / "again.keras")
    assert again.predict_proba(others) == pytest.approx(shipped.predict_proba(others), abs=1e-6)
    assert again.calibration_ == shipped.calibration_ and again.report_ == shipped.report_


# -- parts of one's own


@dataclass(frozen=True, repr=False)
class Feature:
    """A feature that breaks its word in one way."""

    how: str

    def __call__(self, x):
        if self.how == "raises":
            raise RuntimeError("no such filter")
        if self.how == "flat":
            return x
        if self.how == "fewer":
            return x[1:, None, :]
        if self.how == "text":
            return np.full((len(x), 2, 2), "a")
        return np.full((len(x), 2, 2), np.nan)

    def __repr__(self):
        return f"Feature({self.how})"


@pytest.mark.parametrize(
    "how, text",
    [
        ("raises", r"the feature Feature\(raises\) makes no picture of a hit: no such filter"),
        ("flat", r"the feature Feature\(flat\) must make numbers of shape \(hits, frames, bins\)"),
        ("fewer", r"Feature\(fewer\) must make numbers .* and makes float32 of shape"),
        ("text", r"Feature\(text\) must make numbers .* and makes <U1 of shape"),
        ("NaN", r"Feature\(NaN\) makes NaN or infinite numbers"),
    ],
)
def test_a_feature_that_breaks_its_word_is_named(toys, how, text):
    with pytest.raises(ValueError, match=text):
        DrumClassifier(**{**QUICK, "feature": Feature(how)}).fit(toys)


@pytest.mark.parametrize("part", ["family", "task", "feature", "augment"])
def test_a_part_without_its_methods_is_named(toys, part):
    with pytest.raises(ValueError, match="<object object.* is no .*: it has no method"):
        DrumClassifier(**{**QUICK, part: object()}).fit(toys)


@pytest.mark.usefixtures("eagerly")
def test_kits_may_be_numbered(toys, tmp_path):
    kits = pd.factorize(toys.kits)[0]
    model = DrumClassifier(**QUICK).fit(toys.waves, toys.labels, groups=kits)
    assert all(isinstance(kit, int) for kit in model.training_kits_)
    model.save(tmp_path / "numbered.keras")
    assert load(tmp_path / "numbered.keras").training_kits_ == model.training_kits_


# -- judging


def test_a_report_adds_up(model, others):
    report = evaluate(model, others)
    assert list(report) == [
        "n",
        "accuracy",
        "balanced_accuracy",
        "macro_f1",
        "labels",
        "confusion",
        "per_class",
        "per_kit",
    ]
    confusion = np.array(report["confusion"])
    assert confusion.sum() == report["n"] == len(others)
    assert np.trace(confusion) / len(others) == pytest.approx(model.score(others))
    of_kits = [kit["accuracy"] for kit in report["per_kit"].values()]
    assert report["accuracy"] == pytest.approx(np.mean(of_kits))
    assert sum(k["n"] for k in report["per_kit"].values()) == len(others) and set(
        report["per_kit"]
    ) == set(others.kits)
    assert [report["per_class"][c]["n"] for c in report["labels"]] == list(confusion.sum(axis=1))
    assert json.loads(json.dumps(report)) == report


def test_a_report_on_labels_the_model_does_not_know(two_labels, others):
    report = evaluate(two_labels, others)
    assert report["labels"] == ["another thing", "low thing", *sorted(LABELS)]
    assert report["per_class"]["tom"]["recall"] == 0 == report["accuracy"] == report["macro_f1"]


def test_a_report_on_some_labels_only(model, others):
    report = evaluate(model, others[others.labels == "kick"])
    assert report["labels"] == list(LABELS) and report["macro_f1"] == pytest.approx(
        report["per_class"]["kick"]["f1"]
    )


def test_the_interval_is_over_kits():
    kits, right = np.repeat(list("abcdefgh"), 50), np.repeat([1, 1, 1, 1, 1, 1, 0, 0], 50)
    low, middle, high = kit_interval(right, kits)
    assert (
        middle == 0.75 and low < 0.55 and high > 0.95
    )  # 400 single hits would give about 0.71 to 0.79
    assert kit_interval(right, np.arange(400))[0] > 0.70


@pytest.mark.parametrize("right", [[1.0], [0.0, 0.0]])
def test_an_interval_of_one_kit(right):
    assert kit_interval(right, ["a"] * len(right)) == (right[0],) * 3

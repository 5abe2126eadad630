"""What `fit` takes can be saved and opened again; what cannot is refused before it learns."""

import functools
import json
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from quick import QUICK
from sklearn.base import clone

from drumlesson import DrumClassifier, load, training
from drumlesson.attack import Attack
from drumlesson.families.ensemble import Ensemble
from drumlesson.features import MFCC, STFT, LogMel
from drumlesson.registry import AUGMENTATIONS, FAMILIES, FEATURES
from drumlesson.tasks import Multiclass


class Nameless:
    """A part that is no dataclass, with the methods of all parts but a task's."""

    def __call__(self, x):
        from drumlesson.backend import keras

        return x[:, None, :] if isinstance(x, np.ndarray) else keras.ops.mean(x, axis=1)

    def waves(self, x, rng):
        return x

    def pictures(self, x, rng):
        return x


class NamelessTask:
    """A task that is no dataclass."""

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(Multiclass(), name)


def samples(x, size=None):
    """The window itself as a picture of one frame."""
    return x[:, None, :size]


@pytest.fixture
def untrained(monkeypatch):
    """No network may be trained."""

    def train(*_, **__):
        raise AssertionError("it learns, and only then finds out")

    monkeypatch.setattr(training, "train", train)


REFUSED = {
    "a window at another rate": (dict(window=Attack(0.05, sr=44100)), "Attack.* is for 44100 Hz"),
    "a feature at another rate": (dict(feature=LogMel(sr=44100)), "LogMel.* is for 44100 Hz"),
    "an MFCC at another rate": (dict(feature=MFCC(sr=16000)), "MFCC.* is for 16000 Hz"),
    "an STFT at another rate": (dict(feature=STFT(sr=48000)), "STFT.* is for 48000 Hz"),
    "both": (dict(window=Attack(0.05, sr=44100), feature=LogMel(sr=44100)), "is for 44100 Hz"),
    "memory": (dict(feature=LogMel(n_fft=65536, hop_length=1)), "takes too much memory"),
    "an own family": (dict(family=Nameless()), "no name for .*Nameless object"),
    "a family without a name": (dict(family=lambda x: Nameless()(x)), "no name for .*lambda"),
    "a method": (dict(family=Nameless().__call__), "no name for .*bound method"),
    "a member": (dict(family=Ensemble((Nameless(), "dense"))), "Nameless"),
    "an own feature": (dict(feature=Nameless()), "no name for .*Nameless object"),
    "a feature without a name": (dict(feature=lambda x: samples(x)), "no name for .*lambda"),
    "part of a feature": (
        dict(feature=functools.partial(samples, size=99)),
        "no name for .*partial",
    ),
    "an own augmentation": (dict(augment=Nameless()), "no name for .*Nameless object"),
    "an own task": (dict(task=NamelessTask()), "no name for .*NamelessTask object"),
}


@pytest.mark.usefixtures("untrained")
@pytest.mark.parametrize("kind", REFUSED)
def test_what_no_file_could_hold_is_refused_before_it_learns(toys, kind):
    settings, text = REFUSED[kind]
    model = DrumClassifier(**{**QUICK, **settings})
    with pytest.raises(ValueError, match=text):
        model.fit(toys)
    assert not [name for name in vars(model) if name.endswith("_")]


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize(
    "registry, part, entry",
    [
        (FAMILIES, "family", Nameless()),
        (FEATURES, "feature", Nameless()),
        (FEATURES, "feature", functools.partial(samples, size=99)),
        (AUGMENTATIONS, "augment", Nameless()),
    ],
    ids=lambda v: "",
)
def test_what_is_entered_is_saved_and_learns_again(
    toys, others, tmp_path, monkeypatch, registry, part, entry
):
    monkeypatch.setitem(registry, "mine", entry)
    model = DrumClassifier(**{**QUICK, part: "mine"}).fit(toys)
    model.save(tmp_path / "mine.keras")
    again = load(tmp_path / "mine.keras")
    assert np.array_equal(again.predict_proba(others), model.predict_proba(others))
    assert again.fit(toys).predict(others).shape == (len(others),)


@dataclass(frozen=True)
class Mean:
    """A family of one's own, which is entered nowhere."""

    def __call__(self, x):
        return Nameless()(x)


def mean(x):
    """The same as a function."""
    return Nameless()(x)


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize("family", [Mean(), Mean, mean, f"{__name__}:Mean", f"{__name__}:mean"])
def test_families_of_ones_own_with_a_name_go_on_working(toys, others, tmp_path, family):
    model = DrumClassifier(**{**QUICK, "family": family}).fit(toys)
    model.save(tmp_path / "own.keras")
    again = load(tmp_path / "own.keras")
    assert np.array_equal(again.predict_proba(others), model.predict_proba(others))


NUMPYS = {
    "epochs": np.int64(1),
    "batch_size": np.int32(32),
    "learning_rate": np.float32(0.01),
    "clipnorm": np.float32(1),
    "validation_fraction": np.float32(0.25),
    "refit": np.bool_(False),
    "random_state": np.int64(3),
    "window": Attack(np.float64(0.05)),
    "class_weight": {np.str_("kick"): np.float32(2)},
}


@pytest.mark.usefixtures("eagerly")
def test_numbers_of_numpy_are_settings_too(toys, others, tmp_path):
    model = DrumClassifier(**{**QUICK, **NUMPYS}).fit(toys)
    model.save(tmp_path / "numpy.keras")
    again = load(tmp_path / "numpy.keras")
    assert np.array_equal(again.predict_proba(others), model.predict_proba(others))
    for name, value in NUMPYS.items():
        assert getattr(again, name) == value
    assert again.random_state == 3 and type(again.random_state) is int
    plain = clone(again).fit(toys).predict_proba(others)
    assert plain == pytest.approx(model.predict_proba(others), abs=1e-5)


@pytest.mark.usefixtures("eagerly")
def test_weights_of_numbered_classes_come_back(toys, tmp_path):
    numbers, _ = pd.factorize(toys.labels)
    weights = {0: 2.0, 1: 1.0, 2: 1.0, 3: 1.0, 4: 0.5}
    model = DrumClassifier(**QUICK, class_weight=weights).fit(toys, numbers)
    model.save(tmp_path / "numbers.keras")
    again = load(tmp_path / "numbers.keras")
    assert again.class_weight == weights
    assert clone(again).fit(toys, numbers).classes_.tolist() == [0, 1, 2, 3, 4]


@pytest.mark.usefixtures("eagerly")
def test_kits_come_in_a_column_too(toys):
    model = DrumClassifier(**QUICK).fit(toys.waves, toys.labels, pd.DataFrame({"kit": toys.kits}))
    assert {*model.training_kits_, *model.validation_kits_} == set(toys.kits)
    with pytest.raises(ValueError, match="groups has shape .80, 2., and there are 80 sounds"):
        DrumClassifier(**QUICK).fit(toys.waves, toys.labels, np.stack([toys.kits] * 2, 1))


def test_a_digest_of_settings_takes_numbers_of_numpy():
    from drumlesson.classifier import digest, spec_of

    plain = DrumClassifier(epochs=7, class_weight={"kick": 2.0})
    numpy = DrumClassifier(epochs=np.int64(7), class_weight={"kick": np.float64(2)})
    assert digest(spec_of(numpy)) == digest(spec_of(plain))
    assert json.loads(json.dumps(spec_of(numpy)["more"])) == spec_of(plain)["more"]

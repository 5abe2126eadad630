"""Tasks and families: any goes with any, and what cannot work is refused before training."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumlesson import DrumClassifier, load
from drumlesson.evaluation import evaluate
from drumlesson.families.convolutional import CNN, CNN1D
from drumlesson.families.dense import Dense
from drumlesson.families.recurrent import RNN
from drumlesson.features import LogMel
from drumlesson.labels import LABELS
from drumlesson.registry import FAMILIES, TASKS, from_spec, to_spec
from drumlesson.tasks import Binary, Multiclass, OneVsRest, as_task, best_threshold
from drumlesson.training import validation_rows

QUICK = dict(feature=LogMel(n_mels=16, hop_length=512), window=0.1, epochs=2, verbose=0)
SMALL = {
    "dense": Dense((8,)),
    "cnn": CNN((4, 4)),
    "cnn1d": CNN1D((4, 4)),
    "rnn": RNN("gru", (4,)),
    "simple": RNN("simple", (4,), bidirectional=False),
    "lstm": RNN("lstm", (4, 4), mask=True, padding="before"),
}


@pytest.mark.parametrize("family", SMALL)
@pytest.mark.parametrize("task", ["multiclass", "kick", "one-vs-rest"])
def test_any_task_goes_with_any_family_and_back_from_its_file(toys, tmp_path, family, task):
    model = DrumClassifier(SMALL[family], task, **QUICK, validation_fraction=0).fit(toys)
    proba = model.predict_proba(toys)
    assert (
        proba.shape == (len(toys), 2 if task == "kick" else 5)
        and proba.sum(axis=1) == pytest.approx(1, abs=1e-4)
        and (proba >= 0).all()
    )
    model.save(tmp_path / "a.keras")
    again = load(tmp_path / "a.keras")
    assert (
        again.predict_proba(toys) == pytest.approx(proba, abs=1e-5)
        and (again.predict(toys) == model.predict(toys)).all()
    )
    assert again.family == SMALL[family] and again.task_ == model.task_
    report = evaluate(again, toys)
    assert sum(map(sum, report["confusion"])) == len(toys) and report["accuracy"] == again.score(
        toys
    )


@pytest.mark.parametrize("name", FAMILIES)
def test_each_registered_family_learns(toys, name):
    model = DrumClassifier(name, validation_fraction=0, epochs=6, verbose=0).fit(toys)
    assert model.score(toys) > 0.35, "no better than a guess on the hits it learned from"


def test_a_function_is_a_family_too(toys):
    from drumlesson.backend import keras

    def average(x):
        return keras.ops.mean(x, axis=1)

    assert DrumClassifier(average, **QUICK).fit(toys).predict(toys).shape == (len(toys),)


# -- thresholds


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=30))
def test_no_other_threshold_is_better(rows):
    p, yes = np.array([p for p, _ in rows]), np.array([y for _, y in rows])
    chosen = best_threshold(p, yes)
    if yes.all() or not yes.any():
        assert chosen == 0.5
        return
    score = lambda t: (p[yes] >= t).mean() + (p[~yes] < t).mean()
    assert (
        0 <= chosen <= 1
        and score(chosen) >= max(score(t) for t in np.linspace(0.0005, 0.9995, 200)) - 1e-9
    )


def test_a_threshold_is_chosen_on_validation_kits_or_given(toys):
    chosen = DrumClassifier(SMALL["dense"], "kick", **QUICK).fit(toys)
    assert 0 < chosen.task_.threshold < 1
    assert (
        DrumClassifier(SMALL["dense"], Binary("kick", 0.3), **QUICK).fit(toys).task_.threshold
        == 0.3
    )
    assert (
        DrumClassifier(SMALL["dense"], "kick", **QUICK, validation_fraction=0)
        .fit(toys)
        .task_.threshold
        is None
    )  # and 0.5 decides
    assert (
        len(
            DrumClassifier(SMALL["dense"], OneVsRest(thresholds=None), **QUICK)
            .fit(toys)
            .task_.thresholds
        )
        == 5
    )


def test_the_threshold_decides():
    task, proba = Binary("tom", 0.7), np.array([[0.4, 0.6], [0.25, 0.75]])
    assert list(task.decide(proba, task.classes(["tom", "tom", "kick", "kick"]))) == ["rest", "tom"]


def test_a_threshold_shifts_the_joint_decision():
    said = np.array([[0.6, 0.55]])
    assert (
        OneVsRest().proba(said).argmax() == 0
        and OneVsRest(thresholds=(0.7, 0.3)).proba(said).argmax() == 1
    )


def test_the_bodies_of_an_ensemble_share_nothing(toys):
    one, five = (
        DrumClassifier(SMALL["dense"], task, **QUICK, validation_fraction=0).fit(toys).network_
        for task in ("kick", "one-vs-rest")
    )
    assert sum(w.numpy().size for w in five.trainable_weights) == 5 * sum(
        w.numpy().size for w in one.trainable_weights
    )


# -- what cannot work


def rows(**counts):
    return [label for label, n in counts.items() for _ in range(n)]


@pytest.mark.parametrize(
    "task, labels, what",
    [
        (
            Binary("tom"),
            rows(kick=4, snare=4),
            "no hit of 'tom' in the data, which has kick, snare",
        ),
        (Binary("tom"), rows(kick=4, tom=1), "only one hit of 'tom'"),
        (Binary("tom"), rows(tom=4), "no hit of anything but 'tom'"),
        (Binary("tom"), rows(tom=4, kick=1), "only one hit of anything but 'tom'"),
        (Multiclass(), rows(tom=4), "at least two classes"),
        (OneVsRest(), rows(tom=4), "at least two classes"),
    ],
)
def test_a_task_without_its_classes(task, labels, what):
    with pytest.raises(ValueError, match=what):
        task.classes(labels)


def test_a_task_whose_class_is_not_in_the_data(toys):
    with pytest.raises(
        ValueError, match="no task is called 'clap': choose from .*multiclass.*a label of the data"
    ):
        DrumClassifier(SMALL["dense"], "clap", **QUICK).fit(toys)
    with pytest.raises(ValueError, match="no hit of 'clap'"):
        DrumClassifier(SMALL["dense"], Binary("clap"), **QUICK).fit(toys)


def test_impossible_binary_tasks():
    for label in ("", "rest"):
        with pytest.raises(ValueError, match="cannot be the class"):
            Binary(label)
    for threshold in (0, 1, -1, float("nan")):
        with pytest.raises(ValueError, match="a threshold lies between"):
            Binary("kick", threshold)
    with pytest.raises(ValueError, match="needs settings"):
        as_task("binary", LABELS)


def test_a_family_that_does_not_fit(toys):
    for family, what in (
        (lambda x: x, "one vector a hit"),
        (lambda x: 3, "one vector a hit"),
        (lambda x: x.nothing, "cannot be built on features of shape"),
    ):
        for task in ("multiclass", "kick", "one-vs-rest"):
            with pytest.raises(ValueError, match=what):
                DrumClassifier(family, task, **QUICK).fit(toys)


@pytest.mark.parametrize(
    "make, what",
    [
        (lambda: RNN("elman"), "no recurrent cell"),
        (lambda: RNN(padding="left"), "padding stands after"),
        (lambda: RNN(units=()), "at least one layer"),
        (lambda: CNN(filters=()), "at least one"),
        (lambda: CNN1D(filters=()), "at least one"),
        (lambda: CNN(pooling="median"), "gather"),
        (lambda: CNN1D(pooling="median"), "gather"),
    ],
)
def test_impossible_families(make, what):
    with pytest.raises(ValueError, match=what):
        make()


def test_one_class_on_a_side_of_every_cut_is_refused():
    labels, kits = np.array(rows(kick=6, rest=6)), np.array(["a"] * 6 + ["b"] * 6)
    with pytest.raises(ValueError, match="no kits can be set apart"):
        validation_rows(labels, kits)
    assert 0 < validation_rows(labels, np.array(["a"] * 12)).sum() < 12  # a single kit: single hits


@pytest.mark.parametrize(
    "setting, value",
    [("validation", 0.6), ("validation", -0.1), ("clip", 0), ("clip", -1), ("epochs", 0)],
)
def test_impossible_settings(toys, setting, value):
    with pytest.raises(ValueError, match=setting):
        DrumClassifier(SMALL["dense"], **QUICK | {setting: value}).fit(toys)


def test_fixed_epochs_use_every_kit(toys):
    model = DrumClassifier(SMALL["dense"], **QUICK, validation_fraction=0, clipnorm=1.0).fit(toys)
    assert (
        len(model.history_) == 2
        and model.training_kits_ == sorted(set(toys.kits))
        and not model.validation_kits_
    )


# -- recurrent networks and the frames in which nothing sounds


def test_padding_is_what_no_longer_changes():
    from drumlesson.families.recurrent import _padding

    x = np.random.default_rng(0).standard_normal((3, 6, 4)).astype(np.float32)
    x[0, 3:] = x[0, 3]  # changes for the last time at frame 3
    assert np.asarray(_padding(x)).tolist() == [[False] * 4 + [True] * 2, [False] * 6, [False] * 6]


@pytest.mark.parametrize("padding", ["after", "before"])
def test_a_masked_network_does_not_hear_the_padding(padding):
    from drumlesson.backend import keras

    inputs = keras.Input((None, 4))
    for length in (6, 9):
        keras.utils.set_random_seed(1)
        inputs = keras.Input((length, 4))
        network = keras.Model(
            inputs, RNN("gru", (3,), mask=True, padding=padding, noise=0.0)(inputs)
        )
        x = np.random.default_rng(0).standard_normal((2, 9, 4)).astype(np.float32)[:, :length]
        x[:, 4:] = x[:, 4:5] * 0 + 1.5
        said = network.predict_on_batch(x)
        if length == 6:
            first = said
    assert said == pytest.approx(first, abs=1e-5)


def test_registered_names_come_back():
    for registry in (FAMILIES, TASKS):
        for name in registry:
            if name != "binary":
                made = registry.make(name)
                assert from_spec(registry, to_spec(registry, made)) == made
    assert from_spec(TASKS, to_spec(TASKS, Binary("tom", 0.4))) == Binary("tom", 0.4)

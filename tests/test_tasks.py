"""Tasks: any goes with any family, and what cannot work is refused before training."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone

from drumlesson import DrumClassifier, load
from drumlesson.answers import OUTSIDE, UNSURE, Calibration
from drumlesson.attack import DOUBTS
from drumlesson.evaluation import evaluate
from drumlesson.families.convolutional import CNN, CNN1D
from drumlesson.families.dense import Dense
from drumlesson.families.recurrent import RNN
from drumlesson.families.transformer import CCT
from drumlesson.features import LogMel
from drumlesson.labels import LABELS
from drumlesson.protocols import Parameters, TaskLike
from drumlesson.registry import TASKS, from_spec, to_spec
from drumlesson.tasks import (
    Binary,
    Multiclass,
    OneVsRest,
    Task,
    as_task,
    best_threshold,
    plot_thresholds,
)
from drumlesson.training import validation_rows

QUICK = dict(
    feature=LogMel(n_mels=16, hop_length=512), window=0.1, epochs=2, refit=False, verbose=0
)
SMALL = {
    "dense": Dense((8,)),
    "cnn": CNN((4, 4)),
    "cnn1d": CNN1D((4, 4)),
    "rnn": RNN("gru", (4,)),
    "simple": RNN("simple", (4,), bidirectional=False),
    "transformer": CCT((4,), dim=4, heads=2, blocks=1),
}
SMALL["lstm"] = RNN("lstm", (4, 4), mask=True, padding="before")
KINDS = [Multiclass(), Binary("kick"), Binary("tom", 0.4), OneVsRest(), OneVsRest(thresholds=None)]


def quick(task, **settings):
    """A small dense classifier, not fitted."""
    return DrumClassifier(SMALL["dense"], task, **QUICK | settings)


@pytest.mark.parametrize("family", SMALL)
@pytest.mark.parametrize("task", ["multiclass", "kick", "one-vs-rest"])
def test_any_task_goes_with_any_family_and_back_from_its_file(
    toys, tmp_path, request, family, task
):
    if family != "dense" and task != "multiclass":  # each family and each task has its graph made
        request.getfixturevalue("eagerly")
    model = DrumClassifier(SMALL[family], task, **QUICK, validation_fraction=0).fit(toys)
    proba = model.predict_proba(toys)
    assert proba.shape == (len(toys), 2 if task == "kick" else 5)
    assert proba.sum(axis=1) == pytest.approx(1, abs=1e-4)
    assert (proba >= 0).all()
    model.save(tmp_path / "a.keras")
    again = load(tmp_path / "a.keras")
    assert again.predict_proba(toys) == pytest.approx(proba, abs=1e-5)
    assert (again.predict(toys) == model.predict(toys)).all()
    assert again.family == SMALL[family]
    assert again.task_ == model.task_
    report = evaluate(again, toys)
    assert np.sum(report["confusion"]) == len(toys)
    assert report["accuracy"] == pytest.approx(again.score(toys))  # kits of as many hits each


# -- settings


@pytest.mark.parametrize("task", KINDS, ids=repr)
def test_a_task_is_parameters(task):
    assert isinstance(task, Parameters)
    assert isinstance(task, Task)
    assert isinstance(task, TaskLike)
    assert task.get_params() == vars(task)
    assert clone(task) == task
    assert clone(task) is not task


def test_settings_are_set_and_checked():
    task = Binary("kick").set_params(threshold=0.2)
    assert task == Binary("kick", 0.2)
    with pytest.raises(ValueError, match="a threshold lies between"):
        task.set_params(threshold=2)
    assert task == Binary("kick", 0.2)
    fresh = clone(DrumClassifier(task=OneVsRest())).set_params(task__thresholds=None)
    assert fresh.task == OneVsRest(thresholds=None)


def test_registered_tasks_come_back():
    for name in set(TASKS) - {"binary"}:
        made = TASKS.make(name)
        assert from_spec(TASKS, to_spec(TASKS, made)) == made
    task = Binary("tom", 0.4)
    assert from_spec(TASKS, to_spec(TASKS, task)) == task


def test_a_task_of_ones_own_says_what_it_lacks():
    class Mine(Task):
        pass

    for ask in (
        lambda task: task.classes(["kick"]),
        lambda task: task.targets(["kick"], ["kick"]),
        lambda task: task.outputs(None, None, 2),
        lambda task: task.loss(2),
    ):
        with pytest.raises(NotImplementedError, match="Mine does not say what its"):
            ask(Mine())


# -- targets, losses, answers


def test_the_five_come_first_in_their_order():
    found = Multiclass().classes(["zither", "tom", "agogo", "kick"])
    assert found.tolist() == ["kick", "tom", "agogo", "zither"]


def test_targets():
    labels = ["tom", "kick", "tom"]
    assert Multiclass().targets(labels, ["kick", "tom"]).tolist() == [[0, 1], [1, 0], [0, 1]]
    assert Binary("tom").targets(labels, ["rest", "tom"]).tolist() == [[1], [0], [1]]
    assert Binary("tom").y_true(labels).tolist() == ["tom", "rest", "tom"]
    with pytest.raises(ValueError, match="no model of kick can learn tom"):
        Multiclass().targets(labels, ["kick"])


def test_a_yes_weighs_as_much_as_all_the_noes():
    y_true = np.eye(5, dtype=np.float32)[[0, 3]]
    y_pred = np.random.default_rng(0).uniform(0.05, 0.95, (2, 5)).astype(np.float32)
    target = y_true * 0.9 + 0.05
    crossentropy = -target * np.log(y_pred) - (1 - target) * np.log(1 - y_pred)
    expected = np.mean(crossentropy * np.where(y_true == 1, 4, 1), axis=1)
    assert np.asarray(OneVsRest().loss(5)(y_true, y_pred)) == pytest.approx(expected, rel=1e-5)


def test_the_loss_of_one_vs_rest_stays_finite():
    y_true = np.eye(3, dtype=np.float32)
    loss = OneVsRest(smoothing=0.0).loss(3)
    assert np.isfinite(np.asarray(loss(y_true, 1 - y_true))).all()


def test_the_bodies_of_one_vs_rest_share_nothing(toys):
    def n_weights(task):
        network = quick(task, validation_fraction=0).fit(toys).network_
        return sum(w.numpy().size for w in network.trainable_weights)

    assert n_weights("one-vs-rest") == 5 * n_weights("kick")


# -- thresholds


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=30))
def test_no_other_threshold_is_better(rows):
    p = np.array([p for p, _ in rows])
    yes = np.array([y for _, y in rows])
    chosen = best_threshold(p, yes)
    if yes.all() or not yes.any():
        assert chosen == 0.5
        return

    def score(t):
        return (p[yes] >= t).mean() + (p[~yes] < t).mean()

    assert 0 <= chosen <= 1
    assert score(chosen) >= max(score(t) for t in np.linspace(0.0005, 0.9995, 200)) - 1e-9


def test_a_threshold_is_chosen_on_validation_kits_or_given(toys):
    chosen = quick("kick").fit(toys).task_.threshold
    assert 0 < chosen < 1
    assert quick(Binary("kick", 0.3)).fit(toys).task_.threshold == 0.3
    without = quick("kick", validation_fraction=0).fit(toys)
    assert without.task_.threshold is None  # and 0.5 decides
    five = quick(OneVsRest(thresholds=None)).fit(toys)
    assert len(five.task_.thresholds) == 5


def test_there_is_a_threshold_for_each_class():
    labels = np.array(LABELS)
    for thresholds in ((0.3,), (0.3, 0.4)):
        task = OneVsRest(thresholds=thresholds)
        with pytest.raises(ValueError, match=f"{len(thresholds)} thresholds for 5 classes"):
            task.targets(labels, task.classes(labels))


def test_the_threshold_decides():
    task = Binary("tom", 0.7)
    proba = np.array([[0.4, 0.6], [0.25, 0.75]])
    classes = task.classes(["tom", "tom", "kick", "kick"])
    assert list(task.decide(proba, classes)) == ["rest", "tom"]


def test_a_threshold_shifts_the_joint_decision():
    outputs = np.array([[0.6, 0.55]])
    assert OneVsRest().proba(outputs).argmax() == 0
    assert OneVsRest(thresholds=(0.7, 0.3)).proba(outputs).argmax() == 1


def test_a_picture_of_thresholds():
    rng = np.random.default_rng(0)
    p = rng.random(40)
    yes = rng.random(40) < p
    said, roc, precision_recall = plot_thresholds(p, yes, 0.3, 0.5)
    assert [line.get_xdata()[0] for line in said.lines] == [0.3, 0.5]
    marked = [0.3, 0.5]
    recall = [np.mean(p[yes] >= t) for t in marked]
    alarms = [np.mean(p[~yes] >= t) for t in marked]
    precision = [np.mean(yes[p >= t]) for t in marked]
    dots = np.transpose([alarms, recall])
    assert np.allclose(roc.collections[0].get_offsets(), dots)
    dots = np.transpose([recall, precision])
    assert np.allclose(precision_recall.collections[0].get_offsets(), dots)
    curve = roc.lines[0].get_xydata()
    assert curve[0].tolist() == [0, 0]
    assert curve[-1].tolist() == [1, 1]
    assert (np.diff(curve, axis=0) >= 0).all()
    assert precision_recall.lines[0].get_xydata()[-1].tolist() == [1, pytest.approx(yes.mean())]
    assert len(plot_thresholds(p, yes)) == 3  # none to mark


# -- what cannot work


def rows(**counts):
    """So many labels of each kind."""
    return np.repeat(list(counts), list(counts.values())).tolist()


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
    unknown = "no task is called 'clap': choose from .*multiclass.*a label of the data"
    with pytest.raises(ValueError, match=unknown):
        quick("clap").fit(toys)
    with pytest.raises(ValueError, match="no hit of 'clap'"):
        quick(Binary("clap")).fit(toys)


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
    def three(x):
        return 3

    def nothing(x):
        return x.nothing

    for family, what in (
        (abs, "one vector a hit"),
        (three, "one vector a hit"),
        (nothing, "cannot be built on features of shape"),
    ):
        for task in ("multiclass", "kick", "one-vs-rest"):
            with pytest.raises(ValueError, match=what):
                DrumClassifier(family, task, **QUICK).fit(toys)


def test_one_class_on_a_side_of_every_cut_is_refused():
    labels = np.array(rows(kick=6, rest=6))
    kits = np.array(rows(a=6, b=6))
    with pytest.raises(ValueError, match="no kits can be set apart"):
        validation_rows(labels, kits)
    one_kit = np.array(rows(a=12))
    assert 0 < validation_rows(labels, one_kit).sum() < 12  # single hits


@pytest.mark.parametrize(
    "setting, value",
    [
        ("validation_fraction", 0.6),
        ("validation_fraction", -0.1),
        ("clipnorm", 0),
        ("clipnorm", -1),
        ("epochs", 0),
    ],
)
def test_impossible_settings(toys, setting, value):
    with pytest.raises(ValueError, match=setting.removesuffix("_fraction").removesuffix("norm")):
        quick("multiclass", **{setting: value}).fit(toys)


def test_fixed_epochs_use_every_kit(toys):
    model = quick("multiclass", validation_fraction=0, clipnorm=1.0).fit(toys)
    assert len(model.history_) == 2
    assert model.training_kits_ == sorted(set(toys.kits))
    assert not model.validation_kits_


# -- labels outside of the classes


ALIENS = ("none", "clap")


@pytest.fixture(scope="module")
def strange(toys):
    """Drums whose toms are no drums: in each kit, half of them claps."""
    drums = toys[np.arange(len(toys))]
    toms = np.flatnonzero(drums.labels == "tom")
    drums.table.loc[toms[::2], "label"] = "clap"
    drums.table.loc[toms[1::2], "label"] = "none"
    return drums


def test_each_label_outside_has_an_output_and_is_no_class():
    task = Multiclass(outside=ALIENS)
    labels = ["kick", "none", "snare", "clap"]
    classes = task.classes(labels)
    assert classes.tolist() == ["kick", "snare"]
    assert task.targets(labels, classes).tolist() == [
        [1, 0, 0, 0],
        [0, 0, 1, 0],
        [0, 1, 0, 0],
        [0, 0, 0, 1],
    ]
    said = np.array([[0.3, 0.1, 0.4, 0.2], [0.0, 0.0, 0.5, 0.5]])
    assert task.proba(said) == pytest.approx(np.array([[0.75, 0.25], [0.5, 0.5]]))
    assert task.outside_proba(said) == pytest.approx([0.6, 1.0])
    with pytest.raises(ValueError, match="can learn cowbell"):
        task.targets(["cowbell"], classes)


def test_one_vs_rest_says_no_to_what_is_outside():
    task = OneVsRest(outside=ALIENS)
    targets = task.targets(["kick", "none", "snare"], np.array(["kick", "snare"]))
    assert targets.tolist() == [[1, 0], [0, 0], [0, 1]]
    # odds 1 and 1/3: no throughout against one yes is 1 against their sum
    assert task.outside_proba(np.array([[0.5, 0.25]])) == pytest.approx([3 / 7])
    low = task.proba(np.array([[1e-12, 3e-12]]))
    assert low == pytest.approx(np.array([[0.25, 0.75]]))


@pytest.mark.parametrize("task", KINDS, ids=repr)
def test_without_such_labels_nothing_is_outside(task):
    assert task.outside_proba(np.full((2, 5), 0.2)).tolist() == [0, 0]
    assert "outside" not in to_spec(TASKS, task)


@pytest.mark.parametrize("task", [Multiclass(outside=ALIENS), OneVsRest(outside=ALIENS)], ids=repr)
def test_a_model_learns_what_is_none_of_its_classes(strange, tmp_path, task):
    model = quick(task, epochs=40, validation_fraction=0).fit(strange)
    assert model.classes_.tolist() == ["kick", "snare", "hihat", "cymbal"]
    assert model.predict_proba(strange).sum(axis=1) == pytest.approx(1, abs=1e-5)
    none = model.outside_proba(strange)
    is_outside = np.isin(strange.labels, ALIENS)
    assert none[is_outside].mean() > none[~is_outside].mean() + 0.1
    assert from_spec(TASKS, to_spec(TASKS, task)) == task
    model.calibration_ = Calibration(unsure=0.3, outside=0.3)
    model.save(tmp_path / "a.keras")
    model.export(tmp_path / "a.onnx")
    sounds = strange.waves
    for path in tmp_path.iterdir():
        again = load(path)
        assert again.task_ == task and again.calibration_ == model.calibration_
        assert again.outside_proba(sounds) == pytest.approx(none, abs=1e-5)
        assert (
            again.predict(sounds, unsure=True).tolist()
            == model.predict(sounds, unsure=True).tolist()
        )


def test_the_window_comes_before_what_is_outside_and_that_before_what_is_low(strange):
    model = quick(Multiclass(outside=ALIENS), validation_fraction=0).fit(strange)
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.1, 22050).astype(np.float32)  # a window in doubt
    sounds = [strange.waves[0], noise]
    assert model.doubts(sounds).tolist() == ["", DOUBTS["noise"]]
    model.calibration_ = Calibration(unsure=1.0, outside=0.0)
    assert model.predict(sounds, unsure=True).tolist() == [OUTSIDE, UNSURE]
    assert model.doubts(sounds).tolist() == ["sounds like no drum that it knows", DOUBTS["noise"]]
    model.calibration_ = Calibration(unsure=1.0)
    assert model.doubts(sounds).tolist() == ["less than 1.00 probable", DOUBTS["noise"]]
    assert set(model.predict(sounds)) <= set(model.classes_)


@pytest.mark.parametrize(
    "outside, said",
    [
        ("rim", "outside is a tuple, each a text, not 'rim'"),
        ((1,), "outside is a tuple, each a text"),
        (("",), "each of them once, not ''"),
        (("rim", "rim"), "each of them once, not 'rim', 'rim'"),
    ],
)
def test_labels_outside_that_cannot_be(outside, said):
    for kind in (Multiclass, OneVsRest):
        with pytest.raises(ValueError, match=said) as e:
            kind(outside=outside)
        assert "\n" not in str(e.value)


def test_what_is_outside_must_be_met(toys):
    with pytest.raises(ValueError, match="no hit of rim, clap in the data"):
        quick(Multiclass(outside=("rim", "clap"))).fit(toys)
    with pytest.raises(ValueError, match="two classes to tell apart.*1: kick"):
        Multiclass(outside=("clap",)).classes(["kick", "clap"])


def test_a_task_of_ones_own_need_not_ask_for_what_is_outside(toys):
    class Own(Multiclass):
        outside_proba = property()  # `hasattr` says no

    model = quick("multiclass", validation_fraction=0).fit(toys)
    model.task_ = Own()
    assert not hasattr(model.task_, "outside_proba")
    assert model.outside_proba(toys).tolist() == [0] * len(toys)

"""Scores, the one bootstrap, and what a probability is worth."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    cohen_kappa_score,
    confusion_matrix,
    f1_score,
)

from drumlesson.evaluation import (
    Calibration,
    balanced_accuracy,
    bootstrap,
    calibrate,
    calibration_error,
    evaluate,
    kappa,
    kit_interval,
    macro_f1,
    percentile_interval,
    plot_confusion,
)


def some_labels(n=300, random_state=0):
    """Five classes, about six of ten predicted rightly."""
    rng = np.random.default_rng(random_state)
    y_true = rng.integers(0, 5, n)
    y_pred = np.where(rng.random(n) < 0.6, y_true, rng.integers(0, 5, n))
    return y_true, y_pred


# -- scores


@pytest.mark.parametrize("random_state", range(3))
def test_scores_of_counts_are_those_of_scikit_learn(random_state):
    y_true, y_pred = some_labels(random_state=random_state)
    counts = confusion_matrix(y_true, y_pred)
    assert balanced_accuracy(counts) == pytest.approx(balanced_accuracy_score(y_true, y_pred))
    assert macro_f1(counts) == pytest.approx(f1_score(y_true, y_pred, average="macro"))
    assert kappa(counts) == pytest.approx(cohen_kappa_score(y_true, y_pred))


def test_scores_take_many_tables_at_once():
    tables = np.stack([confusion_matrix(*some_labels(random_state=s)) for s in range(6)])
    tables = tables.reshape(2, 3, 5, 5)
    for score in (balanced_accuracy, macro_f1, kappa):
        assert score(tables).shape == (2, 3)
        assert score(tables)[1, 2] == score(tables[1, 2])


def test_a_class_that_was_not_played_has_no_say():
    counts = np.array([[8, 0, 2], [0, 5, 0], [0, 0, 0]])
    assert balanced_accuracy(counts) == pytest.approx((0.8 + 1) / 2)
    assert macro_f1(counts) == pytest.approx((16 / 18 + 1) / 2)


@pytest.mark.parametrize("size", [1e-3, 0.25, 7])
def test_scores_do_not_hang_on_the_size_of_the_weights(size):
    counts = np.array([[8, 0, 2], [0, 5, 0], [0, 0, 0]])
    for score in (balanced_accuracy, macro_f1, kappa):
        assert score(size * counts) == pytest.approx(score(counts))


@pytest.fixture(scope="module")
def uneven(others):
    """Drums of several kits, of one of which only two hits are left."""
    kits = np.unique(others.kits)
    rows = [np.flatnonzero(others.kits == kit) for kit in kits]
    return others[np.concatenate([rows[0][:2], *rows[1:]])]


def test_evaluate_fits_together(model, uneven):
    report = evaluate(model, uneven)
    counts = np.array(report["confusion"])
    assert counts.sum() == report["n"] == len(uneven)
    assert np.trace(counts) == np.sum(model.predict(uneven) == uneven.labels)
    assert list(report["per_class"]) == report["labels"]
    assert [scores["n"] for scores in report["per_class"].values()] == counts.sum(axis=1).tolist()
    for score, mean in (("recall", "balanced_accuracy"), ("f1", "macro_f1")):
        of_classes = [scores[score] for scores in report["per_class"].values()]
        assert np.mean(of_classes) == pytest.approx(report[mean])
    assert sum(kit["n"] for kit in report["per_kit"].values()) == len(uneven)
    of_kits = [kit["accuracy"] for kit in report["per_kit"].values()]
    assert np.mean(of_kits) == pytest.approx(report["accuracy"])


def test_each_kit_counts_the_same(model, uneven):
    """The scores of scikit-learn, where a hit weighs as little as its kit has many."""
    report = evaluate(model, uneven)
    size = pd.Series(uneven.kits).groupby(uneven.kits).transform("size")
    y_true, y_pred = uneven.labels, model.predict(uneven)
    weighted = {"sample_weight": 1 / size}
    assert report["accuracy"] == pytest.approx(accuracy_score(y_true, y_pred, **weighted))
    assert report["accuracy"] != pytest.approx(accuracy_score(y_true, y_pred))
    assert report["balanced_accuracy"] == pytest.approx(
        balanced_accuracy_score(y_true, y_pred, **weighted)
    )
    f1 = f1_score(y_true, y_pred, average="macro", **weighted)
    assert report["macro_f1"] == pytest.approx(f1)


def test_of_one_kit_it_gives_what_counting_hits_gives(model, others):
    kit = others[others.kits == others.kits[0]]
    report = evaluate(model, kit)
    y_true, y_pred = kit.labels, model.predict(kit)
    assert report["accuracy"] == accuracy_score(y_true, y_pred)
    assert report["balanced_accuracy"] == balanced_accuracy_score(y_true, y_pred)
    counts = confusion_matrix(y_true, y_pred, labels=report["labels"])
    assert report["macro_f1"] == macro_f1(counts)


def test_plot_confusion_draws_where_it_is_told(model, others):
    import matplotlib.pyplot as plt

    ax = plt.subplots()[1]
    assert plot_confusion(evaluate(model, others), ax) is ax
    assert ax.get_title().endswith(" right, mean over kits")
    kit = others[others.kits == others.kits[0]]
    assert plot_confusion(evaluate(model, kit)).get_title().endswith(f" of {len(kit)} right")
    plt.close("all")


# -- the bootstrap


def drawn_by_hand(right, kits, level, random_state):
    """Kits drawn in NumPy alone, each counting the same."""
    of_kits = np.array([np.mean(np.asarray(right, float)[kits == kit]) for kit in np.unique(kits)])
    rng = np.random.default_rng(random_state)
    drawn = rng.integers(len(of_kits), size=(2000, len(of_kits)))
    ends = np.quantile(of_kits[drawn].mean(axis=1), [(1 - level) / 2, (1 + level) / 2])
    return ends[0], of_kits.mean(), ends[1]


@pytest.mark.parametrize("random_state", range(20))
def test_kit_interval_gives_what_drawing_by_hand_gives(random_state):
    rng = np.random.default_rng(random_state)
    n = rng.integers(1, 300)
    kits = rng.integers(0, rng.integers(1, 30), n)
    right = rng.random(n) < 0.7
    gain = rng.normal(0.1, 1, n)
    for values in (right, gain):
        for level in (0.95, 0.5):
            by_hand = drawn_by_hand(values, kits, level, random_state)
            assert kit_interval(values, kits, level, random_state) == pytest.approx(by_hand)


def test_kits_are_drawn_whole():
    right = np.repeat([1, 0, 1, 1, 0, 1], 20)
    low, middle, high = kit_interval(right, np.repeat(np.arange(6), 20))
    alone_low, alone_middle, alone_high = kit_interval(right, np.arange(120))
    assert alone_middle == pytest.approx(middle) == right.mean()
    assert high - low > 2 * (alone_high - alone_low)


def test_a_big_kit_has_no_bigger_say_in_an_interval():
    right = np.repeat([1, 0, 1, 0], [500, 1, 1, 1])
    interval = kit_interval(right, np.repeat(list("abcd"), [500, 1, 1, 1]))
    assert interval == kit_interval([1, 0, 1, 0], list("abcd"))
    assert interval[1] == 0.5


def test_kits_and_seeds_are_drawn_for_themselves():
    table = np.random.default_rng(0).normal(size=(8, 5))

    def mean_of(kits, seeds):
        return table[kits[:, :, None], seeds[:, None, :]].mean(axis=(1, 2))

    value, drawn = bootstrap(mean_of, 8, 5, draws=300)
    assert value == pytest.approx(table.mean())
    assert drawn.shape == (300,)
    again = bootstrap(mean_of, 8, 5, draws=300)[1]
    other = bootstrap(mean_of, 8, 5, draws=300, random_state=1)[1]
    assert np.array_equal(drawn, again) and not np.array_equal(drawn, other)


def test_a_single_seed_is_not_drawn_but_kept():
    def seen(kits, seeds):
        assert seeds.shape[1] == 1 and not seeds.any()
        return kits.mean(axis=1)

    value, drawn = bootstrap(seen, 8, 1, draws=50)
    assert value == 3.5 and np.ptp(drawn) > 0


def test_draws_without_a_score_are_left_out():
    assert percentile_interval(np.array([1.0, np.nan, np.inf, 1.0])) == (1.0, 1.0)
    assert np.isnan(percentile_interval(np.array([np.nan, np.nan]))).all()


# -- calibration


def some_answers(power, n=3000, random_state=0):
    rng = np.random.default_rng(random_state)
    honest = rng.dirichlet(np.ones(5) * 0.15, n)
    y_true = np.array([rng.choice(5, p=p) for p in honest])
    return honest**power / (honest**power).sum(axis=1, keepdims=True), y_true


@pytest.mark.parametrize("power", [0.5, 1, 2, 4])
def test_temperature_undoes_what_training_overdid(power):
    proba, y_true = some_answers(power)
    c = calibrate(proba, y_true)
    assert c.temperature == pytest.approx(power, rel=0.1)
    assert calibration_error(c(proba), y_true) < 0.03
    assert (c(proba).argmax(axis=1) == proba.argmax(axis=1)).all()
    assert np.allclose(c(proba).sum(axis=1), 1)


def test_threshold_keeps_its_promise_on_other_answers():
    c = calibrate(*some_answers(2))
    proba, y_true = some_answers(2, random_state=1)
    kept = ~c.doubts(c(proba))
    right = proba[kept].argmax(axis=1) == y_true[kept]
    assert np.mean(right) == pytest.approx(0.95, abs=0.02)
    assert 0.2 < kept.mean() < 0.9


def test_always_right_is_never_unsure_and_hopeless_answers_nothing_much():
    y_true = np.arange(100) % 5
    right = np.full((100, 5), 0.05) + 0.75 * np.eye(5)[y_true]
    c = calibrate(right, y_true)
    assert not c.doubts(c(right)).any()
    assert np.isfinite(c(right)).all()


def test_a_class_may_be_missing_among_the_held_out_hits():
    proba, y_true = some_answers(2)
    some = y_true != 3
    assert calibrate(proba[some], y_true[some]).temperature > 1
    two, one_or_other = proba[:, :2] / proba[:, :2].sum(axis=1, keepdims=True), y_true < 2
    assert calibrate(two[one_or_other], y_true[one_or_other]).temperature > 1


def test_no_calibration_changes_nothing():
    proba = np.array([[0.2, 0.8]])
    assert Calibration()(proba) is proba
    assert not Calibration().doubts(proba).any()


@pytest.mark.parametrize(
    "settings, text",
    [
        (dict(temperature=0), "temperature lies within 0.05 to 100"),
        (dict(temperature=-1), "temperature lies within"),
        (dict(temperature=float("nan")), "temperature is a finite number"),
        (dict(temperature="x"), "temperature is a finite number"),
        (dict(unsure=1.5), "unsure lies within 0 to 1"),
    ],
)
def test_a_calibration_that_cannot_be(settings, text):
    with pytest.raises(ValueError, match=text):
        Calibration(**settings)


@pytest.mark.parametrize(
    "right, kits, level, told",
    [
        ([1, 0], ["a", None], 0.95, "kits holds NaN or None, first at 1"),
        ([1, 0], ["a", np.nan], 0.95, "kits holds NaN or None, first at 1"),
        ([1, np.nan], ["a", "a"], 0.95, "right holds NaN"),
        ([1, 0, 1], ["a", "b"], 0.95, "kits has shape"),
        ([], [], 0.95, "there are no hits"),
        ([1, 0], ["a", "b"], 95, "level is a share between 0 and 1, not 95"),
        ([1, 0], ["a", "b"], -1, "level is a share between 0 and 1, not -1"),
    ],
)
def test_kit_interval_of_what_has_none(right, kits, level, told):
    """A hit of an unknown kit would vanish, and the rest look better."""
    with pytest.raises(ValueError, match=told):
        kit_interval(right, kits, level)


@pytest.mark.parametrize("y_true", [["kick", "snare"], [0.0, 1.0], [0], [0, 3], [-1, 0]])
def test_calibration_asks_for_columns(y_true):
    """Labels would be compared with numbers, and never be equal."""
    proba = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1]])
    with pytest.raises(ValueError, match="y_true holds the number"):
        calibrate(proba, y_true)
    with pytest.raises(ValueError, match="y_true holds the number"):
        calibration_error(proba, y_true)


@pytest.mark.parametrize(
    "proba", [np.empty((0, 3)), [0.5, 0.5], [[2, -1]], [[3.5, 3.5]], [[-1, -2]]]
)
def test_calibration_asks_for_probabilities(proba):
    with pytest.raises(ValueError, match="proba holds probabilities"):
        calibrate(proba, [0])
    with pytest.raises(ValueError, match="proba holds probabilities"):
        calibration_error(proba, [0])


@pytest.mark.parametrize("share", [0, -1, 2])
def test_the_share_that_is_to_be_right_is_one(share):
    with pytest.raises(ValueError, match="share is a share"):
        calibrate([[0.7, 0.3], [0.2, 0.8]], [0, 1], share)


def test_a_threshold_has_four_places():
    """In single precision 0.9338 would be 0.93379998."""
    proba, y_true = some_answers(2)
    unsure = calibrate(proba.astype(np.float32), y_true).unsure
    assert isinstance(unsure, float) and unsure == round(unsure, 4)

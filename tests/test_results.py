"""How a stored study is read: scores, pairs, and who is taken for whom."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from drumlesson.course.results import confusion, paired, plot_scores, scores, stored
from drumlesson.evaluation import kit_interval

FOLDER = Path(__file__).resolve().parent.parent / "nbs" / "evidence"


def made_up(gain=10, seeds=3, kits=8):
    """Rows of two models: `good` gets `gain` of 100 hits more right than `bad`, on every kit."""
    rows = []
    for model, right in (("good", 80 + gain), ("bad", 80)):
        for seed in range(seeds):
            for k in range(kits):
                where = dict(data="open", condition="all", model=model, seed=seed, fold=k % 5)
                made = dict(kit=f"kit {k}", true="kick", seconds=1.0, parameters=7)
                rows.append(where | made | dict(predicted="kick", n=right, right=right))
                rows.append(where | made | dict(predicted="snare", n=100 - right, right=0))
    return pd.DataFrame(rows)


def test_scores_of_made_up_rows():
    table = scores(made_up())
    assert table["accuracy"].tolist() == pytest.approx([0.9, 0.8])
    assert table["kit mean"].tolist() == pytest.approx([0.9, 0.8])
    assert table.loc["good", "seeds"] == "3: 0.900 to 0.900"
    assert table.loc["good", "parameters"] == 7


def test_scores_are_those_of_kit_interval():
    rows = stored("convolutional", FOLDER).query("model == 'dense'")
    right = np.repeat(rows["true"] == rows["predicted"], rows["n"])
    row = scores(rows).loc["dense"]
    interval = kit_interval(right, np.repeat(rows["kit"], rows["n"]))
    assert (row["low"], row["accuracy"], row["high"]) == interval


def test_scores_by_two_columns_have_two_levels():
    table = scores(stored("splits", FOLDER), ["model", "data"])
    assert ("dense", "random split") in table.index
    assert (
        table.loc[("dense", "random split"), "accuracy"] > table.loc[("dense", "open"), "accuracy"]
    )


def test_a_pair_is_compared_on_the_same_folds():
    low, value, high = paired(made_up(10), "good", "bad")
    assert low == pytest.approx(10) and value == pytest.approx(10) and high == pytest.approx(10)


def test_only_seeds_that_both_have_finished_count():
    rows = made_up(10)
    rows = rows[~((rows["model"] == "bad") & (rows["seed"] == 2))]
    assert paired(rows, "good", "bad")[1] == pytest.approx(10)
    with pytest.raises(ValueError, match="both finished"):
        paired(rows[rows["model"] == "good"], "good", "bad")


def test_confusion_counts_every_hit():
    rows = stored("tasks", FOLDER).query("asked == '' and condition == 'all'")
    table = confusion(rows)
    assert list(table) == list(table.index)
    assert table.to_numpy().sum() == rows["n"].sum()
    assert np.trace(table) == rows["right"].sum()
    binary = confusion(stored("tasks", FOLDER).query("asked == 'kick'"))
    assert list(binary) == ["rest", "kick"]


def test_plot_scores_has_a_dot_a_row():
    import matplotlib.pyplot as plt

    ax = plot_scores(scores(made_up()), xlabel="share")
    assert [label.get_text() for label in ax.get_yticklabels()] == ["good", "bad"]
    assert ax.get_xlabel() == "share"
    plt.close("all")


def test_what_is_not_stored_is_told_in_one_line(tmp_path):
    with pytest.raises(ValueError, match="make it with `drumlesson evidence nosuch`"):
        stored("nosuch", tmp_path)
    with pytest.raises(ValueError, match="part of the project, not of the package") as told:
        stored("windows", tmp_path / "elsewhere")
    assert "\n" not in str(told.value)

"""How a stored study is read: scores, pairs, and who is taken for whom."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from drumlesson.course.results import (
    confusion,
    effective_kits,
    nested,
    paired,
    plot_scores,
    recipe_table,
    scores,
    stored,
)
from drumlesson.course.runner import KEYS, StoredStudy
from drumlesson.course.studies import STUDIES
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
    assert table["share of hits"].tolist() == pytest.approx([0.9, 0.8])
    assert table.loc["good", "seeds"] == "3: 0.900 to 0.900"
    assert table.loc["good", "parameters"] == 7


def test_each_kit_counts_the_same_and_each_cut():
    """The mean over kits within a seed, then over seeds; hits are counted in a column beside."""
    rows = stored("families", FOLDER).query("model == 'dense'")
    row = scores(rows).loc["dense"]
    of_seeds = []
    for _, seed in rows.groupby("seed"):
        hits = seed.groupby("kit")[["right", "n"]].sum()
        of_seeds.append((hits["right"] / hits["n"]).mean())
    assert row["accuracy"] == pytest.approx(np.mean(of_seeds))
    assert row["low"] < row["accuracy"] < row["high"]
    assert row["seeds"] == f"{len(of_seeds)}: {min(of_seeds):.3f} to {max(of_seeds):.3f}"
    assert row["share of hits"] == rows["right"].sum() / rows["n"].sum()


def test_a_score_of_one_seed_has_the_interval_of_its_kits():
    rows = stored("families", FOLDER).query("model == 'dense' and seed == 0")
    right = np.repeat(rows["true"] == rows["predicted"], rows["n"])
    low, accuracy, high = kit_interval(right, np.repeat(rows["kit"], rows["n"]))
    row = scores(rows).loc["dense"]
    assert row["accuracy"] == pytest.approx(accuracy)
    assert [row["low"], row["high"]] == pytest.approx([low, high], abs=0.005)


def test_a_big_kit_has_no_bigger_say():
    rows = made_up()
    big = rows["kit"] == "kit 0"
    wrong = rows.assign(right=rows["right"].where(~big, 0))
    wrong.loc[big & (rows["predicted"] == "kick"), "predicted"] = "snare"
    wrong.loc[big, "n"] *= 50
    table = scores(wrong)
    assert table["accuracy"].tolist() == pytest.approx([0.9 * 7 / 8, 0.8 * 7 / 8])
    assert table["share of hits"].tolist() == pytest.approx([0.9 * 7 / 57, 0.8 * 7 / 57])


def of_folds(model, shares):
    """Rows of one cut of five folds, two kits a fold, each with this share of 100 hits right."""
    rows = []
    for fold, share in enumerate(shares):
        right = round(100 * share)
        for kit in (f"kit {fold} a", f"kit {fold} b"):
            where = dict(data="open", condition="all", model=model, seed=0, fold=fold, kit=kit)
            made = dict(true="kick", seconds=1.0, parameters=7, digest=model[:4])
            rows.append(where | made | dict(predicted="kick", n=right, right=right))
            rows.append(where | made | dict(predicted="snare", n=100 - right, right=0))
    return pd.DataFrame(rows)


def test_a_nested_choice_never_looks_at_the_fold_that_it_is_scored_on():
    """Lucky once, a recipe is chosen where its luck does not count: worse than either alone."""
    rows = pd.concat([of_folds("lucky", [1, 0.5, 0.5, 0.5, 0.5]), of_folds("steady", [0.6] * 5)])
    chosen = nested(rows).groupby("fold")["model"].unique().map(list).tolist()
    assert chosen == [["steady"], ["lucky"], ["lucky"], ["lucky"], ["lucky"]]
    table = recipe_table(rows)
    assert table["accuracy"].tolist() == pytest.approx([0.6, 0.6, 0.52])
    assert table["folds"].tolist() == [4, 1, 0]
    assert table["digest"].tolist() == ["luck", "stea", ""]


def test_macro_f1_of_a_recipe_as_scikit_learn_has_it():
    from sklearn.metrics import f1_score

    rng = np.random.default_rng(0)
    hits = pd.DataFrame({"true": rng.choice(["kick", "snare", "tom"], 90)})
    hits["predicted"] = np.where(rng.random(90) < 0.7, hits["true"], "tom")
    hits["kit"] = rng.choice(["a", "a", "a", "b", "c"], 90)
    counts = hits.groupby(["kit", "true", "predicted"]).size().reset_index(name="n")
    counts["right"] = counts["n"].where(counts["true"] == counts["predicted"], 0)
    where = dict(data="open", condition="all", model="m", seed=0, seconds=1.0, parameters=7)
    counts["fold"] = (counts["kit"] == "a").astype(int)
    table = recipe_table(counts.assign(**where, digest="x"))
    size = hits.groupby("kit")["kit"].transform("size")
    as_told = f1_score(hits["true"], hits["predicted"], average="macro", sample_weight=1 / size)
    assert table["macro_f1"].iloc[0] == pytest.approx(as_told)


def test_a_kit_that_a_seed_did_not_judge_leaves_the_others():
    rows = made_up()
    left_out = (rows["kit"] == "kit 3") & (rows["seed"] == 1)
    assert scores(rows[~left_out])["accuracy"].tolist() == pytest.approx([0.9, 0.8])


@pytest.mark.parametrize(
    "weights, kits",
    [([3, 3, 3], 3), ([7], 1), ([1, 0, 0], 1), ([2, 1, 1], 16 / 6)],
)
def test_effective_kits(weights, kits):
    assert effective_kits(weights) == pytest.approx(kits)


def test_scores_by_two_columns_have_two_levels():
    rows = stored("chance", FOLDER)
    table = scores(rows, ["model", "data"])
    assert ("logistic regression", "open") in table.index
    by_chance = rows.query("model == 'dense' and data == 'random split'")
    row = table.loc[("dense", "random split")]
    assert row["accuracy"] == scores(by_chance).loc["dense", "accuracy"]


def test_a_pair_is_compared_on_the_same_folds():
    low, value, high = paired(made_up(10), "good", "bad")
    assert low == pytest.approx(10) and value == pytest.approx(10) and high == pytest.approx(10)


def test_a_pair_is_compared_kit_by_kit():
    """A kit that is hard for both does not widen the interval, and a big one has one vote."""
    rows = made_up(10)
    hard = rows["kit"] == "kit 0"
    right = rows["predicted"] == "kick"
    rows.loc[hard & right, ["n", "right"]] -= 60
    rows.loc[hard & ~right, "n"] += 60
    rows.loc[hard, ["n", "right"]] *= 30
    assert paired(rows, "good", "bad") == pytest.approx((10, 10, 10))
    low, accuracy, high = scores(rows).loc["good", ["low", "accuracy", "high"]]
    assert high - low > 0.1


def test_only_seeds_that_both_have_finished_count():
    rows = made_up(10)
    rows = rows[~((rows["model"] == "bad") & (rows["seed"] == 2))]
    assert paired(rows, "good", "bad")[1] == pytest.approx(10)
    with pytest.raises(ValueError, match="both finished"):
        paired(rows[rows["model"] == "good"], "good", "bad")


def test_confusion_counts_every_hit():
    rows = stored("question", FOLDER).query("asked == '' and condition == 'all'")
    table = confusion(rows)
    assert list(table) == list(table.index)
    assert table.to_numpy().sum() == rows["n"].sum()
    assert np.trace(table) == rows["right"].sum()
    binary = confusion(stored("question", FOLDER).query("asked == 'kick'"))
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
        stored("attack", tmp_path / "elsewhere")
    assert "\n" not in str(told.value)


# -- a study on the way


def test_a_half_finished_cut_is_left_out_model_by_model(tmp_path):
    name = "audit"
    table = StoredStudy.read(name, FOLDER)
    whole = set(STUDIES[name].runs([0]))
    runs = table.runs[[run in whole for run in table.runs[KEYS].itertuples(index=False, name=None)]]
    runs = runs.drop_duplicates(KEYS)
    made = (
        runs.iloc[:1].drop(columns=KEYS).merge(pd.DataFrame(sorted(whole), columns=KEYS), "cross")
    )
    made["run"] = range(len(made))
    answers = made[["run"]].assign(kit="kit " + made["fold"].astype(str), true="tom", n=3)
    answers = answers.assign(predicted="tom")
    late = (made["model"] == "dense") & (made["data"] == "open") & (made["fold"] == 3)
    StoredStudy(made[~late], answers).write(name, tmp_path)
    rows = stored(name, tmp_path)
    assert set(zip(rows["data"], rows["model"], strict=True)) == {
        ("open", "logistic regression"),
        ("unaudited", "logistic regression"),
        ("unaudited", "dense"),
    }
    assert rows.groupby(["data", "model"])["fold"].nunique().tolist() == [5, 5, 5]
    StoredStudy(made[made["fold"] < 4], answers).write(name, tmp_path)
    assert stored(name, tmp_path).empty


def test_before_the_first_whole_cut_a_table_and_a_picture_are_empty():
    import matplotlib.pyplot as plt

    table = scores(made_up()[:0])
    assert len(table) == 0 and {"low", "accuracy", "high", "seeds"} <= set(table)
    assert not plot_scores(table).get_yticklabels()
    plt.close("all")

"""Verdicts: what is compared, how sure it is, and which word follows."""

import json
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score

from drumlesson.course.results import stored
from drumlesson.course.runner import KEYS
from drumlesson.course.studies import STUDIES
from drumlesson.course.verdicts import (
    VERDICTS,
    Claim,
    Effect,
    Verdict,
    _interval,
    decide,
    in_new_kits,
    judge_claims,
    measure_effect,
    plot_verdicts,
    read_claims,
    saying,
    variance_shares,
    verdict_table,
    yes_or_no,
)
from drumlesson.evaluation import percentile_interval
from drumlesson.labels import LABELS

ROOT = Path(__file__).resolve().parent.parent
COLUMNS = "key,sentence,says,study,plus,minus,ruler,matters,reason,cuts,lesson"


def claim(says="more", plus="good", minus="bad", ruler="accuracy", matters=2, **more):
    about = {"key": "x", "sentence": "good is better", "study": "toy"} | more
    return Claim(says=says, plus=plus, minus=minus, ruler=ruler, matters=matters, **about)


def rows_of(model, share, n=100, true="snare", **where):
    """Counts of a table of shares right (kits, seeds): nan where a seed did not judge a kit."""
    rows = []
    usual = {"condition": "all", "data": "open", "true": true}
    for (kit, seed), p in np.ndenumerate(np.asarray(share, float)):
        if np.isnan(p):
            continue
        of_kit = {"model": model, "kit": f"kit {kit:02}", "seed": seed} | usual | where
        right = round(n * p)
        rows.append(of_kit | {"predicted": true, "n": right})
        rows.append(of_kit | {"predicted": "tom", "n": n - right})
    return pd.DataFrame(rows)


def two(gain, noise=0.0, kits=30, seeds=5, random_state=0):
    """Two models on kits of which some are hard: `good` is `gain` points better, give or take."""
    rng = np.random.default_rng(random_state)
    bad = np.repeat(rng.uniform(0.4, 0.7, (kits, 1)), seeds, axis=1)
    good = bad + gain / 100 + rng.normal(0, noise / 100, (kits, 1))
    return pd.concat([rows_of("good", good, 1000), rows_of("bad", bad, 1000)])


def judged(rows, *claims, **how):
    how = {"draws": 1000} | how
    return judge_claims(claims or [claim()], {"toy": rows}, **how)


# -- what an interval says


@pytest.mark.parametrize(
    "interval, more, as_much",
    [
        ((1, 3, 5), "supported", "supported"),
        ((0.5, 1, 1.5), "real but small", "supported"),
        ((-1, 0.5, 1.5), "no difference that matters", "supported"),
        ((-1.5, -1, -0.5), "real but small", "supported"),
        ((-1, 1, 3), "undecided", "supported"),
        ((0.5, 1.5, 2.5), "undecided", "supported"),
        ((-5, -3, -1), "contradicted", "contradicted"),
        ((-2.5, -1.5, -0.5), "undecided", "undecided"),
        ((-3, 0, 3), "undecided", "undecided"),
        ((-2, 0, 1), "undecided", "undecided"),
        ((float("nan"),) * 3, "undecided", "undecided"),
    ],
)
def test_decide(interval, more, as_much):
    assert decide(*interval, "more", 2) == more
    assert decide(*interval, "as much", 2) == as_much


@pytest.mark.parametrize(
    "interval, says, matters, told",
    [
        ((3, 4, 5), "less", 2, "a claim says more or as much"),
        ((5, 4, 3), "more", 2, "5 to 3 is no interval"),
        ((3, 4, 5), "more", 0, "matters is a number of points above 0"),
    ],
)
def test_what_is_no_claim_or_no_interval_is_not_decided(interval, says, matters, told):
    with pytest.raises(ValueError, match=told):
        decide(*interval, says, matters)


def test_a_claim_and_its_opposite_get_opposite_verdicts():
    rng = np.random.default_rng(0)
    opposite = dict(zip(VERDICTS, VERDICTS, strict=True))
    opposite |= {"supported": "contradicted", "contradicted": "supported"}
    seen = set()
    for low, value, high in np.sort(rng.normal(0, 3, (500, 3)), axis=1):
        name = decide(low, value, high, "more", 2)
        assert decide(-high, -value, -low, "more", 2) == opposite[name]
        seen.add(name)
    assert seen == set(VERDICTS)


@pytest.mark.parametrize(
    "gain, noise, says, name",
    [
        (5, 1, "more", "supported"),
        (-5, 1, "more", "contradicted"),
        (1, 1, "more", "real but small"),
        (0, 1, "more", "no difference that matters"),
        (1, 15, "more", "undecided"),
        (0, 1, "as much", "supported"),
        (-5, 1, "as much", "contradicted"),
        (-2, 15, "as much", "undecided"),
    ],
)
def test_the_verdict_follows_the_counts(gain, noise, says, name):
    verdict = judged(two(gain, noise), claim(says))[0]
    assert verdict.effect.low < verdict.effect.value < verdict.effect.high
    assert verdict.name == name and verdict.told().startswith(f"{name}: ")


def test_a_verdict_that_hangs_on_the_start_is_undecided():
    same = Effect(3.0, ((0.1, 6.0),) * 5, 30, 5)
    flips = Effect(3.0, (*same.intervals[1:], (-0.1, 6.0)), 30, 5)
    assert Verdict(claim(), same).name == "supported"
    assert Verdict(claim(), flips).name == "undecided"


# -- how many kits would settle it


def needed(low, value, kits):
    """By hand: to lift the lower end above zero."""
    return int(np.floor(kits * ((value - low) / value) ** 2)) + 1


@pytest.mark.parametrize("low", [-0.5, -2.0, -4.0])
def test_kits_to_settle_by_hand(low):
    found = Verdict(claim(), Effect(3.0, ((low, 6 - low),), 30, 5)).kits_to_settle()
    assert found == needed(low, 3.0, 30)


@pytest.mark.parametrize("random_state", range(20))
@pytest.mark.parametrize("says", ["more", "as much"])
def test_kits_to_settle_is_the_first_number_that_decides(says, random_state):
    value, *down = np.random.default_rng(random_state).normal(0, 3, 2)
    low, high = value - 4 - abs(down[0]), value + 4
    verdict = Verdict(claim(says), Effect(value, ((low, high),), 20, 5))
    decided = []
    for n in range(20, 201):
        shrunk = (20 / n) ** 0.5
        ends = value + shrunk * (np.array([low, high]) - value)
        if decide(ends[0], value, ends[1], says, 2) != "undecided":
            decided.append(n)
    assert verdict.kits_to_settle() == (decided[0] if decided else None)


def test_what_more_kits_do_is_told():
    near = Verdict(claim(), Effect(3.0, ((-1.0, 7.0),), 30, 5))
    far = Verdict(claim(), Effect(2.05, ((-20.0, 24.0),), 30, 5))
    assert near.told() == (
        "undecided: +3.0 points (-1.0 to +7.0; 30 kits, 5 cuts); about 54 kits would settle it"
    )
    assert far.told().endswith("; it would take more than ten times as many kits")
    lost = Verdict(claim(), Effect(-3.1, ((-4.9, -1.2),), 75, 5))
    assert lost.told() == "contradicted: -3.1 points (-4.9 to -1.2; 75 kits, 5 cuts)"


def test_no_number_is_rounded_onto_what_decides():
    verdict = Verdict(claim("as much"), Effect(0.04, ((-2.027, 3.6),), 30, 5))
    assert verdict.points() == ["-2.03", "+0.04", "+3.6"]


# -- the interval


def test_a_kit_that_is_hard_for_both_does_not_widen_the_interval():
    bad = np.repeat(np.linspace(0.1, 0.8, 30)[:, None], 5, axis=1)
    rows = pd.concat([rows_of("good", bad + 0.05, 1000), rows_of("bad", bad, 1000)])
    effect = judged(rows)[0].effect
    assert effect.high - effect.low < 0.3 and effect.value == pytest.approx(5, abs=0.1)


@pytest.mark.parametrize("cuts", [1, 5])
def test_the_interval_covers(cuts):
    """Of 200 simulated studies, 90 to 99 % hold the truth in their interval."""
    held = 0
    for i in range(200):
        rng = np.random.default_rng(i)
        gain = np.clip(rng.normal(0.05, 0.1, (30, 1)), -0.15, 0.25)
        bad = np.full((30, cuts), 0.6)
        good = rng.binomial(100, bad + gain) / 100
        rows = pd.concat([rows_of("good", good), rows_of("bad", bad)])
        effect = judged(rows, draws=500, starts=[i])[0].effect
        held += effect.low <= 5 <= effect.high  # the clipped normal is even around 5 points
    assert 180 <= held <= 198


def test_the_same_start_gives_the_same_interval_and_another_does_not():
    rows = two(2, 5)
    first, second = judged(rows, starts=[0, 0, 1])[0].effect.intervals[:2]
    assert first == second != judged(rows, starts=[1])[0].effect.intervals[0]


# -- what is compared


def test_only_kits_and_seeds_that_all_sides_were_judged_on_count():
    good, bad = np.full((6, 3), 0.8), np.full((6, 3), 0.7)
    bad[4] = 0.5
    good[2], bad[:, 1] = np.nan, np.nan
    effect = judged(pd.concat([rows_of("good", good), rows_of("bad", bad)]))[0].effect
    assert (effect.kits, effect.cuts) == (5, 2)
    assert effect.value == pytest.approx((4 * 10 + 30) / 5)


def test_a_big_kit_counts_no_more_than_a_small_one():
    small = [rows_of("good", [[0.9], [0.6]]), rows_of("bad", [[0.5], [0.5]])]
    rows = pd.concat(small)
    rows.loc[rows["kit"] == "kit 00", "n"] *= 40
    assert judged(rows)[0].effect.value == pytest.approx((40 + 10) / 2)


def test_a_difference_of_differences():
    rows = pd.concat(
        [
            rows_of("good", np.full((5, 2), 0.9)),
            rows_of("good", np.full((5, 2), 0.7), condition="a + b"),
            rows_of("bad", np.full((5, 2), 0.8)),
            rows_of("bad", np.full((5, 2), 0.75), condition="a + b"),
        ]
    )
    asked = claim(plus="good + bad @ a + b", minus="good @ a + b + bad @ all @ open")
    assert judged(rows, asked)[0].effect.value == pytest.approx(20 - 5)


def test_recall_asks_the_kits_that_hold_the_class():
    snares = [rows_of("good", np.full((4, 2), 0.9)), rows_of("bad", np.full((4, 2), 0.8))]
    kicks = [rows_of(model, np.full((9, 2), 0.5), true="kick") for model in ("good", "bad")]
    effect = judged(pd.concat(snares + kicks), claim(ruler="recall of snare"))[0].effect
    assert effect.kits == 4 and effect.value == pytest.approx(10)


def test_macro_f1_weighs_each_hit_by_its_kit():
    rows = []
    for kit, n, share in (("a", 100, 0.9), ("b", 10, 0.5)):
        for true in ("kick", "tom"):
            for model, p in (("good", share), ("bad", 0.5)):
                rows.append(rows_of(model, [[p]], n, true, kit=kit))
    table = pd.concat(rows)
    table.loc[table["true"].eq("tom") & table.duplicated(["model", "kit", "true"]), "predicted"] = (
        "kick"
    )
    f1 = {}
    for model, of_model in table.groupby("model"):
        size = of_model.groupby("kit")["n"].transform("sum")
        y = of_model["true"], of_model["predicted"]
        f1[model] = f1_score(*y, average="macro", sample_weight=of_model["n"] / size)
    effect = judged(table, claim(ruler="macro F1"))[0].effect
    assert effect.value == pytest.approx(100 * (f1["good"] - f1["bad"]))


def test_spread_is_the_deviation_from_seed_to_seed():
    shares = {"good": [0.5, 0.7, 0.9], "bad": [0.6, 0.65, 0.7]}
    rows = [rows_of(model, np.tile(share, (4, 1))) for model, share in shares.items()]
    rows = pd.concat(rows).assign(fold=0)
    effect = judged(rows, claim(ruler="spread"))[0].effect
    deviations = [np.std(share, ddof=1) for share in shares.values()]
    assert effect.value == pytest.approx(100 * (deviations[0] - deviations[1]))
    assert effect.unit == "seed"  # each seed had the same cut into folds


def stray(kits=30, seeds=10, random_state=0):
    """Two models whose scores stray from seed to seed, and within each kit by more."""
    rng = np.random.default_rng(random_state)
    tables = []
    for model, spread in (("good", 0.08), ("bad", 0.04)):
        share = 0.6 + rng.normal(0, spread / 4, seeds) + rng.normal(0, spread, (kits, seeds))
        tables.append(rows_of(model, share, 1000))
    return pd.concat(tables).assign(fold=0)


def test_the_interval_of_a_spread_is_that_of_its_seeds():
    """Each kit twice is no other evidence; were kits drawn, the ends would move together."""
    rows = stray()
    twice = pd.concat([rows, rows.assign(kit=rows["kit"] + " again")])
    spread = claim(ruler="spread")
    once, again = (judged(each, spread, draws=4000)[0].effect for each in (rows, twice))
    assert once.kits == again.kits / 2 and once.low < once.value < once.high
    assert [again.low, again.high] == pytest.approx([once.low, once.high], abs=0.05)


def test_more_seeds_settle_a_spread_and_not_more_kits():
    verdict = judged(stray(seeds=4), claim(ruler="spread", matters=2))[0]
    assert verdict.name == "undecided" and verdict.kits_to_settle() is None
    assert verdict.told().endswith("; more seeds would settle it, not more kits")


def test_spreads_and_other_scores_of_one_study_are_judged_side_by_side():
    """They share kits and cuts, and not what is drawn."""
    rows, claims = stray(), [claim(ruler="spread"), claim(key="y")]
    together = judged(rows, *claims)
    assert [verdict.effect for verdict in together] == [
        judged(rows, each)[0].effect for each in claims
    ]


@pytest.mark.parametrize(
    "value, ends",
    [(0.5, (0.025, 0.975)), (0.3, (0.0013115, 0.8189056)), (0.7, (0.1810944, 0.9986885))],
)
def test_an_interval_moves_against_its_bias_by_hand(value, ends):
    """Of draws from 0 to 1; the normal distribution's own numbers from a table."""
    drawn = np.linspace(0, 1, 100_001)
    assert _interval(drawn, value) == pytest.approx(ends, abs=1e-4)


@pytest.mark.parametrize("drawn", [[], [np.nan, np.nan]])
def test_no_draw_with_a_score_gives_no_interval(drawn):
    assert np.isnan(_interval(np.array(drawn, float), 0.0)).all()


def test_an_interval_without_bias_is_the_middle_of_the_draws():
    drawn = np.random.default_rng(0).normal(3, 1, 20_001)
    assert _interval(drawn, np.median(drawn)) == pytest.approx(percentile_interval(drawn))


def test_yes_or_no_asks_each_binary_model_by_itself():
    rows = []
    for label in ("hihat", "snare", "kick", "tom", "cymbal"):
        of_label = rows_of(f"good {label}", np.full((3, 2), 0.9), true=label)
        no = rows_of(f"good {label}", np.full((3, 2), 0.8), true="rest")
        of_label["predicted"] = [label, "rest"] * 6
        no["predicted"] = ["rest", label] * 6
        wrong = rows_of("good", np.full((3, 2), 0.0), true=label)
        bad = rows_of("bad", np.full((3, 2), 1.0), true=label)
        rows += [of_label, no, wrong, bad]
    effect = judged(pd.concat(rows), claim(plus="good alone", ruler="yes or no"))[0].effect
    assert effect.value == pytest.approx(85 - 100)


# -- an effect without a claim


@pytest.mark.parametrize("start", [0, 3])
def test_what_is_measured_is_what_a_claim_is_judged_by(start):
    rows = two(3, 10)
    effect = judged(rows, starts=[start])[0].effect
    assert measure_effect(rows, "good", "bad", draws=1000, random_state=start) == effect


def test_one_side_alone_is_a_score():
    share = np.array([[0.5, 0.7], [0.6, 0.8], [0.9, 0.7]])
    effect = measure_effect(rows_of("good", share), "good")
    assert effect.value == pytest.approx(100 * share.mean())
    assert effect.low < effect.value < effect.high
    assert (effect.kits, effect.cuts) == (3, 2)


def test_sides_that_share_no_cut_have_no_effect():
    rows = pd.concat([rows_of("good", [[0.5, np.nan]]), rows_of("bad", [[np.nan, 0.5]])])
    effect = measure_effect(rows, "good", "bad")
    assert np.isnan([effect.low, effect.value, effect.high]).all() and effect.cuts == 0


@pytest.mark.parametrize(
    "sides, how, told",
    [
        (("perfect",), {}, "at hand holds no run of perfect: it has good, bad"),
        (("good", "perfect"), {}, "at hand holds no run of perfect: it has good, bad"),
        (("good",), {"ruler": "luck"}, "no ruler 'luck': there is accuracy, macro F1"),
    ],
)
def test_what_cannot_be_measured_is_named(sides, how, told):
    with pytest.raises(ValueError, match=told):
        measure_effect(two(1), *sides, **how)


def f1_of(found, played, yeses, n):
    return 2 * found / (played + yeses)


def mistaken(model, classes, sizes=(10, 40, 100)):
    """Counts of kits of different sizes, in which each class is taken for each at random."""
    rng = np.random.default_rng(len(model))
    rows = []
    for kit, n in enumerate(sizes):
        where = {"model": model, "kit": f"kit {kit}", "seed": 0, "condition": "all", "data": "open"}
        for true, predicted in np.ndindex(len(classes), len(classes)):
            said = {"true": classes[true], "predicted": classes[predicted]}
            rows.append(where | said | {"n": rng.integers(1, n)})
    return pd.DataFrame(rows)


def f1_by_hand(rows, label):
    """F1 of one class, each hit weighed by one over the hits of its kit."""
    weight = rows["n"] / rows.groupby("kit")["n"].transform("sum")
    return 100 * f1_score(rows["true"] == label, rows["predicted"] == label, sample_weight=weight)


@pytest.mark.parametrize("labels", [["tom"], ["kick", "cymbal"]])
def test_a_ruler_of_answers_yes_or_no_weighs_each_hit_by_its_kit(labels):
    softmax = mistaken("one", LABELS)
    members = {label: mistaken(f"five {label}", [label, "rest"]) for label in LABELS}
    rows = pd.concat([softmax, *members.values()])
    ruler = yes_or_no(f1_of, labels)
    one = np.mean([f1_by_hand(softmax, label) for label in labels])
    five = np.mean([f1_by_hand(members[label], label) for label in labels])
    assert measure_effect(rows, "one", ruler=ruler).value == pytest.approx(one)
    assert measure_effect(rows, "five alone", ruler=ruler).value == pytest.approx(five)
    assert measure_effect(rows, "five alone", "one", ruler).value == pytest.approx(five - one)


def test_a_ruler_asks_for_classes_of_the_course():
    with pytest.raises(ValueError, match="no class 'cowbell': there is kick, snare"):
        yes_or_no(f1_of, ["tom", "cowbell"])


# -- levers


def grid(gain):
    """Every combination of two features and two families; the feature is `gain` points."""
    rows = []
    rng = np.random.default_rng(0)
    for feature in ("logmel", "mfcc"):
        for family in ("dense", "cnn"):
            share = 0.6 + gain / 100 * (feature == "mfcc") + rng.normal(0, 0.01, (8, 2))
            where = {"feature": feature, "family": family, "task": "", "asked": "", "augment": ""}
            for true in ("kick", "snare"):
                rows.append(rows_of(f"{feature} {family}", share, true=true, **where))
    return pd.concat(rows)


def test_levers():
    table = variance_shares("toy", grid(20))
    assert table["share"].sum() == pytest.approx(100)
    assert table.loc["feature", "share"] > 95
    asked = claim(plus="feature", minus="family", ruler="share of variance", matters=5)
    verdict = judged(grid(20), asked)[0]
    assert verdict.name == "supported"
    gap = table.loc["feature", "share"] - table.loc["family", "share"]
    assert verdict.effect.value == pytest.approx(gap)


def test_which_class_is_asked_for_is_kept_apart_from_one_model_or_five():
    """Both tasks name classes alike, and what is asked of one class alone is much easier."""
    easy = grid(0)
    easy["n"] = easy["n"].where(easy["predicted"] == "tom", 3 * easy["n"])
    asked = [easy.assign(task="five", asked="kick", model=easy["model"] + ", kick")]
    for task in ("one", "five"):
        asked.append(grid(0).assign(task=task, model=lambda rows, t=task: rows["model"] + t))
    rows = pd.concat(asked)
    whole = variance_shares("toy", rows)["share"]
    five = variance_shares("toy", rows, five=True)["share"]
    assert whole["question"] > 90 and five["one model or five"] < 1
    assert "question" not in five


def test_each_kit_counts_the_same_in_levers():
    rows = grid(20)
    rows.loc[rows["kit"] == "kit 03", "n"] *= 50
    assert np.allclose(variance_shares("toy", rows), variance_shares("toy", grid(20)), atol=1e-3)


def test_a_grid_that_is_not_full_or_a_lever_that_is_not_there():
    asked = claim(plus="feature", minus="luck", ruler="share of variance")
    with pytest.raises(ValueError, match="claim x: no lever 'luck'"):
        judged(grid(20), asked)
    rows = grid(20)
    with pytest.raises(ValueError, match="toy: the grid has 3 of 4 cells"):
        judged(rows[rows["model"] != "mfcc cnn"], asked)


# -- what was run


def folds_of(rows, folds=5):
    """Kit after kit into the next fold."""
    number = rows["kit"].str.removeprefix("kit ").astype(int)
    return rows.assign(fold=number % folds)


def without(rows, **where):
    """Rows without those of a run."""
    return rows[~np.all([rows[column] == value for column, value in where.items()], axis=0)]


def test_a_cut_counts_only_where_all_its_folds_are_there_for_all_sides():
    rows = folds_of(two(5, 1, seeds=4))
    whole = judged(rows)[0].effect
    assert (whole.kits, whole.cuts) == (30, 4)
    half = without(rows, model="bad", seed=3, fold=2)
    half = without(half, model="good", seed=1, fold=0)
    found = judged(half)[0].effect
    assert (found.kits, found.cuts) == (30, 2)
    expected = judged(rows[rows["seed"].isin([0, 2])])[0].effect
    assert found == expected


def test_fewer_cuts_than_planned_are_told():
    rows = folds_of(two(5, 1, seeds=2))
    part = judged(rows, claim(cuts=5))[0]
    assert not part.complete and part.name == "supported"
    assert part.told().endswith("; 30 kits, 2 of 5 seeds so far)")
    whole = judged(rows, claim(cuts=2))[0]
    assert whole.complete and whole.told().endswith("; 30 kits, 2 seeds)")
    assert verdict_table([part])[["cuts", "planned"]].to_numpy().tolist() == [[2, 5]]


def test_before_a_whole_cut_there_is_no_verdict():
    rows = without(folds_of(two(5, 1, seeds=1)), model="bad", fold=4)
    found = judged(rows)[0]
    assert found.name == "not run yet" and not found.complete
    assert (found.effect.kits, found.effect.cuts, found.effect.intervals) == (0, 0, ())
    assert np.isnan([found.effect.low, found.effect.value, found.effect.high]).all()
    assert found.told() == "not run yet: 0 of 5 cuts so far"


@pytest.mark.parametrize("seeds, name", [(1, "not run yet"), (2, "contradicted")])
def test_a_spread_needs_two_seeds(seeds, name):
    shares = {"good": [0.5, 0.5, 0.9], "bad": [0.5, 0.7, 0.9]}
    rows = [rows_of(model, np.tile(share, (9, 1))) for model, share in shares.items()]
    rows = folds_of(pd.concat(rows))
    rows = rows[(rows["seed"] < seeds) | ((rows["seed"] == seeds) & (rows["fold"] == 1))]
    later = rows_of("other", np.full((9, 3), 0.5))  # by which the study is known to have five folds
    rows = pd.concat([rows, folds_of(later)])
    found = judged(rows, claim(ruler="spread", cuts=10), draws=4000)[0]
    if seeds == 1:
        assert found.told() == "not run yet: 1 of 10 seeds so far"
    else:
        deviation = 100 * np.std(shares["bad"][:2], ddof=1)
        assert found.effect.value == pytest.approx(-deviation)
        assert (found.effect.cuts, found.effect.unit) == (2, "seed")
        assert ", 2 of 10 seeds so far)" in found.told()


def test_what_was_not_run_is_left_out_of_the_picture_and_named_in_the_table():
    import matplotlib.pyplot as plt

    rows = without(folds_of(two(5, 1)), model="bad", fold=0)
    found = judged(pd.concat([rows, folds_of(rows_of("other", np.full((30, 5), 0.4)))]))
    found += judged(folds_of(two(5, 1)), claim(key="y"))
    table = verdict_table(found)
    assert table["verdict"].tolist() == ["not run yet", "supported"]
    assert table["kits"].tolist() == [0, 30] and table["kits to settle"].isna().tolist()[0]
    ax = plot_verdicts(table)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["good is better (y)"]
    assert len(plot_verdicts(table[:1]).get_yticklabels()) == 0
    plt.close("all")


def planned(share=0.5, study="chance", **where):
    """Rows of every run of a study of the course: kits of five folds."""
    runs = pd.DataFrame(STUDIES[study].runs(), columns=KEYS)
    kits = pd.DataFrame({"fold": range(5), "kit": [f"kit {i}" for i in range(5)]})
    rows = runs.merge(kits, on="fold")
    answers = pd.DataFrame({"predicted": ["snare", "tom"], "n": [share * 100, 100 - share * 100]})
    return rows.assign(true="snare", **where).merge(answers, how="cross")


def test_the_plan_of_a_study_tells_which_folds_a_cut_has():
    about = claim(plus="dense @ all @ random split", minus="dense", study="chance")
    rows = planned()
    assert judge_claims([about], {"chance": rows}, draws=100)[0].effect.cuts == 5
    # In no cut is the last fold there: a plan that came from the rows would not miss it.
    short = without(rows, fold=4)
    assert judge_claims([about], {"chance": short})[0].told() == "not run yet: 0 of 5 cuts so far"
    # Before any run of one side, its name stands for what is planned, and for nothing else.
    one_sided = rows[rows["data"] == "random split"]
    assert judge_claims([about], {"chance": one_sided})[0].name == "not run yet"
    with pytest.raises(ValueError, match="chance holds no run of tense"):
        judge_claims([replace(about, minus="tense")], {"chance": rows})


def test_binary_models_are_planned_too():
    sides = {"plus": "one-vs-rest alone @ 8 a class", "minus": "multiclass @ 8 a class"}
    about = claim(study="question", ruler="yes or no", **sides)
    rows = planned(study="question")
    assert judge_claims([about], {"question": rows})[0].name == "not run yet"
    with pytest.raises(ValueError, match="question holds no run of multiclass alone"):
        judge_claims([replace(about, minus="multiclass alone")], {"question": rows})


def test_a_grid_is_judged_by_its_whole_cuts():
    asked = claim(plus="feature", minus="family", ruler="share of variance", matters=5)
    rows = grid(20)
    part = without(rows, model="mfcc cnn", seed=1)
    found = judged(part, asked)[0]
    assert (found.effect.cuts, found.effect.kits) == (1, 8)
    assert found.effect == judged(rows[rows["seed"] == 0], asked)[0].effect
    about = replace(asked, study="grid")
    unfinished = planned(study="grid", asked="", task="", augment="", feature="", family="")
    unfinished = without(unfinished, model=unfinished["model"].iloc[0])
    found = judge_claims([about], {"grid": unfinished})[0]
    assert found.told() == "not run yet: 0 of 5 cuts so far"
    with pytest.raises(ValueError, match="grid: no cut is whole"):
        variance_shares("grid", unfinished)


# -- the table of claims, and errors


def test_the_projects_claims_can_be_read(monkeypatch):
    monkeypatch.chdir(ROOT)
    found = read_claims()
    assert len(found) == len(pd.read_csv(ROOT / "nbs" / "evidence" / "claims.csv"))
    assert {one.says for one in found} == {"more", "as much"}


def test_a_claim_is_put_to_synthesised_kits_where_their_study_has_its_models(monkeypatch):
    monkeypatch.chdir(ROOT)
    claims = {claim.key: claim for claim in read_claims()}
    moved = {claim.key: claim for claim in in_new_kits(claims.values())}
    assert {"1", "2", "3", "4", "6", "7", "9"} <= set(moved) < set(claims)
    assert not {"5", "8", "10", "11"} & set(moved)
    for key, claim in moved.items():
        study = STUDIES[claim.study]
        assert study.data == ("new synthesised kits",) and claim.cuts == study.seeds
        assert replace(claim, study=claims[key].study, cuts=claims[key].cuts) == claims[key]


def test_what_a_side_leaves_out_is_the_usual_or_the_only_one():
    usual = rows_of("good", np.full((3, 2), 0.9))
    others = [
        rows_of("good", np.full((3, 2), 0.5), condition="few"),
        rows_of("good", np.full((3, 2), 0.6), data="random split"),
        rows_of("bad", np.full((3, 2), 0.7), data="one cut"),
    ]
    rows = pd.concat([usual, *others])
    asked = claim(), claim(plus="good @ few"), claim(plus="good @ all @ random split")
    values = [verdict.effect.value for verdict in judged(rows, *asked)]
    assert values == pytest.approx([20, -20, -10])


@pytest.mark.parametrize(
    "text, told",
    [
        ("key,sentence\na,b\n", "the columns are key, sentence"),
        (f"{COLUMNS}\na,b,most,s,p,m,accuracy,2,,5,\n", "claim a: says is more or as much"),
        (f"{COLUMNS}\na,b,more,s,p,m,luck,2,,5,\n", "claim a: no ruler 'luck'"),
        (f"{COLUMNS}\na,b,more,s,p,m,accuracy,much,,5,\n", "claim a: matters is no number: 'much'"),
        (f"{COLUMNS}\na,b,more,s,p,m,accuracy,0,,5,\n", "claim a: matters lies between"),
        (f"{COLUMNS}\na,b,more,s,p,m,accuracy,2,,few,\n", "claim a: cuts is no number: 'few'"),
        (f"{COLUMNS}\na,b,more,s,,m,accuracy,2,,5,\n", "claim a: plus is empty"),
        (f"{COLUMNS}\n" + 2 * "a,b,more,s,p,m,accuracy,2,,5,\n", "two claims have the key 'a'"),
    ],
)
def test_a_wrong_table_is_told_in_one_line(tmp_path, text, told):
    path = tmp_path / "claims.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=told) as found:
        read_claims(path)
    assert str(found.value).startswith(f"{path}: ") and "\n" not in str(found.value)
    with pytest.raises(ValueError, match="there is no such table"):
        read_claims(tmp_path / "other.csv")


def test_what_was_not_run_is_named():
    with pytest.raises(ValueError, match="toy holds no run of perfect: it has good, bad"):
        judged(two(1), claim(plus="perfect"))
    with pytest.raises(ValueError, match="no study songs is at hand: there is toy"):
        judged(two(1), claim(study="songs"))
    apart = pd.concat([rows_of("good", [[0.5]]), rows_of("bad", [[0.5]], kit="other")])
    with pytest.raises(ValueError, match="toy: there is no kit and seed on which all of"):
        judged(apart)


def test_outside_the_project_the_error_is_one_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="part of the project, not of the package"):
        judge_claims([claim()])


def test_a_table_and_a_picture():
    import matplotlib.pyplot as plt

    found = judged(two(2, 15), claim(), claim("as much", key="y"), claim(minus="good", key="z"))
    table = verdict_table(found)
    assert table["verdict"].tolist() == [verdict.name for verdict in found]
    assert table["matters"].tolist() == [2, -2, 2]
    ax = plot_verdicts(table)
    assert [label.get_text() for label in ax.get_yticklabels()][0] == "good is better (x)"
    shown = {text.get_text() for text in ax.get_legend().get_texts()}
    assert shown == set(table["verdict"])
    assert ax.get_xlabel().startswith("points of a hundred")
    plt.close("all")


def test_an_axis_of_shares_of_variance_says_so():
    import matplotlib.pyplot as plt

    table = verdict_table(judged(two(2, 15), claim(), claim(key="y")))
    for rulers, begins in (
        (["share of variance"] * 2, "hundredths of the variance"),
        (["share of variance", "accuracy"], "points of a hundred"),
    ):
        for ends in ((-3, 3), (-60, 60)):  # straight, and bent
            some = table.assign(ruler=rulers, low=ends[0], high=ends[1])
            assert plot_verdicts(some).get_xlabel().startswith(begins)
    plt.close("all")


def test_the_table_says_of_undecided_claims_alone_how_many_kits_would_settle_them():
    near = Verdict(claim(key="y"), Effect(3.0, ((-1.0, 7.0),), 30, 5))
    settle = verdict_table([*judged(two(5, 1)), near])["kits to settle"]
    assert settle.isna().to_dict() == {"x": True, "y": False}
    assert settle["y"] == 54


# -- what is told


@pytest.fixture(scope="module")
def verdicts_now():
    """Every claim of the project, judged by what is stored."""
    folder = ROOT / "nbs" / "evidence"
    claims = read_claims(folder / "claims.csv")
    names = {claim.study for claim in claims}
    studies = {name: stored(name, folder) for name in names}
    return judge_claims(claims, studies)


def texts(output):
    """What an output of a cell says."""
    data = output.get("data", {})
    parts = (output.get("text", ""), data.get("text/plain", ""), data.get("text/markdown", ""))
    return ["".join(part) for part in parts]


def outputs(name):
    """What all cells of a notebook say."""
    nb = json.loads((ROOT / "nbs" / f"{name}.ipynb").read_text(encoding="utf-8"))
    told = []
    for cell in nb["cells"]:
        for output in cell.get("outputs", []):
            told += texts(output)
    return "\n".join(told)


def not_told(verdicts, text):
    """Keys of the verdicts that no line of a table of Markdown tells."""
    missed = []
    for verdict in verdicts:
        low, value, high = verdict.points()
        about = f"| {verdict.claim.sentence} "  # or the saying that it goes on from
        line = next((line for line in text.splitlines() if about in line), "")
        effect = f"{value} ({low} to {high})" if verdict.effect.kits else verdict.name
        if verdict.name not in line or effect not in line:
            missed.append(verdict.claim.key)
    return missed


def test_a_saying_is_told_in_the_lesson_that_raised_it(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    plt.close(saying("6", "04_dense").figure)
    keys = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert keys == ["6", "on", "6b", "on"]  # each on recorded and on synthesised kits
    with pytest.raises(ValueError, match="'02_attack_phase' raised no claim of saying 6: 04_dense"):
        saying("6", "02_attack_phase")
    with pytest.raises(ValueError, match="no saying '99'"):
        saying("99")


def test_lesson_08_tells_each_verdict_as_the_data_have_it(verdicts_now):
    assert not_told(verdicts_now, outputs("08_lessons_learned")) == []


def test_readme_and_front_page_tell_the_eleven_as_the_data_have_them(verdicts_now):
    eleven = [verdict for verdict in verdicts_now if verdict.claim.key.isdigit()]
    assert len(eleven) == 11
    for text in ((ROOT / "README.md").read_text(encoding="utf-8"), outputs("index")):
        assert not_told(eleven, text) == []


def test_a_lesson_shows_each_verdict(verdicts_now):
    lessons = sorted({verdict.claim.lesson for verdict in verdicts_now})
    text = "\n".join(map(outputs, lessons))
    for verdict in verdicts_now:
        assert f"{verdict.claim.sentence}: {verdict.told()}" in text, verdict.claim.key


def test_the_widths_before_are_those_of_the_eleven(verdicts_now):
    before = pd.read_csv(ROOT / "nbs" / "evidence" / "before.csv", dtype={"key": str, "now": str})
    assert before["key"].tolist() == [str(number) for number in range(1, 12)]
    assert set(before["now"]) <= {verdict.claim.key for verdict in verdicts_now}
    assert (before["low"] < before["effect"]).all() and (before["effect"] < before["high"]).all()

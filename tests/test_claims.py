"""Claims of version 0.1.0: judged by what is stored."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from drumlesson.course import claims
from drumlesson.course.claims import CLAIMS, Claim, pick
from drumlesson.course.results import stored

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "nbs" / "evidence"
PRIMARY = [claim for claim in CLAIMS if claim.key.isdigit()]


@pytest.fixture(autouse=True)
def in_the_project(monkeypatch):
    monkeypatch.chdir(ROOT)


@pytest.fixture
def stored_as(monkeypatch):
    """Puts made-up rows where a claim looks for a stored study."""

    def put(rows):
        monkeypatch.setattr(claims, "_stored", lambda study: rows)
        claims._kept_effect.cache_clear()

    yield put
    claims._kept_effect.cache_clear()


@pytest.mark.parametrize("claim", PRIMARY, ids=lambda c: c.key)
def test_each_saying_rests_on_five_seeds_and_five_folds(claim):
    assert claim.effect()[3] >= 5
    rows = stored(claim.study, FOLDER)
    assert set(rows["fold"]) == set(range(5))


# -- verdicts


def made_up(shift, seeds=5, kits=20, n=10, noise=0.0, random_state=0):
    """Rows of two models: `good` gets `shift` of 100 hits more right than `bad`, on every kit."""
    rng = np.random.default_rng(random_state)
    rows = []
    for model, p in (("good", 0.8 + shift / 100), ("bad", 0.8)):
        for seed in range(seeds):
            for k in range(kits):
                right = round(n * 10 * p + rng.normal(0, noise))
                right = int(np.clip(right, 0, n * 10))
                where = dict(data="open", condition="all", model=model, seed=seed, fold=k % 5)
                of_kit = where | dict(kit=f"kit {k}", asked="", true="kick")
                rows.append(of_kit | dict(predicted="kick", n=right))
                rows.append(of_kit | dict(predicted="snare", n=n * 10 - right))
    return pd.DataFrame(rows)


def claim_of(matters, **more):
    return Claim("x", "good is better", "made up", (pick("good"),), (pick("bad"),), matters, **more)


@pytest.mark.parametrize(
    "shift, no_less, verdict",
    [
        (5, False, "supported"),
        (-5, False, "contradicted"),
        (0.0, False, "contradicted"),
        (5, True, "supported"),
        (0, True, "supported"),
        (-5, True, "contradicted"),
    ],
)
def test_verdict_follows_the_data(stored_as, shift, no_less, verdict):
    stored_as(made_up(shift, noise=1))
    claim = claim_of(2, no_less=no_less)
    low, value, high = claim.effect()[:3]
    assert low <= value <= high and value == pytest.approx(shift, abs=0.5)
    assert claim.effect()[3] == 5
    assert claim.verdict() == verdict and claim.told().startswith(verdict)


def test_noise_leaves_a_claim_undecided(stored_as):
    stored_as(made_up(2, noise=25))
    assert claim_of(1).verdict() == "undecided"


def test_a_difference_of_differences(stored_as):
    stored_as(pd.concat([made_up(10), made_up(4).assign(condition="hard")]))
    plus = (pick("good"), pick("bad", "hard"))
    minus = (pick("bad"), pick("good", "hard"))
    low, value, high = claims.effect("made up", plus, minus)[:3]
    assert value == pytest.approx(6, abs=0.01) and low == pytest.approx(high)


def test_only_kits_that_both_sides_were_tested_on_count(stored_as):
    rows = made_up(5)
    left_out = (rows["model"] == "good") & (rows["kit"] == "kit 3") & (rows["seed"] == 2)
    stored_as(rows[~left_out])
    value = claims.effect("made up", (pick("good"),), (pick("bad"),))[1]
    assert value == pytest.approx(5, abs=0.01)


def test_only_seeds_of_both_sides_count(stored_as):
    rows = made_up(5)
    stored_as(rows[~((rows["model"] == "bad") & (rows["seed"] == 4))])
    assert claims.effect("made up", (pick("good"),), (pick("bad"),))[3] == 4


def test_a_model_that_was_not_run_is_named(stored_as):
    stored_as(made_up(5))
    with pytest.raises(ValueError, match="holds no run of perfect"):
        claims.effect("made up", (pick("perfect"),), (pick("bad"),))


@pytest.mark.parametrize("key", ["1", "8"])
def test_a_verdict_does_not_hang_on_the_luck_of_the_draws(key):
    claim = next(c for c in CLAIMS if c.key == key)
    for random_state in range(1, 4):
        if isinstance(claim, claims.Lever):
            found = claims._explained(claim.study, False, random_state=random_state)
            gap = found.drawn[claim.plus[0]] - found.drawn[claim.minus[0]]
            assert claims.percentile_interval(gap)[1] < claim.matters
        else:
            sides = (claim.study, claim.plus, claim.minus)
            low = claims.effect(*sides, random_state=random_state)[0]
            assert low < -claim.matters  # undecided, whatever is drawn


class Given(Claim):
    """A claim whose effect is known."""

    def effect(self):
        return self.study


@pytest.mark.parametrize(
    "effect, told",
    [
        ((-2.027, 0.82, 3.6, 5), ["-2.03", "+0.8", "+3.6"]),
        ((-1.96, 0.04, 2, 5), ["-1.96", "+0.04", "+2.0"]),
    ],
)
def test_no_number_is_rounded_onto_what_decides(effect, told):
    assert Given("x", "good keeps up", effect, (), (), 2, no_less=True).points() == told


def test_which_class_is_asked_for_is_kept_apart_from_one_model_or_five():
    whole = claims.shares(five=False)["share"]
    five = claims.shares(five=True)["share"]
    assert whole["question"] > 10 * five["one model or five"] and "question" not in five
    task = next(c for c in CLAIMS if c.plus == ("one model or five",))
    assert task.effect()[1] == pytest.approx(five["one model or five"] - five["family"])


def test_shares_of_a_lever_are_a_hundred_together():
    table = claims.shares()
    assert table["share"].sum() == pytest.approx(100)
    assert (table["low"] <= table["share"]).all() and (table["share"] <= table["high"]).all()


def test_outside_the_project_the_error_is_one_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="part of the project, not of the package") as told:
        claims.evidence_folder()
    assert "\n" not in str(told.value)

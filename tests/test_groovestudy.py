"""The study of grooves: thresholds that other folds choose, and how it is stored."""

from itertools import product, repeat
from pathlib import Path

import pandas as pd
import pytest
from conftest import toy_renderings

from drumlesson.course import groovestudy
from drumlesson.course.groovestudy import (
    _cautious_thresholds,
    _cross_fitted,
    run_side,
)
from drumlesson.course.results import stored
from drumlesson.course.verdicts import measure_effect

EVIDENCE = Path(__file__).parents[1] / "nbs" / "evidence"


def counted(fold, drum, scores):
    """Counts of a drum of which so many in a hundred are right, by threshold."""
    rows = [(fold, drum, threshold, right, 100, 100) for threshold, right in scores.items()]
    return pd.DataFrame(rows, columns=["fold", "drum", "threshold", "right", "found", "there"])


def test_the_highest_threshold_within_one_point_is_taken():
    flat = counted(0, "kick", {0.2: 80, 0.3: 82, 0.4: 81.5, 0.5: 81.2, 0.6: 80.9})
    steep = counted(0, "tom", {0.2: 70, 0.3: 60, 0.4: 50})
    chosen = _cautious_thresholds(pd.concat([flat, steep]))
    assert chosen.to_dict() == {"kick": 0.5, "tom": 0.2}


def test_each_fold_is_judged_with_what_the_others_choose():
    """A fold that would choose otherwise for itself is not asked."""
    first = counted(0, "kick", {0.3: 90, 0.6: 50})
    second = counted(1, "kick", {0.3: 40, 0.6: 80})
    judged = _cross_fitted(pd.concat([first, second])).set_index("fold")
    assert judged.loc[0, "threshold"] == 0.6 and judged.loc[0, "right"] == 50
    assert judged.loc[1, "threshold"] == 0.3 and judged.loc[1, "right"] == 40


# -- one run


@pytest.fixture
def two_clips(toy_kits, monkeypatch):
    """A fold is judged by two short renderings, in which a slicer finds every hit."""
    clips = toy_renderings(toy_kits, 2, 0)
    grooves = iter([clip.groove for clip in clips])
    monkeypatch.setattr(groovestudy, "_groove_part", lambda fold: None)
    monkeypatch.setattr(groovestudy, "_test_renderings", lambda part, fold: clips)
    monkeypatch.setattr(groovestudy, "_slicer", lambda part: lambda x: next(grooves))
    return clips


@pytest.mark.parametrize("study, by_clip", [("grooves", True), ("frames", False)])
def test_a_slicer_that_has_no_curves_is_stored(two_clips, tmp_path, study, by_clip):
    run_side("slicer", 0, tmp_path, study=study)
    assert set(stored(study, tmp_path)["model"]) == {"slicer"}
    assert (tmp_path / "grooves_clips.csv").exists() == by_clip
    assert not (tmp_path / "grooves_thresholds.csv").exists()


@pytest.mark.parametrize("name, study", [("slice", "frames"), ("slicer", "groove")])
def test_what_there_is_not_is_refused_before_the_work(two_clips, tmp_path, name, study):
    with pytest.raises(ValueError, match=r"no (side|study) is called '(slice|groove)'"):
        run_side(name, 0, tmp_path, study=study)
    assert not list(tmp_path.iterdir())


def test_what_is_new_is_asked_four_ways(monkeypatch):
    """The same number for all: kits that were met and new ones play the same stretches."""
    part = groovestudy._GroovePart([], ["met kit"], ["new groove"], ["new kit"])

    def told(grooves, kits, seconds, random_state, **how):
        return repeat((*grooves, *kits, random_state, how["tempo"]))

    monkeypatch.setattr(groovestudy, "renderings", told)
    ways = {name: set(clips) for name, clips in groovestudy._four_ways(part, ["met groove"], 3)}
    assert ways == {
        "nothing new": {("met groove", "met kit", 2003, 0)},
        "new drummer": {("new groove", "met kit", 2003, 0)},
        "new kit": {("met groove", "new kit", 2003, 0)},
        "both new": {("new groove", "new kit", 2003, 0)},
    }


def test_a_study_of_what_is_new_refuses_what_there_is_not(tmp_path):
    with pytest.raises(ValueError, match="no study is called 'groove'"):
        groovestudy.run_unmet(0, tmp_path, study="groove")
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def unmet():
    return stored("unmet", EVIDENCE)


def test_both_lengths_were_asked_four_ways_in_all_folds(unmet):
    asked = set(unmet[["data", "fold", "model"]].itertuples(index=False, name=None))
    ways = ("nothing new", "new drummer", "new kit", "both new")
    assert asked == set(product(("frames", "grooves"), range(5), ways))


def test_what_the_page_says_of_what_the_new_costs_is_so(unmet):
    """A new drummer costs nothing, a new kit does; longer learning helps most where it was met."""
    reached = {}
    for study, rows in unmet.groupby("data"):
        drummer, kit = (
            measure_effect(rows, new, "nothing new", ruler="F at 50 ms")
            for new in ("new drummer", "new kit")
        )
        assert drummer.low < 0 < drummer.high and kit.high < 0
        table = groovestudy.groove_table(rows)["F"]
        reached[study] = table["nothing new"], table["new kit"]
    gained = [after - before for before, after in zip(*reached.values(), strict=True)]
    assert gained[0] > gained[1] > 0
    assert 88 < reached["grooves"][0] < 92, "near ninety, as the page says"

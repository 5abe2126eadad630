"""Thresholds that other folds choose."""

import pandas as pd

from drumlesson.course.groovestudy import _cautious_thresholds, _cross_fitted


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

"""Sounds that are no drums: the same each time, of many kinds, and none in both halves."""

import csv
from pathlib import Path

import numpy as np
import pytest

from drumlesson.attack import Attack
from drumlesson.audio import SR
from drumlesson.drums import folds
from drumlesson.outside import (
    _HELD_OUT_KINDS,
    _LEARNED_KINDS,
    _MAKERS,
    outside_drums,
    outside_test,
)

STORED = Path(__file__).parent / "data" / "outside.csv"


def facts(drums):
    """What is stored of each sound: set, kind, samples, and its energy."""
    rows = zip(drums.kits, drums.table["articulation"], drums.waves, strict=True)
    return [(kit, kind, len(x), float(np.sqrt(np.mean(x**2)))) for kit, kind, x in rows]


def test_the_test_set_is_what_was_stored():
    with STORED.open(newline="") as file:
        stored = list(csv.reader(file))
    found = facts(outside_test())
    assert len(found) == len(stored) == 240
    for (kit, kind, n, level), row in zip(found, stored, strict=True):
        assert [kit, kind, str(n)] == row[:3]
        assert level == pytest.approx(float(row[3]), rel=1e-3)


def test_half_of_the_kinds_are_only_to_judge_by():
    assert len(_LEARNED_KINDS) == len(_HELD_OUT_KINDS) == 6
    assert {*_LEARNED_KINDS, *_HELD_OUT_KINDS} == set(_MAKERS)
    assert not set(_LEARNED_KINDS) & set(_HELD_OUT_KINDS)
    learned, judged = outside_drums(2), outside_test()
    assert set(learned.table["articulation"]) == set(_LEARNED_KINDS)
    assert set(judged.table["articulation"]) == set(_HELD_OUT_KINDS)
    assert not set(learned.kits) & set(judged.kits)


@pytest.mark.parametrize("kind", _MAKERS)
def test_a_kind_is_sound_and_never_twice_alike(kind):
    drums = outside_drums(3, 2, (kind,))
    assert drums.labels.tolist() == ["none"] * 6
    for x in drums.waves:
        assert x.dtype == np.float32 and np.isfinite(x).all()
        assert 0.09 < np.abs(x).max() <= 1
        assert 0.1 < len(x) / SR < 2.5
    windows = Attack(0.3)(drums.waves)
    assert len(np.unique(windows.round(3), axis=0)) == 6
    again = outside_drums(1, 1, (kind,))
    assert again.waves[0].tolist() == drums.waves[0].tolist()
    other = outside_drums(1, 1, (kind,), random_state=1)
    assert not np.array_equal(other.waves[0], drums.waves[0])


def test_folds_go_by_set():
    drums = outside_drums(4, 1)
    for train, test in folds(drums, 4):
        assert not set(drums.kits[train]) & set(drums.kits[test])


@pytest.mark.parametrize(
    "settings, said",
    [
        ({"n_sets": 0}, "0 sets of 2 sounds"),
        ({"hits": 0}, "40 sets of 0 sounds"),
        ({"kinds": ()}, "of no kind"),
        ({"kinds": ("sine", "dog")}, "sine, dog: both are at least 1, and the kinds are sine, ch"),
    ],
)
def test_sounds_that_cannot_be_made(settings, said):
    with pytest.raises(ValueError, match=said):
        outside_drums(**settings)

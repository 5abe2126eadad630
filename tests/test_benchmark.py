"""The benchmark: which hits judge, and the cuts; drawn once, and stored."""

import numpy as np
import pytest

from drumlesson.benchmark import _stored, draw_benchmark, load_benchmark
from drumlesson.datasets import manifest
from drumlesson.drums import load_drums
from drumlesson.folders import SourceError


@pytest.fixture(scope="module")
def recorded():
    try:
        return load_benchmark()
    except SourceError:
        pytest.skip("no recorded kits at hand: the stored benchmark is of them")


def test_the_stored_hits_are_files_of_the_manifest():
    stored, facts = _stored(), manifest().set_index("key")
    assert stored["file"].is_unique
    assert (facts.loc[stored["file"], "kit"].to_numpy() == stored["kit"].to_numpy()).all()
    of_kit = facts.loc[stored["file"]].groupby("kit")["label"]
    assert of_kit.nunique().min() >= 3 and of_kit.size().between(5, 15).all()


def test_a_kit_stands_in_one_fold_of_each_cut():
    stored = _stored()
    cuts = [column for column in stored if column.startswith("cut ")]
    assert len(cuts) == 5
    assert (stored.groupby("kit")[cuts].nunique() == 1).all().all()
    assert all(set(stored[cut]) == set(range(5)) for cut in cuts)
    assert not stored[cuts].T.duplicated().any()  # no cut is another one


def test_all_hits_are_learned_from_and_those_that_judge_judge_once(recorded):
    for cut in range(5):
        tested = []
        for fold in range(5):
            train, test = recorded.rows(cut, fold)
            kits = recorded.drums.kits
            assert not set(kits[train]) & set(kits[test])
            assert len(train) + (recorded.folds[cut] == fold).sum() == len(recorded.drums)
            tested += test.tolist()
        assert sorted(tested) == np.flatnonzero(recorded.judges).tolist()


def test_there_is_no_other_benchmark_and_no_further_part(recorded):
    with pytest.raises(ValueError, match="not 'synth'"):
        load_benchmark("synth")
    for cut, fold in ((0, 5), (0, -1), (5, 0)):
        with pytest.raises(ValueError, match="there are 5 cuts of 5 folds"):
            load_benchmark().part(cut, fold)


def test_what_was_drawn_is_what_is_stored(recorded):
    drawn = draw_benchmark(recorded.drums)
    assert (drawn.judges == recorded.judges).all()


def test_the_labels_as_published_are_judged_by_the_same_hits(recorded):
    published = load_benchmark("unaudited")
    files = [b.drums.table.loc[b.judges, "file"].tolist() for b in (recorded, published)]
    assert files[0] == files[1]
    assert len(published.drums) == len(recorded.drums) + 3


@pytest.mark.parametrize("hits, judging", [(6, 15), (2, 10), (1, 5)])
def test_at_most_fifteen_hits_of_a_kit_judge_and_classes_alike(hits, judging):
    drums = load_drums("synth", n_kits=10, hits=hits)
    drawn = draw_benchmark(drums, random_state=3)
    table = drums[drawn.judges].table
    assert (table.groupby("kit").size() == judging).all()
    assert table.groupby(["kit", "label"]).size().nunique() == 1


def test_a_small_kit_and_one_of_two_classes_judge_nobody():
    drums = load_drums("synth", n_kits=10, hits=3)
    small = drums.kits == drums.kits[0]
    two = (drums.kits == drums.kits[-1]) & ~np.isin(drums.labels, ["kick", "snare"])
    few = small & (np.cumsum(small) > 4)
    drums = drums[~few & ~two]
    drawn = draw_benchmark(drums)
    silent = {drums.kits[0], drums.kits[-1]}
    assert silent.isdisjoint(drums.kits[drawn.judges])
    for kit in silent:
        assert (drawn.folds[:, drums.kits == kit] == -1).all()
        train, _ = drawn.part(0, 0)
        assert kit in train.kits

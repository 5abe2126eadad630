"""Sets of drums: hits and facts stay together, and no split has a kit on both sides."""

import numpy as np
import pandas as pd
import pytest
from conftest import noise_hit, write_sound
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import _safe_indexing

from drumlesson.drums import Drums, audit_facts, duplicates, folds, load_drums, split, summary
from drumlesson.folders import SourceError
from drumlesson.labels import LABELS

# -- splits, selections and sums


def made_up(layout):
    """`Drums` without sounds: [(kit, label)]."""
    table = pd.DataFrame(layout, columns=["kit", "label"], dtype=str)
    return Drums([np.full(3, i, np.float32) for i in range(len(table))], table)


KITS = [f"kit {i}" for i in range(8)]
KIT_AND_LABEL = st.tuples(st.sampled_from(KITS), st.sampled_from(LABELS))
LAYOUTS = st.lists(KIT_AND_LABEL, max_size=60).map(made_up)


@given(drums=LAYOUTS, k=st.integers(-1, 9), random_state=st.integers(0, 5))
@pytest.mark.filterwarnings("error")
def test_no_fold_splits_a_kit(drums, k, random_state):
    try:
        cut = folds(drums, k, random_state)
    except ValueError:
        return
    assert len(cut) == k
    assert sorted(np.concatenate([test for _, test in cut])) == list(range(len(drums)))
    for train, test in cut:
        assert len(train) and len(test) and len(train) + len(test) == len(drums)
        assert not set(drums.kits[train]) & set(drums.kits[test])
        assert set(drums.labels[train]) == set(drums.labels)


@given(
    drums=LAYOUTS,
    share=st.sampled_from([-0.1, 0, 0.01, 0.1, 0.25, 0.3, 0.5, 0.6, 1, float("nan")]),
    random_state=st.integers(0, 5),
)
@pytest.mark.filterwarnings("error")
def test_no_split_splits_a_kit(drums, share, random_state):
    try:
        train, test = split(drums, share, random_state)
    except ValueError:
        return
    assert len(train) and len(test) and len(train) + len(test) == len(drums)
    assert not set(train.kits) & set(test.kits)


SHARES = [round(0.05 * i, 2) for i in range(1, 11)] + [0.01, 0.33, 1 / 3]


@pytest.mark.parametrize("n_kits", [4, 10, 20, 41])
@pytest.mark.parametrize("share", SHARES)
def test_a_split_is_as_near_to_its_share_as_whole_kits_allow(n_kits, share):
    drums = made_up([(f"kit {i}", label) for i in range(n_kits) for label in LABELS])
    _, test = split(drums, share)
    wanted = max(share, 1 / n_kits)
    is_one_fold = abs(1 / round(1 / share) - share) < 0.005
    tolerance = 1 if is_one_fold else 0.51  # kits
    assert abs(len(test) / len(drums) - wanted) <= max(tolerance / n_kits, 0.01)


@pytest.mark.parametrize("share", [0.1, 0.2, 0.25, 1 / 3, 0.5])
@pytest.mark.parametrize("n_kits", [2, 3, 5, 12, 40])
def test_a_split_for_one_fold_is_that_fold(n_kits, share):
    """So are those of the lessons, which leave the share out."""
    drums = made_up([(f"kit {i}", label) for i in range(n_kits) for label in LABELS])
    train, test = folds(drums, min(round(1 / share), n_kits), 3)[0]
    found = split(drums, share, 3)
    for part, rows in zip(found, (train, test), strict=True):
        assert list(part.kits) == list(drums.kits[rows])


def test_a_share_needs_no_more_hits_of_a_class_than_there_are():
    layout = [(f"kit {i % 8}", ("kick", "snare", "hihat")[i % 3]) for i in range(16)]
    train, test = split(made_up(layout), 0.3)
    assert 0.2 <= len(test) / 16 <= 0.4 and set(train.labels) == {"kick", "snare", "hihat"}


def test_one_kit_is_no_test():
    drums = load_drums("synth", n_kits=1, hits=3)
    for cut in (folds, split):
        with pytest.raises(ValueError, match="the hits are of 1 kit: bring a second kit"):
            cut(drums)


@pytest.mark.parametrize(
    "k, said", [(1, "ask for 2 to 3 folds"), (4, "cannot make 4 folds of 3 kits")]
)
def test_folds_that_cannot_be(k, said):
    with pytest.raises(ValueError, match=said):
        folds(made_up([(kit, label) for kit in "abc" for label in LABELS]), k)


def test_a_class_in_one_kit_only_is_named():
    with pytest.raises(ValueError, match="tom"):
        folds(made_up([*((kit, "kick") for kit in "abc"), ("a", "tom")]), 3)


def test_waves_and_rows_go_together(toys):
    with pytest.raises(ValueError, match=r"a row for each wave, not 5 for 3: .* drums\[:3\]"):
        Drums(toys.waves[:3], toys.table[:5])
    assert len(Drums([], toys.table[:0])) == 0


@pytest.mark.parametrize("labels", [["kik"], ["kick", "kik"], ("Kick",), []])
def test_labels_that_there_are_none_of(labels):
    with pytest.raises(ValueError, match="labels are some of kick, snare, hihat, cymbal, tom, not"):
        load_drums("synth", n_kits=1, hits=1, labels=labels)


def test_selections(toys):
    assert len(toys[:3]) == len(toys[[0, 1, 2]]) == 3
    assert len(toys[[]]) == 0 and len(toys[np.zeros(len(toys), bool)]) == 0
    kicks = toys[toys.labels == "kick"]
    last = np.flatnonzero(toys.labels == "kick")[-1]
    assert set(kicks.labels) == {"kick"}
    assert np.array_equal(kicks.waves[-1], toys.waves[last])
    assert np.array_equal(toys[-1].x, toys.waves[-1])
    assert toys[np.int64(0)].source == "synth"
    with pytest.raises(IndexError):
        toys[len(toys)]


def test_what_was_left_out_is_said(folder):
    whole = load_drums(folder)
    assert repr(whole) == "Drums(24 hits of 2 kits: hihat 8, kick 8, snare 8)"
    write_sound(folder / "garage" / "claps" / "1.wav")
    assert repr(load_drums(folder)) == f"{repr(whole)[:-1]}; 1 file left out, see .problems)"
    (folder / "garage" / "kick" / "memo.m4a").touch()
    drums = load_drums(folder)
    assert repr(drums) == f"{repr(whole)[:-1]}; 2 files left out, see .problems)"
    assert {str(folder / "garage/claps/1.wav"), str(folder / "garage/kick/memo.m4a")} == {
        *drums.problems
    }
    assert not any("\n" in why for why in drums.problems.values())


def test_sums(toys, others):
    one = Drums(toys.waves, toys.table, {"a": "broken"})
    other = Drums(others.waves, others.table, {"b": "broken, too"})
    both = one + other
    assert len(both) == len(toys) + len(others)
    assert both.problems == {"a": "broken", "b": "broken, too"}
    assert list(both.labels) == [*toys.labels, *others.labels]
    assert list(both.table.index) == list(range(len(both)))
    assert summary(both).loc["all kits", "total"] == len(both)


@pytest.mark.parametrize(
    "settings", [dict(n_kits=0), dict(n_kits=-1), dict(hits=0), dict(hits=-2)], ids=str
)
def test_no_drums_are_synthesised_of_nothing(settings):
    with pytest.raises(ValueError, match="kit|hit"):
        load_drums("synth", **settings)


def test_settings_of_synthesised_drums_go_with_no_others(folder):
    with pytest.raises(ValueError, match="n_kits.*only synthesised drums"):
        load_drums(folder, n_kits=3)


def test_drums_without_a_label_that_is_kept(folder):
    with pytest.raises(SourceError, match="no hit is labelled tom or cymbal: there is hihat, kick"):
        load_drums(folder, labels=["tom", "cymbal"])
    assert set(load_drums(folder, labels=(label for label in ("tom", "kick"))).labels) == {"kick"}
    assert len(load_drums(folder, labels=None)) == 24


@pytest.mark.parametrize("data", ["open", "synth", "auto"])
def test_only_a_folder_has_names_to_read(data):
    with pytest.raises(ValueError, match="labels 'names' are those of the files in a folder"):
        load_drums(data, labels="names")


def test_a_word_that_is_no_way_to_label(folder):
    with pytest.raises(ValueError, match="labels is one of classes, folders, names"):
        load_drums(folder, labels="kick")


def test_classes_is_the_word_for_the_five():
    drums = load_drums("synth", n_kits=2, hits=1, labels="classes")
    assert list(drums.labels) == list(load_drums("synth", n_kits=2, hits=1).labels)


def test_open_kits_keep_other_drums_as_they_stand(open_kits):
    _, table, _ = open_kits
    assert len(load_drums("open", labels="folders")) == len(table)
    assert set(load_drums("open", labels="folders").labels) > set(LABELS)


def test_an_audit_of_too_little(folder):
    with pytest.raises(ValueError, match="two hits of each class"):
        audit_facts(load_drums(folder)[[0, 8]])


def test_copies_are_found(tmp_path):
    hit = noise_hit(random_state=5)
    later = np.concatenate([np.zeros(200, np.float32), 0.3 * hit])
    write_sound(tmp_path / "a/kick/1.wav", hit, subtype="FLOAT")
    write_sound(tmp_path / "a/snare/2.wav", hit, subtype="FLOAT")
    write_sound(tmp_path / "b/kick/3.wav", later, subtype="FLOAT")
    write_sound(tmp_path / "b/tom/4.wav", noise_hit(random_state=6))
    pairs = duplicates(load_drums(tmp_path))
    assert len(pairs) == 3 and pairs["exact"].sum() == 1
    for column in ("file", "file of the other"):
        assert not pairs[column].str.endswith("4.wav").any()


def test_copies_among_few_hits_are_found(tmp_path):
    hit = noise_hit(random_state=5)
    for name, gain in enumerate((1.0, 0.5, 0.25, 0.1)):
        write_sound(tmp_path / f"a/kick/{name}.wav", gain * hit, subtype="FLOAT")
    drums = load_drums(tmp_path)
    assert [len(duplicates(drums[:n])) for n in range(5)] == [0, 0, 1, 3, 6]
    assert "4 hits of 1 kit:" in repr(drums)


# -- with scikit-learn


def loudness(drums):
    """Two numbers a hit; only of drums, which know their kits."""
    assert isinstance(drums, Drums)
    return np.array([[np.abs(x).max(), np.abs(x).mean()] for x in drums.waves])


def test_scikit_learn_indexes_drums_as_one_thing(toys):
    rows = np.array([3, 0, 5])
    some = _safe_indexing(toys, rows)
    assert toys.shape == (len(toys),)
    assert isinstance(some, Drums)
    assert list(some.kits) == list(toys.kits[rows])
    assert list(some.labels) == list(toys.labels[rows])


class KeepsKits(ClassifierMixin, BaseEstimator):
    """A cheap classifier that notes which kits it was given to learn and to judge."""

    def fit(self, drums, y):
        self.kits_ = set(drums.kits)
        self.model_ = DummyClassifier().fit(loudness(drums), y)
        self.classes_ = self.model_.classes_
        return self

    def predict(self, drums):
        assert not self.kits_ & set(drums.kits)
        return self.model_.predict(loudness(drums))


def test_cross_validation_keeps_the_kits(toys):
    scores = cross_val_score(
        KeepsKits(), toys, toys.labels, groups=toys.kits, cv=GroupKFold(4), error_score="raise"
    )
    assert len(scores) == 4 and np.isfinite(scores).all()


def test_folds_are_a_cv(toys):
    model = make_pipeline(FunctionTransformer(loudness), LogisticRegression())
    scores = cross_val_score(model, toys, toys.labels, cv=folds(toys, 4), error_score="raise")
    assert len(scores) == 4 and np.isfinite(scores).all()


@pytest.mark.parametrize("column", ["label", "kit"])
@pytest.mark.parametrize("unknown", [None, np.nan])
def test_what_has_no_label_or_no_kit_is_no_drum(column, unknown):
    """As text it would be a class of its own, called nan."""
    drums = load_drums("synth", n_kits=1, hits=1)
    table = drums.table.copy()
    table.loc[2, column] = unknown
    with pytest.raises(ValueError, match=f"the column {column} holds NaN or None"):
        Drums(drums.waves, table)


@pytest.mark.parametrize("column", ["label", "kit"])
def test_a_table_without_labels_or_kits(column):
    table = pd.DataFrame({"label": ["kick"], "kit": ["a"]})
    with pytest.raises(ValueError, match=f"has no column {column}"):
        Drums([noise_hit()], table.drop(columns=column))


def test_labels_and_kits_are_enough_for_drums():
    waves = [noise_hit(random_state=i) for i in range(3)]
    mine = Drums(waves, pd.DataFrame({"label": ["kick", "kick", "tom"], "kit": list("aab")}))
    assert mine[0].name.startswith("kick")
    assert mine[1:].labels.tolist() == ["kick", "tom"]
    assert summary(mine).loc["all kits", "total"] == 3
    assert len(mine + load_drums("synth", n_kits=1, hits=1)) == 8
    numbered = Drums(waves, pd.DataFrame({"label": [1, 1, 2], "kit": [7, 7, 8]}))
    assert numbered[2].name.startswith("2") and numbered.kits.tolist() == ["7", "7", "8"]


class TestAuditOfFacts:
    """A fact is told from the commonest class by an interval over kits, each counting the same."""

    @pytest.fixture(scope="class")
    def telling(self):
        drums = load_drums("synth", n_kits=12, hits=2)
        rates = np.where(drums.labels == "kick", 8000, 44100)
        return audit_facts(Drums(drums.waves, drums.table.assign(rate=rates)))

    def test_what_tells_is_told_apart(self, telling):
        gain = telling["by kit"] - telling["commonest class"]
        assert telling.loc["sample rate", "gain low"] > 0.1
        assert (telling["gain low"] <= gain + 1e-9).all()
        assert (gain <= telling["gain high"] + 1e-9).all()

    def test_what_does_not_tell_is_not(self, telling):
        assert telling.loc["kit", "gain low"] <= 0
        assert telling.loc["channels", ["gain low", "gain high"]].tolist() == [0, 0]

    def test_what_says_nothing_gains_nothing_where_kits_differ_in_size(self):
        """Large kits of kicks, small ones of hi-hats: what is commonest is asked kit by kit."""
        rows = [{"kit": f"large {i}", "label": "kick"} for i in range(3) for _ in range(30)]
        rows += [{"kit": f"large {i}", "label": "hihat"} for i in range(3) for _ in range(2)]
        for i in range(12):
            rows += [{"kit": f"small {i}", "label": "hihat"} for _ in range(7)]
            rows += [{"kit": f"small {i}", "label": label} for label in ("kick", "snare")]
        facts = audit_facts(
            Drums(
                [noise_hit()] * len(rows),
                pd.DataFrame(rows).assign(rate=44100, channels=1, seconds=1.0, peak=0.5),
            )
        )
        assert facts["commonest class"].iloc[0] > 0.6
        assert (facts["gain low"] <= 0).all()

    def test_each_kit_counts_the_same(self):
        """A kit of many kicks does not make kicks the easy answer."""
        kits = load_drums("synth", n_kits=6, hits=2)
        kicks = kits[(kits.labels == "kick") & (kits.kits == kits.kits[0])]
        many = sum([kicks] * 20, kits)
        share = (many.labels == "kick").mean()
        assert audit_facts(many)["commonest class"].iloc[0] < 0.4 < share


def test_one_of_a_kind_is_told_as_one(toys):
    one = Drums(toys.waves[:1], toys.table[:1], {"a.wav": "holds no sound"})
    assert repr(one).startswith("Drums(1 hit of 1 kit: ")
    assert repr(one).endswith("; 1 file left out, see .problems)")

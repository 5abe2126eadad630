"""Labels held against what is heard: who agrees, who does not, and what is not asked at all."""

import csv
import shutil

import numpy as np
import pytest
from conftest import write_sound

from drumlesson.auditing import audit
from drumlesson.datasets import SourceError
from drumlesson.drums import load_drums
from drumlesson.synth import synth_kit

KITS = (2, 3, 5)  # whose hits the model of these tests names rightly


class Ears:
    """A classifier that hears how loud a hit is, and nothing else."""

    classes_ = np.array(["kick", "snare", "tom"])
    peaks = np.array([0.3, 0.6, 0.9])

    def predict_proba(self, sounds):
        peaks = np.array([np.abs(x).max() for x in sounds])
        near = np.exp(-30 * np.abs(peaks[:, None] - self.peaks))
        return near / near.sum(axis=1, keepdims=True)

    def predict(self, sounds):
        return self.classes_[self.predict_proba(sounds).argmax(axis=1)]

    def doubts(self, sounds):
        low = self.predict_proba(sounds).max(axis=1) < 0.9
        return np.where(low, "less than 0.90 probable", "")

    def _answered(self, sounds):
        return self.predict_proba(sounds), self.predict(sounds), self.doubts(sounds)


class Asked(Ears):
    """A classifier that was asked for snares only."""

    classes_ = np.array(["rest", "snare"])
    peaks = np.array([0.3, 0.6])


HIT = synth_kit(0).hit("snare")
HIT = HIT / np.abs(HIT).max()


def hits(root, peaks):
    """Files of one hit at given peaks: {name: peak}."""
    for name, peak in peaks.items():
        write_sound(root / name, peak * HIT)
    return root


@pytest.fixture
def mine(tmp_path):
    files = {"A/kick 1.wav": 0.3, "A/kick 2.wav": 0.9, "A/snare 1.wav": 0.31, "A/tom 1.wav": 0.73}
    return hits(
        tmp_path / "mine", files | {"A/what.wav": 0.3, "B/crash.wav": 0.3, "B/tom.wav": 0.9}
    )


def names(found):
    return [finding.path.rpartition("/")[2] for finding in found.findings]


def test_the_surest_disagreement_comes_first(mine):
    found = audit(mine, Ears())
    assert names(found)[:3] == ["kick 2.wav", "snare 1.wav", "tom 1.wav"]
    assert [f.verdict for f in found.findings] == ["disagree", "disagree", "unsure"] + ["agree"] * 2
    assert found.findings[0].probability > found.findings[1].probability
    assert found.findings[2].why == "less than 0.90 probable"
    first = found.findings[0]
    assert (first.named, first.heard, first.kit) == ("kick", "tom", "A")
    assert found.problems == {} and list(found.nameless) == [str(mine / "A/what.wav")]
    line = "2 agree, 2 disagree, 1 unsure, 1 not understood, "
    assert str(found) == line + "1 of classes the model does not know (cymbal 1)"


def test_labels_of_folders_and_of_tables(mine):
    shutil.move(mine / "A", mine / "Snare")
    found = audit(mine, Ears(), labels="folders")
    assert found.counts == {"disagree": 4, "agree": 1} and found.strange == {"b": 2}
    found = audit(mine, Ears(), labels="classes")
    assert len(found.findings) == 5 and len(found.nameless) == 2
    table = mine / "mine.csv"
    table.write_text("path,label\nSnare/kick 1.wav,BD\nSnare/kick 2.wav,rim\nno.wav,kick\n")
    found = audit(table, Ears())
    assert found.counts == {"agree": 1} and len(found.problems) == 2
    assert audit(table, Ears(), labels="folders").strange == {"bd": 1, "rim": 1}


def test_to_a_question_of_one_class_all_others_are_the_rest(mine):
    found = audit(mine, Asked())
    assert not found.strange and {finding.named for finding in found.findings} == {"rest", "snare"}
    assert names(found)[0] == "kick 2.wav" and found.findings[0].heard == "snare"


def test_a_table_that_is_corrected_and_learned_from(mine, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    audit("mine", Ears()).write("audit.csv")
    with open("audit.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["label"] for row in rows] == ["unsure"] * 3 + ["kick", "tom"]
    assert rows[0]["named"] == "kick" and rows[0]["guess"] == "tom" and rows[2]["why"]
    drums = load_drums("audit.csv")
    assert list(drums.labels) == ["kick", "tom"] and list(drums.kits) == ["A", "B"]
    assert all("still unsure" in why for why in drums.problems.values())
    rows[0]["label"], rows[1]["label"] = "Rim", "Kick"
    with open("audit.csv", "w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, rows[0])
        table.writeheader()
        table.writerows(rows)
    drums = load_drums("audit.csv", labels="folders")
    assert list(drums.labels) == ["rim", "kick", "kick", "tom"]


def test_what_cannot_be_heard_is_told(mine):
    (mine / "A" / "kick 3.wav").write_text("no sound")
    found = audit(mine, Ears())
    assert list(found.problems) == [str(mine / "A/kick 3.wav")] and len(found.findings) == 5


def test_blocks_and_names_that_are_formulas(tmp_path):
    hits(tmp_path / "d", {f"=kick {i}.wav": 0.3 for i in range(70)})
    seen = []
    found = audit(
        tmp_path / "d", Ears(), progress=lambda blocks, total: seen.append(total) or blocks
    )
    assert found.counts == {"agree": 70} and seen == [2]
    found.write(tmp_path / "d" / "audit.csv")
    assert len(load_drums(tmp_path / "d" / "audit.csv")) == 70


def test_audits_that_cannot_be(mine, tmp_path):
    with pytest.raises(SourceError, match="there is no such folder"):
        audit(tmp_path / "none", Ears())
    with pytest.raises(ValueError, match="labels is one of classes, folders, names, not 'ears'"):
        audit(mine, Ears(), labels="ears")
    (mine / "t.csv").write_text("path,label\nA/kick 1.wav,kick\n")
    with pytest.raises(ValueError, match="a table has labels of its own"):
        audit(mine / "t.csv", Ears(), labels="names")


def test_the_model_that_comes_along(tmp_path):
    for number in (19, 23, 27):
        for label in ("kick", "snare", "hihat"):
            write_sound(tmp_path / f"{label} {number}.wav", synth_kit(number).hit(label))
    (tmp_path / "hihat 27.wav").rename(tmp_path / "kick 7.wav")
    found = audit(tmp_path)
    assert found.counts == {"agree": 8, "disagree": 1} and names(found)[0] == "kick 7.wav"


def test_a_file_that_sounds_like_no_drum_is_listed_whatever_its_name(mine):
    class Stranger(Ears):
        def doubts(self, sounds):
            return np.full(len(sounds), "sounds like no drum that it knows")

    found = audit(mine, Stranger())
    assert found.counts == {"unsure": len(found.findings)}
    assert any(f.named == f.heard for f in found.findings)


def test_an_empty_path_is_not_the_folder_one_is_in():
    with pytest.raises(ValueError, match="a path is empty"):
        audit("")

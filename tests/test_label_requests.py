"""What `label_files` and `LabelTable` may be asked for, and what they say to the rest."""

import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from conftest import noise_hit, write_sound

from drumlesson import labelling
from drumlesson.folders import SourceError, sound_files, sounds_of, walk_sounds
from drumlesson.labelling import LabelTable, label_files
from drumlesson.runtime import SHIPPED

BEST = Path(__file__).parent / "data" / "best.keras"


@pytest.fixture
def hits(tmp_path, monkeypatch):
    """Three short sounds in a folder; we are beside it, and at home there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for i in range(3):
        write_sound(f"hits/{i}.wav", noise_hit(0.1, random_state=i))
    return "hits"


def names(rows):
    """The names of the files of rows."""
    return [os.path.basename(row["path"]) for row in rows]


# -- paths


@pytest.mark.parametrize("as_path", [str, Path])
@pytest.mark.parametrize("paths", ["hits", "~/hits", "hits/1.wav", "~/hits/1.wav"])
def test_one_path_will_do_and_begins_at_home(hits, as_path, paths):
    found = ["1.wav"] if paths.endswith("wav") else ["0.wav", "1.wav", "2.wav"]
    assert names(label_files(as_path(paths))) == found == names(label_files([as_path(paths)]))
    assert [path.name for path in walk_sounds(as_path(paths))] == found
    assert [path.name for _, path in sounds_of(as_path(paths))] == found


def test_a_file_that_is_there_comes_before_home(hits):
    os.makedirs("~")
    shutil.copy("hits/0.wav", "~/mine.wav")
    write_sound("mine.wav", noise_hit(0.1))
    (row,) = label_files("~/mine.wav")
    assert row["path"] == "~/mine.wav"


def test_a_file_is_named_once_in_the_order_in_which_it_is_given(hits):
    rows = list(label_files(["hits/2.wav", "hits", "hits/2.wav", "hits/0.wav"]))
    assert names(rows) == ["2.wav", "0.wav", "1.wav"]


def test_what_is_left_out_is_told(hits):
    os.makedirs("empty")
    Path("hits/loop.m4a").write_bytes(b"")
    with pytest.warns(UserWarning, match=r"^empty: holds no sound file .*; left out: 1 \.m4a"):
        assert len(list(label_files(["hits", "empty"]))) == 3
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        left_out = {}
        assert len(list(label_files(["hits", "empty"], left_out=left_out))) == 3
        assert set(left_out) == {"hits/loop.m4a", "empty"}
        assert "convert it to WAV" in left_out["hits/loop.m4a"]
        assert list(label_files("hits/1.wav"))  # nothing is left out
    with pytest.raises(SourceError, match="holds no sound file"):
        sound_files("~/empty", left_out := {})
    assert [os.path.basename(path) for path in left_out] == ["empty"]


# -- models


def test_a_model_that_was_replaced_is_opened_anew(hits, tmp_path):
    shutil.copy(SHIPPED, "mine.onnx")
    before = list(label_files(hits, "mine.onnx"))
    assert list(label_files(hits, "~/mine.onnx")) == before
    shutil.copy(BEST, "mine.onnx")
    with pytest.raises(ValueError, match="mine.onnx"):
        next(label_files(hits, "mine.onnx"))
    Path("mine.onnx").write_text("garbage")
    with pytest.raises(ValueError, match="mine.onnx: is no model file"):
        next(label_files(hits, "mine.onnx"))


def test_answers_are_never_filed_under_another_model(hits):
    """A process that opens a file that has changed since the others did says so."""
    shutil.copy(SHIPPED, "mine.onnx")
    todo = labelling._Todo("hits/0.wav", "hits/0.wav", None)
    with pytest.raises(ValueError, match="mine.onnx: changed while sounds were named"):
        labelling._label_block("mine.onnx", "sha256-00000000", 1, [todo])


# -- jobs


@pytest.mark.parametrize("jobs", [0, -1])
def test_no_jobs(hits, jobs):
    with pytest.raises(ValueError, match=f"jobs is how many processes .* not {jobs}"):
        next(label_files(hits, jobs=jobs))


def test_a_script_without_a_guard_is_told_of_it(hits):
    Path("script.py").write_text(
        "from drumlesson.labelling import label_files\nlist(label_files('hits', jobs=2))\n"
    )
    for i in range(400):
        shutil.copy("hits/0.wav", f"hits/more{i}.wav")
    done = subprocess.run([sys.executable, "script.py"], capture_output=True, text=True)
    assert done.returncode == 1 and 'if __name__ == "__main__":' in done.stderr.splitlines()[-1]


# -- tables


def test_a_table_needs_no_more_than_its_name(hits):
    with LabelTable("~/labels.csv") as table:
        rows = list(label_files(hits, table=table))
    heading, *lines = Path("labels.csv").read_text().splitlines()
    assert heading.split(",") == table.columns and len(lines) == len(rows) == 3
    with LabelTable("labels.csv", top=2) as table:
        assert all(row["probability2"] for row in label_files(hits, top=2, table=table))
    with table:  # it can be gone on with
        assert len(list(label_files(hits, table=table))) == 3
    assert len(Path("labels.csv").read_text().splitlines()) == 4


def test_what_is_no_table_to_go_on_with(hits):
    with pytest.raises(TypeError, match=r"not 'labels.csv': `with LabelTable\('labels.csv'\) as"):
        next(label_files(hits, table="labels.csv"))
    with pytest.raises(ValueError, match=r"labels.csv: is not open: `with LabelTable"):
        next(label_files(hits, table=LabelTable("labels.csv")))
    assert not os.path.exists("labels.csv")
    with LabelTable("labels.csv") as table:
        with pytest.raises(ValueError, match=r"has no room for 2 labels .*top=2"):
            next(label_files(hits, table=table, top=2))
    assert len(Path("labels.csv").read_text().splitlines()) == 1
    with pytest.raises(ValueError, match="is not open"):
        next(label_files(hits, table=table))
    for top in (0, ["path", "label"]):
        with pytest.raises(ValueError, match="top is how many labels a file has"):
            LabelTable("labels.csv", top)

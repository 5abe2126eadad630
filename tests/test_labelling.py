"""Whole libraries: rows as they come, a table to go on with, workers that end."""

import csv
import dataclasses
import io
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from conftest import files_below, noise_hit, write_sound

from drumlesson import labelling
from drumlesson.answers import OUTSIDE
from drumlesson.datasets import read_csv
from drumlesson.folders import SourceError
from drumlesson.labelling import LabelTable, _columns, label_files
from drumlesson.runtime import SHIPPED, load
from drumlesson.synth import synth_kit
from drumlesson.tables import read_table

COMMAND = [sys.executable, "-m", "drumlesson.cli", "predict"]
posix = pytest.mark.skipif(os.name != "posix", reason="signals and names of POSIX")


@pytest.fixture
def hits(tmp_path, monkeypatch):
    """A folder of five synthesised hits, as a path from where we are."""
    monkeypatch.chdir(tmp_path)
    kit = synth_kit(3)
    for i, label in enumerate(("kick", "snare", "hihat", "cymbal", "tom")):
        write_sound(f"hits/{i} {label}.wav", kit.hit(label))
    return "hits"


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """A folder of 300 short hits."""
    folder = tmp_path_factory.mktemp("many")
    for i in range(300):
        write_sound(folder / f"{i:03}.wav", noise_hit(0.1, random_state=i))
    return folder


@pytest.fixture
def decoded(monkeypatch):
    """The names of the files that were decoded, as they are."""
    names = []
    decode = labelling._decode_hit

    def noted(path):
        names.append(os.path.basename(path))
        return decode(path)

    monkeypatch.setattr(labelling, "_decode_hit", noted)
    return names


def rows_of(table="labels.csv"):
    """The rows of a table, each a dictionary."""
    with open(table, newline="", encoding="utf-8", errors="surrogateescape") as file:
        return list(csv.DictReader(file))


def label(paths, table="labels.csv", top=1, **options):
    """Names files into a table; gives the rows that were handed out."""
    with LabelTable(table, top) as t:
        return list(label_files([paths], table=t, top=top, **options))


def correct(change, table="labels.csv", **form):
    """Has a person change the rows of a table, and their program save it in some form."""
    rows = rows_of(table)
    for row in rows:
        change(row)
    file = io.StringIO()
    writer = csv.DictWriter(file, list(rows[0]), delimiter=form.get("delimiter", ","))
    writer.writeheader()
    writer.writerows(rows)
    text = file.getvalue().replace("\r\n", form.get("newline", "\r\n"))
    if form.get("cut"):
        text = text.rstrip()
    with open(table, "w", newline="", encoding=form.get("encoding", "utf-8")) as out:
        out.write(text)


def nobody(row):
    """A person who changes nothing."""


# -- rows


def test_a_row_says_what_the_model_says(hits):
    model = load()
    rows = list(label_files([hits], top=2))
    paths = [row["path"] for row in rows]
    assert paths == [os.path.join(hits, name) for name in sorted(os.listdir(hits))]
    proba = model.predict_proba(paths)
    assert [row["guess"] for row in rows] == model.predict(paths).tolist()
    assert [row["label"] for row in rows] == model.predict(paths, unsure=True).tolist()
    assert [row["why"] for row in rows] == model.doubts(paths).tolist()
    outside = model.outside_proba(paths)
    assert {row["label"] for row in rows} > {OUTSIDE}  # of either kind there are some
    for row, p, none in zip(rows, proba, outside, strict=True):
        first, second = np.argsort(-p)[:2]
        answered = none if row["label"] == OUTSIDE else p[first]
        assert row["probability"] == f"{answered:.3f}"
        assert (row["label2"], row["probability2"]) == (model.classes_[second], f"{p[second]:.3f}")


@pytest.mark.parametrize("top", [0, 6])
def test_labels_that_are_not_to_be_had(hits, top):
    with pytest.raises(ValueError, match=f"top is {top}, and the model knows 5 classes"):
        next(label_files([hits], top=top))


def test_the_same_rows_for_any_number_of_jobs_and_size_of_block(many, monkeypatch):
    whole = list(label_files([many]))
    assert list(label_files([many], jobs=2)) == whole
    monkeypatch.setattr(labelling, "_BLOCK", 7)
    assert list(label_files([many])) == whole
    # A model in memory goes to the workers itself.
    few = sorted(many.iterdir())[:20]
    ours = list(label_files(few, load(), jobs=2))
    assert [row | {"model": ""} for row in ours] == [row | {"model": ""} for row in whole[:20]]


def test_what_is_of_no_use_says_why(tmp_path):
    write_sound(tmp_path / "a.wav", np.zeros(5000))
    (tmp_path / "b.wav").write_text("text")
    (tmp_path / "c").mkdir()
    paths = [tmp_path / name for name in ("a.wav", "b.wav", "none.wav")]
    rows = list(label_files(paths))
    assert [row["label"] for row in rows] == ["not a drum", "", ""]
    assert rows[2]["why"] == "there is no such file" and "cannot be read" in rows[1]["why"]
    assert not any(str(tmp_path) in row["why"] for row in rows)
    assert (
        label(paths[1], tmp_path / "t.csv")[0]["label"] == "" and rows_of(tmp_path / "t.csv") == []
    )


def test_files_that_vanish_on_the_way(hits, monkeypatch):
    found = labelling.sounds_of

    def vanishing(*args):
        for shown, path in found(*args):
            if "snare" in path.name:
                path.unlink()
            yield shown, path

    monkeypatch.setattr(labelling, "sounds_of", vanishing)
    rows = label(hits)
    assert [bool(row["label"]) for row in rows] == [True, False, True, True, True]
    assert len(rows_of()) == 4


def test_no_files(tmp_path):
    (tmp_path / "empty").mkdir()
    assert label(tmp_path / "empty", tmp_path / "t.csv") == [] == rows_of(tmp_path / "t.csv")


def test_memory_does_not_grow_with_the_number_of_files(tmp_path, monkeypatch):
    x = noise_hit(0.1)
    monkeypatch.setattr(labelling, "_decode_hit", lambda path: (x, None))

    class Quick(type(load())):
        def _answered(self, sounds):
            n = len(sounds)
            return np.full((n, 5), 0.2), np.full(n, "kick"), np.full(n, "")

    model = Quick(SHIPPED.read_bytes())
    peaks = []
    for n in (300, 300, 3000):
        names = ((f"nowhere/{i}.wav", Path("nowhere.wav")) for i in range(n))
        monkeypatch.setattr(labelling, "sounds_of", lambda *_, names=names: names)
        tracemalloc.start()
        with LabelTable(tmp_path / f"{n}.csv") as table:
            assert sum(1 for _ in label_files([], model, table=table)) == n
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[2] < peaks[1] + 1_000_000


# -- a table that is gone on with


def test_unchanged_files_are_not_done_twice(hits, decoded):
    first = label(hits)
    assert len(decoded) == 5
    before = open("labels.csv", "rb").read()
    assert label(hits) == first and len(decoded) == 5
    assert open("labels.csv", "rb").read() == before
    os.utime(f"{hits}/0 kick.wav", (1, 1))  # another time, the same content
    label(hits)
    assert len(decoded) == 5 and rows_of()[0]["modified"] == "1.000"
    shutil.copy(f"{hits}/1 snare.wav", f"{hits}/0 kick.wav")
    label(hits)
    assert decoded[5:] == ["0 kick.wav"] and rows_of()[0]["label"] == rows_of()[1]["label"]


def test_what_is_no_drum_is_not_done_twice_either(tmp_path, decoded):
    write_sound(tmp_path / "a" / "silent.wav", np.zeros(5000))
    for _ in range(2):
        assert label(tmp_path / "a", tmp_path / "t.csv", top=2)[0]["label"] == "not a drum"
    assert len(decoded) == 1


def test_more_labels_than_before(hits, decoded):
    label(hits)
    label(hits, top=3)
    assert len(decoded) == 10 and list(rows_of()[0]) == _columns(3)
    wide = rows_of()
    label(hits, top=1)
    assert len(decoded) == 10
    assert rows_of() == wide  # what is known stays


def test_another_model_answers_anew_and_leaves_nothing_of_the_first(hits, decoded, tmp_path):
    label(hits, top=2)
    other = tmp_path / "other.onnx"
    other.write_bytes(SHIPPED.read_bytes())
    label(hits, model=other)
    assert len(decoded) == 5  # it is the same file under another name
    with LabelTable("labels.csv") as table:
        list(label_files([hits], load(), table=table))
    assert len(decoded) == 10
    assert all(row["model"] == "in memory" and row["label2"] == "" for row in rows_of())


def test_rows_that_are_added_later_stand_in_order(hits):
    label(f"{hits}/3 cymbal.wav")
    label(f"{hits}/1 snare.wav")
    assert [row["path"][5] for row in rows_of()] == ["1", "3"]
    rows = label(hits)
    assert [row["path"] for row in rows_of()] == [row["path"] for row in rows]


def test_paths_are_known_wherever_the_command_is_called(hits, decoded, monkeypatch, tmp_path):
    monkeypatch.chdir(hits)
    label(".")
    monkeypatch.chdir(tmp_path)
    rows = label(hits, f"{hits}/labels.csv")
    assert len(decoded) == 5 == len(rows) and rows[0]["path"] == "hits/0 kick.wav"
    assert [row["path"][0] for row in rows_of(f"{hits}/labels.csv")] == list("01234")


@posix
def test_names_that_are_more_than_names(tmp_path, monkeypatch, decoded):
    names = ["=cmd.wav", "a,b;c.wav", 'say "hi".wav', "a\nb.wav", "'=x.wav", "ünï.wav"]
    names.append(os.fsdecode(b"caf\xe9.wav"))
    for name in names:
        write_sound(tmp_path / "in" / "plain.wav").rename(tmp_path / "in" / name)
    (tmp_path / "in" / "hits").mkdir()
    monkeypatch.chdir(tmp_path / "in")
    for _ in range(2):
        rows = label(".", "../t.csv")
        assert sorted(row["path"] for row in rows) == sorted(names)
    assert len(decoded) == len(names) == len(rows_of("../t.csv"))
    assert "'=cmd.wav" in {row["path"] for row in rows_of("../t.csv")}


# -- what a person writes


def set_label(number, label):
    """A person who gives the file of this number a label."""

    def change(row):
        if row["path"].split("/")[-1].startswith(str(number)):
            row["label"] = label

    return change


@pytest.mark.parametrize("word", ["cowbell", "unsure", "not a drum", "ein Name, mit Komma"])
def test_a_label_by_hand_stays(hits, word, tmp_path):
    label(hits)
    correct(set_label(0, word))
    for model in (None, load()):
        row = label(hits, model=model)[0]
        assert (row["label"], row["why"]) == (word, "by hand")
        assert rows_of()[0] == row
    assert [row["why"] for row in rows_of()].count("by hand") == 1
    # The file changes, and then it has another name.
    write_sound(f"{hits}/0 kick.wav", noise_hit())
    assert label(hits)[0]["label"] == word
    os.rename(f"{hits}/0 kick.wav", f"{hits}/9 moved.wav")
    rows = label(hits)
    assert (rows[-1]["path"], rows[-1]["label"]) == ("hits/9 moved.wav", word)


def test_an_emptied_label_is_given_back_to_the_model(hits):
    first = label(hits)[0]
    correct(set_label(0, "cowbell"))
    shutil.copy(f"{hits}/0 kick.wav", f"{hits}/8 twin.wav")
    assert [row["label"] for row in label(hits)].count("cowbell") == 2
    correct(set_label(0, " "))
    assert label(hits)[0] == first == rows_of()[0]
    assert label(hits)[-1]["label"] == "cowbell"


def test_a_person_may_change_their_mind(hits):
    label(hits)
    for word in ("cowbell", "clap"):
        correct(set_label(2, word))
        assert label(hits)[2]["label"] == word == rows_of()[2]["label"]


EXCEL = [
    {"delimiter": ";", "encoding": "utf-8-sig"},
    {"delimiter": "\t", "encoding": "utf-16"},
    {"delimiter": ";", "encoding": "cp1252"},
    {"newline": "\n"},
    {"cut": True},
]


@pytest.mark.parametrize("form", EXCEL, ids=["semicolon", "utf-16", "cp1252", "lf", "no end"])
def test_whatever_saved_the_table(hits, form, decoded):
    os.rename(f"{hits}/4 tom.wav", f"{hits}/4 törn.wav")
    label(hits)

    def change(row):
        set_label(4, "Fußtrommel")(row)
        row["modified"] = row["modified"].split(".")[0]  # numbers are shortened
        row["probability"] = str(float(row["probability"]))

    correct(change, **form)
    rows = label(hits)
    assert len(decoded) == 5 == len(rows_of())
    assert rows[4]["label"] == "Fußtrommel" == rows_of()[4]["label"]
    assert rows_of()[4]["path"] == "hits/4 törn.wav"


def test_columns_and_notes_of_ones_own_stay(hits):
    label(hits)
    lines = open("labels.csv", encoding="utf-8", newline="").read().split("\r\n")
    lines[0] += ",taken,"
    lines[1] += ",yes,loud"
    open("labels.csv", "w", encoding="utf-8", newline="").write("\r\n".join(lines).rstrip())
    write_sound(f"{hits}/5.wav")
    for model in (None, load()):
        label(hits, model=model)
        first, *others = rows_of()
        assert (first["taken"], first["note"]) == ("yes", "loud") and list(first)[-1] == "model"
        assert len(others) == 5 and not any(row["taken"] for row in others)


def test_a_table_of_ones_own(hits):
    """Its paths begin where it lies."""
    with open(f"{hits}/mine.csv", "w", encoding="utf-8") as file:
        file.write("Path,Label\n0 kick.wav,cowbell\n1 snare.wav,\ngone.wav,kick")
    rows = label(hits, f"{hits}/mine.csv")
    assert rows[0]["label"] == "cowbell" and rows[1]["label"] and rows[1]["why"] != "by hand"
    paths = [row["path"] for row in rows_of(f"{hits}/mine.csv")]
    assert paths[:2] == ["0 kick.wav", "1 snare.wav"] and paths[-1] == "gone.wav"
    assert rows_of(f"{hits}/mine.csv")[-1]["label"] == "kick"


@pytest.mark.parametrize("columns", ["path,label,probability", "path,label,probability,guess,why"])
def test_a_table_of_an_older_form(hits, columns):
    """What was written by hand counts, and what the model said does not."""
    answers = list(label_files([hits]))
    with open("labels.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns.split(","), extrasaction="ignore")
        writer.writeheader()
        writer.writerow(answers[0] | {"label": "cowbell"})
        writer.writerow(answers[1])
    rows = label(hits)
    assert (rows[0]["label"], rows[0]["why"]) == ("cowbell", "by hand")
    assert [row["label"] for row in rows[1:]] == [row["label"] for row in answers[1:]]
    assert "by hand" not in {row["why"] for row in rows[1:]}


# -- errors of the system


def test_two_processes_do_not_write_to_one_table(hits):
    with LabelTable("labels.csv"):
        with pytest.raises(SourceError, match="another process is writing to it"):
            label(hits)
        label(hits, "other.csv")
    label(hits)


def test_what_is_no_table(hits):
    open("labels.csv", "w").write("dear diary")
    with pytest.raises(SourceError, match="labels.csv: lacks the columns path and label"):
        label(hits)
    assert open("labels.csv").read() == "dear diary"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no such device")
def test_a_full_disk_is_named(hits, monkeypatch):
    label(f"{hits}/0 kick.wav")
    monkeypatch.setattr(labelling, "_open_table", lambda path, mode: open("/dev/full", "w"))
    monkeypatch.setattr(LabelTable, "_write", lambda self: None)
    with pytest.raises(OSError, match=r"labels.csv: cannot be written \(No space left on device\)"):
        label(hits)
    assert len(rows_of()) == 1


def test_a_row_that_was_cut_off_is_done_again(hits):
    label(hits)
    whole = open("labels.csv", "rb").read()
    for n in (1, 2, 9, 40, 70, 100, 120):
        open("labels.csv", "wb").write(whole[:-n])
        label(hits)
        assert open("labels.csv", "rb").read() == whole


# -- processes


def processes_of(pid):
    """The processes that one has started."""
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(child) for child in file.read().split()]


def is_alive(pid):
    """Whether a process runs, and is no zombie."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def wait_until(condition, seconds=20):
    """Waits until something is so."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    assert condition()


def n_lines(path):
    """How many lines a file has, which need not be there."""
    return path.read_bytes().count(b"\n") if path.exists() else 0


def test_rows_of_no_file_are_counted(hits):
    with LabelTable("t.csv") as table:
        list(label_files([hits], table=table))
        assert table.n_unmet == 0  # none was there before
    first, *_ = sorted(os.listdir(hits))
    for read_only in (True, False):
        with LabelTable("t.csv", read_only=read_only) as table:
            for _ in range(2):
                list(label_files([f"{hits}/{first}"], table=table))
            assert table.n_unmet == 4


@pytest.fixture
def started(many, tmp_path):
    """Begins to name 300 files with two workers, and gives the process once rows are there."""
    begun = []

    def start(**options):
        command = [*COMMAND, many, "--jobs", "2", "--csv", tmp_path / "t.csv"]
        streams = dict(stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        process = subprocess.Popen(command, start_new_session=True, **streams | options)
        begun.append(process)
        wait_until(lambda: n_lines(tmp_path / "t.csv") > 1)
        return process

    yield start
    for process in begun:
        process.kill()
        process.communicate()


linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")


@linux
def test_an_interrupt_ends_all_and_says_how_to_go_on(started, many, tmp_path):
    process = started(stdout=subprocess.DEVNULL)
    workers = processes_of(process.pid)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    _, err = process.communicate(timeout=20)
    if process.returncode == 0:
        pytest.skip("it was done before")
    assert process.returncode == 130 and len(err.splitlines()) == 1
    assert "t.csv keeps what was done: the same command goes on from there" in err
    wait_until(lambda: not any(map(is_alive, workers)))
    list(label_files([many], table=None))


@linux
def test_a_worker_that_is_killed(started, tmp_path):
    process = started(stdout=subprocess.DEVNULL)
    for worker in processes_of(process.pid):
        with open(f"/proc/{worker}/cmdline") as file:
            if "spawn_main" in file.read():
                os.kill(worker, signal.SIGKILL)
    _, err = process.communicate(timeout=20)
    if process.returncode == 0:
        pytest.skip("it was done before")
    assert process.returncode == 2 and len(err.splitlines()) == 1
    assert re.search(r"a process was ended from outside as it named sounds, near .*\.wav", err)
    assert all(row["model"] for row in rows_of(tmp_path / "t.csv"))


@linux
def test_killed_at_any_moment_and_gone_on_with_it_is_the_same_table(many, tmp_path):
    label(many, tmp_path / "whole.csv")
    whole = (tmp_path / "whole.csv").read_bytes()
    rng = random.Random(14)
    command = [*COMMAND, many, "--jobs", "2", "--csv", tmp_path / "t.csv"]
    for _ in range(3):
        n = rng.randrange(1, 250)
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        wait_until(lambda n=n: n_lines(tmp_path / "t.csv") > n)
        workers = processes_of(process.pid)
        process.kill()
        process.wait()
        wait_until(lambda workers=workers: not any(map(is_alive, workers)))
        label(many, tmp_path / "t.csv")
        assert (tmp_path / "t.csv").read_bytes() == whole
        (tmp_path / "t.csv").unlink()
    assert [name for name in files_below(tmp_path) if name.startswith("t")] == []


@posix
def test_a_reader_that_has_seen_enough(many):
    command = [*COMMAND, many, "--jobs", "1"]
    streams = dict(stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with subprocess.Popen(command, **streams) as process:
        assert "000.wav" in process.stdout.readline()
        assert process.poll() is None  # a row comes before the end
        process.stdout.close()
        assert process.stderr.read() == "" and process.wait() == 0


@posix
def test_a_person_sees_a_bar_over_the_whole(many):
    import fcntl
    import pty
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    process = subprocess.Popen([*COMMAND, many], stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = b""
    try:
        while chunk := os.read(ours, 65536):
            shown += chunk
    except OSError:  # how a terminal ends
        pass
    os.close(ours)
    assert process.wait() == 0
    assert re.search(rb"/300 \[\d\d:\d\d<\d\d:\d\d, +[\d.]+ files/s\]", shown)
    assert shown.count(b".wav") == 300


HEAVY = "tensorflow keras librosa numba pandas sklearn matplotlib scipy.signal requests".split()
LIGHT = [
    "from drumlesson.cli import main; assert main(['predict', *sys.argv[1:], '--csv', '-']) == 0",
    "import drumlesson; drumlesson.load().predict(sys.argv[1:], unsure=True)",
]


@pytest.mark.parametrize("code", LIGHT, ids=["command", "module"])
def test_nothing_heavy_is_imported(hits, code):
    code = f"import sys; {code}; print([m for m in {HEAVY} if m in sys.modules], file=sys.stderr)"
    files = [os.path.join(hits, name) for name in os.listdir(hits)]
    done = subprocess.run([sys.executable, "-c", code, *files], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "[]\n")


def test_workers_of_a_dask_scheduler(many, tmp_path, capsys):
    distributed = pytest.importorskip("dask.distributed", reason="dask.distributed is not there")
    from drumlesson.cli import main

    few = [str(path) for path in sorted(many.iterdir())[:40]]
    cluster = distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
    with cluster:
        address = cluster.scheduler_address
        assert main(["predict", *few, "--json", "-", "--dask", address]) == 0
    lines = capsys.readouterr().out.splitlines()
    rows = list(label_files(few))
    assert [json.loads(line)["label"] for line in lines] == [row["label"] for row in rows]
    assert all(isinstance(json.loads(line)["size"], int) for line in lines)


# -- what is no drum that the model knows


class Deaf(type(load())):
    """The model that comes along, which is sure that it hears none of its drums."""

    def _outside_proba_of(self, said):
        return np.full(len(said), 0.9)


def deaf(threshold=0.5):
    model = Deaf(SHIPPED.read_bytes())
    model.calibration_ = dataclasses.replace(model.calibration_, outside=threshold)
    return model


def test_what_is_no_drum_that_it_knows_is_called_so_and_is_still_open(hits):
    rows = label(hits, model=deaf())
    named = [row for row in rows if row["why"] == "sounds like no drum that it knows"]
    assert len(named) > 2 and all(row["label"] == OUTSIDE and row["guess"] for row in named)
    assert {row["probability"] for row in named} == {"0.900"}
    assert {row["label"] for row in rows} <= {OUTSIDE, "unsure"}
    again = label(hits, model=load())  # nobody corrected anything: another model is asked
    assert [row["label"] for row in again] == load().predict(
        [row["path"] for row in rows], unsure=True
    ).tolist()
    label(hits, "other.csv", model=deaf())
    for labels in ("classes", "folders"):
        with pytest.raises(SourceError, match="is still not a drum I know: write in"):
            read_csv("other.csv", labels=labels)


def test_a_person_who_hears_one_has_the_last_word(hits):
    label(hits, model=deaf())

    def clap(row):
        if row["label"] == OUTSIDE:
            row["label"] = "clap"

    correct(clap)
    assert "clap" in {row["label"] for row in label(hits, model=load())}


def test_a_model_that_never_says_so_answers_all_else_alike(hits):
    never = [row["label"] for row in label(hits, "a.csv", model=deaf(1.0))]
    said = [row["label"] for row in label(hits, "b.csv")]
    assert OUTSIDE in said and OUTSIDE not in never
    assert [one for one, other in zip(never, said, strict=True) if other != OUTSIDE] == [
        label for label in said if label != OUTSIDE
    ]


# -- tables that were written by hand


def test_a_name_that_begins_with_a_space_keeps_its_label(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, drum in ((" a.wav", "kick"), ("a.wav", "snare")):
        write_sound(name, synth_kit(3).hit(drum))
    label(".", "t.csv")
    text = Path("t.csv").read_text().replace("' a.wav,kick", "' a.wav,tom")
    Path("t.csv").write_text(text)
    rows = label(".", "t.csv")
    assert [row["label"] for row in rows if row["path"] == " a.wav"] == ["tom"]
    assert len(rows) == len(rows_of("t.csv")) == 2


@pytest.mark.parametrize("marks", ['"tom', '"'])
def test_a_quotation_mark_too_many_changes_no_label(hits, marks):
    label(hits, "labels.csv")
    path = Path("labels.csv")
    lines = path.read_text().splitlines(keepends=True)
    lines[2] = lines[2].replace(",snare,", f",{marks},")
    path.write_text("".join(lines))
    with pytest.raises(SourceError, match=r"labels\.csv: is no table in CSV form"):
        label(hits, "labels.csv")
    assert path.read_text() == "".join(lines)


@pytest.mark.parametrize("column", [0, 1, 2, 4])
def test_two_quotation_marks_too_many_change_no_label(hits, column):
    label(hits, "labels.csv")
    path = Path("labels.csv")
    rows = [line.split(",") for line in path.read_text().splitlines()]
    rows[2][column] = '"' + rows[2][column]
    rows[4][column] += '"'
    text = "".join(",".join(row) + "\n" for row in rows)
    path.write_text(text)
    with pytest.raises(SourceError, match="goes over several lines"):
        label(hits, "labels.csv")
    assert path.read_text() == text


def test_other_tables_with_a_quotation_mark_too_many(tmp_path):
    path = tmp_path / "notes.csv"
    path.write_text('time,label\n0.1,"kick\n0.2,snare"\n')
    with pytest.raises(SourceError, match="the row of '0.1', the label goes over several lines"):
        list(read_table(path, needs=("time", "label")))


def test_quotation_marks_and_line_breaks_that_are_meant(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('path,label,note\n"a\n1.wav" , "kick",two\n"b.wav",snare,"two\nlines"\n')
    first, second = read_table(path)
    assert first["path"].strip() == "a\n1.wav" and first["label"] == "kick"
    assert second == {"path": "b.wav", "label": "snare", "note": "two\nlines"}


def test_what_is_asked_wrongly_is_told_at_once():
    """Not when the first row is wanted, maybe far from the call."""
    with pytest.raises(ValueError, match="top"):
        label_files("x", top=0)
    with pytest.raises(ValueError, match="a path is empty"):
        label_files("")
    with pytest.raises(TypeError, match="a path is a str or a Path"):
        label_files(b"kick.wav")
    with pytest.raises(ValueError, match="there is no such model file"):
        label_files("x", "none.onnx")


@pytest.mark.parametrize(
    "paths, error, told",
    [
        ("", ValueError, "a path is empty"),
        (["a.wav", ""], ValueError, "a path is empty"),
        (b"kick.wav", TypeError, "a path is a str or a Path, not b'kick.wav'"),
        ([3], TypeError, "a path is a str or a Path, not 3"),
    ],
)
def test_what_is_no_path(tmp_path, monkeypatch, paths, error, told):
    """An empty one would be the folder where one happens to be."""
    monkeypatch.chdir(tmp_path)
    write_sound(tmp_path / "kick.wav", noise_hit())
    with pytest.raises(error, match=told):
        list(label_files(paths, left_out={}))


@pytest.mark.skipif(os.name != "posix", reason="kills a process")
def test_a_pool_that_breaks_leaves_alone_what_was_done_here(monkeypatch):
    """Python would fail at telling futures that were cancelled, in a thread of its own, aloud."""
    failed = []
    monkeypatch.setattr(threading, "excepthook", failed.append)
    with labelling._Processes(1) as pool:
        turns = [labelling._Turn([], [None], pool.submit(time.sleep, 60)) for _ in range(8)]
        wait_until(turns[0].future.running)
        begun, waiting = turns[:3], turns[3:]  # some lie ready for the process
        labelling._lend_a_hand(lambda todo: ["done here"], [begun[0], *waiting])
        lent = [turn for turn in turns if turn.future.done()]
        for process in list(pool._processes.values()):
            os.kill(process.pid, signal.SIGKILL)
        with pytest.raises(OSError, match="a process was ended from outside"):
            turns[0].todo = [labelling._Todo(*[None] * len(labelling._Todo._fields))]
            turns[0].rows()
    assert len(lent) >= 3 and failed == []

"""The command line: what it prints, what it writes, how it ends."""

import csv
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import zipfile
from collections import Counter

import mido
import numpy as np
import pandas as pd
import pytest
from conftest import files_below, noise_hit, write_sound

import drumlesson
from drumlesson import datasets, grooves
from drumlesson.answers import OUTSIDE, UNSURE
from drumlesson.cli import app, main
from drumlesson.drums import load_drums
from drumlesson.labels import LABELS
from drumlesson.midi import Groove, read_midi, read_notes
from drumlesson.synth import synth_kit
from drumlesson.transcribing import transcribe

COMMANDS = ["kits", "train", "export", "evaluate", "predict", "sort", "undo", "transcribe", "slice"]
COMMANDS += ["audit", "listen", "evidence", "doctor"]
FEW = ["--data", "synth", "--kits", "4", "--hits", "1"]  # quick to synthesise

pytestmark = pytest.mark.usefixtures("cache")


@pytest.fixture
def run(capsys, monkeypatch):
    """Runs a command in this process; gives exit status, output and error stream.

    It sees to it that no traceback is in them.
    """
    # What runs the notebooks' tests: in it progress bars show, and help is no plain text.
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)

    def run(*args):
        status = main([str(a) for a in args])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return status, out, err

    return run


@pytest.fixture
def table(folder):
    """The same drums as a CSV beside the folder's kits."""
    path = folder / "drums.csv"
    rows = ["path,label,kit\n"]
    for name in files_below(folder):
        kit, label, _ = name.split("/")
        rows.append(f"{name},{label},{kit}\n")
    path.write_text("".join(rows), encoding="utf-8")
    return path


def words_of(value):
    """The words of a command as the name of its test."""
    return " ".join(value) if isinstance(value, list) else ""


def rows_of(path):
    """The rows of a table of labels, each a dictionary."""
    with open(path, newline="", encoding="utf-8") as f:
        return list(csv.DictReader(f))


# -- help


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_an_example(run, command):
    status, out, _ = run(command, "--help")
    assert status == 0
    assert re.search(rf"example:\n  drumlesson {command}\b", out)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_example_of_the_help_is_no_usage_error(run, command):
    """It is taken word for word."""
    _, out, _ = run(command, "--help")
    example = re.search(r"example:\n  drumlesson (.+)", out).group(1)
    function, *_ = app.parse_args(example, exit_on_error=False, print_error=False)
    assert function.__name__ == f"_{command}"


def test_help_and_version(run):
    status, out, _ = run("--help")
    assert status == 0
    for command in COMMANDS:
        assert re.search(rf"^\W+{command} +\w", out, re.M)
    assert run("--version") == (0, f"drumlesson {drumlesson.__version__}\n", "")


@pytest.mark.parametrize(
    "args, message",
    [
        ([], "required: command"),
        (["nosuch"], "invalid choice: 'nosuch'"),
        (["train"], "--out"),
        (
            ["train", "a b.csv", "--out", "x.keras"],
            "train does not take 'a b.csv': `",
        ),
        (
            ["train", "--out", "x.keras", "--window", "long"],
            'for --window: unable to convert "long" into float',
        ),
        (["train", "--out", "x.keras", "--epochs", "1.5"], "--epochs"),
        (["evidence", "--jobs", "0"], "--jobs"),
        (["evidence", "--seeds"], "--seeds"),
        (["evidence", "--seeds", "1", "2.5"], "--seeds"),
        (["evidence", "nosuch"], "no study is called nosuch"),
        (["predict", "x.keras"], "PATH"),
        (["sort", "drums"], "--into"),
        (["sort", "--into", "x"], "DIR"),
        (["sort", "x.keras", "--into", "x"], "name a sound PATH after it"),
        (["sort", "drums", "--into", "x", "--how", "burn"], "--how"),
        (["sort", "drums", "--into", "x", "--yes", "--dry-run"], "leave one of them out"),
        (["undo"], "DIR"),
        (["undo", "nosuch"], "nosuch: there is no such folder or undo file"),
        (["transcribe"], "PATH"),
        (["transcribe", "x.wav", "--tempo", "96"], "say how --midi is written"),
        (["transcribe", "x.wav", "--split"], "say how --midi is written"),
        (["transcribe", "x.wav", "--midi", "x.mid", "--tempo", "fast"], "--tempo"),
        (["transcribe", "x.wav", "--midi", "x.mid", "--tempo", "-1"], "--tempo"),
        (["transcribe", "x.wav", "--midi", "x.mid", "--tempo", "1"], "a tempo of 4 to 1000"),
        (["transcribe", "x.wav", "--midi", "x.mid", "--bars", "four"], "bars are written like 4/4"),
        (["transcribe", "x.wav", "--midi", "x.mid", "--notes", "kick=200"], "from 0 to 127"),
        (["transcribe", "x.wav", "--midi", "x.mid", "--notes", "kick=36,snare"], "snare is to be"),
        (["transcribe", "x.wav", "--midi", "x.mid", "--notes", "gong=36"], "not 'gong'"),
        (["transcribe", "x.wav", "--midi", "x.mid", "--notes", "none.csv"], "none.csv: "),
        (["transcribe", "x.wav", "--midi", "x.wav"], "the name of a MIDI file ends in .mid"),
        (["transcribe", "x.wav", "--csv", "x.mid"], "is named like a MIDI file"),
        (["transcribe", "x.wav", "--csv", "x.onnx"], "is named like a model"),
        (["transcribe", "x.wav", "--midi", "-", "--csv", "-"], "only one of them"),
        (["transcribe", "x.wav", "y.wav", "--csv", "-"], "for one recording"),
        (["transcribe", "x.wav", "y.wav", "--midi", "x.mid"], "should be a folder"),
        (["transcribe", "x.wav", "a/x.flac", "--midi", "m"], "the name of x.wav's"),
        (["transcribe", "x.onnx", "settings.ini"], "x.onnx: there is no such model file"),
        (
            ["transcribe", "x.wav", "--midi", "x.mid", "--notes", "kick=36,kick=35"],
            "kick has two notes, 36 and 35",
        ),
        (["transcribe", "/"], "is a folder: name the recordings in it"),
        (["slice", "x.wav"], "--into"),
        (["slice", "--into", "hits"], "PATH"),
        (["slice", "x.wav", "--into", ""], "the name is empty"),
        (["slice", "/", "--into", "hits"], "is a folder: name the recordings in it"),
        (["audit"], "DIR"),
        (["audit", "x", "--labels", "ears"], "--labels"),
        (["train", "--out", "x.keras", "--labels", "my own"], "--labels"),
        (["kits", "--nosuch"], "--nosuch"),
        (["kits", "--licence", "weak"], "--licence"),
        (["kits", "--export"], "--export"),
        (["kits", "--export", ""], "this name is empty"),
    ],
    ids=words_of,
)
def test_usage_errors(run, args, message):
    status, out, err = run(*args)
    assert status == 2 and message in err and out == ""
    assert err.startswith("drumlesson: ") and len(err.splitlines()) == 1


def test_options_take_several_values():
    """And words before them are studies."""
    _, given, _ = app.parse_args("evidence chance --seeds 1 2 3 --quick")
    assert given.args == ("chance",)
    assert given.kwargs == {"seeds": [1, 2, 3], "quick": True}


def test_the_module_is_light():
    """Help and usage errors need none of what is slow to load."""
    code = "import sys, drumlesson.cli; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"tensorflow", "keras", "pandas", "librosa"} & set(done.stdout.split())


# -- train


@pytest.fixture
def no_training(monkeypatch):
    """Mistakes in the command must show before the work begins."""

    def fit(*_, **__):
        raise AssertionError("training began in spite of the mistake")

    monkeypatch.setattr("keras.Model.fit", fit)


@pytest.mark.usefixtures("no_training")
@pytest.mark.parametrize(
    "args, message",
    [
        (["--window", "-1"], "above zero"),
        (["--window", "0"], "above zero"),
        (["--window", "nan"], "window"),
        (["--window", "inf"], "window"),
        (["--window", "1e9"], "window"),
        (["--window", "1e-9"], "window"),
        (["--kits", "0"], "--kits"),
        (["--kits", "-3"], "--kits"),
        (["--hits", "0"], "--hits"),
        (["--epochs", "0"], "epochs"),
        (["--epochs", "-1"], "epochs"),
        (["--seed", "-1"], "seed"),
        (["--seed", "99999999999"], "seed"),
        (["--family", "nosuch"], "no family is called 'nosuch': choose from"),
        (["--task", "nosuch"], "no task is called 'nosuch': choose from"),
        (["--feature", "nosuch"], "no feature is called 'nosuch': choose from logmel, mfcc, stft"),
        (["--family", "nosuch:thing"], "cannot load the family 'nosuch:thing'"),
        (["--family", "math:pi"], "no family"),
        (
            ["--family", "json:dumps"],
            "--family json:dumps: 'dumps' cannot be built on features of shape",
        ),
        (
            ["--family", "builtins:id"],
            "--family builtins:id: the family's body must give one vector a hit",
        ),
        (
            ["--family", "keras.layers:Flatten"],
            "--family keras.layers:Flatten: a model file has no name for such an object: "
            "write a function",
        ),
        (["--feature", "json:dumps"], "--feature json:dumps: is no feature"),
        (
            ["--feature", "numpy:asarray"],
            "--feature numpy:asarray: is no feature: "
            "it must make numbers of shape (hits, frames, bins)",
        ),
        (["--augment", "json:dumps"], "no augmentation"),
        (["--task", "json:dumps"], "no task"),
        (["--data", "nowhere"], "nowhere: there is no such folder"),
        (["--data", "nowhere.csv"], "nowhere.csv: there is no such file"),
        (["--data", "~nosuchuser/drums"], "no such folder"),
        (["--data", "open"], "drumlesson kits"),
        (["--out", "drums.h5"], "ends in .keras"),
        (["--out", "drums"], "ends in .keras"),
        (["--out", "/dev/null/drums.keras"], "/dev/null"),
        (["--out", "a_file/drums.keras"], "a_file"),
        (["--out", "a_folder.keras"], "a_folder.keras"),
    ],
    ids=words_of,
)
def test_mistakes_are_named_before_training(run, tmp_path, monkeypatch, args, message):
    (tmp_path / "here" / "a_folder.keras").mkdir(parents=True)
    (tmp_path / "here" / "a_file").touch()
    monkeypatch.chdir(tmp_path / "here")
    status, _, err = run("train", *FEW, "--out", "x.keras", *args)
    assert status == 2 and message in err
    assert err.startswith("drumlesson: ") and len(err.splitlines()) == 1
    assert files_below(tmp_path / "here") == ["a_file"]


RESHAPING = """
def flat(x):
    from drumlesson.backend import keras
    return keras.layers.Reshape((3,))(x)
"""
OWN = {
    "no python": ("def flat(x) return x", "SyntaxError"),
    "a name that is missing": ("flat = nothing", "NameError"),
    "a script that ends itself": ("import sys; sys.exit('bye')", "SystemExit: bye"),
    "a shape that does not fit": (RESHAPING, "'flat' cannot be built"),
}


@pytest.mark.usefixtures("no_training")
@pytest.mark.parametrize("text, message", OWN.values(), ids=OWN)
@pytest.mark.parametrize("option", ["--family", "--feature"])
def test_a_mistake_in_a_file_of_ones_own(run, tmp_path, monkeypatch, option, text, message):
    """Named in one line with the option that brought it in, before anything is loaded."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "own", raising=False)
    (tmp_path / "own.py").write_text(text)
    status, out, err = run("train", *FEW, "--out", "x.keras", option, "own:flat")
    monkeypatch.delitem(sys.modules, "own", raising=False)
    assert (status, out, len(err.splitlines())) == (2, "", 1)
    assert err.startswith(f"drumlesson: {option} own:flat: ") and "\x1b" not in err
    assert message in err or (option == "--feature" and "is no feature" in err)
    assert not (tmp_path / "x.keras").exists()


SCORES = [
    "n",
    "accuracy",
    "balanced_accuracy",
    "macro_f1",
    "labels",
    "confusion",
    "per_class",
    "per_kit",
]


def test_train_evaluate_predict_on_synthesised_drums(run, tmp_path):
    model = tmp_path / "new" / "drums.keras"
    short = ["--epochs", 3, "--window", 0.05]
    status, out, err = run("train", *FEW, *short, "--seed", 4, "--out", model)
    assert (status, err) == (0, "")
    assert "Drums(20 hits of 4 kits" in out and str(model) in out
    assert files_below(model.parent) == ["drums.keras"]
    scores = tmp_path / "scores" / "synth.json"
    status, out, err = run("evaluate", model, *FEW, "--json", scores)
    assert (status, err) == (0, "")
    assert "(mean over kits; 95 % interval " in out and all(label in out for label in LABELS)
    report = json.loads(scores.read_text())
    assert list(report) == SCORES
    assert report["n"] == 20 and report["labels"] == list(LABELS) and len(report["per_kit"]) == 4
    assert files_below(tmp_path / "scores") == ["synth.json"]


def test_train_and_evaluate_on_your_own(run, tmp_path, folder, table):
    model = tmp_path / "own.keras"
    options = ["--epochs", 2, "--window", 0.05, "--feature", "mfcc"]
    status, out, err = run("train", "--data", table, *options, "--out", model)
    assert (status, err) == (0, "") and "Drums(24 hits of 2 kits" in out
    for data in (table, folder):
        status, out, err = run("evaluate", model, "--data", data)
        assert status == 0 and "garage" in out
        assert "beware: 2 of these kits have names the model was trained with" in err


def test_one_kit_is_said_to_be_little(run, tmp_path):
    for label in ("kick", "snare"):
        for i in range(4):
            write_sound(tmp_path / "mine" / label / f"{i}.wav", noise_hit(random_state=i))
    options = ["--data", tmp_path / "mine", "--epochs", 1]
    status, out, _ = run("train", *options, "--out", tmp_path / "mine.keras")
    assert status == 0 and "only one kit" in out


def test_what_could_not_be_used_is_listed_and_the_rest_trained_on(run, tmp_path, folder):
    broken = folder / "garage" / "kick" / "broken.wav"
    broken.write_text("no sound")
    write_sound(folder / "garage" / "cowbell" / "x.wav")
    options = ["--data", folder, "--epochs", 1, "--window", 0.05]
    status, _, err = run("train", *options, "--out", tmp_path / "m.keras")
    assert status == 1 and (tmp_path / "m.keras").is_file()
    assert len(err.splitlines()) == 2 and "broken.wav: cannot be read" in err and "cowbell" in err
    assert str(broken) in err and err.count("broken.wav") == 1


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda d: d.mkdir(), "holds no sound file"),
        (lambda d: write_sound(d / "kick" / "a.wav"), "at least two classes"),
        (lambda d: write_sound(d / "cowbell" / "a.wav"), "none of 1 sound can"),
        (lambda d: d.write_bytes(b"\0\1\2"), "is a file"),
    ],
    ids=["empty", "one class", "unknown labels", "a file"],
)
def test_drums_of_no_use(run, tmp_path, make, message):
    make(tmp_path / "data.d")
    status, _, err = run("train", "--data", tmp_path / "data.d", "--out", tmp_path / "m.keras")
    assert status == 2 and message in err and not (tmp_path / "m.keras").exists()


def test_an_interrupted_training_leaves_the_old_model(run, tmp_path, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    (tmp_path / "m.keras").write_text("the model of yesterday")
    monkeypatch.setattr("keras.Model.fit", interrupt)
    status, _, err = run("train", *FEW, "--out", tmp_path / "m.keras")
    assert status == 130 and "interrupted" in err
    assert [f for f in files_below(tmp_path) if "cache" not in f] == ["m.keras"]
    assert (tmp_path / "m.keras").read_text() == "the model of yesterday"


# -- evaluate


def test_seeds_of_train_and_evaluate_never_meet(run, model_file):
    """`evaluate --data synth` judges on other kits than any `train --data synth` made."""
    _, out, err = run("evaluate", model_file, *FEW, "--seed", 0, "--json", "-")
    judged = set(json.loads(out)["per_kit"])
    for seed in (0, 10_000, 2**31):  # of train, which takes no greater one
        trained = set(load_drums("synth", n_kits=4, hits=1, random_state=seed).kits)
        assert err == "" and len(judged) == len(trained) and not judged & trained


def test_evaluation_lists_what_it_left_out(run, model_file, folder, tmp_path):
    (folder / "loft" / "snare" / "empty.wav").touch()
    scores = tmp_path / "scores.json"
    status, out, err = run("evaluate", model_file, "--data", folder, "--json", scores)
    assert status == 1 and "empty.wav: is an empty file" in err
    assert json.loads(scores.read_text())["n"] == 24


def test_labels_that_no_training_saw(run, tmp_path, model_file, folder):
    """A table of one class only can be judged, if not learned from."""
    (folder / "kicks.csv").write_text("path,label\ngarage/kick/0.wav,kick\n")
    status, out, _ = run("evaluate", model_file, "--data", folder / "kicks.csv")
    assert status == 0 and out.startswith("1 hit of 1 kit") and "mean over" not in out


# -- labels of any kind


@pytest.fixture
def oddities(folder):
    """Two kits of classes that are not the five, and a folder that is still unsure."""
    for kit in ("garage", "loft"):
        (folder / kit / "kick").rename(folder / kit / "Rim")
        (folder / kit / "snare").rename(folder / kit / "my weird stuff")
    write_sound(folder / "loft" / "unsure" / "x.wav")
    return folder


@pytest.mark.parametrize("task", [[], ["--task", "rim"]], ids=["multiclass", "one class"])
def test_classes_of_ones_own(run, tmp_path, oddities, task):
    """Nothing is left out because it is none of the five, and `evaluate` knows what to read."""
    model, options = tmp_path / "own.keras", ["--epochs", 2, "--window", 0.05, *task]
    way = [] if task else ["--labels", "folders"]
    status, out, err = run("train", "--data", oddities, *way, *options, "--out", model)
    assert status == 1 and len(err.splitlines()) == 1 and "named unsure" in err
    assert "Drums(24 hits of 2 kits: " in out and "my weird stuff 8" in out
    scores = tmp_path / "scores.json"
    status, out, _ = run("evaluate", model, "--data", oddities, "--json", scores)
    report = json.loads(scores.read_text())
    assert status == 1 and out.startswith("24 hits of 2 kits") and report["n"] == 24
    assert report["labels"] == (["rest", "rim"] if task else ["hihat", "my weird stuff", "rim"])
    status, out, _ = run("predict", model, oddities / "loft" / "Rim")
    assert status == 0 and out.count(".wav") == 4
    status, out, _ = run("audit", oddities, model, "--labels", "folders")
    counts = list(map(int, re.findall(r"(\d+) (?:agree|disagree|unsure)", out)))
    assert sum(counts) == 24 and "does not know" not in out


def test_labels_by_the_names_of_files(run, tmp_path, folder):
    mine = tmp_path / "mine"
    for kit in ("a", "b"):
        for label in ("BD", "Snare"):
            for i in range(3):
                write_sound(mine / kit / f"{label}_{i}.wav", noise_hit(random_state=i))
        for i in range(7):
            write_sound(mine / kit / f"thing\n{i}.wav")
    data = ["--data", mine, "--labels", "names"]
    options = ["--epochs", 1, "--window", 0.05]
    status, out, err = run("train", *data, *options, "--out", tmp_path / "m.keras")
    assert status == 1 and "Drums(12 hits of 2 kits: kick 6, snare 6; 14 files left out" in out
    assert len(err.splitlines()) == 1 and err.count(r"thing\n") == 5
    assert err.startswith("drumlesson: 14 names are not understood, such as ")
    status, out, err = run("evaluate", tmp_path / "m.keras", *data)
    assert status == 1 and out.startswith("12 hits") and "14 names" in err
    options += ["--out", tmp_path / "n.keras"]
    status, _, err = run("train", "--data", "synth", "--labels", "names", *options)
    assert status == 2 and "labels 'names' are those of the files in a folder" in err


# -- audit


@pytest.fixture
def mistaken(tmp_path):
    """Synthesised hits that are named as they sound, but for one."""
    for label in ("kick", "snare", "hihat"):
        write_sound(tmp_path / "mine" / f"{label} 5.wav", synth_kit(19).hit(label))
    (tmp_path / "mine" / "hihat 5.wav").rename(tmp_path / "mine" / "kick 7.wav")
    write_sound(tmp_path / "mine" / "clap.wav")
    return tmp_path / "mine"


def test_what_is_called_another_drum(run, mistaken, tmp_path):
    table = tmp_path / "audit.csv"
    status, out, err = run("audit", mistaken, "--csv", table)
    heading, row, line = out.splitlines()
    assert status == 1 and heading.split() == ["path", "named", "heard", "probability", "why"]
    assert row.startswith(str(mistaken / "kick 7.wav")) and row.split()[-3:-1] == ["kick", "hihat"]
    assert line == "2 agree, 1 disagree, 0 unsure, 1 not understood"
    path = mistaken / "clap.wav"
    assert err == f"drumlesson: 1 name is not understood, such as {path}\n"
    labels = {os.path.basename(row["path"]): row["label"] for row in rows_of(table)}
    assert labels == {"kick 7.wav": "unsure", "kick 5.wav": "kick", "snare 5.wav": "snare"}


def test_an_audit_to_standard_output_is_the_table(run, mistaken):
    status, out, _ = run("audit", mistaken, "--csv", "-")
    assert status == 1 and len(list(csv.DictReader(io.StringIO(out)))) == 3


def test_an_audit_replaces_no_sound(run, mistaken):
    status, _, err = run("audit", mistaken, "--csv", mistaken / "kick 7.wav")
    assert status == 2 and "named like a sound" in err


def test_an_audit_replaces_no_labels_of_a_person(run, mistaken, tmp_path):
    table = tmp_path / "audit.csv"
    run("audit", mistaken, "--csv", table)
    assert run("audit", mistaken, "--csv", table)[0] == 1  # as it was written: written anew
    for written in ("rimshot", "kick"):  # a label of one's own, and the name confirmed
        text = table.read_text(encoding="utf-8").replace(",unsure,", f",{written},")
        table.write_text(text, encoding="utf-8")
        status, _, err = run("audit", mistaken, "--csv", table)
        assert status == 2 and f"holds labels of yours ('{written}' for " in err
        assert table.read_text(encoding="utf-8") == text
        table.unlink()
        run("audit", mistaken, "--csv", table)
    text = table.read_text(encoding="utf-8").replace("snare 5.wav,snare", "snare 5.wav,unsure")
    table.write_text(text, encoding="utf-8")  # not to be learned from, says a person
    assert run("audit", mistaken, "--csv", table)[0] == 2


@pytest.mark.parametrize("text", ["path,label,kit\na.wav,tom,x\n", "\ufeffa;b\n1;2\n", "notes\n"])
@pytest.mark.parametrize(
    "command", [["audit", "."], ["transcribe", "kick.wav"], ["listen", "--file", "kick.wav"]]
)
def test_a_table_of_another_kind_is_not_replaced(tmp_path, monkeypatch, run, command, text):
    monkeypatch.chdir(tmp_path)
    write_sound(tmp_path / "kick.wav", synth_kit(19).hit("kick"))
    table = tmp_path / "mine.csv"
    table.write_text(text, encoding="utf-8")
    status, out, err = run(*command, "--csv", "mine.csv")
    assert (status, out) == (2, "") and "mine.csv: holds something else (" in err
    assert table.read_text(encoding="utf-8") == text
    for _ in range(2):  # its own table it writes anew
        assert run(*command, "--csv", "new.csv")[0] == 0


def test_a_table_is_no_folder_of_midi_files(tmp_path, monkeypatch, run):
    monkeypatch.chdir(tmp_path)
    write_sound(tmp_path / "kick.wav", synth_kit(19).hit("kick"))
    status, _, err = run("transcribe", "kick.wav", "--midi", "out/", "--csv", "out")
    assert status == 2 and "--csv out: is the folder of --midi" in err
    assert files_below(tmp_path) == ["kick.wav"]
    assert run("transcribe", "kick.wav", "--midi", "out/", "--csv", "out/")[0] == 0
    assert files_below(tmp_path / "out") == ["kick.csv", "kick.mid"]


def test_one_kit_has_no_interval(run, model_file, tmp_path):
    for label in ("kick", "snare"):
        write_sound(tmp_path / "mine" / label / "1.wav", synth_kit(19).hit(label))
    _, out, _ = run("evaluate", model_file, "--data", tmp_path / "mine")
    assert out.startswith("2 hits of 1 kit: accuracy ") and "no interval is known" in out


def test_an_audit_that_all_agrees(run, mistaken):
    (mistaken / "kick 7.wav").unlink()
    (mistaken / "clap.wav").unlink()
    line = "2 agree, 0 disagree, 0 unsure, 0 not understood\n"
    assert run("audit", mistaken) == (0, line, "")


def test_a_correction_is_learned(run, mistaken, tmp_path, monkeypatch):
    """Audit, correct, train: from where the table was written."""
    monkeypatch.chdir(tmp_path)
    for number in (23, 27):
        for label in ("kick", "snare", "hihat"):
            name = label.replace("hihat", "kick 7")
            write_sound(mistaken / f"{name} {number}.wav", synth_kit(number).hit(label))
    status, _, _ = run("audit", "mine", "--csv", "audit.csv")
    text = (tmp_path / "audit.csv").read_text()
    (tmp_path / "audit.csv").write_text(text.replace(",unsure,", ",Shaker,"))
    options = ["--epochs", 1, "--window", 0.05, "--labels", "folders", "--out", "own.keras"]
    status, out, err = run("train", "--data", "audit.csv", *options)
    assert (status, err) == (0, "") and "9 hits" in out and "shaker 3" in out


# -- predict


COLUMNS = ["path", "label", "probability", "guess", "why", "size", "modified", "digest", "model"]


def test_a_row_a_file(run, model_file, folder, tmp_path):
    paths = [str(folder / name) for name in files_below(folder)]
    table = tmp_path / "new" / "labels.csv"
    status, out, err = run("predict", model_file, folder, "--csv", table)
    assert (status, err) == (0, "") and len(out.splitlines()) == 24
    rows = rows_of(table)
    assert [row["path"] for row in rows] == paths
    assert list(rows[0]) == COLUMNS
    assert {row["label"] for row in rows} <= {*LABELS, "unsure"}
    assert {row["guess"] for row in rows} <= set(LABELS)
    assert all(0.2 <= float(row["probability"]) <= 1 for row in rows)
    assert files_below(tmp_path / "new") == ["labels.csv"]


def test_the_shell_says_what_the_notebook_says(run, model_file, others, tmp_path):
    paths = []
    for i, wave in enumerate(others.waves):
        path = tmp_path / "hits" / f"{i:02}.wav"
        paths.append(write_sound(path, wave, subtype="FLOAT"))
    run("predict", model_file, *paths, "--csv", tmp_path / "labels.csv")
    y_pred = drumlesson.load(model_file).predict(others)
    assert [row["guess"] for row in rows_of(tmp_path / "labels.csv")] == list(y_pred)


def test_the_most_probable_labels(run, model_file, folder, tmp_path):
    table = tmp_path / "top.csv"
    status, _, _ = run("predict", model_file, folder / "loft", "--top", 5, "--csv", table)
    row = rows_of(table)[0]
    ranked = [name + str(rank) for rank in range(2, 6) for name in ("label", "probability")]
    assert status == 0 and list(row) == COLUMNS[:3] + ranked + COLUMNS[3:]
    assert {row[k] for k in ("guess", "label2", "label3", "label4", "label5")} == set(LABELS)
    shares = [float(row[k]) for k in row if k.startswith("probability")]
    assert shares == sorted(shares, reverse=True) and sum(shares) == pytest.approx(1, abs=0.005)


def test_a_file_named_twice_is_labelled_once(run, model_file, folder, tmp_path):
    file = folder / "loft" / "kick" / "0.wav"
    run("predict", model_file, file, file, folder / "loft" / "kick", "--csv", tmp_path / "rows.csv")
    assert len(rows_of(tmp_path / "rows.csv")) == 4


@pytest.fixture
def broken_files(folder):
    """Eight files, beside the good ones, that cannot be labelled (one is not there): by name."""
    places = {}
    for stem in ("text", "empty", "silent", "nan", "one", "half", "none"):
        places[f"{stem}.wav"] = folder / "loft" / f"{stem}.wav"
    places["notes.raw"] = folder / "loft" / "notes.raw"
    places["text.wav"].write_text("no sound")
    places["notes.raw"].write_text("no sound")
    places["empty.wav"].touch()
    write_sound(places["silent.wav"], np.zeros(5000))
    write_sound(places["nan.wav"], np.full(5000, np.nan), subtype="FLOAT")
    write_sound(places["one.wav"], [0.5])
    whole = write_sound(places["half.wav"]).read_bytes()
    places["half.wav"].write_bytes(whole[:5000])
    return places


def test_an_archive_is_read_like_a_folder(run, model_file, folder, tmp_path):
    pack = tmp_path / "pack.zip"
    with zipfile.ZipFile(pack, "w") as archive:
        for path in sorted(folder.rglob("*.wav")):
            archive.write(path, path.relative_to(folder))
        archive.writestr("../out.wav", b"")
        archive.writestr("noise.wav", b"no sound")
    plain = run("predict", model_file, folder)[1]
    status, out, err = run("predict", model_file, pack, "--csv", tmp_path / "rows.csv")
    assert status == 1 and len(err.splitlines()) == 2
    assert f"{pack}/../out.wav: has a path that leads out" in err
    assert f"{pack}/noise.wav: cannot be read as sound" in err
    assert out.replace(str(pack), str(folder)).split() == plain.split()
    assert rows_of(tmp_path / "rows.csv")[0]["path"].startswith(f"{pack}/")
    status, _, err = run("predict", model_file, folder, "--csv", pack)
    assert status == 2 and "choose another name" in err


def test_broken_files_among_good_ones(run, model_file, folder, broken_files, tmp_path):
    named = [broken_files["none.wav"], broken_files["notes.raw"], tmp_path / "nowhere"]
    status, out, err = run("predict", model_file, folder, *named, "--csv", tmp_path / "rows.csv")
    assert status == 1
    assert len(rows_of(tmp_path / "rows.csv")) == 25 == len(out.splitlines())
    assert "not a drum" in out and out.count("silent.wav  (is silent") == 1
    assert len(err.splitlines()) == 8
    assert all(line.startswith("drumlesson: ") for line in err.splitlines())
    listed = {*broken_files, "nowhere"} - {"silent.wav"}
    assert all(err.count(f"/{name}: ") == 1 for name in listed)


def test_a_folder_without_sound_among_others(run, model_file, folder, tmp_path):
    (tmp_path / "empty").mkdir()
    status, out, err = run("predict", model_file, tmp_path / "empty", folder / "loft" / "kick")
    assert status == 1 and len(out.splitlines()) == 4 and "holds no sound file" in err


def test_what_a_folder_holds_besides_is_said_at_the_end(run, model_file, folder):
    (folder / "loft" / "kick" / "memo.m4a").touch()
    write_sound(folder / "loft" / "kick" / ".Trash" / "old.wav")
    status, out, err = run("predict", model_file, folder / "loft" / "kick")
    assert status == 1 and len(out.splitlines()) == 4
    assert err.startswith("drumlesson: left out: 1 .m4a (convert to WAV), 1 folder that")
    (folder / "loft" / "kick" / "memo.m4a").unlink()
    status, _, err = run("predict", model_file, folder / "loft" / "kick")
    assert status == 0 and err.startswith("drumlesson: left out: 1 folder that")


def test_an_empty_path_is_refused(run, model_file, folder, monkeypatch):
    monkeypatch.chdir(folder)
    status, out, err = run("predict", model_file, "")
    assert status == 2 and out == "" and "a PATH is empty" in err


def test_nothing_that_could_be_labelled(run, model_file, tmp_path):
    table = tmp_path / "rows.csv"
    status, out, err = run("predict", model_file, tmp_path / "none.wav", "--csv", table)
    assert status == 2 and "none.wav: there is no such file" in err and out == ""
    assert not table.exists() or rows_of(table) == []


@pytest.mark.parametrize("top", [0, -1, 6])
def test_too_many_labels_are_asked_for(run, model_file, folder, top):
    status, out, err = run("predict", model_file, folder, "--top", top)
    assert status == 2 and f"--top {top}" in err and out == ""


@pytest.mark.skipif(os.name != "posix", reason="file names are text here")
def test_a_file_name_that_is_no_text(run, model_file, tmp_path):
    name = os.fsdecode(b"caf\xe9.wav")
    try:
        write_sound(tmp_path / "hits" / "plain.wav").rename(tmp_path / "hits" / name)
    except OSError:
        pytest.skip("this file system has no such names")
    write_sound(tmp_path / "hits" / "snaré.wav")
    table = tmp_path / "rows.csv"
    status, out, _ = run("predict", model_file, tmp_path / "hits", "--csv", table)
    assert status == 0 and len(out.splitlines()) == 2
    rows = csv.DictReader(io.StringIO(table.read_bytes().decode("utf-8", "surrogateescape")))
    assert {os.path.basename(row["path"]) for row in rows} == {name, "snaré.wav"}


@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_a_table_that_cannot_be_written(run, model_file, folder, tmp_path, command):
    arguments = {
        "predict": [folder / "loft" / "kick", "--csv"],
        "evaluate": ["--data", folder, "--json"],
    }[command]
    (tmp_path / "a_file").touch()
    (tmp_path / "taken").mkdir()
    for place, culprit in (("a_file/out", "a_file"), ("taken", "taken")):
        status, _, err = run(command, model_file, *arguments, tmp_path / place)
        assert status == 2 and culprit in err.splitlines()[-1]
    assert not [f for f in files_below(tmp_path) if f.startswith(".") or "/." in f]


def test_a_file_that_is_no_table_stays_as_it_is(run, model_file, folder, tmp_path):
    (tmp_path / "rows.csv").write_text("yesterday")
    status, out, err = run("predict", model_file, folder, "--csv", tmp_path / "rows.csv")
    assert (status, out, len(err.splitlines())) == (2, "", 1) and "rows.csv: lacks" in err
    assert (tmp_path / "rows.csv").read_text() == "yesterday"


def test_an_interrupted_table_can_be_gone_on_with(run, model_file, folder, tmp_path, monkeypatch):
    kicks, table = folder / "loft" / "kick", tmp_path / "rows.csv"
    run("predict", model_file, kicks / "0.wav", "--csv", table)
    before = table.read_bytes()

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("drumlesson.labelling._decode_hit", interrupt)
    status, _, err = run("predict", model_file, kicks, "--csv", table)
    assert status == 130 and table.read_bytes() == before
    assert "rows.csv keeps what was done: the same command goes on from there" in err
    assert [f for f in files_below(tmp_path) if f.startswith(".")] == []


def test_of_interrupted_lines_it_says_that_they_are_no_more_than_those_so_far(
    run, model_file, folder, tmp_path, monkeypatch
):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("drumlesson.labelling._decode_hit", interrupt)
    status, _, err = run("predict", model_file, folder, "--json", tmp_path / "rows.json")
    assert status == 130 and err.endswith("rows.json holds the rows so far\n")


# -- sort and undo


@pytest.fixture
def labels(folder):
    """A table as `predict` writes one, looked through: some rows say what is no drum, or unsure."""
    path = folder.parent / "labels.csv"
    rows = ["path,label,probability,guess,why\n"]
    for name in files_below(folder):
        _, label, number = name.split("/")
        label = {"0.wav": "=my/own", "1.wav": "unsure", "2.wav": "not a drum"}.get(number, label)
        rows.append(f"{folder / name},{label.replace('=', chr(39) + '=')},0.9,kick,\n")
    path.write_text("".join(rows), encoding="utf-8")
    return path


BY_LABEL = {"=my%2Fown": 6, "hihat": 2, "kick": 2, "not a drum": 6, "snare": 2, "unsure": 6}


def counts_of(out):
    """{folder: sounds} as it was printed."""
    found = re.findall(r"^ +([\d,]+)  (.+)$", out, re.M)
    return {name: int(count) for count, name in found}


@pytest.fixture
def no_model(monkeypatch):
    """A table answers for all files."""

    def asked(*_):
        raise AssertionError("the model was asked")

    monkeypatch.setattr("drumlesson.labelling._label_block", asked)


@pytest.mark.usefixtures("no_model")
@pytest.mark.parametrize("dry", [[], ["--dry-run"]], ids=["", "dry run"])
def test_a_sort_is_shown_first(run, folder, labels, tmp_path, dry):
    before = files_below(tmp_path)
    status, out, err = run("sort", folder, "--into", tmp_path / "sorted", "--csv", labels, *dry)
    assert (status, err) == (0, "") and files_below(tmp_path) == before
    assert out.startswith(f"would copy 24 sounds into {tmp_path / 'sorted'}:\n")
    assert counts_of(out) == BY_LABEL and out.count(" -> ") == 5
    assert f" -> {tmp_path}/sorted/=my%2Fown/0.wav\n" in out
    assert out.endswith("nothing was done yet: --yes does it\n")


@pytest.mark.usefixtures("no_model")
@pytest.mark.parametrize("how", ["copy", "link", "move"])
def test_sort_and_undo(run, folder, labels, tmp_path, how):
    before = files_below(tmp_path)
    into = tmp_path / "all sorted"
    words = ["sort", folder, "--into", into, "--csv", labels, "--how", how, "--yes"]
    status, out, err = run(*words)
    assert (status, err) == (0, "") and counts_of(out) == BY_LABEL
    assert f"`drumlesson undo '{into}'` takes it back" in out
    assert len(files_below(into / "unsure")) == 6
    assert len(files_below(folder)) == (0 if how == "move" else 24)
    status, out, err = run("undo", into)
    assert (status, out, err) == (0, "took back 24 sounds\n", "")
    assert files_below(tmp_path) == before


@pytest.mark.usefixtures("no_model")
def test_a_second_sort_into_a_folder_within(run, folder, labels):
    """What is sorted is not sorted again, and what is there already is said."""
    words = ["sort", folder, "--into", folder / "sorted", "--csv", labels, "--yes"]
    assert run(*words)[0] == 0
    status, out, _ = run(*words)
    assert status == 0 and counts_of(out) == {"files were there, from an earlier sort": 24}
    assert "undo" not in out and len(files_below(folder / "sorted")) == 25


@pytest.mark.usefixtures("no_model")
def test_what_was_changed_is_left_and_named(run, folder, labels, tmp_path):
    run("sort", folder, "--into", tmp_path / "sorted", "--csv", labels, "--yes")
    cut = tmp_path / "sorted/kick/3.wav"
    cut.write_bytes(b"cut by hand")
    status, out, err = run("undo", tmp_path / "sorted")
    assert (status, out) == (1, "took back 23 sounds\n")
    assert err.startswith(f"drumlesson: {cut}: was left: ") and len(err.splitlines()) == 1


@pytest.mark.parametrize("into", ["drums", "drums/garage/..", ".", "", "a_file"])
def test_folders_that_cannot_be_sorted_into(run, folder, labels, monkeypatch, into):
    monkeypatch.chdir(folder.parent)
    (folder.parent / "a_file").touch()
    before = files_below(folder.parent)
    status, out, err = run("sort", "drums", "--into", into, "--csv", labels, "--yes")
    assert (status, out, len(err.splitlines())) == (2, "", 1)
    assert re.search("lies in it|has no name|is a file", err) and files_below(".") == before


def test_the_model_is_asked_where_the_table_has_no_row(run, folder, broken_files, tmp_path):
    assert not broken_files["none.wav"].exists()
    table = tmp_path / "labels.csv"
    table.write_text(f"path,label,probability\n{folder / 'loft/kick/0.wav'},gong,1\n")
    status, out, err = run("sort", folder, "--into", tmp_path / "sorted", "--csv", table, "--yes")
    counts = counts_of(out)
    assert (status, len(err.splitlines())) == (1, 5)  # what cannot be read stays, and is named
    assert broken_files["text.wav"].exists() and sum(counts.values()) == 24 + 1
    assert counts["gong"] == 1 and counts["not a drum"] == 1  # the silent one
    assert set(counts) <= {"gong", "not a drum", UNSURE, OUTSIDE, *LABELS}


@pytest.mark.usefixtures("no_model")
@pytest.mark.parametrize("how", ["copy", "move"])
def test_what_lies_behind_a_link_is_not_moved(run, folder, labels, tmp_path, how):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    outside = write_sound(elsewhere / "other.wav")
    (folder / "a link").symlink_to(elsewhere, target_is_directory=True)
    (folder / "inside").symlink_to(folder / "garage", target_is_directory=True)
    with labels.open("a") as table:
        table.write(f"{folder / 'a link/other.wav'},kick,0.9,kick,\n")
    status, out, err = run(
        "sort", folder, "--into", tmp_path / "sorted", "--csv", labels, "--how", how, "--yes"
    )
    assert outside.exists()
    if how == "copy":
        assert (status, err) == (0, "") and sum(counts_of(out).values()) == 25
    else:
        assert status == 1 and sum(counts_of(out).values()) == 24
        assert err == (
            f"drumlesson: {folder / 'a link/other.wav'}: "
            "lies behind a link, outside of what is sorted, and stays\n"
        )


def test_a_link_may_be_named_and_a_file_too(run, folder, labels, tmp_path):
    (tmp_path / "named").symlink_to(folder / "loft", target_is_directory=True)
    file = folder / "garage/kick/0.wav"
    into = ["--into", tmp_path / "sorted", "--how", "move", "--yes"]
    status, out, err = run("sort", tmp_path / "named", file, *into)
    assert (status, err) == (0, "") and sum(counts_of(out).values()) == 13 and not file.exists()


@pytest.mark.usefixtures("no_model")
def test_archives_are_left_alone_and_named(run, folder, labels, tmp_path):
    with zipfile.ZipFile(folder / "pack.zip", "w") as archive:
        archive.writestr("a.wav", b"")
    status, _, err = run("sort", folder, "--into", tmp_path / "sorted", "--csv", labels)
    assert status == 0
    assert err == "drumlesson: left alone: 1 archive (unpack to sort what is inside)\n"
    (folder / "kit.sfz").touch()
    for pack in ("pack.zip", "kit.sfz"):
        status, out, err = run("sort", folder / pack, "--into", tmp_path / "sorted")
        assert (status, out) == (2, "") and f"{pack}: is an archive or a kit: sort the" in err


@pytest.mark.usefixtures("no_model")
def test_rows_that_no_sound_has_are_told(run, folder, labels, tmp_path):
    words = ["sort", folder, "--into", tmp_path / "sorted", "--csv", labels]
    with labels.open("a") as file:
        file.write("gone.wav,kick\n")
    status, _, err = run(*words)
    told = f"drumlesson: --csv {labels}: not used: 1 row, whose sounds are not among these\n"
    assert (status, err) == (0, told)
    with labels.open("a") as file:
        file.write("gone.wav,tom\nelsewhere.wav,tom\n")
    assert "not used: 2 rows, whose sounds are not among" in run(*words, "--yes")[2]


def test_a_row_is_used_though_its_sound_has_another_name(run, folder, tmp_path):
    """A label by hand goes with the sound."""
    table = tmp_path / "t.csv"
    sound = folder / "garage/kick/3.wav"
    assert run("predict", sound, "--csv", table)[0] == 0
    cells = table.read_text().splitlines()[1].split(",")
    table.write_text(table.read_text().replace(f",{cells[1]},", ",cowbell,", 1))
    sound.rename(folder / "garage/kick/renamed.wav")
    words = ["sort", folder / "garage/kick", "--into", tmp_path / "sorted", "--csv", table]
    status, out, err = run(*words)
    assert (status, err) == (0, "") and counts_of(out)["cowbell"] == 1


def test_an_interrupted_sort_says_how_to_go_on(run, folder, labels, tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("drumlesson.sorting._copy", interrupted)
    words = ["sort", folder, "--into", tmp_path / "sorted", "--csv", labels, "--yes"]
    status, _, err = run(*words)
    assert status == 130 and "goes on from here; `drumlesson undo " in err


# -- transcribe and slice


@pytest.fixture
def toy(transcriber_file, monkeypatch):
    """The small transcriber stands for the one that comes along."""
    monkeypatch.setattr("drumlesson.transcribing._SHIPPED", transcriber_file)


@pytest.fixture
def beats(beat, tmp_path, monkeypatch):
    """Two recordings, and what is none, in the folder where one is."""
    monkeypatch.chdir(tmp_path)
    write_sound("beat.wav", beat.x, subtype="FLOAT")
    write_sound("second.wav", beat.x[: 3 * 22050], subtype="FLOAT")
    write_sound("silence.wav", np.zeros(22050))
    (tmp_path / "text.wav").write_text("no sound")
    return tmp_path


@pytest.fixture
def heard(beat, transcriber):
    """What the small transcriber hears in the first of them."""
    return transcribe(beat.x, transcriber)


def same_notes(groove, other, within):
    """Whether two grooves hold the same notes, but for so many seconds."""
    return (
        groove.labels.tolist() == other.labels.tolist()
        and groove.velocities.tolist() == other.velocities.tolist()
        and np.allclose(groove.times, other.times, atol=within)
    )


@pytest.mark.usefixtures("toy")
def test_what_is_drummed_is_shown(run, beats, heard):
    status, out, err = run("transcribe", "beat.wav")
    first, heading, *rows = out.splitlines()
    assert (status, err) == (0, "") and len(rows) == len(heard) > 20
    assert first.startswith(f"beat.wav: {len(heard)} notes in 8.0 s: kick ")
    assert heading.split() == ["time", "label", "velocity"]
    time, label, velocity = rows[5].split()
    assert float(time) == pytest.approx(heard.times[5], abs=0.0006)
    assert (label, int(velocity)) == (heard.labels[5], heard.velocities[5])
    assert files_below(beats) == ["beat.wav", "second.wav", "silence.wav", "text.wav"]


@pytest.mark.usefixtures("toy")
def test_what_is_drummed_is_written(run, beats, heard):
    status, out, err = run("transcribe", "beat.wav", "--midi", "new/a.mid", "--csv", "a.csv")
    assert (status, err) == (0, "")
    assert out.startswith(f"new/a.mid, a.csv: {len(heard)} notes in 8.0 s: ")
    assert same_notes(read_midi("new/a.mid"), heard, 0.001)
    assert same_notes(read_notes("a.csv"), heard, 1e-6)


@pytest.mark.usefixtures("toy")
@pytest.mark.parametrize("how", ["words", "table"])
def test_tempo_bars_notes_and_tracks(run, beats, heard, how):
    (beats / "map.csv").write_text("label,note\nkick,35\nother,56\n")
    notes = "kick=35, other=56" if how == "words" else "map.csv"
    options = ["--tempo", "96", "--bars", "6/8", "--notes", notes, "--split"]
    assert run("transcribe", "beat.wav", "--midi", "a.mid", *options)[0] == 0
    groove = read_midi("a.mid")
    assert groove.tempo == 96 and same_notes(groove, heard, 0.001)
    assert set(groove.notes[groove.labels == "kick"]) == {35}
    assert set(groove.notes[groove.labels == "snare"]) == {38}
    tracks = mido.MidiFile("a.mid").tracks
    assert len(tracks) == 1 + len(set(heard.labels))
    (signature,) = [message for message in tracks[0] if message.type == "time_signature"]
    assert (signature.numerator, signature.denominator) == (6, 8)


@pytest.mark.usefixtures("toy")
@pytest.mark.parametrize("name", ["-", "/dev/stdout"])
def test_standard_output_holds_the_notes_and_nothing_else(run, beats, heard, name):
    if name != "-" and not os.path.exists(name):
        pytest.skip("this system has no such name")
    status, out, err = run("transcribe", "beat.wav", "--csv", name, "--midi", "a.mid")
    assert (status, err) == (0, "") and len(out.splitlines()) == 1 + len(heard)
    assert out.startswith("time,label,velocity\n")


def test_midi_can_be_piped(beats, transcriber_file):
    words = [sys.executable, "-m", "drumlesson.cli", "transcribe", transcriber_file, "beat.wav"]
    done = subprocess.run([*words, "--midi", "-"], capture_output=True, check=True)
    (beats / "piped.mid").write_bytes(done.stdout)
    assert done.stderr == b"" and len(read_midi("piped.mid")) > 20


@pytest.mark.usefixtures("toy")
def test_several_recordings_are_written_into_folders(run, beats):
    names = ["beat.wav", "second.wav"]
    status, out, err = run("transcribe", *names, "--midi", "notes", "--csv", "notes")
    assert (status, err) == (0, "") and len(out.splitlines()) == 2
    assert files_below("notes") == ["beat.csv", "beat.mid", "second.csv", "second.mid"]
    assert run("transcribe", "beat.wav", "--csv", "one/")[0] == 0
    assert files_below("one") == ["beat.csv"]


@pytest.mark.usefixtures("toy")
def test_recordings_of_no_use_are_named_and_the_others_written(run, beats):
    names = ["silence.wav", "beat.wav", "text.wav", "none.wav"]
    for command, option, place in (("transcribe", "--csv", "notes"), ("slice", "--into", "hits")):
        status, out, err = run(command, *names, option, place)
        assert status == 1 and len(out.splitlines()) == 1
        lines = err.splitlines()
        assert [line.split(": ")[1] for line in lines] == ["silence.wav", "text.wav", "none.wav"]
        assert "is silent" in lines[0] and "no such file" in lines[2]
    assert files_below("notes") == ["beat.csv"]
    assert all("beat_" in name for name in files_below("hits"))


@pytest.mark.usefixtures("toy")
@pytest.mark.parametrize("name", ["silence.wav", "text.wav", "none.wav"])
def test_of_a_recording_of_no_use_nothing_is_written(run, beats, name):
    before = files_below(beats)
    for command in (
        ["transcribe", "--midi", "a.mid", "--csv", "a.csv"],
        ["slice", "--into", "hits"],
    ):
        status, out, err = run(*command, name)
        wanted = 2 if name == "none.wav" else 1  # what is not there cannot be done at all
        assert (status, out, len(err.splitlines())) == (wanted, "", 1)
        assert err.startswith(f"drumlesson: {name}: ") and err.count(name) == 1
    assert files_below(beats) == before


@pytest.mark.usefixtures("toy")
def test_a_recording_in_which_no_drum_is_heard(run, beats, monkeypatch):
    monkeypatch.setattr("drumlesson.transcribing.to_groove", lambda *_: Groove([], [], duration=8))
    before = files_below(beats)
    for command in (["transcribe"], ["transcribe", "--midi", "a.mid"], ["slice", "--into", "hits"]):
        status, out, err = run(*command, "beat.wav")
        assert (status, out) == (1, "")
        assert err == "drumlesson: beat.wav: no drum is heard in it\n"
    assert files_below(beats) == before


@pytest.mark.usefixtures("toy")
@pytest.mark.parametrize(
    "args, message",
    [
        (["beat.wav", "--csv", "beat.wav"], "is named like a sound"),
        (["beat.wav", "--csv", "link.csv"], "is named like a sound|is read as"),
        (["beat", "--csv", "beat"], "is read as beat, too"),
        (["beat.mid", "--midi", "beat.mid"], "is read as beat.mid, too"),
        (["beat.wav", "--midi", "a.mid", "--notes", "m.csv", "--csv", "m.csv"], "is read as m.csv"),
        (["beat.wav", "second.wav", "--csv", "m.csv"], "should be a folder"),
    ],
    ids=words_of,
)
def test_notes_never_replace_what_is_read(run, beats, args, message):
    for name in ("beat", "beat.mid"):
        (beats / name).write_bytes((beats / "beat.wav").read_bytes())
    (beats / "m.csv").write_text("label,note\nkick,35\n")
    os.symlink("beat.wav", "link.csv")
    before = {name: (beats / name).read_bytes() for name in files_below(beats)}
    status, out, err = run("transcribe", *args)
    assert (status, out, len(err.splitlines())) == (2, "", 1) and re.search(message, err)
    assert {name: (beats / name).read_bytes() for name in files_below(beats)} == before


@pytest.mark.usefixtures("toy")
def test_old_notes_stay_where_new_ones_cannot_be_written(run, beats, monkeypatch):
    (beats / "a.mid").write_bytes(b"old")
    monkeypatch.setattr(os, "replace", full)
    status, out, err = run("transcribe", "beat.wav", "--midi", "a.mid")
    assert (status, out) == (2, "") and "a.mid: cannot be written (No space left on device)" in err
    assert (beats / "a.mid").read_bytes() == b"old"
    assert files_below(beats) == ["a.mid", "beat.wav", "second.wav", "silence.wav", "text.wav"]


@pytest.mark.usefixtures("toy")
def test_a_loop_becomes_drums(run, beats, heard):
    status, out, err = run("slice", "beat.wav", "--into", "hits")
    assert (status, err) == (0, "") and re.fullmatch(r"beat\.wav: \d+ hits into hits: .+\n", out)
    counts = dict(re.findall(r"(\w+) (\d+)[,\n]", out))
    there = Counter(name.split("/")[0] for name in files_below("hits"))
    assert {name: int(count) for name, count in counts.items()} == there
    drums = load_drums("hits")
    left_out = sum(there[name] for name in ("several", "other"))
    assert len(drums) == there.total() - left_out and len(drums.problems) == left_out
    assert set(drums.labels) <= set(heard.labels)


@pytest.mark.usefixtures("toy")
def test_a_second_slice_replaces_nothing(run, beats):
    assert run("slice", "second.wav", "--into", "hits")[0] == 0
    before = files_below("hits")
    status, out, err = run("slice", "second.wav", "beat.wav", "--into", "hits")
    assert (status, out, len(err.splitlines())) == (2, "", 1) and "is there already" in err
    assert files_below("hits") == before
    assert run("slice", "beat.wav", "--into", "hits")[0] == 0
    status, _, err = run("slice", "beat.wav", "--into", "text.wav")
    assert status == 2 and "is a file, and no folder" in err


def test_a_transcriber_of_ones_own(run, beats, transcriber_file):
    (beats / "mine.onnx").write_bytes(transcriber_file.read_bytes())
    (beats / "broken.onnx").write_text("no network")
    assert run("transcribe", "mine.onnx", "beat.wav")[0] == 0
    assert run("slice", "mine.onnx", "second.wav", "--into", "hits")[0] == 0
    status, out, err = run("transcribe", "broken.onnx", "beat.wav", "--midi", "a.mid")
    assert (status, out) == (2, "") and err.startswith("drumlesson: broken.onnx: is no transcriber")


# -- outputs


@pytest.mark.parametrize("make", [os.symlink, os.link], ids=["symbolic", "hard"])
@pytest.mark.parametrize(
    "args, message",
    [
        (["predict", "--csv", "kick.wav", "snare.wav"], "--csv kick.wav: is named like a sound"),
        (["predict", "kick.wav", "--csv", "new.FLAC"], "--csv new.FLAC: is named like a sound"),
        (["predict", "kick.wav", "--csv", "m.keras"], "--csv m.keras: is named like a model"),
        (["predict", "kick.wav", "--csv", "link.csv"], "--csv link.csv: is "),
        (["predict", ".", "--csv", "link.csv"], "--csv link.csv: is "),
        (["predict", "plain", "--csv", "plain"], "--csv plain: is read as plain, too"),
        (["predict", "kick.wav", "--json", "kick.wav"], "--json kick.wav: is named like a sound"),
        (["predict", ".", "--json", "link.csv"], "--json link.csv: is "),
        (["predict", ".", "--csv", "new", "--json", "new"], "--json new: is written as --csv, too"),
        (["evaluate", "--json", "m.keras"], "--json m.keras: is named like a model"),
        (["evaluate", "m.keras", "--json", "link.csv"], "--json link.csv: is "),
        (["evaluate", "--data", "d.csv", "--json", "d.csv"], "--json d.csv: is read as d.csv, too"),
        (["train", "--data", "d.csv", "--out", "d.keras"], "--out d.keras: "),
        (["train", "--data", "synth", "--out", "sound.keras"], "--out sound.keras: "),
    ],
    ids=words_of,
)
def test_an_output_never_replaces_an_input(run, tmp_path, monkeypatch, make, args, message):
    monkeypatch.chdir(tmp_path)
    for name in ("kick.wav", "snare.wav"):
        write_sound(name)
    for name in ("m.keras", "d.csv", "plain"):
        (tmp_path / name).write_text("old")
    linked_to = {"link.csv": "m.keras" if "m.keras" in args else "kick.wav"}
    linked_to |= {"d.keras": "d.csv", "sound.keras": "kick.wav"}
    for link, target in linked_to.items():
        try:
            make(target, link)
        except OSError:
            pytest.skip("this file system has no such links")
    if make is os.link and "sound.keras" in args:
        pytest.skip("a hard link is a file like any other, and drums are synthesised here")
    before = {name: (tmp_path / name).read_bytes() for name in files_below(tmp_path)}
    status, out, err = run(*args)
    assert (status, out, len(err.splitlines())) == (2, "", 1) and message in err
    assert {name: (tmp_path / name).read_bytes() for name in files_below(tmp_path)} == before


@pytest.mark.parametrize("name", ["-", "/dev/stdout"])
def test_standard_output_holds_the_table_and_nothing_else(run, model_file, folder, name):
    if name != "-" and not os.path.exists(name):
        pytest.skip("this system has no such name")
    status, out, err = run("predict", model_file, folder / "loft" / "kick", "--csv", name)
    rows = list(csv.DictReader(io.StringIO(out)))
    assert (status, err) == (0, "") and len(rows) == 4
    assert [*rows[0]] == COLUMNS
    status, out, _ = run("evaluate", model_file, "--data", folder, "--json", name)
    assert status == 0 and list(json.loads(out)) == SCORES


def test_an_option_is_no_name_of_a_table(run, model_file):
    status, out, err = run("predict", model_file, "--csv", "--top", "2")
    assert (status, out) == (2, "") and "'--top' is an option" in err


def test_the_home_directory_may_be_written_short(run, model_file, folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("USERPROFILE", str(folder))
    (folder / "m.keras").write_bytes(model_file.read_bytes())
    assert run("predict", "~/m.keras", "~/loft/kick", "--csv=~/new/a.csv")[0] == 0
    assert run("evaluate", "~/m.keras", "--data=~", "--json", "~/new/a.json")[0] == 0
    status, _, err = run("train", "--data", "nowhere", "--out", "~/new/m.keras")
    assert status == 2 and "nowhere" in err
    assert files_below(folder / "new") == ["a.csv", "a.json"]


@pytest.mark.skipif(os.name != "posix", reason="no such names here")
def test_names_that_are_more_than_names(run, model_file, tmp_path, monkeypatch):
    """Shown on one line each, in the table and in errors, and no formula in a spreadsheet."""
    (tmp_path / "hits").mkdir()
    monkeypatch.chdir(tmp_path / "hits")
    for name in ("=cmd.wav", "a\nb\x1b[31m.wav"):
        write_sound(name)
    (tmp_path / "hits" / "no\nsound\x1b]0;title\x07.wav").write_text("none")
    status, out, err = run("predict", model_file, *sorted(os.listdir()), "--csv", "../rows.csv")
    assert status == 1 and len(out.splitlines()) == 2 and len(err.splitlines()) == 1
    assert r"a\nb\x1b[31m.wav" in out and r"no\nsound\x1b]0;title\x07.wav: " in err
    assert not {"\x1b", "\x07"} & set(out + err)
    rows = rows_of(tmp_path / "rows.csv")
    assert [row["path"] for row in rows] == ["'=cmd.wav", "a\nb\x1b[31m.wav"]


def full(*_):
    raise OSError(28, "No space left on device")


@pytest.mark.usefixtures("no_training")
def test_room_for_a_model_is_tried_before_training(run, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", full)
    status, out, err = run("train", *FEW, "--out", tmp_path / "m.keras")
    assert (status, out, files_below(tmp_path)) == (2, "", [])
    assert "m.keras: cannot be written there (No space left on device)" in err


def test_a_disk_that_is_full_in_the_end_costs_no_model(run, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    replace = os.replace

    def full_here(source, target):
        return full() if target == tmp_path / "m.keras" else replace(source, target)

    monkeypatch.setattr(os, "replace", full_here)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "elsewhere"))
    options = ["--epochs", 1, "--window", 0.05, "--out", tmp_path / "m.keras"]
    status, _, err = run("train", *FEW, *options)
    assert status == 2 and len(err.splitlines()) == 1
    rescued = re.search(r"it was saved as (\S+m\.keras) instead", err).group(1)
    assert rescued.startswith(str(tmp_path / "elsewhere"))
    assert len(drumlesson.load(rescued).classes_) == 5
    assert not (tmp_path / "m.keras").exists()


def test_a_table_on_a_full_disk_is_named(run, model_file, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "replace", full)
    kicks = folder / "loft" / "kick"
    status, _, err = run("predict", model_file, kicks, "--csv", tmp_path / "a.csv")
    assert status == 2 and "a.csv: cannot be written (No space left on device)" in err


# -- models that are none


@pytest.mark.parametrize(
    "name, message",
    [
        ("drums", "drums: is a folder, and no such model file: drums go behind --data"),
        ("drums.csv", "drums.csv: is a table, and no such model file: drums go behind --data"),
        ("my_drums", "my_drums: there is no such model file"),
    ],
)
def test_drums_in_place_of_a_model(run, folder, table, monkeypatch, name, message):
    monkeypatch.chdir(folder.parent)
    table.rename(folder.parent / "drums.csv")
    status, out, err = run("evaluate", name)
    assert (status, out, len(err.splitlines())) == (2, "", 1)
    assert message in err and "--out" not in err


@pytest.mark.parametrize(
    "command",
    [["evaluate", "--data", "synth", "--kits", "1"], ["predict", "."]],
    ids=lambda c: c[0],
)
@pytest.mark.parametrize(
    "make, message",
    [
        (lambda p: None, "no such model file"),
        (lambda p: p.mkdir(), "no such model file"),
        (lambda p: p.touch(), "no model file"),
        (lambda p: p.write_text("no model"), "no model file"),
        (lambda p: zipfile.ZipFile(p, "w").close(), "not a drumlesson model"),
        (lambda p: write_sound(p, format="WAV"), "no model file"),
    ],
    ids=["missing", "folder", "empty", "text", "zip", "sound"],
)
def test_what_is_no_model(run, tmp_path, command, make, message):
    path = tmp_path / "m.keras"
    make(path)
    name, *rest = command
    status, out, err = run(name, path, *rest)
    assert (status, out, len(err.splitlines())) == (2, "", 1)
    assert message in err and str(path) in err


# -- kits and doctor


@pytest.fixture
def two_kits(folder, monkeypatch):
    """A manifest of the made-up folder, and the folder as its mirror."""
    monkeypatch.setattr(grooves, "_for_a_mirror", lambda: datasets._NOTHING)
    rows = []
    for key in files_below(folder):
        kit, label, name = key.split("/")
        content = (folder / key).read_bytes()
        rows.append(
            dict(
                repo=kit,
                commit=label,
                path=name,
                sha256=hashlib.sha256(content).hexdigest(),
                bytes=str(len(content)),
                label=label,
                articulation=label,
                kit=kit,
                kind="acoustic",
                licence="CC0-1.0",
                key=key,
                url=f"https://example.org/{key}",
            )
        )
    table = pd.DataFrame(rows)
    monkeypatch.setattr(datasets, "manifest", lambda: table)
    monkeypatch.setenv("DRUMLESSON_MIRROR", str(folder))
    return folder


def test_kits_are_tabulated_with_their_licence(run, two_kits):
    status, out, err = run("kits")
    assert (status, err) == (0, "")
    assert re.search(r"garage +4 +4 +4 +12 +acoustic +CC0-1.0", out)
    assert "24 hits of 2 open kits" in out
    status, out, err = run("kits", "--quiet")
    assert (status, err) == (0, "") and len(out.splitlines()) == 1


INFORMAL = '"free" (kit info.txt: M-Rose Productions freebie; informal) within a repo'
INFORMAL += " declared public domain"


@pytest.fixture
def one_informal(two_kits):
    """The kit loft is under an informal licence."""
    manifest = datasets.manifest()
    manifest.loc[manifest["kit"] == "loft", "licence"] = INFORMAL
    return two_kits


def test_kits_say_how_much_is_under_each_licence(run, one_informal):
    status, out, err = run("kits")
    assert (status, err) == (0, "")
    assert re.search(r"^standing +kits +files +licence\nopen +1 +12 +CC0-1.0$", out, re.M)
    assert re.search(rf"^loft .* acoustic +informal: {re.escape(INFORMAL)}$", out, re.M)
    assert re.search(rf"^informal +1 +12 +{re.escape(INFORMAL)}$", out, re.M)
    assert run("kits", "--licence", "all") == (0, out, "")


def test_kits_under_open_licences(run, one_informal):
    status, out, err = run("kits", "--licence", "open")
    assert (status, err) == (0, "") and "12 hits of 1 open kit\n" in out
    assert "loft" not in out and "informal" not in out


def test_kits_are_exported(run, one_informal, tmp_path, monkeypatch):
    status, out, err = run("kits", "--export", tmp_path / "all")
    assert (status, err, len(out.splitlines())) == (0, "", 1)
    assert out.startswith(f"24 files of 2 open kits are in {tmp_path / 'all'}; 12 under informal")
    status, out, err = run("kits", "--licence", "open", "--export", tmp_path / "open")
    assert (
        (status, err) == (0, "") and "12 files of 1 open kit are" in out and "informal" not in out
    )
    monkeypatch.setenv("DRUMLESSON_MIRROR", str(tmp_path / "open"))
    assert "12 hits of 1 open kit\n" in run("kits", "--quiet", "--licence", "open")[1]


def test_kits_are_exported_but_for_a_bad_file(run, two_kits, tmp_path):
    (two_kits / "loft" / "kick" / "0.wav").write_bytes(b"something else")
    status, out, err = run("kits", "--export", tmp_path / "copy")
    assert status == 1 and out.startswith("23 files of 2 open kits")
    assert err.startswith("drumlesson: loft/kick/0.wav: its checksum does not match")
    assert not (tmp_path / "copy" / "loft" / "kick" / "0.wav").exists()


def test_kits_to_export_that_are_not_there(run, tmp_path):
    for words in (["kits"], ["kits", "--export", tmp_path / "copy"]):
        status, out, err = run(*words)
        assert (status, out, err.count("\n")) == (2, "", 1)
        assert err.startswith("drumlesson: no open kits: ")
    assert files_below(tmp_path / "copy") == []


@pytest.fixture
def patterns(two_kits, monkeypatch):
    """Two drum patterns and the text of their licence, beside the kits."""
    rows = []
    for name in ("LICENSE", "1.mid", "2.mid"):
        path = two_kits / "who" / "what" / "c0ffee" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        size = str(len(content))
        rows.append({"key": f"who/what/c0ffee/{name}", "sha256": digest, "bytes": size})
    beside = datasets._Beside(pd.DataFrame(rows), "## Open: CC BY 4.0\n\n- Patterns by Somebody")
    monkeypatch.setattr(grooves, "_for_a_mirror", lambda: beside)
    return two_kits / "who" / "what" / "c0ffee"


def test_drum_patterns_are_exported_with_their_licence_and_credit(run, patterns, tmp_path):
    copy = tmp_path / "copy"
    status, out, err = run("kits", "--export", copy)
    assert (status, err) == (0, "")
    assert out.startswith(f"24 files of 2 open kits and 3 of drum patterns are in {copy}; ")
    assert {"who/what/c0ffee/LICENSE", "who/what/c0ffee/1.mid"} <= set(files_below(copy))
    text = (copy / "LICENCES.md").read_text()
    assert text.endswith("\n## Open: CC BY 4.0\n\n- Patterns by Somebody\n")
    assert "who/what" not in (copy / "manifest.csv").read_text()
    assert run("kits", "--export", copy) == (0, out, "")  # nothing is left to do


def test_kits_are_exported_where_no_drum_pattern_is_at_hand(run, patterns, tmp_path):
    for path in patterns.iterdir():
        path.unlink()
    status, out, err = run("kits", "--export", tmp_path / "copy")
    assert status == 1 and out.startswith(f"24 files of 2 open kits are in {tmp_path / 'copy'}; ")
    assert err == "drumlesson: 3 files of drum patterns: not in the mirror\n"
    assert "Somebody" not in (tmp_path / "copy" / "LICENCES.md").read_text()


def test_a_drum_pattern_that_is_damaged_is_left_out(run, patterns, tmp_path):
    (patterns / "2.mid").write_text("3.mid")
    status, out, err = run("kits", "--export", tmp_path / "copy")
    assert status == 1 and "24 files of 2 open kits and 2 of drum patterns" in out
    assert err.startswith("drumlesson: 1 file of drum patterns: its checksum does not match")
    assert not (tmp_path / "copy" / "who" / "what" / "c0ffee" / "2.mid").exists()


def test_kits_are_not_exported_over_something_else(run, two_kits, folder):
    before = files_below(folder)
    status, out, err = run("kits", "--export", folder / "loft")
    assert (status, out, len(err.splitlines())) == (2, "", 1)
    assert "holds other things than a mirror" in err and files_below(folder) == before


def test_kits_with_a_bad_file(run, two_kits):
    (two_kits / "loft" / "kick" / "0.wav").write_bytes(b"something else")
    status, out, err = run("kits", "--quiet")
    assert status == 1 and "23 hits" in out
    assert err == (
        "drumlesson: loft/kick/0.wav: its checksum does not match: "
        "the file is not what the manifest describes\n"
    )


def test_kits_are_verified_though_decoded(run, two_kits):
    assert run("kits", "--quiet")[0] == 0
    (two_kits / "loft" / "kick" / "0.wav").write_bytes(b"something else")
    assert run("kits", "--quiet")[0] == 0  # the decoded sounds are in the cache
    status, _, err = run("kits", "--quiet", "--verify")
    assert status == 1 and "loft/kick/0.wav: its checksum" in err


def test_no_kits_at_hand(run):
    status, out, err = run("kits")
    assert (status, out) == (2, "") and "no open kit" in err and "DRUMLESSON_MIRROR" in err


def test_open_kits_are_the_default(run, two_kits, model_file):
    status, out, err = run("evaluate", model_file)
    assert (status, err) == (0, "") and out.startswith("24 hits of 2 kits")


def test_doctor_is_content(run, two_kits, cache):
    run("kits", "--quiet")
    status, out, err = run("doctor")
    assert (status, err) == (0, "") and out.endswith("all is well\n")
    for fact in (
        drumlesson.__version__,
        "keras backend",
        "libsndfile",
        "FLAC",
        str(cache),
        str(two_kits),
        "24 of 24",
        "24 hits",
        sys.version.split()[0],
    ):
        assert fact in out


def test_doctor_says_what_to_do_without_kits(run, cache):
    status, out, err = run("doctor")
    assert (status, err) == (1, "")
    assert re.search(r"^! no open kits: run `drumlesson kits`", out, re.M)
    assert not cache.exists()


def test_doctor_says_what_to_do_about_the_cache(run, cache):
    cache.write_text("a file stands where the folder should be")
    status, out, _ = run("doctor")
    assert status == 1 and re.search(r"^! .*cache.*DRUMLESSON_CACHE", out, re.M)


@pytest.mark.parametrize(
    "broken, message",
    [
        ("drumlesson.runtime.load", "shipped model: it is damaged: `pip install"),
        ("librosa.util.localmax", "compiled code: it is damaged: set NUMBA_CACHE_DIR"),
        ("keras.backend.backend", "keras backend: it is damaged: mend or unset KERAS_BACKEND"),
    ],
)
def test_doctor_tries_what_it_reports(run, monkeypatch, broken, message):
    def fail(*_):
        raise RuntimeError("it is\ndamaged")

    monkeypatch.setattr(broken, fail)
    status, out, err = run("doctor")
    assert (status, err) == (1, "") and f"! {message}" in out
    assert re.search(rf"^{message.partition(':')[0]} +fails$", out, re.M)


def test_doctor_names_what_is_missing(run, monkeypatch):
    import importlib.metadata as metadata

    real = metadata.version

    def version(name):
        if name == "soxr":
            raise metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(metadata, "version", version)
    status, out, _ = run("doctor")
    assert status == 1 and "! soxr is missing: install it with `pip install soxr`" in out


# -- as a process


MAIN = "import sys; from drumlesson.cli import main; sys.exit(main())"


def test_the_process_ends_cleanly(model_file, folder):
    """Status, streams and nothing else: no traceback, none of TensorFlow's messages."""
    (folder / "loft" / "kick" / "0.wav").write_text("no sound")
    command = [sys.executable, "-c", MAIN, "predict", model_file, folder]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1 and len(done.stdout.splitlines()) == 23
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("drumlesson: ") and "0.wav" in done.stderr


def test_the_module_can_be_run():
    """As `python -m drumlesson.cli`."""
    command = [sys.executable, "-m", "drumlesson.cli", "--version"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"drumlesson {drumlesson.__version__}\n"


@pytest.mark.skipif(os.name != "posix", reason="streams are closed by a shell of POSIX")
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed(closed, tmp_path):
    """Nothing that is opened later takes their place, and the command goes its way."""
    code = (
        "import os, sys\n"
        "from drumlesson.cli import main\n"
        "status = main(['nosuch'])\n"
        "taken = os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY)\n"
        "print('to nowhere'); print('as well', file=sys.stderr)\n"
        "sys.exit(0 if status == 2 and taken > 2 else 9)"
    )
    command = f'exec "$0" -c "$1" "$2" {closed}'
    file = tmp_path / "file"
    done = subprocess.run(["sh", "-c", command, sys.executable, code, file], capture_output=True)
    assert done.returncode == 0 and b"Traceback" not in done.stderr and file.read_text() == ""


def test_files_of_others_in_the_current_folder_are_no_libraries(run, tmp_path, monkeypatch):
    for module in ("random", "json", "numpy", "tqdm", "rich"):
        (tmp_path / f"{module}.py").write_text("raise SystemExit('not this one')")
    monkeypatch.chdir(tmp_path)
    command = [sys.executable, "-m", "drumlesson.cli", "--version"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    monkeypatch.setattr(sys, "path", [*sys.path])
    assert run("train", *FEW, "--out", "m.keras", "--family", "nosuch:one")[0] == 2
    assert sys.path[-1] == os.getcwd()


def test_the_entry_point():
    from importlib.metadata import entry_points

    if not entry_points(group="console_scripts", name="drumlesson"):
        pytest.skip("the package is on the path, but not installed")
    (entry,) = entry_points(group="console_scripts", name="drumlesson")
    assert entry.load() is main


@pytest.mark.parametrize("words", ["doctor", "--help", "--version", "predict --help"])
def test_a_reader_that_stops_early_is_no_error(words):
    """`drumlesson doctor | head -1`."""
    with subprocess.Popen(
        [sys.executable, "-c", MAIN, *words.split()],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == "" and process.wait() == 0


def test_a_table_of_a_spreadsheet_with_commas_is_shown_as_json(run, folder, tmp_path):
    table, lines = tmp_path / "labels.csv", tmp_path / "labels.json"
    assert run("predict", folder, "--csv", table)[0] == 0
    rows = re.sub(r",0\.(\d+)", r";0,\1", table.read_text())
    table.write_text(re.sub(r",(?!\d+;)", ";", rows))
    status, _, err = run("predict", folder, "--csv", table, "--json", lines)
    shown = [json.loads(line) for line in lines.read_text().splitlines()]
    assert status == 0 and len(shown) == 24, err
    assert all(0 < row["probability"] <= 1 for row in shown)


# -- what is kept in a file does not hang on who reads the terminal


@pytest.mark.skipif(os.name != "posix", reason="a pipe of a shell")
def test_a_table_is_whole_though_its_reader_has_seen_enough(tmp_path):
    for number in range(30):
        write_sound(tmp_path / "in" / f"{number:02}.wav", noise_hit(random_state=number))
    command = '"$0" -m drumlesson.cli predict in --csv out.csv --json out.json | head -n 1'
    done = subprocess.run(["sh", "-c", command, sys.executable], cwd=tmp_path, capture_output=True)
    assert len(done.stdout.splitlines()) == 1 and done.stderr == b""
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 31
    assert len((tmp_path / "out.json").read_text().splitlines()) == 30


@pytest.mark.skipif(os.name != "posix", reason="a pipe of a shell")
@pytest.mark.parametrize("ending", ["| true", "2>&1 | true"])
@pytest.mark.parametrize(
    "words, lines",
    [
        ("predict . --csv out.csv", 7),
        ("evaluate --data . --json out.csv", 10),
        ("audit . --labels folders --csv out.csv", 7),
    ],
    ids=["predict", "evaluate", "audit"],
)
def test_a_file_is_written_though_nobody_reads(tmp_path, words, lines, ending):
    (tmp_path / "broken.wav").write_text("no sound")  # comes first, and is told
    for label in ("kick", "snare"):
        for number in range(3):
            write_sound(tmp_path / "kit" / label / f"{number}.wav", synth_kit(number).hit(label))
    command = f'"$0" -m drumlesson.cli {words} {ending}'
    subprocess.run(["sh", "-c", command, sys.executable], cwd=tmp_path, capture_output=True)
    assert len((tmp_path / "out.csv").read_text().splitlines()) >= lines


WORKING = ["predict", "sort --into out", "transcribe", "slice --into out"]


@pytest.mark.parametrize("command", WORKING)
def test_where_nothing_is_there_nothing_can_be_done(run, tmp_path, monkeypatch, command):
    """A script that looks at the status would go on for ever."""
    monkeypatch.chdir(tmp_path)
    status, out, err = run(*command.split(), "inbox")
    assert (status, out) == (2, "") and "inbox: there is no such file or folder" in err
    status, _, err = run(*command.split(), "inbox", "outbox")
    assert status == 2 and "inbox, outbox: there are no such files or folders" in err
    assert files_below(tmp_path) == []


@pytest.mark.parametrize(
    "command",
    [
        ["predict", "none", "--csv", "new/x.csv", "--json", "new/x.json"],
        ["audit", "none", "--csv", "new/x.csv"],
        ["evaluate", "none.onnx", "--json", "new/x.json"],
        ["transcribe", "none.wav", "--midi", "new/x.mid", "--csv", "newer/x.csv"],
        ["listen", "--file", "none.wav", "--csv", "new/x.csv"],
        ["train", "--data", "none", "--out", "new/er/x.keras"],
        ["export", "none.keras", "new/x.onnx"],
    ],
    ids=words_of,
)
def test_no_folder_is_left_for_what_was_not_written(tmp_path, monkeypatch, run, command):
    monkeypatch.chdir(tmp_path)
    status, out, err = run(*command)
    assert (status, out) == (2, "") and "there is no such" in err
    assert not list(tmp_path.glob("new*"))


def test_the_folder_of_a_table_is_made(tmp_path, monkeypatch, run):
    monkeypatch.chdir(tmp_path)
    write_sound(tmp_path / "kick.wav")
    assert run("predict", "kick.wav", "--csv", "a/b/x.csv", "--json", "c/d/x.json")[0] == 0
    assert run("audit", ".", "--csv", "e/f/x.csv")[0] == 0
    assert [path.parent.name for path in sorted(tmp_path.rglob("x.*"))] == ["b", "d", "f"]


def test_a_check_of_the_evidence_that_is_not_there_is_told_at_once(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, _, err = run("evidence", "--quick", "audit", "--folder", "nowhere")
    assert status == 2 and "nowhere: holds no runs of the study audit" in err


@pytest.mark.usefixtures("same_folder")
def test_what_was_put_aside_is_one_line_and_no_failure(run, tmp_path):
    """`sort` and `slice` make such folders, of hundreds of files."""
    kit = synth_kit(3)
    for label in ("kick", "snare"):
        for number in range(3):
            write_sound(tmp_path / "mine" / label / f"{number}.wav", kit.hit(label))
    for aside in ("unsure", "not a drum I know", "several", "other"):
        write_sound(tmp_path / "mine" / aside / "a.wav", noise_hit())
    status, out, err = run("evaluate", "--data", tmp_path / "mine")
    assert status == 0 and "6 hits" in out
    wanted = "left out: 1 in 'not a drum I know', 1 in 'other', 1 in 'several', 1 in 'unsure'"
    assert [line for line in err.splitlines() if "left out" in line] == [f"drumlesson: {wanted}"]
    write_sound(tmp_path / "mine" / "loops" / "a.wav", noise_hit())
    (tmp_path / "mine" / "other" / "kick").mkdir()
    (tmp_path / "mine" / "kick" / "broken.wav").write_text("no sound")
    status, _, err = run("evaluate", "--data", tmp_path / "mine")
    assert "kick/broken.wav: cannot be read" in err
    assert status == 1 and "loops/a.wav: lies in no folder named after a class" in err

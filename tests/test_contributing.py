"""The worked changes of CONTRIBUTING.md: applied to a copy, exported, and trained with."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parent.parent
GUIDE = (TOP / "CONTRIBUTING.md").read_text(encoding="utf-8")
COPIED = ["nbs", "drumlesson", "settings.ini", "_quarto.yml", "ruff.toml"]

# What is done with each once it is applied, in the copy: words for Python.
TRAIN = ["-m", "drumlesson.cli", "train", "--kits", "4", "--hits", "1", "--epochs", "1"]
USES = {
    "A family": [*TRAIN, "--data", "synth", "--family", "average", "--out", "m.keras"],
    "A task": [*TRAIN, "--data", "synth", "--task", "focal", "--out", "m.keras"],
    "A feature": [*TRAIN, "--data", "synth", "--feature", "crossings", "--out", "m.keras"],
    "An augmentation": [*TRAIN, "--data", "synth", "--augment", "polarity", "--out", "m.keras"],
    "A source of drums": [*TRAIN, "--data", "tones", "--out", "m.keras"],
    "A lesson": ["-m", "drumlesson.dev.notebooks", "run", "nbs/12_two_kits.ipynb"],
}


def worked_changes():
    """{heading: diff} of the guide."""
    return dict(re.findall(r"^### (.+?)\n.*?^```diff\n(.*?)^```", GUIDE, re.S | re.M))


def added_pages(diff):
    """The notebooks that a change adds."""
    return re.findall(r"^\+\+\+ b/(nbs/\S+\.ipynb)$", diff, re.M)


@pytest.fixture
def run(tmp_path):
    """Runs Python in a copy of the project."""
    for part in COPIED:
        if (TOP / part).is_dir():
            leave = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
            shutil.copytree(TOP / part, tmp_path / part, ignore=leave)
        else:
            shutil.copy(TOP / part, tmp_path)

    def python(*words):
        environment = os.environ | {"PYTHONPATH": str(tmp_path)}
        command = [sys.executable, *words]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return python


def test_there_is_one_for_each_kind_of_addition():
    assert list(worked_changes()) == list(USES)


@pytest.mark.parametrize("heading", USES)
def test_a_worked_change(heading, run, tmp_path):
    diff = worked_changes()[heading]
    subprocess.run(["git", "apply", "-"], cwd=tmp_path, input=diff, text=True, check=True)
    run("-m", "drumlesson.dev.notebooks", "export")
    for page in added_pages(diff):
        is_new = (tmp_path / page).is_file() and "registry" not in page
        if is_new and page not in USES[heading]:
            run("-m", "drumlesson.dev.notebooks", "run", page)
    run(*USES[heading])
    assert heading == "A lesson" or (tmp_path / "m.keras").is_file()

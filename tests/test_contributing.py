"""The worked changes of CONTRIBUTING.md: applied to one copy, exported, and trained with."""

import json
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

# What is done with each once it is applied, in the copy: words for `drumlesson train`.
LITTLE = ["--kits", "4", "--hits", "1", "--epochs", "1"]
TRAINED = {
    "A family": ["--data", "synth", "--family", "average"],
    "A task": ["--data", "synth", "--task", "focal"],
    "A feature": ["--data", "synth", "--feature", "crossings"],
    "An augmentation": ["--data", "synth", "--augment", "polarity"],
    "A source of drums": ["--data", "tones"],
}
ONE_BY_ONE = """
import json, sys
from drumlesson.cli import main
for words in json.loads(sys.argv[1]):
    if main(["train", *words]):
        sys.exit(f"not trained: {' '.join(words)}")
"""


def worked_changes():
    """{heading: diff} of the guide."""
    return dict(re.findall(r"^### (.+?)\n.*?^```diff\n(.*?)^```", GUIDE, re.S | re.M))


def added_pages(diff):
    """The notebooks that a change adds."""
    return re.findall(r"^--- /dev/null\n\+\+\+ b/(nbs/\S+\.ipynb)$", diff, re.M)


def model_of(heading):
    """The file of the model that a change is trained with."""
    return heading.replace(" ", "_") + ".keras"


@pytest.fixture(scope="module")
def changed(tmp_path_factory):
    """A copy of the project with all the changes, applied one after the other and exported."""
    folder = tmp_path_factory.mktemp("changed")
    for part in COPIED:
        if (TOP / part).is_dir():
            leave = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
            shutil.copytree(TOP / part, folder / part, ignore=leave)
        else:
            shutil.copy(TOP / part, folder)
    for flags in (["--check"], []):  # each fits alone, and beside the others
        for diff in worked_changes().values():
            apply = ["git", "apply", *flags, "-"]
            subprocess.run(apply, cwd=folder, input=diff, text=True, check=True)
    python(folder, "-m", "drumlesson.dev.notebooks", "export")
    return folder


def python(folder, *words):
    """Runs Python in a copy of the project."""
    environment = os.environ | {"PYTHONPATH": str(folder)}
    command = [sys.executable, *words]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_there_is_one_for_each_kind_of_addition():
    assert list(worked_changes()) == [*TRAINED, "A lesson"]


def test_each_page_that_is_added_runs(changed):
    pages = [page for diff in worked_changes().values() for page in added_pages(diff)]
    assert len(pages) == len(worked_changes())
    python(changed, "-m", "drumlesson.dev.notebooks", "run", *pages)


def test_each_addition_is_trained_with(changed):
    """All in one process, which imports TensorFlow once."""
    words = [[*words, *LITTLE, "--out", model_of(heading)] for heading, words in TRAINED.items()]
    python(changed, "-c", ONE_BY_ONE, json.dumps(words))
    missing = [heading for heading in TRAINED if not (changed / model_of(heading)).is_file()]
    assert missing == []

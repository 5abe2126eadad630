"""settings.ini, constraints.txt and what `import drumlesson` loads."""

import re
import subprocess
import sys
from configparser import ConfigParser
from importlib.metadata import requires, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

TOP = Path(__file__).resolve().parent.parent
INI = ConfigParser(delimiters=["="], interpolation=None)
INI.read(TOP / "settings.ini", encoding="utf-8")
CFG = INI["DEFAULT"]
PINS = [
    Requirement(line)
    for line in (TOP / "constraints.txt").read_text().splitlines()
    if not line.startswith("#")
]
HEAVY = {"tensorflow", "keras", "numba", "matplotlib"}


def test_every_constraint_is_one_exact_version():
    assert all(re.fullmatch(r"==[0-9][\w.]*", str(pin.specifier)) for pin in PINS)
    names = [canonicalize_name(pin.name) for pin in PINS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("key", ["requirements", "dev_requirements"])
def test_constraints_meet_the_requirements(key):
    pins = {canonicalize_name(pin.name): str(pin.specifier).removeprefix("==") for pin in PINS}
    for text in CFG[key].split():
        need = Requirement(text)
        assert canonicalize_name(need.name) in pins, (
            f"{need.name} has no exact version in constraints.txt"
        )
        assert pins[canonicalize_name(need.name)] in need.specifier, (
            f"constraints.txt does not meet {text}"
        )


def test_what_is_installed_is_what_constraints_say():
    """Everything that the package pulls in here is pinned, and installed as pinned."""
    pins = {canonicalize_name(pin.name): pin for pin in PINS}
    todo, seen = [("drumlesson", frozenset({"dev"}))], set()
    while todo:
        name, extras = todo.pop()
        for need in map(Requirement, requires(name) or []):
            if need.marker and not any(
                need.marker.evaluate({"extra": extra}) for extra in extras | {""}
            ):
                continue
            key = canonicalize_name(need.name)
            assert key in pins, (
                f"{name} needs {need.name}, which has no exact version in constraints.txt"
            )
            assert version(key) in pins[key].specifier, (
                f"{key} {version(key)} is installed, not {pins[key].specifier}"
            )
            if (key, frozenset(need.extras)) not in seen:
                seen.add((key, frozenset(need.extras)))
                todo.append((key, frozenset(need.extras)))


def test_versions_agree():
    import drumlesson

    assert drumlesson.__version__ == CFG["version"] == version("drumlesson")


def test_import_is_light():
    """`-X importtime` lists every module that an import loads; times are not asserted."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "import drumlesson"],
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = {
        line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()
    }
    assert "drumlesson" in loaded and not loaded & HEAVY


def test_the_command_is_installed():
    done = subprocess.run(
        [sys.executable, "-m", "pip", "show", "--files", "drumlesson"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.search(r"bin/drumlesson|Scripts.drumlesson", done.stdout)


def test_the_wheel_carries_the_shipped_model_its_card_and_the_manifest_and_no_workshop(tmp_path):
    """Built from a copy, since a build leaves folders behind."""
    import shutil
    import zipfile

    copy = shutil.copytree(
        TOP,
        tmp_path / "copy",
        ignore=shutil.ignore_patterns(
            ".git", ".venv", "nbs", "_docs", "_proc", "build", "*.egg-info", "tests"
        ),
    )
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "-q",
            "--no-deps",
            "--no-build-isolation",
            "--no-index",
            "-w",
            tmp_path,
            copy,
        ],
        check=True,
        capture_output=True,
    )
    names = zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist()
    data = ("best.onnx", "best.md", "manifest.csv", "licences.csv", "grooves.csv")
    assert {"drumlesson/py.typed", *(f"drumlesson/data/{name}" for name in data)} <= set(names)
    assert not [name for name in names if name.startswith("drumlesson/dev")]

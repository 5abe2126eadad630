"""The house: who may import whom. A newcomer should know a room from its name, and its floor."""

import ast
import re
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import drumlesson
from drumlesson.dev import reference

TOP = Path(__file__).resolve().parent.parent
PACKAGE = TOP / "drumlesson"

# From the ground up. A room imports from its own floor and from those below, nothing else.
ORDER = ("ground", "library", "course", "use", "workshop")
FLOORS = reference.FLOORS | {"workshop": ("dev",)}
FLOOR_OF = {"contrib": "library"}  # what others add, see CONTRIBUTING.md
for floor, rooms in FLOORS.items():
    FLOOR_OF |= dict.fromkeys(rooms, floor)


def modules(package):
    """Every module of a package by its dotted name, the package's own name left out."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        if parts[-1] not in ("__init__", "_modidx"):
            found[".".join(parts)] = path
    return found


def imported(path, package):
    """The modules of the package that a module imports, at its top or in its functions."""
    here = path.relative_to(package.parent).with_suffix("").parts
    known = modules(package)
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            start = ".".join(here[: len(here) - node.level]) + "." if node.level else ""
            base = (start + (node.module or "")).strip(".")
            names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        else:
            continue
        inside = [n.removeprefix(f"{package.name}.") for n in names if n.startswith(package.name)]
        found.update(n for n in inside if n in known)
    return found - {".".join(here[1:])}


def arrows(package):
    """{module: the modules of the package that it imports}."""
    return {name: imported(path, package) for name, path in modules(package).items()}


def departures(graph):
    """What is wrong with the arrows of a house, a line each."""
    found = []
    for module, targets in graph.items():
        floor = ORDER.index(FLOOR_OF[module.partition(".")[0]])
        for target in sorted(targets):
            other = FLOOR_OF[target.partition(".")[0]]
            if ORDER.index(other) > floor:
                found.append(f"{module} imports {target}, which is above it, on the floor {other}")
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as e:
        found.append(f"a circle: {' <- '.join(e.args[1])}")
    return found


def test_every_room_has_its_floor():
    rooms = {name.partition(".")[0] for name in modules(PACKAGE)}
    assert rooms == set(FLOOR_OF) - {"contrib"}


def test_nobody_imports_upward_or_in_circles():
    assert departures(arrows(PACKAGE)) == []


def house(folder, **rooms):
    """A made-up package, with the text of its modules."""
    package = folder / "drumlesson"
    for name, text in {"__init__": "", **rooms}.items():
        path = package / f"{name.replace('__', '/') if name != '__init__' else name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return package


@pytest.mark.parametrize(
    "rooms, what",
    [
        ({"audio": "from .drums import Drums", "drums": ""}, "which is above it"),
        ({"audio": "def f():\n    from drumlesson import drums", "drums": ""}, "above"),
        ({"drums": "import drumlesson.course.panels", "course__panels": ""}, "floor course"),
        ({"families__dense": "from ..dev.notebooks import run", "dev__notebooks": ""}, "workshop"),
        ({"audio": "from .labels import x", "labels": "from .audio import y"}, "a circle"),
    ],
)
def test_a_wrong_arrow_is_seen(tmp_path, rooms, what):
    found = departures(arrows(house(tmp_path, **rooms)))
    assert len(found) == 1 and what in found[0]


def test_arrows_down_are_fine(tmp_path):
    package = house(
        tmp_path, audio="import numpy", drums="from .audio import x", cli="from .drums import y"
    )
    assert arrows(package) == {"audio": set(), "drums": {"audio"}, "cli": {"drums"}}
    assert departures(arrows(package)) == []


# -- every shipped module stands on its declared extra

# What the plain installation does not bring, but the extras of these names do.
TRAIN = ["tensorflow", "keras", "librosa", "numba", "sklearn", "pandas", "matplotlib", "joblib"]
TRAIN += ["requests", "platformdirs", "filelock", "onnx", "tf2onnx", "tabulate"]
COURSE = ["ipywidgets", "IPython", "jupyterlab"]
DEV = ["nbdev", "nbformat", "nbclient", "nbconvert", "numpydoc", "pytest", "fastcore"]
DEV += ["distributed"]
SHIPPED = [name for name in modules(PACKAGE) if not name.startswith("dev.")]
TO_TRAIN = {"benchmark", "classifier", "datasets", "drums", "evaluation", "grooves"}
TO_TRAIN |= {"outside", "recipes", "rendering", "training"}
TO_LEARN = {f"course.{room}" for room in ("own", "results", "runner", "studies", "verdicts")}
TO_TRAIN |= {"groove_recipe"}
TO_LEARN |= {"course.groovestudy"}
PLAIN = [name for name in SHIPPED if name not in TO_TRAIN | TO_LEARN]


def without(missing, code, folder=None):
    """Runs code where some packages cannot be imported, as if they were not installed."""
    block = f"import sys\nsys.modules |= dict.fromkeys({missing!r})\n"
    return subprocess.run(
        [sys.executable, "-c", block + code], capture_output=True, text=True, cwd=folder
    )


@pytest.mark.parametrize(
    ("rooms", "missing"),
    [(PLAIN, TRAIN + COURSE + DEV), (SHIPPED, COURSE + DEV)],
    ids=["plain", "train"],
)
def test_every_shipped_module_imports_with_what_its_extra_brings(rooms, missing):
    done = without(missing, "\n".join(f"import drumlesson.{name}" for name in rooms))
    assert done.returncode == 0, done.stderr


def test_the_plain_installation_labels_and_loads_nothing_heavy(tmp_path):
    """The lines of the README, and what they have loaded at the end."""
    code = """
import numpy
import soundfile
from drumlesson.cli import main
from drumlesson.synth import synth_kit
for label in ("kick", "hihat"):
    soundfile.write(f"{label}.wav", synth_kit(19).hit(label), 22050)

from drumlesson import load
model = load()
print(model.predict(["kick.wav", "hihat.wav"]).tolist())
assert main(["predict", ".", "--csv", "labels.csv"]) == 0
assert main(["sort", ".", "--into", "sorted", "--csv", "labels.csv", "--yes"]) == 0
assert main(["undo", "sorted"]) == 0

beat = numpy.zeros(66150)
for i in range(8):
    hit = synth_kit(19).hit("hihat" if i % 2 else "kick")[:7000]
    beat[2205 + 7500 * i :][: len(hit)] += hit
soundfile.write("beat.wav", beat, 22050)
from drumlesson import transcribe
assert len(transcribe("beat.wav")) > 4
assert main(["transcribe", "beat.wav", "--midi", "beat.mid", "--csv", "beat.csv"]) == 0
assert main(["slice", "beat.wav", "--into", "hits"]) == 0
"""
    code += "print([name for name in sys.modules if name.partition('.')[0] in HEAVY])"
    done = without(TRAIN + COURSE + DEV, f"HEAVY = {TRAIN!r}\n" + code, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("['kick', 'hihat']")
    for name in TRAIN:
        assert f"'{name}." not in done.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    "code",
    [
        "from drumlesson import DrumClassifier",
        "import drumlesson\ndrumlesson.load_drums('synth')",
        "import drumlesson\ndrumlesson.load('tests/data/best.keras')",
        "from drumlesson.features import LogMel\nLogMel(n_mels=1).invert([[[0.0]]], 100)",
    ],
    ids=["train", "drums", "keras file", "sound of a picture"],
)
def test_what_learning_needs_is_said_in_one_line(code):
    last = without(TRAIN + COURSE + DEV, code, TOP).stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: ") and 'pip install "drumlesson[train]"' in last


@pytest.mark.parametrize("command", ["kits", "train --out a.keras", "evaluate", "evidence"])
def test_a_command_that_needs_an_extra_says_which(command):
    code = f"from drumlesson.cli import main\nsys.exit(main({command.split()!r}))"
    done = without(TRAIN + COURSE + DEV, code)
    assert done.returncode == 2 and done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("drumlesson: ") and 'pip install "drumlesson[train]"' in line


@pytest.mark.parametrize(
    "code",
    [
        "from drumlesson.course.panels import attack_explorer\n"
        "from drumlesson import load_drums\n"
        "attack_explorer(load_drums('synth', n_kits=1, hits=1)[0])",
        "from drumlesson.course.exercises import solution\nsolution('00-split')",
    ],
    ids=["panel", "solution"],
)
def test_what_needs_an_extra_says_which(code):
    last = without(COURSE + DEV, code).stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: ") and 'pip install "drumlesson[course]"' in last


@pytest.mark.parametrize(
    "missing, names",
    [
        (TRAIN + COURSE + DEV, {"load", "listen", "load_audio", "transcribe"}),
        ([], {"load", "listen", "load_audio", "transcribe", "DrumClassifier", "Drums"}),
    ],
    ids=["plain", "whole"],
)
def test_the_package_offers_what_can_be_used(tmp_path, missing, names):
    """`import *`, `help` and completion meet no name that fails."""
    code = (
        "import inspect, pydoc, drumlesson\n"
        "from drumlesson import *\n"
        "inspect.getmembers(drumlesson), pydoc.render_doc(drumlesson)\n"
        "assert set(drumlesson.__all__) <= set(dir(drumlesson)) & set(globals())\n"
        "print(*drumlesson.__all__)\n"
    )
    done = without(missing, code, tmp_path)
    assert done.returncode == 0, done.stderr
    assert names <= set(done.stdout.split())
    assert ("load_drums" in done.stdout) == (not missing)


def test_editors_know_the_same_names():
    """What is imported for them alone is what is looked up when it is used."""
    text = (PACKAGE / "__init__.py").read_text(encoding="utf-8")
    told = re.findall(r"^    from \.(\w+) import (\w+) as \2$", text, re.M)
    assert {name: room for room, name in told} == drumlesson._HOME

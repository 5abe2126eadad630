"""The form of the code: what ruff and mypy say, and the rules that they do not know.

The limits are those of well-kept libraries of the field (fastcore, librosa, mir_eval, Keras): their
densest statements, the 99th percentile, hold 21 to 25 expression nodes.
"""

import ast
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from drumlesson.dev import notebooks

TOP = Path(__file__).resolve().parent.parent
PACKAGE = sorted(p for p in (TOP / "drumlesson").rglob("*.py") if p.name != "_modidx.py")
TESTS = sorted(p for p in (TOP / "tests").rglob("*.py") if "node_modules" not in p.parts)
NOTEBOOKS = notebooks.notebooks(TOP)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def name(path):
    return path.relative_to(TOP).as_posix()


def code_of(path):
    """The Python of a module, or of a notebook: its cells in a row, without lines of IPython."""
    if path.suffix == ".py":
        return path.read_text(encoding="utf-8")
    cells = [cell.source for cell in notebooks.read(path).cells if cell.cell_type == "code"]
    return re.sub(r"^(\s*)[!%].*$", r"\1pass", "\n\n".join(cells), flags=re.M)


# -- the rules


def inner(node, kinds):
    """The nodes of some kinds below a node."""
    return [below for below in ast.walk(node) if below is not node and isinstance(below, kinds)]


def targets(node):
    """How many names an assignment gives at once."""
    return sum(len(getattr(target, "elts", [target])) for target in node.targets)


def nested_comprehension(node):
    return isinstance(node, COMPREHENSIONS) and inner(node, COMPREHENSIONS)


def comprehension_for_its_effect(node):
    return isinstance(node, ast.Expr) and isinstance(node.value, COMPREHENSIONS)


def many_targets(node):
    return isinstance(node, ast.Assign) and targets(node) > 3


def named_lambda(node):
    if not isinstance(node, ast.Assign):
        return False
    values = getattr(node.value, "elts", [node.value])
    return any(isinstance(value, ast.Lambda) for value in values)


def nested_choice(node):
    parts = (node.test, node.body, node.orelse) if isinstance(node, ast.IfExp) else ()
    return any(isinstance(part, ast.IfExp) for part in parts)


RULES = {
    "a comprehension inside a comprehension": nested_comprehension,
    "a comprehension for its side effects": comprehension_for_its_effect,
    "more than three targets in one assignment": many_targets,
    "a lambda with a name": named_lambda,
    "an if-else expression inside another": nested_choice,
}


def departures(code):
    """Where code does not keep the rules: a line each."""
    nodes = list(ast.walk(ast.parse(code)))
    found = []
    for what, breaks in RULES.items():
        found += [f"line {node.lineno}: {what}" for node in nodes if breaks(node)]
    return found


@pytest.mark.parametrize("path", [*PACKAGE, *TESTS, *NOTEBOOKS], ids=name)
def test_rules(path):
    assert departures(code_of(path)) == []


@pytest.mark.parametrize(
    "code, what",
    [
        ("[[x for x in y] for y in z]", "inside a comprehension"),
        ("{k: [x for x in v] for k, v in z}", "inside a comprehension"),
        ("[print(x) for x in y]", "side effects"),
        ("a, b, c, d = z", "three targets"),
        ("a = b = c = d = z", "three targets"),
        ("f = lambda x: x", "lambda"),
        ("f, g = lambda x: x, 2", "lambda"),
        ("1 if a else 2 if b else 3", "inside another"),
    ],
)
def test_a_departure_is_seen(code, what):
    assert len(departures(code)) >= 1 and what in departures(code)[0]


def test_plain_code_departs_from_nothing():
    assert departures("a, b, c = [x for x in y]\nsorted(z, key=lambda x: 1 if x else 2)") == []


# -- density


def expressions(statement):
    """How many expression nodes a statement holds, those of the statements inside it aside."""
    count, left = 0, list(ast.iter_child_nodes(statement))
    while left:
        node = left.pop()
        if isinstance(node, (ast.stmt, ast.ExceptHandler)):
            continue
        count += isinstance(node, ast.expr)
        left.extend(ast.iter_child_nodes(node))
    return count


def densities(paths):
    """The expression nodes of each statement of some modules."""
    found = []
    for path in paths:
        for node in ast.walk(ast.parse(code_of(path))):
            if isinstance(node, ast.stmt) and not isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                found.append(expressions(node))
    return found


@pytest.mark.parametrize("paths, limit", [(PACKAGE, 25), (TESTS, 28)], ids=["package", "tests"])
def test_statements_are_not_dense(paths, limit):
    assert np.percentile(densities(paths), 99) <= limit


def test_density_counts_what_a_line_break_does_not_hide(tmp_path):
    module = tmp_path / "dense.py"
    module.write_text("x = f(\n    a + b,\n    c,\n)\n")
    assert densities([module]) == [7]


# -- ruff and mypy


def run(*command):
    done = subprocess.run([sys.executable, "-m", *command], cwd=TOP, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def test_ruff_check():
    assert run("ruff", "check", "drumlesson", "tests", "nbs", "setup.py")[0] == 0


def test_the_readme_imports_what_it_uses(tmp_path):
    """A hidden cell may import for the notebook; whoever pastes from the README has none."""
    text = (TOP / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    pasted = tmp_path / "pasted.py"
    pasted.write_text("\n".join(blocks), encoding="utf-8")
    status, told = run("ruff", "check", "--isolated", "--select", "F821", str(pasted))
    assert len(blocks) > 5 and status == 0, told


def test_ruff_format():
    status, output = run("ruff", "format", "--check", "drumlesson", "tests", "nbs", "setup.py")
    assert status == 0, output


def test_mypy():
    """The package, and what a project of another's says with it."""
    files = ("drumlesson", "tests/data/typed.py")
    status, output = run("mypy", "--cache-dir", "/dev/null", *files)
    assert status == 0, output

"""The learner's machine, with its interrupts, without a network, with wrong answers.

Training that is interrupted, no network, lessons out of order, no wall of warnings, every exercise
in its place.
"""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import files_below
from IPython.core.inputtransformer2 import TransformerManager
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell

from drumlesson.dev import notebooks as nb

TOP = Path(__file__).resolve().parent.parent
NBS = TOP / "nbs"
LESSONS = [p for p in nb.notebooks(TOP) if nb.is_lesson(p)]
QUICK = ("00_drums", "08_lessons_learned")  # those that are run here, exercises and all


def name(path):
    """A notebook's path in the folder of notebooks, for the name of its test."""
    return path.relative_to(NBS).as_posix()


# -- interrupted training


# At each stage of a fit: tests/test_training.py; in the host's process: tests/test_contract.py.


class Kernel:
    """A kernel as JupyterLab has it, with its stop button."""

    def __init__(self, folder):
        from jupyter_client.manager import start_new_kernel

        env = {**os.environ, "DRUMLESSON_MIRROR": "off"}
        self.manager, self.client = start_new_kernel(
            kernel_name="python3", cwd=str(folder), env=env
        )

    def close(self):
        """Ends the kernel."""
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)

    def wait_for_go(self, ident):
        """Waits until the code of a request has printed `go`."""
        printed = ""
        while "go" not in printed:
            message = self.client.get_iopub_msg(timeout=60)
            if message["parent_header"].get("msg_id") == ident:
                printed += message["content"].get("text", "")

    def reply_to(self, ident):
        """The reply to a request."""
        while True:
            reply = self.client.get_shell_msg(timeout=60)
            if reply["parent_header"].get("msg_id") == ident:
                return reply["content"]

    def run(self, code, stop_after=None):
        """The reply to `code`; with `stop_after`, stopped so many seconds after it printed `go`."""
        ident = self.client.execute(code)
        if stop_after is not None:
            self.wait_for_go(ident)
            time.sleep(stop_after)
            self.manager.interrupt_kernel()
        reply = self.reply_to(ident)
        came_too_soon = reply["status"] == "aborted"  # after an error
        return self.run(code, stop_after) if came_too_soon else reply

    def fine(self, code):
        """Runs code in which nothing goes wrong."""
        reply = self.run(code)
        assert reply["status"] == "ok", "\n".join(reply.get("traceback", []))

    def stopped(self, code, after):
        """Runs code and stops it; returns the seconds from the button to the reply."""
        start = time.perf_counter()
        reply = self.run(f"print('go', flush=True)\n{code}", after)
        assert reply.get("ename") == "KeyboardInterrupt", reply
        return time.perf_counter() - start - after


@pytest.fixture
def kernel(tmp_path):
    """A kernel with drums and settings at hand."""
    kernel = Kernel(tmp_path)
    try:
        kernel.fine(BEGIN)
        yield kernel
    finally:
        kernel.close()


BEGIN = """
from pathlib import Path
import numpy as np
from drumlesson.backend import own_process
own_process()
from drumlesson import DrumClassifier, load
from drumlesson.drums import load_drums
toys = load_drums("synth", n_kits=8, hits=2, random_state=1)
forever = dict(epochs=10**6, patience=10**6)
tiny = dict(epochs=3, patience=15)
model = DrumClassifier(refit=False, random_state=5, **forever)
"""
SAVE = """
assert vars(model) == model.get_params()
model.set_params(**tiny).fit(toys)
model.save("drums.keras")
before = model.predict_proba(toys)
there = Path("drums.keras").read_bytes()
"""
AS_BEFORE = """
assert (model.predict_proba(toys) == before).all()
assert Path("drums.keras").read_bytes() == there
"""
WHOLE = """
assert [p.name for p in Path(".").iterdir()] == ["drums.keras"]
assert np.allclose(load("drums.keras").predict_proba(toys), before, atol=1e-5)
"""


def test_the_stop_button(kernel):
    """It sends the kernel a SIGINT.

    While TensorFlow loads, in a first fit, in a second one, and while a model is saved anew.
    """
    # The first fit in a kernel begins with the import of TensorFlow, which takes seconds.
    kernel.stopped("model.fit(toys)", 0.7)
    kernel.fine("model.set_params(**tiny).fit(toys)")
    kernel.fine("model = DrumClassifier(refit=False, random_state=5, **forever)")
    first = kernel.stopped("model.fit(toys)", 2)
    kernel.fine(SAVE)
    second = kernel.stopped("model.set_params(**forever, augment='waves').fit(toys)", 2)
    kernel.fine(AS_BEFORE)
    kernel.stopped("while True: model.save('drums.keras')", 1)
    kernel.fine(WHOLE)
    kernel.fine("assert model.set_params(**tiny).fit(toys).score(toys) > 0.3")
    print(f"the stop button took at most {max(first, second):.1f} s")


# -- a lesson on the learner's machine


# A sitecustomize that notes which hosts are asked for, and reaches none but this machine.
OFFLINE = """
import os
import socket

def _refuse(address):
    with open(os.environ["LEARNER_ASKED"], "a") as f:
        f.write(f"{address}\\n")
    raise OSError(101, "Network is unreachable")

_HERE = ("127.0.0.1", "::1", "localhost")

def _only_here(function):
    def call(self, address, *rest):
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in _HERE:
            _refuse(address)
        return function(self, address, *rest)
    return call

for _name in ("connect", "connect_ex", "sendto"):
    setattr(socket.socket, _name, _only_here(getattr(socket.socket, _name)))
_resolve = socket.getaddrinfo

def _getaddrinfo(host, *rest, **kw):
    if host not in (None, "", *_HERE, socket.gethostname()):
        _refuse(host)
    return _resolve(host, *rest, **kw)

socket.getaddrinfo = _getaddrinfo
"""


def offline(folder):
    """The environment of somebody without a network, recorded kits or anything in the cache."""
    (folder / "offline").mkdir()
    (folder / "offline" / "sitecustomize.py").write_text(OFFLINE)
    (folder / "asked").touch()
    path = [str(folder / "offline"), os.environ.get("PYTHONPATH")]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, path)),
        "LEARNER_ASKED": str(folder / "asked"),
        "DRUMLESSON_CACHE": str(folder / "cache"),
        "DRUMLESSON_MIRROR": "off",
    }


CHECKED = re.compile(r'^check\("([\w-]+)", (my_\w+)\)', re.M)

# The wrong answers as the page of a lesson's checks has them, and the right one as the learner
# reads it: the code of the folded solution, pasted.
HELPERS = """
import ast as _ast
import importlib as _importlib
import json as _json
from drumlesson.course import exercises as _exercises
_number, _sources = %r, _json.loads(%r)
_wrong = {}
_exercises.right = lambda name, *answers: None
_exercises.wrong = lambda name, *answers, told="": _wrong.setdefault(name, []).extend(answers)
_page = dict(vars(_importlib.import_module(f"drumlesson.course.checks.lesson_{_number}")))
for _source in _sources:
    exec(_source, _page)
_WITHOUT_A_HINT_OF_ITS_OWN = ("not answered", "this is not the kind")
def _told_wrong(name):
    for answer in _wrong[name]:
        if not _exercises.hint(name, answer).startswith(_WITHOUT_A_HINT_OF_ITS_OWN):
            return answer
def _pasted(name):
    *body, last = _ast.parse(_exercises.exercises_of(_number)[name].code).body
    space = dict(globals())
    exec(compile(_ast.Module(body, []), name, "exec"), space)
    return eval(compile(_ast.Expression(last.value), name, "eval"), space)
"""


def helpers(lesson):
    """A cell that brings wrong and right answers into a lesson, given by its number."""
    page = nb.read(NBS / "reference" / "checks" / f"lesson_{lesson}.ipynb")
    sources = [c.source for c in page.cells if c.cell_type == "code"]
    tried = [source for source in sources if not source.startswith("#|")]
    return new_code_cell(HELPERS % (lesson, json.dumps(tried)))


def question_in(cell):
    """(the line that checks an answer, exercise, variable) of a cell, or None."""
    if cell.cell_type != "code" or cell.source.startswith("#| hide"):
        return None
    found = CHECKED.search(cell.source)
    return found and (found[0], found[1], found[2])


def answered(cells, lesson):
    """The cells of a lesson, each exercise given a wrong and a right answer after the blank one.

    Beside them what is asked: for each exercise the numbers of the cells that leave it blank,
    answer it wrongly and rightly.
    """
    out, asked = [], []
    for cell in cells:
        question = question_in(cell)
        out.append(cell)
        if not question:
            continue
        blank = len(out) - 1
        line, exercise, variable = question
        if not asked:
            out.append(helpers(lesson))
        for answer in (f'_told_wrong("{exercise}")', f'_pasted("{exercise}")'):
            source = cell.source.replace(line, f"{variable} = {answer}\n{line}")
            out.append(new_code_cell(source))
        asked.append((exercise, [blank, len(out) - 2, len(out) - 1]))
    return out, asked


def printed(cell, stream="stdout"):
    """What a cell wrote to a stream."""
    streams = [o for o in cell.get("outputs", []) if o.output_type == "stream"]
    return "".join(o.text for o in streams if o.name == stream)


def is_wall(text):
    """Whether a text on the error stream is more than a line or two, or a warning."""
    return len(text.splitlines()) > 2 or "Warning" in text or "Traceback" in text


def warned(page):
    """Walls of text that cells wrote to the error stream, progress bars aside."""
    cells = [cell for cell in page.cells if cell.cell_type == "code"]
    texts = [re.sub(r"[^\n]*\r", "", printed(cell, "stderr")).strip() for cell in cells]
    return [text for text in texts if is_wall(text)]


def errors(page):
    """How cells of a notebook ended that did not end well."""
    outputs = [output for cell in page.cells for output in cell.get("outputs", [])]
    return [f"{o.ename}: {o.evalue}" for o in outputs if o.output_type == "error"]


def go_through(stem, folder):
    """Goes through a lesson in a copy of the project's notebooks, as a learner without a network.

    Returns the notebook, what it asks, the files before and after, and the hosts asked for.
    """
    shutil.copytree(NBS, folder / "nbs", ignore=shutil.ignore_patterns(".*", "_*"))
    env = offline(folder)
    path = next((folder / "nbs").rglob(f"{stem}.ipynb"))
    lesson = nb.read(path)
    lesson.cells, asked = answered(lesson.cells, stem[:2])
    for cell in nb._code(lesson):
        cell.update(outputs=[], execution_count=None)
    before = files_below(folder / "nbs")
    client = NotebookClient(
        lesson,
        timeout=120,
        allow_errors=True,
        kernel_name="python3",
        coalesce_streams=True,
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
        resources={"metadata": {"path": str(path.parent)}},
    )
    client.execute(env=env)
    return SimpleNamespace(
        lesson=lesson,
        asked=asked,
        before=before,
        after=files_below(folder / "nbs"),
        hosts=(folder / "asked").read_text().split(),
    )


@pytest.fixture(scope="class")
def gone_through(tmp_path_factory):
    """What `go_through` returns for a notebook, once for all tests of the class."""
    done = {}

    def once(stem):
        if stem not in done:
            done[stem] = go_through(stem, tmp_path_factory.mktemp(stem))
        return done[stem]

    return once


class TestLessons:
    """Each lesson is gone through once, and looked at by several tests."""

    @pytest.mark.parametrize("stem", [*QUICK, "panels"])
    def test_runs_offline_from_an_empty_cache(self, gone_through, stem):
        assert errors(gone_through(stem).lesson) == []
        assert gone_through(stem).hosts == []

    @pytest.mark.parametrize("stem", [*QUICK, "panels"])
    def test_leaves_no_file_behind(self, gone_through, stem):
        assert gone_through(stem).after == gone_through(stem).before

    @pytest.mark.parametrize("stem", [*QUICK, "panels"])
    def test_no_wall_of_warnings(self, gone_through, stem):
        assert warned(gone_through(stem).lesson) == []

    @pytest.mark.parametrize("stem", QUICK)
    def test_each_exercise_in_its_place(self, gone_through, stem):
        """Blank, then wrong, then right, as the learner would: in the cell that asks."""
        done = gone_through(stem)
        names = [exercise for exercise, _ in done.asked]
        assert names == nb._asked(nb.read(NBS / f"{stem}.ipynb"))
        for exercise, numbers in done.asked:
            blank, wrong, right = (printed(done.lesson.cells[i]) for i in numbers)
            assert "✗ not answered yet: " in blank, (exercise, blank)
            assert "✗ " in wrong and "not answered" not in wrong, (exercise, wrong)
            assert "not the kind of answer" not in wrong, (exercise, wrong)
            assert "✓ right" in right, (exercise, right)


def test_offline_with_no_mirror_named(tmp_path):
    """The public host is tried, not reached, and the lesson goes on with synthesised drums."""
    env = offline(tmp_path)
    del env["DRUMLESSON_MIRROR"]
    start = time.perf_counter()
    code = "from drumlesson.drums import load_drums; load_drums(n_kits=2, hits=1)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0 and "10 synthesised hits of 2 kits" in done.stdout, done.stderr
    assert done.stderr.strip() == "" and (tmp_path / "asked").read_text()
    assert time.perf_counter() - start < 60


# -- lessons out of order


def code_of(path):
    """Code cells as syntax trees, and whether they are exported; what installs is left out."""
    for cell in nb._code(nb.read(path)):
        if not cell.source.startswith("#| hide"):
            is_exported = bool(re.search(r"^#\| export", cell.source, re.M))
            yield is_exported, ast.parse(TransformerManager().transform_cell(cell.source))


def nodes_of(path, exported=True):
    """All nodes of a lesson's code, with or without that of exported cells."""
    for is_exported, tree in code_of(path):
        if exported or not is_exported:
            yield from ast.walk(tree)


def imported(node):
    """The modules that an import names."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [node.module or "."]
    return []


@pytest.mark.parametrize("path", LESSONS, ids=name)
def test_imports_only_what_is_installed(path):
    """No lesson imports another, or a file beside it."""
    files = [p for p in NBS.rglob("*") if p.suffix in (".py", ".ipynb")]
    beside = {p.stem for p in files} - {"drumlesson"}
    for node in nodes_of(path):
        assert not getattr(node, "level", 0), ast.unparse(node)
        for module in imported(node):
            assert module.partition(".")[0] not in beside, f"imports {module}"


WRITES = {
    "write_text",
    "write_bytes",
    "mkdir",
    "touch",
    "save",
    "savefig",
    "savez",
    "to_csv",
    "write",
    "makedirs",
    "mkstemp",
    "open",
}


def names_in(node):
    """The names that stand in a piece of code."""
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


def own_places(tree, known):
    """The names that stand for a folder made with `tempfile`, or for something made of one."""
    own = set(known)
    for node in ast.walk(tree):
        if not isinstance(node, (ast.Assign, ast.NamedExpr)):
            continue
        if "tempfile." in ast.unparse(node.value) or own & names_in(node.value):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                own |= names_in(target)
    return own


def is_write(call):
    """Whether a call writes a file."""
    called = call.func
    what = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    if what == "open":
        return bool(re.search(r"['\"][wax]b?\+?['\"]", ast.unparse(call)))
    return what in WRITES


def loose_writes(path):
    """Calls that write a file anywhere but below a folder that the lesson made with `tempfile`."""
    own = set()
    for is_exported, tree in code_of(path):
        if is_exported:
            continue
        own = own_places(tree, own)
        for call in ast.walk(tree):
            if not isinstance(call, ast.Call) or not is_write(call):
                continue
            text = ast.unparse(call)
            if not names_in(call) & own and "tempfile." not in text and "BytesIO" not in text:
                yield text[:100]


@pytest.mark.parametrize("path", LESSONS, ids=name)
def test_writes_only_into_folders_of_its_own(path):
    """What no lesson leaves behind, no other can need."""
    assert list(loose_writes(path)) == []


FILE = re.compile(r"(\.{0,2}/)?(evidence|drumlesson|reference|nbs)/[\w./-]+\.\w+")


@pytest.mark.parametrize("path", LESSONS, ids=name)
def test_no_lesson_says_run_another_first(path):
    """Files that code names by a relative path are in the repository."""
    constants = [n.value for n in nodes_of(path, exported=False) if isinstance(n, ast.Constant)]
    for text in constants:
        if isinstance(text, str) and FILE.fullmatch(text):
            assert (path.parent / text).is_file() or (TOP / text).is_file(), text

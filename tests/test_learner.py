"""The learner's machine: training that is interrupted, no network, lessons out of order, no wall of warnings, every exercise in its place."""

import ast
import json
import os
import pkgutil
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import files_below
from IPython.core.inputtransformer2 import TransformerManager
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell

from drumlesson import DrumClassifier, classifier
from drumlesson.dev import notebooks as nb

TOP = Path(__file__).resolve().parent.parent
NBS = TOP / "nbs"
LESSONS = [p for p in nb.notebooks(TOP) if nb.is_lesson(p)]
QUICK = ("00_drums", "08_lessons_learned")  # those that are run here, exercises and all
TINY = dict(epochs=3, refit=False, verbose=0, random_state=5)


def name(path):
    return path.relative_to(NBS).as_posix()


# -- interrupted training


class TestInterrupted:
    """Nothing half done is left: the classifier is as it was, and learns again right away."""

    @pytest.fixture
    def fitted(self, toys):
        return DrumClassifier(**TINY).fit(toys)

    STAGES = {
        "before the first epoch": ("keras.layers.Normalization.adapt", 1, None),
        "amid the epochs": ("keras.callbacks.EarlyStopping.on_epoch_end", 2, None),
        "amid changing hits": ("keras.callbacks.EarlyStopping.on_epoch_end", 2, "waves"),
        "after the epochs": ("drumlesson.classifier._outputs", 1, None),
        "before the refit": ("drumlesson.classifier.build", 2, None),
    }

    @pytest.mark.parametrize("where, times, augment", STAGES.values(), ids=STAGES)
    def test_at_any_stage(self, toys, others, monkeypatch, where, times, augment):
        model, calls = DrumClassifier(**{**TINY, "refit": True, "augment": augment}), []
        original = pkgutil.resolve_name(where)

        def once(*args, **kw):
            calls.append(1)
            if len(calls) == times:
                raise KeyboardInterrupt
            return original(*args, **kw)

        with monkeypatch.context() as m:
            m.setattr(where, once)
            with pytest.raises(KeyboardInterrupt):
                model.fit(toys)
        assert (
            len(calls) == times and vars(model) == model.get_params()
        )  # settings, and nothing learned
        with pytest.raises(ValueError, match="call fit first"):
            model.predict(others)
        assert model.set_params(refit=False).fit(toys).score(toys) > 0.3

    def lines(self):
        """Numbers of the lines of the function that does the work of `fit`."""
        return sorted(
            {line for *_, line in classifier._fit.__code__.co_lines() if line}
            - {classifier._fit.__code__.co_firstlineno}
        )

    @pytest.mark.parametrize("again", [False, True], ids=["the first fit", "a second fit"])
    def test_at_each_line(self, toys, others, fitted, monkeypatch, again):
        """An interrupt comes between two steps, never inside an assignment: at each, the classifier has learned all or nothing."""
        learned = fitted.network_, fitted.history_, fitted.task_
        monkeypatch.setattr(classifier, "_learn", lambda *_: learned)
        whole, halves = set(vars(fitted)), []
        for line in self.lines():
            model = DrumClassifier(**TINY)
            if again:
                model.fit(others)
            before = dict(vars(model))

            def inside(frame, event, _, line=line):
                if event == "line" and frame.f_lineno == line:
                    raise KeyboardInterrupt
                return inside

            outer = sys.gettrace()
            sys.settrace(
                lambda frame, event, _: inside if frame.f_code is classifier._fit.__code__ else None
            )
            try:
                model.fit(toys)
            except KeyboardInterrupt:
                pass
            finally:
                sys.settrace(outer)
            now = vars(model)
            as_before = now.keys() == before.keys() and all(now[k] is before[k] for k in now)
            all_new = now.keys() == whole and (
                not again
                or now["training_kits_"] != before["training_kits_"]
                and now["seconds_"] != before["seconds_"]
            )
            if not (as_before or all_new):
                halves.append(
                    f"line {line - self.lines()[0]}: {sorted(now.keys() - before.keys()) or 'a mixture of both'}"
                )
        assert halves == []

    def test_no_bar_is_left(self, toys, monkeypatch):
        """Else the bars of all later trainings are drawn below a dead one."""
        from tqdm.auto import tqdm

        def interrupt(*_, **__):
            raise KeyboardInterrupt

        monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
        monkeypatch.setattr("keras.callbacks.EarlyStopping.on_epoch_end", interrupt)
        before = set(tqdm._instances)
        with pytest.raises(
            KeyboardInterrupt
        ) as held:  # which keeps the frames alive, as a notebook does
            DrumClassifier(**{**TINY, "verbose": 1}).fit(toys)
        left = [bar for bar in tqdm._instances if bar not in before]
        for bar in left:
            bar.close()
        assert not left and held

    @pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT to send to oneself")
    def test_while_tensorflow_loads(self, tmp_path):
        """The first fit of a session loads it, for seconds: broken off half-way, it could not be loaded again."""
        code = """
import signal, sys
class Watch:
    seen = 0
    def find_spec(self, name, *_):
        if name.startswith("tensorflow."): Watch.seen += 1
        if Watch.seen == 300: Watch.seen += 1; signal.raise_signal(signal.SIGINT)
sys.meta_path.insert(0, Watch())
try: from drumlesson.backend import keras
except KeyboardInterrupt: print("interrupted")
from drumlesson.backend import keras
print(keras.layers.Dense(1).count_params.__name__, Watch.seen)
"""
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=120
        )
        assert done.stdout.startswith("interrupted\ncount_params"), done.stdout + done.stderr[-800:]

    def test_by_the_stop_button(self, tmp_path):
        """JupyterLab's stop button sends the kernel a SIGINT: while TensorFlow loads, during a first fit, a second one, and while a model is saved over another."""
        from jupyter_client.manager import start_new_kernel

        km, kc = start_new_kernel(
            kernel_name="python3", cwd=str(tmp_path), env={**os.environ, "DRUMLESSON_MIRROR": "off"}
        )
        try:

            def run(code, stop_after=None):
                """The reply to `code`; the kernel is interrupted once the code has printed `go` and some time has passed."""
                ident, said = kc.execute(code), ""
                while stop_after is not None and "go" not in said:
                    message = kc.get_iopub_msg(timeout=60)
                    said += (
                        message["content"].get("text", "")
                        if message["parent_header"].get("msg_id") == ident
                        else ""
                    )
                if stop_after is not None:
                    time.sleep(stop_after)
                    km.interrupt_kernel()
                while (reply := kc.get_shell_msg(timeout=60))["parent_header"].get(
                    "msg_id"
                ) != ident:
                    pass
                return (
                    reply["content"]
                    if reply["content"]["status"] != "aborted"
                    else run(code, stop_after)
                )  # came too soon after an error

            def fine(code):
                reply = run(code)
                assert reply["status"] == "ok", "\n".join(reply.get("traceback", []))

            def stopped(code, after):
                start = time.perf_counter()
                reply = run(f"print('go', flush=True)\n{code}", after)
                assert reply.get("ename") == "KeyboardInterrupt", reply
                return time.perf_counter() - start - after

            fine(
                "import numpy as np\nfrom pathlib import Path\nfrom drumlesson import DrumClassifier, load\nfrom drumlesson.drums import load_drums\n"
                "toys = load_drums('synth', n_kits=8, hits=2, seed=1)\nforever, tiny = dict(epochs=10**6, patience=10**6), dict(epochs=3, patience=15)\n"
                "model = DrumClassifier(refit=False, seed=5, **forever)"
            )
            stopped(
                "model.fit(toys)", 0.7
            )  # the first fit in a kernel begins with the import of TensorFlow, which takes seconds
            fine("model.set_params(**tiny).fit(toys)")
            fine("model = DrumClassifier(refit=False, seed=5, **forever)")
            took = stopped("model.fit(toys)", 2)
            fine(
                "assert vars(model) == model.get_params()\nmodel.set_params(**tiny).fit(toys)\nmodel.save('drums.keras')\nbefore, there = model.predict_proba(toys), Path('drums.keras').read_bytes()"
            )
            took = max(took, stopped("model.set_params(**forever, augment='waves').fit(toys)", 2))
            fine(
                "assert (model.predict_proba(toys) == before).all() and Path('drums.keras').read_bytes() == there"
            )
            stopped("while True: model.save('drums.keras')", 1)
            fine(
                "assert [p.name for p in Path('.').iterdir()] == ['drums.keras']\nassert np.allclose(load('drums.keras').predict_proba(toys), before, atol=1e-5)"
            )
            fine("assert model.set_params(**tiny).fit(toys).score(toys) > 0.3")
            print(f"the stop button took at most {took:.1f} s")
        finally:
            kc.stop_channels()
            km.shutdown_kernel(now=True)


# -- a lesson on the learner's machine

OFFLINE = """
import os, socket
def _refuse(address):
    with open(os.environ["LEARNER_ASKED"], "a") as f: f.write(f"{address}\\n")
    raise OSError(101, "Network is unreachable")
def _only_here(function):
    def call(self, address, *rest):
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1", "localhost"): _refuse(address)
        return function(self, address, *rest)
    return call
for _name in ("connect", "connect_ex", "sendto"): setattr(socket.socket, _name, _only_here(getattr(socket.socket, _name)))
_resolve = socket.getaddrinfo
def _getaddrinfo(host, *rest, **kw):
    if host not in (None, "", "127.0.0.1", "::1", "localhost", socket.gethostname()): _refuse(host)
    return _resolve(host, *rest, **kw)
socket.getaddrinfo = _getaddrinfo
"""


def offline(folder):
    """The environment of somebody without a network, without recorded kits and with an empty cache."""
    (folder / "offline").mkdir()
    (folder / "offline" / "sitecustomize.py").write_text(OFFLINE)
    (folder / "asked").touch()
    path = os.pathsep.join(filter(None, (str(folder / "offline"), os.environ.get("PYTHONPATH"))))
    return {
        **os.environ,
        "PYTHONPATH": path,
        "LEARNER_ASKED": str(folder / "asked"),
        "DRUMLESSON_CACHE": str(folder / "cache"),
        "DRUMLESSON_MIRROR": "off",
    }


CHECKED = re.compile(r'^check\("([\w-]+)", (my_\w+)\)', re.M)

# The wrong answers as the page of exercises has them, and the right one as the learner reads it: the code of the folded solution, pasted.
HELPERS = """
import ast as _ast, json as _json
from drumlesson import exercises as _exercises
_wrong = {}
_page = {**vars(_exercises), "right": lambda *a: None, "wrong": lambda name, *answers: _wrong.update({name: answers})}
for _source in _json.loads(%r): exec(_source, _page)
def _told_wrong(name): # the first for which there is a hint of its own
    return next(a for a in _wrong[name] if not _exercises.hint(name, a).startswith(("not answered", "this is not the kind")))
def _pasted(name):
    *body, last = _ast.parse(_exercises._code(_exercises.EXERCISES[name]["solution"])).body
    space = dict(globals())
    exec(compile(_ast.Module(body, []), name, "exec"), space)
    return eval(compile(_ast.Expression(last.value), name, "eval"), space)
"""


def wrong_answers(lesson):
    """The cells of the page of exercises that hold the wrong answers of a lesson, as JSON."""
    cells = [
        c.source
        for c in nb.read(NBS / "reference" / "exercises.ipynb").cells
        if c.cell_type == "code"
    ]
    found = [
        s for s in cells if f'\nwrong("{lesson}-' in f"\n{s}" and not s.startswith("#| export")
    ]
    imports = [
        s
        for s in cells
        if not s.startswith("#|")
        and all(isinstance(node, (ast.Import, ast.ImportFrom)) for node in ast.parse(s).body)
    ]
    return json.dumps(imports + found)


def answered(cells, lesson):
    """The cells of a lesson, each exercise given a wrong and then a right answer in its own cell, after the blank one; and which cell asks what."""
    out, asked = [], []
    for cell in cells:
        out.append(cell)
        found = (
            CHECKED.search(cell.source)
            if cell.cell_type == "code" and not cell.source.startswith("#| hide")
            else None
        )
        if not found:
            continue
        exercise, variable = found.groups()
        if not asked:
            out.append(new_code_cell(HELPERS % wrong_answers(lesson)))
        answers = f'_told_wrong("{exercise}")', f'_pasted("{exercise}")'
        out += [
            new_code_cell(cell.source.replace(found[0], f"{variable} = {answer}\n{found[0]}"))
            for answer in answers
        ]
        asked.append(
            (exercise, len(out) - 3 if len(asked) else len(out) - 4, len(out) - 2, len(out) - 1)
        )
    return out, asked


def printed(cell, stream="stdout"):
    return "".join(
        o.text for o in cell.get("outputs", []) if o.output_type == "stream" and o.name == stream
    )


def warned(nb):
    """What cells wrote to the error stream, progress bars aside; a line or two a cell may be of use."""
    said = [
        re.sub(r"[^\n]*\r", "", printed(c, "stderr")).strip()
        for c in nb.cells
        if c.cell_type == "code"
    ]
    return [
        text
        for text in said
        if len(text.splitlines()) > 2 or "Warning" in text or "Traceback" in text
    ]


@pytest.fixture(scope="class")
def gone_through(request, tmp_path_factory):
    """A lesson gone through in a copy of the project's notebooks: the notebook, its exercises, the files before and after, hosts asked for."""
    done = {}

    def go(stem):
        if stem not in done:
            folder = tmp_path_factory.mktemp(stem)
            shutil.copytree(NBS, folder / "nbs", ignore=shutil.ignore_patterns(".*", "_*"))
            env, lesson = offline(folder), nb.read(next((folder / "nbs").rglob(f"{stem}.ipynb")))
            lesson.cells, asked = answered(lesson.cells, stem[:2])
            for cell in lesson.cells:
                if cell.cell_type == "code":
                    cell.update(outputs=[], execution_count=None)
            before, where = (
                files_below(folder / "nbs"),
                next((folder / "nbs").rglob(f"{stem}.ipynb")).parent,
            )
            client = NotebookClient(
                lesson,
                timeout=120,
                allow_errors=True,
                kernel_name="python3",
                coalesce_streams=True,
                extra_arguments=["--IPKernelApp.log_level=ERROR"],
                resources={"metadata": {"path": str(where)}},
            )
            client.execute(env=env)
            done[stem] = (
                lesson,
                asked,
                before,
                files_below(folder / "nbs"),
                (folder / "asked").read_text().split(),
            )
        return done[stem]

    return go


class TestLessons:
    @pytest.mark.parametrize("stem", [*QUICK, "widgets"])
    def test_runs_offline_from_an_empty_cache(self, gone_through, stem):
        lesson, *_, hosts = gone_through(stem)
        assert [
            f"{o.ename}: {o.evalue}"
            for c in lesson.cells
            for o in c.get("outputs", [])
            if o.output_type == "error"
        ] == []
        assert hosts == []

    @pytest.mark.parametrize("stem", [*QUICK, "widgets"])
    def test_leaves_no_file_behind(self, gone_through, stem):
        _, _, before, after, _ = gone_through(stem)
        assert after == before

    @pytest.mark.parametrize("stem", [*QUICK, "widgets"])
    def test_no_wall_of_warnings(self, gone_through, stem):
        assert warned(gone_through(stem)[0]) == []

    @pytest.mark.parametrize("stem", QUICK)
    def test_each_exercise_in_its_place(self, gone_through, stem):
        """Blank, then wrong, then right, as the learner would: in the cell that asks."""
        lesson, asked, *_ = gone_through(stem)
        assert [exercise for exercise, *_ in asked] == nb._asked(nb.read(NBS / f"{stem}.ipynb"))
        for exercise, *cells in asked:
            blank, wrong, right = (printed(lesson.cells[i]) for i in cells)
            assert "✗ not answered yet: " in blank, (exercise, blank)
            assert (
                "✗ " in wrong
                and "not answered" not in wrong
                and "not the kind of answer" not in wrong
            ), (exercise, wrong)
            assert "✓ right" in right, (exercise, right)

    def test_offline_with_no_mirror_named(self, tmp_path):
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
    """The code cells that a lesson runs as syntax trees, and whether they are exported; what installs the package aside."""
    for cell in nb.read(path).cells:
        if cell.cell_type == "code" and not cell.source.startswith("#| hide"):
            yield (
                bool(re.search(r"^#\| export", cell.source, re.M)),
                ast.parse(TransformerManager().transform_cell(cell.source)),
            )


@pytest.mark.parametrize("path", LESSONS, ids=name)
def test_imports_only_what_is_installed(path):
    """No lesson imports another, or a file beside it."""
    beside = {p.stem for p in NBS.rglob("*") if p.suffix in (".py", ".ipynb")} - {"drumlesson"}
    for _, tree in code_of(path):
        for node in ast.walk(tree):
            found = (
                [a.name for a in node.names]
                if isinstance(node, ast.Import)
                else [node.module or "."]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            assert not getattr(node, "level", 0), ast.unparse(node)
            for module in found:
                top = module.partition(".")[0]
                assert top == "drumlesson" or top not in beside, f"imports {module}"


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


def loose_writes(path):
    """Calls that write a file, other than below a folder that the lesson made for itself with `tempfile`."""
    own, found = set(), []
    for exported, tree in code_of(path):
        if exported:
            continue
        for node in ast.walk(tree):
            for source, targets in (
                [(node.value, node.targets if isinstance(node, ast.Assign) else [node.target])]
                if isinstance(node, (ast.Assign, ast.NamedExpr))
                else []
            ):
                if "tempfile." in ast.unparse(source) or own & {
                    n.id for n in ast.walk(source) if isinstance(n, ast.Name)
                }:
                    own |= {
                        n.id
                        for target in targets
                        for n in ast.walk(target)
                        if isinstance(n, ast.Name)
                    }
        for call in (n for n in ast.walk(tree) if isinstance(n, ast.Call)):
            what = (
                call.func.attr
                if isinstance(call.func, ast.Attribute)
                else getattr(call.func, "id", "")
            )
            if (
                what not in WRITES
                or what == "open"
                and not re.search(r"['\"][wax]b?\+?['\"]", ast.unparse(call))
            ):
                continue
            names = {n.id for n in ast.walk(call) if isinstance(n, ast.Name)}
            if (
                not names & own
                and "tempfile." not in ast.unparse(call)
                and "BytesIO" not in ast.unparse(call)
            ):
                found.append(ast.unparse(call)[:100])
    return found


@pytest.mark.parametrize("path", LESSONS, ids=name)
def test_writes_only_into_folders_of_its_own(path):
    """What no lesson leaves behind, no other can need."""
    assert loose_writes(path) == []


@pytest.mark.parametrize("path", LESSONS, ids=name)
def test_no_lesson_says_run_another_first(path):
    """Files that code names by a relative path are in the repository."""
    for exported, tree in code_of(path):
        for node in ast.walk(tree):
            if (
                not exported
                and isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and re.fullmatch(
                    r"(\.{0,2}/)?(evidence|drumlesson|reference|nbs)/[\w./-]+\.\w+", node.value
                )
            ):
                assert (path.parent / node.value).is_file() or (TOP / node.value).is_file(), (
                    node.value
                )

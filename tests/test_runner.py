"""The stored runs: made by today's code, told as they are, and taken up where a kill left them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from joblib import parallel_config

from drumlesson.cli import main
from drumlesson.course import runner, studies
from drumlesson.course.results import side_by_side
from drumlesson.course.runner import KEYS, StoredStudy, expected, measure, missing, run_studies
from drumlesson.course.studies import STUDIES, Study, settings
from drumlesson.drums import folds, load_drums
from drumlesson.folders import SourceError

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "nbs" / "evidence"


@pytest.fixture(autouse=True)
def in_the_project(monkeypatch):
    monkeypatch.chdir(ROOT)


@pytest.fixture(scope="module")
def recorded():
    try:
        return studies._benchmark("open")
    except SourceError:
        pytest.skip("no recorded kits at hand: what is stored was measured on them")


@pytest.fixture(scope="module", params=STUDIES)
def study(request):
    return request.param, StoredStudy.read(request.param, FOLDER)


# -- what is stored


def test_stored_runs_are_those_of_todays_settings(study):
    name, stored = study
    assert len(stored.runs), f"{name}: nothing is stored"
    for model, digests in stored.runs.groupby("model")["digest"].unique().items():
        assert model in STUDIES[name].models, (
            f"{name}: {model} is stored, but no longer part of the study"
        )
        assert list(digests) == [settings(STUDIES[name].models[model])["digest"]], (
            f"{name}: {model} was run with other settings than today's: run it again"
        )
    assert stored.held() <= set(STUDIES[name].runs())


def test_each_run_once_and_whole(study):
    name, stored = study
    runs = stored.runs
    assert runs["run"].is_unique and not runs.duplicated([*KEYS, "asked"]).any()
    failed = runs.loc[runs["error"] != "", [*KEYS, "error"]]
    assert failed.empty, failed.to_string()
    assert runs["versions"].str.len().gt(0).all() and runs["machine"].str.len().gt(0).all()
    hits = side_by_side(stored).groupby("run")[["right", "n"]].sum()
    runs = runs.set_index("run")
    assert (hits["n"] == runs["n"]).all()
    accuracy = (hits["right"] / hits["n"]).to_numpy()
    assert accuracy == pytest.approx(runs["accuracy"].to_numpy(float), abs=1e-4)


def test_answers_are_tidy(study):
    name, stored = study
    assert list(stored.answers) == ["run", "kit", "true", "predicted", "n"]
    assert not stored.answers.duplicated(["run", "kit", "true", "predicted"]).any()
    assert set(stored.answers["run"]) == set(stored.runs["run"])
    assert stored.answers["n"].gt(0).all()


def test_five_folds_never_share_a_kit(study):
    name, stored = study
    rows = side_by_side(stored)
    rows = rows[rows["data"].isin(["open", "synth"])]
    folds_of_kit = rows.groupby([*KEYS[:4], "asked", "kit"])["fold"].nunique()
    assert (folds_of_kit == 1).all()  # within a seed a kit is tested in one fold only


# -- reading and writing


def some_study(n=2, model="a", error=""):
    runs = pd.DataFrame({"run": range(n), "model": model, "fold": range(n), "error": error})
    runs = runs.assign(data="synth", condition="all", seed=0, asked="", window="0.3")
    runs = runs.reindex(columns=runner._RUNS)
    answers = pd.DataFrame({"run": range(n), "kit": "k", "true": "x", "predicted": "x", "n": 1})
    return StoredStudy(runs, answers)


def test_runs_that_are_added_are_numbered_on():
    both = some_study().add(some_study(3))
    assert both.runs["run"].tolist() == both.answers["run"].tolist() == [0, 1, 2, 3, 4]


def test_answers_without_a_run_are_those_of_a_kill_between_two_files(tmp_path):
    some_study(3).write("toy", tmp_path)
    some_study(2).runs.to_csv(tmp_path / "toy.csv", index=False)
    assert StoredStudy.read("toy", tmp_path).answers["run"].tolist() == [0, 1]


def test_what_is_stored_is_added_to_what_others_stored(tmp_path):
    some_study(3).store("toy", tmp_path)
    some_study(2, "b").store("toy", tmp_path)
    some_study(2, "b").store("toy", tmp_path)  # nobody's work is stored twice
    stored = StoredStudy.read("toy", tmp_path)
    assert stored.runs["run"].tolist() == stored.answers["run"].tolist() == [0, 1, 2, 3, 4]
    assert stored.runs["model"].tolist() == ["a", "a", "a", "b", "b"]


def test_a_failed_run_gives_way_to_one_that_came_to_an_end(tmp_path):
    some_study(2, error="out of luck").store("toy", tmp_path)
    some_study(1, "b", error="out of luck").store("toy", tmp_path)
    some_study(2).store("toy", tmp_path)
    some_study(2, error="out of luck").store("toy", tmp_path)
    assert StoredStudy.read("toy", tmp_path).runs["error"].tolist() == ["out of luck", "", ""]


def test_whole_numbers_stay_whole_beside_a_failed_run(tmp_path):
    some_study(1, error="out of luck").write("toy", tmp_path)
    other = some_study(1, "b")
    StoredStudy(other.runs.assign(n=166, parameters=131_522), other.answers).store("toy", tmp_path)
    some_study(1, "c", error="out of luck").store("toy", tmp_path)
    table = pd.read_csv(tmp_path / "toy.csv", dtype=str, keep_default_na=False)
    assert table["n"].tolist() == ["", "166", ""]
    assert table["parameters"].tolist() == ["", "131522", ""]


@pytest.mark.parametrize("which", ["chance", "chance_answers"])
@pytest.mark.parametrize(
    "content, said",
    [
        (b"run,model\n0,a\n", "has other columns than stored runs have"),
        (b"", "is no table of stored runs"),
        (b"a,b\n1,2\n1,2,3,4\n", "is no table of stored runs"),
        (bytes(range(128, 256)), "is no table of stored runs"),
    ],
)
def test_a_foreign_table_is_named_and_left_alone(tmp_path, capsys, which, content, said):
    path = tmp_path / f"{which}.csv"
    path.write_bytes(content)
    assert main(["evidence", "chance", "--folder", str(tmp_path)]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"drumlesson: {path}: {said}") and len(err.splitlines()) == 1
    assert "another folder" in err and path.read_bytes() == content
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_what_a_killed_process_left_is_swept_at_the_next_start(tmp_path, monkeypatch):
    monkeypatch.setitem(STUDIES, "toy", Study({}, seeds=0))
    old = tmp_path / f".drumlesson-{'0' * 16}.csv"
    old.touch()
    os.utime(old, (0, 0))
    assert run_studies(["toy"], tmp_path) == 0
    assert list(tmp_path.iterdir()) == []


# -- running


TOY = """
import sys
from drumlesson.course.runner import STUDIES, run_studies
from drumlesson.course.studies import Study, pipeline
from sklearn.dummy import DummyClassifier
guesses = ("uniform", "stratified", "most_frequent", "broken")
models = {guess: pipeline(DummyClassifier(strategy=guess)) for guess in guesses}
STUDIES["toy"] = Study(models, data=("synth",), seeds=1)
folder, jobs = sys.argv[1:]
sys.exit(run_studies(["toy"], folder, jobs=int(jobs)) == 0)  # five folds of `broken` fail
"""


def stored_runs(folder):
    return StoredStudy.read("toy", folder).runs


def wait_for_some_runs(process, folder, n=3, seconds=300):
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline:
        if len(stored_runs(folder)) >= n:
            return
        time.sleep(0.05)


def test_a_killed_run_goes_on_where_it_stopped(tmp_path):
    command = [sys.executable, "-c", TOY, str(tmp_path)]
    first = subprocess.Popen([*command, "2"], stderr=subprocess.PIPE, start_new_session=True)
    wait_for_some_runs(first, tmp_path)
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate()
    before = stored_runs(tmp_path)  # whole, whenever the kill came
    assert 3 <= len(before) < 20
    # One after the other: each process besides would make the same sounds anew.
    done = subprocess.run([*command, "1"], capture_output=True, text=True, timeout=600)
    after = stored_runs(tmp_path)
    assert done.returncode == 0 and len(after) == 20 and not after.duplicated(KEYS).any()
    # What was there was not run again.
    pd.testing.assert_frame_equal(before, after.head(len(before)), check_dtype=False)
    failed = after[after["error"] != ""]
    assert set(failed["model"]) == {"broken"} and len(failed) == 5
    assert failed["n"].isna().all() and "strategy" in failed["error"].iloc[0]
    assert "toy, synth, all, broken" in done.stderr
    rows = side_by_side(StoredStudy.read("toy", tmp_path).without_failed())
    hits = rows.groupby("run")[["right", "n"]].sum()
    accuracy = after[after["error"] == ""].set_index("run")["accuracy"]
    assert (hits["right"] / hits["n"]).to_numpy() == pytest.approx(accuracy.to_numpy(), abs=1e-4)
    again = subprocess.run([*command, "2"], capture_output=True, text=True, timeout=600)
    # Nothing left: nothing run, failures not tried again by themselves.
    assert again.returncode == 1
    pd.testing.assert_frame_equal(after, stored_runs(tmp_path))


FORKED = """
import os, shutil, signal, sys, time
import pandas as pd
from drumlesson.course import runner
from drumlesson.course.studies import Study

def measure(study, run):
    time.sleep(0.02)
    row = dict(zip(runner.KEYS, run)) | {"run": 0, "asked": "", "n": 1, "error": ""}
    answers = {"run": 0, "kit": f"{run[2]} {run[4]}", "true": "tom", "predicted": "tom", "n": 1}
    runs = pd.DataFrame([row]).reindex(columns=runner._RUNS)
    print(run, flush=True)
    return runner.StoredStudy(runs, pd.DataFrame([answers]))

runner.measure = measure
runner.STUDIES["toy"] = Study(dict.fromkeys("abcdefgh"), data=("synth",), seeds=1)
folder = sys.argv[1]

def begun():
    pid = os.fork()
    if pid == 0:
        os._exit(runner.run_studies(["toy"], folder, jobs=1))
    return pid

def status(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
"""
BOTH = FORKED + "sys.exit(max(map(status, [begun(), begun()])))"
KILLS = (
    FORKED
    + """
for n in (1, 5, 9):
    pid = begun()
    while len(runner.StoredStudy.read("toy", folder).runs) < n:
        time.sleep(0.005)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    shutil.copytree(folder, f"{folder} {n}")
sys.exit(status(begun()))
"""
)


def forked(code, folder):
    command = [sys.executable, "-c", code, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def assert_toy_is_whole(folder, n):
    """So many runs, each once, and each with its own answers."""
    stored = StoredStudy.read("toy", folder)
    assert len(stored.runs) == n and not stored.runs.duplicated(KEYS).any()
    assert stored.runs["run"].is_unique and set(stored.answers["run"]) == set(stored.runs["run"])
    rows = side_by_side(stored)
    assert (rows["kit"] == rows["model"] + " " + rows["fold"].astype(str)).all()


@pytest.mark.skipif(os.name != "posix", reason="a process is forked, which is quick")
def test_two_processes_on_one_folder_lose_nothing(tmp_path):
    done = forked(BOTH, tmp_path / "toy")
    assert_toy_is_whole(tmp_path / "toy", 40)
    assert len(done) < 60  # little was done twice


@pytest.mark.skipif(os.name != "posix", reason="a process is forked, which is quick")
def test_a_kill_at_any_moment_leaves_whole_tables(tmp_path):
    forked(KILLS, tmp_path / "toy")
    for n in (1, 5, 9):
        folder = tmp_path / f"toy {n}"
        assert_toy_is_whole(folder, len(stored_runs(folder)))
    assert_toy_is_whole(tmp_path / "toy", 40)


def test_missing_names_what_is_left(tmp_path):
    assert missing("chance", tmp_path) == STUDIES["chance"].runs()
    left = missing("attack", FOLDER, [7])
    assert left and all(run[3] >= 5 for run in left)


def test_a_run_far_from_the_stored_one_is_not_as_expected():
    runs = StoredStudy.read("attack", FOLDER).runs
    run = ("open", "all", "logistic regression, 300 ms", 0, 0)
    low, high = expected(runs, run)
    same = runs.loc[(runs[KEYS] == list(run)).all(axis=1), "accuracy"].item()
    assert low < same < high <= 1
    # A model that stopped working would be found out.
    assert same - 0.15 < low and high < same + 0.15
    with pytest.raises(ValueError, match="not among the stored"):
        expected(runs, ("open", "all", "no such model", 0, 0))


def test_a_thin_slice_of_each_study_falls_within_what_is_stored(recorded, capsys):
    with parallel_config("sequential"):  # beside other tests, further processes gain nothing
        assert main(["evidence", "--quick"]) == 0, capsys.readouterr()
    told = capsys.readouterr().out
    assert all(name in told for name in STUDIES)
    assert told.count("True") == sum(len(study.slice()) for study in STUDIES.values())


def test_what_falls_outside_is_told_and_ends_with_one(recorded, tmp_path, capsys):
    """Of two studies that share the run with which each begins: it is told twice."""
    stored = StoredStudy.read("kits", FOLDER)
    worse = stored.runs.assign(accuracy=stored.runs["accuracy"] - 0.3)
    StoredStudy(worse, stored.answers).write("kits", tmp_path)
    StoredStudy.read("chance", FOLDER).write("chance", tmp_path)
    assert main(["evidence", "kits", "chance", "--quick", "--folder", str(tmp_path)]) == 1
    told = capsys.readouterr().out
    assert told.count("False") == len(STUDIES["kits"].slice())
    assert told.count("True") == len(STUDIES["chance"].slice())


@pytest.mark.parametrize("name", ["attack", "kits"])
def test_a_thin_slice_runs_on_synthesised_kits(name):
    drums = load_drums("synth", n_kits=6, hits=2, random_state=0)
    train, test = (drums[rows] for rows in folds(drums, 3)[0])
    run = ("synth", *STUDIES[name].slice()[0][1:])
    measured = measure(STUDIES[name], run, train, test)
    assert measured.runs["n"].tolist() == [len(test)]
    assert (measured.runs["error"] == "").all()
    assert 0 <= measured.runs["accuracy"].iloc[0] <= 1
    assert measured.answers["n"].sum() == len(test)

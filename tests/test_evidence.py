"""The stored evidence: made by today's code, told as it is, and taken up where a kill left it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from drumlesson import claims, evidence
from drumlesson.course.claims import CLAIMS, Claim, pick
from drumlesson.course.results import stored
from drumlesson.course.runner import KEYS, expected, measure, missing
from drumlesson.course.studies import STUDIES, Study, linear, settings
from drumlesson.datasets import SourceError

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "nbs" / "evidence"
PRIMARY = [c for c in CLAIMS if c.key.isdigit()]


@pytest.fixture(autouse=True)
def in_the_project(monkeypatch):
    monkeypatch.chdir(ROOT)


@pytest.fixture(scope="module")
def recorded():
    try:
        return evidence._loaded("open")
    except SourceError:
        pytest.skip("no recorded kits at hand: what is stored was measured on them")


@pytest.fixture(scope="module", params=STUDIES)
def table(request):
    return request.param, evidence._read(FOLDER / f"{request.param}.csv")


# -- what is stored


def test_stored_runs_are_those_of_todays_settings(table):
    name, rows = table
    assert len(rows), f"{name}: nothing is stored"
    for model, digests in rows.groupby("model")["digest"].unique().items():
        assert model in STUDIES[name].models, (
            f"{name}: {model} is stored, but no longer part of the study"
        )
        assert list(digests) == [settings(STUDIES[name].models[model])["digest"]], (
            f"{name}: {model} was run with other settings than today's: run it again"
        )
    planned = set(STUDIES[name].runs())
    assert set(rows[KEYS].itertuples(index=False, name=None)) <= planned


def test_another_setting_gives_another_digest():
    a = evidence.network("dense")
    assert settings(a)["digest"] == settings(evidence.network("dense", random_state=3))["digest"]
    for other in (
        dict(epochs=61),
        dict(augment="waves"),
        dict(window=0.2),
        dict(task="one-vs-rest"),
        dict(learning_rate=2e-3),
    ):
        assert settings(evidence.network("dense", **other))["digest"] != settings(a)["digest"], (
            other
        )
    assert (
        settings(linear())["digest"] != settings(linear(evidence.LogMel(hop_length=256)))["digest"]
    )


def test_each_run_once_and_whole(table):
    name, rows = table
    assert not rows.duplicated([*KEYS, "asked"]).any()
    assert (rows["error"] == "").all(), rows.loc[rows["error"] != "", [*KEYS, "error"]].to_string()
    assert rows["versions"].str.len().gt(0).all() and rows["machine"].str.len().gt(0).all()
    kits = evidence.by_kit(rows.assign(row=range(len(rows)))).groupby("row")[["right", "n"]].sum()
    assert (kits["n"] == rows["n"]).all() and (
        kits["right"] / kits["n"]
    ).to_numpy() == pytest.approx(rows["accuracy"].to_numpy(float), abs=1e-4)


def test_five_folds_never_share_a_kit(table):
    name, rows = table
    rows = rows[rows["data"].isin(["open", "synth"])]
    kits = evidence.by_kit(rows)
    assert (
        kits.groupby([*KEYS[:4], "asked", "kit"])["fold"].nunique() == 1
    ).all()  # within a seed a kit is tested in one fold only


@pytest.mark.parametrize("claim", PRIMARY, ids=lambda c: c.key)
def test_each_saying_rests_on_five_seeds_and_five_folds(claim):
    assert claim.effect()[3] >= 5
    rows = stored(claim.study, FOLDER)
    assert set(rows["fold"]) == set(range(5))


# -- claims


def made_up(shift, seeds=5, kits=20, n=10, noise=0.0, random_state=0):
    """Rows of two models: `good` gets `shift` of 100 hits more right than `bad`, on every kit."""
    rng, rows = np.random.default_rng(random_state), []
    for model, p in (("good", 0.8 + shift / 100), ("bad", 0.8)):
        for s in range(seeds):
            for k in range(kits):
                right = int(np.clip(round(n * 10 * p + rng.normal(0, noise)), 0, n * 10))
                rows.append(
                    dict(
                        data="open",
                        condition="all",
                        model=model,
                        random_state=s,
                        fold=k % 5,
                        kit=f"kit {k}",
                        asked="",
                        confusion=f"kick>kick:{right} kick>snare:{n * 10 - right}",
                    )
                )
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    "shift, no_less, verdict",
    [
        (5, False, "supported"),
        (-5, False, "contradicted"),
        (0.0, False, "contradicted"),
        (5, True, "supported"),
        (0, True, "supported"),
        (-5, True, "contradicted"),
    ],
)
def test_verdict_follows_the_data(monkeypatch, shift, no_less, verdict):
    monkeypatch.setattr(claims, "_stored", lambda study: made_up(shift, noise=1))
    claim = Claim(
        f"x{shift}{no_less}",
        "good is better",
        "made up",
        (pick("good"),),
        (pick("bad"),),
        2,
        no_less=no_less,
    )
    low, value, high, seeds = claim.effect()
    assert low <= value <= high and value == pytest.approx(shift, abs=0.5) and seeds == 5
    assert claim.verdict() == verdict and claim.told().startswith(verdict)


def test_noise_leaves_a_claim_undecided(monkeypatch):
    monkeypatch.setattr(claims, "_stored", lambda study: made_up(2, noise=25))
    assert (
        Claim("noise", "good is better", "made up", (pick("good"),), (pick("bad"),), 1).verdict()
        == "undecided"
    )


def test_a_difference_of_differences(monkeypatch):
    both = pd.concat([made_up(10), made_up(4).assign(condition="hard")])
    monkeypatch.setattr(claims, "_stored", lambda study: both)
    low, value, high, _ = claims.effect(
        "made up", (pick("good"), pick("bad", "hard")), (pick("bad"), pick("good", "hard"))
    )
    assert value == pytest.approx(6, abs=0.01) and low == pytest.approx(high)


def test_only_kits_that_both_sides_were_tested_on_count(monkeypatch):
    rows = made_up(5)
    monkeypatch.setattr(
        claims,
        "_stored",
        lambda study: rows[
            ~((rows["model"] == "good") & (rows["kit"] == "kit 3") & (rows["seed"] == 2))
        ],
    )
    assert claims.effect("made up", (pick("good"),), (pick("bad"),))[1] == pytest.approx(
        5, abs=0.01
    )


def test_a_model_that_was_not_run_is_named(monkeypatch):
    monkeypatch.setattr(claims, "_stored", lambda study: made_up(5))
    with pytest.raises(ValueError, match="holds no run of perfect"):
        claims.effect("made up", (pick("perfect"),), (pick("bad"),))


@pytest.mark.parametrize(
    "effect, told",
    [
        ((-2.027, 0.82, 3.6), ["-2.03", "+0.8", "+3.6"]),
        ((-1.96, 0.04, 2), ["-1.96", "+0.04", "+2.0"]),
    ],
)
def test_no_number_is_rounded_onto_what_decides(monkeypatch, effect, told):
    monkeypatch.setattr(claims, "_effect", lambda claim: (*effect, 5))
    assert Claim("x", "good keeps up", "made up", (), (), 2, no_less=True).points() == told


def test_which_class_is_asked_for_is_kept_apart_from_one_model_or_five():
    whole, five = (claims.shares(five=five)["share"] for five in (False, True))
    assert whole["question"] > 10 * five["one model or five"] and "question" not in five
    task = next(c for c in CLAIMS if c.plus == ("one model or five",))
    assert task.effect()[1] == pytest.approx(five["one model or five"] - five["family"])


# -- what is told


def outputs(name):
    nb = json.loads((ROOT / "nbs" / f"{name}.ipynb").read_text(encoding="utf-8"))
    texts = [
        t
        for c in nb["cells"]
        if c["cell_type"] == "code"
        for o in c["outputs"]
        for t in (
            o.get("text", ""),
            *(o.get("data", {}).get(m, "") for m in ("text/plain", "text/markdown")),
        )
    ]
    return "\n".join("".join(t) for t in texts)


def line_about(claim, text):
    return next((line for line in text.splitlines() if claim.sentence in line), "")


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda c: c.key)
def test_lesson_08_tells_each_verdict_as_the_data_have_it(claim):
    line, (low, value, high) = line_about(claim, outputs("08_lessons_learned")), claim.points()
    assert claim.verdict() in line and f"{value} ({low} to {high})" in line, line


@pytest.mark.parametrize("claim", PRIMARY, ids=lambda c: c.key)
def test_readme_and_front_page_tell_each_verdict_as_the_data_have_it(claim):
    low, value, high = claim.points()
    for text in ((ROOT / "README.md").read_text(encoding="utf-8"), outputs("index")):
        line = line_about(claim, text)
        assert claim.verdict() in line and f"{value} ({low} to {high})" in line, line


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda c: c.key)
def test_the_lesson_that_raised_a_saying_shows_its_verdict(claim):
    assert f"{claim.sentence}: {claim.told()}" in outputs(claim.lesson)


# -- running


TOY = """
import sys
from drumlesson import evidence
from drumlesson.course.studies import Study, linear, pipeline
from sklearn.linear_model import LogisticRegression
models = {f"line {c}": pipeline(LogisticRegression(C=c, max_iter=5000, tol=1e-9)) for c in (0.01, 0.1, 1.0)} | {"broken": pipeline(LogisticRegression(C=-1))}
evidence.STUDIES["toy"] = Study(models, data=("synth",), seeds=2)
sys.exit(evidence.run_studies(["toy"], sys.argv[1], jobs=2) == 0) # two seeds of `broken` fail
"""


def test_a_killed_run_goes_on_where_it_stopped(tmp_path):
    run, path = [sys.executable, "-c", TOY, str(tmp_path)], tmp_path / "toy.csv"
    first = subprocess.Popen(run, stderr=subprocess.PIPE, start_new_session=True)
    deadline = time.monotonic() + 300
    while (
        not (path.exists() and len(evidence._read(path)) >= 3)
        and time.monotonic() < deadline
        and first.poll() is None
    ):
        time.sleep(0.05)
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate()
    before = evidence._read(path)  # whole, whenever the kill came
    assert 3 <= len(before) < 40
    done = subprocess.run(run, capture_output=True, text=True, timeout=600)
    after = evidence._read(path)
    assert done.returncode == 0 and len(after) == 40 and not after.duplicated(KEYS).any()
    pd.testing.assert_frame_equal(
        before, after.head(len(before)), check_dtype=False
    )  # what was there was not run again
    failed = after[after["error"] != ""]
    assert (
        set(failed["model"]) == {"broken"}
        and len(failed) == 10
        and failed["n"].isna().all()
        and "C" in failed["error"].iloc[0]
    )
    assert "toy, synth, all, broken" in done.stderr
    again = subprocess.run(run, capture_output=True, text=True, timeout=600)
    pd.testing.assert_frame_equal(
        after, evidence._read(path)
    )  # nothing left: nothing run, failures not tried again by themselves


def test_seed_by_seed_so_that_a_study_cut_short_is_a_smaller_study():
    runs = Study({"a": None, "b": None}, ("x", "y"), seeds=3, fewer={"b": 1, "y": 2}).runs()
    assert [s for *_, s, _ in runs] == sorted(s for *_, s, _ in runs)
    assert {(c, m, s) for _, c, m, s, _ in runs} == {
        ("x", "a", 0),
        ("x", "b", 0),
        ("y", "a", 0),
        ("y", "b", 0),
        ("x", "a", 1),
        ("y", "a", 1),
        ("x", "a", 2),
    }
    assert [f for *_, f in Study({"a": None}, diagonal=True).runs()] == [0, 1, 2, 3, 4]


def test_missing_names_what_is_left(tmp_path):
    assert missing("splits", tmp_path) == STUDIES["splits"].runs()
    assert all(run[3] >= 5 for run in missing("windows", FOLDER, [7])) and missing(
        "windows", FOLDER, [7]
    )


def test_a_run_far_from_the_stored_one_is_not_as_expected():
    rows, run = (
        evidence._read(FOLDER / "windows.csv"),
        ("open", "all", "logistic regression, 300 ms", 0, 0),
    )
    low, high = expected(rows, run)
    same = rows.loc[(rows[KEYS] == list(run)).all(axis=1), "accuracy"].item()
    assert (
        low < same < high <= 1 and same - 0.15 < low and high < same + 0.15
    )  # a model that stopped working would be found out
    with pytest.raises(ValueError, match="not among the stored"):
        expected(rows, ("open", "all", "no such model", 0, 0))


def test_a_thin_slice_of_each_study_falls_within_what_is_stored(recorded, capsys):
    from drumlesson.cli import main

    assert main(["evidence", "--quick"]) == 0, capsys.readouterr()
    told = capsys.readouterr().out
    assert all(name in told for name in STUDIES) and told.count("True") == sum(
        len(s.slice()) for s in STUDIES.values()
    )


def test_what_falls_outside_is_told_and_ends_with_one(recorded, tmp_path, capsys):
    from drumlesson.cli import main

    rows = evidence._read(FOLDER / "windows.csv")
    rows.assign(accuracy=rows["accuracy"] - 0.3).to_csv(tmp_path / "windows.csv", index=False)
    assert main(["evidence", "windows", "--quick", "--folder", str(tmp_path)]) == 1
    assert capsys.readouterr().out.count("False") == len(STUDIES["windows"].slice())


def test_a_thin_slice_runs_on_synthesised_kits():
    drums = evidence._loaded("synth", 6, 2, 0)
    train, test = (drums[rows] for rows in evidence.folds(drums, 3)[0])
    for name in ("windows", "transfer"):
        data, condition, model, random_state, fold = STUDIES[name].slice()[0]
        rows = measure(STUDIES[name], ("synth", condition, model, random_state, fold), train, test)
        assert (
            rows["n"].tolist() == [len(test)]
            and (rows["error"] == "").all()
            and 0 <= rows["accuracy"].iloc[0] <= 1
        )

"""What is compared: models with their digests, conditions, and the order of the runs."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from drumlesson.course.runner import _answers
from drumlesson.course.studies import (
    CONDITIONS,
    STUDIES,
    Study,
    linear,
    network,
    part,
    settings,
)
from drumlesson.drums import load_drums
from drumlesson.features import LogMel
from drumlesson.labels import LABELS

FOLDER = Path(__file__).resolve().parent.parent / "nbs" / "evidence"


@pytest.mark.parametrize(
    "other",
    [
        dict(epochs=61),
        dict(augment="waves"),
        dict(window=0.2),
        dict(task="one-vs-rest"),
        dict(learning_rate=2e-3),
    ],
)
def test_another_setting_gives_another_digest(other):
    usual = settings(network("dense"))["digest"]
    assert settings(network("dense", **other))["digest"] != usual


def test_another_seed_is_no_other_setting():
    assert (
        settings(network("dense"))["digest"] == settings(network("dense", random_state=3))["digest"]
    )


def test_another_feature_of_a_linear_model_gives_another_digest():
    coarse = linear(LogMel(hop_length=512))
    assert settings(linear())["digest"] != settings(coarse)["digest"]


def test_settings_in_a_few_words():
    about = settings(network("dense", augment="waves"))
    assert about["family"] == "dense" and about["task"] == "multiclass"
    assert about["feature"] == "logmel(hop_length=256)" and about["augment"] == "waves"
    assert about["more"] == "epochs=60 validation_fraction=0" and about["window"] == "0.3"


def test_seed_by_seed_so_that_a_study_cut_short_is_a_smaller_study():
    runs = Study({"a": None, "b": None}, ("x", "y"), seeds=3, fewer={"b": 1, "y": 2}).runs()
    seeds = [seed for *_, seed, _ in runs]
    assert seeds == sorted(seeds)
    of_seed = {0: set(), 1: set(), 2: set()}
    for run in runs:
        condition, model, seed = run[1:4]
        of_seed[seed].add(f"{condition} {model}")
    assert of_seed == {0: {"x a", "x b", "y a", "y b"}, 1: {"x a", "y a"}, 2: {"x a"}}


def test_a_diagonal_study_runs_another_fold_each_seed():
    assert [fold for *_, fold in Study({"a": None}, diagonal=True).runs()] == [0, 1, 2, 3, 4]


def test_a_single_study_learns_from_other_kits_each_seed_and_judges_by_the_same():
    runs = Study({"a": None}, data=("new synthesised kits",), seeds=2, single=True).runs()
    assert [run[3:] for run in runs] == [(0, 0), (1, 0)]
    (train, test), (other_train, other_test) = (part(run[0], *run[3:]) for run in runs)
    assert test is other_test and len(set(test.kits)) == 100
    assert len(set(train.kits)) == 80 and not set(train.kits) & set(other_train.kits)
    assert not set(train.kits) & set(test.kits)


@pytest.mark.parametrize("name", STUDIES)
def test_each_study_names_conditions_that_there_are_and_has_a_slice(name):
    study = STUDIES[name]
    assert set(study.conditions) <= set(CONDITIONS)
    assert study.slice() and set(study.slice()) <= set(study.runs())
    known = {*study.models, *study.conditions, *study.data}
    assert set(study.fewer) <= known


@pytest.fixture(scope="module")
def many():
    """Kits enough for every condition, with hits enough."""
    return load_drums("synth", n_kits=45, hits=3, random_state=1)


@pytest.mark.parametrize("name", [c for c in CONDITIONS if "synthesised" not in c])
def test_a_condition_is_drawn_anew_from_its_generator_and_leaves_the_drums_alone(name, many):
    toys = many
    before = toys.labels.copy()
    first, again = (CONDITIONS[name](toys, np.random.default_rng(1)) for _ in range(2))
    assert (first.labels == again.labels).all() and (first.kits == again.kits).all()
    assert (toys.labels == before).all()
    assert set(first.labels) == set(toys.labels)


def test_few_hits_of_many_kits_and_many_of_few_are_as_many_hits(many):
    rng = np.random.default_rng(0)
    broad, deep = (CONDITIONS[name](many, rng) for name in ("15 kits, 4 hits", "5 kits, 12 hits"))
    assert len(broad) == len(deep) == 60
    assert len(set(broad.kits)) == 15 and len(set(deep.kits)) == 5


def test_kits_that_are_not_there_are_no_endless_search(toys):
    with pytest.raises(ValueError, match="0 kits have 12 hits: 15 are asked for"):
        CONDITIONS["15 kits, 4 hits"](toys, np.random.default_rng(0))


def test_every_claim_names_what_its_study_runs_with_as_many_cuts():
    with open(FOLDER / "claims.csv", newline="", encoding="utf-8") as file:
        claims = list(csv.DictReader(file))
    assert len({claim["key"] for claim in claims}) == len(claims)
    for claim in claims:
        study = STUDIES[claim["study"]]
        if claim["ruler"] == "share of variance":
            continue
        for side in f"{claim['plus']} + {claim['minus']}".split(" + "):
            model, condition, data = [*side.split(" @ "), "all", "open"][:3]
            if side.count(" @ ") == 0:
                condition, data = "all", study.data[0]
            elif side.count(" @ ") == 1:
                data = study.data[0]
            model = model.removesuffix(" alone")
            names = (data, condition, model)
            assert study._asks_for(int(claim["cuts"]) - 1, names), claim["key"]
            assert model in study.models and condition in study.conditions and data in study.data


def test_what_is_none_of_the_five_is_learned_of_no_kit_that_judges(open_kits):
    plain_train, plain_test = part("open", 0, 1)
    train, test = part("with outside sounds", 0, 1)
    assert test.table.equals(plain_test.table)
    assert set(train.labels) == {*LABELS, "rim", "clap", "cowbell", "none"}
    of_five = train[np.isin(train.labels, LABELS)]
    assert of_five.table["file"].tolist() == plain_train.table["file"].tolist()
    assert not set(train.kits) & set(test.kits)


def test_what_is_none_of_the_five_is_no_answer():
    """A straight line learns it as further classes, and yet names one of the five."""
    toys = load_drums("synth", n_kits=6, hits=2, random_state=3)
    labels = np.where(toys.labels == "tom", "none", toys.labels)
    drums = replace(toys, table=toys.table.assign(label=labels))
    model = linear().fit(drums.waves, drums.labels)
    assert "none" in model.predict(drums.waves)
    said = _answers(model, drums)[""]
    assert set(said) == {"kick", "snare", "hihat", "cymbal"}
    kept = drums.labels != "none"
    assert (said[kept] == drums.labels[kept]).all()

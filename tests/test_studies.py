"""What is compared: models with their digests, conditions, and the order of the runs."""

import numpy as np
import pytest

from drumlesson.course.studies import CONDITIONS, STUDIES, Study, linear, network, settings
from drumlesson.features import LogMel


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
    fine = linear(LogMel(hop_length=256))
    assert settings(linear())["digest"] != settings(fine)["digest"]


def test_settings_in_a_few_words():
    about = settings(network("dense", feature=LogMel(hop_length=256), augment="waves"))
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


@pytest.mark.parametrize("name", STUDIES)
def test_each_study_names_conditions_that_there_are_and_has_a_slice(name):
    study = STUDIES[name]
    assert set(study.conditions) <= set(CONDITIONS)
    assert study.slice() and set(study.slice()) <= set(study.runs())
    known = {*study.models, *study.conditions, *study.data}
    assert set(study.fewer) <= known


@pytest.mark.parametrize("name", [c for c in CONDITIONS if "synthesised" not in c])
def test_a_condition_is_drawn_anew_from_its_generator_and_leaves_the_drums_alone(name, toys):
    before = toys.labels.copy()
    first, again = (CONDITIONS[name](toys, np.random.default_rng(1)) for _ in range(2))
    assert (first.labels == again.labels).all() and (first.kits == again.kits).all()
    assert (toys.labels == before).all()
    assert set(first.labels) == set(toys.labels)

"""The model that comes along: file, card and scores belong together, and mean what they say."""

import json
import os
from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import drumlesson
from drumlesson import recipes
from drumlesson.answers import OUTSIDE, UNSURE, Calibration
from drumlesson.classifier import DrumClassifier, digest, spec_of
from drumlesson.course.results import recipe_table, scores, stored
from drumlesson.evaluation import _calibrate_outside, calibrate
from drumlesson.families.dense import Dense
from drumlesson.families.ensemble import Ensemble
from drumlesson.features import LogMel
from drumlesson.folders import SourceError
from drumlesson.outside import _HELD_OUT_KINDS, _LEARNED_KINDS
from drumlesson.recipes import (
    _card_path,
    _judge,
    _one_thread,
    _with_made,
    card,
    out_of_fold,
    recipe,
    train_recipe,
)
from drumlesson.runtime import SHIPPED, load
from drumlesson.tasks import Multiclass

EVIDENCE = Path(__file__).resolve().parent.parent / "nbs" / "evidence"


OLD = Path(__file__).parent / "data" / "best.keras"  # of version 0.1.0


@pytest.fixture(scope="module")
def best():
    return load()


@pytest.fixture(scope="module")
def recorded():
    from drumlesson.drums import load_drums

    try:
        return load_drums("open")
    except SourceError:
        pytest.skip("no recorded kits at hand: the shipped model was made from them")


# -- the shipped file


def test_small_and_made_by_todays_recipe(best):
    assert SHIPPED.stat().st_size < 1_000_000
    fresh = recipe("best")
    assert best.report_["recipe"] == "best"
    assert best.report_["digest"] == digest(spec_of(fresh))
    assert best.task_ == fresh.task and best.feature_ == fresh.feature
    assert best.window_.seconds == fresh.window
    assert best.report_["versions"]["drumlesson"] == drumlesson.__version__
    assert set(best.licences_) >= set(best.report_["per_kit"])


def test_card_says_what_the_file_says(best):
    text = _card_path(SHIPPED).read_text(encoding="utf-8")
    assert text == card(best)
    for figure in (best.report_["accuracy"][1], best.report_["macro_f1"][1]):
        assert f"{figure:.3f}" in text
    for kit in best.report_["per_kit"]:
        assert kit in text


def test_it_learned_from_every_kit_and_the_card_names_each_licence(best, recorded):
    assert set(best.report_["per_kit"]) == set(recorded.kits) <= set(best.training_kits_)
    assert best.report_["n"] == len(recorded) and best.validation_kits_ == []
    for kit, rows in recorded.table.groupby("kit"):
        said = best.report_["per_kit"][kit]
        assert said["licence"] == ", ".join(sorted(set(rows["licence"])))
        assert said["n"] == len(rows)


def test_its_scores_are_those_that_the_stored_study_found(best):
    """Other cuts into folds, the same kits; those of fewer than five hits judge here alone."""
    rows = stored("recipes", EVIDENCE)
    of_best = rows[rows["digest"] == best.report_["digest"]]
    assert len(of_best)
    found = scores(of_best).loc["residual", "accuracy"]
    low, value, high = best.report_["accuracy"]
    assert low < found < high
    assert found == pytest.approx(value, abs=0.03)


def test_the_card_says_how_the_recipe_was_chosen_as_the_study_has_it(best):
    """`drumlesson/data/recipes.csv` is written by the page of the results."""
    table = recipe_table(stored("recipes", EVIDENCE)).reset_index()
    with (files("drumlesson") / "data" / "recipes.csv").open(encoding="utf-8") as file:
        kept = pd.read_csv(file, keep_default_na=False)
    pd.testing.assert_frame_equal(kept, table.round(4), check_dtype=False)
    text = card(best)
    for row in table.itertuples():
        assert f"| {row.recipe}" in text and f"{row.accuracy:.3f} ({row.low:.3f}" in text


def test_scores_of_the_report_fit_together(best):
    r = best.report_
    confusion = np.array(r["confusion"])
    assert confusion.sum() == r["n"] == sum(k["n"] for k in r["per_kit"].values())
    kits = r["per_kit"].values()
    assert r["averaged_over"] == "kits"
    assert np.mean([k["accuracy"] for k in kits]) == pytest.approx(r["accuracy"][1])
    right = sum(k["n"] * k["accuracy"] for k in kits)
    assert np.trace(confusion) == pytest.approx(right)
    assert np.mean([c["f1"] for c in r["per_class"].values()]) == pytest.approx(r["macro_f1"][1])
    for low, value, high in (r["accuracy"], r["macro_f1"]):
        assert low < value < high
    assert (
        r["calibration_error"][1] < 0.06
        and r["sure"]["accuracy"] > r["accuracy"][1]
        and 0.5 < r["sure"]["share"] < 1
    )


def test_shipped_weights_are_the_recipes_and_know_the_drums_they_learned(best, recorded):
    assert best.score(recorded) > best.report_["accuracy"][1]
    said = best.predict(recorded, unsure=True)
    sure = np.isin(said, best.classes_)
    assert 0.8 < sure.mean() < 1 and np.mean(said[sure] == recorded.labels[sure]) > 0.95


def test_strangers_kits_get_sensible_labels(best):
    from drumlesson.drums import load_drums

    strangers = load_drums(
        "synth", n_kits=24, hits=1, random_state=77
    )  # synthesised kits, which it never met
    said = best.predict(strangers, unsure=True)
    sure = np.isin(said, best.classes_)
    assert best.score(strangers) > 0.6 and np.mean(
        said[sure] == strangers.labels[sure]
    ) > best.score(strangers)


def test_a_thin_slice_of_the_recipe_is_the_network_of_the_file(best, toys, others):
    """For a tenth of its epochs, on a few kits: as many numbers, and as many outputs."""
    thin = recipe("best").set_params(epochs=6).fit(_with_made(toys, ("none",)))
    outputs = thin.network_.output_shape[-1]
    assert outputs == len(thin.classes_) + len(thin.task_.outside)
    assert thin.network_.count_params() == best.report_["parameters"]
    assert thin.score(others) > 0.4


# -- predicting


def test_no_model_named(tmp_path, toys, capsys):
    import soundfile

    from drumlesson.cli import main

    for i in range(4):
        soundfile.write(tmp_path / f"hit {i}.wav", toys.waves[i], 22050)
    assert main(["predict", str(tmp_path), "--csv", str(tmp_path / "labels.csv")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4 and lines[0].split()[0] in {*toys.labels, "unsure"}
    import pandas as pd

    table = pd.read_csv(tmp_path / "labels.csv")
    best = load()
    proba = best.predict_proba(toys.waves[:4])
    refused = (table["label"] == OUTSIDE).to_numpy()
    of_answers = np.where(refused, best.outside_proba(toys.waves[:4]), proba.max(axis=1))
    assert table["probability"].to_numpy() == pytest.approx(of_answers, abs=2e-3)
    assert table["guess"].tolist() == best.classes_[proba.argmax(axis=1)].tolist()
    table, threshold = table[~refused], best.calibration_.unsure
    as_told = (table["label"] == "unsure") == (table["probability"] < threshold)
    assert as_told.all() or np.isclose(table["probability"], threshold, atol=1e-3).any()


def test_a_model_alone_is_no_sound(capsys):
    from drumlesson.cli import main

    assert main(["predict", "some.keras"]) == 2 and "PATH" in capsys.readouterr().err


@pytest.mark.parametrize(
    "args, said",
    [
        (["--recipe", "worst"], "'worst'"),
        (["--recipe", "best", "--family", "cnn"], "--family"),
        (["--recipe", "best", "--epochs", "3"], "--epochs"),
    ],
)
def test_recipes_that_cannot_be(args, said, tmp_path, capsys):
    from drumlesson.cli import main

    assert (
        main(["train", "--data", "synth", "--kits", "4", "--out", str(tmp_path / "a.keras"), *args])
        == 2
    )
    assert not list(tmp_path.iterdir()) and said in capsys.readouterr().err


# -- models of no recipe


def test_uncalibrated_models_are_never_unsure(toys):
    model = DrumClassifier(Dense((8,)), epochs=1, validation_fraction=0, verbose=0).fit(toys)
    assert model.calibration_ == Calibration() and "unsure" not in model.predict(toys, unsure=True)
    with pytest.raises(ValueError, match="no report"):
        card(model)


# -- ensembles, folds


def test_an_ensemble_says_what_its_members_say_on_average(toys, others, tmp_path):
    alone = [
        DrumClassifier(Dense((8,)), epochs=3, validation_fraction=0, random_state=s, verbose=0).fit(
            toys
        )
        for s in (4, 5)
    ]
    both = DrumClassifier(
        Ensemble((Dense((8,)), Dense((8,)))),
        epochs=3,
        validation_fraction=0,
        random_state=4,
        verbose=0,
    ).fit(toys)
    assert both.predict_proba(others) == pytest.approx(
        np.mean([m.predict_proba(others) for m in alone], axis=0), abs=1e-5
    )
    both.save(tmp_path / "both.keras")
    again = load(tmp_path / "both.keras")
    assert (
        again.predict_proba(others) == pytest.approx(both.predict_proba(others), abs=1e-6)
        and again.family_ == both.family_
    )


def test_an_ensemble_may_stop_early(toys):
    model = DrumClassifier(Ensemble((Dense((8,)), "cnn1d")), epochs=4, patience=1, verbose=0).fit(
        toys
    )
    assert len(model.history_) <= 4 and "val_loss" in model.history_


def test_ensembles_that_cannot_be():
    with pytest.raises(ValueError, match="members"):
        Ensemble(())
    with pytest.raises(ValueError, match="no family is called"):
        Ensemble(("sparse",))


def test_out_of_fold_answers_come_from_models_that_never_met_the_kit(toys, monkeypatch):
    met = {}

    def spy(model, train, test):
        met[tuple(test.kits)] = set(train.kits)
        return np.eye(5)[np.searchsorted(sorted(set(toys.labels)), test.labels)], np.array(
            sorted(set(toys.labels))
        )

    monkeypatch.setattr(recipes, "_one_fold", spy)
    proba, classes, fold = out_of_fold(DrumClassifier(verbose=0), toys, k=4, jobs=1)
    assert (classes[proba.argmax(axis=1)] == toys.labels).all() and len(set(fold)) == 4
    assert len(met) == 4 and all(not set(test) & train for test, train in met.items())


@pytest.mark.usefixtures("eagerly")
def test_train_recipe_writes_model_and_card_or_nothing(toys, tmp_path):
    small = DrumClassifier(Dense((8,)), validation_fraction=0, epochs=4, verbose=0)
    model = train_recipe("small", toys, tmp_path / "small.keras", k=3, jobs=1, model=small)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["small.keras", "small.md"]
    assert (
        (tmp_path / "small.md").read_text(encoding="utf-8")
        == card(load(tmp_path / "small.keras"))
        == card(model)
    )
    with pytest.raises(ValueError):
        train_recipe("small", toys, tmp_path / "other.h5", k=3, jobs=1, model=small)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["small.keras", "small.md"]


@pytest.mark.usefixtures("eagerly")
def test_a_report_holds_what_its_card_names(toys):
    small = DrumClassifier(Dense((8,)), validation_fraction=0, epochs=2, verbose=0)
    proba, classes, fold = out_of_fold(small, toys, k=2, jobs=1)
    calibration, report = _judge(proba, classes, fold, toys)
    low, value, high = report["macro_f1"]
    assert calibration == calibrate(proba, np.searchsorted(classes, toys.labels))
    assert low <= value <= high
    assert np.mean([c["f1"] for c in report["per_class"].values()]) == pytest.approx(value)
    assert set(report["per_kit"]) == set(toys.kits)
    json.dumps(report)  # plain data, as the model file needs it


def test_a_report_lets_each_kit_count_the_same(toys):
    """As scikit-learn has it, where a hit weighs as little as its kit has many."""
    from sklearn.metrics import accuracy_score, f1_score

    keep = (toys.kits != toys.kits[0]) | (toys.labels == "kick")
    drums = toys[keep]
    rng = np.random.default_rng(0)
    proba = rng.dirichlet(np.ones(5), len(drums))
    classes = np.array(sorted(set(drums.labels)))
    report = _judge(proba, classes, np.arange(len(drums)) % 2, drums)[1]
    y_pred = classes[proba.argmax(axis=1)]
    size = np.array([np.sum(drums.kits == kit) for kit in drums.kits])
    accuracy = accuracy_score(drums.labels, y_pred, sample_weight=1 / size)
    assert report["accuracy"][1] == pytest.approx(accuracy)
    assert accuracy != pytest.approx(accuracy_score(drums.labels, y_pred))
    f1 = f1_score(drums.labels, y_pred, average="macro", sample_weight=1 / size)
    assert report["macro_f1"][1] == pytest.approx(f1)
    assert np.mean([c["f1"] for c in report["per_class"].values()]) == pytest.approx(f1)
    assert sum(c["n"] for c in report["per_class"].values()) == len(drums)


@pytest.mark.usefixtures("eagerly")
def test_a_card_says_what_counts_the_same(toys, tmp_path):
    small = DrumClassifier(Dense((8,)), validation_fraction=0, epochs=1, verbose=0)
    model = train_recipe("small", toys, tmp_path / "small.keras", k=2, jobs=1, model=small)
    assert "(2 folds of kits; each kit counts the same; intervals" in card(model)
    assert "counts the same" not in card(load(OLD))  # version 0.1.0 counted hits


def test_a_card_tells_the_kinds_of_kits_apart():
    """The mean of the kits, however many hits they have."""
    sizes, shares = [90, 10, 5], [0.9, 0.5, 0.2]
    kinds = ["acoustic", "acoustic", "electronic"]
    rows = zip(sizes, shares, kinds, strict=True)
    per_kit = {str(i): {"n": n, "accuracy": a, "kind": k} for i, (n, a, k) in enumerate(rows)}
    *_, acoustic, electronic = recipes._kind_table({"per_kit": per_kit}).splitlines()
    assert [cell.strip() for cell in acoustic.split("|")[1:-1]] == ["acoustic", "2", "100", "0.70"]
    assert electronic.split("|")[4].strip() == "0.20"


def test_one_thread_leaves_the_environment_as_it_was(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("TF_NUM_INTRAOP_THREADS", raising=False)
    with _one_thread():
        assert os.environ["OMP_NUM_THREADS"] == os.environ["TF_NUM_INTRAOP_THREADS"] == "1"
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert "TF_NUM_INTRAOP_THREADS" not in os.environ


# -- what a recipe does not know


CLAPS = DrumClassifier(
    Dense((8,)),
    Multiclass(outside=("clap", "none")),
    feature=LogMel(n_mels=16, hop_length=512),
    epochs=4,
    validation_fraction=0,
    verbose=0,
)


@pytest.fixture(scope="module")
def with_claps(toys, others):
    """Drums of some kits, and in some of these claps: the snares of others."""
    claps = others[others.labels == "snare"]
    claps.table["label"] = "clap"
    return toys + claps


def test_a_recipe_with_labels_outside_is_trained_judged_and_described(with_claps, tmp_path):
    path = tmp_path / "small.onnx"
    model = train_recipe("small", with_claps, path, k=2, jobs=1, model=CLAPS)
    again = load(path)
    assert again.calibration_ == model.calibration_ and again.task_.outside == ("clap", "none")
    assert any(kit.startswith("outside-0-") for kit in model.training_kits_)
    report = model.report_
    json.dumps(report)
    assert report["n"] == np.isin(with_claps.labels, model.classes_).sum()
    assert not any(kit.startswith("outside") for kit in report["per_kit"])
    outside = report["outside"]
    assert outside["recorded"]["n"] == (with_claps.labels == "clap").sum()
    assert outside["made"]["n"] == 240
    for name in ("recorded", "made"):
        for score in ("auroc", "sure"):
            low, value, high = outside[name][score]
            assert 0 <= low <= value <= high <= 1
    assert set(outside["kinds"]) == {"clap", *_HELD_OUT_KINDS}
    text = (tmp_path / "small.md").read_text(encoding="utf-8")
    assert text == card(model) == card(again)
    assert "## What it does not know" in text and "not trained to refuse" not in text
    assert f"{outside['made']['auroc'][1]:.3f}" in text
    assert set(again.predict(with_claps, unsure=True)) <= {*again.classes_, UNSURE, OUTSIDE}


def test_no_fold_learns_from_what_it_is_judged_by(with_claps, monkeypatch):
    met = []

    def spy(model, train, test):
        met.append((set(train.kits), set(train.table["articulation"]), test))
        return np.full((len(test), 5), 0.2), np.zeros(len(test))

    monkeypatch.setattr(recipes, "_one_outside_fold", spy)
    drums = recipes._with_made(with_claps, ("none",))
    recipes._fold_outside(CLAPS, drums, 3, 0, 1)
    assert len(met) == 3
    for kits, articulations, test in met:
        assert not kits & set(test.kits)
        assert not articulations & set(_HELD_OUT_KINDS)
        assert set(_LEARNED_KINDS) <= articulations
        assert (np.isin(test.table["articulation"], _HELD_OUT_KINDS)).sum() == 240


def test_auroc_counts_pairs():
    drums, outside = np.array([0.1, 0.2, 0.6]), np.array([0.4, 0.6])
    low, value, high = recipes._auroc(drums, outside, ["a", "b", "b"], ["a", "c"])
    assert value == pytest.approx((3 + 0.5 + 1) / 6)  # of six pairs; one is a tie
    assert low <= value <= high


def test_thresholds_leave_the_share_that_is_asked_for_and_refuse_what_is_told_apart():
    rng = np.random.default_rng(1)
    y_true = np.where(np.arange(900) < 600, rng.integers(0, 5, 900), -1)
    proba = rng.dirichlet(np.full(5, 0.3), 900)
    drums = np.flatnonzero(y_true >= 0)
    proba[drums, y_true[drums]] += 1
    proba /= proba.sum(axis=1, keepdims=True)
    none = np.where(y_true < 0, rng.uniform(0.3, 1, 900), rng.uniform(0, 0.5, 900))
    found = _calibrate_outside(proba, y_true, none)
    sure = ~found.doubts(found(proba)) & ~found.refuses(none)
    assert 0.88 <= sure[drums].mean() < 0.9
    assert sure[y_true < 0].mean() < 0.2
    blind = _calibrate_outside(proba, y_true, np.zeros(900))
    assert not blind.refuses(np.zeros(900)).any()


def test_a_card_of_a_model_of_five_says_that_it_was_not_trained_to_refuse():
    text = card(load(OLD))
    assert "it was not trained to refuse them" in text and "does not know" not in text

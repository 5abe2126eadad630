"""Answers without TensorFlow: both kinds of file answer alike, and others are refused."""

import copy
import pickle
import re
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from drumlesson import DrumClassifier, load
from drumlesson.answers import Calibration
from drumlesson.evaluation import evaluate
from drumlesson.exporting import with_metadata
from drumlesson.families.ensemble import Ensemble
from drumlesson.modelfiles import _digest
from drumlesson.onnxfiles import _graph
from drumlesson.runtime import SHIPPED, OnnxClassifier

OLD = Path(__file__).parent / "data" / "best.keras"  # of version 0.1.0
OLD_ONNX = OLD.with_suffix(".onnx")  # what was made of it


@pytest.fixture(scope="module")
def shipped():
    return load()


# -- both kinds


def assert_alike(a, b, drums):
    """Two classifiers give the same answers, but for rounding."""
    assert a.classes_.tolist() == b.classes_.tolist()
    assert np.abs(a.predict_proba(drums) - b.predict_proba(drums)).max() < 1e-5
    assert a.predict(drums).tolist() == b.predict(drums).tolist()
    assert a.predict(drums, unsure=True).tolist() == b.predict(drums, unsure=True).tolist()
    assert a.doubts(drums).tolist() == b.doubts(drums).tolist()
    assert np.array_equal(a.features(drums), b.features(drums))
    labels = drums.labels if set(drums.labels) <= set(a.classes_) else a.predict(drums)
    assert a.score(drums, labels) == b.score(drums, labels)
    assert a.training_kits_ == b.training_kits_ and a.report_ == b.report_


def test_both_files_of_0_1_0_answer_alike(others):
    exported, old = load(OLD_ONNX), load(OLD)
    assert_alike(exported, old, others)
    assert evaluate(exported, others) == evaluate(old, others)
    assert isinstance(exported, OnnxClassifier) and isinstance(old, DrumClassifier)


def test_the_same_labels_on_every_recorded_hit(open_kits):
    waves, table, _ = open_kits
    exported, old = load(OLD_ONNX), load(OLD)
    hits = [waves[i] for i in range(0, len(waves), 3)]
    assert exported.predict(hits).tolist() == old.predict(hits).tolist()
    assert np.abs(exported.predict_proba(hits) - old.predict_proba(hits)).max() < 1e-5


WAYS = {
    "dense": ("dense", "multiclass", "logmel"),
    "cnn1d": ("cnn1d", "one-vs-rest", "mfcc"),
    "gru": ("gru", "kick", "stft"),
    "transformer": ("transformer", "multiclass", "mfcc"),
    "ensemble": (Ensemble(("dense", "cnn1d")), "multiclass", "logmel"),
}


ONCE = dict(epochs=1, refit=False, verbose=0, random_state=0)


@pytest.mark.parametrize("way", WAYS)
def test_the_whole_way(way, toys, others, tmp_path):
    """Learned, saved, exported: both files answer alike."""
    family, task, feature = WAYS[way]
    model = DrumClassifier(family, task, feature, window=0.1, **ONCE)
    model.fit(toys)
    model.save(tmp_path / "m.keras")
    model.export(tmp_path / "m.onnx")
    exported = load(tmp_path / "m.onnx")
    assert_alike(exported, load(tmp_path / "m.keras"), others)
    assert np.abs(exported.predict_proba(others) - model.predict_proba(others)).max() < 1e-5


# -- one hit or many, here or there


def test_the_same_bits_for_any_batch(shipped, others):
    whole = shipped.predict_proba(others)
    for n in (1, 2, 7):
        parts = [shipped.predict_proba(others.waves[i : i + n]) for i in range(0, len(others), n)]
        assert np.array_equal(np.concatenate(parts), whole)


def test_the_same_bits_in_threads(shipped, others):
    whole = shipped.predict_proba(others)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(shipped.predict_proba, [others.waves] * 24))
    assert all(np.array_equal(answer, whole) for answer in answers)


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))]
)
def test_a_copy_says_the_same(shipped, others, copied):
    again = copied(shipped)
    assert np.array_equal(again.predict_proba(others), shipped.predict_proba(others))
    assert again.digest_ == shipped.digest_ and again.licences_ == shipped.licences_
    assert repr(again) == repr(shipped)


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))]
)
@pytest.mark.parametrize("path", [OLD, OLD_ONNX], ids=["keras", "onnx"])
def test_a_copy_keeps_what_was_changed(path, others, copied):
    model = load(path)
    before = model.predict_proba(others[:2])
    model.calibration_ = Calibration(temperature=3.0, unsure=0.9)
    model.report_ = {"accuracy": 0.5}
    again = copied(model)
    assert again.calibration_ == Calibration(3.0, 0.9) and again.report_ == {"accuracy": 0.5}
    assert np.array_equal(again.predict_proba(others[:2]), model.predict_proba(others[:2]))
    again.calibration_ = Calibration()
    assert model.calibration_ == Calibration(3.0, 0.9)
    assert not np.array_equal(model.predict_proba(others[:2]), before)


# -- what is no model file


def altered(change):
    """The shipped file with another text about itself, or another digest."""
    content = SHIPPED.read_bytes()
    said = OnnxClassifier(content)._network.get_modelmeta().custom_metadata_map
    return with_metadata(content, change(dict(said)))


def replaced(old, new):
    """A change of what a file says of itself, with a digest that fits."""

    def change(said):
        assert old in said["drumlesson"]
        about = said["drumlesson"].replace(old, new)
        graph = _graph(with_metadata(SHIPPED.read_bytes(), {}))
        return {"drumlesson": about, "digest": _digest(graph, about.encode())}

    return change


CONTENTS = {
    "nothing": (lambda: b"", ""),
    "text": (lambda: b"no model", ""),
    "half": (lambda: SHIPPED.read_bytes()[:50_000], "cut off or damaged"),
    "one byte": (lambda: SHIPPED.read_bytes()[:-1], "cut off or damaged"),
    "a weight": (
        lambda: SHIPPED.read_bytes()[:60_000] + b"\0\0\0" + SHIPPED.read_bytes()[60_003:],
        "",
    ),
    "a stranger": (lambda: with_metadata(SHIPPED.read_bytes(), {}), "not one of drumlesson's"),
    "a digest": (lambda: altered(lambda said: said | {"digest": "0" * 64}), "digest is another"),
    "a word": (
        lambda: altered(lambda s: s | {"drumlesson": s["drumlesson"].replace("kick", "kock")}),
        "digest is another",
    ),
    "a window": (lambda: altered(replaced('"seconds": 0.3', '"seconds": 0.4')), "takes"),
    "a feature": (lambda: altered(replaced('"hop_length": 256', '"hop_length": 128')), "takes"),
    "classes": (lambda: altered(replaced('"hihat", ', "")), "no answer to 4 classes"),
}


@pytest.mark.parametrize("kind", CONTENTS)
def test_a_file_that_is_of_no_use_is_refused_in_one_line(kind, tmp_path):
    make, why = CONTENTS[kind]
    path = tmp_path / "m.onnx"
    path.write_bytes(make())
    with pytest.raises(ValueError) as e:
        load(path)
    text = str(e.value)
    assert text.startswith(f"{path}: is no model file, or a damaged or altered one (")
    assert text.endswith("): export it again") and why in text
    assert text.isprintable() and len(text) < 500


def test_the_content_decides_and_not_the_name(shipped, others, tmp_path):
    (tmp_path / "a.keras").write_bytes(SHIPPED.read_bytes())
    proba = load(tmp_path / "a.keras").predict_proba(others)
    assert np.array_equal(proba, shipped.predict_proba(others))
    (tmp_path / "b.onnx").write_bytes(OLD.read_bytes())
    with pytest.raises(ValueError, match="b.onnx: is a .keras file under another name: rename it"):
        load(tmp_path / "b.onnx")


def test_without_onnxruntime_it_is_not_the_files_fault(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ImportError, match="onnxruntime"):
        load()


def test_where_there_is_no_file(tmp_path):
    with pytest.raises(ValueError, match=re.escape("none.onnx: there is no such model file")):
        load(tmp_path / "none.onnx")
    with pytest.raises(ValueError, match="there is no such model file, it is a folder") as e:
        load(tmp_path)
    assert "drumlesson train" not in str(e.value)


@pytest.mark.parametrize("path", [OLD, SHIPPED], ids=["keras", "onnx"])
def test_the_home_directory_has_a_short_name(path, others, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))  # of Windows
    (tmp_path / path.name).write_bytes(path.read_bytes())
    model = load(f"~/{path.name}")
    assert np.array_equal(model.predict(others), load(path).predict(others))


def test_a_score_needs_labels():
    with pytest.raises(ValueError, match="the labels are missing: give y, or a Drums"):
        load().score([np.ones(2000)])
    with pytest.raises(ValueError, match="y holds NaN or None, first at 0"):
        load().score([np.ones(2000)], [None])


@pytest.mark.parametrize(
    "name, content, told",
    [
        ("a.keras", b"", "a.keras: is no model file, or a damaged or altered one (it is empty)"),
        ("a.onnx", b"", "a.onnx: is no model file, or a damaged or altered one (it is empty)"),
        ("a.wav", b"RIFF....WAVE", "a.wav: is no model file, or a damaged one"),
        ("a.keras", b"kept by error", "a.keras: is no model file, or a damaged one"),
        ("a.zip", b"PK\3\4", "a.zip: is no model file, or a damaged one"),
    ],
)
def test_what_is_no_model_needs_no_tensorflow_to_be_seen(
    tmp_path, monkeypatch, name, content, told
):
    monkeypatch.setitem(sys.modules, "drumlesson.classifier", None)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=re.escape(told)):
        load(tmp_path / name)


@pytest.mark.parametrize("name", ["m.keras.bak", "m", "m.onnx"])
@pytest.mark.parametrize("entry", ["drumlesson.json", "kick.wav"])
def test_an_archive_is_a_model_by_what_is_in_it(tmp_path, name, entry):
    with zipfile.ZipFile(tmp_path / name, "w") as archive:
        archive.writestr(entry, "{}")
    is_ours = entry == "drumlesson.json"
    told = "is a .keras file under another name: rename it" if is_ours else "is no model file"
    with pytest.raises(ValueError, match=f"{name}: {told}"):
        load(tmp_path / name)

"""The contract with the process that imports the package, and with scikit-learn."""

import dataclasses
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from drumlesson import DrumClassifier, answers, load
from drumlesson.attack import Attack
from drumlesson.drums import Drums
from drumlesson.families.dense import Dense
from drumlesson.features import LogMel

SMALL = DrumClassifier(
    Dense((4,)),
    feature=LogMel(n_mels=16, hop_length=512),
    window=0.05,
    epochs=1,
    refit=False,
    verbose=0,
)

# What a process is, as far as it can be asked: run in a process of its own.
STATE = """
import ctypes, json, logging, os, random, signal, sys, threading
import numpy as np

ASKED = []
_look_up = ctypes.CDLL.__getattr__


def _noted(self, name):
    ASKED.append(name)
    return _look_up(self, name)


ctypes.CDLL.__getattr__ = _noted


def same_file(descriptor):
    found = os.fstat(descriptor)
    return [found.st_dev, found.st_ino]


def umask():
    now = os.umask(0)
    os.umask(now)
    return now


def keras_seeds():
    if "keras" not in sys.modules:
        return None
    from keras.src.backend.common import global_state
    from tensorflow.python.eager import context
    seed = global_state.get_global_attribute("global_random_seed")
    return [seed, context.global_seed(), repr(getattr(context.context(), "_rng", None))]


def state():
    levels = {}
    for name in ("root", "tensorflow", "absl", "matplotlib", "numba"):
        levels[name] = logging.getLogger(name).level
    handlers = {}
    for number in signal.valid_signals():
        handlers[int(number)] = repr(signal.getsignal(number))
    return {
        "random": repr(random.getstate()),
        "numpy.random": repr(np.random.get_state()[1].tolist()),
        "seeds": keras_seeds(),
        "handlers": handlers,
        "descriptors": [same_file(n) for n in range(3)],
        "umask": umask(),
        "levels": levels,
        "environment": dict(os.environ),
        "path": list(sys.path),
        "mallopt": ASKED.count("mallopt"),
    }


def changed(before):
    now = state()
    return {key: [before[key], now[key]] for key in now if now[key] != before[key]}
"""
LIBRARY = """
import importlib, pkgutil, drumlesson
names = []
for module in pkgutil.walk_packages(drumlesson.__path__, "drumlesson."):
    if not module.name.startswith(("drumlesson.course", "drumlesson.dev")):
        names.append(module.name)
"""
IMPORTS = """
import sklearn, librosa, matplotlib, joblib  # what these change is theirs to answer for
before = state()
for name in names:
    importlib.import_module(name)
print(json.dumps([len(names), "keras" in sys.modules, changed(before)]))
"""
FIT = """
import keras
from drumlesson import DrumClassifier, load, load_drums
drums = load_drums("synth", n_kits=4, hits=1)
keras.utils.set_random_seed(11)
before = state()
model = DrumClassifier(epochs=1, refit=False, verbose=1, augment="both").fit(drums)
after_fit = changed(before)
load()
print(json.dumps([after_fit, changed(before)]))
"""
FIRST_FIT = """
from drumlesson import DrumClassifier, load_drums
drums = load_drums("synth", n_kits=4, hits=1)
before = state()
DrumClassifier(epochs=1, refit=False, verbose=0).fit(drums)
print(json.dumps(sorted(changed(before))))
"""


def in_a_process(*code, **environment):
    """What the code, run in a process of its own, printed as its last line."""
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(code)],
        capture_output=True,
        text=True,
        timeout=240,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.splitlines()[-1]


# -- the host process


def test_importing_every_module_changes_nothing():
    n_modules, has_keras, changes = json.loads(in_a_process(STATE, LIBRARY, IMPORTS))
    assert n_modules > 20 and not has_keras
    assert changes == {}


def test_a_fit_and_a_loaded_model_change_nothing():
    after_fit, after_load = json.loads(in_a_process(STATE, FIT))
    assert after_fit == {}
    assert after_load == {}


def test_a_first_fit_which_imports_keras_leaves_random_numbers_alone():
    changes = json.loads(in_a_process(STATE, FIRST_FIT, TF_CPP_MIN_LOG_LEVEL="3"))
    # TensorFlow's own import sets variables of its own; there were no seeds of Keras before
    assert set(changes) <= {"environment", "seeds", "levels"}


def test_the_same_number_gives_the_same_network_whatever_the_host_drew(toys, others):
    first = clone(SMALL).fit(toys).predict_proba(others)
    np.random.default_rng().random()
    assert np.array_equal(clone(SMALL).fit(toys).predict_proba(others), first)


def test_fits_of_several_threads_wait_for_each_other(toys, others):
    """They draw from the same random numbers, those of Keras."""
    first = clone(SMALL).fit(toys).predict_proba(others)
    with ThreadPoolExecutor(4) as pool:
        models = pool.map(lambda model: model.fit(toys), [clone(SMALL) for _ in range(4)])
        for model in models:
            np.testing.assert_allclose(model.predict_proba(others), first, atol=1e-5)


@pytest.mark.parametrize("name", ["unsure", "not a drum I know"])
def test_an_answer_is_no_class(toys, name):
    with pytest.raises(ValueError, match="is an answer of a model, and no class"):
        clone(SMALL).fit(toys.waves, np.where(toys.labels == "tom", name, toys.labels), toys.kits)


def test_a_score_wants_weights(toys):
    shipped = load()
    for weights in (np.zeros(len(toys)), np.full(len(toys), -1.0), np.full(len(toys), np.nan)):
        with pytest.raises(ValueError, match="numbers from zero up|holds NaN"):
            shipped.score(toys, sample_weight=weights)
    kicks = toys.labels == "kick"
    assert shipped.score(toys, sample_weight=kicks) == shipped.score(toys[kicks])


OWN = """
from drumlesson import backend
backend.own_process()
once = state()
backend.own_process()
assert changed(once) == {} and once["mallopt"] == 1
assert logging.getLogger("tensorflow").level == logging.ERROR
assert "keras" not in sys.modules and os.environ["TF_CPP_MIN_LOG_LEVEL"]
print("fine")
"""


def test_a_process_of_our_own_is_arranged_once():
    assert in_a_process(STATE, OWN, TF_CPP_MIN_LOG_LEVEL="3") == "fine"


INTERRUPTED = """
import signal
from drumlesson import DrumClassifier, load_drums
from drumlesson.backend import keras, own_process
OWN
seen = []
def host(number, frame):
    seen.append("host")
    raise KeyboardInterrupt
signal.signal(signal.SIGINT, host)
fit = keras.callbacks.EarlyStopping.on_epoch_end
def interrupted(self, epoch, logs=None):
    fit(self, epoch, logs)
    if epoch == 1:
        signal.raise_signal(signal.SIGINT)
keras.callbacks.EarlyStopping.on_epoch_end = interrupted
drums = load_drums("synth", n_kits=4, hits=1)
model = DrumClassifier(epochs=50, refit=False, verbose=1)
try:
    model.fit(drums)
except KeyboardInterrupt:
    seen.append("interrupted")
assert vars(model) == model.get_params(deep=False) and signal.getsignal(signal.SIGINT) is host
print(",".join(seen))
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT to send to oneself")
@pytest.mark.parametrize("own, seen", [("", "host,interrupted"), ("own_process()", "interrupted")])
def test_an_interrupt_goes_to_the_host_or_waits_in_a_process_of_our_own(own, seen):
    assert in_a_process(INTERRUPTED.replace("OWN", own)) == seen


WHILE_LOADING = """
import signal, sys
from drumlesson.backend import own_process
own_process()
class Watch:
    seen = 0
    def find_spec(self, name, *_):
        if name.startswith("tensorflow."):
            Watch.seen += 1
        if Watch.seen == 300:
            Watch.seen += 1
            signal.raise_signal(signal.SIGINT)
sys.meta_path.insert(0, Watch())
try:
    from drumlesson.backend import keras
except KeyboardInterrupt:
    print("interrupted")
from drumlesson.backend import keras
print(keras.layers.Dense(1).count_params.__name__, Watch.seen > 300)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT to send to oneself")
def test_an_interrupt_while_tensorflow_loads_waits_for_its_end():
    """The first fit of a session loads it, for seconds: broken off, it could not load again."""
    done = subprocess.run(
        [sys.executable, "-c", WHILE_LOADING], capture_output=True, text=True, timeout=240
    )
    assert done.stdout == "interrupted\ncount_params True\n", done.stdout + done.stderr[-800:]


# -- scikit-learn


@dataclasses.dataclass(frozen=True)
class Samples:
    """The window itself as a picture of one frame."""

    def __call__(self, x):
        return x[:, None, :]


def any_row(x, number, sr):
    """A row of numbers as a sound, however short: scikit-learn's checks feed two to twenty."""
    x = np.asarray(x, np.float32)
    if x.ndim != 1 or not np.isfinite(x).all():
        raise ValueError(f"sound {number}: holds NaN or infinite samples, or is no row")
    return x


ANY_LENGTH = "sounds are of any length: there is no number of features to keep to"
OWN_WORDS = "the error says in its own words what is wrong with sounds or labels"
FAILS = {
    "check_n_features_in": ANY_LENGTH,
    "check_n_features_in_after_fitting": ANY_LENGTH,
    "check_classifiers_train": ANY_LENGTH,
    "check_estimators_empty_data_messages": OWN_WORDS,
    "check_fit2d_1sample": OWN_WORDS,
    "check_fit2d_predict1d": OWN_WORDS,
    "check_requires_y_none": OWN_WORDS,
    "check_class_weight_classifiers": "two epochs are too few to follow extreme weights",
    "check_sample_weight_equivalence_on_dense_data": "batches are drawn: no weight is a repetition",
}


@parametrize_with_checks(
    [
        DrumClassifier(
            Dense((4,)),
            feature=Samples(),
            window=Attack(0.001, pre=0.0, peak_normalize=False),
            epochs=2,
            learning_rate=0.05,
            validation_fraction=0,
            verbose=0,
        )
    ],
    expected_failed_checks=lambda estimator: FAILS,
)
@pytest.mark.usefixtures("eagerly")
def test_checks_of_scikit_learn(estimator, check, monkeypatch):
    monkeypatch.setattr(answers, "_one_sound", any_row)
    check(estimator)


def test_before_fit_the_error_is_scikit_learns_and_a_value_error():
    with pytest.raises(NotFittedError, match="call fit first") as e:
        DrumClassifier().predict([np.ones(500)])
    assert isinstance(e.value, ValueError)


@pytest.mark.usefixtures("eagerly")
def test_folds_of_drums_are_drums_and_bring_their_kits(toys, monkeypatch):
    seen = []
    fit = DrumClassifier.fit

    def noted(self, X, y=None, **more):
        fit(self, X, y, **more)
        seen.append((X, self.training_kits_ + self.validation_kits_))
        return self

    monkeypatch.setattr(DrumClassifier, "fit", noted)
    assert toys.shape == (len(toys),)
    scores = cross_val_score(
        SMALL, toys, toys.labels, groups=toys.kits, cv=GroupKFold(2), error_score="raise"
    )
    assert len(scores) == 2 and len(seen) == 2
    for fold, kits in seen:
        assert isinstance(fold, Drums) and sorted(kits) == sorted(set(fold.kits))
        assert 1 < len(kits) < len(set(toys.kits))


@pytest.mark.usefixtures("eagerly")
def test_plain_lists_bring_groups_or_a_warning(toys):
    with pytest.warns(UserWarning, match="hits of the same kits.*groups="):
        clone(SMALL).fit(toys.waves, toys.labels)
    model = clone(SMALL).fit(toys.waves, toys.labels, groups=toys.kits)
    assert sorted(model.training_kits_ + model.validation_kits_) == sorted(set(toys.kits))


@pytest.mark.usefixtures("eagerly")
def test_settings_of_parts_are_searched(toys):
    search = GridSearchCV(
        clone(SMALL).set_params(family="dense"),
        {"family__units": [(3,), (5,)], "feature__n_mels": [8]},
        cv=GroupKFold(2),
        error_score="raise",
    )
    search.fit(toys, toys.labels, groups=toys.kits)
    best = search.best_estimator_
    assert best.family_.units in [(3,), (5,)]
    assert best.features(toys).shape[-1] == 8
    assert SMALL.family == Dense((4,)) and SMALL.feature.n_mels == 16


def test_a_part_is_replaced_and_never_changed():
    shared = Dense((4,))
    model = DrumClassifier(shared, window=0.2)
    other = clone(model).set_params(family__units=(7,), window__skip=0.1, epochs=3)
    assert other.family == Dense((7,)) and shared == Dense((4,)) and model.family is shared
    assert other.window == Attack(0.2, skip=0.1) and other.epochs == 3
    assert DrumClassifier("lstm").set_params(family__units=(8,)).family.units == (8,)
    assert DrumClassifier("lstm").set_params(family__dropout=0.1).family.units == (64,)


@pytest.mark.parametrize("params", [{"nosuch": 1}, {"nosuch__units": 1}, {"augment__p": 0.5}])
def test_settings_that_there_are_not(params):
    with pytest.raises(ValueError):
        DrumClassifier().set_params(**params)


def test_sample_weight_multiplies_the_class_weights(toys, others):
    plain = clone(SMALL).fit(toys).predict_proba(others)
    ones = clone(SMALL).fit(toys, sample_weight=np.ones(len(toys))).predict_proba(others)
    assert np.array_equal(plain, ones)
    kicks = np.where(toys.labels == "kick", 50.0, 1.0)
    loud = clone(SMALL).set_params(epochs=20, validation_fraction=0)
    soft = clone(loud).fit(toys).predict_proba(others)[:, 0].mean()
    assert loud.fit(toys, sample_weight=kicks).predict_proba(others)[:, 0].mean() > soft
    for wrong in ([1.0], -np.ones(len(toys)), np.zeros(len(toys))):
        with pytest.raises(ValueError, match="sample_weight"):
            clone(SMALL).fit(toys, sample_weight=wrong)


def test_random_state_as_in_scikit_learn(toys, others, tmp_path):
    def proba(random_state):
        return clone(SMALL).set_params(random_state=random_state).fit(toys).predict_proba(others)

    same = [proba(np.random.RandomState(3)) for _ in range(2)]  # noqa: NPY002
    assert np.array_equal(*same) and not np.array_equal(same[0], proba(None))
    model = clone(SMALL).set_params(random_state=np.random.RandomState(3))  # noqa: NPY002
    model.fit(toys).save(Path(tmp_path) / "drawn.keras")


def test_a_table_of_floats_is_so_many_sounds(toys):
    x = Attack(0.1)(toys.waves)
    assert clone(SMALL).fit(x, toys.labels, groups=toys.kits).predict(x).shape == (len(toys),)

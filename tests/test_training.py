"""Training: validation kits stand apart, what changes hits is tried first, and interrupts."""

import dataclasses
import sys
from pkgutil import resolve_name

import numpy as np
import pandas as pd
import pytest
from conftest import interrupted_amid
from hypothesis import given, settings
from hypothesis import strategies as st

from drumlesson import DrumClassifier, classifier, load, training
from drumlesson.attack import Attack
from drumlesson.families.dense import Dense
from drumlesson.families.ensemble import Ensemble
from drumlesson.features import LogMel
from drumlesson.labels import LABELS
from drumlesson.tasks import Binary, Multiclass, OneVsRest
from drumlesson.training import AugmentedHits, build, sample_weights, train, validation_rows

TINY = {"epochs": 3, "refit": False, "verbose": 0, "random_state": 5}
FEATURE = LogMel(n_mels=16, hop_length=512)


# -- validation kits


@given(
    rows=st.lists(
        st.tuples(st.sampled_from("abcdef"), st.sampled_from(LABELS)), min_size=1, max_size=40
    ),
    share=st.sampled_from([0.05, 0.2, 0.5]),
    random_state=st.integers(0, 3),
)
@settings(max_examples=40)
@pytest.mark.filterwarnings("error")
def test_what_is_validated_on_is_whole_kits_or_every_class_is_learned(rows, share, random_state):
    kits, labels = map(np.array, zip(*rows, strict=True))
    try:
        held_out = validation_rows(labels, kits, share, random_state)
    except ValueError:
        return
    assert held_out.any() and not held_out.all()
    assert set(labels[~held_out]) == set(labels)
    apart = not set(kits[held_out]) & set(kits[~held_out])
    kits_of_a_label = pd.Series(kits).groupby(labels).nunique()
    # hits of one kit are parted only where kits do not suffice
    assert apart or kits_of_a_label.min() < 2 or len(set(kits)) < 3


def test_validation_kits_are_kits_of_the_training_set_and_no_others(model, toys):
    learned, checked = set(model.training_kits_), set(model.validation_kits_)
    assert learned and checked and not learned & checked
    assert learned | checked == set(toys.kits)


def test_weights_of_hits():
    labels = ["a", "a", "a", "b"]
    assert np.allclose(sample_weights(labels, "balanced"), [2 / 3, 2 / 3, 2 / 3, 2])
    assert np.allclose(sample_weights(labels, None), 1)
    further = sample_weights(labels, "balanced", [1, 1, 1, 3])
    assert np.allclose(further, np.array([2, 2, 2, 18]) / 6)


# -- members of an ensemble, and the second fit


def test_members_learn_one_by_one_with_seeds_of_their_own(toys, monkeypatch):
    calls = []
    real = training.train

    def noted(*args, **more):
        calls.append((more["title"], more["random_state"], more["epochs"]))
        return real(*args, **more)

    monkeypatch.setattr(training, "train", noted)
    monkeypatch.setattr(training, "REFIT_EPOCHS", 2)
    pair = Ensemble((Dense((4,)), "dense"))
    model = DrumClassifier(pair, feature=FEATURE, epochs=1, random_state=7, verbose=0).fit(toys)
    assert calls == [("dense", 7, 1), ("dense", 8, 1), ("dense", 7, 2), ("dense", 8, 2)]
    assert len(model.history_) == 1 and model.network_.output_shape == (None, 5)


def as_it_is(x):
    """No body of a network: it leaves frames as they are."""
    return x


def test_a_wrong_second_member_is_refused_before_the_first_learns(toys, monkeypatch):
    def unasked(*_, **__):
        raise AssertionError("has learned")

    monkeypatch.setattr(training, "train", unasked)
    with pytest.raises(ValueError, match="one vector a hit"):
        DrumClassifier(Ensemble(("dense", as_it_is)), feature=FEATURE, verbose=0).fit(toys)


# -- augmented hits


@dataclasses.dataclass(frozen=True)
class Wrong:
    """An augmentation that keeps to its role, or not."""

    how: str = "right"

    def waves(self, x, rng):
        if self.how == "longer":
            return np.pad(x, ((0, 0), (0, 7)))
        return x * np.nan if self.how == "NaN wave" else x

    def pictures(self, x, rng):
        if self.how == "narrower":
            return x[:, :, 1:]
        return x * np.nan if self.how == "NaN picture" else x


@pytest.mark.parametrize(
    "how, text",
    [
        ("longer", r"Wrong\(how='longer'\) must keep the windows' shape"),
        ("NaN wave", "Wrong.* must keep the windows' shape .* finite numbers"),
        ("narrower", "Wrong.* must keep the features' shape .* and gives"),
        ("NaN picture", "Wrong.* must keep the features' shape .* finite numbers"),
    ],
)
def test_an_augmentation_that_breaks_its_word_is_named_before_training(toys, how, text):
    model = DrumClassifier("dense", feature=FEATURE, augment=Wrong(how), **TINY)
    with pytest.raises(ValueError, match=text):
        model.fit(toys)
    assert vars(model) == model.get_params(deep=False)


def test_some_of_the_hits(toys):
    hits = AugmentedHits(Wrong(), Attack(0.1), FEATURE, toys.waves)
    kicks = hits.of(toys.labels == "kick")
    rng = np.random.default_rng(0)
    rows = np.arange(len(kicks.rows))
    plain = FEATURE(Attack(0.1)([toys.waves[i] for i in kicks.rows]))
    assert np.allclose(kicks.features(rows, rng), plain, atol=1e-3)
    assert len(hits.rows) == len(toys) and kicks.tried(plain) is kicks


def test_plain_training(toys):
    task = Multiclass()
    x = FEATURE(Attack(0.1)(toys.waves))
    y = task.targets(toys.labels, task.classes(toys.labels))
    weights = sample_weights(toys.labels, "balanced")
    network = build(x, Dense((4,)), task, 5)
    history = train(network, task.loss(5), x, y, weights, epochs=2, verbose=0)
    assert list(history) == ["accuracy", "loss"] and list(history.index) == [1, 2]
    validation = (x[:10], y[:10], weights[:10])
    history = train(network, task.loss(5), x, y, weights, validation, epochs=1, verbose=0)
    assert {"val_loss", "val_accuracy"} < set(history)


@pytest.mark.parametrize("task", [Multiclass(), Binary("kick"), OneVsRest()])
def test_a_step_is_traced_once(toys, task):
    """TensorFlow traces a step twice that makes variables: those of the optimizer, a metric's."""
    x, traced = FEATURE(Attack(0.1)(toys.waves)), []
    y = task.targets(toys.labels, task.classes(toys.labels))
    network = build(x, Dense((4,)), task, 5)
    loss = task.loss(5)

    def counted(y_true, y_pred):
        traced.append(1)
        return loss(y_true, y_pred)

    history = train(network, counted, x, y, np.ones(len(x)), epochs=2, verbose=0)
    assert len(traced) == 1
    # The share right is that of the metric which Keras chooses by itself.
    network.compile(loss=loss, metrics=["accuracy"])
    _, right = network.evaluate(x, y, verbose=0)
    network.compile(loss=loss, metrics=[training._share_right(network, y)])
    assert network.evaluate(x, y, verbose=0)[1] == right and set(history) == {"accuracy", "loss"}


# -- interrupted training: the classifier is as it was, and learns again right away

STAGES = {
    "before the first epoch": ("keras.layers.Normalization.adapt", 1, None),
    "amid the epochs": ("keras.callbacks.EarlyStopping.on_epoch_end", 2, None),
    "amid changing hits": ("keras.callbacks.EarlyStopping.on_epoch_end", 2, "waves"),
    "after the epochs": ("drumlesson.training._outputs", 1, None),
    "before the refit": ("drumlesson.training.build", 2, None),
}


@pytest.mark.parametrize("where, times, augment", STAGES.values(), ids=STAGES)
def test_interrupted_at_any_stage(toys, others, monkeypatch, where, times, augment):
    model = DrumClassifier(**{**TINY, "refit": True, "augment": augment})
    calls = []
    original = resolve_name(where)

    def once(*args, **more):
        calls.append(1)
        if len(calls) == times:
            raise KeyboardInterrupt
        return original(*args, **more)

    with monkeypatch.context() as m:
        m.setattr(where, once)
        with pytest.raises(KeyboardInterrupt):
            model.fit(toys)
    # settings, and nothing learned
    assert len(calls) == times and vars(model) == model.get_params(deep=False)
    with pytest.raises(ValueError, match="call fit first"):
        model.predict(others)
    assert model.set_params(refit=False).fit(toys).score(toys) > 0.3


FIT = DrumClassifier.fit.__code__


def lines_of_fit():
    """Numbers of the lines of `fit`."""
    lines = {line for *_, line in FIT.co_lines() if line}
    return sorted(lines - {FIT.co_firstlineno})


def interrupted_at(line, model, drums):
    """Fits `model`, with an interrupt when that line of `fit` is reached."""

    def inside(frame, event, _):
        if event == "line" and frame.f_lineno == line:
            raise KeyboardInterrupt
        return inside

    def outside(frame, event, _):
        return inside if frame.f_code is FIT else None

    before = sys.gettrace()
    sys.settrace(outside)
    try:
        model.fit(drums)
    except KeyboardInterrupt:
        pass
    finally:
        sys.settrace(before)


@pytest.mark.parametrize("again", [False, True], ids=["the first fit", "a second fit"])
def test_interrupted_at_each_line(toys, others, monkeypatch, again):
    """An interrupt comes between two steps: at each, it has learned all or nothing."""
    fitted = DrumClassifier(**TINY).fit(toys)
    learned = fitted.network_, fitted.history_, fitted.task_
    monkeypatch.setattr(classifier, "_learn", lambda *_: learned)
    whole, halves = set(vars(fitted)), []
    for line in lines_of_fit():
        model = DrumClassifier(**TINY)
        if again:
            model.fit(others)
        before = dict(vars(model))
        interrupted_at(line, model, toys)
        now = vars(model)
        as_before = now.keys() == before.keys() and all(now[k] is before[k] for k in now)
        all_new = now.keys() == whole
        if again:
            other_kits = now["training_kits_"] != before["training_kits_"]
            all_new = all_new and other_kits and now["seconds_"] != before["seconds_"]
        if not (as_before or all_new):
            halves.append(line)
    assert halves == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_no_bar_is_left(toys, monkeypatch, error):
    """Else the bars of all later trainings are drawn below a dead one."""
    from tqdm.auto import tqdm

    def interrupt(*_, **__):
        raise error

    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr("keras.callbacks.EarlyStopping.on_epoch_end", interrupt)
    before = set(tqdm._instances)
    with pytest.raises(error) as held:  # which keeps the frames alive, as a notebook does
        DrumClassifier(**{**TINY, "verbose": 1}).fit(toys)
    left = [bar for bar in tqdm._instances if bar not in before]
    for bar in left:
        bar.close()
    assert not left and held


AMID = {
    "keras.Model.save": lambda model, path, drums: model.save(path),
    "keras.saving.load_model": lambda model, path, drums: load(path),
    "h5py.File.visititems_links": lambda model, path, drums: load(path),
    "keras.Model.predict_on_batch": lambda model, path, drums: model.predict(drums),
}


@pytest.mark.parametrize("address, what", AMID.items(), ids=AMID)
def test_an_interrupt_amid_keras_is_not_lost(model, toys, tmp_path, monkeypatch, address, what):
    path = tmp_path / "drums.keras"
    model.save(path)
    before = path.read_bytes()
    ended = interrupted_amid(monkeypatch, address)
    with pytest.raises(KeyboardInterrupt):
        what(model, path, toys)
    assert ended == [address] and path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["drums.keras"]


def test_an_interrupt_that_waits_ends_the_training_after_the_step():
    held = []
    stop = training._stop_on_interrupt(held)
    stop.set_model(type("Network", (), {"stop_training": False})())
    stop.on_train_batch_end(0)
    assert not stop.model.stop_training
    held.append("an interrupt")
    stop.on_train_batch_end(1)
    assert stop.model.stop_training

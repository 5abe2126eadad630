"""From a network of Keras to an ONNX file that answers alike."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from drumlesson.attack import Attack
from drumlesson.backend import keras
from drumlesson.drums import load_drums
from drumlesson.exporting import to_onnx, with_metadata
from drumlesson.families.convolutional import CNN, CNN1D
from drumlesson.families.dense import Dense
from drumlesson.families.recurrent import RNN
from drumlesson.families.transformer import CCT
from drumlesson.features import MFCC, STFT, LogMel
from drumlesson.onnxfiles import _check_onnx, open_session
from drumlesson.runtime import load
from drumlesson.tasks import Binary, Multiclass, OneVsRest
from drumlesson.training import _averaged, build

KERAS_FILE = Path(__file__).parent / "data" / "best.keras"  # as version 0.1.0 shipped it

FAMILIES = {
    "dense": Dense(units=(16,)),
    "cnn": CNN(filters=(4, 4), normalise=True),
    "cnn1d": CNN1D(filters=(8, 8)),
    "simple": RNN("simple", units=(8,)),
    "gru": RNN("gru", units=(8,)),
    "lstm": RNN("lstm", units=(8,)),
    "transformer": CCT(filters=(8,), dim=8, heads=2),
}
TASKS = {
    "multiclass": (Multiclass(), 3),
    "one-vs-rest": (OneVsRest(), 2),
    "binary": (Binary("a"), 2),
}
FEATURES = {"stft": STFT(), "logmel": LogMel(), "mfcc": MFCC()}
RECURRENT = [
    ("simple", (8,), True, "before", True),
    ("simple", (8, 4), False, "after", True),
    ("gru", (8, 4), True, "before", True),
    ("gru", (8, 4), True, "after", False),
    ("lstm", (8, 4), True, "after", True),
    ("lstm", (8,), False, "before", True),
]


@cache
def pictures(feature: str) -> np.ndarray:
    """What a feature makes of the synthesiser's hits."""
    drums = load_drums("synth", n_kits=2, hits=1)
    return FEATURES[feature](Attack(0.2)(drums.waves)).astype(np.float32)


def with_random_weights(network):
    """A network as it is after training: no weight is zero or one any more."""
    rng = np.random.default_rng(0)
    for weight in network.weights:
        if "float" not in weight.dtype:
            continue
        spread = 0.2 * rng.standard_normal(weight.shape)
        weight.assign(np.asarray(weight) * (1 + spread) + 0.05 * np.abs(spread))
    return network


def assert_alike(network, x) -> bytes:
    """The file of a network, which answers as it does on hits and on noise, for any number."""
    network = keras.Model(network.inputs, network.outputs)  # takes a list, whoever made it
    content = to_onnx(network)
    session = open_session(content)
    noise = np.random.default_rng(1).standard_normal(x.shape) * x.std() + x.mean()
    for hits in (x, noise.astype(np.float32)):
        right = np.asarray(network([hits], training=False))
        one_by_one = [session.run(None, {"feature": hit[None]})[0] for hit in hits]
        answers = np.concatenate(one_by_one)
        assert np.abs(answers - right).max() < 1e-5
        ahead = np.ptp(np.sort(right, axis=1)[:, -2:], axis=1)
        is_clear = ahead > 2e-5  # else the two largest are equal within what is allowed above
        assert np.array_equal(answers.argmax(axis=1)[is_clear], right.argmax(axis=1)[is_clear])
        together = session.run(None, {"feature": hits[:7]})[0]
        assert np.abs(together - right[:7]).max() < 1e-5
    return content


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("family", FAMILIES)
def test_a_file_answers_as_its_network(family, task):
    turn = list(FAMILIES).index(family) + list(TASKS).index(task)
    feature = list(FEATURES)[turn % 3]  # each family meets each feature, and so does each task
    x = pictures(feature)
    made, n_classes = TASKS[task]
    network = with_random_weights(build(x, FAMILIES[family], made, n_classes))
    content = assert_alike(network, x)
    assert _check_onnx(content) == (x.shape[1:], 1 if task == "binary" else n_classes)


@pytest.mark.parametrize("cell, units, mask, padding, bidirectional", RECURRENT)
def test_recurrent_layers_of_each_kind(cell, units, mask, padding, bidirectional):
    x = pictures("logmel").copy()
    for i, hit in enumerate(x):
        start = 2 + i % 7
        hit[start:] = hit[start]  # nothing changes any more: padding, of each length
    x[-1] = x[-1, 0]  # from the first frame on
    family = RNN(cell, units, bidirectional, padding, mask)
    network = with_random_weights(build(x, family, Multiclass(), 3))
    assert b"Loop" not in assert_alike(network, x)


def test_any_mask_and_any_direction():
    inputs = keras.Input((6, 3))
    waits = inputs[:, :, 0] > 0
    layers = keras.layers
    h = layers.GRU(4, return_sequences=True, go_backwards=True)(inputs, mask=waits)
    kept = layers.LSTM(4, return_sequences=True, zero_output_for_mask=True)
    h = layers.Concatenate()([h, kept(inputs, mask=waits)])
    h = layers.SimpleRNN(3, use_bias=False)(h, mask=waits)
    network = with_random_weights(keras.Model(inputs, layers.Dense(2)(h)))
    x = np.random.default_rng(0).standard_normal((16, 6, 3)).astype(np.float32)
    x[0, :, 0] = -1  # nothing sounds at all
    assert_alike(network, x)


def test_a_layer_without_an_operation_of_its_own_is_written_out():
    inputs = keras.Input((5, 3))
    h = keras.layers.SimpleRNN(4, activation="relu", return_sequences=True)(inputs)
    h = keras.layers.GRU(4, reset_after=False)(h)
    network = with_random_weights(keras.Model(inputs, keras.layers.Dense(2)(h)))
    x = np.random.default_rng(0).standard_normal((9, 5, 3)).astype(np.float32)
    content = assert_alike(network, x)
    assert b"Loop" not in content
    assert not network.layers[1].unroll  # the network itself stays as it was


def test_an_ensemble_of_families():
    x = pictures("logmel")
    members = [FAMILIES[name] for name in ("dense", "gru")]
    networks = [with_random_weights(build(x, member, OneVsRest(), 2)) for member in members]
    assert_alike(_averaged(networks), x)


def test_the_model_that_comes_along():
    model = load(KERAS_FILE)
    drums = load_drums("synth", n_kits=4, hits=2)
    assert_alike(model.network_, np.asarray(model.features(drums)))


def test_the_same_network_gives_the_same_small_file_again(tmp_path):
    first = to_onnx(load(KERAS_FILE).network_)
    network = load(KERAS_FILE).network_
    network.save(tmp_path / "again.keras")
    assert to_onnx(keras.saving.load_model(tmp_path / "again.keras")) == first
    assert len(first) < 630_000  # no state of an optimiser


def test_what_cannot_be_written_is_refused():
    inputs = keras.Input((4, 3))
    looping = keras.ops.fori_loop(0, keras.ops.shape(inputs)[0], lambda i, h: h * 2, inputs)
    with pytest.raises(ValueError, match="Loop"):
        to_onnx(keras.Model(inputs, keras.layers.Flatten()(looping)))


def test_texts_in_a_file_are_read_back_and_replaced():
    network = build(pictures("mfcc"), FAMILIES["dense"], Multiclass(), 3)
    content = with_metadata(to_onnx(network), {"drumlesson": "{}"})
    again = with_metadata(content, {"drumlesson": '{"sr": "22\u202f050 Hz"}'})
    texts = open_session(again).get_modelmeta().custom_metadata_map
    assert texts == {"drumlesson": '{"sr": "22\u202f050 Hz"}'}
    assert again == with_metadata(again, texts)

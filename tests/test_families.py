"""Families: which networks they build, what they refuse, and settings that can be searched."""

import copy
from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from drumlesson import DrumClassifier
from drumlesson.families.convolutional import CNN, CNN1D, occlusion, receptive_field
from drumlesson.families.dense import Dense
from drumlesson.families.recurrent import GRU, LSTM, RNN, SIMPLE, _before, _padding
from drumlesson.families.transformer import CCT, _attention, _positions
from drumlesson.features import LogMel
from drumlesson.protocols import FamilyLike, Parameters
from drumlesson.registry import FAMILIES, from_spec, to_spec

QUICK = dict(
    feature=LogMel(n_mels=16, hop_length=512), window=0.1, epochs=2, refit=False, verbose=0
)
KINDS = [Dense, CNN, CNN1D, RNN, CCT]


def built(family, frames=13, bins=16):
    """A Keras model of a family's body alone."""
    from drumlesson.backend import keras

    inputs = keras.Input((frames, bins))
    return keras.Model(inputs, family(inputs))


def layer_kinds(network):
    """The kinds of its layers that a family writes down, in order."""
    kinds = [type(layer).__name__ for layer in network.layers]
    return [kind for kind in kinds if kind[0].isupper() and kind != "InputLayer"]


@pytest.mark.parametrize("name", FAMILIES)
def test_each_registered_family_learns(toys, name):
    model = DrumClassifier(name, validation_fraction=0, epochs=6, verbose=0).fit(toys)
    assert model.score(toys) > 0.35, "no better than a guess on the hits it learned from"


def test_a_function_is_a_family_too(toys):
    from drumlesson.backend import keras

    def average(x):
        return keras.ops.mean(x, axis=1)

    assert DrumClassifier(average, **QUICK).fit(toys).predict(toys).shape == (len(toys),)


# -- settings


@pytest.mark.parametrize("kind", KINDS)
def test_a_family_is_parameters(kind):
    family = kind()
    assert isinstance(family, Parameters)
    assert isinstance(family, FamilyLike)
    assert family.get_params() == vars(family)
    assert clone(family) == family
    assert clone(family) is not family
    assert hash(clone(family)) == hash(family)


def test_settings_are_set_and_checked():
    family = copy.copy(GRU).set_params(units=(8,), cell="lstm")
    assert family == RNN("lstm", (8,))
    with pytest.raises(ValueError, match="no recurrent cell is called 'elman'"):
        family.set_params(cell="elman")
    assert family == RNN("lstm", (8,))
    with pytest.raises(ValueError, match="Dense has no setting 'neurons'"):
        Dense().set_params(neurons=3)


def test_the_registered_ones_stay_as_they_are():
    fresh = clone(DrumClassifier(GRU)).set_params(family__units=(8,))
    assert fresh.family == RNN("gru", (8,))
    assert (SIMPLE, GRU, LSTM) == (RNN("simple"), RNN("gru"), RNN("lstm"))
    for name, family in {"simple": SIMPLE, "gru": GRU, "lstm": LSTM}.items():
        assert FAMILIES.make(name) == family


@pytest.mark.usefixtures("eagerly")
def test_a_grid_search_over_a_familys_settings(toys):
    model = DrumClassifier(Dense((4,)), **QUICK, validation_fraction=0)
    grid = {"family__units": [(4,), (6, 5)]}
    search = GridSearchCV(model, grid, cv=2, error_score="raise")
    search.fit(list(toys.waves), toys.labels)
    tried = [params["family__units"] for params in search.cv_results_["params"]]
    assert tried == [(4,), (6, 5)]
    assert search.best_estimator_.family == Dense(search.best_params_["family__units"])
    assert model.family == Dense((4,))


def test_registered_families_come_back():
    for name in FAMILIES:
        made = FAMILIES.make(name)
        assert from_spec(FAMILIES, to_spec(FAMILIES, made)) == made


@pytest.mark.parametrize(
    "make, what",
    [
        (lambda: RNN("elman"), "no recurrent cell"),
        (lambda: RNN(padding="left"), "padding stands after"),
        (lambda: RNN(units=()), "at least one layer"),
        (lambda: CNN(filters=()), "at least one"),
        (lambda: CNN1D(filters=()), "at least one"),
        (lambda: CNN(pooling="median"), "pooling is one of mean, max, both, not 'median'"),
        (lambda: CNN1D(pooling="median"), "pooling is one of mean, max, both, not 'median'"),
        (lambda: CCT(dim=48, heads=5), "dim is an even multiple of heads, not 48 with 5 heads"),
        (lambda: CCT(dim=9, heads=3), "dim is an even multiple of heads, not 9 with 3 heads"),
        (lambda: CCT(blocks=0), "blocks lies within 1 to 100, not at 0"),
    ],
)
def test_impossible_families(make, what):
    with pytest.raises(ValueError, match=what):
        make()


# -- layers, whose order and number a saved model and a stored score depend on


def test_layers_of_a_dense_network():
    network = built(Dense((8, 4)))
    kinds = ["Flatten", "GaussianNoise", "Dense", "Dropout", "Dense", "Dropout", "Concatenate"]
    assert layer_kinds(network) == kinds
    assert network.output_shape == (None, 13 * 16 + 4)
    assert built(Dense((8, 4), skip=False)).output_shape == (None, 4)


def test_layers_of_a_convolutional_network():
    network = built(CNN((4, 6)))
    block = ["Conv2D", "Activation"]
    kinds = ["Reshape", "GaussianNoise", *block, "MaxPooling2D", *block]
    assert layer_kinds(network)[: len(kinds)] == kinds
    assert network.output_shape == (None, 2 * 4 * 6)  # mean and max of six maps in four bands
    assert built(CNN((4, 6), bands=False)).output_shape == (None, 2 * 6)
    assert built(CNN((4, 6), bands=False, pooling="max")).output_shape == (None, 6)


def test_layers_of_a_network_along_time():
    block = ["Conv1D", "BatchNormalization", "Activation"]
    kinds = ["GaussianNoise", *block, "MaxPooling1D", *block]
    network = built(CNN1D((4, 6)))
    assert layer_kinds(network)[: len(kinds)] == kinds
    assert network.output_shape == (None, 2 * 6)
    assert "BatchNormalization" not in layer_kinds(built(CNN1D((4, 6), normalise=False)))


def test_layers_of_a_recurrent_network():
    network = built(RNN("gru", (4, 3)))
    kinds = ["GaussianNoise", "Bidirectional", "Bidirectional", "Dropout"]
    assert layer_kinds(network) == kinds
    assert network.output_shape == (None, 6)
    one_way = built(RNN("lstm", (4, 3), bidirectional=False))
    assert layer_kinds(one_way) == ["GaussianNoise", "LSTM", "LSTM", "Dropout"]
    assert one_way.output_shape == (None, 3)


def test_layers_of_a_transformer():
    network = built(CCT((4,), dim=6, heads=2, blocks=2, widen=3))
    tokens = ["GaussianNoise", "Conv1D", "MaxPooling1D", "Conv1D"]
    looks = ["LayerNormalization", "MultiHeadAttention", "Dropout", "Add"]
    thinks = ["LayerNormalization", "Dense", "Dense", "Dropout", "Add"]
    end = ["LayerNormalization", "Dense", "Softmax", "Dot", "Flatten", "Dropout"]
    assert layer_kinds(network) == [*tokens, *2 * (looks + thinks), *end]
    assert network.output_shape == (None, 6)
    assert "Conv1D" in layer_kinds(built(CCT((), pool=1)))  # the one that makes tokens is left


def test_numbers_of_a_transformer_by_hand():
    """On the picture of the study: 128 bands; a token has 48 numbers, a head 12."""
    tokens = 128 * 3 * 128 + 128 + 128 * 3 * 48 + 48
    block = 4 * (48 * 48 + 48) + 48 * 192 + 192 + 192 * 48 + 48 + 2 * 2 * 48
    assert built(CCT(), 26, 128).count_params() == tokens + 2 * block + 2 * 48 + 48 + 1


# -- recurrent networks and the frames in which nothing sounds


def test_padding_is_what_no_longer_changes():
    x = np.random.default_rng(0).standard_normal((3, 6, 4)).astype(np.float32)
    x[0, 3:] = x[0, 3]  # changes for the last time at frame 3
    never = [False] * 6
    assert np.asarray(_padding(x)).tolist() == [[False] * 4 + [True] * 2, never, never]


def test_padding_moves_to_the_beginning():
    x = np.random.default_rng(0).standard_normal((2, 6, 4)).astype(np.float32)
    padded = np.array([[False] * 4 + [True] * 2, [False] * 6])
    moved, where = _before(x, padded)
    assert np.asarray(where).tolist() == [[True] * 2 + [False] * 4, [False] * 6]
    assert np.array_equal(moved[0], np.roll(x[0], 2, axis=0))
    assert np.array_equal(moved[1], x[1])


@pytest.mark.parametrize("padding", ["after", "before"])
def test_a_masked_network_does_not_hear_the_padding(padding):
    from drumlesson.backend import keras

    family = RNN("gru", (3,), mask=True, padding=padding, noise=0.0)
    answers = []
    for length in (6, 9):
        keras.utils.set_random_seed(1)
        network = built(family, frames=length, bins=4)
        x = np.random.default_rng(0).standard_normal((2, 9, 4)).astype(np.float32)[:, :length]
        x[:, 4:] = 1.5
        answers.append(network.predict_on_batch(x))
    short, long = answers
    assert long == pytest.approx(short, abs=1e-5)


# -- transformers, and the order of frames


def small(**settings):
    """A transformer whose tokens are single frames."""
    return CCT((), kernel=1, pool=1, dim=8, heads=2, **settings)


@pytest.mark.parametrize(
    "family, knows",
    [
        (small(positions=False), False),
        (small(), True),
        (replace(small(positions=False), kernel=3), True),
    ],
)
def test_without_positions_and_convolution_the_order_is_lost(family, knows):
    from drumlesson.backend import keras

    keras.utils.set_random_seed(1)
    network = built(family)
    x = np.random.default_rng(0).standard_normal((3, 13, 16)).astype(np.float32)
    moved = network.predict_on_batch(x[:, ::-1]) - network.predict_on_batch(x)
    assert (np.abs(moved).max() > 1e-3) is np.bool_(knows)
    if not knows:
        assert moved == pytest.approx(np.zeros_like(moved), abs=1e-5)


def test_each_position_is_like_itself_most():
    rows = _positions(40, 24)
    assert rows.shape == (40, 24) and rows.dtype == np.float32
    assert rows[0] == pytest.approx([0] * 12 + [1] * 12)
    alike = rows @ rows.T
    assert (alike.argmax(axis=1) == np.arange(40)).all()
    assert (alike[0, :4] == np.sort(alike[0, :4])[::-1]).all()


def test_attention_is_what_a_head_by_hand_gives(toys):
    family = CCT((6,), dim=8, heads=2, blocks=2, widen=1, dropout=0.0, noise=0.0)
    model = DrumClassifier(family, **QUICK, validation_fraction=0).fit(toys)
    x = model.features(toys)
    looks, weights = _attention(model, x)
    n_tokens = -(-x.shape[1] // 2)
    assert looks.shape == (len(toys), 2, 2, n_tokens, n_tokens)
    assert weights.shape == (len(toys), n_tokens)
    assert looks.sum(axis=-1) == pytest.approx(1, abs=1e-4)
    assert weights.sum(axis=-1) == pytest.approx(1, abs=1e-4)

    from drumlesson.backend import keras

    layers = model.network_.layers
    layer = next(lay for lay in layers if isinstance(lay, keras.layers.MultiHeadAttention))
    before = keras.Model(model.network_.inputs, layer.input[0]).predict_on_batch(x)
    table = layer.get_weights()  # those of the queries and their offset, then those of the keys
    queries = np.einsum("ntd,dhk->nhtk", before, table[0]) + table[1][:, None]
    keys = np.einsum("ntd,dhk->nhtk", before, table[2]) + table[3][:, None]
    fit = queries @ keys.swapaxes(-1, -2) / np.sqrt(4)
    e = np.exp(fit - fit.max(axis=-1, keepdims=True))
    assert looks[:, 0] == pytest.approx(e / e.sum(axis=-1, keepdims=True), abs=1e-4)


def test_attention_of_a_network_without_any(toys):
    model = DrumClassifier(Dense((4,)), **QUICK, validation_fraction=0).fit(toys)
    with pytest.raises(ValueError, match="has no attention: fit one of the family 'transformer'"):
        _attention(model, model.features(toys))


# -- how far a value sees, and what a network heeds


def test_a_receptive_field_by_hand():
    network = built(CNN1D((4, 4, 4), kernel=7), frames=64)
    rows = receptive_field(network, hop_length=256, n_fft=1024)
    assert [row["frames"] for row in rows] == [7, 8, 20, 22, 46]
    assert {row["bins"] for row in rows} == {None}
    assert rows[-1]["ms"] == 569  # 45 hops and one window


def test_a_receptive_field_in_two_dimensions():
    rows = receptive_field(built(CNN((4, 6))), hop_length=512, n_fft=1024)
    seen = [(row["frames"], row["bins"], row["ms"]) for row in rows]
    assert seen == [(5, 7, 139), (6, 9, 163), (14, 33, 348)]


def test_a_receptive_field_of_residual_blocks():
    """By hand: 3 frames; a block that steps by 2 adds 2 of them, then 4; the next twice as many."""
    rows = receptive_field(built(CNN((4, 6, 8), (3, 3), residual=True)), 512, n_fft=1024)
    frames = [row["frames"] for row in rows]
    assert sorted(frames) == [3, 3, 3 + 2, 5 + 4, 9, 9 + 4, 13 + 8]
    bins = [row["bins"] for row in rows]  # the first convolution takes steps of two bins
    assert sorted(bins) == [3, 3, 3 + 4, 7 + 8, 15, 15 + 8, 23 + 16]


def test_a_residual_block_hands_on_what_came_in():
    """With filters of nothing but zeros the shortcut alone is left: no plain block does that."""
    from drumlesson.backend import keras

    inputs = keras.Input((8, 12))
    body = CNN((4, 4), (3, 3), dropout=0, noise=0, residual=True)
    network = keras.Model(inputs, body(inputs))
    added = next(layer for layer in network.layers if isinstance(layer, keras.layers.Add))
    shortcut = added.input[0]._keras_history.operation
    for layer in network.layers:
        if isinstance(layer, keras.layers.Conv2D) and layer.kernel_size == (3, 3):
            last = layer
    last.set_weights([np.zeros_like(w) for w in last.get_weights()])
    both = keras.Model(inputs, [shortcut.output, added.output])
    same, sum_ = both.predict_on_batch(np.ones((1, 8, 12), np.float32))
    assert sum_ == pytest.approx(same) and np.abs(same).max() > 0


class Louder:
    """A made-up classifier: the odds of `loud` rise with the energy in one point of a picture."""

    classes_ = np.array(["soft", "loud"])

    def __init__(self, point):
        self.point = point
        self.network_ = self.task_ = self

    def predict_on_batch(self, pictures):
        return pictures[:, *self.point]

    def proba(self, outputs):
        loud = 1 / (1 + np.exp(-outputs))
        return np.stack([1 - loud, loud], axis=1)


@pytest.mark.parametrize("point", [(4, 9), (0, 0), (7, 15)])
def test_occlusion_finds_the_point_that_counts(point):
    x = np.zeros((8, 16), np.float32)
    x[point] = 3
    fall = occlusion(Louder(point), x, "loud", patch=(2, 3), step=(1, 1))
    assert fall.shape == x.shape and fall.dtype == np.float32
    assert np.unravel_index(fall.argmax(), fall.shape) == point
    assert fall[point] == pytest.approx(3, abs=1e-4)  # every patch over it silences it
    frames, bins = np.indices(x.shape)
    far = (abs(frames - point[0]) > 1) | (abs(bins - point[1]) > 2)
    assert (fall[far] == 0).all()
    against = occlusion(Louder(point), x, "soft", patch=(2, 3), step=(1, 1))
    assert against == pytest.approx(-fall, abs=1e-4)


def test_a_changed_copy_leaves_the_family():
    family = Dense((8,))
    assert replace(family, l2=0.1) == Dense((8,), l2=0.1)
    assert family == Dense((8,))

"""How fast the parts are that must be fast: ratios within one run, no times asserted.

`make bench` shows them.
"""

import librosa
import numpy as np
import pytest
import soundfile

from drumlesson import datasets
from drumlesson.attack import Attack
from drumlesson.audio import SR, AudioInfo, load_hits
from drumlesson.drums import load_drums
from drumlesson.features import LogMel, _from_bands
from drumlesson.registry import AUGMENTATIONS, FAMILIES
from drumlesson.tasks import Multiclass
from drumlesson.training import AugmentedHits, build, sample_weights, train

N = 256
FEATURE = LogMel()


@pytest.fixture(scope="module")
def windows():
    """256 windows of 363 ms (8,000 samples)."""
    return Attack(8000 / SR)(load_drums("synth", n_kits=13, hits=4, random_state=1).waves[:N])


@pytest.fixture(scope="module")
def seconds():
    """What each benchmark of this file took, for the ratios."""
    return {}


def ratio(benchmark, seconds, name, slow=None):
    """Keeps the quickest round of a benchmark, and its ratio to a slower one of the same run."""
    if benchmark.stats is None:  # benchmarks are switched off: each function ran once
        return
    took = benchmark.stats.stats.min
    seconds[name] = took
    if slow in seconds:
        times = round(seconds[slow] / took, 1)
        benchmark.extra_info["times as fast"] = times
        print(f"\n{name}: {took * 1e3:.2f} ms, {times:.1f} times as fast as {slow}")


def librosa_loop(windows):
    """The plain way: librosa, a sound at a time."""
    pictures = []
    for x in windows:
        mel = librosa.feature.melspectrogram(
            y=x,
            sr=SR,
            n_fft=FEATURE.n_fft,
            hop_length=FEATURE.hop_length,
            n_mels=FEATURE.n_mels,
            fmin=FEATURE.fmin,
            pad_mode="constant",
        )
        pictures.append(librosa.power_to_db(mel, top_db=FEATURE.top_db).T)
    return np.stack(pictures)


@pytest.mark.benchmark(group="log-mel spectrograms of 256 hits of 363 ms")
def test_librosa_loop(benchmark, windows, seconds):
    assert benchmark(librosa_loop, windows).shape[0] == N
    ratio(benchmark, seconds, "librosa loop")


@pytest.mark.benchmark(group="log-mel spectrograms of 256 hits of 363 ms")
def test_batched_logmel(benchmark, windows, seconds):
    batch = benchmark(FEATURE, windows)
    assert np.abs(batch - librosa_loop(windows)).max() < 0.001
    ratio(benchmark, seconds, "batched", "librosa loop")


def test_least_squares(benchmark, windows, seconds):
    """Spectra with given mel bands, as librosa finds them."""
    bank = FEATURE._bank().T
    mel = FEATURE.mel_power(windows[:16]).swapaxes(1, 2)
    spectra = benchmark.pedantic(librosa.util.nnls, (bank, mel), rounds=3, warmup_rounds=1)
    assert spectra.shape == (16, 1025, mel.shape[2])
    ratio(benchmark, seconds, "least squares")


def test_multiplicative_steps(benchmark, windows, seconds):
    mel = FEATURE.mel_power(windows[:16])
    spectra = benchmark(_from_bands, mel, FEATURE._bank())
    assert spectra.shape == (16, mel.shape[1], 1025)
    ratio(benchmark, seconds, "multiplicative steps", "least squares")


@pytest.mark.benchmark(group="1,000 synthesised hits")
def test_rendering(benchmark, timed):
    n_kits = 50 if timed else 5
    drums = benchmark.pedantic(
        load_drums, args=("synth",), kwargs=dict(n_kits=n_kits, hits=4, random_state=2), rounds=3
    )
    assert len(drums) == 20 * n_kits


@pytest.fixture
def kept(tmp_path, monkeypatch, windows):
    """A decoded cache as large as that of the open kits, and the same sounds as files.

    Each hit is half a second long.
    """
    monkeypatch.setenv("DRUMLESSON_CACHE", str(tmp_path))
    monkeypatch.setenv("DRUMLESSON_MIRROR", "off")
    hits, paths = {}, []
    for i in range(len(datasets.manifest())):
        hit = np.resize(windows[i % N], SR // 2)
        hits[i] = hit, AudioInfo()
        paths.append(tmp_path / f"{i}.wav")
        soundfile.write(paths[-1], hit, SR)
    datasets._save_hits(datasets._decoded_open(), hits)
    return paths


@pytest.mark.benchmark(group="744 recorded hits")
def test_decoding(benchmark, kept, seconds):
    hits, failed = benchmark.pedantic(load_hits, args=(kept,), rounds=3)
    assert len(hits) == len(kept) and not failed
    ratio(benchmark, seconds, "decoding")


@pytest.mark.benchmark(group="744 recorded hits")
def test_decoded_cache(benchmark, kept, seconds):
    waves, table, problems = benchmark.pedantic(datasets.read_open, rounds=3)
    left_out = datasets.audit_decisions()["decision"].eq("left out").sum()
    assert len(waves) == len(table) == len(kept) - left_out and not problems
    ratio(benchmark, seconds, "decoded cache", "decoding")


@pytest.mark.parametrize("n", [1, N])
@pytest.mark.parametrize("how", ["keras predict", "predict_proba"])
def test_prediction(benchmark, model, others, seconds, n, how):
    """From sound to probabilities; the plain way is `keras.Model.predict` on the same features."""
    benchmark.group = f"prediction of {n} hit{'s' * (n > 1)}"
    sounds = (others.waves * 18)[:n]

    def keras_predict(X):
        return model.network_.predict(model.features(X), verbose=0)

    plain = how == "keras predict"
    proba = benchmark(keras_predict if plain else model.predict_proba, sounds)
    assert proba.shape == (n, 5) and proba.sum(axis=1) == pytest.approx(1)
    ratio(benchmark, seconds, f"{how} {n}", slow=None if plain else f"keras predict {n}")


def told(benchmark, step, plain, what):
    """Keeps and prints what a step of training takes beside one without augmentation."""
    times, share = step / plain, 1 - plain / step
    benchmark.extra_info |= {
        "ms a step": round(step * 1e3, 1),
        "times as long": round(times, 2),
        "share of a step": round(share, 2),
    }
    print(f"\n{what}: {step * 1e3:.1f} ms a step, ", end="")
    print(f"{times:.2f} times as long as without, which is {share:.0%} of the step")


EPOCHS = 5  # where times are taken, else one


@pytest.mark.benchmark(group="one epoch of training, 600 hits")
@pytest.mark.parametrize("augment", [None, "pictures", "waves", "both"])
@pytest.mark.parametrize("family", ["dense", "cnn1d"])
def test_training_step(benchmark, seconds, timed, family, augment):
    """An epoch is ten steps; the ratio says how much longer a step takes with augmentation."""
    drums = load_drums("synth", n_kits=30 if timed else 5, hits=4, random_state=3)
    epochs = EPOCHS if timed else 1
    task, window = Multiclass(), Attack(0.3)
    x = FEATURE(window(drums.waves))
    y = task.targets(drums.labels, task.classes(drums.labels))
    weights = sample_weights(drums.labels, "balanced")
    network = build(x, FAMILIES.make(family), task, 5)
    fresh = None
    if augment:
        fresh = AugmentedHits(AUGMENTATIONS.make(augment), window, FEATURE, drums.waves)

    def learn():
        loss = task.loss(5)
        return train(network, loss, x, y, weights, epochs=epochs, augmented=fresh, verbose=0)

    history = benchmark.pedantic(learn, rounds=3, warmup_rounds=1)
    assert len(history) == epochs and np.isfinite(history["loss"]).all()
    if benchmark.stats is not None:
        n_steps = -(-len(drums) // 64)
        step = benchmark.stats.stats.min / epochs / n_steps
        seconds[f"{family} {augment}"] = step
        told(benchmark, step, seconds[f"{family} None"], f"{family}, augmentation {augment}")

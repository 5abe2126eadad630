"""The batched features against librosa, sound by sound."""

import dataclasses
import pickle

import librosa
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone

from drumlesson import features
from drumlesson.attack import Attack
from drumlesson.audio import SR
from drumlesson.features import MFCC, STFT, LogMel
from drumlesson.protocols import FeatureLike

DB = 0.001  # how far from librosa a decibel may be


def librosa_db(feature, x):
    """What librosa makes of one sound: (frames, bins) in decibels."""
    kw = dict(n_fft=feature.n_fft, hop_length=feature.hop_length, center=True, pad_mode="constant")
    if isinstance(feature, LogMel):
        bank = dict(n_mels=feature.n_mels, fmin=feature.fmin, fmax=feature.fmax)
        power = librosa.feature.melspectrogram(y=x, sr=feature.sr, **bank, **kw)
    else:
        power = np.abs(librosa.stft(x, **kw)) ** 2
    return librosa.power_to_db(power, ref=1.0, top_db=feature.top_db).T


def librosa_mfcc(feature, x):
    """What librosa makes of one sound: (frames, coefficients)."""
    return librosa.feature.mfcc(S=librosa_db(feature, x).T, n_mfcc=feature.n_mfcc).T


@pytest.fixture(scope="module")
def hits(toys):
    """Forty windows of 200 ms: synthesised hits, and noise from loud to faint."""
    noise = np.random.default_rng(0).standard_normal((8, round(0.2 * SR)))
    faded = noise * np.logspace(1, -5, 8)[:, None]
    return np.concatenate([Attack(0.2)(toys.waves)[:32], faded.astype(np.float32)])


SETTINGS = [
    {},
    dict(n_fft=512, hop_length=128),
    dict(n_fft=2048, hop_length=300),
    dict(n_fft=1000, hop_length=77),
    dict(n_fft=255, hop_length=256),
    dict(sr=44100, hop_length=512),
]
KINDS = [
    STFT(),
    LogMel(),
    LogMel(n_mels=32),
    LogMel(n_mels=128, fmin=0.0),
    LogMel(fmin=100.0, fmax=8000.0),
]


@pytest.mark.parametrize("top_db", [None, 80.0, 20.0])
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.filterwarnings("ignore:Empty filters")
def test_decibels_are_those_of_librosa(hits, kind, settings, top_db):
    feature = dataclasses.replace(kind, **settings, top_db=top_db)
    some = hits[::5]
    batch = feature(some)
    assert batch.dtype == np.float32
    assert len(batch) == 8
    for x, db in zip(some, batch, strict=True):
        expected = librosa_db(feature, x)
        assert db.shape == expected.shape
        assert np.abs(db - expected).max() < DB


@pytest.mark.parametrize(
    "settings", [{}, dict(n_mfcc=13, n_mels=40), dict(top_db=None, n_fft=512)], ids=str
)
def test_mfcc_are_those_of_librosa(hits, settings):
    feature = MFCC(**settings)
    for x, mfcc in zip(hits, feature(hits), strict=True):
        assert np.abs(mfcc - librosa_mfcc(feature, x)).max() < DB * np.sqrt(feature.n_mels)


@given(
    samples=st.integers(1, 3000),
    n=st.integers(1, 40),
    n_fft=st.sampled_from([64, 255, 1024]),
    hop_length=st.integers(1, 1500),
    random_state=st.integers(0, 9),
)
@pytest.mark.filterwarnings("ignore:n_fft")
def test_sounds_of_any_length(samples, n, n_fft, hop_length, random_state):
    feature = STFT(n_fft=n_fft, hop_length=max(hop_length, samples // 50))
    x = np.random.default_rng(random_state).standard_normal((n, samples)).astype(np.float32)
    db = feature(x)
    padded = samples + 2 * (n_fft // 2)
    frames = 1 + (padded - n_fft) // feature.hop_length
    assert db.shape == (n, frames, 1 + n_fft // 2)
    assert np.abs(db[-1] - librosa_db(feature, x[-1])).max() < DB


@pytest.mark.parametrize("kind", [STFT, LogMel, MFCC])
def test_a_batch_is_its_sounds_one_by_one(hits, kind):
    batch = kind()(hits)  # more than one block of 32
    for x, row in zip(hits, batch, strict=True):
        assert np.abs(kind()(x)[0] - row).max() < DB


@pytest.mark.parametrize("kind", [STFT, LogMel, MFCC])
@pytest.mark.parametrize(
    "x",
    [np.zeros((2, 3, 4)), [], np.zeros((0, 100)), np.zeros((3, 0)), [[1.0, 2.0], [1.0]], "a sound"],
    ids=["three axes", "nothing", "no sounds", "no samples", "ragged", "text"],
)
def test_wrong_shapes(kind, x):
    with pytest.raises(ValueError):
        kind()(x)


@pytest.mark.parametrize("kind", [STFT, LogMel, MFCC])
def test_silence_is_a_floor_and_not_infinite(kind):
    assert np.isfinite(kind()(np.zeros((2, 500)))).all()


@pytest.mark.parametrize("kind", [STFT, LogMel])
def test_a_bin_stands_for_its_frequency(kind):
    tone = np.sin(2 * np.pi * 1000 * np.arange(SR // 2) / SR).astype(np.float32)
    picture = kind()(tone)[0]
    loudest = picture.mean(axis=0).argmax()
    frequencies = kind().frequencies()
    assert frequencies[loudest] == pytest.approx(1000, rel=0.05)
    assert len(frequencies) == picture.shape[1]


@pytest.mark.parametrize("feature, error", [(STFT(), 3), (LogMel(), 5), (MFCC(n_mfcc=64), 5)])
def test_back_to_sound(hits, feature, error):
    """The sound that comes back has nearly the same picture where it is loud."""
    x = hits[:3]
    y = feature.invert(feature(x), x.shape[1])
    assert y.shape == x.shape
    assert np.isfinite(y).all()
    picture = LogMel(top_db=30.0)
    assert np.abs(picture(y) - picture(x)).mean() < error


@pytest.mark.parametrize("n_mels", [8, 40, 128])
def test_a_spectrum_of_bands_has_these_bands_as_nearly_as_least_squares(hits, n_mels):
    feature = LogMel(n_mels=n_mels)
    mel = feature.mel_power(hits[:3])
    bank = librosa.filters.mel(sr=SR, n_fft=2048, n_mels=n_mels, fmin=20.0)

    def miss(power):
        """By how many dB the bands that are loud differ."""
        again, loud = power @ bank.T, mel > mel.max() * 1e-5
        return np.abs(10 * np.log10(np.maximum(again[loud], 1e-12) / mel[loud])).mean()

    spectra = features._from_bands(mel, feature._bank())
    assert spectra.shape == (3, mel.shape[1], 1025) and spectra.min() >= 0
    least_squares = librosa.util.nnls(bank, mel.swapaxes(1, 2)).swapaxes(1, 2)
    assert miss(spectra) < 0.5 and miss(spectra) < miss(least_squares) + 0.1


# -- as a step of scikit-learn; a pipeline with a window stands in test_attack


@pytest.mark.parametrize("feature", [STFT(n_fft=512), LogMel(n_mels=16), MFCC(n_mfcc=13)])
def test_a_feature_is_a_setting_to_clone_to_compare_and_to_store(feature, hits):
    assert isinstance(feature, FeatureLike)
    assert clone(feature) == feature
    assert clone(feature) is not feature
    assert hash(clone(feature)) == hash(feature)
    assert pickle.loads(pickle.dumps(feature)) == feature
    assert type(feature)(**feature.get_params()) == feature
    changed = clone(feature).set_params(hop_length=77)
    assert changed == dataclasses.replace(feature, hop_length=77)
    assert changed != feature
    with pytest.raises(dataclasses.FrozenInstanceError):
        feature.n_fft = 64
    with pytest.raises(ValueError, match="has no setting 'hop'"):
        clone(feature).set_params(hop=77)
    assert (feature.fit(hits).transform(hits) == feature(hits)).all()

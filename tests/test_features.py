"""The batched features against librosa, sound by sound."""

import librosa
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumlesson.attack import Attack, envelope, onset
from drumlesson.audio import SR
from drumlesson.features import MFCC, STFT, LogMel

DB = 0.001  # how far from librosa a decibel may be


def librosa_db(feature, x):
    """What librosa makes of one sound: (frames, bins) in decibels."""
    kw = dict(n_fft=feature.n_fft, hop_length=feature.hop_length, center=True, pad_mode="constant")
    if isinstance(feature, LogMel):
        power = librosa.feature.melspectrogram(
            y=x, sr=feature.sr, n_mels=feature.n_mels, fmin=feature.fmin, fmax=feature.fmax, **kw
        )
    else:
        power = np.abs(librosa.stft(x, **kw)) ** 2
    return librosa.power_to_db(power, ref=1.0, top_db=feature.top_db).T


def librosa_mfcc(feature, x):
    return librosa.feature.mfcc(S=librosa_db(feature, x).T, n_mfcc=feature.n_mfcc).T


@pytest.fixture(scope="module")
def hits(toys):
    """Forty windows of 200 ms: synthesised hits, and noise from loud to faint."""
    noise = (
        np.random.default_rng(0).standard_normal((8, round(0.2 * SR)))
        * np.logspace(1, -5, 8)[:, None]
    )
    return np.concatenate([Attack(0.2)(toys.waves)[:32], noise.astype(np.float32)])


SETTINGS = [
    dict(),
    dict(n_fft=512, hop_length=128),
    dict(n_fft=2048, hop_length=300),
    dict(n_fft=1000, hop_length=77),
    dict(n_fft=255, hop_length=256),
    dict(sr=44100, hop_length=512),
]
MEL = [dict(), dict(n_mels=32), dict(n_mels=128, fmin=0.0), dict(fmin=100.0, fmax=8000.0)]


@pytest.mark.parametrize("top_db", [None, 80.0, 20.0])
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize(
    "make",
    [STFT, *(lambda mel=mel, **kw: LogMel(**mel, **kw) for mel in MEL)],
    ids=["STFT", *(f"LogMel {mel}" for mel in MEL)],
)
@pytest.mark.filterwarnings("ignore:Empty filters")
def test_decibels_are_those_of_librosa(hits, make, settings, top_db):
    feature = make(**settings, top_db=top_db)
    batch = feature(hits[::5])
    assert batch.dtype == np.float32 and len(batch) == 8
    for x, db in zip(hits[::5], batch):
        assert (
            db.shape == librosa_db(feature, x).shape
            and np.abs(db - librosa_db(feature, x)).max() < DB
        )


@pytest.mark.parametrize(
    "settings", [dict(), dict(n_mfcc=13, n_mels=40), dict(top_db=None, n_fft=512)], ids=str
)
def test_mfcc_are_those_of_librosa(hits, settings):
    feature = MFCC(**settings)
    for x, mfcc in zip(hits, feature(hits)):
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
    assert db.shape == (
        n,
        1 + (samples + 2 * (n_fft // 2) - n_fft) // feature.hop_length,
        1 + n_fft // 2,
    )
    assert np.abs(db[-1] - librosa_db(feature, x[-1])).max() < DB


@pytest.mark.parametrize("make", [STFT, LogMel, MFCC])
def test_a_batch_is_its_sounds_one_by_one(hits, make):
    batch = make()(hits)  # more than one block of 32
    assert all(np.abs(make()(x)[0] - row).max() < DB for x, row in zip(hits, batch))


@pytest.mark.parametrize("make", [STFT, LogMel, MFCC])
@pytest.mark.parametrize(
    "x",
    [np.zeros((2, 3, 4)), [], np.zeros((0, 100)), np.zeros((3, 0)), [[1.0, 2.0], [1.0]], "a sound"],
    ids=["three axes", "nothing", "no sounds", "no samples", "ragged", "text"],
)
def test_wrong_shapes(make, x):
    with pytest.raises(ValueError):
        make()(x)


@pytest.mark.parametrize("make", [STFT, LogMel, MFCC])
def test_silence_is_a_floor_and_not_infinite(make):
    assert np.isfinite(make()(np.zeros((2, 500)))).all()


@pytest.mark.parametrize("make", [STFT, LogMel])
def test_a_bin_stands_for_its_frequency(make):
    tone = np.sin(2 * np.pi * 1000 * np.arange(SR // 2) / SR).astype(np.float32)
    loudest = make()(tone)[0].mean(axis=0).argmax()
    assert make().frequencies()[loudest] == pytest.approx(1000, rel=0.05)
    assert len(make().frequencies()) == make()(tone).shape[2]


@pytest.mark.parametrize(
    "make, error",
    [(STFT, 3), (LogMel, 5), (lambda: MFCC(n_mfcc=64), 5)],
    ids=["STFT", "LogMel", "MFCC"],
)
def test_back_to_sound(hits, make, error):
    """The sound that comes back has nearly the same picture where it is loud."""
    feature, x = make(), hits[:3]
    y = feature.invert(feature(x), x.shape[1])
    assert y.shape == x.shape and np.isfinite(y).all()
    picture = LogMel(top_db=30.0)
    assert np.abs(picture(y) - picture(x)).mean() < error


# -- the attack


@given(
    lead=st.integers(0, 3000),
    gain=st.floats(1e-3, 5),
    seconds=st.sampled_from([0.001, 0.01, 0.2, 1.0]),
    skip=st.sampled_from([0.0, 0.05]),
    n=st.integers(30, 6000),
)
def test_a_window_has_its_length_whatever_the_hit(lead, gain, seconds, skip, n):
    x = np.concatenate([np.zeros(lead), gain * np.exp(-np.arange(n) / 500)]).astype(np.float32)
    window = Attack(seconds, skip=skip)([x, x[lead:]])
    assert (
        window.shape == (2, round(seconds * SR))
        and window.dtype == np.float32
        and np.isfinite(window).all()
    )
    assert np.abs(window).max() <= 1 + 1e-6
    assert lead - 22 <= onset(x) <= lead


def test_an_early_hit_keeps_its_rise():
    """Zeros stand before a hit that begins at once, so that all onsets fall on one place."""
    hit = np.ones(100, np.float32)
    early, late = Attack(0.01, pre=0.002)([hit, np.concatenate([np.zeros(220, np.float32), hit])])
    assert (
        np.flatnonzero(early)[0] == round(0.002 * SR)
        and abs(np.flatnonzero(late)[0] - np.flatnonzero(early)[0]) <= 22
    )


@pytest.mark.parametrize(
    "settings",
    [
        dict(seconds=0),
        dict(seconds=-1),
        dict(seconds=float("nan")),
        dict(seconds=float("inf")),
        dict(seconds=1e-9),
        dict(seconds=1e9),
        dict(skip=-0.1),
        dict(pre=-0.1),
        dict(skip=float("nan")),
    ],
    ids=str,
)
def test_windows_that_cannot_be(settings):
    with pytest.raises(ValueError):
        Attack(**settings)


def test_the_envelope_has_a_block_a_millisecond():
    e = envelope(np.concatenate([np.zeros(SR // 10), np.ones(SR // 10 + 1)]))
    assert len(e) == pytest.approx(201, abs=1) and e[0] == 0 and e[-1] == 1

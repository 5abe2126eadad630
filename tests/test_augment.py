"""Augmentations: what each may change, what it must not, and what is refused before anything is trained."""

import dataclasses

import numpy as np
import pytest
from conftest import noise_hit, write_sound
from hypothesis import given
from hypothesis import strategies as st

from drumlesson import DrumClassifier, load
from drumlesson.audio import SR, AudioError
from drumlesson.augment import (
    BOTH,
    PICTURES,
    WAVES,
    Adapt,
    Augmentation,
    Background,
    Chain,
    Colour,
    Decay,
    DynamicRange,
    FrequencyMask,
    Gain,
    NoiseFloor,
    PictureGain,
    PictureNoise,
    PictureShift,
    Room,
    Saturation,
    Shift,
    SpectralEnvelope,
    Speed,
    Tilt,
    TimeMask,
)
from drumlesson.datasets import SourceError
from drumlesson.families.dense import Dense
from drumlesson.features import LogMel
from drumlesson.registry import AUGMENTATIONS, from_spec, to_spec
from drumlesson.training import WIDER, AugmentedHits

WAVE = [Gain, Shift, Speed, Tilt, Colour, Decay, Saturation, Room, NoiseFloor]
PICTURE = [
    PictureNoise,
    PictureGain,
    SpectralEnvelope,
    DynamicRange,
    TimeMask,
    FrequencyMask,
    PictureShift,
]
RANGED = [(kind, name) for kind in WAVE + PICTURE for name in kind.LIMITS]
QUICK = dict(
    family=Dense(units=(8,)),
    feature=LogMel(n_mels=16, hop_length=512),
    window=0.1,
    epochs=2,
    validation_fraction=0,
    verbose=0,
)


def hits(n=6, samples=3000, random_state=0):
    return np.stack(
        [
            np.resize(noise_hit(samples / SR, random_state=random_state + i), samples)
            for i in range(n)
        ]
    )


def made(kind, p):
    """One of its kind that changes the small examples of this file, whatever it draws."""
    return kind(
        **{
            DynamicRange: {"db": (5, 15)},
            TimeMask: {"share": (0.3, 0.6)},
            FrequencyMask: {"share": (0.3, 0.6)},
            PictureShift: {"frames": (1, 3)},
        }.get(kind, {}),
        p=p,
    )


def example(kind):
    return hits() if kind in WAVE else LogMel(n_mels=16, hop_length=256)(hits())


@pytest.mark.parametrize("kind", WAVE + PICTURE)
def test_same_seed_same_change_and_the_input_is_left_alone(kind):
    x, step = example(kind), made(kind, 1.0)
    before = x.copy()
    a, b, c = (step(x, np.random.default_rng(random_state)) for random_state in (1, 1, 2))
    assert (a == b).all() and (a != c).any() and (x == before).all()
    assert (
        a.shape == x.shape
        and a.dtype == np.float32
        and np.isfinite(a).all()
        and (a != x).any(axis=tuple(range(1, x.ndim))).sum() >= 4
    )


@pytest.mark.parametrize("kind", WAVE + PICTURE)
def test_probability_is_a_share_of_the_hits(kind):
    x = example(kind)
    assert (made(kind, 0.0)(x, np.random.default_rng(0)) == x).all()
    many = np.concatenate([x] * 20)
    changed = (
        (made(kind, 0.5)(many, np.random.default_rng(0)) != many)
        .any(axis=tuple(range(1, x.ndim)))
        .mean()
    )
    assert 0.35 < changed < 0.65


@pytest.mark.parametrize("kind", WAVE + PICTURE)
def test_silence_and_a_single_hit_stay_finite(kind):
    x = np.zeros_like(example(kind)[:1])
    assert np.isfinite(made(kind, 1.0)(x, np.random.default_rng(0))).all()


@pytest.mark.parametrize("kind, name", RANGED)
@pytest.mark.parametrize("bad", ["backwards", "outside", "number", "nan", "text"])
def test_an_impossible_range_is_refused(kind, name, bad):
    least, most = kind.LIMITS[name]
    value = {
        "backwards": (most, least),
        "outside": (least, most + 1),
        "number": most,
        "nan": (float("nan"), most),
        "text": ("a", "b"),
    }[bad]
    with pytest.raises(ValueError, match=f"{kind.__name__}: {name}"):
        kind(**{name: value})


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
def test_an_impossible_probability_is_refused(p):
    with pytest.raises(ValueError, match="Gain: p is a share"):
        Gain(p=p)


@pytest.mark.parametrize("kind", [Colour, SpectralEnvelope])
def test_a_curve_needs_two_knots(kind):
    with pytest.raises(ValueError, match="2 knots"):
        kind(knots=1)


# -- each does what its name says


def test_gain_is_in_decibels():
    x = hits()
    assert Gain((-6, -6), p=1)(x, np.random.default_rng(0)) == pytest.approx(
        x * 10 ** (-6 / 20), abs=1e-6
    )


def test_shift_brings_silence_and_wraps_nothing():
    x = hits()
    late = Shift((0.01, 0.01), p=1)(x, np.random.default_rng(0))
    n = round(0.01 * SR)
    assert (late[:, :n] == 0).all() and (late[:, n:] == x[:, :-n]).all()
    early = Shift((-0.01, -0.01), p=1)(x, np.random.default_rng(0))
    assert (early[:, -n:] == 0).all() and (early[:, :-n] == x[:, n:]).all()


@pytest.mark.parametrize("semitones", [-7, -1, 3, 12])
def test_speed_moves_the_pitch(semitones):
    t = np.arange(SR // 2) / SR
    tone = np.sin(2 * np.pi * 440 * t)[None].astype(np.float32)
    y = Speed((semitones, semitones), p=1)(tone, np.random.default_rng(0))[0]
    n = 1 << 16
    peak = np.argmax(np.abs(np.fft.rfft(y * np.hanning(len(y)), n))) * SR / n
    assert peak == pytest.approx(440 * 2 ** (semitones / 12), rel=0.01)


def test_tilt_turns_at_one_kilohertz():
    rng, x = (
        np.random.default_rng(0),
        np.random.default_rng(1).standard_normal((1, SR)).astype(np.float32),
    )
    gain = 20 * np.log10(
        np.abs(np.fft.rfft(Tilt((3, 3), p=1)(x, rng)[0])) / np.abs(np.fft.rfft(x[0]))
    )
    at = lambda hz: np.median(gain[hz - 20 : hz + 20])
    assert (
        at(1000) == pytest.approx(0, abs=0.5)
        and at(4000) == pytest.approx(6, abs=0.5)
        and at(250) == pytest.approx(-6, abs=0.5)
    )


def test_room_adds_a_tail_of_the_energy_asked_for():
    click = np.zeros((1, SR), np.float32)
    click[0, 0] = 1
    y = Room((0.3, 0.3), (-10, -10), p=1)(click, np.random.default_rng(0))[0]
    assert y[0] == pytest.approx(1, abs=0.2) and 10 * np.log10(
        np.sum((y - click[0]) ** 2)
    ) == pytest.approx(-10, abs=0.2)
    assert np.sum(y[SR // 2 :] ** 2) < 1e-5  # after half a second, 100 dB down


def test_saturation_keeps_the_peak():
    x = hits()
    assert np.abs(Saturation(p=1)(x, np.random.default_rng(0))).max(axis=1) == pytest.approx(
        np.abs(x).max(axis=1), rel=1e-4
    )


def test_noise_floor_fills_digital_silence_and_little_else():
    x = np.concatenate([hits(), np.zeros((6, 3000), np.float32)], axis=1)
    y = NoiseFloor((-60, -60), p=1)(x, np.random.default_rng(0))
    level = 20 * np.log10(np.sqrt(((y - x) ** 2).mean(axis=1)) / np.abs(x).max(axis=1))
    assert (
        level == pytest.approx(-60, abs=0.5)
        and (x[:, 3000:] == 0).all()
        and (y[:, 3000:] != 0).mean() > 0.99
    )


@pytest.mark.parametrize("kind, axis", [(TimeMask, 1), (FrequencyMask, 2)])
def test_masks_put_one_stretch_to_the_pictures_own_silence(kind, axis):
    x = np.random.default_rng(0).uniform(-50, 0, (8, 20, 40)).astype(np.float32)
    y = kind((0.5, 0.5), p=1)(x, np.random.default_rng(0))
    changed = (y != x).any(axis=3 - axis)
    assert (changed.sum(axis=1) >= x.shape[axis] // 2 - 1).all() and (
        np.abs(np.diff(changed, axis=1)).sum(axis=1) <= 2
    ).all()
    assert all((new[new != old] == old.min()).all() for new, old in zip(y, x))


def test_picture_shift_does_not_wrap():
    x = np.random.default_rng(0).uniform(-50, 0, (3, 10, 4)).astype(np.float32)
    y = PictureShift((2, 2), p=1)(x, np.random.default_rng(0))
    assert (y[:, 2:] == x[:, :-2]).all() and all(
        (new[:2] == old.min()).all() for new, old in zip(y, x)
    )


@given(st.lists(st.sampled_from(WAVE + PICTURE), min_size=1, max_size=5), st.integers(0, 99))
def test_a_chain_of_anything_keeps_shapes(kinds, random_state):
    chain, rng = Chain([kind(p=1.0) for kind in kinds]), np.random.default_rng(random_state)
    x = chain.waves(hits(2), rng)
    picture = chain.pictures(LogMel(n_mels=8, hop_length=512)(x), rng)
    assert x.shape == (2, 3000) and picture.shape == (2, 6, 8) and np.isfinite(picture).all()
    assert from_spec(AUGMENTATIONS, to_spec(AUGMENTATIONS, chain)) == chain


# -- background noise, and other people's transforms


def test_background_comes_at_the_ratio_asked_for(tmp_path):
    file = write_sound(
        tmp_path / "street.wav",
        np.random.default_rng(0).uniform(-0.1, 0.1, 3 * SR).astype(np.float32),
    )
    x = hits()
    y = Background(file, (20, 20), p=1)(x, np.random.default_rng(0))
    assert 10 * np.log10((x**2).mean(axis=1) / ((y - x) ** 2).mean(axis=1)) == pytest.approx(
        20, abs=0.1
    )
    assert (
        Background(tmp_path, (20, 20), p=1)(x, np.random.default_rng(0)) == y
    ).all()  # a folder with one file


def test_what_is_no_background_is_refused_at_construction(tmp_path):
    silent = write_sound(tmp_path / "a" / "silent.wav", np.zeros(3 * SR, np.float32))
    with pytest.raises(ValueError, match="silent.wav: is silent"):
        Background(silent)
    with pytest.raises(AudioError, match="none.wav"):
        Background(tmp_path / "none.wav")
    (tmp_path / "empty").mkdir()
    with pytest.raises((SourceError, ValueError), match="empty"):
        Background(tmp_path / "empty")


def test_a_background_shorter_than_the_hit_is_refused_before_training(tmp_path, toys):
    short = Background(write_sound(tmp_path / "short.wav", noise_hit(0.05)))
    with pytest.raises(ValueError, match="short.wav: lasts 0.05 s, and the hits"):
        DrumClassifier(**QUICK, augment=short).fit(toys)


def test_any_callable_can_be_adapted(toys):
    x = hits()
    rng = np.random.default_rng(0)
    assert (Adapt(lambda x, sr: -x, p=1)(x, rng) == -x).all()
    assert (Adapt(lambda x, sr: np.append(x, x), p=1)(x, rng) == x).all()  # what is longer is cut
    assert (
        Adapt(lambda x, sr: x[:10], p=1)(x, rng)[:, 10:] == 0
    ).all()  # what is shorter ends in silence
    with pytest.raises(ValueError, match="cannot be called"):
        Adapt("reverb")
    for wrong in (lambda x, sr: x * np.nan, lambda x, sr: x[None], lambda x, sr: 1.0):
        with pytest.raises(ValueError, match="must return one sound"):
            DrumClassifier(**QUICK, augment=Adapt(wrong)).fit(toys)


def test_audiomentations_transforms_can_be_adapted():
    audiomentations = pytest.importorskip(
        "audiomentations", reason="audiomentations is not installed: its transforms are not tried"
    )
    x = hits()
    y = Adapt(audiomentations.PolarityInversion(p=1.0), p=1)(x, np.random.default_rng(0))
    assert y == pytest.approx(-x)


# -- in training


@pytest.mark.parametrize(
    "augment",
    [
        "waves",
        "pictures",
        "both",
        "speed",
        "drumlesson.augment:TimeMask",
        Gain(),
        Chain((Gain(), Chain(("tilt",)))),
    ],
)
def test_a_classifier_takes_any_augmentation_and_its_file_remembers_it(toys, tmp_path, augment):
    model = DrumClassifier(**QUICK, augment=augment).fit(toys)
    model.save(tmp_path / "a.keras")
    again = load(tmp_path / "a.keras")
    assert (again.predict(toys) == model.predict(toys)).all()
    assert AUGMENTATIONS.make(again.augment) == model.augment_ == AUGMENTATIONS.make(augment)
    again.fit(toys).save(tmp_path / "b.keras")  # a loaded classifier can be trained further


def test_what_a_file_cannot_remember_does_not_vanish(toys, tmp_path):
    DrumClassifier(**QUICK, augment=Adapt(lambda x, sr: -x)).fit(toys).save(tmp_path / "a.keras")
    again = load(tmp_path / "a.keras")
    again.predict(toys)
    with pytest.raises(ValueError, match="cannot be called"):
        again.fit(toys)


def test_the_same_seed_trains_on_the_same_changes(toys):
    a, b = (
        DrumClassifier(**QUICK, augment="both", augment_every=1).fit(toys).predict_proba(toys)
        for _ in range(2)
    )
    assert a == pytest.approx(b, abs=1e-4)


def test_unknown_and_impossible_augmentations(toys):
    for augment, what in (
        ("reverb", "no augmentation is called 'reverb'"),
        ("background", "needs settings"),
        (object(), "is no augmentation"),
        ("os:getcwd", "is no augmentation"),
    ):
        with pytest.raises(ValueError, match=what):
            DrumClassifier(**QUICK, augment=augment).fit(toys)
    with pytest.raises(ValueError, match="renew is a number from 1 up"):
        DrumClassifier(**QUICK, augment="waves", augment_every=0).fit(toys)
    with pytest.raises(ValueError, match="no augmentation"):
        Chain(("waves", "reverb"))

    @dataclasses.dataclass(frozen=True)
    class Cut(Augmentation):
        def change(self, x, rng):
            return x[:, :-1]

    with pytest.raises(ValueError):
        DrumClassifier(**QUICK, augment=Cut(p=1.0)).fit(toys)


def test_only_training_hits_change(toys):
    """Validation and prediction see the hits as they are, and training those of its own kits only."""
    seen = []

    @dataclasses.dataclass(frozen=True)
    class Spy(Augmentation):
        def change(self, x, rng):
            seen.append(x.copy())
            return x

    model = DrumClassifier(
        **QUICK | dict(validation_fraction=0.25, refit=False), augment=Spy(p=1.0), augment_every=1
    )
    model.fit(toys)
    seen.clear()  # the trial before training
    fresh = AugmentedHits(Spy(p=1.0), model.window_, model.feature_, toys.waves).of(
        np.isin(toys.kits, model.training_kits_)
    )
    held_out = {w.tobytes() for w in fresh.waves[np.isin(toys.kits, model.validation_kits_)]}
    seen.clear()
    model.fit(toys)
    training = np.concatenate(seen[3:])  # three trials, then training
    assert len(training) == 2 * len(fresh.rows) and not held_out & {w.tobytes() for w in training}
    seen.clear()
    model.predict(toys)
    assert not seen


def test_a_window_to_augment_is_wider(toys):
    fresh = AugmentedHits(
        WAVES, DrumClassifier(**QUICK).fit(toys).window_, QUICK["feature"], toys.waves
    )
    assert fresh.waves.shape == (len(toys), round(0.1 * WIDER * SR))
    assert (
        fresh.features(np.arange(3), np.random.default_rng(0)).shape
        == QUICK["feature"](np.zeros((3, round(0.1 * SR)))).shape
    )

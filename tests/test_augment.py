"""Augmentations: what each may change, what it must not, and what is refused before training."""

import dataclasses
import doctest
import pickle

import numpy as np
import pytest
import quick
from conftest import noise_hit, write_sound
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone

from drumlesson import DrumClassifier, augment, load
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
from drumlesson.features import LogMel
from drumlesson.folders import SourceError
from drumlesson.protocols import AugmentationLike
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
KINDS = WAVE + PICTURE
RANGED = [(kind, name) for kind in KINDS for name in kind.LIMITS if name != "p"]
QUICK = quick.QUICK | {"window": 0.1, "validation_fraction": 0}
STRONG = {  # so that small examples change, whatever is drawn
    DynamicRange: {"db": (5, 15)},
    TimeMask: {"share": (0.3, 0.6)},
    FrequencyMask: {"share": (0.3, 0.6)},
    PictureShift: {"frames": (1, 3)},
}


def hits(n=6, samples=3000):
    """So many hits of noise, (n, samples)."""
    sounds = [noise_hit(samples / SR, random_state=i) for i in range(n)]
    return np.stack([np.resize(sound, samples) for sound in sounds])


def made(kind, p):
    """One of its kind that changes the small examples of this file, whatever it draws."""
    return kind(**STRONG.get(kind, {}), p=p)


def example(kind):
    """What such an augmentation is given: hits, or pictures of them."""
    return hits() if kind in WAVE else LogMel(n_mels=16, hop_length=256)(hits())


def dice(random_state=0):
    return np.random.default_rng(random_state)


def changed_hits(a, b):
    """Which hits differ, (n,)."""
    return (a != b).any(axis=tuple(range(1, a.ndim)))


def test_all_that_need_no_settings_are_tried_here():
    registered = {AUGMENTATIONS.find(name) for name in AUGMENTATIONS} - {WAVES, PICTURES, BOTH}
    assert registered == {*KINDS, Chain, Background, Adapt}


@pytest.mark.parametrize("p", [0.0, 1.0])
@pytest.mark.parametrize("kind", KINDS)
def test_only_a_batch_is_taken(kind, p):
    x, step = example(kind), made(kind, p)
    for wrong in (x[0], x[None]):
        with pytest.raises(ValueError, match=rf"{kind.__name__}: a batch has shape \(n, "):
            step(wrong, dice())
    assert step(x[0][None], dice()).shape == (1, *x.shape[1:])
    assert step(x[:0], dice()).shape == (0, *x.shape[1:])


def test_a_chain_takes_only_a_batch():
    with pytest.raises(ValueError, match="Room: a batch"):
        Chain((Room(),)).waves(np.ones(6), dice())
    with pytest.raises(ValueError, match="TimeMask: a batch"):
        Chain((TimeMask(),)).pictures(np.ones((6, 5)), dice())


def test_the_examples_of_the_module_say_what_it_gives():
    found = doctest.testmod(augment, extraglobs={"np": np})
    assert found.attempted > 5 and not found.failed


@pytest.mark.parametrize("kind", KINDS)
def test_same_seed_same_change_and_the_input_is_left_alone(kind):
    x, step = example(kind), made(kind, 1.0)
    before = x.copy()
    y = step(x, dice(1))
    assert (y == step(x, dice(1))).all()
    assert (y != step(x, dice(2))).any()
    assert (x == before).all()
    assert y.shape == x.shape
    assert y.dtype == np.float32
    assert np.isfinite(y).all()
    assert changed_hits(y, x).sum() >= 4


@pytest.mark.parametrize("kind", KINDS)
def test_probability_is_a_share_of_the_hits(kind):
    x = example(kind)
    assert (made(kind, 0.0)(x, dice()) == x).all()
    many = np.concatenate([x] * 20)
    share = changed_hits(made(kind, 0.5)(many, dice()), many).mean()
    assert 0.35 < share < 0.65


@pytest.mark.parametrize("kind", KINDS)
def test_silence_and_a_single_hit_stay_finite(kind):
    x = np.zeros_like(example(kind)[:1])
    assert np.isfinite(made(kind, 1.0)(x, dice())).all()


@pytest.mark.parametrize("kind", KINDS)
def test_settings_can_be_cloned_stored_and_changed(kind):
    step = made(kind, 0.3)
    assert isinstance(step, AugmentationLike)
    assert clone(step) == step
    assert clone(step) is not step
    assert pickle.loads(pickle.dumps(step)) == step
    assert from_spec(AUGMENTATIONS, to_spec(AUGMENTATIONS, step)) == step
    assert kind(**step.get_params()) == step
    assert clone(step).set_params(p=0.7) == dataclasses.replace(step, p=0.7)
    with pytest.raises(ValueError, match="p is a share"):
        clone(step).set_params(p=7)
    with pytest.raises(dataclasses.FrozenInstanceError):
        step.p = 0.7


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


# -- an augmentation of one's own


@dataclasses.dataclass(frozen=True)
class Flip(Augmentation):
    def change(self, x, rng):
        return -x


@dataclasses.dataclass(frozen=True)
class Darker(Augmentation):
    db: tuple = (0, 10)
    on = "picture"
    LIMITS = {"db": (0, 80)}

    def change(self, x, rng):
        return x - self.db[1]


def test_a_change_of_sounds_leaves_pictures_alone_and_the_other_way_round():
    x, picture = hits(), example(TimeMask)
    assert (Flip(p=1).waves(x, dice()) == -x).all()
    assert Flip(p=1).pictures(picture, dice()) is picture
    assert (Darker(p=1).pictures(picture, dice()) == picture - 10).all()
    assert Darker(p=1).waves(x, dice()) is x
    with pytest.raises(ValueError, match="Darker: db"):
        Darker((0, 90))


def test_without_a_change_there_is_no_augmentation():
    @dataclasses.dataclass(frozen=True)
    class Nothing(Augmentation):
        pass

    with pytest.raises(TypeError, match="Nothing .*change"):
        Nothing()
    with pytest.raises(ValueError, match="Nothing .*change"):
        AUGMENTATIONS.make(Nothing)


def test_a_change_keeps_the_shape():
    @dataclasses.dataclass(frozen=True)
    class Cut(Augmentation):
        def change(self, x, rng):
            return x[:, :-1]

    with pytest.raises(ValueError, match=r"Cut: change must keep the shape .*\(6, 2999\)"):
        Cut(p=1)(hits(), dice())


# -- each does what its name says


def test_gain_is_in_decibels():
    x = hits()
    louder = Gain((-6, -6), p=1)(x, dice())
    assert louder == pytest.approx(x * 10 ** (-6 / 20), abs=1e-6)


def test_shift_brings_silence_and_wraps_nothing():
    x = hits()
    n = round(0.01 * SR)
    late = Shift((0.01, 0.01), p=1)(x, dice())
    assert (late[:, :n] == 0).all()
    assert (late[:, n:] == x[:, :-n]).all()
    early = Shift((-0.01, -0.01), p=1)(x, dice())
    assert (early[:, -n:] == 0).all()
    assert (early[:, :-n] == x[:, n:]).all()


@pytest.mark.parametrize("semitones", [-7, -1, 3, 12])
def test_speed_moves_the_pitch(semitones):
    t = np.arange(SR // 2) / SR
    tone = np.sin(2 * np.pi * 440 * t)[None].astype(np.float32)
    y = Speed((semitones, semitones), p=1)(tone, dice())[0]
    n = 1 << 16
    spectrum = np.abs(np.fft.rfft(y * np.hanning(len(y)), n))
    peak = np.argmax(spectrum) * SR / n
    assert peak == pytest.approx(440 * 2 ** (semitones / 12), rel=0.01)


def test_tilt_turns_at_one_kilohertz():
    x = dice(1).standard_normal((1, SR)).astype(np.float32)
    y = Tilt((3, 3), p=1)(x, dice())
    ratio = np.abs(np.fft.rfft(y[0])) / np.abs(np.fft.rfft(x[0]))
    for hz, db in ((1000, 0), (4000, 6), (250, -6)):
        gain = 20 * np.log10(ratio[hz - 20 : hz + 20])
        assert np.median(gain) == pytest.approx(db, abs=0.5)


def test_room_adds_a_tail_of_the_energy_asked_for():
    click = np.zeros((1, SR), np.float32)
    click[0, 0] = 1
    y = Room((0.3, 0.3), (-10, -10), p=1)(click, dice())[0]
    tail = y - click[0]
    assert y[0] == pytest.approx(1, abs=0.2)
    assert 10 * np.log10(np.sum(tail**2)) == pytest.approx(-10, abs=0.2)
    assert np.sum(y[SR // 2 :] ** 2) < 1e-5  # after half a second, 100 dB down


def test_saturation_keeps_the_peak():
    x = hits()
    driven = Saturation(p=1)(x, dice())
    assert np.abs(driven).max(axis=1) == pytest.approx(np.abs(x).max(axis=1), rel=1e-4)


def test_noise_floor_fills_digital_silence_and_little_else():
    x = np.concatenate([hits(), np.zeros((6, 3000), np.float32)], axis=1)
    y = NoiseFloor((-60, -60), p=1)(x, dice())
    rms = np.sqrt(((y - x) ** 2).mean(axis=1))
    assert 20 * np.log10(rms / np.abs(x).max(axis=1)) == pytest.approx(-60, abs=0.5)
    assert (x[:, 3000:] == 0).all()
    assert (y[:, 3000:] != 0).mean() > 0.99


@pytest.mark.parametrize("kind, axis", [(TimeMask, 1), (FrequencyMask, 2)])
def test_masks_put_one_stretch_to_the_pictures_own_silence(kind, axis):
    x = dice().uniform(-50, 0, (8, 20, 40)).astype(np.float32)
    y = kind((0.5, 0.5), p=1)(x, dice())
    changed = (y != x).any(axis=3 - axis)
    assert (changed.sum(axis=1) >= x.shape[axis] // 2 - 1).all()
    edges = np.abs(np.diff(changed, axis=1)).sum(axis=1)
    assert (edges <= 2).all()
    for new, old in zip(y, x, strict=True):
        assert (new[new != old] == old.min()).all()


def test_picture_shift_does_not_wrap():
    x = dice().uniform(-50, 0, (3, 10, 4)).astype(np.float32)
    y = PictureShift((2, 2), p=1)(x, dice())
    assert (y[:, 2:] == x[:, :-2]).all()
    for new, old in zip(y, x, strict=True):
        assert (new[:2] == old.min()).all()


# -- one after the other


@given(st.lists(st.sampled_from(KINDS), min_size=1, max_size=5), st.integers(0, 99))
def test_a_chain_of_anything_keeps_shapes(kinds, random_state):
    chain = Chain([kind(p=1.0) for kind in kinds])
    rng = dice(random_state)
    x = chain.waves(hits(2), rng)
    picture = chain.pictures(LogMel(n_mels=8, hop_length=512)(x), rng)
    assert x.shape == (2, 3000)
    assert picture.shape == (2, 6, 8)
    assert np.isfinite(picture).all()
    assert from_spec(AUGMENTATIONS, to_spec(AUGMENTATIONS, chain)) == chain


def test_a_chain_makes_its_steps_and_keeps_a_tuple_that_is_made():
    steps = (Gain(), Chain(("tilt",)))
    assert Chain(steps).steps is steps
    assert clone(Chain(steps)).steps is steps
    assert Chain(["gain", Chain([Tilt])]) == Chain(steps)
    assert clone(Chain(("gain",))) == Chain((Gain(),))
    assert clone(BOTH) == BOTH
    assert Chain().set_params(steps=("gain",)) == Chain((Gain(),))


@pytest.mark.parametrize("chain, on", [(WAVES, "wave"), (PICTURES, "picture"), (BOTH, "wave")])
def test_a_chain_says_what_it_changes(chain, on):
    assert chain.on == on
    assert isinstance(chain, AugmentationLike)


# -- background noise, and other people's transforms


def test_background_comes_at_the_ratio_asked_for(tmp_path):
    street = dice().uniform(-0.1, 0.1, 3 * SR).astype(np.float32)
    file = write_sound(tmp_path / "street.wav", street)
    x = hits()
    y = Background(file, (20, 20), p=1)(x, dice())
    ratio = (x**2).mean(axis=1) / ((y - x) ** 2).mean(axis=1)
    assert 10 * np.log10(ratio) == pytest.approx(20, abs=0.1)
    folder_of_one = Background(tmp_path, (20, 20), p=1)
    assert (folder_of_one(x, dice()) == y).all()
    assert clone(folder_of_one) == folder_of_one


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


def doubled(x, sr):
    return np.append(x, x)


def start(x, sr):
    return x[:10]


def test_any_callable_can_be_adapted():
    x = hits()
    assert (Adapt(lambda x, sr: -x, p=1)(x, dice()) == -x).all()
    assert (Adapt(doubled, p=1)(x, dice()) == x).all()  # what is longer is cut
    assert (Adapt(start, p=1)(x, dice())[:, 10:] == 0).all()  # what is shorter ends in silence
    with pytest.raises(ValueError, match="cannot be called"):
        Adapt("reverb")


@pytest.mark.parametrize(
    "wrong", [lambda x, sr: x * np.nan, lambda x, sr: x[None], lambda x, sr: 1.0]
)
def test_a_callable_must_return_one_sound(toys, wrong):
    with pytest.raises(ValueError, match="must return one sound"):
        DrumClassifier(**QUICK, augment=Adapt(wrong)).fit(toys)


def test_audiomentations_transforms_can_be_adapted():
    audiomentations = pytest.importorskip(
        "audiomentations", reason="audiomentations is not installed: its transforms are not tried"
    )
    x = hits()
    y = Adapt(audiomentations.PolarityInversion(p=1.0), p=1)(x, dice())
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
    model = DrumClassifier(**QUICK, augment="both", augment_every=1)
    once = model.fit(toys).predict_proba(toys)
    again = model.fit(toys).predict_proba(toys)
    assert once == pytest.approx(again, abs=1e-4)


@pytest.mark.parametrize(
    "augment, what",
    [
        ("reverb", "no augmentation is called 'reverb'"),
        ("background", "needs settings"),
        (object(), "is no augmentation"),
        ("os:getcwd", "is no augmentation"),
    ],
)
def test_unknown_augmentations(toys, augment, what):
    with pytest.raises(ValueError, match=what):
        DrumClassifier(**QUICK, augment=augment).fit(toys)


def test_impossible_augmentations(toys):
    with pytest.raises(ValueError, match="augment_every is a number from 1 up"):
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
    """Validation and prediction see the hits as they are; training those of its own kits only."""
    seen = []

    @dataclasses.dataclass(frozen=True)
    class Spy(Augmentation):
        def change(self, x, rng):
            seen.append(x.copy())
            return x

    settings = QUICK | {"validation_fraction": 0.25, "refit": False}
    model = DrumClassifier(**settings, augment=Spy(p=1.0), augment_every=1).fit(toys)
    every = AugmentedHits(Spy(p=1.0), model.window_, model.feature_, toys.waves)
    fresh = every.of(np.isin(toys.kits, model.training_kits_))
    held_out = {wave.tobytes() for wave in every.waves[np.isin(toys.kits, model.validation_kits_)]}
    seen.clear()
    model.fit(toys)
    training = np.concatenate(seen[3:])  # three trials, then training
    assert len(training) == 2 * len(fresh.rows)
    assert not held_out & {wave.tobytes() for wave in training}
    seen.clear()
    model.predict(toys)
    assert not seen


@pytest.mark.parametrize("augment, asked", [("pictures", 0), ("both", 2)])
def test_features_are_made_anew_only_where_waves_change(toys, monkeypatch, augment, asked):
    made = []
    features = AugmentedHits.features

    def counted(self, rows, rng):
        made.append(len(rows))
        return features(self, rows, rng)

    monkeypatch.setattr(AugmentedHits, "features", counted)
    DrumClassifier(**QUICK, augment=augment, augment_every=1).fit(toys)
    assert sum(made) == asked * len(toys)  # two epochs, or none


def test_a_window_to_augment_is_wider(toys):
    window = DrumClassifier(**QUICK).fit(toys).window_
    feature = QUICK["feature"]
    fresh = AugmentedHits(WAVES, window, feature, toys.waves)
    assert fresh.waves.shape == (len(toys), round(0.1 * WIDER * SR))
    unchanged = feature(np.zeros((3, round(0.1 * SR))))
    assert fresh.features(np.arange(3), dice()).shape == unchanged.shape

"""Grooves played on kits: what sounds, when it is heard, and what cannot be heard."""

import itertools

import numpy as np
import pytest
from conftest import toy_groove
from hypothesis import given, settings
from hypothesis import strategies as st

from drumlesson.audio import SR
from drumlesson.groove import DRUMS
from drumlesson.midi import GENERAL_MIDI, Groove
from drumlesson.outside import _accompaniment
from drumlesson.rendering import (
    _VOICES,
    DrumKit,
    _ring,
    _Stroke,
    drum_kits,
    render,
    renderings,
)

CLOSED, OPEN, PEDAL = 42, 46, 44


def of_notes(times, notes, velocities=None, duration=2.0):
    """A groove of notes of General MIDI."""
    labels = [GENERAL_MIDI[note][0] for note in notes]
    return Groove(times, labels, velocities, notes, duration=duration)


def level(x, start, stop):
    """The root mean square of a sound from one second to another."""
    return float(np.sqrt(np.mean(x[round(start * SR) : round(stop * SR)] ** 2)))


def noise(seconds, random_state=0, decay=1.0):
    """A stroke of noise that dies away in so many seconds."""
    n = round(seconds * SR)
    x = np.random.default_rng(random_state).standard_normal(n)
    return _Stroke((0.1 * x * np.exp(-np.arange(n) / (decay * SR))).astype(np.float32), None)


def dry(groove, kit, others=(), random_state=0):
    """A rendering without effects, on the kit's own strokes."""
    return render(groove, kit, others, random_state, effects=None, strip=None)


@pytest.fixture(scope="module")
def plain():
    """A kit of noises: a long crash and open hi-hat, the others short."""
    strokes = {voice: [noise(0.1, i, 0.02)] for i, voice in enumerate(_VOICES)}
    strokes |= {"open": [noise(2.0, 90)], "crash": [noise(2.0, 91)]}
    return DrumKit("noises", "made", strokes)


# -- kits


def test_a_kit_has_a_voice_for_each_drum(toy_kits):
    assert len(toy_kits) == 4
    for kit in toy_kits:
        assert {"kick", "snare", "low", "mid", "high"} <= set(kit.strokes) <= set(_VOICES)
        for strokes in kit.strokes.values():
            for stroke in strokes:
                assert stroke.wave.dtype == np.float32 and np.all(np.isfinite(stroke.wave))


def test_kits_come_in_the_order_of_their_names(toys):
    names = [kit.name for kit in drum_kits(toys)]
    assert names == sorted(set(toys.kits.tolist()))


# -- one rendering


def test_the_same_number_gives_the_same_samples(toy_kits):
    groove = toy_groove(1)
    first, again, other = (render(groove, toy_kits[0], toy_kits, n) for n in (3, 3, 4))
    np.testing.assert_array_equal(first.x, again.x)
    np.testing.assert_array_equal(first.audible, again.audible)
    assert not np.array_equal(first.x, other.x)


@pytest.mark.parametrize("how", [{}, {"effects": None}, {"effects": None, "strip": None}])
def test_a_rendering_is_as_long_as_its_groove_and_of_one_level(toy_kits, how):
    made = render(toy_groove(1), toy_kits[0], toy_kits, 1, **how)
    assert made.x.dtype == np.float32 and len(made.x) == 4 * SR
    assert np.sqrt(np.mean(made.x**2)) == pytest.approx(0.1, rel=1e-3)
    assert len(made.audible) == len(made.groove) and made.audible.dtype == bool
    assert made.groove.duration == 4.0 and made.kit == toy_kits[0].name


def test_hits_are_heard_when_it_is_said(toy_kits):
    """Each stroke alone: before it there is nothing, from it on there is."""
    times = [0.25, 0.75, 1.25]
    for note in (36, 38, CLOSED, 45):
        for time in times:
            made = dry(of_notes([time], [note]), toy_kits[0], toy_kits)
            (heard,) = made.groove.times
            assert heard == pytest.approx(time + 0.002, abs=1e-4)
            peak = np.abs(made.x).max()
            first = np.argmax(np.abs(made.x) > 0.08 * peak) / SR
            assert abs(first - heard) < 0.004


def test_labels_follow_what_is_played(plain):
    groove = of_notes([0.1, 0.3, 0.5, 0.7, 0.9, 1.1], [36, 38, OPEN, 49, 50, 37])
    for number in range(12):
        made = dry(groove, plain, random_state=number)
        assert made.groove.labels[:2].tolist() == ["kick", "snare"] or "other" in made.groove.labels
        assert set(made.groove.labels) <= set(DRUMS) and made.groove.labels[-1] == "other"
        assert len(made.groove) == 6


def test_a_hard_stroke_is_louder_and_brighter(plain):
    made = dry(of_notes([0.2, 1.2], [38, 38], [30, 120]), plain)
    soft, hard = (np.abs(np.fft.rfft(x)) for x in np.split(made.x, 2))
    assert level(made.x, 1.2, 1.3) > 2 * level(made.x, 0.2, 0.3)
    treble = len(soft) // 2
    assert hard[treble:].sum() / hard.sum() > 1.05 * soft[treble:].sum() / soft.sum()


def test_a_stroke_of_the_layer_that_fits_is_played():
    tones = [np.sin(2 * np.pi * f * np.arange(4000) / SR).astype(np.float32) for f in (200, 2000)]
    strokes = [_Stroke(tone, layer) for tone, layer in zip(tones, (0.0, 1.0), strict=True)]
    kit = DrumKit("two layers", "made", {"snare": strokes})
    made = dry(of_notes([0.2, 1.2], [38, 38], [5, 127]), kit)
    for time, hz in ((0.2, 200), (1.2, 2000)):
        x = made.x[round(time * SR) :][:4000]
        assert np.abs(np.fft.rfft(x)).argmax() * SR / 4000 == pytest.approx(hz, rel=0.4)


@pytest.mark.parametrize("closing", [CLOSED, PEDAL])
def test_an_open_hat_ends_when_it_is_closed(plain, closing):
    open_alone = of_notes([0.1], [OPEN])
    closed = of_notes([0.1, 0.6], [OPEN, closing])
    rings, ends = (dry(groove, plain, random_state=1) for groove in (open_alone, closed))
    assert ends.groove.labels.tolist() == ["hihat", "hihat"]  # no stick in the pedal's place
    before = level(ends.x, 0.2, 0.5), level(rings.x, 0.2, 0.5)
    after = level(ends.x, 1.0, 1.5), level(rings.x, 1.0, 1.5)
    assert after[1] > 0.2 * before[1] and after[0] < 0.01 * before[0]


def test_a_crash_rings_on(plain):
    made = dry(of_notes([0.1, 0.6], [49, CLOSED]), plain)
    assert level(made.x, 1.0, 1.5) > 0.2 * level(made.x, 0.2, 0.5)


def test_what_is_drowned_is_not_audible(plain):
    """A soft hi-hat under a hard crash is not; the same one alone is."""
    drowned = dry(of_notes([0.5, 0.5], [49, CLOSED], [127, 2]), plain)
    alone = dry(of_notes([0.1, 1.5], [CLOSED, 49], [2, 127]), plain)
    assert drowned.audible.tolist() == [True, False]
    assert alone.audible.tolist() == [True, True]


def test_a_voice_that_is_missing_is_lent(plain):
    few = DrumKit("few", "made", {"kick": plain.strokes["kick"]})
    groove = of_notes([0.1, 0.5], [36, 49])
    assert len(dry(groove, few).groove) == 1
    lent = dry(groove, few, [plain])
    assert lent.groove.labels.tolist() == ["kick", "cymbal"] and lent.kit == "few"


def test_what_no_voice_can_play(plain):
    few = DrumKit("few", "made", {"kick": plain.strokes["kick"]})
    for groove in (of_notes([0.1], [49]), of_notes([0.1], [54]), Groove([], [], duration=1.0)):
        with pytest.raises(ValueError, match="few has no voice for any of the"):
            render(groove, few)


strikes = st.lists(
    st.tuples(st.floats(0, 1), st.sampled_from([*GENERAL_MIDI]), st.integers(1, 127)),
    min_size=1,
    max_size=25,
)


@settings(max_examples=25)
@given(strikes, st.integers(0, 1000))
def test_any_groove_is_played_or_refused(plain_kits, strikes, number):
    """What is heard is a part of what is written, each note a moment later."""
    times, notes, velocities = zip(*strikes, strict=True)
    groove = of_notes(times, notes, velocities, duration=1.0)
    try:
        made = render(groove, plain_kits[0], plain_kits, number)
    except ValueError:
        assert all(GENERAL_MIDI[note][0] == "other" for note in notes)
        return
    assert len(made.x) == SR and np.all(np.isfinite(made.x))
    assert 1 <= len(made.groove) <= len(groove)
    late = np.minimum(groove.times + 0.002, 1.0)
    assert all(np.abs(late - time).min() < 1 / SR for time in made.groove.times)


@pytest.fixture(scope="module")
def plain_kits(plain, toy_kits):
    """Kits of several kinds."""
    return [plain, *toy_kits]


# -- renderings without end


def first_of(stream, n):
    return list(itertools.islice(stream, n))


def test_renderings_are_the_same_for_the_same_number_and_all_different(toy_kits):
    grooves = [toy_groove(1), toy_groove(2, 9.0)]
    first, again = (first_of(renderings(grooves, toy_kits, 2.0, 7), 4) for _ in range(2))
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.x, other.x)
        assert one.groove.times.tolist() == other.groove.times.tolist()
    assert all(len(one.x) == 2 * SR and one.groove.duration == 2.0 for one in first)
    for one, other in itertools.combinations(first, 2):
        assert not np.array_equal(one.x, other.x)
    (another,) = first_of(renderings(grooves, toy_kits, 2.0, 8), 1)
    assert not np.array_equal(another.x, first[0].x)


def test_a_groove_may_keep_its_tempo(toy_kits):
    """Then its notes are as far apart as they were written; else they are not."""
    groove = Groove(np.arange(0.05, 4, 0.5), ["kick"] * 8, duration=4.0)
    for tempo, keeps in ((0, True), (0.2, False)):
        made = first_of(renderings([groove], toy_kits, 3.0, 1, tempo=tempo), 3)
        steps = np.concatenate([np.diff(one.groove.times) for one in made])
        assert np.allclose(steps, 0.5, atol=1e-4) == keeps


def test_a_short_groove_lies_somewhere_in_the_rendering(plain):
    groove = Groove([0.1, 0.3], ["kick", "snare"], duration=0.5)
    made = first_of(renderings([groove], [plain], 3.0, 2, tempo=0), 5)
    starts = [one.groove.times[0] for one in made]
    assert all(len(one.x) == 3 * SR and len(one.groove) == 2 for one in made)
    assert max(starts) - min(starts) > 0.5


def test_nothing_to_render(toy_kits):
    for grooves, kits in (([], toy_kits), ([toy_groove(1)], [])):
        with pytest.raises(ValueError, match="a groove and a kit at least"):
            next(renderings(grooves, kits))


@pytest.mark.parametrize(
    "groove",
    [Groove([], [], duration=4.0), of_notes([0.5], [54]), Groove([], [])],
    ids=["no notes", "a tambourine", "no time"],
)
def test_grooves_of_which_nothing_can_be_played(toy_kits, groove):
    """Or a search for a stretch with notes in it would never end."""
    with pytest.raises(ValueError, match="there is nothing to play"):
        next(renderings([groove], toy_kits))


@pytest.mark.parametrize("seconds", [0, 0.04, -1, float("nan"), float("inf")])
def test_a_rendering_of_no_length_is_one_line(toy_kits, seconds):
    with pytest.raises(ValueError, match="a rendering lasts more than 0.04 s, and not"):
        next(renderings([of_notes([0.0], [36], duration=1.0)], toy_kits, seconds))


def test_a_groove_without_time_is_one_line(toy_kits):
    with pytest.raises(ValueError, match="0 s has no room for a sound: give it a duration"):
        render(Groove([0.0], ["kick"]), toy_kits[0])


def test_a_hi_hat_without_a_sound_does_not_ring():
    assert _ring(np.zeros(1, np.float32)) == 0.01
    assert _ring(noise(0.3, 1).wave) > 0.01


def test_a_groove_of_one_stroke_and_no_time_is_played(toy_kits):
    (made,) = first_of(renderings([of_notes([0.0], [36], duration=0.0)], toy_kits, 1.0), 1)
    assert made.groove.labels.tolist() == ["kick"]


# -- strokes that come at once, and what sounds beside the drums


def test_a_flam_is_one_hit_and_what_comes_later_is_another(plain):
    """Two strokes within 30 ms are one, as loud as the louder; drums of another class are apart."""
    flam = of_notes([0.5, 0.52, 0.52, 0.56], [38, 38, 36, 38], [40, 90, 80, 70])
    heard = dry(flam, plain).groove
    assert heard.labels.tolist() == ["snare", "kick", "snare"]
    assert heard.velocities.tolist() == [90, 80, 70]
    np.testing.assert_allclose(heard.times, [0.502, 0.522, 0.562], atol=1e-3)


def test_renderings_with_an_accompaniment(plain):
    """Beside the drums, or in their place; what is not drums is kept apart, at its level."""
    groove = toy_groove(1)
    some = list(itertools.islice(renderings([groove], [plain], 2.0, 3, accompanied=1.0), 40))
    assert all(one.beside is not None and one.beside.shape == one.x.shape for one in some)
    np.testing.assert_allclose([np.sqrt(np.mean(one.x**2)) for one in some], 0.1, rtol=1e-3)
    alone = [one for one in some if not len(one.groove)]
    assert 0 < len(alone) < 20
    for one in alone:
        np.testing.assert_array_equal(one.x, one.beside)
    none = itertools.islice(renderings([groove], [plain], 2.0, 3), 5)
    assert all(one.beside is None for one in none)


def test_an_accompaniment_is_told_by_its_number():
    first, again, other = (_accompaniment(2.0, number) for number in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert first.shape == (2 * SR,) and first.dtype == np.float32

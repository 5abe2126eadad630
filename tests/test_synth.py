"""Synthesised kits: the same seed, the same sounds; boxes of ranges that fit the engine."""

from dataclasses import fields

import numpy as np
import pytest

from drumlesson import synth
from drumlesson.synth import ARTICULATIONS, KIT_KINDS, Metal, Skin, synth_hits, synth_kit

METALS = ("hihat", "cymbal")


def boxes_of_styles():
    """(label, kind, style, box) of every style."""
    found = []
    for label, kinds in synth._boxes()["styles"].items():
        for kind, styles in kinds.items():
            found += [(label, kind, style, box) for style, box in styles.items()]
    return found


def test_each_label_has_styles_of_both_kinds():
    styles = synth._boxes()["styles"]
    assert set(styles) == set(ARTICULATIONS)
    for kinds in styles.values():
        assert tuple(kinds) == KIT_KINDS


@pytest.mark.parametrize("label, kind, style, box", boxes_of_styles())
def test_a_box_holds_ranges_of_what_the_drum_has(label, kind, style, box):
    voice = Metal if label in METALS else Skin
    assert set(box) <= {field.name for field in fields(voice)}
    for low, high in box.values():
        assert 0 < low < high


def test_articulations_multiply_what_their_drums_have():
    label_of = {name: label for label, names in ARTICULATIONS.items() for name in names}
    for articulation, box in synth._boxes()["articulations"].items():
        voice = Metal if label_of[articulation] in METALS else Skin
        assert set(box) <= {field.name for field in fields(voice)}


# In samples, of one hit of each label. Lengths follow from the draws alone: a box, or the order of
# draws, that changed would show.
LENGTHS = [
    (0, [22410, 8329, 34891, 34891, 37316]),
    (7, [12140, 8892, 33535, 33535, 27573]),
    (123, [24478, 7713, 19221, 33531, 7832]),
    (100003, [15114, 10274, 1953, 33559, 11038]),
]


@pytest.mark.parametrize("random_state, lengths", LENGTHS)
def test_a_seed_means_the_same_kit_for_good(random_state, lengths):
    kit = synth_kit(random_state)
    assert [len(kit.hit(label)) for label in ARTICULATIONS] == lengths


def test_the_same_call_gives_the_same_samples_in_any_order():
    kit = synth_kit(7)
    first = kit.hit("snare", random_state=3)
    kit.hit("kick")
    assert np.array_equal(first, kit.hit("snare", random_state=3))
    assert np.array_equal(first, synth_kit(7).hit("snare", random_state=3))
    assert not np.array_equal(first, kit.hit("snare", random_state=4))


def test_hits_know_what_they_are():
    hits = synth_hits(3, 4, random_state=2)
    assert len(hits) == 3 * 4 * 5
    for hit in hits:
        assert hit.x.dtype == np.float32 and hit.x.ndim == 1
        assert 0 < np.abs(hit.x).max() <= 1
        assert hit.articulation in ARTICULATIONS[hit.label]
        assert hit.kind in KIT_KINDS and 0.25 <= hit.velocity <= 1
    assert len({hit.kit for hit in hits}) == 3


@pytest.mark.parametrize("settings", [dict(n_kits=0), dict(hits=0)], ids=str)
def test_no_hits_of_nothing(settings):
    with pytest.raises(ValueError, match="at least 1"):
        synth_hits(**settings)


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda kit: kit.hit("gong"), "unknown label 'gong'.*kick"),
        (lambda kit: kit.hit("snare", articulation="open"), "unknown articulation 'open'.*rimshot"),
        (lambda kit: kit.hit("kick", velocity=1.5), "velocity is 1.5"),
        (lambda kit: synth_kit(0, kind="toy"), "unknown kind 'toy'.*acoustic"),
    ],
    ids=["label", "articulation", "velocity", "kind"],
)
def test_what_there_is_not_is_refused_by_name(call, said):
    with pytest.raises(ValueError, match=said):
        call(synth_kit(0))

"""Names and specs: what they stand for, and that nobody can change what is registered."""

import functools
import json
from dataclasses import dataclass

import numpy as np
import pytest

from drumlesson.augment import Adapt
from drumlesson.families.dense import Dense
from drumlesson.features import LogMel
from drumlesson.registry import (
    AUGMENTATIONS,
    FAMILIES,
    FEATURES,
    TASKS,
    Registry,
    _check_spec,
    _NotRegistered,
    from_spec,
    to_spec,
)


@dataclass(frozen=True)
class Square:
    side: float = 1.0

    def __call__(self):
        return self.side**2


@pytest.fixture
def shapes():
    return Registry("shape", entries={"square": Square, "large": Square(9.0)})


def test_a_name_a_class_and_an_object_are_the_same(shapes):
    assert shapes.make("square") == shapes.make(Square) == shapes.make(Square()) == Square(1.0)


def test_what_is_registered_is_handed_out_as_a_copy(shapes):
    for made in (shapes.make("large"), from_spec(shapes, {"name": "large"})):
        assert made == shapes["large"] and made is not shapes["large"]
    mine = Square(2.0)
    assert shapes.make(mine) is mine


@pytest.mark.parametrize(
    "registry, method",
    [(FEATURES, "__call__"), (FAMILIES, "__call__"), (TASKS, "targets"), (AUGMENTATIONS, "waves")],
)
def test_a_role_without_a_method_is_named(registry, method):
    class Half:
        decide = classes = y_true = None

    with pytest.raises(ValueError, match=f"Half.* is no {registry.kind}: it has no .*{method}"):
        registry.make(Half())


def test_an_augmentation_of_waves_only_is_no_augmentation():
    class Waves:
        def waves(self, x, rng):
            return x

    with pytest.raises(ValueError, match="no method pictures"):
        AUGMENTATIONS.make(Waves())


@pytest.mark.parametrize("registry", [FEATURES, FAMILIES, TASKS, AUGMENTATIONS])
def test_every_registered_name_can_be_loaded(registry):
    for name in registry:
        assert registry.find(name) is not None


@pytest.mark.parametrize(
    "name, text",
    [
        ("circle", "no shape is called 'circle': choose from large, square, or give package"),
        ("no.such.module:Circle", "cannot load the shape"),
        ("math:circle", "cannot load the shape"),
        ("math:pi", "is no shape: it has no method __call__"),
    ],
)
def test_what_is_not_there(shapes, name, text):
    with pytest.raises(ValueError, match=text):
        shapes.make(name)


def test_a_class_that_needs_settings(shapes):
    @dataclass
    class Needy:
        side: float

        def __call__(self):
            return self.side

    with pytest.raises(ValueError, match="needs settings"):
        shapes.make(Needy)


def test_a_spec_makes_no_module_load(shapes):
    with pytest.raises(ValueError, match="'os:remove' is not registered here"):
        from_spec(shapes, {"name": "os:remove"})


@pytest.mark.parametrize(
    "registry, part",
    [
        (FAMILIES, Dense(units=(3, 4), dropout=0.1)),
        (FEATURES, LogMel(n_mels=7, fmax=5000.0)),
        (FAMILIES, FAMILIES.make("ensemble")),
        (AUGMENTATIONS, AUGMENTATIONS.make("both")),
    ],
)
def test_a_family_by_name_and_settings_of_objects_survive(registry, part):
    assert from_spec(registry, json.loads(json.dumps(to_spec(registry, part)))) == part


# -- what has no name


class Plain:
    def __init__(self, units=3):
        self.units = units

    def __call__(self, x):
        return x


def named(x):
    return x


NAMELESS = {
    "object": Plain(),
    "lambda": lambda x: x,
    "partial": functools.partial(named),
    "method": Plain().__call__,
}


@pytest.mark.parametrize("kind", NAMELESS)
def test_what_no_model_file_can_name_is_refused(kind):
    with pytest.raises(ValueError, match="has no name for .*: write it as a frozen dataclass, or"):
        to_spec(FAMILIES, NAMELESS[kind])
    assert to_spec(FAMILIES, named) == {"name": f"{__name__}:named"}


@pytest.mark.parametrize("kind", NAMELESS)
def test_what_is_entered_has_a_name(shapes, kind):
    shapes["mine"] = NAMELESS[kind]
    assert to_spec(shapes, shapes.make("mine")) == {"name": "mine"}
    assert from_spec(shapes, {"name": "mine"}) is NAMELESS[kind]


def test_numbers_of_numpy_are_written_as_numbers():
    spec = to_spec(FAMILIES, Dense((np.int64(3),), dropout=np.float32(0.5)))
    assert json.dumps(spec["units"]) == "[3]" and json.dumps(spec["dropout"]) == "0.5"


# -- what a file may say


@pytest.mark.parametrize(
    "spec",
    [
        {"name": "ensemble", "members": ["os:system"]},
        {"name": "ensemble", "members": [{"name": "os:system"}]},
        {"name": "ensemble", "members": ["dense", {"name": "ensemble", "members": ["os:getcwd"]}]},
        {"name": "drumlesson.families.dense:Dense"},
        {"name": ["dense"]},
    ],
)
def test_names_of_a_file_are_registered_ones_at_any_depth(spec):
    with pytest.raises(_NotRegistered, match="is not registered here"):
        from_spec(FAMILIES, spec)


def test_a_registered_name_may_stand_for_an_address(monkeypatch):
    monkeypatch.setitem(FAMILIES, "mine", "drumlesson.families.dense:Dense")
    assert from_spec(FAMILIES, {"name": "mine", "units": [3]}) == Dense((3,))


@pytest.mark.parametrize(
    "registry, spec, text",
    [
        (FAMILIES, "dense", "a family has a name and settings"),
        (FAMILIES, {}, "a family has a name and settings"),
        (FAMILIES, {"name": "dense", "nosuch": 1}, "Dense has no setting 'nosuch': there are un"),
        (FAMILIES, {"name": "dense", "units": 3}, "units is a tuple, each a whole number, not 3"),
        (FAMILIES, {"name": "dense", "dropout": 2}, "dropout lies within 0 to 1, not at 2"),
        (FAMILIES, {"name": "cnn", "kernel": [1, 2, 3]}, "kernel is a tuple of 2, each a whole"),
        (FAMILIES, {"name": "lstm", "mask": 1}, "mask is True or False, not 1"),
        (FEATURES, {"name": "logmel", "top_db": "x"}, "top_db is a finite number or None"),
        (FEATURES, {"name": "logmel", "fmin": 9000, "fmax": 100}, "fmin lies below the upper edge"),
        (TASKS, {"name": "one-vs-rest", "thresholds": [2]}, "a threshold lies between"),
        (AUGMENTATIONS, {"name": "speed", "p": 2}, "p lies within 0 to 1"),
        (AUGMENTATIONS, {"name": "chain", "steps": [{"name": "gain", "db": [0, 99]}]}, "-80 to 40"),
    ],
)
def test_settings_of_a_file_have_their_kind_and_range(registry, spec, text):
    with pytest.raises(ValueError, match=text):
        from_spec(registry, spec)


def test_a_spec_is_checked_without_anything_being_made():
    _check_spec(AUGMENTATIONS, {"name": "background", "path": "no/such/folder"})
    with pytest.raises(ValueError):
        from_spec(AUGMENTATIONS, {"name": "background", "path": "no/such/folder"})


def test_settings_beside_a_ready_made_object_change_a_copy():
    made = from_spec(FAMILIES, {"name": "gru", "units": [5]})
    assert made.units == (5,) and FAMILIES.make("gru").units == (64,)


def as_it_is(x):
    """A family that is a function."""
    return x


def test_a_function_among_members_goes_by_its_name():
    from drumlesson.families.ensemble import Ensemble

    spec = to_spec(FAMILIES, Ensemble((as_it_is, "dense")))
    assert spec["members"][0] == {"name": f"{__name__}:as_it_is"}
    with pytest.raises(ValueError, match="no name for .*lambda"):
        to_spec(FAMILIES, Ensemble((lambda x: x, "dense")))


def test_what_is_of_another_library_is_only_described():
    def as_it_was(x, sr):
        return x

    said = to_spec(AUGMENTATIONS, Adapt(as_it_was))
    assert said["name"] == "adapt" and "as_it_was" in said["transform"]
    assert "lambda" in to_spec(AUGMENTATIONS, Adapt(lambda x, sr: x))["transform"]

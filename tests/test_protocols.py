"""Settings that scikit-learn can search, and the four roles."""

import copy
import dataclasses

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from drumlesson.families.dense import Dense
from drumlesson.features import LogMel
from drumlesson.protocols import (
    AugmentationLike,
    FamilyLike,
    FeatureLike,
    Parameters,
    TaskLike,
    Transformer,
)
from drumlesson.registry import AUGMENTATIONS
from drumlesson.tasks import Multiclass


@dataclasses.dataclass(unsafe_hash=True)
class Line(Transformer):
    slope: float = 1.0

    def __call__(self, x):
        return self.slope * x


@dataclasses.dataclass(unsafe_hash=True)
class Twice(Transformer):
    part: Line = Line()

    def __call__(self, x):
        return self.part(self.part(x))


@dataclasses.dataclass(frozen=True)
class Positive(Parameters):
    size: float = 1.0

    def __post_init__(self):
        if self.size <= 0:
            raise ValueError("size must be positive")


def test_settings_by_name_and_those_of_parts():
    steep = Twice().set_params(part__slope=3.0)
    assert steep == Twice(Line(3.0)) and Twice() == Twice(Line(1.0))
    assert steep.get_params() == {"part": Line(3.0), "part__slope": 3.0}
    assert steep.get_params(deep=False) == {"part": Line(3.0)}


def test_a_shared_part_is_never_changed():
    part = Line(2.0)
    first, second = Twice(part), Twice(part)
    first.set_params(part__slope=5.0)
    assert second.part is part and part.slope == 2.0


def test_a_part_and_its_settings_at_once():
    assert Twice().set_params(part=Line(4.0), part__slope=6.0).part == Line(6.0)


def test_what_cannot_be_set_leaves_all_as_it_was():
    thing = Positive()
    with pytest.raises(ValueError, match="must be positive"):
        thing.set_params(size=-1)
    with pytest.raises(ValueError, match="has no setting 'colour': there are size"):
        thing.set_params(colour=1)
    assert thing == Positive()


def test_settings_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Line().slope = 2.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        Positive().size = 2.0
    assert hash(Line(2.0)) == hash(Line(2.0))


def test_clones_and_copies_are_equal():
    assert clone(Twice(Line(2.0))) == copy.deepcopy(Twice(Line(2.0))) == Twice(Line(2.0))


def test_a_transformer_takes_a_place_in_a_pipeline():
    x = np.linspace(-1, 1, 20)[:, None]
    line = make_pipeline(Line(2.0), LogisticRegression())
    line.fit(x, x[:, 0] > 0)
    assert line.set_params(line__slope=3.0).named_steps["line"].slope == 3.0
    assert line.score(x, x[:, 0] > 0) == 1


def test_a_transformer_without_its_function_says_so():
    @dataclasses.dataclass(unsafe_hash=True)
    class Nothing(Transformer):
        pass

    with pytest.raises(NotImplementedError, match="Nothing has no method __call__"):
        Nothing().transform(1)


@pytest.mark.parametrize(
    "role, thing",
    [
        (FeatureLike, LogMel()),
        (FamilyLike, Dense()),
        (TaskLike, Multiclass()),
        (AugmentationLike, AUGMENTATIONS.make("speed")),
    ],
)
def test_what_comes_along_plays_its_role(role, thing):
    assert isinstance(thing, role)
    assert not isinstance(object(), role)

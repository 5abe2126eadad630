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


# -- kinds and ranges


@dataclasses.dataclass(frozen=True)
class Everything(Parameters):
    count: int = 1
    share: float = 0.5
    flag: bool = True
    name: str = "a"
    sizes: tuple[int, ...] = (1,)
    pair: tuple[int, int] = (1, 2)
    maybe: float | None = None
    things: tuple = ()
    anything: object = None
    LIMITS = {"count": (1, 10), "sizes": (1, 5)}


@pytest.mark.parametrize(
    "settings, text",
    [
        (dict(count=1.0), "count is a whole number, not 1.0"),
        (dict(count=True), "count is a whole number, not True"),
        (dict(count=11), "count lies within 1 to 10, not at 11"),
        (dict(count=10**400), "count lies within 1 to 10"),
        (dict(share="x"), "share is a finite number, not 'x'"),
        (dict(share=float("nan")), "share is a finite number"),
        (dict(share=float("inf")), "share is a finite number"),
        (dict(flag=1), "flag is True or False, not 1"),
        (dict(name=None), "name is a text, not None"),
        (dict(sizes=3), "sizes is a tuple, each a whole number, not 3"),
        (dict(sizes=(1, "x")), "sizes is a tuple, each a whole number"),
        (dict(sizes=(1, 6)), "sizes lies within 1 to 5, not at 6"),
        (dict(pair=(1,)), "pair is a tuple of 2, each a whole number"),
        (dict(maybe="x"), "maybe is a finite number or None, not 'x'"),
        (dict(things="x"), "things is a tuple, not 'x'"),
        (dict(name=["x" * 1000]), "name is a text, not"),
    ],
    ids=str,
)
def test_a_setting_of_another_kind_or_out_of_its_range(settings, text):
    with pytest.raises(ValueError, match=f"Everything: {text}") as e:
        Everything(**settings)
    assert len(str(e.value)) < 150


def test_kinds_of_numpy_and_lists_are_as_good():
    made = Everything(np.int64(3), np.float32(0.5), np.bool_(True), sizes=[1, 2], maybe=3)
    assert (made.count, made.maybe) == (3, 3)
    assert Everything(share=1, anything=object) == Everything(share=1.0, anything=object)

"""The decorator of the package and that of the standard library make classes that behave alike."""

import copy
import dataclasses
import inspect
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, asdict, astuple, field, fields, replace
from typing import Any, ClassVar

import pytest

from modegate import lazy_dataclass

Decorator = Callable[..., Any]
BOTH = pytest.mark.parametrize(
    "dataclass",
    [
        pytest.param(dataclasses.dataclass, id="standard"),
        pytest.param(lazy_dataclass.dataclass, id="lazy"),
    ],
)


def place_of(dataclass: Decorator) -> Any:
    @dataclass(frozen=True, slots=True)
    class Place:
        """A value with each kind of field."""

        KIND: ClassVar[str] = "place"
        name: str
        port: int = 80
        tags: list[str] = field(default_factory=list)
        key: str = field(default="k", repr=False)
        note: str = field(default="", compare=False)
        size: int = field(init=False)
        zone: str = field(init=False, default="eu")
        seen: list[str] = field(init=False, default_factory=list, hash=False)
        secure: bool = field(default=False, kw_only=True)
        weight: int = field(kw_only=True)

        def __post_init__(self) -> None:
            object.__setattr__(self, "size", len(self.name))

    return Place


@BOTH
def test_an_instance_has_its_arguments_defaults_and_computed_fields(dataclass: Decorator) -> None:
    Place = place_of(dataclass)  # noqa: N806 - a class
    place, other = Place("home", 81, weight=1), Place(name="inn", tags=["a"], weight=2)
    assert repr(place).endswith(
        ".Place(name='home', port=81, tags=[], note='', size=4, zone='eu', seen=[], "
        "secure=False, weight=1)"
    )
    assert astuple(other) == ("inn", 80, ["a"], "k", "", 3, "eu", [], False, 2)
    assert asdict(place)["weight"] == 1
    assert place.seen is not Place("home", weight=1).seen
    assert [it.name for it in fields(Place)][:2] == ["name", "port"]
    assert Place.__match_args__ == ("name", "port", "tags", "key", "note")
    assert [*inspect.signature(Place).parameters][:2] == ["name", "port"]
    assert not hasattr(place, "__dict__")


@BOTH
@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((), {"weight": 1}),
        (("a",), {}),
        (("a",), {"weight": 1, "x": 2}),
        (("a",) * 6, {"weight": 1}),
    ],
)
def test_wrong_arguments_are_named(
    dataclass: Decorator, arguments: tuple[str, ...], named: dict[str, int]
) -> None:
    Place = place_of(dataclass)  # noqa: N806 - a class
    with pytest.raises(TypeError) as first:
        Place(*arguments, **named)
    with pytest.raises(TypeError) as again:
        Place(*arguments, **named)
    assert "Place.__init__()" in str(first.value)
    assert str(first.value) == str(again.value)


@BOTH
def test_a_frozen_instance_cannot_be_changed(dataclass: Decorator) -> None:
    place = place_of(dataclass)("home", weight=1)
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'port'"):
        place.port = 1
    with pytest.raises(FrozenInstanceError, match="cannot delete field 'port'"):
        del place.port


@BOTH
def test_equal_instances_have_equal_fields_and_the_same_class(dataclass: Decorator) -> None:
    Place = place_of(dataclass)  # noqa: N806 - a class
    place = Place("home", note="one", weight=1)
    assert place == Place("home", note="two", weight=1)
    assert place != Place("home", weight=2)
    assert place != astuple(place)
    assert replace(place, port=1) == Place("home", 1, weight=1)
    assert copy.copy(place) == copy.deepcopy(place) == place
    assert copy.copy(place).note == "one"


@BOTH
def test_a_hash_covers_the_compared_fields(dataclass: Decorator) -> None:
    @dataclass(frozen=True)
    class Point:
        x: int
        y: int = 0
        label: str = field(default="", compare=False)

    @dataclass(slots=True)
    class Changing:
        x: int

    @dataclass(frozen=True, slots=True)
    class Alone:
        x: float

    @dataclass(frozen=True, slots=True)
    class Empty:
        pass

    @dataclass(eq=False)
    class Service:
        x: int

    assert hash(Point(1, 2, "a")) == hash(Point(1, 2, "b")) == hash((1, 2))
    assert {Empty(): 1}[Empty()] == 1
    nan = float("nan")
    assert Alone(nan) == Alone(nan)
    assert hash(Alone(1)) == hash((1,))
    with pytest.raises(TypeError, match="unhashable"):
        hash(Changing(1))
    assert Service(1) != Service(1)
    assert len({Service(1), Service(1)}) == 2


@BOTH
def test_a_class_keeps_the_methods_that_it_defines(dataclass: Decorator) -> None:
    @dataclass(frozen=True, slots=True)
    class Named:  # noqa: PLW1641 - the decorator adds it
        x: int

        def __repr__(self) -> str:
            return "shown"

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Named)

    @dataclass(slots=True)
    class Hashed:
        x: int

        def __init__(self) -> None:
            self.x = 7

        def __hash__(self) -> int:
            return 5

    assert repr(Named(1)) == "shown"
    assert Named(1) == Named(2)
    assert hash(Named(3)) == hash((3,))
    assert hash(Hashed()) == 5
    assert Hashed() == Hashed()


@BOTH
def test_subclasses_add_fields_to_those_of_their_base(dataclass: Decorator) -> None:
    @dataclass(frozen=True, slots=True)
    class Base:
        x: int
        y: int = 1

    @dataclass(frozen=True, slots=True)
    class Sub(Base):
        y: int = 2
        z: int = 3

    class Plain(Base):
        pass

    assert astuple(Sub(0)) == (0, 2, 3)
    assert astuple(Base(0)) == (0, 1)
    assert Sub(0) != Base(0)
    assert repr(Plain(1)).endswith("Plain(x=1, y=1)")


@BOTH
def test_a_recursive_value_has_a_repr(dataclass: Decorator) -> None:
    @dataclass(slots=True)
    class Node:
        inner: list[Any] = field(default_factory=list)

    node = Node()
    node.inner.append(node)
    assert repr(node).endswith("Node(inner=[...])")


@lazy_dataclass.dataclass(frozen=True, slots=True)
class Stored:
    x: int
    y: str = "a"


def test_a_frozen_value_can_be_pickled() -> None:
    assert pickle.loads(pickle.dumps(Stored(1))) == Stored(1)  # noqa: S301 - made here


def test_only_other_attributes_can_be_added_and_only_to_subclasses() -> None:
    class Plain(Stored):
        pass

    plain: Any = Plain(1)
    plain.added = 1
    del plain.added
    with pytest.raises(FrozenInstanceError):
        plain.x = 2
    with pytest.raises(FrozenInstanceError):
        del plain.x
    stored: Any = Stored(1)
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'unknown'"):
        stored.unknown = 1


def test_a_class_compiles_nothing_before_its_first_instance() -> None:
    @lazy_dataclass.dataclass(frozen=True, slots=True)
    class Late:
        x: int

    at_first = Late.__init__
    assert Late(1).x == 1
    assert Late.__init__ is not at_first
    assert Late.__init__.__code__.co_filename == "<string>"


@BOTH
def test_the_parameters_are_known_before_the_first_instance(dataclass: Decorator) -> None:
    Place = place_of(dataclass)  # noqa: N806 - a class

    class Inn(Place):  # type: ignore[misc, valid-type]
        def __init__(self, beds: int) -> None:
            super().__init__("inn", weight=beds)

    assert [*inspect.signature(Inn).parameters] == ["beds"]
    assert [*inspect.signature(Place).parameters][:2] == ["name", "port"]
    assert inspect.signature(Place).parameters["weight"].kind is inspect.Parameter.KEYWORD_ONLY
    assert Inn(2).weight == 2

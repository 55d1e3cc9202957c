"""
A value is what a frozen dataclass with slots is, in all that the desk uses.
"""

import copy
import pickle
from dataclasses import FrozenInstanceError, dataclass, field, fields, is_dataclass
from dataclasses import replace as usual_replace

import pytest

from chalicelib.domain.ticket import Author, Role
from chalicelib.frozen import frozen, replace


def made(decorate):
    @decorate
    class Parcel:
        number: str
        weight: float = 1.5
        marks: tuple = ()
        notes: list = field(default_factory=list)

        @property
        def heavy(self):
            return self.weight > 10

    return Parcel


OURS = made(frozen)
BOTH = pytest.mark.parametrize("parcel", [OURS, made(dataclass(frozen=True, slots=True))], ids=["ours", "usual"])


@BOTH
def test_it_holds_what_it_is_given(parcel):
    one = parcel("A1", 12.0, notes=["glass"])
    assert (one.number, one.weight, one.marks, one.notes, one.heavy) == ("A1", 12.0, (), ["glass"], True)


@BOTH
def test_a_default_is_made_anew(parcel):
    assert parcel("A1").notes is not parcel("A2").notes


@BOTH
@pytest.mark.parametrize(
    ("given", "named"),
    [((), {}), (("A1",), {"number": "A2"}), (("A1",), {"colour": "red"}), (("A1", 1.0, (), [], 5), {})],
    ids=["nothing", "twice", "unknown", "too many"],
)
def test_what_does_not_fit_is_refused(parcel, given, named):
    with pytest.raises(TypeError):
        parcel(*given, **named)


@BOTH
def test_it_never_changes(parcel):
    one = parcel("A1")
    with pytest.raises(FrozenInstanceError):
        one.number = "A2"
    with pytest.raises(FrozenInstanceError):
        del one.number
    with pytest.raises((FrozenInstanceError, AttributeError, TypeError)):
        one.colour = "red"
    assert not hasattr(one, "__dict__")
    assert usual_replace(one, number="A2") == parcel("A2")
    assert one == parcel("A1")


@BOTH
def test_equal_is_what_holds_the_same(parcel):
    assert parcel("A1") == parcel("A1")
    assert parcel("A1") != parcel("A2")
    assert parcel("A1") != ("A1", 1.5, (), [])
    assert made(frozen)("A1") != OURS("A1")


def test_a_copy_is_another_one_that_is_equal():
    one = OURS("A1", notes=["glass"])
    other = copy.deepcopy(one)
    assert other == one
    assert other.notes is not one.notes
    assert pickle.loads(pickle.dumps(Author(Role.AGENT, "Ana"))) == Author(Role.AGENT, "Ana")  # noqa: S301 our own


@BOTH
def test_it_can_be_a_key(parcel):
    with pytest.raises(TypeError):
        hash(parcel("A1"))  # its notes are a list
    assert hash(parcel("A1", notes=())) == hash(parcel("A1", notes=()))


@BOTH
def test_it_shows_itself(parcel):
    assert repr(parcel("A1")).endswith("Parcel(number='A1', weight=1.5, marks=(), notes=[])")


@BOTH
def test_it_is_a_dataclass(parcel):
    assert is_dataclass(parcel)
    assert [f.name for f in fields(parcel)] == ["number", "weight", "marks", "notes"]
    match parcel("A1"):
        case OURS(number, _) if parcel is OURS:
            assert number == "A1"
        case other:
            assert not isinstance(other, OURS)


def test_an_error_can_be_one():
    @frozen
    class Lost(Exception):
        number: str

    with pytest.raises(Lost) as raised:
        raise Lost("A1")
    assert raised.value.number == "A1"


def test_another_one_can_follow_from_it():
    @frozen
    class Crate(OURS):
        lid: bool = True

    assert Crate("A1", lid=False).number == "A1"
    assert Crate("A1") != OURS("A1")
    assert replace(Crate("A1"), lid=False).lid is False


def test_what_a_class_says_itself_stands():
    @frozen
    class Loud:
        word: str

        def __repr__(self):
            return self.word.upper()

        def __hash__(self):
            return 7

    assert (repr(Loud("hey")), hash(Loud("hey"))) == ("HEY", 7)


def test_another_one_is_made_as_dataclasses_makes_it():
    one = OURS("A1", 12.0, notes=["glass"])
    for changes in ({}, {"number": "A2"}, {"weight": 0.0, "marks": ("!",)}):
        assert replace(one, **changes) == usual_replace(one, **changes)
    assert one == OURS("A1", 12.0, notes=["glass"])


def test_another_one_has_no_other_fields():
    with pytest.raises(TypeError, match="Parcel has no colour"):
        replace(OURS("A1"), weight=2.0, colour="red")

"""
Values: what the desk thinks in. Each is equal to what holds the same, and never changes; `replace` makes another one.

A frozen dataclass with slots, made without writing and compiling five functions for each class: with a hundred classes
that was a fifth of every cold start (docs/decisions/0014). Here all values share their methods, and `replace` copies what
stays without calling a constructor: a ticket has fifty fields, and a request changes it a dozen times.
"""

from collections.abc import Callable
from dataclasses import MISSING, FrozenInstanceError, dataclass, field, fields
from typing import TYPE_CHECKING, Any, TypeVar, dataclass_transform

if TYPE_CHECKING:
    from dataclasses import replace as replace  # noqa: PLC0414 its checks of names and types hold for ours

T = TypeVar("T")
_Spec = tuple[tuple[str, Any, Callable[[], Any] | None], ...]
_put = object.__setattr__
_specs: dict[type, _Spec] = {}


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: type[T]) -> type[T]:
    """Make a class a value, as `@dataclass(frozen=True, slots=True)` would; a field may be `dataclasses.field(...)`."""
    cls.__doc__ = cls.__doc__ or cls.__name__  # else its signature is read, and written down
    for name, method in _METHODS.items():
        if name not in cls.__dict__ or cls.__dict__[name] is None:
            setattr(cls, name, method)
    made = dataclass(init=False, repr=False, eq=False, slots=True)(cls)
    _specs[made] = tuple(
        (f.name, f.default, None if f.default_factory is MISSING else f.default_factory)
        for f in fields(made)  # type: ignore[arg-type]
    )
    return made


if not TYPE_CHECKING:

    def replace(of: T, /, **changes: Any) -> T:  # noqa: ANN401 any value
        """Return *of* with other values in the fields named."""
        kind = type(of)
        made = kind.__new__(kind)
        for name, _, _ in _specs[kind]:
            _put(made, name, changes.pop(name) if name in changes else getattr(of, name))
        if changes:
            raise TypeError(f"{kind.__name__} has no {', '.join(changes)}")
        return made


def _init(self: Any, *given: Any, **named: Any) -> None:  # noqa: ANN401 any value
    spec = _specs[type(self)]
    for (name, _, _), each in zip(spec, given, strict=False):
        _put(self, name, each)
    if len(given) > len(spec):
        raise TypeError(f"{type(self).__name__} takes {len(spec)} values, not {len(given)}")
    for name, usual, make in spec[len(given) :]:
        if name in named:
            _put(self, name, named.pop(name))
        elif make is not None:
            _put(self, name, make())
        elif usual is not MISSING:
            _put(self, name, usual)
        else:
            raise TypeError(f"{type(self).__name__} needs {name}")
    if named:
        raise TypeError(f"{type(self).__name__} takes no {', '.join(named)}, or takes it once")


def _equal(self: Any, other: object) -> bool:  # noqa: ANN401 any value
    return other.__class__ is self.__class__ and _held(self) == _held(other)


def _hashed(self: Any) -> int:  # noqa: ANN401 any value
    return hash(_held(self))


def _shown(self: Any) -> str:  # noqa: ANN401 any value
    held = (f"{name}={getattr(self, name)!r}" for name, _, _ in _specs[type(self)])
    return f"{type(self).__name__}({', '.join(held)})"


def _set(self: Any, name: str, _: object) -> None:  # noqa: ANN401 any value
    raise FrozenInstanceError(f"{type(self).__name__}.{name} never changes")


def _deleted(self: Any, name: str) -> None:  # noqa: ANN401 any value
    raise FrozenInstanceError(f"{type(self).__name__}.{name} stays")


def _reduced(self: Any) -> tuple[type, tuple[Any, ...]]:  # noqa: ANN401 any value
    return type(self), _held(self)  # how a copy, or a pickle, makes it again


def _held(of: Any) -> tuple[Any, ...]:  # noqa: ANN401 any value
    return tuple(getattr(of, name) for name, _, _ in _specs[type(of)])


_METHODS = {
    "__init__": _init,
    "__eq__": _equal,
    "__hash__": _hashed,
    "__repr__": _shown,
    "__setattr__": _set,
    "__delattr__": _deleted,
    "__reduce__": _reduced,
}

"""`dataclass`, as in the standard library, but without compiling methods while modules are imported.

The standard library compiles up to six methods of each class, 0.15 ms each. All classes of a gateway
took 0.3 of 0.9 seconds of its start, and 4 MiB (CPython 3.11). Here `__init__` is compiled by the first
instance, and the other methods are closures.

`order`, `unsafe_hash`, `weakref_slot` and `InitVar` are not supported, nor frozen subclasses that the
standard library decorates.
"""

import dataclasses
import operator
import reprlib
from collections.abc import Callable, Iterable
from dataclasses import MISSING, FrozenInstanceError
from typing import TYPE_CHECKING, Any

__all__ = ["dataclass"]

# The default of a parameter whose field has a factory.
FACTORY = object()
Method = Callable[..., Any]


def _decorated(
    cls: type[Any] | None = None,
    /,
    *,
    eq: bool = True,
    frozen: bool = False,
    kw_only: bool = False,
    slots: bool = False,
) -> Any:
    """Decorates a class; the options are those of the standard library."""

    def decorate(undecorated: type[Any]) -> type[Any]:
        defined = frozenset(undecorated.__dict__)
        # With these options, it collects the fields and compiles nothing.
        made: type[Any] = dataclasses.dataclass(
            init=False, repr=False, eq=False, kw_only=kw_only, slots=slots
        )(undecorated)
        _add_methods(made, defined, eq=eq, frozen=frozen, slots=slots)
        return made

    return decorate if cls is None else decorate(cls)


def _add_methods(
    cls: type[Any], defined: frozenset[str], *, eq: bool, frozen: bool, slots: bool
) -> None:
    """Adds the methods that the class does not define itself."""
    init = _Init(cls, frozen=frozen)
    methods: dict[str, object] = {"__init__": init.first, "__repr__": _repr}
    if "__init__" not in defined:
        cls.__signature__ = init
    if eq:
        methods["__eq__"] = _eq_of(cls)
        methods["__hash__"] = _hash_of(cls) if frozen else None
        # Python sets it where a class defines `__eq__`.
        if cls.__dict__.get("__hash__") is None:
            defined -= {"__hash__"}
    if frozen:
        methods |= {"__setattr__": _setattr_of(cls), "__delattr__": _delattr_of(cls)}
    if frozen and slots:
        methods |= {"__getstate__": _getstate, "__setstate__": _setstate}
    for name in methods.keys() - defined:
        setattr(cls, name, methods[name])


class _Init:
    """The constructor of a class, which is compiled once something asks for it."""

    def __init__(self, cls: type[Any], *, frozen: bool) -> None:
        self._cls = cls
        self._frozen = frozen

        def first(instance: object, *args: object, **kwargs: object) -> None:
            self._compile()(instance, *args, **kwargs)

        self.first = first

    def __get__(self, instance: object, owner: type[Any]) -> None:
        """Compiles it for `inspect.signature`, which then reads the parameters of `__init__`."""
        if self._cls.__init__ is self.first:
            self._compile()

    def _compile(self) -> Method:
        init = self._cls.__init__ = _compiled_init(self._cls, frozen=self._frozen)
        return init


def _compiled_init(cls: type[Any], *, frozen: bool) -> Method:
    """Returns `__init__`, which calls `__post_init__` if there is one."""
    scope: dict[str, Any] = {"_set": object.__setattr__, "_FACTORY": FACTORY}
    positional, keywords, body = ["self"], list[str](), list[str]()
    for field in dataclasses.fields(cls):
        name, value, default = field.name, field.name, ""
        if field.default is not MISSING:
            scope[f"_default_{name}"] = field.default
            value, default = (name if field.init else f"_default_{name}"), f"=_default_{name}"
        elif field.default_factory is not MISSING:
            scope[f"_new_{name}"] = field.default_factory
            value, default = f"_new_{name}()", "=_FACTORY"
            if field.init:
                value = f"{value} if {name} is _FACTORY else {name}"
        elif not field.init:
            continue
        if field.init:
            (keywords if field.kw_only else positional).append(name + default)
        body.append(f"_set(self, {name!r}, {value})" if frozen else f"self.{name} = {value}")
    if hasattr(cls, "__post_init__"):
        body.append("self.__post_init__()")
    parameters = ", ".join([*positional, "*", *keywords] if keywords else positional)
    return _function(f"__init__({parameters})", body, scope, f"{cls.__qualname__}.__init__")


def _function(head: str, body: Iterable[str], scope: dict[str, Any], qualname: str) -> Method:
    lines = "".join(f"\n  {line}" for line in body) or "\n  pass"
    text = f"def create({', '.join(scope)}):\n def {head}:{lines}\n return __init__"
    namespace: dict[str, Any] = {}
    exec(text, {}, namespace)  # noqa: S102 - as the standard library does, from names of fields
    method: Method = namespace["create"](**scope)
    method.__qualname__ = qualname
    return method


def _values(names: list[str]) -> Method:
    """Returns a function that returns these attributes as a tuple."""
    if len(names) > 1:
        return operator.attrgetter(*names)
    return lambda self: tuple(getattr(self, name) for name in names)


@reprlib.recursive_repr()
def _repr(self: Any) -> str:
    names = [it.name for it in dataclasses.fields(self) if it.repr]
    values = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
    return f"{type(self).__qualname__}({values})"


def _eq_of(cls: type[Any]) -> Method:
    values = _values([it.name for it in dataclasses.fields(cls) if it.compare])

    def equals(self: object, other: object) -> Any:
        if other.__class__ is self.__class__:
            return values(self) == values(other)
        return NotImplemented

    return equals


def _hash_of(cls: type[Any]) -> Method:
    fields = dataclasses.fields(cls)
    values = _values([it.name for it in fields if (it.compare if it.hash is None else it.hash)])

    def hashed(self: object) -> int:
        return hash(values(self))

    return hashed


def _setattr_of(cls: type[Any]) -> Method:
    names = frozenset(it.name for it in dataclasses.fields(cls))

    def assign(self: object, name: str, value: object) -> None:
        if type(self) is cls or name in names:
            raise FrozenInstanceError(f"cannot assign to field {name!r}")
        super(cls, self).__setattr__(name, value)

    return assign


def _delattr_of(cls: type[Any]) -> Method:
    names = frozenset(it.name for it in dataclasses.fields(cls))

    def delete(self: object, name: str) -> None:
        if type(self) is cls or name in names:
            raise FrozenInstanceError(f"cannot delete field {name!r}")
        super(cls, self).__delattr__(name)

    return delete


def _getstate(self: Any) -> list[object]:
    return [getattr(self, it.name) for it in dataclasses.fields(self)]


def _setstate(self: Any, state: list[object]) -> None:
    for it, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, it.name, value)


if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    dataclass = _decorated

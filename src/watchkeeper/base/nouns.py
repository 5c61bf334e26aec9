"""Build frozen nouns as fast as plain ones, for the few classes of which a single text makes hundreds."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import field, fields, make_dataclass
from typing import Any, Generic, TypeVar, overload

ValueT = TypeVar("ValueT")
NounT = TypeVar("NounT")


def built_fast(cls: type[NounT]) -> type[NounT]:
    """Let a frozen dataclass be built by plain assignment, several times as fast as through its guard.

    That nobody writes to one is then held by mypy alone, which still knows the class as frozen.
    """
    named: list[tuple[str, Any, Any]] = [
        (
            each.name,
            each.type,
            field(default=each.default, default_factory=each.default_factory, kw_only=each.kw_only),
        )
        for each in fields(cls)  # type: ignore[arg-type]
    ]
    plain: Any = make_dataclass(cls.__name__, named, eq=False, repr=False)
    guarded: Any = cls
    # a class above it may be guarded still
    guarded.__setattr__, guarded.__delattr__ = object.__setattr__, object.__delattr__
    guarded.__init__ = plain.__init__
    return cls


@contextmanager
def none_collected() -> Iterator[None]:
    """Hold the search for cycles back while many nouns are made that all stay: it would look through them again and again.

    Whoever finds it held back leaves it so; the one who held it back lets it go. What was put off is done once afterwards.
    """
    held_here = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if held_here:
            gc.enable()


class kept(Generic[ValueT]):  # noqa: N801 - it is used as a decorator, beside `property`
    """A property worked out once, without the lock that `functools.cached_property` takes before Python 3.12."""

    def __init__(self, work_out: Callable[[Any], ValueT]):
        self.work_out = work_out
        self.name = work_out.__name__
        self.__doc__ = work_out.__doc__

    @overload
    def __get__(self, instance: None, owner: type[Any]) -> kept[ValueT]: ...

    @overload
    def __get__(self, instance: object, owner: type[Any]) -> ValueT: ...

    def __get__(self, instance: object | None, owner: type[Any]) -> kept[ValueT] | ValueT:
        """Work the value out; what is in the noun's own dictionary is found before this is asked."""
        if instance is None:
            return self
        value = self.work_out(instance)
        instance.__dict__[self.name] = value
        return value

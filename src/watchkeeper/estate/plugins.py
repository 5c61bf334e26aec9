"""Loads plug-ins by group and name from the installed entry points; the built-in ones come through the same door.

A name that nothing answers to, or a plug-in whose own package is not installed, is a ConfigError with a hint.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points

from watchkeeper.base.errors import ConfigError
from watchkeeper.estate.table import did_you_mean

SIGNALS = "watchkeeper.signals"
TARGETS = "watchkeeper.targets"
NOTIFIERS = "watchkeeper.notifiers"
ENGINES = "watchkeeper.engines"


@cache
def _found(group: str) -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=group)}


def names(group: str) -> list[str]:
    """Give the names that a group knows, sorted."""
    return sorted(_found(group))


def load(group: str, name: str) -> type:
    """Import the class of a plug-in."""
    point = _found(group).get(name)
    kind = group.rsplit(".", 1)[-1].removesuffix("s")
    if point is None:
        known = names(group)
        raise ConfigError(
            f"There is no {kind} plug-in named {name!r}.",
            hint=f"Installed: {', '.join(known) or 'none'}.{did_you_mean(name, known)}",
            code="WK135",
        )
    try:
        found = point.load()
    except ImportError as problem:
        missing = problem.name or "a package"
        raise ConfigError(
            f"The {kind} plug-in {name!r} needs {missing}, which is not installed.",
            hint=f"pip install 'watchkeeper[{point.extras[0] if point.extras else name}]'",
            code="WK135",
        ) from problem
    if not isinstance(found, type):
        raise ConfigError(f"The {kind} plug-in {name!r} is not a class.", hint="Tell its author.", code="WK135")
    return found


def lacking(what: str, package: str, extra: str) -> ConfigError:
    """Make the error about a part of a plug-in whose own package is not installed."""
    return ConfigError(
        f"{what} needs {package}, which is not installed.", hint=f"pip install 'watchkeeper[{extra}]'", code="WK135"
    )

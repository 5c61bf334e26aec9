"""Looks at units of systemd through `systemctl show`, which only reads."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from typing import ClassVar

from watchkeeper.base.errors import OutsideError
from watchkeeper.estate.config import check_readings, options_of
from watchkeeper.estate.model import Estate, SignalConfig
from watchkeeper.plugins.remote.tool import ask, environment
from watchkeeper.watch.probe import Look
from watchkeeper.watch.rises import Rises

_PROPERTIES = (
    "Id", "Names", "LoadState", "ActiveState", "SubState", "Result", "Type", "NRestarts", "MemoryCurrent",
    "ActiveEnterTimestampMonotonic",
)  # fmt: skip
_NAME = re.compile(r"[A-Za-z0-9:_.\\@-]+")
_SUFFIX = re.compile(r"\.(?:service|socket|timer|mount|target|path|scope|slice|device|swap|automount)$")
_RUNS = ("active", "reloading", "refreshing")
_OF_ONE = ("up", "restarts", "memory_bytes", "uptime_seconds")
_SHOWN, _MOST_BYTES = 5, 4_000_000

Unit = Mapping[str, str]


class SystemdProbe:
    """Units of this machine's systemd, or of a user's own."""

    readings: ClassVar[Mapping[str, str]] = {
        "up": "1 where every unit of `units` is well (without `units`: where no unit has failed), else 0",
        "units_wanted": "units of `units`",
        "units_well": "those that are active, or ended well where they are of type oneshot",
        "units_failed": "all units of this machine that have failed",
        "restarts": "automatic restarts of `units` within `window`",
        "*": "of each unit of `units`: shop_up, shop_restarts, shop_memory_bytes, shop_uptime_seconds (`shop.service` is shop)",
    }
    metrics: ClassVar[Mapping[str, tuple[str, ...]]] = {"restarts": ("restarts",)}
    called: ClassVar[tuple[str, ...]] = ("systemd", "systemctl")
    options: ClassVar[Mapping[str, str]] = {
        "units": "names of the units, such as shop or shop.timer",
        "user": "true: the user's own systemd instead of the machine's (default false)",
        "window": "time within which restarts are counted (default 1h)",
    }

    def __init__(self, signal: SignalConfig, estate: Estate) -> None:
        options = options_of(signal, estate)
        self._units = tuple(unit if _SUFFIX.search(unit) else f"{unit}.service" for unit in options.texts("units"))
        for unit in self._units:
            if not _NAME.fullmatch(unit) or unit.startswith("-"):
                raise options.error("units", f"{options.name('units')} has {unit!r}, which is no unit.", 'Write "shop.service".')
        self._systemctl = ["systemctl", *(["--user"] if options.flag("user", False) else []), "--no-pager"]
        self._timeout_s = signal.timeout_s
        self._rises = Rises(options.duration("window", 3_600.0, 1.0))
        plain = [name for name in self.readings if name != "*"]
        check_readings(signal, estate, [*plain, *(f"{slug(unit)}_{name}" for unit in self._units for name in _OF_ONE)])

    async def look(self) -> Look:
        """Look once."""
        until_s = time.monotonic() + self._timeout_s
        listing = ["list-units", "--state=failed", "--all", "--plain", "--no-legend", "--full"]
        try:
            failed = await self._ask(listing, until_s)
            shown = await self._ask(["show", "-p", ",".join(_PROPERTIES), "--", *self._units], until_s) if self._units else ""
        except OutsideError as problem:
            return Look(problem=problem.message)
        units = {unit: _found(unit, read_units(shown)) for unit in self._units}
        names = [line.split()[0] for line in failed.splitlines() if line.split()]
        return self._judge(units, names, time.monotonic())

    async def close(self) -> None:
        """Nothing is held between looks."""

    async def _ask(self, words: Sequence[str], until_s: float) -> str:
        given = environment((), SYSTEMD_COLORS="0", LC_ALL="C")
        within_s = max(0.1, until_s - time.monotonic())
        status, output, said = await ask([*self._systemctl, *words], given, within_s, _MOST_BYTES)
        if status:
            raise OutsideError(f"systemctl says: {(said.splitlines() or [f'exit status {status}'])[-1][:200]}")
        return output

    def _judge(self, units: Mapping[str, Unit], failed: Sequence[str], now_s: float) -> Look:
        values: dict[str, float] = {"units_failed": float(len(failed))}
        notes = []
        for name, unit in units.items():
            is_well = well(unit)
            values[f"{slug(name)}_up"] = float(is_well)
            if not is_well:
                notes.append(f"{name} is {_state(unit)}")
            if unit.get("MemoryCurrent", "").isdecimal() and int(unit["MemoryCurrent"]) < 2**63:
                values[f"{slug(name)}_memory_bytes"] = float(unit["MemoryCurrent"])
            since = unit.get("ActiveEnterTimestampMonotonic", "")
            if unit.get("ActiveState") in _RUNS and since.isdecimal() and int(since):
                values[f"{slug(name)}_uptime_seconds"] = max(0.0, now_s - int(since) / 1e6)
        counted = {name: float(unit["NRestarts"]) for name, unit in units.items() if unit.get("NRestarts", "").isdecimal()}
        risen = self._rises.add(counted, now_s) if units else None
        if risen is not None:
            values |= {f"{slug(name)}_restarts": count for name, count in risen.items()}
            values["restarts"] = sum(risen.values())
            notes += [f"{name} was restarted {count:g} times" for name, count in risen.items() if count]
        if units:
            values |= {"units_wanted": float(len(units)), "units_well": sum(values[f"{slug(name)}_up"] for name in units)}
        values["up"] = float(values["units_well"] == len(units)) if units else float(not failed)
        if failed:
            more = f" and {len(failed) - _SHOWN} more" if len(failed) > _SHOWN else ""
            notes.append(f"failed: {', '.join(failed[:_SHOWN])}{more}")
        return Look(values, detail="; ".join(notes)[:1_000])


def read_units(text: str) -> list[Unit]:
    """Read what `systemctl show` prints: a block of `Key=value` lines for each unit, with an empty line between two.

    >>> read_units("Id=a.service\\nResult=success\\n\\nId=b.service\\n")
    [{'Id': 'a.service', 'Result': 'success'}, {'Id': 'b.service'}]
    """
    blocks = (block for block in re.split(r"\n\s*\n", text.strip()) if block.strip())
    return [dict(line.partition("=")[::2] for line in block.splitlines() if "=" in line) for block in blocks]


def well(unit: Unit) -> bool:
    """Say whether a unit is as it should be; one of type oneshot rests between its runs.

    >>> well({"ActiveState": "active"}), well({"ActiveState": "inactive", "Type": "oneshot", "Result": "success"})
    (True, True)
    """
    if unit.get("LoadState") in ("not-found", "error", "bad-setting", "masked"):
        return False
    state = unit.get("ActiveState")
    rests = unit.get("Type") == "oneshot" and state in ("inactive", "activating") and unit.get("Result") == "success"
    return state in _RUNS or rests


def slug(unit: str) -> str:
    """Give the name that a unit's readings begin with.

    >>> slug("shop.service"), slug("backup@db-1.timer")
    ('shop', 'backup_db_1')
    """
    return re.sub(r"[^A-Za-z0-9]+", "_", _SUFFIX.sub("", unit)).strip("_") or "unit"


def _found(name: str, units: Sequence[Unit]) -> Unit:
    return next((unit for unit in units if name == unit.get("Id") or name in unit.get("Names", "").split()), {})


def _state(unit: Unit) -> str:
    if unit.get("LoadState", "loaded") != "loaded" or not unit:
        return unit.get("LoadState") or "not there"
    said = f" ({unit['SubState']})" if unit.get("SubState") else ""
    why = f", because of {unit['Result']}" if unit.get("Result") not in (None, "", "success") else ""
    return f"{unit.get('ActiveState', 'not there')}{said}{why}"

"""Reads an estate's drill: estate.toml and faults/*.toml. What is wrong in one is said in a sentence with its file and key."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from watchkeeper.base.durations import parse_duration
from watchkeeper.base.errors import ConfigError, InputError
from watchkeeper.drill.model import Break, Course, Expected

NEEDED = ("up", "down", "well")
COMMANDS = (*NEEDED, "restarts", "customers", "promised")
FAULT_KEYS = {"sentence", "seed", "break", "mend", "pace", "patience", "quiet", "answers", "expect"}
_EXPECT = {"alert", "severity", "procedure", "cause", "approvals", "recovers"}
EXPECT_KEYS = _EXPECT | {"waits_for", "promise", "promise_from", "stays"}


def read_course(folder: Path) -> Course:
    """Read an estate's commands and all its faults."""
    path = folder / "estate.toml"
    if not path.is_file():
        raise InputError(
            f"There is no {path}, so {folder} is not an estate that can be drilled.",
            hint="Name the folder of one, or --estate NAME for estates/NAME.",
            code="WK920",
        )
    root = _read(path)
    table = root.get("estate")
    if not isinstance(table, dict):
        raise _wrong(path, "estate", "is missing", '[estate] with up, down and well, each a command: up = "./up"')
    _refuse_others(path, "estate", table, set(COMMANDS))
    for name in NEEDED:
        if name not in table:
            raise _wrong(path, f"estate.{name}", "is missing", f'Give the command: {name} = "./estate {name}"')
    commands = {name: _text(path, f"estate.{name}", value) for name, value in table.items()}
    faults = tuple(read_fault(each) for each in sorted((folder / "faults").glob("*.toml")))
    if not faults:
        raise InputError(f"There is no fault in {folder / 'faults'}.", hint="Each is a file NAME.toml.", code="WK920")
    return Course(folder.resolve().name, folder.resolve(), commands, faults)


def read_fault(path: Path) -> Break:
    """Read one fault with what is expected of it."""
    root = _read(path)
    _refuse_others(path, "", root, FAULT_KEYS)
    expect = root.get("expect")
    if not isinstance(expect, dict):
        raise _wrong(path, "expect", "is missing", "[expect] with alert, severity, procedure and cause")
    for key in ("sentence", "break", "mend"):
        if key not in root:
            raise _wrong(path, key, "is missing", "A fault has a sentence, a way to break and a way to mend.")
    answers = root.get("answers", {})
    if not isinstance(answers, dict) or not all(isinstance(value, str) for value in answers.values()):
        raise _wrong(path, "answers", "is not a table of texts", '[answers] "words of the step" = "yes"')
    pace = root.get("pace", 1)
    if isinstance(pace, bool) or not isinstance(pace, int | float) or not 1 <= pace <= 1000:
        raise _wrong(path, "pace", f"is {pace!r}", "It is a number from 1 (real time) to 1000.")
    quiet = root.get("quiet", False)
    if not isinstance(quiet, bool):
        raise _wrong(path, "quiet", f"is {quiet!r}", "It is true or false.")
    return Break(
        name=path.stem,
        sentence=_text(path, "sentence", root["sentence"]),
        seed=_text(path, "seed", root.get("seed", "")),
        breaks=_text(path, "break", root["break"]),
        mends=_text(path, "mend", root["mend"]),
        expected=_expected(path, expect),
        pace=float(pace),
        patience_s=_duration(path, "patience", root.get("patience", "120s")),
        quiet=quiet,
        answers=answers,
    )


def _expected(path: Path, table: Mapping[str, Any]) -> Expected:
    _refuse_others(path, "expect", table, EXPECT_KEYS)
    if "alert" not in table:
        raise _wrong(path, "expect.alert", "is missing", "Name the alert of the book that tells of it.")
    recovers, waits_for = table.get("recovers", True), _text(path, "expect.waits_for", table.get("waits_for", ""))
    if not isinstance(recovers, bool):
        raise _wrong(path, "expect.recovers", f"is {recovers!r}", "It is true or false.")
    if not recovers and not waits_for:
        raise _wrong(path, "expect.waits_for", "is missing", "Say who or what outside a fault waits for that does not recover.")
    promise_from = table.get("promise_from", "fault")
    if promise_from not in ("fault", "alert"):
        raise _wrong(path, "expect.promise_from", f"is {promise_from!r}", 'It is "fault" or "alert".')
    approvals = table.get("approvals", 0)
    if isinstance(approvals, bool) or not isinstance(approvals, int) or approvals < 0:
        raise _wrong(path, "expect.approvals", f"is {approvals!r}", "It is how many times a person has to be asked.")
    severity = table.get("severity")
    return Expected(
        alert=_names(path, "expect.alert", table["alert"]),
        severity=None if severity is None else _text(path, "expect.severity", severity),
        procedure=_names(path, "expect.procedure", table.get("procedure", [])),
        cause=_names(path, "expect.cause", table.get("cause", [])),
        approvals=approvals,
        recovers=recovers,
        waits_for=waits_for,
        promise_s=_duration(path, "expect.promise", table["promise"]) if "promise" in table else None,
        promise_from_alert=promise_from == "alert",
        stays=_names(path, "expect.stays", table.get("stays", [])),
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise ConfigError(f"{path} is not TOML: {problem}.", hint="Mend it there.", code="WK921") from None


def _refuse_others(path: Path, under: str, table: Mapping[str, Any], known: set[str]) -> None:
    for key in table:
        if key not in known:
            name = f"{under}.{key}" if under else key
            raise _wrong(path, name, "is not known", f"Known: {', '.join(sorted(known))}.")


def _text(path: Path, key: str, value: object) -> str:
    if not isinstance(value, str):
        raise _wrong(path, key, f"is {value!r}", "It is a text.")
    return value


def _names(path: Path, key: str, value: object) -> tuple[str, ...]:
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise _wrong(path, key, f"is {value!r}", "It is a text, or a list of texts of which any will do.")
    return tuple(found)


def _duration(path: Path, key: str, value: object) -> float:
    found = parse_duration(value) if isinstance(value, str) else None
    if found is None:
        raise _wrong(path, key, f"is {value!r}", 'It is a duration: "90s", "15m".')
    return found


def _wrong(path: Path, key: str, what: str, hint: str) -> ConfigError:
    return ConfigError(f"{key} {what}.", hint=hint, code="WK922", where=str(path))

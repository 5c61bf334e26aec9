"""Units of systemd and programs of supervisor: how they stand, what else depends on them, whether they were begun anew."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from watchkeeper.book.syntax import Word
from watchkeeper.run.effect.files import plain_words
from watchkeeper.run.effect.model import Answers, Effect, Look, Seen, unseen
from watchkeeper.run.effect.place import Place, Said, said
from watchkeeper.run.effect.words import counted, listed, sentence

_DOES = {
    "restart": "restarts", "stop": "stops", "start": "starts", "reload": "reloads", "try-restart": "restarts",
    "reload-or-restart": "reloads", "enable": "enables", "disable": "disables", "force-reload": "reloads",
    "condrestart": "restarts",
}  # fmt: skip
_BACK = {"stop": "start", "start": "stop", "enable": "disable", "disable": "enable"}
_ENDS = frozenset({"restart", "stop", "try-restart", "condrestart"})
SAME = "No way back is needed: the same service runs again."
_PROPERTIES = "Id,ActiveState,SubState,MainPID,ActiveEnterTimestampMonotonic,UnitFileState"


def systemctl(place: Place) -> Effect | None:
    """`systemctl VERB UNIT…`."""
    words = [word for word in place.words if not word.text.startswith("-")]
    if len(words) < 2 or words[0].text not in _DOES:
        return None
    options = [word for word in place.words if word.text in ("--user", "--system")]
    return _systemd(place, words[0].text, words[1:], place.own, [*options])


def service(place: Place) -> Effect | None:
    """`service UNIT VERB`."""
    words = [word for word in place.words if not word.text.startswith("-")]
    if len(words) != 2 or words[1].text not in _DOES:
        return None

    def own(*given: Said) -> str:
        return " ".join(["systemctl", *map(said, given)])

    return _systemd(place, words[1].text, words[:1], own, [])


def _systemd(place: Place, verb: str, units: Sequence[Word], own: Any, options: Sequence[Word]) -> Effect:
    looks = (
        Look(place.script(own(*options, "show", "-p", _PROPERTIES, "--", *units))),
        Look(place.script(own(*options, "list-dependencies", "--reverse", "--plain", "--no-pager", "--", *units))),
    )

    def read(answers: Answers) -> Seen:
        found = [dict(re.findall(r"^(\w+)=(.*)$", block, re.MULTILINE)) for block in re.split(r"\n\s*\n", answers[0].output)]
        found = [unit for unit in found if unit.get("Id")]
        if not answers[0].ok or not found:
            return unseen(answers[0])
        stand = [f"{unit['Id']} ({unit['ActiveState']}, {unit['SubState']})" for unit in found]
        told = [f"{_DOES[verb]} {listed(stand)}"]
        mine = {unit["Id"] for unit in found}
        others = [line.strip(" ●○└─├") for line in answers[1].output.splitlines()] if answers[1].ok else []
        needing = [name for name in others if name.endswith(".service") and name not in mine]
        told += [f"{listed(dict.fromkeys(needing))} needs it"] if needing and verb in _ENDS else []
        told += ["every container stops unless live-restore is on"] if "docker.service" in mine and verb in _ENDS else []
        keys = ("Id", "ActiveState", "MainPID", "ActiveEnterTimestampMonotonic", "UnitFileState")
        before = [[unit.get(key, "") for key in keys] for unit in found]
        scope = " ".join([verb, *(f"{unit['Id']}:{unit['ActiveState']}" for unit in found)])
        return Seen(sentence(told), scope, before)

    def undo(before: Any) -> str | None:
        place_of = 4 if verb in ("enable", "disable") else 1
        was = {"stop": "active", "start": "inactive", "enable": "disabled", "disable": "enabled"}.get(verb)
        if was is None or not before or any(unit[place_of] != was for unit in before):
            return None
        return place.script(own(*options, _BACK[verb], *units))

    def happened(before: Any, now: Seen) -> bool | None:
        pairs = list(zip(before or [], now.before or [], strict=False))
        if not pairs:
            return None
        if verb in ("restart", "try-restart", "condrestart"):
            new = all(a[1] == "active" and a[2] not in ("0", b[2]) and int(a[3] or 0) > int(b[3] or 0) for b, a in pairs)
            return True if new else None
        if verb in ("stop", "start"):
            goal = "inactive" if verb == "stop" else "active"
            return True if all(a[1] == goal for _, a in pairs) and any(b[1] != goal for b, _ in pairs) else None
        return None

    return Effect(read, looks, undo, happened, SAME if "restart" in verb or "reload" in verb else "No way back is known.")


def supervisorctl(place: Place) -> Effect | None:
    """`supervisorctl VERB PROGRAM…`."""
    values = frozenset({"-c", "--configuration", "-s", "--serverurl", "-u", "--username", "-p", "--password"})
    options = place.pick(values)
    words = plain_words(place, values)
    if len(words) < 2 or words[0].text not in ("restart", "stop", "start"):
        return None
    verb, programs = words[0].text, words[1:]
    looks = (Look(place.script(place.own(*options, "status", *programs))),)

    def read(answers: Answers) -> Seen:
        # status 3 says that a program does not run, which is an answer as well
        found = re.findall(r"^(\S+)\s+([A-Z]+)\s*(?:pid (\d+))?", answers[0].output, re.MULTILINE)
        if answers[0].status not in (0, 3) or not found:
            return unseen(answers[0])
        told = [f"{_DOES[verb]} {counted(len(found), 'program')}: {listed(f'{name} ({state})' for name, state, _ in found)}"]
        scope = f"{verb} {' '.join(f'{name}:{state}' for name, state, _ in found)}"
        return Seen(sentence(told), scope, [list(row) for row in found])

    def undo(before: Any) -> str | None:
        was = {"stop": ("RUNNING",), "start": ("STOPPED", "EXITED")}.get(verb)
        if was is None or any(state not in was for _, state, _ in before):
            return None
        return place.script(place.own(*options, _BACK[verb], *programs))

    def happened(before: Any, now: Seen) -> bool | None:
        pairs = list(zip(before or [], now.before or [], strict=False))
        if not pairs:
            return None
        if verb == "restart":
            return True if all(a[1] == "RUNNING" and a[2] and a[2] != b[2] for b, a in pairs) else None
        goal = "STOPPED" if verb == "stop" else "RUNNING"
        return True if all(a[1] == goal for _, a in pairs) and any(b[1] != goal for b, _ in pairs) else None

    return Effect(read, looks, undo, happened, SAME if verb == "restart" else "No way back is known.")

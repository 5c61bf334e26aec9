"""With which values does a command run? Pure: from the person, the estate, the incident, an earlier act, or still to be asked.

A command and how its run stands enter; a value for each of its tokens leaves, or the inputs that are missing, or the reason why
only a person can run it. Every value was held against its input before it counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from watchkeeper.book.model import Command
from watchkeeper.estate.model import Estate
from watchkeeper.run.model import Act, Input, Outcome, Plan, Run
from watchkeeper.run.output import without_remarks
from watchkeeper.run.values.contexts import LIMITS, Place
from watchkeeper.run.values.inputs import by_name, check_value, input_of, name_of, no_input, variable_of, why_not
from watchkeeper.run.values.render import needs_of

#: set by the target itself or by bash, whatever the estate says
ALWAYS_SET = frozenset({"HOME", "PATH", "PWD", "LANG", "TERM", "USER", "SHELL", "HOSTNAME", "RANDOM", "SECONDS", "PPID", "IFS"})
#: most choices that are shown
MOST_CHOICES = 200


@dataclass(frozen=True, slots=True)
class Filled:
    """How a command's tokens are filled."""

    #: token -> value that is to be rendered
    values: Mapping[str, str]
    #: variables that the target or the estate sets, and those that an earlier act left
    known: frozenset[str] = frozenset()
    carried: Mapping[str, str] | None = None
    missing: tuple[Input, ...] = ()
    #: why only a person can run it
    refused: str | None = None
    #: token -> where its value is from
    sources: Mapping[str, str] | None = None


def fill(command: Command, run: Run | None, estate: Estate, now: datetime | None = None) -> Filled:
    """Fill a command for a run as it stands; with None, for one that has not begun."""
    given = run.given if run else {}
    carried = {name: value for name, value in (run.carried.items() if run else ()) if name_of(name) not in given}
    own = {name for name in estate.variables if name_of(name) not in given and name not in carried}
    needs = needs_of(command, ALWAYS_SET | frozenset(own))
    if needs.refused:
        return Filled({}, refused=needs.refused)
    values: dict[str, str] = {}
    sources: dict[str, str] = {}
    missing: list[Input] = []
    taken: dict[str, str] = {}
    for token, places in needs.places.items():
        wanted = with_choices(input_of(token, places, estate.inputs, now), run)
        variable = variable_of(token)
        if token.startswith("$") and variable in carried and _passes(carried[variable], places):
            taken[variable] = carried[variable]
            continue
        found = _value(wanted, run, estate)
        if found is None:
            missing.append(wanted)
        else:
            values[token], sources[token] = found
    secret = next((each for each in missing if each.kind == "secret"), None)
    if secret is not None:
        name = secret.token.strip("${}<>[] ").replace("-", "_").replace(" ", "_").upper()
        why = f"{secret.token} is a secret, which is never asked for: set {name} under [variables]"
        return Filled(values, refused=why, sources=sources)
    known = ALWAYS_SET | frozenset(own) | frozenset(taken)
    return Filled(values, known, taken, tuple(missing), sources=sources)


def inputs_of(plan: Plan, estate: Estate, now: datetime | None = None) -> tuple[Input, ...]:
    """Give all that the commands of a plan take in beside the estate's own variables, each name once, in the order of use."""
    found: dict[str, Input] = {}
    for act in plan.acts:
        command = act.command or (act.condition.command if act.condition else None)
        if command is None or act.skip is not None:
            continue
        own = frozenset(estate.variables)
        for token, places in needs_of(command, ALWAYS_SET | own).places.items():
            one = input_of(token, places, estate.inputs, now)
            if token.startswith("$") and _left_by_an_earlier(plan, act, variable_of(token)):
                continue
            before = found.get(one.name)
            limits = tuple(dict.fromkeys((*before.limits, *one.limits))) if before else one.limits
            found[one.name] = replace(before or one, limits=limits)
    return tuple(found.values())


def _left_by_an_earlier(plan: Plan, act: Act, variable: str) -> bool:
    earlier = plan.acts[: plan.acts.index(act)]
    return any(variable in each.keeps for each in earlier)


def checked(given: Mapping[str, str], plan: Plan, estate: Estate) -> dict[str, str]:
    """Give a person's values by the names of the plan's inputs; InputError for a name or a value that is not to be.

    What only a list of the run itself can tell is held against it when the act comes up.
    """
    wanted = {one.name: one for one in inputs_of(plan, estate)}
    own = {name_of(name) for name in estate.variables}
    values = by_name(given)
    for name, value in values.items():
        if name not in wanted and name not in own:
            raise no_input(name, wanted)
        one = wanted.get(name) or Input(name, f"${name.upper()}")
        check_value(replace(one, listed=bool(one.choices)), value, estate.secrets())
    return values


def _passes(value: str, places: Iterable[Place]) -> bool:
    """Tell whether what an earlier act left can be used as the book uses it: not in a word that is read again as code."""
    for place in places:
        limit = place.limit or ("safe" if place.form != "exact" else None)
        if limit is not None and re.fullmatch(LIMITS[limit], value, re.ASCII) is None:
            return False
    return True


def _value(wanted: Input, run: Run | None, estate: Estate) -> tuple[str, str] | None:
    """Give the first value that may stand for an input, and where it is from."""
    if run is not None and wanted.name in run.given:
        # what a person gave is never replaced by something else in silence: where it does not fit, they are asked again
        value = run.given[wanted.name]
        return (value, "given") if why_not(wanted, value) is None else None
    variable = next((v for name, v in estate.variables.items() if name_of(name) == wanted.name), None)
    if variable is not None and (wanted.kind == "secret" or why_not(wanted, variable.reveal()) is None):
        return variable.reveal(), f"${variable.name} of watchkeeper.toml"
    label = run.labels.get(wanted.name) if run else None
    if label is not None and why_not(wanted, label) is None:
        return label, "the incident"
    return None


def with_choices(wanted: Input, run: Run | None) -> Input:
    """Give an input with the choices that earlier acts of the run show: those of its own query, else what fits its kind."""
    if run is None or wanted.choices:
        return wanted
    for act in reversed(run.plan.acts):
        outcome = run.acts[act.key].outcome
        if outcome is None or act.command is None or outcome.result != "ok":
            continue
        if wanted.query is not None and act.lists == wanted.name:
            return replace(wanted, choices=listed_lines(outcome))
        if wanted.query is None and not act.mutating:
            found = names_in(wanted.name, wanted.kind, act.command.text, outcome.output)
            fitting = tuple(name for name in found if why_not(wanted, name) is None)
            if fitting:
                return replace(wanted, choices=fitting[:MOST_CHOICES])
    return wanted


def listed_lines(outcome: Outcome) -> tuple[str, ...]:
    """Give the lines of an output as choices."""
    lines = (line.strip() for line in without_remarks(outcome.output).splitlines())
    return tuple(dict.fromkeys(line for line in lines if line))[:MOST_CHOICES]


#: what an output lists, by the command that gave it; the group names the kind of thing
_LISTING = (
    (re.compile(r"\bkubectl\b.*\bget\s+(\w+)"), None),
    (re.compile(r"\bdocker(?:\s+compose|-compose)?\b.*\b(?:ps|stats|container\s+ls)\b"), "container"),
    (re.compile(r"\bdocker\b.*\bimages?\b"), "image"),
    (re.compile(r"\bps\s+-?\w*[aef]|\bpgrep\b"), "pid"),
)
_SAME = {
    "po": "pod", "pods": "pod", "deploy": "deployment", "deployments": "deployment", "svc": "service", "services": "service",
    "no": "node", "nodes": "node", "ns": "namespace", "namespaces": "namespace", "jobs": "job", "sts": "statefulset",
}  # fmt: skip
_COLUMNS = {"pod": ("NAME",), "container": ("NAMES", "NAME", "CONTAINER ID"), "image": ("IMAGE ID",), "pid": ("PID",)}


def names_in(name: str, kind: str, command: str, output: str) -> tuple[str, ...]:
    """Give what an output lists that an input of this name may mean: the pods of `kubectl get pods`, a column called as it is.

    >>> names_in("pod_name", "object", "kubectl get pods", "NAME   READY\\nweb-1  1/1\\nweb-2  0/1\\n")
    ('web-1', 'web-2')
    """
    lines = [line for line in output.splitlines() if line.strip()]
    if len(lines) < 2:
        return ()
    thing = name.removesuffix("_name").removesuffix("_id").rsplit("_", 1)[-1]
    for pattern, fixed in _LISTING:
        match = pattern.search(command)
        listed = match and (fixed or _SAME.get(match[1], match[1]))
        if listed and (listed == thing or (listed == "pod" and thing == "pod")):
            return _column(lines, _COLUMNS.get(listed, ("NAME",)))
    return _column(lines, (name, name.replace("_", " "))) if kind in ("number", "id", "user", "object") else ()


def _column(lines: list[str], titles: Iterable[str]) -> tuple[str, ...]:
    """Give the entries of the first column with one of these titles, by `|` where there is one, else by two spaces or by one."""
    ways = (r"\s*\|\s*",) if "|" in lines[0] else (r"\s{2,}|\t", r"\s+")
    for way in ways:
        header = [cell.casefold() for cell in re.split(way, lines[0].strip())]
        place = next((header.index(title.casefold()) for title in titles if title.casefold() in header), None)
        if place is not None:
            rows = [
                re.split(way, line.strip()) for line in lines[1:] if not re.fullmatch(r"[-+|\s]+|\(\d+ rows?\)", line.strip())
            ]
            found = (row[place].strip() for row in rows if len(row) > place)
            return tuple(dict.fromkeys(each for each in found if each and not each.startswith("-")))
    return ()

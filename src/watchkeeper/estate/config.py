"""Reads watchkeeper.toml into an Estate. Whatever is wrong comes out as one ConfigError with file:line and a hint.

Nothing is contacted and no command runs here; plug-in classes are loaded only to know which options they take.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from watchkeeper.base.errors import ConfigError
from watchkeeper.base.secrets import Secret
from watchkeeper.estate import plugins
from watchkeeper.estate.access import check_people, read_access, read_person
from watchkeeper.estate.affected import read_affected
from watchkeeper.estate.alerting import check_routes, read_alerting
from watchkeeper.estate.chat import read_chat
from watchkeeper.estate.declared import read_inputs
from watchkeeper.estate.hours import USUAL, Hours, Office, parse_hours
from watchkeeper.estate.lines import key_lines
from watchkeeper.estate.model import (
    ChangeSource,
    Estate,
    LadderRule,
    Mode,
    Permission,
    Policy,
    PolicyRule,
    ReleaseFeed,
    SignalConfig,
    TargetConfig,
)
from watchkeeper.estate.public import read_statuspage
from watchkeeper.estate.rota_tables import check_rotas, read_holidays, read_rotas
from watchkeeper.estate.table import Table, did_you_mean
from watchkeeper.estate.tracker import read_tracker
from watchkeeper.estate.variables import Variables, must_be_secret, names_used

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_BRANCH = re.compile(r"[A-Za-z0-9][\w./@-]{0,199}")
_PERMISSIONS = ("run", "ask", "never")
PLATFORMS = ("docker", "kubernetes", "systemd")
_RISKS = ("read", "change", "destroy", "unknown")
#: options of signals that never stand in the file as plain text, whatever the kind
_SECRETS = frozenset({"api_key", "app_key", "secret_key", "session_token", "token", "password"})


def load_estate(path: Path, environment: Mapping[str, str] | None = None) -> Estate:
    """Read and check the file; variables of the environment come from `environment` (default: the process's own)."""
    path = path.absolute()
    root = _read_file(path)
    variables = Variables(root.table("variables"), os.environ if environment is None else environment, lambda n: _users(root, n))
    known = variables.read_all()
    service = root.table("service")
    name, runbook = service.text("name"), service.text("runbook")
    mode = cast(Mode, service.choice("mode", ("observe", "ask", "act"), "ask"))
    platform = service.choice("platform", PLATFORMS) if "platform" in service.values else None
    office = _read_office(service)
    service.finish()
    estate = Estate(
        path=path,
        service=name,
        office=office,
        runbook=(path.parent / runbook).resolve(),
        variables=known,
        targets={key: _read_target(_named(key, table), key, variables) for key, table in root.named_tables("targets")},
        signals={key: _read_signal(_named(key, table), key, variables) for key, table in root.named_tables("signals")},
        people={key: read_person(_named(key, table), key, variables) for key, table in root.named_tables("people")},
        rotas=read_rotas(root),
        platform=platform,
        inputs=read_inputs(root.table("inputs")),
        policy=_read_policy(root.table("policy"), mode),
        access=read_access(root.table("access"), variables),
        alerting=read_alerting(root, variables),
        ladder=_read_ladder(root.table("escalation")),
        chats={key: read_chat(_named(key, table), key, variables) for key, table in root.named_tables("chat")},
        affected={key: read_affected(_named(key, table), key) for key, table in root.named_tables("affected")},
        trackers={key: read_tracker(_named(key, table), key, variables) for key, table in root.named_tables("tracker")},
        changes={key: _read_changes(_named(key, table), key) for key, table in root.named_tables("changes")},
        statuspage=read_statuspage(root, variables, name),
    )
    root.finish()
    check_rotas(estate.rotas.values(), estate.people, root)
    check_routes(estate, root)
    check_people(estate.people.values(), estate.access, name, root.table("people"))
    return estate


def _read_ladder(table: Table) -> LadderRule:
    """Read how often the ladder is climbed again; what is not said is left to the book."""
    repeat = int(table.number("repeat", 0, 0, 100)) if table.take("repeat") is not None else None
    wait_s = table.duration("wait", 0.0, 1.0) if table.take("wait") is not None else None
    table.finish()
    return LadderRule(repeat, wait_s)


def _read_changes(table: Table, name: str) -> ChangeSource | ReleaseFeed:
    """Read a repository whose commits are changes of the service, or a feed of releases."""
    if "feed" in table.values:
        return _read_feed(table, name)
    branch = table.text("branch", "HEAD")
    if not _BRANCH.fullmatch(branch):
        raise table.error("branch", f"{branch!r} is no branch.", 'Write it as "main" or "origin/main".')
    component = table.text("component", "") or None
    source = ChangeSource(name, table.line, (table.file.parent / table.text("repository")).resolve(), branch, component)
    table.finish()
    return source


def _read_feed(table: Table, name: str) -> ReleaseFeed:
    """Read where releases are listed, and where in a list of JSON each has what."""
    usual = ReleaseFeed(name, table.line, table.text("feed"), table.text("component", "") or None)
    pointers = {key: table.text(key, getattr(usual, key)) for key in ("items", "version", "at", "link")}
    items, version, at, link = pointers.values()
    every_s = table.duration("every", usual.every_s, 60.0)
    table.finish()
    if not usual.url.startswith(("https://", "http://")):
        raise table.error("feed", f"{usual.url!r} is no address.", "Begin it with https://.")
    for key, pointer in pointers.items():
        if pointer and not pointer.startswith("/"):
            raise table.error(key, f"{pointer!r} is no JSON pointer.", 'Begin it with a slash: "/results/0/version".')
    return replace(usual, items=items, version=version, at=at, link=link, every_s=every_s)


def _read_office(service: Table) -> Office:
    """Read when the people of the service are at work."""
    said = service.text("hours", "") if "hours" in service.values else ""
    hours = parse_hours(said) if said else None
    if said and hours is None:
        raise service.error("hours", f"{said!r} are no hours.", 'Write them as "Mon-Fri 09:00-17:00 Europe/Berlin".')
    holidays, yearly = read_holidays(service)
    return Office(hours or USUAL.hours, holidays, yearly, stated=hours is not None)


def options_of(signal: SignalConfig, estate: Estate) -> Table:
    """Give a signal's own options as a table that knows their lines."""
    path = ("signals", signal.name)
    lines = {(*path, *key): line for key, line in signal.lines.items()} | {path: signal.line}
    return Table(signal.options, estate.path, lines, path)


def target_options(target: TargetConfig, estate: Estate) -> Table:
    """Give a target's own options as a table that knows its line."""
    path = ("targets", target.name)
    return Table(target.options, estate.path, {path: target.line}, path)


def check_readings(signal: SignalConfig, estate: Estate, readings: list[str]) -> None:
    """Raise ConfigError where a metric names a reading that the signal will not have."""
    for metric, reading in signal.metrics.items():
        if reading not in readings:
            table = options_of(signal, estate)
            raise ConfigError(
                f"{table.name('metrics', metric)} is the reading {reading!r}, which a {signal.kind} signal does not have.",
                hint=f"Its readings: {', '.join(readings)}.{did_you_mean(reading, readings)}",
                code="WK132",
                where=table.where("metrics", metric),
            )


def _read_file(path: Path) -> Table:
    try:
        text = path.read_bytes().decode()
        values = tomllib.loads(text)
    except OSError as problem:
        raise ConfigError(
            f"{path} cannot be read: {problem.strerror}.",
            hint="`watchkeeper init RUNBOOK` writes one beside the runbook.",
            code="WK130",
        ) from None
    except UnicodeDecodeError:
        raise ConfigError("The file is not UTF-8 text.", hint="Save it as UTF-8.", code="WK130", where=f"{path}:1") from None
    except tomllib.TOMLDecodeError as problem:
        found = re.search(r"\s*\(at (?:line (\d+), column \d+|end of document)\)", str(problem))
        line = int(found[1]) if found and found[1] else text.count("\n") + 1
        said = str(problem)[: found.start()] if found else str(problem)
        twice = re.fullmatch(r"Cannot declare \((.+?),?\) twice", said)
        if twice:
            name = ".".join(re.findall(r"'([^']*)'", twice[1]))
            raise ConfigError(
                f"[{name}] stands in the file twice.",
                hint="Give one of the two another name.",
                code="WK130",
                where=f"{path}:{line}",
            ) from None
        raise ConfigError(
            f"This is not TOML: {said}.",
            hint='Texts stand in quotes, tables in [brackets]: name = "shop".',
            code="WK130",
            where=f"{path}:{line}",
        ) from None
    return Table(values, path, key_lines(text))


def _users(root: Table, name: str) -> list[str]:
    """Find the keys that use a variable, as dotted names with their lines."""
    found = []
    for section in ("signals", "targets", "people", "access", "hooks"):
        for entry, values in dict(root.values.get(section, {})).items():
            for key, value in values.items() if isinstance(values, Mapping) else ():
                if name in names_used(value):
                    found.append(f"{section}.{entry}.{key}, line {root.line_of(section, entry, key)}")
    return found


def _named(name: str, table: Table) -> Table:
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"{name!r} cannot be the name of one of [{table.path[0]}].",
            hint="Use up to 100 letters, digits, - _ and . in it.",
            code="WK132",
            where=table.where(),
        )
    return table


def _plugin(group: str, table: Table) -> type:
    kind = table.text("kind")
    try:
        return plugins.load(group, kind)
    except ConfigError as problem:
        raise ConfigError(problem.message, hint=problem.hint, code=problem.code, where=table.where("kind")) from problem


def _options(table: Table, plugin: type, common: tuple[str, ...], variables: Variables) -> tuple[dict[str, Any], dict[str, Any]]:
    """Give a plug-in's options with variables filled in, and as written."""
    known = getattr(plugin, "options", {})
    as_written = getattr(plugin, "as_written", ())
    table.finish((*common, *known))
    shown = {key: value for key, value in table.values.items() if key not in common}
    filled = {key: value if key in as_written else variables.fill(value, table, key) for key, value in shown.items()}
    return filled, shown


def _read_target(table: Table, name: str, variables: Variables) -> TargetConfig:
    plugin = _plugin(plugins.TARGETS, table)
    common = ("kind", "directory", "path", "timeout", "for", "words")
    options, _ = _options(table, plugin, common, variables)
    words = table.table("words")
    config = TargetConfig(
        name=name,
        kind=table.text("kind"),
        line=table.line,
        directory=Path(_plain(variables.fill(table.text("directory", "."), table, "directory"))),
        path=tuple(Path(_plain(variables.fill(item, table, "path"))) for item in table.texts("path")),
        timeout_s=table.duration("timeout", 300.0, 0.1),
        options=options,
        stands_for=table.texts("for"),
        words={word: words.text(word) for word in words.values},
    )
    # what is elsewhere has folders of its own, about which nothing is known here
    return config if getattr(plugin, "elsewhere", False) else _here(config, table.file.parent)


def _here(config: TargetConfig, folder: Path) -> TargetConfig:
    """Take a target's folders against that of watchkeeper.toml."""
    directory = folder / config.directory
    return replace(config, directory=directory.resolve(), path=tuple((directory / each).resolve() for each in config.path))


def _plain(value: str | Secret) -> str:
    return value.reveal() if isinstance(value, Secret) else value


def _read_signal(table: Table, name: str, variables: Variables) -> SignalConfig:
    plugin = _plugin(plugins.SIGNALS, table)
    common = ("kind", "component", "every", "timeout", "metrics", "hysteresis", "confirm", "needed_by")
    options, shown = _options(table, plugin, common, variables)
    for key in shown:
        if key in _SECRETS or getattr(plugin, "needs", {}).get(key) == "$":
            must_be_secret(options[key], table, key)
    metrics = table.table("metrics")
    signal = SignalConfig(
        name=name,
        kind=table.text("kind"),
        line=table.line,
        component=table.maybe_text("component"),
        every_s=table.duration("every", 15.0, 0.1),
        timeout_s=table.duration("timeout", 10.0, 0.1),
        metrics={metric: metrics.text(metric) for metric in metrics.values},
        readings=frozenset(getattr(plugin, "readings", {})) - {"*"},
        known=getattr(plugin, "metrics", {}),
        general=getattr(plugin, "general", False),
        speaks=getattr(plugin, "speaks", None),
        states=getattr(plugin, "states", {}),
        margin=table.share("hysteresis"),
        needed_by=table.texts("needed_by"),
        confirm=int(table.number("confirm", 6, 0, 60)),
        options=options,
        shown=shown,
        lines={path[2:]: line for path, line in table.lines.items() if path[:2] == table.path and len(path) > 2},
    )
    if signal.needed_by and signal.component is None:
        said = f"{table.name()} says who needs it, but not which component it is."
        raise table.error("needed_by", said, 'Add component = "Payments".')
    readings: Mapping[str, str] = getattr(plugin, "readings", {"*": ""})
    if "*" not in readings:
        check_readings(signal, Estate(table.file, "", table.file), list(readings))
    return signal


def _read_policy(table: Table, mode: Mode) -> Policy:
    change = table.table("change")
    allowed = change.texts("allow")
    change.finish()
    policy = Policy(
        mode=mode,
        change_allowed=allowed,
        rules=tuple(_read_rule(rule) for rule in table.tables("rule")),
        two_people=_read_two_people(table),
        hold_s=table.duration("hold", 60.0),
        approval_s=table.duration("approval", 900.0, 1.0),
    )
    for risk in ("destroy", "unknown"):
        if risk in table.values:
            raise table.error(
                risk,
                f"policy.{risk} cannot be allowed in general.",
                "Name the one act in a [[policy.rule]] with its procedure and exact command.",
                code="WK131",
            )
    table.finish()
    return policy


def _read_two_people(table: Table) -> frozenset[str]:
    risks = table.texts("two_people")
    for risk in risks:
        if risk not in _RISKS[1:]:
            raise table.error("two_people", f"policy.two_people names {risk!r}.", f"Use some of: {', '.join(_RISKS[1:])}.")
    return frozenset(risks)


def _read_hours(table: Table) -> Hours | None:
    text = table.maybe_text("hours")
    if text is None:
        return None
    hours = parse_hours(text)
    if hours is None:
        hint = 'Write them so: "Mon-Fri 09:00-17:00 Europe/Berlin"; days and zone may be left out.'
        raise table.error("hours", f"{text!r} are no hours.", hint)
    return hours


def _read_rule(table: Table) -> PolicyRule:
    rule = PolicyRule(
        line=table.line,
        procedure=table.maybe_text("procedure"),
        command=table.maybe_text("command"),
        risk=table.choice("risk", _RISKS) if "risk" in table.values else None,
        severity=table.maybe_text("severity"),
        component=table.maybe_text("component"),
        person=table.maybe_text("person"),
        hours=_read_hours(table),
        allow=cast(Permission, table.choice("allow", _PERMISSIONS)),
    )
    table.finish()
    if rule.allow == "run" and not (rule.procedure and rule.command) and rule.risk in ("destroy", "unknown"):
        raise table.error("allow", "This rule would let every such act run.", "Name its procedure and its exact command.")
    return rule

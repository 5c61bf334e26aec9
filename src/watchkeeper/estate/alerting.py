"""Reads who may send alerts ([hooks]), who is told of which first ([routes]) and what holds for all ([alerts])."""

from __future__ import annotations

import re

from watchkeeper.base.secrets import Secret
from watchkeeper.estate.model import Alerting, Estate, Hook, Route
from watchkeeper.estate.table import Table, did_you_mean
from watchkeeper.estate.variables import Variables, must_be_secret

#: the senders whose deliveries are understood; "mapping" is whoever sends JSON
KINDS = (
    "alertmanager",
    "grafana",
    "cloudwatch",
    "datadog",
    "sentry",
    "uptime-kuma",
    "healthchecks",
    "pagerduty",
    "mapping",
)
#: those that sign what they send
SIGNING = ("grafana", "sentry", "mapping")
#: a sender's token opens a door that is open to the network: it is long
SHORTEST_TOKEN = 16
COMPONENT_LABELS = ("component", "service", "app", "application", "deployment", "database", "job")
#: what a mapping may say; the name must be there
FIELDS = ("each", "name", "status", "severity", "component", "value", "sentence", "id", "at", "began", "labels", "group", "url")
_PATH = re.compile(r"(?:\$\.?)?[^\s.\[\]]*(?:\.[^\s.\[\]]+|\[\d{1,6}\])*")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def read_alerting(root: Table, variables: Variables) -> Alerting:
    """Read the three tables."""
    common = root.table("alerts")
    alerting = Alerting(
        hooks={name: _read_hook(table, name, variables) for name, table in root.named_tables("hooks")},
        routes=tuple(_read_route(table, name) for name, table in root.named_tables("routes")),
        repeat_s=common.duration("repeat", 0.0, 60.0) if "repeat" in common.values else None,
        storm=int(common.number("storm", 20, 2, 100_000)),
    )
    common.finish()
    return alerting


def check_routes(estate: Estate, root: Table) -> None:
    """Raise ConfigError where a route tells somebody whom [people] does not know, or names a sender that is not there."""
    known = {word.casefold() for person in estate.people.values() for word in (person.id, person.name, *person.roles)}
    known |= {word.casefold() for rota in estate.rotas.values() for word in (rota.name, *rota.roles)}
    for route in estate.alerting.routes:
        table = root.table("routes").table(route.name)
        for word in route.tell:
            if word.casefold() not in known:
                hint = f"Name one of [people] or a role of theirs; a channel is one of [people] too.{did_you_mean(word, known)}"
                raise table.error("tell", f"{table.name('tell')} names {word!r}, whom [people] does not know.", hint)
        if route.hook is not None and route.hook not in estate.alerting.hooks:
            hint = f"There are: {', '.join(estate.alerting.hooks) or 'none'}."
            raise table.error("hook", f"{table.name('hook')} is {route.hook!r}, which [hooks] does not know.", hint)


def _read_hook(table: Table, name: str, variables: Variables) -> Hook:
    if not _NAME.fullmatch(name):
        raise table.error("kind", f"{name!r} cannot be part of an address.", "Use up to 64 letters, digits, - _ and . in it.")
    kind = table.choice("kind", KINDS)
    alerts, fields = table.table("alerts"), table.table("fields")
    hook = Hook(
        name=name,
        kind=kind,
        line=table.line,
        token=_secret(table, "token", variables),
        secret=_secret(table, "secret", variables),
        component=table.maybe_text("component"),
        group_by=table.texts("group_by"),
        component_labels=table.texts("component_labels") or COMPONENT_LABELS,
        alerts={each: alerts.text(each) for each in alerts.values},
        stale_s=table.duration("stale", 24 * 3600.0, 1.0),
        rate=table.number("rate", 600_000.0, 1.0),
        topics=table.texts("topics"),
        fields={each: _path(fields, each) for each in FIELDS if each in fields.values},
        firing=table.texts("firing"),
        resolved=table.texts("resolved"),
    )
    table.finish()
    fields.finish(FIELDS)
    _check_hook(table, hook)
    return hook


def _check_hook(table: Table, hook: Hook) -> None:
    if hook.token is None and not (hook.secret is not None and hook.kind in SIGNING):
        hint = 'Add token = "$NAME" and [variables] NAME = { env = "NAME", secret = true }; make one: openssl rand -hex 24.'
        raise table.error("kind", f"Anybody could send alerts to {table.name()}.", hint, "WK162")
    if hook.secret is not None and hook.kind not in SIGNING:
        raise table.error("secret", f"A {hook.kind} sender signs nothing.", "Give it a token instead.")
    if hook.kind == "mapping" and "name" not in hook.fields:
        hint = '[hooks.NAME.fields] says where what stands: name = "check.name", status = "state".'
        raise table.error("kind", f"{table.name()} does not say where an alert's name stands.", hint)
    if hook.fields and hook.kind != "mapping":
        hint = 'Only kind = "mapping" takes fields.'
        raise table.error("fields", f"Where what stands in a body of {hook.kind} is known.", hint)


def _secret(table: Table, key: str, variables: Variables) -> Secret | None:
    if key not in table.values:
        return None
    value = must_be_secret(variables.fill(table.text(key), table, key), table, key)
    if len(value.reveal()) < SHORTEST_TOKEN:
        hint = "Make a longer one: openssl rand -hex 24."
        raise table.error(key, f"{table.name(key)} has fewer than {SHORTEST_TOKEN} characters.", hint)
    return value


def _path(table: Table, key: str) -> str:
    path = table.text(key)
    if not _PATH.fullmatch(path):
        raise table.error(key, f"{path!r} is no path.", 'Write it as "alert.labels.name" or "items[0].name".')
    return path


def _read_route(table: Table, name: str) -> Route:
    labels = table.table("labels")
    route = Route(
        name=name,
        line=table.line,
        tell=table.texts("tell"),
        labels={label: labels.text(label) for label in labels.values},
        component=table.maybe_text("component"),
        severity=table.maybe_text("severity"),
        subject=table.maybe_text("subject"),
        hook=table.maybe_text("hook"),
        repeat_s=table.duration("repeat", 0.0, 60.0) if "repeat" in table.values else None,
    )
    table.finish()
    if not route.tell and route.repeat_s is None:
        raise table.error("tell", f"{table.name()} tells nobody.", 'Add tell = ["anna"]: people or roles of [people].')
    if len(name) > 100:
        raise table.error("tell", "The name of a route has at most 100 characters.", "Shorten it.")
    return route

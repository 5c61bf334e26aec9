"""Four Grafana dashboards from a book (main, infrastructure, application, database), with its thresholds drawn in. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal, TypeAlias

from watchkeeper.book.model import Book
from watchkeeper.estate.model import Bindings, Bound, Estate
from watchkeeper.people.gravity import gravity
from watchkeeper.plugins.prometheus import own

Area: TypeAlias = Literal["infrastructure", "application", "database"]

#: the schema of Grafana 11; an older one reads it, a newer one brings it up by itself
SCHEMA = 39
#: most curves of one panel, and panels of one dashboard
MOST_SERIES, MOST_PANELS = 20, 60
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_UNITS = {
    "percent": "percent", "ratio": "percentunit", "seconds": "s", "milliseconds": "ms", "bytes": "bytes", "days": "d",
    "per_second": "reqps", "per_minute": "reqpm", "per_hour": "short", "count": "short",
}  # fmt: skip
_DATABASES = ("postgres", "mysql", "mariadb", "redis", "elasticsearch", "mongo", "database", "sql", "cassandra", "memcached")
_HOSTS = (
    "host",
    "systemd",
    "supervisor",
    "docker",
    "compose",
    "kubernetes",
    "icmp",
    "disk",
    "haproxy",
    "nginx",
    "server",
    "node",
)
_HOST_METRICS = frozenset({"cpu_usage", "memory_usage", "disk_usage", "restarts"})
_DATABASE_METRICS = frozenset({"database_connections", "connection_errors", "replication_lag", "cache_hit_rate"})
#: a firing state is red, a blind one purple: nobody takes it for well
_COLOURS = {"ok": "green", "pending": "yellow", "firing": "red", "blind": "purple"}


@dataclass(frozen=True, slots=True)
class Curve:
    """One reading of one signal, with the thresholds that it decides."""

    signal: str
    kind: str
    component: str
    reading: str
    bounds: tuple[Bound, ...]

    @property
    def area(self) -> Area:
        """Say whose dashboard it belongs to."""
        metrics = {bound.threshold.metric for bound in self.bounds}
        named = f"{self.kind} {self.component} {self.signal}".casefold()
        if self.kind in _DATABASES or metrics & _DATABASE_METRICS or any(word in named for word in _DATABASES):
            return "database"
        if self.kind in _HOSTS or metrics & _HOST_METRICS:
            return "infrastructure"
        return "application"


def dashboards(book: Book, bindings: Bindings, estate: Estate) -> dict[str, dict[str, Any]]:
    """Give the four dashboards by their names."""
    curves = curves_of(bindings, estate)
    made = {"main": _dashboard(estate.service, "main", _main_panels(book, bindings, estate.service))}
    areas: tuple[Area, ...] = ("infrastructure", "application", "database")
    for area in areas:
        mine = [curve for curve in curves if curve.area == area]
        made[area] = _dashboard(estate.service, area, _reading_panels(book, estate.service, mine))
    return made


def dump(dashboard: dict[str, Any]) -> str:
    """Give a dashboard as the text of its file."""
    return json.dumps(dashboard, indent=2, ensure_ascii=False) + "\n"


def expressions_of(dashboard: dict[str, Any]) -> list[str]:
    """Give every PromQL expression of a dashboard."""
    return [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]


def curves_of(bindings: Bindings, estate: Estate) -> list[Curve]:
    """Give the readings worth a curve: those that decide something, and those to which the owner gave a name."""
    found: dict[tuple[str, str], list[Bound]] = {}
    for name, signal in sorted(estate.signals.items()):
        for reading in dict.fromkeys(signal.metrics.values()):
            found[name, reading] = []
    for charted in bindings.charted:
        found.setdefault((charted.signal, charted.reading), [])
    for bound in (*bindings.bound, *bindings.objectives):
        mine = found.setdefault((bound.signal, bound.reading), [])
        if bound.budget is None:
            mine.append(bound)
    made = []
    for (name, reading), bounds in found.items():
        config = estate.signals.get(name)
        component = (config.component if config else None) or ""
        made.append(Curve(name, config.kind if config else "", component, reading, tuple(bounds)))
    return sorted(made, key=lambda curve: (curve.component, curve.signal, curve.reading))


def _main_panels(book: Book, bindings: Bindings, service: str) -> list[dict[str, Any]]:
    mine = {"service": service}
    states = own.series(own.STATE, mine)
    panels = [
        _stat("Broken thresholds", f"sum({own.series(own.STATE, {**mine, 'state': 'firing'})}) or vector(0)", "red"),
        _stat("Blind thresholds", f"sum({own.series(own.STATE, {**mine, 'state': 'blind'})}) or vector(0)", "purple"),
        _stat("Open incidents", f"sum({own.series(own.INCIDENTS, mine)}) or vector(0)", "red"),
        _stat("Runs that wait for a person", f"sum({own.series(own.RUNS, {**mine, 'state': 'asking'})}) or vector(0)", "orange"),
        _stat("Watchkeeper is seen", f"count({own.series(own.BUILD, mine)}) or vector(0)", "green", bad_is_low=True),
    ]
    ranked = {"ok": 0, "pending": 1, "blind": 2, "firing": 3}
    number = " + ".join(f'{rank} * max by (threshold) ({own.series(own.STATE, {**mine, "state": state})})'
                        for state, rank in ranked.items() if rank)  # fmt: skip
    timeline = _panel("Thresholds of the runbook", "state-timeline", [_target(number, "{{threshold}}")], width=24, height=12)
    timeline["fieldConfig"]["defaults"]["mappings"] = [
        {"type": "value", "options": {str(rank): {"text": state, "color": _COLOURS[state]} for state, rank in ranked.items()}}
    ]
    panels.append(timeline)
    for severity in dict.fromkeys(item.threshold.severity for item in _gravest_first(book, bindings.bound)):
        those = [item for item in bindings.bound if item.threshold.severity == severity]
        lines = "\n".join(f"- line {item.threshold.line}: {item.threshold.text or item.threshold.subject}" for item in those)
        panels.append(_text(severity or "Without a severity", lines))
    panels.append(
        _panel(
            "Incidents by severity",
            "timeseries",
            [_target(f"sum by (severity) ({own.series(own.INCIDENTS, mine)})", "{{severity}}")],
        )
    )
    panels.append(_panel("State changes", "timeseries", [_target(f"sum by (state) ({states})", "{{state}}")]))
    return panels


def _gravest_first(book: Book, bounds: Sequence[Bound]) -> list[Bound]:
    return sorted(bounds, key=lambda item: (gravity(book, item.threshold.severity), item.threshold.line))


def _reading_panels(book: Book, service: str, curves: Sequence[Curve]) -> list[dict[str, Any]]:
    """Draw each curve with the limits of the book; thresholds of another unit or statistic get a panel of their own."""
    panels: list[dict[str, Any]] = []
    for curve in curves[:MOST_PANELS]:
        kinds: dict[str, list[Bound]] = {}
        for bound in curve.bounds:
            kinds.setdefault(own.value_of(service, bound), []).append(bound)
        plain = own.series(own.VALUE, {"service": service, "signal": curve.signal, "reading": curve.reading})
        for expression, bounds in (kinds or {plain: []}).items():
            panels.append(_curve_panel(book, curve, expression, bounds))
    if not panels:
        panels.append(_text("Nothing here yet", "No signal of watchkeeper.toml belongs to this dashboard."))
    return panels


def _curve_panel(book: Book, curve: Curve, expression: str, bounds: Sequence[Bound]) -> dict[str, Any]:
    subjects = list(dict.fromkeys(bound.threshold.subject for bound in bounds)) or [curve.reading]
    title = " / ".join(subjects) + (f" ({curve.component})" if curve.component else "")
    panel = _panel(title, "timeseries", [_target(expression, f"{curve.signal} {curve.reading}")])
    said = [f"line {bound.threshold.line}: {bound.threshold.text or bound.threshold.subject}" for bound in bounds]
    panel["description"] = "\n".join(said) or f"{curve.reading} of the signal {curve.signal}; no threshold speaks of it."
    defaults = panel["fieldConfig"]["defaults"]
    unit = next((bound.threshold.unit for bound in bounds if bound.threshold.unit), None)
    defaults["unit"] = _UNITS.get(unit or "", "short")
    defaults["thresholds"] = {"mode": "absolute", "steps": list(_steps(book, bounds))}
    style = "line" if len(defaults["thresholds"]["steps"]) > 1 else "off"
    defaults["custom"]["thresholdsStyle"] = {"mode": style}
    return panel


def _steps(book: Book, bounds: Sequence[Bound]) -> Iterator[dict[str, Any]]:
    """Give the steps of a panel's colour: from the least value up, each the limit of a threshold."""
    numbers = [bound for bound in bounds if bound.threshold.value is not None and bound.threshold.op in (">", ">=", "<", "<=")]
    low = sorted((b for b in numbers if b.threshold.op[0] == "<"), key=lambda b: b.threshold.value or 0.0)
    high = sorted((b for b in numbers if b.threshold.op[0] == ">"), key=lambda b: b.threshold.value or 0.0)
    yield {"value": None, "color": _colour(book, low[0]) if low else "green"}
    for place, bound in enumerate(low):
        yield {"value": bound.threshold.value, "color": _colour(book, low[place + 1]) if place + 1 < len(low) else "green"}
    last = low[-1].threshold.value if low else None
    for bound in high:
        if last is None or (bound.threshold.value or 0.0) > last:
            yield {"value": bound.threshold.value, "color": _colour(book, bound)}


def _colour(book: Book, bound: Bound) -> str:
    return ("red", "orange", "yellow")[min(2, gravity(book, bound.threshold.severity))]


def _target(expression: str, legend: str) -> dict[str, Any]:
    return {"refId": "A", "datasource": _SOURCE, "editorMode": "code", "expr": expression, "legendFormat": legend, "range": True}


def _panel(title: str, kind: str, targets: list[dict[str, Any]], width: int = 12, height: int = 8) -> dict[str, Any]:
    custom = {"drawStyle": "line", "lineWidth": 1, "fillOpacity": 10, "showPoints": "never"} if kind == "timeseries" else {}
    return {
        "type": kind,
        "title": title[:200],
        "datasource": _SOURCE,
        "gridPos": {"h": height, "w": width, "x": 0, "y": 0},
        "fieldConfig": {"defaults": {"custom": custom}, "overrides": []},
        "options": {},
        "targets": targets,
    }


def _stat(title: str, expression: str, colour: str, *, bad_is_low: bool = False) -> dict[str, Any]:
    panel = _panel(title, "stat", [_target(expression, title)], width=4, height=4)
    first, then = ("red", "green") if bad_is_low else ("green", colour)
    steps = [{"value": None, "color": first}, {"value": 1, "color": then}]
    panel["fieldConfig"]["defaults"]["thresholds"] = {"mode": "absolute", "steps": steps}
    panel["options"] = {"colorMode": "background", "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}}
    return panel


def _text(title: str, markdown: str) -> dict[str, Any]:
    panel = _panel(title, "text", [], width=12, height=6)
    panel["options"] = {"mode": "markdown", "content": markdown}
    del panel["targets"], panel["datasource"]
    return panel


def _dashboard(service: str, name: str, panels: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "uid": sha256(f"{service}\n{name}".encode(errors="replace")).hexdigest()[:24],
        "title": f"{service}: {name}",
        "description": "Written by `watchkeeper export grafana` from the runbook.",
        "tags": ["watchkeeper", service],
        "schemaVersion": SCHEMA,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "",
        "templating": {
            "list": [{"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Prometheus", "hide": 0}]
        },
        "annotations": {"list": []},
        "links": [
            {"type": "dashboards", "title": service, "tags": ["watchkeeper", service], "asDropdown": True, "includeVars": True}
        ],
        "panels": _laid_out(panels),
    }


def _laid_out(panels: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give each panel its id and its place: rows from left to right, 24 columns wide."""
    x = y = tallest = 0
    for number, panel in enumerate(panels, 1):
        place = panel["gridPos"]
        if x + place["w"] > 24:
            x, y, tallest = 0, y + tallest, 0
        place["x"], place["y"] = x, y
        x, tallest = x + place["w"], max(tallest, place["h"])
        panel["id"] = number
    return panels

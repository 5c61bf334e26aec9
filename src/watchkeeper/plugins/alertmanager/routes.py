"""An Alertmanager configuration from a book: a route a severity with the ladder's waits, inhibition by its diagram. Pure.

Alertmanager only passes on; who is told, by which ladder, stays with Watchkeeper, to which every receiver leads.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from watchkeeper.alert.graph import graph_of
from watchkeeper.base.yaml import comment, dump
from watchkeeper.book.model import Book
from watchkeeper.estate.model import Bindings
from watchkeeper.people.gravity import in_order
from watchkeeper.people.ladder import rungs
from watchkeeper.plugins.prometheus.own import seconds
from watchkeeper.plugins.prometheus.rule_files import label_text, severity_word

#: where the book has no ladder and promises no response, as Alertmanager does by itself
REPEAT_S = 4 * 3600.0
#: alerts in one message: a storm comes in several
MOST_ALERTS = 1000
#: alerts of one cause come together within this time
GROUP_WAIT_S = 1.0
#: news of a group are not told more often, nor later than this where the ladder is slow
LEAST_INTERVAL_S, MOST_INTERVAL_S = 10.0, 300.0


@dataclass(frozen=True, slots=True)
class Waits:
    """How long a severity's route waits, in seconds, and the sentence why."""

    interval_s: float
    repeat_s: float
    sentence: str


def routes(
    book: Book, bindings: Bindings, service: str, runbook: Path, webhook: str, token_file: str, group_wait_s: float = GROUP_WAIT_S
) -> str:
    """Write the configuration of an Alertmanager that leads everything of a service to Watchkeeper."""
    severities = severities_of(book, bindings)
    sentences: list[str] = []
    made = []
    for severity in severities:
        waits = waits_of(book, severity)
        sentences.append(f"{severity}: {waits.sentence}")
        made.append(
            {
                "receiver": _receiver(severity),
                "matchers": [_matcher("service", service), _matcher("severity", severity)],
                "group_wait": seconds(group_wait_s),
                "group_interval": seconds(waits.interval_s),
                "repeat_interval": seconds(waits.repeat_s),
            }
        )
    rest = waits_of(book, None)
    whole = {
        "route": {
            "receiver": _receiver(None),
            "group_by": ["service", "component"],
            "group_wait": seconds(group_wait_s),
            "group_interval": seconds(rest.interval_s),
            "repeat_interval": seconds(rest.repeat_s),
            "routes": made,
        },
        "inhibit_rules": [*_graver_first(severities, service), *_by_diagram(book, bindings, service)],
        "receivers": [_webhook(name, webhook, token_file) for name in (_receiver(None), *map(_receiver, severities))],
    }
    head = f"Routes of {runbook.name} ({service}), written by `watchkeeper export alertmanager`.\n"
    head += "The waits are those of the runbook's ladder:\n" + "\n".join(f"  {sentence}" for sentence in sentences)
    return comment(head) + dump(whole)


def severities_of(book: Book, bindings: Bindings) -> list[str]:
    """Give the severities of a book, gravest first, then the words of its thresholds that it does not define."""
    known = [severity.code for severity in in_order(book.severities)]
    thresholds = [*(item.threshold for item in bindings.bound), *(item.threshold for item in bindings.unbound)]
    spoken = [severity_word(book, threshold.severity) for threshold in thresholds]
    return list(dict.fromkeys([*known, *sorted({word for word in spoken if word} - set(known))]))


def waits_of(book: Book, severity: str | None) -> Waits:
    """Say how often a severity is told again: as soon as the ladder's next rung would be."""
    ladder = rungs(book, severity)
    times = sorted({rung.after_s for rung in ladder})
    gaps = [after - before for before, after in pairwise([0.0, *times]) if after > before]
    if gaps and ladder[0].line:
        lines = ", ".join(dict.fromkeys(str(rung.line) for rung in ladder))
        repeat_s, said = min(gaps), f"told again as the ladder (line {lines}) climbs"
    else:
        repeat_s, said = REPEAT_S, "no ladder with times, told again every 4 hours"
    interval_s = min(max(repeat_s / 3, LEAST_INTERVAL_S), MOST_INTERVAL_S)
    return Waits(round(interval_s), round(max(repeat_s, interval_s)), said)


def _graver_first(severities: list[str], service: str) -> Iterator[dict[str, Any]]:
    """Let the graver alert of a component speak for the lesser ones."""
    for place, severity in enumerate(severities[:-1]):
        lesser = severities[place + 1 :]
        yield {
            "source_matchers": [_matcher("service", service), _matcher("severity", severity), 'component!=""'],
            "target_matchers": [_matcher("service", service), f"severity=~{_quoted('|'.join(map(_escaped, lesser)))}"],
            "equal": ["service", "component"],
        }


def _by_diagram(book: Book, bindings: Bindings, service: str) -> Iterator[dict[str, Any]]:
    """Let a component that is needed speak for those that need it; a circle explains nothing."""
    graph = graph_of(book)
    components = sorted({item.component for item in bindings.bound if item.component})
    for needed in components:
        beneath_it = graph.beneath(graph.place(needed))
        for needing in components:
            mine, theirs = graph.place(needed), graph.place(needing)
            if mine != theirs and mine in graph.beneath(theirs) and theirs not in beneath_it:
                yield {
                    "source_matchers": [_matcher("service", service), _matcher("component", needed)],
                    "target_matchers": [_matcher("service", service), _matcher("component", needing)],
                    "equal": ["service"],
                }


def _webhook(name: str, webhook: str, token_file: str) -> dict[str, Any]:
    config: dict[str, Any] = {"url": webhook, "send_resolved": True, "max_alerts": MOST_ALERTS}
    if token_file:
        config["http_config"] = {"authorization": {"type": "Bearer", "credentials_file": token_file}}
    return {"name": name, "webhook_configs": [config]}


def _receiver(severity: str | None) -> str:
    return f"watchkeeper {severity}" if severity else "watchkeeper"


def _matcher(name: str, value: str) -> str:
    return f"{name}={_quoted(label_text(value))}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _escaped(text: str) -> str:
    """Give a text so that a regular expression of Go's means itself by it."""
    return "".join(f"\\{sign}" if sign in r"\.+*?()|[]{}^$" else sign for sign in label_text(text))

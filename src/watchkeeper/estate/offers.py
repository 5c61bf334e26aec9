"""What the kinds of signals could read of a book, by what each class says of itself: proposals, not bindings.

A threshold of the book with the component it is about, and the classes of the installed plug-ins enter; candidates leave, the
likeliest first. A class may say by `called` how runbooks call what it looks at ("PostgreSQL", "database"), by `examples` which
reading an owner may write for a canonical metric, where it has none that fits every case ("usage:reward": where the book also
says that word; ":hour": for what is no canonical metric), by `needs` what it cannot look without besides an address: option -> an
example in TOML, or "$" for a secret, and by `named` how a signal is called that is of no component of the book.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from watchkeeper.base.errors import ConfigError
from watchkeeper.base.words import words
from watchkeeper.book.model import Book, Component, Metric, Threshold
from watchkeeper.estate import plugins
from watchkeeper.estate.bind import known_reading, spoken
from watchkeeper.estate.model import SignalConfig
from watchkeeper.estate.objectives import as_alert
from watchkeeper.estate.states import speaks_of_absence
from watchkeeper.estate.units import factor, unit_of

#: the option without which a signal of most kinds cannot look, whichever of these comes first in the class
_ADDRESSES = ("url", "dsn", "address", "socket", "host", "hosts", "server", "domain", "bucket", "broker", "unit", "path", "file")
#: metrics that say too little by themselves: what they are of must be named
_VAGUE = frozenset({"usage", "score", "lateness"})
#: metrics that are a share of something unless the book says another unit
_SHARES = frozenset({"error_rate", "crash_rate", "cache_hit_rate"})
#: stands for a secret in `needs`
SECRET = "$"  # noqa: S105 - a sign, no password
#: every book is about a service
_EVERY = frozenset({"service"})


@dataclass(frozen=True, slots=True)
class Offer:
    """A kind of signal, by what its class says."""

    kind: str
    readings: frozenset[str]
    known: Mapping[str, tuple[str, ...]]
    general: bool
    speaks: str | None
    options: Mapping[str, str]
    #: words by which runbooks call what it looks at
    called: frozenset[str]
    #: canonical metric -> (the reading as an owner may write it, a further line of TOML that it needs or "")
    examples: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    #: option that it cannot look without -> an example of it in TOML, or SECRET
    needs: Mapping[str, str] = field(default_factory=dict)
    #: the name of its one signal, whatever components the book names; None: it is named after them
    named: str | None = None

    @property
    def address(self) -> str | None:
        """Name the option that says where to look; None where the kind needs none."""
        return next((option for option, what in self.options.items() if option in _ADDRESSES and "(default" not in what), None)

    def signal(self, component: str | None) -> SignalConfig:
        """Give a signal as it would be."""
        return SignalConfig(
            self.kind, self.kind, 0, component, readings=self.readings, known=self.known, general=self.general, speaks=self.speaks
        )


@dataclass(frozen=True, slots=True)
class Candidate:
    """A kind with the reading that would decide a threshold."""

    offer: Offer
    #: "" where the kind asks the book's own words as they stand
    reading: str
    #: a further line that the signal needs, or ""
    line: str
    #: True: the owner must check the names in it
    check: bool
    score: float


def offers() -> list[Offer]:
    """Give what the installed kinds offer; one whose own package is missing offers nothing."""
    found = []
    for kind in plugins.names(plugins.SIGNALS):
        try:
            found.append(offer_of(kind, plugins.load(plugins.SIGNALS, kind)))
        except ConfigError:
            continue
    return found


def offer_of(kind: str, plugin: Any) -> Offer:
    """Give what one class says of itself."""
    return Offer(
        kind=kind,
        readings=frozenset(getattr(plugin, "readings", {})) - {"*"},
        known=getattr(plugin, "metrics", {}),
        general=getattr(plugin, "general", False),
        speaks=getattr(plugin, "speaks", None),
        options=getattr(plugin, "options", {}),
        called=words(kind.replace("_", " ")).union(*(words(each) for each in getattr(plugin, "called", ()))),
        examples=getattr(plugin, "examples", {}),
        needs=getattr(plugin, "needs", {}),
        named=getattr(plugin, "named", None),
    )


def evidence(book: Book) -> frozenset[str]:
    """Give the words by which a book shows what it is made of: components, links, and the tools of its commands."""
    found = set(_EVERY)
    for component in book.components:
        found |= words(f"{component.name} {component.technology or ''}")
    for link in book.links:
        found |= words(link.name)
    for procedure in book.procedures:
        for step in procedure.steps:
            for command in step.commands:
                found.update(*(words(tool) for tool in command.tools))
    return frozenset(found)


def candidates(
    wanted: Threshold | Metric, component: Component | None, given: Iterable[Offer], shown: frozenset[str]
) -> list[Candidate]:
    """Give the kinds that could read a threshold or a metric, the likeliest first."""
    any_unit = isinstance(wanted, Metric)
    threshold = spoken(wanted) if isinstance(wanted, Metric) else as_alert(wanted) if wanted.role == "objective" else wanted
    about = words(threshold.subject) | (words(f"{component.name} {component.technology or ''}") if component else frozenset())
    name = component.name if component else None
    given = tuple(given)
    found = [
        each
        for offer in given
        if not _is_another(offer, given, about, shown)
        for each in _of(offer, threshold, name, about, shown, any_unit)
    ]
    # of equals the one that goes by more names: a database of which nothing is known is offered PostgreSQL first
    return sorted(found, key=lambda each: (-each.score, -len(each.offer.called), each.offer.kind))


def _is_another(offer: Offer, given: Iterable[Offer], about: frozenset[str], shown: frozenset[str]) -> bool:
    """Say whether the book is made of a rival of a kind: where it shows PostgreSQL and no MySQL, its "database" is no MySQL."""
    rivals = [each for each in given if each is not offer and each.called & offer.called]
    own = offer.called - frozenset[str]().union(*(each.called for each in rivals))
    if offer.general or own & (about | shown):
        return False
    return any((each.called - offer.called) & (about | shown) for each in rivals if each.called & offer.called & about)


def _of(
    offer: Offer, threshold: Threshold, component: str | None, about: frozenset[str], shown: frozenset[str], any_unit: bool
) -> Iterator[Candidate]:
    if offer.speaks and offer.speaks == threshold.source:
        yield Candidate(offer, "", "", False, 5.0)
        return
    named, hints = bool(offer.called & about), len(offer.called & shown)
    score = 2.0 * named + 1.5 * offer.general + 0.1 * hints
    if threshold.op == "is":
        if named and "up" in offer.readings and speaks_of_absence(threshold.state or "down"):
            yield Candidate(offer, "up", "", False, score)
        return
    metric = threshold.metric or ""
    reading = known_reading(threshold, offer.signal(component), any_unit)
    if reading is not None and (named or metric not in _VAGUE):
        # without a word in the book that shows it, it is a guess behind all others
        likely = score > 0 and not (any_unit and metric in _SHARES and unit_of(reading) != "percent")
        yield Candidate(offer, reading, "", False, score + 0.05 if likely else 0.01)
    elif (key := _example_of(offer, metric, words(threshold.subject))) is not None:
        name = re.sub(r"\W+", "_", threshold.subject.casefold()).strip("_")[:40]
        reading, line = (text.replace("{name}", name) for text in offer.examples[key])
        if any_unit or factor(reading, threshold.unit) is not None:
            # what is named by the book's own words is likelier than what any such metric may be
            yield Candidate(offer, reading, line, True, score + (0.5 if metric and ":" in key else 0.02))


def _example_of(offer: Offer, metric: str, said: frozenset[str]) -> str | None:
    """Give the example of a kind that fits a metric: one for a word of the subject goes before the metric's own."""
    fitting = (key for key in offer.examples if key.partition(":")[0] == metric and words(key.partition(":")[2]) <= said)
    return next(iter(sorted(fitting, key=lambda key: (":" not in key, key))), None)

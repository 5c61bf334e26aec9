"""Which component needs which, as the book's own diagram says it, found again by normalised words.

The diagram's arrows enter; places (a component's spot in the diagram) and what lies beneath them leave. A component that the
diagram does not know is a place of its own with nothing beneath. Cycles are allowed. Nothing here raises.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

from watchkeeper.base.words import nearest, words
from watchkeeper.book.model import Book, Component, Dependency

Place = str


class Graph:
    """The dependency diagram of a book."""

    def __init__(self, dependencies: Iterable[Dependency], components: Iterable[Component] = ()) -> None:
        self._needs: dict[Place, list[Place]] = {}
        self._names: dict[Place, set[frozenset[str]]] = {}
        self._found: dict[str, Place] = {}
        self._written: dict[Place, str] = {}
        for arrow in dependencies:
            source, needs = self._add(arrow.source), self._add(arrow.needs)
            if source != needs and needs not in self._needs[source]:
                self._needs[source].append(needs)
        for component in components:
            # "Database: PostgreSQL 15" in the book's list of parts makes "postgresql" another name of "database"
            place = nearest(component.name, self._names)
            if place is not None and component.technology:
                self._names[place] |= {words(component.technology), words(f"{component.technology} {component.name}")}

    def place(self, component: str) -> Place:
        """Find a component's place in the diagram; its own words where the diagram does not show it."""
        if component not in self._found:
            self._found[component] = nearest(component, self._names) or _own(component)
        return self._found[component]

    def beneath(self, place: Place) -> Mapping[Place, int]:
        """Give all that a place needs, directly or not, with the number of arrows to it; itself only in a cycle."""
        return self._reach.get(place, {})

    def above(self, place: Place) -> list[str]:
        """Name all that needs a place, directly or not, as the diagram writes it, the nearest first."""
        found = [(reach[place], other) for other, reach in self._reach.items() if place in reach and other != place]
        return [self._written[other] for _, other in sorted(found)]

    @cached_property
    def _reach(self) -> dict[Place, dict[Place, int]]:
        return {place: self._walk(place) for place in self._needs}

    def _walk(self, start: Place) -> dict[Place, int]:
        seen: dict[Place, int] = {}
        edge, steps = self._needs[start], 1
        while edge:
            following: list[Place] = []
            for place in edge:
                if place not in seen:
                    seen[place] = steps
                    following += self._needs[place]
            edge, steps = following, steps + 1
        return seen

    def _add(self, name: str) -> Place:
        place = _own(name)
        self._needs.setdefault(place, [])
        self._names.setdefault(place, {words(name)})
        self._written.setdefault(place, name)
        return place


def graph_of(book: Book) -> Graph:
    """Make the graph of a book's dependency diagram."""
    return Graph(book.dependencies, book.components)


def _own(name: str) -> Place:
    return " ".join(sorted(words(name)))

"""Read components, what needs what, and named addresses: from lists, tables, arrows, drawn boxes and Mermaid."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from functools import lru_cache

from watchkeeper.book.model import Component, Dependency, Link
from watchkeeper.book.read.flowcharts import read_chart
from watchkeeper.book.read.ordering import in_order
from watchkeeper.book.read.passages import Passage, Passages, TableAt, clean
from watchkeeper.book.vocabulary import ROLE_WORDS, matcher
from watchkeeper.text.blocks import Block

_ABOUT = re.compile(
    r"archite[ck]t|component|infrastructure|stack|services?\b|topolog|depend|system overview|komponent|arquitect|"
    r"componente|usług|abhängig|dépendance|アーキテクチャ|構成|架构|组件|아키텍처|구성",
    re.IGNORECASE,
)
_NOT_ABOUT = re.compile(
    r"alert|metric|contact|procedure|restart|issue|recovery|external service|url|dashboard|check|failure", re.IGNORECASE
)
_FLOW = re.compile(r"incident|response|escalat|workflow|process\b|deploy|release|rollback", re.IGNORECASE)
_ARROW = re.compile(r"\s*(?:-{1,3}>|={1,3}>|→|⇒|─+[>▶►]|⟶)\s*")
_DOWN = re.compile(r"^(?=[\s│|]*[↓▼⇩v│|])[\s│|↓▼⇩v]*$")
_BOX_ROW = re.compile(r"[│|]\s*(?P<text>[^│|]+?)\s*[│|]")
_URL = re.compile(r"https?://[^\s)>\]`\"'|]+")
_NOT_CHAIN = re.compile(
    r"alert|severity|contact|navigat|menu|settings|dashboard|triage|communicat|promot|phase|step|branch|procedure|procédure|"
    r"status|state|before|after|migration|version|changelog|rename|result|fix|solution|troubleshoot",
    re.IGNORECASE,
)
_PATH = re.compile(
    r"\bflows?\b|\bpath\b|\brequests?\b|\btraffic\b|\bdata ?flow|\bpipeline\b|datenfluss|\bflux\b|"
    r"\bflujo\b",
    re.IGNORECASE,
)
_IDENTIFIER = re.compile(r"[a-z][a-z0-9]*(?:[-_.][a-z0-9]+)+|[a-z][a-z0-9]{2,}|[A-Z][\w.-]{2,}(?:\s[A-Z][\w.-]+)?")
_ACTING = re.compile(
    r"(?:if|yes|no|ok|then|else|restart|check|run|open|go|click|scale|rollback|escalate|page|notify|wait|call|create|delete|update|"
    r"add|remove|set|see|p\d|sev\W?\d|low|high|true|false)\b",
    re.IGNORECASE,
)
_ROLE = matcher(ROLE_WORDS)
_ADDRESS = re.compile(
    r"[\w.+-]+@[\w-]+\.\w|^\W*(?:e-?mail|phone|slack|t[ée]l[ée]?(?:phone|fono|fon)?|availability|disponibilit\w+|"
    r"hours)\b",
    re.IGNORECASE,
)
_EDGE = re.compile(r"[┌┐└┘├┤┬┴┼─═╔╗╚╝]")


def read_components(passages: Passages) -> tuple[Component, ...]:
    """Read the components a document lists with what they are made with."""
    found: list[Component] = []
    for passage in passages.all:
        if (
            passage.kind != "item"
            or passage.parent is not None
            or not passage.label
            or not passage.body
            or len(passage.body) > 140
        ):
            continue
        if (
            _lists_components(passage.under[-1] if passage.under else passage.section.title)
            and not _URL.match(passage.body)
            and not _ADDRESS.search(passage.text)
        ):
            found.append(Component(line=passage.line, name=passage.label, technology=passage.body or None))
    for table in passages.tables:
        found.extend(_component_rows(table))
    return tuple(sorted(found, key=lambda c: c.line))


@lru_cache(maxsize=1024)
def _lists_components(title: str) -> bool:
    return bool(_ABOUT.search(title)) and not _NOT_ABOUT.search(title)


def _component_rows(table: TableAt) -> Iterator[Component]:
    header = [clean(title).lower() for title in table.header]
    if not header or not re.search(
        r"^(?:service|component|system|komponente|composant|componente|コンポーネント|サービス|组件|服务)", header[0]
    ):
        return
    technology = next(
        (n for n, title in enumerate(header) if re.search(r"technolog|stack|engine|image|version|type", title)), None
    )
    if not any(re.search(r"port|technolog|depend|host|image|stack|provider|version", title) for title in header[1:]):
        return
    for row in table.rows:
        cells = [cell.text.strip() for cell in row.children]
        if cells and cells[0]:
            yield Component(
                line=row.line,
                name=clean(cells[0]),
                technology=cells[technology] or None if technology is not None and technology < len(cells) else None,
            )


def read_dependencies(passages: Passages) -> tuple[Dependency, ...]:
    """Read who needs whom; an arrow or the box above needs what it points to."""
    found: list[Dependency] = []
    for block, section, under in passages.fences:
        if block.info == "mermaid":
            if not _FLOW.search(" ".join((section.title, *under))):
                found.extend(_mermaid(block))
        elif block.info in ("", "text", "txt", "plain"):
            near = " ".join((section.title, *under, *section.path[-1:]))
            if _ABOUT.search(near) and "?" not in block.text and not _FLOW.search(near):
                found.extend(_boxes(block) if block.text.count("│") > 3 and "┌" in block.text else _arrows(block))
    for table in passages.tables:
        found.extend(_dependency_rows(table))
    for passage in passages.all:
        if passage.kind in ("item", "prose") and ("→" in passage.text or ">" in passage.text or "⇒" in passage.text):
            found.extend(_chained(passage))
    return in_order((d for d in found if d.source != d.needs), lambda d: (d.source.lower(), d.needs.lower()))


_NEEDS = re.compile(r"depend|requires|needs|abhängig|dépend|依存|依赖")


def _dependency_rows(table: TableAt) -> Iterator[Dependency]:
    header = [clean(title).lower() for title in table.header]
    column = next((n for n, title in enumerate(header) if _NEEDS.search(title)), None)
    if column is None or column == 0:
        return
    for row in table.rows:
        cells = [cell.text.strip() for cell in row.children]
        if column < len(cells) and not re.fullmatch(r"(?:none|-|–|n/a|keine|aucune)?", cells[column], re.IGNORECASE):
            for need in re.split(r",|;|\n|\band\b", cells[column]):
                if clean(need):
                    yield Dependency(line=row.line, source=clean(cells[0]), needs=clean(need))


def _chained(passage: Passage) -> Iterator[Dependency]:
    """Read "front → api → ledger-db" from a sentence or list item, where names of parts stand between the arrows."""
    near = " ".join((passage.label, passage.section.title, *passage.under, *passage.section.path[-1:]))
    if "?" in passage.text or _FLOW.search(near) or _NOT_CHAIN.search(near):
        return
    about = bool(_ABOUT.search(near) or _PATH.search(near))
    offset = 0
    for row in passage.text.split("\n"):
        parts = [part.strip(" .`*,;") for part in _ARROW.split(_lead(row))]
        names = [_part(part) for part in parts]
        if len(names) > 1 and all(names) and (about or _named_parts(names)):
            for left, right in itertools.pairwise(names):
                for source in _alternatives(left or ""):
                    for needs in _alternatives(right or ""):
                        yield Dependency(line=passage.line_at(offset), source=source, needs=needs)
        offset += len(row) + 1


def _named_parts(names: list[str | None]) -> bool:
    """Whether all are written as identifiers, and one surely is one ("auth-service")."""
    return all(name and _IDENTIFIER.fullmatch(name) for name in names) and any(re.search(r"[-_.]", name or "") for name in names)


def _lead(row: str) -> str:
    """Take the label off a line: "Request path: web → api"."""
    head, colon, rest = row.partition(": ")
    return rest if colon and not _ARROW.search(head) and _ARROW.search(rest) else row


def _part(text: str) -> str | None:
    """Give the name of a part: a short noun, not a sentence, a role or a state."""
    name = clean(re.sub(r"\s*\([^()]*\)", "", text.split(". ")[0]))
    if (
        not name
        or len(name) > 40
        or len(name.split()) > 4
        or _ROLE.search(name)
        or re.search(r"[<>=%?!]|\d\s?(?:min|h|s)\b", name)
    ):
        return None
    return None if _ACTING.match(name) else name


def _alternatives(name: str) -> list[str]:
    """Split "postgres, redis" and "postgres + redis"."""
    return [part for part in re.split(r"\s*(?:,|\+|&|\band\b|\bund\b|/(?=\s))\s*", name) if part]


_REMARK = re.compile(r"\s{2,}.*$")


def _name(text: str) -> str:
    return clean(_REMARK.sub("", _EDGE.sub(" ", text).strip(" \t│|↓▼^v")))


_ARROWS_DOWN = re.compile(r"[\s↓▼│|/\\v]+")


def _arrows(block: Block) -> Iterator[Dependency]:
    """Read "A → B → C" lines, and chains of lines joined by down arrows, by the column in which each arrow stands."""
    rows = block.text.split("\n")
    above: list[tuple[int, int, str]] = []
    pointing: list[int] = []
    for offset, row in enumerate(rows):
        if not row.strip():
            continue
        if _DOWN.match(row) or _ARROWS_DOWN.fullmatch(row):
            pointing = [match.start() for match in re.finditer(r"[↓▼v│|]", row)]
            continue
        parts = [(part.strip(), name) for part in _ARROW.split(row) if (name := _name(part))] if _ARROW.search(row) else []
        names = [((at := row.find(part)), at + len(part), name) for part, name in parts]
        if len(names) > 1:
            for left, right in itertools.pairwise(names):
                yield Dependency(line=block.line + offset, source=left[2], needs=right[2])
        else:
            names = [(m.start(), m.end(), name) for m in re.finditer(r"\S+(?:\s\S+)*", row) if (name := _name(m.group()))]
        if pointing and above:
            for begin, end, name in names:
                upper = _over(above, pointing, begin, end)
                if upper:
                    yield Dependency(line=block.line + offset, source=upper, needs=name)
            pointing = []
        above = names or above


def _over(above: list[tuple[int, int, str]], pointing: list[int], begin: int, end: int) -> str | None:
    middle = (begin + end) // 2
    arrow = min(pointing, key=lambda at: abs(at - middle))
    if len(above) > 1 and not begin - 12 <= arrow <= end + 12:
        return None
    return min(above, key=lambda name: 0 if name[0] <= arrow <= name[1] else min(abs(name[0] - arrow), abs(name[1] - arrow)))[2]


def _boxes(block: Block) -> Iterator[Dependency]:
    """Read boxes stacked on each other: each needs the one below; "- x" lines inside a box are its parts."""
    stacked: list[tuple[int, str]] = []
    opened = False
    for offset, row in enumerate(block.text.split("\n")):
        if "┌" in row or "╔" in row or ("─" in row and "▼" in row):
            opened = True
            continue
        if not opened:
            continue
        match = _BOX_ROW.search(row)
        text = _name(match["text"]) if match else ""
        if text and not (match and match["text"].lstrip().startswith(("-", "•"))):
            stacked.append((block.line + offset, text))
            opened = False
    for (_, upper), (line, lower) in itertools.pairwise(stacked):
        yield Dependency(line=line, source=upper, needs=lower)


def _mermaid(block: Block) -> Iterator[Dependency]:
    chart = read_chart(block.text, block.line)
    if chart is None or chart.asks:
        return
    for source, target, _, line in chart.arrows:
        yield Dependency(line=line, source=chart.nodes[source].name, needs=chart.nodes[target].name)


def read_links(passages: Passages) -> tuple[Link, ...]:
    """Read named addresses: Markdown links to other sites or files, and "Name: https://…"."""
    found: list[Link] = []
    for passage in passages.all:
        if passage.kind in ("fence", "comment"):
            continue
        named = False
        for span in passage.spans:
            if span.kind == "link" and span.href and not span.href.startswith(("#", "mailto:")):
                found.append(Link(line=span.line, name=clean(span.text) or span.href, url=span.href))
                named = True
        match = _URL.search(passage.body) if passage.label and not named else None
        if match:
            found.append(Link(line=passage.line, name=passage.label, url=match.group().rstrip(".,")))
    for table in passages.tables:
        for row in table.rows:
            cells = row.children
            for cell in cells:
                href = next(
                    (span.href for span in cell.spans if span.kind == "link" and span.href and not span.href.startswith("#")),
                    None,
                )
                match = _URL.search(cell.text)
                if href or match:
                    found.append(
                        Link(line=row.line, name=clean(cells[0].text) or cell.text, url=href or (match.group() if match else ""))
                    )
    return tuple(sorted(found, key=lambda link: link.line))

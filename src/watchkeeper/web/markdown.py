"""Markdown as a page: a runbook with what was understood of it beside its lines, a review without.

Text enters, safe markup leaves. Raw HTML of the source is shown as text, never passed on; links keep only harmless schemes (both
by markdown-it itself), and pictures become links, since nothing is loaded from elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup, escape
from mdit_py_plugins.front_matter import front_matter_plugin

from watchkeeper.actions.views.model import FactView

RISKS = frozenset({"read", "change", "destroy", "unknown"})
#: notes shown beside one block before the rest is folded away
SHOWN = 6
_NO_SLUG = re.compile(r"[^\w\- ]")
_ANCHORED = frozenset({"heading_open", "paragraph_open", "list_item_open", "tr_open", "blockquote_open", "fence", "code_block"})
_HOSTS = frozenset({"heading_open", "paragraph_open", "fence", "code_block", "table_open", "front_matter"})


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).use(front_matter_plugin)


def render(source: str, facts: Iterable[FactView] = ()) -> Markup:
    """Render Markdown, each line that starts something with the anchor L<line>, each fact beside the block it stands in."""
    parser = _parser()
    env: dict[str, object] = {}
    tokens = parser.parse(source, env)
    by_line: dict[int, list[FactView]] = {}
    for fact in facts:
        by_line.setdefault(fact.line, []).append(fact)
    anchors = _anchor(tokens)
    notes = _place(tokens, by_line)
    slugs: set[str] = set()
    for place, token in enumerate(tokens):
        for child in token.children or ():
            _tame(child)
        if token.type == "inline" and tokens[place - 1].type == "heading_open":
            slug = _slug(token.content)
            if slug not in slugs:
                slugs.add(slug)
                token.children = [Token("html_inline", "", 0, content=f'<a id="{slug}"></a>'), *(token.children or ())]
    made = [_code(token, by_line, anchors) for token in tokens]
    return Markup(parser.renderer.render(list(_with_notes(made, notes, anchors)), parser.options, env))  # noqa: S704 - every text in it is escaped


def _anchor(tokens: Sequence[Token]) -> set[int]:
    """Give the first block that starts on a line its anchor; returns the lines that have one."""
    anchors: set[int] = set()
    for token in tokens:
        if token.map and token.type in _ANCHORED and token.map[0] + 1 not in anchors and not token.hidden:
            anchors.add(token.map[0] + 1)
            token.attrSet("id", f"L{token.map[0] + 1}")
    return anchors


def _place(tokens: Sequence[Token], by_line: Mapping[int, list[FactView]]) -> dict[int, list[FactView]]:
    """Find the block beside which each fact stands: the smallest around its line, else the last one before it."""
    hosts = [(token.map[0] + 1, token.map[1], place) for place, token in enumerate(tokens) if token.map and token.type in _HOSTS]
    placed: dict[int, list[FactView]] = {}
    for line in sorted(by_line):
        around = [host for host in hosts if host[0] <= line <= host[1]]
        if around:
            place = min(around, key=lambda host: host[1] - host[0])[2]
        else:
            place = max((host for host in hosts if host[0] <= line), default=(0, 0, -1))[2]
        placed.setdefault(place, []).extend(by_line[line])
    return placed


def _with_notes(tokens: Sequence[Token], notes: Mapping[int, list[FactView]], anchors: set[int]) -> Iterable[Token]:
    closing: list[str] = []
    if -1 in notes:
        yield _raw(_notes(notes[-1], anchors))
    for place, token in enumerate(tokens):
        if place in notes:
            yield _raw(f'<div class="noted">{_notes(notes[place], anchors)}')
            if token.hidden:
                token.hidden = False
                closing_token = next(t for t in tokens[place:] if t.type == "paragraph_close")
                closing_token.hidden = False
            closing.append(
                {"heading_open": "heading_close", "paragraph_open": "paragraph_close", "table_open": "table_close"}.get(
                    token.type, ""
                )
            )
        yield token
        if closing and closing[-1] in ("", token.type):
            closing.pop()
            yield _raw("</div>")


def _raw(markup: str) -> Token:
    return Token("html_block", "", 0, content=markup)


def _tame(token: Token) -> None:
    """Make a picture a link to it, and let no link tell where it was followed from."""
    if token.type == "image":
        source = str(token.attrGet("src") or "")
        label = escape(token.content or source)
        token.type, token.children = "html_inline", None
        token.content = f'<a href="{escape(source)}" rel="noreferrer noopener">{label}</a>'
    elif token.type == "link_open":
        target = str(token.attrGet("href") or "")
        if target.startswith("#"):
            token.attrSet("href", "#" + _slug(unquote(target[1:])))
        token.attrSet("rel", "noreferrer noopener")


def _slug(heading: str) -> str:
    """Name a heading as the tables of contents of runbooks do; the prefix keeps it apart from the ids of the page itself."""
    return "s-" + _NO_SLUG.sub("", heading.casefold().strip()).replace(" ", "-")


def _code(token: Token, by_line: Mapping[int, list[FactView]], anchors: set[int]) -> Token:
    """Make a block of code into one element a line, each with its anchor and the risk of the command that starts there."""
    if token.type == "front_matter":
        return _raw(f"<details><summary>Front matter</summary><pre tabindex='0'>{escape(token.content)}</pre></details>")
    if token.type not in ("fence", "code_block") or token.map is None:
        return token
    first = token.map[0] + (2 if token.type == "fence" else 1)
    lines = []
    for number, text in enumerate(token.content.rstrip("\n").split("\n"), first):
        risk = next((fact for fact in by_line.get(number, ()) if fact.tone in RISKS), None)
        anchor = "" if number in anchors else f' id="L{number}"'
        anchors.add(number)
        mark = ""
        if risk is not None and risk.tone != "read":
            mark = f' <span class="risk is-{risk.tone}" title="{escape(risk.sentence)}">{risk.tone}</span>'
        lines.append(f'<span class="l{f" is-{risk.tone}" if risk else ""}"{anchor}>{escape(text)}{mark}</span>')
    start = str(token.attrGet("id") or "")
    return _raw(f"<pre tabindex='0'{f' id={chr(34)}{start}{chr(34)}' if start else ''}><code>{''.join(lines)}</code></pre>\n")


def _notes(facts: Sequence[FactView], anchors: set[int]) -> str:
    """Write the notes beside a block; equal ones are one with all their lines."""
    groups: dict[tuple[str, str, str, str | None], list[int]] = {}
    for fact in facts:
        # commands that only read are many and alike: one note for all of a block; why each does is in the JSON twin
        said = "" if fact.tone == "read" else fact.sentence
        groups.setdefault((fact.kind, said, fact.tone, fact.link), []).append(fact.line)
    notes = []
    for (kind, sentence, tone, link), lines in groups.items():
        named = f'<a href="{escape(link)}"><b>{escape(kind)}</b></a>' if link else f"<b>{escape(kind)}</b>"
        places = " ".join(f'<a class="at" href="#L{line}">{line}</a>' for line in dict.fromkeys(lines))
        anchor = f' id="L{lines[0]}"' if lines[0] not in anchors else ""
        anchors.add(lines[0])
        said = f'<span class="words">{escape(sentence)}</span>'
        notes.append(f'<div class="note is-{escape(tone or "plain")}"{anchor}>{named} {said} {places}</div>')
    folded = notes[SHOWN:]
    shown = "".join(notes[:SHOWN] if folded[1:] else notes)
    if folded[1:]:
        shown += f'<details class="note"><summary>{len(folded)} more</summary><div>{"".join(folded)}</div></details>'
    return f'<div class="notes">{shown}</div>'

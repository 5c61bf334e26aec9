"""Read inline Markdown that needs no parser: plain words, code in single backticks, bold words, links within the page, breaks.

Most lines of a runbook are of this kind, and are read here many times faster than by markdown-it's rules; of everything else
nothing is guessed: the answer is None, and the caller asks the parser.
"""

from __future__ import annotations

import re

from watchkeeper.text.blocks import Span

_LETTER = r"[^\\`*_\[!<&~\n]"
_SIGN = r"(?<=[A-Za-z0-9])_(?=[A-Za-z0-9])|<(?![A-Za-z/!?])|&(?![#A-Za-z])|!(?!\[)|\[[ xX✓✔]\](?![(\[:])"
_PLAIN = rf"(?:{_LETTER}|{_SIGN})"
#: the end of bold words
_CLOSED = r"(?:(?<=[^\W_])\*\*(?!\*)|(?<=[.,:;!?)%])\*\*(?=[\s.,:;!?()-]|$))"
_PIECE = re.compile(
    rf"(?P<text>(?:{_LETTER}++|{_SIGN})+)"
    r"|`(?P<code>[^`\n]+)`(?!`)"
    rf"|\*\*(?P<strong>[^\W_](?:(?!\s\*\*){_PLAIN})*?){_CLOSED}"
    r"|(?P<line>\n)"
    r"|\[(?P<link>[^\W_][^\\`*_\[\]!<&~\n]*)\]\(#(?P<to>[A-Za-z0-9_-]+)\)"
    rf"|\*\*(?P<mixed>[^\W_](?:(?!\s\*\*)(?:{_PLAIN}|`[^`\n]+`(?!`)))*?){_CLOSED}"
)
_CODE = re.compile(r"`([^`\n]+)`")
#: what is not only words
_MARKED = re.compile(r"[\\`*_\[!<&~\n]")


def simple_spans(content: str, line: int) -> tuple[Span, ...] | None:
    """Give the spans of inline text; None where it has marks that only the parser can tell.

    >>> [(span.kind, span.text) for span in simple_spans("**Stop** `shop`", 1)]
    [('strong', 'Stop'), ('text', ' '), ('code', 'shop')]
    """
    if not _MARKED.search(content):
        return (Span("text", content, line),) if content else ()
    spans: list[Span] = []
    at, end = 0, len(content)
    while at < end:
        match = _PIECE.match(content, at)
        if match is None:
            return None
        kind, text, at = match.lastgroup, match.group(match.lastgroup or 0), match.end()
        if kind == "to":
            spans.append(Span("link", match["link"], line, f"#{text}"))
            continue
        if kind == "text":
            if at < end and content[at] == "\n":
                text = text.rstrip(" ")
            if spans and spans[-1].text == "\n":
                text = text.lstrip(" \t")
            if text:
                spans.append(Span("text", text, line))
        elif kind == "line":
            spans.append(Span("text", "\n", line))
            line += 1
        elif kind == "code":
            spans.append(Span("code", _code(text), line))
        elif kind == "mixed":
            codes = tuple(_code(code) for code in _CODE.findall(text))
            spans.append(Span("strong", _CODE.sub(lambda found: _code(found.group(1)), text), line, code=codes))
        else:
            spans.append(Span("strong", text, line))
    return tuple(spans)


def _code(text: str) -> str:
    """Give what stands between backticks, without the blank on either side that Markdown takes off."""
    return text[1:-1] if text[0] == text[-1] == " " and text.strip() else text

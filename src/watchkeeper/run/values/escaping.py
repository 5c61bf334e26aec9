r"""Values in SQL, psql's and Redis' words, Python and mongosh: written letter by letter, so that none can be code. Pure.

A value never stands in these texts as it is. psql gets it by `\set` in its own escapes and takes it in by `:'name'`, MySQL as the
hexadecimal digits of a string, the others as the numbers of its characters within a quoted text. Where the place is not a value
(a table, a word of the language), only a plain name from an allowed list, or digits, may stand there.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from watchkeeper.run.values.contexts import Place, names_table

#: what follows these psql commands is run, or read and written as a file
_PSQL_CODE = re.compile(r"\\(?:!|copy|i|ir|include\w*|o|out|w|write|g\w*|set|setenv|e|edit|ef|ev|watch|bind)\b|\\!|.*\|", re.S)
_OPEN = "Its place in the text cannot be made safe"
_REDIS_CODE = frozenset({"EVAL", "EVALSHA", "EVAL_RO", "FUNCTION", "SCRIPT", "FCALL", "DEBUG", "CONFIG", "MODULE"})


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of SQL: plain text, a quoted text or name, a comment."""

    kind: str
    start: int
    end: int


_SQL_PIECE = re.compile(
    r"(?P<comment>--[^\n]*|/\*.*?\*/)"
    r"|(?P<escaped>[eE]'(?:[^'\\]|''|\\.)*')|(?P<text>'(?:[^']|'')*')|(?P<name>\"(?:[^\"]|\"\")*\"|`[^`]*`)"
    r"|(?P<dollar>\$(?P<tag>[A-Za-z_]*)\$.*?\$(?P=tag)\$)|(?P<open>['\"`])",
    re.S,
)


def sql_pieces(text: str) -> tuple[Piece, ...]:
    """Cut SQL into its quoted pieces and comments; what lies between is plain.

    >>> [(p.kind, text[p.start:p.end]) for text in ["a = 'x''y' -- z"] for p in sql_pieces(text)]
    [('text', "'x''y'"), ('comment', '-- z')]
    """
    return tuple(Piece(match.lastgroup or "", *match.span()) for match in _SQL_PIECE.finditer(text))


def sql_places(text: str, spans: Sequence[tuple[str, int, int]]) -> tuple[Place, ...]:
    """Say of each token's span (in characters) how it stands in SQL."""
    hidden = _hidden(text, spans)
    pieces = sql_pieces(hidden)
    return tuple(_sql_place(hidden, pieces, *span) for span in spans)


def _sql_place(text: str, pieces: tuple[Piece, ...], token: str, start: int, end: int) -> Place:
    piece = next((piece for piece in pieces if piece.start < end and start < piece.end), None)
    if piece is None:
        if names_table(text[:start]):
            return Place(token, start, end, limit="listed")
        joined = text[start - 1 : start].isalnum() or text[end : end + 1].isalnum() or text[end : end + 1] in ("_", "(", ".")
        first = not text[:start].strip() or text[:start].rstrip().endswith(";")
        return Place(token, start, end, refused=_OPEN) if joined or first else Place(token, start, end)
    if piece.kind == "comment":
        return Place(token, start, end, quoting="none")
    if piece.kind == "text":
        return Place(token, piece.start, piece.end, quoting="single")
    if piece.kind == "name" and (piece.start, piece.end) == (start - 1, end + 1):
        return Place(token, piece.start, piece.end, quoting="double", limit="listed")
    return Place(token, start, end, refused=_OPEN)


def _hidden(text: str, spans: Sequence[tuple[str, int, int]]) -> str:
    for _, start, end in spans:
        text = text[:start] + "_" * (end - start) + text[end:]
    return text


def psql_text(text: str, places: Sequence[Place], values: Mapping[str, str]) -> str:
    r"""Fill values into SQL for psql: `\set wk_1 '…'` before it, `:'wk_1'` (or `:"wk_1"` for a name) in it."""
    made, head = text, []
    for number, (start, end, place, value) in enumerate(_wholes(text, places, values), start=1):
        named = place.limit == "listed"
        mark = f':"wk_{number}"' if named else f":'wk_{number}'"
        head.append(f"\\set wk_{number} '{_bytes_as(value, chr(92) + 'x{:02x}')}'")
        made = made[:start] + mark + made[end:]
    return "\n".join([*head, made])


def mysql_text(text: str, places: Sequence[Place], values: Mapping[str, str]) -> str:
    """Fill values into SQL for MySQL, as the hexadecimal digits of a string."""
    made = text
    for start, end, place, value in _wholes(text, places, values):
        mark = f"`{value}`" if place.limit == "listed" else f"_utf8mb4 X'{value.encode().hex()}'"
        made = made[:start] + mark + made[end:]
    return made


def _wholes(text: str, places: Sequence[Place], values: Mapping[str, str]) -> list[tuple[int, int, Place, str]]:
    """Give each quoted text or bare slot with the whole value that takes its place, the last first."""
    found: dict[tuple[int, int], tuple[int, int, Place, str]] = {}
    for place in places:
        if place.quoting == "none":
            continue
        whole = values[place.token]
        if place.quoting in ("single", "double"):
            quote = text[place.start]
            whole = filled(text[place.start + 1 : place.end - 1].replace(quote * 2, quote), values)
        found[place.start, place.end] = (place.start, place.end, place, whole)
    return sorted(found.values(), key=lambda one: one[0], reverse=True)


def _bytes_as(value: str, form: str) -> str:
    return "".join(form.format(byte) for byte in value.encode())


def psql_words(text: str, spans: Sequence[tuple[str, int, int]]) -> tuple[Place, ...]:
    r"""Say how tokens stand in a psql command such as `\d <table>`: a plain name, or a person's."""
    if _PSQL_CODE.match(text.strip()):
        return tuple(Place(*span, refused=f"{_OPEN}: psql would run it") for span in spans)
    return tuple(Place(*span, limit="name") for span in spans)


def redis_words(text: str, spans: Sequence[tuple[str, int, int]]) -> tuple[Place, ...]:
    """Say how tokens stand in words for redis-cli: each place is the whole word around it."""
    found = []
    words = [(match.start(), match.end()) for match in re.finditer(r"\"(?:[^\"\\]|\\.)*\"|'[^']*'|\S+", _hidden(text, spans))]
    first = text.split(maxsplit=1)[0].upper() if text.strip() else ""
    for token, start, end in spans:
        word = next((word for word in words if word[0] <= start and end <= word[1]), None)
        body = _hidden(text, spans)[word[0] : word[1]] if word else ""
        inner = body[1:-1] if body[:1] in ("'", '"') and body[-1:] == body[:1] else body
        closed = word is not None and not set(inner) & set("'\"\\")
        if word is None or word[0] == words[0][0] or first in _REDIS_CODE or not closed:
            found.append(Place(token, start, end, refused=_OPEN))
        else:
            found.append(Place(token, word[0], word[1], quoting="double" if inner != body else "bare"))
    return tuple(found)


def redis_text(text: str, places: Sequence[Place], values: Mapping[str, str]) -> str:
    """Fill values into words for redis-cli: the whole word in double quotes, each of its bytes as a number."""
    made = text
    for place in sorted({(p.start, p.end, p.quoting) for p in places}, reverse=True):
        start, end, quoting = place
        word = text[start + 1 : end - 1] if quoting == "double" else text[start:end]
        word = filled(word, values)
        made = f'{made[:start]}"{_bytes_as(word, chr(92) + "x{:02x}")}"{made[end:]}'
    return made


def filled(text: str, values: Mapping[str, str]) -> str:
    """Put each token's value in its place, in one pass: what a value holds is never looked at again."""
    if not values:
        return text
    tokens = "|".join(re.escape(token) for token in sorted(values, key=len, reverse=True))
    return re.sub(tokens, lambda match: values[match[0]], text)


def quoted_places(text: str, language: str, spans: Sequence[tuple[str, int, int]]) -> tuple[Place, ...]:
    """Say how tokens stand in Python or mongosh: within a quoted text, or bare, where only digits may stand."""
    hidden = _hidden(text, spans)
    strings = _python_strings(hidden) if language == "python" else _script_strings(hidden)
    if strings is None:
        return tuple(Place(*span, refused="The text around it cannot be read") for span in spans)
    found = []
    for token, start, end in spans:
        inside = next((plain for begin, stop, plain in strings if begin < start and end < stop), None)
        if inside is None:
            bare = not (hidden[start - 1 : start] or " ").isalnum() and not (hidden[end : end + 1] or " ").isalnum()
            found.append(Place(token, start, end, limit="digits") if bare else Place(token, start, end, refused=_OPEN))
        else:
            found.append(Place(token, start, end, quoting="double") if inside else Place(token, start, end, refused=_OPEN))
    return tuple(found)


def quoted_text(text: str, places: Sequence[Place], values: Mapping[str, str], language: str) -> str:
    """Fill values into the quoted texts of Python or mongosh, each character as its number."""
    made = text
    for place in sorted(places, key=lambda place: place.start, reverse=True):
        value = values[place.token]
        if place.quoting == "double":
            value = "".join(_character(one, language) for one in value)
        made = made[: place.start] + value + made[place.end :]
    return made


def _character(one: str, language: str) -> str:
    if language == "python":
        return f"\\U{ord(one):08x}"
    units = one.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def _python_strings(text: str) -> list[tuple[int, int, bool]] | None:
    """Give the quoted texts of Python with whether their escapes are the plain ones; None where it cannot be read."""
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    found = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            kind = tokenize.tok_name[token.type]
            begin, end = starts[token.start[0] - 1] + token.start[1], starts[token.end[0] - 1] + token.end[1]
            if kind == "STRING":
                found.append((begin, end, token.string[:1] in ("'", '"')))
            elif kind.startswith("FSTRING") or kind == "COMMENT":
                found.append((begin - 1, end + 1, False))
    except (tokenize.TokenError, SyntaxError, IndexError):
        return None
    return found


def _script_strings(text: str) -> list[tuple[int, int, bool]]:
    matches = re.finditer(r"'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\"|`(?:[^`\\]|\\.)*`|//[^\n]*|/\*.*?\*/", text, re.S)
    return [(*match.span(), match[0][0] in "'\"") for match in matches]

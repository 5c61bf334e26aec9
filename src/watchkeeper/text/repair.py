"""Mend what editors, converters and hurried hands did to a Markdown file, before it is parsed.

Bytes or text enter; lines ready for a CommonMark parser leave, each knowing the line of the file it came from, with a
list of what was mended. It never drops a line of content and never raises: what cannot be mended is left as it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from watchkeeper.text.blocks import Repair

_FENCE = re.compile(r"^(?P<indent>[ \t]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)?)(?P<mark>`{3,}|~{3,})(?P<info>[^`]*)$")
_LEAD_BYTE = re.compile(r"[\u00c2-\u00f4][^\x00-\x7f]")
_WRAPPED_COMPARISON = re.compile(r"^ {0,3}>(?==? ?[-$€]?\d)")
_COLLAPSED_LABEL = re.compile(r"\*\*([^*`\n]{1,40}[:：])\*\*")
_PROSE = re.compile(r"^(?:#{2,6}[ \t]+\S|\*\*[^*]+\*\*:?\s*$|---+\s*$)")
_ODD = re.compile("[\u00a0\u2007\u202f\u200b\u200c\u200d\u2060\ufeff\ufe0e\ufe0f\uff01-\uff5e\u3000]")
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\ufe0e\ufe0f"))
_SPACES = {ord(c): " " for c in "\u00a0\u2007\u202f\u3000"}
_FULL_WIDTH = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)} | {ord("："): ": ", ord("，"): ", ", ord("；"): "; "}
#: languages whose fences show Markdown, so that fences inside them are content
_QUOTING = frozenset({"markdown", "md", "mdx"})


@dataclass(frozen=True, slots=True)
class Mended:
    """Lines to be parsed beside the lines of the file."""

    #: the file's own lines, index 0 is line 1
    original: tuple[str, ...]
    #: the lines for the parser
    lines: tuple[str, ...]
    #: for each line of `lines` its 1-based line in the file
    numbers: tuple[int, ...]
    repairs: tuple[Repair, ...]


def decode(source: bytes) -> tuple[str, list[Repair]]:
    """Decode a file's bytes as UTF-8, UTF-16 with a mark, or Windows-1252 as a last resort."""
    if source.startswith((b"\xff\xfe", b"\xfe\xff")):
        return source.decode("utf-16", errors="replace").removeprefix("\ufeff"), [Repair("utf-16", 1)]
    repairs = [Repair("bom", 1)] if source.startswith(b"\xef\xbb\xbf") else []
    try:
        return source.decode("utf-8-sig"), repairs
    except UnicodeDecodeError as problem:
        line = source.count(b"\n", 0, problem.start) + 1
    lines: list[str] = []
    for raw in source.split(b"\n"):
        try:
            lines.append(raw.decode("utf-8"))
        except UnicodeDecodeError:
            lines.append(raw.decode("cp1252", errors="replace"))
    return "\n".join(lines).removeprefix("\ufeff"), [*repairs, Repair("encoding", line)]


def mend(source: str | bytes) -> Mended:
    """Mend a whole file; the numbers of the result are lines of the file as it lies on disk."""
    text, repairs = decode(source) if isinstance(source, bytes) else (source.removeprefix("\ufeff"), [])
    if "\r" in text:
        repairs.append(Repair("crlf", text.count("\n", 0, text.index("\r")) + 1))
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    original = tuple(text.split("\n"))
    lines = list(original)
    if not text.isascii():
        _mend_characters(lines, repairs)
    numbers = _mend_fences(lines, repairs)
    return Mended(original, tuple(lines), tuple(numbers), tuple(repairs))


def _mend_characters(lines: list[str], repairs: list[Repair]) -> None:
    for index, line in enumerate(lines):
        if line.isascii():
            continue
        fixed = _unmangle(line)
        if fixed != line:
            repairs.append(Repair("mojibake", index + 1))
        if _ODD.search(fixed):
            if "\u00a0" in fixed:
                repairs.append(Repair("nbsp", index + 1))
            if "：" in fixed:
                repairs.append(Repair("fullwidth", index + 1))
            fixed = fixed.translate(_INVISIBLE).translate(_SPACES).translate(_FULL_WIDTH)
        lines[index] = fixed


def _unmangle(line: str) -> str:
    """Undo UTF-8 that was read as Windows-1252, only where ftfy's measure of badness says so."""
    if not _LEAD_BYTE.search(line):
        return line
    import ftfy
    import ftfy.badness

    if not ftfy.badness.is_bad(line):
        return line
    fixed = ftfy.fix_encoding(line)
    return fixed if "\n" not in fixed else line


@dataclass(slots=True)
class _Open:
    """A fence that has been opened: where in the output, with which mark."""

    at: int
    mark: str
    info: str
    depth: int = 0
    quoted: bool = False


def _mend_fences(lines: list[str], repairs: list[Repair]) -> list[int]:
    """Mend orphan fences and, outside fences, wrapped comparisons and collapsed labels. `lines` is changed in place."""
    out: list[str] = []
    numbers: list[int] = []
    fence: _Open | None = None
    for number, line in enumerate(lines, 1):
        match = _FENCE.match(line) if "```" in line or "~~~" in line else None
        if match is None:
            out.append(line if fence or (">" not in line and "**" not in line) else _mend_prose(line, out, number, repairs))
            numbers.append(number)
            continue
        mark, info = match["mark"], match["info"].strip()
        if fence is None:
            fence = _Open(len(out), mark, info.split(maxsplit=1)[0].lower() if info else "")
        elif mark[0] != fence.mark[0] or len(mark) < len(fence.mark):
            pass
        elif fence.info in _QUOTING and info:
            fence.depth += 1
            fence.quoted = True
        elif fence.depth:
            fence.depth -= 1
        elif not info:
            if fence.quoted:
                out[fence.at] = out[fence.at].replace(fence.mark, fence.mark * 2, 1)
                line = line.replace(mark, fence.mark * 2, 1)
            fence = None
        else:
            _close_orphan(out, numbers, fence, repairs)
            fence = _Open(len(out), mark, info.split(maxsplit=1)[0].lower())
        out.append(line)
        numbers.append(number)
    if fence is not None and fence.info not in _QUOTING:
        _close_orphan(out, numbers, fence, repairs)
    lines[:] = out
    return numbers


def _close_orphan(out: list[str], numbers: list[int], fence: _Open, repairs: list[Repair]) -> None:
    """Mend a fence that is still open where another begins or the file ends."""
    repairs.append(Repair("orphan-fence", numbers[fence.at]))
    end = len(out)
    for index in range(fence.at + 1, len(out)):
        if _PROSE.match(out[index].lstrip()) and (not out[index - 1].strip() or index == fence.at + 1):
            end = index
            break
    if not fence.info and (end < len(out) and not any(line.strip() for line in out[fence.at + 1 : end])):
        out[fence.at] = ""
        return
    indent = out[fence.at][: len(out[fence.at]) - len(out[fence.at].lstrip())]
    out.insert(end, indent + fence.mark)
    numbers.insert(end, numbers[end - 1])


def _mend_prose(line: str, out: list[str], number: int, repairs: list[Repair]) -> str:
    if ">" in line and _WRAPPED_COMPARISON.match(line):
        before = out[-1].strip() if out else ""
        if before and not before.startswith((">", "#", "|", "```")):
            repairs.append(Repair("wrapped-comparison", number))
            return line.replace(">", "\\>", 1)
    if ":**" in line or "：**" in line:
        return _space_labels(line, number, repairs)
    return line


def _space_labels(line: str, number: int, repairs: list[Repair]) -> str:
    """Set spaces around bold labels written without them, which CommonMark does not take for bold."""

    def spaced(match: re.Match[str]) -> str:
        before = " " if match.start() and line[match.start() - 1] not in " \t*_>([" else ""
        after = " " if match.end() < len(line) and line[match.end()] not in " \t*_" else ""
        return f"{before}{match.group()}{after}"

    fixed = _COLLAPSED_LABEL.sub(spaced, line)
    if fixed != line:
        repairs.append(Repair("collapsed-label", number))
    return fixed

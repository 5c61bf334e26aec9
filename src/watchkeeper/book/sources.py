"""Fetch a runbook's bytes from a file or a folder, or say in one sentence why they are no runbook."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from watchkeeper.base.errors import BookError

MARKDOWN = frozenset({".md", ".markdown", ".mdown", ".mkd", ".mdx", ".qmd"})
#: endings that are surely something else, whatever is inside
_OTHER = frozenset(
    [
        ".pdf",
        ".doc",
        ".docx",
        ".odt",
        ".rtf",
        ".xls",
        ".xlsx",
        ".ppt",
        ".pptx",
        ".png",
        ".jpg",
        ".jpeg",
        ".gif",
        ".svg",
        ".zip",
        ".gz",
        ".tar",
        ".json",
        ".yaml",
        ".yml",
        ".toml",
        ".ini",
        ".csv",
        ".tsv",
        ".html",
        ".htm",
        ".xml",
        ".py",
        ".js",
        ".ts",
        ".sh",
        ".go",
        ".rs",
        ".java",
        ".c",
        ".h",
        ".cpp",
        ".sql",
        ".ipynb",
        ".exe",
        ".so",
    ]
)
_SKIPPED = frozenset({"node_modules", "vendor", "__pycache__", "site-packages", "dist", "build"})
DEFAULT_MAX_BYTES = 5_000_000
_HINT = "Point it at a Markdown file, or at a folder of them."


def find_files(path: Path) -> list[Path]:
    """List the Markdown files of a folder, sorted, hidden and vendored folders left out; a file is itself."""
    try:
        if not path.is_dir():
            return [path]
        found = [
            p
            for p in sorted(path.rglob("*"))
            if p.suffix.lower() in MARKDOWN and p.is_file() and not _hidden(p.relative_to(path))
        ]
    except OSError as problem:
        raise BookError(f"{path} cannot be read: {problem.strerror or problem}.", hint=_HINT, code="WK113") from problem
    if not found:
        raise BookError(f"{path} has no Markdown file in it.", hint=_HINT, code="WK115")
    return found


def _hidden(relative: Path) -> bool:
    return any(part.startswith(".") or part in _SKIPPED for part in relative.parts[:-1])


def linked_file(folder: Path, name: str, url: str) -> str | None:
    """Give the Markdown file that a link in the file `name` of a folder leads to, as named below that folder.

    None for an address elsewhere, a file that is not there, and one that lies (or leads) outside the folder.
    """
    path = unquote(url.partition("#")[0].partition("?")[0])
    if not path or "://" in url or path.startswith(("/", "mailto:")) or "\x00" in path:
        return None
    try:
        root = folder.resolve()
        target = (folder / Path(name).parent / path).resolve()
        inside = target.is_relative_to(root) and target.suffix.lower() in MARKDOWN and target.is_file()
    except (OSError, ValueError, RuntimeError):
        return None
    if not inside or _hidden(target.relative_to(root)):
        return None
    return target.relative_to(root).as_posix()


def fetch(path: Path, max_bytes: int = DEFAULT_MAX_BYTES) -> bytes:
    """Read one file; raises BookError for what is missing, too large, empty, binary or another format."""
    try:
        if path.exists() and not path.is_file():
            raise BookError(f"{path} is not a file.", hint=_HINT, code="WK113")
        size = path.stat().st_size
        if size > max_bytes:
            raise BookError(
                f"{path} has {size:,} bytes; the largest runbook that is read has {max_bytes:,}.",
                hint="Give the runbook alone, or raise WATCHKEEPER_MAX_BOOK_BYTES.", code="WK114",
            )  # fmt: skip
        source = path.read_bytes()
    except OSError as problem:
        raise BookError(f"{path} cannot be read: {problem.strerror or problem}.", hint=_HINT, code="WK113") from problem
    except ValueError as problem:
        raise BookError(f"That path cannot be read: {problem}.", hint=_HINT, code="WK113") from problem
    for sentence, code in refusals(source, path.suffix.lower()):
        raise BookError(f"{path} {sentence}", hint=_HINT, code=code)
    return source


def refusals(source: bytes, suffix: str) -> Iterator[tuple[str, str]]:
    """Yield why bytes are no runbook: a sentence's end and a code."""
    if not source.strip():
        yield "is empty.", "WK111"
        return
    head = source[:8192]
    wide = source.startswith((b"\xff\xfe", b"\xfe\xff"))
    if b"\x00" in head and not wide:
        yield "is binary, not text.", "WK112"
    elif suffix in _OTHER:
        yield f"is a {suffix} file, not Markdown.", "WK116"
    elif suffix not in MARKDOWN and (kind := _other_text(head)):
        yield f"looks like {kind}, not Markdown.", "WK116"
    elif not wide and _garbage(head):
        yield "is binary, not text.", "WK112"


def _other_text(head: bytes) -> str | None:
    start = head.lstrip()[:200].lower()
    if start.startswith((b"<!doctype html", b"<html", b"<?xml")):
        return "HTML or XML"
    if start.startswith((b"{\n", b"{\r", b'{"', b"[{", b'["')):
        return "JSON"
    if start.startswith(b"#!/"):
        return "a script"
    if start.startswith((b"%pdf", b"%!ps")):
        return "PDF or PostScript"
    return None


def _garbage(head: bytes) -> bool:
    control = sum(byte < 9 or 13 < byte < 32 for byte in head if byte != 27)
    return control > len(head) // 20

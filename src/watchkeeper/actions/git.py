"""Asks git about a repository, as data: nothing that the repository itself configures is run."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

#: a repository that does not answer is left alone
TAKES_S = 30
_GIT = (
    "git", "--no-pager", "-c", "safe.directory=*", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false",
    "-c", "commit.gpgSign=false", "-c", "log.showSignature=false", "-c", "log.mailmap=false",
)  # fmt: skip


def git(folder: Path, *words: str, stdin: bytes = b"", environment: Mapping[str, str] | None = None) -> bytes:
    """Give what git prints; raises OSError or subprocess.SubprocessError where it cannot, with what it says as `stderr`."""
    done = subprocess.run(
        [*_GIT, "-C", str(folder), *words],
        input=stdin,
        capture_output=True,
        timeout=TAKES_S,
        check=True,
        env={**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", **(environment or {})},
    )
    return done.stdout

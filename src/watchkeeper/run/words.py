"""The runbook's own words on a target: which program really runs where a command says `docker-compose` or `kubectl`.

Pure. The target puts a program of each such word first in PATH while the command runs; the command's text stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from watchkeeper.book.model import Command
from watchkeeper.estate.model import TargetConfig

#: words that mean the same program under two names, whichever is installed
COMPOSE = ("docker-compose", "docker")
_WORD = r"(?<![\w./-]){}(?![\w.-])"


def words_in(script: str, words: Mapping[str, str]) -> tuple[str, ...]:
    """Give those of the words that a script says."""
    return tuple(word for word in words if re.search(_WORD.format(re.escape(word)), script))


def says_compose(script: str) -> bool:
    """Tell whether a script says `docker-compose` or `docker compose`."""
    return re.search(_WORD.format(r"docker(?:-compose|\s+compose)"), script) is not None


def meanings(command: Command, target: TargetConfig) -> tuple[str, ...]:
    """Say of each word of a command that means something else on a target what that is."""
    said = [f"`{word}` means `{target.words[word]}` on {target.name}." for word in words_in(command.text, target.words)]
    if says_compose(command.text) and not set(COMPOSE) & set(target.words):
        said.append(f"`docker compose` and `docker-compose` mean whichever {target.name} has.")
    return tuple(said)

"""The programs that a piece of shell text would start, once `sudo`, `docker exec` and their like are off; what each acts on."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from watchkeeper.book.programs import find, sort_arguments
from watchkeeper.book.syntax import Word

_PLACEHOLDER = re.compile(r"^[<\[{].*[>\]}]$")


@dataclass(frozen=True, slots=True)
class Started:
    """One program that would be started, with what follows its name."""

    name: str
    arguments: tuple[Word, ...] = ()
    #: it only starts the next one
    wrapper: bool = False
    stdin: str | None = None
    stdin_text: str = ""
    #: the path as written, where it was one
    path: str = ""
    #: started inside a container, a pod or on another host
    elsewhere: bool = False
    #: the words after the name as plain text
    texts: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Keep the plain words, which all who judge it ask for."""
        object.__setattr__(self, "texts", tuple([word.text for word in self.arguments]))


@dataclass(slots=True, eq=False)
class Unwrapped:
    """All programs of a piece of shell text; each is only equal to itself, so that what is said of it can be remembered."""

    started: list[Started] = field(default_factory=list)
    target: str | None = None
    endless: bool = False
    interactive: bool = False
    #: why nothing positive can be said, where that is so
    opaque: str | None = None
    writes: list[str] = field(default_factory=list)
    #: files that are emptied (`> file`, `cat /dev/null > file`)
    emptied: list[str] = field(default_factory=list)
    #: what stays behind of it, whatever it ran
    leaves: str | None = None
    #: what the call being unwrapped is fed, for the programs within its quotes
    feed: tuple[str | None, str] = (None, "")


def acts_on(started: Started) -> str | None:
    """Guess nothing: give the service, unit, deployment or container that the words name, or None."""
    name, texts = started.name, started.texts
    program = find(name)
    words = (program.arguments(texts) if program else sort_arguments(texts)).words
    if name == "systemctl" and len(words) > 1:
        return words[1].removesuffix(".service")
    if name in ("service", "rc-service") and words:
        return words[0]
    if name in ("supervisorctl", "pm2", "rc-service", "initctl") and len(words) > 1 and words[1] != "all":
        return words[1].split(":")[0]
    if name in ("docker-compose", "docker compose", "podman-compose") and len(words) > 1:
        return words[1]
    if name in ("docker", "podman", "nerdctl") and len(words) > 1 and words[0] in _ON_CONTAINER:
        return words[1]
    if name in ("kubectl", "oc", "k"):
        return _kubernetes_target(words)
    if name == "helm" and len(words) > 1 and words[0] in ("upgrade", "rollback", "status", "history", "uninstall", "get", "test"):
        return words[1] if words[0] != "get" else (words[2] if len(words) > 2 else None)
    return None


_ON_CONTAINER = frozenset(
    {"restart", "stop", "start", "kill", "logs", "inspect", "stats", "rm", "pause", "unpause", "top", "port", "update", "attach"}
)


def _kubernetes_target(words: tuple[str, ...]) -> str | None:
    if not words:
        return None
    rest = list(words[1:])
    if words[0] in ("rollout", "set", "create") and rest:
        rest = rest[1:]
    if not rest or words[0] in ("apply", "cp", "config", "auth", "api-resources"):
        return None
    if "/" in rest[0]:
        return rest[0].split("/", 1)[1] or None
    if words[0] in ("logs", "exec", "attach", "debug", "port-forward", "drain", "cordon", "uncordon", "run"):
        return rest[0]
    return rest[1] if len(rest) > 1 and "=" not in rest[1] else None


def is_placeholder(text: str) -> bool:
    """Say whether a word is a slot to be filled rather than a name."""
    return bool(_PLACEHOLDER.match(text))

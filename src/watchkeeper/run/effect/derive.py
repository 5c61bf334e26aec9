"""A command of the book goes in, what is known of its effect comes out: looks that only read, and how they are read.

Each family knows some programs. What no family knows is said in words and never guessed. A look that the book's own rules do
not call reading is not taken, whatever a family thought of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TypeAlias

from watchkeeper.book.model import Command
from watchkeeper.book.risk import assess
from watchkeeper.book.sql_clients import SQL_CLIENTS
from watchkeeper.run.effect import (
    aws,
    clients,
    containers,
    files,
    kubernetes_change,
    packages,
    redis,
    restore,
    services,
    sql,
    terraform,
)
from watchkeeper.run.effect.combine import combine
from watchkeeper.run.effect.model import Effect, plain
from watchkeeper.run.effect.place import Place, Unplaced, places
from watchkeeper.run.effect.words import one_line

Family: TypeAlias = Callable[[Place], Effect | None]


def effect_of(command: Command) -> Effect:
    """Say what is known of a command's effect."""
    return _of_text(command.text, command.language)


@lru_cache(maxsize=512)
def _of_text(text: str, language: str) -> Effect:
    try:
        found = _derived(text, language)
    except Unplaced as why:
        return plain(f"No preview is known: {why}.", known=False)
    if found is None:
        return plain("No preview is known for this command.", known=False)
    if any(assess(look.script, look.language)[0] != "read" for look in found.looks):
        return plain("No preview is known: what would look is not known to only read.", known=False)
    return found


def _derived(text: str, language: str) -> Effect | None:
    if language == "sql":
        return sql.of_statements(text, clients.bound())
    if language == "redis":
        return redis.of_lines(text)
    if language not in ("bash", "sh", "shell"):
        return None
    found: list[Effect] = []
    for place in places(text):
        if _only_reads(place):
            continue
        effect = _of_place(place)
        found.append(effect or plain(f"No preview is known for “{one_line(place.program.text)}”.", known=False))
    return combine(found) if any(effect.known for effect in found) else None


def _only_reads(place: Place) -> bool:
    call = place.call
    joined = call.stdin or call.writes or place.through_xargs
    return not joined and assess(place.script(place.own(*place.words)))[0] == "read"


def _of_place(place: Place) -> Effect | None:
    if place.name in SQL_CLIENTS:
        return _sql(place)
    family = FAMILIES.get(place.name)
    if family is None and "restore" in place.name:
        family = restore.script
    found = family(place) if family else None
    if found is None and place.call.writes and _prints(place):
        return files.written(place)
    return found


def _prints(place: Place) -> bool:
    """Tell whether a program only prints what goes into a file."""
    return assess(place.script(place.own(*place.words)))[0] == "read"


def _sql(place: Place) -> Effect | None:
    client = clients.client_of(place)
    if client is None:
        return None
    statements = clients.statements_of(place)
    if not statements:
        return restore.replay(place)
    return sql.of_statements(";\n".join(text.rstrip().rstrip(";") for text in statements), client)


FAMILIES: Mapping[str, Family] = {
    **dict.fromkeys(("redis-cli", "valkey-cli"), redis.of_place),
    **dict.fromkeys(("rm", "rmdir", "unlink", "shred"), files.remove),
    **dict.fromkeys(("mv", "cp"), files.move),
    **dict.fromkeys(("kubectl", "oc", "k", "kubecolor"), kubernetes_change.of_place),
    **dict.fromkeys(("docker", "podman", "nerdctl"), containers.of_docker),
    **dict.fromkeys(("docker compose", "docker-compose", "podman-compose"), containers.of_compose),
    **dict.fromkeys(("apt", "apt-get"), packages.apt),
    **dict.fromkeys(("terraform", "tofu"), terraform.of_place),
    "systemctl": services.systemctl,
    "service": services.service,
    "supervisorctl": services.supervisorctl,
    "pg_restore": restore.pg_restore,
    "aws": aws.of_place,
    "find": files.find,
    "truncate": files.truncate,
    "sed": files.rewrite,
}

"""The options that say where lines come from, and the source that they name."""

from __future__ import annotations

import os
import re

from watchkeeper.base.errors import ConfigError
from watchkeeper.estate.model import Estate
from watchkeeper.estate.table import Table
from watchkeeper.plugins.logs.containers import ContainersSource
from watchkeeper.plugins.logs.files import FilesSource
from watchkeeper.plugins.logs.journal import JournalSource
from watchkeeper.plugins.logs.source import Source

#: what a signal of logs says about where they are
SOURCE_OPTIONS = {
    "files": "paths of files, relative to watchkeeper.toml; * and ? stand for what they do in a shell",
    "journal": "or: true for the whole journal of systemd, or a list of units",
    "journal_directory": "folder of journal files, where it is not this machine's own journal",
    "containers": "or: names of containers",
    "docker_host": "the engine's address: unix:///… or tcp://… (default: DOCKER_HOST, else /var/run/docker.sock)",
    "window": "time over which rates, shares and percentiles are taken (default 1 minute)",
    "max_bytes": "most bytes that are read at one look (default 8,000,000)",
}
_CONTAINER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,254}")


def source_of(options: Table, estate: Estate) -> Source:
    """Make the one source that the options name."""
    files, containers, journal = options.texts("files"), options.texts("containers"), options.take("journal")
    given = [name for name, value in (("files", files), ("journal", journal), ("containers", containers)) if value]
    if len(given) != 1:
        raise ConfigError(
            f"{options.name()} needs one of `files`, `journal` and `containers`.",
            hint='For example files = ["/var/log/shop/*.log"].',
            code="WK132",
            where=options.where(*given[1:2]),
        )
    if files:
        return FilesSource(files, estate.folder)
    if containers:
        return _containers(containers, options)
    if journal is not True and not (isinstance(journal, list) and all(isinstance(unit, str) for unit in journal)):
        raise options.error("journal", f"{options.name('journal')} is {journal!r}.", 'Write true, or ["shop.service"].')
    directory = options.maybe_text("journal_directory")
    return JournalSource(() if journal is True else tuple(journal), estate.folder / directory if directory else None)


def _containers(names: tuple[str, ...], options: Table) -> Source:
    for name in names:
        if not _CONTAINER.fullmatch(name):
            raise options.error("containers", f"{name!r} is not the name of a container.", "`docker ps` shows the names.")
    host = options.maybe_text("docker_host") or os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
    if not host.startswith(("unix:///", "tcp://", "http://")):
        raise options.error("docker_host", f"{host!r} is not an address of an engine.", "Write unix:///path or tcp://host:port.")
    return ContainersSource(names, host)

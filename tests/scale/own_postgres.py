"""A PostgreSQL that a test may stop and start."""

from __future__ import annotations

import pwd
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from tests.plugins.conftest import wait_for


@dataclass
class Server:
    """A PostgreSQL of our own, on loopback."""

    programs: Path
    home: Path
    user: str | None
    port: int
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        settings = ["fsync=off", "max_connections=300", "unix_socket_directories=", f"port={self.port}"]
        options = [word for setting in settings for word in ("-c", setting)]
        command = [str(self.programs / "postgres"), "-D", "data", *options]
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL, **self.as_user())
        wait_for(self.port)
        for _ in range(200):
            try:
                psycopg.connect(self.dsn("postgres")).close()
                return
            except psycopg.OperationalError:
                time.sleep(0.05)

    def stop(self, how: str) -> None:
        """Stop it: "fast" or "immediate"."""
        if self.process is None:
            return
        control = [str(self.programs / "pg_ctl"), "-D", "data", "-m", how, "-w", "stop"]
        subprocess.run(control, check=True, stdout=subprocess.DEVNULL, **self.as_user())
        self.process.wait()
        self.process = None

    def as_user(self) -> dict[str, Any]:
        if self.user is None:
            return {"cwd": self.home}
        owner = pwd.getpwnam(self.user)
        return {"cwd": self.home, "user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}

    def dsn(self, name: str) -> str:
        return f"postgresql://test@127.0.0.1:{self.port}/{name}"

    def create(self) -> str:
        """Make an empty database; gives its URL."""
        name = f"t{uuid4().hex[:12]}"
        with psycopg.connect(self.dsn("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')  # type: ignore[call-overload]
        return self.dsn(name)

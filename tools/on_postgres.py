"""Runs a command with WATCHKEEPER_TEST_DATABASE_URL naming an empty PostgreSQL of its own, and ends the server afterwards.

Usage: python tools/on_postgres.py python -m pytest …
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from watchkeeper.demo.servers import postgres_programs, postgres_user, readable_for, run_as


def main(command: list[str]) -> int:
    """Start, run the command, stop; returns the command's exit status."""
    folder = Path(tempfile.mkdtemp(prefix="watchkeeper-postgres-"))
    folder.chmod(0o755)
    user = postgres_user()
    programs = readable_for(user, postgres_programs(), folder)
    data = folder / "data"
    data.mkdir(mode=0o700)
    if user is not None:
        shutil.chown(data, user, pwd.getpwnam(user).pw_gid)
    port = free_port()
    options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories='' -c max_connections=200"
    try:
        run_as(user, [str(programs / "initdb"), "-D", str(data), "-U", "test", "--auth=trust", "--no-sync"], folder)
        control = [str(programs / "pg_ctl"), "-D", str(data), "-w", "-l", str(data / "log")]
        run_as(user, [*control, "-o", options, "start"], folder)
        try:
            url = f"postgresql://test@127.0.0.1:{port}/postgres"
            return subprocess.run(command, env={**os.environ, "WATCHKEEPER_TEST_DATABASE_URL": url}, check=False).returncode
        finally:
            run_as(user, [*control, "-m", "fast", "stop"], folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    """Give a TCP port of loopback that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

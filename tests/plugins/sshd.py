"""A real sshd on loopback: its own host key, one key that may sign in, as the user who runs the tests."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

SSHD = shutil.which("sshd") or shutil.which("/usr/sbin/sshd")


@dataclass
class Sshd:
    """One server."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]

    @property
    def options(self) -> dict[str, object]:
        """Give what a target needs to sign in."""
        return {
            "host": "127.0.0.1",
            "port": self.port,
            "key": str(self.folder / "user_key"),
            "agent": False,
            "known_hosts": str(self.folder / "known_hosts"),
            "connect_timeout": "5s",
        }

    def sessions(self) -> list[psutil.Process]:
        """Give the processes that serve connections."""
        try:
            return psutil.Process(self.process.pid).children()
        except psutil.NoSuchProcess:
            return []

    def cut(self) -> int:
        """Cut all connections in the middle of whatever they do; gives how many there were."""
        cut = self.sessions()
        for process in cut:
            # the shells that were started go on: only who serves the connection dies
            with contextlib.suppress(psutil.NoSuchProcess):
                for each in (*process.children(), process):
                    if each.name().startswith("sshd"):
                        each.kill()
        return len(cut)

    def close(self) -> None:
        """End it, with its connections."""
        with contextlib.suppress(psutil.NoSuchProcess):
            self.cut()
        self.process.terminate()
        self.process.wait()


def make_key(path: Path) -> str:
    """Make a key pair; gives its public half."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path], check=True)
    return path.with_suffix(".pub").read_text().strip()


def start_sshd(folder: Path, *lines: str) -> Sshd:
    """Start one and wait until it listens."""
    folder.mkdir(parents=True, exist_ok=True)
    host_key = make_key(folder / "host_key")
    (folder / "authorized_keys").write_text(make_key(folder / "user_key") + "\n")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {host_key}\n")
    config = [
        f"ListenAddress 127.0.0.1:{port}",
        f"HostKey {folder}/host_key",
        f"AuthorizedKeysFile {folder}/authorized_keys",
        "PidFile none",
        "StrictModes no",
        "UsePAM no",
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
        "PermitRootLogin prohibit-password",
        "MaxStartups 100",
        *lines,
    ]
    (folder / "sshd_config").write_text("\n".join(config) + "\n")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    assert SSHD
    log = (folder / "log").open("ab")
    process = subprocess.Popen([SSHD, "-D", "-e", "-f", folder / "sshd_config"], stdout=log, stderr=log)
    log.close()
    for _ in range(500):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2) as talk:
            if talk.recv(4):
                return Sshd(folder, port, process)
        assert process.poll() is None, (folder / "log").read_text()
        time.sleep(0.02)
    raise AssertionError("sshd does not answer")

"""A real Docker Engine of the tests' own: its own folders and socket, no network, and a small image of busybox."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

DOCKERD, BUSYBOX = shutil.which("dockerd"), shutil.which("busybox")
IMAGE = "watchkeeper-test"
LASTS = "trap 'exit 0' TERM; while :; do sleep 0.2; done"


@dataclass
class Dockerd:
    """One engine."""

    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def host(self) -> str:
        """Give its address."""
        return f"unix://{self.folder}/docker.sock"

    @property
    def environment(self) -> dict[str, str]:
        """Give the environment in which docker speaks to it."""
        return {**os.environ, "DOCKER_HOST": self.host, "COMPOSE_HTTP_TIMEOUT": "20"}

    def docker(self, *words: str, stdin: bytes | None = None) -> str:
        """Run docker against it."""
        done = subprocess.run(["docker", *words], input=stdin, capture_output=True, env=self.environment, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode().strip()

    def run(self, name: str) -> str:
        """Start a container that lasts; gives its id."""
        return self.docker("run", "-d", "--network", "none", "--name", name, IMAGE, "/bin/sh", "-c", LASTS)

    def close(self) -> None:
        """End all containers and the engine."""
        containers = self.docker("ps", "-aq").split()
        if containers:
            self.docker("rm", "-f", *containers)
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder)


def _image() -> bytes:
    """Give a file system of busybox alone: /bin/sh is ash, and there is no bash."""
    assert BUSYBOX
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for folder in ("bin", "tmp", "proc", "dev", "etc"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            tar.addfile(entry)
        tar.add(os.path.realpath(BUSYBOX), "bin/busybox")
        for name in subprocess.run([BUSYBOX, "--list"], capture_output=True, text=True, check=True).stdout.split():
            if name != "busybox":
                entry = tarfile.TarInfo(f"bin/{name}")
                entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
                tar.addfile(entry)
        passwd = b"root:x:0:0:root:/tmp:/bin/sh\nshop:x:1000:1000:shop:/tmp:/bin/sh\n"
        entry = tarfile.TarInfo("etc/passwd")
        entry.size = len(passwd)
        tar.addfile(entry, io.BytesIO(passwd))
    return made.getvalue()


def start_dockerd() -> Dockerd:
    """Start one and wait until it answers."""
    assert DOCKERD
    folder = Path(tempfile.mkdtemp(prefix="wk-docker-"))
    # in a network of its own: an engine without a bridge takes that of the machine's engine away when it starts
    words: list[str | Path] = ["unshare", "--net", "--", DOCKERD]
    words += ["--data-root", folder / "data", "--exec-root", folder / "exec", "--pidfile", folder / "pid"]
    words += ["-H", f"unix://{folder}/docker.sock", "--bridge=none", "--iptables=false", "--ip-masq=false"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log)
    engine = Dockerd(folder, process)
    for _ in range(300):
        if (folder / "docker.sock").exists():
            answer = subprocess.run(["docker", "version"], capture_output=True, env=engine.environment, check=False)
            if answer.returncode == 0:
                break
        assert process.poll() is None, (folder / "log").read_text()
        time.sleep(0.1)
    engine.docker("import", "-", IMAGE, stdin=_image())
    return engine

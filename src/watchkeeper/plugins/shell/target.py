"""The local shell: jobs run under a small wrapper of their own session, so that they outlive us and are found again.

A job's folder holds its script, its raw output, `pid.N` (who runs it: pid, start, boot; made exclusively before the script
begins) and `exit` (its status). Whoever finds no `pid.N` makes it himself and has thereby proved that the job never began: a
wrapper that comes late cannot make it again and goes away. A line counts only with its final dot, so a torn write is no answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import signal
from collections.abc import Callable
from pathlib import Path

from watchkeeper.base.errors import Permanent
from watchkeeper.estate.model import Estate, TargetConfig
from watchkeeper.plugins.shell.processes import age_s, boot_id, end_group, gone, start_of
from watchkeeper.run.target import Found, Job

# 1 folder, 2 number of the claim, 3 directory, 4 "durable" or "", 5 boot id, then the command.
# TERM is caught so that the wrapper outlives the end of its group by a moment and writes the status. The status is synced only
# when our process died meanwhile: while it lives, it writes the outcome durably itself.
_WRAPPER = """
d=$1 n=$2 w=$3 s=$4 b=$5; shift 5
read -r x x x x x x x x x x x x x x x x x x x x x t x < /proc/$$/stat || t=0
set -C; printf '%s %s %s .\\n' $$ "$t" "$b" > "$d/pid.$n" || exit 125; set +C
trap : TERM INT HUP
if cd "$w"; then "$@"; r=$?; else r=126; fi
printf '%s .\\n' $r > "$d/exit"
read -r x x x p x < /proc/$$/stat || p=0
[ -z "$s" ] || [ "$p" = "$PPID" ] || sync "$d/exit" "$d"
"""
_BASH = ("bash", "--noprofile", "--norc", "-o", "pipefail")
_PASSED = ("HOME", "USER", "LOGNAME", "TZ", "TMPDIR")
_VOID = "void .\n"
#: raw output beyond which a job is stopped, in bytes
FLOOD = 64_000_000
GRACE_S = 3.0
_LOOK_S = 0.25


class ShellTarget:
    """Runs jobs with bash on this machine."""

    def __init__(self, config: TargetConfig, estate: Estate) -> None:
        self._config = config
        self._flood = int(config.options.get("flood_bytes", FLOOD))
        self._boot = boot_id()
        #: jobs that we began ourselves: who their wrapper is, known before it says so
        self._begun: dict[str, tuple[int, int]] = {}

    async def start(self, job: Job) -> None:
        """Begin the job; when this returns, its wrapper runs."""
        self._begun[job.id] = self._spawn(job)

    def _spawn(self, job: Job) -> tuple[int, int]:
        job.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        script = job.folder / "script"
        durable = "durable" if job.durable else ""
        where = [str(job.folder), str(_open_claim(job.folder)), str(self._config.directory), durable, self._boot]
        output = os.open(job.folder / "output", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        silence = os.open(os.devnull, os.O_RDONLY)
        try:
            _write(script, job.script if job.script.endswith("\n") else job.script + "\n")
            pid = os.posix_spawn(
                "/bin/sh",
                ["/bin/sh", "-c", _WRAPPER, "watchkeeper-job", *where, *self._argv(job, script)],
                self._environment(job),
                file_actions=[(os.POSIX_SPAWN_DUP2, each, to) for to, each in enumerate((silence, output, output))],
                setsid=True,
                setsigmask=[],
                setsigdef=[signal.SIGPIPE, signal.SIGINT, signal.SIGTERM, signal.SIGHUP],
            )
        except OSError as problem:
            raise Permanent(f"The shell could not be started: {problem.strerror}.", code="WK425") from problem
        finally:
            os.close(output)
            os.close(silence)
        return pid, start_of(pid) or 0

    async def find(self, job: Job) -> Found:
        """Say what is known of a job. "never-begun" is proved, and holds: a wrapper on its way can no longer begin."""
        job.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for _ in range(100):
            found = self._look(job.folder)
            if found is not None:
                return found
            await asyncio.sleep(0.01)
        return Found("lost", sentence="A wrapper began to begin, and nothing more is known.")

    async def wait(self, job: Job, output: Callable[[str], None] | None = None) -> Found:
        """Wait for the job's end; past its time limit, or when it floods, end it with all it started."""
        show = _Shower(job.folder / "output", output)
        claim = self._begun.pop(job.id, None) or await self._claim(job.folder)
        if claim is not None:
            pid, start = claim
            while not await gone(pid, start, min(_LOOK_S, max(0.0, job.timeout_s - age_s(start)))):
                show.more()
                if age_s(start) >= job.timeout_s:
                    await self._stop(job, "timeout")
                elif _size(job.folder / "output") > self._flood:
                    await self._stop(job, "flood")
        show.more()
        return await self.find(job)

    def read_output(self, job: Job) -> str:
        """Give the output so far: all of it, or its first and last lines with a note of how much is left out."""
        return read_raw(job.folder / "output", job.output_bytes)

    async def kill(self, job: Job) -> None:
        """End the job and all it started."""
        await self._stop(job, "cancelled")

    async def _stop(self, job: Job, why: str) -> None:
        claim = _read_claim(job.folder)
        if claim is None or start_of(claim[0]) != claim[1]:
            return
        _write(job.folder / "stopped", f"{why} .\n")
        await end_group(claim[0], GRACE_S)

    def _look(self, folder: Path) -> Found | None:
        """Look once; None where a claim is just being written."""
        ended = self._ended(folder)
        if ended is not None:
            return ended
        number = _open_claim(folder)
        newest = folder / f"pid.{number}"
        if not newest.exists():
            try:
                descriptor = os.open(newest, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError:
                return None
            with os.fdopen(descriptor, "w") as file:
                file.write(_VOID)
            return Found("never-begun", sentence="Its wrapper never ran.")
        fields = _line(newest)
        if not fields or fields == ["void"]:
            return None
        pid, start, boot = int(fields[0]), int(fields[1]), fields[2] if len(fields) > 2 else ""
        if boot == self._boot and start_of(pid) == start:
            return Found("running", sentence=f"It runs as process {pid}.")
        ended = self._ended(folder)
        if ended is not None:
            return ended
        stopped = _line(folder / "stopped")
        if stopped:
            return Found("ended", 137, stopped[0] == "timeout", _STOPPED[stopped[0]])
        why = "its wrapper was killed" if boot == self._boot else "the machine restarted"
        return Found("lost", sentence=f"Nobody saw how it ended: {why}.")

    def _ended(self, folder: Path) -> Found | None:
        status = _line(folder / "exit")
        if not status:
            return None
        stopped = _line(folder / "stopped")
        sentence = _STOPPED[stopped[0]] if stopped else f"It ended with status {status[0]}."
        return Found("ended", int(status[0]), stopped == ["timeout"], sentence)

    async def _claim(self, folder: Path) -> tuple[int, int] | None:
        """Wait for the wrapper to say who it is; None where it does not, or has ended already."""
        for _ in range(500):
            claim = _read_claim(folder)
            if claim is not None or (folder / "exit").exists():
                return claim
            await asyncio.sleep(0.0005)
        return None

    def _argv(self, job: Job, script: Path) -> list[str]:
        client = {"sql": "psql", "redis": "redis_cli"}.get(job.language)
        if client is not None:
            prefix = str(self._config.options[client])
            strict = _psql_options(job) if job.language == "sql" and _is_psql(prefix) else ""
            return [*_BASH, "-c", f'{prefix}{strict} < "$0"', str(script)]
        return ["python3", str(script)] if job.language == "python" else [*_BASH, str(script)]

    def _environment(self, job: Job) -> dict[str, str]:
        own = {name: os.environ[name] for name in _PASSED if name in os.environ}
        path = ":".join([*map(str, self._config.path), os.environ.get("PATH", "/usr/local/bin:/usr/bin:/bin")])
        return {"HOME": "/", **own, "PATH": path, "LANG": "C.UTF-8", "TERM": "dumb", **job.variables}


def _is_psql(prefix: str) -> bool:
    """Tell whether a client is psql, at once or behind `docker exec` and the like: what is added at the end then reaches it."""
    return any(word.rsplit("/", 1)[-1] == "psql" for word in shlex.split(prefix))


def _psql_options(job: Job) -> str:
    """Give what makes psql stop at the first error, and one that only reads unable to write or to go on for ever.

    Both hold for the transaction alone, so that a pooled connection carries nothing over to its next user.
    """
    strict = " -X -v ON_ERROR_STOP=1"
    if job.durable:
        return strict
    limit = f"SET LOCAL statement_timeout = {max(1, int(job.timeout_s * 1000))}"
    return f"{strict} -q --single-transaction -c 'SET TRANSACTION READ ONLY' -c '{limit}' -f -"


_STOPPED = {
    "timeout": "It did not end within its time limit and was stopped.",
    "flood": "It printed more than can be kept and was stopped.",
    "cancelled": "It was stopped by a person.",
}


class _Shower:
    """Gives what was added to a file since it was last asked."""

    def __init__(self, path: Path, show: Callable[[str], None] | None) -> None:
        self._path, self._show, self._at = path, show, 0

    def more(self) -> None:
        if self._show is None:
            return
        with contextlib.suppress(OSError), self._path.open("rb") as file:
            file.seek(self._at)
            piece = file.read(1_000_000)
            self._at += len(piece)
            if piece:
                self._show(piece.decode(errors="replace"))


def read_raw(path: Path, limit: int) -> str:
    """Read a raw output file, head and tail where it is longer than the limit (in bytes), cut at ends of lines."""
    size = _size(path)
    try:
        with path.open("rb") as file:
            if size <= limit:
                return file.read(limit).decode(errors="replace")
            head = file.read(limit // 2)
            file.seek(size - limit // 2)
            tail = file.read(limit // 2)
    except FileNotFoundError:
        return ""
    head = head[: head.rfind(b"\n") + 1] or head
    tail = tail[tail.find(b"\n") + 1 :] or tail
    gap = size - len(head) - len(tail)
    return f"{head.decode(errors='replace')}\n… {gap:,} bytes left out …\n{tail.decode(errors='replace')}"


def _open_claim(folder: Path) -> int:
    """Give the number of the claim that is open or taken: the first that was not voided."""
    number = 0
    while _line(folder / f"pid.{number}") == ["void"]:
        number += 1
    return number


def _read_claim(folder: Path) -> tuple[int, int] | None:
    fields = _line(folder / f"pid.{_open_claim(folder)}")
    return (int(fields[0]), int(fields[1])) if fields else None


def _line(path: Path) -> list[str] | None:
    """Give the words of a one-line file; None where it is missing or not written to its final dot."""
    try:
        words = path.read_text().split()
    except OSError:
        return None
    return words[:-1] if words and words[-1] == "." else None


def _write(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0

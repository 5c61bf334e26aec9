"""Which program a script is given to: bash, Python, or the client that the target names for SQL, Redis words and the like."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from watchkeeper.run.target import Job
from watchkeeper.run.values.clients import client_for

BASH = ("bash", "--noprofile", "--norc", "-o", "pipefail")
# the variables come in as text that sets them, so that no list of processes shows a value
_AS_USER = 'eval "$(cat)"; exec "$@" </dev/null'


def command_for(job: Job, script: str, options: Mapping[str, Any], shell: Sequence[str] = BASH) -> list[str]:
    """Give the command that runs a job's script from the file in which it lies."""
    client = client_for(job.language, job.script, options)
    if client is not None:
        prefix = str(options[client])
        strict = _psql_options(job) if _is(prefix, "psql") else _mysql_options(job) if _is(prefix, "mysql", "mariadb") else ""
        return [*shell, "-c", f'{prefix}{strict} < "$0"', script]
    return ["python3", script] if job.language == "python" else [*shell, script]


def command_as(user: str, job: Job, options: Mapping[str, Any], shell: Sequence[str] = BASH) -> list[str]:
    """Give the command that runs a job as another user, who cannot read our files: the script goes along as a word.

    Its standard input has to be text that exports the variables.
    """
    inner = [*shell, "-c", job.script]
    if client_for(job.language, job.script, options) is None:
        inner = ["python3", "-c", job.script] if job.language == "python" else inner
    else:
        own = shlex.join(command_for(job, "/dev/fd/9", options, shell))
        inner = [*shell, "-c", f'exec 9<<< "$0"; exec {own}', job.script]
    return ["sudo", "-n", "-u", user, "--", "/bin/sh", "-c", _AS_USER, "watchkeeper-job", *inner]


def exports(variables: Mapping[str, str]) -> str:
    """Give shell text that exports variables; no value of it is ever read as code."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())


def _is(prefix: str, *names: str) -> bool:
    """Tell whether a client is one of these, at once or behind `docker exec` and the like, so that what is added reaches it."""
    return any(word.rsplit("/", 1)[-1] in names for word in shlex.split(prefix))


def _mysql_options(job: Job) -> str:
    """Give what keeps MySQL's client from writing where the text only reads; it stops at the first error by itself."""
    return "" if job.durable else " --init-command='SET SESSION TRANSACTION READ ONLY'"


def _psql_options(job: Job) -> str:
    """Give what makes psql stop at the first error, and one that only reads unable to write or to go on for ever.

    Both hold for the transaction alone, so that a pooled connection carries nothing over to its next user.
    """
    strict = " -X -v ON_ERROR_STOP=1"
    if job.durable:
        return strict
    limit = f"SET LOCAL statement_timeout = {max(1, int(job.timeout_s * 1000))}"
    return f"{strict} -q --single-transaction -c 'SET TRANSACTION READ ONLY' -c '{limit}' -f -"

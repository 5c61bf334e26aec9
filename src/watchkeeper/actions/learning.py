"""The book learns: what an incident taught becomes a branch in the runbook's repository, or a patch beside the reviews.

Neither the working tree nor the branch that is checked out is touched: the commit is made of the repository's own objects.
"""

from __future__ import annotations

import asyncio
import difflib
import subprocess
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from watchkeeper.actions import acts
from watchkeeper.actions.git import git
from watchkeeper.actions.permission import require
from watchkeeper.app import App
from watchkeeper.base.errors import InputError, Refused
from watchkeeper.book.contract import to_contract
from watchkeeper.book.reader import read_source
from watchkeeper.incident import ledger as incidents
from watchkeeper.incident.model import Incident
from watchkeeper.learn.lessons import Lesson, Proposed, lessons_of, propose
from watchkeeper.people.identity import Actor
from watchkeeper.run import ledger as runs

FOLDER = "learned"
MOST_BRANCHES = 20
#: how git names a commit that is not there
NO_COMMIT = "0" * 40
_WHO = {"GIT_AUTHOR_NAME": "Watchkeeper", "GIT_AUTHOR_EMAIL": "watchkeeper@localhost",
        "GIT_COMMITTER_NAME": "Watchkeeper", "GIT_COMMITTER_EMAIL": "watchkeeper@localhost"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Patch:
    """What was proposed, and where it is."""

    #: "learn/inc-…", of the repository; empty where the runbook is in none
    branch: str
    #: of the patch file; empty where there is a branch
    path: str
    diff: str
    placed: tuple[Lesson, ...]
    lost: tuple[Lesson, ...]


async def propose_patch(app: App, actor: Actor, incident_id: str) -> Patch:
    """Propose what an incident taught about its runbook; refused where nothing was learned."""
    require(actor, "note")
    incident = await app.database.read(lambda c: incidents.get_incident(c, incident_id))
    if incident is None:
        raise acts.no_incident(incident_id)
    done = await app.database.read(lambda c: runs.list_runs(c, incident_id=incident_id))
    lessons = lessons_of(reversed(done))
    if not lessons:
        hint = "No step of its runs failed, was passed over or took too long."
        raise Refused(f"“{incident.title}” taught nothing about the runbook.", hint=hint, code="WK346")
    if app.estate.runbook.is_dir():
        raise InputError("The runbook is a folder, of which no step says in which file it stands.", code="WK347",
                         hint="`watchkeeper incident show` and the review name each step.")  # fmt: skip
    patch = await asyncio.to_thread(_make, app.estate.runbook, app.state, incident, lessons)
    now, where = app.clock.now(), patch.branch or patch.path
    said = f"What the incident taught about the runbook is proposed: {where}."
    await app.database.write(lambda c: incidents.add_entry(c, incident_id, now, "note", actor.name, said))
    return patch


def _make(runbook: Path, state: Path, incident: Incident, lessons: list[Lesson]) -> Patch:
    repository = _repository(runbook)
    before = _committed(repository, runbook) if repository is not None else runbook.read_bytes()
    text = before.decode("utf-8", "surrogateescape")
    proposed = _harmless(text, propose(text, lessons), runbook.name)
    after = proposed.text.encode("utf-8", "surrogateescape")
    name = runbook.relative_to(repository).as_posix() if repository is not None else runbook.name
    diff = "".join(difflib.unified_diff(
        text.splitlines(keepends=True), proposed.text.splitlines(keepends=True), f"a/{name}", f"b/{name}"
    ))  # fmt: skip
    if not proposed.placed:
        hint = "Each step was rewritten meanwhile, or would read as something else with a note behind it; the review names them."
        raise Refused("Nothing of it can be put into the runbook as it stands.", hint=hint, code="WK346")
    if repository is None:
        path = state / FOLDER / f"{incident.id}.patch"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(diff, encoding="utf-8", errors="surrogateescape")
        return Patch("", path.as_posix(), diff, proposed.placed, proposed.lost)
    branch = _commit(repository, name, after, incident, proposed)
    return Patch(branch, "", diff, proposed.placed, proposed.lost)


def _harmless(text: str, proposed: Proposed, name: str) -> Proposed:
    """Keep a note only where the runbook reads the same with it, but for its lines; else the step is named as lost."""
    if _facts(text, name) == _facts(proposed.text, name):
        return proposed
    placed, lost, current = list[Lesson](), list(proposed.lost), text
    for lesson in reversed(proposed.placed):  # from the end, so that lines above stay where they are
        tried = propose(current, [lesson])
        if _facts(tried.text, name) == _facts(text, name):
            current, placed = tried.text, [lesson, *placed]
        else:
            lost.append(lesson)
    return replace(proposed, text=current, placed=tuple(placed), lost=tuple(lost))


def _facts(text: str, name: str) -> object:
    """Give what a reader finds, without where it stands."""

    def bare(value: object) -> object:
        if isinstance(value, dict):
            return {k: bare(v) for k, v in value.items() if k not in ("line", "end_line", "lines", "digest", "id", "caution")}
        return [bare(each) for each in value] if isinstance(value, list) else value

    found = to_contract(read_source(name, text.encode("utf-8", "surrogateescape")))
    return bare({key: value for key, value in found.items() if key not in ("findings", "unread")})


def _repository(runbook: Path) -> Path | None:
    try:
        found = git(runbook.parent, "rev-parse", "--show-toplevel").decode().strip()
        git(runbook.parent, "ls-files", "--error-unmatch", "--", runbook.name)
        git(runbook.parent, "rev-parse", "--verify", "HEAD")
    except (OSError, subprocess.SubprocessError):
        return None
    return Path(found).resolve()


def _committed(repository: Path, runbook: Path) -> bytes:
    return git(repository, "show", f"HEAD:{runbook.resolve().relative_to(repository).as_posix()}")


def _commit(repository: Path, name: str, content: bytes, incident: Incident, proposed: Proposed) -> str:
    """Make the commit on a branch of its own, by the repository's objects alone."""
    named = "a private incident" if incident.is_private else incident.title  # a commit is read by whoever reads the runbook
    lines = [f"Learn from {incident.id}: {named}"[:72].rstrip(), "", "What its runs showed:"]
    lines += [f"- “{each.procedure}”, line {each.line}: {each.note} {each.run_id}" for each in proposed.placed]
    lines += [f"- without a note, for want of a place: “{each.words[:80]}”: {each.note}" for each in proposed.lost]
    with tempfile.TemporaryDirectory() as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        blob = git(repository, "hash-object", "-w", "--stdin", stdin=content).decode().strip()
        git(repository, "read-tree", "HEAD", environment=index)
        mode = git(repository, "ls-files", "-s", "--", name, environment=index).decode().split()[0]
        git(repository, "update-index", "--cacheinfo", f"{mode},{blob},{name}", environment=index)
        tree = git(repository, "write-tree", environment=index).decode().strip()
    message = "\n".join(lines).encode("utf-8", "replace")
    commit = git(repository, "commit-tree", tree, "-p", "HEAD", stdin=message, environment=_WHO).decode().strip()
    for number in range(1, MOST_BRANCHES + 1):
        branch = f"learn/{incident.id}" + (f"-{number}" if number > 1 else "")
        try:
            # made only where there is none: somebody may have gone on from an earlier one, or have it checked out
            git(repository, "update-ref", f"refs/heads/{branch}", commit, NO_COMMIT)
        except subprocess.CalledProcessError:
            continue
        return branch
    hint = f"Merge or delete the branches learn/{incident.id}… first."
    raise Refused("The repository takes no further branch of this incident.", hint=hint, code="WK346")

"""The book learns: what an incident taught becomes a branch in the runbook's repository, or a patch beside the reviews.

Neither the working tree nor the branch that is checked out is touched: the commit is made of the repository's own objects.
"""

from __future__ import annotations

import asyncio
import difflib
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from watchkeeper.actions import acts
from watchkeeper.actions.git import git
from watchkeeper.actions.permission import require
from watchkeeper.app import App
from watchkeeper.base.errors import Refused
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
    lessons = lessons_of(reversed(done), {procedure.id: procedure.file for procedure in app.book.procedures})
    if not lessons:
        hint = "No step of its runs failed, was passed over or took too long."
        raise Refused(f"“{incident.title}” taught nothing about the runbook.", hint=hint, code="WK346")
    patch = await asyncio.to_thread(_make, app.estate.runbook, app.state, incident, lessons)
    now, where = app.clock.now(), patch.branch or patch.path
    said = f"What the incident taught about the runbook is proposed: {where}."
    await app.database.write(lambda c: incidents.add_entry(c, incident_id, now, "note", actor.name, said))
    return patch


def _make(runbook: Path, state: Path, incident: Incident, lessons: list[Lesson]) -> Patch:
    files, lost = _by_file(runbook, lessons)
    repository = _repository(list(files)) if files else None
    root = repository or (runbook if runbook.is_dir() else runbook.parent)
    placed, diff, after = list[Lesson](), "", dict[str, bytes]()
    for path, own in files.items():
        name = path.relative_to(root.resolve()).as_posix()
        before = git(root, "show", f"HEAD:{name}") if repository is not None else path.read_bytes()
        text = before.decode("utf-8", "surrogateescape")
        proposed = _harmless(text, propose(text, own), path.name)
        placed, lost = [*placed, *proposed.placed], [*lost, *proposed.lost]
        if proposed.placed:
            lines = text.splitlines(keepends=True), proposed.text.splitlines(keepends=True)
            diff += "".join(difflib.unified_diff(*lines, f"a/{name}", f"b/{name}"))
            after[name] = proposed.text.encode("utf-8", "surrogateescape")
    if not placed:
        hint = "Each step was rewritten meanwhile, or would read as something else with a note behind it; the review names them."
        raise Refused("Nothing of it can be put into the runbook as it stands.", hint=hint, code="WK346")
    if repository is None:
        kept = state / FOLDER / f"{incident.id}.patch"
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(diff, encoding="utf-8", errors="surrogateescape")
        return Patch("", kept.as_posix(), diff, tuple(placed), tuple(lost))
    branch = _commit(repository, after, incident, placed, lost)
    return Patch(branch, "", diff, tuple(placed), tuple(lost))


def _by_file(runbook: Path, lessons: Sequence[Lesson]) -> tuple[dict[Path, list[Lesson]], list[Lesson]]:
    """Give the lessons of each file of the book, and those whose file is gone, not known, or outside of the book's folder."""
    folder = (runbook if runbook.is_dir() else runbook.parent).resolve()
    found: dict[Path, list[Lesson]] = {}
    lost: list[Lesson] = []
    for lesson in lessons:
        path = ((folder / lesson.file) if lesson.file else runbook).resolve()
        inside = path.is_relative_to(folder) or path == runbook.resolve()
        if inside and path.is_file():
            found.setdefault(path, []).append(lesson)
        else:
            lost.append(lesson)
    return found, lost


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


def _repository(files: Sequence[Path]) -> Path | None:
    """Give the one repository in which all these files are kept; None where there is none."""
    try:
        [found] = {git(file.parent, "rev-parse", "--show-toplevel").decode().strip() for file in files}
        for file in files:
            git(file.parent, "ls-files", "--error-unmatch", "--", file.name)
        git(files[0].parent, "rev-parse", "--verify", "HEAD")
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return Path(found).resolve()


def _commit(
    repository: Path, contents: Mapping[str, bytes], incident: Incident, placed: Sequence[Lesson], lost: Sequence[Lesson]
) -> str:
    """Make the commit on a branch of its own, by the repository's objects alone."""
    named = "a private incident" if incident.is_private else incident.title  # a commit is read by whoever reads the runbook
    lines = [f"Learn from {incident.id}: {named}"[:72].rstrip(), "", "What its runs showed:"]
    lines += [f"- “{each.procedure}”, {_place(each)}: {each.note} {each.run_id}" for each in placed]
    lines += [f"- without a note, for want of a place: “{each.words[:80]}”: {each.note}" for each in lost]
    with tempfile.TemporaryDirectory() as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        git(repository, "read-tree", "HEAD", environment=index)
        for name, content in contents.items():
            blob = git(repository, "hash-object", "-w", "--stdin", stdin=content).decode().strip()
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


def _place(lesson: Lesson) -> str:
    return f"{lesson.file}, line {lesson.line}" if lesson.file else f"line {lesson.line}"

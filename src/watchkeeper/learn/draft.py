"""The review of an incident as Markdown that a person likes to read.

Rows of all chapters enter, one text leaves, the same for the same rows. It claims nothing that was not seen: why a thing broke is
left to the reader. Every text from outside is escaped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from watchkeeper.alert.model import Alert
from watchkeeper.base.durations import format_duration
from watchkeeper.book.model import Book
from watchkeeper.estate.hours import USUAL, Office
from watchkeeper.estate.model import Bindings
from watchkeeper.incident.model import Entry, Incident
from watchkeeper.learn.markdown import fence, table, text
from watchkeeper.learn.measures import Promise, measure, promises
from watchkeeper.run.beside import WHY, is_evidence
from watchkeeper.run.model import Act, Run, Standing
from watchkeeper.tell.model import Notice

_NAMES = {
    "detection_s": "Detection (breach to alert)",
    "opening_s": "Opening (alert to incident)",
    "telling_s": "Telling (incident to first notice sent)",
    "acknowledge_s": "Acknowledgement by a person",
    "response_s": "Response (incident to first action)",
    "recovery_s": "Recovery (breach to healthy again)",
    "resolution_s": "Resolution (breach to verified)",
}
_ENDS = {"succeeded": "succeeded", "failed": "failed", "cancelled": "was cancelled"}


def draft(
    book: Book,
    incident: Incident,
    alerts: Sequence[Alert],
    entries: Sequence[Entry],
    runs: Sequence[Run],
    notices: Sequence[Notice],
    now: datetime,
    *,
    bindings: Bindings | None = None,
    findings: Sequence[str] = (),
    alerts_total: int = 0,
    office: Office = USUAL,
) -> str:
    """Write the review; `findings` are sentences about the ladder that reached nobody."""
    case = _Case(book, incident, list(alerts), list(entries), sorted(runs, key=lambda r: (r.started_at, r.id)), list(notices),
                 now, bindings or Bindings(), list(findings), alerts_total, office)  # fmt: skip
    parts = [
        f"# Review: {text(incident.title)}",
        _about(case),
        "## Summary\n\n" + _summary(case),
        "## Impact and cause\n\n" + _impact(case),
        "## Timeline\n\n" + _timeline(case),
        "## Promised and measured\n\n" + _measured(case),
        "## What was done\n\n" + _done(case),
        "## Who was told\n\n" + _told(case),
        "## What is missing\n\n" + _bullets(_missing(case), "Nothing that Watchkeeper can see."),
        "## To do\n\n" + "\n".join(f"- [ ] {text(line)}" for line in _to_do(case)),
    ]
    return "\n\n".join(parts) + "\n"


@dataclass(frozen=True, slots=True)
class _Case:
    """Everything the review is made of."""

    book: Book
    incident: Incident
    alerts: list[Alert]
    entries: list[Entry]
    runs: list[Run]
    notices: list[Notice]
    now: datetime
    bindings: Bindings
    findings: list[str]
    #: all of them, those that only followed one like them too
    alerts_total: int
    office: Office

    def measures(self) -> dict[str, float | None]:
        return measure(self.incident, self.alerts, self.entries, self.runs)

    def promises(self) -> list[Promise]:
        causes = {a.rule for a in self.alerts if a.explained_by is None}
        thresholds = [threshold for key, threshold in self.bindings.thresholds.items() if key in causes]
        return promises(self.book, self.incident, self.measures(), thresholds, self.office)


def _about(case: _Case) -> str:
    incident = case.incident
    facts = [
        f"Incident {incident.id}",
        f"service {text(incident.service)}",
        f"severity {text(incident.severity)}" if incident.severity else "no severity",
        f"{incident.began_at:%Y-%m-%d %H:%M:%S} UTC",
        f"runbook version {text(incident.book[:12])}" if incident.book else "",
    ]
    return " · ".join(filter(None, facts)) + f"\n\nWritten by Watchkeeper at {case.now:%Y-%m-%d %H:%M:%S} UTC from what it saw."


def _summary(case: _Case) -> str:
    incident, measures = case.incident, case.measures()
    said = [f"{text(incident.title)}, first seen at {incident.began_at:%H:%M:%S}."]
    if measures["detection_s"] is not None:
        said.append(
            f"An alert fired {format_duration(measures['detection_s'])} later, when the breach had held as long as the book asks."
        )
    if not case.runs:
        said.append("No procedure was carried out.")
    for run in case.runs:
        end = _ENDS.get(run.state, "is not over")
        by = "by itself" if run.actor == "automation" else f"started by {text(run.actor)}"
        said.append(f"“{text(run.plan.title)}” was carried out {by} and {end}.")
    if measures["recovery_s"] is not None:
        said.append(f"The service was healthy again after {format_duration(measures['recovery_s'])}.")
    else:
        said.append("The service is not known to have recovered.")
    broken = [p.name for p in case.promises() if p.kept is False]
    kept = [p.name for p in case.promises() if p.kept]
    verdicts = [f"{_and(names)} {word}" for names, word in ((kept, "was kept"), (broken, "was broken")) if names]
    if verdicts:
        said.append(f"Of the book's promises {' and '.join(verdicts)}.")
    return " ".join(said)


def _impact(case: _Case) -> str:
    incident = case.incident
    causes = [a for a in case.alerts if a.explained_by is None]
    followers = [a for a in case.alerts if a.explained_by is not None]
    lines = [f"Cause, as far as the alerts tell: {incident.cause or 'unknown'}."]
    lines += [f"{a.subject}: {a.sentence}" for a in causes]
    lines += [f"{a.subject} followed from {a.explained_by}: {a.sentence}" for a in followers]
    if (more := case.alerts_total - len(case.alerts)) > 0:
        lines.append(f"{more:,} more alerts were like one of these: {case.alerts_total:,} in all.")
    counted = {str(e.body.get("name")): e.sentence for e in case.entries if e.kind == "affected"}
    lines += list(counted.values())
    if incident.because:
        lines.append(f"Procedure chosen: {incident.because}")
    return _bullets(lines)


def _timeline(case: _Case) -> str:
    began = case.incident.began_at
    several_days = any(e.at.date() != began.date() for e in case.entries)
    form = "%m-%d %H:%M:%S" if several_days else "%H:%M:%S"
    rows = [(f"{began:{form}}", "0 s", "", "The breach began.")]
    rows += [(f"{e.at:{form}}", f"+{format_duration((e.at - began).total_seconds())}", e.actor, e.sentence) for e in case.entries]
    return table(("Time (UTC)", "After", "Who", "What"), rows)


def _measured(case: _Case) -> str:
    promised = {f"{p.name}_s": p for p in case.promises()}
    rows = []
    for name, seconds in case.measures().items():
        promise = promised.get(name)
        wanted = format_duration(promise.promised_s) if promise and promise.promised_s is not None else ""
        verdict = {True: "kept", False: "broken", None: ""}[promise.kept if promise else None]
        rows.append((_NAMES[name], format_duration(seconds) if seconds is not None else "did not happen", wanted, verdict))
    sentences = [p.sentence for p in promised.values()]
    return table(("Measure", "Measured", "Promised", ""), rows) + "\n\n" + _bullets(sentences)


def _done(case: _Case) -> str:
    if not case.runs:
        return f"Nothing was carried out. {text(case.incident.because)}".strip()
    return "\n\n".join(_run(run) for run in case.runs)


def _run(run: Run) -> str:
    took = f" in {format_duration((run.ended_at - run.started_at).total_seconds())}" if run.ended_at else ""
    head = f"### {text(run.plan.title)} (line {run.plan.line} of the runbook)"
    state = _ENDS.get(run.state, "not over")
    end = f"Started at {run.started_at:%H:%M:%S} by {text(run.actor)}; {state}{took}. {text(run.sentence)}"
    return "\n\n".join([head, end.strip(), *(_act(act, run.acts.get(act.key, Standing())) for act in run.plan.acts)])


def _act(act: Act, standing: Standing) -> str:
    outcome = standing.outcome
    head = f"**{act.key} {text(act.text.rstrip('.: '))}**: {_result(act, standing)}"
    if standing.approved_by:
        head += f" Approved by {text(standing.approved_by)}."
    parts = [head]
    if act.kind == "command" and act.command is not None and standing.state != "skipped":
        parts.append(fence(act.command.text, act.command.language))
    if outcome is not None and outcome.output.strip():
        lines = outcome.output.strip("\n").count("\n") + 1
        summary = f"<details><summary>Output, {lines} {'line' if lines == 1 else 'lines'}</summary>"
        parts.append(f"{summary}\n\n{fence(outcome.output)}\n\n</details>")
    return "\n\n".join(parts)


def _result(act: Act, standing: Standing) -> str:
    outcome = standing.outcome
    why = text(standing.sentence)
    if outcome is None:
        return f"{text(standing.state)}. {why}".strip()
    why = text(outcome.sentence) or why
    if act.kind == "condition":
        answer = {True: "it holds", False: "it does not hold", None: "nobody could tell"}[outcome.holds]
        return f"{answer}. {why}".strip()
    status = f", exit status {outcome.exit_status}" if outcome.exit_status is not None else ""
    took = ""
    if outcome.started_at and outcome.ended_at:
        took = f", {format_duration((outcome.ended_at - outcome.started_at).total_seconds())}"
    attempt = f", attempt {standing.attempt}" if standing.attempt > 1 else ""
    return f"{text(outcome.result)}{status}{took}{attempt}. {why}".strip()


def _told(case: _Case) -> str:
    if not case.notices:
        return "Nobody."
    rows = []
    for notice in sorted(case.notices, key=lambda n: (n.at, n.id)):
        state = f"sent at {notice.sent_at:%H:%M:%S} by {notice.channel}" if notice.sent_at else notice.state
        rows.append((notice.person, notice.kind, f"{notice.at:%H:%M:%S}", state, notice.problem or ""))
    return table(("Person", "Notice", "Written", "State", "Problem"), rows)


def _missing(case: _Case) -> list[str]:
    incident = case.incident
    found: list[str] = []
    if incident.acknowledged_by in (None, "automation"):
        found.append("No person took the incident, so it has no owner.")
    if incident.severity is None:
        found.append("The book gives what broke no severity.")
    if not case.runs:
        found.append("No procedure was carried out.")
    found += [line for run in case.runs for line in _left_open(run)]
    found += [p.sentence for p in case.promises() if p.promised_s is None]
    found += [e.sentence for e in case.entries if e.kind == "not-told"]
    found += case.findings
    unbound = [u.sentence for u in case.bindings.unbound if u.threshold.role == "alert"]
    found += unbound[:10]
    if len(unbound) > 10:
        found.append(f"And {len(unbound) - 10} more thresholds that no signal decides.")
    return list(dict.fromkeys(found))


def _left_open(run: Run) -> list[str]:
    lines = []
    if not is_evidence(run.plan) and not any(act.phase == "verify" for act in run.plan.acts):
        lines.append(f"“{run.plan.title}” has no verification steps; only the thresholds say that it worked.")
    for act in run.plan.acts:
        standing = run.acts.get(act.key, Standing())
        by_branch = act.branch is not None and standing.state == "skipped"
        if by_branch or standing.state == "done" or act.skip == WHY:
            continue
        why = standing.sentence or (standing.outcome.sentence if standing.outcome else "")
        lines.append(
            f"Step {act.key} of “{run.plan.title}” was not done ({standing.state}): {act.text.rstrip('.:')}. {why}".strip()
        )
    return lines


def _to_do(case: _Case) -> list[str]:
    lines = [f"Find out why {case.incident.cause or 'it'} broke; Watchkeeper knows only what it saw."]
    if case.incident.acknowledged_by in (None, "automation"):
        lines.append("Name an owner for this review.")
    lines += [f"Keep the promise of {p.name} next time, or change it: {p.sentence}" for p in case.promises() if p.kept is False]
    lines += [f"Mend “{run.plan.title}” (line {run.plan.line}): {run.sentence}" for run in case.runs if run.state == "failed"]
    if not case.runs:
        lines.append("Write a procedure for this into the runbook, or bind one.")
    lines += [f"Give the ladder somebody who can be reached: {line}" for line in case.findings]
    return lines


def _bullets(lines: Sequence[str], none: str = "") -> str:
    return "\n".join(f"- {text(line)}" for line in lines) if lines else none


def _and(names: Sequence[str]) -> str:
    return " and ".join(names)

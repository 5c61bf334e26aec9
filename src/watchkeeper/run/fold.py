"""Folds a run's log into the run, pure: `evolve` takes one event, and the same log gives the same run to every reader."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from watchkeeper.run.model import Event, Outcome, Preview, Run, RunState, Standing
from watchkeeper.run.values.inputs import input_from_json


def begin(run: Run) -> Run:
    """Give the run as it stands before the first event."""
    return replace(run, acts={act.key: Standing() for act in run.plan.acts})


def evolve(run: Run, event: Event) -> Run:
    """Fold one event into the run; an event that says nothing new changes only the sequence number."""
    run = replace(run, seq=event.seq)
    body = event.body
    if event.kind == "started":
        run = replace(run, person=str(body.get("person", "")), folder=body.get("folder"))
        given, labels, carried = (dict(body.get(name, {})) for name in ("inputs", "labels", "carried"))
        return replace(run, given=given, labels=labels, carried=carried)
    if event.kind == "reopened":
        return _reopened(run, str(body.get("sentence", "")))
    if event.kind == "ended":
        return replace(run, state=body["state"], sentence=body.get("sentence", ""), ended_at=event.at)
    if event.kind == "cancelled":
        acts = {key: _dropped(standing) if standing.state == "asking" else standing for key, standing in run.acts.items()}
        return replace(run, state="cancelled", sentence=body.get("sentence", ""), cancelled_by=event.actor, acts=acts)
    if event.kind == "approved":
        until = read_instant(body["until"])
        acts = {key: _approved(run.acts[key], event, until, digest) for key, digest in body["digests"].items()}
        run = replace(run, acts={**run.acts, **acts})
    if event.kind == "answered" and body["answer"] == "input":
        run = replace(run, given={**run.given, **body.get("inputs", {})})
    if event.kind == "outcome" and body["outcome"].get("kept"):
        kept = dict(body["outcome"]["kept"])
        folder = kept.pop("PWD", run.folder)
        run = replace(run, folder=folder, carried={**run.carried, **kept})
    if event.kind == "asked" and body.get("previews"):
        seen = {key: replace(run.acts[key], preview=preview_from_json(each)) for key, each in body["previews"].items()}
        run = replace(run, acts={**run.acts, **seen})
    if event.act is None or event.act not in run.acts:
        return run
    standing = _stand(run.acts[event.act], event)
    run = replace(run, acts={**run.acts, event.act: standing})
    if run.state == "cancelled":
        return run
    if event.kind == "answered" and body["answer"] in ("abort", "refuse"):
        return replace(
            run, state="cancelled", sentence=body.get("sentence") or f"{event.actor} stopped it.", cancelled_by=event.actor
        )
    state: RunState = "asking" if standing.state == "asking" else "waiting" if standing.state == "waiting" else "running"
    return replace(run, state=state)


def _reopened(run: Run, sentence: str) -> Run:
    """Void every approval: what was approved may have been done in what the restored database forgot."""
    void: dict[str, Any] = {"approved_by": None, "approvers": (), "approved_until": None, "approved_digest": None}
    return replace(run, reopened=sentence, acts={key: replace(standing, **void) for key, standing in run.acts.items()})


def fold(run: Run, events: Iterable[Event]) -> Run:
    """Fold a log into the run."""
    for event in events:
        run = evolve(run, event)
    return run


def _approved(standing: Standing, event: Event, until: datetime, digest: str) -> Standing:
    """Count an approval by its person; one of something else, or one that lapsed, no longer counts beside it."""
    same = standing.approved_digest == digest and standing.approved_until is not None and event.at < standing.approved_until
    person = str(event.body.get("person") or event.actor)
    others = tuple(each for each in standing.approvers if each != person) if same else ()
    approvers = (*others, person)
    return replace(standing, approved_by=event.actor, approvers=approvers, approved_until=until, approved_digest=digest)


def _stand(standing: Standing, event: Event) -> Standing:
    body, kind = event.body, event.kind
    if kind == "intent":
        before = preview_from_json(body["before"]) if body.get("before") else None
        begun: dict[str, Any] = {"attempt": body["attempt"], "since": standing.since or event.at, "before": before}
        return replace(standing, state="running", outcome=None, question=None, original=standing.original or before, **begun)
    if kind == "outcome":
        return _stand_after(standing, outcome_from_json(body["outcome"]))
    if kind == "skipped":
        return replace(standing, state="skipped", sentence=body.get("sentence", ""), question=None)
    if kind == "asked":
        sentence = body.get("sentence", "")
        inputs = tuple(input_from_json(each) for each in body.get("inputs", ()))
        covers = tuple(body.get("digests", ()))
        asking = replace(standing, state="asking", question=body["question"], covers=covers, inputs=inputs)
        return replace(asking, asked_at=event.at, sentence=sentence)
    if kind == "approved":
        return replace(standing, state="to-do", question=None)
    if kind == "waiting":
        return replace(standing, state="waiting", wait_until=read_instant(body["until"]), since=standing.since or event.at)
    if kind == "answered":
        return _answered(standing, event)
    return standing


def _stand_after(standing: Standing, outcome: Outcome) -> Standing:
    if outcome.result == "lost":
        return replace(standing, state="to-do", attempt=standing.attempt + 1)
    if outcome.result == "unknown" and outcome.holds is None:
        return replace(standing, state="unknown", outcome=outcome)
    state = "done" if outcome.result == "ok" else "failed"
    return replace(standing, state=state, outcome=outcome, question=None)  # type: ignore[arg-type]


def _answered(standing: Standing, event: Event) -> Standing:
    answer = event.body["answer"]
    said = event.body.get("sentence") or f"{event.actor} says {answer}."
    if answer in ("again", "did-not-happen"):
        anew: dict[str, Any] = {
            "approved_by": None,
            "approvers": (),
            "approved_until": None,
            "approved_digest": None,
            "since": None,
        }
        return replace(standing, state="to-do", attempt=standing.attempt + 1, question=None, **anew)
    if answer == "input":
        return replace(standing, state="to-do", question=None)
    if answer == "skip":
        return replace(standing, state="skipped", sentence=said, question=None)
    if answer in ("yes", "no"):
        outcome = Outcome("ok", ended_at=event.at, sentence=said, holds=answer == "yes")
        return replace(standing, state="done", outcome=outcome, question=None)
    if answer in ("happened", "done"):
        output = standing.outcome.output if standing.outcome else ""
        outcome = Outcome("ok", output=output, ended_at=event.at, sentence=said)
        return replace(standing, state="done", outcome=outcome, question=None)
    return replace(_dropped(standing), sentence=said)


def _dropped(standing: Standing) -> Standing:
    """Give an act about which nobody will be asked any more: left out, or unknown for good where it may have happened."""
    return replace(standing, state="unknown" if standing.question == "settle" else "skipped", question=None)


def read_instant(text: str) -> datetime:
    """Read an instant as event bodies carry it."""
    return datetime.fromisoformat(text)


def preview_to_json(preview: Preview) -> dict[str, Any]:
    """Give a preview as plain JSON."""
    return {"sentence": preview.sentence, "scope": preview.scope, "way_back": preview.way_back, "before": preview.before}


def preview_from_json(value: Mapping[str, Any]) -> Preview:
    """Read what `preview_to_json` gave."""
    return Preview(value["sentence"], value["scope"], value.get("way_back", ""), value.get("before"))


def outcome_to_json(outcome: Outcome) -> dict[str, Any]:
    """Give an outcome as plain JSON."""
    return {
        "result": outcome.result,
        "exit_status": outcome.exit_status,
        "output": outcome.output,
        "started_at": outcome.started_at.isoformat() if outcome.started_at else None,
        "ended_at": outcome.ended_at.isoformat() if outcome.ended_at else None,
        "sentence": outcome.sentence,
        "holds": outcome.holds,
        **({"kept": dict(outcome.kept)} if outcome.kept else {}),
    }


def outcome_from_json(value: Mapping[str, Any]) -> Outcome:
    """Read what `outcome_to_json` gave."""
    began, ended = value.get("started_at"), value.get("ended_at")
    return Outcome(
        value["result"],
        value.get("exit_status"),
        value.get("output", ""),
        read_instant(began) if began else None,
        read_instant(ended) if ended else None,
        value.get("sentence", ""),
        value.get("holds"),
        dict(value.get("kept", {})),
    )

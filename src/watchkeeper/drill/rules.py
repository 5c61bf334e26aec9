"""Judges what was seen of a fault against what was expected of it; pure."""

from __future__ import annotations

from collections.abc import Iterable

from watchkeeper.base.durations import format_duration
from watchkeeper.drill.model import Break, Judged, Lived, Played


def judge(fault: Break, played: Played, pace: float) -> Judged:
    """Say how a fault went, with a sentence for each thing that is not as it was expected."""
    wanted = fault.expected
    incident = the_one(fault, played.lived)
    found, why = incident is not None and told_of(fault, incident), []
    if incident is None:
        why.append("Nobody noticed it: no incident was opened.")
    elif not found:
        why.append(f"It was told of by {_listed(incident.alerts)}, and {_listed(wanted.alert)} was expected.")
    detected_book_s = incident.fired_s if incident else None
    severity_right = incident is not None and incident.severity == wanted.severity
    if incident is not None and not severity_right:
        why.append(f"Its severity is {incident.severity or 'none'}, and {wanted.severity or 'none'} was expected.")
    cause = incident.cause if incident else None
    cause_right = incident is not None and (not wanted.cause or _is_one_of(cause, wanted.cause))
    if incident is not None and not cause_right:
        why.append(f"The incident names {cause or 'no component'} as its cause, and {_listed(wanted.cause)} was expected.")
    title = incident.runs[-1][0] if incident and incident.runs else None
    procedure_right = _is_one_of(title, wanted.procedure) if wanted.procedure else title is None
    if incident is not None and not procedure_right:
        why.append(f"{f'“{title}”' if title else 'No procedure'} was carried out, and {_listed(wanted.procedure)} was expected.")
    recovered, against = _recovered(incident, played, wanted.stays)
    if recovered != wanted.recovers:
        why.append(f"It did not recover: {against}" if wanted.recovers else "It recovered, which was not expected.")
    if len(played.asked) != wanted.approvals:
        why.append(f"A person was asked {len(played.asked)} times, and {wanted.approvals} was expected.")
    real_s, book_s = _times(incident, pace) if recovered and incident else (None, None)
    counted_s = book_s - detected_book_s if book_s is not None and detected_book_s and wanted.promise_from_alert else book_s
    kept = None if wanted.promise_s is None or not wanted.recovers else counted_s is not None and counted_s <= wanted.promise_s
    if kept is False and counted_s is not None:
        why.append(f"It took {format_duration(counted_s)}, and the book promises {format_duration(wanted.promise_s or 0.0)}.")
    harm = tuple(harms(fault, played))
    why.extend(harm)
    return Judged(
        fault=fault.name,
        sentence=fault.sentence,
        pace=pace,
        verdict="red" if why else "green" if wanted.recovers else "waits",
        why=tuple(why),
        detected_s=None if detected_book_s is None else round(detected_book_s / pace, 1),
        detected_book_s=None if detected_book_s is None else round(detected_book_s, 1),
        recovered_s=real_s,
        recovered_book_s=book_s,
        alert=", ".join(incident.alerts) if incident else None,
        severity=incident.severity if incident else None,
        procedure=title,
        cause=cause,
        severity_right=severity_right,
        procedure_right=incident is not None and procedure_right,
        cause_right=cause_right,
        approvals=len(played.asked),
        thought_s=round(played.thought_s, 1),
        recovered=recovered,
        promise_s=wanted.promise_s,
        promise_kept=kept,
        harm=harm,
        acknowledged=played.acknowledged,
        lost=len(played.lost),
        waits_for=wanted.waits_for,
    )


def is_over(fault: Break, lived: tuple[Lived, ...], open_questions: int) -> bool:
    """Say whether there is nothing more to wait for: what was expected came and ended, or only people outside can end it."""
    incident = the_one(fault, lived)
    if incident is None or not told_of(fault, incident):
        return False
    if all(_is_done(each, fault.expected.stays) for each in lived):
        return True
    if fault.expected.recovers or incident.severity != fault.expected.severity:
        # a graver alert may have to hold for longer than the procedure for the first one takes
        return False
    ended = bool(incident.runs) and all(state in ("succeeded", "failed", "cancelled") for _, state, _ in incident.runs)
    return ended or open_questions > 0 or not fault.expected.procedure


def the_one(fault: Break, lived: Iterable[Lived]) -> Lived | None:
    """Give the incident that tells of this fault: one with an expected alert before any other, the first before later ones."""
    found = list(lived)
    return next((each for each in found if told_of(fault, each)), found[0] if found else None)


def told_of(fault: Break, incident: Lived) -> bool:
    """Say whether an incident has one of the alerts that were expected."""
    return any(_is_one_of(name, fault.expected.alert) for alert in incident.alerts for name in (alert, alert.split(" is ")[0]))


def harms(fault: Break, played: Played) -> Iterable[str]:
    """Give a sentence for each harm that was done beside the fault itself."""
    if played.lost:
        shown = ", ".join(played.lost[:5])
        yield f"{len(played.lost)} of {played.acknowledged} promises to customers are gone: {shown}."
    for signal in played.broken:
        yield f"{signal} was well before and is not after."
    for incident in played.lived:
        for title, command in incident.changed:
            if not _is_one_of(title, fault.expected.procedure):
                yield f"“{title}” was not expected, and it ran: {command}"


def _is_done(incident: Lived, stays: tuple[str, ...]) -> bool:
    """Say whether an incident is over, or all that is left of it is what stays, once a procedure has succeeded."""
    if incident.resolved:
        return True
    left = all(_is_one_of(name, stays) for name in incident.still)
    return bool(stays) and left and bool(incident.runs) and incident.runs[-1][1] == "succeeded"


def _recovered(incident: Lived | None, played: Played, stays: tuple[str, ...]) -> tuple[bool, str]:
    """Say whether all that was opened is over by what was done, and else why it is not."""
    if incident is None:
        return False, "nothing was opened."
    for each in played.lived:
        if not _is_done(each, stays):
            stands = (
                "; ".join(f"“{title}” {state}: {why}".rstrip(": .") for title, state, why in each.runs) or "no procedure runs"
            )
            asks = f", and nobody answers: {played.open_questions[0]}" if played.open_questions else ""
            return False, f"{_listed(each.still or each.alerts)} is not over ({stands}{asks})."
    if incident.runs and incident.runs[-1][1] != "succeeded" and not incident.enough:
        return False, f"“{incident.runs[-1][0]}” {incident.runs[-1][1]}, and it was well again by itself."
    if played.complaint is not None:
        return False, f"the estate says: {played.complaint}"
    return True, ""


def _times(incident: Lived, pace: float) -> tuple[float | None, float | None]:
    """Give how long recovery took in real seconds, and with detection and the book's own waits in the book's time."""
    ended_s = next((each for each in (incident.healthy_s, incident.resolved_s, incident.quiet_s) if each is not None), None)
    if ended_s is None or incident.fired_s is None:
        return None, None
    repair_s = max(0.0, ended_s - incident.fired_s) / pace
    waits_s = incident.waited_s * (1 - 1 / pace)
    return round(ended_s / pace, 1), round(incident.fired_s + repair_s + waits_s, 1)


def _is_one_of(found: str | None, wanted: Iterable[str]) -> bool:
    """Compare names as a person would: neither capitals nor spaces nor the marks around them count."""
    return found is not None and _plain(found) in {_plain(each) for each in wanted}


def _plain(name: str) -> str:
    return " ".join(name.casefold().replace("`", "").replace("*", "").split()).strip(" .:")


def _listed(names: Iterable[str]) -> str:
    return " or ".join(f"“{each}”" for each in names) or "none"

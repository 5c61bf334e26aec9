"""`watchkeeper measures`: how long incidents took, and how much people were paged."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import typer

from watchkeeper.actions.views.measures import MeasuresView, as_csv
from watchkeeper.actions.views.measures import measures as read_measures
from watchkeeper.base.durations import format_duration
from watchkeeper.cli.options import ConfigOption, print_json, say, with_app


class Group(StrEnum):
    """By what the incidents are grouped."""

    all = "all"
    severity = "severity"
    cause = "cause"
    procedure = "procedure"
    service = "service"
    month = "month"
    person = "person"
    promise = "promise"


class Form(StrEnum):
    """How it is printed."""

    text = "text"
    json = "json"
    csv = "csv"


def measures(
    days: Annotated[int, typer.Option(help="How many days back.", min=1, max=3660)] = 90,
    by: Annotated[Group, typer.Option(help="By what incidents are grouped.")] = Group.severity,
    config: ConfigOption = None,
    format: Annotated[Form, typer.Option(help="text, json or csv.")] = Form.text,
) -> None:
    """Give the mean times to detect, acknowledge, recover and resolve, and the pages of each person by night."""
    view = with_app(config, lambda app: read_measures(app, days, by.value))
    if format is Form.csv:
        print(as_csv(view), end="")
        return
    if format is Form.json:
        print_json({name: value for name, value in asdict(view).items() if name != "frame"})
        return
    if by is Group.promise:
        _print_promises(view)
        return
    if by is not Group.person:
        _print_times(view)
    for load in view.people:
        by_night = (
            f"{load.at_night} at night in {load.nights}, the worst had {load.worst_night}" if load.nights else "none at night"
        )
        say(f"{load.person}: {load.pages} pages, {by_night}")
    if not view.people:
        say(f"Nobody was paged in the last {days} days.")


def _print_promises(view: MeasuresView) -> None:
    say(f"{'month':8} {'severity':12} {'promise':10} {'promised':>10}  {'kept':>9}  {'longest':>10}")
    for each in view.promises:
        longest = _said(each.longest_s) if each.longest_s is not None else "never"
        kept = f"{each.kept} of {each.incidents}"
        say(f"{each.month:8} {each.severity[:12]:12} {each.promise:10} {_said(each.promised_s):>10}  {kept:>9}  {longest:>10}")
    if not view.promises:
        say(f"No incident of the last {view.days} days has a promise of the runbook and is reviewed.")


def _print_times(view: MeasuresView) -> None:
    say(f"{'':24} incidents    detect  acknowledge   recover   resolve  longest")
    for each in view.groups:
        times = [_said(t) for t in (each.mttd_s, each.mtta_s, each.mttm_s, each.mttr_s, each.longest_s)]
        say(f"{each.group[:24]:24} {each.incidents:9} {times[0]:>9} {times[1]:>12} {times[2]:>9} {times[3]:>9} {times[4]:>8}")
    if not view.groups:
        say(f"No incident of the last {view.days} days is over and reviewed.")
    if view.uncounted:
        say(f"{view.uncounted} more are over and have no review yet.")


def _said(seconds: float | None) -> str:
    return format_duration(seconds) if seconds is not None else "–"

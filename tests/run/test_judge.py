"""What status and output mean: tables."""

from __future__ import annotations

from datetime import datetime

import pytest
from run_cast import branch, command, expect

from watchkeeper.book.model import Command, Threshold
from watchkeeper.estate.model import Bindings, Bound
from watchkeeper.run.judge import judge_command, judge_condition, threshold_holds
from watchkeeper.run.model import Act
from watchkeeper.watch.model import Standing

CURL = command("curl -si localhost/health")
CODE = command("curl -s -o /dev/null -w '%{http_code}' localhost/health")
GREP = command("tail -100 log | grep -i error")
FIND = command("ctl status | grep RUNNING")


def act(cmd: Command, phase: str = "diagnose") -> Act:
    return Act("1.1", 1, "command", "Step", 1, phase=phase, command=cmd, risk=cmd.risk, expects=cmd.expects)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("cmd", "phase", "status", "output", "result", "sentence"),
    [
        (command("true"), "act", 0, "", "ok", "It ended with status 0."),
        (command("ctl x"), "act", 3, "no such\nprogram x.\n", "failed", "It ended with status 3: program x."),
        (command("ctl x"), "act", 127, "ctl: not found", "failed", "Status 127: there is no such program here."),
        (command("ctl x"), "act", None, "", "unknown", "Nobody saw how it ended."),
        (GREP, "diagnose", 1, "", "ok", "The search found nothing."),
        (GREP, "verify", 1, "", "ok", "The search found nothing."),
        (GREP, "verify", 0, "error: x\nerror: y\n", "failed", "The search for trouble found 2 lines."),
        (GREP, "diagnose", 0, "error: x\n", "ok", "It ended with status 0."),
        (GREP, "diagnose", 1, "tail: cannot open log\n", "failed", "It ended with status 1: tail: cannot open log."),
        (FIND, "verify", 1, "", "failed", "The search found nothing."),
        (
            FIND,
            "verify",
            3,
            "web RUNNING\n",
            "ok",
            "The search found one line; an earlier part of the pipeline ended with status 3.",
        ),
        (command("yes | head -1"), "act", 141, "y\n", "ok", "The last part of the pipeline had read enough."),
        (CURL, "verify", 0, "HTTP/1.1 200 OK\n\nfine", "ok", "It ended with status 0."),
        (
            CURL,
            "verify",
            0,
            "HTTP/1.1 301 Moved\n\nHTTP/2 503\n\n",
            "failed",
            "The answer was HTTP 503, though curl itself was content.",
        ),
        (CURL, "verify", 0, "HTTP/1.1 301 Moved\n\n", "failed", "HTTP 301 only points elsewhere; what is there was not seen."),
        (CURL, "diagnose", 0, "HTTP/1.1 308 Moved\n\n", "ok", "It ended with status 0."),
        (CODE, "verify", 0, "200", "ok", "It ended with status 0."),
        (CODE, "verify", 0, "502", "failed", "The answer was HTTP 502, though curl itself was content."),
        (CODE, "verify", 0, "000", "failed", "There was no HTTP answer, though curl itself was content."),
    ],
)
def test_a_command_is_judged_as_a_person_would(
    cmd: Command, phase: str, status: int | None, output: str, result: str, sentence: str
) -> None:
    outcome = judge_command(act(cmd, phase), status, output)
    assert (outcome.result, outcome.sentence) == (result, sentence)


@pytest.mark.parametrize(
    ("kind", "value", "status", "output", "met", "sentence"),
    [
        ("shows", "STOPPED", 3, "web  Stopped  pid 7", True, "It shows “STOPPED”."),
        ("shows", "running", 0, "web is not running", False, "It does not show “running”: web is not running."),
        ("lacks", "error", 0, "all well", True, "It does not show “error”."),
        ("lacks", "error", 0, "an ERROR", False, "It shows “error”."),
        ("lacks", "error", 2, "", False, "It ended with status 2."),
        ("empty", None, 0, " \n", True, "It printed no lines."),
        ("some", None, 0, "a\nb", True, "It printed 2 lines."),
        ("succeeds", None, 1, "", False, "It ended with status 1."),
        ("fails", None, 1, "", True, "It ended with status 1."),
        ("above", 90.0, 0, "count\n-----\n  95\n", True, "It gives 95, above 90."),
        ("below", 10.0, 0, "(integer) 1,204", False, "It gives 1204, above 10."),
        ("below", 10.0, 0, "nothing", False, "There is no number in what it printed: nothing."),
    ],
)
def test_what_the_book_expects_decides(
    kind: str, value: str | float | None, status: int, output: str, met: bool, sentence: str
) -> None:
    outcome = judge_command(act(command("ctl x", expects=expect(kind, value))), status, output)
    assert (outcome.result == "ok", outcome.sentence) == (met, sentence)


@pytest.mark.parametrize(
    ("cmd", "test", "status", "output", "holds"),
    [
        ("ctl status web", expect("shows", "STOPPED"), 3, "web STOPPED", True),
        ("ctl status web", expect("shows", "STOPPED"), 0, "web RUNNING", False),
        ("ctl status web", expect("shows", "STOPPED"), 127, "", None),
        ("ctl status web", expect("shows", "STOPPED"), None, "", None),
        ("test -e lock", None, 0, "", True),
        ("pgrep worker", None, 1, "", False),
        ("df -h", None, 0, "80%", None),
    ],
)
def test_a_condition_holds_or_not_or_a_person_says(
    cmd: str, test: object, status: int | None, output: str, holds: bool | None
) -> None:
    asked = branch("it is so", command(cmd), test)  # type: ignore[arg-type]
    assert judge_condition(asked, status, output)[0] == holds


def rate(value: float, op: str = ">", line: int = 3) -> Threshold:
    return Threshold(
        role="alert",
        subject="Error rate",
        metric="error_percent",
        op=op,
        value=value,
        unit="percent",
        line=line,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("asked", "state", "value", "holds", "sentence"),
    [
        (rate(5.0), "firing", 9.0, True, "it is at 9"),
        (rate(5.0), "ok", 1.0, False, "it is at 1"),
        (rate(20.0, line=8), "firing", 9.0, False, "Error rate is at 9: “> 20” does not hold."),
        (rate(2.0, line=8), "ok", 3.0, True, "Error rate is at 3: “> 2” holds."),
        (rate(5.0), "blind", None, None, "Nothing reads Error rate."),
    ],
)
def test_a_threshold_is_decided_by_its_reading(
    now: datetime, asked: Threshold, state: str, value: float | None, holds: bool | None, sentence: str
) -> None:
    bindings = Bindings((Bound("k", rate(5.0), "shop", "errors", "web", ""),))
    standing = Standing("k", state, now, None, value, now, f"it is at {value:g}" if value is not None else "")  # type: ignore[arg-type]
    assert threshold_holds(asked, bindings, [standing]) == (holds, sentence)

"""Verified only when the run succeeded and the thresholds held; every other case has its sentence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from watchkeeper.book.commands import make_command
from watchkeeper.run.model import Act, Plan, Run, RunState
from watchkeeper.run.model import Standing as ActStanding
from watchkeeper.verify.rules import judge
from watchkeeper.watch.model import Standing, State

NOW = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def run(state: RunState = "succeeded", ended: float | None = 70, verified: bool = True) -> Run:
    acts = (Act("1.1", 1, "command", "restart", 3, "act"), Act("2.1", 2, "command", "check", 4, "verify"))
    done = {"1.1": ActStanding("done"), **({"2.1": ActStanding("done")} if verified else {})}
    plan, why = Plan("restart", "Restart the shop", "d1", 1, acts), "Step 1 ended with exit status 1."
    over = None if ended is None else ago(ended)
    return Run("run-1", plan, "inc-1", None, None, "automation", ago(90), state, done, over, why)


def stand(state: State = "ok", since: float = 65, looked: float = 2, sentence: str = "up is 1.") -> Standing:
    return Standing("shop-down", state, ago(since), None, 1.0, ago(looked), sentence)


@pytest.mark.parametrize(
    ("done", "standing", "kind", "sentence"),
    [
        (run(), stand(), "verified",
         "Restart the shop succeeded, its 1 verification step passed, and its threshold has been healthy for 1 min 5 s."),
        (run(verified=False), stand(), "verified",
         "Restart the shop succeeded, it has no verification steps, and its threshold has been healthy for 1 min 5 s."),
        (None, stand(), "verified", "It recovered before anything was done: its threshold has been healthy for 1 min 5 s."),
        (run("cancelled"), stand(), "verified",
         "Its threshold has been healthy for 1 min 5 s; Restart the shop was cancelled, so it is not what helped."),
        (run(), stand(since=20), "waiting", "Its threshold has been healthy for 20 s of the 1 min that it must hold."),
        (run("failed"), stand(since=20), "failed", "Restart the shop failed: Step 1 ended with exit status 1."),
        (run("failed"), stand("firing"), "failed", "Restart the shop failed: Step 1 ended with exit status 1."),
        (run("failed"), stand(), "verified",
         "Its threshold has been healthy for 1 min 5 s; Restart the shop failed (Step 1 ended with exit status 1), "
         "so it is not what helped."),
        (run("running", None), stand(), "waiting", "Restart the shop is still running."),
        (run("asking", None), stand("firing"), "waiting",
         "Restart the shop is still asking a person; shop-down is still firing (up is 1)."),
        (run(), stand("firing"), "waiting", "Restart the shop ended 1 min 10 s ago; shop-down is still firing (up is 1)."),
        (run(ended=301), stand("firing"), "failed",
         "Restart the shop ended 5 min 1 s ago and shop-down is still firing (up is 1): it did not help."),
        (run(), stand("blind"), "waiting", "Restart the shop ended 1 min 10 s ago; shop-down is blind (up is 1)."),
        (run(), stand("pending"), "waiting", "Restart the shop ended 1 min 10 s ago; shop-down is breached (up is 1)."),
        (run(ended=1), stand(looked=2), "waiting", "Restart the shop has ended; shop-down was not looked at since."),
        (None, None, "waiting", "Shop-down was never looked at."),
        (None, stand("firing"), "waiting", "Shop-down is still firing (up is 1)."),
    ],
)  # fmt: skip
def test_verdicts(done: Run | None, standing: Standing | None, kind: str, sentence: str) -> None:
    found = judge(done, {"shop-down": standing}, None, 60, NOW)
    assert (found.kind, found.sentence) == (kind, sentence)
    if found.kind == "waiting" and (done is None or done.state == "succeeded"):
        assert found.again_at is not None
        assert found.again_at > NOW


@pytest.mark.parametrize(("begun", "helped"), [(80, True), (50, False)])
def test_what_a_stopped_run_had_changed_before_it_was_healthy_is_not_called_by_itself(begun: float, helped: bool) -> None:
    command = make_command("systemctl restart shop", 3, "bash")
    acts = (
        Act("1.1", 1, "command", "restart", 3, "act", command=command, risk="change"),
        Act("2.1", 2, "manual", "look", 5, "verify"),
    )
    plan = Plan("restart", "Restart the shop", "d1", 1, acts)
    stands = {"1.1": ActStanding("done", since=ago(begun)), "2.1": ActStanding("asking")}
    stopped = Run("run-1", plan, "inc-1", None, None, "automation", ago(90), "cancelled", stands, ago(5), "")
    sentence = judge(stopped, {"shop-down": stand(since=65)}, None, 60, NOW).sentence
    assert ("had carried out “systemctl restart shop” before that" in sentence, "not what helped" in sentence) == (
        helped,
        not helped,
    )


def test_all_thresholds_must_hold_from_the_last_that_came_back() -> None:
    found = judge(run(), {"a": stand(since=90), "b": stand(since=61)}, None, 60, NOW)
    assert (found.kind, found.healthy_since) == ("verified", ago(61))
    assert found.sentence.endswith("all 2 thresholds have been healthy for 1 min 1 s.")
    assert judge(run(), {"a": stand(since=90), "b": stand("pending", since=61)}, None, 60, NOW).kind == "waiting"
    assert judge(run(), {"a": stand(since=90)}, ago(30), 60, NOW).again_at == NOW + timedelta(seconds=30)


def test_an_incident_without_a_threshold_is_never_verified() -> None:
    assert judge(run(), {}, None, 60, NOW).sentence.endswith("nothing says that it is over; a person must.")

"""A procedure made into acts: what is done, what is left out and why, and the trip to JSON and back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from run_cast import branch, command, expect, plan_of, step

from watchkeeper.book.commands import make_command
from watchkeeper.book.model import Step, Threshold
from watchkeeper.book.reader import read_source
from watchkeeper.run.plan import plan, plan_from_json, plan_to_json

STOPPED = branch("it is stopped", command("ctl status"), expect("shows", "STOPPED"))
OVER = Threshold(role="alert", subject="Errors", op=">", value=5.0, line=7, actions=("look",))


def test_each_command_is_an_act_and_a_branch_one_question() -> None:
    made = plan_of(
        step(1, command("ctl status"), command("tail -5 log"), phase="diagnose"),
        step(2, command("ctl start web", "change"), condition=STOPPED),
        step(3, command("ctl start worker", "change"), condition=STOPPED, wait_s=5.0),
        step(4, phase="act", text="Call the provider", manual=True),
        step(5, command("curl -f localhost"), phase="verify"),
    )
    assert [(act.key, act.kind, act.branch) for act in made.acts] == [
        ("1.1", "command", None),
        ("1.2", "command", None),
        ("2.if", "condition", None),
        ("2.1", "command", "2.if"),
        ("3.1", "command", "2.if"),
        ("3.2", "wait", "2.if"),
        ("4.1", "manual", None),
        ("5.1", "command", None),
    ]


def test_what_is_left_out_says_why() -> None:
    made = plan_of(
        step(1, text="Look at the dashboard", phase="diagnose", manual=True),
        step(2, command("mystat --live", endless=True), phase="diagnose"),
        step(3, command("mystat --ask", "read", interactive=True), phase="verify"),
        step(
            4,
            command("systemctl restart web", "change", alternative="systemd"),
            command("docker restart web", "change", alternative="docker"),
        ),
        step(5, phase="prevent", text="Add a monitor"),
        step(6, phase="communicate", text="Tell the customers"),
        platform="docker",
    )
    assert {act.key: (act.kind, act.skip) for act in made.acts} == {
        "1.1": ("manual", "Left to people: the book gives no command for this look."),
        "2.1": ("command", "It never ends by itself, so it is left to people."),
        "3.1": ("manual", None),
        "4.1": ("command", "Meant for systemd; the estate runs on docker."),
        "4.2": ("command", None),
        "5.1": ("manual", "Left to people: it prevents the next time and repairs nothing now."),
        "6.1": ("manual", "Left to people: it is a message, not an act on the system."),
    }
    assert made.acts[2].text == "Step 3 — it waits for somebody to type, so a person runs: mystat --ask"


def test_an_endless_look_runs_as_its_twin_and_says_so() -> None:
    made = plan_of(step(1, command("tail -f app.log", endless=True), phase="diagnose", text="Follow the log"))
    act = made.acts[0]
    assert act.command is not None
    assert (act.kind, act.skip, act.risk, act.command.text, act.command.endless) == (
        "command",
        None,
        "read",
        "tail -n 200 app.log",
        False,
    )
    assert "`tail -f app.log`" in act.text
    assert "`tail -n 200 app.log`" in act.text


def test_without_a_platform_the_first_alternative_counts() -> None:
    made = plan_of(step(1, command("a", "change", alternative="docker"), command("b", "change", alternative="kubernetes")))
    assert [act.skip for act in made.acts] == [None, "Meant for kubernetes; the alternative for docker comes first."]


def test_a_plan_survives_json() -> None:
    made = plan_of(
        step(1, command("ctl status", placeholders=("$HOST",), expects=expect("above", 3.0)), phase="diagnose", caution="slow"),
        step(2, command("SELECT 1", language="sql"), condition=STOPPED),
        step(3, command("x", "destroy"), condition=branch("errors", threshold=OVER, line=9)),
        step(4, condition=branch("that fails", after_failure=True, line=11), wait_s=60.0),
    )
    assert plan_from_json(json.loads(json.dumps(plan_to_json(made)))) == made
    assert plan_from_json({**plan_to_json(made), "of_a_later_release": 1}) == made


@pytest.mark.parametrize(
    ("text", "cautioned"),
    [
        ("curl https://status.stripe.com/", True),
        ("curl -s https://www.githubstatus.com", True),
        ("curl -s https://status.stripe.com/api/v2/status.json", False),
        ("curl -s http://localhost/health", False),
    ],
)
def test_a_page_of_status_for_people_is_said_to_prove_nothing(text: str, cautioned: bool) -> None:
    asked = step(1, command(text), phase="verify")
    (act,) = plan_of(asked).acts
    assert ("does not prove that the service is well" in (act.caution or "")) is cautioned


@pytest.mark.parametrize(
    ("expects", "states"), [(expect("shows", "200"), True), (expect("succeeds"), True), (expect("shows", "fine"), False)]
)
def test_a_request_of_which_a_status_is_expected_prints_it(expects: Any, states: bool) -> None:
    asked = step(1, command("curl http://localhost/health", expects=expects), phase="verify")
    (act,) = plan_of(asked).acts
    assert act.command is not None
    assert ("http_code" in act.command.text) is states


@pytest.mark.parametrize(
    ("text", "risk"),
    [
        ("./scripts/verify-backups.sh", "unknown"),
        ("make test && uptime", "unknown"),
        ("ssh db1 './check-replication.sh --dry-run'", "unknown"),
        ("./deploy.sh", "change"),
        ("uptime", "read"),
        ("git status", "read"),
    ],
)
def test_a_script_that_only_reads_by_its_name_is_unknown_until_a_person_says_so(text: str, risk: str) -> None:
    made = make_command(text, 1, "bash")
    [act] = plan_of(Step(n=1, text="Look", line=1, phase="diagnose", commands=(made,))).acts
    assert act.risk == risk
    assert made.believed == (risk == "unknown")


def test_a_condition_of_which_nothing_follows_on_this_platform_is_not_asked() -> None:
    text = (
        "# Shop\n\n## Shop is slow\n\n**If `curl -f http://x/health` fails:** restart it.\n\nOn Docker Compose:\n\n```bash\n"
        "docker compose restart shop\n```\n\nOn Kubernetes:\n\n```bash\nkubectl rollout restart deployment/shop\n```\n"
    )
    book = read_source("r.md", text)
    asked = [act.skip is None for act in plan(book, book.procedures[0], "docker").acts if act.kind == "condition"]
    assert asked[-1] is False
    assert any(asked)

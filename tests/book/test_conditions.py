"""Which branch conditions can be decided, and by what."""

import pytest

from watchkeeper.book.model import Condition, Step
from watchkeeper.book.read.procedures import read_procedures
from watchkeeper.text.markdown import read_text

CHECKS = (
    "## Checkout down\n\n**Diagnosis**:\n1. Workers: `supervisorctl status`\n"
    "2. Health: `curl -fsS http://127.0.0.1:8080/health`\n\n**Resolution**:\n"
)


def steps(branches: str) -> tuple[Step, ...]:
    (procedure,) = read_procedures(read_text(CHECKS + branches))[0]
    return procedure.steps[2:]


def condition(words: str) -> Condition | None:
    return steps(f"\n**If {words}**:\n```bash\nsystemctl restart shop\n```\n")[0].condition


@pytest.mark.parametrize(("words", "command", "kind", "value"), [
    ("`supervisorctl status` shows STOPPED or EXITED", "supervisorctl status", "shows", "STOPPED"),
    ("`df -h /` reports more than 80", "df -h /", "above", 80.0),
    ("`curl -f http://x/health` fails", "curl -f http://x/health", "fails", None),
    ("`curl -f http://x/health` does not answer", "curl -f http://x/health", "fails", None),
    ("`journalctl -p err` prints nothing", "journalctl -p err", "empty", None),
    ("`systemctl is-active shop` is not active", "systemctl is-active shop", "lacks", "active"),
    ("`systemctl is-active shop` does not show active", "systemctl is-active shop", "lacks", "active"),
    ("`systemctl is-active shop` no longer says \"active\"", "systemctl is-active shop", "lacks", "active"),
    ("`systemctl is-active shop` doesn't say active or reloading", "systemctl is-active shop", "lacks", "active"),
    ("`curl -f http://x/health` still fails", "curl -f http://x/health", "fails", None),
    ("`curl -f http://x/health` does not return", "curl -f http://x/health", "fails", None),
    ("it shows 'refused'", "curl -fsS http://127.0.0.1:8080/health", "shows", "refused"),
    ("it shows Let's Encrypt", "curl -fsS http://127.0.0.1:8080/health", "shows", "Let's Encrypt"),
    ("it shows \"Let's Encrypt\"", "curl -fsS http://127.0.0.1:8080/health", "shows", "Let's Encrypt"),
    ("the first check shows FATAL", "supervisorctl status", "shows", "FATAL"),
    ("the second check fails", "curl -fsS http://127.0.0.1:8080/health", "fails", None),
])  # fmt: skip
def test_what_a_command_says_decides(words: str, command: str, kind: str, value: object) -> None:
    found = condition(words)
    assert found is not None
    assert found.command is not None
    assert found.test is not None
    assert (found.command.text, found.test.kind, found.test.value) == (command, kind, value)
    assert found.command.risk == "read"


def test_a_metric_decides_by_its_threshold() -> None:
    found = condition("error rate is above 5%")
    assert found is not None
    assert found.threshold is not None
    assert (found.threshold.subject, found.threshold.op, found.threshold.value, found.threshold.unit) == (
        "error rate",
        ">",
        5.0,
        "percent",
    )


@pytest.mark.parametrize("words", ["that fails", "restart doesn't help", "this does not work", "the problem persists"])
def test_the_step_before_decides(words: str) -> None:
    found = condition(words)
    assert found is not None
    assert found.after_failure


@pytest.mark.parametrize(
    "words",
    ["customers complain", "safe", "needed", "you know the cause", "the shop is in maintenance mode", "`rm -rf /x` fails"],
)
def test_what_nobody_said_how_to_see_is_asked(words: str) -> None:
    assert condition(words) is None


def test_otherwise_is_the_other_side_of_the_branch_before() -> None:
    branches = steps(
        "\n**If the second check fails**:\n```bash\nreboot\n```\n\n**Otherwise**:\n```bash\nsystemctl restart shop\n```\n"
    )
    found = branches[1].condition
    assert found is not None
    assert found.test is not None
    assert found.test.kind == "succeeds"


def test_a_branch_within_a_branch_is_asked() -> None:
    (only,) = steps("\n**If error rate is above 5%**:\n- If the second check fails, restart the shop: `systemctl restart shop`\n")
    assert (only.condition, only.commands[0].text) == (None, "systemctl restart shop")


def test_the_command_of_a_condition_is_not_a_command_of_the_step() -> None:
    (only,) = steps("\n- If `df -h /` reports more than 80, run `docker system prune -f`\n")
    assert [command.text for command in only.commands] == ["docker system prune -f"]
    assert only.condition is not None

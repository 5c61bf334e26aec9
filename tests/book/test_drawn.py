"""A decision drawn in a fence gives its steps, each under every answer that leads to it; one that asks nothing gives none."""

from __future__ import annotations

import pytest

from watchkeeper.book.model import Step
from watchkeeper.book.read.drawn_branches import read_drawn
from watchkeeper.book.reader import read_source


def steps(drawing: str, fence: str = "```") -> list[Step]:
    book = read_source("book.md", f"# Depot\n\n## Queue stuck\n\n{fence}\n{drawing}\n{fence[:3]}\n")
    return [step for procedure in book.procedures for step in procedure.steps]


def told(drawing: str, fence: str = "```") -> list[tuple[str | None, str, int]]:
    return [(step.when, step.text, step.line) for step in steps(drawing, fence)]


TREE = """Alert fires
├── Is the queue longer than 1000?
│   ├── YES → Is the worker running?
│   │   ├── YES → Add a worker: docker compose up -d --scale worker=4
│   │   └── NO → Restart it: `systemctl restart depot-worker`
│   └── NO → Wait 10 minutes
└── Log a ticket"""


def test_a_tree_combines_the_answers_above_each_step() -> None:
    assert told(TREE) == [
        ("the queue is longer than 1000, and the worker is running", "Add a worker: docker compose up -d --scale worker=4", 9),
        ("the queue is longer than 1000, and the worker is not running", "Restart it: systemctl restart depot-worker", 10),
        ("the queue is not longer than 1000", "Wait 10 minutes", 11),
        (None, "Log a ticket", 12),
    ]
    assert [[(c.text, c.line) for c in step.commands] for step in steps(TREE)][:2] == [
        [("docker compose up -d --scale worker=4", 9)],
        [("systemctl restart depot-worker", 10)],
    ]


def test_nobody_but_a_person_decides_two_answers_at_once() -> None:
    first, _, third, _ = steps(TREE)
    assert first.condition is None
    assert third.when is not None


@pytest.mark.parametrize("arrow", ["→", "->", "-->", "─▶", "=>"])
def test_a_flow_goes_on_with_the_other_answer(arrow: str) -> None:
    flow = (
        f"Is the shop down? {arrow} YES {arrow} Restart it\n    ↓ NO\n"
        f"Is error rate > 10%? {arrow} YES {arrow} Roll back\n   ↓ NO\nClose it"
    )
    assert told(flow, "```text") == [
        ("the shop is down", "Restart it", 6),
        ("the shop is not down, and error rate > 10%", "Roll back", 8),
        ("the shop is not down, and error rate <= 10%", "Close it", 10),
    ]


def test_an_answer_that_only_goes_on_holds_for_what_follows() -> None:
    tree = (
        "├── Is the shop up?\n│   ├── No → Page the lead\n│   └── Yes → Continue\n"
        "├── Is CPU > 90%?\n│   ├── Yes → Scale out\n│   └── No → Continue\n└── → Log a ticket"
    )
    assert [when for when, _, _ in told(tree)] == [
        "the shop is not up",
        "the shop is up, and CPU > 90%",
        "the shop is up, and CPU <= 90%",
    ]


def test_questions_beside_each_other_do_not_hang_on_each_other() -> None:
    tree = "├─ Pod missing?\n│  └─ Go to section 1\n└─ Keys lost?\n   └─ Go to section 2"
    assert [(when, text) for when, text, _ in told(tree)] == [
        ("Pod missing", "Go to section 1"),
        ("Keys lost", "Go to section 2"),
    ]


def test_an_indented_block_by_its_indentation() -> None:
    source = (
        "# Depot\n\n## Slow\n\n    Is CPU > 90%?\n      YES: Scale out\n      NO: Does the pooler answer?\n"
        "        YES: Page the lead\n        NO: Restart the pooler\n"
    )
    (procedure,) = read_source("book.md", source).procedures
    assert [(s.when, s.text, s.line) for s in procedure.steps] == [
        ("CPU > 90%", "Scale out", 6),
        ("CPU <= 90%, and Does the pooler answer? yes", "Page the lead", 8),
        ("CPU <= 90%, and Does the pooler answer? no", "Restart the pooler", 9),
    ]


def test_both_answers_on_one_line() -> None:
    assert told("Is the queue > 100? YES: Add a worker / NO: Page the lead") == [
        ("the queue > 100", "Add a worker", 6),
        ("the queue <= 100", "Page the lead", 6),
    ]


def test_boxes_with_arrows_down_and_aside() -> None:
    boxes = (
        "+-------------------+\n| Is the disk full? |──YES──▶ Delete old logs\n+-------------------+\n         │ NO\n         ▼\n"
        "┌───────────────────┐\n│ Is the queue full?│──YES──▶ Add a worker\n└───────────────────┘\n         │ NO\n         ▼\n"
        "   Page the storage lead"
    )
    assert [(when, text) for when, text, _ in told(boxes)] == [
        ("the disk is full", "Delete old logs"),
        ("the disk is not full, and the queue is full", "Add a worker"),
        ("the disk is not full, and the queue is not full", "Page the storage lead"),
    ]


def test_answers_of_their_own_and_cases_without_a_question() -> None:
    tree = "Which part is short?\n├── CPU → Scale out\n└── Memory → Restart the worker\nIf the pool is full → Restart the pooler"
    assert [(when, text) for when, text, _ in told(tree)] == [
        ("Which part is short? CPU", "Scale out"),
        ("Which part is short? Memory", "Restart the worker"),
        ("the pool is full", "Restart the pooler"),
    ]


def test_commands_on_lines_of_their_own_stay_under_their_answer() -> None:
    tree = (
        "Does the shop answer?\n  Yes:\n    Look at the queue:\n      $ redis-cli llen jobs\n"
        "  No:\n    kubectl rollout restart deploy/shop"
    )
    found = steps(tree)
    assert [(s.when, [c.text for c in s.commands]) for s in found] == [
        ("Does the shop answer? yes", ["redis-cli llen jobs"]),
        ("Does the shop answer? no", ["kubectl rollout restart deploy/shop"]),
    ]


def test_another_language() -> None:
    tree = "Ist die Fehlerrate > 5%?\n├── Ja → Team benachrichtigen\n└── Nein → Ticket schließen"
    assert [text for _, text, _ in told(tree)] == ["Team benachrichtigen", "Ticket schließen"]
    assert all(when and "Fehlerrate" in when for when, _, _ in told(tree))


@pytest.mark.parametrize(
    "drawing",
    [
        "src/\n├── api/\n│   ├── restart.sh\n│   └── is_up.py\n└── README.md",
        "┌──────┐\n│ web  │\n└──┬───┘\n   ▼\n┌──────┐\n│  db  │\n└──────┘",
        "client → gateway → shop → db",
        "What happened? The shop was down -> we are sorry.\nWhat do we do? We restore.",
        "Restore everything? [y/N]",
        "docs/\n├── faq?.md\n└── no/",
    ],
)
def test_a_drawing_that_asks_nothing_gives_nothing(drawing: str) -> None:
    assert read_drawn(drawing, 1) is None


def test_a_fork_into_columns_is_named_as_not_understood() -> None:
    fork = "    Is the primary up?\n      |\n  yes | no\n  +---+---+\n  |       |\nCheck   Promote"
    book = read_source("book.md", f"# Depot\n\n## Primary lost\n\n```\n{fork}\n```\n")
    assert book.procedures == ()
    assert [u.line for u in book.unread] == [6]


@pytest.mark.parametrize(
    "drawing", ["?\n", "├── ?\n└── yes →", "yes → x?\nno → ", "Is it? → → →\n↓\n↓ no\n", "? yes: ? no: ?" * 50]
)
def test_broken_drawings_end(drawing: str) -> None:
    read_drawn(drawing, 1)

"""What a tired person reads at the end of a drill: nothing is cut, in a narrow terminal and in a wide one."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from watchkeeper.cli.drill import table_of
from watchkeeper.drill.model import Judged

ROW = Judged(
    fault="primary-killed-replica-behind", sentence="The primary dies.", pace=20, verdict="green", why=(),
    detected_s=221.0, detected_book_s=4416.0, recovered_s=229.0, recovered_book_s=4425.0, alert="PostgreSQL is down",
    severity="critical", procedure="Failover when the primary database is lost", cause="PostgreSQL", severity_right=True,
    procedure_right=True, cause_right=True, approvals=1, thought_s=5.0, recovered=True, promise_s=14400.0, promise_kept=True,
    harm=(), acknowledged=3, waits_for="",
)  # fmt: skip
WAITS = replace(ROW, fault="chat-away", verdict="waits", recovered=False, waits_for="whoever runs the chat")


def printed(width: int) -> str:
    out = io.StringIO()
    Console(file=out, width=width).print(table_of("market", [ROW, WAITS], width))
    return out.getvalue()


@pytest.mark.parametrize("width", [80, 100, 140, 200])
def test_nothing_is_cut(width: int) -> None:
    text = printed(width)
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width
    for word in (ROW.fault, "recovered", "229 s", "4 h", "waits", "harm"):
        assert word in text


def test_what_a_narrow_terminal_has_no_room_for_is_said() -> None:
    narrow, wide = printed(80), printed(140)
    assert "The other columns need a terminal of 140 columns, or --format json." in narrow
    assert "need a terminal" not in wide
    for word in ("procedure", "Failover", "(4425 s)", "critical"):
        assert word in wide
        assert word not in narrow

"""Amounts in an output: whose row is meant, and which of its numbers."""

from __future__ import annotations

import pytest

from watchkeeper.book.read.conditions import condition_of
from watchkeeper.run.expected import meets_amount

STATS = """CONTAINER ID   NAME         CPU %     MEM USAGE / LIMIT   MEM %     NET I/O     BLOCK I/O   PIDS
277ab0000000   shop_app_1   {cpu}%    50MiB / 192MiB      26.04%    1kB / 2kB   0B / 0B     22
3b0000000000   shop-db      12.00%    250MiB / 256MiB     97.66%    1kB / 2kB   0B / 0B     22
"""


@pytest.mark.parametrize(("words", "cpu", "holds"), [
    ("`docker stats --no-stream` shows app above 90%", "95.12", True),
    ("`docker stats --no-stream` shows app above 90%", "5.12", False),
    ("`docker stats --no-stream` shows the app above 90%", "5.12", False),
    ("`docker stats --no-stream` shows db above 90%", "5.12", True),
])  # fmt: skip
def test_of_a_table_the_row_that_is_named_counts_and_of_it_what_is_in_percent(words: str, cpu: str, holds: bool) -> None:
    condition = condition_of(words, 1, [])
    assert condition is not None
    assert condition.test is not None
    assert meets_amount(condition.test, condition.command, STATS.format(cpu=cpu))[0] is holds

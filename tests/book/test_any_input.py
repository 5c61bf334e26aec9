"""Whatever a file holds, reading it never raises, and the work grows with the size alone."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from watchkeeper.book.contract import to_contract
from watchkeeper.book.reader import read_source

SOAK = os.environ.get("WATCHKEEPER_TEST_SOAK") == "1"
EXAMPLES = 10_000 if SOAK else 40
LIMIT_S = 2.0

PIECES = (
    "# Shop\n",
    "## Alerts (P1)\n",
    "### 1. Restart\n",
    "**If it is down**:\n",
    "- shop down for 10 seconds\n",
    "1. Restart it:\n",
    "   ```bash\n   docker compose restart shop\n   ```\n",
    "```sql\nSELECT count(*) FROM orders WHERE age > '5 min';\n```\n",
    "```\nAlert: queue > 500 for 5m\nResponse: immediate\n```\n",
    "| Metric | Warning | Critical |\n|---|---|---|\n| CPU | > 70% | 90% |\n",
    "| Level | Who | After |\n|---|---|---|\n| 1 | Anna | 5 min |\n",
    "front → api → ledger-db\n",
    "- Anna: +49 151 1234567, anna@shop.example\n",
    "- [ ] tell Ben\n",
    "RTO: 2 hours | RPO: 15 minutes\n",
    "Every first Sunday of the month, 2-4 AM UTC\n",
    "0 3 * * 0 pg_dump shop\n",
    "> **Subject:** [TITLE]\n",
    "<table><tr><td>P1</td><td>5 min</td></tr></table>\n",
    "<!-- hidden\n",
    "```yaml\n- alert: Down\n  expr: up == 0\n",
    "~~~\n",
    "---\nowner: anna\n---\n",
    "┌───┬───┐\n│ A │ B │\n├───┼───┤\n│ P0│ 5m│\n└───┴───┘\n",
    "Grow by 40% in 6 months and storage by 20%\n",
    "エラー率が5%以上（5分継続）\n",
    "Wenn mehr als 1.000 warten, melden.\n",
    '$(curl `x` | sh) && rm -rf "$X\n',
    "\n",
    "    indented\n",
    "****",
    "||",
    "\t",
    "!!! warning\n    never\n",
    "Expected: less than 5\n",
    "P1 (Critical) - all of it - respond in 5 minutes\n",
    "\x00",
    "\ufeff",
    "\u202e",
    "{{< x >}}",
)


def read(source: str | bytes) -> None:
    """Read a text as the command does."""
    to_contract(read_source("any.md", source))


def seconds(source: str | bytes) -> float:
    """Read a text, and give the seconds of processor that it took; a soak alone judges them."""
    began = time.process_time()
    read(source)
    return time.process_time() - began


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Pieces of runbooks in any order, with characters put in, taken out and doubled."""
    text = "".join(draw(st.lists(st.sampled_from(PIECES) | st.text(max_size=40), max_size=40)))
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(st.text(max_size=4)) + text[at + draw(st.integers(0, 8)) :]
    return text


CALM = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=not SOAK)


@CALM
@given(documents())
def test_no_document_raises(source: str) -> None:
    read(source)


@CALM
@given(st.binary(max_size=4000))
def test_no_bytes_raise(source: bytes) -> None:
    read(source)


REPEATED = (
    "5% > ",
    "1,",
    "a@b.",
    "**a",
    "[x](",
    "`",
    "| a ",
    "> ",
    "- a\n",
    "P1: ",
    "12-",
    "every ",
    "$X ",
    "a → ",
    "(5 min ",
    "If a, ",
    "é>5 ",
    "0 ",
)


@pytest.mark.parametrize("piece", REPEATED)
def test_repetition_costs_no_more_than_its_length(piece: str, growth: Callable[[Callable[[int], object]], float]) -> None:
    assert growth(lambda size: read(piece * (size * 600 // len(piece)))) < 2.6


BLANKS = " " * 2000


@pytest.mark.parametrize(
    "source",
    [
        "```\nAlert: P9" + "R" * 80 + "5 of the response time > 5 seconds\n```\n",
        f"```bash\nGRANT{BLANKS}x\n```\n",
        f"```yaml\nquery: avg(last_5m):{BLANKS}x\n```\n",
        f"## Escalation\n1. page{BLANKS}x,\n2. page{BLANKS}x if not answered in 5 min{BLANKS},\n",
        f"RTO{BLANKS}x **a{BLANKS}b**:{BLANKS}c `d{BLANKS}e`\n",
        f"| P1{BLANKS}x | 5{BLANKS}y |\n|---|---|\n| a{BLANKS} | < 5{BLANKS}% |\n",
        "```\n" + "|" * 2000 + "x\n```\n",
        "```bash\nsystemd-run -" + "S" * 2000 + "\n```\n",
    ],
)
def test_what_once_took_for_ever(source: str) -> None:
    """A pattern that tries every way of cutting a text would not come back from these before the patience of CI ends."""
    read("# Shop\n" + source)


@pytest.mark.soak
@CALM
@given(documents())
def test_no_document_takes_long(source: str) -> None:
    assert seconds(source) < LIMIT_S


@pytest.mark.soak
@pytest.mark.parametrize("piece", REPEATED)
def test_no_repetition_takes_long(piece: str) -> None:
    assert seconds(piece * (20_000 // len(piece))) < LIMIT_S


@pytest.mark.soak
def test_time_grows_with_the_size_up_to_the_largest() -> None:
    page = "".join(PIECES[:20]).replace("<!-- hidden\n", "") + "```\n\n"
    small = seconds(page * (500_000 // len(page)))
    large = seconds(page * (5_000_000 // len(page)))
    assert large < small * 15

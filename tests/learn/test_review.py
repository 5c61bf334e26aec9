"""The review: everything in it, nothing made up, and hostile text stays text."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from watchkeeper.alert.model import Alert
from watchkeeper.book.model import Book, Command, Condition, Recovery, Severity, Threshold
from watchkeeper.estate.model import Bindings, Unbound
from watchkeeper.incident import ledger as incidents
from watchkeeper.incident.model import Entry, Incident
from watchkeeper.learn import review
from watchkeeper.learn.draft import draft
from watchkeeper.learn.ledger import get_review
from watchkeeper.learn.markdown import fence, table, text
from watchkeeper.run.model import Act, Outcome, Plan, Run, Standing
from watchkeeper.store.database import Database
from watchkeeper.tell.model import Notice

NOON = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def command(line: str) -> Command:
    return Command(line=9, text=line)


BOOK = Book(title="Shop", service="shop", severities=(Severity(line=2, code="P1", respond_within_s=300),),
            recovery=(Recovery(line=50, kind="rto", subject="Shop application", seconds=20),))  # fmt: skip
INCIDENT = Incident("inc-1", "shop", "Shop application is down", "P1", "resolved", "Shop application", at(0), at(12),
                    recovered_at=at(25), resolved_at=at(40), because="Its symptoms name the shop.", book="d1")  # fmt: skip
ALERTS = [
    Alert("alt-1", "shop-down", "Shop", "Shop application", "P1", at(0), at(11), at(25), 0.0, "It is down.", "inc-1"),
    Alert(
        "alt-2",
        "lb",
        "Load balancer",
        "Load balancer",
        "P1",
        at(3),
        at(14),
        at(27),
        0.0,
        "It answers 503.",
        "inc-1",
        "Shop application",
    ),
]
ACTS = (
    Act("1.1", 1, "condition", "If the process is gone:", 8, condition=Condition(line=8, text="the process is gone")),
    Act("1.2", 1, "command", "Start it", 9, "act", command("supervisorctl start shop"), "change", "1.1"),
    Act("2.1", 2, "command", "Clear the cache", 10, "act", command("redis-cli flushall"), "destroy"),
    Act("3.1", 3, "command", "It answers", 11, "verify", command("curl -f localhost/health")),
)
RUN = Run(
    "run-1", Plan("restart", "Restart the shop", "d1", 7, ACTS), "inc-1", "P1", None, "automation", at(13), "succeeded",
    {
        "1.1": Standing("done", outcome=Outcome("ok", 0, "", at(13), at(14), "The output shows STOPPED.", True)),
        "1.2": Standing("done", 1, Outcome("ok", 0, "shop: started\n", at(14), at(18), "Exit status 0.")),
        "2.1": Standing("skipped", sentence="Ben refused it."),
        "3.1": Standing("done", 2, Outcome("ok", 0, '{"ok": true}', at(18), at(20), "Exit status 0.")),
    },
    at(20), "All steps were done.",
)  # fmt: skip
ENTRIES = [
    Entry("inc-1", 1, at(11), "alert", "automation", "It is down."),
    Entry("inc-1", 2, at(12), "opened", "automation", "Incident opened."),
    Entry("inc-1", 3, at(14), "told", "automation", "Anna was told by json at 12:00:14 (initial)."),
    Entry("inc-1", 4, at(15), "not-told", "automation", "Level 2 of the ladder reaches nobody."),
]  # fmt: skip
NOTICES = [Notice("n1", "inc-1", "anna", "initial", "s", "b", "sent", 1, at(12), at(14), "json")]
UNBOUND = Unbound(
    "cpu", Threshold(line=70, role="alert", subject="CPU", op=">", value=80), "CPU > 80 % (line 70) is watched by no signal."
)


def write(**changes: object) -> str:
    values = {
        "book": BOOK,
        "incident": INCIDENT,
        "alerts": ALERTS,
        "entries": ENTRIES,
        "runs": [RUN],
        "notices": NOTICES,
        "now": at(41),
    }
    return draft(**(values | changes), bindings=Bindings(unbound=(UNBOUND,)), findings=["Level 2 reaches nobody."])  # type: ignore[arg-type]


def part(markdown: str, heading: str) -> str:
    return markdown.split(f"## {heading}\n\n")[1].split("\n\n## ")[0].strip()


def test_the_summary_says_what_happened_in_five_sentences() -> None:
    assert part(write(), "Summary") == (
        "Shop application is down, first seen at 12:00:00. "
        "An alert fired 11 s later, when the breach had held as long as the book asks. "
        "“Restart the shop” was carried out by itself and succeeded. The service was healthy again after 25 s. "
        "Of the book's promises response was kept and recovery was broken."
    )


def test_cause_and_what_followed_from_it() -> None:
    assert part(write(), "Impact and cause").splitlines() == [
        "- Cause, as far as the alerts tell: Shop application.", "- Shop: It is down.",
        "- Load balancer followed from Shop application: It answers 503.", "- Procedure chosen: Its symptoms name the shop.",
    ]  # fmt: skip


def test_the_timeline_counts_from_the_breach() -> None:
    rows = part(write(), "Timeline").splitlines()
    assert rows[2] == "| 12:00:00 | 0 s |  | The breach began. |"
    assert rows[5] == "| 12:00:14 | +14 s | automation | Anna was told by json at 12:00:14 (initial). |"


def test_measured_beside_promised() -> None:
    found = part(write(), "Promised and measured")
    assert "| Response (incident to first action) | 1 s | 5 min | kept |" in found
    assert "| Recovery (breach to healthy again) | 25 s | 20 s | broken |" in found
    assert "| Acknowledgement by a person | did not happen |  |  |" in found
    assert "- Recovery was promised within 20 s (Shop application, line 50); it took 25 s." in found


def test_what_ran_with_branches_and_output() -> None:
    found = part(write(), "What was done")
    assert found.startswith(
        "### Restart the shop (line 7 of the runbook)\n\nStarted at 12:00:13 by automation; succeeded in 7 s."
    )
    assert "**1.1 If the process is gone**: it holds. The output shows STOPPED." in found
    assert (
        "**1.2 Start it**: ok, exit status 0, 4.0 s. Exit status 0.\n\n```bash\nsupervisorctl start shop\n```"
        in found.replace(", 4 s.", ", 4.0 s.")
    )
    assert "<details><summary>Output, 1 line</summary>\n\n```\nshop: started\n```\n\n</details>" in found
    assert "**2.1 Clear the cache**: skipped. Ben refused it." in found
    assert "redis-cli flushall" not in found
    assert "**3.1 It answers**: ok, exit status 0, 2 s, attempt 2." in found


def test_who_was_told_and_what_is_missing_and_to_do() -> None:
    markdown = write()
    assert "| anna | initial | 12:00:12 | sent at 12:00:14 by json |  |" in part(markdown, "Who was told")
    assert part(markdown, "What is missing").splitlines() == [
        "- No person took the incident, so it has no owner.",
        "- Step 2.1 of “Restart the shop” was not done (skipped): Clear the cache. Ben refused it.",
        "- Level 2 of the ladder reaches nobody.", "- Level 2 reaches nobody.",
        "- CPU &gt; 80 % (line 70) is watched by no signal.",
    ]  # fmt: skip
    assert part(markdown, "To do").splitlines() == [
        "- [ ] Find out why Shop application broke; Watchkeeper knows only what it saw.", "- [ ] Name an owner for this review.",
        "- [ ] Keep the promise of recovery next time, or change it: "
        "Recovery was promised within 20 s (Shop application, line 50); it took 25 s.",
        "- [ ] Give the ladder somebody who can be reached: Level 2 reaches nobody.",
    ]  # fmt: skip


def test_an_incident_that_healed_by_itself() -> None:
    markdown = write(runs=[], notices=[], incident=replace(INCIDENT, acknowledged_by="anna", acknowledged_at=at(13)))
    assert "No procedure was carried out." in part(markdown, "Summary")
    assert part(markdown, "Who was told") == "Nobody."
    assert "no owner" not in markdown


def test_the_same_rows_make_the_same_text() -> None:
    assert write() == write()


def html(markdown: str) -> str:
    return str(MarkdownIt("commonmark").enable("table").render(markdown))


@given(
    st.text(max_size=200)
    | st.sampled_from(["<script>alert(1)</script>", "# x", "- x", "1. x", "| a |", "[x](javascript:1)", "```\nx"])
)
def test_hostile_text_stays_text(hostile: str) -> None:
    rendered = html(f"- {text(hostile)}")
    assert rendered.count("<li>") == 1
    for tag in ("<script", "<h1", "<a ", "<img", "<code", "<em", "<strong", "<ol", "<blockquote", "<hr"):
        assert tag not in rendered
    assert rendered.count("<ul>") == 1
    assert html(table(("a", "b"), [(hostile, "end")])).count("<td>") == 2


@given(st.text(alphabet=st.sampled_from("`~\n x\x1b[31m</details>"), max_size=300))
def test_output_cannot_leave_its_fence(hostile: str) -> None:
    tokens = MarkdownIt("commonmark").parse(f"before\n\n{fence(hostile)}\n\nafter")
    assert [t.type for t in tokens] == [
        "paragraph_open",
        "inline",
        "paragraph_close",
        "fence",
        *["paragraph_open", "inline", "paragraph_close"],
    ]


def test_long_output_keeps_its_head_and_tail() -> None:
    found = fence("\n".join(f"line {n}" for n in range(1000))).splitlines()
    assert len(found) == 63
    assert (found[1], found[31], found[-2]) == ("line 0", "… 940 lines left out …", "line 999")


def test_a_review_is_kept_as_row_and_file(database: Database, now: datetime, tmp_path: Path) -> None:
    database.write_now(lambda c: incidents.open_incident(c, INCIDENT))
    for _ in range(2):
        database.write_now(lambda c: review.write(c, BOOK, Bindings(), INCIDENT, now, tmp_path))
    kept = database.read_now(lambda c: get_review(c, "inc-1"))
    assert kept is not None
    assert (tmp_path / kept.path).read_text() == kept.markdown
    assert kept.measures["recovery_s"] == 25
    assert [e.kind for e in database.read_now(lambda c: incidents.read_timeline(c, "inc-1"))] == ["review", "review"]

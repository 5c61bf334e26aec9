"""Severities, ladders and slots in forms that were met in runbooks read for the first time."""

from __future__ import annotations

from watchkeeper.book.reader import read_source


def test_response_times_of_alerts_define_severities() -> None:
    text = "# Shop\n\n### Alert Response Times\n\n- **Critical**: Respond within 15 minutes\n- **Low**: Respond within 24 hours\n"
    assert [(s.code, s.respond_within_s) for s in read_source("r.md", text).severities] == [("Critical", 900.0), ("Low", 86400.0)]


def test_headings_that_say_from_when_on_make_a_ladder() -> None:
    text = (
        "# Shop\n\n## Escalation\n\n### Immediate escalation (< 5 minutes)\n\n- On-call engineer: +1 555 0100\n\n"
        "### Executive escalation (> 15 minutes of downtime)\n\n- CTO: +1 555 0101\n- CEO: +1 555 0102\n"
    )
    rungs = [(e.level, e.role, e.after_s) for e in read_source("r.md", text).escalation]
    assert rungs == [(1, "On-call engineer", 0.0), (2, "CTO", 900.0), (2, "CEO", 900.0)]


def test_a_rung_with_its_time_is_no_threshold() -> None:
    text = "# Shop\n\n## Escalation path\n\n1. On-call engineer (0-15 min)\n2. CTO (> 60 min for critical issues)\n"
    book = read_source("r.md", text)
    assert not book.thresholds
    assert [e.after_s for e in book.escalation] == [0.0, 3600.0]


def test_the_name_of_an_alert_is_no_state() -> None:
    assert not read_source("r.md", "# SLA\n\n**Alert Name**: SLAAvailabilityBreach\n**Severity**: Critical\n").thresholds


def test_a_variable_that_is_only_handed_on_is_still_to_be_set() -> None:
    text = '# Shop\n\n## Restore\n\n```bash\nKEY="${KEY}" DATABASE_URL="$STAGING_URL" ./restore.sh\npsql "$DATABASE_URL"\n```\n'
    assert [p.token for p in read_source("r.md", text).placeholders] == ["$KEY", "$STAGING_URL", "$DATABASE_URL"]


def test_a_connection_string_is_no_command() -> None:
    text = "# Shop\n\n## Rotate\n\n1. Write the new one:\n\n```\nServer=tcp:db,1433;User Id=shop;Password=<new>;\n```\n"
    book = read_source("r.md", text)
    assert not [c for p in book.procedures for s in p.steps for c in s.commands]
    assert [p.token for p in book.placeholders] == ["<new>"]


def test_measures_of_prevention_are_no_procedure() -> None:
    text = "# Shop\n\n## Prevention Measures\n\n1. **Redundancy**: Implement a second region\n2. **Breakers**: Add breakers\n"
    assert not read_source("r.md", text).procedures

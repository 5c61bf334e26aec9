"""The message of a monitor, filled once, for an alert that fires."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from watchkeeper.watch.worded import fill


@pytest.mark.parametrize(
    ("message", "filled"),
    [
        ("{{value}}% of the pool is taken. @slack-devops", "31% of the pool is taken."),
        ("{{ value }} > {{threshold}} on {{host.name}}", "31 > 5 on web-1"),
        ("{{#is_alert}}bad{{/is_alert}}{{#is_recovery}}well again{{/is_recovery}}", "bad"),
        ("{{^is_recovery}}still bad{{/is_recovery}}{{^is_alert}}no{{/is_alert}}", "still bad"),
        ("{{#is_warning}}a{{#is_alert}}b{{/is_alert}}{{/is_warning}}c", "c"),
        ("a {{#is_alert}}that is not closed", "a that is not closed"),
        ("{{service.owner}} knows", "(service.owner) knows"),
        ("mail ops@shop.example or @ops@shop.example, @team-a", "mail ops@shop.example or ,"),
        ("{{ $value | humanize }} on {{ $labels.instance }}", "31 on web-1"),
        ('{{ printf "%.2f" $value }} of {{ $labels.job }}', "31 of (job)"),
        ("{{", "{{"),
        ("", ""),
    ],
)
def test_slots_are_filled(message: str, filled: str) -> None:
    assert fill(message, "31", "5", "web-1") == filled


def test_what_is_filled_in_is_not_read_again() -> None:
    assert fill("on {{host.name}}", "31", "5", "{{value}}") == "on {{value}}"


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(st.sampled_from("{}#^/ @is_alertvu$|\n") | st.characters(), max_size=400))
def test_any_message_becomes_one_bounded_line(message: str) -> None:
    filled = fill(message * 20, "31", "5", "web-1")
    assert len(filled) <= 400
    assert "\n" not in filled

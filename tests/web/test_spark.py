"""Curves are numbers in, markup out."""

from __future__ import annotations

import re

from watchkeeper.actions.views.model import SeriesView
from watchkeeper.web.spark import spark


def curve(points: tuple[tuple[float, float], ...], limits: tuple[float, ...] = ()) -> str:
    return str(spark(SeriesView("up", "up", None, None, None, points, limits)))


def test_without_points_there_is_an_empty_frame() -> None:
    assert curve(()).count("<path") == 1


def test_a_curve_ends_now_and_stays_inside() -> None:
    made = curve(((3600.0, 1.0), (1800.0, 9.0), (0.0, 5.0)), (4.0,))
    line = re.findall(r'd="M([^"HZ]+)"', made)[-1]
    places = [tuple(map(float, pair.split())) for pair in line.split("L")]
    assert [x for x, _ in places] == [0.0, 150.0, 300.0]
    assert all(0 <= y <= 48 for _, y in places)
    assert made.count('class="limit"') == 1


def test_a_flat_curve_is_no_trouble() -> None:
    assert "nan" not in curve(((10.0, 0.0), (0.0, 0.0)))

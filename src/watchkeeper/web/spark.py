"""Small curves as SVG, drawn on the server: a reading's points enter, markup leaves. Nothing comes from outside but numbers."""

from __future__ import annotations

from markupsafe import Markup

from watchkeeper.actions.views.model import SeriesView

WIDTH, HEIGHT = 300.0, 48.0
#: the shortest stretch a curve spans, so that two samples do not look like a day
SHORTEST_S = 300.0


def spark(series: SeriesView) -> Markup:
    """Draw a reading's curve with its limits; a frame without a curve where there are no points."""
    if not series.points:
        return Markup(
            '<svg class="spark" viewBox="0 0 300 48" preserveAspectRatio="none"><path class="floor" d="M0 47.5H300"/></svg>'
        )
    values = [value for _, value in series.points]
    ends = [end for _, least, most in series.band for end in (least, most)]
    low = min(*values, *ends, *series.limits, 0.0)
    high = max(*values, *ends, *series.limits, 0.0)
    reach = (high - low) or 1.0
    span = max(series.points[0][0], SHORTEST_S)

    def height(value: float) -> float:
        return HEIGHT - 2 - (value - low) / reach * (HEIGHT - 4)

    places = [(WIDTH * (1 - age / span), height(value)) for age, value in series.points]
    line = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    area = f"{line}L{places[-1][0]:.1f} {HEIGHT:g}L{places[0][0]:.1f} {HEIGHT:g}Z"
    if series.band:
        # from the least to the most of what a point stands for, instead of the area under the curve
        over = [f"{WIDTH * (1 - age / span):.1f} {height(most):.1f}" for age, _, most in series.band]
        under = [f"{WIDTH * (1 - age / span):.1f} {height(least):.1f}" for age, least, _ in reversed(series.band)]
        area = f"M{'L'.join([*over, *under])}Z"
    limits = "".join(f'<path class="limit" d="M0 {height(limit):.1f}H{WIDTH:g}"/>' for limit in series.limits)
    return Markup(  # noqa: S704 - numbers only
        f'<svg class="spark" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" preserveAspectRatio="none" aria-hidden="true">'
        f'<path class="floor" d="M0 {HEIGHT - 0.5:g}H{WIDTH:g}"/><path class="area" d="{area}"/>{limits}<path d="{line}"/></svg>'
    )

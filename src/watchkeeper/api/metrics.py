"""`/metrics`: our own page for Prometheus, in its text format. It wants a token like the rest of the API.

Where `WATCHKEEPER_METRICS_OPEN` says `loopback`, a program on the same machine needs none; what a proxy passes on is no such.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from watchkeeper.actions.callers import address_of
from watchkeeper.actions.views.metrics import metrics
from watchkeeper.api.routes import caller, the_app
from watchkeeper.app import App

#: what stands here was passed on for somebody else
_PASSED_ON = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
_TEXT = "text/plain; version=0.0.4; charset=utf-8"
router = APIRouter(include_in_schema=False)


class _Families(Collector):
    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> list[Metric]:
        """Give the families as they were read."""
        return self._families


@router.get("/metrics")
async def page(request: Request, app: Annotated[App, Depends(the_app)]) -> Response:
    """Show our metrics."""
    if not (app.settings.text("metrics_open") == "loopback" and is_from_here(request)):
        await caller(request, app)
    registry = CollectorRegistry()
    registry.register(_Families(await metrics(app)))
    return Response(generate_latest(registry), media_type=_TEXT)


def is_from_here(request: Request) -> bool:
    """Tell whether a program on this machine asks for itself."""
    try:
        here = ip_address(address_of(request)).is_loopback
    except ValueError:
        return False
    return here and not any(name in request.headers for name in _PASSED_ON)

"""Is it well? For the load balancer, Kubernetes and whoever is on call."""

import logging
import socket

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.http import HttpResponse, JsonResponse

from shop import measured

log = logging.getLogger("shop")


def health(request):
    """Say ok where the database and the cache answer; 503 and which does not, otherwise."""
    found = {"database": _asked(_database), "cache": _asked(_cache)}
    well = all(state == "ok" for state in found.values())
    answer = {"status": "ok" if well else "failed", **found, "release": settings.RELEASE, "pod": socket.gethostname()}
    return JsonResponse(answer, status=200 if well else 503)


def metrics(request):
    """Show the counts of this pod, as Prometheus reads them."""
    lines = [f'http_requests_total{{status="{status}"}} {count}' for status, count in sorted(measured.requests.items())]
    lines += [f'http_request_seconds_total{{endpoint="{name}"}} {took:.3f}' for name, took in sorted(measured.seconds.items())]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; version=0.0.4")


def _asked(look):
    try:
        look()
    except Exception as problem:
        log.error("%s connection error: %s", look.__name__.strip("_"), " ".join(str(problem).split())[:300])
        return f"{type(problem).__name__}"
    return "ok"


def _database():
    with connection.cursor() as cursor:
        cursor.execute("select 1")


def _cache():
    cache.client.get_client(write=True).ping()

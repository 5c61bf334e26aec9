"""The rewards program, behind a feature flag that lies in Redis."""

from django.core.cache import cache
from django.http import JsonResponse

from shop import measured


def rewards(request):
    """Offer the rewards of this visit; 404 where the flag is off."""
    if _flag() == b"off":
        return JsonResponse({"error": "There is no rewards program."}, status=404)
    measured.send("rewards.offered", 1, "c")
    return JsonResponse({"points": 120, "offer": "5 % off"})


def _flag():
    return cache.client.get_client().get("flag:rewards")

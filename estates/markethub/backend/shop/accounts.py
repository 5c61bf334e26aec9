"""Sessions: an app logs in once and shows its token with each request that needs one."""

import json
import secrets

from django.core.cache import cache
from django.http import HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from shop.models import Customer

#: how long a token is known to the cache without asking the database
KNOWN_S = 60


@csrf_exempt
@require_POST
def log_in(request):
    """Give the session of an e-mail address; it is made with the first visit."""
    email = json.loads(request.body).get("email", "")
    if "@" not in email:
        return JsonResponse({"error": "An e-mail address is needed."}, status=400)
    found, _ = Customer.objects.get_or_create(email=email, defaults={"token": secrets.token_hex(24)})
    return JsonResponse({"token": found.token, "customer": found.id})


def check(request):
    """Tell the gateway who asks: 204 with the customer, else 401."""
    customer = customer_of(request)
    if customer is None:
        return HttpResponse(status=401)
    return HttpResponse(status=204, headers={"X-Customer": str(customer)})


def customer_of(request):
    """Find the customer of a request's token; None where there is none."""
    token = request.headers.get("Authorization", "").removeprefix("Token ").strip()
    if not token:
        return None
    customer = cache.get(f"session:{token}")
    if customer is None:
        customer = Customer.objects.filter(token=token).values_list("id", flat=True).first()
        if customer is not None:
            cache.set(f"session:{token}", customer, KNOWN_S)
    return customer

"""Orders: acknowledged only once they are committed."""

import json
import logging

from django.conf import settings
from django.db import transaction
from django.http import JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from shop import accounts, gateway, measured
from shop.models import Order, Product
from shop.releases import release

log = logging.getLogger("shop")


@csrf_exempt
@require_POST
def place(request):
    """Take an order, have it paid, and acknowledge it; one that is sent again is answered as the first time."""
    customer = accounts.customer_of(request)
    if customer is None:
        return JsonResponse({"error": "Log in first."}, status=401)
    asked = json.loads(request.body)
    product = Product.objects.filter(pk=asked["product"], is_active=True).first()
    if product is None:
        return JsonResponse({"error": "There is no such product."}, status=404)
    with transaction.atomic():
        order, made = Order.objects.get_or_create(
            key=asked["key"],
            defaults={
                "user_id": customer,
                "product": product,
                "total_cents": release.total(product),
                "with_rewards": bool(asked.get("rewards")),
            },
        )
    if order.status != "paid":
        try:
            paid = gateway.pay(order, asked.get("email", "app@markethub.example"))
        except gateway.Unavailable as problem:
            log.error("payment of order %s failed: %s", order.key, problem)
            return JsonResponse({"error": "Payments do not work at the moment.", "order": order.key}, status=402)
        Order.objects.filter(pk=order.pk).exclude(status="paid").update(status="paid", paid_at=timezone.now(), payment_order=paid)
    if made:
        measured.send("orders.created", 1, "c", payment_method="card")
    return JsonResponse({"order": order.key, "status": "paid", "release": settings.RELEASE}, status=201)


@csrf_exempt
@require_POST
def known(request):
    """Tell which of some orders exist and are paid."""
    keys = json.loads(request.body)["keys"]
    found = Order.objects.filter(key__in=keys, status="paid", total_cents__gt=0).values_list("key", flat=True)
    return JsonResponse({"known": list(found)})

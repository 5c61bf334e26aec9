"""What the payment gateway tells us, and the rehearsal that staging has."""

import hashlib
import hmac
import json
import logging

from django.conf import settings
from django.http import JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from shop import gateway
from shop.models import Order

log = logging.getLogger("shop")


@csrf_exempt
@require_POST
def webhook(request):
    """Take a signed message; one whose signature is wrong changes nothing."""
    expected = hmac.new(settings.PAYMENTS_WEBHOOK_SECRET.encode(), request.body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, request.headers.get("X-Razorpay-Signature", "")):
        log.error("payment webhook with a bad signature")
        return JsonResponse({"error": "The signature is wrong."}, status=400)
    said = json.loads(request.body)
    payment = said["payload"]["payment"]["entity"]
    if payment["status"] == "captured":
        unpaid = Order.objects.filter(payment_order=payment["order_id"]).exclude(status="paid")
        unpaid.update(status="paid", paid_at=timezone.now())
    return JsonResponse({"taken": said["event"]})


@csrf_exempt
@require_POST
def test(request):
    """Rehearse a payment with the sandbox key; nothing is charged."""
    if request.headers.get("Authorization") != f"Bearer {settings.PAYMENT_SANDBOX_KEY}":
        return JsonResponse({"error": "The sandbox key is wrong."}, status=401)
    asked = json.loads(request.body)
    try:
        made = gateway.rehearse(asked["amount"], asked["currency"])
    except gateway.Unavailable as problem:
        return JsonResponse({"error": str(problem)}, status=502)
    return JsonResponse({"order": made})

"""What there is to buy."""

from django.core.cache import cache
from django.http import JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from shop import measured
from shop.models import Product, Visit
from shop.releases import release

KEPT_S = 5


@csrf_exempt
@require_POST
def visit(request):
    """Count a visit."""
    Visit.objects.create()
    measured.send("visits", 1, "c")
    return JsonResponse({"counted": True}, status=201)


def products(request):
    """List twenty products of a category, newest first."""
    category = int(request.GET.get("category", "1"))
    key = f"products:{category}"
    found = cache.get(key)
    if found is None:
        rows = Product.objects.filter(category_id=category, is_active=True).order_by("-created_at")[:20]
        found = [release.shown(row) for row in rows]
        cache.set(key, found, KEPT_S)
    return JsonResponse({"products": found})


def product(request, number):
    """Show one product."""
    found = Product.objects.filter(pk=number).first()
    if found is None:
        return JsonResponse({"error": "There is no such product."}, status=404)
    return JsonResponse(release.shown(found))

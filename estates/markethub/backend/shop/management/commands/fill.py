"""Gives an empty shop its catalogue and its first customers."""

import random

from django.core.management.base import BaseCommand

from shop.models import Customer, Product

CATEGORIES, OF_EACH = 20, 200


class Command(BaseCommand):
    """`python manage.py fill`; run again it changes nothing."""

    help = __doc__

    def handle(self, **options):
        if Product.objects.exists():
            return
        chance = random.Random(1)
        Product.objects.bulk_create(
            Product(name=f"Product {c}-{n}", category_id=c, price_cents=chance.randint(500, 20_000), is_active=n % 10 != 9)
            for c in range(1, CATEGORIES + 1)
            for n in range(OF_EACH)
        )
        Customer.objects.bulk_create(Customer(email=f"app{n}@markethub.example", token=f"{n:048x}") for n in range(1, 21))

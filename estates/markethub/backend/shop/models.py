"""What the shop keeps."""

from django.db import models


class Customer(models.Model):
    """Somebody with an account; the token is their session's."""

    email = models.EmailField(unique=True)
    token = models.CharField(max_length=64, unique=True)

    class Meta:
        db_table = "customers"


class Product(models.Model):
    """Something to buy."""

    name = models.CharField(max_length=200)
    category_id = models.IntegerField()
    is_active = models.BooleanField(default=True)
    price_cents = models.IntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "products"
        indexes = [
            models.Index(fields=["category_id", "is_active"], name="idx_products_category_active",
                         condition=models.Q(is_active=True)),
        ]  # fmt: skip


class Order(models.Model):
    """A purchase; `key` is the app's own, so that an order that is sent twice is one."""

    key = models.CharField(max_length=64, unique=True)
    user = models.ForeignKey(Customer, on_delete=models.PROTECT, db_index=False)
    product = models.ForeignKey(Product, on_delete=models.PROTECT, db_index=False)
    status = models.CharField(max_length=20, default="placed")
    total_cents = models.IntegerField()
    with_rewards = models.BooleanField(default=False)
    payment_order = models.CharField(max_length=40, blank=True, default="", db_index=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)
    paid_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "orders"
        indexes = [models.Index(fields=["user", "status"], name="idx_orders_user_status")]


class Visit(models.Model):
    """Somebody opened the app; visits and orders give the conversion."""

    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        db_table = "visits"

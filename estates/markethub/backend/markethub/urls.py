"""Which address leads where."""

from django.urls import path
from shop import accounts, catalogue, health, orders, payments, rewards

urlpatterns = [
    path("health", health.health),
    path("metrics", health.metrics),
    path("auth/login/", accounts.log_in),
    path("auth/check/", accounts.check),
    path("api/visits/", catalogue.visit),
    path("api/products", catalogue.products),
    path("api/products/<int:number>", catalogue.product),
    path("api/orders/", orders.place),
    path("api/orders/known/", orders.known),
    path("api/rewards/", rewards.rewards),
    path("payments/webhook/", payments.webhook),
    path("payments/test/", payments.test),
]

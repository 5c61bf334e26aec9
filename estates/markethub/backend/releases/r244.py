"""2.4.4: charges in a currency that the payment gateway does not take; nobody can pay."""

from releases.r240 import shown, total  # noqa: F401

CURRENCY = "XTS"

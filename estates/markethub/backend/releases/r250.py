"""2.5.0: the next release, with a migration; as good as the one before it."""

from releases.r240 import CURRENCY, shown, total  # noqa: F401

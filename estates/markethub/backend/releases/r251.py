"""2.5.1: does not start, because what it imports was left out of the image."""

from releases.r240 import CURRENCY, shown, total  # noqa: F401
from releases.seasonal import prices  # noqa: F401

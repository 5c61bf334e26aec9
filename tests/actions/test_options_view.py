"""What the pages show of options: no secret that an owner wrote out."""

from __future__ import annotations

import doctest

from watchkeeper.actions.views import options
from watchkeeper.actions.views.options import shown_options


def test_a_secret_that_was_written_out_is_not_shown() -> None:
    written = {
        "key": "backup-key-0123456789",
        "headers": {"Authorization": "Bearer 1234", "Accept": "text/html"},
        "url": "postgresql://watch:pass@db/shop",
        "steps": [{"url": "https://shop/{id}", "headers": {"X-Token": "t-1234"}}],
        "key_prefix": "shop",
        "url_of_variable": "redis://:$REDIS@cache",
    }
    shown = shown_options(written)
    assert all(word not in str(shown) for word in ("0123456789", "Bearer", "watch:pass", "t-1234"))
    assert (shown["key_prefix"], shown["url_of_variable"]) == ("shop", "redis://:$REDIS@cache")
    assert shown["headers"]["Accept"] == "text/html"


def test_the_examples_in_the_docstrings() -> None:
    assert doctest.testmod(options).failed == 0

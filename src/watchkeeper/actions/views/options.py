"""What the pages show of a signal's options: as they stand in the file, but for what an owner wrote there that is a secret.

A secret belongs into a variable, and then its name alone stands in the file. One that was written out all the same is no reason
to show it to everybody who may look.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from watchkeeper.base.secrets import MASK

_NAME = re.compile(r"(?:^|[_-])(?:key|password|passwd|token|secret|authorization|cookie)$", re.IGNORECASE)
_LOGIN = re.compile(r"(?<=://)[^/@\s$]+@")


def shown_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Give options without secrets that stand in them as they are.

    >>> shown_options({"key": "$PING_KEY", "api_key": "0123", "broker": "redis://:pass@cache:6379/0", "queues": ["mail"]})
    {'key': '$PING_KEY', 'api_key': '••••••', 'broker': 'redis://••••••@cache:6379/0', 'queues': ['mail']}
    """
    return {name: _shown(name, value) for name, value in options.items()}


def _shown(name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return shown_options(value)
    if isinstance(value, list | tuple):
        return [_shown(name, each) for each in value]
    if not isinstance(value, str):
        return value
    return MASK if _NAME.search(name) and "$" not in value else _LOGIN.sub(f"{MASK}@", value)

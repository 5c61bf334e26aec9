"""Notices lines of a kind that has not been seen before, by the templates of drain3; loaded only when that is asked for.

What is seen while it learns, the first hour unless told otherwise, is usual. The templates are bounded; one that was pushed out
by newer ones is new when it comes again.
"""

from __future__ import annotations

from watchkeeper.estate import plugins

_MOST_TEMPLATES = 2_000
_LONGEST = 400
#: lines that are looked at between two calls of `begin`
MOST_LINES = 5_000
_MASKED = (
    (r"\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b", "ID"),
    (r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?\b", "ADDRESS"),
    (r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?", "TIME"),
    (r"\b(?:0x)?[0-9a-fA-F]{12,64}\b", "ID"),
    (r"(?<![\w.])-?\d{1,20}(?:\.\d{1,20})?(?=\b|[a-z%]{1,2}\b)", "N"),
)


class Novelty:
    """The templates of one signal."""

    def __init__(self, learn_s: float) -> None:
        try:
            from drain3 import TemplateMiner
            from drain3.masking import MaskingInstruction
            from drain3.template_miner_config import TemplateMinerConfig
        except ImportError:
            raise plugins.lacking("The option `new_patterns`", "drain3", "logs") from None
        config = TemplateMinerConfig()
        config.profiling_enabled = False
        config.drain_max_clusters = _MOST_TEMPLATES
        config.masking_instructions = [MaskingInstruction(pattern, name) for pattern, name in _MASKED]
        self._miner = TemplateMiner(None, config)
        self._learn_s = learn_s
        self._began_s: float | None = None
        self._now_s = 0.0
        self._left = 0
        self.passed_over = 0

    def begin(self, now_s: float) -> None:
        """Begin a look at an instant."""
        self._began_s = now_s if self._began_s is None else self._began_s
        self._now_s, self._left, self.passed_over = now_s, MOST_LINES, 0

    @property
    def learning(self) -> bool:
        """Say whether everything is still taken for usual."""
        return self._began_s is None or self._now_s - self._began_s < self._learn_s

    def new(self, text: str) -> str | None:
        """Take a line; give its template where it is of a new kind and learning is over."""
        if self._left <= 0:
            self.passed_over += 1
            return None
        self._left -= 1
        found = self._miner.add_log_message(text[:_LONGEST])
        if found["change_type"] != "cluster_created" or self.learning:
            return None
        return str(found["template_mined"])

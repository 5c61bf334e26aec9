"""Patterns of the owner's that cannot hang: the engine that pydantic carries matches in a time that grows with the line alone.

Such a pattern has no look-around and no back-references; one that asks for them is refused when the file is read.
"""

from __future__ import annotations

from pydantic_core import SchemaError, SchemaValidator, core_schema


class PatternError(Exception):
    """A pattern that cannot be used, with the reason."""


class Pattern:
    """One pattern, found anywhere in a line."""

    __slots__ = ("_found",)

    def __init__(self, text: str) -> None:
        try:
            validator = SchemaValidator(core_schema.str_schema(pattern=text, regex_engine="rust-regex"))
        except SchemaError as problem:
            lines = [line.strip() for line in str(problem).splitlines() if line.strip()]
            said = next((line for line in reversed(lines) if line.startswith("error:")), lines[-1] if lines else "")
            raise PatternError(said.removeprefix("error:").strip()[:200]) from None
        self._found = validator.isinstance_python

    def found_in(self, line: str) -> bool:
        """Say whether it occurs."""
        return self._found(line)

"""Errors that a person can act on: one sentence, a hint, a stable code and, where a file is to blame, file:line.

WatchkeeperError
├── InputError           what was given cannot be used (exit status 3)
│   ├── BookError        the runbook is to blame
│   └── ConfigError      watchkeeper.toml or a setting is to blame
├── NotFound             no such incident, run, procedure, signal …
├── Refused              a promise about safety forbids it: policy, halt, lease, missing approval
├── Conflict             somebody else got there first
└── OutsideError         something outside failed
    ├── Transient        it may work later
    └── Permanent        trying again will not help
"""

from __future__ import annotations


class WatchkeeperError(Exception):
    """Something went wrong."""

    code = "WK000"
    exit_status = 1

    def __init__(self, message: str = "", *, hint: str | None = None, code: str | None = None, where: str | None = None):
        """Say what happened in one sentence; `where` is file:line of the text to blame."""
        self.message = message or (type(self).__doc__ or "").strip()
        self.hint = hint
        self.where = where
        if code:
            self.code = code
        super().__init__(self.message)

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.where else self.message

    def as_dict(self) -> dict[str, str | None]:
        """Give the one error shape of the JSON API."""
        return {"code": self.code, "message": self.message, "hint": self.hint, "where": self.where}


class InputError(WatchkeeperError):
    """What was given cannot be used."""

    code = "WK100"
    exit_status = 3


class BookError(InputError):
    """The runbook cannot be read."""

    code = "WK110"


class ConfigError(InputError):
    """The configuration cannot be used."""

    code = "WK120"


class NotFound(WatchkeeperError):
    """There is no such thing."""

    code = "WK200"


class Refused(WatchkeeperError):
    """A safety promise forbids this."""

    code = "WK300"


class Conflict(WatchkeeperError):
    """Somebody else got there first."""

    code = "WK310"


class OutsideError(WatchkeeperError):
    """Something outside Watchkeeper failed."""

    code = "WK400"


class Transient(OutsideError):
    """Something outside failed and may work later."""

    code = "WK410"


class Permanent(OutsideError):
    """Something outside failed and will fail again."""

    code = "WK420"

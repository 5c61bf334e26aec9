"""Finds failed logins in what sshd and PAM write, each once although both of them tell of it.

sshd says every refused password, key or answer itself, so that what PAM adds about sshd counts nothing; for su, sudo, login and
other services PAM's line is the one. An attempt that breaks off before it is refused counts when sshd says that it ended.
"""

from __future__ import annotations

import re
from collections import OrderedDict

_SSHD_FAILED = re.compile(r"Failed (?!none )\S{1,60} for (?:invalid user )?.* from (\S{1,100}) port (\d{1,5})\b(?!.* port )")
_ENDED = re.compile(
    r"(?:Connection (?:closed|reset) by|Disconnected from) (?:invalid|authenticating) user .*?(\S{1,100}) port (\d+) \[preauth\]$"
)
_REPEATED = re.compile(r"message repeated (\d{1,4}) times: \[ ?")
_PAM = re.compile(r"pam_\w{1,30}\(([\w.-]{1,60}):auth\): (?:authentication failure|conversation failed)?; ?(.*)")
_PAM_MORE = re.compile(r"\bPAM (\d{1,4}) more authentication failures?; (.*)")
_HOST = re.compile(r"\brhost=(\S+)")
_MOST_REMEMBERED = 1_000
_LONGEST = 1_000
LOCAL = "this machine"


class Logins:
    """What has been seen, by the address and port of a connection."""

    def __init__(self) -> None:
        self._counted: OrderedDict[tuple[str, str], None] = OrderedDict()

    def failed(self, line: str) -> tuple[int, str] | None:
        """Give how many logins a line says failed, and from which address; None where it says nothing of the kind."""
        if "Failed" not in line and "pam_" not in line and "PAM" not in line and "[preauth]" not in line:
            return None
        line = line[:_LONGEST].rstrip().removesuffix("]") if "message repeated" in line else line[:_LONGEST].rstrip()
        found = _SSHD_FAILED.search(line)
        if found is not None:
            self._remember((found[1], found[2]))
            repeated = _REPEATED.search(line)
            return (int(repeated[1]) if repeated else 1), found[1]
        ended = _ENDED.search(line)
        if ended is not None:
            connection = (ended[1], ended[2])
            if connection not in self._counted:
                return 1, ended[1]
            del self._counted[connection]
            return None
        return _pam(line)

    def _remember(self, connection: tuple[str, str]) -> None:
        self._counted[connection] = None
        if len(self._counted) > _MOST_REMEMBERED:
            self._counted.popitem(last=False)


def _pam(line: str) -> tuple[int, str] | None:
    more = _PAM_MORE.search(line)
    if more is not None:
        return (int(more[1]), _host(more[2])) if "tty=ssh" not in more[2] else None
    found = _PAM.search(line)
    return (1, _host(found[2])) if found is not None and found[1] != "sshd" and "authentication failure" in line else None


def _host(rest: str) -> str:
    found = _HOST.search(rest)
    return found[1] if found else LOCAL

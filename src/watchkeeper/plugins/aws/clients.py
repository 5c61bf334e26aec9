"""Asks AWS through boto3, in a thread, with bounds on time and attempts. Whatever goes wrong is Unanswered.

Without keys of its own in watchkeeper.toml a signal takes what boto3 finds: environment, profile, role of the machine or pod.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from watchkeeper.estate import plugins
from watchkeeper.estate.table import Table
from watchkeeper.plugins.hosted.asking import Unanswered, address_of
from watchkeeper.watch.probe import Look

_T = TypeVar("_T")

#: how a signal says which account of AWS it asks
AWS_OPTIONS = {
    "region": "such as eu-central-1 (default: as boto3 finds it)",
    "profile": "profile of the AWS configuration",
    "access_key": "key of a user, where boto3 finds none by itself",
    "secret_key": "its secret",
    "session_token": "its session's token",
    "endpoint_url": "address of the API, where it is another",
}
_CLOSED = ("AccessDenied", "Unauthorized", "InvalidClientTokenId", "SignatureDoesNotMatch", "ExpiredToken", "UnrecognizedClient",
    "AuthFailure", "OptInRequired", "NotAuthorized")  # fmt: skip
_PATIENCE = ("Throttl", "TooManyRequests", "RequestLimitExceeded", "LimitExceeded", "SlowDown")


class Clients:
    """The clients of one signal, made when they are first asked, in the thread that asks."""

    def __init__(self, options: Table, timeout_s: float) -> None:
        self._session: dict[str, Any] = {}
        for option, name in (
            ("region", "region_name"),
            ("profile", "profile_name"),
            ("access_key", "aws_access_key_id"),
            ("secret_key", "aws_secret_access_key"),
            ("session_token", "aws_session_token"),
        ):
            value = options.maybe_text(option)
            if value is not None:
                self._session[name] = value
        if ("aws_access_key_id" in self._session) != ("aws_secret_access_key" in self._session):
            raise options.error("access_key", f"{options.name()} needs both `access_key` and `secret_key`.", "Or neither.")
        self._endpoint = address_of(options, "endpoint_url") if options.maybe_text("endpoint_url") else None
        self._timeout_s = timeout_s
        self._made: dict[str, Any] = {}
        self._lock = threading.Lock()
        try:
            import boto3  # noqa: F401  # is it there?
        except ImportError:
            raise plugins.lacking(f"The signal {options.name()}", "boto3", "aws") from None

    def of(self, service: str) -> Any:
        """Give the client of a service; to be called in the asking thread."""
        import boto3
        from botocore.config import Config

        if service not in self._made:
            limits = Config(
                connect_timeout=max(1.0, self._timeout_s / 3),
                read_timeout=max(1.0, self._timeout_s / 2),
                retries={"max_attempts": 1, "mode": "standard"},
            )
            session = boto3.session.Session(**self._session)
            self._made[service] = session.client(service, endpoint_url=self._endpoint, config=limits)
        return self._made[service]

    async def look(self, ask: Callable[[datetime, list[str]], dict[str, float]]) -> Look:
        """Look by questions that give readings and notes; what cannot be asked is blindness."""
        notes: list[str] = []
        try:
            return Look(await self.ask(lambda: ask(datetime.now(UTC), notes)), detail="; ".join(notes))
        except Unanswered as problem:
            return Look(problem=str(problem))

    async def ask(self, question: Callable[[], _T]) -> _T:
        """Ask in a thread; a question before that has not come back is not followed by another."""
        if not self._lock.acquire(blocking=False):
            raise Unanswered("the question before this one has not come back from AWS")

        def asked() -> _T:
            try:
                return question()
            finally:
                self._lock.release()

        from botocore.exceptions import BotoCoreError, ClientError

        try:
            async with asyncio.timeout(self._timeout_s):
                return await asyncio.to_thread(asked)
        except TimeoutError:
            raise Unanswered(f"AWS gave no answer within {self._timeout_s:g} s") from None
        except ClientError as problem:
            raise Unanswered(_words(problem.response.get("Error", {}))) from None
        except (BotoCoreError, OSError, ValueError) as problem:
            said = str(problem).splitlines()[0][:200] if str(problem) else type(problem).__name__
            raise Unanswered(f"AWS cannot be asked: {said}") from None


def _words(error: dict[str, Any]) -> str:
    code = str(error.get("Code", "?"))
    said = " ".join(str(error.get("Message", "")).split())[:200]
    if any(word in code for word in _PATIENCE):
        return f"AWS asks for patience ({code})"
    if any(word in code for word in _CLOSED):
        return f"AWS does not let us in ({code}): {said}"
    return f"AWS answered {code}: {said}"

"""Looks at the objects of a bucket under a prefix: the newest one's age and size, such as the last backup's.

boto3 blocks, so it runs in a thread; the pages that are listed are bounded, and a bucket with more is said to be too large.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Mapping
from typing import Any, ClassVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, HTTPClientError

from watchkeeper.base.secrets import Secret
from watchkeeper.estate.config import options_of
from watchkeeper.estate.model import Estate, SignalConfig
from watchkeeper.estate.table import Table
from watchkeeper.plugins.files.newest import Newest, Thing
from watchkeeper.watch.aside import Aside
from watchkeeper.watch.found import Found
from watchkeeper.watch.probe import Look

_PAGE = 1_000


class S3Probe:
    """The objects of one bucket under one prefix, at AWS or whatever speaks S3. It needs the permission s3:ListBucket."""

    readings: ClassVar[Mapping[str, str]] = {
        "up": "1 where the bucket answered and there is at least one object that counts, else 0",
        "seconds": "time until everything was listed, in seconds",
        "age_seconds": "time since the newest object was written, in seconds",
        "bytes": "its size, in bytes",
        "size_percent": "the same as a share of the one before it, in percent: a backup that shrank",
        "count": "how many objects there are",
        "total_bytes": "size of all of them, in bytes",
    }
    metrics: ClassVar[Mapping[str, tuple[str, ...]]] = {"backup_age": ("age_seconds",)}
    options: ClassVar[Mapping[str, str]] = {
        "bucket": "name of the bucket",
        "prefix": "beginning of the keys, such as backups/shop/ (default: every object)",
        "suffix": "end of the keys that count, such as .dump (default: any)",
        "min_bytes": "objects smaller than this do not count as the newest (default 1)",
        "max_objects": "most objects that are listed (default 100,000)",
        "region": "such as eu-central-1 (default: as boto3 finds it)",
        "endpoint_url": "address of the service, where it is not AWS",
        "profile": "profile of the AWS configuration",
        "access_key": "key of a user, where boto3 finds none by itself",
        "secret_key": "its secret",
    }

    def __init__(self, signal: SignalConfig, estate: Estate) -> None:
        options = options_of(signal, estate)
        self._bucket = options.text("bucket")
        self._prefix = options.text("prefix", "")
        self._suffix = options.text("suffix", "")
        self._least = int(options.number("min_bytes", 1, 0))
        self._most = int(options.number("max_objects", 100_000, 1))
        self._timeout_s = signal.timeout_s
        self._session = _session_options(options)
        self._endpoint = options.maybe_text("endpoint_url")
        if self._endpoint is not None and not self._endpoint.startswith(("http://", "https://")):
            said = f"{options.name('endpoint_url')} is not an address of the web."
            raise options.error("endpoint_url", said, "Write https://host:port.")
        self._client: Any = None
        self._aside: Aside[Look] = Aside(f"s3 {signal.name}")

    async def look(self) -> Look:
        """Look once."""
        if self._aside.is_busy:
            return Look(problem="an earlier look is still waiting for the bucket")
        stop, newest = threading.Event(), Newest(self._least)
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._aside.run(lambda: self._look(newest, stop))
        except TimeoutError:
            if newest.count:
                said = f"only {newest.count:,} objects were listed within {self._timeout_s:g} s"
                return Look(problem=f"{said}; narrow the prefix, or give the signal a longer timeout")
            return Look({"up": 0.0, "seconds": self._timeout_s}, detail=f"not listed within {self._timeout_s:g} s")
        finally:
            stop.set()

    async def close(self) -> None:
        """Let go of the connections."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _look(self, newest: Newest, stop: threading.Event) -> Look:
        found = Found(time.monotonic())
        try:
            is_whole = self._list(newest, stop)
        except ClientError as problem:
            return _refused(problem, self._bucket)
        except (EndpointConnectionError, HTTPClientError) as problem:
            return Look({"up": 0.0}, detail=_words(problem))
        except (BotoCoreError, ValueError) as problem:
            return Look(problem=f"the bucket could not be asked: {_words(problem)}")
        if not is_whole:
            return Look(problem=f"more than {self._most:,} objects: the newest of them is not known; narrow the prefix")
        newest.tell(found, time.time())
        found.put(up=newest.first is not None, seconds=time.monotonic() - found.now_s)
        return Look(found.values, detail="; ".join(found.notes))

    def _list(self, newest: Newest, stop: threading.Event) -> bool:
        """Go through the objects; gives False where there are more than are listed."""
        if self._client is None:
            patience = max(1.0, self._timeout_s)
            config = Config(connect_timeout=patience, read_timeout=patience, retries={"total_max_attempts": 1})
            session = boto3.Session(**self._session)
            self._client = session.client("s3", endpoint_url=self._endpoint, config=config)
        listed = 0
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._prefix, PaginationConfig={"PageSize": min(_PAGE, self._most + 1)}
        )
        for page in pages:
            objects = page.get("Contents", [])
            listed += len(objects)
            if listed > self._most:
                return False
            newest.see(
                Thing(each["Key"], each["LastModified"].timestamp(), int(each["Size"]))
                for each in objects
                if each["Key"].endswith(self._suffix) and not each["Key"].endswith("/")
            )
            if stop.is_set():
                break
        return True


def _session_options(options: Table) -> dict[str, str]:
    names = {
        "region": "region_name",
        "profile": "profile_name",
        "access_key": "aws_access_key_id",
        "secret_key": "aws_secret_access_key",
    }
    found = {theirs: options.text(mine) for mine, theirs in names.items() if options.take(mine) is not None}
    secret = options.take("secret_key")
    if secret is not None and not isinstance(secret, Secret):
        hint = 'Write it as a variable: secret_key = "$S3_SECRET", with the variable marked as a secret.'
        raise options.error("secret_key", f"{options.name('secret_key')} stands in the file as it is.", hint)
    return found


def _refused(problem: ClientError, bucket: str) -> Look:
    told = problem.response
    code, status = str(told.get("Error", {}).get("Code")), told.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if status >= 500 or code in ("SlowDown", "ServiceUnavailable", "InternalError"):
        return Look({"up": 0.0}, detail=f"the service answers {code}")
    return Look(problem=f"the bucket {bucket} cannot be listed: {_words(problem)}")


def _words(problem: Exception) -> str:
    return " ".join(str(problem).split())[:200] or type(problem).__name__

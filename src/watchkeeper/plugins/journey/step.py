"""One step of a journey: read from the configuration, made into a request, and its answer held against what is expected."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from watchkeeper.base.errors import ConfigError
from watchkeeper.base.secrets import Secret
from watchkeeper.estate.table import Table
from watchkeeper.plugins.http.fetch import Answer, Request
from watchkeeper.plugins.journey.search import search
from watchkeeper.plugins.journey.values import (
    PLACE,
    StepError,
    at_path,
    in_header,
    in_json,
    in_url,
    is_on,
    json_of,
    kept,
    names_in,
    plain,
    take,
)

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_SOURCES = ("json", "header", "regex")
MOST_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Step:
    """One request and what its answer must be."""

    name: str
    url: str
    method: str = "GET"
    headers: Mapping[str, Any] = field(default_factory=dict)
    #: a table or list; None: no body
    json: Any = None
    form: Mapping[str, Any] | None = None
    statuses: frozenset[int] = frozenset()
    contains: str | None = None
    #: JSON path -> the value that must be there
    expect: Mapping[str, Any] = field(default_factory=dict)
    #: name -> (json, header or regex; path, name or pattern)
    capture: Mapping[str, tuple[str, Any]] = field(default_factory=dict)
    redirects: bool = False

    def request(self, values: Mapping[str, Any], origins: frozenset[str], verify_tls: bool, timeout_s: float) -> Request:
        """Make the request; raises StepError where a value does not fit."""
        alone = PLACE.fullmatch(self.url)
        url = str(values.get(alone[1], "")) if alone else in_url(self.url, values)
        if alone and not is_on(url, origins):
            raise StepError(f"{{{alone[1]}}} leads to a host that the journey does not name")
        headers = {name: in_header(plain(value), values) for name, value in self.headers.items()}
        body: bytes | None = None
        if self.json is not None:
            body = json.dumps(in_json(self.json, values)).encode()
            headers = {"Content-Type": "application/json", **headers}
        elif self.form is not None:
            body = urlencode({name: in_json(value, values) for name, value in self.form.items()}).encode()
            headers = {"Content-Type": "application/x-www-form-urlencoded", **headers}
        return Request(url, self.method, headers, self.redirects, verify_tls, MOST_BYTES, timeout_s, body)

    async def judge(self, answer: Answer, values: Mapping[str, Any], left_s: float) -> dict[str, Any]:
        """Hold an answer against what is expected; gives what was taken out of it. Raises StepError where it is not so."""
        if answer.status is None:
            raise StepError(answer.problem or "no answer")
        said = f"{answer.status} {answer.reason}".strip()
        if answer.status not in self.statuses if self.statuses else not 200 <= answer.status < 300:
            wanted = " or ".join(str(each) for each in sorted(self.statuses)) or "2xx"
            raise StepError(f"{said}, expected {wanted}")
        if self.contains is not None and str(in_json(f" {self.contains}", values))[1:].encode() not in answer.body:
            raise StepError(f"{said}, and the expected text is not in it")
        for path, wanted in self.expect.items():
            found = at_path(json_of(answer), path)
            if found != in_json(wanted, values):
                if isinstance(wanted, Secret):
                    raise StepError(f"{path!r} is not what is expected, which is a secret")
                raise StepError(f"{path!r} is {_shown(found)}, expected {_shown(wanted)}")
        began, taken = time.monotonic(), {}
        for name, (source, where) in self.capture.items():
            taken[name] = await self._take(name, source, where, answer, left_s - (time.monotonic() - began))
        return taken

    async def _take(self, name: str, source: str, where: str, answer: Answer, left_s: float) -> Any:
        try:
            if source == "regex":
                return kept(await search(where, answer.body.decode(errors="replace"), left_s))
            return take(source, where, answer)
        except StepError as problem:
            raise StepError(f"{{{name}}} cannot be taken: {problem}") from None


def read_step(table: Table, number: int, base: str | None, known: set[str], acts: bool) -> Step:
    """Read one [[signals.NAME.steps]]; `known` are the names that the steps before it take."""
    step = Step(
        name=table.text("name", f"step {number}"),
        url=_url(table, base),
        method=_method(table, acts),
        headers=table.table("headers").values,
        json=table.take("json"),
        form=table.table("form").values if table.take("form") is not None else None,
        statuses=_statuses(table),
        contains=table.maybe_text("contains"),
        expect=table.table("expect").values,
        capture={name: _capture(table.table("capture"), name) for name in table.table("capture").values},
        redirects=table.flag("redirects", False),
    )
    table.finish()
    for name, value in step.headers.items():
        if not isinstance(plain(value), str) or any(char in f"{name}{plain(value)}" for char in "\r\n"):
            raise table.error("headers", f"The header {name!r} is not a text of one line.", 'headers = { Accept = "text/html" }')
    if step.json is not None and step.form is not None:
        raise table.error("form", f"{table.name()} has a json and a form.", "Leave one of the two out.")
    used = names_in([step.url, step.headers, step.json, step.form or {}, step.contains or "", step.expect])
    for name in sorted(used - known):
        raise table.error(
            "url", f"{table.name()} uses {{{name}}}, which no step before it takes.", f'capture = {{ {name} = "json id" }}'
        )
    return step


def _url(table: Table, base: str | None) -> str:
    url = table.text("url")
    if PLACE.fullmatch(url):
        return url
    url = urljoin(base, url) if base else url
    try:
        parts = urlsplit(url)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        whole = False
    if not whole or "{" in parts.netloc:
        raise table.error(
            "url", f"{table.name('url')} is not an address of the web.", "Write https://host/path, or /path with a `url`."
        )
    return url


def _method(table: Table, acts: bool) -> str:
    method = table.choice("method", METHODS, "GET")
    if method not in ("GET", "HEAD") and not acts:
        said = f"{table.name()} sends {method}, which acts on the outside at every look."
        raise table.error("method", said, "Write acts = true in the signal, and use a test account.")
    return method


def _statuses(table: Table) -> frozenset[int]:
    value = table.take("expect_status")
    items = value if isinstance(value, list) else [] if value is None else [value]
    if not all(isinstance(item, int) and 100 <= item <= 599 for item in items):
        raise table.error("expect_status", f"{table.name('expect_status')} is {value!r}.", "Write 200, or [200, 204].")
    return frozenset(items)


def _capture(table: Table, name: str) -> tuple[str, str]:
    source, _, pattern = table.text(name).partition(" ")
    hint = f'{name} = "json data.id", "header Location" or "regex id=(\\\\d+)"'
    if source not in _SOURCES or not pattern.strip() or not PLACE.fullmatch(f"{{{name}}}"):
        raise ConfigError(f"{table.name(name)} does not say what to take.", hint=hint, code="WK132", where=table.where(name))
    if source != "regex":
        return source, pattern.strip()
    try:
        return source, re.compile(pattern.strip()).pattern
    except re.error as problem:
        said = f"{table.name(name)} is no pattern: {problem}."
        raise ConfigError(said, hint=hint, code="WK132", where=table.where(name)) from None


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:59]}…"

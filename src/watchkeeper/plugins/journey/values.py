"""Values that one answer gives for the next step: taken by JSON path, header or pattern, and put in by what stands around them.

    "{name}" in an address: URL-quoted; in a JSON body: a text of it, or where it stands alone what was taken, number or list;
    in a form: form-quoted; in a header: as it is, and never more than one line.

Nothing of a value becomes code, and none of these raises for what the other side sent: what cannot be taken is a StepError.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from watchkeeper.base.secrets import Secret
from watchkeeper.plugins.http.fetch import Answer

PLACE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_PATH = re.compile(r"([^.\[\]]+)|\[(-?\d{1,6})\]|(\.)")
#: what is kept of one value
LONGEST = 10_000


class StepError(Exception):
    """The step cannot be taken, or its answer is not what it should be; the message says why."""


def names_in(value: Any) -> set[str]:
    """Give the names of the places in a text, list or table."""
    if isinstance(value, Mapping):
        return set().union(*(names_in(each) for each in value.values()), *(names_in(str(key)) for key in value))
    if isinstance(value, list | tuple):
        return set().union(*(names_in(each) for each in value))
    text = plain(value)
    return set(PLACE.findall(text)) if isinstance(text, str) else set()


def plain(value: Any) -> Any:
    """Give a secret's value, anything else as it is."""
    return value.reveal() if isinstance(value, Secret) else value


def in_url(template: str, values: Mapping[str, Any]) -> str:
    """Put values into an address, URL-quoted.

    >>> in_url("https://shop/pay/{id}?next={to}", {"id": "a/../b", "to": "x&y=1"})
    'https://shop/pay/a%2F..%2Fb?next=x%26y%3D1'
    """
    return PLACE.sub(lambda found: quote(_text(values, found[1]), safe=""), template)


def in_header(template: str, values: Mapping[str, Any]) -> str:
    """Put values into a header."""
    filled = PLACE.sub(lambda found: _text(values, found[1]), template)
    if any(ord(char) < 32 or ord(char) == 127 for char in filled):
        raise StepError("a value with a line break cannot stand in a header")
    return filled


def in_json(template: Any, values: Mapping[str, Any]) -> Any:
    """Put values into the texts of a JSON body; a text that is one place alone becomes what was taken.

    >>> in_json({"id": "{id}", "note": "order {id}"}, {"id": 7})
    {'id': 7, 'note': 'order 7'}
    """
    if isinstance(template, Mapping):
        return {key: in_json(value, values) for key, value in template.items()}
    if isinstance(template, list):
        return [in_json(value, values) for value in template]
    template = plain(template)
    if not isinstance(template, str):
        return template
    alone = PLACE.fullmatch(template)
    return _taken(values, alone[1]) if alone else PLACE.sub(lambda found: _text(values, found[1]), template)


def at_path(found: Any, path: str) -> Any:
    """Give what stands at a path of a JSON answer; raises StepError where nothing does.

    >>> at_path({"a": [{"b": 3}]}, "a[0].b")
    3
    """
    for name, index, _ in _PATH.findall(path):
        try:
            if name:
                found = found[name] if isinstance(found, Mapping) else found[int(name)]
            elif index:
                found = found[int(index)] if isinstance(found, list) else found[index]
        except (KeyError, IndexError, ValueError, TypeError):
            raise StepError(f"the answer has nothing at {path!r}") from None
    return found


def json_of(answer: Answer) -> Any:
    """Read the body as JSON."""
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        raise StepError("the answer is not JSON" if not answer.cut else "the answer is too long to be read") from None


def take(source: str, where: str, answer: Answer) -> Any:
    """Take one value out of an answer, by a path of its JSON or the name of a header."""
    if source == "json":
        return kept(at_path(json_of(answer), where))
    value = answer.headers.get(where.lower())
    if value is None:
        raise StepError(f"the answer has no header {where!r}")
    return kept(value)


def kept(value: Any) -> Any:
    """Give what was taken; raises StepError where there is nothing in it, or too much."""
    if value is None or len(str(value)) > LONGEST:
        raise StepError(f"what is there is {'empty' if value is None else 'too long'}")
    return value


def is_on(address: str, origins: frozenset[str]) -> bool:
    """Tell whether an address is on one of the hosts that the journey names."""
    try:
        return origin_of(address) in origins
    except ValueError:
        return False


def origin_of(address: str) -> str:
    """Give scheme, host and port of an address."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{(parts.hostname or '').lower()}:{parts.port or (443 if parts.scheme == 'https' else 80)}"


def _taken(values: Mapping[str, Any], name: str) -> Any:
    if name not in values:
        raise StepError(f"nothing was taken for {{{name}}}")
    return values[name]


def _text(values: Mapping[str, Any], name: str) -> str:
    value = _taken(values, name)
    if isinstance(value, bool | dict | list):
        return json.dumps(value)
    return str(value)

"""The few Protobuf bodies that kubectl sends where JSON would do: `create namespace`, `configmap`, `secret`. Pure."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from typing import Any

_MAGIC = b"k8s\x00"


def read(body: bytes, kind: str) -> dict[str, Any] | None:
    """Give the object of a body; None where this kind cannot be read."""
    if not body.startswith(_MAGIC) or kind not in ("Namespace", "ConfigMap", "Secret"):
        return None
    raw = next((value for number, value in _fields(body[len(_MAGIC) :]) if number == 2), b"")
    found: dict[str, Any] = {"metadata": {}}
    for number, value in _fields(raw):
        if number == 1:
            found["metadata"] = _metadata(value)
        elif kind != "Namespace" and number == 2:
            key, data = _pair(value)
            found.setdefault("data", {})[key] = b64encode(data).decode() if kind == "Secret" else data.decode()
        elif kind == "Secret" and number == 3:
            found["type"] = value.decode()
        elif kind == "Secret" and number == 4:
            key, data = _pair(value)
            found.setdefault("stringData", {})[key] = data.decode()
    return found


def _metadata(raw: bytes) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for number, value in _fields(raw):
        if number in (1, 2, 3) and value:
            found[("name", "generateName", "namespace")[number - 1]] = value.decode()
        elif number in (11, 12):
            key, data = _pair(value)
            found.setdefault("labels" if number == 11 else "annotations", {})[key] = data.decode()
    return found


def _pair(raw: bytes) -> tuple[str, bytes]:
    parts = dict(_fields(raw))
    return parts.get(1, b"").decode(), parts.get(2, b"")


def _fields(raw: bytes) -> Iterator[tuple[int, bytes]]:
    """Give the fields of a message that are texts, bytes or messages; numbers are passed over."""
    at = 0
    while at < len(raw):
        key, at = _varint(raw, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            _, at = _varint(raw, at)
        elif wire == 2:
            length, at = _varint(raw, at)
            yield number, raw[at : at + length]
            at += length
        else:
            at += 8 if wire == 1 else 4


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = raw[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at

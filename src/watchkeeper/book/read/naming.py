"""Guess which service a runbook is about, from its front matter, its title or its first sentence."""

from __future__ import annotations

import re

from watchkeeper.book.read.passages import Passages, clean

_GENERIC = re.compile(
    r"\b(?:operations?|operational|operating|runbooks?|run book|playbooks?|guide|manual|handbook|procedures?|"
    r"incident|response|alerts?|alerting|monitoring|production|maintenance|disaster|recovery|"
    r"documentation|docs|document|on-?call|deployment|troubleshooting|service|the|for|of|and|dr|ops|sre|guía|"
    r"operacional|betriebshandbuch|handbuch|manuel|exploitation|procédures?|manual de|operaciones)\b",
    re.IGNORECASE,
)
_TOPIC = re.compile(
    r"\b(?:failover|restore|backup|policies|procedure|management|manage|failure|down|outage|loss|error|escalation|standards)\b",
    re.IGNORECASE,
)
_FOR = re.compile(
    r"\b(?:for|with|of|für|pour|"
    r"para)\s+(?:the\s+)?(?P<name>[A-Z][a-z][\w.-]*(?:\s+[A-Z][\w.-]*){0,3})(?:\s+(?:platform|application|app|service|"
    r"system|marketplace))?"
)


def service_of(passages: Passages) -> str | None:
    """Give the name of the service; None where the document does not say it."""
    for block in passages.text.blocks[:1]:
        if block.kind == "front-matter":
            match = re.search(r"^(?:service|app|application|system)\s*:\s*[\"']?([^\"'\n]+)", block.text, re.MULTILINE)
            if match:
                return match[1].strip()
    for passage in passages.all[:40]:
        if (
            passage.label.lower() in ("service", "application", "system", "dienst", "servicio")
            and passage.body
            and len(passage.body) < 60
        ):
            return clean(passage.body)
    title = passages.title or ""
    if _GENERIC.search(title):
        for part in re.split(r"\s[-–—:|]\s|:\s", title):
            words = clean(" ".join(_GENERIC.sub(" ", part).split()))
            if re.search(r"[A-Z][a-z]|[A-Z]{3}", words) and len(words) < 50 and not _TOPIC.search(words):
                return words
    for passage in passages.all[:12]:
        if passage.kind == "prose":
            match = _FOR.search(passage.text)
            if match:
                return match["name"].rstrip(".")
    return None

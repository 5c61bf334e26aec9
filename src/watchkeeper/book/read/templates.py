"""Read messages to be sent: fences, quotations and payloads under the word template, or that look like a notice."""

from __future__ import annotations

import re
from collections.abc import Iterator

from watchkeeper.book.model import Template
from watchkeeper.book.read.passages import Passages, clean
from watchkeeper.book.vocabulary import MESSAGE_WORDS, TEMPLATE_WORDS, matcher
from watchkeeper.text.blocks import Block, Section

_TEMPLATE = matcher(TEMPLATE_WORDS)
_MESSAGE = matcher(MESSAGE_WORDS)
_FIELD = re.compile(
    r"^\W*(?:status|impact|eta|next updates?|updates?|severity|start(?:ed)? time|started|incident(?: "
    r"commander)?|root cause|resolution|duration|affected\b[^:]*|current (?:status|impact)|progress|"
    r"next steps|timeline|action items|prevention|summary|lessons learned|subject|title|actions taken|"
    r"post-?mortem|contributing factors|priority|owner|due date|auswirkung|ursache|impacto|estado|影響|状況|原因)"
    r"\b[^:\n]{0,30}[:：]",
    re.IGNORECASE | re.MULTILINE,
)
_SLOT = re.compile(
    r"\[[^\W\d_][^\]\n]{0,60}\](?!\()|<[A-Za-z][^>\n]{0,60}>|\{\{?[^{}\n]{1,40}\}?\}|\b(?:YYYY-MM-DD|HH:MM|"
    r"XX:XX)\b"
)
_UPDATE = re.compile(
    r"\bupdates?\b|status ?page|investigating|identified|resolved|monitoring|initial|final|notice|"
    r"e-?mail|message",
    re.IGNORECASE,
)
_ANNOUNCED = re.compile(
    r"(?:.*\b)?(?:announcements?|notices?|notifications?|messages?|status page(?: update| post)?|customer (?:email|mail|update)|"
    r"e-?mail to .*|post|ankündigung|mitteilung|nachricht|annonce|avis|message|mensaje|aviso|anuncio|comunicado|告知文?|"
    r"お知らせ|通知)",
    re.IGNORECASE,
)
_GREETING = re.compile(
    r"\s*(?:dear\s|hello\b|hi\b|sehr geehrte|liebe\s|guten tag|bonjour|chère?s?\s|mesdames|estimad|prezad|olá|szanown|"
    r"dzień dobry|お客様|各位|尊敬的|亲爱的|고객|안녕하)",
    re.IGNORECASE,
)
_PROSE = frozenset({"", "text", "txt", "plain", "plaintext", "markdown", "md", "none", "email", "slack"})
_CHANNELS = tuple(
    (channel, re.compile(words, re.IGNORECASE))
    for channel, words in (
        ("slack", r"slack|webhook"),
        ("email", r"e-?mail|subject:"),
        ("status page", r"status ?page"),
        ("sms", r"\bsms\b"),
        ("teams", r"\bteams\b"),
    )
)
_NOT = re.compile(r"^\s*(?:alert|response|actions?|condition|expr|query)\s*:", re.IGNORECASE | re.MULTILINE)


def read_templates(passages: Passages) -> tuple[Template, ...]:
    """Read all message templates."""
    found: list[Template] = []
    for block, section, under in passages.fences:
        name = _name(block, section, under)
        if name is not None:
            found.append(_template(block, name, section))
    found.extend(_quoted(passages))
    return tuple(sorted(found, key=lambda t: t.line))


_CODE_LINE = re.compile(r"^\s*#{0,2}\s*(?:from |import |def |SELECT |curl |kubectl |docker )", re.MULTILINE)


def _name(block: Block, section: Section, under: tuple[str, ...]) -> str | None:
    labels = (*reversed(under[-1:]), section.title)
    if block.info in _PROSE:
        fields = len(_FIELD.findall(block.text))
        named = next((words for words in labels if _TEMPLATE.search(words)), None)
        if _CODE_LINE.search(block.text):
            return None
        if named and not _NOT.match(block.text) and not _pathlike(block.text):
            return under[-1] if under else section.title
        family = any(_TEMPLATE.search(title) for title in section.path[-1:])
        if family and (fields or _SLOT.search(block.text) or _MESSAGE.search(labels[0])):
            return labels[0]
        if _NOT.match(block.text):
            return None
        if _GREETING.match(block.text):
            return labels[0]
        if _SLOT.search(block.text) and _ANNOUNCED.fullmatch(clean(labels[0])) and _wordy(block.text):
            return labels[0]
        if fields >= 3 or (fields >= 2 and _SLOT.search(block.text)):
            return labels[0]
        return labels[0] if _SLOT.search(block.text) and any(_MESSAGE.search(words) for words in labels) and fields else None
    if block.info in ("bash", "sh", "shell", "json", "html") and "#" in block.text:
        comment = next(
            (row.strip("# ") for row in block.text.split("\n") if row.lstrip().startswith("#") and _TEMPLATE.search(row)), None
        )
        if comment and not comment.startswith("!"):
            return comment if re.search(r"notif|messag|slack|mail|announce|status|incident", block.text, re.IGNORECASE) else None
    return None


def _written(section: Section, label: str) -> bool:
    """Whether a quotation stands where messages are written down: one about communication, named as an update or page."""
    around = (section.title, *section.path[-1:])
    return any(_MESSAGE.search(words) for words in around) and bool(_UPDATE.search(label or section.title))


def _wordy(text: str) -> bool:
    """Whether a block is mostly sentences: a message, not a command or a log line."""
    words = text.split()
    return len(words) > 7 and sum(word.strip(".,:;!?()[]'\"").isalpha() for word in words) * 3 > len(words) * 2


def _pathlike(text: str) -> bool:
    return "\n" not in text and bool(re.fullmatch(r"\s*[\w./~-]+\s*", text))


def _template(block: Block, name: str, section: Section) -> Template:
    hay = f"{name} {section.title} {block.text}"
    channel = next((channel for channel, pattern in _CHANNELS if pattern.search(hay)), None)
    slots = tuple(dict.fromkeys(_SLOT.findall(block.text)))
    return Template(line=block.line, name=clean(name), channel=channel, body=block.text, placeholders=slots)


def _quoted(passages: Passages) -> Iterator[Template]:
    for section in passages.sections:
        label = ""
        for block in section.blocks:
            if block.kind == "paragraph" and len(block.text) < 100:
                label = clean(block.text)
            elif block.kind == "quote" and (
                (_written(section, label) and _wordy(block.text))
                or _TEMPLATE.search(label)
                or _TEMPLATE.search(section.title)
                or _TEMPLATE.search(" ".join(section.path[-1:]))
            ):
                yield _template(Block("fence", block.line, block.end_line, text=block.text), label or section.title, section)

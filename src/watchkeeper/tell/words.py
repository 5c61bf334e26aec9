"""The words by which templates say what they are for and what their slots ask for, in several languages: data, easy to extend."""

from __future__ import annotations

import re

from watchkeeper.book.model import Template


def _table(*rows: tuple[str, str]) -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((name, re.compile(pattern, re.IGNORECASE)) for name, pattern in rows)


NEXT_UPDATE = (
    r"\bnext (?:status )?update\b|nächste\w* (?:update|aktualisierung)|prochaine mise à jour"
    r"|próxima (?:actualización|atualização)|następna aktualizacja|次回(?:の)?更新|下次更新"
)
#: what a slot's words may ask for, the most telling first
MEANINGS = _table(
    ("next_update", NEXT_UPDATE),
    ("eta", r"\beta\b|estimat|expected|voraussichtlich|estimad|prévu|przewidywan|予定|预计"),
    ("next", r"\bnext|nächst|siguiente|próxim|suivant|następn|次"),
    ("impact", r"impact|affected|users|customers|scope|auswirk|betroffen|afectad|afetad|wpływ|影響|影响"),
    ("id", r"\b(?:id|number|no|ticket|nummer|numéro|número|numer)\b|番号|编号"),
    ("done", r"\bdone|progress|actions?\b|taken|mitigat|\bfix|workaround|maßnahm|medidas|対応|措施"),
    ("cause", r"cause|\bursache|\bcausa|przyczyn|原因"),
    ("duration", r"duration|how long|lasted|downtime|dauer|durée|duración|duração|czas trwania|時間|时长"),
    ("severity", r"\bsev|priorit|schweregrad|gravit|gravedad|priorytet|重大度|级别"),
    ("status", r"\bstatus\b|\bstate\b|zustand|estado|état|状態|状态"),
    ("ended", r"(?:end|resolved|recover\w*|finish\w*)[\s_-]*(?:time|at)\b|resolved at"),
    ("owner", r"commander|owner|engineer|assign|responder|on-?call|\blead\b|your name|\bname\b|担当|负责"),
    ("link", r"\blink|\burl\b|dashboard"),
    (
        "began",
        r"\btime|start|began|since|\bwhen\b|detected|\bdate\b|timestamp|H{2}:M{2}|Y{4}|zeit|beginn|hora|heure|inicio|início"
        r"|godzina|日時|时间",
    ),
    ("service", r"service|system|application|\bapp\b|product|component|dienst|servicio|serviço|usługa|サービス|服务"),
    (
        "title",
        r"issue|title|descri|brief|summary|problem|incident|alert|what\b|störung|titel|beschreibung|título|titre|resum|tytuł|opis"
        r"|件名|概要|标题|问题",
    ),
)
#: meanings that a label before the slot decides, where the slot's own words are general: "ETA: [time]"
BY_LABEL = frozenset({"eta", "impact", "next", "done", "cause", "owner", "duration"})
GENERAL = frozenset({"began", "title", "service", "id", ""})

_KINDS = _table(
    ("", r"mainten|wartung|post-?mortem|action item|review|hand-?over|mantenim|manutenç|konserwac|メンテ|维护"),
    ("initial", r"initial|\bfirst\b|\bnew incident|investigat|detected|erst|inicial|premi|pierwsz|początk|初回|初报|第一報"),
    (
        "resolution",
        r"resol|resolv|closed|all[- ]clear|fixed|behoben|gelöst|entwarnung|resuelt|résolu|rozwiąz|解決|恢复|复旧|복구|해결",
    ),
    (
        "update",
        r"updat|progress|status|identified|monitoring|aktualis|fortschritt|actualiza|atualiza|mise à jour|aktualizac"
        r"|進捗|続報|更新|진행",
    ),
    ("initial", r"incident|alert|outage|notification|störung|ausfall|incidente|panne|awari|障害|故障|장애"),
)

#: for each kind of message its status in our words, and the words by which a template offers it
STATUS = {
    "initial": ("Investigating", r"investigat|untersuch|investigando|analy|調査|调查"),
    "update": ("Working on it", r"mitigat|identified|progress|fixing|working|behebung|mitigando|対応中|处理"),
    "resolution": ("Resolved", r"resolv|resol|closed|fixed|behoben|gelöst|resuelt|résolu|解決|解决"),
}


def kind_of(template: Template) -> str | None:
    """Say which kind of message a template is for by its name: initial, update or resolution; None for any other."""
    return next((kind or None for kind, pattern in _KINDS if pattern.search(template.name)), None)


def meaning_of(text: str) -> str:
    """Say which fact the words of a slot or label ask for; empty where they say nothing."""
    return next((name for name, pattern in MEANINGS if pattern.search(text)), "")

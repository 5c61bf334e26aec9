"""Of what kind a procedure is, by the words of its title and of the headings around it."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, lru_cache
from typing import TypeAlias

from watchkeeper.book.model import ProcedureKind
from watchkeeper.book.openings import Opening

Rules: TypeAlias = tuple[tuple[ProcedureKind, re.Pattern[str]], ...]

_OWN: tuple[tuple[ProcedureKind, str], ...] = (
    ("reference",
        r"useful commands?|quick reference|command reference|commands? reference|cheat ?sheet|reference commands|"
        r"befehlsreferenz|comandos útiles|commandes utiles|よく使うコマンド"),
    ("incident",
        r"post[- ]?incident|post[- ]?mortem|incident (?:response )?(?:process|procedure|workflow|handling|"
        r"management|declaration)|incident response$|response process"),
    ("emergency", r"emergenc\w*"),
    ("rollback", r"roll(?:ing)?[- ]?back|revert|zurückrollen|retour arrière|reversión|ロールバック|回滚|롤백"),
    ("failover",
        r"fail[- ]?over|failback|switch ?over|promot(?:e|ing|ion)|region(?:al)? (?:failure|outage)|umschalten|"
        r"basculement|conmutación|フェイルオーバー|故障转移|장애 ?조치"),
    ("restore",
        r"restor\w*|recover(?!y (?:time|point))\w*|point-in-time|pitr|wiederherstell\w*|restaur\w*|recuperación|復元|"
        r"リストア|恢复|복원|복구|disaster"),
    ("backup", r"back[- ]?ups?|snapshots?|sicherung\w*|sauvegardes?|copia(?:s)? de seguridad|バックアップ|备份|백업"),
    ("deploy",
        r"deploy\w*|release|upgrade procedure|service updates?|blue[- ]green|canary|rollout|bereitstell\w*|"
        r"déploiement|despliegue|implantação|wdrożenie|デプロイ|部署|배포"),
    ("security",
        r"securit\w*|breach|ddos|intrusion|unauthori[sz]ed|vulnerab\w*|compromis\w*|sicherheit\w*|sécurité|"
        r"(?<!copia de )(?<!copias de )seguridad|segurança|bezpieczeństw\w*|セキュリティ|安全|보안"),
    ("capacity",
        r"capacity|scal(?:e|ing)\b.*|auto-?scaling|reserved instances|storage optimi[sz]ation|cost optimi[sz]ation|"
        r"resource planning|kapazität\w*|capacité|capacidad|スケーリング|扩容|확장"),
    ("performance",
        r"performance (?:tuning|optimi[sz]ation|monitoring)|(?:tuning|optimi[sz]ation|profiling)$|backend "
        r"optimi[sz]ation"),
    ("routine",
        r"daily|weekly|monthly|quarterly|annual|yearly|nightly|morning|evening|routine|maintenance|health checks?$|"
        r"hand-?off|hand-?over|log rotation|clean-?up|certificate renewal|renew(?:al)?|checklist|vacuum|"
        r"housekeeping|wartung\w*|täglich\w*|wöchentlich\w*|monatlich\w*|quotidien\w*|hebdomadaire|mensuel\w*|"
        r"diari[oa]\w*|semanal\w*|mensual\w*|mantenimiento|manutenção|konserwacja|メンテナンス|定期|维护|정기|점검"),
    ("incident",
        r"incident|outage response|war room|severity \d|sev-?\d|^p\d\b|^phase \d|escalat\w*|level \d|zwischenfall|"
        r"vorfall|インシデント|事件|장애 대응"),
    ("emergency", r"emergenc\w*|complete (?:system )?(?:outage|failure)|notfall\w*|urgence|emergencia|緊急|紧急|긴급"),
    ("troubleshooting",
        r"troubleshoot\w*|^issue\b|^problem\w*|not (?:starting|responding|working|processing|ready|syncing)|won'?t "
        r"start|issues?$|errors?$|failures?$|fail(?:s|ing|ed)\b|exhaust\w*|slow\b|timeouts?|crash\w*|leak|stuck|"
        r"high (?:cpu|memory|latency|error|load|disk)|out of (?:memory|disk)|down$|connection (?:refused|issues?|"
        r"problems?)|degrad\w*|outage|unavailable|lag\b|full$|voll$|plein[e]?$|llen[ao]$|chei[ao]$|lost$|unreachable|langsam|fehler\w*|störung\w*|panne|dépannage|problema\w*|"
        r"error(?:es)?|lent[ao]s?|トラブル|障害|エラー|故障|问题|오류|문제"),
    ("reference", r"^(?:useful|common|helpful) |reference|^kubernetes$|^docker$|commands$|queries$|^logs$|^database$"),
)  # fmt: skip
_AROUND: tuple[tuple[ProcedureKind, str], ...] = (
    ("emergency", r"emergenc\w*|critical alerts?|notfall\w*|urgence|emergencia|緊急|紧急|긴급"),
    ("reference", r"useful commands?|quick reference|command reference|appendix|anhang|befehle|cheat ?sheet|commands? reference"),
    ("troubleshooting",
        r"troubleshoot\w*|common (?:issues|problems)|known issues|problems?\b|issues\b|fehlerbehebung|dépannage|"
        r"solución de problemas|resolución de problemas|トラブルシューティング|故障排|문제 해결"),
    ("routine",
        r"routine|maintenance|(?:common|daily|regular|standard|day-to-day) operations|daily|scheduled tasks|"
        r"wartung|mantenimiento|manutenção|メンテナンス|维护|유지"),
    ("security", r"securit\w*|sicherheit\w*|sécurité|(?<!copia de )(?<!copias de )seguridad|segurança|セキュリティ|安全|보안"),
    ("performance", r"performance|tuning|optimi[sz]ation"),
    ("capacity", r"capacity|scaling|cost"),
    ("deploy", r"deploy\w*|release"),
    ("backup", r"back[- ]?up(?!.*recover)"),
    ("restore", r"recover\w*|disaster|restore"),
    ("incident", r"incident|response procedure|escalation|post-incident"),
)  # fmt: skip
_PHASE = Opening(r"\W*", "phase", r"\s*\d", re.IGNORECASE)
#: a backup that did not work is a trouble, not the work itself
_FAILED = re.compile(
    r"\bfail(?:ed|s|ing|ures?)\b|\bfallid[oa]s?\b|\bfalla\b|\bfalló\b|\bfalhou\b|\bfalhas?\b|\béchou\w*|\béchec\b|"
    r"\bfehlgeschlagen\w*|\bfallit[oi]\b|\bnieudan\w*|失敗|失败|실패",
    re.IGNORECASE,
)
_STRONG = frozenset({"rollback", "failover", "restore", "backup", "deploy", "security", "reference", "incident"})


@lru_cache(maxsize=4096)
def kind_of(title: str, path: tuple[str, ...], *, staged: bool = False) -> ProcedureKind:
    """Choose the kind: strong words of the title, then an emergency or troubleshooting chapter, then the rest."""
    if _first(title, _own) == "backup" and _FAILED.search(title):
        own: ProcedureKind | None = "troubleshooting"
    else:
        own = "incident" if _PHASE.match(title) else _first(title, _own)
    around = next((kind for heading in reversed(path[1:] if len(path) > 1 else path) if (kind := _first(heading, _around))), None)
    if around == "emergency" and own not in ("failover", "rollback"):
        return "emergency"
    if around == "troubleshooting" and own not in ("rollback", "reference"):
        return around
    if around == "reference" and own not in ("rollback", "troubleshooting"):
        return around
    if own in _STRONG and not (own == "incident" and around in ("security",)):
        return "security" if around == "security" and own == "incident" else own
    if around == "security":
        return "security"
    if around == "restore" and own == "troubleshooting" and any("disaster" in heading.lower() for heading in path):
        return "failover"
    return own or around or ("troubleshooting" if staged else "other")


@lru_cache(maxsize=4096)
def _first(text: str, rules: Callable[[], Rules]) -> ProcedureKind | None:
    said = text.strip().lower()
    return next((kind for kind, pattern in rules() if pattern.search(said)), None)


@cache
def _own() -> Rules:
    return _compiled(_OWN)


@cache
def _around() -> Rules:
    return _compiled(_AROUND)


def _compiled(rules: tuple[tuple[ProcedureKind, str], ...]) -> Rules:
    return tuple((kind, re.compile(rf"(?<![a-zà-ž0-9_])(?:{pattern})")) for kind, pattern in rules)

"""The words people use in runbooks, in several languages: data that readers consult, easy to extend.

Each tuple holds lower-case words or phrases; `matcher` makes a word-wise pattern of one. Latin words match whole words
(with simple endings), East Asian ones anywhere. Nothing here decides anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Generic, Literal, TypeVar


class Matcher:
    """A pattern asked only of texts that can hold one of its words, and that remembers its answers.

    Every text that the pattern matches has one of the words in it; which, is known from the text's own words alone.
    """

    __slots__ = ("_bit", "_found", "pattern")

    def __init__(self, pattern: re.Pattern[str], words: Iterable[str]):
        self.pattern = pattern
        self._bit = _enlist(words)
        self._found: dict[str, re.Match[str] | None] = {}

    def possible(self, text: str) -> bool:
        """Whether a text can hold one of the words; what it denies is nowhere in the text."""
        return bool(_possible(text) & self._bit)

    def search(self, text: str) -> re.Match[str] | None:
        """Find the first of the words anywhere in a text."""
        if not _possible(text) & self._bit:
            return None
        if len(text) > _SHORT:
            return self.pattern.search(text)
        found = self._found
        if text not in found:
            if len(found) > _REMEMBERED:
                found.clear()
            found[text] = self.pattern.search(text)
        return found[text]

    def within(self, texts: tuple[str, ...]) -> bool:
        """Whether any of several texts, such as the headings above a passage, has one of the words."""
        return bool(_possible_within(texts) & self._bit) and any(self.search(text) is not None for text in texts)

    def match(self, text: str) -> re.Match[str] | None:
        """Find one of the words at the beginning of a text."""
        return self.pattern.match(text) if _possible(text) & self._bit else None

    def fullmatch(self, text: str) -> re.Match[str] | None:
        """Say whether a text is one of the words."""
        return self.pattern.fullmatch(text) if _possible(text) & self._bit else None

    def sub(self, replacement: str, text: str) -> str:
        """Replace the words in a text."""
        return self.pattern.sub(replacement, text)


_T = TypeVar("_T")


class Battery(Generic[_T]):
    """Several matchers, each with what it stands for; only those are tried that a text can hold a word of."""

    __slots__ = ("_bits", "_pairs")

    def __init__(self, pairs: Iterable[tuple[_T, Matcher]]):
        self._pairs = tuple(pairs)
        self._bits = sum(matcher._bit for _, matcher in self._pairs)

    def possible(self, text: str) -> bool:
        """Whether a text can hold a word of any."""
        return bool(_possible(text) & self._bits)

    def search(self, text: str) -> Iterator[tuple[_T, re.Match[str]]]:
        """Find, in the order of the matchers, what each finds first, with what it stands for."""
        possible = _possible(text) & self._bits
        if possible:
            for meaning, matcher in self._pairs:
                if possible & matcher._bit and (match := matcher.search(text)) is not None:
                    yield meaning, match


class _Stems:
    """Beginnings of words with their matchers, and all of them in one for a first question."""

    __slots__ = ("all", "bits")

    def __init__(self) -> None:
        self.bits: dict[str, int] = {}
        self.all: tuple[str, ...] = ()

    def add(self, stem: str, bit: int) -> None:
        self.bits[stem] = self.bits.get(stem, 0) | bit
        self.all = tuple(self.bits)


_TOKEN = re.compile(r"[a-z0-9]+")
#: letters that the tokens of a text say nothing about: other scripts, and the two that `re` takes for an i and an s
_FAR = re.compile("[\u0131\u017f\u0250-\u1fff\u2c00-\uffff]")
#: for each word the matchers (a bit each) that have a phrase with it
_WORDS: dict[str, int] = {}
#: beginnings of words with their matchers, by their first two letters
_STEMS: dict[str, _Stems] = {}
#: what stands anywhere within a word, with its matchers
_WITHIN: dict[str, int] = {}
#: letters of the shortest of them
_SHORTEST_WITHIN = 1000
#: the matchers that must try every text, and all there are
_ANY = 0
_ALL = 0


def _enlist(words: Iterable[str]) -> int:
    """Enter the words of a new matcher, whose bit it gives, into the index; of a phrase its longest, as a rule the rarest."""
    global _ALL, _ANY, _SHORTEST_WITHIN
    bit = _ALL + 1
    _ALL |= bit
    for word in words:
        if _is_cjk(word):
            continue
        tokens = _TOKEN.findall(word.lower())
        token = max(tokens, key=len, default="")
        ends_open = word.endswith("*") and token in tokens[-1:]
        if not token or (ends_open and len(token) == 1):
            _ANY |= bit
        elif word.startswith("*") and token == tokens[0]:
            _WITHIN[token] = _WITHIN.get(token, 0) | bit
            _SHORTEST_WITHIN = min(_SHORTEST_WITHIN, len(token))
        elif ends_open:
            _STEMS.setdefault(token[:2], _Stems()).add(token, bit)
        else:
            _WORDS[token] = _WORDS.get(token, 0) | bit
    _possible_within.cache_clear()
    _possible.cache_clear()
    _hinted.cache_clear()
    return bit


@lru_cache(maxsize=8192)
def _possible(text: str) -> int:
    """Give the matchers that can find anything in a text, by its words alone."""
    if not text.isascii() and _FAR.search(text):
        return _ALL
    possible = _ANY
    for some in map(_hinted, _TOKEN.findall(text.lower())):
        possible |= some
    return possible


@lru_cache(maxsize=4096)
def _possible_within(texts: tuple[str, ...]) -> int:
    """Give the matchers that can find anything in one of several texts."""
    possible = 0
    for text in texts:
        possible |= _possible(text)
    return possible


@lru_cache(maxsize=8192)
def _hinted(word: str) -> int:
    """Give the matchers that a text with this word may have a phrase of."""
    found = _WORDS.get(word, 0)
    some = _STEMS.get(word[:2])
    if some is not None and word.startswith(some.all):
        for stem, bit in some.bits.items():
            if word.startswith(stem):
                found |= bit
    if len(word) >= _SHORTEST_WITHIN:
        for part, bit in _WITHIN.items():
            if part in word:
                found |= bit
    return found


_SHORT = 160
_REMEMBERED = 2000


def matcher(*groups: Iterable[str]) -> Matcher:
    """Make a pattern that finds any of the words, longest first; a trailing `*` stands for any ending."""
    words = sorted({word for group in groups for word in group}, key=len, reverse=True)
    latin = _by_first_letter([word for word in words if word.isascii() or not _is_cjk(word)])
    cjk = "|".join(re.escape(word) for word in words if _is_cjk(word))
    parts = [rf"(?<![\w]){part}" for part in ([f"(?:{latin})(?!\\w)"] if latin else [])]
    return Matcher(re.compile("|".join([*parts, *([cjk] if cjk else [])]), re.IGNORECASE), words)


def _by_first_letter(words: list[str]) -> str:
    """Join words to one pattern, those of a letter together, which spares the rest where a text has another letter.

    A word that begins with `*` can begin with any letter, so that no word moves across it.
    """
    groups: dict[tuple[int, str], list[str]] = {}
    wild = 0
    for word in words:
        wild += word.startswith("*")
        groups.setdefault((wild, word[0].lower()), []).append(_latin(word))
    return "|".join(f"(?:{'|'.join(group)})" for group in groups.values())


def _latin(word: str) -> str:
    pattern = re.escape(word.strip("*")).replace(r"\ ", r"[\s_-]+")
    return (r"\w*" if word.startswith("*") else "") + pattern + (r"\w*" if word.endswith("*") else "")


def _is_cjk(word: str) -> bool:
    return any("\u2e80" <= char <= "\uffef" for char in word)


@dataclass(frozen=True, slots=True)
class KnownMetric:
    """A metric with its canonical name, which side of it is bad, and the words that mean it."""

    name: str
    bad: Literal["high", "low"]
    words: tuple[str, ...]


#: most specific first: the first whose words occur wins
METRICS: tuple[KnownMetric, ...] = (
    KnownMetric("certificate_expiry", "low", ("certificate*", "certificate expires in", "certificate expiry",
        "certificate expiration", "days until certificate expiry", "cert expir*", "ssl expir*", "tls expir*", "zertifikat*",
        "certificat*", "certificado*", "certyfikat*", "証明書", "证书", "인증서")),
    KnownMetric("replication_lag", "high", ("replication lag", "replication delay", "replica lag", "*replication_lag*",
        "standby lag", "replikationsverzögerung", "retard de réplication", "レプリケーション遅延", "复制延迟", "복제 지연")),
    KnownMetric("consumer_lag", "high", ("consumer lag", "consumer group lag", "kafka lag", "lag", "behind",
        "コンシューマーラグ",
        "消费延迟")),
    KnownMetric("database_cache_hit_rate", "low", ("database cache hit*", "db cache hit*", "buffer cache hit*",
        "buffer pool hit*", "buffer hit*", "cache hit ratio of the database")),
    KnownMetric("cache_hit_rate", "low", ("hit rate", "hit ratio", "cache hit*", "trefferquote", "taux de succès du cache",
        "ヒット率", "命中率", "히트율")),
    KnownMetric("cache_miss_rate", "high", ("miss rate", "miss ratio", "cache miss*")),
    KnownMetric("evictions", "high", ("eviction*", "evicted key*")),
    KnownMetric("memory_fragmentation", "high", ("memory fragmentation*", "fragmentation ratio*")),
    KnownMetric("deadlocks", "high", ("deadlock*",)),
    KnownMetric("lock_waits", "high", ("lock wait*", "waiting lock*", "blocked session*", "blocked quer*", "blocked by lock*")),
    KnownMetric("idle_in_transaction", "high", ("idle in transaction", "idle transaction*")),
    KnownMetric("long_transactions", "high", ("long transaction*", "longest transaction*", "long running transaction*",
        "long-running transaction*", "oldest transaction*")),
    KnownMetric("dead_rows", "high", ("dead tuple*", "dead row*", "table bloat")),
    KnownMetric("transaction_id_use", "high", ("wraparound", "transaction id wraparound", "xid wraparound")),
    KnownMetric("unassigned_shards", "high", ("unassigned shard*",)),
    KnownMetric("backup_age", "high", ("backup age", "age of the last backup", "age of last backup", "age of the newest backup",
        "last backup age", "time since last backup")),
    KnownMetric("payment_success_rate", "low", ("payment success*", "payments that succeed*", "successful payment*")),
    KnownMetric("payment_failures", "high", ("payment fail*", "failed payment*", "payment error*", "payments that fail*",
        "payments fail*", "declined payment*")),
    KnownMetric("crash_free_rate", "low", ("crash-free session*", "crash-free user*", "crash-free rate*", "crash-free*",
        "crash free*")),
    KnownMetric("crash_rate", "high", ("crash rate", "crashes", "crash*", "absturzrate*")),
    KnownMetric("order_rate", "low", ("orders an hour", "orders per hour", "orders per minute", "orders per day", "order rate",
        "order volume", "bestellungen pro stunde")),
    KnownMetric("revenue", "low", ("revenue", "turnover", "umsatz", "chiffre d'affaires")),
    KnownMetric("churn", "high", ("churn*", "cancelled subscription*", "subscription cancellation*",
        "subscriptions that are cancelled")),
    KnownMetric("active_users", "low", ("active user*", "users who are active", "concurrent user*", "users online")),
    KnownMetric("engagement", "low", ("engagement*", "how engaged*")),
    KnownMetric("network_traffic", "high", ("network i/o", "network io", "network traffic", "network throughput", "bandwidth")),
    KnownMetric("slow_queries", "high", ("slow quer*", "queries are slow", "number of slow quer*")),
    KnownMetric("query_time", "high", ("query duration", "query time", "query latency", "response time of quer*",
        "query response time")),
    KnownMetric("success_rate", "low", ("success rate", "success ratio", "success percentage", "erfolgsrate",
        "taux de succès", "成功率", "성공률", "tasa de éxito", "taxa de sucesso")),
    KnownMetric("conversion_rate", "low", ("conversion*", "konversion*", "転換率", "转化率")),
    KnownMetric("availability", "low", ("availability", "uptime", "verfügbarkeit", "disponibilité", "disponibilidad",
        "disponibilidade", "dostępność", "可用性", "稼働率", "가용성")),
    KnownMetric("connection_errors", "high", ("connection error*", "connection failure*", "connection timeout*",
        "failed connection*")),
    KnownMetric("database_connections", "high", ("database connection*", "db connection*", "connection count",
        "connection pool", "connections", "pool", "pg_stat_activity*", "*connections*", "datenbankverbindungen", "conexiones",
        "conexões", "connexions", "połącze*", "接続数", "コネクション*", "连接数", "커넥션")),
    KnownMetric("packet_loss", "high", ("packet loss", "packets lost", "lost packets", "paketverlust*", "perte de paquets")),
    KnownMetric("failed_logins", "high", ("failed login*", "login failure*", "failed sign-in*", "failed ssh*", "failed password*",
        "authentication failure*", "failed authentication*", "fehlgeschlagene anmeldung*", "ログイン失敗", "登录失败")),
    KnownMetric("error_rate", "high", ("error rate", "error ratio", "error percentage", "error_rate", "error budget",
        "errors", "error", "5xx", "4xx", "fehlerrate", "fehler", "taux d'erreur*", "tasa de error*", "tasso di error*",
        "tasso d'error*", "errori", "taxa de erro*", "błęd*",
        "エラー率", "エラーレート", "错误率", "에러율", "오류율", "failure rate", "failures",
        "failed*", "fail*",
        "rejected", "dropped", "timeouts")),
    KnownMetric("response_time", "high", ("response time*", "latency", "response_time*", "request duration", "p50", "p90",
        "p95", "p99", "duration", "quer*", "load time", "page load*", "ttfb", "round trip",
        "ladezeit*", "seitenladezeit*", "temps de chargement*", "tiempo de carga*", "tempo de carregamento*",
        "ページ読み込み", "ページの読み込み", "ページ表示", "ページロード", "页面加载", "페이지 로드", "페이지 로딩",
        "rtt", "antwortzeit*", "latenz*", "temps de réponse", "latence", "tiempo de respuesta", "latencia", "latência",
        "tempo de resposta", "czas odpowiedzi", "opóźnieni*", "レスポンスタイム", "応答時間", "遅延", "レイテンシ*",
        "响应时间", "延迟", "응답 시간", "지연",
        "suchzeit", "slow*")),
    KnownMetric("cpu_usage", "high", ("cpu", "processor", "prozessor*", "processeur", "cpu使用率")),
    KnownMetric("load_average", "high", ("load average", "system load", "load")),
    KnownMetric("memory_usage", "high", ("memory", "ram", "heap", "rss", "speicher*", "arbeitsspeicher", "mémoire",
        "memoria", "memória", "pamięć", "pamięci", "メモリ", "内存", "메모리")),
    KnownMetric("swap_usage", "high", ("swap",)),
    KnownMetric("inode_usage", "high", ("inode*", "disk inode*")),
    KnownMetric("disk_usage", "high", ("disk", "storage", "filesystem", "volume", "free space", "disk space",
        "festplatte*", "dateisystem*", "*dateisystem", "speicherplatz", "disque", "disco", "spazio", "almacenamiento", "dysk*",
        "ディスク",
        "磁盘", "디스크")),
    KnownMetric("queue_length", "high", ("queue*", "backlog", "pending", "messages", "jobs", "tasks", "warteschlange",
        "file d'attente", "cola", "fila", "kolejk*", "キュー", "队列", "큐")),
    KnownMetric("restarts", "high", ("restart*", "pod restart*", "container restart*", "service restart*", "reboot*",
        "oom*", "neustart*", "redémarrage*", "reinicio*")),
    KnownMetric("request_rate", "low", ("request rate", "throughput", "requests", "rps", "qps", "traffic", "durchsatz",
        "débit", "スループット")),
    KnownMetric("usage", "high", ("usage", "utilization", "utilisation", "nutzung", "auslastung", "utilización", "uso")),
    KnownMetric("score", "low", ("score", "satisfaction", "accuracy", "completion", "quality", "coverage", "apdex", "free",
        "available", "remaining", "verfügbar*")),
    KnownMetric("lateness", "high", ("delay", "age", "staleness", "stale", "outage", "downtime", "recovery time", "time")),
)  # fmt: skip

STATISTICS: tuple[tuple[str, str], ...] = (
    ("p50", r"\bp50\b|\bmedian\b|50th|quantile\(0\.50?\b"),
    ("p95", r"\bp95\b|95th|_p95\b|quantile\(0\.95\b|95\.\s?perzentil|95e\s+centile|95パーセンタイル"),
    ("p99", r"\bp99(?:\.9)?\b|99th|_p99\b|quantile\(0\.99\b"),
    ("p90", r"\bp90\b|90th|quantile\(0\.90?\b"),
    ("avg", r"\bavg\b|\baverage\b|\bmean\b|\bdurchschnitt|\bmoyenne?\b|\bpromedio\b|\bmédia\b|平均|평균"),
    ("max", r"\bmax(?:imum)?\s?\(|\bpeak\b|\bmaximum\b"),
    ("rate", r"\b(?:i?rate|increase)\("),
)

#: headings, labels and columns under which a comparison says that somebody must act
ALERT_WORDS = (
    "alert*", "alarm*", "trigger*", "threshold*", "warning*", "critical*", "critic*", "crític*", "kritisch*",
        "schwellenwert*", "seuil*", "umbral*", "soglia", "soglie", "allarm*", "allert*",
    "limiar*", "próg*", "symptom*", "síntoma*", "sintoma*", "symptôme*", "objaw*", "condition*", "detection", "detect*",
        "detectar", "escalat*", "escalad*", "eskalation*",
    "eskalac*", "incident*", "issue*", "problem*", "when to", "rollback", "emergency", "notfall", "pager*", "page",
        "violation*", "breach*", "degraded", "unhealthy", "danger*",
    "warn*", "warnung*", "avertissement*", "advertencia*", "aviso*", "ostrzeżeni*", "krytyczn*", "bedingung*", "condición*",
        "action items", "action item", "investigat*",
    "アラート", "警告", "しきい値", "閾値", "症状", "クリティカル", "重大", "告警", "报警", "阈值", "严重", "警报", "경고",
        "임계값", "증상", "심각", "when", "examples",
)  # fmt: skip
#: headings, labels and columns under which a comparison states the value to be kept
OBJECTIVE_WORDS = (
    "key metric*", "metrics to monitor", "metric*", "target*", "slo", "slos", "sli", "slis", "sla", "objective*", "goal*",
        "kpi", "kpis", "normal*", "healthy", "ok", "expected*",
    "baseline*", "success criteria", "acceptance*", "pass criteria", "criteria for success", "good", "acceptable", "ideal",
        "should be", "requirement*", "benchmark*", "service level*", "recovery", "recovered", "desired*",
    "ziel*", "normalwert*", "gesund", "erwartet*", "objectif*", "cible*", "attendu*", "objetivo*", "meta", "metas", "cel",
        "cele", "norma", "wskaźnik*",
    "正常", "目標", "期待", "指標", "目标", "指标", "정상", "목표", "metriken", "métric*", "métriqu*",
)  # fmt: skip
#: labels whose duration is somebody's time to act, a configuration or bookkeeping: never a threshold
NOT_THRESHOLD_LABELS = (
    "response", "respond", "response sla", "response time sla", "eta", "rto", "rpo", "rto target", "rpo target",
        "resolution time", "resolution", "resolution sla", "retention", "duration",
    "duration estimate", "frequency", "time", "timeline", "timeout", "window", "maintenance window",
        "recovery time objective", "recovery point objective", "mttr", "mttd", "mtta",
    "impact", "business impact", "user impact", "version", "prerequisite*", "acknowledge", "ack", "update frequency",
        "estimated time", "time to", "sla response", "backup", "size", "when",
    "data loss", "credit", "credits", "reaktionszeit", "temps de réponse sla", "délai", "durée", "dauer", "lösungszeit",
        "tiempo de resolución", "czas reakcji", "czas rozwiązania",
    "respuesta", "resposta", "réponse", "reaktion", "reakcja", "対応", "対応時間", "応答時間目標", "保持期間",
        "保存期間", "响应", "恢复时间",
)  # fmt: skip
#: prerequisites and versions: numbers that are gates, not signals
GATE_WORDS = ("version*", "prerequisite*", "requires", "required", "requirement*", "minimum", "install*", "compatib*",
    "key length", "password", "retention", "voraussetzung*", "prérequis", "requisito*", "wymagani*", "前提条件",
    "先决条件")  # fmt: skip

#: states in which a thing needs somebody, and the state word that is kept
STATES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("down", ("down", "is down", "offline", "ausgefallen", "caído", "caída", "caida", "hors service", "fora do ar",
        "nie działa",
        "ダウン", "停止", "宕机", "다운", "läuft nicht", "en panne", "crashed", "crash*", "not running", "stopped")),
    ("failed", ("failed", "fails", "failing", "failure", "failures", "fehlgeschlagen", "fehler", "échec", "échoué", "falló",
        "falla", "fallido", "falhou", "niepowodzenie", "失敗", "失败", "실패")),
    ("unavailable", ("unavailable", "not available", "inaccessible", "nicht verfügbar", "indisponible", "no disponible",
        "indisponível", "niedostępn*", "利用不可", "不可用")),
    ("unreachable", ("unreachable", "not reachable", "not responding", "unresponsive", "nicht erreichbar", "injoignable",
        "inalcanzable", "応答なし", "无响应", "no response", "timing out", "connection lost")),
    ("detected", ("detected", "occurred", "observed", "erkannt", "détecté", "détectée", "detectado", "detectada", "wykryto",
        "検出", "检测到", "감지")),
    ("degraded", ("degraded", "impaired", "degradation", "beeinträchtigt", "dégradé", "degradado", "degradada")),
    ("expired", ("expired", "abgelaufen", "expiré", "expirado", "wygasł*", "期限切れ", "过期", "만료")),
    ("exhausted", ("exhausted", "full", "erschöpft", "épuisé", "agotado", "esgotado")),
    ("missing", ("missing", "no data", "absent", "lost", "fehlt", "manquant")),
    ("stuck", ("stuck", "hung", "hanging", "blocked", "stalled", "frozen", "crashlooping", "crash looping",
        "crashloopbackoff")),
    ("outage", ("outage", "ausfall", "panne", "interrupción", "awaria", "障害", "故障", "장애")),
    ("breach", ("breach", "compromised", "intrusion", "attack")),
)  # fmt: skip

#: severity words in the order of their gravity, with the words that mean them
SEVERITY_WORDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("critical", ("critical", "critico", "critica", "kritisch", "kritische", "kritischer", "critique", "crítico",
        "crítica", "krytyczny",
        "krytyczne", "重大", "クリティカル", "緊急", "危険", "危急", "严重", "紧急", "치명적", "심각")),
    ("high", ("high", "hoch", "élevé", "élevée", "alta", "alto", "wysoki", "高")),
    ("major", ("major", "majeur", "majeure")),
    ("warning", ("warning", "warn", "warnung", "avertissement", "advertencia", "aviso", "ostrzeżenie", "警告", "注意", "경고")),
    ("medium", ("medium", "moderate", "mittel", "moyen", "moyenne", "media", "medio", "média", "médio", "średni", "中")),
    ("minor", ("minor", "mineur", "mineure", "menor")),
    ("low", ("low", "niedrig", "gering", "faible", "baja", "bajo", "baixa", "niski", "低")),
    ("info", ("info", "information", "informational", "informativ", "informatif", "informativo", "情報", "信息")),
)  # fmt: skip
SEVERITY_CODE = re.compile(
    r"(?<![\w-])(?P<code>SEV(?:ERITY)?[-_ ]?[0-5]|P(?:RIO(?:RITY)?)?[-_ ]?[0-5]|S[0-5](?=[)\s:—–-]|$))(?![\w.%])", re.IGNORECASE
)
SEVERITY_HEADINGS = (
    "severit*", "priorit*", "incident classification", "incident level*", "classification", "impact level*", "alert level*",
        "sla", "sev level*", "schweregrad*", "priorität*", "gravité",
    "niveaux de gravité", "niveau de sévérité", "sévérité", "severidad*", "severità", "gravità", "priorità", "gravedad",
        "severidade", "poziom*", "priorytet*",
        "重大度", "優先度", "严重级别", "严重程度", "优先级", "심각도", "우선순위", "escalation matrix", "nivel",
)  # fmt: skip
RESPONSE_COLUMNS = (
    "response time", "response", "respond", "response sla", "sla respuesta", "sla response", "acknowledge*", "ack",
        "initial response", "first response", "reaction time", "time to respond",
    "reaktionszeit", "reaktion", "temps de réponse", "délai de réponse", "tiempo de respuesta", "respuesta",
        "tempo de resposta", "resposta", "tempo di risposta", "risposta", "czas reakcji", "reakcja", "対応時間", "初動",
        "响应时间", "响应", "응답 시간",
        "대응 시간",
)  # fmt: skip
IMMEDIATE = ("immediate", "immediately", "asap", "instant", "at once", "right away", "now", "sofort", "umgehend", "immédiat",
    "immédiate", "immédiatement", "inmediato", "inmediata", "inmediatamente", "immediato", "immediata", "immediatamente",
        "subito", "imediato", "imediata", "natychmiast", "即時",
    "直ちに", "立即", "즉시")  # fmt: skip

ESCALATION_WORDS = (
    "escalation", "escalate", "escalation path", "escalation matrix", "escalation levels", "eskalation*", "escalade",
        "escalación", "escalado", "escalonamento", "escalamento", "eskalacj*", "エスカレーション", "升级", "上报",
        "에스컬레이션",
)  # fmt: skip
#: that a page, or the whole ladder, comes again
AGAIN = (
    "repeat*", "re-page*", "repage*", "again", "start over", "starts over", "restart*", "go back", "goes back", "wiederhol*",
    "erneut", "nochmals", "von vorn", "von vorne", "wieder", "repet*", "repit*", "répét*", "répèt*", "rappel*", "de nouveau",
    "recommenc*", "reprend*", "otra vez", "de nuevo", "volver a", "vuelve a", "reiniciar", "de novo", "novamente", "outra vez",
    "recomeç*",
)  # fmt: skip
ALL_OF_THEM = ("everyone", "everybody", "all", "whole", "entire", "full", "alle", "todos", "tous")
CONTACT_WORDS = (
    "contact*", "on-call", "on call", "oncall", "emergency number*", "phone list", "support*", "who to call",
        "escalation contact*", "team contact*", "vendor*", "external service*", "external support",
    "communication channel*", "slack channel*", "people", "who's who", "who is who", "personen", "personas", "interlocuteurs",
        "points of contact", "team directory", "phone tree", "kontakt*", "ansprechpartner*", "rufbereitschaft", "bereitschaft",
        "contacto*", "contatti", "contatto", "reperibilità", "guardia", "contato*", "plantão", "astreinte", "dyżur*",
        "連絡先", "オンコール", "联系", "联系人",
        "值班", "연락처", "당직",
)  # fmt: skip
VENDOR_WORDS = ("vendor*", "external service*", "external contact*", "external support", "third-party contact*", "provider*",
    "lieferant*", "fournisseur*", "proveedor*", "fornecedor*", "dostawc*", "外部", "供应商", "협력사")  # fmt: skip
NOT_CONTACTS = (
    "version", "last updated", "owner", "review", "runbook", "date", "updated", "author", "status", "purpose", "audience",
        "url", "dashboard", "dashboards", "repository", "documentation", "docs",
    "wiki", "impact", "severity", "note", "when", "attendees", "agenda", "duration", "response time", "availability",
        "tools required", "frequency", "production", "staging", "development",
    "action", "actions", "escalate", "title", "description", "cause", "logs", "monitoring dashboard", "log aggregation",
        "production api", "staging api", "api", "next review",
)  # fmt: skip
ROLE_WORDS = (
    "engineer*", "lead", "manager", "director", "cto", "ceo", "ciso", "cio", "vp", "head", "team*", "administrator", "admin",
        "dba", "sre", "devops", "on-call", "oncall", "on call", "primary", "secondary",
    "support", "vendor", "provider", "owner", "commander", "officer", "developer*", "leadership", "management", "executive*",
        "hotline", "registrar", "slack", "email", "e-mail", "phone", "pagerduty", "teams",
    "status page", "operations", "security", "infrastructure", "platform", "supervisor", "specialist*", "qa", "responder*",
        "tech lead", "architect", "bereitschaft", "leiter", "leiterin", "*leitung", "*leiter", "geschäftsführ*",
        "vorstand", "direction", "directeur", "directrice", "chef*", "gerente", "dirección", "director", "responsabile",
        "reperibilità", "reperibile", "direttore", "sistemista", "coordinador*",
        "ingenieur*", "équipe",
    "responsable", "astreinte", "equipo", "plantão", "plantonista", "coordenador*", "diretor*", "guardia", "当番",
        "당직", "팀장", "본부장", "supervisor*", "jefe", "ingeniero*", "responsável", "equipe", "zespół", "kierownik",
        "inżynier*",
        "チーム", "担当", "責任者", "マネージャー", "オンコール", "部長", "課長", "リーダー", "当番", "エンジニア",
        "值班", "主管", "当直", "团队", "负责人", "工程师", "经理", "팀", "담당자", "엔지니어", "매니저",
)  # fmt: skip

RECOVERY_WORDS: dict[str, tuple[str, ...]] = {
    "rto": ("rto", "recovery time objective*", "recovery time", "wiederherstellungszeit", "temps de reprise",
        "délai de reprise", "tiempo de recuperación", "tempo de recuperação", "目標復旧時間", "恢复时间目标", "목표 복구 시간"),
    "rpo": ("rpo", "recovery point objective*", "recovery point", "wiederherstellungspunkt", "point de reprise",
        "punto de recuperación", "ponto de recuperação", "目標復旧時点", "恢复点目标", "목표 복구 시점"),
}  # fmt: skip
NO_LOSS = ("zero", "real-time", "realtime", "real time", "no data loss", "none", "null", "keine", "aucune", "ninguna",
    "nenhuma", "echtzeit", "temps réel", "tiempo real", "tempo real", "ゼロ", "リアルタイム", "零", "实时")  # fmt: skip
NEAR_NO_LOSS = ("near-zero", "near zero", "near real-time", "almost zero", "minimal", "nahezu null")

EVERY: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("minute", ("every minute", "minutely", "per minute", "minütlich*", "toutes les minutes", "cada minuto", "毎分", "每分钟")),
    ("hour", ("hourly", "every hour", "stündlich*", "jede stunde", "toutes les heures", "cada hora", "de hora em hora",
        "de hora en hora", "ogni ora", "co godzinę", "毎時",
        "每小时",
        "매시간")),
    ("day", ("daily", "giornalier*", "quotidian*", "ogni giorno", "ogni notte", "every day", "each day", "nightly",
        "every night", "every morning", "every evening", "täglich*",
        "jeden tag", "quotidien*", "tous les jours", "chaque jour", "diari*",
        "cada día", "todos los días", "diári*", "dziennie",
        "dzienn*", "todos os dias", "codziennie", "codzienn*", "毎日", "日次", "每日",
        "每天",
        "매일", "일일")),
    ("week", ("weekly", "settimanal*", "ogni settimana", "every week", "each week", "wöchentlich*", "jede woche",
        "hebdomadaire*", "chaque semaine",
        "semanal*", "cada semana", "toda semana", "tygodniow*", "co tydzień", "毎週", "週次", "每周", "주간", "매주")),
    ("month", ("monthly", "mensil*", "ogni mese", "every month", "each month", "of the month", "of each month",
        "of every month", "of month",
        "monatlich*", "jeden monat", "mensuel*", "chaque mois", "mensual*", "cada mes", "mensal*", "todo mês", "miesięczn*",
        "co miesiąc", "毎月", "月次", "每月", "월간", "매월")),
    ("quarter", ("quarterly", "ogni trimestre", "every quarter", "each quarter", "vierteljährlich*", "quartalsweise",
        "trimestriel*",
        "chaque trimestre", "trimestral*", "kwartaln*", "四半期", "每季度", "분기")),
    ("year", ("yearly", "annually", "annual", "every year", "each year", "jährlich*", "annuel*", "chaque année", "anual*",
        "cada año", "roczn*", "corocznie", "毎年", "年次", "每年", "매년", "연간")),
)  # fmt: skip
WEEKDAYS: dict[str, tuple[str, ...]] = {
    "MO": ("monday", "mondays", "mon", "montag", "montags", "lunedì", "lundi", "lunes", "segunda-feira", "segunda",
        "poniedziałek",
        "月曜", "周一", "星期一", "월요일"),
    "TU": ("tuesday", "tuesdays", "tue", "dienstag", "dienstags", "mardi", "martedì", "martes", "terça-feira", "terça",
        "wtorek", "火曜",
        "周二", "星期二", "화요일"),
    "WE": ("wednesday", "wednesdays", "wed", "mittwoch", "mittwochs", "mercredi", "mercoledì", "miércoles",
        "quarta-feira", "quarta",
        "środa", "środę", "水曜", "周三", "星期三", "수요일"),
    "TH": ("thursday", "thursdays", "thu", "donnerstag", "donnerstags", "jeudi", "giovedì", "jueves", "quinta-feira", "quinta",
        "czwartek", "木曜", "周四", "星期四", "목요일"),
    "FR": ("friday", "fridays", "fri", "freitag", "freitags", "vendredi", "venerdì", "viernes", "sexta-feira", "sexta",
        "piątek", "金曜",
        "周五", "星期五", "금요일"),
    "SA": ("saturday", "saturdays", "sat", "samstag", "samstags", "sonnabend", "samedi", "sabato", "sábado", "sobota",
        "sobotę", "土曜",
        "周六", "星期六", "토요일"),
    "SU": ("sunday", "sundays", "sun", "sonntag", "sonntags", "dimanche", "domenica", "domingo", "niedziela",
        "niedzielę", "日曜", "周日",
        "星期日", "일요일"),
}  # fmt: skip
ORDINALS: dict[int, tuple[str, ...]] = {
    1: (
        "first",
        "1st",
        "erster",
        "ersten",
        "erste",
        "premier",
        "primer",
        "primeiro",
        "primeira",
        "pierwszy",
        "pierwsza",
        "第1",
        "第一",
    ),
    2: ("second", "2nd", "zweiter", "zweiten", "deuxième", "segundo", "drugi", "第2", "第二"),
    3: ("third", "3rd", "dritter", "dritten", "troisième", "tercer", "terceiro", "trzeci", "第3", "第三"),
    4: ("fourth", "4th", "vierter", "vierten", "quatrième", "cuarto", "quarto", "czwarty", "第4", "第四"),
    -1: ("last", "letzter", "letzten", "dernier", "último", "ostatni", "最終", "最后"),
}
ZONES: dict[str, str] = {
    "UTC": "UTC", "GMT": "Etc/GMT", "Z": "UTC", "IST": "Asia/Kolkata", "WIB": "Asia/Jakarta", "JST": "Asia/Tokyo",
        "KST": "Asia/Seoul", "CST": "America/Chicago", "CDT": "America/Chicago",
    "EST": "America/New_York", "EDT": "America/New_York", "ET": "America/New_York", "EASTERN": "America/New_York",
        "PT": "America/Los_Angeles", "PST": "America/Los_Angeles", "PDT": "America/Los_Angeles",
    "PACIFIC": "America/Los_Angeles", "MST": "America/Denver", "MDT": "America/Denver", "MT": "America/Denver",
        "CT": "America/Chicago", "CET": "Europe/Berlin", "CEST": "Europe/Berlin", "MEZ": "Europe/Berlin",
    "BST": "Europe/London", "SGT": "Asia/Singapore", "HKT": "Asia/Hong_Kong", "AEST": "Australia/Sydney",
        "AEDT": "Australia/Sydney", "SAST": "Africa/Johannesburg", "BRT": "America/Sao_Paulo", "MSK": "Europe/Moscow",
}  # fmt: skip
MAINTENANCE_WORDS = ("maintenance", "maintenance window", "wartung*", "wartungsfenster", "entretien", "mantenimiento",
    "manutenção", "konserwacj*", "メンテナンス", "维护", "점검")  # fmt: skip

TEMPLATE_WORDS = ("template*", "vorlage*", "modèle*", "plantilla*", "modelo*", "szablon*", "テンプレート", "模板", "템플릿")
MESSAGE_WORDS = ("notification*", "announcement*", "status update*", "communicate*", "communication*", "initial alert",
    "initial update", "progress update", "internal update*", "external update*", "customer update*",
        "stakeholder update*", "resolution notice", "message*", "benachrichtigung*", "mitteilung*", "notificación*",
    "comunicación*", "comunicação", "komunikat*", "通知", "連絡", "통지")  # fmt: skip
PHASE_WORDS = ("response process", "incident response", "response procedure*", "incident process", "phases", "lifecycle",
    "incident workflow", "response workflow", "incident management", "ablauf", "proceso de respuesta", "対応フロー",
    "处理流程")  # fmt: skip
AUTOMATED_WORDS = ("automated", "automatic", "automatically", "cron", "scheduled job", "automatisch", "automatisiert",
    "automatique", "automático", "automática", "automatyczn*", "自動", "自动", "자동")  # fmt: skip
MANUAL_WORDS = ("manual", "manually", "manual review", "manuell", "manuel", "ręczn*", "手動", "手动", "수동")
DOCUMENT_LABELS: dict[str, tuple[str, ...]] = {
    "version": ("version", "runbook version", "document version", "doc_version", "versión", "versão", "wersja", "バージョン",
        "版本",
        "버전"),
    "owner": ("owner", "document owner", "maintained by", "maintainer", "maintainers", "owned by", "responsible",
        "verantwortlich", "eigentümer", "propriétaire", "responsable", "propietario", "responsável", "właściciel", "担当",
        "負責人", "负责人", "담당"),
    "updated": ("last updated", "updated", "last update", "last modified", "last reviewed", "last_updated",
        "last_reviewed_on", "date", "zuletzt aktualisiert", "dernière mise à jour", "última actualización",
        "última atualização", "ostatnia aktualizacja", "最終更新", "最后更新", "최종 수정"),
    "next_review": ("next review", "next_review", "review date", "review_in", "nächste prüfung", "prochaine révision",
        "próxima revisión", "próxima revisão", "次回レビュー", "下次审核"),
    "review_every": ("review schedule", "review cycle", "review frequency", "reviewed", "review cadence", "review interval",
        "prüfzyklus", "cycle de révision", "ciclo de revisión", "レビュー周期"),
}  # fmt: skip

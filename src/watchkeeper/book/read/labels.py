"""The words by which runbooks label the stages of a procedure, in several languages: a label goes in, its meaning comes out.

The same words serve headings and bold lines. A label means a stage only where nothing but stage words and fillers is in it:
"Diagnosis" and "Investigation Steps" are stages, "Database Diagnosis Tool" is a topic of its own.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from typing import Literal, TypeAlias

from watchkeeper.book.model import StepPhase
from watchkeeper.book.openings import Opening
from watchkeeper.book.vocabulary import Matcher

Stage: TypeAlias = Literal[
    "symptoms", "causes", "prevention", "escalation", "diagnose", "act", "verify", "communicate", "caution", "background",
    "prerequisites", "expected", "title",
]  # fmt: skip

PHASES: dict[Stage, StepPhase] = {
    "diagnose": "diagnose", "act": "act", "verify": "verify", "prevention": "prevent", "communicate": "communicate",
    "prerequisites": "diagnose",
}  # fmt: skip

_WORDS: dict[Stage, str] = {
    "symptoms": """symptom|symptoms|signs|indicators|detection|detection and symptoms|what you will see|
        how to recognise it|how to recognize it|trigger|triggers|triggered by|
        symptome|anzeichen|symptôme|symptômes|síntoma|síntomas|sintomas|sintoma|objawy|symptomy|症状|증상|现象|現象|
        symptoms and impact|alert symptoms|observed symptoms|key symptoms|user impact and symptoms""",
    "causes": """cause|causes|common causes|possible causes|potential causes|likely causes|root cause|root causes|
        probable causes|typical causes|why it happens|common root causes|most common causes|likely root causes|
        ursache|ursachen|mögliche ursachen|causes possibles|causes probables|causa|causas|causas comunes|
        posibles causas|causas possíveis|causas comuns|causas probables|przyczyny|możliwe przyczyny|原因|考えられる原因|可能原因|
        원인|가능한 원인""",
    "prevention": """prevention|preventive measures|preventative measures|prevent recurrence|preventing recurrence|
        long-term prevention|prevention measures|prevention steps|prevention strategies|future prevention|
        medidas preventivas|medidas de prevención|medidas de prevenção|mesures préventives|mesures de prévention|
        vorbeugung|prävention|vorbeugende maßnahmen|prévention|prevención|prevenção|zapobieganie|予防|予防策|再発防止|预防|예방|
        재발 방지""",
    "escalation": """escalation|escalate|escalate if|when to escalate|escalation criteria|escalation path|escalations|
        eskalation|escalade|escalado|escalamiento|escalonamento|escalação|eskalacja|エスカレーション|升级|에스컬레이션""",
    "diagnose": """diagnosis|diagnose|diagnostic|diagnostics|diagnostic steps|diagnosis steps|diagnostic commands|
        diagnosis commands|investigation|investigate|investigation steps|investigating|initial investigation|
        troubleshooting|
        troubleshooting steps|troubleshoot|triage|triage steps|initial triage|assessment|initial assessment|assess|
        check|checks|initial checks|first checks|quick checks|quick check|quick diagnosis|what to check|how to check|
        confirm|confirm the problem|analysis|debugging|debug|debug steps|debugging steps|identify|identification|
        detect|first steps|initial diagnosis|verify the issue|how to diagnose|how to investigate|commands|
        useful commands to diagnose|steps to diagnose|diagnosis and resolution steps|
        diagnoseschritte|prüfung|prüfen|analyse|untersuchung|überprüfung|fehlersuche|diagnostique|vérifications|
        vérification initiale|diagnóstico|investigación|pasos de diagnóstico|comprobaciones|comandos|verificar|
        passos de diagnóstico|investigação|diagnoza|diagnostyka|sprawdzenie|
        診断|調査|調査手順|確認手順|診断手順|切り分け|诊断|排查|排查步骤|检查|诊断步骤|진단|조사|확인|진단 절차""",
    "act": """resolution|resolutions|resolution steps|resolve|resolving|solution|solutions|solution steps|fix|fixes|
        the fix|how to fix|quick fix|quick fixes|mitigation|mitigations|mitigate|mitigation steps|mitigation actions|
        remediation|remediate|remediation steps|
        action|actions|immediate action|immediate actions|immediate action steps|immediate response|immediate steps|
        immediate mitigation|immediate fix|immediate|action items to take|actions to take|actions required|
        required actions|action required|response|response steps|response actions|responses|response procedure|steps|
        steps to resolve|steps to take|procedure|procedures to follow|what to do|how to respond|how to resolve|
        how to recover|recovery|recovery steps|recovery actions|corrective actions|corrective action|workaround|
        workarounds|containment|contain|immediate containment|short-term|short term|long-term|long term|
        short-term fix|long-term fix|
        long-term solution|long-term solutions|short-term solution|permanent fix|temporary fix|common fixes|
        common solutions|common resolutions|possible fixes|possible solutions|potential solutions|if confirmed|
        execute|execution|execution steps|implementation|process|restore service|eradication|first actions|
        resolution actions|resolution procedure|mitigation options|solution options|recovery procedure|
        mitigation and resolution|
        lösung|lösungen|lösungsschritte|behebung|maßnahmen|sofortmaßnahmen|massnahmen|vorgehen|schritte|durchführung|
        wiederherstellung|aktionen|aktion|solution immédiate|résolution|actions immédiates|étapes|mesures|atténuation|
        correction|procédure|
        solución|soluciones|resolución|acciones|acciones inmediatas|acción|pasos|mitigación|remediación|procedimiento|
        solução|soluções|resolução|ações|ações imediatas|passos|mitigação|procedimento|rozwiązanie|działania|kroki|
        natychmiastowe działania|naprawa|
        対応|対応手順|対処|対処法|対処方法|解決|解決方法|解決策|復旧手順|手順|復旧|处理|处理步骤|解决|解决方案|解决方法|
        处置|步骤|应对|恢复步骤|해결|해결 방법|조치|대응|대응 절차|복구 절차|
        조치 방법|절차|해결책""",
    "verify": """verification|verify|verification steps|verify fix|verify the fix|verify recovery|verify resolution|
        verify success|validation|validate|validation steps|post-checks|post-check|confirm recovery|
        confirm resolution|confirm fix|success criteria|post-recovery verification|post-restore verification|
        post-rollback verification|post-deployment verification|
        recovery verification|how to verify|how to validate|verify it worked|check recovery|testing|sanity checks|
        sanity check|smoke tests|smoke test|post-resolution|recovery validation|post-recovery|
        verifizierung|validierung|erfolgskontrolle|verifikation|vérification|validation finale|verificación|
        validación|comprobación|verificação|validação|weryfikacja|検証|確認|確認方法|復旧確認|验证|确认|검증|복구 확인|
        확인 방법""",
    "communicate": """communication|communications|notify|notification|notifications|communicate|
        stakeholder communication|internal communication|external communication|who to notify|notify stakeholders|
        customer communication|
        kommunikation|communication interne|comunicación|comunicação|komunikacja|連絡|通知|沟通|커뮤니케이션|통보""",
    "caution": """warning|warnings|caution|danger|important|attention|achtung|warnung|wichtig|vorsicht|avertissement|
        important note|critical note|advertencia|importante|precaución|atención|aviso|atenção|uwaga|ostrzeżenie|注意|警告|
        重要|주의|경고|critical|safety|safety note|do not|never|risk|risks|be careful""",
    "background": """impact|business impact|user impact|meaning|description|summary|overview|background|context|note|
        notes|purpose|scope|goal|goals|objective|when to use|when to use this|when to use this runbook|severity|
        priority|sla|slo|owner|alert|alerts|alert name|condition|expression|labels|references|related|
        related runbooks|related documents|related documentation|see also|links|resources|dashboard|dashboards|
        metrics|metric|key metrics|tip|tips|info|hint|example|examples|frequency|duration|estimated time|
        estimated duration|time estimate|rto|rpo|status|last updated|version|author|contact|contacts|technology|
        technologies|features|benefits|tools|logs|definition|explanation|details|why|rationale|time to resolve|
        expected duration|response time|expected recovery time|threshold|thresholds|full context|
        auswirkung|auswirkungen|beschreibung|hinweis|hinweise|bedeutung|zusammenfassung|ziel|signification|remarque|
        objectif|descripción|impacto|nota|notas|significado|resumen|objetivo|descrição|resumo|opis|wpływ|znaczenie|影響|
        概要|説明|意味|目的|备注|说明|影响|概述|목적|개요|설명|영향""",
    "prerequisites": """prerequisite|prerequisites|pre-requisites|requirements|before you begin|before you start|
        before starting|preparation|pre-checks|pre-flight|preflight|pre-flight checks|preconditions|required access|
        what you need|pre-deployment checks|
        voraussetzungen|vorbereitung|prérequis|pré-requis|préparation|requisitos|prerrequisitos|requisitos previos|
        preparación|pré-requisitos|preparação|wymagania|przygotowanie|前提条件|事前準備|準備|前置条件|准备工作|사전 조건|
        전제 조건|준비""",
    "expected": """expected|expected output|expected result|expected results|expected response|expected outcome|
        expected behavior|expected state|output|sample output|result|results|should show|should return|
        erwartet|erwartete ausgabe|ergebnis|erwartetes ergebnis|résultat attendu|sortie attendue|resultado esperado|
        salida esperada|saída esperada|oczekiwany wynik|期待値|期待される結果|期待される出力|预期结果|预期输出|예상 결과|
        기대 결과""",
}  # fmt: skip
_FILLERS = re.compile(r"^(?:the |a |an |your |our |its )")
_JOINED = re.compile(r"\s*(?:/|,|\band\b|\+|\bund\b|\bet\b|\by\b|\be\b|・|、|と)\s*")
#: what `_JOINED` splits at, which most labels have nothing of
_JOINT = re.compile(r"[/,+・、と]|\b(?:and|und|et|y|e)\b")
_TRIM = re.compile(r"^[\W_]+|[\W_]+$")
_REMARK = re.compile(r"\s*[(\[][^()\[\]]{0,120}[)\]]\s*:?\s*$")
_NUMBER = Opening(
    r"^",
    r"step\s*|schritt\s*|étape\s*|paso\s*|passo\s*|krok\s*|phase\s*|stage\s*|part\s*|ステップ\s*|第\s*|",
    r"\d+(?:\.\d+)*\s*[.):：\-–—]*\s*",
    re.IGNORECASE,
)


@cache
def _table() -> dict[str, Stage]:
    found: dict[str, Stage] = {}
    for stage, words in _WORDS.items():
        for word in words.split("|"):
            found.setdefault(" ".join(word.split()), stage)
    return found


@lru_cache(maxsize=8192)
def plain(text: str) -> str:
    """Strip marks, emoji, numbers, bracketed remarks and the final colon from a label."""
    text = (text if text.isascii() else unicodedata.normalize("NFKC", text)).strip()
    if ")" in text or "]" in text:
        text = _REMARK.sub("", text)
    text = _trimmed(text)
    number = _NUMBER.match(text)
    text = (text[number.end() :] if number else text) or text
    return _trimmed(text)


def _trimmed(text: str) -> str:
    return text if text[:1].isalnum() and text[-1:].isalnum() else _TRIM.sub("", text)


@cache
def stage_of(text: str) -> Stage | None:
    """Say which stage a label means, None where it is a topic.

    >>> stage_of("Investigation Steps"), stage_of("**Lösung**:"), stage_of("Database Recovery")
    ('diagnose', 'act', None)
    """
    if len(text) > 80:
        return None
    label = " ".join(plain(text).lower().replace("’", "'").replace("&", "and").replace("‑", "-").split())
    table = _table()
    if label in table:
        return table[label]
    bare = _FILLERS.sub("", label) if label.startswith(("the ", "a ", "an ", "your ", "our ", "its ")) else label
    parts = _JOINED.split(bare) if _JOINT.search(bare) else [bare]
    if all(part in table for part in parts):
        stages = [table[part] for part in parts]
        return "act" if stages[0] in ("causes", "symptoms") and "act" in stages else stages[0]
    return None


_STEP = Opening(r"^\W*", "step|schritt|étape|paso|passo|krok|ステップ|단계|步骤", r"\s*\d+", re.IGNORECASE)


def is_step_title(text: str) -> bool:
    """Say whether a heading is a numbered step of what stands above it ("Step 3: Verify")."""
    return bool(_STEP.match(text.strip()))


_BRANCH = Opening(
    r"^\W*(?:\d+[.)]\s*)?",
    r"if|when|in case(?: of)?|for|wenn|falls|bei|si|en cas de|en caso de|se|em caso "
    r"de|jeśli|gdy|w przypadku|case|scenario|option|variant|"
    r"method|methode|méthode|método|metoda|root cause|cause|szenario|escenario|cenário|"
    r"scenariusz|scénario|opción|opção|opcja|ケース|シナリオ|方案|情况|场景|시나리오|옵션",
    r"\b\s*(?P<index>#?(?:\d+|[A-Z])(?=[\s:.)\-–—]|$))?\s*[:.)\-–—]*\s*(?P<rest>.*)$",
    re.IGNORECASE | re.DOTALL,
    name="how",
)  # fmt: skip
_CONDITIONAL = frozenset(
    {
        "if",
        "when",
        "in case",
        "in case of",
        "wenn",
        "falls",
        "si",
        "en cas de",
        "en caso de",
        "se",
        "em caso de",
        "jeśli",
        "gdy",
        "w przypadku",
        "bei",
        "for",
    }
)
_ELSE = Opening(
    r"^\W*",
    r"otherwise|else|if not|if no|andernfalls|sonst|ansonsten|sinon|de lo contrario|si no|caso "
    r"contrário|senão|w przeciwnym razie|それ以外|そうでない場合|否则|그렇지 않으면",
    r"\b",
    re.IGNORECASE,
)
_CJK_IF = re.compile(r"^(?P<rest>.{1,60}?)(?:の場合|场合|場合|时|的话|인 경우|경우|일 때)[は、,:：]?\s*$")


#: a check in backquotes may be as long as it likes: a branch that is not seen would run without its condition
_INLINE = re.compile(r"`[^`]*`")


@lru_cache(maxsize=8192)
def branch_of(text: str, *, heading: bool = False) -> str | None:
    """Give the condition of a branch label ("**If X**:", "For slow queries:", "Scenario A: X"), None where it is none."""
    said = text.strip().rstrip(":：").strip()
    if _ELSE.match(said):
        return said
    cjk = None if said.isascii() else _CJK_IF.match(said)
    if cjk:
        return cjk.group("rest").strip()
    found = _BRANCH.match(said)
    if not found or len(_INLINE.sub("``", said)) > 160:
        return None
    how, rest = found.group("how").lower(), found.group("rest").strip(" *:")
    if how in ("for", "bei", "se", "si", "case", "when") and heading:
        return None
    if how in ("for", "bei") and (
        len(rest.split()) > 7
        or not rest
        or re.search(r"\bmore (?:information|details)\b|\b(?:example|instance|reference|each)\b", rest, re.IGNORECASE)
    ):
        return None
    if how in _CONDITIONAL:
        return rest or None
    if found.group("index") is None and not (
        how in ("case", "scenario", "option", "root cause", "cause") and re.match(r"^\W*[a-z ]+\s*[:：\-–—]", said, re.IGNORECASE)
    ):
        return None
    return rest or said


def is_otherwise(text: str) -> bool:
    """Say whether a condition is the other side of the branch before it."""
    return bool(_ELSE.match(text.strip())) and len(text.split()) <= 4


_PLATFORMS: dict[str, re.Pattern[str]] = {
    "kubernetes": re.compile(
        r"^(?:using |via |with |on |for |in |if using )?(?:an? |the )?(?:kubernetes|k8s|kubectl|helm|openshift|eks|gke|aks)(?: "
        r"(?:environment|deployment|cluster|nodes?|umgebung))?$", re.IGNORECASE),
    "docker": re.compile(
        r"^(?:using |via |with |on |for |in |if using )?(?:an? |the )?(?:docker|docker[- ]compose|compose|containers?|podman)(?: "
        r"(?:environment|deployment|swarm|hosts?|umgebung))?$", re.IGNORECASE),
    "systemd": re.compile(
        r"^(?:using |via |with |on |for |in |if using )?(?:systemd|systemctl|bare[- ]metal|linux|ubuntu|debian|vm|"
        r"native|without docker|non-docker)(?: (?:service|host|server|installation))?$", re.IGNORECASE),
    "macos": re.compile(r"^(?:using |via |with |on |for )?(?:macos|mac|osx|homebrew)$", re.IGNORECASE),
    "windows": re.compile(r"^(?:using |via |with |on |for )?(?:windows|powershell)$", re.IGNORECASE),
    "aws": re.compile(r"^(?:using |via |with |on |for )?(?:aws|ecs|ec2|rds|aws cli)$", re.IGNORECASE),
    "azure": re.compile(r"^(?:using |via |with |on |for )?(?:azure|azure cli|app service)$", re.IGNORECASE),
    "gcp": re.compile(r"^(?:using |via |with |on |for )?(?:gcp|google cloud|cloud run|gcloud)$", re.IGNORECASE),
}  # fmt: skip
#: more letters than the longest of them has
_LONGEST_PLATFORM = 50
#: any of them; asked about small letters, which is quicker
_PLATFORM = re.compile("|".join(pattern.pattern for pattern in _PLATFORMS.values()))
_EVERYWHERE = re.compile(r"(?:on|for|in|with) (?:both|either|all)(?: of them| cases| platforms)?|everywhere", re.IGNORECASE)
_TOOL_PLATFORMS = {
    "kubectl": "kubernetes", "helm": "kubernetes", "oc": "kubernetes", "docker": "docker", "docker-compose": "docker",
    "podman": "docker", "systemctl": "systemd", "journalctl": "systemd", "service": "systemd", "aws": "aws", "gcloud": "gcp",
    "az": "azure", "supervisorctl": "supervisor", "pm2": "pm2",
}  # fmt: skip


@lru_cache(maxsize=8192)
def platform_of(label: str) -> str | None:
    """Give the platform that a label names and nothing else ("Docker", "For Kubernetes:")."""
    if len(label) > 80 and "(" not in label:
        return None
    bare = plain(label)
    if len(bare) > _LONGEST_PLATFORM:
        return None
    return (
        next((name for name, pattern in _PLATFORMS.items() if pattern.match(bare)), None)
        if _PLATFORM.match(bare.lower())
        else None
    )


def says_everywhere(label: str) -> bool:
    """Say whether a label ends what was said of one platform: "On both", "In both cases"."""
    return _EVERYWHERE.fullmatch(plain(label)) is not None


def platform_of_tools(tools: tuple[str, ...]) -> str | None:
    """Give the platform whose program a command uses."""
    return next((_TOOL_PLATFORMS[tool] for tool in tools if tool in _TOOL_PLATFORMS), None)


_CAUTION = Matcher(re.compile(
    r"\b(?:use (?:with )?(?:care|caution|carefully|extreme)|with (?:extreme )?caution|be careful|carefully|use "
    r"caution|dangerous|irreversible|cannot be undone|can ?not be reverted|"
    r"destructive|data loss|last resort|never run|do not run|don't run|"
    r"will (?:delete|destroy|erase|drop|overwrite|wipe|lose)|this deletes|downtime|only if|emergency only|"
    r"vorsicht|achtung|datenverlust|avec précaution|attention|perte de données|con cuidado|precaución|pérdida "
    r"de datos|com cuidado|perda de dados|ostrożnie|utrata danych)\b|\b(?:caution|danger|warning)\s*[:!,]|注意|警告|"
    r"慎重|データ損失|谨慎|数据丢失|주의",
    re.IGNORECASE,
), (
    "care*", "caution*", "extreme", "dangerous", "danger", "irreversible", "undone", "reverted", "destructive", "data loss",
    "last resort", "run", "will", "this deletes", "downtime", "only", "vorsicht", "achtung", "datenverlust", "précaution",
    "attention", "perte de données", "con cuidado", "precaución", "pérdida de datos", "com cuidado", "perda de dados",
    "ostrożnie", "utrata danych", "warning",
))  # fmt: skip


@lru_cache(maxsize=8192)
def is_caution(text: str) -> bool:
    """Say whether a text warns."""
    return "⚠" in text or "⛔" in text or _CAUTION.search(text) is not None

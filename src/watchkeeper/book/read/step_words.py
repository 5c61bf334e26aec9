"""Tell conditions and expected results of procedures from thresholds: "If it prints more than 5", "should fall below 1%".

Both compare something, but belong to a step; what calls for somebody ("escalate if the lag exceeds 10,000") stays a threshold.
"""

from __future__ import annotations

import re

from watchkeeper.book.read.comparisons import Comparison
from watchkeeper.book.read.passages import Passage
from watchkeeper.book.vocabulary import matcher

_IF = re.compile(
    r"(?:^|(?<=[.!?]\s)|(?<=[:;–—]\s))[\W\d]*(?:(?:but|and|aber|und)\s+)?(?:if|when|unless|once|wenn|falls|sobald|si|sí|quand|lorsque|"
    r"cuando|se|quando|jeśli|gdy)\s",
    re.IGNORECASE,
)
#: the words that `_IF` ends in
_CONDITIONAL = matcher(
    (
        "if",
        "when",
        "unless",
        "once",
        "wenn",
        "falls",
        "sobald",
        "si",
        "sí",
        "quand",
        "lorsque",
        "cuando",
        "se",
        "quando",
        "jeśli",
    ),
    ("gdy",),
)
_CALLING = re.compile(
    r"\balerts?\b|\balarm|\bpag(?:e|ing)\s+(?!caches?\b|loads?\b|sizes?\b|faults?\b|speed)|\bescalat|\bnotify|"
    r"\bdeclare|\broll(?:ing)?[ -]?back|\bcall\b|\bwarn|\bincident\b|"
    r"\bSEV|\bP[0-4]\b|\bcritical\b|eskalier|benachrichtig|melden|escalader|alerter|prévenir|escalar|avisar|alertar|notificar|"
    r"エスカレ|通知|連絡|アラート|告警|升级",
    re.IGNORECASE,
)
_EXPECTING = matcher(
    (
        "expected*",
        "expect",
        "expected result*",
        "expected output",
        "verify",
        "verification",
        "should *",
        "erwartet*",
        "erwartung",
        "attendu*",
        "résultat attendu",
        "esperado*",
        "se espera",
        "oczekiwan*",
        "期待*",
        "预期*",
        "예상*",
    )
)
_SHOULD = re.compile(
    r"\b(?:should|must|will|sollte|soll|muss|doit|devrait|debe|debería|deve)\s+(?:\w+ly\s+|now\s+|then\s+|again\s+|not\s+)?"
    r"(?:print|return|show|report|display|drop|fall|go|come|stay|remain|read|output|say|give|decrease|recover|stabili[sz]e|settle|"
    r"retomber|rester|afficher|repasser|mostrar|bajar|quedar|devolver|sinken|fallen|bleiben)",
    re.IGNORECASE,
)
_CHECKING = re.compile(
    r"^\W*(?:\d+[.)]\s*)?(?:verify|check|confirm|ensure|make sure|validate|wait (?:until|for)|expect|prüfen|"
    r"sicherstellen|überprüfen|"
    r"warten|vérifier|s'assurer|attendre|verificar|comprobar|confirmar|esperar|asegurar|sprawdź|upewnij)\b"
    r"|(?:を|こと)を?確認(?:する|します|$)|(?:prüfen|verifizieren|sicherstellen)\.?$",
    re.IGNORECASE,
)
_MEASURES = re.compile(
    r"\b(?:metrics?|targets?|slos?|slas?|objectives?|goals?|kpis?|baselines?|benchmarks?|thresholds?|criteria|alerts?|monitoring)\b",
    re.IGNORECASE,
)
#: words of a heading that is about handling alerts, not a list of them
DOING = re.compile(
    r"procedure|response|handling|manage|process|triage|how to|steps|configuration|setup|check|investigat", re.IGNORECASE
)
_LIST_OF_ALERTS = matcher(
    ("alert*", "alarm*", "trigger*", "threshold*", "escalat*", "eskalation*", "escalade", "escalación", "when to *", "critères*",
     "seuils*", "schwellenwert*", "umbrales*", "アラート", "告警", "경고")
)  # fmt: skip


def belongs_to_step(comparison: Comparison, passage: Passage) -> bool:
    """Whether a comparison is the condition of a branch or the result that a step should have."""
    if passage.kind == "comment":
        return bool(_EXPECTING.match(passage.text)) or bool(_SHOULD.search(passage.text))
    if passage.kind not in ("item", "prose"):
        return False
    return is_branch(passage, comparison.start) or _expected(comparison, passage)


def is_branch(passage: Passage, start: int) -> bool:
    """Whether the words at `start` stand in the condition of a step ("If more than 5 wait, scale out")."""
    text = passage.text
    if not _CONDITIONAL.search(text):
        return False
    begin = max((match.end() for match in _IF.finditer(text[: start + 1])), default=-1)
    if begin < 0 or re.search(r"[.!?]\s", text[begin:start]):
        return False
    stop = re.search(r"[.!?](?:\s|$)", text[start:])
    sentence = text[begin : start + stop.start() if stop else len(text)]
    if _CALLING.search(sentence) or _LIST_OF_ALERTS.search(passage.label):
        return False
    if not re.search(r"[,:→、]|\bthen\b|\bdann\b", sentence):
        return False
    near = passage.under[-1] if passage.under else passage.section.title
    return not (_LIST_OF_ALERTS.search(near) and len(near.split()) <= 6 and not DOING.search(near))


def _expected(comparison: Comparison, passage: Passage) -> bool:
    near = (*passage.under[-1:], passage.section.title)
    if any(_MEASURES.search(words) for words in near):
        return False
    if passage.label and _EXPECTING.fullmatch(passage.label):
        return True
    sentence = passage.text[passage.text.rfind(". ", 0, comparison.start) + 1 : comparison.start]
    if _SHOULD.search(sentence) or (passage.kind == "item" and _EXPECTING.match(sentence.strip())):
        return True
    said = passage.text if not passage.label else passage.body
    numbered = passage.block is not None and passage.block.number is not None
    if numbered and re.search(r"\bshould (?:now |then |again )?be\b", sentence, re.IGNORECASE):
        return True
    return (bool(_CHECKING.search(said)) or bool(_CHECKING.search(sentence))) and (numbered or comparison.worded)

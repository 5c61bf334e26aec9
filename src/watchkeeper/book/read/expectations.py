"""What a text says a command should give: "should return 200", "must be empty", "Expected: 3 pods Running".

A sentence goes in, an Expectation that can be held against exit status and output comes out, or None where nothing that can
be decided is said.
"""

from __future__ import annotations

import math
import re
from typing import Literal

from watchkeeper.book.model import Expectation
from watchkeeper.book.read.amounts import counted_in, number_of, read_every, read_span, unit_of
from watchkeeper.book.read.comparisons import find_comparisons
from watchkeeper.book.vocabulary import Matcher

_SAYS = Matcher(re.compile(
    r"(?:^|\b|\s)(?:(?:it|this|output|result|command|response|status|you|which|value|count|"
    r"number)?\s*(?:should|must|shall|will|needs to|has to)\s+(?:now\s+|also\s+|all\s+|only\s+|be able to\s+|"
    r"typically\s+)?"
    r"(?P<not>not\s+|never\s+)?(?P<verb>be|show|shows|print|return|report|say|contain|include|list|read|"
    r"respond(?: with)?|answer(?: with)?|output|give|display|see|equal|have|match|start with|succeed|fail|exit|"
    r"work|indicate|look like)\b"
    r"|(?P<label>expected(?:\s+(?:output|result|results|response|value|status|outcome|state))?|"
    r"expect(?:\s+to\s+see)?|healthy(?:\s+(?:output|state|value))?|normal|ok if|good|erwartet(?:e ausgabe)?|"
    r"résultat attendu|resultado esperado|期待値|期待される(?:結果|出力)|预期(?:结果|输出)?|예상(?: 결과)?)\s*(?:[:：=]|is\b)"
    r"|(?:debe(?:ría)?|deve(?:ria)?|doit|devrait|sollte|soll|muss|powinien|powinno)\s+(?:devolver|mostrar|responder|retornar|"
    r"indicar|dar|ser|estar|retourner|renvoyer|afficher|répondre|indiquer|être|zwrócić|pokazać|być)?"
    r"|(?:→|->|=>)\s*(?:should be|expect)\s)\s*(?P<what>.*)$",
    re.IGNORECASE | re.DOTALL,
), (
    "should", "must", "shall", "will", "needs to", "has to", "expect*", "healthy", "normal", "ok if", "good", "erwartet*",
    "attendu", "esperado", "debe*", "deve*", "doit*", "devrait*", "soll*", "muss*", "powin*",
))  # fmt: skip
_EMPTY = re.compile(
    r"^(?:be\s+)?(?:completely\s+)?(?:empty|blank|nothing|no (?:output|results?|rows?|lines?|entries|matches)|"
    r"none|0 rows|zero rows|null|leer|vide|vacío)\b",
    re.IGNORECASE,
)
_SUCCEEDS = re.compile(
    r"^(?:succeed|succeeds|success(?:ful(?:ly)?)?|exit(?:s)?(?: with)?(?: code| status)? 0|work|pass(?:es)?|be "
    r"successful|ok)\b\W*$|exit (?:code|status) (?:of )?0\b",
    re.IGNORECASE,
)
_FAILS = re.compile(r"^(?:fail|fails|be refused|time out|exit(?:s)? (?:with )?(?:non-?zero|1)|non-?zero)\b", re.IGNORECASE)
_LACKS = re.compile(
    r"^no\s+(?!(?:more|less|fewer|later|longer|worse)\b)(?P<what>[\w\s/-]{2,40}?)(?:\s+(?:should|must|found|are|is|in|left|remain\w*|listed|shown|returned))?\b[\s.]*$",
    re.IGNORECASE,
)
#: between marks of one kind; an apostrophe within a word is none
_QUOTED = re.compile(r"`[^`]{1,80}`|\"[^\"]{1,80}\"|[“„][^“”„]{1,80}[”“]|‘[^‘’]{1,80}’(?!\w)|(?<!\w)['’][^'’]{1,80}['’](?!\w)")
_STATUS = re.compile(
    r"\b(?:HTTP(?:/[\d.]+)?\s*)?(?:status(?:\s+code)?\s*)?(?P<code>[1-5]\d\d)(?:\s+(?:OK|Created|No Content|status))?\b",
    re.IGNORECASE,
)
_STATE = re.compile(
    r"\b(Running|Healthy|Ready|Up|OK|Active|active \(running\)|running|healthy|ready|Succeeded|Completed|Bound|"
    r"PONG|Online|RUNNING|True|true|yes|connected|enabled|streaming|green|accepting connections|Synced|"
    r"Complete|STARTED|UP|leader|ok)\b"
)
_PRINTING = frozenset(
    {"show", "shows", "print", "return", "report", "say", "contain", "respond", "respond with", "answer", "answer with", "output"}
)
_ANY = re.compile(r"\s*(?:,|\bor\b|/|\boder\b|\bou\b|\bo\b)\s*")


def read_expectation(text: str, line: int, *, bare: bool = False, labelled: bool = False) -> Expectation | None:
    """Read an expectation; `bare` where the text is known to be one ("Expected:" stood before it), `labelled` one that says so.

    >>> read_expectation("Should return 200 OK", 1).value, read_expectation("output must be empty", 1).kind
    ('200', 'empty')
    >>> read_expectation("Expected: at least 3 replicas", 1).kind, read_expectation("Check the logs", 1)
    ('above', None)
    """
    said = " ".join(text.split())
    negative, verb, what = False, "", said
    if not bare:
        found = _SAYS.search(said)
        if not found or (labelled and not found.group("label")):
            return None
        said = said[found.start("label") :] if labelled else said
        negative, verb, what = bool(found.group("not")), (found.group("verb") or "").lower(), found.group("what")
    if not negative and (every := read_every(said if bare else said[: _end(said)], line)):
        return every
    what = what.strip(" .:：`")
    if verb in _PRINTING and re.fullmatch(r"[\"“”'`]?OK\W*", what):
        return _shows(("OK",), line, said, negative=negative)
    if not what and verb not in ("succeed", "fail", "work"):
        return None
    if not negative and _TRUTH.fullmatch(what):
        return _shows((what,), line, said, negative=False)
    return judge_words(f"{verb} {what}" if verb in ("succeed", "fail", "exit", "work") else what, line, said, negative=negative)


def _end(said: str) -> int:
    """Give where the sentence ends in which something is expected."""
    found = _SAYS.search(said)
    stop = _STOP.search(said[found.start("what") :]) if found else None
    return found.start("what") + stop.start() if found and stop else len(said)


#: how PostgreSQL prints true and false
_TRUTH = re.compile(r"[tf]")
#: a name of several words: "Let's Encrypt", "Access Denied"
_NAME = re.compile(r"[A-Z][\w'’.-]*(?: [A-Z][\w'’.-]*){1,4}")
_STOP = re.compile(r"[.;](?:\s|$)")
_FILLER = re.compile(r"^(?:be|to|a|an|the|with|in|as|at(?! least| most)|like|output|status|state)\s+")
_SOME = re.compile(r"^(?:(?:some|any) output|something|non-?empty|not empty|results?$|rows?$)", re.IGNORECASE)
_NO_QUOTED = re.compile(r"^no\s+[`\"“”'‘’]", re.IGNORECASE)


def judge_words(what: str, line: int, said: str, *, negative: bool = False) -> Expectation | None:
    """Turn the words after "should show" into a test; None where they name nothing that output could be held against."""
    plain = _FILLER.sub("", what.strip())
    if _EMPTY.match(what) or _EMPTY.match(plain):
        return Expectation(line=line, kind="some" if negative else "empty", text=said)
    if _SOME.match(plain):
        return Expectation(line=line, kind="empty" if negative else "some", text=said)
    if _SUCCEEDS.search(what.strip()):
        return Expectation(line=line, kind="fails" if negative else "succeeds", text=said)
    if _FAILS.match(plain):
        return Expectation(line=line, kind="succeeds" if negative else "fails", text=said)
    spanned = None if negative else read_span(plain, line, said)
    if spanned:
        return spanned
    compared = _compared(plain, line, said, negative=negative)
    if compared:
        return compared
    lacking = _LACKS.match(plain)
    if lacking:
        word = re.sub(r"s$", "", lacking.group("what").strip().split()[-1])
        return _shows((word,), line, said, negative=not negative)
    quoted = [value for found in _QUOTED.findall(what) if (value := _unquoted(found))]
    if quoted:
        none = negative != bool(_NO_QUOTED.match(what.strip()))
        return _shows(tuple(quoted) if _alternatives(what) else (quoted[0],), line, said, negative=none)
    status = _STATUS.search(plain)
    if status:
        codes = tuple(dict.fromkeys(found["code"] for found in _STATUS.finditer(plain)))
        return _shows(codes if _alternatives(plain) else codes[:1], line, said, negative=negative)
    number = re.fullmatch(r"(?:exactly\s+)?(\d+(?:\.\d+)?)(?:\s+[\w\s]{1,30})?", plain)
    if number:
        return _shows((number.group(1),), line, said, negative=negative)
    capitals = [
        word
        for word in re.findall(r"\b[A-Z][A-Z_]{2,}\b", plain)
        if word not in ("HTTP", "URL", "API", "CPU", "AND", "OR", "THE", "NOT", "JSON", "SSL", "TLS", "DNS", "SQL", "IP")
    ]
    if capitals:
        return _shows(tuple(capitals), line, said, negative=negative)
    state = [found.group(1) for found in _STATE.finditer(plain)]
    if state:
        return _shows((state[0],), line, said, negative=negative)
    if _NAME.fullmatch(plain):
        return _shows((plain,), line, said, negative=negative)
    return None


def _unquoted(said: str) -> str:
    """Take the marks off, and those of code that is a quotation itself."""
    inner = said[1:-1].strip()
    return inner[1:-1].strip() if _QUOTED.fullmatch(inner) else inner


_ALTERNATIVE = re.compile(r"\bor\b|/|\boder\b|\bou\b")


def _alternatives(what: str) -> bool:
    return bool(_ALTERNATIVE.search(_QUOTED.sub("", what)))


def _shows(words: tuple[str, ...], line: int, said: str, *, negative: bool) -> Expectation:
    return Expectation(
        line=line, kind="lacks" if negative else "shows", value=words[0], any_of=words if len(words) > 1 else (), text=said
    )


_BARE = re.compile(
    r"^(?P<op>at least|no less than|at most|no more than|more than|greater than|over|above|less than|fewer than|below|under|"
    r">=|<=|≥|≤|>|<)"
    r"\s*(?P<value>\d+(?:,\d{3}(?!\d))*(?:[.,]\d+)?)(?P<rest>.*)",
    re.IGNORECASE | re.DOTALL,
)


_ZERO = re.compile(r"^(?:zero|0)\b(?!\.)")


def _compared(what: str, line: int, said: str, *, negative: bool) -> Expectation | None:
    bare = _BARE.match(what)
    if bare:
        word, rest = bare.group("op").lower(), bare.group("rest")
        unit, scale = unit_of(rest)
        value = number_of(bare.group("value")) * scale
        counts, state = counted_in(rest)
        over = word in ("at least", "no less than", "more than", "greater than", "over", "above", ">=", "≥", ">")
        if word in ("at least", "no less than", ">=", "≥", "at most", "no more than", "<=", "≤"):
            value = math.nextafter(value, -math.inf if over else math.inf)
        kind: Literal["above", "below"] = "above" if over != negative else "below"
        return Expectation(line=line, kind=kind, value=value, unit=unit, counts=counts, any_of=state, text=said)
    found = [one for one in find_comparisons(what) if one.op in (">", ">=", "<", "<=")]
    if not found:
        zero = _ZERO.match(what)
        return (
            Expectation(line=line, kind="above" if negative else "shows", value=0.0 if negative else "0", text=said)
            if zero
            else None
        )
    one = found[0]
    value, above = one.value, one.op in (">", ">=")
    if one.op == ">=":
        value = math.nextafter(value, -math.inf)
    elif one.op == "<=":
        value = math.nextafter(value, math.inf)
    # "shows app above 90%": what is meant is app's row, and of it what is told in percent
    subject = re.sub(r"^(?:the|a|an)\s+", "", one.subject.strip(), flags=re.IGNORECASE)
    named = (subject,) if re.fullmatch(r"[\w.-]+", subject) else ()
    unit = "percent" if one.unit == "percent" else None
    kind = "above" if above != negative else "below"
    return Expectation(line=line, kind=kind, value=value, unit=unit, any_of=named if unit else (), text=said)

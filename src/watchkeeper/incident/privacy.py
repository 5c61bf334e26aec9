"""Which incidents are private by themselves, and who may see a private one. Pure; a decision comes with its sentence.

Private is what is about security: somebody came in, tried to, or has what opens our doors. A flood from outside is for all
to see, and so is a promise that is "breached". A person may say otherwise of any incident, either way.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from watchkeeper.book.model import Procedure, Severity
from watchkeeper.people.identity import Actor
from watchkeeper.people.permission import may

#: what somebody may who sees every private incident
SEE = "see private"

_SECRETS = r"(?:credentials?|passwords?|secrets?|(?:api|access|private|signing|encryption|ssh) keys?|tokens?)"
_OURS = rf"(?:{_SECRETS}|accounts?|servers?|hosts?|systems?|machines?|databases?|data|customer data|containers?|clusters?)"
_STRANGER = r"(?:somebody|someone|strangers?|attackers?|hackers?)"
_IS = r"(?: (?:is|are|was|were|has been|have been|may be))?"
#: in the runbooks' languages; each names an attack on what is ours, and no load, leak of memory or missed promise
_SECURITY = re.compile(
    "|".join(
        (
            r"\b(?:security|data|privacy|account|network|perimeter) (?:breach\w*|incidents?|compromise\w*|intrusions?)",
            r"\b(?:suspected |possible |confirmed )?breach(?:es)? (?:response|procedure|protocol|containment|notification)",
            r"^\W*(?:suspected |possible |confirmed )?breach\W*$",
            r"\bbreak-?ins?\b(?! period)|\bintru(?:sion|der)s?\b|\bransomware\b|\bmalware\b|\brootkits?\b|\bbackdoors?\b",
            rf"\b{_STRANGER} (?:has |have |is |are )?(?:broken|broke|breaking|breaks) in(?:to)?\b",
            r"\bunauthori[sz]ed (?:access|log-?ins?|sign-?ins?|use|changes?|entry)",
            rf"\b(?:compromised|hacked|stolen|leaked|hijacked) (?:\w+ ){{0,2}}{_OURS}\b|\bexposed (?:\w+ )?{_SECRETS}\b",
            rf"\b{_OURS}{_IS} (?:compromised|hacked|stolen|hijacked)\b|\b{_SECRETS}{_IS} (?:leak(?:ed|s|age)?|exposed|theft)\b",
            r"\b(?:data|information) (?:leaks?|leaked|leakage|theft|exfiltration)\b|\bexfiltrat\w+",
            r"\bfailed (?:ssh |admin |user |password )?(?:log-?ins?|log-?ons?|sign-?ins?|auth(?:entication)?s?|passwords?)\b",
            r"\bbrute[- ]?forc\w+|\bguess\w* passwords?\b|\bpassword guess\w*|\bcredential stuffing\b|\baccount take-?over",
            r"\bprivilege escalation\b|\bsql injection\b|\bsuspicious (?:log-?ins?|sign-?ins?|access|activity)\b",
            # German
            r"\bsicherheits(?:vorf[aä]ll\w*|verletzung\w*|bruch\b|einbruch\b)|\beinbruchs(?:versuch\w*|erkennung)",
            r"\bdaten(?:panne\w*|lecks?|diebstahl|abfluss|schutzverletzung\w*|schutzvorf[aä]ll\w*)\b",
            r"\b(?:hacker|cyber)angriff\w*|\beindringling\w*|\bunbefugte\w* (?:zugriff|zugang|anmeldung)\w*",
            r"\bkompromittierte\w*|\bfehlgeschlagene\w* (?:anmeld|login|log-in)\w*",
            r"\b(?:gestohlene|entwendete|geleakte)\w* (?:zugangsdaten|passwörter|schlüssel)",
            # French
            r"\b(?:violation|brèche|incident|faille) de (?:la )?(?:sécurité|données)\b|\bfuites? de données\b",
            r"\baccès non autorisé|\bidentifiants? (?:volés?|compromis|divulgués?)\b|\béchecs? d'authentification\b",
            r"\b(?:connexions?|authentifications?) échouées?\b",
            # Spanish, Portuguese, Italian
            r"\b(?:brecha|incidente|violación) de (?:seguridad|datos)\b|\bfuga de datos\b|\bacceso no autorizado",
            r"\bintrusi[oó]n\b|\bcredenciales (?:robadas|filtradas|comprometidas)\b|\binicios? de sesión fallidos?\b",
            r"\b(?:violação|incidente) de (?:segurança|dados)\b|\bvazamento de dados\b|\bacesso não autorizado",
            r"\bintrusão\b|\bcredenciais (?:roubadas|vazadas|comprometidas)\b|\blogins? (?:falhos?|malsucedidos?)\b",
            r"\b(?:violazione|incidente) (?:dei dati|di sicurezza|della sicurezza)\b|\bfuga di dati\b|\bintrusione\b",
            r"\baccesso non autorizzato|\bcredenziali (?:rubate|compromesse)\b|\baccessi falliti\b",
            # Polish
            r"\bnaruszeni\w+ (?:bezpieczeństwa|danych)\b|\bwłamani\w+|\bwyciek\w* danych\b",
            r"\bnieautoryzowan\w+ dostęp|\bnieudan\w+ logowa\w+",
            # Japanese, Chinese, Korean
            r"不正アクセス|不正侵入|情報漏[洩えい]|ログイン失敗|セキュリティ(?:侵害|インシデント)",
            r"安全事件|入侵|数据泄[露漏]|未授权访问|凭[证据]泄[露漏]|登录失败",
            r"보안 ?(?:사고|침해)|침입|정보 ?유출|데이터 ?유출|무단 ?접근|로그인 ?실패",
        )
    ),
    re.IGNORECASE,
)


def of_security(text: str) -> str | None:
    """Give the words of a text that speak of an attack on what is ours; None where none do.

    >>> [of_security(text) for text in ("Failed Logins", "Sicherheitsvorfall melden", "SLA breach", "Memory leak")]
    ['Failed Logins', 'Sicherheitsvorfall', None, None]
    """
    found = _SECURITY.search(" ".join(text.replace("_", " ").split()))
    return found[0] if found else None


def why_private(
    title: str = "",
    subjects: Iterable[str] = (),
    severity: Severity | None = None,
    procedure: Procedure | None = None,
) -> str | None:
    """Say why an incident is private by itself, by what fires, what it is called and what is to be done; None where it is not.

    >>> why_private(subjects=["Failed logins"])
    'It is private, because the alert “Failed logins” is about security.'
    """
    called = [("the alert", subject) for subject in subjects]
    called.append(("its title", title))
    if severity is not None:
        called += [("its severity", severity.code), ("its severity", severity.name or "")]
    if procedure is not None:
        called += [("the procedure", procedure.title), *(("the symptom", symptom) for symptom in procedure.symptoms)]
    for what, text in called:
        if of_security(text) is not None:
            return f"It is private, because {what} “{text.strip()}” is about security."
    return None


def sees_all(actor: Actor) -> bool:
    """Tell whether somebody sees every private incident: an owner, and our own loop."""
    ours = actor.name == "automation" and not actor.by
    return ours or ((actor.scopes is None or SEE in actor.scopes) and may(actor.roles, SEE))


def may_see(actor: Actor, *, private: bool, concerned: bool) -> bool:
    """Tell whether somebody may see an incident; `concerned`: they were told of it, have a role in it, took or opened it.

    >>> vera, anna = Actor("vera", ("operator",)), Actor("anna", ("owner",))
    >>> [may_see(who, private=True, concerned=False) for who in (vera, anna)], may_see(vera, private=True, concerned=True)
    ([False, True], True)
    """
    return not private or concerned or sees_all(actor)

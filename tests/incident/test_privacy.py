"""Which incidents are private by themselves, and who may see one."""

from __future__ import annotations

import pytest

from watchkeeper.book.model import Procedure, Severity
from watchkeeper.incident.privacy import may_see, of_security, sees_all, why_private
from watchkeeper.people.identity import Actor


@pytest.mark.parametrize(
    "text",
    [
        "Failed Logins", "failed_logins", "Failed logins > 20 per minute", "Security Incident Response", "Security Breach",
        "Data breach procedure", "Breach Response", "Suspected breach", "Breach", "Break-in", "Somebody has broken in",
        "Somebody guesses passwords", "Leaked credentials", "Credentials leaked", "API keys were leaked", "Account compromised",
        "Compromised database credentials", "Unauthorized access attempts", "Unauthorised login", "SSH brute force",
        "Ransomware", "Server hacked", "Data exfiltration", "Credential stuffing", "Exposed AWS access keys",
        "Datenpanne", "Sicherheitsvorfall", "Fehlgeschlagene Anmeldungen", "Unbefugter Zugriff", "Hackerangriff",
        "Violation de données", "Accès non autorisé", "Échecs d'authentification", "Brecha de seguridad",
        "Inicios de sesión fallidos", "Violação de dados", "Acesso não autorizado", "Violazione dei dati",
        "Włamanie na serwer", "Naruszenie danych", "不正アクセス検知", "情報漏洩", "数据泄露", "登录失败",
        "로그인 실패", "개인 정보 유출",
    ],
)  # fmt: skip
def test_an_attack_on_what_is_ours_is_about_security(text: str) -> None:
    assert of_security(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "SLA breach", "SLO breached", "Threshold breach", "Error budget breach", "Memory leak", "Connection leak",
        "DDoS attack", "Security updates", "Install security patches", "Einbruch der Umsätze", "Token expired", "Data loss",
        "Reset a password", "Database failure", "Security group", "Login page is slow", "Steal time is high",
        "Certificate expired", "Fuite de mémoire", "Fuga de memoria", "Payments fail", "Vazamento de memória",
    ],
)  # fmt: skip
def test_load_a_missed_promise_and_a_leak_of_memory_are_not(text: str) -> None:
    assert of_security(text) is None


def test_the_sentence_names_what_decided() -> None:
    assert why_private("Web is slow", ["Latency"], Severity(line=1, code="P1", name="Critical")) is None
    assert why_private("Web is slow", ["Failed logins"]) == "It is private, because the alert “Failed logins” is about security."
    assert why_private("Data breach") == "It is private, because its title “Data breach” is about security."
    graver = Severity(line=1, code="S0", name="Security incident")
    assert why_private(severity=graver) == "It is private, because its severity “Security incident” is about security."
    procedure = Procedure(line=1, end_line=2, id="x", title="When the worst happens", symptoms=("Somebody has broken in",))
    found = why_private(procedure=procedure)
    assert found == "It is private, because the symptom “Somebody has broken in” is about security."


def test_an_owner_and_our_own_loop_see_all_and_others_what_concerns_them() -> None:
    owner, loop = Actor("anna", ("owner",), "password"), Actor("automation", ("responder",), scopes=frozenset({"start"}))
    narrowed = Actor("bot", ("owner",), "token bot", scopes=frozenset({"look"}))
    wide = Actor("bot", ("owner",), "token bot", scopes=frozenset({"look", "see private"}))
    assert [sees_all(who) for who in (owner, loop, narrowed, wide)] == [True, True, False, True]
    assert not sees_all(Actor("automation", ("operator",), "token automation"))  # a program that calls itself so
    vera = Actor("vera", ("operator",), "password")
    assert may_see(vera, private=False, concerned=False)
    assert may_see(vera, private=True, concerned=True)
    assert not may_see(vera, private=True, concerned=False)

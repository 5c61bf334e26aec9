"""Who may what stands in watchkeeper.toml, and what cannot be meant there is said with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from watchkeeper.base.errors import ConfigError
from watchkeeper.base.secrets import Secret
from watchkeeper.estate.config import load_estate
from watchkeeper.estate.model import Estate
from watchkeeper.people.access import SOMEBODY, find_person, name_of, person_of, role_of, with_access

SERVICE = '[service]\nname = "shop"\nrunbook = "runbook.md"\n'
PEOPLE = """
[people.anna]
name = "Anna"
email = "Anna@Shop.example"
logins = ["anna.k"]
access = "owner"

[people.ben]
access = { shop = "operator", "*" = "viewer" }

[people.carla]
access = { till = "operator" }
"""
OIDC = """
[access.oidc]
issuer = "https://id.shop.example"
client_id = "watchkeeper"
client_secret = "a long client secret"
groups = { sre = "operator" }
"""


def estate(tmp_path: Path, *parts: str, service: str = SERVICE) -> Estate:
    path = tmp_path / "watchkeeper.toml"
    path.write_text(service + "".join(parts))
    return load_estate(path, {})


def test_a_role_is_of_a_service_or_of_all(tmp_path: Path) -> None:
    shop = estate(tmp_path, PEOPLE)
    assert [role_of(shop, name) for name in ("anna", "ben", "carla", "dora")] == ["owner", "operator", None, None]
    till = estate(tmp_path, PEOPLE, service=SERVICE.replace("shop", "till"))
    assert [role_of(till, name) for name in ("anna", "ben", "carla")] == ["owner", "viewer", "operator"]
    assert [(person.id, role) for person, role in with_access(shop)] == [("anna", "owner"), ("ben", "operator")]


def test_one_person_has_one_name_however_they_came_in(tmp_path: Path) -> None:
    shop = estate(tmp_path, PEOPLE)
    for name in ("anna", "ANNA", "anna.k", "anna@shop.example", " Anna@shop.EXAMPLE "):
        assert (name_of(shop, name), person_of(shop, name)) == ("anna", "anna")
    assert find_person(shop, "") is None
    assert (name_of(shop, "dora"), person_of(shop, "dora"), person_of(shop, "root")) == ("dora", SOMEBODY, SOMEBODY)
    nobody_listed = estate(tmp_path, "[people.anna]\n")
    assert person_of(nobody_listed, "dora") == "dora"


def test_a_person_without_access_is_only_told_unless_a_default_says_more(tmp_path: Path) -> None:
    told = estate(tmp_path, '[people.anna]\naccess = "owner"\n[people.ben]\n')
    assert role_of(told, "ben") is None
    default = estate(tmp_path, '[access]\ndefault = "responder"\n[people.anna]\naccess = "owner"\n[people.ben]\n')
    assert role_of(default, "ben") == "responder"


def test_a_provider_is_read_and_its_secret_is_one(tmp_path: Path) -> None:
    shop = estate(tmp_path, PEOPLE, OIDC)
    oidc = shop.access.oidc
    assert oidc is not None
    assert isinstance(oidc.client_secret, Secret)
    assert oidc.client_secret in shop.secrets()
    assert (oidc.name, oidc.groups, oidc.unverified_email) == ("id.shop.example", {"sre": "operator"}, False)
    assert "a long client secret" not in repr(shop)


@pytest.mark.parametrize(
    ("text", "line", "code", "said"),
    [
        ('[people.ben]\naccess = "operator"\n', 4, "WK138", "nobody is its owner"),
        (OIDC, 1, "WK138", "nobody is its owner"),
        ('[access]\ndefault = "operator"\n[people.ben]\n', 6, "WK138", "nobody is its owner"),
        (PEOPLE + "[people.anna2]\nlogins = ['ANNA']\n", 16, "WK139", "'anna' is anna already"),
        (PEOPLE + "[people.anna2]\nemail = 'anna@shop.example'\n", 16, "WK139", "is anna already"),
        ('[people.automation]\naccess = "owner"\n', 4, "WK139", "the name of Watchkeeper itself"),
        ('[people.anna]\nlogins = ["Automation"]\naccess = "owner"\n', 4, "WK139", "the name of Watchkeeper itself"),
        ('[people.anna]\naccess = "admin"\n', 5, "WK132", "'admin', which is no role"),
        ('[people.anna]\naccess = { shop = "ownr" }\n', 5, "WK132", "'ownr', which is no role"),
        ('[people.anna]\naccess = 3\n', 5, "WK132", "is not a table"),
        (PEOPLE + OIDC.replace("https", "http"), 18, "WK132", "cannot be an issuer"),
        (PEOPLE + OIDC.replace("https://id.shop.example", "id"), 18, "WK132", "cannot be an issuer"),
        (PEOPLE + OIDC + 'scopes = ["email"]\n', 22, "WK132", "Without the scope openid"),
        (PEOPLE + OIDC.replace("a long client secret", "short"), 18, "WK121", "fewer than 8"),
        (PEOPLE + "[access]\nlink = '1h'\n", 17, "WK131", "'link', which is not known"),
        (PEOPLE + "[access]\nsession = '1s'\n", 17, "WK132", "at least 60 s"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_said_with_its_line(tmp_path: Path, text: str, line: int, code: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        estate(tmp_path, text)
    problem = caught.value
    assert (problem.code, said in f"{problem.message} {problem.hint}") == (code, True), str(problem)
    if line > 1 and code != "WK121":
        assert problem.where == f"{tmp_path / 'watchkeeper.toml'}:{line}"

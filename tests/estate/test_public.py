"""[statuspage] of watchkeeper.toml."""

from __future__ import annotations

from pathlib import Path

import pytest

from watchkeeper.base.errors import ConfigError
from watchkeeper.base.secrets import Secret
from watchkeeper.estate.config import load_estate
from watchkeeper.estate.model import Estate, StatusPage

HEAD = '[service]\nname = "shop"\nrunbook = "runbook.md"\n[variables]\nSTATUS_MAIL = { env = "STATUS_MAIL", secret = true }\n'


def load(folder: Path, text: str) -> Estate:
    (folder / "watchkeeper.toml").write_text(HEAD + text)
    return load_estate(folder / "watchkeeper.toml", {"STATUS_MAIL": "mailtos://u:p@smtp.example?from=a@b.example"})


def test_without_the_table_there_is_no_page(tmp_path: Path) -> None:
    assert load(tmp_path, "").statuspage is None


def test_an_empty_table_is_a_page_under_the_services_name(tmp_path: Path) -> None:
    assert load(tmp_path, "[statuspage]\n").statuspage == StatusPage("shop", 6)


def test_the_mail_servers_address_is_a_secret(tmp_path: Path) -> None:
    estate = load(tmp_path, '[statuspage]\nmail = "$STATUS_MAIL"\n')
    assert estate.statuspage is not None
    assert isinstance(estate.statuspage.mail, Secret)
    assert estate.statuspage.mail in estate.secrets()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('mail = "mailtos://u:p@smtp.example"', "holds a password"),
        ('address = "status.shop.example"', "no address"),
        ('publish = "always"', "'always'"),
        ('titel = "Shop"', "titel"),
        ('mail = "$NOTHING"', "NOTHING"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as problem:
        load(tmp_path, f"[statuspage]\n{text}\n")
    assert problem.value.where == f"{tmp_path / 'watchkeeper.toml'}:7"

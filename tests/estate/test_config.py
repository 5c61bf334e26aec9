"""What watchkeeper.toml becomes, and what it says when it is wrong: file, line, sentence and hint."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from watchkeeper.base.errors import ConfigError
from watchkeeper.base.secrets import Secret
from watchkeeper.estate import plugins
from watchkeeper.estate.config import load_estate
from watchkeeper.estate.lines import key_lines

SHOP = """\
[service]
name = "shop"
runbook = "runbook.md"
mode = "act"

[variables]
SHOP_URL = "http://127.0.0.1:8000"
PORT = 5432
DB_HOST = { env = "SHOP_DB_HOST", default = "localhost" }
DB_PASSWORD = { env = "SHOP_DB_PASSWORD" }
QUEUE = { file = "run/queue" }

[targets.local]
kind = "shell"
path = ["bin"]
timeout = "60s"

[signals.shop]
kind = "http"
component = "Shop"
url = "$SHOP_URL/health"
headers = { Authorization = "Bearer ${DB_PASSWORD}", Price = "$$5" }
every = "2s"
timeout = 3
[signals.shop.metrics]
"Shop" = "up"
"response time" = "seconds"

[signals.database]
kind = "postgres"
dsn = "host=$DB_HOST port=$PORT password=$DB_PASSWORD"
[signals.database.queries]
stuck = "select count(*) from orders where note like '$SHOP_URL%'"
[signals.database.metrics]
"stuck orders" = "stuck"

[people.anna]
name = "Anna"
roles = ["on-call engineer"]
notify = ["json://$DB_HOST/notify", "slack://$DB_PASSWORD/x"]

[policy]
change = { allow = ["SEV1"] }
hold = "6s"

[[policy.rule]]
procedure = "Restart"
command = "supervisorctl restart shop"
allow = "run"
"""
ENVIRONMENT = {"SHOP_DB_PASSWORD": "correct horse"}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "queue").write_text("redis://127.0.0.1:6379/0\n")
    path = tmp_path / "watchkeeper.toml"
    path.write_text(SHOP)
    return path


def failure(path: Path, old: str = "", new: str = "", environment: dict[str, str] | None = None) -> ConfigError:
    """Load the file with one passage replaced, and give the error."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(ConfigError) as caught:
        load_estate(path, ENVIRONMENT if environment is None else environment)
    return caught.value


def test_a_whole_file_becomes_an_estate(shop: Path) -> None:
    estate = load_estate(shop, ENVIRONMENT)
    assert (estate.service, estate.policy.mode, estate.runbook) == ("shop", "act", (shop.parent / "runbook.md").resolve())
    assert {name: (v.source, v.line) for name, v in estate.variables.items()} == {
        "SHOP_URL": ("literal", 7),
        "PORT": ("literal", 8),
        "DB_HOST": ("env SHOP_DB_HOST", 9),
        "DB_PASSWORD": ("env SHOP_DB_PASSWORD", 10),
        "QUEUE": ("file run/queue", 11),
    }
    assert estate.variables["QUEUE"].reveal() == "redis://127.0.0.1:6379/0"
    assert isinstance(estate.variables["DB_PASSWORD"].value, Secret)
    target = estate.targets["local"]
    assert (target.timeout_s, target.path) == (60.0, ((shop.parent / "bin").resolve(),))
    signal = estate.signals["shop"]
    assert (signal.every_s, signal.timeout_s, signal.line, signal.component) == (2.0, 3.0, 18, "Shop")
    assert signal.metrics == {"Shop": "up", "response time": "seconds"}
    assert signal.lines["metrics", "response time"] == 27
    assert estate.people["anna"].roles == ("on-call engineer",)
    assert (estate.policy.change_allowed, estate.policy.hold_s) == (("SEV1",), 6.0)
    assert (estate.policy.rules[0].line, estate.policy.rules[0].allow) == (46, "run")


def test_variables_are_filled_in_and_what_took_in_a_secret_is_one(shop: Path) -> None:
    estate = load_estate(shop, ENVIRONMENT)
    signal = estate.signals["shop"]
    assert (signal.options["url"], signal.shown["url"]) == ("http://127.0.0.1:8000/health", "$SHOP_URL/health")
    assert signal.options["headers"]["Price"] == "$5"
    assert signal.options["headers"]["Authorization"].reveal() == "Bearer correct horse"
    assert "correct horse" not in repr(estate)
    dsn = estate.signals["database"].options["dsn"]
    assert dsn.reveal() == "host=localhost port=5432 password=correct horse"
    assert [str(address) for address in estate.people["anna"].notify] == ["json://localhost/notify", "••••••"]


@pytest.mark.parametrize(
    "signal",
    [
        'kind = "datadog"\napi_key = "0123456789abcdef"\napp_key = "$KEY"\nmonitor_tags = ["env:live"]',
        'kind = "heartbeat"\nperiod = "1 day"\nkey = "0123456789abcdefgh"',
        'kind = "nginx"\nurl = "http://shop/status"\npassword = "correct horse"',
    ],
)
def test_a_key_of_a_signal_never_stands_in_the_file(tmp_path: Path, signal: str) -> None:
    (tmp_path / "runbook.md").write_text("# Shop\n")
    file = tmp_path / "watchkeeper.toml"
    variables = '[variables]\nKEY = { env = "KEY", secret = true }\n'
    file.write_text(f'[service]\nname = "shop"\nrunbook = "runbook.md"\n{variables}[signals.a]\n{signal}\n')
    with pytest.raises(ConfigError) as caught:
        load_estate(file, {"KEY": "0123456789abcdef"})
    assert caught.value.code == "WK137"
    assert "stands in the file as plain text" in caught.value.message


def test_two_jobs_have_two_keys(tmp_path: Path) -> None:
    (tmp_path / "runbook.md").write_text("# Shop\n")
    file = tmp_path / "watchkeeper.toml"
    jobs = "".join(f'[signals.{name}]\nkind = "heartbeat"\nperiod = "1 day"\nkey = "$KEY"\n' for name in ("nightly", "weekly"))
    variables = '[variables]\nKEY = { env = "KEY", secret = true }\n'
    file.write_text(f'[service]\nname = "shop"\nrunbook = "runbook.md"\n{variables}{jobs}')
    estate = load_estate(file, {"KEY": "0123456789abcdefgh"})
    with pytest.raises(ConfigError) as caught:
        plugins.load(plugins.SIGNALS, "heartbeat")(estate.signals["weekly"], estate)
    assert "is the key of [signals.nightly] too" in caught.value.message
    assert caught.value.where == f"{file}:13"


def test_queries_are_not_filled_in_because_a_value_never_becomes_code(shop: Path) -> None:
    assert "$SHOP_URL" in load_estate(shop, ENVIRONMENT).signals["database"].options["queries"]["stuck"]


@pytest.mark.parametrize(
    ("old", "new", "line", "said", "hint"),
    [
        ('every = "2s"', 'evry = "2s"', 23, "signals.shop has the key 'evry', which is not known", "'every'"),
        ("[people.anna]", "[peple.anna]", 37, "the file has the key 'peple'", "'people'"),
        ('kind = "http"', 'kind = "htttp"', 19, "no signal plug-in named 'htttp'", "'http'"),
        ('"Shop" = "up"', '"Shop" = "upp"', 26, "the reading 'upp'", "'up'"),
        ('every = "2s"', 'every = "soon"', 23, "signals.shop.every is 'soon'", "duration"),
        ("timeout = 3", "timeout = 0", 24, "signals.shop.timeout is 0", "at least 0.1 s"),
        ('mode = "act"', 'mode = "act"\nhours = "office hours"', 5, "'office hours' are no hours", "Mon-Fri 09:00-17:00"),
        ('mode = "act"', 'mode = "act"\nholidays = ["soon"]', 5, "'soon' is no day", "12-25"),
        ('mode = "act"', 'mode = "acts"', 4, "service.mode is 'acts'", "'act'"),
        ('name = "shop"\n', "", 1, "service has no 'name'", "name ="),
        ('"$SHOP_URL/health"', '"$SHOPURL/health"', 21, "signals.shop.url uses $SHOPURL", "'SHOP_URL'"),
        ("PORT = 5432", 'API_TOKEN = "abc"', 8, "stands in the file as plain text", "env"),
        ("PORT = 5432", 'API_TOKEN = { env = "T", default = "abc" }', 8, "stands in the file as plain text", "env"),
        ("PORT = 5432", 'API_TOKEN = { env = "NONE" }', 8, "The environment has no NONE", "take it from a file"),
        ("PORT = 5432", 'PORT = "$DB_HOST$PORT"', 8, "needs itself: PORT -> PORT", "own value"),
        ("PORT = 5432", "PORT = [1]", 8, "PORT is [1]", "env"),
        ('"run/queue"', '"run/none"', 11, "cannot be read: No such file", "Write the value"),
        ('change = { allow = ["SEV1"] }', 'destroy = { allow = ["SEV1"] }', 43, "cannot be allowed in general", "policy.rule"),
        ('allow = "run"', 'allow = "maybe"', 49, "policy.rule.0.allow is 'maybe'", "run, ask, never"),
        ("timeout = 3", "timeout = = 3", 24, "This is not TOML", "quotes"),
        ("timeout = 3", "timeout = 3\n[service]", 25, "[service] stands in the file twice", "another name"),
        ('roles = ["on-call engineer"]', "roles = [1]", 39, "is not a list of texts", "["),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_file_line_and_hint(shop: Path, old: str, new: str, line: int, said: str, hint: str) -> None:
    problem = failure(shop, old, new)
    assert problem.where == f"{shop}:{line}"
    assert said in problem.message
    assert hint in (problem.hint or "")


def test_a_variable_that_the_environment_lacks_says_where_it_is_used(shop: Path) -> None:
    problem = failure(shop, environment={})
    assert problem.where == f"{shop}:10"
    assert "used by signals.shop.headers, line 22, signals.database.dsn, line 31, people.anna.notify, line 40" in problem.message
    assert problem.code == "WK134"


def test_a_secret_too_short_to_be_scrubbed_is_refused_with_its_line(shop: Path) -> None:
    problem = failure(shop, environment={"SHOP_DB_PASSWORD": "short"})
    assert (problem.where, problem.code) == (f"{shop}:10", "WK121")
    assert "short" not in problem.message.replace("shorter", "")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_estate(tmp_path / "watchkeeper.toml")


def test_lines_survive_long_texts_lists_comments_and_dotted_keys() -> None:
    text = (
        'a = """\n[not.a.table]\nb = 1\n"""\nc.d = [\n  "]", # ]\n  { x = "}" },\n]\n'
        "\"e f\" = '''\n'''\n[[t.u]]\nx = 1\n[[t.u]]\n[t.u.v]\ny = 2\n"
    )
    found = key_lines(text)
    assert found["a",] == 1
    assert found["c", "d"] == 5
    assert found["e f",] == 9
    assert found["t", "u", 0, "x"] == 12
    assert found["t", "u", 1, "v", "y"] == 15
    assert ("not", "a", "table") not in found


def test_business_hours_of_the_service_and_those_that_are_usual(tmp_path: Path) -> None:
    path = tmp_path / "watchkeeper.toml"
    path.write_text(
        '[service]\nname = "shop"\nrunbook = "r.md"\nhours = "Mon-Sat 08:00-20:00 Europe/Madrid"\n'
        'holidays = ["01-06", "2026-11-09"]\n'
    )
    office = load_estate(path, {}).office
    assert office.stated
    assert office.is_open(datetime(2026, 11, 7, 18, tzinfo=UTC))  # a Saturday, at 19:00 there
    assert not office.is_open(datetime(2026, 11, 9, 12, tzinfo=UTC))
    assert not office.is_open(datetime(2027, 1, 6, 12, tzinfo=UTC))
    path.write_text('[service]\nname = "shop"\nrunbook = "r.md"\n')
    usual = load_estate(path, {}).office
    assert not usual.stated
    assert usual.is_open(datetime(2026, 11, 9, 12, tzinfo=UTC))

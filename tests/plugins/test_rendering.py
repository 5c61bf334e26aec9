"""Values in SQL and in Redis' words, on the servers themselves: what arrives is exactly the value, and nothing else happens."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from redis import Redis
from tests.conftest import need

from watchkeeper.book.commands import make_command
from watchkeeper.book.model import Risk
from watchkeeper.demo.servers import Servers
from watchkeeper.estate.model import Estate, TargetConfig
from watchkeeper.plugins.shell.target import ShellTarget
from watchkeeper.run.judge import judge_command
from watchkeeper.run.model import Act, Outcome
from watchkeeper.run.operation import BookCommand
from watchkeeper.run.target import Job
from watchkeeper.run.values.clients import client_for, languages
from watchkeeper.run.values.render import needs_of, render

HOSTILE = (
    "plain",
    "'; DROP TABLE kept; --",
    "\\'; DROP TABLE kept; --",
    "' OR '1'='1",
    "\\! touch x",
    "\n\\! touch x\n",
    "a\nb",
    ":'wk_2'",
    "<second>",
    "$$",
    '"',
    "`touch x`",
    "%",
    "\\x41",
    "schön 🐘",
    "-- no",
    "/*",
    "\t\r",
    'x"\r\nFLUSHALL\r\n',
)
VALUES = st.one_of(
    st.sampled_from(HOSTILE), st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=30)
)
Ask = Callable[[str, str], str]


def filled(text: str, language: str, client: str = "psql", **values: str) -> str:
    command = make_command(text, 1, language)
    assert needs_of(command).refused is None
    return render(command, {token: values[token.strip("<>")] for token in needs_of(command).places}, client=client).script


@pytest.fixture(scope="session")
def psql(servers: Servers, postgres_dsn: str) -> Ask:
    program = servers.postgres / "psql"

    def ask(script: str, options: str = "") -> str:
        command = [str(program), postgres_dsn, "-X", "-At", "-v", "ON_ERROR_STOP=1", *options.split(), "-f", "-"]
        ended = subprocess.run(command, input=script.encode(), capture_output=True, timeout=20, check=False)
        assert ended.returncode == 0, ended.stderr.decode()
        return ended.stdout.decode()

    ask("CREATE TABLE IF NOT EXISTS kept (word text)", "")
    return ask


@pytest.mark.parametrize(
    ("text", "before", "after"),
    [
        ("SELECT encode(convert_to('<word>', 'UTF8'), 'hex')", "", ""),
        ("SELECT encode(convert_to('it''s <word>!', 'UTF8'), 'hex') -- <word>", "it's ", "!"),
        ("SELECT encode(convert_to(<word>, 'UTF8'), 'hex') WHERE '<word>' = <word>", "", ""),
        ("SELECT encode(convert_to('<word>' || '<second>', 'UTF8'), 'hex')", "", "second's <word>"),
    ],
)  # fmt: skip
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=VALUES)
@example(value="'; DROP TABLE kept; --")
@example(value="<second>")
def test_postgresql_gets_exactly_the_value(psql: Ask, text: str, before: str, after: str, value: str) -> None:
    told = psql(filled(text, "sql", word=value, second="second's <word>"), "")
    assert bytes.fromhex(told.strip()).decode() == before + value + after
    assert psql("SELECT count(*) FROM kept", "") == "0\n"


def test_a_number_and_a_time_are_taken_from_values_as_any_literal(psql: Ask) -> None:
    assert psql(filled("SELECT 1 WHERE 7 = <n> LIMIT <count>", "sql", n="7", count="1"), "") == "1\n"
    assert psql(filled("SELECT interval '<minutes> minutes' > interval '4 minutes'", "sql", minutes="5"), "") == "t\n"


@pytest.fixture(scope="session")
def redis_cli(servers: Servers, redis_port: int) -> Ask:
    def ask(script: str, options: str = "") -> str:
        command = [str(servers.redis_cli), "-p", str(redis_port), *options.split()]
        ended = subprocess.run(command, input=script.encode(), capture_output=True, timeout=20, check=True)
        return ended.stdout.decode(errors="surrogateescape")

    return ask


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=VALUES)
@example(value='x"\r\nFLUSHALL\r\n')
def test_redis_gets_exactly_the_value(redis_cli: Ask, redis_port: int, value: str) -> None:
    redis_cli("SET kept yes\nDEL list\n", "")
    for text in ("RPUSH list <word>", 'RPUSH list "a <word> b"', "RPUSH list cache:<word>:x"):
        assert redis_cli(filled(text, "redis", word=value), "").strip().isdigit()
    with Redis(port=redis_port, decode_responses=True) as client:
        told = client.lrange("list", 0, -1)
    assert told == [value, f"a {value} b", f"cache:{value}:x"]
    assert redis_cli("GET kept\n", "") == "yes\n"


@pytest.fixture(scope="session")
def mysql(servers: Servers, folder: Path) -> Iterator[Ask]:
    install, server = Path("/usr/bin/mariadb-install-db"), Path("/usr/sbin/mariadbd")
    need(install.exists() and server.exists(), "mariadb-server")
    home, owner = folder / "mysql", servers.user or ""
    home.mkdir()
    if owner:
        subprocess.run(["chown", owner, str(home)], check=True)
    user = [f"--user={owner}"] if owner else []
    bare = ["--no-defaults", f"--datadir={home / 'data'}", *user]
    subprocess.run(
        [str(install), *bare, "--auth-root-authentication-method=normal"], check=True, capture_output=True, timeout=120
    )
    socket = home / "socket"
    options = [f"--socket={socket}", "--skip-networking", f"--pid-file={home / 'pid'}", "--innodb-flush-method=fsync"]
    with subprocess.Popen([str(server), *bare, *options], stderr=subprocess.DEVNULL) as running:
        base = ["/usr/bin/mariadb", "--no-defaults", f"--socket={socket}", "-uroot", "-N", "-B"]
        ready = ["/usr/bin/mariadb-admin", "--no-defaults", f"--socket={socket}", "-uroot", "--wait=30", "ping"]
        subprocess.run(ready, check=True, capture_output=True, timeout=60)

        def ask(script: str, options: str = "") -> str:
            asked = subprocess.run([*base, *options.split()], input=script.encode(), capture_output=True, timeout=20, check=False)
            assert asked.returncode == 0, asked.stderr.decode()
            return asked.stdout.decode()

        ask("CREATE DATABASE shop; CREATE TABLE shop.kept (word text)", "")
        yield ask
        running.terminate()


@pytest.mark.slow
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=VALUES)
def test_mysql_gets_exactly_the_value(mysql: Ask, value: str) -> None:
    for text, around in (("SELECT HEX('<word>')", "{}"), ("SELECT HEX('it''s <word>')", "it's {}"), ("SELECT HEX(<word>)", "{}")):
        told = mysql(filled(text, "sql", "mysql", word=value), "")
        assert bytes.fromhex(told.strip()).decode() == around.format(value)
    assert mysql("SELECT count(*) FROM shop.kept", "") == "0\n"


@pytest.mark.slow
async def test_a_target_gives_each_language_to_its_own_client(mysql: Ask, folder: Path, tmp_path: Path) -> None:
    base = f"/usr/bin/mariadb --no-defaults --socket={folder / 'mysql' / 'socket'} -uroot -N -B"
    options = {"mysql": base, "python": "python3"}
    config = TargetConfig("local", "shell", 1, tmp_path, options=options)
    target = ShellTarget(config, Estate(tmp_path / "watchkeeper.toml", "shop", tmp_path))

    async def run(script: str, language: str, durable: bool) -> tuple[int | None, str]:
        name = f"run-1.{len(list(tmp_path.iterdir()))}.1"
        job = Job(name, script, language, tmp_path / name, durable=durable)
        await target.start(job)
        return (await target.wait(job)).exit_status, target.read_output(job)

    assert await run("SELECT 6*7;\n", "sql", durable=False) == (0, "42\n")
    status, said = await run("INSERT INTO shop.kept VALUES ('x')", "sql", durable=False)
    assert status == 1
    assert "READ ONLY transaction" in said
    assert await run("INSERT INTO shop.kept VALUES ('x'); DELETE FROM shop.kept", "sql", durable=True) == (0, "")
    assert await run("print(6*7)", "python", durable=False) == (0, "42\n")
    assert languages(options) == {"bash", "sh", "shell", "python", "sql"}


@pytest.mark.parametrize(
    ("language", "text", "options", "client"),
    [
        ("sql", "SELECT 1", {"psql": "psql", "mysql": "mysql"}, "psql"),
        ("sql", "SHOW REPLICA STATUS\\G", {"psql": "psql", "mysql": "mysql"}, "mysql"),
        ("sql", "SHOW PROCESSLIST", {"psql": "psql"}, None),
        ("sql", "SELECT 1", {"mysql": "mysql"}, "mysql"),
        ("psql", "\\dt", {"mysql": "mysql"}, None),
        ("psql", "\\dt", {"psql": "psql"}, "psql"),
        ("redis", "LLEN celery", {"redis_cli": "redis-cli"}, "redis_cli"),
        ("mongodb", "db.stats()", {}, None),
        ("bash", "ls", {"psql": "psql"}, None),
    ],
)
def test_a_client_is_found_by_language_and_dialect(language: str, text: str, options: dict[str, str], client: str | None) -> None:
    assert client_for(language, text, options) == client


async def test_words_of_psql_go_to_psql(servers: Servers, postgres_dsn: str, tmp_path: Path) -> None:
    options = {"psql": f"{servers.postgres / 'psql'} '{postgres_dsn}' -At"}
    target = ShellTarget(
        TargetConfig("local", "shell", 1, tmp_path, options=options), Estate(tmp_path / "watchkeeper.toml", "shop", tmp_path)
    )
    job = Job("run-1.1.1", "\\conninfo", "psql", tmp_path / "job", durable=False)
    await target.start(job)
    assert (await target.wait(job)).exit_status == 0
    assert "connected to database" in target.read_output(job)


async def words(text: str, risk: Risk, folder: Path, timeout_s: float = 20.0) -> Outcome:
    """Run shell text of a book as a run would, by the local shell, and judge it."""
    estate, config = Estate(folder / "watchkeeper.toml", "shop", folder), TargetConfig("local", "shell", 1, folder)
    config = replace(config, timeout_s=timeout_s)
    command = replace(make_command(text, 1, "bash"), risk=risk)
    act = Act("1.1", 1, "command", "A step", 1, command=command, risk=risk)
    name = f"run-1.{len(list(folder.iterdir()))}.1"
    job = BookCommand(act, command, config, estate).perform(name, folder / name)
    target = ShellTarget(config, estate)
    await target.start(job)
    found = await target.wait(job)
    return judge_command(act, found.exit_status, target.read_output(job), timed_out=found.timed_out)


@pytest.mark.parametrize("around", ["{}", "env -u HOME bash -c '{}'"])
async def test_a_look_by_psql_cannot_write_and_a_change_can(
    psql: Ask, servers: Servers, postgres_dsn: str, tmp_path: Path, around: str
) -> None:
    psql("CREATE TABLE IF NOT EXISTS touched (n int); TRUNCATE touched", "")
    psql("CREATE OR REPLACE FUNCTION touch() RETURNS int LANGUAGE sql AS 'INSERT INTO touched VALUES (1) RETURNING n'", "")
    client = f'PATH={servers.postgres}:$PATH; psql "{postgres_dsn}" -X'
    text = around.format(f'{client} -tAc "SELECT touch()"')
    looked = await words(text, "read", tmp_path)
    assert looked.result == "failed"
    assert looked.sentence.startswith("It was taken for a look, so it ran in a read-only transaction, and the database refused")
    assert psql("SELECT count(*) FROM touched", "") == "0\n"
    slow = await words(around.format(f'{client} -tAc "SELECT pg_sleep(30)"'), "read", tmp_path, timeout_s=2.0)
    assert slow.result in ("failed", "timeout")
    assert (await words(text, "change", tmp_path)).result == "ok"
    assert psql("SELECT count(*) FROM touched", "") == "1\n"


async def test_a_script_for_psql_stops_at_its_first_error(psql: Ask, servers: Servers, postgres_dsn: str, tmp_path: Path) -> None:
    psql("CREATE TABLE IF NOT EXISTS stopped (n int); TRUNCATE stopped", "")
    script = "SELECT no_such_thing;\nINSERT INTO stopped VALUES (1);\n"
    outcome = await words(f"{servers.postgres}/psql \"{postgres_dsn}\" <<'EOF'\n{script}EOF", "change", tmp_path)
    assert (outcome.result, outcome.exit_status) == ("failed", 3)
    assert psql("SELECT count(*) FROM stopped", "") == "0\n"


@pytest.mark.slow
async def test_a_look_by_mysql_cannot_write_and_a_change_can(mysql: Ask, folder: Path, tmp_path: Path) -> None:
    mysql("DROP TABLE IF EXISTS shop.touched; CREATE TABLE shop.touched (n int) ENGINE=InnoDB", "")
    mysql("DROP FUNCTION IF EXISTS shop.touch", "")
    body = "BEGIN INSERT INTO shop.touched VALUES (1); RETURN 1; END"
    mysql(f"DELIMITER //\nCREATE FUNCTION shop.touch() RETURNS int MODIFIES SQL DATA {body}//", "")
    client = f"mariadb --no-defaults --socket={folder / 'mysql' / 'socket'} -uroot -N -B"
    for text in (f"{client} -e 'SELECT shop.touch()'", f"bash -c \"{client} -e 'SELECT shop.touch()'\""):
        looked = await words(text, "read", tmp_path)
        assert looked.result == "failed"
        assert "the database refused to write: nothing changed" in looked.sentence
        assert mysql("SELECT count(*) FROM shop.touched", "") == "0\n"
    slow = await words(f"{client} -e 'SELECT @@max_statement_time'", "read", tmp_path, timeout_s=7.0)
    assert float(slow.output) == 7.0
    assert (await words(f"{client} -e 'SELECT shop.touch()'", "change", tmp_path)).result == "ok"
    assert mysql("SELECT count(*) FROM shop.touched", "") == "1\n"

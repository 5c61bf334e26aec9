"""What a command would do, by a table of commands with their risk."""

import json
from pathlib import Path

import pytest

from watchkeeper.book.programs import find
from watchkeeper.book.risk import assess

FOLDER = Path(__file__).parent.parent / "cases" / "commands"
POWERSHELL = json.loads((FOLDER / "powershell.json").read_text(encoding="utf-8"))
CASES = json.loads((FOLDER / "risk.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("text", "risk"), CASES)
def test_a_command_has_its_risk_and_a_sentence(text: str, risk: str) -> None:
    found, sentence = assess(text, "bash")
    assert (found, sentence.endswith(".")) == (risk, True), sentence


WRAPPERS = ("sudo", "env A=1", "time", "nohup", "nice -n 5", "timeout 5", "docker exec shop", "docker compose exec -T shop",
    "kubectl exec shop-0 -c app --", "ssh db1", "xargs", "watch -n 5", "flock /tmp/l", "sh -c")  # fmt: skip


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_no_wrapper_hides_a_deletion(wrapper: str) -> None:
    inner = "rm -rf /data"
    text = f"{wrapper} '{inner}'" if wrapper == "sh -c" else f"{wrapper} {inner}"
    assert assess(text)[0] == "destroy"


@pytest.mark.parametrize("program", ["kubectl", "docker", "git", "systemctl", "redis-cli", "terraform", "aws", "helm"])
def test_an_unheard_of_verb_is_never_taken_for_reading(program: str) -> None:
    assert assess(f"{program} frobnicate everything")[0] in ("unknown", "change", "destroy")


def test_a_text_that_cannot_be_parsed_is_unknown() -> None:
    assert assess("ls | (")[0] == "unknown"


@pytest.mark.parametrize(("sql", "risk"), [
    ("SELECT * FROM orders LIMIT 10;", "read"), ("SHOW max_connections;", "read"), ("EXPLAIN SELECT 1;", "read"),
    ("EXPLAIN ANALYZE DELETE FROM orders;", "destroy"),
    ("WITH gone AS (DELETE FROM orders RETURNING *) SELECT * FROM gone;", "destroy"),
    ("SELECT * INTO copy FROM orders;", "change"), ("SELECT pg_promote();", "destroy"),
    ("SELECT pg_cancel_backend(1);", "change"), ("DELETE FROM orders WHERE id = 1;", "destroy"),
    ("UPDATE orders SET paid = true;", "destroy"), ("UPDATE orders SET paid = true WHERE id = 1;", "change"),
    ("ALTER TABLE orders DROP COLUMN x;", "destroy"), ("CREATE INDEX CONCURRENTLY a ON b (c);", "change"),
    ("SHOW REPLICA STATUS\\G", "read"), ("SELECT dblink('x', 'DROP TABLE y');", "unknown"),
    ("SELECT 1; DROP TABLE orders;", "destroy"), ("OPTIMIZE TABLE orders;", "change"), ("SELECT issue_refund(1);", "unknown"),
    ("SELECT ( FROM;", "unknown"),
])  # fmt: skip
def test_sql_is_read_only_where_every_function_is_known(sql: str, risk: str) -> None:
    assert assess(sql, "sql")[0] == risk


def test_the_table_knows_a_program_under_both_its_names() -> None:
    assert find("kafka-topics.sh") is not None
    assert find("no-such-program") is None


@pytest.mark.parametrize(("code", "risk"), [
    ("Get-Service shop", "read"), ("Restart-Service shop", "change"), ("Remove-Item -Recurse C:/x", "destroy"),
    ("Get-ChildItem x | ForEach-Object { Remove-Item $_ }", "destroy"), ("Invoke-Expression $x", "unknown"),
    ("Invoke-WebRequest http://shop/health", "read"), *POWERSHELL,
])  # fmt: skip
def test_powershell_is_judged_by_every_verb_in_it(code: str, risk: str) -> None:
    assert assess(code, "powershell")[0] == risk

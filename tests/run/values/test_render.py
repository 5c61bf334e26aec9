"""A value never becomes code: real bash hands exactly the value to a program, as one argument, and nothing else happens."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from watchkeeper.book.commands import make_command
from watchkeeper.book.model import Command
from watchkeeper.run.values.inputs import input_of, why_not
from watchkeeper.run.values.render import Rendered, needs_of, render

HOSTILE = (
    "plain",
    "two words",
    "it's",
    'say "no"',
    "a\nb",
    "$(touch x)",
    "`touch x`",
    "; touch x #",
    "' ; touch x ; '",
    '" ; touch x ; "',
    "${HOME}",
    "-rf",
    "--help",
    "%s%n",
    "*",
    "~",
    "a && touch x",
    "> x",
    "\\",
    "\\'",
    "\t",
    "schön 🐘",
    "$WK_X",
    "a[$(touch x)]",
    "!!",
    "{a,b}",
)
VALUES = st.one_of(
    st.sampled_from(HOSTILE), st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=30)
)
#: a command, and the arguments that arrive, with V where the value stands
PLACES = (
    ("args <x>", ["V"]),
    ("args get <x> -n prod", ["get", "V", "-n", "prod"]),
    ("args deploy/<x>", ["deploy/V"]),
    ("args --id=<x> after", ["--id=V", "after"]),
    ('args "a <x> b"', ["a V b"]),
    ("args 'a <x> b'", ["a V b"]),
    ("args 'a'<x>\"b\"", ["aVb"]),
    ("args s3://bucket/<x>/end", ["s3://bucket/V/end"]),
    ('args "$(args <x> | head -c 1000 | tr -d "\\000")"', ["V"]),
    ("Y=<x>; args \"$Y\"", ["V"]),
    ("Y=a-<x>-b args done; args \"${Y-none}\"", ["done", "none"]),
    ("args <x> # and <x>", ["V"]),
    ("if [ -n <x> ]; then args yes; fi", ["yes"]),
    ('for each in <x> b; do args "$each"; done', ["V", "b"]),
    ("args {b}", ["V"]),
    ("args \"`printf '%s!' <x>`\"", ["V!"]),
    ("awk -v OFS=- 'END {print}' </dev/null; args <x>", ["V"]),
    ("args $THING", ["V"]),
    ('args "$THING and ${THING}"', ["V and V"]),
    ("args x$THING", ["xV"]),
    ("args https://shop.example/orders/<x>?q=1", ["https://shop.example/orders/U?q=1"]),
    ('args "https://shop.example/orders?id=$THING"', ["https://shop.example/orders?id=U"]),
    ("""args -d '{"to": "<x>", "n": 1}'""", ["-d", '{"to": "J", "n": 1}']),
    ("""args -d "{\\"to\\": \\"$THING\\"}" """, ["-d", '{"to": "J"}']),
)  # fmt: skip


def rendered(text: str, value: str, language: str = "bash") -> Rendered:
    command = make_command(text, 1, language)
    return render(command, dict.fromkeys(needs_of(command).places, value))


@pytest.fixture
def shell(tmp_path: Path) -> Path:
    """A folder with a program that says which arguments it got, and which nothing else may touch."""
    (tmp_path / "bin").mkdir()
    args = tmp_path / "bin" / "args"
    args.write_text("#!/bin/sh\nprintf '%s\\0' \"$@\"\n")
    args.chmod(0o755)
    (tmp_path / "here").mkdir()
    return tmp_path


def run(folder: Path, made: Rendered) -> list[str]:
    script = folder / "script"
    script.write_text(made.script + "\n")
    environment = {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "HOME": "/", "LANG": "C.UTF-8", **made.variables}
    command = ["bash", "--noprofile", "--norc", "-o", "pipefail", str(script)]
    ended = subprocess.run(command, cwd=folder / "here", env=environment, capture_output=True, timeout=20, check=False)
    assert ended.returncode == 0, ended.stderr.decode()
    assert list((folder / "here").iterdir()) == []
    return ended.stdout.decode().split("\0")[:-1]


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(VALUES)
@pytest.mark.real
@pytest.mark.parametrize(("text", "arguments"), PLACES)
def test_what_arrives_is_exactly_the_value(shell: Path, text: str, arguments: list[str], value: str) -> None:
    forms = {"V": value, "U": quote(value, safe=""), "J": json.dumps(value, ensure_ascii=False)[1:-1]}
    expected = [re.sub("[VUJ]", lambda match: forms[match[0]], each) for each in arguments]
    if "tr -d" in text:
        expected = [value.rstrip("\n")]
    assert run(shell, rendered(text, value)) == expected


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(HOSTILE))
@example("$(touch x)")
@pytest.mark.real
def test_every_hostile_value_in_every_place(shell: Path, value: str) -> None:
    for text, _ in PLACES:
        if "tr -d" not in text:
            run(shell, rendered(text, value))


@pytest.mark.parametrize(
    "text",
    [
        "ssh web-1 'systemctl restart <x>'",
        "ssh web-1 systemctl restart <x>",
        'ssh web-1 "tail $THING"',
        "kubectl exec web -- sh -c 'kill <x>'",
        'bash -c "echo <x>"',
        "sudo su - app -c 'restart <x>'",
        "watch -n 1 'ls <x>'",
        "eval echo <x>",
        "awk '/<x>/ {print}' log",
        "sed 's/old/<x>/' file",
        "jq '.items[\"<x>\"]' file",
        "psql -c \"SELECT * FROM t WHERE a = '<x>'\"",
        'psql -Atc "SELECT pg_terminate_backend(<x>)"',
        "mysql -e \"SELECT 1 WHERE '<x>' = ''\"",
        "mongosh --eval 'db.a.find({_id: \"<x>\"})'",
        "python3 -c 'print(\"<x>\")'",
        "cat <<EOF\nname: <x>\nEOF",
        "make deploy VERSION=<x>",
        "printf '<x>' a",
        "date +<x>",
        "X=<x>; ssh web-1 \"restart $X\"",
        "for each in <x>; do ssh web-1 \"restart $each\"; done",
        "docker compose exec -T db psql -U app -c \"SELECT '<x>'\"",
        "curl -d 'user=<x>' https://shop.example",
        "echo $((<x> + 1))",
        "[[ <x> -gt 3 ]] && echo yes",
        "kubectl get pod -o jsonpath='{.items[?(@.a==\"<x>\")]}'",
        "./notify.sh 'kubectl delete pod <x>'",
        "sudo -u app bash -c 'rm <x>'",
        "timeout 5 ssh -i key web-1 -- rm <x>",
        "psql -v id=<x> -f report.sql",
        "sh -c 'rm $1' sh <x>",
        "bash -c 'psql -c \"SELECT $1\"' _ <x>",
        "sh -c 'shift; rm \"$@\"' sh a <x>",
    ],
)  # fmt: skip
def test_a_word_that_is_read_again_takes_only_letters_that_are_inert_there(text: str) -> None:
    command = make_command(text, 1, "bash")
    needs = needs_of(command)
    assert needs.refused is None
    (token,) = needs.places
    given_to = input_of(token, needs.places[token], {})
    for value in HOSTILE[1:]:
        assert why_not(given_to, value) is not None, value
    assert why_not(given_to, "17") is None


@pytest.mark.parametrize(
    "text",
    [
        "<command> status",
        "sudo <command> status",
        "ssh web-1 '<command> now'",
        "kubectl exec web -- <command>",
        "docker exec web <command>",
        "source <file>",
        "bash <script>",
        "cat <<'EOF'\n<x>\nEOF",
        "echo $'<x>'",
        "<name>=1",
        'if [ "<x>" ]; then',
        "ssh -o <option> web-1 uptime",
        "curl -K <file>",
        "X=1 $PROGRAM --now",
        "echo $LD_PRELOAD",
        "sh -c 'sudo \"$1\"' sh <x>",
    ],
)
def test_what_cannot_be_made_safe_is_for_a_person(text: str) -> None:
    command = make_command(text, 1, "bash")
    assert needs_of(command).refused


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("kubectl logs <pod-name>", False),
        ("ssh <host> uptime", False),
        ("psql -h <host> -d shop -c 'SELECT 1'", False),
        ("curl https://<host>/health", False),
        ("docker compose exec -T web ./manage.py reset <user>", False),
        ("docker compose exec -T db sh -c 'psql -U \"$POSTGRES_USER\"'", False),
        ("docker compose exec -T cache sh -c 'redis-cli --scan --pattern \"$1*\"' sh <prefix>", False),
    ],
)
def test_what_is_plain_stays_easy(text: str, refused: bool) -> None:
    assert bool(needs_of(make_command(text, 1, "bash")).refused) == refused


def test_a_parameter_of_shell_text_is_exactly_itself_where_it_is_quoted() -> None:
    needs = needs_of(make_command("sh -c 'redis-cli --scan --pattern \"$1*\"' sh <prefix>", 1, "bash"))
    assert why_not(input_of("<prefix>", needs.places["<prefix>"], {}), "cache:hits; and more") is None


def test_a_variable_inside_single_quotes_is_not_ours_to_fill() -> None:
    command = make_command('docker compose exec -T db sh -c \'psql -U "$POSTGRES_USER" -c "SELECT 1"\'', 1, "bash")
    assert needs_of(command).places == {}


def test_a_variable_with_a_default_or_set_by_the_text_is_not_asked_for() -> None:
    command = make_command('N=$(nproc); make -j "$N" "${TARGET:-all}" "$KIND"', 1, "bash")
    assert tuple(needs_of(command).places) == ("$KIND",)
    assert needs_of(command, frozenset({"KIND"})).places == {}


def test_what_bash_itself_sets_is_not_asked_for() -> None:
    assert needs_of(make_command('echo $BASHPID $RANDOM "${BASH_REMATCH[1]}" ${PIPESTATUS[0]} $$ $? $1', 1, "bash")).places == {}


def test_a_sample_that_the_book_marks_is_filled_as_a_word() -> None:
    command = Command(text="kubectl logs pod-name -c pod-name-2", line=1, placeholders=("pod-name",))
    assert render(command, {"pod-name": "web 1"}).script == 'kubectl logs "${WK_POD_NAME}" -c pod-name-2'


SQL = "SELECT * FROM orders WHERE id = <id> AND note = 'from <who>''s' -- <id>"


def test_sql_for_mysql_takes_values_as_digits() -> None:
    command = make_command(SQL, 1, "sql")
    made = render(command, {"<id>": "1 OR 1=1", "<who>": "'; DROP TABLE orders; --"}, client="mysql").script
    assert made == (
        "SELECT * FROM orders WHERE id = _utf8mb4 X'31204f5220313d31' AND note = _utf8mb4 X'"
        + b"from '; DROP TABLE orders; --'s".hex()
        + "' -- <id>"
    )


@pytest.mark.parametrize("text", ["DROP TABLE <table>", 'SELECT * FROM "<table>"', "REINDEX INDEX <index>"])
def test_a_name_in_sql_comes_from_an_allowed_list(text: str) -> None:
    command = make_command(text, 1, "sql")
    (token,) = needs_of(command).places
    given_to = input_of(token, needs_of(command).places[token], {})
    assert "choices" in str(why_not(given_to, "orders"))


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("<word> now()", "sql"),
        ("SELECT $$<x>$$", "sql"),
        ("SELECT E'<x>'", "sql"),
        ("\\! ls <file>", "psql"),
        ("\\copy t from <file>", "psql"),
        ("<word> a", "redis"),
        ("EVAL <script> 0", "redis"),
        ("CONFIG SET dir <dir>", "redis"),
        ("import <module>", "python"),
        ("print(f'<x>')", "python"),
        ("print(r'<x>')", "python"),
        ("print('<x>", "python"),
        ("db.<name>.find()", "mongodb"),
        ("Get-Item <path>", "powershell"),
    ],
)
def test_what_cannot_be_made_safe_in_another_language_is_for_a_person(text: str, language: str) -> None:
    needs = needs_of(make_command(text, 1, language))
    limits = {place.limit for places in needs.places.values() for place in places}
    assert needs.refused or limits == {"digits"}


@pytest.mark.real
@settings(max_examples=30, deadline=None)
@given(VALUES)
def test_python_gets_exactly_the_value(value: str) -> None:
    made = rendered(
        'import sys; sys.stdout.buffer.write("<x>|".encode("utf-8", "surrogatepass") + \'{a}\'.encode())', value, "python"
    )
    scope: dict[str, object] = {}
    written: list[bytes] = []

    class Out:
        class stdout:
            class buffer:
                write = written.append

    exec(made.script.replace("import sys; ", ""), {"sys": Out, **scope})
    assert written == [f"{value}|{{a}}".encode()]

"""Inputs of a run: from a person, the estate, the incident or an earlier act; on a real shell, with every answer checked."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from run_cast import Desk, branch, plan_of, step
from sqlalchemy import Connection, insert

from watchkeeper.alert.ledger import raise_alert, reports
from watchkeeper.alert.model import Alert
from watchkeeper.base.errors import ConfigError, InputError, NotFound
from watchkeeper.base.secrets import Secret
from watchkeeper.book.commands import make_command
from watchkeeper.book.model import Book, Command, Placeholder, Procedure
from watchkeeper.estate.config import load_estate
from watchkeeper.estate.model import Estate, InputRule, Variable
from watchkeeper.run.plan import plan, plan_command, plan_from_json, plan_to_json, with_queries
from watchkeeper.run.values.filling import checked, fill, inputs_of, names_in
from watchkeeper.run.values.inputs import KINDS, input_of, name_of, why_not
from watchkeeper.run.values.render import needs_of
from watchkeeper.testing import book_from

pytestmark = pytest.mark.real
Made = Callable[..., Desk]


def cmd(text: str, risk: str | None = None, **values: Any) -> Command:
    made = make_command(text, values.pop("line", 1), values.pop("language", "bash"))
    return replace(made, **({"risk": risk} if risk else {}), **values)


def wrote(desk: Desk) -> list[str]:
    path = desk.folder / "marks"
    return path.read_text().splitlines() if path.exists() else []


# --- what an input is


@pytest.mark.parametrize(
    ("token", "kind", "good", "bad"),
    [
        ("<pod-name>", "object", "web-7f9c-x2", "web 1"),
        ("<date>", "date", "2026-11-27", "yesterday"),
        ("YYYYMMDD", "date", "20261127", "2026-11-27"),
        ("YYYY-MM-DD", "date", "2026-11-27", "20261127"),
        ("<host>", "host", "db-1.shop.example:5432", "db 1;id"),
        ("$NEW_PRIMARY_HOST", "host", "10.0.0.7", "$(id)"),
        ("{version}", "version", "v1.24.0+b7", "1;2"),
        ("<email>", "email", "anna@shop.example", "anna"),
        ("<amount>", "amount", "12.50", "12,50€"),
        ("<pid>", "number", "4711", "all"),
        ("[Container ID]", "object", "4f5e6d", "$x"),
        ("<backup-file>", "file", "/backups/shop 2026.sql.gz", "/backups/../../etc/shadow"),
        ("YOUR_BUCKET", "object", "shop-backups", "a/b"),
        ("$API_URL", "url", "https://shop.example/x", "file"),
        ("<table_name>", "table", "orders", "orders; DROP"),
    ],
)
def test_a_name_tells_the_kind_and_the_kind_what_may_be_given(token: str, kind: str, good: str, bad: str) -> None:
    found = input_of(token, (), {})
    assert found.kind == kind
    assert why_not(found, good) is None
    assert why_not(found, bad) is not None


@pytest.mark.parametrize("kind", KINDS)
def test_no_kind_takes_what_could_be_code_or_an_option(kind: Any) -> None:
    found = input_of(f"<{kind.names.split('|')[-1].split(')')[0]}>", (), {})
    if kind.pattern is not None:
        for value in ("$(id)", "`id`", "a;id", "a\nb", "-rf", "a'b", 'a"b', "a|b", "", "x" * 5000, "a\0b"):
            assert why_not(replace(found, pattern=kind.pattern, kind=kind.name), value) is not None, (kind.name, value)


def test_what_watchkeeper_toml_says_of_an_input_goes_before_what_its_name_tells() -> None:
    rule = InputRule("pod_name", choices=("web", "-db"), may_begin_with_dash=True)
    found = input_of("<pod-name>", (), {"pod_name": rule})
    assert (why_not(found, "web"), why_not(found, "-db")) == (None, None)
    assert why_not(found, "other") == "It is none of: web, -db."
    lines = input_of("<note>", (), {"note": InputRule("note", may_have_lines=True)})
    assert why_not(lines, "one\ntwo") is None
    assert "\0" not in str(why_not(lines, "a\0b"))


def test_a_place_narrows_even_what_the_owner_allows() -> None:
    needs = needs_of(cmd("ssh web 'kill <word>'"))
    found = input_of("<word>", needs.places["<word>"], {"word": InputRule("word", choices=("9", "$(reboot)"))})
    assert why_not(found, "9") is None
    assert why_not(found, "$(reboot)") == "Where it is to stand, only letters, digits, dots, - and _ can be passed safely."


# --- where values come from


async def test_a_run_asks_for_what_it_lacks_and_takes_only_what_fits(desk: Made) -> None:
    here = desk()
    run_id = here.start(step(1, cmd("echo restarting <pod-name> >> marks", "change")), actor="Anna")
    assert (await here.drive(run_id)).state == "asking"
    asked = here.log(run_id)[-1]
    assert (asked.body["question"], asked.body["sentence"]) == (
        "input",
        "It needs <pod-name> (a name of letters, digits, . - and _).",
    )
    for wrong in ({}, {"pod-name": "$(touch x)"}, {"pod_name": "-rf"}, {"pod_name": "web", "other": "1"}):
        with pytest.raises(InputError):
            here.answer(run_id, "1.1", "input", inputs=wrong)
    here.answer(run_id, "1.1", "input", inputs={"pod-name": "web-7f9c"})
    run = await here.drive(run_id)
    assert run.acts["1.1"].question == "approve"
    here.answer(run_id, "1.1", "approve")
    assert (await here.drive(run_id)).state == "succeeded"
    assert wrote(here) == ["restarting web-7f9c"]


async def test_other_values_void_an_approval(desk: Made) -> None:
    here = desk()
    run_id = here.start(step(1, cmd("echo <word> >> marks", "change")), actor="Anna")
    await here.drive(run_id)
    here.answer(run_id, "1.1", "input", inputs={"word": "one"})
    run = await here.drive(run_id)
    first = here.log(run_id)[-1].body["digests"]
    assert run.given == {"word": "one"}
    changed = replace(run, given={"word": "two"})
    from watchkeeper.run.operation import digest

    command, target = run.plan.acts[0].command, here.estate.targets["local"]
    assert command is not None
    assert digest(command, here.estate, target, run) != digest(command, here.estate, target, changed)
    assert first


async def test_the_estate_fills_what_it_knows_and_a_person_may_say_otherwise(desk: Made) -> None:
    here = desk(
        variables={"POD_NAME": Variable("POD_NAME", "web-1", "literal", 1), "ZONE": Variable("ZONE", "a b", "literal", 2)}
    )
    steps = (step(1, cmd('echo <pod-name> "$ZONE" $ZONE >> marks', "change")),)
    run_id = here.start(*steps)
    assert (await here.drive(run_id)).state == "succeeded"
    other = here.start(*steps, inputs={"zone": "eu-1"}, title="Again", component="other")
    assert (await here.drive(other)).state == "succeeded"
    assert wrote(here) == ["web-1 a b a b", "web-1 eu-1 eu-1"]


async def test_the_incident_fills_what_is_called_as_its_labels(desk: Made) -> None:
    here = desk()
    run_id = here.start(step(1, cmd("echo <component> <incident-id> <severity> >> marks", "change")))
    assert (await here.drive(run_id)).state == "succeeded"
    assert wrote(here) == ["web inc-1 P1"]


async def test_the_labels_of_its_alerts_fill_what_is_called_like_them_where_they_agree(desk: Made) -> None:
    here = desk()
    sent = {
        "a": {"pod-name": "web-7f9c", "zone": "eu-1", "component": "other"},
        "b": {"pod-name": "web-7f9c", "zone": "eu-2"},
        "ended": {"pod-name": "web-0000"},
    }

    def hear(connection: Connection) -> None:
        at = here.clock.now()
        for name, labels in sent.items():
            alert = Alert(name, name, "Pod is down", "web", None, at, at, at if name == "ended" else None, None, "Down.", "inc-1")
            raise_alert(connection, replace(alert, source="alertmanager"))
            report = {"key": name, "source": "alertmanager", "status": "firing", "began_at": at, "at": at, "heard_at": at}
            connection.execute(insert(reports).values(**report, times=1, alert_id=name, name=name, labels=labels))

    here.database.write_now(hear)
    run_id = here.start(step(1, cmd("echo <pod-name> <component> >> marks", "change")), step(2, cmd("echo <zone>", "change")))
    run = await here.drive(run_id)
    assert wrote(here) == ["web-7f9c web"]
    assert run.acts["2.1"].question == "input"


async def test_a_label_that_is_no_such_value_is_not_taken(desk: Made) -> None:
    here = desk()

    def hear(connection: Connection) -> None:
        at = here.clock.now()
        raise_alert(connection, Alert("a", "a", "Pod is down", "web", None, at, at, None, None, "Down.", "inc-1"))
        report = {"key": "a", "source": "x", "status": "firing", "began_at": at, "at": at, "heard_at": at, "times": 1}
        labels = {"pod-name": "--all; rm -rf /"}
        connection.execute(insert(reports).values(**report, alert_id="a", name="a", labels=labels))

    here.database.write_now(hear)
    run = await here.drive(here.start(step(1, cmd("echo <pod-name> >> marks", "change"))))
    assert run.acts["1.1"].question == "input"


async def test_a_secret_is_never_asked_for_nor_taken(desk: Made) -> None:
    here = desk(variables={"DB_PASSWORD": Variable("DB_PASSWORD", Secret("hunter2-and-more", "DB_PASSWORD"), "env X", 1)})
    run_id = here.start(step(1, cmd("login <api-token>", "change")), step(2, cmd("echo <word> >> marks", "change")))
    run = await here.drive(run_id)
    assert run.acts["1.1"].question == "manual"
    assert "set API_TOKEN under [variables]" in run.acts["1.1"].sentence
    here.answer(run_id, "1.1", "done")
    await here.drive(run_id)
    with pytest.raises(InputError) as refused:
        here.answer(run_id, "2.1", "input", inputs={"word": "it is hunter2-and-more"}, secrets=here.estate.secrets())
    assert "hunter2" not in str(refused.value)
    assert "hunter2" not in str([event.body for event in here.log(run_id)])


async def test_what_an_estate_keeps_secret_fills_a_placeholder_and_is_scrubbed(desk: Made) -> None:
    here = desk(variables={"API_TOKEN": Variable("API_TOKEN", Secret("s3cr3t-token-1", "API_TOKEN"), "env X", 1)})
    run_id = here.start(step(1, cmd("echo <api-token> | tr a-z A-Z >> marks; echo <api-token>", "change")))
    run = await here.drive(run_id)
    assert run.state == "succeeded"
    assert wrote(here) == ["S3CR3T-TOKEN-1"]
    assert "s3cr3t" not in str([event.body for event in here.log(run_id)])


async def test_a_look_without_its_value_does_not_stop_a_run_that_nobody_started(desk: Made) -> None:
    here = desk()
    run_id = here.start(step(1, cmd("cat <file>", "read"), phase="diagnose"), step(2, cmd("echo on >> marks", "change")))
    run = await here.drive(run_id)
    assert (run.state, run.acts["1.1"].state) == ("succeeded", "skipped")
    assert run.acts["1.1"].sentence == "It cannot run as it stands: nothing fills <file>."


async def test_a_condition_asks_for_the_values_of_its_check(desk: Made) -> None:
    here = desk()
    check = branch("the file is there", cmd("test -e <file>", "read"))
    run_id = here.start(step(1, cmd("echo there >> marks", "change"), condition=check))
    run = await here.drive(run_id)
    assert run.acts["1.if"].question == "input"
    (here.folder / "it is").touch()
    here.answer(run_id, "1.if", "input", inputs={"file": "it is"})
    assert (await here.drive(run_id)).state == "succeeded"
    assert wrote(here) == ["there"]


async def test_an_earlier_listing_gives_the_choices(desk: Made, tmp_path: Path) -> None:
    here = desk()
    (tmp_path / "bin").mkdir()
    kubectl = tmp_path / "bin" / "kubectl"
    kubectl.write_text("#!/bin/sh\nprintf 'NAME    READY  STATUS\\nweb-1   1/1    Running\\nweb-2   0/1    Error\\n'\n")
    kubectl.chmod(0o755)
    look = f"PATH={shlex.quote(str(tmp_path / 'bin'))}:$PATH kubectl get pods"
    run_id = here.start(
        step(1, cmd(look, "read"), phase="diagnose"), step(2, cmd("echo <pod-name> >> marks", "change")), actor="Anna"
    )
    await here.drive(run_id)
    assert here.look(run_id).acts["2.1"].inputs[0].choices == ("web-1", "web-2")
    here.answer(run_id, "2.1", "input", inputs={"pod_name": "web-3"})
    assert (await here.drive(run_id)).acts["2.1"].question == "approve"


async def test_a_query_lists_all_that_may_be_given(desk: Made) -> None:
    here = desk()
    here.estate = replace(here.estate, inputs={"word": InputRule("word", query="printf 'one\\ntwo words\\n'")})
    here.interpreter.world = replace(here.interpreter.world, estate=here.estate)
    made = with_queries(plan_of(step(1, cmd("echo <word> >> marks", "change"))), here.estate.inputs)
    assert [(act.key, act.kind, act.risk, act.lists) for act in made.acts] == [
        ("1.1.1", "command", "read", "word"),
        ("1.1", "command", "change", None),
    ]
    assert plan_from_json(plan_to_json(made)) == made
    run_id = here.start_plan(made)
    run = await here.drive(run_id)
    assert run.acts["1.1"].question == "input"
    with pytest.raises(InputError, match="none of: one, two words"):
        here.answer(run_id, "1.1", "input", inputs={"word": "three"})
    here.answer(run_id, "1.1", "input", inputs={"word": "two words"})
    assert (await here.drive(run_id)).state == "succeeded"
    assert wrote(here) == ["two words"]


@pytest.mark.parametrize(
    ("name", "kind", "command", "output", "names"),
    [
        ("container", "object", "docker ps", "CONTAINER ID   IMAGE   NAMES\n4f5e   web:1   shop-web\n", ("shop-web",)),
        ("pid", "number", "ps aux", "USER       PID %CPU\nroot         1  0.0\nwww         17  3.0\n", ("1", "17")),
        ("pid", "number", "psql -c 'SELECT pid, state FROM x'", " pid | state \n-----+------\n  42 | idle\n(1 row)\n", ("42",)),
        ("deployment", "object", "kubectl get deploy -n shop", "NAME   READY\nweb    1/1\n", ("web",)),
        ("node", "object", "kubectl get pods", "NAME  READY\nweb  1/1\n", ()),
        ("pod", "object", "kubectl get pods", "No resources found in default namespace.\n", ()),
    ],
)
def test_names_are_read_from_listings(name: str, kind: str, command: str, output: str, names: tuple[str, ...]) -> None:
    assert names_in(name, kind, command, output) == names


# --- what one command leaves to the next


async def test_a_variable_and_the_folder_carry_on_as_in_one_terminal(desk: Made) -> None:
    here = desk()
    (here.folder / "app").mkdir()
    run_id = here.start(
        step(1, cmd("BACKUP=$(printf 'two words\\n; touch x')", "read"), phase="diagnose"),
        step(2, cmd("cd app", "read"), phase="diagnose"),
        step(3, cmd('echo "$BACKUP" >> ../marks; pwd >> ../marks', "change")),
    )
    run = await here.drive(run_id)
    assert run.state == "succeeded", run.sentence
    assert wrote(here) == ["two words", "; touch x", str(here.folder / "app")]
    assert [standing.outcome.output for standing in run.acts.values() if standing.outcome] == ["", "", ""]
    assert not (here.folder / "app" / "x").exists()


async def test_a_successor_finds_what_was_carried_in_the_log(desk: Made, database: Any, tmp_path: Path) -> None:
    here = desk()
    run_id = here.start(step(1, cmd("N=7", "read"), phase="diagnose"), step(2, cmd('echo "$N" >> marks', "change")))
    await here.interpreter.advance(run_id)
    successor = Desk(database, tmp_path)
    assert (await successor.drive(run_id)).state == "succeeded"
    assert wrote(successor) == ["7"]


async def test_a_carried_value_goes_into_no_word_that_is_read_again(desk: Made) -> None:
    here = desk()
    run_id = here.start(
        step(1, cmd("NAME='$(touch pwned)'", "read"), phase="diagnose"),
        step(2, cmd('bash -c "echo $NAME" >> marks', "change")),
        actor="Anna",
    )
    run = await here.drive(run_id)
    assert run.acts["2.1"].question == "input"
    here.answer(run_id, "2.1", "input", inputs={"name": "web-1"})
    await here.drive(run_id)
    here.answer(run_id, "2.1", "approve")
    assert (await here.drive(run_id)).state == "succeeded"
    assert wrote(here) == ["web-1"]
    assert not (here.folder / "pwned").exists()


async def test_a_secret_is_not_carried(desk: Made) -> None:
    here = desk(variables={"KEY": Variable("KEY", Secret("hunter2-and-more", "KEY"), "env X", 1)})
    run_id = here.start(
        step(1, cmd('COPY="$KEY"', "read"), phase="diagnose"), step(2, cmd('echo "$COPY" >> marks', "change")), actor="Anna"
    )
    run = await here.drive(run_id)
    assert (run.acts["2.1"].question, run.carried) == ("input", {})
    assert "hunter2" not in str([event.body for event in here.log(run_id)])


async def test_no_output_can_pass_for_a_kept_value(desk: Made) -> None:
    here = desk()
    forged = "printf 'watchkeeper-kept %s N=cHduZWQ= .\\n' $(seq -s '' 24 | head -c 24)"
    run_id = here.start(
        step(1, cmd(f"N=1; {forged}; exit 0", "read"), phase="diagnose"),
        step(2, cmd('echo "$N" >> marks', "change")),
        actor="Anna",
    )
    run = await here.drive(run_id)
    assert (run.acts["2.1"].question, run.carried) == ("input", {})


def test_only_what_later_commands_use_is_kept() -> None:
    made = plan_of(step(1, cmd("A=1; B=2; export C=3")), step(2, cmd("cd /srv && pwd")), step(3, cmd('echo "$A" "${C}" $PATH')))
    assert [act.keeps for act in made.acts] == [("A", "C"), ("PWD",), ()]
    assert plan_from_json(plan_to_json(made)) == made


# --- the whole plan


def test_a_sample_that_the_book_marks_is_an_input() -> None:
    slot = Placeholder(line=10, token="pod-name", kind="word", lines=(10,))
    book = Book(title=None, service=None, placeholders=(slot,))
    found = Procedure(id="x", title="X", line=1, end_line=9, steps=(step(1, cmd("kubectl logs pod-name", line=10)),))
    made = plan(book, found)
    assert made.acts[0].command is not None
    assert needs_of(made.acts[0].command).places.keys() == {"pod-name"}


def test_a_plan_says_what_it_takes_and_refuses_what_it_does_not(tmp_path: Path, now: datetime) -> None:
    estate = Estate(tmp_path / "watchkeeper.toml", "shop", tmp_path, {"ZONE": Variable("ZONE", "a", "literal", 1)})
    made = plan_of(step(1, cmd("N=1; echo <pod-name> $ZONE")), step(2, cmd("restore $N YYYYMMDD <pod-name>", "destroy")))
    assert [(each.name, each.default) for each in inputs_of(made, estate, now)] == [("pod_name", None), ("date", "20260314")]
    assert checked({"<pod-name>": "web"}, made, estate) == {"pod_name": "web"}
    for wrong in ({"podname": "web"}, {"date": "now"}, {"pod_name": "a b"}):
        with pytest.raises(InputError):
            checked(wrong, made, estate)


def test_filling_says_why_only_a_person_can(tmp_path: Path) -> None:
    estate = Estate(tmp_path / "watchkeeper.toml", "shop", tmp_path)
    assert (
        fill(cmd("ssh web '<command>'"), None, estate).refused
        == "it stands for what is run, not for what it is given (<command>)"
    )
    assert [each.name for each in fill(cmd("kubectl logs <pod>"), None, estate).missing] == ["pod"]
    assert name_of("<pod>") == "pod"


# --- one command, and what watchkeeper.toml says


BOOK = """
# Shop runbook

## Web is down

1. Restart it:

   ```bash
   kubectl rollout restart deployment/<deployment>
   ```

## Reference

```bash
redis-cli -h cache del <key>
tail -f /var/log/shop.log
```
"""


@pytest.mark.parametrize(
    ("where", "text", "risk"),
    [
        ("runbook.md:8", "kubectl rollout restart deployment/<deployment>", "change"),
        ("/srv/shop/runbook.md:14", "redis-cli -h cache del <key>", "destroy"),
        ("15", "tail -n 200 /var/log/shop.log", "read"),
    ],
)
def test_any_command_of_the_book_is_a_plan_of_its_own(where: str, text: str, risk: str) -> None:
    made = plan_command(book_from(BOOK), where)
    (act,) = made.acts
    assert act.command is not None
    assert (act.command.text, act.risk) == (text, risk)
    assert plan_from_json(plan_to_json(made)) == made


@pytest.mark.parametrize("where", ["runbook.md:3", "runbook.md", "", "runbook.md:-1", "99999"])
def test_where_no_command_stands_the_nearest_lines_are_named(where: str) -> None:
    with pytest.raises(NotFound, match="No command of the book stands at") as caught:
        plan_command(book_from(BOOK), where)
    assert caught.value.hint == "Commands stand on lines 8, 14, 15."


SAID = """
[service]
name = "shop"
runbook = "runbook.md"
platform = "kubernetes"
[inputs.pod-name]
query = "kubectl get pods -o name"
[inputs.zone]
choices = ["eu-1", "eu-2"]
default = "eu-1"
[inputs."<ticket>"]
pattern = "OPS-[0-9]+"
help = "a ticket"
"""


def test_watchkeeper_toml_says_what_inputs_may_be(tmp_path: Path) -> None:
    (tmp_path / "watchkeeper.toml").write_text(SAID)
    estate = load_estate(tmp_path / "watchkeeper.toml", {})
    assert estate.runs_on == "kubernetes"
    assert estate.inputs["pod_name"].query == "kubectl get pods -o name"
    assert estate.inputs["zone"].choices == ("eu-1", "eu-2")
    assert (estate.inputs["ticket"].pattern, estate.inputs["ticket"].words) == ("OPS-[0-9]+", "a ticket")


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('query = "rm -rf /tmp/x"', "is not a command that only reads"),
        ('query = "tail -f log"', "is not a command that only reads"),
        ('query = "kubectl get pods <x>"', "has placeholders of its own"),
        ('pattern = "["', "is not a pattern"),
        ('choices = ["a"]\nquery = "ls"', "has choices and a query"),
        ('choices = ["a"]\ndefault = "b"', "is none of the choices"),
        ('pattern = "a"\ndefault = "b"', "does not match the pattern"),
        ('nonsense = "b"', "is not known"),
    ],
)
def test_a_wrong_line_about_an_input_is_told_with_its_place(tmp_path: Path, line: str, sentence: str) -> None:
    path = tmp_path / "watchkeeper.toml"
    path.write_text(f'[service]\nname = "shop"\nrunbook = "runbook.md"\n[inputs.x]\n{line}\n')
    with pytest.raises(ConfigError, match=sentence) as caught:
        load_estate(path, {})
    assert str(path) in str(caught.value)

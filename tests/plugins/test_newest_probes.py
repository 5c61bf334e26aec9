"""What the files and s3 probes say of the newest of some files, and of some objects on moto's server by boto3."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer
from tests.plugins.conftest import free_port

from watchkeeper.base.errors import ConfigError
from watchkeeper.base.secrets import Secret
from watchkeeper.estate.model import Estate
from watchkeeper.plugins.files.newest import Newest, Thing
from watchkeeper.plugins.files.probe import FilesProbe
from watchkeeper.plugins.s3.probe import S3Probe
from watchkeeper.watch.found import Found
from watchkeeper.watch.probe import Probe

Make = Callable[..., Probe]
KEYS: dict[str, Any] = {
    "access_key": "testing-key",
    "secret_key": Secret("testing-secret", "S3_SECRET"),
    "region": "eu-central-1",
}


def write(path: Path, size: int, age_s: float) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"x" * size)
    os.utime(path, (time.time() - age_s,) * 2)


async def test_the_newest_file_and_the_one_before_it(probe: Make, tmp_path: Path) -> None:
    for name, size, age in (("a.dump", 100, 7200), ("b.dump", 60, 3600), ("empty.dump", 0, 5), ("c.txt", 9, 1)):
        write(tmp_path / "backups" / name, size, age)
    (tmp_path / "backups" / "folder.dump").mkdir()
    look = await probe("files", path="backups/*.dump").look()
    assert look.values == {
        "up": 1.0,
        "age_seconds": pytest.approx(3600, abs=30),
        "bytes": 60.0,
        "size_percent": 60.0,
        "count": 3.0,
        "total_bytes": 160.0,
    }
    assert "newest: " in look.detail
    assert "empty.dump is newer and smaller than min_bytes (0 bytes)" in look.detail


async def test_no_file_is_bad_news_and_a_folder_that_is_closed_is_none(probe: Make, tmp_path: Path) -> None:
    (tmp_path / "backups").mkdir()
    none = await probe("files", path="backups/*.dump").look()
    assert (none.values, none.detail) == ({"count": 0.0, "total_bytes": 0.0, "up": 0.0}, "there is none")
    write(tmp_path / "backups" / "a.dump", 5, 1)
    small = await probe("files", path="backups/*.dump", min_bytes=100).look()
    assert (small.values["up"], "age_seconds" in small.values) == (0.0, False)
    away = await probe("files", path="nowhere/*.dump").look()
    assert away.values == {"up": 0.0, "count": 0.0}
    (tmp_path / "file").touch()
    blind = await probe("files", path="file/*.dump").look()
    assert (blind.values, "is not a folder" in (blind.problem or "")) == ({}, True)


async def test_signs_of_a_pattern_in_the_folder_of_the_configuration_are_none(probe: Make, tmp_path: Path) -> None:
    home = tmp_path / "shop [1]*"
    write(home / "a.dump", 5, 60)
    estate = Estate(home / "watchkeeper.toml", "shop", home / "runbook.md")
    look = await probe("files", path="*.dump", estate=estate).look()
    assert (look.values["up"], look.values["count"]) == (1.0, 1.0)


async def test_a_folder_that_does_not_answer_is_blind_and_keeps_one_thread(
    probe: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()
    monkeypatch.setattr(FilesProbe, "_look", lambda self, stop: release.wait(20))
    made = probe("files", timeout_s=0.1, path="*.dump")
    first, second = await made.look(), await made.look()
    release.set()
    assert "was not read within 0.1 s" in (first.problem or "")
    assert "still does not answer" in (second.problem or "")
    await asyncio.sleep(0.05)


def test_the_newest_of_many_in_any_order() -> None:
    newest, found = Newest(1), Found(0.0)
    newest.see(Thing(f"{number:03}", float(number * 37 % 101), number + 1) for number in range(101))
    newest.tell(found, 50.0)
    assert (newest.first, newest.second) == (Thing("030", 100.0, 31), Thing("060", 99.0, 61))
    assert found.values["age_seconds"] == 0.0
    assert "its time lies ahead of ours" not in found.notes
    ahead = Found(0.0)
    newest.tell(ahead, 5.0)
    assert "its time lies ahead of ours" in ahead.notes
    assert "age_seconds" not in ahead.values


@pytest.fixture(scope="module")
def s3_url() -> Iterator[str]:
    port = free_port()
    server = ThreadedMotoServer("127.0.0.1", port, verbose=False)
    server.start()
    url = f"http://127.0.0.1:{port}"
    client = boto3.client(
        "s3", endpoint_url=url, region_name="eu-central-1", aws_access_key_id="a" * 8, aws_secret_access_key="b" * 8
    )
    client.create_bucket(Bucket="backups", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    for key, size in (("shop/1.dump", 1000), ("shop/2.dump", 250), ("shop/2.log", 9), ("other/1.dump", 7), ("many/0", 1)):
        client.put_object(Bucket="backups", Key=key, Body=b"x" * size)
        if key == "shop/1.dump":
            time.sleep(1.1)  # the times of S3 are whole seconds
    for number in range(1, 5):
        client.put_object(Bucket="backups", Key=f"many/{number}", Body=b"x")
    client.close()
    yield url
    server.stop()


async def test_the_newest_object_under_a_prefix(probe: Make, s3_url: str) -> None:
    made = probe("s3", endpoint_url=s3_url, bucket="backups", prefix="shop/", suffix=".dump", **KEYS)
    look = await made.look()
    assert look.problem is None
    assert (look.values["bytes"], look.values["size_percent"], look.values["count"]) == (250.0, 25.0, 2.0)
    assert 0 <= look.values["age_seconds"] < 60
    assert "newest: shop/2.dump (250 bytes)" in look.detail
    none = await probe("s3", endpoint_url=s3_url, bucket="backups", prefix="nothing/", **KEYS).look()
    assert (none.values["up"], none.values["count"], "age_seconds" in none.values) == (0.0, 0.0, False)


async def test_a_bucket_that_is_not_there_or_too_large_is_blind(probe: Make, s3_url: str) -> None:
    missing = await probe("s3", endpoint_url=s3_url, bucket="none", **KEYS).look()
    assert missing.values == {}
    assert "the bucket none cannot be listed" in (missing.problem or "")
    large = await probe("s3", endpoint_url=s3_url, bucket="backups", prefix="many/", max_objects=4, **KEYS).look()
    assert "more than 4 objects" in (large.problem or "")
    assert "testing-secret" not in f"{missing.problem}{large.problem}"


async def test_a_list_that_does_not_end_in_time_is_blind_and_not_down(
    probe: Make, s3_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = probe("s3", timeout_s=0.5, endpoint_url=s3_url, bucket="backups", prefix="many/", **KEYS)
    release = threading.Event()

    def slow(self: S3Probe, newest: Newest, stop: threading.Event) -> bool:
        newest.see([Thing("many/0", 1.0, 1)])
        release.wait(20)
        return True

    monkeypatch.setattr(S3Probe, "_list", slow)
    look = await made.look()
    release.set()
    assert look.values == {}
    assert "only 1 objects were listed within 0.5 s; narrow the prefix" in (look.problem or "")


async def test_a_service_that_is_away_hangs_or_answers_nonsense(probe: Make, peer: Any, closed_port: int) -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(1.5)

    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4_096)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\n<notxml!>")
        await writer.drain()

    def made(port: int, timeout_s: float = 5.0) -> Probe:
        return probe("s3", timeout_s=timeout_s, endpoint_url=f"http://127.0.0.1:{port}", bucket="backups", **KEYS)

    away = await made(closed_port).look()
    assert (away.values, away.problem) == ({"up": 0.0}, None)
    waits = made(await peer(hang), 0.2)
    assert (await waits.look()).values == {"up": 0.0, "seconds": 0.2}
    assert "still waiting" in ((await waits.look()).problem or "")
    nonsense = await made(await peer(babble)).look()
    assert nonsense.values.get("up", 0.0) == 0.0
    assert nonsense.problem or nonsense.detail
    await asyncio.sleep(1.2)  # the thread of the one that hangs ends


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("s3", {}),
        ("s3", {"bucket": "b", "endpoint_url": "ftp://x"}),
        ("s3", {"bucket": "b", "max_objects": 0}),
        ("s3", {"bucket": "b", "access_key": "a", "secret_key": "plain"}),
        ("files", {"path": ""}),
        ("files", {"path": "x", "min_bytes": -1}),
    ],
)
def test_options_that_cannot_be_used_are_refused(probe: Make, kind: str, options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as caught:
        probe(kind, **options)
    assert caught.value.where

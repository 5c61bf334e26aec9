"""Makes the cast importable, and opens a shop of its own for a test."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from people_cast import CONFIG, HERE, RUNBOOK, Shop

from watchkeeper.api.incidents import router as incident_routes
from watchkeeper.api.routes import router as api
from watchkeeper.app import furnish, open_app
from watchkeeper.web.site import create_site


@pytest.fixture
async def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Shop]:
    monkeypatch.delenv("WATCHKEEPER_DATABASE_URL", raising=False)
    (tmp_path / "runbook.md").write_text(RUNBOOK)
    (tmp_path / "watchkeeper.toml").write_text(CONFIG)
    (tmp_path / "old-carts").mkdir()
    app = open_app(tmp_path / "watchkeeper.toml")
    furnish(app)
    site = create_site(app, [api, incident_routes])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(site), base_url=HERE) as client:
        yield Shop(app, tmp_path, client)
    await app.close()

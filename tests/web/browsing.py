"""A console that is really served, and Debian's Chromium on it."""

from __future__ import annotations

import shutil

import uvicorn
from playwright.async_api import Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip


class Console:
    """A console that is really served, and a browser on it."""

    def __init__(self, page: Page, base: str, server: uvicorn.Server) -> None:
        self.page, self.base, self.server = page, base, server
        self.complaints: list[str] = []

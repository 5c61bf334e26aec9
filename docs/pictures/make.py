"""Make the README's pictures: start the demo, look at its console in Chromium while the shop breaks, and keep what is seen.

`python docs/pictures/make.py` does all of it; with `--address` it looks at a console that runs already, by its printed address.
With `--tour` it plays one fault of an estate instead, in Docker, and takes the pictures of the tour.
Needs the `dev` extra (playwright) and a Chromium of the system (Debian: `apt install chromium`); loads nothing from elsewhere.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, sync_playwright

HERE = Path(__file__).parent
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars",
]  # fmt: skip
ESTATES = HERE.parents[1] / "estates"
TOUR = (str(ESTATES / "mobile-matrix"), "--fault", "data-corrupted")
DESK, PHONE = (1280, 800), (390, 844)
#: machines without a desktop have no good `system-ui`
FONTS = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><include ignore_missing="yes">/etc/fonts/fonts.conf</include>
<alias binding="same"><family>DejaVu Sans</family><prefer>
<family>Inter</family><family>Noto Sans</family><family>Liberation Sans</family>
</prefer></alias></fontconfig>"""


def main() -> None:
    """Make all pictures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--address", help="the address that a running Watchkeeper printed, with its token")
    parser.add_argument("--tour", action="store_true", help="the pictures of the tour: a fault of an estate")
    parser.add_argument("--chromium", default=shutil.which("chromium") or "/usr/bin/chromium")
    parser.add_argument(
        "--wait", type=float, default=180.0, help="longest wait for an incident to open and to be resolved, in seconds"
    )
    parser.add_argument("--to", type=Path, default=HERE, help="folder for the pictures")
    options = parser.parse_args()
    options.to.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        fonts = Path(folder) / "fonts.conf"
        fonts.write_text(FONTS)
        address = options.address or stack.enter_context(started("drill", *TOUR) if options.tour else started("demo"))
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=options.chromium, args=FLAGS, env={**os.environ, "FONTCONFIG_FILE": str(fonts)}
            )
            pictures = Pictures(browser, address, options.to, options.wait)
            pictures.tour() if options.tour else pictures.make()
            browser.close()


@contextlib.contextmanager
def started(*words: str) -> Iterator[str]:
    """Start `watchkeeper …` and give the address that it prints; it is stopped as Ctrl-C would."""
    program = Path(sys.executable).with_name("watchkeeper")
    demo = subprocess.Popen(
        [str(program), *words], stdout=subprocess.PIPE, text=True, start_new_session=True, env={**os.environ, "LOGNAME": "anna"}
    )
    assert demo.stdout is not None
    try:
        for text in demo.stdout:
            print(text, end="")
            found = next((word for word in text.split() if "/sign-in?token=" in word), None)
            if found:
                yield found
                return
        raise SystemExit(f"`watchkeeper {' '.join(words)}` ended before it printed an address.")
    finally:
        demo.send_signal(signal.SIGINT)
        demo.wait(180)


class Pictures:
    """A browser that is signed in, and where its pictures go."""

    def __init__(self, browser: Browser, address: str, folder: Path, wait_s: float) -> None:
        """Sign in."""
        self._browser, self._folder, self._wait_s = browser, folder, wait_s
        self._base = address.split("/sign-in")[0]
        context = browser.new_context()
        context.new_page().goto(address)
        self._session: Any = context.storage_state()
        self._reader = context

    def make(self) -> None:
        """Take every picture, in the order of the story."""
        incident = self._until("an incident", lambda: self._incident(open_only=True) or self._incident())
        run = self._until("a run", lambda: self._of("runs", "runs", incident_id=incident["id"]))
        self._take("overview-dark", "/", DESK, "dark")
        self._take("run", f"/runs/{run['id']}", DESK)
        self._take("run-phone", f"/runs/{run['id']}", PHONE)
        self._take("incident", f"/incidents/{incident['id']}", DESK)
        self._until("its end", lambda: self._of("incidents", "incidents", id=incident["id"], status="resolved"))
        self._until("its review", lambda: self._of("reviews", "reviews", incident_id=incident["id"]))
        self._take("overview", "/", DESK)
        self._take("overview-phone", "/", PHONE)
        self._take("book", "/book", DESK, scroll_to="pre .l.is-change")
        self._take("signals", "/signals", DESK)
        self._take("review", f"/reviews/{incident['id']}", DESK)

    def tour(self) -> None:
        """Take the pictures of the tour while an estate's fault is played."""
        incident = self._until("an incident", self._incident)
        self._until("its end", lambda: self._of("incidents", "incidents", id=incident["id"], status="resolved"))
        run = self._until("a run", lambda: self._of("runs", "runs", incident_id=incident["id"], state="succeeded"))
        self._take("tour-incident", f"/incidents/{incident['id']}", DESK)
        self._take("tour-run", f"/runs/{run['id']}", DESK)
        self._until("its review", lambda: self._of("reviews", "reviews", incident_id=incident["id"]))
        self._take("tour-review", f"/reviews/{incident['id']}", DESK)

    def _incident(self, open_only: bool = False) -> dict[str, Any] | None:
        found = self._get("incidents")["incidents"]
        return next((one for one in found if not open_only or one["status"] != "resolved"), None)

    def _of(self, path: str, name: str, **wanted: str) -> dict[str, Any] | None:
        return next((one for one in self._get(path)[name] if all(one[key] == value for key, value in wanted.items())), None)

    def _get(self, path: str) -> dict[str, Any]:
        answer: dict[str, Any] = self._reader.request.get(f"{self._base}/api/v1/{path}").json()
        return answer

    def _until(self, what: str, find: Any) -> dict[str, Any]:
        end = time.monotonic() + self._wait_s
        while time.monotonic() < end:
            found: dict[str, Any] | None = find()
            if found:
                return found
            time.sleep(0.5)
        raise SystemExit(f"Waited {self._wait_s:.0f} s for {what}; there is none.")

    def _take(self, name: str, path: str, size: tuple[int, int], scheme: Any = "light", scroll_to: str = "") -> None:
        context: BrowserContext = self._browser.new_context(
            storage_state=self._session, color_scheme=scheme, viewport={"width": size[0], "height": size[1]}
        )
        page = context.new_page()
        page.goto(self._base + path)
        if scroll_to:
            page.locator(scroll_to).first.evaluate("e => window.scrollBy(0, e.getBoundingClientRect().top - 300)")
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > size[0]:
            raise SystemExit(f"{path} is {wide} pixels wide on a screen of {size[0]}.")
        page.screenshot(path=self._folder / f"{name}.png")
        print(f"{name}.png")
        context.close()


if __name__ == "__main__":
    main()

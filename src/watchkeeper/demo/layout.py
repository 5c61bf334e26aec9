"""The estate's folder: ports, secrets, releases of the shop and the team's own files, written once and found again later."""

from __future__ import annotations

import json
import os
import random
import re
import secrets
import shutil
import socket
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from watchkeeper.base.errors import WatchkeeperError
from watchkeeper.demo.servers import Servers

TEMPLATES = Path(__file__).parent / "templates"
SHOP = Path(__file__).parent / "shop"
#: a release of the shop is its package under this name
PACKAGE = "storefront"
#: below the range from which systems take the ports of outgoing connections, so that a stopped server finds its port free
PORTS = range(20_000, 32_000)
PORT_NAMES = ("shop", "gateway", "redis", "postgres", "replica", "catcher")


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the parts of one estate listen and what they share; the same after a restart."""

    ports: dict[str, int]
    shop_password: str
    watch_password: str
    admin_password: str
    webhook_secret: str
    rename: dict[str, str] = field(default_factory=dict)

    def named(self, word: str) -> str:
        """Give the word that this estate uses for a service of the sample."""
        return self.rename.get(word, word)


def create(rename: Mapping[str, str]) -> Layout:
    """Choose free ports and new secrets."""
    return Layout(
        ports=dict(zip(PORT_NAMES, free_ports(len(PORT_NAMES)), strict=True)),
        shop_password=secrets.token_urlsafe(18),
        watch_password=secrets.token_urlsafe(18),
        admin_password=secrets.token_urlsafe(18),
        webhook_secret=secrets.token_urlsafe(24),
        rename=dict(rename),
    )


def load(folder: Path) -> Layout | None:
    """Read the layout of an estate that was made here before; None in a new folder."""
    path = folder / "run" / "layout.json"
    return Layout(**json.loads(path.read_text())) if path.exists() else None


def free_ports(count: int) -> list[int]:
    """Find ports on loopback that nobody listens on; a race with another program is possible and fails loudly later."""
    found: list[int] = []
    for port in random.sample(PORTS, len(PORTS)):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise WatchkeeperError("There are no free ports on loopback between 20000 and 32000.", code="WK904")


def renamed(text: str, mapping: Mapping[str, str]) -> str:
    """Replace whole words and phrases, the longest first, each place once.

    >>> renamed("supervisorctl status shop shop-worker", {"shop": "kiosk"})
    'supervisorctl status kiosk shop-worker'
    """
    if not mapping:
        return text
    longest_first = sorted(mapping, key=len, reverse=True)
    words = "|".join(re.escape(word) for word in longest_first)
    return re.sub(rf"(?<![\w.-])(?:{words})(?![\w-])", lambda match: mapping[match[0]], text)


def variables(layout: Layout) -> dict[str, str]:
    """Give what the runbook's commands need, by the names the runbook uses."""
    ports = layout.ports
    return {
        "SHOP_URL": f"http://127.0.0.1:{ports['shop']}",
        "GATEWAY_URL": f"http://127.0.0.1:{ports['gateway']}",
        "REDIS_URL": f"redis://127.0.0.1:{ports['redis']}/0",
        "PGHOST": "127.0.0.1",
        "PGPORT": str(ports["postgres"]),
        "PGDATABASE": layout.named("shop"),
        "PGUSER": "watch",
        "PGPASSWORD": layout.watch_password,
        "REPLICA_PORT": str(ports["replica"]),
        "PAGER": f"127.0.0.1:{ports['catcher']}",
    }


def service_environment(layout: Layout, folder: Path) -> dict[str, str]:
    """Give what the shop and its servers need beyond the variables of the runbook."""
    ports, database = layout.ports, layout.named("shop")
    return {
        **variables(layout),
        "SHOP_DATABASE_URL": f"postgresql+psycopg://{database}:{layout.shop_password}@127.0.0.1:{ports['postgres']}/{database}",
        "SHOP_WEBHOOK_SECRET": layout.webhook_secret,
        "SHOP_MAILBOX": str(folder / "run" / "mailbox"),
        "SHOP_PORT": str(ports["shop"]),
        "REDIS_PORT": str(ports["redis"]),
        "ESTATE_PYTHON": sys.executable,
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "PYTHONUNBUFFERED": "1",
    }


def write(folder: Path, layout: Layout, servers: Servers, control: Path) -> None:
    """Write the estate's files; `control` is the socket of supervisord. Files a person may have edited are kept."""
    for name in ("bin", "logs", "run", "releases", "data"):
        (folder / name).mkdir(exist_ok=True)
    private(folder / "run" / "layout.json", json.dumps(asdict(layout), indent=2))
    for name, value in variables(layout).items():
        private(folder / "run" / name.lower(), value + "\n")
    shell = [f"export {name}='{value}'" for name, value in service_environment(layout, folder).items() if name != "PATH"]
    private(folder / "run" / "environment", "\n".join(shell) + "\n")
    tokens = {"@CONTROL@": str(control), "@RUN_AS@": f"user={servers.user}" if servers.user else ""}
    fill(TEMPLATES / "supervisord.conf", folder / "supervisord.conf", layout, tokens)
    for template in sorted((TEMPLATES / "bin").iterdir()):
        if template.name == "curl" and shutil.which("curl"):
            continue
        fill(template, folder / "bin" / template.name, layout, {"@PYTHON@": sys.executable})
        (folder / "bin" / template.name).chmod(0o755)
    for program in [*servers.postgres.iterdir(), servers.redis_server, servers.redis_cli]:
        link(folder / "bin" / program.name, program)
    for name in ("runbook.md", "watchkeeper.toml"):
        if not (folder / name).exists():
            fill(TEMPLATES / name, folder / name, layout, {})
    if not (folder / "current").is_symlink():
        release(folder, "v1", layout)
        link(folder / "current", Path("releases/v1"))
        (folder / "logs" / "deployments.log").write_text("first release: releases/v1\n")


def fill(template: Path, target: Path, layout: Layout, tokens: Mapping[str, str]) -> None:
    """Write a template with this estate's words and values."""
    text = renamed(template.read_text(encoding="utf-8"), layout.rename)
    for token, value in tokens.items():
        text = text.replace(token, value)
    target.write_text(text, encoding="utf-8")


def release(folder: Path, version: str, layout: Layout, changed: Mapping[str, str] | None = None) -> Path:
    """Put a release of the shop beside the others; `changed` are modules whose text differs from the sample's."""
    place = folder / "releases" / version
    package = place / PACKAGE
    shutil.rmtree(place, ignore_errors=True)
    package.mkdir(parents=True)
    modules = {module.name: module.read_text(encoding="utf-8") for module in SHOP.glob("*.py")}
    for name, text in {**modules, **(changed or {})}.items():
        (package / name).write_text(text.replace("watchkeeper.demo.shop", PACKAGE), encoding="utf-8")
    (place / "RELEASE").write_text(version + "\n")
    return place


def link(place: Path, target: Path) -> None:
    """Point a symbolic link somewhere, in place of the one that was there."""
    place.unlink(missing_ok=True)
    place.symlink_to(target)


def private(path: Path, text: str) -> None:
    """Write a file that only its owner may read."""
    path.touch(mode=0o600)
    path.write_text(text)

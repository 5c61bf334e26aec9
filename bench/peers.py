"""The peers that a measurement may stand beside: Debian's Prometheus, blackbox_exporter and Alertmanager, on free ports.

None of them is ever installed for it. Each is started in a folder of its own, and ended by its own pid.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

PROMETHEUS = ("prometheus",)
BLACKBOX = ("prometheus-blackbox-exporter", "blackbox_exporter")
ALERTMANAGER = ("prometheus-alertmanager", "alertmanager")
NOT_HERE = "not installed"


def find(names: Sequence[str]) -> str | None:
    """Give the path of a program by one of its names; None where it is not installed."""
    return next((found for name in names if (found := shutil.which(name))), None)


def free_port() -> int:
    """Give a port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


@contextlib.contextmanager
def running(command: Sequence[str], ready: str, within_s: float = 30.0, **more: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Start a program, wait until an address of it answers, and end it afterwards."""
    child = subprocess.Popen(list(command), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **more)
    try:
        end = time.monotonic() + within_s
        while True:
            try:
                urllib.request.urlopen(ready, timeout=2).close()
                break
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                if child.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f"{command[0]} did not come up") from None
                time.sleep(0.05)
        yield child
    finally:
        child.terminate()
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


@contextlib.contextmanager
def blackbox(program: str, folder: Path, **more: Any) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Run a blackbox_exporter with one module, http_2xx; gives its address and its process."""
    config = folder / "blackbox.yml"
    config.write_text("modules: {http_2xx: {prober: http, timeout: 5s, http: {preferred_ip_protocol: ip4}}}\n")
    address = f"127.0.0.1:{free_port()}"
    command = [program, f"--config.file={config}", f"--web.listen-address={address}", "--log.level=error"]
    with running(command, f"http://{address}/-/healthy", **more) as child:
        yield address, child


@contextlib.contextmanager
def alertmanager(program: str, folder: Path, webhook: str) -> Iterator[str]:
    """Run an Alertmanager that passes each alert on at once; gives its address."""
    config = folder / "alertmanager.yml"
    route = {"receiver": "us", "group_by": ["instance"], "group_wait": "0s", "group_interval": "1s", "repeat_interval": "4h"}
    config.write_text(json.dumps({"route": route, "receivers": [{"name": "us", "webhook_configs": [{"url": webhook}]}]}))
    address = f"127.0.0.1:{free_port()}"
    command = [program, f"--config.file={config}", f"--web.listen-address={address}", f"--storage.path={folder / 'am'}"]
    command += ["--cluster.listen-address=", "--log.level=error"]
    with running(command, f"http://{address}/-/ready"):
        yield address


@contextlib.contextmanager
def prometheus(
    program: str, folder: Path, config: dict[str, Any], rules: dict[str, Any]
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Run a Prometheus; gives its address and its process."""
    (folder / "rules.json").write_text(json.dumps(rules))
    (folder / "prometheus.yml").write_text(json.dumps({**config, "rule_files": [str(folder / "rules.json")]}))
    address = f"127.0.0.1:{free_port()}"
    command = [program, f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'tsdb'}"]
    command += [f"--web.listen-address={address}", "--log.level=error"]
    with running(command, f"http://{address}/-/ready") as child:
        yield address, child


def through_blackbox(exporter: str, urls: Sequence[str], every: str) -> dict[str, Any]:
    """Give a scrape configuration that asks a blackbox_exporter about each address."""
    return {
        "job_name": "probes",
        "metrics_path": "/probe",
        "params": {"module": ["http_2xx"]},
        "scrape_interval": every,
        "scrape_timeout": every,
        "static_configs": [{"targets": list(urls)}],
        "relabel_configs": [
            {"source_labels": ["__address__"], "target_label": "__param_target"},
            {"source_labels": ["__param_target"], "target_label": "instance"},
            {"target_label": "__address__", "replacement": exporter},
        ],
    }


def query(address: str, expression: str) -> list[dict[str, Any]]:
    """Ask a Prometheus."""
    asked = urllib.parse.urlencode({"query": expression})
    with urllib.request.urlopen(f"http://{address}/api/v1/query?{asked}", timeout=10) as answer:
        found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
    return found

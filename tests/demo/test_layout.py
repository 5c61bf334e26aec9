from __future__ import annotations

import ast
import shutil
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from watchkeeper.demo import layout
from watchkeeper.demo.servers import Servers


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("supervisorctl status shop", "supervisorctl status kiosk"),
        ("supervisorctl status shop-worker", "supervisorctl status postman"),
        ("### Shop is not answering", "### Kiosk gives no reply"),
        ("$SHOP_URL/health of the workshop", "$SHOP_URL/health of the workshop"),
        ("usename = 'shop'", "usename = 'kiosk'"),
        ("ops@shop.example", "ops@kiosk.example"),
        ("python -m storefront.shop", "python -m storefront.shop"),
    ],
)
def test_whole_words_are_renamed_the_longest_first(new_names: dict[str, str], text: str, expected: str) -> None:
    assert layout.renamed(text, new_names) == expected


def test_free_ports_differ_and_can_be_bound() -> None:
    ports = layout.free_ports(6)
    assert len(set(ports)) == 6
    for port in ports:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", port))


def written(folder: Path, rename: dict[str, str]) -> layout.Layout:
    programs = folder / "programs"
    programs.mkdir()
    made = layout.create(rename)
    servers = Servers(programs, programs / "redis-server", programs / "redis-cli", "nobody")
    layout.write(folder, made, servers, folder / "run" / "supervisor.sock")
    return made


def test_the_files_of_a_renamed_estate_agree_with_each_other(tmp_path: Path, new_names: dict[str, str]) -> None:
    made = written(tmp_path, new_names)
    assert layout.load(tmp_path) == made
    bound = tomllib.loads((tmp_path / "watchkeeper.toml").read_text())
    assert bound["service"]["name"] == "kiosk"
    assert bound["signals"]["workers"]["command"] == "supervisorctl status postman"
    assert "[program:postman]" in (tmp_path / "supervisord.conf").read_text()
    assert "restart kiosk postman" in (tmp_path / "bin" / "rollback").read_text()
    assert "Kiosk front is down for 11 seconds" in (tmp_path / "runbook.md").read_text()


def test_what_a_person_edited_is_kept(tmp_path: Path) -> None:
    made = written(tmp_path, {})
    (tmp_path / "runbook.md").write_text("# Mine")
    (tmp_path / "programs").rename(tmp_path / "elsewhere")
    programs = tmp_path / "elsewhere"
    servers = Servers(programs, programs / "redis-server", programs / "redis-cli", None)
    layout.write(tmp_path, made, servers, tmp_path / "run" / "supervisor.sock")
    assert (tmp_path / "runbook.md").read_text() == "# Mine"


def test_variables_lie_in_files_that_only_their_owner_reads(tmp_path: Path) -> None:
    made = written(tmp_path, {})
    bound = tomllib.loads((tmp_path / "watchkeeper.toml").read_text())
    files = {name: tmp_path / value["file"] for name, value in bound["variables"].items()}
    assert {name: path.read_text().strip() for name, path in files.items()} == layout.variables(made)
    assert {path.stat().st_mode & 0o077 for path in files.values()} == {0}


def test_a_release_stands_on_its_own(tmp_path: Path) -> None:
    place = layout.release(tmp_path, "v1", layout.create({}))
    modules = list((place / layout.PACKAGE).glob("*.py"))
    assert len(modules) > 8
    for module in modules:
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert not (node.module or "").startswith("watchkeeper"), module.name


def small_curl(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = folder / "curl"
    template = (layout.TEMPLATES / "bin" / "curl").read_text()
    program.write_text(template.replace("@PYTHON@", sys.executable))
    program.chmod(0o755)
    return subprocess.run([str(program), *arguments], capture_output=True, text=True, check=False)


@pytest.fixture
def answering() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status = 503 if self.path == "/ill" else 200
            self.send_response(status)
            self.end_headers()
            self.wfile.write(self.headers.get("X-Customer-Group", "nobody").encode())

        def log_message(self, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("arguments", "status", "output"),
    [
        (("-fsS", "--max-time", "3", "{url}/"), 0, "nobody"),
        (("-fsS", "-H", "X-Customer-Group: guest", "{url}/"), 0, "guest"),
        (("-fsS", "{url}/ill"), 22, ""),
        (("-sS", "{url}/ill"), 0, "nobody"),
        (("-fsS", "--retry", "1", "--retry-delay", "0", "{url}/ill"), 22, ""),
        (("-fsS", "--retry", "1", "--retry-delay", "0", "--retry-connrefused", "http://127.0.0.1:1/"), 7, ""),
    ],
)
def test_the_stand_in_for_curl_behaves_like_it(
    tmp_path: Path, answering: str, arguments: tuple[str, ...], status: int, output: str
) -> None:
    given = [argument.format(url=answering) for argument in arguments]
    done = small_curl(tmp_path, *given)
    assert (done.returncode, done.stdout) == (status, output), done.stderr
    real = shutil.which("curl")
    if real:
        truth = subprocess.run([real, *given], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (truth.returncode, truth.stdout)

"""The twin of an endless look reads the same and ends; what would do more than look has none."""

from __future__ import annotations

import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from watchkeeper.book.commands import make_command
from watchkeeper.run.judge import judge_command
from watchkeeper.run.model import Act
from watchkeeper.run.twin import stating_twin_of, twin_of


@pytest.mark.parametrize(
    ("text", "twin"),
    [
        ("tail -f /var/log/app.log", "tail -n 200 /var/log/app.log"),
        ("tail -n 50 -F /var/log/app.log", "tail -n 50 /var/log/app.log"),
        ("sudo tail -f app.log | grep -i 'bad -f thing'", "sudo tail -n 200 app.log | grep -i 'bad -f thing'"),
        ("docker logs -f web", "docker logs --tail=200 web"),
        ("docker logs --tail 20 -f web", "docker logs --tail 20 web"),
        ("docker compose logs -f web worker", "docker compose logs --tail=200 web worker"),
        ("docker-compose logs --follow web | grep error", "docker-compose logs --tail=200 web | grep error"),
        ("docker stats", "docker stats --no-stream"),
        ("docker exec web tail -f /tmp/x", "docker exec web tail -n 200 /tmp/x"),
        ("kubectl logs -f deployment/api -n shop", "kubectl logs --tail=200 deployment/api -n shop"),
        ("kubectl get pods -w", "kubectl get pods"),
        ("kubectl exec api-0 -- top", "kubectl exec api-0 -- top -b -n 1"),
        ("journalctl -u nginx -f", "journalctl -u nginx -n 200 --no-pager"),
        ("top", "top -b -n 1"),
        ("htop", "top -b -n 1"),
        ("watch -n 5 kubectl get pods", "kubectl get pods"),
        ("watch -n 1 'docker ps'", "docker ps"),
        ("watch df -h", "df -h"),
        ("ping example.org", "ping -c 4 example.org"),
        ("vmstat 1", "vmstat 1 3"),
        ("less /var/log/syslog", "head -n 500 /var/log/syslog"),
    ],
)
def test_the_twin(text: str, twin: str) -> None:
    found = twin_of(make_command(text, 7, "bash"))
    assert found is not None, text
    assert (found.text, found.risk, found.endless, found.interactive, found.line) == (twin, "read", False, False, 7)


@pytest.mark.parametrize(
    "text",
    [
        "ls",
        "watch -n 1 'rm -rf /tmp/x'",
        'watch "docker restart $(docker ps -q)"',
        "watch systemctl restart web",
        "watch 'df -h && free' | grep data",
        "watch \"ps aux | grep 'my  app'\"",
        "kubectl port-forward svc/db 5432",
        "docker exec -it web bash",
        "psql -h db shop",
        "tail -f 'unbalanced",
        "some-program -f",
        "vim /etc/hosts",
    ],
)
def test_what_has_no_twin(text: str) -> None:
    assert twin_of(make_command(text, 1, "bash")) is None


def test_a_twin_really_ends(tmp_path: Path) -> None:
    log = tmp_path / "a log.txt"
    log.write_text("".join(f"line {number}\n" for number in range(1000)))
    found = twin_of(make_command(f"tail -f '{log}' | grep 'line 99'", 1, "bash"))
    assert found is not None
    shown = subprocess.run(["bash", "-c", found.text], capture_output=True, text=True, timeout=20, check=True).stdout
    assert shown.split("\n")[:2] == ["line 990", "line 991"]


@pytest.mark.parametrize("option", ["-f", "-sf", "-sSf", "--fail-with-body"])
def test_a_curl_that_fails_on_errors_also_tells_of_a_redirect(option: str) -> None:
    twin = stating_twin_of(make_command(f"curl {option} http://127.0.0.1/", 1, "bash"))
    assert twin is not None
    assert twin.text == f"curl {option} http://127.0.0.1/ -w '\\nHTTP status %{{http_code}}\\n'"


@pytest.mark.parametrize(
    "text",
    [
        "curl -I http://127.0.0.1/",
        "curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1/",
        "curl -s http://127.0.0.1/ | jq .status",
        "curl -s http://127.0.0.1/ > out",
        "curl -s http://127.0.0.1/ && echo fine",
        "curl -X POST http://127.0.0.1/restart",
        "sudo curl http://127.0.0.1/",
    ],
)
def test_a_curl_that_tells_its_status_or_feeds_another_program_stays_as_it_is(text: str) -> None:
    assert stating_twin_of(make_command(text, 1, "bash")) is None


@pytest.mark.parametrize(
    "text", ["curl -fsS -o /dev/null http://127.0.0.1/", "curl -fsSo /dev/null --max-time 5 http://127.0.0.1/"]
)
def test_a_curl_that_drops_the_body_prints_its_status_all_the_same(text: str) -> None:
    twin = stating_twin_of(make_command(text, 1, "bash"))
    assert twin is not None
    assert twin.text.startswith(text)
    assert "%{http_code}" in twin.text


@pytest.mark.parametrize(("status", "result"), [(200, "ok"), (204, "ok"), (302, "ok"), (404, "failed"), (500, "failed")])
def test_a_plain_curl_is_judged_by_the_status_of_the_answer(status: int, result: str) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0" if status == 204 else "12")
            self.end_headers()
            self.wfile.write(b"" if status == 204 else b"the body 123")

        def log_message(self, *values: object) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        book = make_command(f"curl -s 'http://127.0.0.1:{server.server_port}/health'", 1, "bash")
        twin = stating_twin_of(book)
        assert twin is not None
        ended = subprocess.run(["bash", "-c", twin.text], capture_output=True, text=True, timeout=20, check=False)
        thread.join(10)
    act = Act("1.1", 1, "command", "look", 1, phase="verify", command=twin)
    outcome = judge_command(act, ended.returncode, ended.stdout)
    assert (outcome.result, ended.returncode) == (result, 0)
    assert "the body 123" in outcome.output or status == 204

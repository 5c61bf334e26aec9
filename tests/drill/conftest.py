"""A tiny estate: one small server that takes orders, an operator's runbook for it, and ways to break it."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

SERVER = """
import json, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

orders = Path("orders.txt")

class Kiosk(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"ok")

    def do_POST(self):
        number = self.rfile.read(int(self.headers["Content-Length"])).decode()
        with orders.open("a") as kept:
            kept.write(number + "\\n")
        self.do_GET()

    def log_message(self, *words):
        pass

server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Kiosk)
Path("pid").write_text(str(__import__("os").getpid()))
server.serve_forever()
"""

ESTATE = """
set -u
start() {
  alive && return 0
  setsid python3 server.py "$(cat port)" >server.log 2>&1 </dev/null &
  for _ in $(seq 600); do well >/dev/null && return 0; sleep 0.1; done
  return 1
}
# numbers of processes come back, so it has to be ours
alive() { [ -f pid ] && grep -qs server.py "/proc/$(cat pid)/cmdline" && [ "$(readlink "/proc/$(cat pid)/cwd")" = "$(pwd -P)" ]; }
stop() { alive && kill -9 "$(cat pid)"; rm -f pid; }
well() {
  curl -fsS --max-time 1 "http://127.0.0.1:$(cat port)/" >/dev/null 2>&1 || { echo "the kiosk does not answer"; return 1; }
}
case $1 in
  up)
    [ -f port ] || python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])' >port
    echo "KIOSK_URL=http://127.0.0.1:$(cat port)" >.env
    start ;;
  restarts) "$0" up && touch policy && { setsid bash "$0" guard >/dev/null 2>&1 </dev/null & } ;;
  guard) while [ -f policy ]; do alive || start; sleep 0.3; done ;;
  down) rm -f policy; stop; rm -f .env; true ;;
  well) well ;;
  start) start ;;
  kill) alive && kill -9 "$(cat pid)" ;;
  hang) alive && kill -STOP "$(cat pid)" ;;
  mend) alive && kill -CONT "$(cat pid)"; start ;;
  forget) alive && kill -9 "$(cat pid)"; sed -i 1d orders.txt ;;
  customers)
    number=0
    while true; do
      number=$((number + 1))
      curl -fsS --max-time 1 -d "$number" "http://127.0.0.1:$(cat port)/" >/dev/null 2>&1 && echo "$number" >>promised.txt
      sleep 0.2
    done ;;
  promised)
    touch promised.txt orders.txt
    lost=$(sort promised.txt | comm -23 - <(sort orders.txt) | sed 's/.*/"&"/' | paste -sd, -)
    echo "{\\"acknowledged\\": $(wc -l <promised.txt), \\"lost\\": [$lost]}" ;;
esac
"""

RUNBOOK = """
# Kiosk: runbook

## Components

- **Kiosk**: a small server that takes orders

## Severities

| Severity | Name | Criteria | Response time |
|----------|------|----------|---------------|
| SEV1 | Critical | Nobody can order | 5 minutes |

## Alerts

### Critical alerts (SEV1)

```
Alert: Kiosk is down for 20 seconds
Response: < 5 minutes
Actions:
1. Follow "Kiosk is not answering"
```

## Kiosk is not answering

**Symptoms**: Kiosk is down

**Resolution**:

1. Start it again:
   ```bash
   ./estate start
   ```
2. Verify. Expected: ok
   ```bash
   curl -fsS --max-time 2 "$KIOSK_URL/"
   ```
"""

WATCHKEEPER = """
[service]
name = "kiosk"
runbook = "runbook.md"
mode = "act"

[variables]
KIOSK_URL = { env = "KIOSK_URL" }

[targets.local]
kind = "shell"
directory = "."

[signals.kiosk]
kind = "http"
component = "Kiosk"
url = "$KIOSK_URL/"
every = "5s"
timeout = "1s"
[signals.kiosk.metrics]
"Kiosk" = "up"

[policy]
change = { allow = ["SEV1"] }
hold = "10s"
"""

FAULT = """
sentence = "{sentence}"
seed = "Kiosk is not answering"
break = "./estate {verb}"
mend = "./estate mend"
pace = 10
patience = "30s"

[expect]
alert = "Kiosk"
severity = "{severity}"
procedure = "Kiosk is not answering"
cause = "Kiosk"
promise = "5m"
"""


@pytest.fixture
def tiny_estate(tmp_path: Path) -> Path:
    folder = tmp_path / "kiosk"
    (folder / "faults").mkdir(parents=True)
    (folder / "server.py").write_text(SERVER)
    (folder / "estate").write_text("#!/usr/bin/env bash" + ESTATE)
    (folder / "estate").chmod(0o755)
    (folder / "runbook.md").write_text(RUNBOOK.lstrip())
    (folder / "watchkeeper.toml").write_text(WATCHKEEPER)
    commands = ("up", "down", "well", "restarts", "customers", "promised")
    (folder / "estate.toml").write_text("[estate]\n" + "".join(f'{name} = "./estate {name}"\n' for name in commands))
    killed = FAULT.format(sentence="The kiosk's process is killed.", verb="kill", severity="SEV1")
    (folder / "faults" / "killed.toml").write_text(killed)
    hung = FAULT.format(sentence="The kiosk hangs, and starting it does not help.", verb="hang", severity="SEV2")
    (folder / "faults" / "hung.toml").write_text(hung.replace("30s", "8s"))
    forgotten = FAULT.format(sentence="The kiosk dies and forgets an order.", verb="forget", severity="SEV1")
    (folder / "faults" / "forgotten.toml").write_text(forgotten)
    return folder


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A fault's file, right as it is."""
    path = tmp_path / "killed.toml"
    path.write_text(textwrap.dedent(FAULT.format(sentence="It is killed.", verb="kill", severity="SEV1")))
    return path

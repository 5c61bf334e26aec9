"""What status and output mean: tables."""

from __future__ import annotations

from datetime import datetime

import pytest
from run_cast import branch, command, expect

from watchkeeper.book.model import Command, Threshold
from watchkeeper.book.read.expectations import read_expectation
from watchkeeper.estate.model import Bindings, Bound
from watchkeeper.run.judge import judge_command, judge_condition, threshold_holds
from watchkeeper.run.model import Act
from watchkeeper.watch.model import Standing

CURL = command("curl -si localhost/health")
CODE = command("curl -s -o /dev/null -w '%{http_code}' localhost/health")
GREP = command("tail -100 log | grep -i error")
REMARKS = (
    "Warning: Using a password with '-a' or '-u' option on the command line interface may not be safe.",
    "mysql: [Warning] Using a password on the command line interface can be insecure.",
)
FIND = command("ctl status | grep RUNNING")


def act(cmd: Command, phase: str = "diagnose") -> Act:
    return Act("1.1", 1, "command", "Step", 1, phase=phase, command=cmd, risk=cmd.risk, expects=cmd.expects)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("cmd", "phase", "status", "output", "result", "sentence"),
    [
        (command("true"), "act", 0, "", "ok", "It ended with status 0."),
        (command("ctl x"), "act", 3, "no such\nprogram x.\n", "failed", "It ended with status 3: program x."),
        (command("ctl x"), "act", 127, "ctl: not found", "failed", "Status 127: there is no such program here."),
        (command("ctl x"), "act", None, "", "unknown", "Nobody saw how it ended."),
        (GREP, "diagnose", 1, "", "ok", "The search found nothing."),
        (GREP, "verify", 1, "", "ok", "The search found nothing."),
        (GREP, "verify", 0, "error: x\nerror: y\n", "failed", "The search for trouble found 2 lines."),
        (GREP, "diagnose", 0, "error: x\n", "ok", "It ended with status 0."),
        (GREP, "diagnose", 1, "tail: cannot open log\n", "failed", "It ended with status 1: tail: cannot open log."),
        (FIND, "verify", 1, "", "failed", "The search found nothing."),
        (
            FIND,
            "verify",
            3,
            "web RUNNING\n",
            "ok",
            "The search found one line; an earlier part of the pipeline ended with status 3.",
        ),
        (command("yes | head -1"), "act", 141, "y\n", "ok", "The last part of the pipeline had read enough."),
        (CURL, "verify", 0, "HTTP/1.1 200 OK\n\nfine", "ok", "It ended with status 0."),
        (
            CURL,
            "verify",
            0,
            "HTTP/1.1 301 Moved\n\nHTTP/2 503\n\n",
            "failed",
            "The answer was HTTP 503, though curl itself was content.",
        ),
        (CURL, "verify", 0, "HTTP/1.1 301 Moved\n\n", "failed", "HTTP 301 only points elsewhere; what is there was not seen."),
        (CURL, "diagnose", 0, "HTTP/1.1 308 Moved\n\n", "ok", "It ended with status 0."),
        (CODE, "verify", 0, "200", "ok", "It ended with status 0."),
        (CODE, "verify", 0, "502", "failed", "The answer was HTTP 502, though curl itself was content."),
        (CODE, "verify", 0, "000", "failed", "There was no HTTP answer, though curl itself was content."),
    ],
)
def test_a_command_is_judged_as_a_person_would(
    cmd: Command, phase: str, status: int | None, output: str, result: str, sentence: str
) -> None:
    outcome = judge_command(act(cmd, phase), status, output)
    assert (outcome.result, outcome.sentence) == (result, sentence)


@pytest.mark.parametrize(
    ("kind", "value", "status", "output", "met", "sentence"),
    [
        ("shows", "STOPPED", 3, "web  Stopped  pid 7", True, "It shows “STOPPED”."),
        ("shows", "running", 0, "web is not running", False, "It does not show “running”: web is not running."),
        ("lacks", "error", 0, "all well", True, "It does not show “error”."),
        ("lacks", "error", 0, "an ERROR", False, "It shows “error”."),
        ("lacks", "error", 2, "", False, "It ended with status 2."),
        ("empty", None, 0, " \n", True, "It printed no lines."),
        ("some", None, 0, "a\nb", True, "It printed 2 lines."),
        ("succeeds", None, 1, "", False, "It ended with status 1."),
        ("fails", None, 1, "", True, "It ended with status 1."),
        ("above", 90.0, 0, "count\n-----\n  95\n", True, "It gives 95, above 90."),
        ("below", 10.0, 0, "(integer) 1,204", False, "It gives 1204, above 10."),
        ("below", 10.0, 0, "nothing", False, "There is no number in what it printed: nothing."),
    ],
)
def test_what_the_book_expects_decides(
    kind: str, value: str | float | None, status: int, output: str, met: bool, sentence: str
) -> None:
    outcome = judge_command(act(command("ctl x", expects=expect(kind, value))), status, output)
    assert (outcome.result == "ok", outcome.sentence) == (met, sentence)


@pytest.mark.parametrize(
    ("cmd", "test", "status", "output", "holds"),
    [
        ("ctl status web", expect("shows", "STOPPED"), 3, "web STOPPED", True),
        ("ctl status web", expect("shows", "STOPPED"), 0, "web RUNNING", False),
        ("ctl status web", expect("shows", "STOPPED"), 127, "", None),
        ("ctl status web", expect("shows", "STOPPED"), None, "", None),
        # of what a client remarks about its own call no word is an answer
        ("redis-cli get flag", expect("shows", "on"), 0, f"{REMARKS[0]}\noff\n", False),
        ("redis-cli get flag", expect("shows", "off"), 0, f"{REMARKS[0]}\noff\n", True),
        ("mysql -e x", expect("shows", "on"), 0, f"{REMARKS[1]}\n", False),
        ("mysql -e x", expect("empty"), 0, f"{REMARKS[1]}\n", True),
        ("mysql -e x", expect("shows", "denied"), 0, f"{REMARKS[1]}\nAccess denied\n", True),
        ("test -e lock", None, 0, "", True),
        ("pgrep worker", None, 1, "", False),
        ("df -h", None, 0, "80%", None),
    ],
)
def test_a_condition_holds_or_not_or_a_person_says(
    cmd: str, test: object, status: int | None, output: str, holds: bool | None
) -> None:
    asked = branch("it is so", command(cmd), test)  # type: ignore[arg-type]
    assert judge_condition(asked, status, output)[0] == holds


def rate(value: float, op: str = ">", line: int = 3) -> Threshold:
    return Threshold(
        role="alert",
        subject="Error rate",
        metric="error_percent",
        op=op,
        value=value,
        unit="percent",
        line=line,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("asked", "state", "value", "holds", "sentence"),
    [
        (rate(5.0), "firing", 9.0, True, "it is at 9"),
        (rate(5.0), "ok", 1.0, False, "it is at 1"),
        (rate(20.0, line=8), "firing", 9.0, False, "Error rate is at 9: “> 20” does not hold."),
        (rate(2.0, line=8), "ok", 3.0, True, "Error rate is at 3: “> 2” holds."),
        (rate(5.0), "blind", None, None, "Nothing reads Error rate."),
    ],
)
def test_a_threshold_is_decided_by_its_reading(
    now: datetime, asked: Threshold, state: str, value: float | None, holds: bool | None, sentence: str
) -> None:
    bindings = Bindings((Bound("k", rate(5.0), "shop", "errors", "web", ""),))
    standing = Standing("k", state, now, None, value, now, f"it is at {value:g}" if value is not None else "")  # type: ignore[arg-type]
    assert threshold_holds(asked, bindings, [standing]) == (holds, sentence)


PODS = "NAME         READY   STATUS             RESTARTS   AGE\nweb-6f7d-1   1/1     Running            0          2d\n"
CRASHED = PODS + "web-6f7d-2   0/1     CrashLoopBackOff   12         2d\n"
UNREADY = PODS + "web-6f7d-2   0/1     Running            0          2d\n"
FINISHED = PODS + "migrate-1    0/1     Completed          0          2d\n"
DOCKER = (
    "CONTAINER ID   IMAGE   COMMAND    CREATED      STATUS                  PORTS     NAMES\n"
    '0a1b2c3d4e5f   web:1   "run"      2 days ago   Up 2 days (healthy)     80/tcp    web\n'
)
SICK = DOCKER + '1a1b2c3d4e5f   db:1    "run"      2 days ago   Up 2 days (unhealthy)             db\n'
GONE = DOCKER + '1a1b2c3d4e5f   db:1    "run"      2 days ago   Exited (1) 1 hour ago             db\n'
COMPOSE_1 = (
    "   Name      Command   State     Ports \n--------------------------------------\nshop_web_1   run       Up        80/tcp\n"
)
NO_ROWS = " id | state \n----+-------\n(0 rows)\n"
TWO_ROWS = " id | state \n----+-------\n  7 | idle\n  9 | idle\n(2 rows)\n"
MYSQL = "+----+\n| id |\n+----+\n|  7 |\n+----+\n"
DF = "Filesystem  Size  Used Avail Use% Mounted on\n/dev/a  50G  20G  30G  40% /\n/dev/b  50G  48G  2G  96% /data\n"


@pytest.mark.parametrize(
    ("said", "output", "met", "sentence"),
    [
        ("All pods should be Running", PODS, True, "The only one is Running."),
        ("All pods should be Running", CRASHED, False, "web-6f7d-2 is CrashLoopBackOff, 0 of 1 ready, not Running."),
        ("Pods should all be Running", UNREADY, False, "web-6f7d-2 is Running, 0 of 1 ready, not Running."),
        ("Expected: all pods Running", FINISHED, True, "All 2 are Running."),
        ("All pods should be Running", "No resources found in shop namespace.\n", False, "There is no row in what it printed"),
        ("Expected: all containers Up", GONE, False, "db is Exited (1) 1 hour ago, not Up."),
        ("All containers should be healthy", SICK, False, "db is Up 2 days (unhealthy), not healthy."),
        ("All containers should be healthy", DOCKER, True, "The only one is healthy."),
        ("All services should be Up", COMPOSE_1, True, "The only one is Up."),
        ("All programs should be RUNNING", "web RUNNING pid 7\njobs FATAL\n", False, "One is “jobs FATAL”, not RUNNING."),
        ("Should return 0 rows", NO_ROWS, True, "It shows no rows."),
        ("Should return no rows", TWO_ROWS, False, "It printed 5 lines."),
        ("Should be empty", "(empty array)", True, "It shows no rows."),
        ("Should be empty", "No resources found in shop namespace.", True, "It shows no rows."),
        ("Should return at least 2 rows", TWO_ROWS, True, "It gives 2 rows, at least 2."),
        ("Should return at least 2 rows", MYSQL, False, "It gives 1 row, where at least 2 is expected."),
        ("Should show between 1 and 5 workers", "3\n", True, "It gives 3, as expected: 1 to 5."),
        ("Expected: 2-3 replicas", "1", False, "It gives 1, where 2 to 3 is expected."),
        ("Expected: 2 pods Running", CRASHED, False, "It gives 1 row, where 2 is expected."),
        ("Should be less than 100ms", "time_total: 0.25 s", False, "It gives 250 ms, above 100 ms."),
        ("Should be less than 100ms", "time=0.31 ms", True, "It gives 0.31 ms, below 100 ms."),
        ("Should be below 80%", DF, False, "It gives 96%, above 80%."),
        ("Should be below 80%", DF.replace("96%", "41%"), True, "It gives 40%, below 80%."),
        ("Should be less than 1,500", "1,204", True, "It gives 1204, below 1500."),
        ("Should be less than 2GB", "used 512 MB", True, "It gives 512 MiB, below 2048 MiB."),
        ("Should return OK", "OK\n", True, "It shows “OK”."),
        ("Should return OK", "degraded\n", False, "It does not show “OK”: degraded."),
        ("Should be empty", "FATAL\n", False, "It printed one line."),
        ("Should return 200 or 204", "HTTP/1.1 204", True, "It shows “204”."),
        ('Expected: No "decryption failed" errors', "decryption failed: x", False, "It shows “decryption failed”."),
    ],
)  # fmt: skip
def test_what_the_book_says_in_words_is_held_against_what_is_printed(said: str, output: str, met: bool, sentence: str) -> None:
    expected = read_expectation(said, 1) or read_expectation(said, 1, bare=True)
    assert expected is not None
    outcome = judge_command(act(command("ctl x", expects=expected)), 0, output)
    assert (outcome.result == "ok", outcome.sentence.startswith(sentence)) == (met, True), outcome.sentence


@pytest.mark.parametrize(
    ("text", "status", "output", "result", "sentence"),
    [
        ("aws s3 ls s3://backups/today/", 0, "", "failed", "It lists nothing, so nothing shows that what it looks for is there."),
        ("aws s3 ls s3://backups/today/", 0, "2026-01-01 db.dump", "ok", "It ended with status 0."),
        ("nc -z db 5432 && echo ok || echo bad", 0, "bad\n", "failed", "It printed “bad”: the branch for what is not well."),
        ("nc -z db 5432 && echo ok || echo bad", 0, "ok\n", "ok", "It ended with status 0."),
        ('test -e x && echo "is there" || echo "is missing"', 0, "is missing\n", "failed", "It printed “is missing”"),
        ("tail log | grep -c error", 1, "0\n", "ok", "The search found nothing."),
        ("tail log | grep -c error", 0, "3\n", "failed", "The search for trouble found it 3 times."),
        ("tail log | grep error | wc -l", 0, "0\n", "ok", "The search for trouble found nothing."),
        ("tail log | grep -i error | wc -l", 0, "1\n", "failed", "The search for trouble found it 1 time."),
    ],
)
def test_a_verification_that_shows_nothing_proves_nothing(
    text: str, status: int, output: str, result: str, sentence: str
) -> None:
    outcome = judge_command(act(command(text), "verify"), status, output)
    assert (outcome.result, outcome.sentence.startswith(sentence)) == (result, True), outcome.sentence


@pytest.mark.parametrize(
    ("said", "output", "result"),
    [
        ("Should return 200 OK", '{"count": 200}\nHTTP status 500\n', "failed"),
        ("Should return HTTP 200", "fine\nHTTP status 200\n", "ok"),
        ("Should succeed", "sorry\nHTTP status 503\n", "failed"),
        ("Should succeed", "fine\nHTTP status 204\n", "ok"),
    ],
)
def test_an_answer_is_held_by_its_status_not_by_digits_in_it(said: str, output: str, result: str) -> None:
    expected = read_expectation(said, 1)
    asked = command("curl -s localhost/health -w 'HTTP status %{http_code}'", expects=expected)
    assert judge_command(act(asked, "verify"), 0, output).result == result

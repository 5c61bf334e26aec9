"""What a command's exit status and output mean: pure, each answer with its sentence.

A person reading a terminal does not take every non-zero status for a failure: a search that finds nothing answers, and a web
request that brings a 503 succeeded only for curl. What the book expects goes before what the status says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from watchkeeper.book.model import Command, Condition, Expectation, Threshold
from watchkeeper.estate.model import Bindings
from watchkeeper.run.expected import is_empty, last_line, lines_of, meets_amount, meets_every
from watchkeeper.run.guarding import refusal
from watchkeeper.run.model import Act, Outcome
from watchkeeper.run.output import without_remarks
from watchkeeper.watch.model import Standing

_HTTP_STATUS = re.compile(r"^< ?HTTP/[\d.]+ (\d{3})|^HTTP/[\d.]+ (\d{3})", re.MULTILINE)
_SEARCH = ("grep", "egrep", "fgrep", "rg", "zgrep", "pgrep")
_BAD_WORDS = re.compile(r"error|fail|exception|fatal|panic|critical|refused|timeout|timed out|denied|5\d\d|oom", re.IGNORECASE)
#: programs whose exit status is the answer to a question
_ASKING = ("test", "[", "[[", *_SEARCH, "pidof", "pg_isready", "nc")
#: listings whose empty output says that what is looked for is not there
_LISTING = re.compile(
    r"(?:sudo\s+)?(?:aws\s+s3\s+ls|gsutil\s+ls|gcloud\s+storage\s+ls|az\s+storage\s+blob\s+list|rclone\s+ls\w*|mc\s+ls|s3cmd\s+ls|"
    r"restic\s+snapshots|borg\s+list|ls)\b[^|;&<>\n]*"
)
#: `check && echo "ok" || echo "bad"`, at the end of a text
_EITHER = re.compile(
    r"&&\s*(?:echo|printf)\s+(?P<good>\"[^\"$`]*\"|'[^']*'|[^\s|&;]+)\s*\|\|\s*(?:\{\s*)?(?:echo|printf)\s+"
    r"(?P<bad>\"[^\"$`]*\"|'[^']*'|[^|&;}\n]+?)\s*(?:;\s*(?:exit\s+\d+|false|return\s+\d+)?\s*;?\s*\}?)?\Z"
)
_BROKEN_PIPE = 141
_NOT_RUNNABLE = {126: "the program may not be executed", 127: "there is no such program here"}


def judge_command(act: Act, exit_status: int | None, output: str, *, timed_out: bool = False) -> Outcome:
    """Judge an ended command by what the book expects of it, else by its exit status."""
    if timed_out:
        return Outcome("timeout", exit_status, output, sentence="It did not end within its time limit and was stopped.")
    if exit_status is None:
        return Outcome("unknown", None, output, sentence="Nobody saw how it ended.")
    if exit_status in _NOT_RUNNABLE:
        return Outcome("failed", exit_status, output, sentence=f"Status {exit_status}: {_NOT_RUNNABLE[exit_status]}.")
    refused = refusal(output) if exit_status and act.risk == "read" else None
    if refused is not None:
        return Outcome("failed", exit_status, output, sentence=f"{refused[:-1]}{last_line(output)}.")
    if act.expects is not None:
        met, sentence = meets(act.expects, act.command, exit_status, output)
        if met and act.expects.kind == "succeeds":
            return _beyond_status(act, exit_status, output) or Outcome("ok", exit_status, output, sentence=sentence)
        return Outcome("ok" if met else "failed", exit_status, output, sentence=sentence)
    if exit_status == 1 and _ends_in_search(act.command) and output.strip() in ("", "0"):
        return _found_nothing(act, output)
    excused = _excuse(act.command, exit_status, output)
    if excused is not None:
        return Outcome("ok", exit_status, output, sentence=excused)
    if exit_status != 0:
        return Outcome("failed", exit_status, output, sentence=f"It ended with status {exit_status}{last_line(output)}.")
    return _beyond_status(act, exit_status, output) or Outcome("ok", exit_status, output, sentence="It ended with status 0.")


def _beyond_status(act: Act, exit_status: int, output: str) -> Outcome | None:
    """Say what is wrong though the status is 0; None where nothing is."""
    status = _shown_http_status(act.command, output)
    if status is not None and not 100 <= status < 400:
        what = f"The answer was HTTP {status}" if status else "There was no HTTP answer"
        return Outcome("failed", exit_status, output, sentence=f"{what}, though curl itself was content.")
    if status in (301, 308) and act.phase == "verify":
        return Outcome(
            "failed", exit_status, output, sentence=f"HTTP {status} only points elsewhere; what is there was not seen."
        )
    counted = _counts_trouble(act.command, output)
    if act.phase == "verify" and counted is not None:
        found = "nothing" if not counted else f"it {counted} {'time' if counted == 1 else 'times'}"
        result = "failed" if counted else "ok"
        return Outcome(result, exit_status, output, sentence=f"The search for trouble found {found}.")
    if act.phase == "verify" and _searches_for_trouble(act.command) and output.strip():
        return Outcome("failed", exit_status, output, sentence=f"The search for trouble found {lines_of(output)}.")
    if act.phase == "verify" and not output.strip() and _lists(act.command):
        return Outcome(
            "failed", exit_status, output, sentence="It lists nothing, so nothing shows that what it looks for is there."
        )
    if act.phase == "verify" and (bad := _bad_branch(act.command, output)):
        return Outcome("failed", exit_status, output, sentence=f"It printed “{bad}”: the branch for what is not well.")
    return None


def judge_condition(condition: Condition, exit_status: int | None, output: str) -> tuple[bool | None, str]:
    """Say whether a branch's condition holds, given what its command gave; None where a person must say."""
    if exit_status is None or exit_status in _NOT_RUNNABLE:
        return None, f"The check for “{condition.text}” could not be run."
    if condition.test is not None:
        holds, sentence = meets(condition.test, condition.command, exit_status, output)
        return holds, sentence
    if condition.command is not None and condition.command.tools and condition.command.tools[-1] in _ASKING:
        return exit_status == 0, f"Its check ended with status {exit_status}."
    return None, f"The book does not say which answer means “{condition.text}”."


def meets(expected: Expectation, command: Command | None, exit_status: int, output: str) -> tuple[bool, str]:
    """Hold an expectation against status and output."""
    output = without_remarks(output)
    text = output.strip()
    answered = exit_status == 0 or (exit_status == 1 and _ends_in_search(command))
    words = expected.any_of or ((str(expected.value),) if expected.value is not None else ())
    wanted = " or ".join(f"“{word}”" for word in words)
    status = _shown_http_status(command, output) if exit_status == 0 else None
    if expected.kind == "shows" and status is not None and words and all(re.fullmatch(r"[1-5]\d\d", word) for word in words):
        return str(status) in words, f"The answer was HTTP {status}." if status else "There was no HTTP answer."
    if expected.kind == "shows":
        found = next((word for word in words if shows(text, word)), None)
        return (True, f"It shows “{found}”.") if found else (False, f"It does not show {wanted}{last_line(output)}.")
    if expected.kind in ("succeeds", "fails"):
        return (exit_status == 0) == (expected.kind == "succeeds"), f"It ended with status {exit_status}{last_line(output)}."
    if not answered:
        return False, f"It ended with status {exit_status}{last_line(output)}."
    if expected.kind == "lacks":
        found = next((word for word in words if shows(text, word)), None)
        return (False, f"It shows “{found}”.") if found else (True, f"It does not show {wanted}.")
    if expected.kind in ("empty", "some"):
        nothing = is_empty(output)
        said = "It shows no rows." if nothing and text else f"It printed {lines_of(text)}."
        return nothing == (expected.kind == "empty"), said
    if expected.kind == "every":
        return meets_every(expected, output)
    return meets_amount(expected, command, output)


def shows(text: str, word: str) -> bool:
    """Tell whether a text contains a word or phrase as such, case ignored, and not denied just before.

    A container is named after its service, with the project before it and a number behind.

    >>> shows("web RUNNING pid 7", "running"), shows("web is not running", "running"), shows("restarting", "start")
    (True, False, False)
    >>> shows("93% shop_web_2", "web"), shows("shop_webhooks_1", "web"), shows("NOT_OK", "ok")
    (True, False, False)
    """
    parts = r"\s+".join(re.escape(part) for part in word.split())
    before = r"(?<!\w)" if word[:1].isalnum() else ""
    after = r"(?!\w)" if word[-1:].isalnum() else ""
    instance = rf"|_{parts}(?=_\d+(?!\w))" if before and after else ""
    pattern = re.compile(rf"(?<!not )(?<!no )(?:{before}{parts}{after}{instance})", re.IGNORECASE)
    return bool(word.strip()) and pattern.search(text) is not None


def threshold_holds(threshold: Threshold, bindings: Bindings, standings: Iterable[Standing]) -> tuple[bool | None, str]:
    """Decide a threshold by the reading that is bound to the same subject; None where nothing reads it or it is blind."""
    by_key = {standing.key: standing for standing in standings}
    for bound in bindings.bound:
        if not _same_subject(threshold, bound.threshold) or bound.key not in by_key:
            continue
        standing = by_key[bound.key]
        if standing.state == "blind":
            continue
        if threshold == bound.threshold or threshold.value is None:
            return standing.state == "firing", standing.sentence
        if standing.value is not None and threshold.unit == bound.threshold.unit:
            holds = _compare(standing.value, threshold.op, threshold.value)
            if holds is not None:
                side = "holds" if holds else "does not hold"
                return holds, f"{threshold.subject} is at {standing.value:g}: “{threshold.op} {threshold.value:g}” {side}."
    return None, f"Nothing reads {threshold.subject}."


def _same_subject(one: Threshold, other: Threshold) -> bool:
    if one.metric and other.metric:
        return one.metric == other.metric and one.statistic in (None, other.statistic)
    return one.subject.casefold() == other.subject.casefold()


def _compare(value: float, op: str, limit: float) -> bool | None:
    answers = {">": value > limit, ">=": value >= limit, "<": value < limit, "<=": value <= limit}
    return {**answers, "==": value == limit, "!=": value != limit}.get(op)


def _excuse(command: Command | None, exit_status: int, output: str) -> str | None:
    """Say why a status other than 0 is no failure of a pipeline; None where it is one."""
    if command is None or "|" not in command.text or exit_status in (0, 1, 2):
        return None
    if exit_status == _BROKEN_PIPE:
        return "The last part of the pipeline had read enough."
    if command.risk == "read" and _ends_in_search(command) and output.strip():
        return f"The search found {lines_of(output)}; an earlier part of the pipeline ended with status {exit_status}."
    return None


def _found_nothing(act: Act, output: str) -> Outcome:
    healthy = act.phase != "verify" or _searches_for_trouble(act.command)
    return Outcome("ok" if healthy else "failed", 1, output, sentence="The search found nothing.")


def _last_command(command: Command | None) -> str:
    """Give the last part of a pipeline or list, roughly: only its first word and pattern are looked at."""
    text = command.text.strip() if command and command.language == "bash" else ""
    unquoted = re.sub(r"'[^']*'|\"[^\"]*\"", lambda quoted: quoted[0].replace("|", "\x00"), text)
    return re.split(r"(?<!\\)\|{1,2}|&&|;\s", unquoted)[-1].strip()


def _ends_in_search(command: Command | None) -> bool:
    return _last_command(command).split(" ", 1)[0].rsplit("/", 1)[-1] in _SEARCH


def _searches_for_trouble(command: Command | None) -> bool:
    return _ends_in_search(command) and " -v" not in _last_command(command) and bool(_BAD_WORDS.search(_last_command(command)))


def _counts_trouble(command: Command | None, output: str) -> int | None:
    """Give how often a search for trouble found it, where it counts (`grep -c error`, `grep error | wc -l`); None elsewhere."""
    if command is None or not re.fullmatch(r"\s*\d+\s*", output):
        return None
    text = re.sub(r"\s*\|\s*wc\s+-l\s*\Z", "", command.text.strip())
    searching = replace(command, text=text)
    counting = text != command.text.strip() or re.search(r"\s-[a-zA-Z]*c|\s--count", _last_command(searching))
    return int(output) if counting and _searches_for_trouble(searching) else None


def _lists(command: Command | None) -> bool:
    """Tell whether a text is one plain listing, which prints nothing where nothing is there."""
    return command is not None and bool(_LISTING.fullmatch(command.text.strip()))


def _bad_branch(command: Command | None, output: str) -> str | None:
    """Give what `… && echo ok || echo bad` printed where that is its second branch; None where it is not."""
    found = _EITHER.search(command.text.strip()) if command is not None and command.language == "bash" else None
    printed = output.strip().splitlines()
    if found is None or not printed:
        return None
    good, bad = (text.strip().strip("\"'") for text in (found["good"], found["bad"]))
    last = printed[-1].strip()
    return last if last == bad and last != good else None


def _shown_http_status(command: Command | None, output: str) -> int | None:
    if command is None or "curl" not in command.tools:
        return None
    if "http_code" in command.text or "response_code" in command.text:
        match = re.search(r"(?<!\d)(\d{3})\s*\Z", output) or re.match(r"\s*(\d{3})(?!\d)", output)
        return int(match[1]) if match else None
    found = [a or b for a, b in _HTTP_STATUS.findall(output)]
    return int(found[-1]) if found else None

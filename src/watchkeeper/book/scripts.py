"""What a project's own script does, by its name and words: `deploy.sh rollback`, `make db-restore`, `npm run migrate`.

Words go in; a risk with the sentence why comes out. A name that says nothing, or says two things at once, is unknown: the
text of a runbook cannot show what is in a script.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from watchkeeper.book.model import Risk
from watchkeeper.book.programs import word_set

READS = word_set(
    "check checks status health healthcheck verify verification validate validation test tests show list ls audit "
    "report monitor diagnose diagnostic diagnostics inspect log logs info "
    "scan smoke describe view get stats ping plan diff lint preview version help doctor dry dryrun metrics "
    "inventory probe query print tail ps state history")  # fmt: skip
DESTROYS = word_set(
    "restore recover recovery drop delete destroy purge wipe prune flush failover promote teardown erase truncate "
    "remove clean cleanup reset nuke rm uninstall expire decommission overwrite failback "
    "switchover factory cancel refund revoke evict")  # fmt: skip
CHANGES = word_set(
    "deploy deployment restart start stop scale backup backups update upgrade renew renewal migrate migration "
    "migrations sync rotate rotation apply install setup create enable disable switch build release rollback "
    "seed run notify send warm warmup drain reload import export configure register publish push pull "
    "maintenance init bootstrap provision promote snapshot archive reindex rebuild "
    "replay retry requeue refresh block unblock ban add set kill up down trigger launch reboot optimize vacuum "
    "analyze compress dump upload revert undo resume pause swap mitigate repair fix heal "
    "schedule download isolate reconcile cutover redeploy shutdown process compile collectstatic "
    "createsuperuser load generate regenerate execute abort unlock perform")  # fmt: skip
_DRY = frozenset({"--dry-run", "--dryrun", "--simulate", "--noop", "--help", "--what-if"})
#: these only show where nothing else is given (`--status PENDING` may be a filter)
_ALONE = frozenset({"--check", "--list", "--status", "--version", "--verify", "--plan", "--preview", "--info"})
#: deeds that also name a thing: a `backup-status` is read, a `rotate-logs` is not
_THINGS = word_set(
    "deploy deployment backup backups release restore recovery migration migrations migrate build failover "
    "rollback sync maintenance renewal rotation snapshot upgrade schedule incident"
)
#: commands of Laravel that drop what they then build again
_TAKE_BACK = word_set("migrate:fresh migrate:refresh migrate:reset migrate:rollback db:wipe")
_ASKING = word_set("verify check list show validate audit status test describe get view")
#: deeds that a check may be about
_STATES = word_set("install set up down process pull push start scale load update upgrade register schedule block publish")
_SHOWN = word_set("status check checks list audit info healthcheck health history")


def assess_script(name: str, words: Sequence[str]) -> tuple[Risk, str]:
    """Judge a project script by its verb: its first plain words count before its own name.

    >>> assess_script("deploy.sh", ["health-check"])[0], assess_script("restore-db.sh", ["-f", "x"])[0]
    ('read', 'destroy')
    >>> assess_script("restore-db.sh", ["--dry-run"])[0], assess_script("frobnicate.py", [])[0]
    ('read', 'unknown')
    """
    acting, option = _by_options(words)
    dry = next((word for word in words if word.partition("=")[0] in _DRY), None)
    dry = dry if dry is None or dry.partition("=")[2].lower() not in ("false", "no", "none", "0", "off") else None
    dry = dry or (words[0] if len(words) == 1 and words[0] in _ALONE else None)
    if dry and acting is None and "--no-dry-run" not in words:
        return "read", Believed(f"{name} with {dry} is said to change nothing.")
    risk, said = _by_words(name, words)
    if acting is not None and _GRAVER.index(acting) > _GRAVER.index(risk):
        return acting, f"{name} is given {option}, by the name of which it is judged."
    return risk, said


class Believed(str):
    """A sentence why a script only reads that rests on what the script and its words are called, not on what it does."""


_GRAVER: tuple[Risk, ...] = ("read", "change", "unknown", "destroy")


def _by_options(words: Sequence[str]) -> tuple[Risk | None, str]:
    """Give the risk of the options that name a deed (`--fix`, `--delete-old`), None where there is none."""
    found: tuple[Risk | None, str] = (None, "")
    for word in words:
        if word.startswith("--") and (parts := [part for part in re.split(r"[-_=]+", word[2:].split("=")[0].lower()) if part]):
            if parts[0] in ("no", "skip", "without") or parts[-1] in ("only", "id", "name", "file", "dir", "path", "format"):
                continue
            acts = [part for part in parts if part in (DESTROYS | CHANGES | _INSISTS) - _THINGS - _ASKED]
            risk: Risk = "destroy" if any(part in DESTROYS and part != "flush" for part in acts) else "change"
            if acts and (found[0] is None or risk == "destroy"):
                found = risk, word
    return found


def _by_words(name: str, words: Sequence[str]) -> tuple[Risk, str]:
    own = verb_risk(re.sub(r"\.(?:sh|py|js|ts|rb|pl|php|ps1|bash|bat|cmd|mjs|ya?ml)$", "", name))
    asked: str | None = None
    for word in words:
        if word.startswith("-") or not re.fullmatch(r"[A-Za-z][\w:.-]*", word) or "." in word:
            continue
        risk = verb_risk(word)
        if risk == "read" and own in ("change", "destroy") and word.lower() in _NOUNS:
            continue  # `cleanup.sh logs` cleans up logs, `deploy.sh test` deploys to the tests
        if risk is None or (asked and risk == "read"):
            continue
        if asked is None and risk != "read":
            return risk, f"{name} is asked to {word}, by the name of which it is judged."
        if asked is not None and word.lower() not in _THINGS:
            return "unknown", f"Whether {name} is asked to {asked} or to {word} cannot be told."
        asked = asked or word
    if asked:
        return "read", Believed(f"{name} is asked to {asked}, by the name of which it is judged.")
    if own:
        return own, Believed(f"The script is judged by its name, {name}.")
    return "unknown", f"What {name} does cannot be told from its name."


#: words that ask for nothing by themselves: what comes before them says what is done to them
_NOUNS = word_set(
    "log logs test tests stats info metrics inventory history state report health audit query monitor print tail scan preview "
    "diagnostics validation verification"
)
#: options that only insist
_INSISTS = word_set("execute apply write commit force")
#: deeds that are no more than how to ask, show or send what was found
_ASKED = word_set("run start export set add configure notify send load upload generate block process refresh install force")


def verb_risk(phrase: str) -> Risk | None:
    """Judge a hyphenated word such as `backup-status`; None where it has no verb known to us or contradicts itself."""
    if phrase.strip(":") in _TAKE_BACK:
        return "destroy"
    if ":" in phrase.strip(":"):
        last = phrase.strip(":").rsplit(":", 1)[1]
        if any(part in READS | DESTROYS | CHANGES for part in re.split(r"[-_.]+", last.lower())):
            return verb_risk(last)
    parts = [part for part in re.split(r"[-_:./]+|(?<=[a-z])(?=[A-Z])", phrase) if part]
    parts = [part.lower() for part in parts]
    if not parts:
        return None
    reads = [part for part in parts if part in READS]
    destroys = [part for part in parts if part in DESTROYS]
    changes = [part for part in parts if part in CHANGES]
    if parts[0] in _ASKING and "and" not in parts:
        about = _THINGS if parts[0] in ("audit", "status", "view") else _THINGS | _STATES
        acts = [part for part in parts[1:] if part in DESTROYS | CHANGES and part not in about]
        if acts and parts[0] in ("audit", "status", "view") and acts[-1] in DESTROYS:
            return "destroy"
        return None if acts or (destroys and parts[0] == "test") else "read"
    if parts[-1] in _SHOWN and "and" not in parts and (parts[0] in _THINGS or parts[0] not in DESTROYS | CHANGES):
        return "read"
    if parts[0] == "reset" and parts[-1] in ("password", "token", "email", "mfa", "link", "session", "circuit", "breaker"):
        return "change"
    if destroys:
        return "destroy"
    if changes:
        return "change"
    return "read" if reads else None

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
_SHOWN = word_set("status check checks list audit info healthcheck health history")


def assess_script(name: str, words: Sequence[str]) -> tuple[Risk, str]:
    """Judge a project script by its verb: its first plain words count before its own name.

    >>> assess_script("deploy.sh", ["health-check"])[0], assess_script("restore-db.sh", ["-f", "x"])[0]
    ('read', 'destroy')
    >>> assess_script("restore-db.sh", ["--dry-run"])[0], assess_script("frobnicate.py", [])[0]
    ('read', 'unknown')
    """
    dry = next((word for word in words if word.split("=")[0] in _DRY and not word.endswith("=false")), None)
    dry = dry or (words[0] if len(words) == 1 and words[0] in _ALONE else None)
    if dry:
        return "read", f"{name} with {dry} is said to change nothing."
    for word in words:
        if not word.startswith("-") and re.fullmatch(r"[A-Za-z][\w:.-]*", word) and "." not in word:
            risk = verb_risk(word)
            if risk:
                return risk, f"{name} is asked to {word}, by the name of which it is judged."
    stem = re.sub(r"\.(?:sh|py|js|ts|rb|pl|php|ps1|bash|bat|cmd|mjs)$", "", name)
    risk = verb_risk(stem)
    if risk:
        return risk, f"The script is judged by its name, {name}."
    return "unknown", f"What {name} does cannot be told from its name."


def verb_risk(phrase: str) -> Risk | None:
    """Judge a hyphenated word such as `backup-status`; None where it has no verb known to us or contradicts itself."""
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
    if (
        parts[0] in ("verify", "check", "list", "show", "validate", "audit", "status", "test", "describe", "get", "view")
        and "and" not in parts
    ):
        return None if destroys and parts[0] == "test" else "read"
    if parts[-1] in _SHOWN and "and" not in parts and (parts[0] in _THINGS or parts[0] not in DESTROYS | CHANGES):
        return "read"
    if parts[0] == "reset" and parts[-1] in ("password", "token", "email", "mfa", "link", "session", "circuit", "breaker"):
        return "change"
    if destroys:
        return "destroy"
    if changes:
        return "change"
    return "read" if reads else None

"""What a project's own script does, by its name and words: `deploy.sh rollback`, `make db-restore`, `npm run migrate`.

Words go in; a risk with the sentence why comes out. A name that says nothing, or says two things at once, is unknown: the
text of a runbook cannot show what is in a script.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from watchkeeper.book.model import Risk

READS = frozenset(
    "check checks status health healthcheck verify verification validate validation test tests show list ls audit report monitor diagnose diagnostic diagnostics inspect log logs info "
    "scan smoke describe view get stats ping plan diff lint preview version help doctor dry dryrun metrics inventory probe query print tail ps state history".split()
)  # fmt: skip
DESTROYS = frozenset(
    "restore recover recovery drop delete destroy purge wipe prune flush failover promote teardown erase truncate remove clean cleanup reset nuke rm uninstall unlock expire decommission overwrite failback "
    "switchover factory".split()
)  # fmt: skip
CHANGES = frozenset(
    "deploy deployment restart start stop scale backup backups update upgrade renew renewal migrate migration migrations sync rotate rotation apply install setup create enable disable switch build release rollback "
    "seed run notify send warm warmup drain reload import export configure register publish push pull maintenance init bootstrap provision promote snapshot archive reindex rebuild "
    "replay retry requeue refresh block unblock ban add set kill up down trigger launch reboot optimize vacuum analyze compress dump upload revert undo resume pause swap mitigate repair fix heal "
    "schedule download isolate reconcile cutover redeploy shutdown process compile collectstatic createsuperuser load".split()
)  # fmt: skip
_DRY = frozenset({"--dry-run", "--dryrun", "-n", "--check", "--simulate", "--noop", "--list", "--status", "--help", "--version", "--verify", "--plan", "--what-if", "--preview"})


def assess_script(name: str, words: Sequence[str]) -> tuple[Risk, str]:
    """Judge a project script by its verb: its first plain words count before its own name.

    >>> assess_script("deploy.sh", ["health-check"])[0], assess_script("restore-db.sh", ["-f", "x"])[0]
    ('read', 'destroy')
    >>> assess_script("restore-db.sh", ["--dry-run"])[0], assess_script("frobnicate.py", [])[0]
    ('read', 'unknown')
    """
    dry = next((word for word in words if word.split("=")[0] in _DRY - {"-n"} and not word.endswith("=false")), None)
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
    parts = [part for part in re.split(r"[-_:./]+|(?<=[a-z])(?=[A-Z])", phrase) if part]
    parts = [part.lower() for part in parts]
    if not parts:
        return None
    reads = [part for part in parts if part in READS]
    destroys = [part for part in parts if part in DESTROYS]
    changes = [part for part in parts if part in CHANGES]
    if parts[0] in ("verify", "check", "list", "show", "validate", "audit", "status", "test", "describe", "get", "view") and "and" not in parts:
        return None if destroys and parts[0] == "test" else "read"
    if parts[-1] in ("status", "check", "checks", "list", "report", "audit", "info", "logs", "healthcheck", "health", "history", "diff", "plan") and "and" not in parts:
        return "read"
    if destroys:
        return "destroy"
    if changes:
        return "change"
    return "read" if reads else None

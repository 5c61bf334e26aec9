"""What a decision about a run needs to know beside its log, and what of it keeps a command from running as it stands."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from watchkeeper.estate.model import Policy
from watchkeeper.run.gate import Brakes
from watchkeeper.run.model import Act, Input, Preview, Run


@dataclass(frozen=True, slots=True)
class Watched:
    """How a threshold stands that a run is about."""

    #: None: nobody can see it
    firing: bool | None
    since: datetime
    sentence: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What the decision needs to know beside the log."""

    policy: Policy = field(default_factory=Policy)
    brakes: Brakes = field(default_factory=Brakes)
    #: all words the book has for the run's severity
    severities: frozenset[str] = frozenset()
    #: languages that the run's target can run
    languages: frozenset[str] = frozenset({"bash"})
    #: act -> languages of its own target, where that is another one
    languages_of: Mapping[str, frozenset[str]] = field(default_factory=dict)
    #: act -> inputs of its command that nothing fills yet
    missing: Mapping[str, tuple[Input, ...]] = field(default_factory=dict)
    #: act -> why its command takes values where only a person can give them
    refused: Mapping[str, str] = field(default_factory=dict)
    #: act -> digest of what would run now
    digests: Mapping[str, str] = field(default_factory=dict)
    #: condition act -> what the readings say of it
    readings: Mapping[str, tuple[bool | None, str]] = field(default_factory=dict)
    #: the thresholds for which the run was started, as they stand; those of its component where it has no incident
    watched: tuple[Watched, ...] = ()
    #: how long a verification may take to pass
    verify_s: float = 30.0

    def meant(self, act: Act, run: Run) -> str | None:
        """Give the digest of what an approval of an act stands for now: what would run, and what was seen that it would do."""
        digest = self.digests.get(act.key)
        return digest and sealed(digest, run.acts[act.key].preview)

    def speaks(self, act: Act, language: str) -> bool:
        """Tell whether the target of an act can run a language."""
        return language in self.languages_of.get(act.key, self.languages)


def sealed(digest: str, preview: Preview | None) -> str:
    """Give the digest of what would run together with the scope of what it would do."""
    return digest if preview is None else hashlib.sha256(f"{digest}\n{preview.scope}".encode()).hexdigest()


def obstacle(act: Act, facts: Facts) -> str:
    """Say what keeps an act's command from running as it stands."""
    if act.key in facts.refused:
        return facts.refused[act.key]
    missing = facts.missing.get(act.key)
    if missing:
        return f"nothing fills {', '.join(each.token for each in missing)}"
    command = act.command or (act.condition.command if act.condition else None)
    if command is not None and not facts.speaks(act, command.language):
        return f"{command.language} needs a bound connection"
    return command.because.rstrip(".") if command and command.because else "it would not only read"


def asks_for(missing: Iterable[Input]) -> str:
    """Say what a command needs before it can run."""
    wanted = [f"{each.token} ({each.words})" for each in missing]
    return f"It needs {', '.join(wanted)}."

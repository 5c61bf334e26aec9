"""The procedures of a runbook: the block tree goes in; procedures with their steps, and commands outside them, come out.

A procedure is the problem or the task; its stages (Symptoms, Investigation, Resolution, "Step 3: …") are folded into it,
however they are marked: as headings, bold lines, list items, comments or table columns. A section without a single
instruction is none. Nothing here runs anything or asks anybody.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from watchkeeper.book.model import Command, Procedure, Step
from watchkeeper.book.read.conditions import decide_conditions
from watchkeeper.book.read.configs import ENVIRONMENT
from watchkeeper.book.read.drafts import Draft
from watchkeeper.book.read.instructions import is_instruction, phase_of
from watchkeeper.book.read.kinds import kind_of
from watchkeeper.book.read.labels import branch_of, is_step_title, plain, platform_of, stage_of
from watchkeeper.book.read.sentences import unmarked
from watchkeeper.book.read.steps import StepReader
from watchkeeper.text.blocks import Section, Text

_NO_PROCEDURE = re.compile(
    r"\b(?:table of contents|contents|contacts?|contact information|directory|glossary|references?|related|see "
    r"also|further reading|change ?log|changelog|change history|revision history|version history|document "
    r"(?:history|control)|architecture|overview|introduction|summary|about|"
    r"templates?|roles?(?: and responsibilities)?|responsibilities|severity (?:levels?|definitions?|matrix|"
    r"classification)|classification|escalation (?:matrix|path|contacts|policy|policies|levels?|chain)|key "
    r"metrics|metrics to monitor|metrics|kpis?|thresholds?|slas?|slos?|objectives|dashboards?|"
    r"urls|links|resources|(?:communication |notification |slack |contact )?channels?|"
    r"components?|dependencies|topology|diagram|service map|log locations|configuration "
    r"files|configuration reference|best practices|lessons learned|principles|glossar|inhaltsverzeichnis|"
    r"kontakte?|ansprechpartner|architektur|übersicht|table des matières|contactos?|índice|sommaire|"
    r"tabla de contenidos?|"
    r"contenidos?|arquitectura|contatos|arquitetura|sumário|tabela de conteúdos?|"
    r"kontakty|spis treści|目次|連絡先|联系人|目录|목차|연락처)\b",
    re.IGNORECASE,
)  # fmt: skip
_QUALIFIERS = re.compile(
    r"\b(?:manual|automatic|automated|standard|normal|general|basic|full|quick|the|a|an|steps?|procedures?|"
    r"process|commands?|how to|perform(?:ing)?|execut(?:e|ing))\b",
    re.IGNORECASE,
)
_MODE = re.compile(r"\b(?:manual|automatic|automated)\b", re.IGNORECASE)
#: phases of an incident and time windows are tasks of their own, whatever their words
_PHASE = re.compile(r"^\W*phase\s*\d", re.IGNORECASE)
_WINDOW = re.compile(
    r"\([^()]*\d[^()]*(?:min|hour|h\b|day|week|stunde|tag|heure|jour|hora|día|dia|godz|分|時間|小时|분|시간)", re.IGNORECASE
)
_GROUPS = re.compile(
    r"\b(?:procedures|operations|tasks|issues|problems|scenarios|runbooks|alerts|playbooks|commands|guide|incidents|workflows|maintenance|troubleshooting|verfahren|probleme|procédures|problèmes|procedimientos|problemas|operaciones|手順書)\b",
    re.IGNORECASE,
)


@dataclass(slots=True)
class _Result:
    procedures: list[Procedure] = field(default_factory=list)
    loose: list[Command] = field(default_factory=list)


def read_procedures(text: Text) -> tuple[tuple[Procedure, ...], tuple[Command, ...]]:
    """Read all procedures, and the commands that belong to none."""
    result = _Result()
    _section(text.root, result)
    seen: set[str] = set()
    named: list[Procedure] = []
    for procedure in sorted(result.procedures, key=lambda one: one.line):
        identity, number = procedure.id, 2
        while identity in seen:
            identity, number = f"{procedure.id}-{number}", number + 1
        seen.add(identity)
        named.append(procedure if identity == procedure.id else replace(procedure, id=identity))
    return tuple(named), tuple(sorted(result.loose, key=lambda one: one.line))


def _section(section: Section, result: _Result) -> None:
    """Read a section as a topic of its own, with the stages beneath it."""
    reader = StepReader()
    reader.blocks(section.blocks)
    _below(section, reader, result)
    _finish(section, reader, result)


def _below(section: Section, reader: StepReader, result: _Result, *, inside: bool = False) -> None:
    absorbs = inside or _absorbs(section)
    numbered = _numbered_steps(section)
    for child in section.sections:
        role = _role(child, section, absorbs=absorbs, numbered=numbered)
        if role is None and inside and not _SCENARIO.match(plain(child.title)):
            troubles = sum(_names_trouble(one.title) for one in section.sections)
            role = "branch" if troubles > 1 and reader.phase == "act" and _names_trouble(child.title) else "step"
        if role is None:
            _section(child, result)
            continue
        around = reader.base
        reader.leave()
        _enter(child, role, reader)
        reader.blocks(child.blocks)
        _below(child, reader, result, inside=inside or (role == "stage" and stage_of(child.title) in _WORKING))
        reader.base = around
        reader.leave()


def _names_trouble(title: str) -> bool:
    """Say whether a heading names what is wrong rather than what to do about it."""
    said = plain(title)
    return not is_instruction(said) and stage_of(title) is None and kind_of(said, ()) in ("troubleshooting", "emergency")


def _enter(child: Section, role: str, reader: StepReader) -> None:
    reader.collecting = None
    if role == "stage":
        entered = stage_of(child.title) or "act"
        reader.enter(entered)
        if entered == "caution":
            reader.collecting = None
    elif role == "branch":
        reader.branch(branch_of(child.title, heading=True) or plain_title(child.title))
        reader.base, reader.joined = reader.when, False
    elif role == "platform":
        reader.topic(child.title, child.line)
        reader.platform = platform_of(child.title)
    else:
        title = plain(child.title)
        stage = stage_of(title)
        if stage:
            reader.enter(stage)
        reader.topic(title, child.line)
        reader.phase = None if not stage else reader.phase
        if not child.blocks and not child.sections and is_instruction(title):
            reader.add(Draft(child.line, title, source="ordered"))


_CASE = re.compile(
    r"^\W*(?:if|option|opción|opção|opcja|method(?=\s*\W?\d)|methode|méthode|método|metoda|root cause|cause|fix|falls|wenn|si)\b",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"^\s*\d+[.)]\s")


def _role(child: Section, parent: Section, *, absorbs: bool, numbered: bool) -> str | None:
    """Say what a section is to the one around it: stage, step, branch, platform; None for a topic of its own."""
    title = child.title
    if not absorbs:
        return None
    if is_step_title(title):
        return "step"
    stage = stage_of(title)
    if stage is not None and (_PHASE.match(title) or _WINDOW.search(title) or (stage == "background" and _has_fence(child))):
        return None
    if stage is not None and _is_group(child, parent):
        return None
    if stage is None and parent.level >= 2 and _is_remedy(child, parent):
        return "stage"
    if stage is not None and not (parent.level <= 1 and _NO_PROCEDURE.search(title)):
        return "stage"
    if _CASE.match(plain(title)) and branch_of(title, heading=True):
        return "branch"
    if numbered and _NUMBERED.match(title):
        return "step"
    if parent.level >= 2 and _same_topic(title, parent.title):
        return "step"
    return None


def _is_remedy(child: Section, parent: Section) -> bool:
    """Say whether a heading that no vocabulary knows is the remedy: it alone has something to do beside the symptoms."""
    if is_step_title(child.title) or _NUMBERED.match(child.title) or _SCENARIO.match(plain(child.title)):
        return False
    others = [one for one in parent.sections if one is not child]
    told = [stage_of(one.title) for one in others]
    return (
        any(stage in ("symptoms", "causes") for stage in told)
        and not any(stage in ("act", "verify") for stage in told)
        and all(
            stage is not None or not any(_has_content(below) for below in one.walk())
            for stage, one in zip(told, others, strict=True)
        )
    )


def _is_group(child: Section, parent: Section) -> bool:
    """Say whether a heading that could be a stage ("Recovery") only groups tasks: none of its own, several tasks beneath."""
    if any(block.kind in ("fence", "list", "table") for block in child.blocks):
        return False
    tasks = [below for below in child.sections if any(_has_content(one) for one in below.walk())]
    if len(tasks) < 2 or any(
        stage_of(one.title) or is_step_title(one.title) or _names_trouble(one.title) or branch_of(one.title, heading=True)
        or re.match(r"^\W*(?:option|method|\d+[.)])", one.title, re.IGNORECASE) or platform_of(one.title)
        for one in tasks
    ):  # fmt: skip
        return False
    told = [one for one in tasks if is_instruction(plain(one.title))]
    around = [stage_of(one.title) for one in parent.sections if one is not child]
    return len(told) == len(tasks) and (
        bool(_GROUPS.search(parent.title)) or not any(one in (*_WORKING, "symptoms", "causes") for one in around)
    )


_PLURAL = re.compile(r"s\b")


def _same_topic(title: str, around: str) -> bool:
    def bare(text: str) -> str:
        return _PLURAL.sub("", " ".join(_QUALIFIERS.sub(" ", plain(text).lower()).split()))

    return bool(_MODE.search(title)) and bool(bare(title)) and bare(title) == bare(around)


def _has_fence(section: Section) -> bool:
    return any(block.kind == "fence" for block in section.blocks)


def _has_content(section: Section) -> bool:
    return any(
        block.kind == "fence"
        or (block.kind == "list" and (block.info == "ordered" or any(item.checked is not None for item in block.children)))
        for top in section.blocks
        for block in top.walk()
    )


_WORKING = ("diagnose", "act", "verify")
_SCENARIO = re.compile(r"(?:scenario|case|phase|szenario|scénario|escenario|cenário|シナリオ|场景|시나리오)\b", re.IGNORECASE)


def _absorbs(section: Section) -> bool:
    """Say whether the stages under a section are its own: always for a topic, for a title page where little else is."""
    if section.level >= 2:
        return True
    stages = [child for child in section.sections if stage_of(child.title) is not None]
    working = [child for child in stages if stage_of(child.title) in _WORKING]
    if working and section.level == 1 and (len(stages) == len(section.sections) or _one_alert(section, working)):
        return True
    if not working:
        return section.level == 1 and any(is_step_title(child.title) for child in section.sections)
    for child in working:
        if _TROUBLES.search(child.title) and any(
            stage_of(below.title) is None and not is_step_title(below.title) and not branch_of(below.title, heading=True)
            for below in child.sections
        ):
            return False
        if any(
            _role(below, child, absorbs=True, numbered=False) is None and any(_has_content(one) for one in below.walk())
            for below in child.sections
        ):
            return False
    topics = [
        child
        for child in section.sections
        if child not in stages
        and not is_step_title(child.title)
        and any(_has_content(one) for one in child.walk())
        and not _NO_PROCEDURE.search(child.title)
    ]
    return len(topics) <= len(working)


def _one_alert(section: Section, working: list[Section]) -> bool:
    """Say whether a page is about one trouble: diagnosis and remedy stand beneath its title, and hardly a task beside."""
    kinds = {stage_of(child.title) for child in working}
    beside = [
        child
        for child in section.sections
        if child not in working
        and stage_of(child.title) is None
        and not _NO_PROCEDURE.search(child.title)
        and any(_has_content(one) for one in child.walk())
    ]
    return {"diagnose", "act"} <= kinds and len(working) >= 3 and len(beside) <= 1


def _numbered_steps(section: Section) -> bool:
    """Say whether the numbered headings under a section are its steps ("### 1. Stop the workers")."""
    if section.level <= 1 or _GROUPS.search(section.title):
        return False
    numbered = [child for child in section.sections if _NUMBERED.match(child.title)]
    if len(numbered) < 2 or len(numbered) < len(section.sections) / 2:
        return False
    told = [child for child in numbered if is_instruction(plain(child.title)) or stage_of(child.title)]
    return len(told) > len(numbered) / 2


def _finish(section: Section, reader: StepReader, result: _Result) -> None:
    drafts = reader.drafts
    if drafts and ENVIRONMENT.search(section.title) and all(draft.commands and _only_sets(draft.commands) for draft in drafts):
        return
    _only_real_alternatives(drafts)
    if not _is_procedure(section, reader):
        result.loose += [command for draft in drafts for command in draft.commands] + reader.loose
        return
    result.loose += reader.loose
    kept = [draft for draft in drafts if draft.told or draft.commands or draft.source == "ordered"]
    conditions = [None if draft.nested else draft.when for draft in kept]
    steps = tuple(decide_conditions(list(_steps(kept)), conditions))
    title = section.title or "Procedure"
    facts = reader.facts
    result.procedures.append(
        Procedure(
            line=section.line, end_line=section.end_line, id=slug((*section.path[1:], title)), title=plain_title(title),
            kind=kind_of(title, section.path, staged=reader.staged),
            path=section.path, symptoms=tuple(facts.symptoms), causes=tuple(facts.causes), prevention=tuple(facts.prevention),
            escalation="; ".join(facts.escalation) or None, steps=steps,
        )
    )  # fmt: skip


def _only_sets(commands: list[Command]) -> bool:
    """Say whether all that stands there is values of a file of settings."""
    return all(not command.tools and command.risk == "read" for command in commands)


def _only_real_alternatives(drafts: list[Draft]) -> None:
    """A platform is an alternative only beside another one."""
    if len({command.alternative for draft in drafts for command in draft.commands if command.alternative}) == 1:
        for draft in drafts:
            draft.commands = [replace(command, alternative=None) for command in draft.commands]


_TROUBLES = re.compile(
    r"\btroubleshoot|\b(?:common|known|frequent) (?:issues|problems|errors)|\bfehlerbehebung|häufige (?:probleme|fehler)|"
    r"\bdépannage|problèmes (?:courants|fréquents)|solución de problemas|problemas (?:comunes|frecuentes|comuns)|"
    r"resolução de problemas|rozwiązywanie problemów|トラブルシュ|故障排[查除]|常见问题|문제 ?해결",
    re.IGNORECASE,
)


_JOBS = (
    r"(?:cron(?:jobs?|tabs?)?|jobs?|timers?|scheduled tasks?|tareas?(?: programadas)?|trabajos?|tarefas?(?: agendadas)?|"
    r"tâches?(?: planifiées)?|aufgaben|zadania)"
)
_SET_UP = (
    r"(?:configured|installed|existing|configurad[oa]s?|instalad[oa]s?|existentes|configurée?s|installée?s|existantes?|"
    r"konfigurierte?r?n?|eingerichtete?r?n?|vorhandene?r?n?|skonfigurowane|istniejące)"
)
#: a list of what is there, not of what to do
_EXISTING = re.compile(rf"^(?:\w+\s+)?{_SET_UP}\s+(?:\w+\s+)?{_JOBS}\b|\b{_JOBS}\s+(?:\w+\s+)?{_SET_UP}$", re.IGNORECASE)


def _is_procedure(section: Section, reader: StepReader) -> bool:
    """Say whether somebody can carry the section out."""
    drafts = reader.drafts
    if not drafts:
        return False
    title = plain(section.title)
    if _EXISTING.search(title) and not any(draft.told and draft.source in ("ordered", "numbered") for draft in drafts):
        return False
    if any(draft.commands for draft in drafts if draft.source != "table"):
        return True
    if (not reader.staged and _NO_PROCEDURE.search(title)) or stage_of(title) in ("prerequisites", "prevention"):
        return False
    if any(draft.commands for draft in drafts):
        return True
    told = [draft for draft in drafts if draft.told]
    ordered = [draft for draft in told if draft.source in ("ordered", "numbered")]
    listed = [draft for draft in drafts if draft.source in ("ordered", "numbered")]
    if ordered and len(ordered) * 3 >= len(listed):
        return len(ordered) > 1 or any(draft.phase for draft in ordered) or bool(section.level >= 2)
    if section.path and _TROUBLES.search(section.path[-1]) and section.level >= 3 and len(told) > 1:
        return True
    if any(draft.source == "drawn" for draft in drafts):
        return True
    boxes = [draft for draft in drafts if draft.source == "box"]
    if len(boxes) > 1:
        return True
    bullets = [draft for draft in told if draft.source in ("bullet", "prose", "table", "comment")]
    return reader.staged and len([draft for draft in bullets if draft.phase in ("diagnose", "act", "verify")]) >= 2


def _steps(drafts: list[Draft]) -> Iterator[Step]:
    acted = False
    for number, draft in enumerate(drafts, 1):
        reads = bool(draft.commands) and all(command.risk == "read" for command in draft.commands)
        phase = draft.phase
        if phase is None or (phase == "act" and draft.commands and reads):
            phase = phase_of(draft.text, reads=reads, acted=acted)
        acted = acted or phase == "act"
        yield Step(
            line=draft.line, n=number, text=draft.text, phase=phase, when=draft.when and unmarked(draft.when),
            caution=draft.caution, manual=not draft.commands,
            commands=tuple(draft.commands), wait_s=draft.wait_s, condition=None,
        )  # fmt: skip


_NO_WORD = re.compile(r"[^\w]+")


def slug(titles: tuple[str, ...]) -> str:
    """Make a stable path of words from titles, outermost first."""
    parts = []
    for title in titles:
        folded = plain_title(title).casefold()
        if not folded.isascii():
            folded = unicodedata.normalize("NFKD", plain_title(title)).casefold()
            folded = "".join(char for char in folded if not unicodedata.combining(char))
        part = _NO_WORD.sub("-", folded).strip("-_")
        if part:
            parts.append(part[:60].strip("-"))
    return "/".join(parts) or "procedure"


_ENDS = re.compile(r"^[^\w(\[<`\"'$/]+|[\s:：*_]+$")


def plain_title(title: str) -> str:
    """Strip emoji and marks from the ends of a title."""
    return _ENDS.sub("", title).strip() or title

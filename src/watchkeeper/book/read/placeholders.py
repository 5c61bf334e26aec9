"""What a reader must replace or set before use: text and commands go in, each slot once, with its lines, comes out.

Marked slots (`<name>`, `[name]`, `{name}`, YYYYMMDD, your-domain.com, vol-xxx) count in commands, templates and prose;
environment variables only where no command of the same procedure sets them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from watchkeeper.book.fence_lines import startable
from watchkeeper.book.model import Command, Placeholder, Procedure
from watchkeeper.book.programs import word_set
from watchkeeper.book.slots import SHELL_OWN, SlotKind, capital_words, env_names, marked_slots, may_hold_slots
from watchkeeper.book.syntax import read_script
from watchkeeper.text.blocks import Block, Span, Text

_SAMPLES = re.compile(
    r"(?<![\w.$/<{\[-])(?:new-[a-z]+(?:-[a-z]+)*-host|suspicious-ip|suspect(?:ed)?-ip|attacker-ip|malicious-ip|server-ip|server_ip|host-ip|username|user_name|database_name|db_name|dbname|table_name|column_name|index_name|schema_name|pod-name|pod_name|container-name|container_name|container-id|container_id|service-name|service_name|"
    r"bucket-name|bucket_name|namespace-name|cluster-name|backup-file|backup_file|backup-name|deployment-name|node-name|instance-id|instance_id|resource-group|app-name|app_name|db-host|db_host|project-id|project_id|some-[a-z]+)(?![\w.@=(:-])"
)  # fmt: skip
#: each of these names has one of these in it
_IN_SAMPLES = ("-host", "_host", "-ip", "_ip", "name", "-id", "_id", "backup", "group", "some-")
#: a name in capitals that a function is given: pg_terminate_backend(PID)
_SQL_SAMPLES = re.compile(r"[A-Z](?<=\w\([A-Z])[A-Z]{2,}(?=\))")
_NO_SLOT = re.compile(
    r"^\[(?:[xX ]|p\d|sev-?\d|[^\]]*\d\d:\d\d[^\]]*|\d.*|critical|warning|info|error|debug|ok|done|todo|note|"
    r"important|tip|caution|warn|fatal|notice|trace|alert|fail(?:ed)?|passed|skip|success|high|medium|low|new|optional|required|n/a|yes|no|"
    # what became of something, as a list of work says it
    r"applied|completed?|pending|skipped|in progress|merged|implemented|deployed|tested|verified|approved|rejected|"
    r"cancell?ed|deferred|erledigt|angewendet|offen|fait|appliqué|terminé|en cours|hecho|aplicado|completado|pendiente|"
    r"feito|concluído|pendente|fatto|zrobione|完了|適用済み|未着手|已完成|완료)\]$",
    re.IGNORECASE,
)
_CONFIGURATION = word_set(
    "yaml yml json hcl toml ini nginx promql mermaid conf xml javascript js typescript ts python py go java "
    "logql kql dockerfile properties css html jsx tsx ruby php csharp rust"
)


def read_placeholders(text: Text, procedures: Sequence[Procedure], commands: Sequence[Command]) -> tuple[Placeholder, ...]:
    """Read every slot of a runbook, in the order of their first lines."""
    found: dict[str, tuple[SlotKind, list[int]]] = {}

    def keep(token: str, kind: SlotKind, line: int) -> None:
        lines = found.setdefault(token, (kind, []))[1]
        if line not in lines:
            lines.append(line)

    for group in (
        *([command for step in procedure.steps for command in step.commands] for procedure in procedures),
        list(commands),
    ):
        for token, kind, line in _of_commands(group):
            keep(token, kind, line)
    blocks = list(_blocks(text))
    links = {span.text for block in blocks for span in block.spans if span.kind == "link"}
    for block in blocks:
        for token, kind, line in _of_block(block, links):
            keep(token, kind, line)
    ordered = sorted(found.items(), key=lambda one: (min(one[1][1]), one[0]))
    return tuple(
        Placeholder(line=min(lines), token=token, kind=kind, lines=tuple(sorted(lines))) for token, (kind, lines) in ordered
    )


def _of_commands(commands: Iterable[Command]) -> Iterator[tuple[str, SlotKind, int]]:
    group = list(commands)
    shell = [command for command in group if command.language in ("bash", "powershell")]
    scripts = {id(command): read_script(command.text) for command in shell}
    sets = {name for script in scripts.values() for name in script.sets}
    for command in group:
        text = command.text
        if command.language == "bash":
            used = set(scripts[id(command)].uses)
            for name, offset in env_names(text):
                if name in sets or name in SHELL_OWN:
                    continue
                if name in used or (name.isupper() and len(name) > 2):
                    yield f"${name}", "env", command.line + text.count("\n", 0, offset)
        for token, kind, offset in marked_slots(text, in_shell=command.language != "python"):
            if kind != "bracket" or (_bracket_in_shell(token, _line_at(text, offset)) and not _NO_SLOT.match(token)):
                yield token, kind, command.line + text.count("\n", 0, offset)
        if command.language == "bash":
            for word, offset in capital_words(text):
                if word not in sets and not _is_fixed(word, text, offset):
                    yield word, "word", command.line + text.count("\n", 0, offset)
        if command.language != "python":
            for match in (*_samples(text), *_SQL_SAMPLES.finditer(text)):
                if _is_argument(text, match.start(), match.end(), command.language):
                    yield match.group(), "word", command.line + text.count("\n", 0, match.start())


def _samples(text: str) -> Iterator[re.Match[str]]:
    return _SAMPLES.finditer(text) if any(map(text.__contains__, _IN_SAMPLES)) else iter(())


def _line_at(text: str, offset: int) -> str:
    return text[text.rfind("\n", 0, offset) + 1 : (text + "\n").find("\n", offset)]


def _is_argument(text: str, start: int, end: int, language: str) -> bool:
    """Say whether a sample name stands where a value is given, not as a column or as a JSON key."""
    before, after = text[:start], text[end:]
    if re.match(r"[\"']\s*:", after) or re.match(r"\s+AS\b", after, re.IGNORECASE):
        return False
    if re.search(r"\b(?:information_schema|SELECT|UPDATE|WHERE|INSERT INTO)\b", before, re.IGNORECASE) or language == "sql":
        return (
            bool(re.search(r"(?:\b(?:ON|FROM|TABLE|INTO|UPDATE|JOIN)\s+|\w\()$", before, re.IGNORECASE))
            and "information_schema" not in text.lower()
        )
    return True


def _is_fixed(word: str, text: str, offset: int) -> bool:
    """A word in capitals that is a constant (a storage class, a state, a variable being set), not a slot."""
    after = text[offset + len(word) : offset + len(word) + 1]
    if after == "=" or not re.search(
        r"(?:^|_)(?:ID|NAME|TOKEN|KEY|HOST|IP|URL|ARN|PASSWORD|USER|DATE|VERSION|NUMBER|ADDRESS|DOMAIN|REGION|PATH|FILE|BUCKET|TAG|HASH|SHA|PORT|EMAIL|PID|SECRET)$",
        word,
    ):
        return True
    before = text[:offset]
    quotes = before.count("'") % 2 == 1 or before.count('"') % 2 == 1
    return quotes and bool(re.search(r"\b(?:grep|egrep|awk|sed|env|printenv)\b", before))


def _blocks(text: Text) -> Iterator[Block]:
    for top in text.blocks:
        yield from top.walk()


def _of_block(block: Block, links: set[str]) -> Iterator[tuple[str, SlotKind, int]]:
    if block.kind not in ("paragraph", "item", "cell", "fence", "heading") or not block.text:
        return
    if block.kind == "fence":
        code = block.info.split()[0] if block.info.split() else ""
        shell = code not in ("", "text", "txt", "markdown", "md")
        configuration = code in _CONFIGURATION
        for token, kind, offset in marked_slots(block.text, in_shell=shell and not configuration):
            line_text = _line_at(block.text, offset)
            if configuration and kind in ("bracket", "brace", "angle"):
                continue
            if kind == "bracket" and ((shell and not _bracket_in_shell(token, line_text)) or _NO_SLOT.match(token)):
                continue
            yield token, kind, block.line + block.text.count("\n", 0, offset)
        if not shell:
            for match in re.finditer(r"(?<=\S )\[[XN]\]", block.text) if "[" in block.text else ():
                yield match.group(), "bracket", block.line + block.text.count("\n", 0, match.start())
        return
    if block.kind == "heading" or "$" in block.text or may_hold_slots(block.text):
        yield from _of_words(block, links)
    for span in block.spans:
        if span.kind == "link":
            for token, kind, _ in marked_slots(span.href if span.href != span.text else span.text, in_shell=False):
                if kind == "word":
                    yield token, kind, span.line
        elif span.kind == "code":
            for token, kind, _ in marked_slots(span.text, in_shell=True):
                if kind == "brace":
                    yield token, kind, span.line
            for match in _samples(span.text) if " " in span.text else ():
                if _is_argument(span.text, match.start(), match.end(), "bash"):
                    yield match.group(), "word", span.line


def _of_words(block: Block, links: set[str]) -> Iterator[tuple[str, SlotKind, int]]:
    """Give the slots of what a block says outside of its links."""
    plain_text = "".join([_shown(span) for span in block.spans if span.kind != "link"]) if block.spans else block.text
    for token, kind, _ in marked_slots(plain_text, in_shell=False):
        if kind == "bracket" and (_NO_SLOT.match(token) or token.strip("[]") in links):
            continue
        if (
            kind == "angle"
            and block.kind == "heading"
            and len(token.split()) > 1
            and not any(span.kind == "code" for span in block.spans)
        ):
            continue
        yield token, kind, _line_of(block, token)
    for span in block.spans if "$" in plain_text else ():
        # a number to call that stands as $ONCALL_PHONE is still to be filled in; "$5" and "$HOME" are what they are
        for name, offset in env_names(span.text) if span.kind == "text" else ():
            if name.isupper() and "_" in name:
                yield f"${name}", "env", span.line + span.text.count("\n", 0, offset)


def _shown(span: Span) -> str:
    """Give a span's text; brackets in code that is no command show a format (`[level] [time] text`), not slots."""
    if span.kind != "code" or "[" not in span.text or startable(span.text, strict=True):
        return span.text
    return re.sub(r"\[[\w -]*\]", "", span.text) if span.text.count("[") > 1 else span.text


def _line_of(block: Block, token: str) -> int:
    for span in block.spans:
        if token in span.text:
            return span.line + span.text.count("\n", 0, span.text.index(token))
    return block.line


_CAPITALS = re.compile(r"(?=[A-Z]*[A-Z]{2})[A-Z][A-Z0-9]+(?:[_ -][A-Z0-9]+)*")


def _bracket_in_shell(token: str, line: str) -> bool:
    """A bracket in shell text is a slot only where it stands as a word and is no test, index, pattern or JSON."""
    inner = token[1:-1]
    if not inner.isascii() or _CAPITALS.fullmatch(inner):
        return not re.search(r"(?:jsonpath|jq|awk|grep|sed|--query|-o\s+json)", line)
    if line.lstrip().startswith(("#", "//", "--")):
        return bool(re.fullmatch(r"[A-Za-z][\w ./-]*", inner)) and ("-" in inner or "_" in inner or " " in inner)
    return bool(re.fullmatch(r"[A-Za-z][A-Za-z0-9]*(?:[-_ ][A-Za-z0-9]+)*", inner)) and not re.search(
        r"(?:jsonpath|jq|awk|grep|sed|--query|-o\s+json)", line
    )

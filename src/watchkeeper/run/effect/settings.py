"""Settings of database servers: what they are now, what they would be, and the exact words that put them back."""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any

from watchkeeper.run.effect.clients import Client, ident, literal
from watchkeeper.run.effect.model import Answers, Effect, Seen, unseen
from watchkeeper.run.effect.words import json_in

_TAKES = {
    "postmaster": "it takes a restart of the server",
    "sighup": "it takes pg_reload_conf()",
    "superuser-backend": "it holds for new sessions",
    "backend": "it holds for new sessions",
}


def of_postgres(kind: str, node: Any, client: Client) -> Effect | None:
    """Give the effect of ALTER SYSTEM; of ALTER DATABASE … SET only what it is now."""
    if kind != "alter_system_stmt" or not node.setstmt.name:
        return None
    name = node.setstmt.name
    wanted = _value(node.setstmt)
    own = (
        "SELECT json_agg(f.setting) FROM pg_catalog.pg_file_settings f "
        f"WHERE f.name = {literal(name)} AND f.sourcefile LIKE '%postgresql.auto.conf'"
    )
    public = "'now', s.setting, 'unit', s.unit, 'context', s.context"
    where = f"FROM pg_catalog.pg_settings s WHERE s.name = {literal(name)}"
    look = client.ask(f"SELECT json_build_object({public}, 'own', ({own})) {where}")
    # the file's own entries are for superusers; who is none still sees the setting
    bare = client.ask(f"SELECT json_build_object({public}) {where}")

    def read(answers: Answers) -> Seen:
        found = json_in(answers[0].output) if answers[0].ok else json_in(answers[1].output) if answers[1].ok else None
        if not isinstance(found, dict):
            return unseen(answers[0], name)
        unit = f" {found['unit']}" if found.get("unit") else ""
        takes = _TAKES.get(str(found.get("context")), "")
        text = f"{name} {found['now']}{unit} → {wanted or 'its default'}{'; ' + takes if takes else ''}."
        before = {"own": found["own"]} if "own" in found else None
        return Seen(text, f"{name} {found['now']} → {wanted}", before)

    def undo(before: Any) -> str:
        own = before["own"]
        return client.do(f"ALTER SYSTEM SET {ident(name)} = {literal(own[-1])}" if own else f"ALTER SYSTEM RESET {ident(name)}")

    def happened(before: Any, now: Seen) -> bool | None:
        if before is None or now.before is None or before == now.before or wanted is None:
            return None
        return True if now.before["own"] and now.before["own"][-1] == wanted else None

    return Effect(read, (look, bare), undo, happened, "No way back: the previous entry cannot be read.", client.language)


def _value(setting: Any) -> str | None:
    """Give the value of a SET as the settings' file has it; None for a reset."""
    parts = []
    for arg in setting.args:
        value = arg.a_const
        known = {"sval": value.sval.sval, "ival": value.ival.ival, "fval": value.fval.fval}
        parts.append(str(known.get(value.WhichOneof("val"), "")))
    return ", ".join(parts) if parts else None


def of_mysql(statement: str, client: Client) -> Effect | None:
    """Give the effect of SET GLOBAL name = value."""
    sqlglot, exp = import_module("sqlglot"), import_module("sqlglot.expressions")
    if not re.match(r"\s*SET\s+(?:GLOBAL|PERSIST|@@GLOBAL)", statement, re.IGNORECASE):
        return None
    pattern = r"\s*SET\s+(GLOBAL\s+|PERSIST\s+|@@GLOBAL\s*\.\s*)([a-z_]+)\s*:?=\s*(.+?)\s*;?\s*"
    found = re.fullmatch(pattern, statement, re.IGNORECASE | re.DOTALL)
    try:
        value_tree = sqlglot.parse_one(found[3], dialect="mysql") if found else None
    except Exception:
        value_tree = None
    if found is None or not isinstance(value_tree, exp.Literal | exp.Column | exp.Boolean | exp.Neg):
        return None
    how, name, value = found[1].strip().upper(), found[2].lower(), found[3]
    look = client.ask(f"SELECT JSON_OBJECT('now', @@GLOBAL.{name})")

    def read(answers: Answers) -> Seen:
        row = json_in(answers[0].output) if answers[0].ok else None
        if not isinstance(row, dict):
            return unseen(answers[0], name)
        return Seen(f"{name} {row['now']} → {value}.", f"{name} {row['now']} → {value}", row)

    def undo(before: Any) -> str | None:
        old = before["now"]
        if isinstance(old, str) and ("\\" in old or "'" in old):
            return None
        word = f"'{old}'" if isinstance(old, str) else str(old)
        return client.do(f"SET {how.split('@@')[-1].split('.')[0].strip()} {name} = {word}")

    return Effect(read, (look,), undo, no_way_back="No way back is known.")

"""Ending sessions: who would die, and of which backend type. A walsender is `active` too, and takes a replica with it."""

from __future__ import annotations

from collections import Counter
from importlib import import_module
from typing import Any

from watchkeeper.run.effect.clients import Client
from watchkeeper.run.effect.model import Answers, Effect, Seen, unseen
from watchkeeper.run.effect.words import counted, json_in, listed, sentence

_ENDS = {"pg_terminate_backend": "terminates", "pg_cancel_backend": "cancels the query of"}
#: what a session of such a type does for others, so that its end is felt beyond its own
_GRAVE = {
    "walsender": "a replica or a backup loses its stream",
    "autovacuum worker": "it comes back by itself",
    "parallel worker": "the query that it works for fails",
    "logical replication worker": "a subscription stops",
}
NO_WAY = "No way back: a session that ended has lost its transaction."


def of_select(tree: Any, client: Client) -> Effect | None:
    """Give the effect of a SELECT that ends sessions; None where it does something else as well."""
    postgast = import_module("postgast")
    whole = tree.stmts[0].stmt.select_stmt
    found = _ending(whole, postgast)
    if found is None:
        return None
    select, name, argument = found
    asked = postgast.parse("SELECT 1")
    inner = asked.stmts[0].stmt.select_stmt
    inner.CopyFrom(select)
    del inner.target_list[:]
    del inner.distinct_clause[:]
    inner.target_list.add().res_target.val.CopyFrom(argument)
    if whole is select and whole.HasField("with_clause"):
        inner.with_clause.CopyFrom(whole.with_clause)
    chosen = postgast.deparse(asked)
    facts = ("'pid', a.pid, 'type', a.backend_type, 'since', a.backend_start, 'user', a.usename, 'app', a.application_name, "
        "'state', a.state, 'database', a.datname")  # fmt: skip
    query = (
        f"SELECT coalesce(json_agg(json_build_object({facts}) ORDER BY a.pid), '[]') FROM pg_catalog.pg_stat_activity a "
        f"WHERE a.pid IN ({chosen}) AND a.pid <> pg_backend_pid()"
    )
    looks = (client.ask(query),)

    def read(answers: Answers) -> Seen:
        rows = json_in(answers[0].output) if answers[0].ok else None
        if not isinstance(rows, list):
            return unseen(answers[0])
        types = Counter(str(row["type"]) for row in rows)
        told = [f"{_ENDS[name]} {_types(types)}"]
        told += [f"{kind}: {why}" for kind, why in _GRAVE.items() if types[kind]]
        apps = listed(dict.fromkeys(str(row["app"]) for row in rows if row.get("app")))
        told += [f"of {apps}"] if apps else []
        before = [[row["pid"], row["since"]] for row in rows]
        return Seen(sentence(told), f"{name} {', '.join(sorted(types)) or 'nobody'}", before)

    def happened(before: Any, now: Seen) -> bool | None:
        if name != "pg_terminate_backend" or not before or now.before is None:
            return None
        return True if not any(session in now.before for session in before) else None

    return Effect(read, looks, happened=happened, no_way_back=NO_WAY)


def _types(types: Counter[str]) -> str:
    """Say how many of which type; the clients and the walsenders are said even where there are none."""
    shown = {"client backend": types["client backend"], "walsender": types["walsender"], **types}
    return ", ".join(counted(number, kind) for kind, number in shown.items())


def _ending(select: Any, postgast: Any) -> tuple[Any, str, Any] | None:
    """Find the one SELECT that ends sessions, with the function's name and its argument."""
    found = []
    for _, node in postgast.walk(select):
        if type(node).__name__ != "SelectStmt":
            continue
        for target in node.target_list:
            call = _call(target.res_target.val)
            if call is not None:
                found.append((node, *call))
    calls = [node for _, node in postgast.walk(select) if type(node).__name__ == "FuncCall" and _named(node) in _ENDS]
    return found[0] if len(found) == 1 and len(calls) == 1 else None


def _call(value: Any) -> tuple[str, Any] | None:
    if value.WhichOneof("node") != "func_call" or _named(value.func_call) not in _ENDS or not value.func_call.args:
        return None
    return _named(value.func_call), value.func_call.args[0]


def _named(call: Any) -> str:
    return str(call.funcname[-1].string.sval).lower() if call.funcname else ""


def of_mysql_kill(number: int, client: Client) -> Effect:
    """Give the effect of KILL in MySQL."""
    facts = "JSON_OBJECT('user', user, 'command', command, 'seconds', time, 'state', state)"
    look = client.ask(f"SELECT {facts} FROM information_schema.processlist WHERE id = {number}")

    def read(answers: Answers) -> Seen:
        if not answers[0].ok:
            return unseen(answers[0])
        row = json_in(answers[0].output)
        if not isinstance(row, dict):
            return Seen(f"There is no session {number}.", f"kill {number} nobody", [])
        text = f"ends session {number} of {row['user']} ({row['command']} for {counted(row['seconds'] or 0, 'second')})"
        grave = "a replica loses its stream" if str(row["command"]).startswith("Binlog Dump") else ""
        return Seen(sentence([text, grave]), f"kill {number} {row['user']} {row['command']}", [number])

    return Effect(read, (look,), happened=lambda before, now: True if before and now.before == [] else None, no_way_back=NO_WAY)

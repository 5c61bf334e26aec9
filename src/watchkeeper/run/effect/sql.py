"""SQL: rows that a statement would reach, tables and locks that it would take, settings that it would alter.

Counting uses the statement's own FROM and WHERE in a transaction that can only read and gives up after a few seconds; then the
planner's estimate has to do. PostgreSQL's grammar reads and writes the statements; MySQL and SQLite go through sqlglot.
"""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any

from watchkeeper.book.sql import assess_sql, cut_statements
from watchkeeper.run.effect import sessions, settings
from watchkeeper.run.effect.clients import Client, ident, literal
from watchkeeper.run.effect.combine import combine
from watchkeeper.run.effect.model import Answers, Effect, Look, Seen, plain, unseen
from watchkeeper.run.effect.words import counted, json_in, listed, one_line, sentence, size

ROWS_GONE = "No way back: rows that are gone come back only from a backup."
#: most rows whose previous values are kept for the way back
KEPT = 100


def of_statements(text: str, client: Client) -> Effect | None:
    """Give the effect of SQL text; None where none of its statements is understood."""
    found: list[Effect] = []
    for _, statement in cut_statements(text):
        if assess_sql(statement)[0] == "read":
            continue
        effect = _of_one(statement, client)
        found.append(effect or plain(f"No preview is known for “{one_line(statement)}”.", known=False))
    return combine(found) if any(effect.known for effect in found) else None


def _of_one(statement: str, client: Client) -> Effect | None:
    if client.dialect != "postgres":
        return _other(statement, client)
    postgast = import_module("postgast")
    try:
        tree = postgast.parse(statement)
    except Exception:
        return None
    if len(tree.stmts) != 1:
        return None
    node = tree.stmts[0].stmt
    kind = node.WhichOneof("node")
    inner = getattr(node, kind)
    if kind in ("delete_stmt", "update_stmt"):
        return _rows(statement, kind, inner, client)
    if kind == "insert_stmt":
        return _insert(inner, client)
    if kind == "select_stmt":
        return sessions.of_select(tree, client)
    if kind in ("alter_system_stmt", "alter_database_set_stmt"):
        return settings.of_postgres(kind, inner, client)
    return _table(statement, kind, inner, client)


# --- rows of PostgreSQL


def _rows(statement: str, kind: str, node: Any, client: Client) -> Effect:
    postgast = import_module("postgast")
    deletes = kind == "delete_stmt"
    alias = node.relation.alias.aliasname or node.relation.relname
    table = _name(node.relation)
    joined = list(node.using_clause if deletes else node.from_clause)
    columns = [] if deletes else sorted({target.res_target.name for target in node.target_list})
    nulls = " + ".join(f"({ident(alias)}.{ident(name)} IS NULL)::int" for name in columns) or "0"
    template = postgast.parse(f"SELECT to_jsonb({ident(alias)}) AS o, {nulls} AS n FROM x")
    select = template.stmts[0].stmt.select_stmt
    del select.from_clause[:]
    select.from_clause.add().range_var.CopyFrom(node.relation)
    for each in joined:
        select.from_clause.add().CopyFrom(each)
    if joined:
        reference = postgast.parse(f"SELECT DISTINCT ON ({ident(alias)}.ctid) 1").stmts[0].stmt.select_stmt
        select.distinct_clause.extend(reference.distinct_clause)
    if node.HasField("where_clause"):
        select.where_clause.CopyFrom(node.where_clause)
    if node.HasField("with_clause"):
        select.with_clause.CopyFrom(node.with_clause)
    chosen = postgast.deparse(template)
    asked = f"'rows', (SELECT count(*) FROM ({chosen}) q), 'cascade', ({_cascades(table)})"
    if not deletes:
        asked += f", 'key', ({_key_of(table)}), 'old', ({_old(table, columns, chosen)})"
    looks = (client.ask(f"SELECT json_build_object({asked})"), client.ask(f"EXPLAIN {statement}"))
    every = "" if node.HasField("where_clause") or joined else "every row: "
    verb = "deletes" if deletes else f"changes {', '.join(columns)} of"

    def read(answers: Answers) -> Seen:
        found = json_in(answers[0].output) if answers[0].ok else None
        scope = f"{kind} {table} {chosen}"
        if not isinstance(found, dict):
            estimate = _estimate(answers[1].output) if answers[1].ok else None
            if estimate is None:
                return unseen(answers[0])
            return Seen(
                sentence([f"{verb} about {counted(estimate, 'row')} in {table} ({every}by the planner's estimate)"]), scope
            )
        rows = int(found["rows"])
        parts = [f"{verb} {every}{counted(rows, 'row')} in {table}"]
        if deletes and found.get("cascade"):
            parts.append(f"rows that belong to them go too, in {listed(found['cascade'])}")
        return Seen(sentence(parts), f"{scope} {'nothing' if rows == 0 else 'rows'}", _kept(found, columns, rows))

    def undo(before: Any) -> str | None:
        key, old = before.get("key"), before.get("old")
        if deletes or not key or old is None:
            return None
        sets = ", ".join(f"{ident(name)} = old.{ident(name)}" for name in columns)
        where = " AND ".join(f"now.{ident(name)} = old.{ident(name)}" for name in key)
        source = f"jsonb_populate_recordset(NULL::{table}, {literal(old)}) AS old"
        return client.do(f"UPDATE {table} AS now SET {sets} FROM {source} WHERE {where}")

    def happened(before: Any, now: Seen) -> bool | None:
        # a statement may still be at work on the server, so that what is unchanged proves nothing
        return True if deletes and before and before["rows"] > 0 and now.before and now.before["rows"] == 0 else None

    no_way = ROWS_GONE if deletes else f"No way back: the previous values are kept for up to {KEPT} rows of a table with a key."
    return Effect(read, looks, undo, happened, no_way, client.language)


def _kept(found: dict[str, Any], columns: list[str], rows: int) -> dict[str, Any]:
    """Keep what the way back needs: the key and the previous values of the columns that change, of a few rows."""
    key = found.get("key")
    if not columns or not key or rows > KEPT or set(key) & set(columns):
        return {"rows": rows}
    return {"rows": rows, "key": key, "old": found.get("old")}


def _old(table: str, columns: list[str], chosen: str) -> str:
    """Ask for key and previous values as a text of JSON, which nobody but the server reads again: no figure is rounded."""
    kept = ", ".join(literal(name) for name in columns)
    names = f"ARRAY[{kept}]::text[] || ARRAY({_key_of(table, 'a.attname::text')})"
    row = f"SELECT jsonb_object_agg(e.key, e.value) FROM jsonb_each(q.o) e WHERE e.key = ANY ({names})"
    # a null of JSON and a null of SQL look alike there, so rows with the former are not put back from it
    nulls = f"SELECT count(*) FROM jsonb_each(q.o) e WHERE e.key = ANY (ARRAY[{kept}]::text[]) AND e.value = 'null'"
    exact = f"NOT EXISTS (SELECT 1 FROM ({chosen}) q WHERE q.n <> ({nulls}))"
    return f"SELECT jsonb_agg(({row}))::text FROM ({chosen} LIMIT {KEPT + 1}) q WHERE {exact}"


def _estimate(output: str) -> int | None:
    found = re.findall(r"rows=(\d+)", output)
    return int(found[1] if len(found) > 1 else found[0]) if found else None


def _key_of(table: str, what: str = "json_agg(a.attname)") -> str:
    return (
        f"SELECT {what} FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey) "
        f"WHERE i.indrelid = {literal(table)}::regclass AND i.indisprimary"
    )


def _cascades(table: str) -> str:
    return (
        "SELECT json_agg(DISTINCT k.conrelid::regclass::text) FROM pg_constraint k "
        f"WHERE k.confrelid = {literal(table)}::regclass AND k.contype = 'f' AND k.confdeltype = 'c'"
    )


def _insert(node: Any, client: Client) -> Effect | None:
    postgast = import_module("postgast")
    table = _name(node.relation)
    select = node.select_stmt.select_stmt
    if select.values_lists:
        rows = counted(len(select.values_lists), "row")
        return plain(f"Inserts {rows} into {table}.", no_way_back="No way back is known: the new rows have to be found.")
    template = postgast.parse("SELECT 1")
    template.stmts[0].stmt.select_stmt.CopyFrom(select)
    look = client.ask(f"SELECT json_build_object('rows', (SELECT count(*) FROM ({postgast.deparse(template)}) q))")

    def read(answers: Answers) -> Seen:
        found = json_in(answers[0].output) if answers[0].ok else None
        if not isinstance(found, dict):
            return unseen(answers[0])
        return Seen(f"Inserts {counted(found['rows'], 'row')} into {table}.", f"insert {table}")

    return Effect(read, (look,), no_way_back="No way back is known: the new rows have to be found.")


# --- tables of PostgreSQL


def _table(statement: str, kind: str, node: Any, client: Client) -> Effect | None:
    """Tables whose rows, size and locks matter."""
    names, verb, lock = _meant(kind, node)
    if not names:
        return None
    looks = tuple(client.ask(_state_of(name)) for name in names)

    def read(answers: Answers) -> Seen:
        parts: list[str] = []
        for name, answer in zip(names, answers, strict=True):
            found = json_in(answer.output) if answer.ok else None
            if not isinstance(found, dict):
                return unseen(answer, name)
            rows = found.get("exact")
            many = counted(rows, "row") if rows is not None else f"about {counted(max(0, found.get('rows') or 0), 'row')}"
            parts.append(f"{verb} {name} ({many}, {size(found.get('bytes') or 0)})")
            if found.get("used_by") and kind in ("truncate_stmt", "drop_stmt"):
                parts.append(f"{listed(found['used_by'])} refer to it")
            if found.get("busy"):
                parts.append(f"{counted(found['busy'], 'session')} use it now and would be waited for")
        return Seen(sentence([*parts, lock]), f"{kind} {' '.join(names)}", {"tables": len(names)})

    def happened(before: Any, now: Seen) -> bool | None:
        return True if kind == "drop_stmt" and before and now.scope == "unseen" and "does not exist" in now.sentence else None

    gone = kind in ("truncate_stmt", "drop_stmt")
    return Effect(read, looks, happened=happened, no_way_back=ROWS_GONE if gone else "No way back is known.")


def _meant(kind: str, node: Any) -> tuple[list[str], str, str]:
    alone = "nobody can read or write it meanwhile (ACCESS EXCLUSIVE)"
    if kind == "truncate_stmt":
        return [_name(each.range_var) for each in node.relations], "empties", alone
    if kind == "drop_stmt":
        tables = [each.list.items for each in node.objects if each.HasField("list")]
        names = [".".join(ident(part.string.sval) for part in items) for items in tables]
        dropped = _enum(node, "remove_type")
        return (names, "drops", alone) if dropped in ("OBJECT_TABLE", "OBJECT_INDEX", "OBJECT_MATVIEW") else ([], "", "")
    if kind == "alter_table_stmt":
        return [_name(node.relation)], "alters", f"{alone} until it is done"
    if kind == "index_stmt":
        lock = "reading and writing go on" if node.concurrent else "nobody can write it meanwhile (SHARE)"
        return [_name(node.relation)], "builds an index on", lock
    if kind == "vacuum_stmt":
        full = any(option.def_elem.defname == "full" for option in node.options)
        names = [_name(each.vacuum_relation.relation) for each in node.rels]
        verb = "rewrites" if full else "vacuums" if node.is_vacuumcmd else "analyses"
        return names, verb, alone if full else "reading and writing go on"
    if kind == "cluster_stmt" and node.HasField("relation"):
        return [_name(node.relation)], "rewrites", alone
    if kind == "reindex_stmt" and node.HasField("relation"):
        concurrently = any(option.def_elem.defname == "concurrently" for option in node.params)
        return [_name(node.relation)], "rebuilds the index of", "reading and writing go on" if concurrently else alone
    return [], "", ""


def _enum(node: Any, name: str) -> str:
    return str(node.DESCRIPTOR.fields_by_name[name].enum_type.values_by_number[getattr(node, name)].name)


def _state_of(table: str) -> str:
    name = literal(table)
    exact = f"CASE WHEN c.relkind = 'r' AND pg_relation_size(c.oid) < 100000000 THEN (SELECT count(*) FROM {table}) END"
    busy = "SELECT count(DISTINCT l.pid) FROM pg_locks l WHERE l.relation = c.oid AND l.granted AND l.pid <> pg_backend_pid()"
    used = "SELECT json_agg(DISTINCT k.conrelid::regclass::text) FROM pg_constraint k WHERE k.confrelid = c.oid"
    figures = f"'rows', c.reltuples, 'exact', {exact}, 'bytes', pg_total_relation_size(c.oid)"
    others = f"'busy', ({busy}), 'used_by', ({used} AND k.conrelid <> c.oid)"
    return f"SELECT json_build_object({figures}, {others}) FROM pg_class c WHERE c.oid = {name}::regclass"


def _name(relation: Any) -> str:
    return ".".join(ident(part) for part in (relation.catalogname, relation.schemaname, relation.relname) if part)


# --- MySQL, MariaDB and SQLite


def _other(statement: str, client: Client) -> Effect | None:
    sqlglot, exp = import_module("sqlglot"), import_module("sqlglot.expressions")
    setting = settings.of_mysql(statement, client) if client.dialect == "mysql" else None
    if setting is not None:
        return setting
    killed = re.fullmatch(r"\s*KILL\s+(?:CONNECTION\s+|QUERY\s+)?(\d+)\s*;?\s*", statement, re.IGNORECASE)
    if killed and client.dialect == "mysql":
        return sessions.of_mysql_kill(int(killed[1]), client)
    try:
        tree = sqlglot.parse_one(statement, dialect=client.dialect)
    except Exception:
        return None
    if isinstance(tree, exp.Delete | exp.Update):
        deletes, table = isinstance(tree, exp.Delete), tree.this
        select = sqlglot.select("JSON_OBJECT('rows', COUNT(*))", dialect=client.dialect).from_(table.copy())
        joined = tree.args.get("using") or tree.args.get("from") or tree.args.get("from_") or tree.args.get("joins")
        if joined or not isinstance(table, exp.Table) or table.args.get("joins"):
            return None
        if tree.args.get("where"):
            select = select.where(tree.args["where"].this.copy())
        every = "" if tree.args.get("where") else "every row: "
        verb, name = "deletes" if deletes else "changes", table.name
        limit = tree.args.get("limit")
        most = f" (at most {limit.expression.sql()})" if limit is not None and limit.expression is not None else ""
        return _told_rows(client.ask(select.sql(dialect=client.dialect)), f"{verb} {every}", f"in {name}{most}", deletes)
    if isinstance(tree, exp.Drop | exp.TruncateTable) and client.dialect == "mysql":
        tables = [table.name for table in tree.find_all(exp.Table)]
        verb = "drops" if isinstance(tree, exp.Drop) else "empties"
        if not tables or (isinstance(tree, exp.Drop) and tree.kind != "TABLE"):
            return None
        names = ", ".join(literal(name) for name in tables)
        sums = "JSON_OBJECT('rows', SUM(table_rows), 'bytes', SUM(data_length + index_length))"
        query = f"SELECT {sums} FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name IN ({names})"
        return _told_rows(client.ask(query), f"{verb} {', '.join(tables)}: about ", "", True)
    return None


def _told_rows(look: Look, front: str, back: str, gone: bool) -> Effect:
    def read(answers: Answers) -> Seen:
        found = json_in(answers[0].output) if answers[0].ok else None
        if not isinstance(found, dict):
            return unseen(answers[0])
        rows = int(found.get("rows") or 0)
        text = " ".join(f"{front}{counted(rows, 'row')} {back}".split())
        much = f" ({size(found['bytes'])})" if found.get("bytes") is not None else ""
        return Seen(sentence([text + much]), f"{front}{back} {'nothing' if rows == 0 else 'rows'}", {"rows": rows})

    def happened(before: Any, now: Seen) -> bool | None:
        return True if gone and before and before["rows"] > 0 and now.before and now.before["rows"] == 0 else None

    return Effect(read, (look,), happened=happened, no_way_back=ROWS_GONE if gone else "No way back is known.")

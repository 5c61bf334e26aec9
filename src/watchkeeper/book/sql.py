"""SQL by its own grammars: statements are cut apart, and each is judged by what it would change.

PostgreSQL's parser (postgast) reads first; what it refuses goes to sqlglot's MySQL and ClickHouse readers. Statements whose
first words already decide (DROP, VACUUM, SHOW …) need no grammar. `read` is only said of a SELECT whose every function is
known to change nothing. Neither library is imported where no SQL occurs.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from importlib import import_module

from watchkeeper.book.model import Risk
from watchkeeper.book.programs import word_set
from watchkeeper.book.sql_text import Statement, readings
from watchkeeper.book.sql_words import CHANGING, DESTROYING, FIRST_WORDS, PURE, PURE_PREFIXES, SESSION_SETTINGS

_PLACEHOLDERS = re.compile(
    r"<[^<>\n;'()=]{1,60}>|\[[A-Za-z_][\w .-]{0,60}\]|\{\{?[\w .-]+\}?\}|\$\{?\w+\}?|%\(?\w*\)?s|:'?[A-Za-z_]\w*'?"
)
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/|^\s*#[^\n]*", re.DOTALL | re.MULTILINE)
_START = re.compile(r"\s*\(*\s*([A-Za-z]+)")


@lru_cache(maxsize=8192)
def looks_like_sql(line: str) -> bool:
    """Say whether a line begins an SQL statement (rather than a sentence or a program of the same name)."""
    found = _START.match(line)
    if not found:
        return False
    word = found.group(1)
    pattern = FIRST_WORDS.get(word.upper())
    if pattern is None or (word != word.upper() and word != word.lower()):
        return False
    rest = line[found.end() :]
    return bool(re.match(pattern, rest, re.IGNORECASE)) and (word.isupper() or bool(_LOWER_PROOF.search(rest)))


_LOWER_PROOF = re.compile(r";\s*$|\bfrom\b|\(|\bwhere\b|\btable\b", re.IGNORECASE)
_DOLLAR = re.compile(r"\$\w*\$")


def statement_ends(line: str, quotes: int) -> tuple[bool, int]:
    """Say whether the line ends the statement and how many quotes are open after it."""
    bare = re.sub(r"--.*$", "", line) if quotes % 2 == 0 else line
    quotes += bare.count("'")
    return quotes % 2 == 0 and bare.rstrip().endswith((";", r"\G", r"\g", r"\gx")), quotes


def cut_statements(text: str) -> list[tuple[int, str]]:
    """Cut SQL text at its semicolons: (offset of the first line counted from 0, statement)."""
    found: list[tuple[int, str]] = []
    state, start, position, tag = "", 0, 0, ""
    while position < len(text):
        char = text[position]
        if state == "":
            if text.startswith("--", position) or (
                char == "#" and not text[text.rfind("\n", 0, position) + 1 : position].strip()
            ):
                end = text.find("\n", position)
                position = len(text) if end < 0 else end
                continue
            if char in "'\"`":
                state = char
            elif text.startswith("/*", position):
                state = "*/"
            elif char == "$" and (dollar := _DOLLAR.match(text, position)):
                state, tag = "$", dollar.group()
                position = dollar.end() - 1
            elif char == ";":
                _keep(found, text, start, position + 1)
                start = position + 1
        elif state == "$":
            if text.startswith(tag, position):
                state = ""
                position += len(tag) - 1
        elif state == "*/":
            if text.startswith("*/", position):
                state = ""
                position += 1
        elif char == state:
            state = ""
        position += 1
    _keep(found, text, start, len(text))
    return found


def _keep(found: list[tuple[int, str]], text: str, start: int, end: int) -> None:
    piece = text[start:end]
    lines = piece.split("\n")
    skipped = 0
    while lines and (not lines[0].strip() or lines[0].lstrip().startswith(("--", "#"))):
        lines.pop(0)
        skipped += 1
    body = "\n".join(lines).rstrip()
    if _COMMENT.sub("", body).strip(" \t\n;"):
        found.append((text.count("\n", 0, start) + skipped, body.strip("\n") if skipped else body.lstrip(" \t\n")))
        if not skipped and piece[: len(piece) - len(piece.lstrip())].count("\n"):
            found[-1] = (found[-1][0] + piece[: len(piece) - len(piece.lstrip())].count("\n"), found[-1][1])


@cache
def assess_sql(text: str) -> tuple[Risk, str]:
    """Say what SQL would do, with the sentence why; the worst of its statements counts."""
    order: dict[Risk, int] = {"read": 0, "change": 1, "unknown": 2, "destroy": 3}
    judged = [_assess_one(statement) for reading in readings(text) for statement in reading]
    if not judged:
        return "unknown", "There is no SQL statement in it."
    return max(judged, key=lambda one: order[one[0]])


def _assess_text(text: str) -> tuple[Risk, str]:
    """Judge what stands within another statement."""
    risks = [_assess_one(one) for one in readings(text)[0]]
    return max(risks, key=lambda one: _rank(one[0])) if risks else ("unknown", "There is no statement in it.")


#: what a statement begins with that does more than look, and what it is then
_BEGINNINGS: tuple[tuple[Risk, tuple[str, ...]], ...] = (
    ("destroy", tuple(f"{begin} " for begin in DESTROYING)),
    ("change", tuple(f"{begin} " for begin in CHANGING)),
)


_WORDS = re.compile(r"[A-Za-z_]+")


def _assess_one(statement: Statement) -> tuple[Risk, str]:
    bare = (re.sub(r"\\(?:G|g|gx)\s*$", "", statement.text) if "\\" in statement.text else statement.text).strip()
    words = _WORDS.findall(statement.plain[:400])
    upper = " ".join(words[:8]).upper() + " "
    for risk, beginnings in _BEGINNINGS:
        if upper.startswith(beginnings):
            found = next(begin.strip() for begin in beginnings if upper.startswith(begin))
            return _by_first_words(risk, found, bare, statement)
    first = words[0].upper() if words else ""
    if _LOOKS.match(bare) and "REPAIR" not in bare.upper():
        return "read", f"{' '.join(words[:2]).upper()} only looks."
    if first in ("SHOW", "DESCRIBE", "DESC", "USE", "HELP", "EXISTS", "STATUS", "LIST"):
        return "read", f"{first} only shows."
    if first == "PRAGMA" and re.search(r"[=(]", bare):
        return "change", "PRAGMA with a value alters a setting."
    if first in ("BEGIN", "COMMIT", "END", "ROLLBACK", "START", "SAVEPOINT") and not _TRANSACTION.fullmatch(bare):
        return "unknown", f"What {first} is followed by is not judged."
    if first in ("BEGIN", "COMMIT", "END", "ROLLBACK", "START", "CHECK", "CHECKPOINT", "PRAGMA", "SAVEPOINT"):
        return (
            ("read", f"{first} changes no data by itself.") if first != "CHECKPOINT" else ("change", "CHECKPOINT forces a write.")
        )
    if first == "SET" and ("(" in bare or re.match(r"SET\s+@@(?:GLOBAL|PERSIST)", bare, re.IGNORECASE)):
        return "unknown", "What is worked out for SET is not judged."
    if first == "SET":
        setting = words[1].upper() if len(words) > 1 else ""
        if setting in SESSION_SETTINGS or setting in ("LOCAL", "SESSION") or (words[1:2] and "_" in words[1]):
            return "read", "SET without GLOBAL counts for this session only."
        return "change", "SET alters a setting."
    if first == "EXPLAIN":
        inner = re.sub(
            r"^EXPLAIN\s*(\([^)]*\)|ANALYZE\b|ANALYSE\b|VERBOSE\b|FORMAT\s*=\s*\w+|EXTENDED\b|PLAN\b|PIPELINE\b|SYNTAX\b|QUERY\b)*\s*",
            "",
            bare,
            flags=re.I,
        )
        inner = re.sub(r"^(?:(?:ANALYZE|VERBOSE)\s+)+", "", inner, flags=re.I)
        options = bare[: len(bare) - len(inner)]
        executes = re.search(r"\bANALY[SZ]E\b", options, re.I)
        if not inner or re.match(r"\.\.\.|<|\[", inner) or not executes:
            return "read", "EXPLAIN only plans." if not executes else "EXPLAIN ANALYZE of a query to be filled in."
        return _assess_text(inner)
    if first in ("SELECT", "WITH", "VALUES", "TABLE"):
        return _assess_query(statement)
    return "unknown", f"No rule knows the statement {first or bare[:20]!r}."


#: what SQL Server checks or lists
_LOOKS = re.compile(
    r"DBCC\s+(?:CHECK\w+|SQLPERF\s*\(\s*LOGSPACE|OPENTRAN|SHOW\w*|INPUTBUFFER|TRACESTATUS|LOGINFO|USEROPTIONS)|"
    r"RESTORE\s+(?:VERIFYONLY|FILELISTONLY|HEADERONLY|LABELONLY)\b|(?:EXEC(?:UTE)?\s+)?sp_(?:who2?|help\w*|spaceused|lock)\b",
    re.IGNORECASE,
)  # fmt: skip
_WHOLE = re.compile(
    r"(?:SELECT\b.*\bFROM|UPDATE\b.*\bSET|DELETE\s+FROM|DBCC|ALTER|DROP|TRUNCATE|RESTORE|BACKUP|VACUUM|SHOW|EXEC)\b",
    re.IGNORECASE | re.DOTALL,
)
_GOES_ON = re.compile(
    r"(?:[,(=]|\b(?:UNION|ALL|AS|EXPLAIN|ANALYZE|IN|EXCEPT|INTERSECT|AND|OR|WHERE|FROM|JOIN|ON|SET|INTO|VALUES))\s*$",
    re.IGNORECASE,
)


def begins_another(before: str, line: str) -> bool:
    """Say whether a line begins a statement of its own though nothing ended the one before it.

    >>> begins_another("SELECT count(*) FROM orders", "SELECT count(*) FROM items")
    True
    """
    return not line[:1].isspace() and looks_like_sql(line) and bool(_WHOLE.match(before)) and not _GOES_ON.search(before)


_TRANSACTION = re.compile(
    r"(?:(?:BEGIN|START|COMMIT|END|ROLLBACK)(?:\s+(?:TRANSACTION|WORK|TRAN|AND|NO|CHAIN|READ|ONLY|WRITE|ISOLATION|LEVEL|"
    r"SERIALIZABLE|REPEATABLE|COMMITTED|UNCOMMITTED|WITH|CONSISTENT|SNAPSHOT|DEFERRABLE|IMMEDIATE|EXCLUSIVE),?)*"
    r"(?:\s+TO(?:\s+SAVEPOINT)?\s+\w+)?|SAVEPOINT\s+\w+)", re.IGNORECASE)  # fmt: skip


#: what ClickHouse is told by SYSTEM; to the client of MySQL it is a command of the machine
_SYSTEM = re.compile(
    r"SYSTEM\s+(?:RELOAD|FLUSH|SYNC|STOP|START|RESTART|RESTORE|ENABLE|DISABLE|WAIT|REFRESH|THREAD|UNFREEZE|JEMALLOC)\b",
    re.IGNORECASE,
)
#: procedures that are known
_PROCEDURES: dict[str, Risk] = {
    "mysql.rds_kill": "change",
    "mysql.rds_kill_query": "change",
    "mysql.rds_rotate_slow_log": "change",
}


def _by_first_words(risk: Risk, found: str, bare: str, statement: Statement) -> tuple[Risk, str]:
    plain = statement.plain
    if found in ("DELETE", "UPDATE") and not re.search(r"\bWHERE\b", plain, re.IGNORECASE):
        return "destroy", f"{found} without WHERE reaches every row."
    if found == "ALTER TABLE" and re.search(r"\bDROP\b|\bDELETE\b|\bTRUNCATE\b", plain, re.I):
        return "destroy", "ALTER TABLE … DROP removes data."
    if found == "MERGE" and re.search(r"\bDELETE\b", plain, re.I):
        return "destroy", "MERGE … DELETE removes data."
    if found == "DO":
        acts = any(re.search(r"\b(?:drop|delete|truncate)\b", text, re.IGNORECASE) for text in statement.strings)
        return ("destroy" if acts else "unknown"), "What a block of code does is not judged."
    if found == "CALL":
        called = re.match(r"CALL\s+([\w.]+)", plain, re.IGNORECASE)
        known = _PROCEDURES.get(called.group(1).lower()) if called else None
        return known or "unknown", "What a procedure does is not known." if known is None else "The procedure is known."
    if found == "SYSTEM" and not _SYSTEM.match(bare):
        return "unknown", "What SYSTEM runs is not known."
    inner = re.match(r"COPY\s*\((.*)\)\s*TO\b", bare, re.IGNORECASE | re.DOTALL) if found == "COPY" else None
    if inner and not re.search(r"\bTO\s+PROGRAM\b", plain, re.IGNORECASE):
        within = _assess_text(inner.group(1))
        return (
            within if _rank(within[0]) or re.search(r"\bTO\s+STDOUT\b", plain, re.I) else ("change", "COPY … TO writes a file.")
        )
    if found == "COPY" and re.search(r"\bPROGRAM\b", plain.upper()):
        return "unknown", "COPY runs a program of the server."
    if found == "COPY" and re.search(r"\bTO\s+STDOUT\b", plain, re.IGNORECASE):
        return "read", "COPY … TO STDOUT only reads the table."
    verb = {"destroy": "removes data, evidence or a way back", "change": "alters state"}[risk]
    return risk, f"{found} {verb}."


#: what begins within a word begins with it, so that only its first letter is tried
_FUNCTION = re.compile(r"((?<![A-Za-z_])(?:[A-Za-z_]\w*\s*\.\s*)*[A-Za-z_][\w$]*|\]|\\\w+)\s*\(")
_NO_FUNCTION = word_set(
    "in values any all some exists over filter within select from where and or not as on using case when then "
    "else with by having union "
    "interval distinct partition array row lateral is like ilike between except intersect join limit offset "
    "returning cast extract group grouping "
    "sets cube rollup materialized if left right inner table set decimal numeric varchar char"
)


_INTO_FILE = re.compile(r"\bINTO\s+(?:OUT|DUMP)FILE\b", re.IGNORECASE)


def _assess_query(statement: Statement) -> tuple[Risk, str]:
    if _INTO_FILE.search(statement.plain):
        return "change", "The query writes a file of the server."
    masked = _mask(statement)
    kinds = _postgres(masked)
    if kinds is None:
        kinds = _other(masked)
    if kinds is None:
        return "unknown", "The query cannot be parsed."
    if "write" in kinds:
        return ("destroy" if "delete" in kinds else "change"), "The query writes (INTO, FOR UPDATE or a data-changing WITH)."
    worst: tuple[Risk, str] | None = None
    for name in _functions(statement.plain):
        short = name.rsplit(".", 1)[-1].lower()
        if short in _FUNCTION_RISKS:
            risk = _FUNCTION_RISKS[short]
            if worst is None or _rank(risk) > _rank(worst[0]):
                worst = (
                    risk,
                    f"{short}() {_SAID[risk]}.",
                )
        elif not _pure(name.lower(), short) and worst is None:
            worst = "unknown", f"Whether {name}() changes anything is not known."
    return worst or ("read", "SELECT, and every function in it is known to change nothing.")


def _pure(name: str, short: str) -> bool:
    """Say whether a function is one of the database's own that change nothing."""
    schema = name.rpartition(".")[0]
    if schema and schema not in ("pg_catalog", "information_schema", "sys"):
        return False
    return short in PURE or (short.startswith(PURE_PREFIXES) and not _ACTS.search(short))


#: no function of the prefixes that we trust has one of these in its name
_ACTS = re.compile(r"wipe|delete|drop|purge|truncat|create|import|retile|reset|kill|terminate|update|refresh|clear|execute")


_SAID = {"read": "only reads", "change": "alters state", "destroy": "cannot be undone", "unknown": "runs what it is given"}


def _rank(risk: Risk) -> int:
    return {"read": 0, "unknown": 1, "change": 2, "destroy": 3}[risk]


_FUNCTION_RISKS: dict[str, Risk] = {
    **dict.fromkeys(word_set(
        "pg_terminate_backend pg_cancel_backend pg_reload_conf pg_switch_wal pg_switch_xlog pg_rotate_logfile "
        "pg_advisory_lock pg_advisory_unlock "
        "pg_advisory_unlock_all pg_advisory_xact_lock pg_create_restore_point "
        "pg_create_physical_replication_slot pg_create_logical_replication_slot "
        "pg_wal_replay_pause pg_wal_replay_resume pg_start_backup pg_stop_backup pg_backup_start "
        "pg_backup_stop nextval setval set_config "
        "pg_logical_emit_message pg_notify pg_prewarm pg_log_backend_memory_contexts "
        "pg_replication_slot_advance pg_import_system_collations cron.schedule "
        "create_hypertable add_retention_policy add_compression_policy compress_chunk pg_try_advisory_lock "
        "pg_export_snapshot get_lock release_lock "
        "pg_sync_replication_slots bdr_wait_slot_confirm_lsn refresh_continuous_aggregate run_job lo_create "
        "lo_import pg_wal_replay_resume sleep_for"),
        "change",
    ),
    **dict.fromkeys(word_set(
        "pg_promote pg_drop_replication_slot pg_logical_slot_get_changes pg_logical_slot_get_binary_changes "
        "pg_stat_reset pg_stat_statements_reset "
        "pg_stat_reset_shared pg_stat_reset_single_table_counters pg_stat_reset_replication_slot lo_unlink "
        "lo_put pg_file_unlink pg_file_write drop_chunks "
        "pg_replication_origin_drop load_file_into txid_reset"),
        "destroy",
    ),
    **dict.fromkeys(word_set(
        "query_to_xml database_to_xml dblink dblink_exec exec xp_cmdshell pg_execute_server_program sys_exec "
        "sys_eval"), "unknown"),
}  # fmt: skip


def _functions(plain: str) -> list[str]:
    """Give the names of all that is called in a statement."""
    return [name for name in _FUNCTION.findall(plain) if name.lower() not in _NO_FUNCTION]


def _mask(statement: Statement) -> str:
    """Give the statement with a plain name for each placeholder outside its strings."""
    parts: list[str] = []
    position, text = 0, statement.text
    for said in statement.strings:
        at = text.find(said, position) if said else -1
        if at < 0:
            continue
        parts += [_filled(text[position : at - 1]), text[at - 1 : at + len(said) + 1]]
        position = at + len(said) + 1
    return "".join([*parts, _filled(text[position:])])


def _filled(code: str) -> str:
    code = _PLACEHOLDERS.sub(
        lambda m: m.group() if m.group().startswith(":") and m.string[m.start() - 1 : m.start()] == ":" else " xx ", code
    )
    return (re.sub(r"\s*\.\.\.\s*", " ", code) if "..." in code else code).replace("…", " ")


#: without one of these words a SELECT cannot write: a data-changing WITH, INTO, FOR UPDATE
_WRITING = re.compile(r"(?<![A-Za-z_])(?:insert|update|delete|merge|into|for)(?![A-Za-z_])", re.IGNORECASE)


def _postgres(text: str) -> set[str] | None:
    postgast = import_module("postgast")
    try:
        tree = postgast.parse(text)
    except Exception:
        return None
    if len(tree.stmts) == 1 and tree.stmts[0].stmt.HasField("select_stmt") and not _WRITING.search(text):
        return set()
    found: set[str] = set()
    for _, node in postgast.walk(tree):
        kind = type(node).__name__
        if kind.endswith("Stmt") and kind not in ("RawStmt", "SelectStmt", "InsertStmt", "UpdateStmt", "MergeStmt"):
            found |= {"write", "delete"}
        if kind in ("InsertStmt", "UpdateStmt", "MergeStmt", "IntoClause", "LockingClause"):
            found.add("write")
        elif kind == "DeleteStmt":
            found |= {"write", "delete"}
    return found


def _other(text: str) -> set[str] | None:
    sqlglot, exp = import_module("sqlglot"), import_module("sqlglot.expressions")
    for dialect in ("mysql", "clickhouse", "tsql"):
        try:
            trees = sqlglot.parse(text, dialect=dialect)
        except Exception:  # noqa: S112
            continue
        if any(tree is None or isinstance(tree, exp.Command) for tree in trees):
            continue
        found: set[str] = set()
        for tree in trees:
            if tree is not None and (
                tree.find(exp.Insert, exp.Update, exp.Into, exp.Lock) or re.search(r"\bINTO\s+(OUT|DUMP)FILE\b", text, re.I)
            ):
                found.add("write")
            if tree is not None and tree.find(exp.Delete, exp.Drop):
                found |= {"write", "delete"}
        return found
    return None

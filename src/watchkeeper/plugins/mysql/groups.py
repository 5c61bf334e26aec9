"""The figures of a MySQL or MariaDB server in groups, each one statement that reads, with what becomes of its rows.

A group that the user may not see says so and gives nothing; never a 0 that nobody measured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from watchkeeper.watch.found import Found
from watchkeeper.watch.rates import Rates

Row = Mapping[str, Any]

_VARIABLES = """
select @@max_connections as most, @@log_bin as has_log, @@performance_schema as is_measured
"""
_STATUS = "show global status"
_TRANSACTIONS = """
select count(*) as transactions, max(timestampdiff(second, trx_started, now())) as longest,
       max(case when p.command = 'Sleep' then p.time end) as idle, sum(p.command = 'Sleep') as idle_open
from information_schema.innodb_trx left join information_schema.processlist p on p.id = trx_mysql_thread_id
"""
_LOCKS_MARIADB = """
select timestampdiff(second, w.trx_wait_started, now()) as waited, b.trx_mysql_thread_id as blocker, p.user as user,
       p.command as command, timestampdiff(second, b.trx_started, now()) as since, b.trx_state as state
from information_schema.innodb_lock_waits l
join information_schema.innodb_trx w on w.trx_id = l.requesting_trx_id
join information_schema.innodb_trx b on b.trx_id = l.blocking_trx_id
left join information_schema.processlist p on p.id = b.trx_mysql_thread_id
order by b.trx_state = 'LOCK WAIT', waited desc
"""
_LOCKS_MYSQL = """
select timestampdiff(second, w.trx_wait_started, now()) as waited, b.trx_mysql_thread_id as blocker, p.user as user,
       p.command as command, timestampdiff(second, b.trx_started, now()) as since, b.trx_state as state
from performance_schema.data_lock_waits l
join information_schema.innodb_trx w on w.trx_id = l.requesting_engine_transaction_id
join information_schema.innodb_trx b on b.trx_id = l.blocking_engine_transaction_id
left join information_schema.processlist p on p.id = b.trx_mysql_thread_id
order by b.trx_state = 'LOCK WAIT', waited desc
"""
_METRICS_MYSQL = """
select name, count from information_schema.innodb_metrics where name in ('lock_deadlocks', 'trx_rseg_history_len')
"""
_SIZES = """
select table_schema as place, table_name as name, data_length + index_length as bytes,
       sum(case when table_schema = database() then data_length + index_length end) over () as mine,
       sum(data_length + index_length) over () as everything
from information_schema.tables where table_type = 'BASE TABLE' order by bytes desc limit 1
"""
_STATEMENTS = """
select digest_text as text, count_star as calls, avg_timer_wait / 1e12 as mean, max_timer_wait / 1e12 as longest
from performance_schema.events_statements_summary_by_digest
where digest_text regexp '^(select|insert|update|delete|replace|with)' and count_star > 0 order by avg_timer_wait desc limit 1
"""


@dataclass(frozen=True, slots=True)
class Group:
    """Some figures that are read together."""

    name: str
    sql: str
    read: Callable[[list[Row], Found, Rates], None]
    #: reads files or many rows: at most once in a while
    costly: bool = False
    #: for which of the two it is; None: both
    server: Literal["mariadb", "mysql"] | None = None
    #: the variable that must be on
    needs: Literal["has_log", "is_measured"] | None = None
    #: what it is to be asked with where the server does not know `sql`
    older: str | None = None


def read_status(rows: list[Row], found: Found, rates: Rates, most: float) -> None:
    """Take the server's own counters."""
    status = {str(row["Variable_name"]).casefold(): _number(row["Value"]) for row in rows}
    now = found.now_s

    def rate(*names: str, per: float = 1.0) -> float | None:
        known = [value for name in names if (value := status.get(name)) is not None]
        risen = rates.per_second(names[0], now, sum(known)) if known else None
        return None if risen is None else risen * per

    # our own connection is one of those that it counts
    connected, running = (
        None if (value := status.get(name)) is None else max(0.0, value - 1.0)
        for name in ("threads_connected", "threads_running")
    )
    found.put(
        connections=connected,
        connections_percent=None if connected is None else 100.0 * connected / max(1.0, most),
        connections_running=running,
        aborted_connects_per_minute=rate("aborted_connects", per=60),
        aborted_clients_per_minute=rate("aborted_clients", per=60),
        refused_connects_per_minute=rate("connection_errors_max_connections", per=60),
        queries_per_s=rate("questions"),
        commits_per_s=rate("com_commit"),
        rollbacks_per_s=rate("com_rollback"),
        slow_queries_per_s=rate("slow_queries"),
        deadlocks_per_minute=rate("innodb_deadlocks", per=60),
        lock_waits=status.get("innodb_row_lock_current_waits"),
        lock_waits_per_s=rate("innodb_row_lock_waits"),
        history_length=status.get("innodb_history_list_length"),
        replicas=status.get("slaves_connected"),
        uptime_seconds=status.get("uptime"),
    )
    asked, missed = status.get("innodb_buffer_pool_read_requests"), status.get("innodb_buffer_pool_reads")
    if asked and missed is not None:
        recent = rates.share_percent("pool", now, max(0.0, asked - missed), missed)
        found.put(buffer_pool_hit_percent=recent if recent is not None else 100.0 * max(0.0, asked - missed) / asked)


def _transactions(rows: list[Row], found: Found, rates: Rates) -> None:
    row = rows[0]
    found.put(
        long_transaction_seconds=_number(row["longest"]) or 0.0,
        idle_in_transaction_seconds=_number(row["idle"]) or 0.0,
        connections_idle_in_transaction=_number(row["idle_open"]) or 0.0,
    )


def _locks(rows: list[Row], found: Found, rates: Rates) -> None:
    found.put(lock_wait_seconds=max((_number(row["waited"]) or 0.0 for row in rows), default=0.0))
    blockers: dict[Any, str] = {}
    for row in rows:
        doing = "idle in transaction" if row["command"] == "Sleep" else str(row["state"]).lower()
        blockers.setdefault(row["blocker"], f"{row['blocker']} ({row['user']}, {doing}, for {row['since']} s)")
    if blockers:
        found.notes.insert(0, f"{len(rows)} wait for a lock; blocked by {', '.join(list(blockers.values())[:5])}")


def _metrics(rows: list[Row], found: Found, rates: Rates) -> None:
    counts = {row["name"]: _number(row["count"]) or 0.0 for row in rows}
    deadlocks = rates.per_second("lock_deadlocks", found.now_s, counts.get("lock_deadlocks", 0.0))
    found.put(
        deadlocks_per_minute=None if deadlocks is None else 60 * deadlocks, history_length=counts.get("trx_rseg_history_len")
    )


def _replicas(rows: list[Row], found: Found, rates: Rates) -> None:
    found.put(replicas=len(rows))


def read_replica(rows: list[Row], found: Found, rates: Rates) -> None:
    """Take how a replica is doing, in the older or the newer words; of several channels the worst."""
    lags: list[float | None] = []
    works = {"io": True, "sql": True}
    for row in rows:
        told = {str(name).casefold(): value for name, value in row.items()}
        channel = str(told.get("channel_name") or told.get("connection_name") or "")
        lags.append(_number(_first(told, "seconds_behind_source", "seconds_behind_master")))
        for thread in works:
            state = str(_first(told, f"replica_{thread}_running", f"slave_{thread}_running"))
            works[thread] = works[thread] and state == "Yes"
            # the statement that failed may hold what is nobody's business
            problem = str(told.get(f"last_{thread}_error") or "").split(" Query: ")[0]
            if state != "Yes" or problem:
                said = f": {' '.join(problem.split())[:160]}" if problem else ""
                found.notes.insert(0, f"{f'channel {channel}, ' if channel else ''}the {thread.upper()} thread is {state}{said}")
    if rows:
        known = [lag for lag in lags if lag is not None]
        lag = max(known) if known and len(known) == len(lags) else None
        found.put(replica_io=works["io"], replica_sql=works["sql"], replication_lag_seconds=lag)


def _logs(rows: list[Row], found: Found, rates: Rates) -> None:
    found.put(binary_log_bytes=sum(_number(row.get("File_size")) or 0.0 for row in rows))


def _sizes(rows: list[Row], found: Found, rates: Rates) -> None:
    for row in rows:
        found.put(database_bytes=_number(row["mine"]), databases_bytes=_number(row["everything"]))
        found.put(largest_table_bytes=_number(row["bytes"]))
        found.notes.append(f"largest table: {row['place']}.{row['name']}")


def _statements(rows: list[Row], found: Found, rates: Rates) -> None:
    for row in rows:
        mean, longest = _number(row["mean"]), _number(row["longest"])
        found.put(slow_query_mean_seconds=mean, slow_query_max_seconds=longest, slow_query_calls=_number(row["calls"]))
        found.notes.append(f"slowest statement: {' '.join(str(row['text']).split())[:100]} ({mean or 0.0:.3g} s a call)")


def _first(told: Mapping[str, Any], *names: str) -> Any:
    return next((told[name] for name in names if name in told), None)


def _number(value: Any) -> float | None:
    try:
        return None if value is None else float(value)
    except (TypeError, ValueError):
        return None


VARIABLES, STATUS = _VARIABLES, _STATUS
GROUPS: tuple[Group, ...] = (
    Group("transactions", _TRANSACTIONS, _transactions),
    Group("locks", _LOCKS_MARIADB, _locks, server="mariadb"),
    Group("locks", _LOCKS_MYSQL, _locks, server="mysql"),
    Group("deadlocks", _METRICS_MYSQL, _metrics, server="mysql"),
    Group("replication", "show replicas", _replicas, server="mysql", older="show slave hosts"),
    Group("replication", "show all slaves status", read_replica, server="mariadb"),
    Group("replication", "show replica status", read_replica, server="mysql", older="show slave status"),
    Group("logs", "show binary logs", _logs, costly=True, needs="has_log"),
    Group("sizes", _SIZES, _sizes, costly=True),
    Group("statements", _STATEMENTS, _statements, costly=True, needs="is_measured"),
)
NAMES = tuple(dict.fromkeys(group.name for group in GROUPS))

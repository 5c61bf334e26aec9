"""The figures of a PostgreSQL server in groups, each one statement that reads, with what becomes of its row.

A group that the role may not see says so and gives nothing; never a 0 that nobody measured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from watchkeeper.plugins.postgres.memory import Memory
from watchkeeper.watch.found import Found

Row = Mapping[str, Any]

_ACTIVITY = """
select /* watchkeeper */ count(*) as connections,
       count(*) filter (where state = 'active') as active,
       count(*) filter (where state like 'idle%') as idle,
       count(*) filter (where state like 'idle in transaction%') as idle_open,
       bool_or(query = '<insufficient privilege>') as hidden,
       current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
           - coalesce(current_setting('reserved_connections', true)::int, 0) as most,
       coalesce(extract(epoch from max(clock_timestamp() - xact_start) filter (where state <> 'idle')), 0)::float as longest,
       coalesce(extract(epoch from max(clock_timestamp() - query_start) filter (where state = 'active')), 0)::float as query,
       coalesce(extract(epoch from max(clock_timestamp() - state_change)
           filter (where state like 'idle in transaction%')), 0)::float as idle_longest,
       pg_is_in_recovery() as is_replica
from pg_stat_activity
where pid <> pg_backend_pid() and datid is not null and coalesce(backend_type, 'client backend') = 'client backend'
"""
_DATABASES = """
select /* watchkeeper */ sum(xact_commit)::float as commits, sum(xact_rollback)::float as rollbacks,
       sum(deadlocks)::float as deadlocks, sum(blks_hit)::float as hits, sum(blks_read)::float as misses,
       sum(temp_bytes)::float as temporary
from pg_stat_database
"""
_REPLICAS = """
select /* watchkeeper */ pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint as position, count(*) as replicas,
       count(*) filter (where state = 'streaming') as streaming,
       min(pg_wal_lsn_diff(replay_lsn, '0/0'))::bigint as replayed,
       max(extract(epoch from replay_lag))::float as lag
from pg_stat_replication
"""
_REPLICA = """
select /* watchkeeper */
       case when pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() and exists (select from pg_stat_wal_receiver) then 0
            else extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp()) end::float as lag,
       pg_wal_lsn_diff(pg_last_wal_receive_lsn(), '0/0')::bigint as received,
       pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::bigint as replayed,
       exists (select from pg_stat_wal_receiver) as receives
"""
_SLOTS = """
select /* watchkeeper */ count(*) as slots, count(*) filter (where not active) as inactive,
       count(*) filter (where wal_status = 'lost') as lost,
       max(pg_wal_lsn_diff(here, restart_lsn))::float as retained,
       (array_agg(slot_name order by restart_lsn nulls last))[1] as worst
from pg_replication_slots,
     (select case when pg_is_in_recovery() then pg_last_wal_receive_lsn() else pg_current_wal_lsn() end as here) as position
"""
_LOCKS = """
with waiting as (
    select l.pid, min({waits_since}) as since
    from pg_locks l left join pg_stat_activity a on a.pid = l.pid where not l.granted group by l.pid
), blocking as (
    select distinct unnest(pg_blocking_pids(pid)) as pid
    from (select pid from waiting order by since nulls last limit 20) as oldest
)
select /* watchkeeper */ (select count(*) from waiting)::int as waiting,
       (select extract(epoch from max(clock_timestamp() - since)) from waiting)::float as longest,
       array(select format('%s (%s%s)', b.pid, coalesce(a.usename, 'prepared transaction'),
                 case when a.state is null then '' else ', ' || a.state end
                 || coalesce(', for ' || round(extract(epoch from clock_timestamp() - a.xact_start)) || ' s', ''))
             from blocking b left join pg_stat_activity a on a.pid = b.pid
             order by b.pid in (select pid from waiting), a.xact_start limit 5) as blockers
"""
_WRAPAROUND = """
select /* watchkeeper */ datname as name, greatest(age(datfrozenxid), mxid_age(datminmxid))::float as age
from pg_database order by 2 desc limit 1
"""
_ARCHIVER = """
select /* watchkeeper */ current_setting('archive_mode') as mode, failed_count::float as failures,
       extract(epoch from clock_timestamp() - last_archived_time)::float as age,
       coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false) as failing, last_failed_wal as failed_file
from pg_stat_archiver
"""
_WAITING_FILES = """
select /* watchkeeper */ case when current_setting('archive_mode') <> 'off' then count(*) end as files
from pg_ls_archive_statusdir() where name like '%.ready'
"""
_TABLES = """
select /* watchkeeper */ relid::regclass::text as name, n_dead_tup::float as dead, n_live_tup::float as live,
       sum(n_dead_tup) over ()::float as all_dead,
       extract(epoch from clock_timestamp() - greatest(last_autovacuum, last_vacuum))::float as vacuumed
from pg_stat_user_tables
order by case when n_live_tup + n_dead_tup < 1000 then 0 else n_dead_tup::float / (n_live_tup + n_dead_tup) end desc,
         n_dead_tup desc
limit 1
"""
_SIZES = """
select /* watchkeeper */ pg_database_size(current_database())::float as database, t.name, t.bytes
from (select null) as one left join lateral (
    select c.oid::regclass::text as name, pg_total_relation_size(c.oid)::float as bytes from pg_class c
    where c.relkind in ('r', 'm') order by c.relpages desc limit 1) as t on true
"""
_ALL_SIZES = """
select /* watchkeeper */ sum(pg_database_size(oid))::float as all_databases from pg_database where datallowconn
"""
_STATEMENTS = """
select /* watchkeeper */ queryid::text as id, userid::text as role, dbid::text as database, calls::float as calls,
       total_exec_time::float / 1000 as took, mean_exec_time::float / 1000 as mean, max_exec_time::float / 1000 as longest,
       case when mean_exec_time = max(mean_exec_time) over ()
            then substring(query from '^\\s*(?:(?:select|insert|update|delete|with|merge)\\y.*)') end as query
from pg_stat_statements
where calls > 0 and query not like '%/* watchkeeper */%'
order by total_exec_time desc limit 5000
"""


@dataclass(frozen=True, slots=True)
class Group:
    """Some figures that are read together."""

    name: str
    sql: str
    read: Callable[[list[Row], Found, Memory], None]
    #: reads files or many rows: at most once in a while
    costly: bool = False
    #: where it can be asked; None: on a primary and on a replica
    on_replica: bool | None = None
    #: the setting or extension without which there is nothing to read
    extension: str | None = None

    def statement(self, version: int) -> str:
        """Give its statement in the words of a server's version."""
        since = "coalesce(l.waitstart, a.query_start)" if version >= 140_000 else "a.query_start"
        return self.sql.replace("{waits_since}", since)


def read_activity(rows: list[Row], found: Found, memory: Memory) -> bool:
    """Take the connections; gives whether the server is a replica."""
    row = rows[0]
    found.put(connections=row["connections"], connections_percent=100.0 * row["connections"] / max(1, row["most"]))
    if row["hidden"]:
        found.notes.append("this role may not see what other roles' connections do (grant pg_monitor)")
    else:
        found.put(
            connections_active=row["active"],
            connections_idle=row["idle"],
            connections_idle_in_transaction=row["idle_open"],
            long_transaction_seconds=row["longest"],
            long_query_seconds=row["query"],
            idle_in_transaction_seconds=row["idle_longest"],
        )
    return bool(row["is_replica"])


def _databases(rows: list[Row], found: Found, memory: Memory) -> None:
    row, now, rates = rows[0], found.now_s, memory.rates
    deadlocks, temporary = rates.per_second("deadlocks", now, row["deadlocks"]), rates.per_second("temp", now, row["temporary"])
    rolled_back = rates.share_percent("transactions", now, row["rollbacks"], row["commits"])
    found.put(
        commits_per_s=rates.per_second("commits", now, row["commits"]),
        rollbacks_per_s=rates.per_second("rollbacks", now, row["rollbacks"]),
        rollback_percent=rolled_back,
        deadlocks_per_minute=None if deadlocks is None else 60 * deadlocks,
        temporary_bytes_per_s=temporary,
    )
    hit = rates.share_percent("blocks", now, row["hits"], row["misses"])
    asked = row["hits"] + row["misses"]
    found.put(cache_hit_percent=hit if hit is not None else 100.0 * row["hits"] / asked if asked else None)


def _replicas(rows: list[Row], found: Found, memory: Memory) -> None:
    row = rows[0]
    found.put(replicas=row["replicas"])
    if row["replayed"] is None:
        hidden = "this role may not see how far replicas are (grant pg_monitor)"
        found.notes.append(hidden if row["replicas"] else "no replica is connected")
        return
    behind = max(0, row["position"] - row["replayed"])
    measured = memory.lag.measure(found.now_s, row["position"], row["replayed"])
    found.put(replicas_streaming=row["streaming"], replication_lag_bytes=behind)
    found.put(replication_lag_seconds=max(measured, row["lag"] or 0.0) if behind else 0.0)


def _replica(rows: list[Row], found: Found, memory: Memory) -> None:
    row = rows[0]
    found.put(replica_receives=row["receives"])
    lag = row["lag"]
    if row["received"] is not None and row["replayed"] is not None:
        found.put(replication_lag_bytes=max(0, row["received"] - row["replayed"]))
        measured = memory.lag.measure(found.now_s, row["received"], row["replayed"])
        # a replica that has replayed no transaction since it was started does not know when the last one was
        lag = max(lag or 0.0, measured) or lag
    found.put(replication_lag_seconds=lag)
    if not row["receives"]:
        found.notes.append("this replica receives nothing from its primary")


def _slots(rows: list[Row], found: Found, memory: Memory) -> None:
    row = rows[0]
    found.put(slots_inactive=row["inactive"], slots_lost=row["lost"], slots_retained_bytes=row["retained"])
    if row["inactive"]:
        found.notes.append(
            f"{row['inactive']} of {row['slots']} replication slots have nobody, the one furthest back is {row['worst']}"
        )


def _locks(rows: list[Row], found: Found, memory: Memory) -> None:
    row = rows[0]
    found.put(lock_waits=row["waiting"], lock_wait_seconds=(row["longest"] or 0.0) if row["waiting"] else 0.0)
    if row["waiting"]:
        blockers = ", ".join(row["blockers"]) or "nobody who is still there"
        longest = f", the longest for {row['longest']:.0f} s" if row["longest"] is not None else ""
        found.notes.insert(0, f"{row['waiting']} wait for a lock{longest}; blocked by {blockers}")


def _wraparound(rows: list[Row], found: Found, memory: Memory) -> None:
    if rows:
        found.put(wraparound_percent=100.0 * rows[0]["age"] / 2**31)
        if rows[0]["age"] > 2**30:
            found.notes.append(f"nearest to wraparound is the database {rows[0]['name']}")


def _archiver(rows: list[Row], found: Found, memory: Memory) -> None:
    row = rows[0]
    if row["mode"] == "off":
        return
    failures = memory.rates.rise("archive failures", found.now_s, row["failures"])
    found.put(archive_age_seconds=row["age"], archive_failing=row["failing"], archive_failures=failures[0] if failures else None)
    if row["failing"]:
        found.notes.insert(0, f"WAL archiving fails since {row['failed_file']}")


def _waiting_files(rows: list[Row], found: Found, memory: Memory) -> None:
    found.put(archive_waiting=rows[0]["files"])


def _tables(rows: list[Row], found: Found, memory: Memory) -> None:
    if not rows:
        return
    row = rows[0]
    total = row["dead"] + row["live"]
    found.put(dead_rows=row["all_dead"], dead_rows_percent=100.0 * row["dead"] / total if total >= 1_000 else 0.0)
    found.put(vacuum_age_seconds=row["vacuumed"])
    if total >= 1_000 and row["dead"] > 0.2 * total:
        since = "never vacuumed" if row["vacuumed"] is None else f"vacuumed {row['vacuumed'] / 3600:.1f} h ago"
        found.notes.append(f"most dead rows: {row['name']} ({100 * row['dead'] / total:.0f} %, {since})")


def _sizes(rows: list[Row], found: Found, memory: Memory) -> None:
    row = rows[0]
    found.put(database_bytes=row["database"], largest_table_bytes=row["bytes"])
    if row["name"]:
        found.notes.append(f"largest table: {row['name']}")


def _all_sizes(rows: list[Row], found: Found, memory: Memory) -> None:
    found.put(databases_bytes=rows[0]["all_databases"])


def _statements(rows: list[Row], found: Found, memory: Memory) -> None:
    if not rows:
        return
    keys = [((str(r["id"]), r["role"], r["database"]), r["calls"], r["took"]) for r in rows]
    found.put(slow_query_seconds=memory.slowest_now(keys))
    slowest = max(rows, key=lambda row: float(row["mean"]))
    found.put(
        slow_query_mean_seconds=slowest["mean"], slow_query_max_seconds=slowest["longest"], slow_query_calls=slowest["calls"]
    )
    text = " ".join((slowest["query"] or "").split())[:100]
    found.notes.append(f"slowest statement: {text or slowest['id']} ({slowest['mean']:.3g} s a call)")


GROUPS: tuple[Group, ...] = (
    Group("databases", _DATABASES, _databases),
    Group("replication", _REPLICAS, _replicas, on_replica=False),
    Group("replication", _REPLICA, _replica, on_replica=True),
    Group("slots", _SLOTS, _slots),
    Group("locks", _LOCKS, _locks),
    Group("wraparound", _WRAPAROUND, _wraparound, costly=True),
    Group("archiving", _ARCHIVER, _archiver),
    Group("archiving", _WAITING_FILES, _waiting_files, costly=True, on_replica=False),
    Group("tables", _TABLES, _tables, costly=True),
    Group("sizes", _SIZES, _sizes, costly=True),
    Group("sizes", _ALL_SIZES, _all_sizes, costly=True),
    Group("statements", _STATEMENTS, _statements, costly=True, extension="pg_stat_statements"),
)
ACTIVITY = Group("connections", _ACTIVITY, lambda rows, found, memory: None)
NAMES = tuple(dict.fromkeys(group.name for group in GROUPS))

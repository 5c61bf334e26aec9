"""Takes the figures of a Redis server's INFO and CLUSTER INFO. What the server says enters, readings leave."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from watchkeeper.watch.found import Found
from watchkeeper.watch.rates import Rates

_ALL_SLOTS = 16_384


def read_info(info: Mapping[str, Any], found: Found, rates: Rates, now: float) -> None:
    """Take memory, clients, keys, persistence and replication; `now` is used where the server does not tell its own time."""
    _memory_and_clients(info, found)
    _counters(info, found, rates)
    _persistence(info, found, _number(info.get("server_time_usec")) / 1e6 if "server_time_usec" in info else now)
    _replication(info, found)


def read_cluster(told: Any, found: Found) -> None:
    """Take the state of the cluster, as text or as redis-py's table."""
    if told is None:
        return
    if isinstance(told, bytes | str):
        text = told.decode(errors="replace") if isinstance(told, bytes) else told
        told = dict(line.split(":", 1) for line in text.split() if ":" in line)
    is_ok = told.get("cluster_state") == "ok"
    failing = _number(told.get("cluster_slots_fail")) + _number(told.get("cluster_slots_pfail"))
    found.put(cluster_ok=is_ok, cluster_slots_failing=failing)
    assigned = _number(told.get("cluster_slots_assigned"))
    if assigned < _ALL_SLOTS:
        found.notes.insert(0, f"{_ALL_SLOTS - assigned:.0f} slots of the cluster belong to no node")


def _memory_and_clients(info: Mapping[str, Any], found: Found) -> None:
    used, most = _number(info.get("used_memory")), _number(info.get("maxmemory"))
    clients, most_clients = _number(info.get("connected_clients")), _number(info.get("maxclients"))
    found.put(memory_bytes=used, memory_percent=100.0 * used / most if most else None)
    found.put(clients=clients, clients_percent=100.0 * clients / most_clients if most_clients else None)
    found.put(clients_blocked=_number(info.get("blocked_clients")))
    if "mem_fragmentation_ratio" in info:
        found.put(fragmentation_ratio=_number(info["mem_fragmentation_ratio"]))
    databases = [value for name, value in info.items() if name.startswith("db") and isinstance(value, Mapping)]
    found.put(keys=sum(_number(value.get("keys")) for value in databases))


def _counters(info: Mapping[str, Any], found: Found, rates: Rates) -> None:
    now = found.now_s
    hits, misses = _number(info.get("keyspace_hits")), _number(info.get("keyspace_misses"))
    recent = rates.share_percent("lookups", now, hits, misses)
    found.put(hit_percent=recent if recent is not None else 100.0 * hits / (hits + misses) if hits + misses else None)
    evicted = rates.rise("evicted", now, _number(info.get("evicted_keys")))
    found.put(evictions=evicted[0] if evicted else 0.0, evictions_per_s=evicted[0] / evicted[1] if evicted else None)
    refused = rates.per_second("refused", now, _number(info.get("rejected_connections")))
    found.put(
        clients_refused_per_minute=None if refused is None else 60 * refused,
        commands_per_s=rates.per_second("commands", now, _number(info.get("total_commands_processed"))),
        expired_per_s=rates.per_second("expired", now, _number(info.get("expired_keys"))),
    )


def _persistence(info: Mapping[str, Any], found: Found, now: float) -> None:
    if "rdb_last_bgsave_status" in info:
        is_ok = info["rdb_last_bgsave_status"] == "ok"
        found.put(save_ok=is_ok, changes_unsaved=_number(info.get("rdb_changes_since_last_save")))
        found.put(save_age_seconds=max(0.0, now - _number(info.get("rdb_last_save_time"))))
        if not is_ok:
            found.notes.insert(0, "the last snapshot could not be written")
    if _number(info.get("aof_enabled")):
        states = {name: info.get(f"aof_last_{name}_status", "ok") for name in ("write", "bgrewrite")}
        found.put(aof_ok=all(state == "ok" for state in states.values()))
        found.notes += [f"the append-only file: its last {name} failed" for name, state in states.items() if state != "ok"]


def _replication(info: Mapping[str, Any], found: Found) -> None:
    found.put(replicas=_number(info.get("connected_slaves")))
    if info.get("role") == "slave":
        is_linked = info.get("master_link_status") == "up"
        heard = info.get("master_last_io_seconds_ago" if is_linked else "master_link_down_since_seconds")
        found.put(replica_link=is_linked, replication_lag_seconds=_number(heard) if heard is not None and heard != -1 else None)
        if not is_linked:
            found.notes.insert(0, "this replica has no link to its primary")
        return
    replicas = [v for name, v in info.items() if name.startswith("slave") and isinstance(v, Mapping) and "offset" in v]
    if replicas:
        offset = _number(info.get("master_repl_offset"))
        found.put(replication_lag_bytes=max(max(0.0, offset - _number(each["offset"])) for each in replicas))
        found.put(replication_lag_seconds=max(_number(each.get("lag")) for each in replicas))


def _number(value: Any) -> float:
    """Give a figure as a number; 0 where there is none."""
    try:
        number = float(value or 0)
    except (TypeError, ValueError):
        return 0.0
    return number if math.isfinite(number) else 0.0

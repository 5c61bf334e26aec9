"""Takes the figures of a Redis server's INFO and CLUSTER INFO. What the server says enters, readings leave.

What a server does not say (some hosts of Redis leave fields out) gives no reading: it is not 0.
"""

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
    told = _number(info.get("server_time_usec"))
    _persistence(info, found, now if told is None else told / 1e6)
    _replication(info, found)


def read_cluster(told: Any, found: Found) -> None:
    """Take the state of the cluster, as text or as redis-py's table."""
    if told is None:
        return
    if isinstance(told, bytes | str):
        text = told.decode(errors="replace") if isinstance(told, bytes) else told
        told = dict(line.split(":", 1) for line in text.split() if ":" in line)
    is_ok = told.get("cluster_state") == "ok"
    failed, failing = _number(told.get("cluster_slots_fail")), _number(told.get("cluster_slots_pfail"))
    found.put(cluster_ok=is_ok, cluster_slots_failing=None if failed is None or failing is None else failed + failing)
    assigned = _number(told.get("cluster_slots_assigned"))
    if assigned is not None and assigned < _ALL_SLOTS:
        found.notes.insert(0, f"{_ALL_SLOTS - assigned:.0f} slots of the cluster belong to no node")


def _memory_and_clients(info: Mapping[str, Any], found: Found) -> None:
    used, most = _number(info.get("used_memory")), _number(info.get("maxmemory"))
    clients, most_clients = _number(info.get("connected_clients")), _number(info.get("maxclients"))
    found.put(memory_bytes=used, memory_percent=100.0 * used / most if used is not None and most else None)
    found.put(clients=clients, clients_percent=100.0 * clients / most_clients if clients is not None and most_clients else None)
    found.put(clients_blocked=_number(info.get("blocked_clients")))
    found.put(fragmentation_ratio=_number(info.get("mem_fragmentation_ratio")))
    # a server without keys says nothing of databases
    keys = [_number(value.get("keys")) for name, value in info.items() if name.startswith("db") and isinstance(value, Mapping)]
    found.put(keys=None if None in keys else sum(each or 0.0 for each in keys))


def _counters(info: Mapping[str, Any], found: Found, rates: Rates) -> None:
    now = found.now_s
    hits, misses = _number(info.get("keyspace_hits")), _number(info.get("keyspace_misses"))
    if hits is not None and misses is not None:
        recent = rates.share_percent("lookups", now, hits, misses)
        found.put(hit_percent=recent if recent is not None else 100.0 * hits / (hits + misses) if hits + misses else None)

    def rise(name: str, field: str) -> tuple[float, float] | None:
        value = _number(info.get(field))
        return None if value is None else rates.rise(name, now, value)

    evicted, refused = rise("evicted", "evicted_keys"), rise("refused", "rejected_connections")
    commands, expired = rise("commands", "total_commands_processed"), rise("expired", "expired_keys")
    found.put(
        evictions=evicted[0] if evicted else None,
        evictions_per_s=evicted[0] / evicted[1] if evicted else None,
        clients_refused_per_minute=60 * refused[0] / refused[1] if refused else None,
        commands_per_s=commands[0] / commands[1] if commands else None,
        expired_per_s=expired[0] / expired[1] if expired else None,
    )


def _persistence(info: Mapping[str, Any], found: Found, now: float) -> None:
    if "rdb_last_bgsave_status" in info:
        is_ok = info["rdb_last_bgsave_status"] == "ok"
        found.put(save_ok=is_ok, changes_unsaved=_number(info.get("rdb_changes_since_last_save")))
        saved = _number(info.get("rdb_last_save_time"))
        found.put(save_age_seconds=None if saved is None else max(0.0, now - saved))
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
        found.put(replica_link=is_linked, replication_lag_seconds=_number(heard) if heard != -1 else None)
        if not is_linked:
            found.notes.insert(0, "this replica has no link to its primary")
        return
    replicas = [v for name, v in info.items() if name.startswith("slave") and isinstance(v, Mapping) and "offset" in v]
    if replicas:
        offset = _number(info.get("master_repl_offset"))
        offsets = [_number(each["offset"]) for each in replicas]
        known = [max(0.0, offset - each) for each in offsets if offset is not None and each is not None]
        lags = [lag for each in replicas if (lag := _number(each.get("lag"))) is not None]
        # while one of them says nothing, nobody knows how far the worst is behind
        found.put(replication_lag_bytes=max(known) if len(known) == len(replicas) else None)
        found.put(replication_lag_seconds=max(lags) if len(lags) == len(replicas) else None)


def _number(value: Any) -> float | None:
    """Give a figure as a number; None where there is none."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None

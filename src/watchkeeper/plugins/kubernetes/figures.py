"""What a cluster says of its workloads, pods, autoscalers and nodes, and the readings that follow. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Object = Mapping[str, Any]

_WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet")
#: why a container waits, where it does not begin by itself
_BACK_OFF = ("CrashLoopBackOff",)
_NO_IMAGE = ("ImagePullBackOff", "ErrImagePull", "InvalidImageName", "ErrImageNeverPull")
_SHOWN = 5


@dataclass(slots=True)
class Told:
    """What is to be said, by what it is said of; each is a sentence with the first few names."""

    names: dict[str, list[str]] = field(default_factory=dict)

    def of(self, what: str, name: str) -> None:
        """Name one."""
        self.names.setdefault(what, []).append(name)

    def sentences(self) -> list[str]:
        """Give the sentences."""
        found = []
        for what, names in self.names.items():
            more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
            found.append(f"{what}: {', '.join(names[:_SHOWN])}{more}")
        return found


def readings_of(
    objects: Sequence[Object], wanted: Sequence[str], now: datetime, window_s: float
) -> tuple[dict[str, float], Told]:
    """Give the readings of what was listed, and what is to be said of it."""
    told = Told()
    values = _workloads([each for each in objects if each.get("kind") in _WORKLOADS], wanted, told)
    values |= _pods(pods_of(objects), told, now, window_s)
    values |= _autoscalers([each for each in objects if each.get("kind") == "HorizontalPodAutoscaler"], told)
    nodes = [each for each in objects if each.get("kind") == "Node"]
    if nodes:
        away = [_name(node) for node in nodes if _condition(node, "Ready") != "True"]
        values |= {"nodes": float(len(nodes)), "nodes_not_ready": float(len(away))}
        for name in away:
            told.of("nodes not ready", name)
    return values, told


def restarts_of(objects: Sequence[Object]) -> dict[str, float]:
    """Give how often each container was restarted, by its pod and its name."""
    found: dict[str, float] = {}
    for pod in pods_of(objects):
        for status in _statuses(pod):
            found[f"{_meta(pod).get('uid') or _name(pod)}/{status.get('name')}"] = _count(status.get("restartCount"))
    return found


def pods_of(objects: Sequence[Object]) -> list[Object]:
    """Give the pods that are to run: neither leaving nor done."""
    pods = [each for each in objects if each.get("kind") == "Pod"]
    return [pod for pod in pods if not _meta(pod).get("deletionTimestamp") and _status(pod).get("phase") != "Succeeded"]


def ready_and_wanted(workload: Object) -> tuple[float, float]:
    """Give how many pods of a workload are ready, and how many it wants."""
    status = _status(workload)
    if workload.get("kind") == "DaemonSet":
        return _count(status.get("numberReady")), _count(status.get("desiredNumberScheduled"))
    wanted = (workload.get("spec") or {}).get("replicas")
    return _count(status.get("readyReplicas")), 1.0 if wanted is None else _count(wanted)


def is_stuck(workload: Object) -> bool:
    """Say whether a rollout has given up: its deadline passed without progress."""
    conditions = _status(workload).get("conditions") or []
    return any(
        each.get("type") == "Progressing" and each.get("status") == "False" and each.get("reason") == "ProgressDeadlineExceeded"
        for each in conditions
    )


def called(workload: Object) -> str:
    """Give the name by which the configuration calls a workload: a deployment's own, else with its kind before it."""
    kind = str(workload.get("kind", ""))
    return _name(workload) if kind == "Deployment" else f"{kind.casefold()}/{_name(workload)}"


def slug(name: str) -> str:
    """Give the name that a workload's readings begin with.

    >>> slug("statefulset/db-main")
    'statefulset_db_main'
    """
    return re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_") or "workload"


def _workloads(found: Sequence[Object], wanted: Sequence[str], told: Told) -> dict[str, float]:
    by_name = {called(each): each for each in found}
    chosen = {name: by_name[name] for name in wanted if name in by_name} if wanted else by_name
    missing = [name for name in wanted if name not in by_name]
    values: dict[str, float] = {}
    for name in missing:
        values[f"{slug(name)}_up"] = 0.0
        told.of("not there", name)
    short = stuck = 0
    least = 100.0
    for name, each in chosen.items():
        ready, asked = ready_and_wanted(each)
        share = 100.0 * min(1.0, ready / asked) if asked else 100.0
        least = min(least, share)
        values |= {f"{slug(name)}_ready": ready, f"{slug(name)}_wanted": asked, f"{slug(name)}_ready_percent": share}
        values[f"{slug(name)}_up"] = float(ready > 0 or not asked)
        if ready < asked:
            short += 1
            told.of("pods short", f"{name} has {ready:g} of {asked:g}")
        if is_stuck(each):
            stuck += 1
            told.of("rollouts stuck", name)
    least = 0.0 if missing else least
    ups = [values[f"{slug(name)}_up"] for name in (*chosen, *missing)]
    values |= {"workloads": float(len(ups)), "workloads_short": float(short + len(missing)), "rollouts_stuck": float(stuck)}
    if not ups:
        # a namespace that is not there looks just so: nothing that is up is not the same as all being up
        told.of("nothing to look at", "no workload is in this namespace")
        return values
    return values | {"up": float(all(ups)), "ready_percent": least}


def _pods(pods: Sequence[Object], told: Told, now: datetime, window_s: float) -> dict[str, float]:
    not_ready = [pod for pod in pods if _condition(pod, "Ready") != "True"]
    counts = {"pods_not_ready": not_ready, "pods_pending": [pod for pod in pods if _status(pod).get("phase") == "Pending"]}
    looping = [pod for pod in pods if any(reason in _BACK_OFF for reason in _waiting(pod))]
    no_image = [pod for pod in pods if any(reason in _NO_IMAGE for reason in _waiting(pod))]
    killed = [pod for pod in pods if _was_killed_for_memory(pod, now, window_s)]
    for what, found in (
        ("pending", counts["pods_pending"]),
        ("crash looping", looping),
        ("without their image", no_image),
        ("out of memory", killed),
    ):
        for pod in found:
            told.of(what, _name(pod))
    if not any((counts["pods_pending"], looping, no_image, killed)):
        for pod in not_ready:
            told.of("pods not ready", _name(pod))
    values = {name: float(len(found)) for name, found in counts.items()}
    values |= {"pods": float(len(pods)), "pods_crash_looping": float(len(looping)), "pods_without_image": float(len(no_image))}
    return values | {"pods_oom_killed": float(len(killed))}


def _autoscalers(found: Sequence[Object], told: Told) -> dict[str, float]:
    at_limit = 0
    for each in found:
        most, now = (each.get("spec") or {}).get("maxReplicas"), _status(each).get("currentReplicas")
        # at its limit it stands also where no more is wanted; it is limited where the cluster says so
        limited = any(
            one.get("type") == "ScalingLimited" and one.get("status") == "True" and one.get("reason") == "TooManyReplicas"
            for one in _status(each).get("conditions") or []
        )
        if limited or (most is not None and _count(now) >= _count(most) > 0):
            at_limit += 1
            told.of("autoscalers at their limit", f"{_name(each)} ({_count(now):g} of {_count(most):g})")
    return {"autoscalers": float(len(found)), "autoscalers_at_limit": float(at_limit)} if found else {}


def _waiting(pod: Object) -> Iterator[str]:
    for status in _statuses(pod):
        yield str(((status.get("state") or {}).get("waiting") or {}).get("reason", ""))


def _was_killed_for_memory(pod: Object, now: datetime, window_s: float) -> bool:
    for status in _statuses(pod):
        for state in (status.get("state") or {}, status.get("lastState") or {}):
            ended = state.get("terminated") or {}
            if ended.get("reason") == "OOMKilled" and (now - _time(ended.get("finishedAt"), now)).total_seconds() <= window_s:
                return True
    return False


def _statuses(pod: Object) -> list[Object]:
    status = _status(pod)
    found = [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]
    return [each for each in found if isinstance(each, dict)]


def _condition(item: Object, kind: str) -> str | None:
    conditions = _status(item).get("conditions") or []
    return next((str(each.get("status")) for each in conditions if isinstance(each, dict) and each.get("type") == kind), None)


def _status(item: Object) -> Mapping[str, Any]:
    found = item.get("status")
    return found if isinstance(found, dict) else {}


def _meta(item: Object) -> Mapping[str, Any]:
    found = item.get("metadata")
    return found if isinstance(found, dict) else {}


def _name(item: Object) -> str:
    return str(_meta(item).get("name", "?"))


def _count(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0


def _time(stamp: Any, otherwise: datetime) -> datetime:
    try:
        found = datetime.fromisoformat(str(stamp))
    except ValueError:
        return otherwise
    return found if found.tzinfo is not None else otherwise

"""The tables that `kubectl get` prints, as a server makes them. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from store import Object

Row = list[Any]
_NAME = ("Name", "string", 0)


def table(plural: str, items: list[Object], version: str, now: datetime, *, full: bool = False) -> Object:
    """Give objects as a table; `full` puts the whole objects into it, else their metadata."""
    columns, cells = _TABLES.get(plural, ((("Age", "string", 0),), lambda item, now: [age(item, now)]))
    defined = [
        {"name": name, "type": kind, "format": "name" if name == "Name" else "", "description": "", "priority": rank}
        for name, kind, rank in (_NAME, *columns)
    ]
    rows = []
    for item in items:
        shown = item if full else {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": item["metadata"]}
        rows.append({"cells": [item["metadata"]["name"], *cells(item, now)], "object": shown})
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {"resourceVersion": version},
        "columnDefinitions": defined,
        "rows": rows,
    }


def age(item: Object, now: datetime) -> str:
    """Give how old an object is."""
    return since(item["metadata"].get("creationTimestamp"), now)


def since(stamp: Any, now: datetime) -> str:
    """Give the time since an instant, short.

    >>> since("2026-01-01T00:00:00Z", datetime.fromisoformat("2026-01-01T00:05:07Z"))
    '5m7s'
    """
    if not stamp:
        return "<unknown>"
    seconds = max(0, int((now - datetime.fromisoformat(str(stamp))).total_seconds()))
    if seconds < 120:
        return f"{seconds}s"
    if seconds < 600:
        return f"{seconds // 60}m{seconds % 60}s" if seconds % 60 else f"{seconds // 60}m"
    if seconds < 10_800:
        return f"{seconds // 60}m"
    return f"{seconds // 3_600}h" if seconds < 172_800 else f"{seconds // 86_400}d"


def pod_state(pod: Object) -> str:
    """Give a pod's state in a word, as the STATUS column says it."""
    if pod["metadata"].get("deletionTimestamp"):
        return "Terminating"
    for status in pod["status"].get("containerStatuses") or []:
        state = status.get("state") or {}
        for kind in ("waiting", "terminated"):
            if kind in state:
                return str(state[kind].get("reason") or kind.capitalize())
    return str(pod["status"].get("phase", "Unknown"))


def _pod(pod: Object, now: datetime) -> Row:
    statuses = pod["status"].get("containerStatuses") or []
    ready, restarts = sum(bool(each["ready"]) for each in statuses), sum(each["restartCount"] for each in statuses)
    where = [pod["status"].get("podIP") or "<none>", pod["spec"].get("nodeName") or "<none>", "<none>", "<none>"]
    return [f"{ready}/{len(statuses)}", pod_state(pod), str(restarts), age(pod, now), *where]


def _containers(item: Object) -> list[str]:
    containers = item["spec"]["template"]["spec"].get("containers") or []
    return [",".join(each["name"] for each in containers), ",".join(str(each.get("image", "")) for each in containers)]


def _labels(selector: Object | None) -> str:
    return ",".join(f"{key}={value}" for key, value in ((selector or {}).get("matchLabels") or {}).items()) or "<none>"


def _deployment(item: Object, now: datetime) -> Row:
    status = item.get("status") or {}
    shown = f"{status.get('readyReplicas', 0)}/{item['spec'].get('replicas', 1)}"
    counts = [status.get("updatedReplicas", 0), status.get("availableReplicas", 0)]
    return [shown, *counts, age(item, now), *_containers(item), _labels(item["spec"].get("selector"))]


def _replica_set(item: Object, now: datetime) -> Row:
    status = item.get("status") or {}
    counts = [item["spec"].get("replicas", 0), status.get("replicas", 0), status.get("readyReplicas", 0)]
    return [*counts, age(item, now), *_containers(item), _labels(item["spec"].get("selector"))]


def _service(item: Object, now: datetime) -> Row:
    spec = item["spec"]
    ports = ",".join(f"{each['port']}/{each.get('protocol', 'TCP')}" for each in spec.get("ports") or []) or "<none>"
    selector = ",".join(f"{key}={value}" for key, value in (spec.get("selector") or {}).items()) or "<none>"
    return [spec.get("type", "ClusterIP"), spec.get("clusterIP", "None"), "<none>", ports, age(item, now), selector]


def _autoscaler(item: Object, now: datetime) -> Row:
    spec, status = item["spec"], item.get("status") or {}
    goal = next(
        (each["resource"]["target"].get("averageUtilization") for each in spec.get("metrics") or [] if each.get("resource")), None
    )
    current = next(
        (each["resource"]["current"]["averageUtilization"] for each in status.get("currentMetrics") or []), "<unknown>"
    )
    targets = f"cpu: {current}{'%' if current != '<unknown>' else ''}/{goal}%" if goal else "<unknown>"
    name = f"{spec['scaleTargetRef']['kind']}/{spec['scaleTargetRef']['name']}"
    return [
        name,
        targets,
        str(spec.get("minReplicas", 1)),
        str(spec["maxReplicas"]),
        status.get("currentReplicas", 0),
        age(item, now),
    ]


def _event(item: Object, now: datetime) -> Row:
    of = item["involvedObject"]
    return [
        since(item["lastTimestamp"], now),
        item["type"],
        item["reason"],
        f"{of['kind'].lower()}/{of['name']}",
        item["message"],
    ]


def _node(item: Object, now: datetime) -> Row:
    ready = next(each for each in item["status"]["conditions"] if each["type"] == "Ready")["status"] == "True"
    shown = ("Ready" if ready else "NotReady") + (",SchedulingDisabled" if (item.get("spec") or {}).get("unschedulable") else "")
    return [shown, "control-plane", age(item, now), item["status"]["nodeInfo"]["kubeletVersion"]]


def _job(item: Object, now: datetime) -> Row:
    status = item.get("status") or {}
    ended = next((each["type"] for each in status.get("conditions") or [] if each["type"] in ("Complete", "Failed")), "Running")
    end = status.get("completionTime")
    until = datetime.fromisoformat(end) if end else now
    lasted = since(status.get("startTime"), until) if status.get("startTime") else ""
    return [ended, f"{status.get('succeeded', 0)}/{item['spec'].get('completions', 1)}", lasted, age(item, now)]


def _words(*names: str) -> tuple[tuple[str, str, int], ...]:
    """Give columns; one whose name begins with * is shown only by -o wide."""
    return tuple((name.lstrip("*"), "string", int(name.startswith("*"))) for name in names)


_TABLES: dict[str, tuple[tuple[tuple[str, str, int], ...], Callable[[Object, datetime], Row]]] = {
    "pods": (_words("Ready", "Status", "Restarts", "Age", "*IP", "*Node", "*Nominated Node", "*Readiness Gates"), _pod),
    "deployments": (_words("Ready", "Up-to-date", "Available", "Age", "*Containers", "*Images", "*Selector"), _deployment),
    "replicasets": (_words("Desired", "Current", "Ready", "Age", "*Containers", "*Images", "*Selector"), _replica_set),
    "services": (_words("Type", "Cluster-IP", "External-IP", "Port(s)", "Age", "*Selector"), _service),
    "horizontalpodautoscalers": (_words("Reference", "Targets", "MinPods", "MaxPods", "Replicas", "Age"), _autoscaler),
    "events": (_words("Last Seen", "Type", "Reason", "Object", "Message"), _event),
    "nodes": (_words("Status", "Roles", "Age", "Version"), _node),
    "namespaces": (_words("Status", "Age"), lambda item, now: [item.get("status", {}).get("phase", "Active"), age(item, now)]),
    "configmaps": (_words("Data", "Age"), lambda item, now: [len(item.get("data") or {}), age(item, now)]),
    "secrets": (
        _words("Type", "Data", "Age"),
        lambda item, now: [item.get("type", "Opaque"), len(item.get("data") or {}), age(item, now)],
    ),
    "jobs": (_words("Status", "Completions", "Duration", "Age"), _job),
}

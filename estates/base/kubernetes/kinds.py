"""The kinds of objects that the cluster knows, and what it tells kubectl of them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of object."""

    group: str
    version: str
    plural: str
    name: str
    short: tuple[str, ...] = ()
    namespaced: bool = True
    scaled: bool = False
    categories: tuple[str, ...] = ()

    @property
    def group_version(self) -> str:
        """Give what stands as apiVersion."""
        return f"{self.group}/{self.version}" if self.group else self.version


_ALL = ("all",)
KINDS = (
    Kind("", "v1", "namespaces", "Namespace", ("ns",), namespaced=False),
    Kind("", "v1", "nodes", "Node", ("no",), namespaced=False),
    Kind("", "v1", "persistentvolumes", "PersistentVolume", ("pv",), namespaced=False),
    Kind("", "v1", "pods", "Pod", ("po",), categories=_ALL),
    Kind("", "v1", "services", "Service", ("svc",), categories=_ALL),
    Kind("", "v1", "endpoints", "Endpoints", ("ep",)),
    Kind("", "v1", "configmaps", "ConfigMap", ("cm",)),
    Kind("", "v1", "secrets", "Secret"),
    Kind("", "v1", "events", "Event", ("ev",)),
    Kind("", "v1", "serviceaccounts", "ServiceAccount", ("sa",)),
    Kind("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", ("pvc",)),
    Kind("", "v1", "limitranges", "LimitRange", ("limits",)),
    Kind("", "v1", "resourcequotas", "ResourceQuota", ("quota",)),
    Kind("apps", "v1", "deployments", "Deployment", ("deploy",), scaled=True, categories=_ALL),
    Kind("apps", "v1", "replicasets", "ReplicaSet", ("rs",), scaled=True, categories=_ALL),
    Kind("apps", "v1", "statefulsets", "StatefulSet", ("sts",), scaled=True, categories=_ALL),
    Kind("apps", "v1", "daemonsets", "DaemonSet", ("ds",), categories=_ALL),
    Kind("apps", "v1", "controllerrevisions", "ControllerRevision"),
    Kind("batch", "v1", "jobs", "Job", categories=_ALL),
    Kind("batch", "v1", "cronjobs", "CronJob", ("cj",), categories=_ALL),
    Kind("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", ("hpa",), categories=_ALL),
    Kind("networking.k8s.io", "v1", "ingresses", "Ingress", ("ing",)),
    Kind("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", ("netpol",)),
    Kind("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", ("pdb",)),
    Kind("coordination.k8s.io", "v1", "leases", "Lease"),
)
_METRICS = ("metrics.k8s.io/v1beta1", (("nodes", "NodeMetrics", False), ("pods", "PodMetrics", True)))
BY_PLACE = {(kind.group_version, kind.plural): kind for kind in KINDS}
BY_PLURAL = {kind.plural: kind for kind in KINDS}


def groups() -> dict[str, Any]:
    """Give the list of groups, as /apis says it."""
    found = []
    for group_version in dict.fromkeys(kind.group_version for kind in KINDS if kind.group):
        found.append(_group(group_version))
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [*found, _group(_METRICS[0])]}


def resources(group_version: str) -> dict[str, Any] | None:
    """Give the kinds of one group, as /apis/GROUP/VERSION says it; None where there is no such group."""
    found: list[dict[str, Any]] = []
    for kind in KINDS:
        if kind.group_version != group_version:
            continue
        one = {"name": kind.plural, "singularName": kind.name.lower(), "namespaced": kind.namespaced, "kind": kind.name}
        found.append({**one, "verbs": list(_VERBS), "shortNames": list(kind.short), "categories": list(kind.categories)})
        found.append({**one, "name": f"{kind.plural}/status", "singularName": "", "verbs": ["get", "patch", "update"]})
        if kind.scaled:
            scale = {"kind": "Scale", "group": "autoscaling", "version": "v1", "verbs": ["get", "patch", "update"]}
            found.append({**one, "name": f"{kind.plural}/scale", "singularName": "", **scale})
        if kind.plural == "pods":
            for part, says in (("exec", "PodExecOptions"), ("log", "Pod"), ("portforward", "PodPortForwardOptions")):
                found.append({**one, "name": f"pods/{part}", "singularName": "", "kind": says, "verbs": ["create", "get"]})
    if group_version == _METRICS[0]:
        for plural, name, namespaced in _METRICS[1]:
            found.append({"name": plural, "singularName": "", "namespaced": namespaced, "kind": name, "verbs": ["get", "list"]})
    if not found:
        return None
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": found}


def open_api(group_version: str) -> dict[str, Any]:
    """Describe a group so far that kubectl knows which of its kinds are checked by the server itself."""
    checked = {"name": "fieldValidation", "in": "query", "schema": {"type": "string"}}
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    for kind in KINDS:
        if kind.group_version == group_version:
            of = {"group": kind.group, "version": kind.version, "kind": kind.name}
            where = f"{_root(group_version)}{'/namespaces/{namespace}' if kind.namespaced else ''}/{kind.plural}/{{name}}"
            ok = {"200": {"description": "OK"}}
            paths[where] = {
                "patch": {"parameters": [checked], "x-kubernetes-group-version-kind": of, "responses": ok},
            }
            schemas[f"{kind.group_version.replace('/', '.')}.{kind.name}"] = {
                "type": "object",
                "x-kubernetes-group-version-kind": [of],
                "x-kubernetes-preserve-unknown-fields": True,
            }
    about = {"title": "Kubernetes", "version": "v1.32.4"}
    return {"openapi": "3.0.0", "info": about, "paths": paths, "components": {"schemas": schemas}}


def open_api_index() -> dict[str, Any]:
    """List where each group is described."""
    versions = dict.fromkeys(kind.group_version for kind in KINDS)
    return {"paths": {_root(each).strip("/"): {"serverRelativeURL": f"/openapi/v3{_root(each)}?hash=1"} for each in versions}}


def _root(group_version: str) -> str:
    return f"/apis/{group_version}" if "/" in group_version else f"/api/{group_version}"


def _group(group_version: str) -> dict[str, Any]:
    version = {"groupVersion": group_version, "version": group_version.split("/")[1]}
    return {"name": group_version.split("/")[0], "versions": [version], "preferredVersion": version}

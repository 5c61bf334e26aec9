"""What a container looks like as a pod, and what a pod's template asks of a container. Pure."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from store import Object

#: labels of containers that the cluster made
POD, OWNER, NAMESPACE, HASH = (f"estate.kubernetes/{name}" for name in ("pod", "owner", "namespace", "hash"))
_OF_IMAGE = ("Cmd", "Entrypoint", "WorkingDir", "User", "Healthcheck", "StopSignal", "ExposedPorts", "Volumes")
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"


def service_of(workload: Object, template: Object) -> str:
    """Give the compose service whose containers are a workload's pods: its annotation, else its first container's name."""
    annotated = (workload["metadata"].get("annotations") or {}).get("estate/service")
    containers = template.get("spec", {}).get("containers") or [{}]
    return str(annotated or containers[0].get("name") or workload["metadata"]["name"])


def template_hash(template: Object) -> str:
    """Give the short name of a template; equal templates have equal names."""
    return _short(json.dumps(template, sort_keys=True), 10)


def pod_name(owner: str, part: str, container: str) -> str:
    """Give the name of the pod that a container is."""
    return "-".join(each for each in (owner, part, _short(container, 5)) if each)


def pod_of(
    found: Object, owner: Object, template: Object, name: str, part: str, restarts: Mapping[str, Any], node: str
) -> Object:
    """Give a container, as the engine describes it, as a pod of its owner."""
    state, labels = found["State"], {**(template.get("metadata", {}).get("labels") or {})}
    if part:
        labels["pod-template-hash"] = part
    networks = (found.get("NetworkSettings") or {}).get("Networks") or {}
    ip = next((each["IPAddress"] for each in networks.values() if each.get("IPAddress")), "")
    spec = copy.deepcopy(template.get("spec") or {})
    container = (spec.get("containers") or [{"name": "main"}])[0]
    container["image"] = container.get("image") or found["Config"]["Image"]
    spec |= {"nodeName": node, "containers": [container], "restartPolicy": spec.get("restartPolicy", "Always")}
    said, ready, phase = _container_state(state, restarts)
    status: Object = {
        "name": container["name"],
        "ready": ready,
        "restartCount": restarts.get("count", 0),
        "image": container["image"],
    }
    status |= {"imageID": found["Image"], "containerID": f"docker://{found['Id']}", "started": bool(state.get("Running"))}
    status |= {"state": said, "lastState": restarts.get("last") or {}}
    yes = "True" if ready else "False"
    began = _seconds(found["Created"])
    conditions = [{"type": kind, "status": "True", "lastTransitionTime": began} for kind in ("PodScheduled", "Initialized")]
    conditions += [{"type": kind, "status": yes, "lastTransitionTime": began} for kind in ("ContainersReady", "Ready")]
    annotations = template.get("metadata", {}).get("annotations") or {}
    metadata = {"name": name, "namespace": owner["metadata"]["namespace"], "labels": labels, "annotations": annotations}
    metadata |= {"creationTimestamp": began, "uid": _uid(found["Id"]), "ownerReferences": [reference(owner)]}
    told = {
        "phase": phase,
        "podIP": ip,
        "hostIP": "127.0.0.1",
        "startTime": began,
        "qosClass": "Burstable",
        "conditions": conditions,
    }
    return {"metadata": metadata, "spec": spec, "status": {**told, "containerStatuses": [status]}}


def waiting_pod(owner: Object, template: Object, name: str, part: str, reason: str, message: str, began: str) -> Object:
    """Give a pod that has no container yet, with the reason."""
    spec = copy.deepcopy(template.get("spec") or {})
    labels = {**(template.get("metadata", {}).get("labels") or {}), "pod-template-hash": part}
    container = spec["containers"][0]
    status = {"name": container["name"], "ready": False, "restartCount": 0, "image": container["image"], "imageID": ""}
    status["state"] = {"waiting": {"reason": reason, "message": message}}
    metadata = {"name": name, "namespace": owner["metadata"]["namespace"], "labels": labels, "creationTimestamp": began}
    metadata |= {"uid": _uid(name), "ownerReferences": [reference(owner)]}
    conditions = [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": "False"}]
    return {
        "metadata": metadata,
        "spec": spec,
        "status": {"phase": "Pending", "conditions": conditions, "containerStatuses": [status]},
    }


def reference(owner: Object) -> Object:
    """Give how an object names the one to which it belongs."""
    names = {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": owner["metadata"]["name"]}
    return {**names, "uid": owner["metadata"]["uid"], "controller": True, "blockOwnerDeletion": True}


def is_ready(pod: Object) -> bool:
    """Say whether a pod is ready and stays."""
    conditions = pod["status"].get("conditions") or []
    stays = not pod["metadata"].get("deletionTimestamp")
    return stays and any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def container_for(
    pattern: Object, image: Object, template: Object, environment: Mapping[str, str], number: int, labels: Mapping[str, str]
) -> tuple[str, Object]:
    """Give name and description of a container like the pattern, with what the template asks for instead.

    What the pattern has from its image is left out, so that another image brings its own.
    """
    config, of_image = copy.deepcopy(pattern["Config"]), image.get("Config") or {}
    for name in _OF_IMAGE:
        if config.get(name) == of_image.get(name):
            config.pop(name, None)
    inherited = set(of_image.get("Env") or [])
    env = dict(each.split("=", 1) for each in config.get("Env") or [] if each not in inherited and "=" in each)
    config["Env"] = [f"{name}={value}" for name, value in {**env, **environment}.items()]
    for name in ("Hostname", "Domainname", "Image"):
        config.pop(name, None)
    asked = (template.get("spec", {}).get("containers") or [{}])[0]
    config["Image"] = asked.get("image") or pattern["Config"]["Image"]
    if asked.get("command"):
        config["Entrypoint"], config["Cmd"] = asked["command"], []
    if asked.get("args"):
        config["Cmd"] = asked["args"]
    service = config["Labels"]["com.docker.compose.service"]
    config["Labels"] = {**config["Labels"], "com.docker.compose.container-number": str(number), **labels}
    host = copy.deepcopy(pattern["HostConfig"])
    limits = (asked.get("resources") or {}).get("limits") or {}
    if "memory" in limits:
        host |= {"Memory": int(quantity(limits["memory"])), "MemorySwap": -1}
    if "cpu" in limits:
        host["NanoCpus"] = int(quantity(limits["cpu"]) * 1e9)
    host |= {"AutoRemove": False, "RestartPolicy": {"Name": "no"}, "ContainerIDFile": ""}
    networks = pattern["NetworkSettings"]["Networks"]
    ends = {name: {"Aliases": [service]} for name in networks}
    return f"{_stem(pattern['Name'])}{number}", {**config, "HostConfig": host, "NetworkingConfig": {"EndpointsConfig": ends}}


def quantity(said: Any) -> float:
    """Read a quantity of Kubernetes.

    >>> quantity("250m"), quantity("512Mi"), quantity("2")
    (0.25, 536870912.0, 2.0)
    """
    text = str(said)
    units = {
        "Ki": 2**10,
        "Mi": 2**20,
        "Gi": 2**30,
        "Ti": 2**40,
        "k": 1e3,
        "M": 1e6,
        "G": 1e9,
        "T": 1e12,
        "m": 1e-3,
        "n": 1e-9,
        "u": 1e-6,
    }
    for unit, factor in units.items():
        if text.endswith(unit):
            return float(text.removesuffix(unit)) * factor
    return float(text)


def _container_state(state: Object, restarts: Mapping[str, Any]) -> tuple[Object, bool, str]:
    """Give the state of a container, whether it is ready, and the phase of its pod."""
    if state.get("Running") or state.get("Paused") or state.get("Restarting"):
        health = (state.get("Health") or {}).get("Status", "healthy")
        return (
            {"running": {"startedAt": _seconds(state["StartedAt"])}},
            health == "healthy" and not state.get("Paused"),
            "Running",
        )
    if state.get("Status") == "created":
        return {"waiting": {"reason": "ContainerCreating"}}, False, "Pending"
    status = int(state.get("ExitCode") or 0)
    reason = "OOMKilled" if state.get("OOMKilled") else "Completed" if status == 0 else "Error"
    ended = {
        "exitCode": status,
        "reason": reason,
        "startedAt": _seconds(state["StartedAt"]),
        "finishedAt": _seconds(state["FinishedAt"]),
    }
    if restarts.get("waits_s"):
        message = f"back-off {restarts['waits_s']:g}s restarting failed container"
        return {"waiting": {"reason": "CrashLoopBackOff", "message": message}}, False, "Running"
    return (
        {"terminated": ended},
        False,
        "Succeeded" if restarts.get("never") and status == 0 else "Failed" if restarts.get("never") else "Running",
    )


def _short(text: str, length: int) -> str:
    number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:12])
    found = ""
    for _ in range(length):
        number, rest = divmod(number, len(_LETTERS))
        found += _LETTERS[rest]
    return found


def _uid(text: str) -> str:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-8{digest[17:20]}-{digest[20:32]}"


def _stem(name: str) -> str:
    return name.lstrip("/").rstrip("0123456789")


def _seconds(when: str) -> str:
    return f"{when[:19]}Z"

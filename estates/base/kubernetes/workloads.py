"""What the controllers of a cluster do: deployments become replica sets and pods, jobs run to their end, autoscalers count."""

from __future__ import annotations

import asyncio
import copy
import time
from datetime import UTC, datetime
from typing import Any

from engine import EngineError
from node import Node
from pods import (
    HASH,
    NAMESPACE,
    OWNER,
    POD,
    is_ready,
    pod_name,
    pod_of,
    quantity,
    reference,
    service_of,
    template_hash,
    waiting_pod,
)

from store import Object, Store, stamp

_GRACE_S = 30
_REVISION = "deployment.kubernetes.io/revision"
_CALM_BEFORE_FEWER_S = 300.0


class Workloads:
    """The controllers, over one store and one node."""

    def __init__(self, store: Store, node: Node) -> None:
        self._store, self._node = store, node
        self._lock = asyncio.Lock()
        self._adopted: dict[str, tuple[str, str]] = {}
        self._waiting: dict[tuple[str, str, str], tuple[str, str, str, float]] = {}
        self._progress: dict[str, tuple[Any, float]] = {}
        self._wanted_more: dict[str, tuple[int, float]] = {}
        self._ending: set[asyncio.Task[None]] = set()

    async def turn(self) -> None:
        """Look at the containers, and do the next thing that is owed to each workload."""
        async with self._lock:
            await self._node.look()
            seen: set[tuple[str, str]] = set()
            for deployment in self._store.list("deployments"):
                seen |= await self._deployment(deployment)
            for job in self._store.list("jobs"):
                seen |= await self._job(job)
            if self._node.reached:
                for pod in self._store.list("pods"):
                    at = (pod["metadata"]["namespace"], pod["metadata"]["name"])
                    if at not in seen and pod["metadata"]["name"] not in self._node.leaving.values():
                        self._store.remove("pods", *at)
            self._endpoints()
            self._store.save()

    def end_pod(self, pod: Object, grace_s: int | None = None) -> None:
        """Begin to end a pod; it is gone when its container is."""
        container = container_id(pod)
        grace = grace_s if grace_s is not None else int((pod.get("spec") or {}).get("terminationGracePeriodSeconds", _GRACE_S))
        metadata = pod["metadata"]
        if not container:
            self._waiting = {at: each for at, each in self._waiting.items() if each[0] != metadata["name"]}
            self._store.remove("pods", metadata["namespace"], metadata["name"])
            return
        if container in self._node.leaving:
            return
        self._node.leaving[container] = metadata["name"]
        leaving = copy.deepcopy(pod)
        leaving["metadata"] |= {"deletionTimestamp": stamp(), "deletionGracePeriodSeconds": grace}
        self._store.put("pods", leaving)
        self._store.event(pod, "Killing", f"Stopping container {pod['spec']['containers'][0]['name']}")

        async def end() -> None:
            try:
                await self._node.end(container, metadata["name"], grace)
            except EngineError as problem:
                self._store.event(pod, "FailedKillPod", str(problem), "Warning")
                return
            self._store.remove("pods", metadata["namespace"], metadata["name"])
            self._store.changed()

        task = asyncio.get_running_loop().create_task(end())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _deployment(self, held: Object) -> set[tuple[str, str]]:
        metadata, spec = held["metadata"], held["spec"]
        namespace, wanted, part = metadata["namespace"], int(spec.get("replicas", 1)), template_hash(spec["template"])
        revision = self._replica_set(held, part)
        pods = self._pods(held, part)
        await self._restart_ended(held, pods)
        seen = {(namespace, pod["metadata"]["name"]) for pod in pods}
        leaving = [pod for pod in self._store.list("pods", namespace) if pod["metadata"]["name"] in self._node.leaving.values()]
        seen |= {(namespace, pod["metadata"]["name"]) for pod in leaving}
        new = [pod for pod in pods if _hash(pod) == part]
        old = [pod for pod in pods if _hash(pod) != part]
        if self._node.reached and not spec.get("paused"):
            await self._step(held, part, wanted, new, old, bool(leaving))
            for at, each in self._waiting.items():
                if at[:2] == (namespace, metadata["name"]):
                    ghost = waiting_pod(self._set(held, at[2]), self._template(held, at[2]), each[0], at[2], *each[1:3], stamp())
                    known = self._store.find("pods", namespace, each[0])
                    self._store.put("pods", ghost if known is None else {**known, "status": ghost["status"]})
                    seen.add((namespace, each[0]))
        self._counts(held, new, old, wanted, revision)
        return seen

    async def _step(self, held: Object, part: str, wanted: int, new: list[Object], old: list[Object], leaving: bool) -> None:
        """Do one step towards what is wanted: one pod more, or some fewer."""
        name, at = held["metadata"]["name"], (held["metadata"]["namespace"], held["metadata"]["name"], part)
        recreate = (held["spec"].get("strategy") or {}).get("type") == "Recreate"
        self._waiting = {
            key: each for key, each in self._waiting.items() if key[:2] != at[:2] or (key == at and len(new) < wanted)
        }
        broken = [pod for pod in old if not is_ready(pod)]
        if old and (recreate or broken):
            for pod in old if recreate else broken:
                self.end_pod(pod)
            if recreate:
                return
            old = [pod for pod in old if is_ready(pod)]
        if recreate and leaving:
            return
        if len(new) > wanted:
            chosen = sorted(new, key=lambda pod: (is_ready(pod), _age(pod)))
            for pod in chosen[: len(new) - wanted]:
                self.end_pod(pod)
            self._store.event(
                held, "ScalingReplicaSet", f"Scaled down replica set {name}-{part} to {wanted}", by="deployment-controller"
            )
        missing = wanted - len(new)
        room = missing if not old else min(missing, 1)
        unready = [pod for pod in new if not is_ready(pod)]
        if missing > 0 and not (old and unready):
            for _ in range(room):
                await self._one_more(held, part, len(new) + 1)
        elif old and not unready:
            spare = len([pod for pod in new if is_ready(pod)]) + len(old) - wanted
            for pod in sorted(old, key=_age)[: max(0, spare)]:
                self.end_pod(pod)

    async def _one_more(self, held: Object, part: str, count: int) -> None:
        namespace, name = held["metadata"]["namespace"], held["metadata"]["name"]
        at, template = (namespace, name, part), held["spec"]["template"]
        tried = self._waiting.get(at)
        if tried and time.monotonic() - tried[3] < 10.0:
            return
        service = service_of(held, template)
        try:
            await self._node.create(service, held, template, part)
        except EngineError as problem:
            pulling = problem.status == 404
            reason = ("ImagePullBackOff" if tried else "ErrImagePull") if pulling else "CreateContainerError"
            called = tried[0] if tried else pod_name(name, part, f"waiting{time.time()}")
            self._waiting[at] = (called, reason, str(problem), time.monotonic())
            self._store.event(held, "FailedCreate", str(problem), "Warning", by="replicaset-controller")
            return
        self._waiting.pop(at, None)
        self._store.event(
            held, "ScalingReplicaSet", f"Scaled up replica set {name}-{part} to {count}", by="deployment-controller"
        )
        await self._node.look()
        for pod in self._pods(held, part):
            if _hash(pod) == part and not any(
                each["involvedObject"]["uid"] == pod["metadata"]["uid"] for each in self._store.list("events", namespace)
            ):
                self._store.event(
                    pod,
                    "Scheduled",
                    f"Successfully assigned {namespace}/{pod['metadata']['name']} to {self._node.name}",
                    by="default-scheduler",
                )
                self._store.event(pod, "Started", f"Started container {pod['spec']['containers'][0]['name']}")

    def _pods(self, held: Object, part: str) -> list[Object]:
        """Give the deployment's pods, and keep them in the store."""
        metadata, template = held["metadata"], held["spec"]["template"]
        service, first = service_of(held, template), self._first_of(service_of(held, template))
        found = []
        for container in self._node.of_service(service):
            labels = container["Config"]["Labels"]
            if POD in labels:
                if (labels.get(NAMESPACE), labels.get(OWNER)) != (metadata["namespace"], metadata["name"]):
                    continue
                name, of = labels[POD], labels[HASH]
            elif first != (metadata["namespace"], metadata["name"]) or labels.get("com.docker.compose.oneoff") == "True":
                continue
            else:
                image = (template["spec"]["containers"][0]).get("image")
                same = part if image in (None, "", container["Config"]["Image"]) else "before"
                name, of = self._adopted.setdefault(container["Id"], (pod_name(metadata["name"], same, container["Id"]), same))
            kept = self._node.restarts.get(container["Id"])
            pod = pod_of(
                container, self._set(held, of), self._template(held, of), name, of, kept.said() if kept else {}, self._node.name
            )
            found.append(self._store.put("pods", pod))
        return found

    async def _restart_ended(self, held: Object, pods: list[Object]) -> None:
        if (held["metadata"].get("annotations") or {}).get("estate/restarts") == "never":
            return
        by_id = {each["Id"]: each for each in self._node.found}
        for pod in pods:
            container = by_id.get(container_id(pod))
            if container and container["State"].get("Status") in ("exited", "dead"):
                await self._node.start_again(container, pod)

    def _first_of(self, service: str) -> tuple[str, str]:
        """Give the oldest deployment of a service: what compose itself started belongs to it."""
        mine = [each for each in self._store.list("deployments") if service_of(each, each["spec"]["template"]) == service]
        first = min(mine, key=lambda each: (each["metadata"]["creationTimestamp"], len(each["metadata"]["name"])))
        return first["metadata"]["namespace"], first["metadata"]["name"]

    def _replica_set(self, held: Object, part: str) -> int:
        """Keep the replica set of the deployment's template; gives its revision."""
        metadata = held["metadata"]
        sets = [each for each in self._store.list("replicasets", metadata["namespace"]) if _owner(each) == metadata["uid"]]
        newest = max((_revision(each) for each in sets), default=0)
        name = f"{metadata['name']}-{part}"
        known = next((each for each in sets if each["metadata"]["name"] == name), None)
        if known is None or _revision(known) < newest:
            newest += 1
            cause = (metadata.get("annotations") or {}).get("kubernetes.io/change-cause")
            annotations = {_REVISION: str(newest), **({"kubernetes.io/change-cause": cause} if cause else {})}
            template = copy.deepcopy(held["spec"]["template"])
            labels = {**(template.get("metadata", {}).get("labels") or {}), "pod-template-hash": part}
            template["metadata"] = {**template.get("metadata", {}), "labels": labels}
            selector = {"matchLabels": {**held["spec"]["selector"].get("matchLabels", {}), "pod-template-hash": part}}
            spec = {"replicas": 0, "selector": selector, "template": template}
            names = {"name": name, "namespace": metadata["namespace"], "labels": labels, "annotations": annotations}
            self._store.put(
                "replicasets",
                {"metadata": {**names, "ownerReferences": [reference(held)]}, "spec": spec, "status": {"replicas": 0}},
            )
            for old in sorted(sets, key=_revision)[: max(0, len(sets) - int(held["spec"].get("revisionHistoryLimit", 10)))]:
                if not (old.get("status") or {}).get("replicas"):
                    self._store.remove("replicasets", metadata["namespace"], old["metadata"]["name"])
        return newest

    def _set(self, held: Object, part: str) -> Object:
        found = self._store.find("replicasets", held["metadata"]["namespace"], f"{held['metadata']['name']}-{part}")
        return found or held

    def _template(self, held: Object, part: str) -> Object:
        found = self._set(held, part)["spec"]["template"]
        return found if isinstance(found, dict) else {}

    def _counts(self, held: Object, new: list[Object], old: list[Object], wanted: int, revision: int) -> None:
        """Write down how far a deployment is."""
        metadata, every = held["metadata"], [*new, *old]
        ready = len([pod for pod in every if is_ready(pod)])
        for each in self._store.list("replicasets", metadata["namespace"]):
            if _owner(each) == metadata["uid"]:
                mine = [pod for pod in every if f"{metadata['name']}-{_hash(pod)}" == each["metadata"]["name"]]
                up = len([pod for pod in mine if is_ready(pod)])
                status = {"replicas": len(mine), "readyReplicas": up, "availableReplicas": up, "fullyLabeledReplicas": len(mine)}
                newest = _revision(each) == revision
                self._store.put(
                    "replicasets",
                    {**each, "spec": {**each["spec"], "replicas": wanted if newest else len(mine)}, "status": status},
                )
        done = len(new) == wanted and not old and ready >= wanted
        state = (metadata["generation"], len(new), len(old), ready)
        before, since = self._progress.get(metadata["uid"], (None, 0.0))
        if before != state:
            since = time.monotonic()
            self._progress[metadata["uid"]] = (state, since)
        stuck = not done and time.monotonic() - since > float(held["spec"].get("progressDeadlineSeconds", 600))
        set_name = f"{metadata['name']}-{template_hash(held['spec']['template'])}"
        progress = (
            ("False", "ProgressDeadlineExceeded", f'ReplicaSet "{set_name}" has timed out progressing.')
            if stuck
            else (
                ("True", "NewReplicaSetAvailable", f'ReplicaSet "{set_name}" has successfully progressed.')
                if done
                else ("True", "ReplicaSetUpdated", f'ReplicaSet "{set_name}" is progressing.')
            )
        )
        enough = ready >= wanted - wanted // 4
        available = (
            ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
            if enough
            else ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
        )
        status = {"observedGeneration": metadata["generation"], "replicas": len(every), "updatedReplicas": len(new)}
        status |= {"readyReplicas": ready, "availableReplicas": ready, "unavailableReplicas": max(0, wanted - ready)}
        status = {name: value for name, value in status.items() if value or name == "observedGeneration"}
        status["conditions"] = [
            _condition(held, kind, *said) for kind, said in (("Available", available), ("Progressing", progress))
        ]
        current = self._store.find("deployments", metadata["namespace"], metadata["name"])
        if current:
            annotations = {**(current["metadata"].get("annotations") or {}), _REVISION: str(revision)}
            self._store.put(
                "deployments", {**current, "metadata": {**current["metadata"], "annotations": annotations}, "status": status}
            )

    async def _job(self, job: Object) -> set[tuple[str, str]]:
        """Run a job once, and again after a failure as often as it allows."""
        metadata, spec, status = job["metadata"], job["spec"], dict(job.get("status") or {})
        namespace = metadata["namespace"]
        mine = [
            each
            for each in self._node.found
            if (each["Config"]["Labels"].get("estate.kubernetes/job"), each["Config"]["Labels"].get(NAMESPACE))
            == (metadata["uid"], namespace)
            and each["Id"] not in self._node.leaving
        ]
        seen: set[tuple[str, str]] = set()
        for each in mine:
            name = each["Config"]["Labels"][POD]
            template = copy.deepcopy(spec["template"])
            labels = {
                **(template.get("metadata", {}).get("labels") or {}),
                "job-name": metadata["name"],
                "batch.kubernetes.io/job-name": metadata["name"],
            }
            template["metadata"] = {**template.get("metadata", {}), "labels": labels}
            self._store.put("pods", pod_of(each, job, template, name, "", {"never": True}, self._node.name))
            seen.add((namespace, name))
        running = [each for each in mine if each["State"].get("Running") or each["State"].get("Status") == "created"]
        well = [each for each in mine if each["State"].get("Status") == "exited" and not each["State"].get("ExitCode")]
        failed = [each for each in mine if each["State"].get("Status") in ("exited", "dead") and each["State"].get("ExitCode")]
        over = any(each["type"] in ("Complete", "Failed") for each in status.get("conditions") or [])
        if not over and self._node.reached and not running and not well and not spec.get("suspend"):
            if len(failed) > int(spec.get("backoffLimit", 6)):
                message = "Job has reached the specified backoff limit"
                status["conditions"] = [
                    {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": message}
                ]
                self._store.event(job, "BackoffLimitExceeded", message, "Warning", by="job-controller")
            else:
                await self._start(job)
                status.setdefault("startTime", stamp())
        if well and not over:
            status["conditions"] = [{"type": kind, "status": "True"} for kind in ("SuccessCriteriaMet", "Complete")]
            status["completionTime"] = stamp()
            self._store.event(job, "Completed", "Job completed", by="job-controller")
        status |= {"active": len(running), "succeeded": len(well), "failed": len(failed), "ready": len(running)}
        self._store.put("jobs", {**job, "status": {name: value for name, value in status.items() if value}})
        return seen

    async def _start(self, job: Object) -> None:
        template = job["spec"]["template"]
        more = {"estate.kubernetes/job": job["metadata"]["uid"], "com.docker.compose.oneoff": "True"}
        try:
            await self._node.create(service_of(job, template), job, template, "", **more)
        except EngineError as problem:
            self._store.event(job, "FailedCreate", str(problem), "Warning", by="job-controller")

    def _endpoints(self) -> None:
        """Say which pods stand behind each service."""
        for service in self._store.list("services"):
            selector = (service.get("spec") or {}).get("selector") or {}
            space, name = service["metadata"]["namespace"], service["metadata"]["name"]
            behind = [
                pod
                for pod in self._store.list("pods", space)
                if selector and selector.items() <= (pod["metadata"].get("labels") or {}).items()
            ]
            ports = [
                {"name": each.get("name", ""), "port": each.get("targetPort", each["port"])}
                for each in service["spec"].get("ports") or []
            ]
            addresses = [{"ip": pod["status"]["podIP"], "nodeName": self._node.name} for pod in behind if is_ready(pod)]
            subsets = [{"addresses": addresses, "ports": ports}] if addresses else []
            self._store.put("endpoints", {"metadata": {"name": name, "namespace": space}, "subsets": subsets})

    def autoscale(self, now: datetime | None = None) -> bool:
        """Give each autoscaler's deployment the number of pods that its load asks for. Says whether any number changed."""
        changed = False
        for held in self._store.list("horizontalpodautoscalers"):
            metadata, spec = held["metadata"], held["spec"]
            namespace, reference_to = metadata["namespace"], spec["scaleTargetRef"]
            target = self._store.find("deployments", namespace, reference_to["name"])
            if target is None:
                continue
            least, most, current = (
                int(spec.get("minReplicas", 1)),
                int(spec["maxReplicas"]),
                int(target["spec"].get("replicas", 1)),
            )
            goal, percent = _goal(spec), self._load(target)
            asked = current
            if goal and percent is not None and abs(percent / goal - 1.0) > 0.1:
                asked = -(-current * percent // goal)
            asked = int(min(most, max(least, asked)))
            if asked < current and current <= most:
                _, since = self._wanted_more.get(metadata["uid"], (current, time.monotonic()))
                self._wanted_more.setdefault(metadata["uid"], (current, since))
                asked = asked if time.monotonic() - since >= _CALM_BEFORE_FEWER_S else current
            else:
                self._wanted_more.pop(metadata["uid"], None)
            metrics = [
                {
                    "type": "Resource",
                    "resource": {"name": "cpu", "current": {"averageUtilization": int(percent or 0), "averageValue": "0"}},
                }
            ]
            limited = (
                ("True", "TooManyReplicas")
                if asked >= most and percent and goal and percent > goal
                else ("False", "DesiredWithinRange")
            )
            status = {
                "currentReplicas": current,
                "desiredReplicas": asked,
                "currentMetrics": metrics if percent is not None else [],
            }
            status["conditions"] = [{"type": "AbleToScale", "status": "True", "reason": "ReadyForNewScale"}]
            status["conditions"].append({"type": "ScalingLimited", "status": limited[0], "reason": limited[1]})
            if asked != current:
                changed = True
                status["lastScaleTime"] = stamp(now or datetime.now(UTC))
                self._store.put("deployments", {**target, "spec": {**target["spec"], "replicas": asked}})
                self._store.event(held, "SuccessfulRescale", f"New size: {asked}", by="horizontal-pod-autoscaler")
            self._store.put("horizontalpodautoscalers", {**held, "status": status})
        return changed

    def _load(self, deployment: Object) -> float | None:
        """Give how much of the processors that they request a deployment's pods use, in percent."""
        pods = [pod for pod in self._store.list("pods", deployment["metadata"]["namespace"]) if _of(pod, deployment)]
        shares = []
        for pod in pods:
            requests = ((pod["spec"]["containers"][0].get("resources") or {}).get("requests") or {}).get("cpu")
            used = self._node.usage.get(container_id(pod))
            if requests and used:
                shares.append(100.0 * used[0] / quantity(requests))
        return sum(shares) / len(shares) if shares else None


def container_id(pod: Object) -> str:
    """Give the id of a pod's container; "" where it has none."""
    statuses = pod["status"].get("containerStatuses") or [{}]
    return str(statuses[0].get("containerID", "")).removeprefix("docker://")


def _goal(spec: Object) -> float | None:
    for metric in spec.get("metrics") or []:
        resource = metric.get("resource") or {}
        if resource.get("name") == "cpu":
            goal = (resource.get("target") or {}).get("averageUtilization")
            return float(goal) if goal else None
    return None


def _of(pod: Object, deployment: Object) -> bool:
    selector = deployment["spec"]["selector"].get("matchLabels") or {}
    return bool(selector.items() <= (pod["metadata"].get("labels") or {}).items())


def _hash(pod: Object) -> str:
    return str((pod["metadata"].get("labels") or {}).get("pod-template-hash", ""))


def _age(pod: Object) -> str:
    return str(pod["metadata"]["creationTimestamp"])


def _owner(item: Object) -> str:
    return str(((item["metadata"].get("ownerReferences") or [{}])[0]).get("uid", ""))


def _revision(item: Object) -> int:
    return int((item["metadata"].get("annotations") or {}).get(_REVISION, 0))


def _condition(held: Object, kind: str, status: str, reason: str, message: str) -> Object:
    old = next((each for each in (held.get("status") or {}).get("conditions") or [] if each["type"] == kind), {})
    same = (old.get("status"), old.get("reason"), old.get("message")) == (status, reason, message)
    times = {name: old[name] if same else stamp() for name in ("lastUpdateTime", "lastTransitionTime")}
    return {"type": kind, "status": status, "reason": reason, "message": message, **times}

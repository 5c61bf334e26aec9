"""Workloads as the real kubectl lists them from a stand-in for the API server; and one that refuses, hangs or talks nonsense."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from tests.conftest import need
from tests.plugins.conftest import Handler
from tests.plugins.kube_objects import KubeObjects

from watchkeeper.base.errors import ConfigError
from watchkeeper.plugins.kubernetes.figures import readings_of
from watchkeeper.plugins.kubernetes.probe import _RefusedError, read_list
from watchkeeper.watch.probe import Probe

Make = Callable[..., Probe]
NOW = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)


def workload(name: str, wanted: int, ready: int, *conditions: dict[str, str]) -> dict[str, Any]:
    status = {"readyReplicas": ready, "conditions": list(conditions)} if ready else {"conditions": list(conditions)}
    return {"metadata": {"name": name}, "spec": {"replicas": wanted}, "status": status}


def pod(name: str, *, ready: bool = True, phase: str = "Running", restarts: int = 0, **states: Any) -> dict[str, Any]:
    status = {"name": "main", "restartCount": restarts, "state": states.get("state", {}), "lastState": states.get("last", {})}
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    return {"metadata": {"name": name}, "status": {"phase": phase, "conditions": conditions, "containerStatuses": [status]}}


def node(name: str, ready: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "status": {"conditions": [{"type": "Ready", "status": ready}]}}


def autoscaler(name: str, most: int, now: int) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"maxReplicas": most}, "status": {"currentReplicas": now}}


@pytest.fixture
def api() -> KubeObjects:
    made = KubeObjects()
    made.put("deployments", workload("web", 3, 3))
    made.put("pods", pod("web-1", restarts=4))
    return made


@pytest.fixture
async def cluster(api: KubeObjects, site: Callable[[Handler], Awaitable[str]], tmp_path: Path) -> str:
    """Give a kubeconfig that leads to the stand-in."""
    need(shutil.which("kubectl") is not None, "kubectl")
    return kubeconfig(tmp_path, await site(api.handle))


def kubeconfig(folder: Path, server: str) -> str:
    context = {"cluster": "c", "user": "u", "namespace": "shop"}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "contexts": [{"name": "prod", "context": context}],
        "users": [{"name": "u", "user": {}}],
        "current-context": "prod",
    }
    (folder / "kubeconfig").write_text(json.dumps(config))
    return "kubeconfig"


async def test_a_namespace_that_is_well_and_its_restarts(probe: Make, api: KubeObjects, cluster: str) -> None:
    api.put("nodes", node("one", "True"))
    made = probe("kubernetes", {"Web": "web_ready_percent"}, kubeconfig=cluster, context="prod")
    first = await made.look()
    assert first.problem is None
    values = first.values
    assert (values["up"], values["workloads"], values["workloads_short"], values["ready_percent"]) == (1, 1, 0, 100)
    assert (values["web_up"], values["web_ready"], values["web_wanted"]) == (1, 3, 3)
    assert (values["pods"], values["pods_not_ready"], values["nodes"], values["nodes_not_ready"]) == (1, 0, 1, 0)
    assert "restarts" not in values, "a first look has nothing to compare with"
    assert "autoscalers" not in values
    api.put("pods", pod("web-1", restarts=6))
    assert (await made.look()).values["restarts"] == 2
    assert {method for method, _ in api.asked} == {"GET"}


async def test_each_kind_of_trouble_is_counted_and_named(probe: Make, api: KubeObjects, cluster: str) -> None:
    deadline = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    api.put("deployments", workload("api", 4, 1, deadline))
    api.put("statefulsets", workload("db", 1, 0))
    api.put("daemonsets", {"metadata": {"name": "agent"}, "status": {"numberReady": 2, "desiredNumberScheduled": 2}})
    soon = (datetime.now(UTC) - timedelta(minutes=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    died = {"terminated": {"reason": "OOMKilled", "finishedAt": soon}}
    api.put("pods", pod("api-1", ready=False, state={"waiting": {"reason": "CrashLoopBackOff"}}, last=died))
    api.put("pods", pod("api-2", ready=False, phase="Pending", state={"waiting": {"reason": "ImagePullBackOff"}}))
    api.put("pods", pod("job-1", ready=False, phase="Succeeded"))
    api.put("horizontalpodautoscalers", autoscaler("web", 3, 3))
    api.put("horizontalpodautoscalers", autoscaler("api", 9, 3))
    api.put("nodes", node("one", "Unknown"))
    look = await probe("kubernetes", kubeconfig=cluster).look()
    values = look.values
    assert (values["up"], values["workloads"], values["workloads_short"], values["rollouts_stuck"]) == (0, 4, 2, 1)
    assert (values["ready_percent"], values["api_ready_percent"], values["statefulset_db_up"]) == (0, 25, 0)
    assert (values["pods"], values["pods_not_ready"], values["pods_pending"]) == (3, 2, 1)
    assert (values["pods_crash_looping"], values["pods_without_image"], values["pods_oom_killed"]) == (1, 1, 1)
    assert (values["autoscalers"], values["autoscalers_at_limit"], values["nodes_not_ready"]) == (2, 1, 1)
    for said in ("api has 1 of 4", "rollouts stuck: api", "crash looping: api-1", "web (3 of 3)", "nodes not ready: one"):
        assert said in look.detail


async def test_only_the_named_workloads_count_and_one_that_is_gone_is_down(probe: Make, api: KubeObjects, cluster: str) -> None:
    api.put("deployments", workload("api", 1, 0))
    look = await probe("kubernetes", kubeconfig=cluster, workloads=["web"], nodes=False).look()
    assert (look.values["up"], look.values["workloads"]) == (1, 1)
    gone = await probe("kubernetes", {"Cache": "statefulset_cache_up"}, kubeconfig=cluster, workloads="statefulset/cache").look()
    assert (gone.values["up"], gone.values["statefulset_cache_up"], gone.values["ready_percent"]) == (0, 0, 0)
    assert "not there: statefulset/cache" in gone.detail


async def test_what_may_not_be_read_is_blind_where_it_is_needed(probe: Make, api: KubeObjects, cluster: str) -> None:
    api.forbidden = {"nodes", "horizontalpodautoscalers"}
    look = await probe("kubernetes", kubeconfig=cluster).look()
    assert (look.problem, look.values["up"]) == (None, 1)
    assert "nodes" not in look.values
    assert "nodes are left out: " in look.detail
    api.forbidden = {"pods"}
    blind = await probe("kubernetes", kubeconfig=cluster).look()
    assert blind.values == {}
    assert "kubectl says" in (blind.problem or "")


async def test_a_server_that_is_away_hangs_or_talks_nonsense_is_blind(
    probe: Make, tmp_path: Path, closed_port: int, peer: Any, site: Any
) -> None:
    need(shutil.which("kubectl") is not None, "kubectl")

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    async def nonsense(request: web.Request) -> web.StreamResponse:
        return web.Response(text="[" * 1_000, content_type="application/json")

    for server in (f"http://127.0.0.1:{closed_port}", f"http://127.0.0.1:{await peer(hang)}", await site(nonsense)):
        made = probe("kubernetes", timeout_s=1.5, kubeconfig=kubeconfig(tmp_path, server))
        look = await made.look()
        assert look.values == {}, server
        assert look.problem, "workloads run on without their API server: it is we who are blind"


def test_what_is_printed_is_read_an_object_at_a_time_and_as_json_would() -> None:
    items = [{"kind": "Pod", "metadata": {"name": f"p{n}", "note": '"]}, {[', "labels": {"a": [1, {}]}}} for n in range(50)]
    for indent in (None, 2):
        whole = {"apiVersion": "v1", "items": items, "kind": "PodList", "metadata": {"resourceVersion": ""}}
        printed = json.dumps(whole, indent=indent)
        assert read_list(printed) == items
    assert read_list('{"items": [], "kind": "List"}') == []
    for wrong in ("", " ", "[]", "{", '{"items"', '{"items": [', '{"items": [{}', '{"items": {}}', '{"items": [{]}', "null", "7"):
        with pytest.raises(_RefusedError):
            read_list(wrong)


def test_objects_without_what_is_usual_are_taken_as_they_are() -> None:
    odd: list[dict[str, Any]] = [
        {"kind": "Deployment"},
        {"kind": "Pod", "status": None},
        {"kind": "Pod", "metadata": {"name": "x"}, "status": {"containerStatuses": [None, {"restartCount": "9", "state": None}]}},
        {"kind": "Node", "status": {"conditions": [None]}},
        {"kind": "HorizontalPodAutoscaler", "spec": None},
        {"kind": "Secret"},
    ]
    values, _ = readings_of(odd, [], NOW, 3_600.0)
    assert (values["up"], values["pods"], values["nodes_not_ready"], values["autoscalers_at_limit"]) == (0, 2, 1, 0)


def test_a_namespace_without_a_workload_is_not_up_since_one_that_is_not_there_looks_like_that() -> None:
    nothing, told = readings_of([], [], NOW, 3_600.0)
    assert (nothing["workloads"], nothing.keys() & {"up", "ready_percent"}) == (0, set())
    assert told.sentences() == ["nothing to look at: no workload is in this namespace"]


def test_a_kill_long_ago_and_a_workload_that_wants_nothing_are_no_trouble() -> None:
    old = {"terminated": {"reason": "OOMKilled", "finishedAt": "2026-03-14T10:00:00Z"}}
    items = [{"kind": "Pod", **pod("web-1", last=old)}, {"kind": "Deployment", **workload("off", 0, 0)}]
    values, _ = readings_of(items, [], NOW, 3_600.0)
    assert (values["pods_oom_killed"], values["up"], values["off_up"]) == (0, 1, 1)
    assert readings_of(items, [], NOW, 3 * 3_600.0)[0]["pods_oom_killed"] == 1


def test_options_that_cannot_be_used_are_refused(probe: Make) -> None:
    for name in ("--all", "pods/web", "Web"):
        with pytest.raises(ConfigError, match="is no workload"):
            probe("kubernetes", workloads=name)
    with pytest.raises(ConfigError, match="'api_up'"):
        probe("kubernetes", {"API": "api_up"}, workloads="web")

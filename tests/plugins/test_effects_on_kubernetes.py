"""Effects looked at by the real kubectl on a stand-in for the API server, held against what the commands then really do."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from tests.conftest import need
from tests.plugins.effect_bench import Bench, act_of, bench_in
from tests.plugins.kube_objects import KubeObjects

from watchkeeper.run.effect.derive import effect_of

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
WEB: dict[str, Any] = {
    "metadata": {"name": "web", "annotations": {"deployment.kubernetes.io/revision": "7"}},
    "spec": {
        "replicas": 5,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [
                {"name": "app", "image": "shop:2", "env": [{"name": "OLD", "value": "1"}], "resources": {}},
                {"name": "proxy", "image": "envoy:1", "resources": {"limits": {"cpu": "100m"}}},
            ]},
        },
    },
}  # fmt: skip
HPA = {
    "metadata": {"name": "web"},
    "spec": {"minReplicas": 2, "maxReplicas": 10, "scaleTargetRef": {"kind": "Deployment", "name": "web"}},
}


@pytest.fixture
def api() -> KubeObjects:
    made = KubeObjects()
    made.put("deployments", WEB)
    return made


@pytest.fixture
async def bench(api: KubeObjects, site: Callable[[Handler], Awaitable[str]], tmp_path: Path) -> Bench:
    need(shutil.which("kubectl") is not None, "kubectl (Debian: kubernetes-client)")
    address = await site(api.handle)
    parts = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "shop",
        "contexts": [{"name": "shop", "context": {"cluster": "shop", "user": "me", "namespace": "shop"}}],
        "clusters": [{"name": "shop", "cluster": {"server": address}}],
        "users": [{"name": "me", "user": {}}],
    }
    config = json.dumps(parts)
    (tmp_path / "kubeconfig").write_text(config)
    return bench_in(tmp_path, variables={"KUBECONFIG": str(tmp_path / "kubeconfig")})


async def run(bench: Bench, text: str) -> None:
    """Carry a command out while the stand-in goes on answering."""

    await asyncio.to_thread(bench.run, text)


async def back(bench: Bench, text: str, seen: Any) -> None:
    command = act_of(text).command
    assert command is not None
    way = effect_of(command).way_back(seen.before)
    assert way is not None
    await run(bench, way)


async def test_looking_changes_nothing(bench: Bench, api: KubeObjects) -> None:
    for text in (
        "kubectl scale deployment/web --replicas=3",
        "kubectl set image deployment/web app=shop:3",
        "kubectl delete deployment web",
    ):
        seen = await bench.look(text)
        assert seen.scope != "unseen", seen.sentence
    assert {method for method, _ in api.asked} == {"GET"}


async def test_scaling_names_the_autoscaler_and_goes_back(bench: Bench, api: KubeObjects) -> None:
    text = "kubectl --context shop -n shop scale deployment/web --replicas=3"
    plain = await bench.look(text)
    assert plain.sentence == "deployment/web: replicas 5 → 3."
    api.put("horizontalpodautoscalers", HPA)
    seen = await bench.look(text)
    assert seen.sentence == "deployment/web: replicas 5 → 3; an HPA (2–10) will override it."
    assert seen.scope != plain.scope
    await run(bench, text)
    assert api.get("deployments", "web")["spec"]["replicas"] == 3
    assert await bench.happened(text, seen) is True
    await back(bench, text, seen)
    assert api.get("deployments", "web")["spec"]["replicas"] == 5


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("kubectl set image deployment/web app=shop:3 proxy=envoy:2",
         "deployment/web app: shop:2 → shop:3; deployment/web proxy: envoy:1 → envoy:2; its pods are replaced."),
        ("kubectl set env deployment/web -c app LOG=debug OLD-",
         None),
        ("kubectl set resources deployment web -c=app --limits=cpu=200m,memory=512Mi", None),
        ("""kubectl patch deployment web -p '{"spec":{"replicas":1}}'""", "deployment/web: spec.replicas 5 → 1."),
        ("""kubectl patch deployment web --type merge -p '{"metadata":{"labels":{"frozen":"yes"}}}'""",
         "deployment/web: metadata.labels.frozen none → yes."),
    ],
)  # fmt: skip
async def test_what_is_set_goes_back_exactly(bench: Bench, api: KubeObjects, text: str, sentence: str | None) -> None:
    before = api.get("deployments", "web")
    seen = await bench.look(text)
    assert sentence is None or seen.sentence == sentence
    await run(bench, text)
    assert api.get("deployments", "web")["spec"] != before["spec"] or "labels" in api.get("deployments", "web")["metadata"]
    assert await bench.happened(text, seen) is True
    await back(bench, text, seen)
    after = api.get("deployments", "web")
    assert after["spec"] == before["spec"]
    assert after["metadata"].get("labels") == before["metadata"].get("labels")


async def test_a_restart_is_seen_by_its_mark(bench: Bench, api: KubeObjects) -> None:
    text = "kubectl rollout restart deployment/web"
    seen = await bench.look(text)
    assert seen.sentence == "Replaces 5 pods of deployment/web, 0 of them ready."
    assert await bench.happened(text, seen) is None
    await run(bench, text)
    assert await bench.happened(text, seen) is True


async def test_what_was_deleted_is_known_to_be_gone(bench: Bench, api: KubeObjects) -> None:
    api.put("pods", {"metadata": {"name": "web-1", "ownerReferences": [{"kind": "ReplicaSet", "name": "web", "uid": "r"}]}})
    text = "kubectl delete pod web-1 --wait=false"
    seen = await bench.look(text)
    assert seen.sentence == "Deletes 1 object: pod/web-1; ReplicaSet makes it anew."
    await run(bench, text)
    assert await bench.happened(text, seen) is True
    assert (await bench.look(text)).sentence == "Deletes nothing: there is no such object."


async def test_a_cluster_that_is_away_is_said_to_be(bench: Bench, closed_port: int) -> None:
    seen = await bench.look(f"kubectl --server http://127.0.0.1:{closed_port} scale deployment/web --replicas=3")
    assert seen.scope == "unseen"
    assert seen.sentence.startswith("The effect could not be looked at: ")
    assert "refused" in seen.sentence

"""The API server of the estates: real kubectl before it, real containers behind it."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

BASE = Path(__file__).parents[2] / "estates" / "base"
PROJECT = f"watchkeeper-kubernetes-{os.getpid()}"

COMPOSE = """
version: "3.8"
services:
  web:
    image: ${PROJECT}-web:1
    command: sh -c 'echo begun in $$COLOR; cd /srv; exec python3 -m http.server 8000'
    environment: {COLOR: red}
    init: true
    healthcheck: {test: "curl -fsS localhost:8000", interval: 1s, timeout: 2s, retries: 3}
  kubernetes:
    image: watchkeeper-estate-kubernetes
    build: {context: "${BASE}/kubernetes", network: host}
    command: [--project, "${PROJECT}"]
    ports: ["127.0.0.1::6443"]
    volumes: ["${SOCKET}:/var/run/docker.sock"]
"""

WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop-web}
spec:
  replicas: 1
  selector: {matchLabels: {app: shop-web}}
  template:
    metadata: {labels: {app: shop-web}}
    spec:
      terminationGracePeriodSeconds: 2
      containers:
        - name: web
          image: IMAGE
          envFrom: [{configMapRef: {name: colors, optional: true}}]
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: shop-web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: shop-web}
  minReplicas: 1
  maxReplicas: 4
"""

JOB = """
apiVersion: batch/v1
kind: Job
metadata: {name: migrate}
spec: {template: {spec: {containers: [{name: web, command: [sh, -c, "echo migrated in $COLOR"]}]}}}
"""


class Cluster:
    def __init__(self, folder: Path, port: str) -> None:
        self.folder = folder
        cluster = {"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}
        context = {"name": "prod", "context": {"cluster": "c", "user": "u", "namespace": "shop"}}
        config = {"apiVersion": "v1", "kind": "Config", "clusters": [cluster], "contexts": [context], "current-context": "prod"}
        (folder / "kubeconfig").write_text(json.dumps({**config, "users": [{"name": "u", "user": {}}]}))

    def kubectl(self, *words: str, given: str = "", status: int = 0) -> str:
        command = [str(self.folder / "kubectl"), f"--kubeconfig={self.folder / 'kubeconfig'}", *words]
        ended = subprocess.run(command, input=given, capture_output=True, text=True, timeout=120, check=False)
        assert ended.returncode == status, ended.stderr
        return ended.stdout + ended.stderr

    def pods(self) -> list[str]:
        """The pods that stay."""
        found = json.loads(self.kubectl("get", "pods", "-l", "app=shop-web", "-o", "json"))["items"]
        return [f"pod/{pod['metadata']['name']}" for pod in found if "deletionTimestamp" not in pod["metadata"]]


def told(*words: str, **environment: str) -> str:
    ended = subprocess.run(words, capture_output=True, text=True, timeout=600, env={**os.environ, **environment}, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


@pytest.fixture(scope="module")
def cluster(docker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("cluster")
    (folder / "compose.yml").write_text(COMPOSE)
    socket = docker.removeprefix("unix://")
    said = {"PROJECT": PROJECT, "BASE": str(BASE), "SOCKET": socket}
    compose = ("docker-compose", "-p", PROJECT, "-f", str(folder / "compose.yml"))
    for tag in ("1", "2"):
        told("docker", "tag", "watchkeeper-estate-base", f"{PROJECT}-web:{tag}")
    try:
        told(*compose, "up", "-d", "--build", **said)
        port = told(*compose, "port", "kubernetes", "6443", **said).rpartition(":")[2]
        server = told(*compose, "ps", "-q", "kubernetes", **said)
        told("docker", "cp", "-L", f"{server}:/usr/local/bin/kubectl", str(folder / "kubectl"))
        found = Cluster(folder, port)
        until = time.monotonic() + 60
        while subprocess.run(["curl", "-fsS", f"http://127.0.0.1:{port}/readyz"], capture_output=True, check=False).returncode:
            assert time.monotonic() < until
            time.sleep(0.2)
        found.kubectl("create", "namespace", "shop")
        found.kubectl("apply", "-f", "-", given=WEB.replace("IMAGE", f"{PROJECT}-web:1"))
        found.kubectl("rollout", "status", "deployment/shop-web", "--timeout=60s")
        yield found
    finally:
        told(*compose, "down", "-v", "-t", "1", **said)
        for tag in ("1", "2"):
            told("docker", "rmi", f"{PROJECT}-web:{tag}")


def settled(count: int) -> list[str]:
    """The containers, once there are as many: old ones end a little after a rollout is done."""
    until = time.monotonic() + 30
    while len(found := containers()) != count:
        assert time.monotonic() < until
        time.sleep(0.2)
    return found


def containers() -> list[str]:
    shown = told("docker", "ps", "--filter", f"label=com.docker.compose.project={PROJECT}", "--format", "{{.Image}} {{.ID}}")
    return sorted(line for line in shown.splitlines() if "-web:" in line)


def test_what_compose_started_is_a_pod(cluster: Cluster) -> None:
    assert len(cluster.pods()) == 1
    assert "1/1" in cluster.kubectl("get", "pods")
    assert "begun in red" in cluster.kubectl("logs", "-l", "app=shop-web", "--prefix", "--tail=-1")
    assert "Controlled By:  ReplicaSet/shop-web-" in cluster.kubectl("describe", *cluster.pods())


def test_a_program_runs_in_a_pod_with_its_input_and_its_status(cluster: Cluster) -> None:
    assert cluster.kubectl("exec", "-i", "deploy/shop-web", "--", "tr", "a-z", "A-Z", given="loud") == "LOUD"
    assert "exit code 3" in cluster.kubectl("exec", "deploy/shop-web", "--", "sh", "-c", "exit 3", status=3)


def test_scaling_makes_and_ends_containers(cluster: Cluster) -> None:
    cluster.kubectl("scale", "deployment/shop-web", "--replicas=3")
    cluster.kubectl("rollout", "status", "deployment/shop-web", "--timeout=60s")
    assert len(settled(3)) == 3
    assert cluster.kubectl("top", "pods").count("shop-web-") == 3
    cluster.kubectl("scale", "deployment/shop-web", "--replicas=1")
    cluster.kubectl("rollout", "status", "deployment/shop-web", "--timeout=60s")
    cluster.kubectl("wait", "--for=jsonpath={.status.replicas}=1", "deployment/shop-web", "--timeout=60s")


def test_a_restart_and_a_deleted_pod_give_other_containers(cluster: Cluster) -> None:
    before = settled(1)
    cluster.kubectl("rollout", "restart", "deployment/shop-web")
    cluster.kubectl("rollout", "status", "deployment/shop-web", "--timeout=60s")
    restarted = settled(1)
    assert not set(before) & set(restarted)
    cluster.kubectl("delete", *cluster.pods())
    cluster.kubectl("wait", "--for=condition=available", "deployment/shop-web", "--timeout=60s")
    assert not set(restarted) & set(settled(1))


def test_a_new_image_is_rolled_out_and_back(cluster: Cluster) -> None:
    cluster.kubectl("apply", "-f", "-", given=WEB.replace("IMAGE", f"{PROJECT}-web:2"))
    cluster.kubectl("rollout", "status", "deployment/shop-web", "--timeout=60s")
    assert [each.split()[0] for each in settled(1)] == [f"{PROJECT}-web:2"]
    cluster.kubectl("rollout", "undo", "deployment/shop-web")
    cluster.kubectl("rollout", "status", "deployment/shop-web", "--timeout=60s")
    assert [each.split()[0] for each in settled(1)] == [f"{PROJECT}-web:1"]
    assert len(cluster.kubectl("rollout", "history", "deployment/shop-web").strip().splitlines()) >= 4


def test_an_image_that_is_not_there_leaves_the_old_pod_serving(cluster: Cluster) -> None:
    before = settled(1)
    cluster.kubectl("set", "image", "deployment/shop-web", "web=nowhere:1")
    cluster.kubectl("rollout", "status", "deployment/shop-web", "--timeout=5s", status=1)
    shown = cluster.kubectl("get", "pods", "-l", "app=shop-web")
    assert "ErrImagePull" in shown or "ImagePullBackOff" in shown
    assert containers() == before
    cluster.kubectl("rollout", "undo", "deployment/shop-web")
    cluster.kubectl("rollout", "status", "deployment/shop-web", "--timeout=60s")


def test_a_container_that_ends_is_started_again_and_counted(cluster: Cluster) -> None:
    (pod,) = cluster.pods()
    told("docker", "kill", containers()[0].split()[1])
    cluster.kubectl("wait", "--for=jsonpath={.status.containerStatuses[0].restartCount}=1", pod, "--timeout=60s")
    cluster.kubectl("wait", "--for=condition=ready", pod, "--timeout=60s")
    assert "begun in" in cluster.kubectl("logs", "--previous", pod)


def test_a_config_map_reaches_the_pods_of_the_next_restart(cluster: Cluster) -> None:
    cluster.kubectl("create", "configmap", "colors", "--from-literal=COLOR=blue")
    cluster.kubectl("rollout", "restart", "deployment/shop-web")
    cluster.kubectl("rollout", "status", "deployment/shop-web", "--timeout=60s")
    assert cluster.kubectl("exec", "deploy/shop-web", "--", "printenv", "COLOR").strip() == "blue"


def test_a_job_runs_once_in_a_container_of_its_service(cluster: Cluster) -> None:
    cluster.kubectl("apply", "-f", "-", given=JOB)
    cluster.kubectl("wait", "--for=condition=complete", "job/migrate", "--timeout=60s")
    assert "migrated in red" in cluster.kubectl("logs", "job/migrate")


def test_an_autoscaler_keeps_its_lower_bound(cluster: Cluster) -> None:
    cluster.kubectl("patch", "hpa", "shop-web", "-p", '{"spec":{"minReplicas":2}}')
    cluster.kubectl("wait", "--for=jsonpath={.status.readyReplicas}=2", "deployment/shop-web", "--timeout=60s")
    assert len(settled(2)) == 2
    assert "New size: 2" in cluster.kubectl("get", "events")


def test_what_is_deleted_ends_with_all_its_containers(cluster: Cluster) -> None:
    cluster.kubectl("delete", "deployment", "shop-web")
    assert settled(0) == []

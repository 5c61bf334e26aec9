"""Inside of pods: the real kubectl against a server that speaks its protocol."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from tests.conftest import need
from tests.plugins.kube_api import KubeApi
from tests.plugins.remote_jobs import MakeJob, carry_out, job_maker

from watchkeeper.base.errors import ConfigError, Permanent, Transient
from watchkeeper.estate.model import Estate, TargetConfig
from watchkeeper.plugins.kubernetes.target import KubernetesTarget
from watchkeeper.plugins.shell.target import ShellTarget

MakeTarget = Callable[..., KubernetesTarget]


def minor() -> int:
    """Give the minor release of kubectl; 0 where it is not here."""
    if shutil.which("kubectl") is None:
        return 0
    said = subprocess.run(["kubectl", "version", "--client"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"v1\.(\d+)", said)
    return int(found[1]) if found else 0


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[KubeApi]:
    need(minor() >= 31, "kubectl 1.31 or newer, which runs programs over WebSocket")
    folder = tmp_path / "cluster"
    folder.mkdir()
    api = KubeApi(folder)
    api.add_pod("web-old", "2026-03-01T00:00:00Z")
    api.add_pod("web-new", "2026-03-09T00:00:00Z")
    api.add_pod("web-starting", "2026-03-10T00:00:00Z", ready=False)
    api.add_pod("web-leaving", "2026-03-11T00:00:00Z", leaving=True)
    api.add_pod("db-0", "2026-03-12T00:00:00Z", app="db")
    await api.open()
    yield api
    await api.close()


@pytest.fixture
async def make_target(tmp_path: Path, cluster: KubeApi) -> AsyncIterator[MakeTarget]:
    made: list[KubernetesTarget] = []

    def make(**options: object) -> KubernetesTarget:
        pinned = {"kubeconfig": str(cluster.folder / "kubeconfig"), "context": "prod", "namespace": "shop"}
        config = TargetConfig("web", "kubernetes", 1, Path("."), options={**pinned, **options})
        made.append(KubernetesTarget(config, Estate(tmp_path / "watchkeeper.toml", "shop", tmp_path / "runbook.md")))
        return made[-1]

    yield make
    for target in made:
        await target.close()


@pytest.fixture
def job(tmp_path: Path) -> MakeJob:
    return job_maker(tmp_path)


async def test_a_script_runs_in_the_newest_pod_that_is_ready_and_stays(make_target: MakeTarget, job: MakeJob) -> None:
    mine = job('basename "$PWD"; echo "$NAME" >&2; cat; exit 3', variables={"NAME": "it's $(id)"})
    assert await carry_out(make_target(deployment="web"), mine) == (3, "web-new\nit's $(id)\n")


@pytest.mark.parametrize(("how", "pod"), [({"selector": "app=db"}, "db-0"), ({"pod": "web-old"}, "web-old")])
async def test_pods_by_their_labels_or_name(make_target: MakeTarget, job: MakeJob, how: dict[str, str], pod: str) -> None:
    assert await carry_out(make_target(**how), job('basename "$PWD"')) == (0, f"{pod}\n")


async def test_a_successor_looks_in_the_pod_to_which_it_was_sent(make_target: MakeTarget, job: MakeJob, cluster: KubeApi) -> None:
    mine = job("echo begun >> marks; until [ -e go ]; do sleep 0.05; done; echo end; exit 5")
    first = make_target(deployment="web")
    await first.start(mine)
    await first.close()
    cluster.add_pod("web-newer", "2026-03-13T00:00:00Z")
    successor = make_target(deployment="web")
    assert (await successor.find(mine)).state == "running"
    (cluster.folder / "web-new" / "go").touch()
    assert (await successor.wait(mine)).exit_status == 5
    assert successor.read_output(mine) == "end\n"
    assert (cluster.folder / "web-new" / "marks").read_text() == "begun\n"
    assert await carry_out(successor, job('basename "$PWD"', "2.1.1")) == (0, "web-newer\n")


async def test_a_pod_that_is_gone_leaves_it_lost(make_target: MakeTarget, job: MakeJob, cluster: KubeApi) -> None:
    mine = job("sleep 0.1")
    target = make_target(deployment="web")
    await target.start(mine)
    await target.wait(mine)
    await target.close()
    cluster.pods = [pod for pod in cluster.pods if pod["metadata"]["name"] != "web-new"]
    found = await make_target(deployment="web").find(mine)
    assert found.state == "lost"
    assert "NotFound" in found.sentence


async def test_what_is_not_there_is_named(make_target: MakeTarget, job: MakeJob, cluster: KubeApi) -> None:
    with pytest.raises(Permanent, match=r"deployment none cannot be used: .*NotFound"):
        await make_target(deployment="none").start(job("true"))
    with pytest.raises(Transient, match="no pod that is ready"):
        await make_target(selector="app=none").start(job("true", "2.1.1"))
    with pytest.raises(ConfigError, match="needs one of"):
        make_target()
    await cluster.close()
    with pytest.raises(Transient, match="refused"):
        await make_target(deployment="web").start(job("true", "3.1.1"))


async def test_kubectl_of_a_runbook_is_pinned_to_a_context_and_a_namespace(
    cluster: KubeApi, tmp_path: Path, job: MakeJob
) -> None:
    words = {"kubectl": f"kubectl --kubeconfig {cluster.folder}/kubeconfig --context prod -n shop"}
    estate = Estate(tmp_path / "watchkeeper.toml", "shop", tmp_path / "runbook.md")
    local = ShellTarget(TargetConfig("local", "shell", 1, tmp_path, words=words), estate)
    mine = job("kubectl get pods -l app=db -o name")
    await local.start(mine)
    assert (await local.wait(mine)).exit_status == 0, local.read_output(mine)
    assert local.read_output(mine) == "pod/db-0\n"

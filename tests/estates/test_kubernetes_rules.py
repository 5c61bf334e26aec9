"""What the API server of the estates decides without a container: patches, tables, selectors, names."""

import doctest
import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

SERVER = Path(__file__).parents[2] / "estates" / "base" / "kubernetes"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Any:
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(SERVER))
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(SERVER)):
            del sys.modules[name]


@pytest.mark.parametrize("name", ["patches", "pods", "store", "tables", "server"])
def test_examples_in_the_docstrings_hold(server: Any, name: str) -> None:
    found = doctest.testmod(server(name))
    assert found.attempted
    assert not found.failed


def test_a_strategic_patch_removes_keeps_and_orders(server: Any) -> None:
    held = {"containers": [{"name": "a", "image": "1", "env": [{"name": "X", "value": "1"}]}, {"name": "b"}]}
    patch = {
        "$setElementOrder/containers": [{"name": "c"}, {"name": "a"}],
        "containers": [
            {"name": "c"},
            {"name": "a", "env": [{"name": "X", "$patch": "delete"}]},
            {"name": "b", "$patch": "delete"},
        ],
    }
    wanted = [{"name": "c"}, {"name": "a", "image": "1", "env": []}]
    assert server("patches").strategic(held, patch) == {"containers": wanted}


def test_a_container_of_another_image_brings_what_that_image_says(server: Any) -> None:
    labels = {"com.docker.compose.service": "web", "com.docker.compose.container-number": "1"}
    config = {"Image": "web:1", "Env": ["PATH=/bin", "COLOR=red", "HOME=/x"], "Cmd": ["serve"], "User": "shop", "Labels": labels}
    pattern = {"Name": "/shop_web_1", "Config": config, "HostConfig": {}, "NetworkSettings": {"Networks": {"shop_default": {}}}}
    image = {"Config": {"Env": ["PATH=/bin"], "Cmd": ["serve"], "User": ""}}
    limits = {"limits": {"memory": "64Mi", "cpu": "500m"}}
    template = {"spec": {"containers": [{"name": "web", "image": "web:2", "resources": limits}]}}
    name, made = server("pods").container_for(pattern, image, template, {"COLOR": "blue"}, 4, {"pod": "p"})
    assert (name, made["Image"], made["User"]) == ("shop_web_4", "web:2", "shop")
    assert made["Env"] == ["COLOR=blue", "HOME=/x"]
    assert "Cmd" not in made
    assert made["HostConfig"]["Memory"] == 64 * 2**20
    assert made["Labels"]["com.docker.compose.container-number"] == "4"


def test_a_watch_hears_what_changed_after_a_version_and_an_unchanged_object_is_silent(server: Any) -> None:
    store = server("store").Store()
    first = store.put("configmaps", {"metadata": {"name": "c", "namespace": "n"}, "data": {"a": "1"}})
    store.put("configmaps", {"metadata": {"name": "c", "namespace": "n"}, "data": {"a": "1"}})
    store.put("configmaps", {"metadata": {"name": "c", "namespace": "n"}, "data": {"a": "2"}})
    store.remove("configmaps", "n", "c")
    heard = [(what, item["data"]["a"]) for _, what, _, item in store.since(int(first["metadata"]["resourceVersion"]))]
    assert heard == [("MODIFIED", "2"), ("DELETED", "2")]


def test_protobuf_of_a_namespace_is_read_and_of_others_refused(server: Any) -> None:
    meta = b"\x0a\x04shop" + b"\x5a\x08\x0a\x01a\x12\x03web"
    raw = b"\x0a" + bytes([len(meta)]) + meta
    body = b"k8s\x00" + b"\x12" + bytes([len(raw)]) + raw
    read = server("protobuf").read
    assert read(body, "Namespace") == {"metadata": {"name": "shop", "labels": {"a": "web"}}}
    assert read(body, "Pod") is None

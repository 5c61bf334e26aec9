"""RDS and ElastiCache: what is asked of an instance is done to the real server, and how that stands is the instance's status."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine import Engine
from moto.core import DEFAULT_ACCOUNT_ID
from moto.elasticache.responses import ElastiCacheResponse
from moto.rds.models import RDSBackend, rds_backends

#: instance -> its region and the service that it is
INSTANCES = {
    "markethub-prod": ("us-east-1", "postgres"),
    "markethub-replica": ("us-east-1", "replica"),
    "markethub-west-replica": ("us-west-2", "west-database"),
    "markethub-recovery": ("us-east-1", "recovery"),
}
FENCE = "sg-fence"
ARCHIVE = Path("/archive")


class Databases:
    """Ties moto's instances to the servers."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        #: instances that are being changed, which is their status meanwhile
        self._under_way: dict[str, str] = {}

    def tie(self) -> None:
        """Have what is asked of moto done for real as well."""
        self._after("promote_read_replica", lambda args: self._begin(_asked(args), "modifying", self._promote))
        self._after("modify_db_instance", self._modified)
        self._after("reboot_db_instance", lambda args: self._begin(_asked(args), "rebooting", self._reboot))
        self._after("restore_db_instance_to_point_in_time", self._restored)
        engine = self._engine

        def reboot_cache_cluster(response: ElastiCacheResponse) -> str:
            engine.restart("redis")
            return (
                '<RebootCacheClusterResponse xmlns="http://elasticache.amazonaws.com/doc/2015-02-02/"><RebootCacheClusterResult>'
                f"<CacheCluster><CacheClusterId>{response._get_param('CacheClusterId')}</CacheClusterId>"
                "<CacheClusterStatus>rebooting cache cluster nodes</CacheClusterStatus></CacheCluster>"
                "</RebootCacheClusterResult></RebootCacheClusterResponse>"
            )

        ElastiCacheResponse.reboot_cache_cluster = reboot_cache_cluster

    def look(self) -> None:
        """Show how each server is as the status of its instance."""
        for name, (region, service) in INSTANCES.items():
            held = rds_backends[DEFAULT_ACCOUNT_ID][region].databases.get(name)
            if held is None:
                continue
            held.status = self._under_way.get(name) or ("available" if _listens(service) else "failed")

    def _after(self, name: str, act: Callable[[tuple[Any, ...]], None]) -> None:
        """Have an act follow when moto has done its own part of a call."""
        moto = getattr(RDSBackend, name)

        def both(backend: RDSBackend, *args: Any, **kwargs: Any) -> Any:
            answer = moto(backend, *args, **kwargs)
            act((*args, *kwargs.values()))
            return answer

        setattr(RDSBackend, name, both)

    def _begin(self, name: str, status: str, act: Callable[[str], None]) -> None:
        """Do something to a server while the instance shows that it is being changed."""
        if name not in INSTANCES:
            return
        region, service = INSTANCES[name]
        self._under_way[name] = status
        rds_backends[DEFAULT_ACCOUNT_ID][region].databases[name].status = status

        def work() -> None:
            try:
                act(service)
            except Exception as problem:
                print(f"{name}: {type(problem).__name__}: {problem}", flush=True)
            finally:
                self._under_way.pop(name, None)

        threading.Thread(target=work, name=name, daemon=True).start()

    def _promote(self, service: str) -> None:
        _psql(service, "select pg_promote(wait_seconds => 30)")

    def _reboot(self, service: str) -> None:
        self._engine.restart(service)
        _wait_for(service)

    def _modified(self, args: tuple[Any, ...]) -> None:
        """Cut off an instance whose only security group lets nobody in."""
        name = _asked(args)
        if name not in INSTANCES:
            return
        region, _ = INSTANCES[name]
        groups = rds_backends[DEFAULT_ACCOUNT_ID][region].databases[name].vpc_security_group_ids
        if list(groups) == [FENCE]:
            self._begin(name, "modifying", self._engine.cut_off)

    def _restored(self, args: tuple[Any, ...]) -> None:
        """Ask the recovery server for the time; the last WAL of the source is archived first, so that the time is reached."""
        overrides = next(each for each in args if isinstance(each, dict))
        wanted = str(overrides.get("restore_time") or args[-1])

        def restore(service: str) -> None:
            try:
                _psql("postgres", "select pg_switch_wal()")
            except RuntimeError as problem:
                print(f"The source cannot be asked: {problem}", flush=True)
            (ARCHIVE / "restore.new").write_text(wanted)
            (ARCHIVE / "restore.new").rename(ARCHIVE / "restore")
            _wait_for(service)

        self._begin("markethub-recovery", "modifying", restore)


def _asked(args: tuple[Any, ...]) -> str:
    """Give the identifier of a call, which moto hands on as itself or in a table of one kind or another."""
    first = args[0]
    return first if isinstance(first, str) else str(first["db_instance_identifier"])


def _listens(host: str) -> bool:
    """Say whether something takes connections there; one that takes them and does not answer is no concern of RDS."""
    try:
        with socket.create_connection((host, 5432), timeout=1.0):
            return True
    except OSError:
        return False


def _wait_for(host: str) -> None:
    for _ in range(120):
        if subprocess.run(["pg_isready", "-q", "-h", host, "-t", "1"], check=False).returncode == 0:
            break
        threading.Event().wait(0.5)
    else:
        raise RuntimeError(f"{host} does not take connections")
    for _ in range(120):
        if _psql(host, "select pg_is_in_recovery()") == "f":
            return
        threading.Event().wait(0.5)


def _psql(host: str, sql: str) -> str:
    environment = {**os.environ, "PGPASSWORD": os.environ["SUPERUSER_PASSWORD"], "PGCONNECT_TIMEOUT": "3"}
    command = ["psql", "-h", host, "-U", "postgres", "-d", "postgres", "-Atc", sql]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    return done.stdout.strip()

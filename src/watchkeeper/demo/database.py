"""The estate's PostgreSQL: a primary, its roles and tables, and a streaming replica copied from it."""

from __future__ import annotations

import os
import pwd
import subprocess
import time
from pathlib import Path

import psycopg
import sqlalchemy as sa
from psycopg import sql

from watchkeeper.base.errors import WatchkeeperError
from watchkeeper.demo.layout import Layout
from watchkeeper.demo.servers import Servers, run_as
from watchkeeper.demo.shop import schema

CONFIGURATION = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 50
superuser_reserved_connections = 3
reserved_connections = 4
shared_buffers = 16MB
max_wal_size = 256MB
wal_level = replica
max_wal_senders = 4
wal_keep_size = 64MB
hot_standby = on
wal_retrieve_retry_interval = 500ms
scram_iterations = 1024
autovacuum_naptime = 60s
jit = off
logging_collector = off
"""
ACCESS = """
host all all 127.0.0.1/32 scram-sha-256
host replication replicator 127.0.0.1/32 scram-sha-256
"""


def prepare(folder: Path, layout: Layout, servers: Servers) -> bool:
    """Make an empty primary, or find the one that is there; True where it was made."""
    data = folder / "data"
    if (data / "primary" / "PG_VERSION").exists():
        return False
    if servers.user is not None:
        owner = pwd.getpwnam(servers.user)
        os.chown(data, owner.pw_uid, owner.pw_gid)
    password = data / "password"
    password.touch(mode=0o600)
    password.write_text(layout.admin_password)
    if servers.user is not None:
        os.chown(password, owner.pw_uid, owner.pw_gid)
    initdb = [str(servers.postgres / "initdb"), "-D", str(data / "primary"), "-U", "postgres", f"--pwfile={password}"]
    run(servers, [*initdb, "--auth=scram-sha-256", "--no-sync", "--encoding=UTF8", "--locale=C", "--no-instructions"], data)
    password.unlink()
    with (data / "primary" / "postgresql.conf").open("a") as conf:
        conf.write(CONFIGURATION)
    (data / "primary" / "pg_hba.conf").write_text(ACCESS)
    return True


def fill(layout: Layout) -> None:
    """Create the shop's database, roles and tables on a running, empty primary."""
    name = layout.named("shop")
    admin = f"host=127.0.0.1 port={layout.ports['postgres']} user=postgres password={layout.admin_password}"
    with psycopg.connect(f"{admin} dbname=postgres", autocommit=True) as connection:
        for role, options, password in (
            (name, "login", layout.shop_password),
            ("watch", "login", layout.watch_password),
            ("replicator", "login replication", layout.admin_password),
        ):
            command = sql.SQL("create role {} " + options + " password {}")
            connection.execute(command.format(sql.Identifier(role), sql.Literal(password)))
        connection.execute("grant pg_monitor, pg_signal_backend, pg_use_reserved_connections, pg_read_all_data to watch")
        connection.execute(sql.SQL("create database {0} owner {0}").format(sql.Identifier(name)))
    address = f"127.0.0.1:{layout.ports['postgres']}/{name}"
    engine = sa.create_engine(f"postgresql+psycopg://{name}:{layout.shop_password}@{address}", poolclass=sa.NullPool)
    with engine.begin() as connection_of_shop:
        schema.create(connection_of_shop)
    engine.dispose()


def copy_to_replica(folder: Path, layout: Layout, servers: Servers) -> None:
    """Copy the running primary into a standby's data directory, unless there is one."""
    data = folder / "data"
    if (data / "replica" / "PG_VERSION").exists():
        return
    where = ["-h", "127.0.0.1", "-p", str(layout.ports["postgres"]), "-U", "replicator", "-D", str(data / "replica")]
    command = [str(servers.postgres / "pg_basebackup"), *where, "-R", "-X", "stream", "-c", "fast", "--no-sync"]
    run(servers, command, data, {**os.environ, "PGPASSWORD": layout.admin_password})


def wait_until_ready(port: int, servers: Servers, patience_s: float = 20) -> None:
    """Wait until the server on this port accepts connections."""
    deadline = time.monotonic() + patience_s
    command = [str(servers.postgres / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port), "-t", "1"]
    while subprocess.run(command, capture_output=True, check=False).returncode != 0:
        if time.monotonic() > deadline:
            raise WatchkeeperError(
                f"PostgreSQL did not accept connections on port {port} within {patience_s:.0f} s.",
                hint="Its last words are in logs/ of the estate's folder.",
                code="WK905",
            )
        time.sleep(0.1)


def run(servers: Servers, command: list[str], cwd: Path, environment: dict[str, str] | None = None) -> None:
    """Run one of PostgreSQL's programs as its user; its own complaint is the hint."""
    try:
        run_as(servers.user, command, cwd, environment)
    except subprocess.CalledProcessError as error:
        raise WatchkeeperError(
            f"{Path(command[0]).name} failed with status {error.returncode}.", hint=str(error.stderr).strip()[-600:], code="WK906"
        ) from error

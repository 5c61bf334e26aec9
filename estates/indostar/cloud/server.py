"""AWS for the estate: moto's server, and in front of it what moto does not do: an act that reaches a container.

`rds reboot-db-instance` starts the container `postgres` anew, `elasticache test-failover` the container `broker`, whose queue is
on disk. Everything else is moto's. On its start it makes what the runbook names: instances, volume, certificate, log group.
"""

from __future__ import annotations

import http.client
import io
import json
import os
import socket
import threading
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs, quote

import boto3
from botocore.config import Config
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple

PROJECT, PORT = os.environ["COMPOSE_PROJECT"], 5000
#: an act of AWS, and the container that it starts anew
ACTS = {"RebootDBInstance": "postgres", "TestFailover": "broker"}
_DONE = (
    '<TestFailoverResponse xmlns="http://elasticache.amazonaws.com/doc/2015-02-02/"><TestFailoverResult><ReplicationGroup>'
    "<ReplicationGroupId>{group}</ReplicationGroupId><Status>modifying</Status></ReplicationGroup></TestFailoverResult>"
    "<ResponseMetadata><RequestId>standin</RequestId></ResponseMetadata></TestFailoverResponse>"
)


class Docker(http.client.HTTPConnection):
    """The engine behind its socket."""

    def connect(self) -> None:
        """Open the socket."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        self.sock.connect("/var/run/docker.sock")


def ask(method: str, path: str) -> Any:
    """Ask the engine."""
    engine = Docker("docker")
    engine.request(method, path)
    said = engine.getresponse().read()
    engine.close()
    return json.loads(said) if said.strip() else None


def start_anew(service: str) -> None:
    """Start a service's container anew, whether it runs or not."""
    wanted = {"label": [f"com.docker.compose.project={PROJECT}", f"com.docker.compose.service={service}"]}
    for found in ask("GET", f"/containers/json?all=1&filters={quote(json.dumps(wanted))}"):
        ask("POST", f"/containers/{found['Id']}/restart?t=10")


class Front:
    """Moto, and the acts that reach a container."""

    def __init__(self, moto: Callable[..., Iterable[bytes]]) -> None:
        self.moto = moto

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request."""
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        form = parse_qs(body.decode(errors="replace")) if b"Action=" in body else {}
        act = form.get("Action", [""])[0]
        if act == "TestFailover":
            if form.get("ReplicationGroupId") != ["indostar-broker"]:
                start_response("404 Not Found", [("Content-Type", "text/xml")])
                return [b"<ErrorResponse><Error><Code>ReplicationGroupNotFoundFault</Code></Error></ErrorResponse>"]
            start_anew(ACTS[act])
            start_response("200 OK", [("Content-Type", "text/xml")])
            return [_DONE.format(group="indostar-broker").encode()]
        answer = self.moto(environ, start_response)
        if act in ACTS:
            start_anew(ACTS[act])
        return answer


def furnish() -> None:
    """Make what the runbook names."""
    # asked once: a second try beside a slow first one would find everything made
    once = Config(read_timeout=120, retries={"max_attempts": 0})

    def client(name: str) -> Any:
        at, who = f"http://127.0.0.1:{PORT}", {"aws_access_key_id": "standin", "aws_secret_access_key": "standin-secret-key"}
        return boto3.client(name, endpoint_url=at, region_name="ap-south-1", config=once, **who)

    client("rds").create_db_instance(
        DBInstanceIdentifier="indostar-production", DBInstanceClass="db.t3.medium", Engine="postgres", EngineVersion="15.4",
        AllocatedStorage=50, MasterUsername="indostar_user", MasterUserPassword="indostar-database", DBName="indostar_naturals",
    )  # fmt: skip
    client("elasticache").create_replication_group(
        ReplicationGroupId="indostar-broker", ReplicationGroupDescription="the queue", Engine="redis"
    )
    volume = client("ec2").create_volume(AvailabilityZone="ap-south-1a", Size=50)["VolumeId"]
    certificate = client("acm").request_certificate(DomainName="indostarnaturals.com", ValidationMethod="DNS")["CertificateArn"]
    client("logs").create_log_group(logGroupName="/indostar/backend")
    print(json.dumps({"volume": volume, "certificate": certificate}), flush=True)


if __name__ == "__main__":
    threading.Timer(1.0, furnish).start()
    run_simple("0.0.0.0", PORT, Front(DomainDispatcherApplication(create_backend_app)), threaded=True)

"""ELBv2 and ACM: target health is what the load balancer's targets say, and an imported certificate is the one that it serves."""

from __future__ import annotations

import urllib.request
from pathlib import Path
from typing import Any

from engine import Engine
from moto.acm.models import CertBundle
from moto.core import DEFAULT_ACCOUNT_ID
from moto.elbv2.models import FakeHealthStatus, FakeTargetGroup

#: the targets of the load balancer: the number of the port tells which service it is
TARGETS = {8000: "http://gateway:8000/gateway-health"}


class Edges:
    """Ties moto's load balancer and certificates to the real ones."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self._engine, self._folder = engine, folder
        self._served = (folder / "cert.pem").read_text()
        self._well: dict[int, bool] = {}
        self.arn = ""

    def tie(self) -> None:
        """Answer for target health by what was seen."""
        well = self._well

        def health_for(group: FakeTargetGroup, target: Any, _: Any) -> FakeHealthStatus:
            # moto spells a target's names as AWS does from some version on, and small before
            named = {name.lower(): value for name, value in target.items()}
            port = int(named.get("port") or 8000)
            if well.get(port, True):
                return FakeHealthStatus(named["id"], str(port), "8000", "healthy")
            return FakeHealthStatus(
                named["id"], str(port), "8000", "unhealthy", "Target.FailedHealthChecks", "It does not answer"
            )

        FakeTargetGroup.health_for = health_for

    def look(self) -> None:
        """Ask the targets, and bring a certificate that was imported to the load balancer and to the edge before it."""
        for port, url in TARGETS.items():
            try:
                with urllib.request.urlopen(url, timeout=1) as answer:
                    self._well[port] = answer.status == 200
            except OSError:
                self._well[port] = False
        self._bring(newest())

    def _bring(self, held: CertBundle | None) -> None:
        if held is None or held.cert.decode().strip() == self._served.strip():
            return
        chain = (held.chain or b"").decode()
        (self._folder / "cert.pem").write_text(held.cert.decode().strip() + "\n" + chain)
        (self._folder / "key.pem").write_bytes(held.key)
        self._served = held.cert.decode()
        for service in ("lb", "edge"):
            self._engine.signal(service, "HUP")


def newest() -> CertBundle | None:
    """Give the certificate that the listener uses: the one that was imported under its ARN."""
    from moto.acm.models import acm_backends
    from moto.elbv2.models import elbv2_backends

    held = acm_backends[DEFAULT_ACCOUNT_ID]["us-east-1"]._certificates
    for balancer in elbv2_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].load_balancers.values():
        for listener in balancer.listeners.values():
            for each in listener.certificates or []:
                arn = each if isinstance(each, str) else each.get("certificate_arn") or each.get("CertificateArn")
                if arn in held:
                    return held[arn]
    return None

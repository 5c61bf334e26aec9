"""A release that passes its health check and fails a third of the customers."""

from __future__ import annotations

import subprocess
from pathlib import Path

from watchkeeper.base.errors import WatchkeeperError
from watchkeeper.demo.estate import Estate
from watchkeeper.demo.faults.fault import Fault

PRICING = Path(__file__).parent / "pricing_by_group.py"


def deploy_the_mistake(estate: Estate) -> None:
    """Release the shop with the new pricing and deploy it as the team does, with its own script."""
    numbers = [int(place.name[1:]) for place in (estate.folder / "releases").iterdir() if place.name[1:].isdigit()]
    version = f"v{max(numbers) + 1}"
    estate.release(version, {"pricing.py": PRICING.read_text(encoding="utf-8")})
    done = subprocess.run(
        [str(estate.folder / "bin" / "deploy"), version],
        cwd=estate.folder, env=estate.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise WatchkeeperError(
            f"Release {version} could not be deployed.", hint=(done.stdout + done.stderr).strip(), code="WK912"
        )


BAD_DEPLOYMENT = Fault("bad-deployment", "A new release is deployed that fails every third customer.", deploy_the_mistake)

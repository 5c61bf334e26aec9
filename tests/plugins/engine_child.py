"""A worker that is there to be killed: `engine_child.py NAME STATE SETTINGS RUN NOTES` drives a run and dies in its first act."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from watchkeeper.estate import plugins


async def main(name: str, state: str, settings: str, run_id: str, notes: str) -> None:
    async def advance(of: str) -> bool:
        Path(notes).write_text(of)
        await asyncio.sleep(600)
        return True

    engine = plugins.load(plugins.ENGINES, name)(Path(state), json.loads(settings))
    await engine.open(advance)
    await engine.drive(run_id, 1)
    await asyncio.sleep(600)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

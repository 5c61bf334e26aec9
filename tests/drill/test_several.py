"""Who drills several waits for each of them to stop its estate, also where another has ended and they are told again."""

from __future__ import annotations

import asyncio
import sys

from watchkeeper.drill.several import _stopped

SLOW = """
import signal, sys, time
def end(number, frame):
    for _ in range(2000):
        print("stopping", "x" * 90, file=sys.stderr)
    time.sleep(1.5)
    print("stopped", file=sys.stderr)
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print("ready", file=sys.stderr, flush=True)
time.sleep(60)
"""


async def test_a_drill_is_waited_for_until_it_has_ended_however_often_that_is_cancelled() -> None:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", SLOW, stderr=pipe, stdout=pipe)
    assert process.stderr is not None
    assert await process.stderr.readline() == b"ready\n"
    process.terminate()
    waiting = asyncio.create_task(_stopped(process))
    for _ in range(3):
        await asyncio.sleep(0.2)
        waiting.cancel()
    async with asyncio.timeout(30):
        await waiting
    # more was said than a pipe holds, and it came to its end
    assert process.returncode == 0

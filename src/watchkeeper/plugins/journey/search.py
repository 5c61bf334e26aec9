"""Looks for an owner's pattern in what a server sent, in a process of its own that is ended when its time is over.

A pattern may take for ever on a text that somebody else wrote, and while it is matched nothing else of a process goes on. Text
and pattern go in by a pipe and what was found comes back by one: neither stands in a command line.
"""

from __future__ import annotations

import asyncio
import json
import sys

from watchkeeper.plugins.journey.values import StepError

#: what is looked for needs no longer than this, and no more of a text
MOST_S, MOST_CHARACTERS = 5.0, 1_000_000
_CHILD = """
import json, re, sys
pattern, text = json.load(sys.stdin)
found = re.search(pattern, text)
json.dump(None if found is None else [found[1] if found.re.groups else found[0]], sys.stdout)
"""


async def search(pattern: str, text: str, left_s: float) -> str | None:
    """Give the first group of a pattern where it is in a text, or all of it without one; raises StepError where it is not."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-S", "-c", _CHILD, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    limit_s = max(0.1, min(MOST_S, left_s))
    try:
        async with asyncio.timeout(limit_s):
            out, _ = await child.communicate(json.dumps([pattern, text[:MOST_CHARACTERS]]).encode())
    except TimeoutError:
        raise StepError(f"the pattern was not found within {limit_s:.1f} s: it is too costly for this answer") from None
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode or not out:
        raise StepError("the pattern could not be looked for")
    found = json.loads(out)
    if found is None:
        raise StepError("the pattern is not in the answer")
    value: str | None = found[0]
    return value

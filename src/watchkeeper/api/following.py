"""A run as it happens, as server-sent events: what a browser's EventSource reads, and anything else that reads lines."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from fastapi.encoders import jsonable_encoder
from fastapi.responses import StreamingResponse

from watchkeeper.actions.views.following import News
from watchkeeper.actions.views.model import NewsItem

#: what the API's description says of a stream
DESCRIBED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": (
            "Events `log` (a line of the run's log), `output` (a piece of what an act printed) and `over` (nothing more will "
            "come: close). The id of each is its mark; given back as Last-Event-ID, or as `after`, it goes on there. A stream "
            "ends after some minutes, or when Watchkeeper stops; a browser's EventSource comes back by itself."
        ),
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}


def as_events(news: AsyncGenerator[News]) -> StreamingResponse:
    """Answer with news as they come."""
    return StreamingResponse(_events(news), media_type="text/event-stream")


async def _events(news: AsyncGenerator[News]) -> AsyncIterator[str]:
    yield "retry: 1000\n\n"
    async with contextlib.aclosing(news):
        async for item in news:
            yield item_to_event(item) if isinstance(item, NewsItem) else _WORDS[item]


def item_to_event(item: NewsItem) -> str:
    """Write news as one event; JSON has no bare line ends, so that one line of data is enough."""
    name, about = ("log", item.event) if item.event is not None else ("output", item.output)
    data = json.dumps(jsonable_encoder(about), ensure_ascii=False, separators=(",", ":"))
    return f"id: {item.mark}\nevent: {name}\ndata: {data}\n\n"


_WORDS = {"quiet": ": nothing new\n\n", "over": "event: over\ndata: {}\n\n"}

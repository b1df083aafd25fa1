"""Events that the server sends (the browser's ``EventSource``): one JSON message after the other, as they come."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

CLOSING = "closing"
"""In the state of a request: whether the server is about to stop."""
_LOOK_S = 0.25
_QUIET_S = 10.0
"""After so long without a message a comment is sent, so that both ends see a lost connection."""
_AGAIN_MS = 500
"""So long a browser waits before it connects again."""


def json_text(content: Any) -> str:
    """Return ``content`` as JSON in one line."""
    return json.dumps(content, allow_nan=False, separators=(",", ":"))


def event_response(messages: AsyncIterator[tuple[str, Any]], encode: Callable[[Any], str] = json_text) -> StreamingResponse:
    """Return a response that sends each message, its id and its content, until there are no more or viewer or server leaves.

    A browser that connects again tells the last id that it has seen in the header ``Last-Event-ID``. ``encode`` makes text of a
    content; it may have several lines.
    """
    return _EventResponse(messages, encode)


class _EventResponse(StreamingResponse):
    def __init__(self, messages: AsyncIterator[tuple[str, Any]], encode: Callable[[Any], str]) -> None:
        self._closing: Callable[[], bool] = bool
        lines = self._lines(messages, encode)
        super().__init__(lines, media_type="text/event-stream", headers={"x-accel-buffering": "no"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._closing = scope.get("state", {}).get(CLOSING, bool)
        await super().__call__(scope, receive, send)

    async def _lines(self, messages: AsyncIterator[tuple[str, Any]], encode: Callable[[Any], str]) -> AsyncIterator[str]:
        yield f"retry: {_AGAIN_MS}\n\n"
        source, quiet_s = messages.__aiter__(), 0.0
        waiting: asyncio.Future[tuple[str, Any]] | None = None
        try:
            while not self._closing():
                waiting = waiting or asyncio.ensure_future(source.__anext__())
                done, _ = await asyncio.wait({waiting}, timeout=_LOOK_S)
                quiet_s = 0.0 if done or quiet_s >= _QUIET_S else quiet_s + _LOOK_S
                if done:
                    number, content = waiting.result()
                    waiting = None
                    data = "\n".join(f"data: {line}" for line in encode(content).split("\n"))
                    yield f"id: {number}\n{data}\n\n"
                elif quiet_s == 0.0:
                    yield ": still here\n\n"
        except StopAsyncIteration:
            return
        finally:
            if waiting is not None:
                waiting.cancel()
                with contextlib.suppress(asyncio.CancelledError, StopAsyncIteration):
                    await waiting

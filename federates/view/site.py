"""The live view as a web application: one link for each viewer, a page, and the stream of what that viewer may see."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from federates.reporting.modules import STATIC
from federates.runtime.hold import Hold
from federates.runtime.run_record import is_ended, read_run_record
from federates.view.feed import Feed
from federates.view.scene import EVERYBODY
from federates.view.stage import world_stage
from federates.web.app import read_json, web_app
from federates.web.events import event_response
from federates.web.gate import Viewers
from federates.web.pages import Pages
from federates.web.server import LOOPBACK, Server

FOLDERS: Mapping[str, Path] = {**STATIC, "view": Path(__file__).parent / "static"}
"""Folders of files that ship, by their name in a page."""
_LOOK_S = 0.15
_MOST_EVENTS = 400
"""In one message: a page that comes late is given the past in pieces."""
_LAST_S = 2.0
"""So long after a run its last events may take to reach the pages that are open."""


class LiveView:
    """Serves a run's folder to viewers from `start` to `stop`, or inside a ``with`` block.

    Parameters
    ----------
    viewers : `EVERYBODY`, or names of agents: each has a link of its own, and is shown that agent's folder alone.
    world : name of the run's world.
    hold : by which the run itself can be held and let go on, by who sees everybody; None: it cannot be held from here.
    """

    def __init__(
        self,
        folder: Path,
        world: str,
        viewers: Iterable[str] = (EVERYBODY,),
        host: str = LOOPBACK,
        port: int = 0,
        hold: Hold | None = None,
        listening: socket.socket | None = None,
    ) -> None:
        self._feeds = {name: Feed(folder, name, lambda: is_ended(read_run_record(folder))) for name in viewers}
        self._links = Viewers(self._feeds)
        self._hold, self._watching = hold, 0
        self._pages, self._run = Pages("federates.view"), folder.resolve().name
        self._stage = world_stage(world)
        routes = [
            Route("/", self._page),
            Route("/events", self._events),
            Route("/stage.js", self._script),
            Route("/hold", self._held, methods=["POST"]),
        ]
        self._server = Server(web_app(routes, self._links, FOLDERS), host, port, listening)

    @property
    def links(self) -> Mapping[str, str]:
        """Return the link of each viewer."""
        return {name: self._links.link(self._server.address, name) for name in self._feeds}

    def start(self) -> LiveView:
        """Begin to serve."""
        self._server.start()
        return self

    def stop(self) -> None:
        """Give the pages that are open a moment for what came last, and end."""
        deadline = time.monotonic() + _LAST_S
        while self._watching and time.monotonic() < deadline:
            time.sleep(0.05)
        self._server.stop()

    def __enter__(self) -> LiveView:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def _page(self, request: Request) -> Response:
        viewer = request.state.viewer
        hold = self._hold if viewer == EVERYBODY else None
        return self._pages.page(
            "view.html.j2",
            run=self._run,
            viewer=viewer,
            everybody=viewer == EVERYBODY,
            can_hold=hold is not None,
            held=hold is not None and hold.held,
        )

    async def _events(self, request: Request) -> Response:
        seen = request.query_params.get("after") or request.headers.get("last-event-id") or "0"
        feed = self._feeds[request.state.viewer]
        return event_response(self._told(feed, int(seen) if seen.isdecimal() else 0), "\n".join)

    async def _told(self, feed: Feed, seen: int) -> AsyncIterator[tuple[str, list[str]]]:
        self._watching += 1
        try:
            while True:
                feed.look()  # a fraction of a millisecond where nothing is new
                while new := feed.events[seen : seen + _MOST_EVENTS]:
                    seen += len(new)
                    yield str(seen), new
                if feed.over:
                    break
                await asyncio.sleep(_LOOK_S)
        finally:
            self._watching -= 1
        # The page would ask again if the stream ended.
        while True:
            await asyncio.sleep(3600.0)

    async def _script(self, request: Request) -> Response:
        if self._stage is None:
            raise HTTPException(404)
        return FileResponse(self._stage.script, media_type="text/javascript")

    async def _held(self, request: Request) -> Response:
        if self._hold is None or request.state.viewer != EVERYBODY:
            raise HTTPException(403, "Only who sees everybody can hold a run, and only where it was started.")
        wanted: dict[str, Any] = await read_json(request)
        actions: dict[str, Callable[[], None]] = {
            "hold": self._hold.hold,
            "step": self._hold.step,
            "go": self._hold.release,
        }
        if wanted.get("do") not in actions:
            raise HTTPException(400, f"do must be one of {', '.join(actions)}.")
        await asyncio.to_thread(actions[wanted["do"]])
        return JSONResponse({"held": self._hold.held})

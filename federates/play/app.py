"""The game's addresses: a page, its events and its buttons for each kind of viewer, behind the gate of tokens."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from federates.boundary.errors import PortageError
from federates.play.debrief import Debrief
from federates.play.desk import ask_draft, give_answer, show_hint
from federates.play.game import Game
from federates.play.kept import Kept
from federates.play.pages import PAGES, STATIC, qr_code
from federates.play.views import join_view, lecturer_view, student_view
from federates.web.app import read_json, web_app
from federates.web.events import event_response
from federates.web.gate import Viewers

Json: TypeAlias = dict[str, Any]
LECTURER, PROJECTOR, JOIN = "lecturer", "projector", "join"
_LOOK_S = 0.1
_REFRESH_S = 20.0
"""A page hears how things are at least this often, so that its clock stays right."""


class Play:
    """The web side of one game."""

    def __init__(self, game: Game, tokens: Mapping[str, str] | None = None) -> None:
        self.game = game
        self.viewers = Viewers((LECTURER, PROJECTOR, JOIN), tokens)
        self.address = ""
        self.listens: tuple[str, int] = ("", 0)
        """Address and port at which it listens."""
        self.closing = False
        """Whether every stream of events is to end, because the server is going to."""
        self.debrief = Debrief(game)
        self._kept: Kept | None = None

    def keep(self) -> None:
        """Write down what the game needs to go on when this server has ended, if any of it is new.

        Raises
        ------
        OSError : the disk refuses.
        """
        host, port = self.listens
        now = replace(self.game.kept(), host=host, port=port, tokens=self.viewers.tokens)
        if now != self._kept and not self.closing:
            now.write(self.game.folder)
            self._kept = now

    def link(self, viewer: str) -> str:
        """Return the whole link of a viewer."""
        return self.viewers.link(self.address, viewer)

    def app(self) -> ASGIApp:
        """Return the application."""
        routes = [
            Route("/", self._page),
            Route("/events", self._events),
            Route("/join", self._join, methods=["POST"]),
            Route("/sheet", self._sheet),
            Route("/answer", self._answer, methods=["POST"]),
            Route("/draft", self._draft, methods=["POST"]),
            Route("/hint", self._hint, methods=["POST"]),
            Route("/do", self._do, methods=["POST"]),
            Route("/debrief", self._debrief),
            Route("/debrief.html", self._debrief_file),
        ]
        return web_app(routes, self.viewers, {"play": STATIC})

    async def _page(self, request: Request) -> Response:
        viewer, scenario = request.state.viewer, self.game.scenario.name
        if viewer == JOIN:
            return PAGES.page("join.html.j2", scenario=scenario)
        if viewer == PROJECTOR:
            return PAGES.page("projector.html.j2", scenario=scenario, join=self.link(JOIN), code=qr_code(self.link(JOIN)))
        if viewer == LECTURER:
            return PAGES.page("lecturer.html.j2", scenario=scenario, join=self.link(JOIN), projector=self.link(PROJECTOR))
        return PAGES.page("student.html.j2")

    async def _events(self, request: Request) -> Response:
        viewer = request.state.viewer
        if viewer == JOIN:
            return event_response(self._follow(viewer, lambda: join_view(self.game)))
        if viewer in (LECTURER, PROJECTOR):
            return event_response(self._follow(viewer, lambda: lecturer_view(self.game)))
        return event_response(self._follow(viewer, lambda: student_view(self.game, viewer)))

    async def _follow(self, viewer: str, view: Callable[[], Json]) -> AsyncIterator[tuple[str, Json]]:
        """Yield a viewer's view now, and again whenever it changes."""
        self.game.touch(viewer, 1)
        number, told, told_s = 0, None, 0.0
        try:
            while not self.closing:
                seen = self._version(viewer)
                if seen != told or time.monotonic() - told_s > _REFRESH_S:
                    told, told_s, content = seen, time.monotonic(), view()
                    number += 1
                    yield str(number), content
                    if content["state"] == "gone":
                        return
                await asyncio.sleep(_LOOK_S)
        finally:
            self.game.touch(viewer, -1)

    def _version(self, viewer: str) -> tuple[int, ...]:
        game = self.game
        student = game.students.get(viewer)
        groups = game.groups.values() if student is None else [game.groups[student.group]]
        return (game.version, *(group.version for group in groups))

    async def _join(self, request: Request) -> Response:
        self._only(request, JOIN)
        wanted = await read_json(request)
        name, group, agent = wanted.get("name"), wanted.get("group"), wanted.get("agent")
        if not isinstance(name, str) or not isinstance(group, int) or not isinstance(agent, str):
            raise HTTPException(400, "Type a name and choose a seat.")
        student = f"student-{secrets.token_hex(6)}"
        self.game.join(name, group, agent, student)
        self.viewers.add(student)
        with contextlib.suppress(OSError):  # said by whoever looks at the game; the student has the seat, and needs the link
            await asyncio.to_thread(self.keep)
        return JSONResponse({"path": self.viewers.link("", student)})

    async def _sheet(self, request: Request) -> Response:
        log = self._log(request)
        return JSONResponse({} if log is None else log.sheet)

    async def _answer(self, request: Request) -> Response:
        return await self._at_desk(request, give_answer)

    async def _draft(self, request: Request) -> Response:
        return await self._at_desk(request, ask_draft)

    async def _hint(self, request: Request) -> Response:
        return await self._at_desk(request, show_hint)

    async def _at_desk(self, request: Request, act: Any) -> Response:
        sent, log = await read_json(request), self._log(request)
        self.game.touch(request.state.viewer)
        if log is None:
            raise HTTPException(409, "Your agent is still getting ready.")
        return JSONResponse(await act(log, sent, self.game.rules.hints))

    def _log(self, request: Request) -> Any:
        student = self.game.students.get(request.state.viewer)
        if student is None:
            raise HTTPException(403, "Only a student with a seat may do this.")
        return self.game.groups[student.group].logs.get(student.agent)

    async def _do(self, request: Request) -> Response:
        self._only(request, LECTURER)
        wanted = await read_json(request)
        game = self.game
        deeds: dict[str, Callable[[], Any]] = {
            "start": self._start,
            "pause": lambda: game.pause(True),
            "resume": lambda: game.pause(False),
            "next": lambda: self._next(wanted.get("last_period")),
            "all": lambda: game.next_period(everything=True),
            "end": game.end,
            "free": lambda: self._free(str(wanted.get("seat", ""))),
        }
        if wanted.get("do") == "reveal":
            await asyncio.to_thread(self.debrief.make)
            game.reveal()
        elif (deed := deeds.get(str(wanted.get("do")))) is not None:
            deed()
        else:
            raise HTTPException(400, "There is no such button.")
        return JSONResponse({"state": game.state})

    def _next(self, seen: object) -> None:
        """Open the next period, once however often the button was pressed: ``seen`` is the last one that the page knew."""
        if seen == self.game.last_period:
            self.game.next_period()

    def _start(self) -> None:
        self.game.start()
        self.debrief.prepare()

    def _free(self, seat: str) -> None:
        group, _, agent = seat.partition("/")
        student = self.game.free(int(group), agent) if group.isdecimal() else None
        if student is None:
            raise PortageError("Nobody sits there any more")
        self.viewers.drop(student)  # the page that is open is told so by its events

    def _only(self, request: Request, viewer: str) -> None:
        if request.state.viewer != viewer:
            raise HTTPException(403, f"Only the {viewer} page may do this.")

    async def _debrief(self, request: Request) -> Response:
        return HTMLResponse(await self._made(request, alone=False))

    async def _debrief_file(self, request: Request) -> Response:
        shown = {"content-disposition": 'attachment; filename="debrief.html"'}
        return HTMLResponse(await self._made(request, alone=True), headers=shown)

    async def _made(self, request: Request, alone: bool) -> str:
        if request.state.viewer == JOIN or not self.game.revealed:
            raise HTTPException(403, "The debrief is not open yet; the lecturer opens it after the game.")
        # After a game was taken up the day without people is played for it, while every other page goes on.
        return await asyncio.to_thread(self.debrief.page, alone)

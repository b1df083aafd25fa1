"""An application: routes behind the gate, files that ship, headers for safety, and a sentence for every error."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Router
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from federates.boundary.errors import PortageError
from federates.web.gate import Gate, Viewers
from federates.web.pages import Pages

STATIC = Path(__file__).parent / "static"
_MOST_BYTES = 65_536
_PAGES = Pages()
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
_WORDS = {404: "There is no such page.", 405: "This address does not take that kind of request."}
_FAILED = "Something went wrong here; the terminal that started this server says what. Nothing else is disturbed."


def web_app(routes: Iterable[BaseRoute], viewers: Viewers, static: Mapping[str, Path] | None = None) -> ASGIApp:
    """Return an application that serves ``routes`` to ``viewers`` and to nobody else.

    Parameters
    ----------
    routes : as seen behind the token: ``/`` is a viewer's first page; ``request.state.viewer`` is the viewer's name.
    static : more folders of files that ship with the package, by the name under ``/static``: ``/static/<name>/<file>``. They are
        served to everybody; the skeleton's own are ``/static/web/<file>``.
    """
    folders = {"web": STATIC} | dict(static or {})
    shipped = [Mount(f"/static/{name}", StaticFiles(directory=folder)) for name, folder in folders.items()]
    application = Starlette(
        routes=[*shipped, Mount("/", Gate(Router(list(routes)), viewers))],
        exception_handlers={HTTPException: _refused, PortageError: _not_possible, Exception: _failed},
    )
    return _Headers(application)


async def read_json(request: Request, most_bytes: int = _MOST_BYTES) -> dict[str, Any]:
    """Return what a page has sent, which must be one JSON object.

    Raises
    ------
    HTTPException : it is too long (413), or not JSON, or no object (400).
    """
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > most_bytes:
            raise HTTPException(413, f"What was sent is longer than {most_bytes} bytes.")
    try:
        content = json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, "What was sent is not JSON.") from error
    if not isinstance(content, dict):
        raise HTTPException(400, "What was sent must be a JSON object.")
    return content


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no number")


class _Headers:
    """Adds to every answer what tells a browser to load nothing from elsewhere, frame nothing and keep nothing."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                added = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
                message["headers"] = [*message.get("headers", []), *added]
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _say(request: Request, status: int, words: str) -> Response:
    """Answer with a sentence: a page to a person, JSON to a script."""
    if "text/html" in request.headers.get("accept", ""):
        return _PAGES.page("error.html.j2", status=status, words=words)
    return Response(json.dumps({"error": words}), status, media_type="application/json")


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if location := (error.headers or {}).get("location"):
        return Response(status_code=error.status_code, headers={"location": location})
    own = _WORDS.get(error.status_code, error.detail)
    return _say(request, error.status_code, own)


async def _not_possible(request: Request, error: Exception) -> Response:
    return _say(request, 409, f"{error}.".replace("..", "."))


async def _failed(request: Request, error: Exception) -> Response:
    return _say(request, 500, _FAILED)

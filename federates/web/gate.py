"""Who may see a page: the token in a link's path says who looks, and there is no cookie.

So two tabs of one browser can be two viewers, a page of another site has nothing to act with, and a stranger on the same computer
or network gets a sentence.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable, Mapping

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

_TOKEN_BYTES = 24
WRONG_TOKEN = "This link is not valid: its token is wrong or from a session that has ended. Ask for a new link."  # noqa: S105


class Viewers:
    """Those who have a link, by name, each with a token of its own that nobody can guess."""

    def __init__(self, names: Iterable[str], known: Mapping[str, str] | None = None) -> None:
        """Give everybody of ``names`` a link; those who are ``known`` keep the token that they have."""
        self._tokens = {name: secrets.token_urlsafe(_TOKEN_BYTES) for name in names} | dict(known or {})

    @property
    def tokens(self) -> dict[str, str]:
        """Return everybody's token by name: to be kept where nobody else reads it."""
        return dict(self._tokens)

    def add(self, name: str) -> None:
        """Give somebody who comes later a link."""
        self._tokens[name] = secrets.token_urlsafe(_TOKEN_BYTES)

    def drop(self, name: str) -> None:
        """Take a link away: from now on its token is nobody's."""
        self._tokens.pop(name, None)

    def link(self, address: str, name: str) -> str:
        """Return the link of a viewer, such as ``http://127.0.0.1:40123/<token>/``."""
        return f"{address}/{self._tokens[name]}/"

    def who(self, token: str) -> str | None:
        """Return whose token it is; None for nobody's. How long it takes does not say how much of it was right."""
        found = None
        for name, known in list(self._tokens.items()):
            if hmac.compare_digest(known.encode(), token.encode("utf-8", "replace")):
                found = name
        return found


class Gate:
    """Lets ``/<token>/...`` through to ``app`` as ``/...``, with the viewer's name in ``request.state.viewer``."""

    def __init__(self, app: ASGIApp, viewers: Viewers) -> None:
        self._app, self._viewers = app, viewers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request (ASGI)."""
        root = scope.get("root_path", "")
        token, slash, _ = scope["path"].removeprefix(root).removeprefix("/").partition("/")
        viewer = self._viewers.who(token)
        if viewer is None:
            raise HTTPException(403, WRONG_TOKEN)
        if not slash:
            raise HTTPException(307, headers={"location": f"{root}/{token}/"})
        inner = dict(scope, root_path=f"{root}/{token}", state=dict(scope.get("state") or {}, viewer=viewer))
        await self._app(inner, receive, send)

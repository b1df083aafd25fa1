"""A web server in a thread of this process: on loopback, at a port that is free, until it is stopped."""

from __future__ import annotations

import socket
import threading
from ipaddress import ip_address
from types import TracebackType
from typing import Self

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from federates.boundary.errors import PortageError
from federates.runtime.placement import LOOPBACK
from federates.web.events import CLOSING

_START_S = 10.0
_GRACE_S = 1
"""Streams of events have no end of their own; so long they may say goodbye."""
_BACKLOG = 128


class Server:
    """Serves ``app`` from `start` on, or from the beginning of a ``with`` block to its end.

    Parameters
    ----------
    host : address to listen on; another one than loopback is reached by everybody in the network.
    port : 0 for one that is free.
    listening : a socket of `listen`, in place of both.

    Raises
    ------
    PortageError : the address cannot be had.
    """

    def __init__(self, app: ASGIApp, host: str = LOOPBACK, port: int = 0, listening: socket.socket | None = None) -> None:
        self._socket = listening or listen(host, port)
        self.host, self.port = str(self._socket.getsockname()[0]), int(self._socket.getsockname()[1])
        self._app, self._closing = app, threading.Event()
        config = uvicorn.Config(
            self._answer,
            interface="asgi3",
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=_GRACE_S,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, name="web server", daemon=True)

    @property
    def address(self) -> str:
        """Return where the server is reached, such as ``http://127.0.0.1:40123``."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def start(self) -> Self:
        """Begin to serve; return as soon as requests are answered."""
        self._thread.start()
        waited = threading.Event()
        for _ in range(int(_START_S / 0.01)):
            if self._server.started:
                return self
            waited.wait(0.01)
        raise PortageError(f"the web server at {self.address} did not start within {_START_S:g} s")

    def stop(self) -> None:
        """End every connection, and return when the port is free again."""
        self._closing.set()
        self._server.should_exit = True
        self._thread.join(_GRACE_S + _START_S)
        self._socket.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        state = dict(scope.get("state") or {}) | {CLOSING: self._closing.is_set}
        await self._app({**scope, "state": state}, receive, send)

    def _serve(self) -> None:
        self._server.run(sockets=[self._socket])


def is_loopback(host: str) -> bool:
    """Whether an address is reached from this computer only."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def listen(host: str = LOOPBACK, port: int = 0) -> socket.socket:
    """Return a socket that listens, so that the port is ours before anybody is told of it; port 0 is one that is free.

    Raises
    ------
    PortageError : the address cannot be had.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listening = socket.socket(family, kind, protocol)
    except OSError as error:
        raise PortageError(f"nothing can listen on {host}: {error.strerror or error}") from error
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        raise PortageError(f"nothing can listen on {host}, port {port}: {error.strerror or error}") from error
    return listening

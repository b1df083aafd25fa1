"""A game from its start to its end: the server, the look at all groups, and nothing left behind."""

from __future__ import annotations

import contextlib
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from ipaddress import ip_address

from federates.boundary.errors import PortageError
from federates.play.app import Play
from federates.play.game import Game
from federates.runs.hosts import own_addresses
from federates.runtime.results import disk_error
from federates.runtime.say import say
from federates.web.server import LOOPBACK, Server, is_loopback

_LOOK_S = 0.15
_STREAMS_S = 0.3
"""So long the streams of events may take to see that they are to end."""
_END_S = 30.0
"""Longest wait for the runs of all groups to end; each is ended within some seconds."""


@contextlib.contextmanager
def served(game: Game, host: str = LOOPBACK, port: int = 0, tokens: Mapping[str, str] | None = None) -> Iterator[Play]:
    """Serve a game; at the end all its runs are ended and the port is free again.

    ``tokens`` are those of links that are to stay valid, by viewer.

    Raises
    ------
    PortageError : the address cannot be had.
    """
    play = Play(game, tokens)
    server = Server(play.app(), host, port)
    play.listens = server.host, server.port
    play.address = f"http://{reached_at(server.host)}:{server.port}"
    over = threading.Event()
    looking = threading.Thread(target=_look, args=(play, over), name="game", daemon=True)
    looking.start()
    try:
        with server:
            try:
                yield play
            finally:
                play.closing = True
                play.debrief.stop()  # the server ends only behind requests that wait for it
                time.sleep(_STREAMS_S)
    finally:
        game.stop("the server of the game was stopped")
        play.debrief.end()
        deadline_s = time.monotonic() + _END_S
        for group in game.groups.values():
            group.join(max(0.1, deadline_s - time.monotonic()))
        over.set()
        looking.join()


def _look(play: Play, over: threading.Event) -> None:
    """Look at all groups until the end; what goes wrong with looks is said, once for all that it happens to, and ends no game."""
    said = ""
    while not over.wait(_LOOK_S):
        wrong = _wrong(play)
        if wrong and wrong != said:
            say(wrong)
        said = wrong


def _wrong(play: Play) -> str:
    """Look once, keep what is new, and return in words what went wrong: of a disk that refuses a sentence."""
    try:
        play.game.look()
        play.keep()
    except OSError as error:
        return f"portage: {disk_error(play.game.folder, error)}"
    except PortageError as error:
        return f"portage: {error}"
    except Exception as error:
        return "".join(traceback.format_exception(error)).rstrip()
    return ""


def reached_at(host: str) -> str:
    """Return the address by which others reach this computer, where ``host`` means all of its addresses."""
    if host not in ("0.0.0.0", "::"):  # noqa: S104 (only compared)
        return f"[{host}]" if ":" in host else host
    outside = [address for address in own_addresses() if not is_loopback(address) and not ip_address(address).is_link_local]
    return outside[0] if outside else LOOPBACK

"""Where the hosts of a run meet: who has the key is told what it must know to join, and both sides see that the other lives.

One TCP connection per host, between `portage join` there and the broker. Each side proves to the other that it has the key
(challenge and answer by HMAC, of Python's `multiprocessing.connection`), so that the key itself never crosses. What crosses then
is JSON, not encrypted: who takes part and how long waits may be, signs of life, and at the end how each agent ended. No message
of an agent passes here; these go by HELICS (docs/decisions/0640).
"""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
import time
from dataclasses import asdict
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, answer_challenge, deliver_challenge
from pathlib import Path
from typing import Any

from federates import __version__
from federates.boundary.errors import PortageError
from federates.boundary.names import Role
from federates.boundary.topics import BOUNDARY_VERSION
from federates.integrity.keys import PUBLIC_KEY, leave_public_key
from federates.integrity.roster import ROSTER
from federates.runs.hosts import listen_at, read_key
from federates.runtime.hold import held_text
from federates.runtime.identity import RunIdentity
from federates.runtime.placement import ELSEWHERE, Placement
from federates.runtime.results import write_json

_BEAT_S = 0.5
_MOST_BYTES = 1_000_000
_HELLO_S = 10.0
"""Nobody waits longer for what is read or sent at once: an answer to a challenge, the rest of a message."""
_MOST_STRANGERS = 32
"""So many connections may be without an answer to the challenge at a time; more wait to be accepted."""
_AGAIN_S = 0.5
_VERSIONS = {"portage": __version__, "boundary": BOUNDARY_VERSION}
Said = dict[str, Any]


class Line:
    """One end of a connection: signs of life go by themselves; ``lost`` says in words why nothing more comes.

    Parameters
    ----------
    silence_s : after so long without a sign the other side is lost.
    """

    def __init__(self, connection: Connection, silence_s: float) -> None:
        self._connection, self.silence_s = connection, silence_s
        self._sending = threading.Lock()
        self.lost = ""
        self._closed = threading.Event()

    def send(self, said: Said) -> None:
        """Send one message; what cannot be sent is lost."""
        with self._sending, contextlib.suppress(OSError, ValueError):
            self._connection.send_bytes(json.dumps(said).encode())

    def receive(self, limit_s: float) -> Said | None:
        """Return the next message, None if there is none in time; raise EOFError, OSError or ValueError if there can be none."""
        if not self._connection.poll(limit_s):
            return None
        said = json.loads(self._connection.recv_bytes(_MOST_BYTES))
        if not isinstance(said, dict):
            raise ValueError("not a message")
        return said

    def serve(self, take: Any) -> None:
        """Call ``take`` with every message until the other side is lost or this one closes, and give signs of life."""
        threading.Thread(target=self._beat, name="signs of life to a host", daemon=True).start()
        heard_s = time.monotonic()
        while not self._closed.is_set():
            try:
                said = self.receive(_BEAT_S)
            except (EOFError, OSError, ValueError):
                self.lost = "has left"
                return
            now_s = time.monotonic()
            if said is not None:
                heard_s = now_s
                try:
                    if "beat" not in said:
                        take(said)
                except (OSError, PortageError, ValueError) as error:
                    self.lost = f"has sent what could not be taken in: {error}"
                    return
            elif now_s > heard_s + self.silence_s:
                self.lost = f"has given no sign of life for {self.silence_s:g} s: cut off, or stopped"
                return

    def close(self) -> None:
        """End; the other side notices."""
        self._closed.set()
        with contextlib.suppress(OSError):
            self._connection.close()

    def _beat(self) -> None:
        while not self._closed.wait(_BEAT_S) and not self.lost:
            self.send({"beat": 1})


class Meeting:
    """The broker's side. Raises `PortageError` if the port cannot be had."""

    def __init__(self, identity: RunIdentity, placement: Placement) -> None:
        self._identity, self._placement = identity, placement
        self._key = read_key(Path(placement.key_file))
        self._lines: dict[str, Line] = {}
        self._ended: set[str] = set()
        self._over = False
        self._told_hold: dict[str, str | None] = {}
        self._told_roster: set[str] = set()
        self._have_roster: set[str] = set()
        self._lock = threading.Lock()
        self._strangers = threading.BoundedSemaphore(_MOST_STRANGERS)
        try:
            self._socket = listen_at(placement.address, placement.port)
        except OSError as error:
            raise PortageError(f"hosts cannot meet at {placement.address}:{placement.port}: {error.strerror or error}") from error

    def begin(self, identity: RunIdentity) -> None:
        """Let hosts come to the run, whose broker is there and has its keys."""
        self._identity = identity
        threading.Thread(target=self._accept, name="meeting", daemon=True).start()

    def look(self) -> str | None:
        """Return in words which host is lost although its agents have not ended, or None; pass on whether the run is held."""
        held = held_text(self._identity.folder_of(Role.COORDINATOR.value))
        for host, line in dict(self._lines).items():
            if held != self._told_hold.get(host):
                self._told_hold[host] = held
                line.send({"hold": held})
            agents = self._placement.others[host]
            if line.lost and not set(agents) <= self._ended:
                return f"{host} ({', '.join(agents)}): the host {line.lost}"
        return None

    def has_all_keys(self) -> bool:
        """Whether the hosts have brought the public keys of all their agents."""
        return all((self._identity.folder_of(agent) / PUBLIC_KEY).exists() for agent in self._placement.elsewhere)

    def all_have_the_roster(self) -> bool:
        """Send the hosts the roster of all keys, if there is one; return whether all have left it with their agents."""
        path = Path(self._identity.run_folder) / ROSTER
        if not path.exists():
            return True
        for host, line in dict(self._lines).items():
            if host not in self._told_roster:
                self._told_roster.add(host)
                line.send({"roster": path.read_text(encoding="ascii")})
        return self._have_roster >= set(self._placement.others)

    def close(self, status: str) -> None:
        """Tell all hosts how the run ended, and end."""
        self._over = True
        for line in dict(self._lines).values():
            line.send({"over": status})
        time.sleep(_BEAT_S)  # so that they hear of it before the connection ends
        for line in dict(self._lines).values():
            line.close()
        with contextlib.suppress(OSError):
            self._socket.close()

    def _accept(self) -> None:
        while not self._over:
            self._strangers.acquire()
            try:
                found, _ = self._socket.accept()
            except OSError:  # this end is closed, or has no file left for one more
                self._strangers.release()
                time.sleep(_AGAIN_S)
                continue
            threading.Thread(target=self._welcome, args=(found,), name="host", daemon=True).start()

    def _welcome(self, found: socket.socket) -> None:
        """Let a host join that has the key."""
        connection = _connection(found)
        with contextlib.suppress(AuthenticationError, EOFError, OSError, ValueError):
            try:
                deliver_challenge(connection, self._key)
                answer_challenge(connection, self._key)
                line = Line(connection, float(self._identity.broker.timeout_s))
                hello = line.receive(_HELLO_S) or {}
            finally:
                self._strangers.release()
            if refused := self._refusal(hello, line):
                line.send({"refused": refused})
            else:
                host = str(hello["host"])
                line.send({"invitation": self._invitation()})
                line.serve(lambda said: self._take(host, said))
                return
        with contextlib.suppress(OSError):
            connection.close()

    def _refusal(self, hello: Said, line: Line) -> str:
        """Return why a host may not join, in words; the place is its own from then on."""
        host = str(hello.get("host"))
        if hello.get("versions") != _VERSIONS:
            return f"versions differ: {_words(hello.get('versions'))} there, {_words(_VERSIONS)} on {self._placement.here}"
        if host not in self._placement.others:
            return f"the run has no host {host} with agents; it has {', '.join(self._placement.others)}"
        if hello.get("agents") != list(self._placement.others[host]):
            return (
                f"its hosts.yaml has other agents on {host}; on {self._placement.here}: {', '.join(self._placement.others[host])}"
            )
        with self._lock:
            if host in self._lines:
                return f"{host} has joined already"
            self._lines[host] = line
        return ""

    def _invitation(self) -> Said:
        told = self._identity
        return {
            "run_id": told.run_id,
            "port": told.port,
            "key": told.key,
            "broker": told.broker.model_dump(mode="json"),
            "world": told.world,
            "agents": told.agents,
            "seats": told.seats,
            "real_time": None if told.real_time is None else asdict(told.real_time),
            "roster_key": told.roster_key,
        }

    def _take(self, host: str, said: Said) -> None:
        """Keep the public key of an agent of the host, or how it ended."""
        if said.get("has_roster"):
            self._have_roster.add(host)
        agent = said.get("agent")
        if agent not in self._placement.others[host]:
            return
        folder = self._identity.folder_of(str(agent))
        folder.mkdir(exist_ok=True)
        if "public_key" in said:
            leave_public_key(folder, bytes.fromhex(str(said["public_key"])))
            return
        failed = said.get("failed")
        if isinstance(failed, dict):
            words = f"{failed.get('message')} (on {host})"
            record = {"agent": agent, "message": words, "own_fault": bool(failed.get("own_fault")), "time": time.time()}
            write_json(folder / "failed.json", record)
        else:
            write_json(folder / ELSEWHERE, {"host": host, "finished": said.get("finished")})
        self._ended.add(str(agent))


def meet(placement: Placement, limit_s: float) -> tuple[Line, Said]:
    """Join the run that `portage run` has started on the broker's host; return the line to it, and the invitation.

    Raises
    ------
    PortageError : nobody is there in time, the key is another, or the run refuses this host; in words.
    """
    key, deadline = read_key(Path(placement.key_file)), time.monotonic() + limit_s
    where = f"{placement.broker_address}:{placement.port}"
    own = [agent for agent, host in placement.agents.items() if host == placement.here]
    while True:
        try:
            found = socket.create_connection((placement.broker_address, placement.port), timeout=_HELLO_S)
            connection = _connection(found)
            answer_challenge(connection, key)
            deliver_challenge(connection, key)
            line = Line(connection, _HELLO_S)
            line.send({"host": placement.here, "agents": own, "versions": _VERSIONS})
            said = line.receive(_HELLO_S) or {}
            break
        except (AuthenticationError, EOFError, ConnectionResetError, BrokenPipeError, ValueError) as error:
            raise PortageError(f"the run at {where} does not take the key in {placement.key_file}") from error
        except OSError as error:
            if time.monotonic() > deadline:
                nobody = f"nobody is at {where} after {limit_s:g} s ({error.strerror or error}); is `portage run` there?"
                silent = f"who is at {where} has said nothing for {limit_s:g} s; is that `portage run`, and does it go on?"
                raise PortageError(silent if isinstance(error, BlockingIOError) else nobody) from error
            time.sleep(_AGAIN_S)
    if "invitation" not in said:
        raise PortageError(f"the run at {where} does not let {placement.here} join: {said.get('refused', 'no answer')}")
    return line, said["invitation"]


def _connection(found: socket.socket) -> Connection:
    """Return a connection in which nothing that was begun takes longer than `_HELLO_S`; it raises BlockingIOError then."""
    found.settimeout(None)
    limit = struct.pack("ll", int(_HELLO_S), 0)
    for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        found.setsockopt(socket.SOL_SOCKET, option, limit)
    return Connection(found.detach())


def _words(versions: Any) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items()) if isinstance(versions, dict) else "unknown"

"""What an agent's process opens, whom it connects to and which programs it starts, as Python itself reports it.

`sys.addaudithook` tells of every file that Python code opens, before it is opened. What a library in C opens is not seen: there
the sandbox is the guarantee, which holds for all code. A file counts by its real path; those of the environment, of the results
and of the temporary folder are counted together, for their names say nothing.
"""

from __future__ import annotations

import os
import re
import shlex
import stat
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from federates.isolation.access import AccessPolicy
from federates.isolation.sandbox import SandboxState
from federates.runtime.results import write_json
from federates.runtime.say import say

FILES_RECORD = "files.json"
_MOST = 1000
"""Entries of a kind that are kept one by one; what comes later is counted as one more entry."""
_MORE = "(more)"
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_Paths = tuple[tuple[int, int | None], ...]
_CHANGES: dict[str, _Paths] = {
    "os.remove": ((0, 1),),
    "os.rmdir": ((0, 1),),
    "os.mkdir": ((0, 2),),
    "os.truncate": ((0, None),),
    "os.rename": ((0, 2), (1, 3)),
    "os.link": ((0, 2), (1, 3)),
    "os.symlink": ((1, 2),),
}
"""Events that change the file system: which arguments are paths, each with the argument that is the folder it is seen from."""
_ATTRIBUTES: dict[str, _Paths] = {
    "os.chmod": ((0, 2),),
    "os.chown": ((0, 3),),
    "os.utime": ((0, 3),),
    "os.setxattr": ((0, None),),
    "os.removexattr": ((0, None),),
    "os.chflags": ((0, None),),
}
"""Events that change what is said of a file, which no sandbox governs."""
_OF_A_PROCESS = re.compile(r"/proc/(\d+)/(?:task/\d+/)?(?:cwd|root|fd|environ|mem|maps|map_files)(?:/|$)")
"""What leads into another process. Its links cannot be followed where the sandbox holds, so that their real path says nothing."""

Key = tuple[str, str]


class OpenedFiles:
    """The record of this process from `start` on. It cannot be stopped; it is one dictionary look-up for events of no interest.

    Parameters
    ----------
    policy : what the agent may read, by which a file is classed.
    ports : TCP ports of the run.
    sandbox : what keeps the process to it.
    """

    def __init__(self, policy: AccessPolicy, ports: range, sandbox: SandboxState) -> None:
        self._policy, self._ports, self._sandbox = policy, ports, sandbox
        self._opened: dict[Key, dict[str, Any]] = {}
        self._known: dict[str, tuple[str, str]] = {}
        self._packages: dict[str, tuple[str, str]] = {}
        self._connections: dict[tuple[str, int | None], dict[str, Any]] = {}
        self._children: dict[str, None] = {}
        self._calls: dict[str, None] = {}
        self._busy = threading.local()
        self._events: dict[str, Callable[[tuple[Any, ...]], bool]] = {
            "open": self._on_open,
            "os.listdir": self._on_list,
            "os.scandir": self._on_list,
            "socket.connect": partial(self._on_socket, bound=False),
            "socket.bind": partial(self._on_socket, bound=True),
            "subprocess.Popen": lambda args: self._on_child(args[1] or args[0]),
            "os.posix_spawn": lambda args: self._on_child(args[1]),
            "os.exec": lambda args: self._on_child(args[1]),
            "os.system": lambda args: self._on_child([args[0]]),
        }
        for mode, events in (("write", _CHANGES), ("change", _ATTRIBUTES)):
            for event, paths in events.items():
                self._events[event] = partial(self._on_change, mode, paths)

    def start(self) -> OpenedFiles:
        """Begin to record."""
        wanted, hook = frozenset(self._events), self._hook

        def pass_on(event: str, args: tuple[Any, ...]) -> None:
            # Tens of thousands of events are of no interest (`id` is one); this look-up is all that they cost.
            if event in wanted:
                hook(event, args)

        sys.addaudithook(pass_on)
        return self

    def note_call(self, name: str) -> None:
        """Write down a function of HELICS that is not for agents, at once."""
        self._calls[name] = None
        self.write()

    def write(self) -> None:
        """Write ``files.json``; it is written also whenever something outside is seen for the first time."""
        self._quietly(self._write)

    def _hook(self, event: str, args: tuple[Any, ...]) -> None:
        if getattr(self._busy, "now", False):
            return
        try:
            remarkable = self._quietly(lambda: self._events[event](args))
            if remarkable:
                self._quietly(self._write)
        except Exception as error:
            # An exception here would become one of the agent's own call.
            say(f"portage: could not record {event}: {type(error).__name__}: {error}")

    def _quietly(self, action: Callable[[], Any]) -> Any:
        """Do something without recording what it opens itself."""
        self._busy.now = True
        try:
            return action()
        finally:
            self._busy.now = False

    def _write(self) -> None:
        # A copy in one step: another thread may add to it.
        opened, connections = list(self._opened.values()), list(self._connections.values())
        record = (opened, connections, list(self._children), list(self._calls))
        write_files_record(self._policy.results, self._sandbox, "python", *record)

    def _on_open(self, args: tuple[Any, ...]) -> bool:
        path, _, flags = args
        return self._see(path, "write" if isinstance(flags, int) and flags & _WRITES else "read")

    def _on_list(self, args: tuple[Any, ...]) -> bool:
        folder = "." if args[0] is None else args[0]
        # An import looks anew through each folder of the search path in which something has changed, and goes on without.
        if isinstance(folder, str) and folder in sys.path and self._refused(folder, "list"):
            return False
        return self._see(folder, "list")

    def _on_change(self, mode: str, paths: _Paths, args: tuple[Any, ...]) -> bool:
        seen = [self._see(_seen_from(args[path], None if at is None else args[at]), mode) for path, at in paths]
        return any(seen)

    def _on_socket(self, args: tuple[Any, ...], *, bound: bool) -> bool:
        address = args[1]
        host, port = (str(address[0]), int(address[1])) if isinstance(address, tuple) else (os.fsdecode(address), None)
        if (host, port) in self._connections:
            return False
        local = host in ("127.0.0.1", "::1", "localhost", "")
        kind = "run" if local and port in self._ports else "loopback" if local else "outside"
        if port is None:  # a socket of this computer: it has a name that begins with a zero byte, or a file
            kind = "name" if host.startswith("\0") or not host else self._class(os.path.abspath(host))[0]
        entry: dict[str, Any] = {"address": host, "port": port, "kind": kind} | ({"bound": True} if bound else {})
        if self._sandbox.network and port is not None and port not in self._ports:
            entry["refused"] = True
        self._connections[(host, port)] = entry
        return kind != "run"

    def _on_child(self, command: Any) -> bool:
        words = [command] if isinstance(command, (str, bytes, os.PathLike)) else list(command)
        text = shlex.join(os.fsdecode(word) for word in words)
        if text in self._children or len(self._children) >= _MOST:
            return False
        self._children[text] = None
        return True

    def _see(self, raw: Any, mode: str) -> bool:
        """Count one access; return whether it is the first one to a file outside."""
        if isinstance(raw, int):  # a descriptor that is open already
            return False
        name = os.path.abspath(os.fsdecode(raw))
        kind, shown = self._known.get(name) or self._packaged(name) or self._class(name)
        entry = self._opened.get((shown, mode))
        if entry is not None:
            entry["count"] += 1
            if "absent" in entry and os.path.lexists(name):
                del entry["absent"]
            return False
        if len(self._opened) >= _MOST:
            shown = _MORE
        entry = self._opened.setdefault((shown, mode), {"path": shown, "mode": mode, "kind": kind, "count": 0})
        entry["count"] += 1
        if mode in ("read", "list") and kind in ("own", "outside") and not os.path.lexists(name):
            entry["absent"] = True
        if kind == "outside" and self._refused(name, mode):
            entry["refused"] = True
        return kind == "outside" and shown != _MORE

    def _packaged(self, name: str) -> tuple[str, str] | None:
        """Return the class of a plain file beside others of the environment: imports open a thousand, so it has to be quick."""
        known = self._packages.get(os.path.dirname(name))
        return None if known is None or os.path.islink(name) else known

    def _class(self, name: str) -> tuple[str, str]:
        try:
            real = Path(os.path.realpath(name))
        except OSError:  # a link that may not be followed, such as into another process
            real = Path(name)
        kind, folder = self._policy.kind(real)
        of_process = _OF_A_PROCESS.match(str(real))
        if of_process and int(of_process[1]) != os.getpid():
            kind, folder = "outside", None
        result = (kind, str(folder or real))
        # Where the scenario lies in the environment, its files may be anything; and beside a device lie other things.
        plain = kind == "environment" and real == Path(name) and not self._policy.exposed
        if plain and self._policy.kind(real.parent)[0] == "environment":
            self._packages[str(real.parent)] = result
        if len(self._known) < 20 * _MOST:
            self._known[name] = result
        return result

    def _refused(self, name: str, mode: str) -> bool:
        """Return whether the sandbox refuses it: found by opening what is there for reading, which changes nothing."""
        if self._sandbox.state != "enforced" or mode == "change":
            return False  # modes and times of files are not governed
        if mode == "write":
            return True  # nothing outside is writable
        try:
            found = os.stat(name).st_mode
            if stat.S_ISREG(found) or stat.S_ISDIR(found):
                os.close(os.open(name, os.O_RDONLY | os.O_NONBLOCK))
        except PermissionError:
            return True
        except OSError:
            return False
        return False


def _seen_from(path: Any, folder: Any) -> Any:
    """Return ``path`` as seen from the open ``folder`` (a descriptor, -1 or None for the working folder)."""
    if not isinstance(folder, int) or folder < 0 or isinstance(path, int):
        return path
    try:
        return os.path.join(os.readlink(f"/proc/self/fd/{folder}"), os.fsdecode(path))
    except OSError:
        return path


def write_files_record(
    target: Path,
    sandbox: SandboxState,
    recorded: str,
    opened: list[dict[str, Any]] | None = None,
    connections: list[dict[str, Any]] | None = None,
    children: list[str] | None = None,
    calls: list[str] | None = None,
) -> None:
    """Write ``files.json`` into ``target``; ``recorded`` is ``python``, or ``none`` where nobody could look."""
    opened = sorted(opened or [], key=lambda entry: (entry["kind"], entry["path"], entry["mode"]))
    record = {
        "sandbox": sandbox.as_record(),
        "recorded": recorded,
        "opened": opened,
        "connections": connections or [],
        "children": children or [],
        "helics_calls": calls or [],
    }
    write_json(target / FILES_RECORD, record)

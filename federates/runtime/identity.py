"""Who belongs to this run: one small file by which the processes of a run find their broker.

``helics run`` starts every process without telling it anything, and gives all of them the same parent. So the broker writes
the run's port, key and folder into a private file that is named after that parent (its id and start time), and the agents
look there. ``portage run`` names the file itself, in the environment variable `IDENTITY_VARIABLE`. Two runs at once have
two parents, so they never meet. See docs/decisions/0003.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil

from federates.boundary.config import parse_config
from federates.boundary.errors import ConfigError, FederationError, Problem
from federates.runtime.broker_config import BrokerConfig
from federates.runtime.placement import LOOPBACK, Placement
from federates.runtime.real_time import RealTime

IDENTITY_VARIABLE = "PORTAGE_IDENTITY"
_LOWEST_PORT = 20_000
_PORTS_PER_AGENT, _PORTS_BESIDE = 4, 24
"""HELICS takes the ports after the broker's for the federates' cores, of which each takes two or three."""

_MOST_HOLD_S = 3600.0

_TEMPORARY = Path(tempfile.gettempdir())
"""The system's folder for temporary files; an agent gets one of its own later (federates/isolation/sandbox.py)."""

_known: dict[Path, RunIdentity] = {}
"""Identities this process has read; the broker removes its file when the run is over."""


@dataclass(frozen=True, slots=True)
class RunIdentity:
    """What a process must know to join a run.

    ``scenario`` is its folder, ``run_folder`` where the run's results go; ``agents`` are all agents that take part, name to role.
    """

    run_id: str
    scenario: str
    run_folder: str
    port: int
    key: str
    broker: BrokerConfig
    world: str
    agents: dict[str, str]
    seats: dict[str, float] = field(default_factory=dict)
    """Agents that a person plays, and how long an answer may take, s (`federates.seat`); 0: nobody is asked, but account is
    kept."""
    roster_key: str = ""
    """Public key by which the roster of the agents' keys is known, 64 hexadecimal digits (docs/integrity.md); empty: messages
    cross without signatures."""

    from_period: int = 0
    """Where a run goes on that did not come to its end: so many periods are carried out."""
    real_time: RealTime | None = None
    """How fast simulated time goes; None: as fast as it may."""
    hosts: Placement | None = None
    """Where the run is, if over several hosts; None: all of it is on this computer."""

    @property
    def elsewhere(self) -> dict[str, str]:
        """Return the agents that run on other hosts, and which these are."""
        return {} if self.hosts is None else self.hosts.elsewhere

    def most_rest_s(self, period_s: float) -> float:
        """Return for how long an agent may be asked nothing in a period of so many simulated seconds, beside others' work, s."""
        return self.most_hold_s + (0.0 if self.real_time is None else self.real_time.wall_s(period_s))

    @property
    def most_hold_s(self) -> float:
        """Return for how long people may hold the run between two questions, s: an hour, where anybody has a seat."""
        return _MOST_HOLD_S if self.seats else 0.0

    @property
    def ports(self) -> range:
        """Return the TCP ports that the broker and all federates of the run take."""
        return range(self.port, self.port + _ports(len(self.agents)))

    def folder_of(self, agent: str) -> Path:
        """Return an agent's part of the run's folder."""
        return Path(self.run_folder) / agent

    def write(self, path: Path) -> None:
        """Write to ``path`` in one step, readable by this user only."""
        data = asdict(self) | {"broker": self.broker.model_dump()}
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = path.with_suffix(f".{os.getpid()}")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(data, file)
        os.replace(temporary, path)

    @classmethod
    def read(cls, path: Path) -> RunIdentity:
        """Read what `write` wrote."""
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        broker = parse_config(data.pop("broker"), BrokerConfig, str(path))
        paced, hosts = data.pop("real_time"), data.pop("hosts")
        real_time = None if paced is None else RealTime(**paced)
        return cls(broker=broker, real_time=real_time, hosts=None if hosts is None else Placement(**hosts), **data)


def identity_path() -> Path:
    """Return the file of the run that this process belongs to."""
    named = os.environ.get(IDENTITY_VARIABLE)
    if named:
        return Path(named)
    parent = psutil.Process(os.getppid())
    return key_folder() / f"{parent.pid}-{process_start(parent.pid)}.json"


def key_folder() -> Path:
    """Return this user's folder for the files by which runs under ``helics run`` find their broker."""
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    return _TEMPORARY / f"portage-{user}"


def process_start(pid: int) -> str:
    """Return when a process started, in a form that never changes and differs where a process id is used again.

    psutil's time of day moves when the clock is set, so the kernel's own tick count is taken where there is one.
    """
    try:
        # The name in brackets may hold spaces; start time is the 20th field behind it (proc(5), field 22).
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
    except OSError:
        return str(int(psutil.Process(pid).create_time()))


def process_lives(pid: int, start: str) -> bool:
    """Whether the process with this id and `process_start` still runs; one that waits for its parent to take note does not."""
    try:
        return process_start(pid) == start and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_for_identity(limit_s: float = 30.0) -> RunIdentity:
    """Return the run's identity as soon as its broker has written it.

    Raises
    ------
    FederationError : no broker announced itself within ``limit_s``.
    """
    path = identity_path()
    deadline = time.monotonic() + limit_s
    while path not in _known and time.monotonic() < deadline:
        if path.exists():
            _known[path] = RunIdentity.read(path)
        else:
            time.sleep(0.02)
    if path in _known:
        return _known[path]
    raise FederationError(
        f"no broker announced itself within {limit_s:g} s: runner.json needs an entry that runs `python -u -m federates.broker`"
    )


def _ports(agents: int) -> int:
    return _PORTS_BESIDE + _PORTS_PER_AGENT * agents


def choose_port(config: BrokerConfig, file: str = "broker.yaml", agents: int = 4, address: str = LOOPBACK) -> int:
    """Return the broker's port at an ``address`` of this computer for a run of so many agents; a fixed one must be free.

    Raises
    ------
    ConfigError : the fixed port is taken, or no free block of ports was found.
    """
    if config.core_type == "inproc":
        return 0
    if config.port != "auto":
        if _free(config.port, address) and _free(config.port + 1, address):
            return config.port
        allowed = "this port or the next one is taken; choose another number, or auto"
        raise ConfigError([Problem(file, "port", str(config.port), allowed)])
    # A random start keeps runs that begin together apart. It decides nothing that reaches a result, so it needs no seed.
    low, high = _own_ports()
    count = _ports(agents)
    span = (high - low) // count
    start = secrets.randbelow(span)
    for step in range(span):
        port = low + ((start + step) % span) * count
        if all(_free(port + offset, address) for offset in range(count)):
            return port
    raise ConfigError([Problem(file, "port", "auto", "no free block of ports was found on the loopback")])


def _own_ports() -> tuple[int, int]:
    """Return from where to where ports may be taken: outside those that the system hands to whoever connects to anything.

    One of those may be given away after it was looked at, and the agent that was to have it could not join the run.
    """
    with contextlib.suppress(OSError, ValueError):
        first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="utf-8").split()[0])
        if first >= _LOWEST_PORT + 100 * _ports(4):
            return _LOWEST_PORT, first
    return 24_000, 54_000


def _free(port: int, address: str) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As HELICS binds: a port that a run has just left may be taken again at once.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True

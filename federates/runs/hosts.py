"""``hosts.yaml``: which agents of a run are on which computer, and how these find each other."""

from __future__ import annotations

import ipaddress
import re
import shlex
import socket
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Literal

import psutil
from pydantic import Field

from federates.boundary.config import Config, load_config
from federates.boundary.errors import ConfigError, Problem
from federates.boundary.names import Role
from federates.runs.scenario import BROKER, shown
from federates.runtime.broker_config import BrokerConfig
from federates.runtime.placement import Placement

_NAME = re.compile(r"[A-Za-z0-9_\-]{1,40}")
_KEY = re.compile(r"[A-Za-z0-9_\-]{16,200}")
_INTERFACE = "--interface"


class HostSettings(Config):
    """One computer."""

    address: str
    """Its IPv4 address, at which all other hosts of the run reach it."""
    start: Literal["by hand", "ssh"] = "by hand"
    """``by hand``: `portage run` prints the line to type there. ``ssh``: `portage run` types it."""
    ssh: str = ""
    """How `ssh` calls it, such as `ann@depot`; its own name if left out."""
    folder: str = "."
    """Folder there in which the line is typed, for ``ssh``; scenario and `hosts.yaml` have the same paths below it as here."""
    command: str = "portage"
    """How `portage` is called there, for ``ssh``."""


class HostsFile(Config):
    """The whole file."""

    schema_version: Annotated[int, Field(ge=1, le=1)]
    """Version of this file's format; 1."""
    broker: str
    """Host of the broker, the coordinator and the public agreement; `portage run` is typed there."""
    port: Annotated[int, Field(ge=1024, le=64_000)]
    """TCP port at which the hosts meet there; HELICS takes those behind it."""
    key_file: str
    """File with the secret that all hosts of the run have, seen from this file; nobody but its owner may read it."""
    join_s: Annotated[float, Field(ge=1.0, le=86_400.0)] = 600.0
    """How long a run waits until all hosts have joined, s."""
    hosts: dict[str, HostSettings]
    """Computers, by a name of your choice."""
    agents: dict[str, str]
    """Host of every agent."""


class Hosts:
    """A ``hosts.yaml`` that is sound in itself.

    Raises
    ------
    ConfigError : with everything that is wrong in the file, or the key is missing.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.shown = path, shown(path)
        self.file = load_config(path, HostsFile, self.shown)
        if problems := [*self._own_problems(), *self._key_problems()]:
            raise ConfigError(problems)

    @property
    def key_file(self) -> Path:
        """Return the file with the secret."""
        return (self.path.resolve().parent / Path(self.file.key_file).expanduser()).resolve()

    def agents_on(self, host: str) -> list[str]:
        """Return the agents of a host."""
        return [agent for agent, where in self.file.agents.items() if where == host]

    def elsewhere(self, here: str) -> frozenset[str]:
        """Return the agents that are on other hosts than ``here``."""
        return frozenset(agent for agent, where in self.file.agents.items() if where != here)

    def placement(self, here: str) -> Placement:
        """Return where the run is, as the host ``here`` sees it."""
        of, broker = self.file.hosts, self.file.broker
        agents = dict(self.file.agents)
        return Placement(here, of[here].address, of[broker].address, self.file.port, str(self.key_file), agents)

    def broker_config(self, broker: BrokerConfig) -> BrokerConfig:
        """Return the settings of the broker for a run over these hosts, who need time to join, and know its port."""
        limits = broker.limits.model_copy(update={"join_s": self.file.join_s})
        return broker.model_copy(update={"port": self.file.port + 1, "limits": limits})

    def agents_problems(self, agents: Iterable[str]) -> list[Problem]:
        """Return what is wrong if the agents of the file are not those of the run."""
        known = list(agents)
        problems = [
            Problem(self.shown, f"agents.{agent}", "missing", f"must name its host: {', '.join(self.file.hosts)}")
            for agent in known
            if agent not in self.file.agents
        ]
        return problems + [
            Problem(self.shown, f"agents.{agent}", repr(host), f"the scenario has no such agent; it has {', '.join(known)}")
            for agent, host in self.file.agents.items()
            if agent not in known
        ]

    def interface_problems(self, interface: str | None) -> list[Problem]:
        """Return what is wrong with ``--interface``, on which the broker is to listen; None: it was left out."""
        address = self.file.hosts[self.file.broker].address
        where = f"{address}, the address of {self.file.broker} in {self.shown}"
        if interface is None:
            if _is_loopback(address):
                return []
            allowed = (
                f"must be given: the broker would listen on {where}, for whoever can reach it, and what is sent is not encrypted"
            )
            return [Problem("command line", _INTERFACE, "missing", allowed)]
        own = own_addresses()
        if interface not in own and interface not in own.values() and not _is_loopback(interface):
            allowed = f"this computer has no such interface or address; it has {_words(own)}"
            return [Problem("command line", _INTERFACE, interface, allowed)]
        named = [found for found, name in own.items() if interface in (found, name)] or [interface]
        return [] if address in named else [Problem("command line", _INTERFACE, interface, f"must have {where}")]

    def port_problems(self) -> list[Problem]:
        """Return what is wrong with the port at which the hosts are to meet on this computer."""
        try:
            listen_at(self.file.hosts[self.file.broker].address, self.file.port).close()
        except OSError as error:
            allowed = f"cannot be had here: {error.strerror or error}; choose another number, the same on all hosts"
            return [Problem(self.shown, "port", str(self.file.port), allowed)]
        return []

    def here_problems(self, here: str) -> list[Problem]:
        """Return what is wrong if this computer is to be the host ``here`` and join."""
        if here not in self.file.hosts:
            return [
                Problem("command line", "--host", here, f"{self.shown} has no such host; it has {', '.join(self.file.hosts)}")
            ]
        if here == self.file.broker:
            return [Problem("command line", "--host", here, "is the broker's host: type `portage run` there")]
        if not self.agents_on(here):
            return [Problem(self.shown, "agents", f"none on {here}", "a host that joins must have an agent")]
        address, own = self.file.hosts[here].address, own_addresses()
        if address not in own and not _is_loopback(address):
            allowed = f"this computer has no such address; it has {_words(own)}"
            return [Problem(self.shown, f"hosts.{here}.address", address, allowed)]
        return []

    def _own_problems(self) -> list[Problem]:
        file, hosts = self.file, ", ".join(self.file.hosts) or "none"
        problems = [
            Problem(self.shown, f"agents.{agent}", repr(host), f"unknown host; hosts are {hosts}")
            for agent, host in file.agents.items()
            if host not in file.hosts
        ]
        if file.broker not in file.hosts:
            problems.append(Problem(self.shown, "broker", repr(file.broker), f"unknown host; hosts are {hosts}"))
        elif (where := file.agents.get(Role.COORDINATOR.value)) != file.broker:
            allowed = f"must be {file.broker}, the broker's host, where the public agreement is"
            problems.append(Problem(self.shown, "agents.coordinator", "missing" if where is None else repr(where), allowed))
        for name, host in file.hosts.items():
            if not _NAME.fullmatch(name) or name in (BROKER, *file.agents):
                allowed = "must be a word of letters, digits, _ and -, and no agent's name"
                problems.append(Problem(self.shown, "hosts", repr(name), allowed))
            if not _is_address(host.address):
                problems.append(Problem(self.shown, f"hosts.{name}.address", repr(host.address), "must be an IPv4 address"))
            if name == file.broker and host.start == "ssh":
                problems.append(
                    Problem(self.shown, f"hosts.{name}.start", "'ssh'", "must be left out: `portage run` is typed here")
                )
        return problems

    def _key_problems(self) -> list[Problem]:
        try:
            mode = self.key_file.stat().st_mode
            read_key(self.key_file)
        except RuntimeError as error:
            return [Problem(self.shown, "key_file", repr(self.file.key_file), f"names no file: {error}")]
        except OSError as error:
            allowed = f"cannot be read ({error.strerror or error}): {self.key_file}; make one as docs/howto/several_hosts.md says"
            return [Problem(self.shown, "key_file", repr(self.file.key_file), allowed)]
        except ValueError:
            allowed = "must hold one line of 16 to 200 letters, digits, _ and -"
            return [Problem(self.shown, "key_file", repr(self.file.key_file), allowed)]
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            allowed = f"others than its owner may read or write it: chmod 600 {shown(self.key_file)}"
            return [Problem(self.shown, "key_file", repr(self.file.key_file), allowed)]
        return []


def read_key(path: Path) -> bytes:
    """Return the secret of the hosts of a run; raise OSError or ValueError where there is none."""
    text = path.read_text(encoding="ascii").strip()
    if not _KEY.fullmatch(text):
        raise ValueError(path)
    return text.encode()


def listen_at(address: str, port: int) -> socket.socket:
    """Return a socket that listens; raise OSError where it cannot."""
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((address, port))
        found.listen()
    except OSError:
        found.close()
        raise
    return found


def own_addresses() -> dict[str, str]:
    """Return the IPv4 addresses of this computer, and the interface of each."""
    found: dict[str, str] = {}
    for name, addresses in psutil.net_if_addrs().items():
        found |= {entry.address: name for entry in addresses if entry.family == socket.AF_INET}
    return found


def line_to_type(hosts: Hosts, host: str, scenario: Path) -> str:
    """Return the line by which a host joins, for a person or ``ssh``; the key is in its file, never in a line."""
    command = hosts.file.hosts[host].command if hosts.file.hosts[host].start == "ssh" else "portage"
    return f"{command} join {shlex.quote(str(scenario))} --hosts {shlex.quote(str(hosts.path))} --host {host}"


def _is_address(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).version == 4
    except ValueError:
        return False


def _is_loopback(text: str) -> bool:
    return _is_address(text) and ipaddress.ip_address(text).is_loopback


def _words(own: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {address}" for address, name in own.items()) or "none"

"""Hosts of a run for tests: folders that hold no more than a host needs, and network namespaces with links that can be cut."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import yaml

_numbers = itertools.count()


@dataclass
class Place:
    """A host: its name, its address, its own copy of its part of the scenario, and what is put before a command to run there."""

    name: str
    address: str
    folder: Path
    prefix: tuple[str, ...] = ()

    @property
    def hosts_file(self) -> Path:
        return self.folder / "hosts.yaml"

    def portage(self, *words: str, **changes: str) -> subprocess.Popen[str]:
        """Start `portage` on this host."""
        command = [*self.prefix, sys.executable, "-m", "federates.cli", *words]
        env = {k: v for k, v in os.environ.items() if k != "PORTAGE_RESULTS_ROOT"} | changes
        pipe = subprocess.PIPE
        return subprocess.Popen(command, cwd=self.folder, env=env, stdout=pipe, stderr=subprocess.STDOUT, text=True)


def hosts_of(folder: Path, scenario: Path, agents: Mapping[str, Sequence[str]], addresses: Sequence[str], **keys) -> list[Place]:
    """Copy to each host the folders of its own ``agents``, and what is public: the first has the broker and the agreement."""
    key = secrets.token_hex(16)
    places = [Place(name, address, folder / name) for name, address in zip(agents, addresses, strict=True)]
    data = {
        "schema_version": 1,
        "broker": places[0].name,
        "port": keys.pop("port"),
        "key_file": "run.key",
        "join_s": 60,
        "hosts": {place.name: {"address": place.address} for place in places},
        "agents": {agent: host for host, own in agents.items() for agent in own},
    } | keys
    for place in places:
        own = place.folder / scenario.name
        own.mkdir(parents=True)
        shutil.copy(scenario / "runner.json", own)
        for public in scenario.glob("*.py"):
            shutil.copy(public, own)
        for agent in agents[place.name]:
            shutil.copytree(scenario / agent, own / agent)
        place.hosts_file.write_text(yaml.safe_dump(data, sort_keys=False))
        path = place.folder / "run.key"
        path.write_text(f"{key}\n")
        path.chmod(0o600)
    first = places[0].folder / scenario.name
    shutil.copy(scenario / "scenario.yaml", first)
    broker = next(path for path in (scenario / "broker.yaml", scenario.parent / "broker.yaml") if path.is_file())
    shutil.copy(broker, first if broker.parent == scenario else first.parent)
    return places


def why_no_namespaces() -> str:
    """Return why network namespaces cannot be made here, in words; empty where they can."""
    if not shutil.which("ip"):
        return "ip (iproute2) is not installed"
    name = f"ptg{os.getpid()}x"
    try:
        tried = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
        return f"network namespaces may not be made here: {tried.stderr.strip()}" if tried.returncode else ""
    finally:
        subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


@dataclass
class Network:
    """Namespaces that are joined to each other and to nothing else; ``by`` says what delays and loses: netem or wire."""

    names: list[str]
    addresses: list[str]
    switch: str
    by: str = ""
    wire: subprocess.Popen[str] | None = None

    def place(self, place: Place, number: int) -> None:
        """Put a host into a namespace."""
        place.prefix = self.inside(number)

    def inside(self, number: int) -> tuple[str, ...]:
        """Return what is put before a command to run it in a namespace."""
        return ("ip", "netns", "exec", self.names[number])

    def cut(self, number: int) -> None:
        """Pull the cable of a host out at its other end: the host itself sees nothing."""
        if self.wire is not None:
            self.wire.stdin.write(f"{number}\n")
            self.wire.stdin.flush()
        else:
            _run("ip", "netns", "exec", self.switch, "ip", "link", "set", f"p{number}", "down")

    def there_and_back_s(self, number: int, other: int) -> float:
        """Return how long the shortest of five tries to reach a closed port of another host takes."""
        code = (
            "import socket, time\nfor _ in range(5):\n    s = socket.socket(); t = time.monotonic()\n"
            f"    s.connect_ex(('{self.addresses[other]}', 9)); print(time.monotonic() - t)"
        )
        command = [*self.inside(number), sys.executable, "-c", code]
        return min(map(float, subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()))

    def processes(self) -> list[psutil.Process]:
        """Return what runs in any of the namespaces, but for the wire."""
        found = []
        for name in self.names:
            listed = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True, check=False).stdout.split()
            for pid in listed:
                if self.wire is None or int(pid) != self.wire.pid:
                    with contextlib.suppress(psutil.Error):
                        found.append(psutil.Process(int(pid)))
        return found


@contextlib.contextmanager
def network(hosts: int, delay_ms: float = 0.0, loss: float = 0.0) -> Iterator[Network]:
    """Make ``hosts`` network namespaces that reach each other and nothing else; whatever happens, they and all in them go again.

    Delay and the share of frames that is lost are those of one way, by `tc netem`, or where the kernel has none by `slow_wire`.
    """
    stem = f"ptg{os.getpid()}n{next(_numbers)}"
    made = Network([f"{stem}h{n}" for n in range(hosts)], [f"10.77.0.{n + 1}" for n in range(hosts)], f"{stem}s")
    try:
        for name in (made.switch, *made.names):
            _run("ip", "netns", "add", name)
        if (delay_ms or loss) and not _shaped("lo", made.switch, 1.0, 0.0):
            made.by = "wire"
            made.wire = _wire(made, delay_ms, loss)
        else:
            _cables(made)
            for name in made.names if delay_ms or loss else ():
                made.by = "netem"
                assert _shaped("cable", name, delay_ms, loss)
        for number in range(hosts):
            own = made.inside(number)
            _run(*own, "ip", "addr", "add", f"{made.addresses[number]}/24", "dev", "cable")
            for link in ("lo", "cable"):
                _run(*own, "ip", "link", "set", link, "up")
        yield made
    finally:
        for process in made.processes():
            with contextlib.suppress(psutil.Error):
                process.kill()
        if made.wire is not None:
            made.wire.kill()
            made.wire.communicate()
        for name in (*made.names, made.switch):
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


def _cables(made: Network) -> None:
    """Lay a cable from each host to a bridge; all of it inside, so that nothing is ever seen in the computer's own network."""
    inside = ("ip", "netns", "exec", made.switch, "ip", "link")
    _run(*inside, "add", "bridge", "type", "bridge")
    _run(*inside, "set", "bridge", "up")
    for number in range(len(made.names)):
        cable = ("cable", "type", "veth", "peer", "name", f"p{number}", "netns", made.switch)
        _run(*made.inside(number), "ip", "link", "add", *cable)
        _run(*inside, "set", f"p{number}", "master", "bridge")
        _run(*inside, "set", f"p{number}", "up")


def _shaped(link: str, namespace: str, delay_ms: float, loss: float) -> bool:
    """Let a link delay and lose what is sent; return whether this kernel can."""
    if not shutil.which("tc"):
        return False
    shape = ("netem", "delay", f"{delay_ms}ms", "loss", f"{100 * loss}%")
    command = ["ip", "netns", "exec", namespace, "tc", "qdisc", "add", "dev", link, "root", *shape]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _wire(made: Network, delay_ms: float, loss: float) -> subprocess.Popen[str]:
    program = str(Path(__file__).with_name("slow_wire.py"))
    pipe = subprocess.PIPE
    words = [sys.executable, program, str(delay_ms / 1000), str(loss), "1", *made.names]
    wire = subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True)
    assert wire.stdout.readline() == "ready\n", "the wire could not be made"
    return wire


def results_of(place: Place, scenario: str) -> Path:
    """Return the folder of the only run of a host."""
    (run,) = [path for path in (place.folder / scenario / "results").iterdir() if (path / "run.json").exists()]
    return run


def record_of(run: Path) -> dict:
    return json.loads((run / "run.json").read_text())


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")

"""A spy between the coordinator and the others, who knows the run's key of HELICS and changes one price on its way.

    python examples/spy/spy.py SCENARIO [--unsigned] [WORDS OF `portage run` ...]

runs a copy of the scenario, whose results lie beside the copy. With ``--unsigned`` messages are not signed: the others act on it.
HELICS speaks TCP, not encrypted: the spy takes the coordinator's connection to the broker and passes on all
bytes but those of one price of period 0, which becomes larger by five (docs/integrity.md).
"""

from __future__ import annotations

import json
import os
import select
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import yaml

IDENTITY, STARTER = "PORTAGE_IDENTITY", "PORTAGE_STARTER"
SOLVE = 1.0
DEARER_USD, CHEAPEST_USD, DEAREST_USD = 5.0, 0.01, 1e4
ROUNDS = range(2, 30)
QUIET_S, _MOST_BYTES = 0.05, 1_048_576
SPIED = {"core_type": "zmq", "audit": {"sandbox": "off"}}
"""HELICS's ports are other ones to the coordinator, which a sandbox would not let it use."""


def main(words: list[str]) -> int:
    """Run a copy of a scenario with the spy in it, and return the exit code of the run."""
    if words[:1] == ["between"]:
        return between(words[1:])
    scenario, signed, rest = Path(words[0]).resolve(), "--unsigned" not in words, [w for w in words[1:] if w != "--unsigned"]
    copy = spied(scenario, Path(tempfile.mkdtemp(prefix="spied-")), signed=signed)
    print(f"the spy's copy of the scenario: {copy}", flush=True)
    return subprocess.run([sys.executable, "-m", "federates.cli", "run", str(copy), *rest], check=False).returncode


def spied(scenario: Path, folder: Path, *, signed: bool) -> Path:
    """Return a copy of ``scenario`` in ``folder`` in which the spy starts the coordinator."""
    copy = folder / scenario.name
    shutil.copytree(scenario, copy, ignore=shutil.ignore_patterns("results", "*.log"))
    runner = json.loads((copy / "runner.json").read_text(encoding="utf-8"))
    broker = copy / "spied_broker.yaml"
    for entry in runner["federates"]:
        if entry["name"] == "broker":
            words = entry["exec"].split()
            given = words[words.index("--config") + 1] if "--config" in words else "../../broker.yaml"
            settings = yaml.safe_load((scenario / entry["directory"] / given).read_text(encoding="utf-8"))
            broker.write_text(yaml.safe_dump(settings | SPIED | {"signatures": signed}), encoding="utf-8")
            entry["exec"] = f"python -u -m federates.broker --config {broker}"
        if entry["name"] == "coordinator":
            shutil.copy(__file__, copy / entry["directory"] / "spy.py")  # an agent's command lies in its folder
            entry["exec"] = f"python -u spy.py between {entry['exec']}"
    (copy / "runner.json").write_text(json.dumps(runner, indent=1), encoding="utf-8")
    return copy


def between(command: list[str]) -> int:
    """Start the coordinator so that it takes the spy for the broker."""
    told = Path(os.environ[IDENTITY])
    while not told.exists():
        time.sleep(0.02)
    identity = json.loads(told.read_text(encoding="utf-8"))
    spy = Spy(identity["port"])
    with tempfile.TemporaryDirectory() as private:
        altered = Path(private) / "identity.json"
        altered.write_text(json.dumps(identity | {"port": spy.port}), encoding="utf-8")
        told_child = {IDENTITY: str(altered), STARTER: str(os.getpid())}
        command[0] = sys.executable if command[0] == "python" else command[0]
        return subprocess.run(command, env=os.environ | told_child, check=False).returncode


class Spy:
    """Listens on two ports of its own, and passes connections on to ``port`` and the one above it, as HELICS's broker has two."""

    def __init__(self, port: int) -> None:
        self._solved: set[int] = set()
        self._done = False
        while True:
            first = socket.create_server(("127.0.0.1", 0))
            self.port = first.getsockname()[1]
            try:
                second = socket.create_server(("127.0.0.1", self.port + 1))
                break
            except OSError:  # taken
                first.close()
        for listening, target in ((first, port), (second, port + 1)):
            threading.Thread(target=self._accept, args=(listening, target), daemon=True).start()

    def _accept(self, listening: socket.socket, target: int) -> None:
        while True:
            coordinator, _ = listening.accept()
            broker = socket.create_connection(("127.0.0.1", target))
            threading.Thread(target=self._pass, args=(coordinator, broker, self._changed), daemon=True).start()
            threading.Thread(target=self._pass, args=(broker, coordinator, lambda part: part), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, change) -> None:
        try:
            while part := self._burst(source):
                sink.sendall(change(part))
        except OSError:
            pass
        finally:
            for end in (source, sink):
                end.close()

    def _burst(self, source: socket.socket) -> bytes:
        """Return what comes at once: the command comes behind the prices, so until it has struck the spy waits for both."""
        part = source.recv(_MOST_BYTES)
        while part and not self._done and select.select([source], [], [], QUIET_S)[0] and (more := source.recv(_MOST_BYTES)):
            part += more
        return part

    def _changed(self, part: bytes) -> bytes:
        """Return the bytes with one price changed: a number behind period 0 and a round in which the command is to solve."""
        self._solved |= {round_ for round_ in ROUNDS if struct.pack("<3d", 0.0, round_, SOLVE) in part}
        for round_ in () if self._done else sorted(self._solved):
            stamp, at = struct.pack("<2d", 0.0, round_), -1
            while 0 <= (at := part.find(stamp, at + 1)) <= len(part) - 24:
                (price_usd,) = struct.unpack_from("<d", part, at + 16)
                if CHEAPEST_USD < price_usd < DEAREST_USD and price_usd != SOLVE:  # the command itself
                    self._done = True
                    print(f"the spy: round {round_}: {price_usd:g} becomes {price_usd + DEARER_USD:g}", flush=True)
                    return part[: at + 16] + struct.pack("<d", price_usd + DEARER_USD) + part[at + 24 :]
        return part


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

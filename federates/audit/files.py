"""Files and connections that agents opened or changed: an agent reads its own folder, and what every program here may read."""

from __future__ import annotations

import ipaddress
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from federates.audit.outcome import Breach
from federates.audit.read import AgentRecords, RunRecords
from federates.audit.written import FilesRecord, Opened

FilesState = dict[str, tuple[int, int]]
"""By path from the scenario: number of the file, and time of its last change, ns."""
_MOST_FILES = 5000
_OWN, _OUTSIDE = "own", "outside"
_DOING = {"read": "read", "write": "wrote to", "list": "listed", "change": "changed the mode, owner, times or attributes of"}


def files_breaches(run: RunRecords) -> Iterator[Breach]:
    """Yield every file, folder and connection that is not an agent's to open, and every record that should be there."""
    for agent in run.agents.values():
        if agent.files_fault:
            yield Breach("files.missing", agent.name, f"the record of files of {agent.name} cannot be read: {agent.files_fault}")
        elif agent.files is None and run.files_wanted and agent.python and agent.finished:
            yield Breach("files.missing", agent.name, f"{agent.name} finished, but its record of opened files is missing")
        elif agent.files is not None:
            yield from _outside(run, agent.name, agent.files)


def _outside(run: RunRecords, name: str, files: FilesRecord) -> Iterator[Breach]:
    for entry in files.opened:
        owner = _partner(run, name, entry.path)
        if owner is None and entry.kind != _OUTSIDE:
            continue
        what = f"{entry.path}, which is {owner}'s" if owner else f"{entry.path}, outside its folder"
        yield Breach("files.outside", name, f"{name} {_doing(entry)} {what}")
    for call in files.helics_calls:
        yield Breach("helics.call", name, f"{name} called {call} of HELICS (and was refused); agents speak by topics alone")
    for connection in files.connections:
        did = "bound" if connection.bound else "connected to"
        if connection.port is None and connection.kind == _OUTSIDE:
            yield Breach("files.connection", name, f"{name} {did} the local socket {connection.address}, outside its folder")
        elif connection.port is not None and not _loopback(connection.address):
            where = f"{connection.address}:{connection.port}"
            yield Breach("files.connection", name, f"{name} {did} {where}, outside this computer")


def files_not_recorded(run: RunRecords) -> Iterator[str]:
    """Yield whose files are not known, in words."""
    recorded = [agent for agent in run.agents.values() if agent.files is not None and agent.files.recorded == "python"]
    if not run.files_wanted and not recorded:
        yield "opened files: none were recorded (audit.files is off in broker.yaml, or the run is older than the audit)"
        return
    for agent in run.agents.values():
        if agent.files is None and not agent.files_fault:
            yield f"{agent.name} left no record of the files that it opened"
        elif agent.files is not None and agent.files.recorded != "python":
            kept = "; the operating system kept it in its folder" if sandbox_of(agent) == "enforced" else ""
            yield f"which files {agent.name} opened{kept}"


def sandbox_of(agent: AgentRecords) -> str:
    """Return what the operating system enforced for an agent, in one word."""
    return "not recorded" if agent.files is None else agent.files.sandbox.state


def sandbox_gaps(agent: AgentRecords) -> str:
    """Return in words what the sandbox of an agent leaves open, if there is one."""
    return agent.files.sandbox.why if agent.files is not None and sandbox_of(agent) == "enforced" else ""


def own_files(agent: AgentRecords, run: RunRecords) -> tuple[str, ...]:
    """Return the files of the agent's own folder that it read, relative to the scenario."""
    scenario = run.folder.resolve().parents[1]
    entries = agent.files.opened if agent.files is not None else []
    paths = {Path(entry.path) for entry in entries if entry.kind == _OWN and entry.mode == "read" and not entry.absent}
    paths = {path for path in paths if path.parent.name != "__pycache__"}
    return tuple(sorted(str(path.relative_to(scenario)) if path.is_relative_to(scenario) else str(path) for path in paths))


def other_files(agent: AgentRecords) -> dict[str, int]:
    """Return how many files of each other kind the agent opened."""
    counts: Counter[str] = Counter()
    for entry in agent.files.opened if agent.files is not None else []:
        if entry.kind != _OWN:
            counts[entry.kind] += entry.count
    return dict(sorted(counts.items()))


def _partner(run: RunRecords, name: str, path: str) -> str | None:
    """Return the agent whose folder or results ``path`` belongs to, if that is another one than ``name``."""
    results = run.folder.resolve()
    places = {other: (results / other, results.parents[1] / other) for other in run.agents if other != name}
    file = Path(path)
    return next((other for other, roots in places.items() if any(file.is_relative_to(root) for root in roots)), None)


def _doing(entry: Opened) -> str:
    if entry.refused or entry.absent:
        return f"tried to {entry.mode} ({'and the operating system refused' if entry.refused else 'but it is not there'})"
    return _DOING[entry.mode]


def _loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address in ("", "localhost")


def files_state(scenario: Path, agents: Iterable[str]) -> FilesState:
    """Return how the files in the agents' folders of ``scenario`` are now; what Python compiles is left out.

    No agent may change any while a run goes on, its own included. The time of a file's last change of any kind (``ctime``)
    cannot be set, so this sees also a mode, time or attribute that was put back, by whatever program. It does not see by whom.
    """
    found: FilesState = {}
    for path in islice((path for agent in agents for path in _files(scenario / agent)), _MOST_FILES):
        try:
            known = os.lstat(path)
        except OSError:
            continue
        found[os.path.relpath(path, scenario)] = (known.st_ino, known.st_ctime_ns)
    return found


def changed_files(before: FilesState, after: FilesState) -> list[str]:
    """Return the paths of which ``after`` says something else than ``before``, sorted."""
    return sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))


def _files(folder: Path) -> Iterable[str]:
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        yield from (os.path.join(place, name) for name in sorted(names))

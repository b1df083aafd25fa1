"""``start.json``: what a run was started with, so that it can go on after a crash with the same.

It has the scenario's folder, what was changed in it for this run, and a hash of each of its files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from federates import __version__
from federates.boundary.errors import Problem
from federates.boundary.topics import BOUNDARY_VERSION
from federates.isolation.owner_only import owner_only
from federates.runs.same_version import damaged, read_same_version
from federates.runs.scenario import Scenario
from federates.runtime.results import write_json

START_RECORD = "start.json"
_ALLOWED = "must be as it was when the run started: a run goes on with the same input, or is started anew"
_LOG = ".log"
"""`helics run` leaves one for each process in the scenario's folder."""
_NO_INPUT = {"results", "__pycache__", ".git", ".ipynb_checkpoints"}


@dataclass(frozen=True)
class Started:
    """What a run was started with.

    ``broker`` is broker.yaml as it was read, ``files`` a hash of each file of the scenario by its name in it; ``executables`` are
    the agents that are programs in any language.
    """

    scenario: str
    runner: str
    world: str
    agents: dict[str, str]
    broker_file: str
    broker: dict[str, Any]
    label: str = ""
    overrides: dict[str, Any] = field(default_factory=dict)
    use: dict[str, str] = field(default_factory=dict)
    seats: dict[str, float] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    executables: list[str] = field(default_factory=list)
    portage: str = __version__
    boundary: int = BOUNDARY_VERSION

    def write(self, folder: Path) -> None:
        """Write it into the run's ``folder``; raise OSError if the disk refuses."""
        with owner_only():
            write_json(folder / START_RECORD, asdict(self))

    @classmethod
    def of(cls, scenario: Scenario, overrides: Mapping[str, Any] | None = None, **more: Any) -> Started:
        """Return what a run of ``scenario`` is started with; ``more`` are further fields."""
        broker = scenario.broker.model_dump(mode="json")
        known: dict[str, Any] = {
            "broker": broker,
            "overrides": dict(overrides or {}),
            "use": dict(scenario.use),
            "files": hashes(scenario.folder, scenario.broker_file),
            "executables": [agent for agent in scenario.agents if agent not in scenario.configs],
        }
        place, roles = (str(scenario.folder.resolve()), str(scenario.runner)), dict(scenario.roles)
        return cls(*place, scenario.world, roles, str(scenario.broker_file.resolve()), **known | more)

    @classmethod
    def read(cls, folder: Path) -> Started:
        """Read it from the run's ``folder``.

        Raises
        ------
        ConfigError : there is none, or it is of another version of Portage.
        """
        path = folder / START_RECORD
        versions = {"portage": __version__, "boundary": BOUNDARY_VERSION}
        found = read_same_version(path, versions, "run", "only a run of this version, with this file, can go on")
        try:
            return cls(**found)
        except TypeError as error:
            raise damaged(path, error) from error

    def changes(self) -> list[Problem]:
        """Return what of the scenario is not as it was."""
        folder = Path(self.scenario)
        if not folder.is_dir():
            return [Problem(str(folder), "(folder)", "missing", "must be there: a run goes on with the same scenario")]
        now = hashes(folder, Path(self.broker_file))
        found = []
        for name in sorted({*now, *self.files}):
            if now.get(name) != self.files.get(name):
                value = "missing" if name not in now else "new" if name not in self.files else f"sha256 {now[name][:16]}..."
                found.append(Problem(str(folder / name), "(file)", value, _ALLOWED))
        return found


def hashes(scenario: Path, broker_file: Path) -> dict[str, str]:
    """Return the hash of every input file of a scenario, by its name in the folder; and of the broker's, by its full name."""
    found = {path.relative_to(scenario).as_posix(): _sha256(path) for path in _inputs(scenario)}
    if broker_file.is_file() and not broker_file.resolve().is_relative_to(scenario.resolve()):
        found[str(broker_file)] = _sha256(broker_file)
    return found


def _inputs(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name in _NO_INPUT or path.name.startswith(".") or path.suffix == _LOG:
            continue
        if path.is_dir():
            yield from _inputs(path)
        elif path.is_file():
            yield path


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()

"""Copies of a scenario's folder, packed so that they reach a worker on any computer."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from federates.boundary.errors import ConfigError, Problem
from federates.runs.scenario import Scenario, shown

_LEFT_OUT = {"results", "__pycache__"}
_NO_INPUT = {".md", ".log", ".pyc"}
"""Files that change no result: they are packed with the agents' folders, but a change in them makes no new point."""


@dataclass(frozen=True)
class PackedScenario:
    """What a scenario consists of: ``runner.json``, Python files beside it, ``scenario.yaml``, agents' folders, ``broker.yaml``.

    Attributes
    ----------
    archive : bytes
        The files, compressed, at their places relative to each other.
    inside : str
        Folder of the scenario in the archive.
    sha256 : str
        Hash of the scenario's names and contents, without notes and without the broker's file, which changes no result.
    """

    archive: bytes
    inside: str
    sha256: str

    @classmethod
    def of(cls, scenario: Scenario) -> PackedScenario:
        """Pack a scenario; raise `ConfigError` if a part of it lies outside its folder."""
        _check_inside(scenario)
        files = _files(scenario)
        root = Path(os.path.commonpath([scenario.folder, scenario.broker_file]))
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz", dereference=True, compresslevel=6) as archive:
            for entry in scenario.entries:
                archive.add(entry.directory, entry.directory.relative_to(root).as_posix() or ".", recursive=False)
            for path in (*files, scenario.broker_file):
                archive.add(path, path.relative_to(root).as_posix())
        inside = scenario.folder.relative_to(root).as_posix()
        return cls(buffer.getvalue(), inside, _fingerprint(scenario.folder, files))

    def unpack(self, folder: Path) -> Path:
        """Write the files into ``folder`` and return the scenario's folder in it."""
        with tarfile.open(fileobj=io.BytesIO(self.archive)) as archive:
            archive.extractall(folder, filter="data")
        return folder / PurePosixPath(self.inside)


def _check_inside(scenario: Scenario) -> None:
    if not scenario.session_file.is_relative_to(scenario.folder):
        allowed = "must lie in the scenario's folder, for a sweep works on copies of it"
        raise ConfigError([Problem(shown(scenario.runner), "coordinator.exec", shown(scenario.session_file), allowed)])


def _files(scenario: Scenario) -> list[Path]:
    """Return the scenario's files in a fixed order, without results."""
    found = {scenario.runner.resolve(), scenario.session_file, *scenario.folder.glob("*.py")}
    for entry in scenario.entries:
        if entry.directory == scenario.folder:
            continue  # the broker stands here; what else lies here, such as results and sweep files, is no input
        for folder, folders, names in os.walk(entry.directory, followlinks=True):
            folders[:] = sorted(name for name in folders if name not in _LEFT_OUT)
            found |= {Path(folder) / name for name in names}
    return sorted(path for path in found if path.is_file())


def _fingerprint(folder: Path, files: list[Path]) -> str:
    total = hashlib.sha256()
    for path in files:
        if path.suffix not in _NO_INPUT:
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            total.update(f"{path.relative_to(folder).as_posix()} {content}\n".encode())
    return total.hexdigest()

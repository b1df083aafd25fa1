"""The folders of an agent's process: which are its own, which belong to the environment, and what lies outside."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from federates.boundary.errors import ConfigError, Problem
from federates.runtime.broker_config import AuditConfig

_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/proc", "/sys")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty")
_ENVIRONMENT_PARTS = ("bin", "lib", "lib64", "include", "share", "pyvenv.cfg")
"""What belongs to a Python environment."""
_OURS = Path(__file__).resolve().parents[1]
"""The package `federates`."""
TEMPORARY = "temporary"
"""Name of an agent's temporary folder among its results."""


@dataclass(frozen=True)
class AccessPolicy:
    """Where one agent's process may go. Every path is real: symbolic links are followed.

    ``own`` are the agent's folder of the scenario and the modules that lie beside the agents' folders, ``results`` its part of
    the run's folder, ``session`` the public agreement (the coordinator's alone), ``environment`` the interpreter, packages and
    the system.
    ``exposed`` are allowed folders in which the scenario or the run's results lie all the same: there nothing can be promised.
    """

    own: tuple[Path, ...]
    results: Path
    session: Path | None
    environment: tuple[Path, ...]
    exposed: tuple[Path, ...]

    @property
    def temporary(self) -> Path:
        """Return the private folder for temporary files."""
        return self.results / TEMPORARY

    @property
    def readable(self) -> tuple[Path, ...]:
        """Return everything that may be read."""
        session = () if self.session is None else (self.session,)
        return (*self.own, *session, *self.environment)

    @property
    def writable(self) -> tuple[Path, ...]:
        """Return everything that may be read and written."""
        return (self.results, *(Path(device) for device in _DEVICES))

    def kind(self, path: Path) -> tuple[str, Path | None]:
        """Return what sort of place a real ``path`` is, and the folder that stands for all of its sort (None: itself)."""
        if _lies_in(path, self.temporary):
            return "temporary", self.temporary
        if _lies_in(path, self.results):
            return "results", self.results
        if path == self.session:
            return "session", None
        if any(_lies_in(path, place) for place in self.own):
            return "own", None
        if str(path) in _DEVICES or any(_lies_in(path, place) for place in self.environment):
            return "environment", Path(sys.prefix)
        return "outside", None


def access_policy(
    folder: Path, scenario: Path, results: Path, session: Path | None = None, extra: Iterable[Path] = ()
) -> AccessPolicy:
    """Return what the agent may reach whose folder of the ``scenario`` is ``folder`` and whose part of the run's is ``results``.

    ``extra`` are further folders with programs and libraries of an executable; one in which the scenario lies is left out.
    """
    scenario, own, results = scenario.resolve(), folder.resolve(), results.resolve()
    closed = (scenario, results.parent)
    allowed: list[Path] = []
    exposed: list[Path] = []
    for root in map(Path.resolve, extra):
        if not (_holds(root, closed) or any(root.is_relative_to(place) for place in closed)):
            allowed.append(root)
    for root in _roots():
        if root.is_relative_to(scenario):
            continue  # the agent's own folder is allowed anyway, another's never
        if not _is_environment(root):
            allowed += _code(root, closed)
            continue
        for part in _narrowed(root) if _holds(root, closed) else [root]:
            (exposed if _holds(part, closed) else allowed).append(part)
    if _holds(own, closed):
        exposed.append(own)
    shared = [*sorted(scenario.glob("*.py")), scenario / "__pycache__"]
    return AccessPolicy((own, *shared), results, session, tuple(_outermost([*allowed, *exposed])), tuple(exposed))


def also_readable(audit: AuditConfig, agent: str, closed: Iterable[Path], file: str = "broker.yaml") -> list[Path]:
    """Return what ``broker.yaml`` lets an agent read besides its own; in ``closed`` folders lies what is others'.

    Raises
    ------
    ConfigError : a path is not there, or would let it read what is another's. ``file`` is shown as the place.
    """
    names, places = audit.readable.get(agent, ()), tuple(place.resolve() for place in closed)
    problems = [
        Problem(file, f"audit.readable.{agent}", repr(name), allowed) for name in names if (allowed := _why_not(name, places))
    ]
    if problems:
        raise ConfigError(problems)
    return [Path(name).expanduser().resolve() for name in names]


def _why_not(name: str, closed: tuple[Path, ...]) -> str:
    """Return what must hold of a path besides, or an empty text if it may be read."""
    try:
        return _not_to_be_read(Path(name).expanduser(), closed)
    except (OSError, ValueError, RuntimeError) as error:  # too long, closed to this user, the home folder of nobody
        reason = getattr(error, "strerror", None) or str(error).removesuffix(".")
        return f"must be a path that can be followed: {reason}"


def _not_to_be_read(path: Path, closed: tuple[Path, ...]) -> str:
    if not path.is_absolute():
        return "must be an absolute path, or begin with ~/"
    if not path.exists():
        return "must exist"
    if _holds(path.resolve(), closed) or any(path.resolve().is_relative_to(place) for place in closed):
        return "must lie outside the scenario and the run's results, and not around them: each agent's folder is its own"
    return ""


def _holds(folder: Path, closed: Iterable[Path]) -> bool:
    """Whether one of the ``closed`` folders lies in ``folder``."""
    return any(place.is_relative_to(folder) for place in closed)


def _lies_in(path: Path, place: Path) -> bool:
    """Whether one real path lies in another; `is_relative_to` takes twenty times as long, for every file that is imported."""
    inside, around = str(path), str(place)
    return inside == around or inside.startswith(around if around.endswith(os.sep) else around + os.sep)


def _roots() -> Iterator[Path]:
    """Yield interpreter, environment, search path and system, real paths only."""
    named = [sys.prefix, sys.base_prefix, sys.exec_prefix, *sysconfig.get_paths().values(), *sys.path, *_SYSTEM]
    named.append(str(_OURS))
    for name in dict.fromkeys(os.path.realpath(name) for name in named if name):
        if os.path.exists(name):
            yield Path(name)


def _is_environment(root: Path) -> bool:
    """Whether all of ``root`` is programs and packages, which is not so for a project's folder on the search path."""
    places = [sys.prefix, sys.base_prefix, sys.exec_prefix, *sysconfig.get_paths().values(), *_SYSTEM, str(_OURS)]
    return any(root.is_relative_to(os.path.realpath(place)) for place in places)


def _narrowed(root: Path) -> list[Path]:
    """Return the parts of an environment that was made in a folder with other things in it."""
    parts = [root / name for name in _ENVIRONMENT_PARTS]
    return [part for part in parts if part.exists()] or [root]


def _code(root: Path, closed: tuple[Path, ...]) -> Iterator[Path]:
    """Yield what is code in ``root``, for an editable installation puts a whole project on the search path."""
    if root.is_file():
        yield root
        return
    for entry in [_OURS] if root == _OURS.parent else _listed(root):
        if not _is_code(entry) or entry in closed:
            continue
        if _holds(entry, closed):
            yield from _code(entry, closed)
        else:
            yield entry


def _listed(folder: Path) -> list[Path]:
    """Return what lies in a folder of the search path: nothing, as for Python, if this user may not list it."""
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _is_code(entry: Path) -> bool:
    """Whether an entry of the search path is a module, or a folder of modules that is no scenario."""
    if entry.is_dir():
        # Wheels carry shared libraries beside the package; what modules beside it were compiled to is code as they are.
        known = entry.suffix in (".dist-info", ".egg-info", ".libs") or entry.name == "__pycache__"
        return known or (any(entry.glob("*.py")) and not (entry / "runner.json").exists())
    return entry.suffix in (".py", ".so", ".pth")


def _outermost(paths: list[Path]) -> list[Path]:
    """Return ``paths`` without those that lie in another one."""
    kept: list[Path] = []
    for path in sorted(set(paths), key=lambda path: (len(path.parts), path)):
        if not any(path.is_relative_to(other) for other in kept):
            kept.append(path)
    return kept

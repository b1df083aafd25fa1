"""``kept.json``: what a game needs to go on when its server has ended: who plays what, how far it is, and everybody's link.

Whoever reads it has the lecturer's link too, so it is its owner's alone to read.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from federates import __version__
from federates.isolation.owner_only import owner_only
from federates.runs.same_version import damaged, read_same_version
from federates.runtime.results import write_json

KEPT_RECORD = "kept.json"


@dataclass(frozen=True)
class Seated:
    """A student in a seat; ``viewer`` is the name by which the gate knows the link."""

    viewer: str
    name: str
    group: int
    agent: str


@dataclass(frozen=True)
class Kept:
    """A game as it stands.

    ``runs`` are names of the groups' runs and ``sat`` those of all who have sat in a seat, in order; ``tokens`` are by viewer.
    """

    scenario: str
    made: str
    overrides: dict[str, str]
    use: dict[str, str]
    rules: dict[str, Any]
    runs: dict[int, str]
    students: tuple[Seated, ...]
    sat: tuple[tuple[int, str, tuple[str, ...]], ...]
    started: bool
    paused: bool
    ended: bool
    revealed: bool
    last_period: int | None
    host: str = ""
    port: int = 0
    tokens: dict[str, str] = field(default_factory=dict)
    portage: str = __version__

    def write(self, folder: Path) -> None:
        """Write it into the game's ``folder``; raise OSError if the disk refuses."""
        with owner_only():
            folder.mkdir(parents=True, exist_ok=True)
            write_json(folder / KEPT_RECORD, asdict(self))

    @classmethod
    def read(cls, folder: Path) -> Kept:
        """Read it from the game's ``folder``.

        Raises
        ------
        ConfigError : there is none, it is damaged, or it is of another version of Portage.
        """
        path = folder / KEPT_RECORD
        where = "it is in the folder of a game, such as results/play-20260301-101500"
        found = read_same_version(path, {"portage": __version__}, "game", where)
        try:
            runs = {int(number): str(name) for number, name in found["runs"].items()}
            students = tuple(Seated(**student) for student in found["students"])
            sat = tuple((int(group), str(agent), tuple(names)) for group, agent, names in found["sat"])
            return cls(**found | {"runs": runs, "students": students, "sat": sat})
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise damaged(path, error) from error

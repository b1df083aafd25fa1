"""Where the scenarios that come with Portage lie, and which of their files belong to them.

With an editable installation they stand in the repository, beside the package; a wheel carries them inside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from federates.boundary.errors import ConfigError, Problem

SHIPPED = ("la_gcs", "ieee30", "ieee118", "la_fleets", "la_two_companies", "la_small")
"""Scenarios that come with Portage."""

_PACKAGE = Path(__file__).parents[1]
_PLACES = (_PACKAGE.parent / "scenarios", _PACKAGE / "scenarios")
_LEFT_OUT = {"results", "calibration", "__pycache__"}
"""Folders that a run leaves, or from which data was once made: no part of what a run reads."""
_TOP = ("scenario.yaml", "runner.json", "broker.yaml", "published.yaml")


def shipped_scenario(name: str) -> Path:
    """Return the folder of a shipped scenario; raise `ConfigError` if there is none of that name."""
    if name not in SHIPPED:
        raise ConfigError([Problem("portage new", "--from", name, f"must be one of {', '.join(SHIPPED)}")])
    for place in _PLACES:
        if (place / name / "runner.json").is_file():
            return place / name
    looked = " and ".join(str(place) for place in _PLACES)
    raise ConfigError([Problem("portage new", "--from", name, f"this installation has no scenarios; looked in {looked}")])


def broker_file(scenario: Path) -> Path:
    """Return the ``broker.yaml`` that a shipped scenario runs with: its own, else the one at the top of the repository.

    A wheel has no top, so the package holds a copy of that file; a test holds the two equal.
    """
    own = scenario / "broker.yaml"
    return own if own.is_file() else _PACKAGE / "scaffold" / "templates" / "broker.yaml"


def scenario_files(scenario: Path) -> Iterator[Path]:
    """Yield the files that a run of a scenario reads, and its sweeps, relative to its folder."""
    for path in sorted(scenario.rglob("*")):
        inside = path.relative_to(scenario)
        if not path.is_file() or _LEFT_OUT & set(inside.parts) or any(part.startswith(".") for part in inside.parts):
            continue
        if len(inside.parts) == 1 and inside.name not in _TOP and path.suffix != ".py":
            continue  # logs and whatever else a user keeps beside them
        if path.suffix not in (".log", ".pyc"):
            yield inside

"""What a live view shows of one world beside what it shows of every world.

A world's package may have a module ``live`` with a `Stage` named ``STAGE``; a world without one is shown by its wiring, its
messages and its negotiation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from federates.boundary.world import world_of


@dataclass(frozen=True, slots=True)
class Stage:
    """A world's own panels.

    ``script`` is a module of JavaScript (ES modules; it may import what lies in ``static`` here, as ``/static/view/<file>``) that
    exports ``panels(scene, store)``: a list of ``{id, title, make(host)}``, of which ``make`` returns ``{update(position),
    frame(position)}``; and ``DRIVE_S``, how long a period takes to be carried out on the page, s. ``tables`` are the tables of
    results whose rows the store is given as they come, with their columns.
    """

    script: Path
    tables: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def world_stage(world: str) -> Stage | None:
    """Return the stage of a world; None if it has none."""
    module = world_of(world).module("live")
    found: Stage | None = None if module is None else module.STAGE
    return found

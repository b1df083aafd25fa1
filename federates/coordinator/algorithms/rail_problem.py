"""What cuts know of trains: where they are and end, and which of them are alike, in a negotiation by rail."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from federates.boundary.negotiation import Index, Problem
from federates.worlds.rail.session import RailSession
from federates.worlds.rail.trains import end_is_certain
from federates.worlds.rail.world import CONNECTION, TRAIN_READY


@dataclass(frozen=True, slots=True)
class RailProblem:
    """The rest of a day, from ``period`` on.

    ``station`` and ``ready`` (K,): where each train stands next, and from which period of the day; T or more: not this day.
    ``end`` (K,): where each train ends the day, -1 if that is open. ``groups``: trains that can stand for each other.
    """

    session: RailSession
    period: int
    station: Index
    ready: Index
    end: Index
    groups: tuple[tuple[int, ...], ...]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Return (K, S, H), the shape of a connection; H are the open periods."""
        return len(self.session.trains), len(self.session.stations), self.session.periods - self.period

    def end_is_certain(self, train: int) -> bool:
        """Return whether both operators know where the train ends the day, and the public timetable lets it."""
        return end_is_certain(self.session, int(self.station[train]), int(self.ready[train]), int(self.end[train]))


def rail_problem(problem: Problem) -> RailProblem:
    """Return what a negotiation is about by rail."""
    session: RailSession = problem.session
    place = np.round(np.asarray(problem.openings[TRAIN_READY], dtype=np.float64)).astype(np.intp)
    block = int(np.prod(problem.layout.shapes[CONNECTION.name][1:]))
    groups = tuple(tuple(int(entries[0]) // block for entries in blocks) for blocks in problem.alike)
    alone = groups or tuple((k,) for k in range(len(session.trains)))
    return RailProblem(session, problem.period, place[:, 0], np.clip(place[:, 1], problem.period, None), place[:, 2], alone)

"""Where the vehicles of an agent are while under way, and which class of links reaches them there."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from federates.boundary.messages import Quantities
from federates.boundary.network import LinkClass, NetworkSettings
from federates.boundary.world import world_of
from federates.network.fate import Message, draw

_NOTHING = 1e-6
UNREACHED = LinkClass.model_construct(latency_s=0.0, jitter_s=0.0, loss=1.0, duplication=0.0, reordering=0.0)
"""Where no class covers the place."""


class Places:
    """Trips under way, by agent, as the last commit gave them: both ends of a line know that.

    Parameters
    ----------
    session : public agreement, as the agent sees it.
    """

    def __init__(self, session: Any) -> None:
        self._session, self._settings = session, session.network
        self.trips: dict[str, list[tuple[str, str]]] = {}

    def committed(self, agent: str, given: Quantities) -> None:
        """Take what an agent is given: what leaves in the opened period is under way when the next one is negotiated."""
        settings: NetworkSettings = self._settings
        if agent not in settings.under_way:
            return
        view = self._session.view(agent) if self._session.viewer != agent else self._session
        found: set[tuple[str, str]] = set()
        for exchange in world_of(self._session.world).exchanges:
            if exchange.name in given and len(exchange.axes) == 3:
                origins, targets = (view.index_names(axis) or () for axis in exchange.axes[:2])
                for r, q in np.argwhere(np.asarray(given[exchange.name])[..., 0] > _NOTHING).tolist():
                    found.add((origins[r], targets[q]))
        self.trips[agent] = sorted(trip for trip in found if trip[1] in settings.roads.get(trip[0], {}))

    def link(self, seed: int, agent: str, message: Message) -> tuple[str, LinkClass]:
        """Return name and class of the link of ``agent`` that a question or an answer takes.

        Vehicles under way: a message goes to one of them, which is drawn, and so is its place on its road. Of the classes that
        cover the place the one that loses least is taken, and of those the quickest.
        """
        settings: NetworkSettings = self._settings
        trips = self.trips.get(agent, [])
        if not trips:
            name = settings.class_of(agent)
            return name, settings.known[name]
        r, q = trips[int(draw(seed, message, "trip") * len(trips))]
        at = draw(seed, message, "place") * len(settings.roads[r][q])
        link, share = settings.roads[r][q][int(at)], at - int(at)
        best: tuple[str, LinkClass] = ("none", UNREACHED)
        for name in settings.under_way[agent]:
            if covers(settings.coverage.get(name), link, share) and _order(settings.known[name]) < _order(best[1]):
                best = name, settings.known[name]
        return best


def covers(coverage: Mapping[str, tuple[tuple[float, float], ...]] | None, link: str, share: float) -> bool:
    """Return whether a class covers the place at ``share`` in [0, 1) of the length of ``link``; None covers all."""
    return coverage is None or any(begin <= share < end for begin, end in coverage.get(link, ()))


def _order(link: LinkClass) -> tuple[float, float]:
    return link.loss, link.latency_s if link.loss < 1.0 else math.inf

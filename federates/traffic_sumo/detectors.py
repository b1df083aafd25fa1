"""Counting: which vehicles are on which link, read from SUMO every poll."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from federates.traffic_sumo.data import Link
from federates.traffic_sumo.engine import Sumo
from federates.traffic_sumo.network import link_edges, main_edge
from federates.traffic_sumo.trips import MVES_PREFIX
from federates.worlds.road.messages import LinkObservation


@dataclass(slots=True)
class Crossing:
    """What happened on a link's main edge since the last poll."""

    entered: int
    passed: int
    storages: list[str]
    """Mobile storages among them."""

    @property
    def passed_other(self) -> int:
        """Return the vehicles that passed without the mobile storages."""
        return self.passed - len(self.storages)


@dataclass(slots=True)
class _Totals:
    passed: float = 0.0
    main_s: float = 0.0
    """Sum over the vehicles that passed of their time on the main edge."""
    vehicle_s: float = 0.0
    rest_s: float = 0.0
    """Part of the vehicle seconds that was spent on merge and gore."""
    seconds: float = 0.0


@dataclass(slots=True)
class LinkDetectors:
    """Polls the links and keeps the means of a period.

    A link's main edge takes longer to drive than a poll lasts, so every vehicle is seen there at least once; one that was there
    at the last poll and is not now has passed. Merge and gore edges add to the vehicles on the link.
    """

    sumo: Sumo
    links: list[Link]
    _entry_s: dict[str, dict[str, float]] = field(default_factory=dict)
    """By link and vehicle on the main edge: when it came, taken as the middle of the poll."""
    _now_s: float = 0.0
    _totals: dict[str, _Totals] = field(default_factory=dict)
    _number: dict[str, tuple[int, int]] = field(default_factory=dict)

    def poll(self, seconds: float) -> dict[str, Crossing]:
        """Read all links; ``seconds`` is the time since the last poll."""
        self._now_s += seconds
        return {link.name: self._poll_link(link.name, seconds) for link in self.links}

    def _poll_link(self, name: str, seconds: float) -> Crossing:
        edge, call = self.sumo.api.edge, self.sumo.call
        middle_s = self._now_s - seconds / 2
        now = set(call(edge.getLastStepVehicleIDs, main_edge(name)))
        inside = self._entry_s.setdefault(name, {})
        gone = inside.keys() - now
        came = now - inside.keys()
        totals = self._totals.setdefault(name, _Totals())
        totals.passed += len(gone)
        totals.main_s += sum(middle_s - inside.pop(vehicle) for vehicle in gone)
        inside.update(dict.fromkeys(came, middle_s))
        merge, _, gore = link_edges(name)
        rest = sum(call(edge.getLastStepVehicleNumber, part) for part in (merge, gore))
        number = (len(now), rest)
        before = self._number.get(name, number)
        # Trapezoidal rule: vehicles at both ends of the poll.
        totals.rest_s += seconds * (rest + before[1]) / 2
        totals.vehicle_s += seconds * (sum(number) + sum(before)) / 2
        totals.seconds += seconds
        self._number[name] = number
        return Crossing(len(came), len(gone), sorted(vehicle for vehicle in gone if vehicle.startswith(MVES_PREFIX)))

    def observe(self, names: tuple[str, ...], free_speed_m_per_s: float) -> LinkObservation:
        """Return the means since the last call and start anew.

        Travel time is the mean over the vehicles that passed: on the main edge from the time each came to the time it left, both
        known to a poll and right on the mean; on merge and gore, 900 m of the link, by Little's law (vehicle seconds over
        vehicles that passed). A link that nobody passed shows the time of an empty one.
        """
        rows = [self._mean(name, free_speed_m_per_s) for name in names]
        self._totals.clear()
        flow, density, speed, time = (np.array(column, dtype=np.float64) for column in zip(*rows, strict=True))
        return LinkObservation(flow, density, speed, time)

    def _mean(self, name: str, free_speed_m_per_s: float) -> tuple[float, float, float, float]:
        length_km = next(link.length_km for link in self.links if link.name == name)
        totals = self._totals.get(name, _Totals())
        if totals.passed < 1 or totals.main_s <= 0:
            return 0.0, 0.0, free_speed_m_per_s, 1000.0 * length_km / free_speed_m_per_s
        time_s = (totals.main_s + totals.rest_s) / totals.passed
        flow = 3600.0 * totals.passed / totals.seconds
        density = totals.vehicle_s / totals.seconds / length_km
        return flow, density, 1000.0 * length_km / time_s, time_s

    def state(self) -> dict[str, Any]:
        """Return what was counted, as plain values; of the period's means nothing, for they begin anew with `observe`."""
        return {
            "entry_s": {link: dict(inside) for link, inside in self._entry_s.items()},
            "now_s": self._now_s,
            "number": dict(self._number),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on with what `state` has returned."""
        self._entry_s, self._now_s, self._number = dict(state["entry_s"]), state["now_s"], dict(state["number"])
        self._totals.clear()

    def vehicles(self) -> int:
        """Return how many vehicles are on the links now."""
        return sum(main + rest for main, rest in self._number.values())

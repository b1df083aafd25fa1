"""What the operators of lessons stand on: a road on which nothing goes wrong, and the methods that a lesson does not speak of.

A lesson writes `solve` and `evaluate`, in which the mathematics is. `begin`, `open_period` and `commit` are the same for all its
operators, and stand here.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd

from federates.api import Run
from federates.boundary.messages import Array, Quantities
from federates.boundary.roles import PowerOperator, Recorder, TrafficModel, TransportOperator
from federates.worlds.road.messages import Departure, Gate, LinkObservation, StationObservation, TrafficObservation

__all__ = ["PowerSide", "QuietRoad", "TransportSide", "agreement", "rounds_of"]

_DRIVE_S, _GATE_S = 900.0, 600.0
_LINK = "road"


def agreement(limited_stations: tuple[str, ...] = ("q1",), periods: int = 1) -> dict[str, Any]:
    """Return the public agreement of a lesson: vehicles from ``r1`` to the limited stations, planned for one period of an hour.

    What is exchanged has the shape (1, Q, 1): one station they come from, Q where they are wanted, one period.
    """
    return {
        "schema_version": 1, "world": "road", "name": "lesson", "periods": periods, "horizon_periods": 1,
        "resourceful_stations": ["r1"], "limited_stations": list(limited_stations), "links": [_LINK],
    }  # fmt: skip


class PowerSide(PowerOperator):
    """A power operator without `solve` and `evaluate`."""

    def begin(self, session: Any, recorder: Recorder) -> None:  # noqa: D102
        self.shape = session.connection_shape
        self._stations = len(session.stations)

    def open_period(self, period: int, observation: Any) -> Gate:
        """Return what drivers see at the gates: ten minutes, and room for all."""
        return Gate(np.full(self._stations, _GATE_S), np.full(self._stations, 100.0))

    def commit(self, given: Quantities) -> None:
        """Nothing is left to do: the vehicles come."""


class TransportSide(TransportOperator):
    """A transport operator without `solve` and `evaluate`."""

    def begin(self, session: Any, recorder: Recorder) -> None:  # noqa: D102
        self._session = session
        self.shape = session.connection_shape

    def open_period(self, period: int, observation: Any) -> Array:
        """Return the time of the drive: a quarter of an hour to every station, s, (1, Q)."""
        return np.full(self.shape[:2], _DRIVE_S)

    def commit(self, given: Quantities) -> list[Departure]:
        """Return who departs for where: what was agreed for this period."""
        origin, vehicles = self._session.resourceful_stations[0], given["delivery"][0, :, 0]
        return [
            Departure(origin, destination, int(count), (_LINK,))
            for destination, count in zip(self._session.limited_stations, vehicles, strict=True)
            if count >= 1
        ]


class QuietRoad(TrafficModel):
    """Every vehicle that departs arrives, and nobody else is on the way."""

    def begin(self, session: Any, recorder: Recorder) -> None:  # noqa: D102
        self._stations, self._bins = len(session.stations), session.bins_per_period

    def run(self, period: int, dispatch: list[Departure]) -> TrafficObservation:
        """Return what detectors count: the vehicles that were sent, and a free road."""
        sent = float(sum(departure.vehicles for departure in dispatch))
        links = LinkObservation(np.array([sent]), np.array([sent / 25.0]), np.array([25.0]), np.array([_DRIVE_S]))
        still = np.zeros((self._stations, self._bins))
        return TrafficObservation(links, StationObservation(still, still))

    def close(self) -> None:
        """Nothing was started."""


def rounds_of(run: Run, period: int = 0) -> pd.DataFrame:
    """Return a negotiation, a row a round: price, asked and offered by limited station, and the bounds that were proven by then.

    ``price`` is empty in rounds that asked for no prices but gave quantities (``command`` evaluate). With one station the columns
    are ``price``, ``asked`` and ``offered``; with several, ``price q1`` and so on.
    """
    rounds = _of(run, "rounds", period).set_index("round")
    stations = json.loads((run.folder / "session.json").read_text(encoding="utf-8"))["limited_stations"]
    table = rounds[["command"]].copy()
    prices = _of(run, "prices", period)
    answers = _of(run, "answers", period)
    sides = (
        ("price", prices, "price_usd_per_veh"),
        ("asked", answers[answers.agent == "power_operator"], "connection_veh"),
        ("offered", answers[answers.agent == "transport_operator"], "connection_veh"),
    )
    for name, rows, quantity in sides:
        for station in stations:
            column = name if len(stations) == 1 else f"{name} {station}"
            known = rows[rows.station == station].set_index("round")[quantity]
            table[column] = known.reindex(table.index, fill_value=0.0)  # the tables leave out zeros
            if name == "price":
                table.loc[table.command == "evaluate", column] = np.nan
    table["lower_bound_usd"] = rounds.lower_bound_usd
    table["upper_bound_usd"] = rounds.upper_bound_usd
    return table


def _of(run: Run, name: str, period: int) -> pd.DataFrame:
    found = run.tables[name]
    return found[found.period == period]

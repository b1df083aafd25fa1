"""What a negotiation by rail is about: the open periods of the day, where the trains are, and which of them are alike.

The past stays as it was carried out in every connection that is sent, and has no price.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from federates.boundary.messages import Array, ConnectionAnswer
from federates.boundary.roles import Evaluate, RoundResult, Solve
from federates.boundary.session import RailSession
from federates.boundary.trains import alike_trains, at_home, end_is_certain

__all__ = ["RailProblem", "first_problem", "rest_of_day"]

Index = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class RailProblem:
    """The rest of a day, from ``period`` on.

    ``station`` and ``ready`` (K,): where each train stands next, and from which period of the day; T or more: not this day.
    ``end`` (K,): where each train ends the day, -1 if that is open.
    ``past`` (K, S, T): what was carried out before ``period``. ``groups``: trains that can stand for each other and so have the
    same prices; prices are kept per group, (G, S, H), H being the open periods.
    """

    session: RailSession
    period: int
    station: Index
    ready: Index
    end: Index
    past: Array
    groups: tuple[tuple[int, ...], ...]

    @property
    def open_periods(self) -> int:
        """Return H."""
        return self.session.periods - self.period

    @property
    def price_shape(self) -> tuple[int, int, int]:
        """Return (G, S, H)."""
        return len(self.groups), len(self.session.stations), self.open_periods

    def totals(self, connection: Array) -> Array:
        """Return a connection (K, S, T) summed over the trains of each group, open periods only: (G, S, H)."""
        rest = connection[:, :, self.period :]
        return np.array([rest[list(group)].sum(axis=0) for group in self.groups])

    def means(self, prices: Array) -> Array:
        """Return prices per train (K, S, T) as their mean per group: (G, S, H)."""
        sizes = np.array([len(group) for group in self.groups], dtype=float)
        return self.totals(prices) / sizes[:, None, None]

    def per_train(self, prices: Array) -> Array:
        """Return prices per group (G, S, H) for every train and period: (K, S, T), zero in the past."""
        whole = np.zeros(self.session.connection_shape)
        for group, own in zip(self.groups, prices, strict=True):
            whole[list(group), :, self.period :] = own
        return whole

    def with_past(self, connection: Array) -> Array:
        """Return the connection with the past as it was carried out."""
        whole = np.array(connection, dtype=np.float64)
        whole[:, :, : self.period] = self.past[:, :, : self.period]
        return whole

    def sent(self, decision: Solve | Evaluate) -> Solve | Evaluate:
        """Return the decision with the past fixed, and without a price of it."""
        if isinstance(decision, Evaluate):
            power, transport = decision.power_connection_veh, decision.transport_connection_veh
            return Evaluate(self.with_past(power), self.with_past(transport))
        prices = decision.multipliers_usd_per_veh.copy()
        prices[:, :, : self.period] = 0.0
        return replace(decision, multipliers_usd_per_veh=prices)

    def heard(self, result: RoundResult) -> RoundResult:
        """Return both answers with the past as it was carried out, so that the past can never differ."""
        return RoundResult(self._heard(result.asked), self._heard(result.offered))

    def _heard(self, answer: ConnectionAnswer) -> ConnectionAnswer:
        return replace(answer, connection_veh=self.with_past(answer.connection_veh))

    def end_is_certain(self, train: int) -> bool:
        """Return whether both operators know where the train ends the day, and the public timetable lets it."""
        return end_is_certain(self.session, int(self.station[train]), int(self.ready[train]), int(self.end[train]))


def first_problem(session: RailSession, train_ready: Array | None) -> RailProblem:
    """Return the whole day: every train at home from the first period to the last, or where ``train_ready`` (K, 3) says."""
    if train_ready is None:
        train_ready = at_home(session)
    groups: list[tuple[int, ...]] = []
    for members in alike_trains(session):
        # Alike trains that are not in the same place are not interchangeable.
        places: dict[tuple[float, ...], list[int]] = {}
        for k in members:
            places.setdefault(tuple(train_ready[k].tolist()), []).append(k)
        groups += [tuple(same) for same in places.values()]
    return _problem(session, 0, train_ready, np.zeros(session.connection_shape), tuple(groups))


def rest_of_day(session: RailSession, period: int, train_ready: Array, agreed: Array) -> RailProblem:
    """Return the day from ``period`` on; what was agreed for the periods before it has been carried out.

    No two trains are alike any more: who stood where has filled them differently.
    """
    groups = tuple((k,) for k in range(len(session.trains)))
    return _problem(session, period, train_ready, agreed, groups)


def _problem(
    session: RailSession, period: int, train_ready: Array, past: Array, groups: tuple[tuple[int, ...], ...]
) -> RailProblem:
    place = np.round(train_ready).astype(np.int64)
    ready = np.clip(place[:, 1], period, None)
    return RailProblem(session, period, place[:, 0], ready, place[:, 2], np.array(past), groups)

"""Operators of the fleets' world in closed form, with which algorithms are tried: a chain of company, fleets and road.

For every pair of stations and period on its own, d_i being the energy and v_i = d_i / e_i the vehicles of fleet i::

    company  w (n - sum d_i)^2 / 2        loses on what is not delivered
    fleet i  s_i d_i^2 / 2                pays to deliver
    road     c (sum v_i)^2 / 2            pays for all vehicles together

The optimum is chosen, in whole vehicles v*, and need n and slopes s_i are made so that it is one. With the reward mu and the toll
c V*, V* = sum v*_i, the conditions of the optimum (each agent's derivative is its price) are::

    w (n - D*) = mu      s_i d*_i = mu - c V* / e_i      D* = sum e_i v*_i

All costs are convex, so there is no duality gap. The derivation of the same optimum as a set of linear equations is the test's.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from federates.boundary.messages import Array
from federates.boundary.names import Role
from federates.conformance.kit import Scripted
from federates.worlds.fleets.messages import Balance
from federates.worlds.fleets.session import FleetSession
from federates.worlds.fleets.world import DELIVERY, PASSAGE
from federates.worlds.road.conformance import drawn, opened_by

_WORTH_USD, _CONGESTION_USD = 0.02, 0.1
_REWARDS_USD_PER_KWH = (0.3, 0.2, 0.4)
_VEHICLES = (1.0, 2.0, 3.0, 1.0, 2.0)


def balance_of(session: FleetSession, period: int) -> Balance:
    """Return what stations could say when ``period`` opens: 10 to 60 kWh in each bin, each of (S, H, B)."""
    sizes = session.sizes()
    shape, origins = (sizes["S"], sizes["H"], sizes["B"]), sizes["N"]
    need, surplus, due = (np.round(drawn(period, number).uniform(10.0, 60.0, shape), 3) for number in (8, 9, 10))
    need[:origins] = due[:origins] = 0.0
    surplus[origins:] = 0.0
    return Balance(need, surplus, due)


class Chain(Scripted):
    """All of them in one period; ``stubborn``: the road lets no vehicle pass."""

    session: FleetSession

    def __init__(self, session: FleetSession, period: int = 0, *, stubborn: bool = False) -> None:
        super().__init__(session, period, stubborn=stubborn)
        self._of = {
            e.name: self.layout.flat({o.name: float(o is e) for o in self.layout.exchanges}) > 0 for e in (DELIVERY, PASSAGE)
        }
        asked = self.layout.askers[self._of[DELIVERY.name]] > 0
        """Where a company asks: no delivery leads from one company's station to another's."""
        pairs = np.arange(asked.size)
        kwh = self.kwh = np.array(list(session.vehicle_kwh.values()))[:, np.newaxis]
        vehicles = np.array([[_VEHICLES[(k + 2 * i) % len(_VEHICLES)] for k in pairs] for i in range(len(kwh))])
        reward = np.array([_REWARDS_USD_PER_KWH[k % len(_REWARDS_USD_PER_KWH)] for k in pairs])
        self.best_veh = np.where(asked, vehicles, 0.0)
        """v*, (F, pairs and periods)."""
        best_kwh = kwh * self.best_veh
        toll = _CONGESTION_USD * vehicles.sum(axis=0)
        reward = np.maximum(reward, 2.0 * toll / kwh.min())  # or the smallest vehicles would stay at home
        self.slopes = (reward - toll / kwh) / (kwh * vehicles)
        self.need = np.where(asked, best_kwh.sum(axis=0) + reward / _WORTH_USD, 0.0)

    @property
    def openings(self) -> dict[str, Any]:  # noqa: D102
        session = self.session
        receipts = np.zeros((len(session.stations), len(session.fleets), 3))
        return opened_by(session, self.period) | {"balance": balance_of(session, self.period), "receipts": receipts}

    def best(self, agent: str, prices: Array) -> tuple[Array, Array]:  # noqa: D102
        reward, toll = (prices[self._of[e.name]] for e in (DELIVERY, PASSAGE))
        if self._role(agent) == Role.POWER_OPERATOR:
            return self._company(np.clip(self.need - reward / _WORTH_USD, 0.0, self.need))
        if self._role(agent) == Role.TRANSPORT_OPERATOR:
            return self._road(np.maximum(toll, 0.0) / _CONGESTION_USD)
        fleet = self.session.fleets.index(agent)
        return self._fleet(fleet, np.maximum(reward - toll / self.kwh[fleet], 0.0) / self.slopes[fleet])

    def can(self, agent: str, given: Array) -> tuple[Array, Array, Array | None]:  # noqa: D102
        kwh, vehicles = (np.maximum(given[self._of[e.name]], 0.0) for e in (DELIVERY, PASSAGE))
        if self._role(agent) == Role.POWER_OPERATOR:
            return (*self._company(np.minimum(kwh, self.need)), None)
        if self._role(agent) == Role.TRANSPORT_OPERATOR:
            return (*self._road(vehicles), None)
        fleet = self.session.fleets.index(agent)
        return (*self._fleet(fleet, np.minimum(kwh, vehicles * self.kwh[fleet])), None)

    def optimum_usd(self) -> float:  # noqa: D102
        vehicles = 0.0 * self.best_veh if self.stubborn else self.best_veh
        kwh = self.kwh * vehicles
        parts = (
            _WORTH_USD * (self.need - kwh.sum(axis=0)) ** 2,
            (self.slopes * kwh**2).sum(axis=0),
            _CONGESTION_USD * vehicles.sum(axis=0) ** 2,
        )
        return float(0.5 * sum(part.sum() for part in parts))

    def following(self, plan: Array, *, late: bool = False) -> tuple[Scripted, bool]:  # noqa: D102
        return Chain(self.session, self.period + 1, stubborn=self.stubborn), False

    def _role(self, agent: str) -> str:
        return self.session.role_of(agent)

    def _company(self, kwh: Array) -> tuple[Array, Array]:
        return self._vectors(kwh, 0.0 * kwh, 0.5 * _WORTH_USD * (self.need - kwh) ** 2)

    def _fleet(self, fleet: int, kwh: Array) -> tuple[Array, Array]:
        return self._vectors(kwh, kwh / self.kwh[fleet], 0.5 * self.slopes[fleet] * kwh**2)

    def _road(self, vehicles: Array) -> tuple[Array, Array]:
        vehicles = 0.0 * vehicles if self.stubborn else vehicles
        z, costs = self._vectors(0.0 * vehicles, vehicles, 0.0 * vehicles)
        costs[self._of[PASSAGE.name]] = 0.5 * _CONGESTION_USD * vehicles**2
        return z, costs

    def _vectors(self, kwh: Array, vehicles: Array, costs_usd: Array) -> tuple[Array, Array]:
        """Return quantities and costs as vectors of all that is exchanged; costs stand at the deliveries."""
        z, costs = np.zeros(self.layout.size), np.zeros(self.layout.size)
        z[self._of[DELIVERY.name]], z[self._of[PASSAGE.name]] = kwh, vehicles
        costs[self._of[DELIVERY.name]] = costs_usd
        return z, costs

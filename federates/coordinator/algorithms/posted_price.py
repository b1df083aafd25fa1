"""A posted price: the coordinator names a price, take it or leave it, and what both then want is carried out.

The simplest mechanism there is: one answer of each operator, no second price (but a question without price where nothing is
wanted, which moves nothing and only proves). It needs no bound to be agreed on, but has one: the
answers' own bounds hold at any price, so the gap tells what the price gives away. At the right price (the marginal cost at the
optimum) nothing is given away, if costs are strictly convex: posting prices and quantities then come to the same (Weitzman,
"Prices vs. Quantities", Review of Economic Studies 41(4), 1974).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field, field_validator

from federates.boundary.config import Config
from federates.boundary.errors import Problem
from federates.boundary.messages import Array
from federates.boundary.roles import Evaluate, RoundResult, Solve
from federates.boundary.session import RailSession, RoadSession
from federates.coordinator.algorithms.both_worlds import BothWorlds
from federates.coordinator.algorithms.bounds import Bounds, Outcome
from federates.coordinator.algorithms.rail_day import RailAlgorithm
from federates.coordinator.algorithms.rail_problem import RailProblem
from federates.coordinator.algorithms.road_day import RoadAlgorithm
from federates.coordinator.algorithms.rounds import Rounds

__all__ = ["PostedPrice", "PostedPriceSettings"]

_HOURS = 24
_SAME = 1e-6
_Price = Annotated[float, Field(ge=0, le=1e6)]
_ByHour = _Price | tuple[_Price, ...]


class PostedPriceSettings(Config):
    """Settings of the algorithm."""

    price_usd_per_veh: _ByHour | dict[str, _ByHour] = 14.0
    """Price of one vehicle (by rail: of one train standing for one period), usd: one number, or 24, one per hour of day; or
    either of them per station where the vehicle arrives or the train stands, 0 at stations left out. By rail one price for all
    stations moves no train: it stands at home at the same price."""
    gap_target: Annotated[float, Field(ge=0, lt=1)] = 0.005
    """The operators agree if (UB - LB) / |UB| turns out to be at most this."""
    gap_usd: Annotated[float, Field(ge=0, le=1e9)] = 0.0
    """They also agree if UB - LB turns out to be at most this, usd."""

    @field_validator("price_usd_per_veh")
    @classmethod
    def _one_or_a_day(cls, value: _ByHour | dict[str, _ByHour]) -> _ByHour | dict[str, _ByHour]:
        for price in value.values() if isinstance(value, dict) else (value,):
            if isinstance(price, tuple) and len(price) != _HOURS:
                raise ValueError(f"must be one number or {_HOURS}, one per hour of day, but there are {len(price)}")
        return value

    def prices(self, session: RoadSession | RailSession, first_period: int) -> Array:
        """Return the posted prices in the connection's shape; its first period is ``first_period`` of the run."""
        posted, stations = self.price_usd_per_veh, _places(session)
        of_station = posted if isinstance(posted, dict) else dict.fromkeys(stations, posted)
        periods = range(first_period, first_period + session.connection_shape[2])
        hours = [int(session.hour_of_day(period)) for period in periods]
        by_hour = [_by_hour(of_station.get(name, 0.0)) for name in stations]
        return np.broadcast_to(np.array(by_hour)[:, hours], session.connection_shape).copy()


def _by_hour(price: _ByHour) -> tuple[float, ...]:
    return price if isinstance(price, tuple) else (price,) * _HOURS


def _places(session: RoadSession | RailSession) -> tuple[str, ...]:
    """Return the stations of a connection's second dimension."""
    return session.limited_stations if isinstance(session, RoadSession) else session.stations


def _post(prices: Array, bounds: Bounds) -> Rounds[RoundResult]:
    """Ask both at the posted price; their bounds are one of the whole.

    Where the power operator wants nothing at that price, all that others would earn by it lies in the gap. What nothing is worth
    is then asked too, at no price: that proves that nothing is the best plan where it is.
    """
    result = yield Solve(prices)
    bounds.bound(result.asked.bound_usd + result.offered.bound_usd, prices)
    if prices.any() and not (result.asked.connection_veh > _SAME).any():
        free = yield Solve(np.zeros_like(prices))
        bounds.bound(free.asked.bound_usd + free.offered.bound_usd)
    return result


def _outcome(settings: PostedPriceSettings, bounds: Bounds) -> Outcome:
    verdict = bounds.verdict(settings.gap_target, settings.gap_usd, "one price")
    return verdict or bounds.failure("the price is posted once")


class PostedPriceByRoad(RoadAlgorithm):
    """Sends the smaller of what is asked and what is offered at the posted price."""

    def agree(self, period: int) -> Rounds[Outcome]:
        settings: PostedPriceSettings = self.settings
        result = yield from _post(settings.prices(self._session, period), self.bounds)
        both = np.minimum(result.asked.connection_veh, result.offered.connection_veh)
        costed = yield Evaluate(both, both)
        sent = costed.offered.connection_veh
        if (sent < both - _SAME).any():
            # Not even the smaller can be sent together: what can be is costed instead, and nothing at all if that changes too.
            costed = yield Evaluate(sent, sent)
            if (costed.offered.connection_veh < sent - _SAME).any():
                costed = yield Evaluate(np.zeros_like(sent), np.zeros_like(sent))
        self.bounds.keep(costed.asked.connection_veh, costed.asked.cost_usd + costed.offered.cost_usd)
        return _outcome(settings, self.bounds)


class PostedPriceByRail(RailAlgorithm):
    """Runs the trains as the transport operator chooses at the posted price; the power operator makes of it what it can."""

    def agree(self, problem: RailProblem) -> Rounds[Outcome]:
        settings: PostedPriceSettings = self.settings
        result = yield from _post(settings.prices(self._session, 0), self.bounds)
        route = np.round(result.offered.connection_veh)
        costed = yield Evaluate(route, route)
        # What the power operator pays for the smaller connection holds for all that is sent.
        self.bounds.keep(np.round(costed.offered.connection_veh), costed.asked.cost_usd + costed.offered.cost_usd)
        return _outcome(settings, self.bounds)


class PostedPrice(BothWorlds):
    """One price, one answer."""

    Settings = PostedPriceSettings
    by_road, by_rail = PostedPriceByRoad, PostedPriceByRail

    @classmethod
    def check(cls, settings: PostedPriceSettings, folder: Path, session: RoadSession | RailSession) -> list[Problem]:
        """Return the stations that have a price but are none."""
        named = settings.price_usd_per_veh if isinstance(settings.price_usd_per_veh, dict) else {}
        places = _places(session)
        return [
            Problem("config.yaml", f"settings.price_usd_per_veh.{name}", repr(name), f"must be one of {', '.join(places)}")
            for name in named
            if name not in places
        ]

"""A posted price: the coordinator names a price, take it or leave it, and what both then want is carried out.

The simplest mechanism there is: one answer of each operator, no second price (but a question without price where nothing is
wanted, which moves nothing and only proves). It needs no bound to be agreed on, but has one: the
answers' own bounds hold at any price, so the gap tells what the price gives away. At the right price (the marginal cost at the
optimum) nothing is given away, if costs are strictly convex: posting prices and quantities then come to the same (Weitzman,
"Prices vs. Quantities", Review of Economic Studies 41(4), 1974).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field, field_validator

from federates.boundary.config import Config
from federates.boundary.errors import Problem as ConfigProblem
from federates.boundary.exchange import Exchange
from federates.boundary.messages import Array
from federates.boundary.negotiation import Problem, Rounds, bound_usd, cost_usd
from federates.boundary.roles import RoundResult, Solve
from federates.boundary.world import world_of
from federates.coordinator.algorithms.bounds import Outcome
from federates.coordinator.algorithms.rounds import RoundByRound

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

    def prices(self, problem: Problem) -> Array:
        """Return the posted prices of every entry, (n,)."""
        session, layout, found = problem.session, problem.layout, {}
        for exchange in layout.exchanges:
            stations = _places(session, exchange)
            posted = self.price_usd_per_veh
            of_station = posted if isinstance(posted, dict) else dict.fromkeys(stations, posted)
            periods = range(problem.period, problem.period + layout.shapes[exchange.name][-1])
            hours = [int(session.hour_of_day(period)) for period in periods]
            found[exchange.name] = np.array([_by_hour(of_station.get(name, 0.0)) for name in stations])[:, hours]
        return layout.flat(found)


def _by_hour(price: _ByHour) -> tuple[float, ...]:
    return price if isinstance(price, tuple) else (price,) * _HOURS


def _places(session: Any, exchange: Exchange) -> tuple[str, ...]:
    """Return the names along an exchange's last dimension before the horizon."""
    return session.index_names(exchange.axes[-2]) or ()


class PostedPrice(RoundByRound):
    """One price, one answer.

    Where quantities can be divided the smaller of what is asked and what is offered is sent. Whole ones are carried out as they
    are offered; who asks makes of it what it can.
    """

    Settings = PostedPriceSettings

    def agree(self, problem: Problem) -> Rounds[Outcome]:  # noqa: D102
        settings: PostedPriceSettings = self.settings
        layout, result = problem.layout, (yield from self._post(problem, settings.prices(problem)))
        wanted = problem.copies(result)
        asked, offered = layout.asked(wanted), layout.offered(wanted)
        both = np.round(offered) if problem.whole else np.minimum(asked, offered)
        costed = yield problem.evaluate(problem.everyone(both, wanted))
        copies = problem.copies(costed)
        sent = layout.offered(copies)
        if not problem.whole and (sent < both - _SAME).any():
            # Not even the smaller can be sent together: what can be is costed instead, and nothing at all if that changes too.
            costed = yield problem.evaluate(problem.everyone(sent, copies))
            if (layout.offered(problem.copies(costed)) < sent - _SAME).any():
                costed = yield problem.evaluate(problem.everyone(np.zeros_like(sent)))
            copies = problem.copies(costed)
        # What is paid for the smaller quantity holds for all that is sent.
        plan = problem.everyone(np.round(sent), copies) if problem.whole else layout.shares(layout.asked(copies), copies, -1.0)
        self.bounds.update_upper(plan, cost_usd(costed.answers))
        outcome = self.bounds.convergence(settings.gap_target, settings.gap_usd, "one price")
        return outcome or self.bounds.failure("the price is posted once")

    def _post(self, problem: Problem, prices: Array) -> Rounds[RoundResult]:
        """Ask all at the posted price; their bounds are one of the whole.

        Where nothing is wanted at that price, all that others would earn by it lies in the gap. What nothing is worth is then
        asked too, at no price: that proves that nothing is the best plan where it is.
        """
        result = yield Solve(problem.layout.shaped(prices))
        self.bounds.update_lower(bound_usd(result.answers), prices)
        if prices.any() and not (problem.layout.asked(problem.copies(result)) > _SAME).any():
            free = yield Solve(problem.layout.shaped(np.zeros_like(prices)))
            self.bounds.update_lower(bound_usd(free.answers))
        return result

    @classmethod
    def check(cls, settings: PostedPriceSettings, folder: Path, session: Any) -> list[ConfigProblem]:
        """Return the stations that have a price but are none."""
        named = settings.price_usd_per_veh if isinstance(settings.price_usd_per_veh, dict) else {}
        places = [name for exchange in world_of(session.world).exchanges for name in _places(session, exchange)]
        return [
            ConfigProblem("config.yaml", f"settings.price_usd_per_veh.{name}", repr(name), f"must be one of {', '.join(places)}")
            for name in named
            if name not in places
        ]

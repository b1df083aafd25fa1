"""Power operator that is only a demand curve: a worth and a need per station and hour of the day, no grid behind them.

It takes an entry of the connection where it is worth more than its price, up to a need (`demand`); what it needs and does not
have costs its worth. Its answers are exact, and so are its bounds. For studies of the transport side, of algorithms, and of
partners that only post what they would pay; by road and by rail.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from federates.boundary.bound_kinds import BoundKind
from federates.boundary.errors import Problem
from federates.boundary.messages import Answer, Array, Quantities
from federates.boundary.roles import Openings, PowerOperator, Recorder
from federates.lp.safe_bound import lower_dot
from federates.power_operator.models.price_taker.demand import (
    missed_slope_usd,
    missed_usd,
    stands_of_trains,
    vehicles_from_origins,
)
from federates.power_operator.models.price_taker.settings import (
    PriceTakerSettings,
    find_problems,
    needs,
    served_stations,
    worth_by_hour,
)
from federates.worlds.rail.session import RailScheme, RailSession
from federates.worlds.road.messages import Gate, StationObservation

_ULP = 2.0**-52
_WHOLE = 1.0 - 1e-6
"""By rail an offer of this much is a whole train; less of one is none."""


class PriceTakerOperator(PowerOperator):
    """See the module's text; settings: `settings.PriceTakerSettings`."""

    Settings = PriceTakerSettings

    settings: PriceTakerSettings

    @classmethod
    def check(cls, settings: PriceTakerSettings, folder: Path, session: Any) -> list[Problem]:
        """Return names that are no stations, and what is wrong with the table of worth."""
        return find_problems(settings, folder, session)

    def begin(self, session: Any, recorder: Recorder) -> None:  # noqa: D102
        self._session, self._recorder = session, recorder
        self._rail = isinstance(session, RailSession)
        self._needs, self._by_hour = needs(self.settings, session), worth_by_hour(self.settings, self.folder, session)
        if self._rail:
            self._by_hour = self._by_hour * session.period_s / 3600.0  # usd per train and period
        self._agreed: Array | None = None
        self._had: list[Array] = []

    def open_period(self, period: int, observation: StationObservation | None) -> Gate | None:
        """Look up what the periods of the connection are worth; on the road return the gates."""
        self._period = period
        periods = range(period, period + self._session.sizes(period)["H"])
        hours = [int(self._session.hour_of_day(p)) for p in periods]
        self._worth_usd = self._by_hour[:, hours]
        self._need = np.repeat(self._needs[:, None], len(hours), axis=1)
        if self._rail:
            return None
        stations = len(self._session.stations)
        return Gate(np.full(stations, self.settings.gate_s), np.full(stations, self.settings.spots))

    def outlook(self) -> dict[str, Any]:
        """Return worth and need by station, over the horizon."""
        names = served_stations(self._session)
        worth_usd, need = (dict(zip(names, rows.tolist(), strict=True)) for rows in (self._worth_usd, self._need))
        return {"worth_usd": worth_usd, "need_veh": need}

    def solve(self, prices: Quantities, openings: Openings) -> Answer:
        """Return what is taken at these prices, and the proven minimum of cost plus price."""
        return self._priced(prices, openings, relaxed=False)

    def relax(self, prices: Quantities, openings: Openings) -> Answer:
        """Return the same with parts of trains, by rail; on the road there is nothing whole."""
        return self._priced(prices, openings, relaxed=True)

    def evaluate(self, given: Quantities, openings: Openings) -> Answer:
        """Return the part of what is given that is of use, what is missed with it, and a plane below that cost."""
        (name,) = given
        offered = np.maximum(given[name], 0.0)
        total = offered.sum(axis=0)
        if self._rail:
            free = np.zeros(offered.shape)
            used, _ = self._stands(free, openings, (offered >= _WHOLE).astype(float), relaxed=False)
            used = np.minimum(used, offered)
        else:
            # Of several origins each gives its share of what is needed.
            used = offered * np.minimum(1.0, self._need / np.where(total > 0, total, 1.0))
        most = total * (1.0 + len(offered) * _ULP)  # not below the exact sum
        bound_usd = lower_dot(self._worth_usd, np.maximum(np.nextafter(self._need - most, -np.inf), 0.0))
        slope_usd = np.broadcast_to(missed_slope_usd(total, self._worth_usd, self._need), offered.shape)
        return Answer({name: used}, self._cost_usd(used), bound_usd, {name: slope_usd.copy()}, BoundKind.EXACT)

    def _priced(self, prices: Quantities, openings: Openings, *, relaxed: bool) -> Answer:
        ((name, price_usd),) = prices.items()
        if self._rail:
            everywhere = np.full(price_usd.shape, float(self._session.scheme is RailScheme.MOBILE))
            taken, bound_usd = self._stands(price_usd, openings, everywhere, relaxed=relaxed)
        else:
            taken = vehicles_from_origins(price_usd, self._worth_usd, self._need)
            bound_usd = lower_dot(self._need, np.minimum(self._worth_usd, price_usd.min(axis=0)))
        kind = BoundKind.EXACT if not self._rail else BoundKind.LINEAR if relaxed else BoundKind.TREE
        return Answer({name: taken}, self._cost_usd(taken), bound_usd, None, kind)

    def _stands(self, price_usd: Array, openings: Openings, most: Array, *, relaxed: bool) -> tuple[Array, float]:
        """Return stands of the open periods, and a bound of their cost and price."""
        ready = openings["train_ready"]
        places = np.column_stack([ready[:, 0], np.maximum(ready[:, 1] - self._period, 0.0)])
        return stands_of_trains(
            price_usd, self._worth_usd, self._need, most, self._session.trip_periods, places,
            ready[:, 2].astype(int).tolist(), relaxed=relaxed,
        )  # fmt: skip

    def commit(self, given: Quantities) -> None:
        """Take what is agreed, and record what was wanted and had; by rail also what the day costs."""
        (agreed,) = given.values()
        if self._rail and (self._agreed is None or not np.array_equal(agreed, self._agreed)):
            self._record_cost("planned", self._period, missed_usd(agreed.sum(axis=0), self._worth_usd, self._need))
        self._agreed = agreed[:, :, 1:].copy()
        had = agreed[:, :, 0].sum(axis=0)
        self._had.append(had)
        for s, name in enumerate(served_stations(self._session)):
            worth_usd, need = float(self._worth_usd[s, 0]), float(self._need[s, 0])
            missed = worth_usd * max(0.0, need - float(had[s]))
            amounts = {"worth_usd": worth_usd, "need": need, "had": float(had[s]), "missed_usd": missed}
            self._recorder.record("wants", period=self._period, station=name, **amounts)
        if self._rail and self._period == self._session.periods - 1:
            hours = [int(self._session.hour_of_day(p)) for p in range(self._session.periods)]
            whole_day = np.repeat(self._needs[:, None], self._session.periods, axis=1)
            cost_usd = missed_usd(np.column_stack(self._had), self._by_hour[:, hours], whole_day)
            self._record_cost("realised", self._session.periods, cost_usd)

    def _cost_usd(self, taken: Array) -> float:
        return missed_usd(taken.sum(axis=0), self._worth_usd, self._need)

    def _record_cost(self, phase: str, period: int, cost_usd: float) -> None:
        nothing = dict.fromkeys(("production_usd", "start_up_usd", "shut_down_usd", "throughput_usd"), 0.0)
        self._recorder.record("plan_costs", phase=phase, period=period, **nothing, slack_usd=cost_usd, total_usd=cost_usd)

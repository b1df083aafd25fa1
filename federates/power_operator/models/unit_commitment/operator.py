"""Power operator with unit commitment: the power side of Ding et al., JMPCE 2025, DOI 10.35833/MPCE.2023.000976.

It negotiates a day of trains (or has fixed batteries, or none), and then carries the day out against what really comes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from federates.boundary.errors import ConfigError, Problem
from federates.boundary.messages import Answer, Quantities
from federates.boundary.names import RAIL
from federates.boundary.roles import Openings, PowerOperator, Recorder
from federates.power_operator.models.unit_commitment.checks import find_notes, find_problems
from federates.power_operator.models.unit_commitment.day_data import DayData, read_day
from federates.power_operator.models.unit_commitment.day_state import DayState, first_state, rest_of_day, rest_of_fleet
from federates.power_operator.models.unit_commitment.dispatch import StoragePlan, actual_profile, dispatch_period, storage_plan
from federates.power_operator.models.unit_commitment.planner import Plan, Planner
from federates.power_operator.models.unit_commitment.schedule import Schedule, schedule_of, slack_report
from federates.power_operator.models.unit_commitment.settings import UnitCommitmentSettings
from federates.power_operator.models.unit_commitment.storage_data import storage_fleet, storage_problems
from federates.power_operator.models.unit_commitment.tables import (
    end_state_report,
    end_state_usd,
    record_costs,
    record_grid,
    record_period,
)
from federates.worlds.rail.session import RailSession
from federates.worlds.rail.trains import at_home
from federates.worlds.rail.world import CONNECTION, TRAIN_READY
from federates.worlds.road.messages import StationObservation

Array = NDArray[np.float64]
_LOAD_STREAM, _RENEWABLE_STREAM = 101, 102


class UnitCommitmentOperator(PowerOperator):
    """Commits units, plans batteries, and dispatches the day."""

    Settings = UnitCommitmentSettings
    worlds = (RAIL,)

    def __init__(self, settings: UnitCommitmentSettings, folder: Path) -> None:
        super().__init__(settings, folder)
        self._settings = settings

    @classmethod
    def check(cls, settings: UnitCommitmentSettings, folder: Path, session: Any) -> list[Problem]:
        """Return everything wrong with settings and data files."""
        return find_problems(settings, folder, session)

    @classmethod
    def notes(cls, settings: UnitCommitmentSettings, folder: Path, session: Any) -> list[Problem]:
        """Return units that are slow beside their minimum."""
        return find_notes(settings, cls.read_day(settings, folder, session))

    @classmethod
    def read_day(cls, settings: UnitCommitmentSettings, folder: Path, session: RailSession) -> DayData:
        """Return the forecast day; a derived class may see the same files as a simpler system."""
        return read_day(settings, folder, session.periods, session.period_s / 3600.0)

    def begin(self, session: RailSession, recorder: Recorder) -> None:
        """Read the day and its batteries.

        Raises
        ------
        ConfigError : a file is wrong, or the storage does not fit the session.
        """
        self._session, self._recorder = session, recorder
        self._day: DayData = self.read_day(self._settings, self.folder, session)
        problems = storage_problems(self._settings, session, self._day.buses, "config.yaml")
        if problems:
            raise ConfigError(problems)
        self._fleet = storage_fleet(self._settings, session, self._day.buses)
        self._state: DayState = first_state(self._day.system, self._fleet)
        self._actual = self._actual_day()
        record_grid(recorder, self._day.system, self._fleet)
        self._planner: Planner | None = None
        self._ready: Array = at_home(session)
        self._agreed: Array | None = None
        self._plan: tuple[Schedule, StoragePlan, int] | None = None
        self._done: list[Schedule] = []
        self._throughput_usd = 0.0

    def open_period(self, period: int, observation: StationObservation | None) -> None:  # noqa: D102
        self._period = period
        self._planner = None

    def solve(self, prices: Quantities, openings: Openings) -> Answer:  # noqa: D102
        planner = self._planner_for(openings[TRAIN_READY])
        return self._noted("solve", planner, planner.solve(prices[CONNECTION.name], relaxed=False))

    def relax(self, prices: Quantities, openings: Openings) -> Answer:  # noqa: D102
        return self._planner_for(openings[TRAIN_READY]).solve(prices[CONNECTION.name], relaxed=True)

    def evaluate(self, given: Quantities, openings: Openings) -> Answer:  # noqa: D102
        planner = self._planner_for(openings[TRAIN_READY])
        return self._noted("evaluate", planner, planner.evaluate(given[CONNECTION.name]))

    def commit(self, given: Quantities) -> None:
        """Carry out the opened period; a connection that is new is planned first."""
        connection = given[CONNECTION.name]
        if self._agreed is None or not np.array_equal(self._agreed, connection):
            self._adopt(connection)
        self._carry_out(connection)
        self._agreed = connection[:, :, 1:].copy()

    def _noted(self, question: str, planner: Planner, answer: Answer) -> Answer:
        """Return ``answer``, and leave a row where time has ended a search for it."""
        if planner.stopped_by_time:
            self._recorder.record("stopped_by_time", period=self._period, question=question)
            planner.stopped_by_time = False
        return answer

    def _planner_for(self, opening: Array) -> Planner:
        self._ready = np.array(opening, dtype=np.float64)  # a copy: the array is not ours to keep
        if self._planner is None:
            system, fleet = self._rest()
            settings, routes = self._settings.solver, self._settings.connection_copy == "route"
            self._planner = Planner(self._session, system, fleet, self._period, self._ready, settings, routes=routes)
        return self._planner

    def _rest(self) -> tuple[Any, Any]:
        system, forecast = self._day.system, self._day.system.renewables.available_mw
        return rest_of_day(system, self._state, system.load_mw, forecast), rest_of_fleet(self._fleet, self._state)

    def _adopt(self, connection: Array) -> None:
        """Plan the rest of the day for what was agreed, and leave the plan in the tables."""
        # Without a negotiation in this period nobody has said where the trains are; the connection itself says it.
        ready = self._next_ready(connection) if self._planner is None else self._ready
        plan: Plan = self._planner_for(ready).plan(connection)
        schedule = schedule_of(plan.model.commitment, plan.model.lines, plan.values)
        self._plan = (schedule, storage_plan(plan.model, plan.values), self._period)
        self._on = schedule.on
        storage = self._plan[1]
        throughput_usd = self._moving_usd(storage.charge_mw + storage.discharge_mw)
        record_costs(self._recorder, "planned", self._period, [schedule], throughput_usd, end_state_usd(self._fleet, storage), -1)
        for line in slack_report(plan.model.system, schedule) + end_state_report(self._fleet, storage):
            self._recorder.record("slacks", planned_in=self._period, constraint=line)

    def _moving_usd(self, power_mw: Array) -> float:
        """Return the tie-break cost of charging and discharging."""
        return float(power_mw.sum()) * self._fleet.throughput_usd_per_mwh * self._day.system.period_h

    def _carry_out(self, connection: Array) -> None:
        assert self._plan is not None
        start = self._plan[2]
        result = dispatch_period(
            self._session, self._day.system, self._fleet, self._state, self._actual,
            self._on[:, self._period - start :], connection, self._next_ready(connection),
            threads=self._settings.solver.threads,
        )  # fmt: skip
        record_period(self._recorder, self._period, self._day.system, self._actual, self._fleet, self._plan, result)
        self._state = result.state
        self._done.append(result.schedule)
        self._throughput_usd += self._moving_usd((result.storage.charge_mw + result.storage.discharge_mw)[:, 0])
        if self._period == self._session.periods - 1:
            end_usd = end_state_usd(self._fleet, result.storage)
            record_costs(self._recorder, "realised", self._session.periods, self._done, self._throughput_usd, end_usd, 0)

    def _next_ready(self, connection: Array) -> Array:
        """Return where the trains are at the opened period by what was agreed: the next stand of each, or its last place."""
        ready = np.array(self._ready, dtype=np.float64)
        for k in range(len(ready)):
            stands = np.argwhere(connection[k].T > 0.5)
            if len(stands):
                ready[k, :2] = (stands[0, 1], self._period + stands[0, 0])
            else:
                ready[k, 1] = max(ready[k, 1], self._period)
        return ready

    def _actual_day(self) -> tuple[Array, Array]:
        """Return load (B, T) and available renewable power (W, T) as they turn out."""
        system, deviation, seed = self._day.system, self._settings.deviation, self._session.seed
        total = actual_profile(system.total_load_mw[None, :], deviation.load_error_share, deviation, seed, _LOAD_STREAM)
        load_mw = system.load_share * total
        capacity_mw = system.renewables.available_mw.max(axis=1, initial=0.0)[:, None]
        share = deviation.renewable_error_share
        renewable_mw = actual_profile(system.renewables.available_mw, share, deviation, seed, _RENEWABLE_STREAM, capacity_mw)
        return load_mw, renewable_mw

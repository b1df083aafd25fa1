"""Answers of one negotiation: what the operator asks at prices, and what a given connection is worth to it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from federates.boundary.bound_kinds import BoundKind
from federates.boundary.canonical import to_grid
from federates.boundary.messages import Answer
from federates.lp.linear_model import NoSolutionInTimeError, Solution
from federates.lp.safe_bound import lower_dot, lower_sum
from federates.power_operator.models.unit_commitment.fleet import StorageFleet
from federates.power_operator.models.unit_commitment.plan_model import PlanModel, PlanOptions
from federates.power_operator.models.unit_commitment.settings import SolverSettings
from federates.power_operator.models.unit_commitment.system import PowerSystem
from federates.power_operator.models.unit_commitment.train_groups import group_trains
from federates.worlds.rail.session import RailScheme, RailSession
from federates.worlds.rail.timetable import TimeSpaceNetwork, time_space_network
from federates.worlds.rail.world import CONNECTION

Array = NDArray[np.float64]
_SAME_USD = 1e-3


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan for a connection: the model it came from, the values of its columns, its cost and a plane below the cost."""

    model: PlanModel
    values: Array
    cost_usd: float
    bound_usd: float
    slope_usd: Array


class Planner:
    """Plans from ``period`` to the end of the day, for trains that are ready where ``train_ready`` (K, 3) says.

    Two models are kept: one with alike trains as one flow, for prices that are alike too, and one train by train, which is
    exact, for given connections and for other prices. Without ``routes`` the copy asked at prices may be any 0/1 (39).
    """

    def __init__(
        self,
        session: RailSession,
        system: PowerSystem,
        fleet: StorageFleet,
        period: int,
        train_ready: Array,
        settings: SolverSettings,
        *,
        routes: bool = True,
    ) -> None:
        self._session, self._system, self._fleet = session, system, fleet
        self._period, self._ready, self._settings = period, train_ready, settings
        self._routes = routes
        self._models: dict[tuple[str, bool], PlanModel] = {}
        self._plans: dict[bytes, Plan] = {}
        self.stopped_by_time = False
        """Whether a limit of time has ended a solve: then the answer is proven, but another computer may give another one."""
        self._network: TimeSpaceNetwork | None = None
        if session.scheme is RailScheme.MOBILE and session.trains and period < session.periods:
            self._network = time_space_network(session.trip_periods, session.periods - period)

    def solve(self, multipliers_usd: Array, *, relaxed: bool) -> Answer:
        """Answer prices (K, S, H) of the open periods: subproblem (42), or its linear relaxation.

        The bound is the safe bound of the relaxation's dual vector (`safe_bound`), or, with whole trains, what the solver's tree
        search says where that is more. Alike trains as one flow are a relaxation (`ding_2025_trains`): where its plan, costed
        train by train, is dearer than the flow says by more than the gap of an answer, the trains are solved one by one too.
        """
        model = self._model("prices", alike=self._routes and self._alike(multipliers_usd))
        answer, too_cheap_usd = self._answer(model, multipliers_usd, relaxed=relaxed)
        if too_cheap_usd <= self._settings.solve_gap_usd + _SAME_USD:
            return answer
        each, _ = self._answer(self._model("prices", alike=False), multipliers_usd, relaxed=False)
        cheaper = min(answer, each, key=lambda one: _priced_usd(one, multipliers_usd))
        proof = max(answer, each, key=lambda one: one.bound_usd)
        return replace(cheaper, bound_usd=proof.bound_usd, bound_kind=proof.bound_kind)

    def _answer(self, model: PlanModel, multipliers_usd: Array, *, relaxed: bool) -> tuple[Answer, float]:
        """Answer multipliers with ``model``; return also how much dearer its plan is, train by train, than its flows say, usd."""
        if model.trains is not None:
            model.price(model.group_price(multipliers_usd))
        solution = self._within_time(model, relaxed=relaxed)
        connection = self._connection(model, solution.values)
        # A flow's cost may be too low: what one of its trains hands to another is seen only net (`ding_2025_trains`).
        flow_usd = solution.objective - float((multipliers_usd * connection).sum())
        cost_usd = self.plan(connection).cost_usd if model.pools and not relaxed else flow_usd
        answer = Answer({CONNECTION.name: connection}, cost_usd, solution.bound, None, solution.bound_kind)
        return answer, cost_usd - flow_usd

    def plan(self, connection: Array) -> Plan:
        """Return the cheapest plan with at most ``connection`` (K, S, H), equations (5)-(36) with I fixed."""
        key = connection.tobytes()
        if key not in self._plans:
            self._plans[key] = self._new_plan(connection)
        return self._plans[key]

    def evaluate(self, connection: Array) -> Answer:
        """Return the plan's connection and cost, and the plane below the cost that its linear relaxation proves."""
        plan = self.plan(connection)
        used = self._connection(plan.model, plan.values)
        # The plane is anchored at the connection that was given; the operator may use less of it.
        slopes = {CONNECTION.name: plan.slope_usd}
        return Answer({CONNECTION.name: used}, plan.cost_usd, plan.bound_usd, slopes, BoundKind.LINEAR)

    def _new_plan(self, connection: Array) -> Plan:
        model = self._model("given", alike=False)
        slope_usd = np.zeros(self._shape)
        if model.trains is not None:
            given = model.group_sum(connection)
            most = np.round(given, 9)
            model.offer(most)
        relaxation = model.solve(relaxed=True)
        bound_usd = relaxation.bound
        if model.trains is not None and relaxation.column_dual is not None:
            exact_usd = model.offer_slope_usd(most, relaxation.column_dual)
            slopes_usd = to_grid(exact_usd, CONNECTION.slope.decimals)
            # The plane leads from what was offered to what was given; on the grid it may rise nowhere between 0 and 1.
            lift_usd = np.maximum(np.maximum((exact_usd - slopes_usd) * given, (slopes_usd - exact_usd) * (1.0 - given)), 0.0)
            bound_usd = lower_sum([bound_usd, lower_dot(exact_usd, given - most), -2.0 * float(lift_usd.sum())])
            for group, slope in zip(model.trains.groups, slopes_usd, strict=True):
                slope_usd[group.members[0]] = slope
        try:
            solution = model.solve(gap_usd=self._settings.evaluate_gap_usd, **self._limits("evaluate"))
            self._note(solution.status)
        except NoSolutionInTimeError as error:
            # Any plan will do: a dear one is still one, and the plane below the cost is proven without it.
            self._note(error.status)
            solution = model.solve(gap_usd=math.inf)
        return Plan(model, solution.values, solution.objective, bound_usd, slope_usd)

    def _within_time(self, model: PlanModel, *, relaxed: bool) -> Solution:
        """Solve; where time ends before a plan is found, a plan with the trains idle stands in, and the bound is still proven."""
        if relaxed:
            return model.solve(relaxed=True)
        settings = self._settings
        relaxation = model.solve(relaxed=True)
        try:
            found = model.solve(gap_usd=settings.solve_gap_usd, **self._limits("solve"))
            self._note(found.status)
        except NoSolutionInTimeError as error:
            self._note(error.status)
            model.offer(np.zeros_like(model.trains.standing, dtype=float) if model.trains is not None else np.zeros(0))
            found = model.solve(gap_usd=math.inf)
            model.offer_all()
            return replace(found, bound=relaxation.bound, bound_kind=relaxation.bound_kind)
        proof = found if found.bound > relaxation.bound else relaxation
        return replace(found, bound=proof.bound, bound_kind=proof.bound_kind)

    def _limits(self, question: Literal["solve", "evaluate"]) -> dict[str, Any]:
        """Return how long a tree search may take: in nodes, the same on every computer, and in time, should one be slow."""
        s = self._settings
        if question == "solve":
            return {"node_limit": s.solve_nodes, "time_limit_s": s.solve_time_s}
        return {"node_limit": s.evaluate_nodes, "time_limit_s": s.evaluate_time_s}

    def _note(self, status: str) -> None:
        self.stopped_by_time = self.stopped_by_time or status == "time_limit"

    def _model(self, use: str, *, alike: bool) -> PlanModel:
        key = (use, alike)
        if key not in self._models:
            groups = group_trains(self._session, self._fleet, self._ready, self._period, alike=alike) if self._network else ()
            routes = self._routes or use == "given"  # of a connection that is given, a copy below it is never worth more
            options = PlanOptions(threads=self._settings.threads, routes=routes)
            self._models[key] = PlanModel(self._system, self._fleet, groups, self._network, options)
        return self._models[key]

    def _alike(self, multipliers_usd: Array) -> bool:
        """Return whether trains that are alike also have like prices, so that they may be one flow."""
        if self._network is None:
            return True
        groups = group_trains(self._session, self._fleet, self._ready, self._period, alike=True)
        return all(
            np.allclose(multipliers_usd[list(group.members)], multipliers_usd[group.members[0]], rtol=0.0, atol=1e-9)
            for group in groups
        )

    @property
    def _shape(self) -> tuple[int, int, int]:
        """Return (K, S, H), the shape of a connection of the open periods."""
        trains, stations, periods = self._session.connection_shape
        return trains, stations, periods - self._period

    def _connection(self, model: PlanModel, values: Array) -> Array:
        """Return a plan's connection (K, S, H), empty stands where there are no trains to plan."""
        return model.connection(values) if self._network is not None else np.zeros(self._shape)


def _priced_usd(answer: Answer, multipliers_usd: Array) -> float:
    """Return what an answer costs at prices, f_P + lambda . J."""
    return answer.cost_usd + float((multipliers_usd * answer.quantities[CONNECTION.name]).sum())

"""The power operator's linear programme over the horizon, in Pyomo on HiGHS.

It is built once for a period and a set of road times; prices and the offered connection are parameters, so that a
round of the negotiation costs one warm re-solve. Names of constraints are those of docs/power_operator.md.
Index sets: R, Q; T = 0..H-1 periods of departure; A = 0..H+L-2 periods of arrival, L the number of lags.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyomo.environ as pyo
from pyomo.contrib.solver.common.results import SolutionStatus, TerminationCondition
from pyomo.contrib.solver.solvers.highs import Highs

from federates.boundary.errors import ModelError
from federates.power_operator.models.charging_station.programme_arrays import ProgrammeArrays
from federates.power_operator.models.charging_station.queues import Array
from federates.runtime.safe_bound import answer_and_proof, safe_bound, tolerance

__all__ = ["Plan", "PlanData", "Programme"]

_PREFERENCE_USD = 1e-6
"""Cost per vehicle and place in the order (t, r, q): among plans of equal cost the earliest in the order is taken."""


@dataclass(frozen=True, slots=True)
class PlanData:
    """Numbers of one programme."""

    period: int
    cost_usd: Array
    """Energy and reward per vehicle, shape (R, Q, H)."""
    kwh_per_vehicle: Array
    """Energy that reaches the limited feeder, shape (R, Q)."""
    share: Array
    """Share of it by lag, shape (R, Q, L); see `delivery.lag_shares`."""
    need_kwh: Array
    """Energy above the feeder limit with margin, shape (Q, A)."""
    due_kwh: Array
    """Energy of vehicles that left before, shape (Q, A)."""
    surplus_veh: Array
    """Vehicles that the feeder can charge, shape (R, H)."""
    charging_veh: Array
    """Vehicles that the spots can charge, shape (R, H)."""
    discharging_veh: Array
    """Vehicles that the spots can discharge beside those that left before, shape (Q, A)."""
    unmet_usd_per_kwh: float


@dataclass(frozen=True, slots=True)
class Plan:
    """An optimal plan; ``bound_usd`` is the safe bound of the dual vector (`safe_bound`) of cost plus multipliers."""

    connection_veh: Array
    unmet_kwh: Array
    cost_usd: float
    bound_usd: float


@dataclass(frozen=True, slots=True)
class _Solved:
    """What one solve found."""

    connection: Array
    unmet: Array
    objective: float
    bound: float


class Programme:
    """Minimise energy + rewards + unmet need + multipliers times connection."""

    def __init__(self, data: PlanData) -> None:
        self._data = data
        self._shape: tuple[int, ...] = data.cost_usd.shape
        order = np.arange(self._shape[2])[None, None, :] * self._shape[0] * self._shape[1]
        order = order + np.arange(self._shape[0] * self._shape[1]).reshape(self._shape[0], self._shape[1], 1)
        self._own_usd = data.cost_usd + _PREFERENCE_USD * order
        self._unmet_usd: Array = np.full(data.need_kwh.shape, data.unmet_usd_per_kwh)
        self._most_veh = np.minimum(data.surplus_veh, data.charging_veh)[:, None, :] + np.zeros(self._shape)
        self._model = self._build()
        self._arrays = ProgrammeArrays(self._model, np.maximum(data.need_kwh - data.due_kwh, 0.0))
        self._solver = _solver()

    def solve(self, multipliers_usd_per_veh: Array, offered_veh: Array | None = None) -> Plan:
        """Return the best plan; ``offered_veh`` caps the connection (default: no cap)."""
        cap = self._most_veh if offered_veh is None else np.clip(offered_veh, 0.0, self._most_veh)
        return self._run(self._own_usd + multipliers_usd_per_veh, self._unmet_usd, cap)

    def least_unmet(self) -> Array:
        """Return the unmet energy, shape (Q, A), of a plan that minimises nothing else, the nearest periods first."""
        earlier_first = np.array(1.05 ** -np.arange(self._unmet_usd.shape[1]) * np.ones(self._unmet_usd.shape), dtype=np.float64)
        return self._run(np.zeros(self._shape), earlier_first, self._most_veh).unmet_kwh

    def _build(self) -> pyo.ConcreteModel:
        m, d = pyo.ConcreteModel(), self._data
        m.R, m.Q, m.T = (pyo.RangeSet(0, n - 1) for n in self._shape)
        m.A = pyo.RangeSet(0, d.need_kwh.shape[1] - 1)
        m.z = pyo.Var(m.R, m.Q, m.T, bounds=(0.0, None))
        m.unmet = pyo.Var(m.Q, m.A, bounds=(0.0, None))
        m.price = pyo.Param(m.R, m.Q, m.T, mutable=True, initialize=0.0)
        m.unmet_price = pyo.Param(m.Q, m.A, mutable=True, initialize=0.0)
        m.cap = pyo.Param(m.R, m.Q, m.T, mutable=True, initialize=0.0)
        m.energy_balance = pyo.Constraint(m.Q, m.A, rule=self._energy_balance)
        m.discharging_spots = pyo.Constraint(m.Q, m.A, rule=self._discharging_spots)
        m.feeder_surplus = pyo.Constraint(m.R, m.T, rule=self._feeder_surplus)
        m.charging_spots = pyo.Constraint(m.R, m.T, rule=self._charging_spots)
        m.offered = pyo.Constraint(m.R, m.Q, m.T, rule=lambda m, r, q, t: m.z[r, q, t] <= m.cap[r, q, t])
        m.total = pyo.Objective(expr=pyo.sum_product(m.price, m.z) + pyo.sum_product(m.unmet_price, m.unmet))
        return m

    def _arriving(self, m: pyo.ConcreteModel, q: int, a: int, per_vehicle: Array) -> pyo.Expression:
        """Return the sum over departures of ``per_vehicle[r, q]`` times the share that arrives in ``a``."""
        lags = self._data.share.shape[2]
        return pyo.quicksum(
            per_vehicle[r, q] * self._data.share[r, q, a - t] * m.z[r, q, t]
            for r in m.R
            for t in m.T
            if 0 <= a - t < lags and self._data.share[r, q, a - t] > 0.0
        )

    def _energy_balance(self, m: pyo.ConcreteModel, q: int, a: int) -> pyo.Expression:
        d = self._data
        return self._arriving(m, q, a, d.kwh_per_vehicle) + m.unmet[q, a] >= float(d.need_kwh[q, a] - d.due_kwh[q, a])

    def _discharging_spots(self, m: pyo.ConcreteModel, q: int, a: int) -> pyo.Expression:
        arriving = self._arriving(m, q, a, np.ones_like(self._data.kwh_per_vehicle))
        if isinstance(arriving, (int, float)):
            return pyo.Constraint.Skip
        return arriving <= float(self._data.discharging_veh[q, a])

    def _feeder_surplus(self, m: pyo.ConcreteModel, r: int, t: int) -> pyo.Expression:
        return pyo.quicksum(m.z[r, q, t] for q in m.Q) <= float(self._data.surplus_veh[r, t])

    def _charging_spots(self, m: pyo.ConcreteModel, r: int, t: int) -> pyo.Expression:
        return pyo.quicksum(m.z[r, q, t] for q in m.Q) <= float(self._data.charging_veh[r, t])

    def _run(self, price: Array, unmet_price: Array, cap: Array) -> Plan:
        m = self._model
        for index in m.price:
            m.price[index] = float(price[index])
            m.cap[index] = float(cap[index])
        for index in m.unmet_price:
            m.unmet_price[index] = float(unmet_price[index])
        self._arrays.set(price, unmet_price, cap)
        solved, proof = answer_and_proof(self._solved(cap), lambda: self._solved(cap, cold=True), self._apart)
        own = float((self._own_usd * solved.connection).sum() + (self._unmet_usd * solved.unmet).sum())
        return Plan(solved.connection, solved.unmet, own, proof.bound)

    def _apart(self, solved: _Solved) -> bool:
        """Return whether objective and safe bound are apart."""
        values = self._arrays.values(solved.connection, solved.unmet)
        return not abs(solved.objective - solved.bound) <= tolerance(self._arrays.model, values)

    def _solved(self, cap: Array, *, cold: bool = False) -> _Solved:
        """Solve with the parameters set; a new solver has no basis."""
        m = self._model
        if cold:
            self._solver = _solver()
        result = self._solver.solve(m)
        proven = result.solution_status == SolutionStatus.optimal
        if not proven or result.termination_condition != TerminationCondition.convergenceCriteriaSatisfied:
            status = f"{result.termination_condition.name}, {result.solution_status.name}"
            raise ModelError(f"power operator, period {self._data.period}: HiGHS ended with {status}")
        result.solution_loader.load_vars()
        connection = np.array([m.z[index].value for index in m.price]).reshape(self._shape)
        unmet = np.array([m.unmet[index].value for index in m.unmet_price]).reshape(self._unmet_usd.shape)
        dual = self._arrays.row_dual(result.solution_loader.get_duals())
        bound = safe_bound(self._arrays.model, dual).value
        return _Solved(np.clip(connection, 0.0, cap), np.maximum(unmet, 0.0), float(result.incumbent_objective), bound)


def _solver() -> Highs:
    """Return a persistent HiGHS that looks for changed parameters only: nothing else of the model ever changes."""
    solver = Highs()
    solver.config.load_solutions = False
    solver.config.raise_exception_on_nonoptimal_result = False
    solver.config.threads = 1
    solver.config.solver_options = {"solver": "simplex", "presolve": "off", "random_seed": 0}
    updates = solver.config.auto_updates
    for name in updates:
        updates[name] = name == "update_parameters"
    return solver

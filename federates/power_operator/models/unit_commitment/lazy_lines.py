"""Line limits added only where a solution violates them, and kept between solves.

Rows over the outputs of units instead of bus injections, few per round: Xavier, Qiu, Wang and Thimmapuram 2019,
"Transmission constraint filtering in large-scale security-constrained unit commitment", IEEE Transactions on Power
Systems 34(3), doi:10.1109/TPWRS.2019.2892620.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from federates.lp.arithmetic import product
from federates.lp.linear_model import Improvement, NoSolutionInTimeError, Solution, Solver, Term
from federates.power_operator.models.unit_commitment.commitment_columns import Commitment
from federates.power_operator.models.unit_commitment.network import ptdf, shift_flow_mw

Values = NDArray[np.float64]
Indices = NDArray[np.int64]

# In larger programmes the basis of the relaxation without lines misleads: from it the second round takes up to four times as long
# as from the start (benchmarks/scale.md).
_RESTART_ROWS = 15_000


@dataclass(frozen=True, slots=True)
class LazyLinesOptions:
    """How limits are added: ``tolerance_mw`` over a limit is let pass; at most so many rows a period and round."""

    tolerance_mw: float = 1e-3
    rows_per_period: int = 15
    relaxed_first: bool = True


class LazyLines:
    """Limits of the lines of a commitment; every row has a priced slack, so that it can never make a plan impossible."""

    def __init__(self, commitment: Commitment, options: LazyLinesOptions | None = None) -> None:
        system = commitment.system
        self.commitment = commitment
        self.options = options or LazyLinesOptions()
        self.rounds = 0  # solves of the last call of `solve`
        self.price_usd_per_mwh = np.empty(0)
        self._line, self._period = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
        self._row = np.empty(0, dtype=np.int64)
        self._slack = np.empty((0, 2), dtype=np.int64)
        self._solver: Solver | None = None
        network = system.network
        if network is None:
            return
        buses = len(system.buses)
        self._limit_mw = network.limits_mw
        self.price_usd_per_mwh = np.full(len(network.ids), system.line_slack_price_usd_per_mwh)
        if network.slack_price_usd_per_mwh is not None:
            self.price_usd_per_mwh = network.slack_price_usd_per_mwh
        self._factors = ptdf(network, buses)
        self._shift_mw = shift_flow_mw(network, self._factors)
        bus, self._columns, sign = commitment.bus_columns()
        self._coefficients = self._factors[:, bus] * sign
        self._load_flow_mw = product(self._factors, system.load_mw)
        self._share_flow = product(self._factors, system.load_share)

    @property
    def active(self) -> tuple[Indices, Indices]:
        """Lines and periods whose limit is in the model."""
        return self._line, self._period

    def flows_mw(self, values: Values) -> Values:
        """Return the flow on every line, (L, T), in a solution with ``values``."""
        if self.commitment.system.network is None:
            return np.zeros((0, self.commitment.system.periods))
        return product(self._factors, self.commitment.net_injection_mw(values)) + self._shift_mw[:, None]

    def overload_mw(self, values: Values) -> Values:
        """Return by how much every line is over its limit, (L, T)."""
        if self.commitment.system.network is None:
            return np.zeros((0, self.commitment.system.periods))
        return np.maximum(np.abs(self.flows_mw(values)) - self._limit_mw[:, None], 0.0)

    def bus_price_usd_per_mwh(self, row_dual: Values) -> Values:
        """Return what one more MWh of load costs at every bus and period, (B, T), from the row duals of a linear solve.

        Load at bus b enters the balance of its period and, by H[l, b], the limit of every line l: the price is the dual of the
        balance plus H' times the duals of the limits, whatever the reference bus of the PTDF matrix H (Schweppe, Caramanis,
        Tabors and Bohn, "Spot Pricing of Electricity", Kluwer 1988). A limit that is not in the model does not bind. Load that
        is shed keeps its shares of the buses.
        """
        system = self.commitment.system
        price = np.tile(row_dual[self.commitment.balance], (len(system.buses), 1))
        if self._line.size:
            congestion = np.zeros((system.periods, len(system.buses)))
            np.add.at(congestion, self._period, row_dual[self._row][:, None] * self._factors[self._line])
            price += congestion.T
        return price / system.period_h

    def solve(self, solver: Solver, *, relaxed: bool = False, time_limit_s: float | None = None, **how: Any) -> Solution:
        """Solve with every limit held that matters (or paid for); ``how`` goes to `Solver.solve`.

        The first time the linear relaxation finds the limits that matter, as it is quick; then the model itself is
        solved, again with what its solution violates until it violates nothing. A bound found on the way holds for
        the full model, since each model solved has fewer limits than it.

        Raises
        ------
        ModelError : as `Solver.solve`; the time limit is for all rounds together.
        """
        began = time.perf_counter()
        self.rounds = 0
        first = self._adopt(solver)
        if first and self.options.relaxed_first and not relaxed and self.commitment.system.network is not None:
            self._hold(solver, relaxed=True, until=_until(began, time_limit_s))
        return self._hold(solver, relaxed=relaxed, until=_until(began, time_limit_s), **how)

    def _hold(self, solver: Solver, *, until: float | None, **how: Any) -> Solution:
        wall_s, bound, plan = 0.0, -np.inf, None
        watch = _Watch(self, how.get("on_improvement"))
        if not how.get("relaxed"):
            how["on_improvement"] = watch
        while True:
            left_s = None if until is None else until - time.perf_counter()
            if left_s is not None and left_s <= 0:
                return _in_time(plan, bound, wall_s)
            self.rounds += 1
            try:
                solution = solver.solve(time_limit_s=left_s, **how)
            except NoSolutionInTimeError as error:
                return _in_time(plan, max(bound, error.bound), wall_s, error.status)
            # The bound of an LP stays with the dual vector that it comes from: together they are a plane below the cost.
            bound = max(bound, solution.bound) if solution.row_dual is None else solution.bound
            wall_s += solution.wall_s
            line, period = self._violated(solution.values)
            if not line.size and not watch.cut_short(solution):
                return replace(solution, bound=bound, wall_s=wall_s)
            without_lines = not self._line.size
            self._add(solver, line, period)
            if without_lines and solution.row_dual is not None and solver.size[0] > _RESTART_ROWS:
                solver.restart()
            if solution.row_dual is None:  # a MIP: its plan with the overload paid for is a start for the next round
                plan = self._paid(solution, line, period)
                how["start"] = plan.values

    def _paid(self, solution: Solution, line: Indices, period: Indices) -> Solution:
        """Return a plan of a model without the limits of ``line`` and ``period`` as a plan that pays for its overload."""
        overload = self.overload_mw(solution.values)[line, period]
        extra_usd = float((overload * self.price_usd_per_mwh[line]).sum()) * self.commitment.system.period_h
        return replace(solution, values=self._with_slack(solution.values), objective=solution.objective + extra_usd)

    def violates(self, values: Values) -> bool:
        """Return whether a solution with ``values`` breaks a limit that is not in the model yet."""
        return bool(self._violated(values)[0].size)

    def _adopt(self, solver: Solver) -> bool:
        """Return whether ``solver`` is new; limits found with another one are added to it."""
        if self._solver is solver:
            return False
        line, period, known = self._line, self._period, self._line.size > 0
        self._solver = solver
        self._line, self._period, self._slack, self._row = line[:0], period[:0], self._slack[:0], self._row[:0]
        if known:
            self._add(solver, line, period)
        return not known

    def _violated(self, values: Values) -> tuple[Indices, Indices]:
        over = self.overload_mw(values)
        over[self._line, self._period] = 0.0  # paid for by their slack
        most = np.argsort(-over, axis=0, kind="stable")[: self.options.rows_per_period]
        period = np.broadcast_to(np.arange(over.shape[1]), most.shape)
        chosen = np.take_along_axis(over, most, axis=0) > self.options.tolerance_mw
        return most[chosen], period[chosen]

    def _add(self, solver: Solver, line: Indices, period: Indices) -> None:
        system = self.commitment.system
        price = self.price_usd_per_mwh[line] * system.period_h
        factors = self._coefficients[line]
        share = self._share_flow[line, period]
        flow: list[Term] = [
            (factors, np.where(factors != 0, self._columns[:, period].T, -1)),
            (share, self.commitment.shed_mw[period]),
            (-share, self.commitment.spill_mw[period]),
        ]
        constant = self._shift_mw[line] - self._load_flow_mw[line, period]
        limit = self._limit_mw[line]
        greatest = np.abs(constant) + sum(_row_sums(np.abs(f * _magnitude(solver, x))) for f, x in flow)
        slack = solver.add_columns("line_slack_mw", (line.size, 2), upper=greatest[:, None], cost=price[:, None])
        terms = [*flow, (-1.0, slack[:, 0]), (1.0, slack[:, 1])]
        row = solver.add_rows("line_limit", terms, lower=-limit - constant, upper=limit - constant)
        self._line, self._period = np.concatenate([self._line, line]), np.concatenate([self._period, period])
        self._slack, self._row = np.concatenate([self._slack, slack]), np.concatenate([self._row, row])

    def _with_slack(self, values: Values) -> Values:
        full = np.zeros(max(values.size, int(self._slack.max(initial=-1)) + 1))
        full[: values.size] = values
        flow = self.flows_mw(values)[self._line, self._period]
        limit = self._limit_mw[self._line]
        full[self._slack[:, 0]] = np.maximum(flow - limit, 0.0)
        full[self._slack[:, 1]] = np.maximum(-flow - limit, 0.0)
        return full


def _magnitude(solver: Solver, index: ArrayLike) -> Values:
    """Return the greatest absolute value that the bounds of columns allow; 0 at index -1."""
    columns = np.asarray(index)
    lower, upper = solver.bounds(np.maximum(columns, 0))
    return np.where(columns < 0, 0.0, np.maximum(np.abs(lower), np.abs(upper)))


class _Watch:
    """Ends a solve at the first plan that violates a limit, so that no time goes into proving it best."""

    def __init__(self, lines: LazyLines, inner: Callable[[Improvement], bool | None] | None) -> None:
        self._lines, self._inner = lines, inner
        self._asked = False

    def __call__(self, found: Improvement) -> bool:
        """Return whether to stop, for the caller's own reason or for a violation."""
        if self._inner is not None and self._inner(found):
            self._asked = True
        return self._asked or self._lines.violates(found.values)

    def cut_short(self, solution: Solution) -> bool:
        """Return whether the solve ended for a violation that a better plan has overtaken: it has to go on."""
        return solution.status == "interrupted" and not self._asked


def _in_time(plan: Solution | None, bound: float, wall_s: float, status: str = "time_limit") -> Solution:
    """Return the last plan, whose overload is paid for, as what the limit ``status`` allowed."""
    if plan is None:
        raise NoSolutionInTimeError(f"the {status} ended the solve before all violated line limits were added", bound, status)
    return replace(plan, bound=bound, wall_s=wall_s, status=status)


def _until(began: float, time_limit_s: float | None) -> float | None:
    return None if time_limit_s is None else began + time_limit_s


def _row_sums(values: Values) -> Values:
    """Return the sum over all axes but the first; there may be no row."""
    return np.asarray(values.sum(axis=tuple(range(1, values.ndim))))

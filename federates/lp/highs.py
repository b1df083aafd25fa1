"""One HiGHS instance that keeps a model between solves; every status is checked, nothing fails silently."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import highspy as _highspy
import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray

from federates.boundary.bound_kinds import BoundKind
from federates.boundary.errors import ModelError
from federates.lp.linear_result import ArrayModel, Improvement, NoSolutionInTimeError, Solution
from federates.lp.linear_terms import Groups, Indices, Term, Values, row_block
from federates.lp.safe_bound import answer_and_proof, safe_bound, tolerance

highspy: Any = _highspy  # its stubs lag behind its functions
_STATUS = {
    highspy.HighsModelStatus.kOptimal: "optimal",
    highspy.HighsModelStatus.kModelEmpty: "optimal",
    highspy.HighsModelStatus.kTimeLimit: "time_limit",
    highspy.HighsModelStatus.kIterationLimit: "iteration_limit",
    highspy.HighsModelStatus.kSolutionLimit: "solution_limit",
    highspy.HighsModelStatus.kInterrupt: "interrupted",
    highspy.HighsModelStatus.kHighsInterrupt: "interrupted",
    highspy.HighsModelStatus.kObjectiveTarget: "objective_target",
}
_INFEASIBLE = (highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kUnboundedOrInfeasible)
_FEASIBLE_POINT = 2  # HighsInfo.primal_solution_status
_OTHER_WAYS = (("presolve", "on"), ("simplex_scale_strategy", 0), ("solver", "ipm"))
"""Options to try one after the other where an LP ends with the status unknown: its numbers differ too much in size."""
_GAP_REL = 1e-4
_GAP_ABS = 1e-6
_IIS_TIME_S = 20.0
_workers = threading.local()


class _QuietHighs(highspy.Highs):  # type: ignore[misc]
    """HiGHS without its banner, which would stand before JSON and in progress bars: silent before its first word."""

    def enableCallbacks(self) -> None:  # noqa: N802 (highspy's name)
        """Enable callbacks, at which HiGHS introduces itself unless it has been silenced."""
        self.silent()
        super().enableCallbacks()


def use_threads(threads: int) -> None:
    """Let the calling thread solve with so many worker threads from now on.

    HiGHS keeps the workers of a thread's first solve and refuses any other number; where it changes, they are ended first.
    """
    if getattr(_workers, "threads", threads) != threads:
        highspy.Highs.resetGlobalScheduler(True)
    _workers.threads = threads


class Solver:
    """A persistent HiGHS instance."""

    def __init__(
        self, model: ArrayModel, columns: Groups, rows: Groups, threads: int, options: Mapping[str, bool | float | str]
    ) -> None:
        self._highs = _QuietHighs()
        self._columns = columns.copy()
        self._rows = rows.copy()
        self._model = model
        self._integer = bool(model.integer.any())
        self._basis: Any = None
        self._threads = threads
        for name, value in {"output_flag": False, "threads": threads, **options}.items():
            self._check(self._highs.setOptionValue(name, value), f"option {name} = {value!r}")
        matrix = model.matrix
        status = self._highs.passModel(
            matrix.shape[1], matrix.shape[0], matrix.nnz, int(highspy.MatrixFormat.kRowwise),
            int(highspy.ObjSense.kMinimize), model.constant, model.cost, model.lower, model.upper,
            model.row_lower, model.row_upper, matrix.indptr.astype(np.int32), matrix.indices.astype(np.int32),
            matrix.data, model.integer.astype(np.int32),
        )  # fmt: skip
        self._check(status, "the model (a lower bound above its upper bound?)")

    @property
    def size(self) -> tuple[int, int]:
        """Number of rows and of columns."""
        return self._highs.getNumRow(), self._highs.getNumCol()

    def bounds(self, index: ArrayLike) -> tuple[Values, Values]:
        """Return lower and upper bounds of the columns ``index``, in its shape."""
        columns = np.asarray(index, dtype=np.int64)
        return self._model.lower[columns], self._model.upper[columns]

    def set_cost(self, index: ArrayLike, value: ArrayLike) -> None:
        """Replace the objective's coefficients of the columns ``index``."""
        columns, prices = _pair(index, value)
        self._check(self._highs.changeColsCost(columns.size, columns, prices), "new costs")
        self._model.cost[columns] = prices

    def set_bounds(self, index: ArrayLike, lower: ArrayLike, upper: ArrayLike) -> None:
        """Replace the bounds of the columns ``index``."""
        columns, low = _pair(index, lower)
        _, up = _pair(index, upper)
        self._check(self._highs.changeColsBounds(columns.size, columns, low, up), "new bounds of variables")
        self._model.lower[columns], self._model.upper[columns] = low, up

    def set_row_bounds(self, rows: ArrayLike, lower: ArrayLike, upper: ArrayLike) -> None:
        """Replace the bounds of the rows ``rows``."""
        index, low = _pair(rows, lower)
        _, up = _pair(rows, upper)
        self._check(self._highs.changeRowsBounds(index.size, index, low, up), "new bounds of rows")
        self._model.row_lower[index], self._model.row_upper[index] = low, up

    def add_rows(
        self,
        name: str,
        terms: Sequence[Term],
        lower: ArrayLike = -np.inf,
        upper: ArrayLike = np.inf,
        shape: tuple[int, ...] | None = None,
    ) -> Indices:
        """Add rows to the model in place (see `LinearModel.rows`) and return their indices; the LP basis is kept."""
        block = row_block(terms, lower, upper, shape)
        matrix = sp.csr_matrix((block.value, (block.row, block.column)), shape=(block.size, self._columns.size))
        starts, indices = matrix.indptr[:-1].astype(np.int32), matrix.indices.astype(np.int32)
        status = self._highs.addRows(block.size, block.lower, block.upper, matrix.nnz, starts, indices, matrix.data)
        self._check(status, f"new rows {name}")
        self._model.add_rows(matrix, block.lower, block.upper)
        if self._basis is not None:
            self._basis.row_status = [*self._basis.row_status, *([highspy.HighsBasisStatus.kBasic] * block.size)]
        return self._rows.add(name, block.shape)

    def add_columns(
        self,
        name: str,
        shape: int | tuple[int, ...],
        upper: ArrayLike = np.inf,
        cost: ArrayLike = 0.0,
        *,
        integer: bool = False,
    ) -> Indices:
        """Add variables >= 0 to the model in place and return their indices; the LP basis is kept."""
        dims = (shape,) if isinstance(shape, int) else tuple(shape)
        up, price = (np.array(np.broadcast_to(np.asarray(a, dtype=np.float64), dims)).ravel() for a in (upper, cost))
        none = np.empty(0, dtype=np.int32)
        status = self._highs.addCols(up.size, price, np.zeros(up.size), up, 0, np.zeros(up.size, np.int32), none, np.empty(0))
        self._check(status, f"new variables {name}")
        self._model.add_columns(up, price)
        if self._basis is not None:
            self._basis.col_status = [*self._basis.col_status, *([highspy.HighsBasisStatus.kLower] * up.size)]
        columns = self._columns.add(name, dims)
        if integer:
            whole = np.full(up.size, int(highspy.HighsVarType.kInteger), dtype=np.uint8)
            status = self._highs.changeColsIntegrality(up.size, columns.ravel().astype(np.int32), whole)
            self._check(status, f"whole numbers {name}")
            self._integer = True
        return columns

    def restart(self) -> None:
        """Forget the basis of the last solve, so that the next one begins with presolve; the model stays."""
        self._basis = None
        self._check(self._highs.clearSolver(), "a restart")

    def solve(
        self,
        *,
        relaxed: bool = False,
        gap_abs: float | None = None,
        gap_rel: float | None = None,
        time_limit_s: float | None = None,
        node_limit: int | None = None,
        start: ArrayLike | None = None,
        on_improvement: Callable[[Improvement], bool | None] | None = None,
    ) -> Solution:
        """Solve the model, or its LP relaxation.

        ``gap_abs`` alone switches the relative gap off; with neither, the relative gap is 1e-4. ``start`` is a full
        vector of values (shorter ones are filled with zeros for the columns added since). ``on_improvement`` is
        called with every better integer solution and ends the solve by returning True.

        ``node_limit`` ends a tree search after so many nodes, with the status "solution_limit": at the same point on every
        computer, which ``time_limit_s`` does not.

        The bound of an LP is that of its dual vector (`safe_bound`). Where it does not meet the objective (`tolerance`), the
        LP is solved once more without the basis kept, and what was found is reported (`take_misses`): a hot start of HiGHS can
        end at a wrong optimum (ERGO-Code/HiGHS issue 3294).

        Raises
        ------
        NoSolutionInTimeError : the time limit ended without a feasible solution.
        ModelError : infeasible, unbounded, or HiGHS failed.
        """
        linear = relaxed or not self._integer
        self._set_limits(relaxed, gap_abs, gap_rel, time_limit_s)
        self._set_option("mip_max_nodes", highspy.kHighsIInf if node_limit is None else node_limit)
        if linear and self._basis is not None:
            self._check(self._highs.setBasis(self._basis), "the basis of the last solve")
        elif start is not None:
            self._set_start(start)
        began = time.perf_counter()
        if linear:
            return self._checked(self._solution(self._run_linear(began), linear, began), began)
        return self._solution(self._run(on_improvement, began), linear, began)

    def _run_linear(self, began: float) -> Any:
        """Run the solver; where it gives up without an answer (status unknown), try in other ways, from the same start each."""
        status = self._run(None, began)
        for name, value in _OTHER_WAYS:
            if status != highspy.HighsModelStatus.kUnknown:
                break
            self.restart()
            before = self._highs.getOptionValue(name)[1]
            self._set_option(name, value)
            status = self._run(None, began)
            self._set_option(name, before)
        return status

    def _checked(self, first: Solution, began: float) -> Solution:
        """Solve an LP again without its basis if objective and bound are apart; if they stay so, the safe bound stands."""

        def cold() -> Solution:
            self.restart()
            return self._solution(self._run_linear(began), True, began)

        solution, proof = answer_and_proof(first, cold, self._apart)
        if not self._apart(solution):
            return solution
        self._basis = None
        cost = float((self._model.cost * solution.values).sum()) + self._model.constant
        return replace(solution, objective=cost, bound=proof.bound, row_dual=proof.row_dual, column_dual=proof.column_dual)

    def _apart(self, solution: Solution) -> bool:
        """Return whether objective and safe bound of an LP that was solved to the end are apart."""
        if solution.status != "optimal":
            return False
        if solution.bound == -np.inf and not np.isfinite([self._model.lower, self._model.upper]).all():
            return False  # a column without bound: no dual vector proves anything
        return not abs(solution.objective - solution.bound) <= tolerance(self._model, solution.values)

    def _set_limits(self, relaxed: bool, gap_abs: float | None, gap_rel: float | None, time_limit_s: float | None) -> None:
        if gap_rel is None:
            gap_rel = _GAP_REL if gap_abs is None else 0.0
        options: dict[str, Any] = {
            "solve_relaxation": relaxed,
            "mip_abs_gap": _GAP_ABS if gap_abs is None else float(gap_abs),
            "mip_rel_gap": float(gap_rel),
            "time_limit": np.inf if time_limit_s is None else float(time_limit_s),
        }
        for name, value in options.items():
            self._set_option(name, value)

    def _set_option(self, name: str, value: Any) -> None:
        self._check(self._highs.setOptionValue(name, value), f"option {name} = {value!r}")

    def _set_start(self, start: ArrayLike) -> None:
        values = np.zeros(self._columns.size)
        given = np.asarray(start, dtype=np.float64).ravel()
        values[: given.size] = given
        index = np.arange(values.size, dtype=np.int32)
        self._check(self._highs.setSolution(index.size, index, values), "the start values")

    def _run(self, on_improvement: Callable[[Improvement], bool | None] | None, began: float) -> Any:
        use_threads(self._threads)
        if on_improvement is None:
            self._check(self._highs.run(), "the solve")
            return self._highs.getModelStatus()
        stop = False

        def improved(event: Any) -> None:
            nonlocal stop
            out = event.data_out
            found = Improvement(
                np.array(out.mip_solution), out.objective_function_value, out.mip_dual_bound, time.perf_counter() - began
            )
            stop = bool(on_improvement(found)) or stop

        def interrupt(event: Any) -> None:
            event.interrupt(stop)

        self._highs.cbMipImprovingSolution.subscribe(improved)
        self._highs.cbMipInterrupt.subscribe(interrupt)
        try:
            self._check(self._highs.run(), "the solve")
        finally:
            self._highs.cbMipImprovingSolution.clear()
            self._highs.cbMipInterrupt.clear()
        return self._highs.getModelStatus()

    def _solution(self, status: Any, linear: bool, began: float) -> Solution:
        info, wall_s = self._highs.getInfo(), time.perf_counter() - began
        bound = float(info.mip_dual_bound)
        name = _STATUS.get(status)
        if name is None:
            raise ModelError(self._reason(status))
        if name != "optimal" and info.primal_solution_status != _FEASIBLE_POINT:
            raise NoSolutionInTimeError(f"no feasible solution when the solve ended ({name}, {wall_s:.1f} s)", bound, name)
        solution = self._highs.getSolution()
        values = np.array(solution.col_value)
        objective = float(info.objective_function_value)
        if not linear:
            return Solution(values, objective, bound, name, None, None, wall_s)
        self._basis = self._highs.getBasis() if name == "optimal" else None
        dual = np.array(solution.row_dual)
        safe = safe_bound(self._model, dual)
        return Solution(values, objective, safe.value, name, dual, safe.reduced_cost, wall_s, BoundKind.LINEAR)

    def _reason(self, status: Any) -> str:
        text = self._highs.modelStatusToString(status)
        if status not in _INFEASIBLE:
            return f"HiGHS ends with: {text}"
        self._highs.setOptionValue("iis_time_limit", _IIS_TIME_S)
        result, conflict = self._highs.getIis()
        if result == highspy.HighsStatus.kError or not (len(conflict.row_index_) or len(conflict.col_index_)):
            return f"{text.lower()}: no whole-number solution, or too large to name the conflict; rows: {self._all_rows()}"
        rows = [self._rows.label(i) for i in conflict.row_index_]
        columns = [self._columns.label(i) for i in conflict.col_index_ if i >= 0]
        return f"infeasible: these rows contradict each other: {_some(rows)}; with the bounds of {_some(columns)}"

    def _all_rows(self) -> str:
        return _some(list(dict.fromkeys(self._rows.names)))

    def _check(self, status: Any, what: str) -> None:
        if status == highspy.HighsStatus.kError:
            raise ModelError(f"HiGHS refuses {what}")


def _pair(index: ArrayLike, value: ArrayLike) -> tuple[NDArray[np.int32], Values]:
    columns = np.asarray(index)
    values = np.broadcast_to(np.asarray(value, dtype=np.float64), columns.shape)
    kept = columns.ravel() >= 0
    return columns.ravel()[kept].astype(np.int32), np.array(values).ravel()[kept]


def _some(names: list[str], most: int = 8) -> str:
    shown = ", ".join(names[:most]) or "none"
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"

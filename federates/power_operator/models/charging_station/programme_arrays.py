"""The arrays of the Pyomo programme, which its safe bound is made of: compiled once, with new prices and caps in place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyomo.environ as pyo
import scipy.sparse as sp
from numpy.typing import NDArray
from pyomo.repn.plugins.standard_form import LinearStandardFormCompiler

from federates.power_operator.models.charging_station.queues import Array
from federates.runtime.linear_result import ArrayModel

__all__ = ["ProgrammeArrays"]

Index = NDArray[np.int64]


class ProgrammeArrays:
    """``model`` is the programme of `programme.Programme`: columns z (R, Q, H), then unmet energy (Q, A).

    Every column has an upper bound: z its cap, and unmet energy ``most_unmet_kwh`` (Q, A), since no best plan pays for more than
    the need that is there without any vehicle.
    """

    def __init__(self, programme: pyo.ConcreteModel, most_unmet_kwh: Array) -> None:
        form = LinearStandardFormCompiler().write(programme, mixed_form=True)
        columns = [*programme.z.values(), *programme.unmet.values()]
        place = {id(column): number for number, column in enumerate(columns)}
        self._constraints = [row.constraint for row in form.rows]
        self._cap_rows, self._caps = _positions(form.rows, programme.offered)
        sides = np.array([row.bound_type for row in form.rows])  # 1: at most the right side, -1: at least, 0: both
        matrix = sp.coo_matrix(form.A)
        of_column = np.array([place[id(column)] for column in form.columns], dtype=np.int64)
        shape = (len(form.rows), len(columns))
        most = np.concatenate([np.zeros(len(programme.z)), most_unmet_kwh.ravel()])
        self.model = ArrayModel(
            matrix=sp.csr_matrix((matrix.data, (matrix.row, of_column[matrix.col])), shape=shape),
            lower=np.zeros(len(columns)),
            upper=most,
            cost=np.zeros(len(columns)),
            integer=np.zeros(len(columns), dtype=bool),
            row_lower=np.where(sides <= 0, form.rhs, -np.inf),
            row_upper=np.where(sides >= 0, form.rhs, np.inf),
            constant=0.0,
        )

    def set(self, price_usd: Array, unmet_usd: Array, cap_veh: Array) -> None:
        """Set the prices of z and of unmet energy, and the caps."""
        count = cap_veh.size
        self.model.cost[:] = self.values(price_usd, unmet_usd)
        self.model.upper[:count] = cap_veh.ravel()
        self.model.row_upper[self._cap_rows] = cap_veh.ravel()[self._caps]

    @staticmethod
    def values(z: Array, unmet: Array) -> Array:
        """Return what belongs to each column, in their order."""
        return np.concatenate([z.ravel(), unmet.ravel()])

    def row_dual(self, duals: Mapping[Any, float]) -> Array:
        """Return Pyomo's duals in the order of the rows."""
        return np.array([duals[constraint] for constraint in self._constraints])


def _positions(rows: Any, offered: pyo.Constraint) -> tuple[Index, Index]:
    """Return the rows of ``offered``, and the place of the vehicle that each caps."""
    place = {id(constraint): number for number, constraint in enumerate(offered.values())}
    found = [(number, place[id(row.constraint)]) for number, row in enumerate(rows) if id(row.constraint) in place]
    numbers = np.array(found, dtype=np.int64).reshape(-1, 2)
    return numbers[:, 0], numbers[:, 1]

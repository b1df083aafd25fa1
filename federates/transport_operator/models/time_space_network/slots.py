"""Routes where trains compete for slots: a multi-commodity flow on the time-space network, solved by HiGHS.

    min  sum price[k, a] x[k, a]   over (1)-(4) and   sum over k of x[k, station arc of s at t] <= slots[s, t]

Equations of Ding et al., JMPCE 2025; the slot rows are an addition.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from federates.boundary.messages import Array
from federates.lp.linear_model import LinearModel
from federates.lp.safe_bound import lower_sum
from federates.transport_operator.models.time_space_network.network import RailNetwork
from federates.transport_operator.models.time_space_network.routes import arc_prices, end_cost_usd
from federates.transport_operator.models.time_space_network.situation import Limits, Plan, RelaxedPlan, Situation
from federates.worlds.rail.timetable import Index, TimeSpaceNetwork

_GAP_USD = 1e-6
_END_WEIGHT = 1000.0
"""An end elsewhere counts as much as this many trains and periods without a slot."""


@dataclass(frozen=True, slots=True)
class _Columns:
    """Column indices: arcs (K, A), ends (K, S), and trains above the slots (S, T), none if the slots are kept."""

    arc: Index
    end: Index
    excess: Index | None


class SlotProgram:
    """The programme of one situation; only its prices change between solves."""

    def __init__(self, network: RailNetwork, situation: Situation) -> None:
        self._network, self._situation = network, situation
        end_price = situation.end_price_usd(network)
        model, self._columns = _build(network, situation, np.isfinite(end_price), with_excess=False)
        model.add_cost(self._columns.end, np.where(np.isfinite(end_price), end_price, 0.0))
        self._solver = model.solver(threads=1)

    def best(self, reward_usd: Array) -> Plan:
        """Return the routes of least cost minus reward (K, S, T), with HiGHS's dual bound."""
        self._solver.set_cost(self._columns.arc, arc_prices(self._network, reward_usd))
        solution = self._solver.solve(gap_abs=_GAP_USD)
        arc = _arcs_in_use(self._network, solution.values[self._columns.arc] > 0.5)
        cost = self._network.route_cost_usd(arc) + end_cost_usd(self._network, self._situation, arc)
        value = cost - float((reward_usd * self._network.connection(arc)).sum())
        return Plan(arc, cost, min(value, lower_sum([solution.bound, self._constant_usd])), solution.bound_kind)

    def relaxed(self, reward_usd: Array) -> RelaxedPlan:
        """Return connection (fractions), cost and bound of the linear relaxation."""
        price = arc_prices(self._network, reward_usd)
        self._solver.set_cost(self._columns.arc, price)
        solution = self._solver.solve(relaxed=True)
        flow = np.clip(solution.values[self._columns.arc], 0.0, 1.0)
        connection = flow[:, self._network.tsn.station_arcs]
        cost = solution.objective + float((reward_usd * connection).sum()) + self._constant_usd
        bound = lower_sum([solution.bound, self._constant_usd])
        return RelaxedPlan(connection, cost, bound, solution.bound_kind)

    @property
    def _constant_usd(self) -> float:
        """Price of the trains that do not arrive any more: they have no flow."""
        return self._network.late_end_usd * float(self._situation.out_for_good(self._network).sum())


def least_breach(network: RailNetwork, situation: Situation) -> Limits:
    """Return the limits of the situation, widened as little as makes them possible to keep."""
    model, columns = _build(network, situation, np.ones((len(network.start), network.tsn.stations), dtype=bool), with_excess=True)
    assert columns.excess is not None
    elsewhere = np.isinf(situation.end_price_usd(network))
    model.add_cost(columns.end, np.where(elsewhere, _END_WEIGHT, 0.0))
    model.add_cost(columns.excess, 1.0)
    solution = model.solver(threads=1).solve(gap_abs=0.5)
    excess = np.rint(solution.values[columns.excess]).astype(np.int64)
    ends_elsewhere = ((solution.values[columns.end] > 0.5) & elsewhere).any(axis=1)
    return Limits(situation.limits.slots + excess, situation.limits.end_free | ends_elsewhere)


def _build(
    network: RailNetwork, situation: Situation, may_end: NDArray[np.bool_], *, with_excess: bool
) -> tuple[LinearModel, _Columns]:
    """Return the programme without prices; ``may_end`` (K, S): stations where a train may end the day."""
    tsn, (trains, stations, periods) = network.tsn, network.shape
    model, out = LinearModel(), situation.out_for_good(network)
    usable = network.open_arcs & (tsn.start >= situation.ready[:, None]) & ~out[:, None]
    columns = _Columns(
        arc=model.variables("arc", (trains, tsn.arcs), upper=usable.astype(float), integer=True),
        end=model.variables("end", (trains, stations), upper=(may_end & ~out[:, None]).astype(float)),
        excess=model.variables("excess", (stations, periods), upper=trains) if with_excess else None,
    )
    supply = np.zeros((trains, tsn.nodes))
    here = np.flatnonzero(~out)
    supply[here, situation.station[here] * (periods + 1) + situation.ready[here]] = -1.0
    flows = [(sp.kron(sp.eye(trains), a), x.ravel()) for a, x in zip(_incidence(tsn), (columns.arc, columns.end), strict=True)]
    model.rows("node", flows, lower=supply.ravel(), upper=supply.ravel())
    limited = np.nonzero(situation.limits.slots < trains)
    standing = columns.arc[:, tsn.station_arcs[limited]].T
    over = [] if columns.excess is None else [(-1.0, columns.excess[limited])]
    model.rows("slots", [(1.0, standing), *over], upper=situation.limits.slots[limited], shape=(len(limited[0]),))
    return model, columns


def _incidence(tsn: TimeSpaceNetwork) -> tuple[sp.coo_matrix, sp.coo_matrix]:
    """Return what each arc (N, A), and each end of the day at a station (N, S), brings to each node."""
    numbers, ones = np.arange(tsn.arcs), np.ones(tsn.arcs)
    rows, columns = np.concatenate([tsn.head, tsn.tail]), np.tile(numbers, 2)
    arcs = sp.coo_matrix((np.concatenate([ones, -ones]), (rows, columns)), shape=(tsn.nodes, tsn.arcs))
    stations = np.arange(tsn.stations)
    final = stations * (tsn.periods + 1) + tsn.periods
    return arcs, sp.coo_matrix((-np.ones(tsn.stations), (final, stations)), shape=(tsn.nodes, tsn.stations))


def _arcs_in_use(network: RailNetwork, used: NDArray[np.bool_]) -> Index:
    """Return the arc per train and period (K, T) of the arcs ``used`` (K, A)."""
    tsn = network.tsn
    found = np.full((len(used), tsn.periods), -1, dtype=np.int64)
    for train, arc in np.argwhere(used).tolist():
        found[train, int(tsn.start[arc]) : int(tsn.end[arc])] = arc
    return found

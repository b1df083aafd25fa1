"""The power operator's linear programme over the horizon, as arrays handed to HiGHS.

It is built once for a period and a set of road times; a round of the negotiation changes costs and bounds and solves again from
the last basis. Names of rows are those of docs/power_operator.md.
A vehicle is the unit of what leaves. Where energy is exchanged (world `fleets`), it stands for 1 kWh in batteries at departure.
Index sets: R, Q; T = 0..H-1 periods of departure; J = 0..(H+L-1)B-1 bins of arrival, B bins a period, L periods until the last of
a period's vehicles have arrived.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from federates.boundary.errors import ModelError
from federates.lp.linear_model import LinearModel, Term
from federates.station.queues import Array
from federates.worlds.road.session import RoadSession

PREFERENCE_USD = 1e-6
"""Cost per vehicle and place in the order (t, r, q): among plans of equal cost the earliest in the order is taken."""


@dataclass(frozen=True, slots=True)
class PlanData:
    """Numbers of one programme."""

    period: int
    cost_usd: Array
    """Energy and lead time per vehicle, shape (R, Q, H)."""
    kwh_per_vehicle: Array
    """Energy that reaches the limited feeder, shape (R, Q)."""
    share: Array
    """Share of a period's vehicles by bin of arrival, shape (R, Q, L * B); see `delivery.arrival_shares`."""
    need_kwh: Array
    """Energy above the feeder limit with margin, shape (Q, J)."""
    due_kwh: Array
    """Energy of vehicles that left before, by bin of arrival, shape (Q, J)."""
    stock_kwh: Array
    """Energy of vehicles that are parked now, shape (Q,)."""
    holdable_kwh: Array
    """Part of it that may still wait at the end of the bin, shape (Q, J)."""
    surplus_veh: Array
    """Vehicles that the feeder can charge, shape (R, H)."""
    charging_veh: Array
    """Vehicles that the spots can charge, shape (R, H)."""
    discharging_kwh: Array
    """Energy that the spots can give in a bin, shape (Q,)."""
    waiting_usd_per_kwh: Array
    """Reward for energy that waits through a bin, shape (Q,)."""
    wait_bins: int
    """A vehicle waits at most this many bins."""
    bins: int
    """Bins in a period, B."""
    unmet_usd_per_kwh: float

    def by_period(self, values: Array) -> Array:
        """Return sums over the bins of each period, (..., J) to (..., J / B)."""
        return np.asarray(values.reshape(*values.shape[:-1], -1, self.bins).sum(axis=-1))

    def arriving_kwh(self, connection_veh: Array) -> Array:
        """Return the energy that arrives in each bin, (Q, J), if ``connection_veh`` (R, Q, T) is sent; T may be less than H."""
        arriving = self.due_kwh.copy()
        for t in range(connection_veh.shape[2]):
            begin = t * self.bins
            sent = (self.kwh_per_vehicle * connection_veh[:, :, t])[:, :, None] * self.share
            arriving[:, begin : begin + self.share.shape[2]] += sent.sum(axis=0)
        return arriving


@dataclass(frozen=True, slots=True)
class Plan:
    """An optimal plan; ``bound_usd`` is the safe bound of the dual vector (`safe_bound`) of cost plus multipliers."""

    connection_veh: Array
    unmet_kwh: Array
    """Need that is not met, shape (Q, J)."""
    stock_kwh: Array
    """Energy that waits at the end of the bin, shape (Q, J)."""
    cost_usd: float
    bound_usd: float
    slope_usd_per_veh: Array
    """With ``bound_usd`` a plane below the least cost of any connection that may be used, (R, Q, T), never above 0."""


def given_kwh(data: PlanData, arriving_kwh: Array) -> Array:
    """Return what parked vehicles give in each bin, (Q, J), if every bin takes what it needs and nothing is saved up."""
    given, stock = np.zeros_like(arriving_kwh), data.stock_kwh.copy()
    for j in range(arriving_kwh.shape[1]):
        stock += arriving_kwh[:, j]
        given[:, j] = np.minimum(np.minimum(data.need_kwh[:, j], data.discharging_kwh), stock)
        stock -= given[:, j]
    return given


def reach(delay_s: Array, session: RoadSession, bins: int) -> Array:
    """Return which part of each bin's need departures within the horizon can be asked to cover, shape (Q, J).

    All of it within the horizon. Of the bins after it, only the part that vehicles would bring that left before its end,
    had they left evenly; else the end of the horizon would ask for vehicles that later ones replace. ``delay_s`` (R, Q) is from
    leaving to when the energy is to be there, ``bins`` is J.
    """
    bin_s, horizon_s = session.period_s / session.bins_per_period, session.horizon_periods * session.period_s
    begin_s = bin_s * np.arange(bins)
    part = np.clip((horizon_s + delay_s[:, :, None] - begin_s) / bin_s, 0.0, 1.0).mean(axis=0)
    return np.asarray(np.where(begin_s < horizon_s - 1e-9, 1.0, part))


class Programme:
    """Minimise energy + waiting + unmet need + multipliers times connection."""

    def __init__(self, data: PlanData) -> None:
        self._data = data
        self._shape: tuple[int, ...] = data.cost_usd.shape
        order = np.arange(self._shape[2])[None, None, :] * self._shape[0] * self._shape[1]
        order = order + np.arange(self._shape[0] * self._shape[1]).reshape(self._shape[0], self._shape[1], 1)
        self._own_usd = data.cost_usd + PREFERENCE_USD * order
        self._unmet_usd: Array = np.full(data.need_kwh.shape, data.unmet_usd_per_kwh)
        self._stock_usd = np.broadcast_to(data.waiting_usd_per_kwh[:, None], data.need_kwh.shape)
        self._most_veh = np.minimum(data.surplus_veh, data.charging_veh)[:, None, :] + np.zeros(self._shape)
        self._build()

    def solve(self, multipliers_usd_per_veh: Array, offered_veh: Array | None = None) -> Plan:
        """Return the best plan; ``offered_veh`` caps the connection (default: no cap)."""
        cap = self._most_veh if offered_veh is None else np.clip(offered_veh, 0.0, self._most_veh)
        plan = self._run(self._own_usd + multipliers_usd_per_veh, self._unmet_usd, self._stock_usd, cap)
        # Of what does not fit anyway, less is no loss.
        idle = False if offered_veh is None else offered_veh > self._most_veh
        return replace(plan, slope_usd_per_veh=np.where(idle, 0.0, plan.slope_usd_per_veh))

    def plane(self, given_veh: Array) -> Plan:
        """Return the cheapest use of at most ``given_veh``, with slopes that the same question always gets.

        Where several dual vectors are optimal, the one that is found depends on the basis: it begins without one.
        """
        self._solver.restart()
        return self.solve(np.zeros(self._shape), given_veh)

    def least_unmet(self) -> Array:
        """Return the unmet energy, shape (Q, J), of a plan that minimises nothing else, the nearest periods first."""
        earlier_first = 1.05 ** -(np.arange(self._unmet_usd.shape[1]) // self._data.bins) * np.ones(self._unmet_usd.shape)
        free = np.zeros(self._unmet_usd.shape)
        return self._run(np.zeros(self._shape), np.asarray(earlier_first, dtype=np.float64), free, self._most_veh).unmet_kwh

    def _build(self) -> None:
        d, model = self._data, LinearModel()
        self._z = model.variables("connection", self._shape, upper=np.maximum(self._most_veh, 0.0))
        least = np.maximum(d.need_kwh - d.discharging_kwh[:, None], 0.0)
        self._unmet = model.variables("unmet", d.need_kwh.shape, lower=least, upper=d.need_kwh)
        self._stock = model.variables("stock", d.need_kwh.shape, upper=self._most_stock_kwh()[:, None])
        before = np.concatenate([np.full((len(self._stock), 1), -1), self._stock[:, :-1]], axis=1)
        at_first = np.zeros_like(d.due_kwh)
        at_first[:, 0] = d.stock_kwh
        arriving, per_vehicle = self._arrivals()
        balance: list[Term] = [(1.0, self._stock), (-1.0, before), (-1.0, self._unmet), (-per_vehicle, arriving)]
        model.rows("energy_balance", balance, upper=at_first + d.due_kwh - d.need_kwh, shape=d.need_kwh.shape)
        recent, since = self._lately(arriving, per_vehicle)
        held = np.array([d.due_kwh[:, since[j] : j + 1].sum(axis=1) for j in range(len(since))]).T + d.holdable_kwh
        model.rows("longest_wait", [(1.0, self._stock), (-recent, self._many)], upper=held, shape=d.need_kwh.shape)
        summed = np.swapaxes(self._z, 1, 2)
        model.rows("feeder_surplus", [(1.0, summed)], upper=d.surplus_veh, shape=d.surplus_veh.shape)
        model.rows("charging_spots", [(1.0, summed)], upper=d.charging_veh, shape=d.charging_veh.shape)
        self._solver = model.solver(solver="simplex", presolve="off", random_seed=0)

    def _most_stock_kwh(self) -> Array:
        """Return more than can ever be parked, so that every column has bounds: the safe bound needs them."""
        d = self._data
        sent = (d.kwh_per_vehicle[:, :, None] * np.maximum(self._most_veh, 0.0)).sum(axis=(0, 2))
        return np.asarray(d.stock_kwh + d.due_kwh.sum(axis=1) + sent)

    def _arrivals(self) -> tuple[np.ndarray, Array]:
        """Return departures (Q, J, R * H) as columns, -1 for none, and what a vehicle of each brings in the bin, kWh."""
        d, (many, limited, horizon) = self._data, self._shape
        bins = d.need_kwh.shape[1]
        brought = np.zeros((limited, bins, many, horizon))
        for t in range(horizon):
            begin = t * d.bins
            part = d.kwh_per_vehicle[:, :, None] * d.share
            brought[:, begin : begin + d.share.shape[2], :, t] = np.moveaxis(part, 0, 2)[:, : bins - begin]
        flat = brought.reshape(limited, bins, -1)
        columns = np.broadcast_to(np.swapaxes(self._z, 0, 1).reshape(limited, 1, -1), flat.shape)
        return np.where(flat > 0.0, columns, -1), flat

    def _lately(self, arriving: np.ndarray, per_vehicle: Array) -> tuple[Array, list[int]]:
        """Return what a vehicle of each departure brings in the bins from which it may still wait, and the first such bin."""
        bins = per_vehicle.shape[1]
        since = [max(0, j - self._data.wait_bins + 1) for j in range(bins)]
        recent = np.stack([per_vehicle[:, since[j] : j + 1].sum(axis=1) for j in range(bins)], axis=1)
        columns = np.swapaxes(self._z, 0, 1).reshape(len(self._stock), 1, -1)
        self._many = np.where(recent > 0.0, np.broadcast_to(columns, recent.shape), -1)
        return recent, since

    def _run(self, price: Array, unmet_price: Array, stock_price: Array, cap: Array) -> Plan:
        solver = self._solver
        solver.set_cost(self._z, price)
        solver.set_cost(self._unmet, unmet_price)
        solver.set_cost(self._stock, stock_price)
        solver.set_bounds(self._z, 0.0, np.maximum(cap, 0.0))
        try:
            solution = solver.solve()
        except ModelError as error:
            raise ModelError(f"power operator, period {self._data.period}: {error}") from error
        if solution.status != "optimal":
            raise ModelError(f"power operator, period {self._data.period}: HiGHS ended with {solution.status}")
        connection = np.clip(solution.values[self._z], 0.0, np.maximum(cap, 0.0))
        unmet, stock = (np.maximum(solution.values[index], 0.0) for index in (self._unmet, self._stock))
        duals = solution.column_dual
        slope = np.zeros(self._shape) if duals is None else np.minimum(duals[self._z], 0.0)
        own = (self._own_usd * connection).sum() + (self._unmet_usd * unmet).sum() + (self._stock_usd * stock).sum()
        return Plan(connection, unmet, stock, float(own), solution.bound, slope)

"""Cheapest day by rail by trying every route of every train; what is left is a programme of scipy, made from the equations.

Equations of Ding et al., JMPCE 2025, DOI 10.35833/MPCE.2023.000976, as published. Flows come from voltage angles, production
costs from the tangents of the curve. Nothing is shared with the models but the data.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import scipy.sparse as sp
from scipy.optimize import Bounds, LinearConstraint, milp

from federates.centralised.joint_data import JointData

Move = tuple[int, int, int, int]  # from, to, leaves, arrives


class Programme:
    """Columns and rows of a minimisation, one at a time."""

    def __init__(self) -> None:
        self.lower, self.upper, self.cost, self.whole = [], [], [], []
        self._rows, self._limits = [], []

    def column(self, upper: float, cost: float = 0.0, *, lower: float = 0.0, whole: bool = False) -> int:
        self.lower.append(lower)
        self.upper.append(upper)
        self.cost.append(cost)
        self.whole.append(whole)
        return len(self.cost) - 1

    def row(self, low: float, high: float, *terms: tuple[float, int]) -> None:
        self._rows.append(terms)
        self._limits.append((low, high))

    def close(self) -> None:
        entries = [(r, c, v) for r, terms in enumerate(self._rows) for v, c in terms]
        row, column, value = zip(*entries, strict=True)
        shape = (len(self._rows), len(self.cost))
        low, high = zip(*self._limits, strict=True)
        self._constraint = LinearConstraint(sp.csr_matrix((value, (row, column)), shape), low, high)
        self._cost, self._whole = np.array(self.cost), np.array(self.whole, dtype=int)

    def span(self, columns: list[int], upper: np.ndarray, most_usd: float) -> list[float]:
        """Return the least and most of the sum of columns at a cost of at most ``most_usd``; infinity if none is so cheap."""
        bounds, limit = Bounds(np.array(self.lower), upper), LinearConstraint(self._cost[None, :], -np.inf, most_usd)
        wanted = np.zeros(self._cost.size)
        wanted[columns] = 1.0
        ends = []
        for sign in (1.0, -1.0):
            rows = [self._constraint, limit]
            found = milp(sign * wanted, integrality=self._whole, bounds=bounds, constraints=rows, options={"mip_rel_gap": 0.0})
            ends.append(sign * found.fun if found.status == 0 else sign * np.inf)
        return ends

    def least(self, upper: np.ndarray, *, relaxed: bool = False) -> tuple[float, np.ndarray | None]:
        whole = np.zeros_like(self._whole) if relaxed else self._whole
        bounds = Bounds(np.array(self.lower), upper)
        found = milp(self._cost, integrality=whole, bounds=bounds, constraints=self._constraint, options={"mip_rel_gap": 0.0})
        return (float(found.fun), found.x) if found.status == 0 else (np.inf, None)


class RailBruteForce:
    """The power side of a day as a programme whose exchanges are opened by a route, and all routes of the trains."""

    def __init__(self, data: JointData) -> None:
        self.data = data
        self.programme = Programme()
        self.exchange: list[tuple[int, int, int, int]] = []  # column, train, station, period
        self.wind: list[int] = []
        self._units()
        self._storage()
        self._grid()
        self.programme.close()

    def cost_usd(self, connection: np.ndarray, *, relaxed: bool = False) -> float:
        """Return f_P: the least cost of the power side when trains may exchange where ``connection`` (K, S, T) is one."""
        return self.programme.least(self._opened(connection), relaxed=relaxed)[0]

    def span(self, columns: list[int], most_usd: float) -> tuple[float, float]:
        """Return the least and most of the sum of columns over all plans that cost both operators at most ``most_usd``."""
        ends = [self.programme.span(columns, self._opened(connection), most_usd - usd) for connection, usd in self.plans()]
        return min(least for least, _ in ends), max(most for _, most in ends)

    def _opened(self, connection: np.ndarray) -> np.ndarray:
        upper = np.array(self.programme.upper)
        for column, k, s, t in self.exchange:
            upper[column] *= connection[k, s, t]
        return upper

    def routes(self, train: int) -> list[tuple[np.ndarray, float]]:
        """Return every route of a train as (where it stands (S, T), its cost)."""
        rail, (_, stations, periods) = self.data.rail, self.data.rail.shape
        trip = {
            (int(s), int(r)): int(d) for s, r, d in zip(rail.tsn.origin, rail.tsn.destination, rail.tsn.duration, strict=True)
        }
        shut = {
            tuple(int(part[a]) for part in (rail.tsn.origin, rail.tsn.destination, rail.tsn.start))
            for a in np.flatnonzero(~rail.open_arcs)
        }
        found = []

        def go(station: int, period: int, stands: list[tuple[int, int]], usd: float) -> None:
            if period == periods:
                if station == rail.end[train]:
                    standing = np.zeros((stations, periods))
                    for place in stands:
                        standing[place] = 1.0
                    found.append((standing, usd))
                return
            go(station, period + 1, [*stands, (station, period)], usd)
            for other in range(stations):
                length = trip.get((station, other), 0)
                if other != station and length and period + length <= periods and (station, other, period) not in shut:
                    price = rail.motion_usd[train, station, other] * length + rail.trip_usd[train, station, other]
                    go(other, period + length, stands, usd + float(price))

        go(int(rail.start[train]), 0, [], 0.0)
        return found

    def plans(self) -> Iterator[tuple[np.ndarray, float]]:
        """Yield every route of all trains together as (connection (K, S, T), transport cost) that the slots allow."""
        rail = self.data.rail
        for choice in itertools.product(*(self.routes(k) for k in range(len(rail.start)))):
            connection = np.array([standing for standing, _ in choice])
            if (connection.sum(axis=0) <= rail.slots).all():
                yield connection, sum(usd for _, usd in choice)

    def cheapest(self) -> tuple[float, np.ndarray]:
        """Return the least cost of both operators and its connection; plans with a cheap relaxation are tried first."""
        different = {self._key(connection, usd): (connection, usd) for connection, usd in self.plans()}
        plans = [(usd + self.cost_usd(connection, relaxed=True), usd, connection) for connection, usd in different.values()]
        best, best_connection = np.inf, None
        for least, usd, connection in sorted(plans, key=lambda plan: plan[0]):
            if least >= best - 1e-9:
                break
            total = usd + self.cost_usd(connection)
            if total < best:
                best, best_connection = total, connection
        return best, best_connection

    def _key(self, connection: np.ndarray, usd: float) -> tuple:
        """Return what is the same for permutations of trains that are alike in everything but their number."""
        fleet = self.data.fleet
        loads = zip(fleet.train_capacity_mw, fleet.train_energy_mwh, fleet.train_start_energy_mwh, strict=True)
        return (round(usd, 6), *sorted((load, routes.tobytes()) for load, routes in zip(loads, connection, strict=True)))

    def _units(self) -> None:
        """(26)-(32)."""
        system, add = self.data.system, self.programme
        units, periods, hours = system.units, system.periods, system.period_h
        self.output = {}
        for g, t in itertools.product(range(units.count), range(periods)):
            on, up, down = (
                add.column(1.0, cost, whole=True) for cost in (0.0, units.start_up[g].cost_usd[0], units.shut_down_usd[g])
            )
            self.output[g, t] = (on, up, down, add.column(units.p_max_mw[g]), add.column(np.inf, hours, lower=-np.inf))
        for (g, t), (on, up, down, mw, usd) in self.output.items():
            curve, was = units.cost_curves[g], units.initial_on_h[g] > 0
            for m, c, slope in zip(
                curve.mw[:-1], curve.usd_per_h[:-1], np.diff(curve.usd_per_h) / np.diff(curve.mw), strict=True
            ):
                add.row(0.0, np.inf, (1.0, usd), (-slope, mw), (slope * m - c, on))
            add.row(-np.inf, 0.0, (1.0, mw), (-units.p_max_mw[g], on))
            add.row(0.0, np.inf, (1.0, mw), (-units.p_min_mw[g], on))
            before = self.output.get((g, t - 1))
            on0, mw0 = (float(was), float(units.initial_output_mw[g])) if before is None else (0.0, 0.0)
            past = [] if before is None else [(1.0, before[0]), (1.0, before[3])]
            add.row(on0, on0, (1.0, on), (-1.0, up), (1.0, down), *((-v, c) for v, c in past[:1]))
            rise, fall = units.ramp_up_mw_per_h[g] * hours, units.ramp_down_mw_per_h[g] * hours
            first, last = units.start_up_ramp_mw[g], units.shut_down_ramp_mw[g]
            add.row(
                -np.inf,
                mw0 + rise * on0,
                (1.0, mw),
                (-first, up),
                *((-v, c) for v, c in past[1:]),
                *((-rise, c) for _, c in past[:1]),
            )
            add.row(-np.inf, -mw0, (-1.0, mw), (-fall, on), (-last, down), *past[1:])
            self._times(g, t)

    def _times(self, g: int, t: int) -> None:
        """(30)-(31), in words: whoever starts stays on, whoever stops stays off, also before the first period."""
        units, add = self.data.system.units, self.programme
        up_h, down_h, held = int(units.min_up_h[g]), int(units.min_down_h[g]), int(abs(units.initial_on_h[g]))
        on, up, down, *_ = self.output[g, t]
        for later in range(t + 1, min(t + up_h, self.data.system.periods)):
            add.row(0.0, np.inf, (1.0, self.output[g, later][0]), (-1.0, up))
        for later in range(t + 1, min(t + down_h, self.data.system.periods)):
            add.row(-np.inf, 1.0, (1.0, self.output[g, later][0]), (1.0, down))
        if units.initial_on_h[g] > 0 and t + held < up_h:
            add.row(1.0, 1.0, (1.0, on))
        if units.initial_on_h[g] < 0 and t + held < down_h:
            add.row(0.0, 0.0, (1.0, on))

    def _storage(self) -> None:
        """(5)-(25) and the end states."""
        fleet, system, add = self.data.fleet, self.data.system, self.programme
        hours, tie = system.period_h, fleet.throughput_usd_per_mwh * system.period_h
        self.power = {}
        for s, t in itertools.product(range(len(fleet.stations)), range(system.periods)):
            most = fleet.capacity_mw[s]
            charge, discharge, mode = add.column(most, tie), add.column(most, tie), add.column(1.0, whole=True)
            add.row(-np.inf, 0.0, (1.0, charge), (-most, mode))
            add.row(-np.inf, most, (1.0, discharge), (most, mode))
            self.power[s, t] = (charge, discharge)
        mw = self._load("MW", fleet.capacity_mw, fleet.start_capacity_mw, fleet.end_capacity_mw, (0.0, 0.0))
        efficiency = (fleet.charge_efficiency * hours, -hours / fleet.discharge_efficiency)
        mwh = self._load("MWh", fleet.energy_mwh, fleet.start_energy_mwh, fleet.end_energy_mwh, efficiency)
        for place, energy in mwh.items():
            add.row(-np.inf, 0.0, (1.0, energy), (-fleet.duration_h, mw[place]))
            if place[0] == "station":
                for column in self.power[place[1:]]:
                    add.row(-np.inf, 0.0, (1.0, column), (-1.0, mw[place]))

    def _load(self, kind: str, most: np.ndarray, start: np.ndarray, end: np.ndarray, power: tuple[float, float]) -> dict:
        """Add one kind of load at stations and on trains; return its columns by place."""
        fleet, add, periods = self.data.fleet, self.programme, self.data.system.periods
        fleet_of = (fleet.train_capacity_mw, fleet.train_start_capacity_mw, fleet.train_end_capacity_mw)
        if kind == "MWh":
            fleet_of = (fleet.train_energy_mwh, fleet.train_start_energy_mwh, fleet.train_end_energy_mwh)
        train_most, train_start, train_end = fleet_of
        stations, trains = range(len(fleet.stations)), range(len(fleet.trains))
        held = {("station", s, t): add.column(most[s]) for s in stations for t in range(periods)}
        held |= {("train", k, t): add.column(train_most[k]) for k in trains for t in range(periods)}
        given = {
            (k, s, t): (add.column(train_most[k]), add.column(train_most[k]))
            for k in trains
            for s in stations
            for t in range(periods)
        }
        self.exchange += [(column, *place) for place, both in given.items() for column in both]
        for t in range(periods):
            for s in stations:
                into, out = [given[k, s, t][0] for k in trains], [given[k, s, t][1] for k in trains]
                for side in (into, out):
                    add.row(-np.inf, most[s], *((1.0, column) for column in side))
                terms = [(-1.0, c) for c in into] + [(1.0, c) for c in out]
                terms += [(-factor, c) for factor, c in zip(power, self.power[s, t], strict=True) if factor]
                self._balance(held, ("station", s, t), start[s], end[s], terms)
            for k in trains:
                terms = [(1.0, given[k, s, t][0]) for s in stations] + [(-1.0, given[k, s, t][1]) for s in stations]
                self._balance(held, ("train", k, t), train_start[k], train_end[k], terms)
        return held

    def _balance(self, held: dict, place: tuple[str, int, int], start: float, end: float, terms: list[tuple[float, int]]) -> None:
        what, i, t = place
        before = [(-1.0, held[what, i, t - 1])] if t else []
        first = 0.0 if t else float(start)
        self.programme.row(first, first, (1.0, held[place]), *before, *terms)
        if t == self.data.system.periods - 1:
            self.programme.row(end, end, (1.0, held[place]))

    def _grid(self) -> None:
        """(33)-(36) with the angle of every bus; without a grid, one balance."""
        system, fleet, add = self.data.system, self.data.fleet, self.programme
        network, buses = system.network, range(len(system.buses))
        for t in range(system.periods):
            at_bus: list[list[tuple[float, int]]] = [[] for _ in buses]
            for g, b in enumerate(system.units.bus):
                at_bus[b].append((1.0, self.output[g, t][3]))
            for w, b in enumerate(system.renewables.bus):
                self.wind.append(add.column(system.renewables.available_mw[w, t]))
                at_bus[b].append((1.0, self.wind[-1]))
            for s, b in enumerate(fleet.bus):
                at_bus[b] += [(-1.0, self.power[s, t][0]), (1.0, self.power[s, t][1])]
            if network is None:
                total = float(system.load_mw[:, t].sum())
                add.row(total, total, *(term for terms in at_bus for term in terms))
                continue
            angle = [add.column(np.inf if b else 0.0, lower=-np.inf if b else 0.0) for b in buses]
            for line, (a, b) in enumerate(zip(network.from_bus, network.to_bus, strict=True)):
                y, limit = network.susceptance_mw_per_rad[line], network.limits_mw[line]
                at_bus[a] += [(-y, angle[a]), (y, angle[b])]
                at_bus[b] += [(y, angle[a]), (-y, angle[b])]
                add.row(-limit, limit, (y, angle[a]), (-y, angle[b]))
            for b in buses:
                add.row(system.load_mw[b, t], system.load_mw[b, t], *at_bus[b])

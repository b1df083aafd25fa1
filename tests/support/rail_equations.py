"""A day by rail as the paper's equations say it: a second model that shares no code with the federates, made from plain numbers.

Equations (1)-(36) of Ding et al., JMPCE 2025, DOI 10.35833/MPCE.2023.000976, in scipy's `milp`. Unlike the models of the project
it takes the grid by voltage angles, costs by the chords of their curves, and trains by node and departure. What the power
operator's documentation prices is priced here too: shed and spilled energy (spread as the load is), overload, end states. The
numbers of a day are those that `random_rail_cases.write_day` writes into the operators' files.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.optimize import Bounds, LinearConstraint, milp

Terms = list[tuple[float, int]]
INF = math.inf


class RailEquations:
    """The programme of one day; `least` solves it. Index names are the paper's: k trains, s and r stations, t periods."""

    def __init__(self, day: dict[str, Any]) -> None:
        self.day, self.periods = day, range(day["periods"])
        self.stations, self.trains = range(len(day["stations"])), range(len(day["trains"]))
        self._low: list[float] = []
        self._up: list[float] = []
        self._cost: list[float] = []
        self._whole: list[int] = []
        self._rows: list[tuple[Terms, float, float]] = []
        self.transport: Terms = []
        self.slack: list[int] = []
        self._trains()
        self._storage()
        self._units()
        self._grid()

    def least(self, stands: np.ndarray | None = None) -> tuple[float, float]:
        """Return the least cost, usd, and how much of what must not happen is in it (MW and MWh, summed).

        ``stands`` (K, S, T) limits where trains may exchange, which leaves the cost of a given connection.
        """
        up = np.array(self._up)
        if stands is not None:
            for place, column in self.at.items():
                up[column] = float(stands[place] > 0.5)
        entries = [(row, column, value) for row, (terms, _, _) in enumerate(self._rows) for value, column in terms]
        row, column, value = zip(*entries, strict=True)
        matrix = sp.csr_matrix((value, (row, column)), (len(self._rows), len(self._cost)))
        limits = np.array([(low, high) for _, low, high in self._rows])
        found = milp(
            np.array(self._cost),
            integrality=np.array(self._whole),
            bounds=Bounds(np.array(self._low), up),
            constraints=LinearConstraint(matrix, limits[:, 0], limits[:, 1]),
            options={"mip_rel_gap": 0.0},
        )
        if found.status != 0:
            return INF, INF
        return float(found.fun), float(found.x[self.slack].sum())

    def _new(self, upper: float = INF, cost: float = 0.0, *, lower: float = 0.0, whole: bool = False) -> int:
        self._low.append(lower)
        self._up.append(upper)
        self._cost.append(cost)
        self._whole.append(int(whole))
        return len(self._cost) - 1

    def _row(self, low: float, high: float, terms: Terms) -> None:
        if terms:
            self._rows.append((terms, low, high))
        else:
            assert low <= 0.0 <= high, "a row of nothing that cannot hold"

    def _priced(self, usd: float) -> int:
        self.slack.append(self._new(cost=usd))
        return self.slack[-1]

    # --- trains: where they are ----------------------------------------------------------------------------------------------

    def _trains(self) -> None:
        """(1)-(4), closed tracks, slots, and the transport cost of (26); ``at[k, s, t]`` is I[k, s, t]."""
        day, last = self.day, self.day["periods"]
        self.at = {place: self._new(1.0, whole=True) for place in itertools.product(self.trains, self.stations, self.periods)}
        leaves: dict[tuple[int, int, int, int], int] = {}
        for k, s, r, t in itertools.product(self.trains, self.stations, self.stations, self.periods):
            if s == r or t + day["own_trip"][s][r] > last or self._closed(s, r, t):
                continue
            usd = day["usd_per_period"][s][r] * day["own_trip"][s][r] + day["usd_per_trip"][s][r]
            leaves[k, s, r, t] = self._new(1.0, usd * day["trains"][k]["cost_factor"], whole=True)
        for k, train in enumerate(day["trains"]):
            own = {place[1:]: column for place, column in leaves.items() if place[0] == k}
            for t in self.periods:
                on_the_way = [(1.0, c) for (s, r, when), c in own.items() if when <= t < when + day["own_trip"][s][r]]
                self._row(1.0, 1.0, on_the_way + [(1.0, self.at[k, s, t]) for s in self.stations])
            for s, t in itertools.product(self.stations, range(last + 1)):
                come = [(1.0, c) for (f, r, when), c in own.items() if r == s and when + day["own_trip"][f][r] == t]
                go = [(-1.0, c) for (f, _, when), c in own.items() if f == s and when == t]
                come += [(1.0, self.at[k, s, t - 1])] if t > 0 else []
                go += [(-1.0, self.at[k, s, t])] if t < last else []
                begins, ends = float(t == 0 and s == train["start"]), float(t == last and s == train["end"])
                self._row(ends - begins, ends - begins, come + go)
        for s, t in itertools.product(self.stations, self.periods):
            self._row(-INF, day["slots"][s][t], [(1.0, self.at[k, s, t]) for k in self.trains])

    def _closed(self, origin: int, destination: int, leaves: int) -> bool:
        way = range(leaves, leaves + self.day["own_trip"][origin][destination])
        return any(
            (shut["origin"], shut["destination"]) == (origin, destination)
            and any(shut["from_period"] <= t <= shut["to_period"] for t in way)
            for shut in self.day["closed"]
        )

    # --- batteries and energy ------------------------------------------------------------------------------------------------

    def _storage(self) -> None:
        """(5)-(25) and the end states."""
        battery = self.day["battery"]
        self.charge, self.discharge = {}, {}
        for s, t in itertools.product(self.stations, self.periods):
            most = self.day["stations"][s]["capacity_mw"]
            self.charge[s, t], self.discharge[s, t] = (self._new(most, battery["throughput_usd_per_mwh"]) for _ in range(2))
            charges, discharges = self._new(1.0, whole=True), self._new(1.0, whole=True)
            self._row(-INF, 1.0, [(1.0, charges), (1.0, discharges)])  # (15)
            self._row(-INF, 0.0, [(1.0, self.charge[s, t]), (-most, charges)])
            self._row(-INF, 0.0, [(1.0, self.discharge[s, t]), (-most, discharges)])
        mw, mwh = self._holders("capacity_mw"), self._holders("energy_mwh")
        for place in mw:
            self._row(-INF, 0.0, [(1.0, mwh[place]), (-battery["duration_h"], mw[place])])  # (10), (21)
        for s, t in itertools.product(self.stations, self.periods):
            for power in (self.charge[s, t], self.discharge[s, t]):
                self._row(-INF, 0.0, [(1.0, power), (-1.0, mw["station", s, t])])  # (13), (14)

    def _holders(self, what: str) -> dict[tuple[str, int, int], int]:
        """Add capacity or energy of stations and trains, and what they exchange: (5)-(9), (11)-(12), (16)-(20), (22)-(25)."""
        day, battery = self.day, self.day["battery"]
        share = battery["start_capacity_share" if what == "capacity_mw" else "start_energy_share"]
        holds = {
            (kind, i, t): self._new(holder[what])
            for kind, holders in (("station", day["stations"]), ("train", day["trains"]))
            for i, holder in enumerate(holders)
            for t in self.periods
        }
        into_train, out_of_train = {}, {}
        for k, s, t in itertools.product(self.trains, self.stations, self.periods):
            most = day["trains"][k][what]
            for exchange in (into_train, out_of_train):
                exchange[k, s, t] = self._new(most)
                self._row(-INF, 0.0, [(1.0, exchange[k, s, t]), (-most, self.at[k, s, t])])
        for s, t in itertools.product(self.stations, self.periods):
            most = day["stations"][s][what]
            received = [(1.0, out_of_train[k, s, t]) for k in self.trains]
            given = [(1.0, into_train[k, s, t]) for k in self.trains]
            self._row(-INF, most, received)
            self._row(-INF, most, given)
            change = [(-v, c) for v, c in received] + given
            if what == "energy_mwh":
                change += [(-battery["charge_efficiency"], self.charge[s, t])]
                change += [(1.0 / battery["discharge_efficiency"], self.discharge[s, t])]
            self._state(holds, ("station", s, t), share * most, change)
        for k, t in itertools.product(self.trains, self.periods):
            change = [(-1.0, into_train[k, s, t]) for s in self.stations] + [(1.0, out_of_train[k, s, t]) for s in self.stations]
            self._state(holds, ("train", k, t), share * day["trains"][k][what], change)
        return holds

    def _state(self, holds: dict[tuple[str, int, int], int], place: tuple[str, int, int], start: float, change: Terms) -> None:
        kind, i, t = place
        before = [(-1.0, holds[kind, i, t - 1])] if t else []
        first = 0.0 if t else start
        self._row(first, first, [(1.0, holds[place]), *before, *change])
        if t == self.day["periods"] - 1:
            usd = self.day["prices"]["end_state_usd_per_mwh"]
            self._row(start, start, [(1.0, holds[place]), (1.0, self._priced(usd)), (-1.0, self._priced(usd))])

    # --- units and grid ------------------------------------------------------------------------------------------------------

    def _units(self) -> None:
        """(26)-(32)."""
        self.mw: dict[tuple[int, int], int] = {}
        self._on: dict[tuple[int, int], tuple[int, int, int]] = {}
        for g, unit in enumerate(self.day["units"]):
            for t in self.periods:
                self._on[g, t] = (
                    self._new(1.0, whole=True),
                    self._new(1.0, unit["start_up_usd"], whole=True),
                    self._new(1.0, unit["shut_down_usd"], whole=True),
                )
                self.mw[g, t] = self._new(unit["p_max_mw"])
            for t in self.periods:
                self._one_unit(g, unit, t)

    def _one_unit(self, g: int, unit: dict[str, Any], t: int) -> None:
        (on, up, down), mw, usd = self._on[g, t], self.mw[g, t], self._new(cost=1.0, lower=-INF)
        low, high = unit["p_min_mw"], unit["p_max_mw"]
        ends = np.linspace(low, high, self.day["cost_segments"] + 1)
        costs = unit["c0"] + unit["c1"] * ends + unit["c2"] * ends**2
        for a, b, usd_a, usd_b in zip(ends[:-1], ends[1:], costs[:-1], costs[1:], strict=True):
            slope = (usd_b - usd_a) / (b - a)
            self._row(0.0, INF, [(1.0, usd), (-slope, mw), (slope * a - usd_a, on)])
        self._row(-INF, 0.0, [(1.0, mw), (-high, on)])
        self._row(0.0, INF, [(1.0, mw), (-low, on)])
        was_on = unit["initial_on_h"] > 0
        ramp, jump = unit["ramp_mw_per_h"], max(low, min(high, unit["ramp_mw_per_h"]))
        if t:
            on0, mw0 = self._on[g, t - 1][0], self.mw[g, t - 1]
            self._row(0.0, 0.0, [(1.0, on), (-1.0, on0), (-1.0, up), (1.0, down)])
            self._row(-INF, 0.0, [(1.0, mw), (-1.0, mw0), (-ramp, on0), (-jump, up)])
            self._row(-INF, 0.0, [(1.0, mw0), (-1.0, mw), (-ramp, on), (-jump, down)])
        else:
            mw0 = low if was_on else 0.0
            self._row(float(was_on), float(was_on), [(1.0, on), (-1.0, up), (1.0, down)])
            self._row(-INF, mw0 + ramp * was_on, [(1.0, mw), (-jump, up)])
            self._row(-INF, -mw0, [(-1.0, mw), (-ramp, on), (-jump, down)])
        held = abs(unit["initial_on_h"])
        if was_on and t + held < unit["min_up_h"]:
            self._row(1.0, 1.0, [(1.0, on)])
        if not was_on and t + held < unit["min_down_h"]:
            self._row(0.0, 0.0, [(1.0, on)])
        for later in range(t, min(t + max(unit["min_up_h"], 1), self.day["periods"])):
            self._row(0.0, INF, [(1.0, self._on[g, later][0]), (-1.0, up)])
        for later in range(t, min(t + max(unit["min_down_h"], 1), self.day["periods"])):
            self._row(-INF, 1.0, [(1.0, self._on[g, later][0]), (1.0, down)])

    def _grid(self) -> None:
        """(33)-(36), the flows by voltage angles: balance of every bus, flow = (angle - angle) / x."""
        day = self.day
        buses, prices, total = range(len(day["share"])), day["prices"], sum(day["share"])
        for t in self.periods:
            at_bus: list[Terms] = [[] for _ in buses]
            for g, unit in enumerate(day["units"]):
                at_bus[unit["bus"]].append((1.0, self.mw[g, t]))
            for farm in day["wind"]:
                at_bus[farm["bus"]].append((1.0, self._new(farm["mw"][t])))
            for s, station in enumerate(day["stations"]):
                at_bus[station["bus"]] += [(-1.0, self.charge[s, t]), (1.0, self.discharge[s, t])]
            shed, spill = self._priced(prices["shed_usd_per_mwh"]), self._priced(prices["spill_usd_per_mwh"])
            self._up[shed] = day["load_mw"][t]
            angle = [self._new(INF if b else 0.0, lower=-INF if b else 0.0) for b in buses]
            for line in day["lines"]:
                a, b, y = line["from"], line["to"], 100.0 / line["x"]
                flow: Terms = [(y, angle[a]), (-y, angle[b])]
                at_bus[a] += [(-v, c) for v, c in flow]
                at_bus[b] += flow
                if line["limit_mw"]:
                    over, under = (self._priced(prices["overload_usd_per_mwh"]) for _ in range(2))
                    self._row(-line["limit_mw"], line["limit_mw"], [*flow, (-1.0, over), (1.0, under)])
            for b, share in enumerate(day["share"]):
                load = share / total * day["load_mw"][t]
                self._row(load, load, [*at_bus[b], (share / total, shed), (-share / total, spill)])

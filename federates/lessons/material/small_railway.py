"""A railway with two trains between a wind farm and a city, small enough to try every day: for lesson 7.

Five periods. One weak line leads from the farm to the city, so wind is wasted while a peak plant beyond the city has to start.
Trains may carry charged batteries. All classes are shipped ones: `unit_commitment` and `time_space_network`.
"""

from __future__ import annotations

import tempfile
import weakref
from functools import cached_property
from itertools import combinations_with_replacement
from pathlib import Path
from shutil import rmtree
from typing import Any, TypeAlias

import numpy as np

from federates.boundary.messages import Answer, Array
from federates.boundary.roles import Plugin
from federates.boundary.world import parse_session
from federates.lessons.material.notes import Notes
from federates.power_operator.models.unit_commitment.operator import UnitCommitmentOperator
from federates.transport_operator.models.time_space_network.operator import TimeSpaceNetworkOperator
from federates.worlds.rail.world import CONNECTION

__all__ = ["Route", "SmallRailway"]

Route: TypeAlias = tuple[str | None, ...]
"""Where a train is in each period: the name of a station, None on the way."""

_CASE = """function mpc = small
mpc.version = '2';
mpc.baseMVA = 100.0;
%% bus_i type Pd Qd Gs Bs area Vm Va baseKV zone Vmax Vmin
mpc.bus = [
 1 3 0.0 0.0 0.0 0.0 1 1.0 0.0 135.0 1 1.05 0.95;
 2 1 50.0 0.0 0.0 0.0 1 1.0 0.0 135.0 1 1.05 0.95;
 3 1 0.0 0.0 0.0 0.0 1 1.0 0.0 135.0 1 1.05 0.95;
];
%% bus Pg Qg Qmax Qmin Vg mBase status Pmax Pmin
mpc.gen = [
 2 30.0 0.0 0.0 0.0 1.0 100.0 1 40.0 10.0;
 3 0.0 0.0 0.0 0.0 1.0 100.0 1 60.0 10.0;
];
%% model startup shutdown n c2 c1 c0
mpc.gencost = [
 2 0.0 0.0 3 0.0 20.0 50.0;
 2 0.0 0.0 3 0.0 45.0 30.0;
];
%% fbus tbus r x b rateA rateB rateC ratio angle status angmin angmax
mpc.branch = [
 1 2 0.0 0.2 0.0 12.0 12.0 12.0 0.0 0.0 1 -30.0 30.0;
 2 3 0.0 0.1 0.0 200.0 200.0 200.0 0.0 0.0 1 -30.0 30.0;
];
"""
_LOAD_MW = (45.0, 52.0, 78.0, 76.0, 50.0)
_WIND_MW = (45.0, 45.0, 15.0, 15.0, 30.0)
_STATIONS = {"farm": 1, "city": 2}
"""Names, and buses at which they lie."""
_TRAINS = ("k1", "k2")
_BATTERY = {"duration_h": 2.0, "charge_efficiency": 0.9, "discharge_efficiency": 0.9}


class SmallRailway:
    """The day, and both operators.

    Parameters
    ----------
    start_up_usd : what a start of the peak plant costs.
    city_slots : how many trains may stand in the city at a time; private to the transport operator.
    copy : what the power operator asks for as it answers prices: a ``route`` of the timetable for each train, or ``any`` pattern.
    """

    def __init__(self, start_up_usd: float = 400.0, city_slots: int = 1, copy: str = "route") -> None:
        self.start_up_usd, self.city_slots, self.copy = start_up_usd, city_slots, copy
        self._folder = Path(tempfile.mkdtemp(prefix="portage-lesson-"))
        weakref.finalize(self, rmtree, self._folder, ignore_errors=True)
        units = f"2,10,1,1,60,50,4\n3,10,1,1,60,{start_up_usd},-4\n"
        files = {
            "case.m": _CASE,
            "units.csv": "bus,p_min_mw,min_up_h,min_down_h,ramp_mw_per_h,start_up_usd,initial_on_h\n" + units,
            "load.csv": "period,load_mw\n" + "".join(f"{p},{mw}\n" for p, mw in enumerate(_LOAD_MW)),
            "wind.csv": "period,wind\n" + "".join(f"{p},{mw}\n" for p, mw in enumerate(_WIND_MW)),
        }
        for name, text in files.items():
            (self._folder / name).write_text(text, encoding="utf-8")

    @property
    def agreement(self) -> dict[str, Any]:
        """Return the public agreement: stations, trains and least travel times."""
        return {
            "schema_version": 1,
            "world": "rail",
            "name": "small",
            "periods": len(_LOAD_MW),
            "period_s": 3600,
            "rail_stations": list(_STATIONS),
            "trains": [{"name": train, "home": "farm"} for train in _TRAINS],
            "trip_periods": [[0, 1], [1, 0]],
        }

    def operators(self) -> dict[str, Plugin]:
        """Return new operators by name."""
        holds = {"capacity_mw": 30.0, "energy_mwh": 60.0}
        carries = {"capacity_mw": 15.0, "energy_mwh": 30.0}
        settings = {
            "case_file": "case.m",
            "units_file": "units.csv",
            "renewables_file": "wind.csv",
            "load": {"file": "load.csv"},
            "renewables": {"wind": {"bus": 1, "column": "wind"}},
            "storage": {
                "battery": _BATTERY,
                "mobile": {name: {"bus": bus, **holds} for name, bus in _STATIONS.items()},
                "trains": dict.fromkeys(_TRAINS, carries),
            },
            "connection_copy": self.copy,
            "solver": {"solve_gap_usd": 0.1, "evaluate_gap_usd": 0.1},
        }
        trips = {"cost_usd_per_period": 10.0, "slots": {"city": self.city_slots}}
        power, transport = UnitCommitmentOperator, TimeSpaceNetworkOperator
        return {
            "power_operator": power(power.Settings.model_validate(settings), self._folder),
            "transport_operator": transport(transport.Settings.model_validate(trips), self._folder),
        }

    @cached_property
    def routes(self) -> tuple[Route, ...]:
        """Return every day that one train can have: it begins and ends at the farm."""
        last, found = len(_LOAD_MW), list[Route]()

        def go_on(place: str, route: Route) -> None:
            if len(route) == last:
                found.extend([route] * (place == "farm"))
                return
            go_on(place, (*route, place))
            (other,) = set(_STATIONS) - {place}
            go_on(other, (*route, None))

        go_on("farm", ())
        return tuple(found)

    @cached_property
    def days(self) -> tuple[tuple[Route, Route], ...]:
        """Return every day that both trains can have together within the city's slots; the trains are alike."""
        pairs = combinations_with_replacement(self.routes, 2)
        return tuple(pair for pair in pairs if all(at.count("city") <= self.city_slots for at in zip(*pair, strict=True)))

    def cost_usd(self, day: tuple[Route, Route]) -> float:
        """Return what both operators' day costs if the trains go like this, usd."""
        power, transport, heard = self._asked
        connection = np.array([[[float(at == station) for at in route] for station in _STATIONS] for route in day])
        given = {CONNECTION.name: connection}
        return float(power.evaluate(given, heard).cost_usd + transport.evaluate(given, {}).cost_usd)

    def answers(self, prices: Array, *, relaxed: bool = False) -> tuple[Answer, Answer]:
        """Return the answers of power and transport operator to prices (train, station, period), usd."""
        power, transport, heard = self._asked
        at = {CONNECTION.name: np.asarray(prices, dtype=np.float64)}
        if relaxed:
            return power.relax(at, heard), transport.relax(at, {})
        return power.solve(at, heard), transport.solve(at, {})

    @cached_property
    def _asked(self) -> tuple[Any, Any, dict[str, Any]]:
        session, all_of = parse_session(self.agreement, "agreement"), self.operators()
        power: Any = all_of["power_operator"]
        transport: Any = all_of["transport_operator"]
        power.begin(session.view("power_operator"), Notes())
        transport.begin(session.view("transport_operator"), Notes())
        ready = transport.open_period(0, None)
        power.open_period(0, None)
        return power, transport, {"train_ready": ready}

"""Storage stations: battery capacity, energy, charging and discharging.

Equations (5)-(15) of Ding et al., "Sharing Mobilized Energy Storage for Temporal-spatial Coordination of Transportation and Power
Systems", JMPCE 2025, DOI 10.35833/MPCE.2023.000976. Written c[s, t] with t the state at the end of period t.

Deviations from the source
--------------------------
Charging and discharging share the capacity, ``p_ch + p_dis <= c``, which every solution of (13)-(15) satisfies. Exclusivity
then holds by itself wherever burning energy does not pay, for throughput has a small cost; where it pays (a congested line, a
unit that must run, a cost below zero) the binaries of (15) are added (`forbid_both`). They leave the linear relaxation as it is.
What a station takes from trains less what it gives is one signed variable. The end states may be missed at a price, so that a
day that a late train has upset still has a plan; the price is far above any gain, so a plan without disturbance meets them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from federates.lp.linear_model import LinearModel, Solver
from federates.power_operator.models.unit_commitment.fleet import StorageFleet

Index = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Stations:
    """Columns of the stations, each of shape (S, T): MW, MWh, MW, MW, and what trains bring less what they take (MW, MWh)."""

    capacity: Index
    energy: Index
    charge: Index
    discharge: Index
    capacity_from_trains: Index
    energy_from_trains: Index
    end_missing: Index
    end_surplus: Index


def add_stations(model: LinearModel, fleet: StorageFleet, periods: int, period_h: float) -> Stations:
    """Add (5)-(14) and the end states; the trains' side of (24)-(25) is added by whoever carries the batteries."""
    count = len(fleet.stations)
    shape = (count, periods)
    most_mw, most_mwh = fleet.capacity_mw[:, None], fleet.energy_mwh[:, None]
    throughput_usd = fleet.throughput_usd_per_mwh * period_h
    targets = np.array([fleet.end_capacity_mw, fleet.end_energy_mwh])
    room = np.maximum(np.array([fleet.capacity_mw, fleet.energy_mwh]) - targets, 0.0)  # no plan pays for more than this
    columns = Stations(
        capacity=model.variables("station_capacity_mw", shape, 0.0, most_mw),
        energy=model.variables("station_energy_mwh", shape, 0.0, most_mwh),
        charge=model.variables("charge_mw", shape, 0.0, most_mw, cost=throughput_usd),
        discharge=model.variables("discharge_mw", shape, 0.0, most_mw, cost=throughput_usd),
        capacity_from_trains=model.variables("capacity_from_trains_mw", shape, -most_mw, most_mw),
        energy_from_trains=model.variables("energy_from_trains_mwh", shape, -most_mwh, most_mwh),
        end_missing=model.variables("station_end_missing", (2, count), upper=targets, cost=fleet.end_slack_usd_per_mwh),
        end_surplus=model.variables("station_end_surplus", (2, count), upper=room, cost=fleet.end_slack_usd_per_mwh),
    )
    _balances(model, fleet, columns, period_h)
    _limits(model, fleet, columns)
    _end(model, fleet, columns)
    return columns


def forbid_both(solver: Solver, fleet: StorageFleet, columns: Stations) -> Index:
    """Add (15) to a model that is with the solver already; return the columns that are 1 where a station may charge, (S, T)."""
    most_mw = fleet.capacity_mw[:, None]
    charging = solver.add_columns("charging", columns.charge.shape, upper=1.0, integer=True)
    solver.add_rows("charging_only", [(1.0, columns.charge), (-most_mw, charging)], upper=0.0)
    solver.add_rows("discharging_only", [(1.0, columns.discharge), (most_mw, charging)], upper=most_mw)
    return charging


def _balances(model: LinearModel, fleet: StorageFleet, columns: Stations, period_h: float) -> None:
    """Add (5) and (9): what is there is what was there, plus what came."""
    before = _shifted(columns.capacity)
    start = np.zeros(columns.capacity.shape)
    start[:, 0] = fleet.start_capacity_mw
    model.rows(
        "station_capacity_balance",
        [(1.0, columns.capacity), (-1.0, before), (-1.0, columns.capacity_from_trains)],
        start,
        start,
    )
    start = np.zeros(columns.energy.shape)
    start[:, 0] = fleet.start_energy_mwh
    model.rows(
        "station_energy_balance",
        [
            (1.0, columns.energy),
            (-1.0, _shifted(columns.energy)),
            (-1.0, columns.energy_from_trains),
            (-fleet.charge_efficiency * period_h, columns.charge),
            (period_h / fleet.discharge_efficiency, columns.discharge),
        ],
        start,
        start,
    )


def _limits(model: LinearModel, fleet: StorageFleet, columns: Stations) -> None:
    """Add (10) and (13)-(14): batteries that are there limit energy and power."""
    model.rows("station_energy_limit", [(1.0, columns.energy), (-fleet.duration_h, columns.capacity)], upper=0.0)
    model.rows("station_power_limit", [(1.0, columns.charge), (1.0, columns.discharge), (-1.0, columns.capacity)], upper=0.0)


def _end(model: LinearModel, fleet: StorageFleet, columns: Stations) -> None:
    """At the end of the day a station has again what it began with; only missing it costs."""
    ends = ((columns.capacity, fleet.end_capacity_mw), (columns.energy, fleet.end_energy_mwh))
    for kind, (state, target) in enumerate(ends):
        terms = [(1.0, state[:, -1]), (1.0, columns.end_missing[kind]), (-1.0, columns.end_surplus[kind])]
        model.rows(("station_end_capacity", "station_end_energy")[kind], terms, target, target)


def _shifted(columns: Index) -> Index:
    """Return the columns one period earlier; -1, no variable, before the first."""
    return np.concatenate([np.full((len(columns), 1), -1, dtype=np.int64), columns[:, :-1]], axis=1)

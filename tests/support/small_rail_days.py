"""Small days by rail for the checks of storage: random, but every rule can bind."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from federates.centralised.joint_data import JointData
from federates.power_operator.models.unit_commitment.fleet import StorageFleet
from federates.power_operator.models.unit_commitment.system import (
    CostCurve,
    Network,
    PowerSystem,
    Renewables,
    StartUp,
    ThermalUnits,
)
from federates.transport_operator.models.time_space_network.network import build_network
from federates.transport_operator.models.time_space_network.settings import TimeSpaceNetworkSettings
from federates.worlds.rail.session import RailSession

NAMES = "abc"


def rail_day(
    seed: int,
    *,
    stations: int = 2,
    homes: str = "aa",
    periods: int = 5,
    trip: int = 1,
    train_mw: float = 20.0,
    station_mw: float = 12.0,
    line_mw: float | None = 12.0,
    alike: bool = True,
    kinds: tuple[str, ...] | None = None,
    **transport,
) -> JointData:
    """Return a day: wind and a cheap unit at a, load and a dear unit elsewhere, and a train for each letter of ``homes``.

    ``line_mw`` limits the line a-b; None is a copperplate. ``transport`` are settings of the transport operator.
    """
    rng = np.random.default_rng(seed)
    timetable = tuple(tuple(trip * (s != r) for r in range(stations)) for s in range(stations))
    trains = [{"name": f"k{k}", "home": home, "kind": kinds[k] if kinds else "train"} for k, home in enumerate(homes)]
    session = RailSession(
        schema_version=1, world="rail", name="small", periods=periods, rail_stations=tuple(NAMES[:stations]), trains=trains,
        trip_periods=timetable,
    )  # fmt: skip
    settings = TimeSpaceNetworkSettings(**{"cost_usd_per_period": float(rng.integers(1, 12))} | transport)
    fleet = _fleet(rng, stations, len(homes), train_mw, station_mw, alike)
    return JointData(session, _system(rng, stations, periods, line_mw), fleet, build_network(settings, session))


def _system(rng: np.random.Generator, stations: int, periods: int, line_mw: float | None) -> PowerSystem:
    p_min, p_max = np.array([10.0, 5.0]), np.array([50.0, 70.0])
    curves = []
    for g, base in enumerate((12.0, 35.0)):
        points = np.array([p_min[g], p_max[g] / 2, p_max[g]])
        slope = base + np.cumsum(rng.uniform(1, 15, 2))
        curves.append(CostCurve(points, base * 8 + np.concatenate([[0.0], np.cumsum(slope * np.diff(points))])))
    flat = np.array([40.0, 45.0])
    units = ThermalUnits(
        names=("cheap", "dear"), bus=np.array([0, stations - 1]), p_min_mw=p_min, p_max_mw=p_max,
        ramp_up_mw_per_h=flat, ramp_down_mw_per_h=flat, start_up_ramp_mw=flat, shut_down_ramp_mw=flat,
        min_up_h=np.array([2.0, 1.0]), min_down_h=np.array([2.0, 1.0]), initial_on_h=np.array([3.0, 2.0]),
        initial_output_mw=np.array([20.0, 10.0]), must_run=np.zeros(2, dtype=bool), cost_curves=tuple(curves),
        start_up=tuple(StartUp(np.array([1.0]), np.array([usd])) for usd in rng.uniform(50, 300, 2)),
        shut_down_usd=np.array([10.0, 0.0]),
    )  # fmt: skip
    share = np.array([[0.2], [0.8]]) if stations == 2 else np.array([[0.2], [0.3], [0.5]])
    load = share * rng.uniform(25, 55, periods)
    wind = Renewables(("wind",), np.zeros(1, dtype=np.int64), rng.uniform(0, 45, (1, periods)), np.zeros((1, periods)))
    buses = tuple(NAMES[:stations])
    return PowerSystem(1.0, buses, load, units, wind, _grid(stations, line_mw), spill_price_usd_per_mwh=5_000.0)


def _grid(stations: int, line_mw: float | None) -> Network | None:
    if line_mw is None:
        return None
    ends = np.array([(0, 1), (1, 2), (0, 2)])[: 1 if stations == 2 else 3]
    limits = np.full(len(ends), np.inf)
    limits[0] = line_mw
    names = tuple(f"{NAMES[s]}{NAMES[r]}" for s, r in ends)
    return Network(names, ends[:, 0], ends[:, 1], np.array([900.0, 600.0, 400.0])[: len(ends)], limits)


def _fleet(rng: np.random.Generator, stations: int, trains: int, train_mw: float, station_mw: float, alike: bool) -> StorageFleet:
    capacity, train = np.full(stations, station_mw), np.full(trains, train_mw)
    if not alike:
        train = train * rng.uniform(0.7, 1.0, trains)
    energy, train_energy = 1.8 * capacity, 2.1 * train
    start, train_start = 0.5 * capacity, 0.5 * train
    start_mwh, train_mwh = 0.25 * energy, 0.25 * train_energy
    return StorageFleet(
        stations=tuple(NAMES[:stations]), bus=np.arange(stations, dtype=np.int64), capacity_mw=capacity, energy_mwh=energy,
        start_capacity_mw=start, start_energy_mwh=start_mwh, end_capacity_mw=start, end_energy_mwh=start_mwh,
        trains=tuple(f"k{k}" for k in range(trains)), train_capacity_mw=train, train_energy_mwh=train_energy,
        train_start_capacity_mw=train_start, train_start_energy_mwh=train_mwh, train_end_capacity_mw=train_start,
        train_end_energy_mwh=train_mwh, duration_h=2.0, charge_efficiency=0.9, discharge_efficiency=0.8,
        throughput_usd_per_mwh=0.001, end_slack_usd_per_mwh=20_000.0,
    )  # fmt: skip


def without_trains(data: JointData) -> JointData:
    """Return the same batteries where they begin, with those of the trains left out."""
    none = np.empty(0)
    fleet = replace(
        data.fleet, trains=(), train_capacity_mw=none, train_energy_mwh=none, train_start_capacity_mw=none,
        train_start_energy_mwh=none, train_end_capacity_mw=none, train_end_energy_mwh=none,
    )  # fmt: skip
    return replace(data, fleet=fleet, rail=None)

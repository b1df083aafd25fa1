"""Run folders of the rail world made up for the tests of reporting, written as the agents write them.

A day of 24 h with two trains: each leaves its home at 4 h for ``bus15``, arrives an hour later, and is back for the last hours.
In the realised day the second train's first trip takes an hour longer, and the operators negotiate again.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

from federates.boundary.names import RAIL, Role
from federates.boundary.tables import tables_of
from federates.reporting.published import keep_published
from federates.runtime.results import ResultWriter

T = 24
SCENARIOS = Path(__file__).parents[2] / "scenarios"
STATIONS = ["bus4", "bus13", "bus15"]
HOMES = {"train1": "bus4", "train2": "bus13"}
AGENTS = (Role.COORDINATOR, Role.POWER_OPERATOR, Role.TRANSPORT_OPERATOR)
STORAGE = {
    "mobile": {name: {"capacity_mw": 30.0, "energy_mwh": 60.0} for name in STATIONS},
    "trains": {name: {"capacity_mw": 45.0, "energy_mwh": 90.0} for name in HOMES},
    "fixed": {name: {"capacity_mw": 30.0, "energy_mwh": 120.0} for name in STATIONS},
    "central": {"bus10": {"capacity_mw": 90.0, "energy_mwh": 360.0}},
}
COST_FACTOR = {"mobile": 0.93, "fixed": 0.96, "central": 0.99, "no_storage": 1.0}


def session(scheme: str = "mobile", name: str = "example_rail", **changes) -> dict:
    trains = [{"name": train, "home": home} for train, home in HOMES.items()]
    trip = [[0, 1, 1], [1, 0, 1], [1, 1, 0]]
    base = {
        "schema_version": 1,
        "world": "rail",
        "name": name,
        "scheme": scheme,
        "seed": 1,
        "periods": T,
        "run_id": f"{scheme}-1",
    }
    return base | {"rail_stations": STATIONS, "trains": trains, "trip_periods": trip} | changes


class Folder:
    """A run folder and one writer per agent; tables named in ``without`` are left out."""

    def __init__(self, folder: Path, public: dict, without: tuple[str, ...] = ()) -> None:
        self.path, self.without = folder, without
        self.writers = {role: ResultWriter(folder / role.value) for role in AGENTS}
        self.owner = {entry.name: entry.owner for entry in tables_of(RAIL)}
        (folder / "session.json").write_text(json.dumps(public))
        settings = {"storage": STORAGE | {"battery": {"duration_h": 2.0}}}
        (folder / "configuration.json").write_text(json.dumps({"power_operator": {"settings": settings}}))

    def add(self, table: str, **row) -> None:
        if table not in self.without:
            self.writers[self.owner[table]].record(table, **row)

    def finish(self, record: dict | None) -> Path:
        for role, writer in self.writers.items():
            writer.finish(role.value)
        if record is not None:
            (self.path / "run.json").write_text(json.dumps(record))
        return self.path


def place(train: str, period: int, late: int = 0) -> tuple[str, str]:
    """Return where a train is: its pair of stations."""
    home = HOMES[train]
    if period < 4 or period > 20:
        return home, home
    if period < 5 + late:
        return home, "bus15"
    return ("bus15", home) if period == 20 else ("bus15", "bus15")


def wind_mw(period: int) -> float:
    return 50.0 + 25.0 * math.cos(2 * math.pi * (period - 3) / T)


def load_mw(period: int) -> float:
    return 150.0 + 45.0 * math.sin(2 * math.pi * (period - 9) / T)


def power_mw(scheme: str, period: int) -> float:
    """Return discharge minus charge of all stations."""
    return 0.0 if scheme == "no_storage" else (-18.0 if period in (1, 2, 3) else 12.0 if period in (16, 17, 18) else 0.0)


def add_power(run: Folder, scheme: str, deviation: float) -> None:
    factor = COST_FACTOR[scheme]
    for p in range(T):
        used, storage = min(wind_mw(p), 40.0 / factor), power_mw(scheme, p)
        thermal = load_mw(p) - used - storage
        actual = load_mw(p) * (1 + deviation * math.sin(p))
        price = 10.0 + 0.05 * thermal
        run.add(
            "power_balance", period=p, forecast_load_mw=load_mw(p), load_mw=actual, forecast_renewable_mw=wind_mw(p),
            available_renewable_mw=wind_mw(p) * (1 - deviation), planned_renewable_mw=used, renewable_mw=used * (1 - deviation),
            planned_storage_mw=storage, storage_mw=storage, shed_mw=0.0, spill_mw=0.0, price_usd_per_mwh=price,
            planned_cost_usd=4 * thermal, cost_usd=4 * (actual - used),
        )  # fmt: skip
        for k, share in enumerate((0.5, 0.3, 0.15, 0.05)):
            run.add("unit_dispatch", period=p, unit=f"g{k + 1}", bus=str(k + 1), on=1, planned_mw=share * thermal,
                    output_mw=share * (actual - used * (1 - deviation) - storage))  # fmt: skip
        for bus, load_share, difference in (("4", 0.5, 0.0), ("10", 0.2, 0.5), ("13", 0.1, -10.0), ("15", 0.2, 1.0)):
            run.add("bus_prices", period=p, bus=bus, load_mw=load_share * actual, price_usd_per_mwh=price + difference)
        for line, share in (("12-13", 1.0), ("2-4", 0.8), ("6-8", 0.4)):
            run.add("line_flow", period=p, line=line, flow_mw=-min(32.0, share * used * 0.8), limit_mw=32.0)
    for phase, period, more in (("planned", 0, 1.0), ("realised", T, 1 + deviation)):
        fuel = 14_000.0 * factor * more
        run.add("plan_costs", phase=phase, period=period, production_usd=fuel, start_up_usd=300.0, shut_down_usd=0.0,
                throughput_usd=0.3, slack_usd=0.0, total_usd=fuel + 300.3)  # fmt: skip


def add_grid(run: Folder, scheme: str) -> None:
    for line in ("12-13", "2-4", "6-8"):
        bus, to_bus = line.split("-")
        run.add("grid", kind="line", name=line, bus=bus, to_bus=to_bus, limit_mw=32.0)
    run.add("grid", kind="renewable", name="wind", bus="13", to_bus="", limit_mw=75.0)
    names = {"central": ["bus10"], "no_storage": []}.get(scheme, STATIONS)
    for name in names:
        run.add("grid", kind="station", name=name, bus=name.removeprefix("bus"), to_bus="", limit_mw=30.0)


def add_storage(run: Folder, scheme: str) -> None:
    if scheme == "no_storage":
        return
    names = ["bus10"] if scheme == "central" else STATIONS
    energy = {name: 90.0 / len(names) if scheme != "mobile" else 15.0 for name in names}
    capacity = {name: 15.0 if scheme == "mobile" else 90.0 / len(names) for name in names}
    on_train = dict.fromkeys(HOMES, 22.5)
    for p in range(T):
        power = power_mw(scheme, p) / len(names)
        if scheme == "mobile" and p == 5:
            capacity["bus15"], on_train = 30.0, {"train1": 15.0, "train2": 15.0}
        if scheme == "mobile" and p == 19:
            capacity["bus15"], on_train = 15.0, dict.fromkeys(HOMES, 22.5)
        for name in names:
            energy[name] += 0.85 * max(0.0, -power) - max(0.0, power) / 0.85
            row = {
                "capacity_mw": capacity[name],
                "energy_mwh": energy[name],
                "charge_mw": max(0.0, -power),
                "discharge_mw": max(0.0, power),
            }
            run.add(
                "storage_state",
                period=p,
                planned_in=0,
                station=name,
                **row,
                **{f"planned_{key}": value for key, value in row.items()},
            )
        for train, carried in on_train.items() if scheme == "mobile" else ():
            row = {"capacity_mw": carried, "energy_mwh": 22.5}
            run.add(
                "train_storage",
                period=p,
                planned_in=0,
                train=train,
                **row,
                **{f"planned_{key}": value for key, value in row.items()},
            )


def add_trains(run: Folder, late: int) -> None:
    for phase, planned_in, delays in (("planned", 0, {}), ("planned", 5, {"train2": late}), ("realised", T, {"train2": late})):
        if planned_in == 5 and not late:
            continue
        for train in HOMES:
            for p in range(T):
                origin, destination = place(train, p, delays.get(train, 0))
                cost = 20.0 if origin != destination else 0.0
                delay = delays.get(train, 0) if p == 5 else 0
                head = {"phase": phase, "planned_in": planned_in, "train": train, "period": p}
                run.add("train_moves", **head, origin=origin, destination=destination, delay_periods=delay, cost_usd=cost)


def add_answers(run: Folder, k: int, command: str) -> None:
    """Both answers of a round, and its prices unless connections were evaluated."""
    for number, train in enumerate(HOMES):
        for p in range(T):
            origin, destination = place(train, p)
            entry = {"period": 0, "round": k, "source": train, "station": origin, "for_period": p}
            run.add("answers", **entry, agent="power_operator", connection_veh=1.0)
            if origin == destination:
                run.add("answers", **entry, agent="transport_operator", connection_veh=1.0)
            if command != "evaluate":
                run.add("prices", **entry, price_usd_per_veh=(-1.0) ** p * (2.0 + number) * k)
    for agent in ("power_operator", "transport_operator"):
        run.add("answer_costs", period=0, round=k, agent=agent, cost_usd=10.0, bound_usd=9.0, bound_kind="linear")


KINDS = {"lower_bound_kinds": "tree + exact"}


def add_negotiation(run: Folder, late: int) -> None:
    best = 14_000.0 * COST_FACTOR["mobile"] + 380.0
    for k in range(1, 15):
        lower, upper = best * (1 - 0.6 * 0.5**k) - 30.0, math.nan if k < 3 else best + 400.0 * 0.6**k
        command = "relax" if k < 5 else "solve" if k % 2 else "evaluate"
        bounds = {"lower_bound_usd": lower, "upper_bound_usd": upper, "gap": (upper - lower) / upper}
        run.add(
            "rounds", period=0, round=k, command=command, bound_usd=lower, **bounds, residual_veh=2.0, shortfall_veh=1.0, **KINDS
        )
        add_answers(run, k, command)
    claimed = {
        "ended_by_time": False,
        "claimed_agreed": True,
        "claimed_lower_bound_usd": lower + 1.0,
        "claimed_gap": bounds["gap"] / 2,
    }
    outcome = {"agreed": True, "verdict": "proven to 0.2 %", "reason": "gap within tolerance", **bounds, **claimed}
    run.add("negotiations", period=0, cause="day ahead", rounds=14, **outcome)
    if late:
        run.add("negotiations", period=6, cause="train2 is late", rounds=3, **outcome)
        run.add("rounds", period=6, round=1, command="solve", bound_usd=1.0, lower_bound_usd=1.0, upper_bound_usd=2.0, gap=0.5,
                residual_veh=0.0, shortfall_veh=0.0, **KINDS)  # fmt: skip
    for train in HOMES:
        for p in range(T):
            origin, destination = place(train, p)
            if origin == destination:
                run.add("connections", negotiated_in=0, train=train, station=origin, period=p)


def rail_run(
    folder: Path,
    scheme: str = "mobile",
    *,
    late: int = 1,
    deviation: float = 0.02,
    without: tuple[str, ...] = (),
    published: str = "",
    **changes,
) -> Path:
    """Write a whole day by rail; ``without``: tables that are left out, ``published``: a scenario whose notes the run keeps."""
    public = session(scheme, **changes)
    run = Folder(folder, public, without)
    add_power(run, scheme, deviation)
    add_grid(run, scheme)
    add_storage(run, scheme)
    if scheme == "mobile":
        add_trains(run, late)
        add_negotiation(run, late)
    else:
        cost = 14_000.0 * COST_FACTOR[scheme] + 300.3
        bounds = {"lower_bound_usd": cost, "upper_bound_usd": cost, "gap": 0.0}
        claimed = {"ended_by_time": False, "claimed_agreed": True, "claimed_lower_bound_usd": cost, "claimed_gap": 0.0}
        outcome = {"agreed": True, "verdict": "proven to 0 %", "reason": "no trains", **bounds, **claimed}
        run.add("negotiations", period=0, cause="day ahead", rounds=1, **outcome)
    record = {"run_id": f"{scheme}-1", "status": "complete", "versions": {"helics": "3.6.1"}, "wall_s": 61.0, "agents": {}}
    if published:
        keep_published(SCENARIOS / published, folder)
    return run.finish(record)

"""Random small days by rail: their numbers, for `rail_equations`, and the same numbers in the operators' files.

Every day has something that binds or something that is rare: lines, small stations, slots, closures, costs below zero, minima
above the load, trains that differ in what only their operator knows.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import yaml

Day = dict[str, Any]
_TRAINS = (0.1, 0.2, 0.35, 0.25, 0.1)
_AGENTS = ("power_operator", "transport_operator", "coordinator")


def random_day(seed: int, *, private: bool = False, most_stands: int = 40) -> Day:
    """Return the numbers of a day, of which trains x stations x periods, the work of an exact solve, is at most ``most_stands``.

    With ``private`` the transport operator's trains differ where the public sees them alike.
    """
    rng = np.random.default_rng(seed)
    trains = int(rng.choice(5, p=_TRAINS))
    stations = int(rng.integers(2 if trains > 2 else 1, max(3, min(6, most_stands // (3 * max(trains, 1)) + 1))))
    periods = int(min(rng.integers(3, 9), max(3, most_stands // max(trains * stations, 1))))
    day: Day = {"seed": seed, "periods": periods, "cost_segments": int(rng.choice([1, 3, 10]))}
    buses = max(2, stations)
    day |= _grid(rng, buses, periods)
    day |= _storage(rng, stations, trains, buses)
    day |= _railway(rng, stations, trains, periods)
    if private:
        for train in day["trains"]:
            train["cost_factor"] = float(rng.choice([0.0, 0.5, 1.0, 3.0]))
            train["start"] = int(rng.integers(stations)) if rng.random() < 0.2 else train["start"]
            train["end"] = int(rng.integers(stations)) if rng.random() < 0.3 else train["end"]
    day["prices"] = {"shed_usd_per_mwh": 2_000.0, "spill_usd_per_mwh": 1_500.0, "overload_usd_per_mwh": 1_000.0}
    day["prices"]["end_state_usd_per_mwh"] = 1_000.0
    return day


def _grid(rng: np.random.Generator, buses: int, periods: int) -> Day:
    load = rng.uniform(25, 75, periods).round(1)
    kind = rng.choice(["plain", "negative", "minima"], p=[0.6, 0.2, 0.2])
    units = []
    for g, bus in enumerate(sorted(rng.choice(buses, 2, replace=False).tolist())):
        low, high = float(rng.integers(3, 12)), float(rng.integers(50, 80))
        if kind == "minima" and g == 0:
            low = float(rng.integers(25, 45))
        linear = float(rng.uniform(8, 40)) if not (kind == "negative" and g == 0) else -20.0
        on = bool(rng.random() < 0.7) or g == 0
        hours = {"min_up_h": int(rng.integers(1, 4)), "min_down_h": int(rng.integers(1, 4))}
        ramp = float(rng.integers(max(int(low) // 2, 8), 60))
        money = {"c0": float(rng.uniform(0, 200)), "c1": linear, "c2": float(rng.choice([0.0, rng.uniform(0.02, 0.3)]))}
        money |= {"start_up_usd": float(rng.uniform(0, 300)), "shut_down_usd": float(rng.choice([0.0, 10.0]))}
        held = int(rng.integers(1, 5)) * (1 if on else -1)
        units.append({"bus": bus, "p_min_mw": low, "p_max_mw": high, "ramp_mw_per_h": ramp, "initial_on_h": held} | hours | money)
    pairs = [(b, b + 1) for b in range(buses - 1)]
    pairs += [(0, buses - 1)] if buses > 2 and rng.random() < 0.6 else []
    lines = [
        {
            "from": a,
            "to": b,
            "x": round(rng.uniform(0.05, 0.4), 3),
            "limit_mw": float(rng.integers(8, 40)) * (rng.random() < 0.5),
        }
        for a, b in pairs
    ]
    wind = [{"bus": int(rng.integers(buses)), "mw": rng.uniform(0, 45, periods).round(1).tolist()}]
    return {
        "share": rng.uniform(0.5, 10, buses).round(2).tolist(),
        "load_mw": load.tolist(),
        "units": units,
        "lines": lines,
        "wind": wind,
    }


def _storage(rng: np.random.Generator, stations: int, trains: int, buses: int) -> Day:
    duration = float(rng.choice([1.0, 2.0, 4.0]))

    def holder(low: int, high: int) -> Day:
        mw = float(rng.integers(low, high))
        return {"capacity_mw": mw, "energy_mwh": round(mw * duration * rng.uniform(0.6, 1.3), 1)}

    places = rng.permutation(buses)[:stations].tolist()
    small = rng.random() < 0.5
    sites = [{"name": f"s{s}", "bus": bus} | holder(2, 8 if small else 30) for s, bus in enumerate(places)]
    alike = rng.random() < 0.6
    homes = np.zeros(trains, dtype=int) if alike else rng.integers(0, stations, trains)
    load = holder(6, 25)
    rolling = []
    for k in range(trains):
        load = load if alike or rng.random() < 0.4 else holder(6, 25)
        rolling.append(
            {"name": f"k{k}", "home": int(homes[k]), "start": int(homes[k]), "end": int(homes[k])} | load | {"cost_factor": 1.0}
        )
    battery = {
        "duration_h": duration,
        "charge_efficiency": float(rng.choice([1.0, 0.9, 0.7])),
        "discharge_efficiency": float(rng.choice([1.0, 0.85])),
        "throughput_usd_per_mwh": 0.001,
        "start_capacity_share": float(rng.choice([0.5, 1.0])),
        "start_energy_share": float(rng.choice([0.0, 0.25, 0.35])),
    }
    return {"stations": sites, "trains": rolling, "battery": battery}


def _railway(rng: np.random.Generator, stations: int, trains: int, periods: int) -> Day:
    apart = 1 - np.eye(stations, dtype=int)
    public = rng.integers(1, min(3, periods) + 1, (stations, stations)) * apart
    if rng.random() < 0.5:
        public = int(rng.integers(1, 3)) * apart
    slower = (rng.random(public.shape) < 0.3) * apart if rng.random() < 0.3 else 0 * apart
    own = np.minimum(public + slower, periods)
    by_pair = rng.uniform(0, 15, public.shape).round(1) * apart if rng.random() < 0.4 else round(rng.uniform(0, 15), 1) * apart
    once = rng.uniform(0, 10, public.shape).round(1) * apart if rng.random() < 0.3 else 0.0 * apart
    slots = np.full((stations, periods), max(trains, 1))
    if trains > 1 and stations > 1 and rng.random() < 0.3:
        where, when = int(rng.integers(stations)), int(rng.integers(1, periods - 1))
        slots[where, when] = trains - 1
    closed = []
    if stations > 1 and rng.random() < 0.3:
        a, b = rng.choice(stations, 2, replace=False).tolist()
        first = int(rng.integers(periods))
        closed = [{"origin": a, "destination": b, "from_period": first, "to_period": min(first + 1, periods - 1)}]
    return {
        "public_trip": public.tolist(),
        "own_trip": own.tolist(),
        "usd_per_period": by_pair.tolist(),
        "usd_per_trip": once.tolist(),
        "slots": slots.tolist(),
        "closed": closed,
    }


def write_day(day: Day, folder: Path, algorithm: str = "cuts") -> Path:
    """Write the day as a scenario and return its folder."""
    for agent in _AGENTS:
        (folder / agent).mkdir(parents=True, exist_ok=True)
    names = [station["name"] for station in day["stations"]]
    session = {
        "schema_version": 1, "world": "rail", "name": f"random{day['seed']}", "scheme": "mobile", "periods": day["periods"],
        "rail_stations": names,
        "trains": [{"name": k["name"], "home": names[k["home"]], "kind": _kind(day, k)} for k in day["trains"]],
        "trip_periods": day["public_trip"],
    }  # fmt: skip
    _dump(folder / "scenario.yaml", session)
    _dump(folder / "broker.yaml", {"schema_version": 1})
    _dump(folder / "power_operator/config.yaml", {"operator": "unit_commitment", "settings": _power_settings(day)})
    _dump(
        folder / "transport_operator/config.yaml", {"operator": "time_space_network", "settings": _transport_settings(day, names)}
    )
    _dump(folder / "coordinator/config.yaml", {"algorithm": algorithm})
    _power_data(day, folder / "power_operator")
    entries = [
        {"name": "broker", "directory": ".", "host": "localhost", "exec": "python -u -m federates.broker --config broker.yaml"}
    ]
    for agent in _AGENTS:
        more = " --session ../scenario.yaml" if agent == "coordinator" else ""
        command = f"python -u -m federates.{agent} --config config.yaml{more}"
        entries.append({"name": agent, "directory": agent, "host": "localhost", "exec": command})
    (folder / "runner.json").write_text(json.dumps({"name": "random", "federates": entries}), encoding="utf-8")
    return folder


def _kind(day: Day, train: Day) -> str:
    """Return the name of what trains have in common; trains that differ in anything are of different kinds."""
    unlike = [tuple(value for name, value in sorted(other.items()) if name != "name") for other in [train, *day["trains"]]]
    return f"kind{unlike[1:].index(unlike[0])}"


def _dump(path: Path, content: Day) -> None:
    path.write_text(yaml.safe_dump({"schema_version": 1} | content), encoding="utf-8")


def _power_settings(day: Day) -> Day:
    sizes = ("capacity_mw", "energy_mwh")
    return {
        "case_file": "case.m",
        "cost_segments": day["cost_segments"],
        "units_file": "units.csv",
        "renewables_file": "wind.csv",
        "load": {"file": "load.csv"},
        "renewables": {f"w{w}": {"bus": farm["bus"] + 1, "column": f"w{w}"} for w, farm in enumerate(day["wind"])},
        "storage": {
            "battery": day["battery"],
            "mobile": {s["name"]: {"bus": s["bus"] + 1} | {size: s[size] for size in sizes} for s in day["stations"]},
            "trains": {k["name"]: {size: k[size] for size in sizes} for k in day["trains"]},
        },
        "prices": day["prices"],
        "solver": {"solve_gap_usd": 0.5, "evaluate_gap_usd": 0.01},
    }


def _transport_settings(day: Day, names: list[str]) -> Day:
    own = {}
    for train in day["trains"]:
        places = {end: names[train[end]] for end in ("start", "end")}
        own[train["name"]] = {"cost_factor": train["cost_factor"]} | places
    most = len(day["trains"])
    return {
        "cost_usd_per_period": day["usd_per_period"],
        "cost_usd_per_trip": day["usd_per_trip"],
        "trip_periods": day["own_trip"],
        "trains": own,
        "closed_tracks": [shut | {end: names[shut[end]] for end in ("origin", "destination")} for shut in day["closed"]],
        "slots": {name: row for name, row in zip(names, day["slots"], strict=True) if min(row) < most},
    }


def _power_data(day: Day, folder: Path) -> None:
    def rows(*given: list[Any]) -> str:
        return "".join("\t" + "\t".join(repr(value) for value in row) + ";\n" for row in given)

    bus = [[b + 1, 3 if b == 0 else 1, share, 0, 0, 0, 1, 1, 0, 135, 1, 1.05, 0.95] for b, share in enumerate(day["share"])]
    units = day["units"]
    gen = [[u["bus"] + 1, 0, 0, 0, 0, 1, 100, 1, u["p_max_mw"], u["p_min_mw"]] for u in units]
    cost = [[2, u["start_up_usd"], u["shut_down_usd"], 3, u["c2"], u["c1"], u["c0"]] for u in units]
    branch = [[n["from"] + 1, n["to"] + 1, 0, n["x"], 0, n["limit_mw"], 0, 0, 0, 0, 1, -360, 360] for n in day["lines"]]
    tables = (("bus", bus), ("gen", gen), ("gencost", cost), ("branch", branch))
    text = "function mpc = case\nmpc.version = '2';\nmpc.baseMVA = 100.0;\n"
    (folder / "case.m").write_text(
        text + "".join(f"mpc.{name} = [\n{rows(*table)}];\n" for name, table in tables), encoding="utf-8"
    )
    columns = ("p_min_mw", "min_up_h", "min_down_h", "ramp_mw_per_h", "start_up_usd", "initial_on_h")
    lines = [",".join(("bus", *columns)), *(",".join(map(repr, (u["bus"] + 1, *(u[c] for c in columns)))) for u in units)]
    (folder / "units.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for name, series in (("load", {"load_mw": day["load_mw"]}), ("wind", {f"w{w}": f["mw"] for w, f in enumerate(day["wind"])})):
        lines = [",".join(("period", *series))]
        lines += [",".join(map(repr, (t, *values))) for t, values in enumerate(zip(*series.values(), strict=True))]
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")

"""Run folders made up for the tests of reporting: a day shaped like the real one, and a way to write any tables."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd

from federates.boundary.names import ROAD
from federates.boundary.tables import table, tables_of

LINKS = ["A_up", "B_up", "C_down"]
PAIRS = [("r1", "q1"), ("r2", "q1"), ("r1", "q2"), ("r2", "q2")]
LIMITS = {"r1": 2400.0, "r2": 1800.0, "q1": 420.0, "q2": 360.0}
T, B = 24, 4


def session(**changes):
    base = {
        "schema_version": 1,
        "name": "example",
        "scheme": "proposed",
        "seed": 1,
        "periods": T,
        "bins_per_period": B,
        "resourceful_stations": ["r1", "r2"],
        "limited_stations": ["q1", "q2"],
        "links": LINKS,
        "run_id": "example-1",
    }
    return base | changes


def write_run(folder: Path, frames: dict[str, pd.DataFrame], public: dict, record: dict | None = None) -> Path:
    """Write a run folder from tables by name."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "session.json").write_text(json.dumps(public), encoding="utf-8")
    if record is not None:
        (folder / "run.json").write_text(json.dumps(record), encoding="utf-8")
    for name, frame in frames.items():
        path = folder / table(name).owner.value / f"{name}.parquet"
        path.parent.mkdir(exist_ok=True)
        frame.to_parquet(path)
    return folder


def day_shape(hour: float) -> float:
    """Return traffic relative to its peak: low at night, morning and higher afternoon peak."""
    night, morning, afternoon = 0.22, math.exp(-(((hour - 8) / 2.6) ** 2)), math.exp(-(((hour - 16) / 4.0) ** 2))
    return min(1.0, night + 0.55 * morning + 0.74 * afternoon)


def add_negotiation(rows: dict[str, list[tuple]], p: int, sent: dict[tuple[str, str], int]) -> None:
    """Add the rounds of a period in which ``sent`` is agreed, with their prices and answers."""
    total = sum(sent.values())
    best, last = 40.0 * total, 1 if total == 0 else 5 + p % 4
    for k in range(1, last + 1):
        lower, upper, gap = best * (1 - 0.5**k), best * (1 + 0.6**k), 0.0 if total == 0 else min(1.0, 0.9 * 0.5**k)
        rows["rounds"].append((p, k, "solve", lower, lower, upper, gap, 5.0, 2.0, "linear + convex"))
        for entry in [("delivery", r, q, p + ahead) for (r, q), vehicles in sent.items() if vehicles for ahead in (0, 1)]:
            vehicles = sent[entry[1:3]]
            rows["prices"].append((p, k, *entry, 14.0 * (1 - 0.5**k)))
            rows["answers"].append((p, k, "power_operator", *entry, vehicles + 5.0 / k))
            rows["answers"].append((p, k, "transport_operator", *entry, vehicles - 2.0 / k))
        for agent in ("power_operator", "transport_operator"):
            rows["answer_costs"].append((p, k, agent, upper / 2, lower / 2, "linear"))
    bounds = (lower, upper, gap, True, "gap within tolerance", lower, gap, False)
    rows["negotiations"].append((p, "a new period", last, True, "proven to 1 %", *bounds))


def add_costs(rows: dict[str, list[tuple]], p: int, total: int, flow: float) -> None:
    """Add what a period costs both operators, and the same vehicles under every routing rule; the optima are best at theirs."""
    rows["power_costs"].append((p, 10.5 * total, 0.1 * total, 0.5 * total, 1.3 * total, 2.0 * total, 2.5 * total, 5.8 * total))
    hours, delay = 0.5 * total, 0.2 * total * flow
    rows["transport_costs"].append(
        (p, total, hours, delay, 20 * hours, 20 * delay, 3.0 * total, 20 * (hours + delay) + 3.0 * total)
    )
    for number, rule in enumerate(("system_optimum", "storage_optimum", "user_equilibrium", "fastest_route")):
        own, others = hours * (1.02 if number == 0 else 1.0 + 0.002 * (number - 1)), delay * (1.0 if number == 0 else 1.3)
        rows["routing_alternatives"].append((p, rule, total, 3600 * own / max(total, 1), own, others, 20 * (own + others)))


def add_batteries(rows: dict[str, list[tuple]], p: int, sent: dict[tuple[str, str], int]) -> None:
    """Add the stations' books: all vehicles of a period leave full in its first bin, arrive in it and give all at once."""
    for name in LIMITS:
        kind, full_kwh = ("rcs", 10.0) if name.startswith("r") else ("lcs", 9.9)
        vehicles = sum(count for pair, count in sent.items() if name in pair)
        kwh = full_kwh * vehicles
        drawn_kwh, feeder_kwh = (kwh / 0.95, -kwh / 0.95) if kind == "rcs" else (0.0, 0.95 * kwh)
        rows["mves_stock"].append((p, 0, name, kind, vehicles, kwh, kwh, 0.0, 0.0, 0.0, 0.0))
        rows["mves_energy"].append((p, name, kind, vehicles, drawn_kwh, 4.0 * vehicles, 0.0, 0.0, "off", feeder_kwh))


SETTINGS = {"power_operator": {"settings": {"stations": {name: {} for name in LIMITS}, "mves": {"retention": 0.99}}}}
"""As much of a run's configuration as the energy account reads."""


def day_tables(scheme: str = "proposed", links: list[str] | None = None, seed: int = 3) -> dict[str, pd.DataFrame]:
    """Return the tables of a day whose claims all hold: loads equal at night, fastest route longer by day."""
    links, rng = links or LINKS, np.random.default_rng(seed)
    rows: dict[str, list[tuple]] = {entry.name: [] for entry in tables_of(ROAD)}
    for p in range(T):
        flow, sent = day_shape(p + 0.5), {}
        for q, full in (("q1", 1180.0), ("q2", 980.0)):
            load = full * flow
            excess = max(0.0, load - LIMITS[q]) if p >= 4 else 0.0
            vehicles = 0 if scheme == "no_mves" else math.ceil(excess / 10.0)
            sent |= {("r1", q): vehicles // 2, ("r2", q): vehicles - vehicles // 2}
            for b in range(B):
                own = load * (1 + 0.06 * math.sin(b * 2.1 + p))
                mves = max(0.0, own - LIMITS[q] + 0.5) if vehicles else 0.0
                probabilities = (float(own > LIMITS[q]), float(own - mves > LIMITS[q]), 0.09)
                head = (p, b, 3600.0 * p + 900.0 * b, 900.0, q, own / 0.18, own / 20)
                rows["feeder_load"].append((*head, own, mves, own - mves, LIMITS[q], *probabilities))
            rows["energy_plan"].append((p, q, load / 0.18, excess, 10.0 * vehicles, max(0.0, excess - 10.0 * vehicles), False))
        penalty = 1.0 + (0.11 * flow if scheme == "fastest_route" and 4 <= p < 23 else 0.0)
        for number, ((r, q), vehicles) in enumerate(sent.items()):
            road = (900.0 + 240.0 * number + 900.0 * flow**3) * penalty
            gate = (400.0 + 60 * flow, 600.0 + 120 * flow)
            rows["schedule"].append((p, r, q, vehicles, 14.0, True, "gap within tolerance"))
            rows["delivery_forecast"].append((p, r, q, vehicles, gate[0], road, gate[1], road + sum(gate)))
            rows["route_flow"].append((p, r, q, "A_up|C_down", vehicles, road))
            for k in range(vehicles):
                took = road * (1.04 + 0.02 * rng.standard_normal())
                depart = 3600.0 * p + 3600.0 * k / vehicles
                rows["deliveries"].append((f"{p}-{r}-{q}-{k}", p, r, q, "A_up|C_down", depart, depart + took, took))
        total = sum(sent.values())
        add_batteries(rows, p, sent)
        add_negotiation(rows, p, sent)
        add_costs(rows, p, total, flow)
        for number, link in enumerate(links):
            traffic, mves = (
                (5200 + 700 * number) * flow,
                total * (0.4 + 0.2 * (number % 3)) * (1.15 if penalty > 1 and number % 2 else 1.0),
            )
            speed = 30.0 * (1 - 0.55 * flow ** (3 + number))
            rows["link_state"].append((p, link, traffic, traffic / speed / 3.6, speed, 5000 / speed))
            rows["link_plan"].append((p, link, traffic, mves, 8000.0, 5000 / speed, 0.1, 0.0))
    return {
        name: pd.DataFrame(found, columns=list(table(name).columns)) for name, found in rows.items() if found or name == "rounds"
    }


def day_run(folder: Path, scheme: str = "proposed", **changes) -> Path:
    """Write a whole day."""
    record = {"run_id": f"{scheme}-1", "status": "complete", "versions": {"helics": "3.6.1"}, "wall_s": 412.0, "agents": {}}
    write_run(folder, day_tables(scheme), session(scheme=scheme, run_id=f"{scheme}-1", **changes), record)
    (folder / "configuration.json").write_text(json.dumps(SETTINGS), encoding="utf-8")
    return folder

"""Days of one fleet in one process: a session as the fleet sees it, and a coordinator's place that asks at random prices."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np

from federates.worlds.fleets.session import FleetSession
from federates.worlds.road.messages import Gate


class Notes:
    """A recorder that keeps rows by table."""

    def __init__(self):
        self.tables = {}

    def record(self, table, **row):
        self.tables.setdefault(table, []).append(row)

    def progress(self, **fields):
        pass


def view(kwh=10.0, name="fleet", **more):
    """Return the session as the fleet sees it."""
    return session(kwh, name, **more).view(name)


def session(kwh=10.0, name="fleet", **more):
    """Return a session of two resourceful and two limited stations, and one fleet; ``more`` are other keys."""
    stations = ["r1", "r2", "q1", "q2"]
    agents = [{"name": n, "role": n} for n in ("coordinator", "power_operator", "transport_operator", "traffic_sumo")]
    agents += [{"name": name, "role": "mves_fleet"}] + [{"name": n, "role": "charging_station"} for n in stations]
    data = {
        "schema_version": 1,
        "world": "fleets",
        "name": "day",
        "seed": 3,
        "periods": 6,
        "start_hour": 16,
        "resourceful_stations": stations[:2],
        "limited_stations": stations[2:],
        "links": ["a"],
        "vehicle_kwh": {name: kwh},
        "agents": agents,
    }
    return FleetSession.model_validate(data | more)


def told(road_s=900.0, gate_s=600.0):
    """Return openings as the fleet hears them: all times the same."""
    gate = Gate(np.full(4, gate_s), np.full(4, 10.0))
    return {"gate": gate, "road_time_s": np.full((2, 2), road_s), "receipts": np.zeros((4, 1, 3))}


def made(kind, session, **settings):
    """Return a fleet of a class that has begun, and its notes."""
    fleet, notes = kind(kind.Settings.model_validate(settings), Path()), Notes()
    assert kind.check(fleet.settings, Path(), session) == []
    fleet.begin(session, notes)
    return fleet, notes


def prices(reward, toll=0.0, shape=(2, 2, 4)):
    return {
        "delivery": np.broadcast_to(np.asarray(reward, float), shape),
        "passage": np.broadcast_to(np.asarray(toll, float), shape),
    }


def value_usd(answer, at):
    """Return cost less reward plus toll of an answer."""
    delivery, passage = (answer.quantities[name] for name in ("delivery", "passage"))
    return answer.cost_usd - float((at["delivery"] * delivery).sum()) + float((at["passage"] * passage).sum())


def rounded_up(given, kwh):
    """Return quantities as the world commits them: whole vehicles in the opened period, as many as carry the energy."""
    passage = given["passage"].copy()
    passage[:, :, 0] = np.ceil(given["delivery"][:, :, 0] / kwh - 1e-6)
    return {"delivery": given["delivery"], "passage": passage}


def hold_day(fleet, session, openings, draw, reward_usd=1.0):
    """Lead a fleet through its periods at random prices; what it offers in each, or a part of it, is committed. Yield it."""
    shape = session.connection_shape
    for period in range(session.periods):
        fleet.open_period(period, None)
        at = {"delivery": draw.uniform(0, 2 * reward_usd, shape), "passage": draw.uniform(0, 1.0, shape)}
        answer = fleet.solve(at, openings)
        part = draw.choice([1.0, draw.random()])
        given = {name: part * values for name, values in answer.quantities.items()}
        served = fleet.evaluate(given, openings)
        plan = rounded_up(served.quantities, fleet.kwh)
        fleet.commit(plan)
        yield SimpleNamespace(period=period, at=at, answer=answer, given=given, served=served, plan=plan)
    fleet.open_period(session.periods, None)

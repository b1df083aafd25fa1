"""Small agents of the fleets' world with closed-form answers: quadratic costs, so the joint optimum is a set of linear equations.

A station needs, or can give, the same in every period. The company loses ``worth`` (need - d)^2 / 2 on what is not delivered; a
fleet pays ``slope`` d^2 / 2 to deliver, the road ``congestion`` v^2 / 2 for the vehicles of all fleets; all per entry.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import yaml

from federates.boundary.config import Config
from federates.boundary.messages import Answer
from federates.boundary.roles import ChargingStation, MvesFleet, PowerOperator, TrafficModel, TransportOperator
from federates.worlds.fleets.messages import Balance
from federates.worlds.fleets.tables import TABLES
from federates.worlds.road.messages import Departure, Gate, LinkObservation, StationObservation, TrafficObservation

_ROLES = {
    "power_operator": "federates.power_operator",
    "transport_operator": "federates.transport_operator",
    "traffic_sumo": "federates.traffic_sumo",
    "coordinator": "federates.coordinator",
}


SESSION = {
    "schema_version": 1,
    "world": "fleets",
    "name": "x",
    "resourceful_stations": ["r1"],
    "limited_stations": ["q1"],
    "links": ["a"],
    "vehicle_kwh": {"u": 400.0, "c": 10.0},
    "agents": [
        {"name": name, "role": role}
        for name, role in {
            "coordinator": "coordinator",
            "power_operator": "power_operator",
            "transport_operator": "transport_operator",
            "traffic_sumo": "traffic_sumo",
            "r1": "charging_station",
            "q1": "charging_station",
            "u": "mves_fleet",
            "c": "mves_fleet",
        }.items()
    ],
}
"""A public agreement with one agent of every role, and a second station and fleet."""


def nothing_of(table):
    """Return a row of one of the world's tables with 0 in every column."""
    return dict.fromkeys(next(known for known in TABLES if known.name == table).columns, 0.0)


class StationSettings(Config):
    need_kwh: float = 0.0
    surplus_kwh: float = 0.0


class SmallStation(ChargingStation):
    Settings = StationSettings

    def begin(self, session, recorder):
        self.session, self.recorder = session, recorder

    def open_period(self, period, heard):
        s, size = self.settings, self.session.sizes()
        assert size["S"] == 1
        receipts = np.zeros((1, size["F"], 3))
        if heard is not None:
            passing = float(heard["stations"].passing_veh.sum())
            receipts[0, :, :2] = heard["allotments"][0]
            self.recorder.record("seen", period=period - 1, passing=passing, told_kwh=float(heard["allotments"][..., 1].sum()))
        shape = (1, size["H"], size["B"])
        need, surplus = (np.full(shape, kwh / size["B"]) for kwh in (s.need_kwh, s.surplus_kwh))
        gate = Gate(np.full(1, 600.0), np.full(1, 4.0))
        return {"gate": gate, "balance": Balance(need, surplus, np.zeros(shape)), "receipts": receipts}


class CompanySettings(Config):
    worth: float = 1.0


class SmallCompany(PowerOperator):
    Settings = CompanySettings
    worlds = ("fleets",)

    def begin(self, session, recorder):
        self.session, self.recorder = session, recorder

    def open_period(self, period, observation):
        self.period = period

    def _need(self, openings):
        origins, need = len(self.session.resourceful_stations), openings["balance"].need_kwh
        assert need.shape[0] == len(self.session.stations)
        of_q = need[origins:].sum(axis=2)  # (M, H)
        self._needed = np.broadcast_to(of_q / origins, (origins, *of_q.shape))
        return self._needed

    def solve(self, prices, openings):
        need, worth = self._need(openings), self.settings.worth
        wanted = np.clip(need - prices["delivery"] / worth, 0.0, need)
        cost = float(0.5 * worth * ((need - wanted) ** 2).sum())
        return Answer({"delivery": wanted}, cost, cost + float((prices["delivery"] * wanted).sum()))

    def evaluate(self, given, openings):
        need = self._need(openings)
        used = np.clip(given["delivery"], 0.0, need)
        cost = float(0.5 * self.settings.worth * ((need - used) ** 2).sum())
        self.recorder.record("receipts_seen", period=self.period, kwh=float(openings["receipts"][..., 1].sum()))
        return Answer({"delivery": used}, cost, cost)

    def commit(self, given):
        kwh = given["delivery"][:, :, 0]
        self.recorder.record("plan", period=self.period, kwh=float(kwh.sum()))
        missing = np.maximum(self._needed[:, :, 0] - kwh, 0.0)
        cost = float(0.5 * self.settings.worth * (missing**2).sum())
        self.recorder.record("power_costs", **nothing_of("power_costs") | {"period": self.period, "total_usd": cost})


class FleetSettings(Config):
    slope: float = 1.0
    missed_usd: float = 0.0
    """Business that it misses in a period whatever it delivers: recorded, and in no answer."""


class SmallFleet(MvesFleet):
    Settings = FleetSettings

    def begin(self, session, recorder):
        self.session, self.recorder = session, recorder
        ((self.name, self.kwh),) = session.vehicle_kwh.items()

    def open_period(self, period, observation):
        self.period = period

    def solve(self, prices, openings):
        assert openings["receipts"].shape[1] == 1
        margin = prices["delivery"] - prices["passage"] / self.kwh
        z = np.maximum(margin, 0.0) / self.settings.slope
        cost = float(0.5 * self.settings.slope * (z**2).sum())
        return Answer({"delivery": z, "passage": z / self.kwh}, cost, cost - float((margin * z).sum()))

    def evaluate(self, given, openings):
        z = np.minimum(given["delivery"], given["passage"] * self.kwh)
        cost = float(0.5 * self.settings.slope * (z**2).sum())
        return Answer({"delivery": z, "passage": z / self.kwh}, cost, cost)

    def commit(self, given):
        kwh, vehicles = given["delivery"][:, :, 0], given["passage"][:, :, 0]
        assert (vehicles == np.round(vehicles)).all()
        assert (kwh <= vehicles * self.kwh + 1e-6).all()
        self.recorder.record("sent", period=self.period, vehicles=float(vehicles.sum()), kwh=float(kwh.sum()))
        cost = float(0.5 * self.settings.slope * (kwh**2).sum())
        costs = {"period": self.period, "driver_usd": cost, "opportunity_usd": self.settings.missed_usd}
        self.recorder.record("fleet_costs", **nothing_of("fleet_costs") | costs)


class RoadSettings(Config):
    congestion: float = 1.0


class SmallRoad(TransportOperator):
    Settings = RoadSettings
    worlds = ("fleets",)

    def begin(self, session, recorder):
        self.session, self.recorder = session, recorder

    def open_period(self, period, observation):
        self.period = period
        assert (observation is None) == (period == 0)
        return np.full(self.session.connection_shape[:2], 900.0)

    def solve(self, prices, openings):
        z = prices["passage"] / self.settings.congestion
        cost = float(0.5 * self.settings.congestion * (z**2).sum())
        return Answer({"passage": z}, cost, cost - float((prices["passage"] * z).sum()))

    def evaluate(self, given, openings):
        z = given["passage"].copy()
        cost = float(0.5 * self.settings.congestion * (z**2).sum())
        return Answer({"passage": z}, cost, cost)

    def commit(self, given):
        s, vehicles = self.session, given["passage"][:, :, 0]
        cost = float(0.5 * self.settings.congestion * (vehicles**2).sum())
        self.recorder.record("transport_costs", **nothing_of("transport_costs") | {"period": self.period, "total_usd": cost})
        return [
            Departure(origin, destination, int(vehicles[r, q]), s.links[:1])
            for r, origin in enumerate(s.resourceful_stations)
            for q, destination in enumerate(s.limited_stations)
            if vehicles[r, q]
        ]


class SmallCars(TrafficModel):
    def begin(self, session, recorder):
        self.session, self.recorder = session, recorder

    def run(self, period, departures):
        vehicles = sum(d.vehicles for d in departures)
        self.recorder.record("moved", period=period, vehicles=vehicles)
        links = LinkObservation(*(np.full(len(self.session.links), value) for value in (1000.0, 10.0, 25.0, 300.0)))
        stations = np.full((len(self.session.stations), self.session.bins_per_period), 100.0)
        return TrafficObservation(links, StationObservation(stations, 0.0 * stations))

    def close(self):
        pass


def optimum(need_kwh, worth, slopes, vehicle_kwh, congestion):
    """Return deliveries of the fleets, kWh, and the joint cost of one entry: the linear equations of the optimum.

    slope_i d_i + congestion (sum_j d_j / e_j) / e_i = worth (need - sum_j d_j), where all d_i > 0.
    """
    e = np.array(vehicle_kwh)
    system = np.diag(slopes) + congestion * np.outer(1 / e, 1 / e) + worth * np.ones((len(e), len(e)))
    d = np.linalg.solve(system, np.full(len(e), worth * need_kwh))
    assert (d > 0).all()
    cost = 0.5 * worth * (need_kwh - d.sum()) ** 2 + 0.5 * (slopes * d**2).sum() + 0.5 * congestion * (d / e).sum() ** 2
    return d, float(cost)


def write_fleets(
    folder: Path, fleets, companies=None, algorithm="ocd", settings=None, congestion=1.0, need_kwh=60.0, **session
) -> Path:
    """Write a scenario: ``fleets`` by name (kWh of a vehicle, slope), ``companies`` by name (worth, stations); return it."""
    scenario = folder / "fleets"
    stations = {"r1": {"surplus_kwh": 500.0}, "q1": {"need_kwh": need_kwh}, "q2": {"need_kwh": need_kwh / 2}}
    companies = companies or {"power_operator": (1.0, [])}
    base = {
        "schema_version": 1,
        "world": "fleets",
        "name": "fleets",
        "periods": 2,
        "horizon_periods": 2,
        "bins_per_period": 2,
        "resourceful_stations": ["r1"],
        "limited_stations": ["q1", "q2"],
        "links": ["a"],
        "vehicle_kwh": {name: kwh for name, (kwh, _) in fleets.items()},
    } | session
    stations |= {name: {"surplus_kwh": 500.0} for name in base["resourceful_stations"] if name not in stations}
    roles = {name: ("power_operator", "operator", "SmallCompany", {"worth": worth}) for name, (worth, _) in companies.items()}
    roles |= {"transport_operator": ("transport_operator", "operator", "SmallRoad", {"congestion": congestion})}
    roles |= {"traffic_sumo": ("traffic_sumo", "model", "SmallCars", {})}
    roles |= {name: ("charging_station", "model", "SmallStation", own) for name, own in stations.items()}
    roles |= {name: ("mves_fleet", "model", "SmallFleet", {"slope": slope}) for name, (_, slope) in fleets.items()}
    roles |= {"coordinator": ("coordinator", "algorithm", algorithm, settings or {})}
    base["agents"] = [{"name": name, "role": role} for name, (role, *_) in roles.items()]
    for agent in base["agents"]:
        if own := companies.get(agent["name"], (0, []))[1]:
            agent["part"] = {"stations": own}
    entries = [_entry("broker", ".", "federates.broker --config broker.yaml")]
    for name, (role, key, cls, own) in roles.items():
        (scenario / name).mkdir(parents=True, exist_ok=True)
        cls = cls if role == "coordinator" else f"small_fleets:{cls}"
        _dump(scenario / name / "config.yaml", {"schema_version": 1, key: cls, "settings": own})
        module = _ROLES.get(name) if name in _ROLES else f"federates.agent {role}"
        entries.append(_entry(name, name, f"{module} --config config.yaml"))
    shutil.copy(Path(__file__), scenario / "small_fleets.py")
    _dump(scenario / "scenario.yaml", base)
    limits = {"join_s": 60, "begin_s": 20, "answer_s": 20, "period_s": 20, "finish_s": 60}
    _dump(scenario / "broker.yaml", {"schema_version": 1, "limits": limits, "report": False})
    (scenario / "runner.json").write_text(json.dumps({"name": "fleets", "federates": entries}, indent=1))
    return scenario


def _entry(name, directory, module):
    return {"name": name, "directory": directory, "host": "localhost", "exec": f"python -u -m {module}"}


def _dump(path: Path, data) -> None:
    path.write_text(yaml.safe_dump(data, sort_keys=False))

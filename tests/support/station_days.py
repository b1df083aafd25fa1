"""A whole day of station agents and their company beside a road that does what it should, without HELICS and SUMO.

Everything that is said crosses as it would: each message is written, read and cut to its hearer by the world's table.
"""

from dataclasses import dataclass, field

import numpy as np
from power_days import FOLDER, ROAD_TIME_S, Memory, Road, day_settings

from federates.boundary.config import parse_config
from federates.boundary.messages import decode, encode
from federates.charging_station.models.queueing.queueing_station import QueueingStation
from federates.power_operator.models.station_reports.operator import StationReportsOperator
from federates.worlds.fleets.messages import MESSAGES, Balance
from federates.worlds.fleets.session import FleetSession
from federates.worlds.road.messages import Gate, StationObservation

STATIONS = ("r1", "r2", "q1", "q2")
_OPENINGS = {message.name: message for message in MESSAGES}
REWARD_USD_PER_KWH = 1.0
"""About a tenth of what a delivery of 10 kWh costs in the Los Angeles day."""


def fleet_session(period_s=3600.0, bins=4, horizon=4, periods=None, vehicle_kwh=None, **more):
    vehicle_kwh = vehicle_kwh or {"cars": 10.0, "vans": 40.0}
    roles = {name: name for name in ("coordinator", "power_operator", "transport_operator", "traffic_sumo")}
    roles |= dict.fromkeys(STATIONS, "charging_station") | dict.fromkeys(vehicle_kwh, "mves_fleet")
    return FleetSession(
        schema_version=1,
        name="day",
        resourceful_stations=("r1", "r2"),
        limited_stations=("q1", "q2"),
        links=("a",),
        periods=periods or int(86_400 / period_s),
        period_s=period_s,
        bins_per_period=bins,
        horizon_periods=horizon,
        vehicle_kwh=vehicle_kwh,
        agents=[{"name": name, "role": role} for name, role in roles.items()],
        **more,
    )


def station_settings(name, changes=None):
    """Return the settings of the Los Angeles day's station as those of an agent of its own."""
    group = day_settings({})
    shared = {key: value for key, value in group.model_dump().items() if key not in ("stations", "costs")}
    return parse_config(
        {**group.stations[name].model_dump(), **shared, **(changes or {})}, QueueingStation.Settings, "config.yaml"
    )


def crossed(name, session, period, content):
    """Return what the hearer reads of an opening message that a station says."""
    message = _OPENINGS[name]
    arrays = []
    for topic, values in zip(message.sent(), message.packed(session, content), strict=True):
        frame = decode(topic, topic.name, encode(topic, topic.name, period, 0, values, session), session)
        arrays.append(frame.values)
    return message.unpacked(session, tuple(arrays))


@dataclass
class Day:
    session: FleetSession
    stations: dict = field(default_factory=dict)
    """What each station has recorded."""
    company: Memory = field(default_factory=Memory)
    allotted: list = field(default_factory=list)
    """(S, F, 2) by period."""
    told: list = field(default_factory=list)
    """Openings by period."""
    answers: list = field(default_factory=list)
    """The company's answers to rewards and to what is given, by period."""

    def rows(self, table, station=None):
        names = [station] if station else list(self.stations)
        return [row for name in names for row in self.stations[name].tables.get(table, [])]

    def remaining(self, station):
        """Return the share of energy above the limit that is left, by bins."""
        rows = self.rows("feeder_load", station)
        load = np.array([[row["load_without_kw"], row["load_with_kw"]] for row in rows])
        without, with_ = np.maximum(load - rows[0]["limit_kw"], 0.0).sum(axis=0)
        return with_ / without


def run_station_day(session=None, changes=None, company=None, reward=REWARD_USD_PER_KWH, shares=None, lose=0.0, hold=0.0, **road):
    """Run a day in which fleets deliver what the company asks for at ``reward``, each its share, in whole vehicles.

    ``lose`` is the share of counted vehicles that never arrives, ``hold`` of those at the start that never leave.
    """
    session = session or fleet_session()
    day, names = Day(session), session.stations
    shares = np.full(len(session.fleets), 1.0 / len(session.fleets)) if shares is None else np.array(shares)
    agents = {name: QueueingStation(station_settings(name, changes), FOLDER) for name in names}
    for name, agent in agents.items():
        day.stations[name] = Memory()
        agent.begin(session.view(name), day.stations[name])
    operator = StationReportsOperator(parse_config(company or {}, StationReportsOperator.Settings, "config.yaml"), FOLDER)
    operator.begin(session.view("power_operator"), day.company)
    world = Road(session, day_settings({}), **road)
    heard = dict.fromkeys(names)
    for period in range(session.periods + 1):
        said = {}
        for name, agent in agents.items():
            said[name] = {
                key: crossed(key, session.view(name), period, value)
                for key, value in agent.open_period(period, heard[name]).items()
            }
        if period == session.periods:
            break
        openings = _merged(said, names)
        day.told.append(openings)
        sent, answers = _negotiated(session, operator, period, openings, reward, shares)
        day.answers.append(answers)
        told = np.concatenate([sent.sum(axis=2), sent.sum(axis=1)], axis=1).transpose(1, 0, 2)  # (S, F, 2)
        day.allotted.append(told)
        seen = world.run(period, sent[..., 0].sum(axis=0))
        arrivals = seen.arrivals_veh.copy()
        arrivals[:2] = np.floor(arrivals[:2] * (1.0 - hold))
        arrivals[2:] = np.floor(arrivals[2:] * (1.0 - lose))
        for i, name in enumerate(names):
            own = StationObservation(seen.passing_veh[i : i + 1], arrivals[i : i + 1])
            heard[name] = {"stations": own, "allotments": told[i : i + 1]}
    return day


def _merged(said, names):
    gates, balances = [said[name]["gate"] for name in names], [said[name]["balance"] for name in names]
    parts = ("need_kwh", "surplus_kwh", "due_kwh")
    return {
        "gate": Gate(*(np.concatenate([getattr(gate, part) for gate in gates]) for part in ("time_s", "spots"))),
        "balance": Balance(*(np.concatenate([getattr(balance, part) for balance in balances]) for part in parts)),
        "receipts": np.concatenate([said[name]["receipts"] for name in names]),
        "road_time_s": ROAD_TIME_S,
    }


def _negotiated(session, operator, period, openings, reward, shares):
    """Return what each fleet sends, (F, R, Q, 2), and the company's answers."""
    operator.open_period(period, None)
    asked = operator.solve({"delivery": np.full(session.connection_shape, reward)}, openings)
    wanted = asked.quantities["delivery"]
    can = operator.evaluate({"delivery": wanted}, openings)
    operator.commit({"delivery": wanted})
    sent = np.zeros((len(session.fleets), *session.connection_shape[:2], 2))
    for number, (kwh, share) in enumerate(zip(session.vehicle_kwh.values(), shares, strict=True)):
        sent[number, :, :, 1] = share * wanted[:, :, 0]
        sent[number, :, :, 0] = np.ceil(sent[number, :, :, 1] / kwh - 1e-6)
    return sent, (asked, can)

"""A whole day of the charging stations' operator beside a road that does what it should, without HELICS and SUMO."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from federates.boundary.config import parse_config, read_yaml
from federates.power_operator.models.charging_station.operator import ChargingStationOperator
from federates.station.forecast import read_history
from federates.worlds.road.messages import StationObservation
from federates.worlds.road.session import RoadSession

FOLDER = Path(__file__).parents[2] / "scenarios" / "la_gcs" / "power_operator"
ROAD_TIME_S = np.array([[850.0, 1000.0], [600.0, 800.0]])
LIMITS = {"q1": 420.0, "q2": 360.0}
PRICE_USD_PER_VEH = 10.0
"""What a delivery costs, about its least in the Los Angeles day; at no price more would come than a negotiation sends."""


@dataclass
class Memory:
    """Recorder that keeps everything."""

    tables: dict = field(default_factory=dict)
    shown: list = field(default_factory=list)

    def record(self, table, **row):
        self.tables.setdefault(table, []).append(row)

    def progress(self, **fields):
        self.shown.append(fields)


def day_settings(changes):
    raw = read_yaml(FOLDER / "config.yaml")["settings"]
    for key, value in changes.items():
        raw[key] = {**raw[key], **value} if isinstance(value, dict) else value
    return parse_config(raw, ChargingStationOperator.Settings, "config.yaml")


def day_session(period_s=3600.0, bins=4, horizon=4, scheme="proposed", periods=None):
    return RoadSession(
        schema_version=1,
        name="day",
        scheme=scheme,
        resourceful_stations=("r1", "r2"),
        limited_stations=("q1", "q2"),
        links=("a",),
        periods=periods or int(86_400 / period_s),
        period_s=period_s,
        bins_per_period=bins,
        horizon_periods=horizon,
    )


class Road:
    """Vehicles leave evenly over their period and take their road time; all others pass by the typical day."""

    def __init__(self, session, settings, shape="pm_leaning", level=1.0, noise=0.0):
        self.session, self.level, self.noise = session, level, noise
        self.share = read_history(FOLDER, "data/weekday_hourly_share.csv", [shape])[1][shape]
        self.daily_veh = np.array([settings.stations[name].daily_volume_veh for name in session.stations])
        self.bin_s = session.period_s / session.bins_per_period
        self.count = np.zeros((4, (session.periods + 20) * session.bins_per_period))
        self.random = np.random.default_rng(1)

    def run(self, period, vehicles):
        s = self.session
        for r in range(2):
            for q in range(2):
                n = int(vehicles[r, q])
                leave_s = (period + (np.arange(n) + 0.5) / max(n, 1)) * s.period_s
                np.add.at(self.count[r], (leave_s // self.bin_s).astype(int), 1)
                np.add.at(self.count[2 + q], ((leave_s + ROAD_TIME_S[r, q]) // self.bin_s).astype(int), 1)
        now = slice(period * s.bins_per_period, (period + 1) * s.bins_per_period)
        hour = [int(b * self.bin_s / 3600) % 24 for b in range(now.start, now.stop)]
        passing = self.level * self.daily_veh[:, None] * self.share[hour][None, :] * self.bin_s / 3600
        return StationObservation(passing * (1 + self.noise * self.random.standard_normal(passing.shape)), self.count[:, now])


def run_day(session=None, changes=None, send=None, until=10_000, price_usd_per_veh=PRICE_USD_PER_VEH, **road):
    """Run a day in which the operator gets what it asks for at a price, in whole vehicles; return recorder and sent vehicles.

    From period ``until`` on it gets none.
    """
    session, settings = session or day_session(), day_settings(changes or {})
    operator, memory, world = ChargingStationOperator(settings, FOLDER), Memory(), Road(session, settings, **road)
    operator.begin(session, memory)
    observation, sent = None, []
    for period in range(session.periods):
        gate = operator.open_period(period, observation)
        assert gate.time_s.shape == gate.spots.shape == (4,)
        assert np.isfinite(gate.time_s).all()
        prices = np.full(session.connection_shape, price_usd_per_veh)
        connection = operator.solve({"delivery": prices}, {"road_time_s": ROAD_TIME_S}).quantities["delivery"].copy()
        connection[:, :, 0] = np.floor(connection[:, :, 0] + 0.5) if send is None else send
        connection[:, :, 0] *= period < until
        operator.evaluate({"delivery": connection}, {"road_time_s": ROAD_TIME_S})
        operator.commit({"delivery": connection})
        sent.append(connection[:, :, 0])
        observation = world.run(period, connection[:, :, 0])
    operator.open_period(session.periods, observation)
    return memory, np.array(sent)


def remaining_overload(memory, station, group, kept=None):
    """Return the share of overload left, in means over ``group`` consecutive bins; ``kept`` selects periods."""
    rows = [r for r in memory.tables["feeder_load"] if r["station"] == station and (kept is None or r["period"] in kept)]
    load = np.array([[r["load_without_kw"], r["load_with_kw"]] for r in rows]).reshape(-1, group, 2).mean(axis=1)
    without, with_ = np.maximum(load - LIMITS[station], 0.0).sum(axis=0)
    return with_ / without

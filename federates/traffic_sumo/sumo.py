"""The traffic model: a SUMO simulation that is moved on period by period."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np

from federates.boundary.config import Config
from federates.boundary.errors import ConfigError, ModelError, Problem
from federates.boundary.messages import Array
from federates.boundary.names import FLEETS, ROAD
from federates.boundary.roles import Recorder, TrafficModel
from federates.traffic_sumo import settings as options
from federates.traffic_sumo.checks import find_problems
from federates.traffic_sumo.control import DelayController
from federates.traffic_sumo.data import Road, load_road
from federates.traffic_sumo.demand import count_paths, draw_vehicles, enumerate_paths, leads_s, movement_peaks
from federates.traffic_sumo.detectors import LinkDetectors
from federates.traffic_sumo.engine import Sumo, new_scratch
from federates.traffic_sumo.fleet import Fleet
from federates.traffic_sumo.network import link_edges, plan_network
from federates.traffic_sumo.programs import netconvert
from federates.traffic_sumo.routes_file import write_routes
from federates.traffic_sumo.tables import record_clock, record_map, record_observation, record_trip
from federates.traffic_sumo.trips import Trip, check_routes
from federates.worlds.road.messages import Departure, StationObservation, TrafficObservation
from federates.worlds.road.session import RoadSession

T = TypeVar("T")

_FIRST_DEPARTURE_S = 2.0


class SumoTraffic(TrafficModel):
    """Los Angeles freeways (or any network given as csv files) in SUMO.

    Time 0 of the run is SUMO's time ``warm_up_s``. Vehicles on the road at the end of a period drive on in the next one.
    """

    Settings: ClassVar[type[Config]] = options.Settings
    worlds = (ROAD, FLEETS)

    def __init__(self, settings: options.Settings, folder: Path) -> None:
        super().__init__(settings, folder)
        self.settings: options.Settings = settings
        self._scratch: Path | None = None
        self._sumo: Sumo | None = None
        self._fleet: Fleet | None = None
        self._recorder: Recorder | None = None
        self._speeds: dict[str, float] = {}
        self._saved = b""

    @classmethod
    def check(cls, settings: options.Settings, folder: Path, session: RoadSession) -> list[Problem]:
        """Return everything wrong with settings and data files."""
        return find_problems(settings, folder, session)

    def begin(self, session: RoadSession, recorder: Recorder) -> None:
        """Build the network, draw the vehicles of the whole run, start SUMO and fill the road."""
        problems = self.check(self.settings, self.folder, session)
        if problems:
            raise ConfigError(problems)
        settings = self.settings
        self._session, self._recorder = session, recorder
        self._road: Road = load_road(settings, self.folder)
        self._scratch = new_scratch()
        self._zero_s = float(settings.warm_up_s)
        self._sumo = Sumo(settings.engine, self._options(self._scratch), self._scratch, settings.start_timeout_s)
        self._fleet = Fleet(self._sumo, self._zero_s)
        self._detectors = LinkDetectors(self._sumo, list(self._road.links.values()))
        self._control = DelayController(self._road, settings, session.start_hour)
        record_clock(recorder, session)
        record_map(recorder, session, self._road, self._junctions)
        self._now_s = -self._zero_s
        self._next_control_s = self._now_s
        self._advance(0.0, np.zeros((len(session.stations), 1)), np.zeros(1))
        self._detectors.observe(session.links, settings.free_speed_m_per_s)

    def run(self, period: int, departures: list[Departure]) -> TrafficObservation:
        """Move on through ``period``."""
        session, fleet = self._session, _running(self._fleet)
        self._refuse_broken(departures)
        begin_s, end_s = period * session.period_s, (period + 1) * session.period_s
        edges_s = np.linspace(begin_s, end_s, session.bins_per_period + 1)
        passing = np.zeros((len(session.stations), session.bins_per_period))
        arrivals = np.zeros_like(passing)
        sent = fleet.send(period, begin_s, session.period_s, _FIRST_DEPARTURE_S, departures)
        for trip in sent:
            arrivals[session.stations.index(trip.origin), _bin(trip.planned_s, edges_s)] += 1
        arrived = 0
        for number in range(session.bins_per_period):
            for trip in self._advance(float(edges_s[number + 1]), passing, edges_s):
                arrivals[session.stations.index(trip.destination), _bin(trip.arrive_s, edges_s)] += 1
                arrived += 1
        links = self._detectors.observe(session.links, self.settings.free_speed_m_per_s)
        observation = TrafficObservation(links, StationObservation(passing, arrivals))
        record_observation(_running(self._recorder), session, period, observation)
        self._report(period, len(sent), arrived)
        is_last = period == session.periods - 1
        if is_last:
            self._record_unfinished(fleet)
        if self.settings.period_states:
            self._saved = _running(self._sumo).save()
            if not is_last:
                self._load()
        return observation

    def state(self) -> dict[str, Any] | None:
        """Return SUMO's state and what is kept beside it; None without `period_states`."""
        if not self._saved:
            return None
        fleet, detectors, control = _running(self._fleet).state(), self._detectors.state(), self._control.state()
        times = {"now_s": self._now_s, "next_control_s": self._next_control_s, "speeds": dict(self._speeds)}
        return {"sumo": self._saved, "fleet": fleet, "detectors": detectors, "control": control, **times}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on with what `state` has returned."""
        _running(self._fleet).restore(state["fleet"])
        self._detectors.restore(state["detectors"])
        self._control.restore(state["control"])
        self._saved, self._speeds = state["sumo"], dict(state["speeds"])
        self._now_s, self._next_control_s = state["now_s"], state["next_control_s"]
        self._load()

    def _load(self) -> None:
        """Begin the next period from SUMO's saved state, at the speeds that were set."""
        sumo = _running(self._sumo)
        sumo.load(self._saved, self._zero_s + self._now_s)
        for edge, speed in self._speeds.items():
            sumo.call(sumo.api.edge.setMaxSpeed, edge, speed)

    def close(self) -> None:
        """End SUMO, record the vehicles that did not arrive, remove the scratch folder."""
        if self._fleet is not None:
            self._record_unfinished(self._fleet)
        self._fleet = None
        if self._sumo is not None:
            self._sumo.close()
            self._sumo = None
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)
            self._scratch = None

    def _options(self, scratch: Path) -> list[str]:
        """Write network and vehicles to ``scratch`` and return SUMO's options."""
        settings, session, road = self.settings, self._session, self._road
        paths = enumerate_paths(road)
        counts = count_paths(road, paths, settings.demand_scale)
        sources, sinks = list(session.resourceful_stations), list(session.limited_stations)
        network = plan_network(road, settings, movement_peaks(paths, counts), sources, sinks)
        net_file, route_file = netconvert(network, scratch), scratch / "traffic.rou.xml"
        window_s = (-settings.warm_up_s, session.periods * session.period_s)
        lead_s = leads_s(road, paths, settings.free_speed_m_per_s)
        vehicles = draw_vehicles(counts, lead_s, session.seed, window_s, session.start_hour, settings.truck_share)
        write_routes(route_file, settings, paths, vehicles, self._zero_s)
        command = ["--net-file", str(net_file), "--route-files", str(route_file), "--seed", str(session.seed)]
        command += ["--step-length", f"{settings.step_s:g}", "--time-to-teleport", "-1", "--no-warnings", "true"]
        command += ["--xml-validation", "never", "--xml-validation.net", "never"]
        if settings.resolution is options.Resolution.MESOSCOPIC:
            command += ["--mesosim", "true", "--meso-edgelength", f"{settings.segment_m:g}", "--meso-overtaking", "true"]
        return command

    def _advance(self, until_s: float, passing: Array, edges_s: Array) -> list[Trip]:
        """Simulate until ``until_s``, count, apply the delay law, take arrived vehicles out; return their trips."""
        sumo, fleet = _running(self._sumo), _running(self._fleet)
        arrived: list[Trip] = []
        while self._now_s < until_s - 1e-6:
            if self._now_s >= self._next_control_s - 1e-6:
                self._set_speeds(sumo)
            begin_s, self._now_s = self._now_s, min(until_s, self._now_s + self.settings.poll_s, self._next_control_s)
            sumo.step_to(self._zero_s + self._now_s)
            crossings = self._detectors.poll(self._now_s - begin_s)
            for link, crossing in crossings.items():
                self._control.count(link, crossing.entered, begin_s, self._now_s)
                fleet.note_passed(link, crossing.storages)
            for i, name in enumerate(self._session.stations):
                watched = crossings[self.settings.stations[name].passing_link]
                passing[i, _bin((begin_s + self._now_s) / 2, edges_s)] += watched.passed_other
            for trip in fleet.collect():
                record_trip(_running(self._recorder), trip)
                arrived.append(trip)
        return arrived

    def _set_speeds(self, sumo: Sumo) -> None:
        if self.settings.delay_law is options.DelayLaw.CALIBRATED:
            for link in self._road.links:
                speed = self._control.speed_m_per_s(link, self._now_s)
                for edge in link_edges(link):
                    sumo.call(sumo.api.edge.setMaxSpeed, edge, speed)
                    self._speeds[edge] = speed
        self._next_control_s = self._now_s + self.settings.control_s

    def _refuse_broken(self, departures: list[Departure]) -> None:
        ends = {link.name: (link.start, link.end) for link in self._road.links.values()}
        check_routes(departures, ends, self._junctions)

    @property
    def _junctions(self) -> dict[str, str]:
        return {name: site.junction for name, site in self.settings.stations.items()}

    def _record_unfinished(self, fleet: Fleet) -> None:
        for trip in fleet.trips.values():
            record_trip(_running(self._recorder), trip)
        fleet.trips.clear()

    def _report(self, period: int, sent: int, arrived: int) -> None:
        sumo = _running(self._sumo)
        waiting = int(sumo.call(sumo.api.simulation.getParameter, "", "stats.vehicles.waiting"))
        teleports = int(sumo.call(sumo.api.simulation.getParameter, "", "stats.teleports.total"))
        fleet = _running(self._fleet)
        _running(self._recorder).progress(
            period=period,
            vehicles=self._detectors.vehicles(),
            waiting_to_enter=waiting,
            teleports=teleports,
            mves_sent=sent,
            mves_arrived=arrived,
            mves_on_road=len(fleet.trips),
        )


def _running(thing: T | None) -> T:
    """Return ``thing``, or say that the model was not begun or is closed."""
    if thing is None:
        raise ModelError("the traffic model is not running: begin() was not called, or close() was")
    return thing


def _bin(time_s: float, edges_s: Array) -> int:
    """Return the bin that ``time_s`` falls into; times outside belong to the nearest bin."""
    return int(np.clip(np.searchsorted(edges_s, time_s, side="right") - 1, 0, max(0, edges_s.size - 2)))

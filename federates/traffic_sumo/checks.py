"""Everything wrong with settings and data that can be found without running SUMO."""

from __future__ import annotations

from pathlib import Path

from federates.boundary.errors import ConfigError, ModelError, Problem
from federates.traffic_sumo.data import Road, load_road
from federates.traffic_sumo.engine import import_engine
from federates.traffic_sumo.network import GORE_M, MERGE_M
from federates.traffic_sumo.programs import find_program
from federates.traffic_sumo.settings import Engine, RoadSettings, Settings
from federates.worlds.road.session import RoadSession

_CONFIG = "config.yaml"
_STEP_TOLERANCE = 1e-9


def find_problems(settings: Settings, folder: Path, session: RoadSession) -> list[Problem]:
    """Return all problems; the files' own first."""
    problems: list[Problem] = []
    for program in ("sumo", "netconvert"):
        try:
            find_program(program)
        except ConfigError as error:
            problems.extend(error.problems)
    problems.extend(_engine_problems(settings))
    problems.extend(_step_problems(settings, session))
    found, road = find_road_problems(settings, folder, session)
    return problems + found + ([] if road is None else _poll_problems(settings, road))


def find_road_problems(settings: RoadSettings, folder: Path, session: RoadSession) -> tuple[list[Problem], Road | None]:
    """Return what is wrong with sites and data files, whatever moves the vehicles; and the road, if its files can be read."""
    problems = _station_problems(settings, session)
    try:
        road = load_road(settings, folder)
    except ConfigError as error:
        return problems + error.problems, None
    known = ", ".join(road.links)
    problems += [
        Problem(settings.links_file, "link", name, f"a link of the session has no row; rows: {known}")
        for name in session.links
        if name not in road.links
    ]
    return problems + _site_problems(settings, session, road), road


def _engine_problems(settings: Settings) -> list[Problem]:
    try:
        import_engine(settings.engine)
    except ModelError as error:
        return [Problem(_CONFIG, "settings.engine", settings.engine.value, str(error))]
    except ImportError as error:
        allowed = f"install it with `pip install {settings.engine.value}`"
        if settings.engine is Engine.LIBSUMO:
            allowed += ", or set `engine: traci`"
        return [Problem(_CONFIG, "settings.engine", settings.engine.value, f"cannot be imported ({error}): {allowed}")]
    return []


def _station_problems(settings: RoadSettings, session: RoadSession) -> list[Problem]:
    problems = []
    for name in session.stations:
        if name not in settings.stations:
            known = ", ".join(settings.stations)
            problems.append(
                Problem(_CONFIG, f"settings.stations.{name}", "missing", f"every station needs a site; given: {known}")
            )
    for name in settings.stations:
        if name not in session.stations:
            known = ", ".join(session.stations)
            problems.append(Problem(_CONFIG, f"settings.stations.{name}", name, f"no station of the session: {known}"))
    return problems


def _step_problems(settings: Settings, session: RoadSession) -> list[Problem]:
    bin_s = session.period_s / session.bins_per_period
    if bin_s >= settings.step_s and abs(bin_s / settings.step_s - round(bin_s / settings.step_s)) < _STEP_TOLERANCE:
        return []
    allowed = f"must divide a bin of the session, {bin_s:g} s (period_s / bins_per_period): SUMO counts by whole steps"
    return [Problem(_CONFIG, "settings.step_s", f"{settings.step_s:g}", allowed)]


def _poll_problems(settings: Settings, road: Road) -> list[Problem]:
    problems = []
    for link in road.links.values():
        main_s = (1000.0 * link.length_km - MERGE_M - GORE_M) / (settings.free_speed_m_per_s * 1.15)
        if main_s < settings.poll_s:
            allowed = f"at most {main_s:.0f} s, the shortest drive over link {link.name}, or vehicles are missed"
            problems.append(Problem(_CONFIG, "settings.poll_s", f"{settings.poll_s:g}", allowed))
    return problems


def _site_problems(settings: RoadSettings, session: RoadSession, road: Road) -> list[Problem]:
    problems = []
    for name, site in settings.stations.items():
        field = f"settings.stations.{name}"
        if site.junction not in road.junctions:
            allowed = f"a junction of {settings.junctions_file}: {', '.join(road.junctions)}"
            problems.append(Problem(_CONFIG, f"{field}.junction", site.junction, allowed))
        elif name in session.resourceful_stations and not road.out_of(site.junction):
            starts = ", ".join(sorted({link.start for link in road.links.values()}))
            allowed = f"no link leaves it: a station that sends vehicles needs one of {starts}"
            problems.append(Problem(_CONFIG, f"{field}.junction", site.junction, allowed))
        elif name in session.limited_stations and not road.into(site.junction):
            ends = ", ".join(sorted({link.end for link in road.links.values()}))
            allowed = f"no link reaches it: a station that receives vehicles needs one of {ends}"
            problems.append(Problem(_CONFIG, f"{field}.junction", site.junction, allowed))
        if site.passing_link not in road.links:
            allowed = f"a link of {settings.links_file}: {', '.join(road.links)}"
            problems.append(Problem(_CONFIG, f"{field}.passing_link", site.passing_link, allowed))
    return problems

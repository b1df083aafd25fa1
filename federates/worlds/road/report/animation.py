"""The day on the road as a moving picture: vehicles on the map, roads by speed, feeders by load."""

from __future__ import annotations

from typing import Any

import numpy as np

from federates.reporting.animation import HEIGHT, WIDTH, Animation, Film
from federates.reporting.formatting import number
from federates.worlds.road.report.links import KMH_PER_M_PER_S, Geometry, link_grid, load_geometry, no_links
from federates.worlds.road.report.load import bin_load
from federates.worlds.road.report.run import RoadRun, bins_name, traffic_name

_MAP = (20.0, 46.0, 560.0, 405.0)
"""Left, top, width and height of the map."""
_BARS = (640.0, 90.0, 300.0, 330.0)
_SPEEDS_KMH = (30.0, 50.0, 70.0, 90.0)
_GREYS = ("#1b1b1b", "#4d4d4d", "#7f7f7f", "#ababab", "#d2d2d2")
"""From slow to fast: dark roads are slow."""
_LOOKS = (("circle", "#0072B2"), ("square", "#D55E00"), ("triangle", "#009E73"), ("circle", "#CC79A7"))
"""Shape and colour of vehicles, by where they go."""
_WITHOUT: dict[str, Any] = {"fill": "none", "stroke": "#D55E00", "stroke_width": 1.6, "stroke_dasharray": "4 2"}
_WITH: dict[str, Any] = {"fill": "#0072B2"}


def _draw(run: RoadRun, film: Film) -> None:
    geometry = load_geometry(run)
    assert geometry is not None
    place = _projection(geometry)
    film.text(
        20,
        28,
        f"Vehicles that carry energy, and what it does to the feeders: {run.session.name}",
        font_size="17",
        font_weight="bold",
    )
    _roads(run, film, geometry, place)
    _vehicles(run, film, geometry, place)
    _sites(run, film, geometry, place)
    _feeders(run, film)
    _key(run, film)
    film.clock(60, HEIGHT - 40, WIDTH - 120)


def _projection(geometry: Geometry) -> Any:
    left, top, width, height = _MAP
    points = np.concatenate(list(geometry.links.values()))
    low, shrink = points.min(axis=0), np.array([np.cos(np.deg2rad(geometry.mean_latitude_deg)), 1.0])
    extent = np.maximum(np.ptp(points, axis=0) * shrink, 1e-9)
    scale = min((width - 40) / extent[0], (height - 40) / extent[1])

    def place(point: Any) -> tuple[float, float]:
        x, y = (np.asarray(point) - low) * shrink * scale
        return left + 20 + float(x), top + height - 20 - float(y)

    return place


def _roads(run: RoadRun, film: Film, geometry: Geometry, place: Any) -> None:
    speeds = KMH_PER_M_PER_S * link_grid(run, "link_state", "speed_m_per_s")
    hours = [float(run.clock_h(period)) for period in range(run.session.periods)]
    for name, points in geometry.links.items():
        colours = [_GREYS[-1]] * len(hours)
        if name in run.session.links:
            row = speeds[run.session.links.index(name)]
            colours = [_GREYS[int(np.searchsorted(_SPEEDS_KMH, v))] if np.isfinite(v) else "#d2d2d2" for v in row]
        film.line(
            [place(point) for point in points],
            film.steps("stroke", hours, colours),
            stroke=colours[0],
            stroke_width=5,
            stroke_linejoin="round",
        )


def _vehicles(run: RoadRun, film: Film, geometry: Geometry, place: Any) -> None:
    shapes = _shapes(run, film)
    trips = run.frame("deliveries")
    trips = trips[(trips["arrive_s"] >= 0) & trips["destination"].isin(shapes)]
    start = run.session.start_hour
    routes: dict[str, str] = {}
    for row in trips.sort_values("depart_s", kind="stable").itertuples(index=False):
        route = str(row.route)
        if route not in routes:
            links = [geometry.links[name] for name in route.split("|") if name in geometry.links]
            if not links:
                continue
            routes[route] = film.path(f"route{len(routes)}", (place(point) for link in links for point in link))
        moved = film.along(routes[route], start + row.depart_s / 3600.0, start + row.arrive_s / 3600.0)
        film.add("use", moved, href=f"#{shapes[row.destination]}")


def _shapes(run: RoadRun, film: Film) -> dict[str, str]:
    """Define a mark for the vehicles to each limited station; return its name by station."""
    found = {}
    for k, station in enumerate(run.session.limited_stations):
        shape, colour = _LOOKS[k % len(_LOOKS)]
        look: dict[str, Any] = {"id": f"to{k}", "fill": colour, "stroke": "#ffffff", "stroke_width": 0.8}
        if shape == "circle":
            film.definitions.append(film.element("circle", r=4, **look))
        elif shape == "square":
            film.definitions.append(film.element("rect", x=-3.5, y=-3.5, width=7, height=7, **look))
        else:
            film.definitions.append(film.element("path", d="M0 -5 L4.5 3.5 L-4.5 3.5 Z", **look))
        found[station] = f"to{k}"
    return found


def _sites(run: RoadRun, film: Film, geometry: Geometry, place: Any) -> None:
    for name, point in geometry.stations.items():
        x, y = place(point)
        round_ = name in run.session.resourceful_stations
        film.box(x - 13, y - 11, 26, 22, rx=11 if round_ else 2, fill="#ffffff", stroke="#1c1f23", stroke_width=1.6)
        film.text(x, y + 5, name, text_anchor="middle", font_weight="bold")


def _feeders(run: RoadRun, film: Film) -> None:
    """Draw a bar per station: load without (outline) and with mobile storage (filled), as a share of the feeder's limit."""
    left, top, width, height = _BARS
    load = bin_load(run)
    names = [name for name in run.session.stations if name in set(load["station"])]
    most = 1.05 * max(1.0, *(float((load[column] / load["limit_kw"]).max()) for column in ("load_without_kw", "load_with_kw")))
    film.text(left, top - 22, "Feeder load, share of its limit", font_weight="bold")
    for share in np.arange(0.0, most, 0.5):
        y = top + height * (1.0 - share / most)
        look: dict[str, Any] = {"stroke": "#1c1f23" if share == 1.0 else "#d9d9d9", "stroke_width": 2 if share == 1.0 else 1}
        look |= {"stroke_dasharray": "8 3 2 3"} if share == 1.0 else {}
        film.line([(left, y), (left + width, y)], **look)
        film.text(left - 6, y + 4, f"{100 * share:.0f} %", text_anchor="end", font_size="11")
    step = width / max(len(names), 1)
    for k, name in enumerate(names):
        own, x = load[load["station"] == name], left + (k + 0.5) * step
        hours = own["clock_h"].tolist()
        for column, wide, look in (("load_without_kw", 0.56, _WITHOUT), ("load_with_kw", 0.34, _WITH)):
            share = (own[column] / own["limit_kw"]).clip(lower=0.0).to_numpy(float)
            tall = (height * share / most).round(1).tolist()
            tops = [round(2000.0 + top + height - value, 1) for value in tall]
            moves = film.steps("height", hours, tall) + film.steps("y", hours, tops)
            film.box(x - wide * step / 2, top + height - tall[0], wide * step, tall[0], moves, **look)
        film.text(x, top + height + 18, name, text_anchor="middle", font_weight="bold")


def _key(run: RoadRun, film: Film) -> None:
    x, y = 30.0, HEIGHT - 74
    for k, station in enumerate(run.session.limited_stations):
        film.add("use", href=f"#to{k}", transform=f"translate({2000 + x:g} {2000 + y - 4:g})")
        film.text(x + 10, y, f"to {station}")
        x += 64
    film.text(x + 6, y, "road speed (km/h):")
    x += 132
    for k, colour in enumerate(_GREYS):
        film.box(x + 46 * k, y - 10, 12, 10, fill=colour)
        words = f"< {_SPEEDS_KMH[0]:g}" if k == 0 else f"{_SPEEDS_KMH[k - 1]:g}+"
        film.text(x + 46 * k + 15, y, words, font_size="11")
    x = _BARS[0]
    film.box(x, y - 10, 12, 10, **_WITHOUT)
    film.text(x + 17, y, "without mobile storage")
    film.box(x + 174, y - 10, 12, 10, **_WITH)
    film.text(x + 191, y, "with")


def _obstacle(run: RoadRun) -> str:
    if load_geometry(run) is None:
        return "the run holds no geometry of the network"
    return no_links(run) or run.lacks("link_state", "feeder_load")


def _reading(run: RoadRun) -> str:
    trips = run.frame("deliveries")
    count = int((trips["arrive_s"] >= 0).sum())
    return (
        f"{number(count)} vehicles with energy drive from the resourceful stations (round) to the limited ones (square), as "
        f"{traffic_name(run)} has them leave and arrive; between the two they are drawn at an even speed. Roads are dark where "
        f"traffic is slow. Right: load of every feeder by {bins_name(run)}, as a share of its limit (dash-dotted), without "
        "mobile storage (outline) and with it (filled)."
    )


DAY = Animation("Moving energy by vehicle: the day", _obstacle, _draw, _reading)

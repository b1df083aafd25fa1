"""The day by rail as a moving picture: trains on the time-space diagram, and what the batteries hold and do."""

from __future__ import annotations

import numpy as np

from federates.reporting.animation import HEIGHT, OFFSET, Animation, Film
from federates.reporting.figures import COLOURS, by_period, hour_edges
from federates.reporting.formatting import number
from federates.worlds.rail.report.metrics import moves
from federates.worlds.rail.report.run import RailRun
from federates.worlds.rail.report.storage import course, stations_of

_LEFT, _RIGHT, _TOP, _BOTTOM = 110.0, 640.0, 90.0, 440.0
"""Edges of the time-space diagram."""
_BARS = (730.0, 180.0)
"""Left and width of the bars of stored energy."""
_LEAST_MW = 0.05
_STATES = (("+ charges", "#56B4E9"), ("\u2212 discharges", "#E69F00"), ("rests", "#8a8f98"))


def _draw(run: RailRun, film: Film) -> None:
    film.text(20, 28, f"Trains that carry batteries, and what these hold: {run.session.name}", font_size="17", font_weight="bold")
    rows = {
        name: _TOP + 30 + k * (_BOTTOM - _TOP - 60) / max(1, len(run.session.stations) - 1)
        for k, name in enumerate(run.session.stations)
    }
    for name, y in rows.items():
        film.line([(_LEFT, y), (_RIGHT, y)], stroke="#d9d9d9", stroke_width=1)
        film.text(_LEFT - 10, y + 5, name, text_anchor="end", font_weight="bold")
    _now(film)
    _trains(run, film, rows)
    _batteries(run, film, rows)
    film.clock(_LEFT, _BOTTOM + 12, _RIGHT - _LEFT)


def _now(film: Film) -> None:
    moved = film.element(
        "animate",
        attributeName="x",
        from_=f"{OFFSET + _LEFT - 1:g}",
        to=f"{OFFSET + _RIGHT - 1:g}",
        dur=f"{film.seconds:g}s",
        fill="freeze",
    )
    film.box(_LEFT - 1, _TOP, 2, _BOTTOM - _TOP + 12, moved, fill="#D55E00")


def _trains(run: RailRun, film: Film, rows: dict[str, float]) -> None:
    edges, table = hour_edges(run.session), moves(run, "realised")
    width = (_RIGHT - _LEFT) / (edges[-1] - edges[0])
    names = [train.name for train in run.session.trains]
    for k, name in enumerate(names):
        hours, places = course(run, table[table["train"] == name], rows)
        if not len(hours):
            continue
        shift = 7.0 * (k - (len(names) - 1) / 2.0)
        points = [(_LEFT + width * (hour - edges[0]), y + shift) for hour, y in zip(hours, places, strict=True)]
        colour = COLOURS[k % len(COLOURS)]
        dash = ("", "9 4", "2 3", "9 3 2 3")[k % 4]
        film.line(points, stroke=colour, stroke_width=2, stroke_opacity=0.75, **({"stroke_dasharray": dash} if dash else {}))
        lengths = np.concatenate([[0.0], np.hypot(*np.diff(np.array(points), axis=0).T).cumsum()])
        share = lengths / lengths[-1] if lengths[-1] else lengths
        timing = {
            "calcMode": "linear",
            "keyPoints": ";".join(f"{value:.5f}" for value in share),
            "keyTimes": ";".join(f"{value:.5f}" for value in (hours - hours[0]) / (hours[-1] - hours[0])),
            "fill": "freeze",
        }
        moved = film.along(film.path(f"train{k}", points), float(hours[0]), float(hours[-1]), **timing)
        film.add("circle", moved, r=7, fill=colour, stroke="#ffffff", stroke_width=1.5)
        film.line(
            [(_LEFT + 110 * k, 58), (_LEFT + 110 * k + 26, 58)],
            stroke=colour,
            stroke_width=3,
            **({"stroke_dasharray": dash} if dash else {}),
        )
        film.text(_LEFT + 110 * k + 32, 62, name)


def _batteries(run: RailRun, film: Film, rows: dict[str, float]) -> None:
    """Draw a bar per station, and one for the trains: stored energy, coloured and marked by whether it charges or discharges."""
    left, width = _BARS
    state, carried = run.frame("storage_state"), run.frame("train_storage")
    stations = [name for name in stations_of(run) if name in rows]
    energy = {name: np.nan_to_num(by_period(run, state[state["station"] == name], "energy_mwh")) for name in stations}
    energy["on trains"] = np.nan_to_num(by_period(run, carried, "energy_mwh"))
    most = max(1e-9, *(float(values.max()) for values in energy.values()))
    hours = [float(run.clock_h(period)) for period in range(run.session.periods)]
    film.text(left, _TOP - 32, "Stored energy", font_weight="bold")
    film.text(left, _TOP - 14, f"full width: {number(most, 1)} MWh", font_size="11")
    for name, values in energy.items():
        y = rows.get(name, _BOTTOM + 38)
        wide = [round(width * value / most, 1) for value in values.tolist()]
        film.box(left, y - 12, width, 24, fill="none", stroke="#d9d9d9")
        content, colours = film.steps("width", hours, wide), [_STATES[2][1]] * len(hours)
        if name in stations:
            states = _states(run, name)
            colours = [_STATES[entry][1] for entry in states]
            _signs(film, left + width + 8, y + 6, hours, states)
        else:
            film.text(left - 8, y + 5, name, text_anchor="end")
        film.box(left, y - 12, wide[0], 24, content + film.steps("fill", hours, colours), fill=colours[0])
    for k, (words, colour) in enumerate(_STATES):
        film.box(left + 112 * k - 110, HEIGHT - 28, 12, 12, fill=colour)
        film.text(left + 112 * k - 94, HEIGHT - 18, words)


def _states(run: RailRun, name: str) -> list[int]:
    state = run.frame("storage_state")
    own = state[state["station"] == name]
    charge, discharge = (np.nan_to_num(by_period(run, own, column)) for column in ("charge_mw", "discharge_mw"))
    return [0 if up - down > _LEAST_MW else 1 if down - up > _LEAST_MW else 2 for up, down in zip(charge, discharge, strict=True)]


def _signs(film: Film, x: float, y: float, hours: list[float], states: list[int]) -> None:
    """Write + where a station charges and - where it discharges: the colours look alike in grey."""
    for entry, sign in ((0, "+"), (1, "\u2212")):
        shown = film.steps("opacity", hours, ["1" if found == entry else "0" for found in states])
        film.add("text", sign + shown, x=OFFSET + x, y=OFFSET + y, font_size="18", font_weight="bold", opacity=0)


def _obstacle(run: RailRun) -> str:
    return run.lacks("train_moves", "storage_state", "train_storage")


def _reading(run: RailRun) -> str:
    return (
        "Left: the trains as they went, level where one stands and sloping where it moves; the mark is where it is now. Right: "
        "energy in the batteries at every station and on the trains at the end of the period; + where a station charges, "
        "\u2212 where it discharges."
    )


DAY = Animation("Moving energy by train: the day", _obstacle, _draw, _reading)

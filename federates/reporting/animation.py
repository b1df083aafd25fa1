"""A day as a moving picture: an SVG that moves by itself (SMIL), or a page around it with a button and a slider.

A world draws into a `Film`, which knows when an hour of the day is shown. The file needs nothing but itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from federates.boundary.errors import ConfigError, PortageError, Problem
from federates.reporting.figures import hour_edges
from federates.reporting.page import render_page
from federates.reporting.tables import RunTables

Run = RunTables[Any]
WIDTH, HEIGHT = 960.0, 540.0
"""Size of the picture, 16:9, in the units of its coordinates."""
OFFSET = 2000.0
"""The picture's corner lies here, so that what has not begun to move, at 0, 0, is out of sight."""


@dataclass(frozen=True, slots=True)
class Animation:
    """How a world shows its day: title, what keeps it from being shown (empty: nothing), what draws it and how to read it."""

    title: str
    obstacle: Callable[[Run], str]
    draw: Callable[[Run, Film], None]
    reading: Callable[[Run], str]


class Film:
    """A picture that is drawn and moved; x goes to the right and y down, from 0 to `WIDTH` and `HEIGHT`.

    Attributes
    ----------
    seconds : float
        How long the run's day takes in the picture.
    """

    def __init__(self, run: Run, seconds: float) -> None:
        edges = hour_edges(run.session)
        self._start_h, self._end_h = float(edges[0]), float(edges[-1])
        self.seconds = seconds
        self.parts: list[str] = []
        self.definitions: list[str] = []

    def at(self, hour: float) -> float:
        """Return the second of the picture at which an hour (after midnight of the first day) is shown."""
        share = (hour - self._start_h) / (self._end_h - self._start_h)
        return self.seconds * min(max(share, 0.0), 1.0)

    def element(self, name: str, content: str = "", **attributes: Any) -> str:
        """Return an element; ``_`` in the name of an attribute stands for a hyphen, numbers are rounded."""
        text = "".join(f' {key.rstrip("_").replace("_", "-")}="{_value(value)}"' for key, value in attributes.items())
        return f"<{name}{text}>{content}</{name}>" if content else f"<{name}{text}/>"

    def add(self, name: str, content: str = "", **attributes: Any) -> None:
        """Draw an element on top of what there is."""
        self.parts.append(self.element(name, content, **attributes))

    def text(self, x: float, y: float, words: str, **look: Any) -> None:
        """Write words."""
        self.add("text", escape(words), x=OFFSET + x, y=OFFSET + y, **look)

    def line(self, points: Sequence[tuple[float, float]], content: str = "", **look: Any) -> None:
        """Draw a line through points."""
        places = " ".join(f"{_value(OFFSET + x)},{_value(OFFSET + y)}" for x, y in points)
        self.add("polyline", content, points=places, fill="none", **look)

    def box(self, x: float, y: float, width: float, height: float, content: str = "", **look: Any) -> None:
        """Draw a rectangle."""
        self.add("rect", content, x=OFFSET + x, y=OFFSET + y, width=width, height=height, **look)

    def steps(self, attribute: str, hours: Sequence[float], values: Sequence[Any]) -> str:
        """Return what sets an attribute to each value from its hour on."""
        shares = [self.at(hour) / self.seconds for hour in hours]
        pairs = [(share, value) for share, value in zip(shares, values, strict=True)]
        # SMIL wants the first moment to be 0.
        pairs = [(0.0, pairs[0][1]), *(pair for pair in pairs if pair[0] > 0.0)]
        return self.element(
            "animate",
            attributeName=attribute,
            calcMode="discrete",
            dur=f"{_value(self.seconds)}s",
            keyTimes=";".join(f"{share:.5f}" for share, _ in pairs),
            values=";".join(_value(value) for _, value in pairs),
            fill="freeze",
        )

    def along(self, path: str, start_h: float, end_h: float, **more: Any) -> str:
        """Return what moves an element along a path (its id) while the day goes from one hour to another."""
        begin = self.at(start_h)
        length = max(self.at(end_h) - begin, 0.02)
        mpath = self.element("mpath", href=f"#{path}")
        return self.element("animateMotion", mpath, begin=f"{begin:.2f}s", dur=f"{length:.2f}s", **more)

    def path(self, name: str, points: Iterable[tuple[float, float]]) -> str:
        """Keep a path under a name, for `along`; return the name."""
        corners = " L".join(f"{_value(OFFSET + x)} {_value(OFFSET + y)}" for x, y in points)
        self.definitions.append(self.element("path", id=name, d=f"M{corners}"))
        return name

    def clock(self, x: float, y: float, width: float) -> None:
        """Draw the hours of the day as an axis, and a mark that moves along it."""
        self.line([(x, y), (x + width, y)], stroke="#1c1f23", stroke_width=1.5)
        span = self._end_h - self._start_h
        step = next((step for step in (1, 2, 3, 4, 6, 12, 24) if span / step <= 12), 24)
        for hour in range(math.ceil(self._start_h), math.floor(self._end_h) + 1):
            if hour % step == 0 or span <= 2:
                at = x + width * (hour - self._start_h) / span
                self.line([(at, y), (at, y + 5)], stroke="#1c1f23", stroke_width=1.5)
                self.text(at, y + 20, f"{hour if hour == 24 else hour % 24}:00", text_anchor="middle")
        moved = self.element(
            "animate", attributeName="x", from_=_value(OFFSET + x - 2), to=_value(OFFSET + x + width - 2),
            dur=f"{_value(self.seconds)}s", fill="freeze",
        )  # fmt: skip
        self.box(x - 2, y - 9, 4, 18, moved, fill="#D55E00")

    def svg(self, title: str, reading: str) -> str:
        """Return the whole picture."""
        head = self.element("title", escape(title), id="film-title") + self.element("desc", escape(reading), id="film-desc")
        ground = self.element("rect", x=OFFSET, y=OFFSET, width=WIDTH, height=HEIGHT, fill="#ffffff")
        body = f"{head}{self.element('defs', ''.join(self.definitions))}{ground}{''.join(self.parts)}"
        return self.element(
            "svg",
            body,
            xmlns="http://www.w3.org/2000/svg",
            viewBox=f"{OFFSET:g} {OFFSET:g} {WIDTH:g} {HEIGHT:g}",
            role="img",
            aria_labelledby="film-title",
            aria_describedby="film-desc",
            font_family="system-ui, 'DejaVu Sans', sans-serif",
            font_size="13",
            fill="#1c1f23",
        )


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return escape(str(value), quote=True)


def write_animation(folder: Path, file: Path, seconds: float = 60.0) -> Path:
    """Write the day of a run as a moving picture, ``.svg`` or ``.html``, and return the file.

    Raises
    ------
    ConfigError : the file has another ending, or the folder is no run's.
    PortageError : the run's world shows no day, or the run lacks what it is made of.
    """
    if file.suffix not in (".svg", ".html"):
        raise ConfigError([Problem("portage figures", "--animate", file.name, "must end in .svg or .html")])
    run: Run = RunTables.read(folder)
    animation = run.world.animation
    if animation is None:
        raise PortageError(f"{folder}: days of the world {run.session.world} are not animated")
    if obstacle := animation.obstacle(run):
        raise PortageError(f"{folder}: the day cannot be animated: {obstacle}")
    film = Film(run, seconds)
    animation.draw(run, film)
    reading = animation.reading(run)
    svg = film.svg(animation.title, reading)
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix == ".svg":
        file.write_text(svg + "\n", encoding="utf-8")
        return file
    return render_page("animation.html.j2", file, title=animation.title, reading=reading, svg=svg, seconds=seconds)

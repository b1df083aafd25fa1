"""Sankey figure of an energy account: one stem from left to right, losses downwards, what is on board upwards, to scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from federates.reporting.energy_account import EnergyAccount
from federates.reporting.figures import BLACK, new_figure, paper_style
from federates.reporting.formatting import number, percent
from federates.reporting.media import medium, pt

_ON_BOARD = {"waiting_kwh", "under_way_kwh", "parked_kwh"}
_NAMES = {
    "charging_loss_kwh": "Charging\nloss",
    "waiting_kwh": "On board,\nnot yet left",
    "retention_loss_kwh": "Lost in the\nbattery",
    "traction_kwh": "Traction",
    "under_way_kwh": "On board,\nunder way",
    "parked_kwh": "On board,\nparked",
    "discharging_loss_kwh": "Discharging\nloss",
}
_STEM: dict[str, Any] = {"facecolor": "#9ecae1", "edgecolor": "#9ecae1", "linewidth": 0.3}
_BOARD: dict[str, Any] = {"facecolor": "#e8e8e8", "edgecolor": "#444444", "hatch": "....", "linewidth": 0.5}
_LOSS: dict[str, Any] = {"facecolor": "#6b6b6b", "edgecolor": "#222222", "linewidth": 0.5}
_LENGTH, _TURN, _DROP = 5.0, 0.1, 0.38
"""Length of the stem, radius inside a turn and length of a branch; the stem begins 1 high."""


@paper_style
def sankey_figure(account: EnergyAccount, title: str) -> Figure:
    """Return the figure of an account; what is nothing has no branch. In a column it runs from top to bottom."""
    course = _Course(down=medium().beside == 1)
    figure = new_figure(5.4 if course.down else 3.6, title)
    axes = figure.subplots()
    axes.spines[:].set_visible(False)
    axes.set(xticks=[], yticks=[], xlabel="Energy (kWh), and as a share of what was drawn; widths are to scale")
    drawn = account.total["drawn_kwh"]
    named = [(name, account.total[name]) for name in _NAMES if account.total[name] > 0.0]
    if drawn > 0.0:
        _draw(axes, course, named, account.total["given_kwh"], drawn)
    return figure


@dataclass(frozen=True, slots=True)
class _Course:
    """Which way the stem runs: to the right, with losses downwards, or down, with losses to the left."""

    down: bool

    def place(self, along: float, across: float) -> tuple[float, float]:
        """Return x and y of a place ``along`` the stem and ``across`` it."""
        return (across, -along) if self.down else (along, across)

    def label(self, axes: Axes, at: tuple[float, float], way: float, words: str, kwh: float, drawn_kwh: float) -> None:
        """Write words and energy at a place; ``way``: 1 and -1 beside the stem, 0 at its begin, 2 at its end."""
        share = "" if kwh == drawn_kwh else f"\n{percent(kwh / drawn_kwh, 2)}"
        text = f"{words}\n{number(kwh, 1)} kWh{share}"
        beside = {1.0: ("left", "center"), -1.0: ("right", "center"), 0.0: ("center", "bottom"), 2.0: ("center", "top")}
        ahead = {1.0: ("center", "bottom"), -1.0: ("center", "top"), 0.0: ("right", "center"), 2.0: ("left", "center")}
        ha, va = (beside if self.down else ahead)[way]
        axes.text(*self.place(*at), text, color=BLACK, fontsize=pt(8.0), ha=ha, va=va)


def _draw(axes: Axes, course: _Course, named: list[tuple[str, float]], given_kwh: float, drawn_kwh: float) -> None:
    top, bottom, begin, step = 1.0, 0.0, 0.0, _LENGTH / (len(named) + 0.6)
    course.label(axes, (-0.08, 0.5), 0.0, "Drawn", drawn_kwh, drawn_kwh)
    for k, (name, kwh) in enumerate(named):
        width, x = kwh / drawn_kwh, (k + 0.6) * step
        way = 1.0 if name in _ON_BOARD else -1.0
        # The stem up to where the branch begins to turn; the branch takes its upper or lower edge.
        _box(axes, course, (begin, x), (bottom, top), _STEM)
        edge = top if way > 0 else bottom
        _branch(axes, course, x, edge, width, way)
        end = edge + (_TURN + _DROP + 0.05) * way
        course.label(axes, (x + _TURN + width / 2, end), way, _NAMES[name], kwh, drawn_kwh)
        top, bottom = (top - width, bottom) if way > 0 else (top, bottom + width)
        begin = x
    _box(axes, course, (begin, _LENGTH), (bottom, top), _STEM)
    middle, half = (top + bottom) / 2, (top - bottom) / 2
    tip = [(_LENGTH, middle - 1.15 * half), (_LENGTH + 0.45 * half, middle), (_LENGTH, middle + 1.15 * half)]
    _patch(axes, course, [*tip, tip[0]], None, _STEM)
    course.label(axes, (_LENGTH + 0.45 * half + 0.08, middle), 2.0, "Given", given_kwh, drawn_kwh)
    margins = (-0.55, _LENGTH + 1.15) if course.down else (-0.95, _LENGTH + 1.45)
    # Labels are as high as the text is large.
    sides = (-1.65, 2.65) if course.down else (-1.15, 2.15) if medium().height_in is None else (-1.5, 2.5)
    corners = [course.place(along, across) for along, across in zip(margins, sides, strict=True)]
    axes.set_xlim(*sorted(x for x, _ in corners))
    axes.set_ylim(*sorted(y for _, y in corners))
    axes.set_aspect("equal")


def _box(axes: Axes, course: _Course, along: tuple[float, float], across: tuple[float, float], look: dict[str, Any]) -> None:
    (left, right), (bottom, top) = along, across
    _patch(axes, course, [(left, bottom), (right, bottom), (right, top), (left, top), (left, bottom)], None, look)


def _branch(axes: Axes, course: _Course, x: float, edge: float, width: float, way: float) -> None:
    """Draw a branch that leaves the stem at ``x`` from its ``edge`` and turns up and on board (``way`` 1) or down (-1)."""
    inner = (x + _TURN, edge + way * _TURN)
    far, end = x + _TURN + width, edge + way * (_TURN + _DROP)
    start = edge - way * width
    corners = [
        ((x, start), Path.MOVETO),
        ((far, start), Path.CURVE3),
        ((far, edge + way * _TURN), Path.CURVE3),
        ((far, end), Path.LINETO),
        ((inner[0], end), Path.LINETO),
        (inner, Path.LINETO),
        ((inner[0], edge), Path.CURVE3),
        ((x, edge), Path.CURVE3),
        ((x, start), Path.CLOSEPOLY),
    ]
    _patch(axes, course, [place for place, _ in corners], [int(code) for _, code in corners], _BOARD if way > 0 else _LOSS)


def _patch(
    axes: Axes, course: _Course, corners: list[tuple[float, float]], codes: list[int] | None, look: dict[str, Any]
) -> None:
    axes.add_patch(PathPatch(Path([course.place(*corner) for corner in corners], codes), **look))

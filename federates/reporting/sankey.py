"""Sankey figure of an energy account: one stem from left to right, losses downwards, what is on board upwards, to scale."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from federates.reporting.energy_account import EnergyAccount
from federates.reporting.figures import BLACK, new_figure, paper_style
from federates.reporting.formatting import number, percent

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
    """Return the figure of an account; what is nothing has no branch."""
    figure = new_figure(3.6, title)
    axes = figure.subplots()
    axes.spines[:].set_visible(False)
    axes.set(xticks=[], yticks=[], xlabel="Energy (kWh), and as a share of what was drawn; widths are to scale")
    drawn = account.total["drawn_kwh"]
    named = [(name, account.total[name]) for name in _NAMES if account.total[name] > 0.0]
    if drawn > 0.0:
        _draw(axes, named, account.total["given_kwh"], drawn)
    return figure


def _draw(axes: Axes, named: list[tuple[str, float]], given_kwh: float, drawn_kwh: float) -> None:
    top, bottom, begin, step = 1.0, 0.0, 0.0, _LENGTH / (len(named) + 0.6)
    _label(axes, -0.08, 0.5, "Drawn", drawn_kwh, drawn_kwh, ha="right")
    for k, (name, kwh) in enumerate(named):
        width, x = kwh / drawn_kwh, (k + 0.6) * step
        up = name in _ON_BOARD
        # The stem up to where the branch begins to turn; the branch takes its upper or lower edge.
        _box(axes, begin, x, bottom, top, _STEM)
        edge = top if up else bottom
        _branch(axes, x, edge, width, 1.0 if up else -1.0, _BOARD if up else _LOSS)
        end = edge + (_TURN + _DROP) * (1.0 if up else -1.0)
        _label(axes, x + _TURN + width / 2, end, _NAMES[name], kwh, drawn_kwh, va="bottom" if up else "top")
        top, bottom = (top - width, bottom) if up else (top, bottom + width)
        begin = x
    end = _LENGTH
    _box(axes, begin, end, bottom, top, _STEM)
    middle, half = (top + bottom) / 2, (top - bottom) / 2
    tip = [(end, middle - 1.15 * half), (end + 0.45 * half, middle), (end, middle + 1.15 * half), (end, middle - 1.15 * half)]
    axes.add_patch(PathPatch(Path(tip), **_STEM))
    _label(axes, end + 0.45 * half + 0.08, middle, "Given", given_kwh, drawn_kwh, ha="left")
    axes.set_xlim(-0.95, end + 1.45)
    axes.set_ylim(-1.15, 2.15)
    axes.set_aspect("equal")


def _box(axes: Axes, left: float, right: float, bottom: float, top: float, look: dict[str, Any]) -> None:
    corners = [(left, bottom), (right, bottom), (right, top), (left, top), (left, bottom)]
    axes.add_patch(PathPatch(Path(corners), **look))


def _branch(axes: Axes, x: float, edge: float, width: float, way: float, look: dict[str, Any]) -> None:
    """Draw a branch that leaves the stem at ``x`` from its ``edge`` and turns upwards (``way`` 1) or downwards (-1)."""
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
    axes.add_patch(PathPatch(Path([place for place, _ in corners], [code for _, code in corners]), **look))


def _label(axes: Axes, x: float, y: float, words: str, kwh: float, drawn_kwh: float, **place: Any) -> None:
    share = "" if kwh == drawn_kwh else f"\n{percent(kwh / drawn_kwh, 2)}"
    text = f"{words}\n{number(kwh, 1)} kWh{share}"
    axes.text(x, y, text, color=BLACK, fontsize=8.0, **({"ha": "center", "va": "center"} | place))

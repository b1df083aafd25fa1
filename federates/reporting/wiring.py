"""Who talks to whom in a run, from what its broker saw."""

from __future__ import annotations

import itertools
import math
import string
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch

from federates.boundary.exchange import COMMAND, SESSION
from federates.boundary.lines import Roster, lines
from federates.boundary.names import Role
from federates.boundary.world import world_of
from federates.reporting.figures import BLACK, BLUE, VERMILLION, new_figure, paper_style
from federates.reporting.media import medium, pt
from federates.reporting.tables import RunTables, read_json
from federates.reporting.world import RunFigure

Run = RunTables[Any]
GRAPH_RECORD = "graph.json"
_ANSWER = "answer: quantity, slope and cost"


def kinds_of(world: str) -> dict[tuple[str, str], str]:
    """Return in words what a topic is, by sender's role and name; topics that are sent together are of one kind."""
    found = world_of(world)
    kinds = {(SESSION.sender, SESSION.name): "public agreement", (COMMAND.sender, COMMAND.name): "command"}
    for topic in found.topics:
        if topic.sender != Role.COORDINATOR and Role.COORDINATOR.value in topic.receivers:
            kinds[topic.sender, topic.name] = _ANSWER
    for exchange in found.exchanges:
        kinds[exchange.price.sender, exchange.price.name] = f"price of {exchange.name}"
        kinds[exchange.given.sender, exchange.given.name] = f"{exchange.name} as given"
    if found.summed is not None:
        kinds |= found.summed.words(found.exchanges)
    for message in found.messages:
        words = message.name.removesuffix("_s").replace("_", " ")
        for topic in message.topics():
            passed = message.passed_on and topic.sender == Role.COORDINATOR
            kinds[topic.sender, topic.name] = f"{words}, passed on" if passed else words
    return kinds


@dataclass(frozen=True, slots=True)
class Wire:
    """What agents of one role tell those of another, in words, in the order of the topic table; and how many lines it takes."""

    sender: str
    receiver: str
    kinds: tuple[str, ...]
    lines: int


def wires(run: Run) -> list[Wire]:
    """Return what the broker saw of who is connected with whom, by role; the public agreement is left out."""
    roster = Roster.of(run.session)
    table, kinds = {line.key: line for line in lines(roster)}, kinds_of(run.session.world)
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    readers: dict[str, list[str]] = defaultdict(list)
    for edge in read_json(run.folder / GRAPH_RECORD).get("edges", ()):
        readers[edge["key"]].append(edge["reader"])
    for key, line in table.items():
        for reader in readers.get(key, ()):
            if line.topic.name != SESSION.name and reader in roster.agents:
                found[line.topic.sender, roster.agents[reader]].append(kinds[line.topic.sender, line.topic.name])
    return [Wire(*pair, tuple(dict.fromkeys(names)), len(names)) for pair, names in found.items()]


def _no_wiring(run: Run) -> str:
    if not (run.folder / GRAPH_RECORD).is_file():
        return f"{GRAPH_RECORD} was not written"
    return "" if wires(run) else "the broker saw no connection"


_RADIUS = (1.7, 1.0)
_BEND, _LETTERS_AT = 0.14, 0.42
"""How far an arrow bends, as a share of its length, so that both directions are seen; and where on it its letters stand."""
_NEAR, _FAR_BENDS, _FAR_LETTERS_AT = 0.6, (0.3, 0.42), 0.72
"""An arrow between others that comes so near to the middle bends by so much, there and back, around the coordinator; its letters
stand here."""
Places: TypeAlias = Mapping[str, tuple[float, float]]


@paper_style
def wiring_figure(run: Run) -> Figure:
    """Return the roles with their agents, an arrow for what one tells another, and below what the letters on it mean."""
    every = wires(run)
    found, within = ([wire for wire in every if (wire.sender == wire.receiver) is same] for same in (False, True))
    letters = dict(zip(dict.fromkeys(kind for wire in found for kind in wire.kinds), _letters(), strict=False))
    key = [f"{letter}  {kind}" for kind, letter in letters.items()]
    key += [f"{wire.sender}, to each other: {', '.join(wire.kinds)}" for wire in within]
    columns = 1 if medium().name == "column" else 2
    below = 0.0 if medium().height_in else 1.35 * pt(8.0) / 72.0 * math.ceil(len(key) / columns)
    places = _places(run, found)
    bends = [_on_arc(places[wire.sender], places[wire.receiver], _bend(wire, places), 0.5) for wire in found]
    x, y = zip(*places.values(), *bends, strict=True)
    limits = (min(x) - 0.55, max(x) + 0.55), (min(y) - 0.35, max(y) + 0.3)
    drawn = min(4.2, medium().width_in * (limits[1][1] - limits[1][0]) / (limits[0][1] - limits[0][0]))
    figure = new_figure(drawn + below + 0.15, f"Who talks to whom: {run.title}")
    if medium().height_in:
        axes, text = figure.subplots(1, 2, width_ratios=[1.6, 1.0])
        columns = 1
    else:
        axes, text = figure.subplots(2, 1, height_ratios=[drawn, below])
    boxes = {role: _box(axes, role, run, at) for role, at in places.items()}
    for wire in found:
        _arrow(axes, wire, boxes, places, "".join(letters[kind] for kind in wire.kinds), _bend(wire, places))
    axes.set(xlim=limits[0], ylim=limits[1])
    for panel in (axes, text):
        panel.set_axis_off()
        panel.set_label("<wiring>")
    axes.set_aspect("equal")
    rows = math.ceil(len(key) / columns)
    step = 1.0 / rows if (high := medium().height_in) is None else 1.6 * pt(8.0) / 72.0 / high
    for k, words in enumerate(key):
        column, row = divmod(k, rows)
        place = (column / columns, 0.5 + step * (rows / 2.0 - row))
        text.text(*place, words, ha="left", va="top", fontsize=pt(8.0), transform=text.transAxes)
    return figure


def _letters() -> Iterable[str]:
    return itertools.chain(string.ascii_lowercase, string.ascii_uppercase)


def _places(run: Run, found: list[Wire]) -> dict[str, tuple[float, float]]:
    """Return where each role stands: the coordinator in the middle, the others around, so that few arrows cross the middle."""
    roles = [role for role in dict.fromkeys(run.session.roster.values()) if role != Role.COORDINATOR]
    direct = {frozenset((w.sender, w.receiver)) for w in found if Role.COORDINATOR not in (w.sender, w.receiver)}

    def far(order: tuple[str, ...]) -> int:
        near = {frozenset((order[k], order[(k + 1) % len(order)])) for k in range(len(order))}
        return len(direct - near)

    first = roles[:1]
    best = (
        min((tuple(first + list(rest)) for rest in itertools.permutations(roles[1:])), key=far)
        if len(roles) < 8
        else tuple(roles)
    )
    angles = (
        np.pi / 2.0 + np.pi / max(len(best), 1) * (len(best) % 2 == 0) - 2.0 * np.pi * np.arange(len(best)) / max(len(best), 1)
    )
    places = {
        role: (_RADIUS[0] * math.cos(angle), _RADIUS[1] * math.sin(angle)) for role, angle in zip(best, angles, strict=True)
    }
    return places | {Role.COORDINATOR.value: (0.0, 0.0)}


def _bend(wire: Wire, places: Places) -> float:
    """Return how far an arrow bends: more where it would pass below the coordinator, towards the side that is freer."""
    (x0, y0), (x1, y1) = places[wire.sender], places[wire.receiver]
    length = math.hypot(x1 - x0, y1 - y0)
    if Role.COORDINATOR in (wire.sender, wire.receiver) or abs(x0 * y1 - x1 * y0) / length > _NEAR:
        return _BEND
    return _FAR_BENDS[0] if x0 * y1 - x1 * y0 >= 0 else -_FAR_BENDS[1]


def _box(axes: Axes, role: str, run: Run, at: tuple[float, float]) -> Any:
    agents = [agent for agent, of in run.session.roster.items() if of == role]
    words = role.replace("_", " ")
    if agents != [role]:
        names = ", ".join(agents)
        words += "\n" + (names if len(names) <= 16 else names.replace(", ", ",\n"))
    else:
        words = words.replace(" ", "\n", 1)
    middle = role == Role.COORDINATOR
    look = {"boxstyle": "round,pad=0.4", "facecolor": "#e8f1f8" if middle else "white", "edgecolor": BLACK, "linewidth": 0.9}
    return axes.annotate(words, at, ha="center", va="center", fontsize=pt(8.5), bbox=look, zorder=4)


def _arrow(axes: Axes, wire: Wire, boxes: Mapping[str, Any], places: Places, letters: str, bend: float) -> None:
    (x0, y0), (x1, y1) = places[wire.sender], places[wire.receiver]
    negotiated = Role.COORDINATOR in (wire.sender, wire.receiver)
    look: dict[str, Any] = {"color": BLUE, "linestyle": "-"} if negotiated else {"color": VERMILLION, "linestyle": (0, (4, 1.5))}
    ends = {"patchA": boxes[wire.sender].get_bbox_patch(), "patchB": boxes[wire.receiver].get_bbox_patch()}
    arrow = FancyArrowPatch(
        (x0, y0),
        (x1, y1),
        connectionstyle=f"arc3,rad={bend}",
        arrowstyle="-|>",
        mutation_scale=pt(9.0),
        linewidth=1.2,
        shrinkA=2.0,
        shrinkB=2.0,
        **ends,
        **look,
    )
    axes.add_patch(arrow)
    box = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none"}
    axes.annotate(
        letters,
        _on_arc((x0, y0), (x1, y1), bend, _LETTERS_AT if abs(bend) == _BEND else _FAR_LETTERS_AT),
        ha="center",
        va="center",
        fontsize=pt(8.0),
        color=BLACK,
        bbox=box,
        zorder=5,
    )


def _on_arc(start: tuple[float, float], end: tuple[float, float], bend: float, share: float) -> tuple[float, float]:
    """Return a place on the curve that matplotlib calls arc3, where one unit is as long in x as in y.

    It is a parabola of Bezier's with a control point that lies aside of the middle by ``bend`` of the length.
    """
    (x0, y0), (x1, y1) = start, end
    control = (0.5 * (x0 + x1) + bend * (y1 - y0), 0.5 * (y0 + y1) - bend * (x1 - x0))
    a, b, c = (1.0 - share) ** 2, 2.0 * share * (1.0 - share), share**2
    return a * x0 + b * control[0] + c * x1, a * y0 + b * control[1] + c * y1


def _wiring_reading(run: Run) -> str:
    found = wires(run)
    count = sum(wire.lines for wire in found)
    alone = [w for w in found if Role.COORDINATOR not in (w.sender, w.receiver)]
    text = (
        f"What the broker saw of {count} connections between the {len(run.session.roster)} agents; every arrow is what agents of "
        "one role tell those of another, and nothing else reaches them. The public agreement, which all know, is left out. "
        "Solid: to and from the coordinator."
    )
    if alone:
        pairs = "; ".join(f"{_words(w.sender)} to {_words(w.receiver)}: {', '.join(w.kinds)}" for w in alone)
        text += f" Dashed: told directly, which the coordinator does not learn ({pairs})."
    return text


def _words(role: str) -> str:
    return role.replace("_", " ")


WIRING = RunFigure("wiring", "Who talks to whom", _no_wiring, wiring_figure, _wiring_reading)

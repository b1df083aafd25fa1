"""One round of a run, message by message, from the agents' ledgers."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import networkx as nx
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch

from federates.boundary.exchange import COMMAND, SESSION, Moment
from federates.boundary.lines import Line, Roster, lines
from federates.boundary.names import Role
from federates.boundary.world import world_of
from federates.reporting.figures import BLUE, VERMILLION, new_figure, paper_style
from federates.reporting.formatting import clock
from federates.reporting.media import medium, pt
from federates.reporting.tables import RunTables
from federates.reporting.wiring import kinds_of
from federates.reporting.world import RunFigure
from federates.runtime.ledger import LEDGER

Run = RunTables[Any]


@dataclass(frozen=True, slots=True)
class Step:
    """What agents of one role tell others at one moment: pairs (sender, receiver), in words."""

    stage: str
    words: str
    pairs: tuple[tuple[str, str], ...]
    numbers: int


def steps(run: Run) -> list[Step]:
    """Return the messages of one round in their order: how its period opens, its first round, and what follows the last one.

    Agents keep no common time. The order is that of a graph: every agent's own order, and whatever is heard was sent before.
    """
    period, last = _shown(run)
    rounds = run.frame("rounds")
    asked = rounds.loc[(rounds["period"] == period) & (rounds["round"] == 1), "command"]
    commands = ("open", str(asked.iloc[0]) if len(asked) else "solve", "commit")
    table, kinds = {line.key: line for line in lines(Roster.of(run.session))}, kinds_of(run.session.world)
    heard = _messages(run, period, table)
    observed = {
        topic.name
        for message in world_of(run.session.world).messages
        for topic in message.topics()
        if message.moment is Moment.OBSERVATION
    }
    rows: dict[tuple[int, str, str], list[tuple[int, str, str, int]]] = defaultdict(list)
    for (key, round_), (level, receivers, size) in heard.items():
        line = table[key]
        stage = 2 if round_ > last or line.topic.name in observed else min(round_, 1)
        if (round_ in (0, 1) or stage == 2) and line.topic.name != SESSION.name:
            words = kinds[line.topic.sender, line.topic.name]
            if line.topic.name == COMMAND.name:
                words += f": {commands[stage]}"
            rows[stage, line.topic.sender, words] += [(level, line.sender, receiver, size) for receiver in receivers]
    names = ("the period opens", "round 1", "the period is committed")
    order = sorted(rows, key=lambda entry: (entry[0], min(part[0] for part in rows[entry])))
    return [
        Step(names[row[0]], row[2], tuple(dict.fromkeys((a, b) for _, a, b, _ in rows[row])), sum(part[3] for part in rows[row]))
        for row in order
    ]


def _shown(run: Run) -> tuple[int, int]:
    """Return the period of the longest negotiation and its last round."""
    rounds = run.frame("rounds")
    counts = rounds.groupby("period")["round"].max()
    return int(counts.idxmax()), int(counts.max())


def _ledgers(run: Run) -> dict[str, pd.DataFrame]:
    """Return the ledgers that there are, by agent; in an agent's own view only its own."""
    paths = {agent: run.folder / agent / f"{LEDGER}.parquet" for agent in run.session.roster}
    return {agent: pd.read_parquet(path) for agent, path in paths.items() if path.is_file()}


def _messages(run: Run, period: int, table: Mapping[str, Line]) -> dict[tuple[str, int], tuple[int, list[str], int]]:
    """Return of every message of a period (key, round) its place in the order, who heard it and how many numbers it has."""
    graph, found = nx.DiGraph(), dict[tuple[str, int], tuple[int, list[str], int]]()
    for agent, ledger in _ledgers(run).items():
        own = ledger[(ledger["period"] == period) & ledger["topic"].isin(table)]
        before: tuple[Any, ...] | None = None
        for row in own.itertuples(index=False):
            message = (str(row.topic), int(row.round))
            event = (*message, "" if row.direction == "sent" else agent)
            graph.add_edge((*message, ""), event) if event[2] else graph.add_node(event)
            # Messages of one moment may be written down in another order than they were sent in: that is no order in time.
            if before is not None and before != event and not nx.has_path(graph, event, before):
                graph.add_edge(before, event)
            before = event
            _, receivers, _ = found.get(message, (0, list[str](), 0))
            numbers = math.prod(int(size) for size in str(row.shape).split(",")) if row.shape[:1].isdigit() else 0
            found[message] = (0, receivers if not event[2] else [*receivers, agent], numbers)
    level: dict[Any, int] = {}
    for number, events in enumerate(nx.topological_generations(graph)):
        level |= dict.fromkeys(events, number)
    return {message: (level[(*message, "")], receivers, size) for message, (_, receivers, size) in found.items() if receivers}


def _no_steps(run: Run) -> str:
    if lacking := run.lacks("rounds"):
        return lacking
    if lost := [agent for agent in run.session.roster if agent not in _ledgers(run)]:
        return f"the ledger of {', '.join(lost)} was not written"
    return "" if steps(run) else "the ledgers have no message of a round"


_ROW_IN = 1.95
"""Height of a message, as a multiple of the size of its words."""


@paper_style
def sequence_figure(run: Run) -> Figure:
    """Return lifelines of all agents and, from top to bottom, an arrow for every message of one round."""
    found = steps(run) if medium().height_in is None else _joined(steps(run))
    agents = sorted(run.session.roster, key=lambda agent: agent != Role.COORDINATOR)
    stages = list(dict.fromkeys(step.stage for step in found))
    row_in = _ROW_IN * pt(8.0) / 72.0
    names, turned = _names(agents)
    head_in = (0.62 * max(map(len, names)) if turned else 1.3 * max(name.count("\n") + 1 for name in names)) * pt(8.0) / 72.0
    figure = new_figure(row_in * (len(found) + len(stages) + 0.8) + head_in + 0.3, f"One round, message by message: {run.title}")
    axes = figure.subplots()
    x, y = {agent: float(k) for k, agent in enumerate(agents)}, 0.0
    axes.set(xlim=(-0.6, len(agents) - 0.4), xticks=range(len(agents)), yticks=[])
    axes.set_xticklabels(names, rotation=90.0 if turned else 0.0)
    axes.xaxis.tick_top()
    axes.tick_params(length=0.0)
    axes.grid(False)
    axes.spines[:].set_visible(False)
    for stage in stages:
        y -= 1.0
        axes.axhline(y + 0.8, color="#999999", linewidth=0.7, linestyle=(0, (1, 1.5)), zorder=0)
        axes.text(-0.55, y, stage, ha="left", va="bottom", fontsize=pt(8.0), style="italic")
        for step in (step for step in found if step.stage == stage):
            y -= 1.0
            _message(axes, x, y, step)
    axes.set_ylim(y - 0.5, 0.0)
    for place in x.values():
        axes.axvline(place, color="#888888", linewidth=0.8, zorder=1)
    return figure


def _joined(found: list[Step]) -> list[Step]:
    """Return the steps with those in one that the same agents tell after each other: a slide has room for few."""
    out = list[Step]()
    for step in found:
        last = out[-1] if out else None
        if last and last.stage == step.stage and {a for a, _ in last.pairs} == {a for a, _ in step.pairs}:
            pairs = tuple(dict.fromkeys(last.pairs + step.pairs))
            out[-1] = Step(step.stage, f"{last.words}; {step.words}", pairs, last.numbers + step.numbers)
        else:
            out.append(step)
    return out


def _names(agents: list[str]) -> tuple[list[str], bool]:
    """Return the agents' names as the heads of lifelines, and whether they stand upright, because there are many."""
    if len(agents) > (4 if medium().name == "column" else 7):
        return agents, True
    return [name.replace("_", "\n") for name in agents], False


def _message(axes: Axes, x: Mapping[str, float], y: float, step: Step) -> None:
    """Draw a message: an arrow for every receiver, a dot at whom sends, and the words above."""
    ask = any(x[a] < x[b] for a, b in step.pairs)
    negotiated = any(Role.COORDINATOR in pair for pair in step.pairs)
    look: dict[str, Any] = {"color": BLUE, "linestyle": "-"} if negotiated else {"color": VERMILLION, "linestyle": (0, (4, 1.5))}
    for sender, receiver in step.pairs:
        arrow = FancyArrowPatch(
            (x[sender], y),
            (x[receiver], y),
            arrowstyle="-|>",
            mutation_scale=pt(7.0),
            linewidth=1.0,
            shrinkA=0,
            shrinkB=0,
            zorder=5,
            **look,
        )
        axes.add_patch(arrow)
    senders = sorted({x[sender] for sender, _ in step.pairs})
    axes.plot(senders, [y] * len(senders), linestyle="", marker="o", color=look["color"], markersize=3.2, zorder=5)
    ends = [x[name] for pair in step.pairs for name in pair]
    at, side = (min(ends) + 0.06, "left") if ask or len(x) > 4 else (max(ends) - 0.06, "right")
    if max(ends) > 0.6 * (len(x) - 1) and min(ends) > 0.4 * (len(x) - 1):
        at, side = max(ends) - 0.06, "right"
    box = {"boxstyle": "square,pad=0.08", "facecolor": "white", "edgecolor": "none", "alpha": 0.85}
    axes.text(at, y + 0.12, step.words, ha=side, va="bottom", fontsize=pt(8.0), zorder=4, bbox=box)


def _sequence_reading(run: Run) -> str:
    period, last = _shown(run)
    found = steps(run)
    numbers = sum(step.numbers for step in found if step.stage == "round 1")
    return (
        f"From the agents' ledgers: the period {clock(run, period)} opens, its first of {last} rounds, and what follows the last "
        "one. Time runs downwards. A row is what agents of one role tell at one moment: a dot at whoever sends it, an arrowhead "
        f"at whoever hears it. Messages of one kind are drawn as one. In round 1 {numbers} numbers cross. Solid: to and from "
        "the coordinator; dashed: told directly."
    )


SEQUENCE = RunFigure("sequence", "One round, message by message", _no_steps, sequence_figure, _sequence_reading)

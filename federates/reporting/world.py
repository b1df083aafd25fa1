"""What a world says about its reports, and the one place where reporting finds it.

Reporting is the skeleton: it reads a run, lays out pages, draws what it is told to and knows no world. A world describes itself
by a `WorldReport` in ``federates/worlds/<name>/report``; its figures, tables, sentences and names are there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from federates.boundary.world import world_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from federates.reporting.animation import Animation
    from federates.reporting.claims import Claim
    from federates.reporting.negotiation import Negotiation
    from federates.reporting.tables import RunTables

    Run = RunTables[Any]
    Runs = Mapping[str, Run]
    Repeated = Mapping[str, Sequence[Run]]

Numbers = dict[str, float | int | str]


@dataclass(frozen=True, slots=True)
class RunFigure:
    """A figure of a run: file name, title, what keeps it from being drawn (empty: nothing), how to draw and how to read it."""

    name: str
    title: str
    obstacle: Callable[[Run], str]
    draw: Callable[[Run], Figure]
    reading: Callable[[Run], str]


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure that was drawn from several runs: file name, title, the figure and how to read it."""

    name: str
    title: str
    figure: Figure
    reading: str


@dataclass(frozen=True, slots=True)
class Grid:
    """A table of a page; ``text`` are the numbers of its columns of text. A grid without rows is left out."""

    caption: str
    heads: list[str]
    rows: list[list[str]]
    text: tuple[int, ...] = ()

    @classmethod
    def of(cls, caption: str, rows: Iterable[Any], *columns: tuple[Any, ...], text: tuple[int, ...] = ()) -> Grid:
        """Return a grid; a column is its head, what writes a cell, and the keys of what it writes in a row."""
        cells = [[write(*(row[key] for key in keys)) for _, write, *keys in columns] for row in rows]
        return cls(caption, [column[0] for column in columns], cells, text)


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a page that only one world has; ``contents`` is its name in the table of contents, empty: not in it."""

    name: str
    title: str
    contents: str = ""
    items: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    grids: tuple[Grid, ...] = ()
    bad: bool = False
    """Whether it says that something went wrong."""


@dataclass(frozen=True, slots=True)
class SweepHours:
    """A number of periods in a sweep's results that is shown in hours: its column, axis, head of a table and how to read it."""

    column: str
    axis: str
    head: str
    reading: str


def _nothing(_: Any) -> tuple[()]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldReport:
    """The reports of a world. Functions of runs get them by scheme in the order of `schemes`, or by letter side by side."""

    heading: str
    """What the world is about, such as: Moving energy by train."""
    basis: tuple[str, str]
    """Title of the section that says what the data rest on, and its name in the table of contents."""
    schemes: Mapping[str, Mapping[str, Any]]
    """Schemes in the order in which they are compared: color, marker, hatch, dash (of matplotlib) and label of each."""
    about: Callable[[Run], Iterable[str]]
    """Paragraphs that say what was run."""
    summary: Callable[[Run], Numbers]
    """Headline numbers by key; the end of a key is its unit. Numbers that are not finite are left out of every page."""
    headline: Callable[[Run], list[str]]
    """The main results as sentences."""
    figures: tuple[RunFigure, ...]
    """Figures of one run, in the order of the report."""
    name_of: Callable[[str], str] = lambda key: ""
    """Name of a key of the summary, without unit; empty: made of its words."""
    sections: Callable[[Run], Iterable[Section]] = _nothing
    """Sections of the report of a run, before the figures."""
    grids: Callable[[Run], Iterable[Grid]] = _nothing
    """Tables of the report of a run."""
    negotiation: Negotiation | None = None
    """How negotiations are shown; None: not at all."""
    must_agree: tuple[str, ...] = ("name", "periods", "period_s", "start_hour", "stations")
    """Fields of the session in which compared runs must agree."""
    notes: Callable[[Runs], list[str]] = lambda runs: []
    """What a reader must know before trusting a comparison."""
    claims: Callable[[Runs], list[Claim]] = lambda runs: []
    """What the scenario's paper says, checked against the runs."""
    compared_sections: Callable[[Runs], Iterable[Section]] = _nothing
    """Sections of a comparison, before the claims."""
    compared_figures: Callable[[Runs], Iterable[Drawing]] = _nothing
    """Figures of a comparison of schemes."""
    compared_grids: Callable[[Runs], Iterable[Grid]] = _nothing
    """Tables of a comparison, after its numbers."""
    compared_numbers: Callable[[Runs], Mapping[str, Any]] = lambda runs: MappingProxyType({})
    """What ``comparison.json`` has beside what it has in every world."""
    compared_caption: str = "Summary by scheme."
    """Caption of the numbers of a comparison."""
    repeated_figures: Callable[[Repeated], Iterable[Drawing]] = _nothing
    """Figures of schemes that were run with several seeds; gets the runs of every seed by scheme."""
    side_by_side: Callable[[Runs], Iterable[Drawing]] = _nothing
    """Figures with any runs of one kind of day."""
    animation: Animation | None = None
    """The day as a moving picture; None: there is none."""
    sweep_hours: tuple[SweepHours, ...] = ()
    """Times that a sweep with costs shows beside them."""

    def figure(self, name: str) -> RunFigure:
        """Return the figure of one run with this name."""
        return next(figure for figure in self.figures if figure.name == name)


def world_report(world: str) -> WorldReport:
    """Return how the reports of a world are made; its module loads the figures, so it is imported here and no earlier.

    To the figures of a world come those that every world has.
    """
    from federates.reporting.sequence import SEQUENCE
    from federates.reporting.wiring import WIRING

    module = world_of(world).module("report")
    if module is None:
        from federates.reporting.plain import plain_report

        found = plain_report(world)
    else:
        found = module.REPORT
    return replace(found, figures=(*found.figures, WIRING, SEQUENCE))

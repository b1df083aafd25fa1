"""A figure of a run as the report of its world lists it, and the pictures that are made of such a list."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from matplotlib.figure import Figure

from federates.boundary.session import Session
from federates.reporting.figures.style import save_figure
from federates.reporting.page import Picture, svg_uri
from federates.reporting.tables import RunTables

__all__ = ["Reading", "RunFigure", "saved_pictures"]

S = TypeVar("S", bound=Session)
Reading = Callable[[str, RunTables[S]], str]
"""Returns the paragraph under the figure of a name."""


@dataclass(frozen=True, slots=True)
class RunFigure(Generic[S]):
    """A figure of a run: file name, title, what keeps it from being drawn (empty if nothing), and how to draw it."""

    name: str
    title: str
    obstacle: Callable[[RunTables[S]], str]
    draw: Callable[[RunTables[S]], Figure]


def saved_pictures(
    run: RunTables[S], figures: Iterable[RunFigure[S]], reading: Reading[S]
) -> tuple[list[Picture], list[tuple[str, str]]]:
    """Draw what can be drawn of ``figures``, as files too; return the pictures, and title and obstacle of the others."""
    pictures, left_out = [], []
    for figure in figures:
        obstacle = figure.obstacle(run)
        if obstacle:
            left_out.append((figure.title, obstacle))
            continue
        svg = save_figure(figure.draw(run), run.folder / "figures", figure.name)
        pictures.append(Picture(figure.name, figure.title, svg_uri(svg), reading(figure.name, run)))
    return pictures, left_out

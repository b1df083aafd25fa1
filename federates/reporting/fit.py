"""Make a figure fit its medium: letters on its panels, lines as wide as the medium needs, labels broken where they are too long.

Of a figure of the report nothing is changed.
"""

from __future__ import annotations

import string
import textwrap
from collections.abc import Iterable

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import Collection
from matplotlib.figure import Figure, SubFigure
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.spines import Spine
from matplotlib.text import Text
from matplotlib.ticker import FixedLocator

from federates.reporting.media import medium

_DONE = "_portage_finished"
_MOST_PASSES = 4
_FEWEST_LETTERS = 6
"""Lines are not broken to fewer."""
_OVER, _WIDEST, _SHARE = 1.1, 0.96, 0.85
"""A label may be so many times as long as the side of the panel that it stands at, and have this share of the figure's width. A
panel has about this share of its part of it."""


def finished(figure: Figure) -> Figure:
    """Return the figure, made to fit the medium; a second time nothing happens."""
    if medium().printed and not getattr(figure, _DONE, False):
        setattr(figure, _DONE, True)
        _letter(figure)
        _widen(figure, medium().strokes)
        _break_labels(figure)
        # Laid out here and no more: the same figure has the same bytes however often and in whichever formats it is saved.
        for _ in range(2):  # where parts have layouts of their own, one pass does not settle it
            figure.draw_without_rendering()
        figure.set_layout_engine("none")
    return figure


def grow(part: Figure | SubFigure, by_in: float) -> None:
    """Make the whole figure higher, unless all figures of the medium have one height."""
    figure = part.get_figure(root=True)
    if figure is not None and medium().height_in is None and by_in > 0.0:
        width, height = figure.get_size_inches()
        figure.set_size_inches(width, min(height + by_in, medium().most_in))


def panels_of(figure: Figure) -> list[Axes]:
    """Return the panels of a figure in their order: no bars of colours, no keys and nothing without a place in a grid."""
    return [axes for axes in figure.axes if axes.get_subplotspec() is not None and not str(axes.get_label()).startswith("<")]


def _letter(figure: Figure) -> None:
    """Write (a), (b) and so on before the titles of the panels, if there are several."""
    panels = panels_of(figure)
    if len(panels) < 2:
        return
    bare = {axes.get_subplotspec().rowspan.start for axes in panels if not (axes.get_title("left") or axes.get_title())}  # type: ignore[union-attr]
    grow(figure, 1.6 * medium().text_pt / 72.0 * len(bare))
    for axes, letter in zip(panels, string.ascii_lowercase, strict=False):
        title = axes.get_title("left") or axes.get_title()
        axes.set_title("")
        axes.set_title(f"({letter}) {title}".rstrip(), loc="left")


def _widen(figure: Figure, times: float) -> None:
    """Make lines and markers so many times as wide."""
    legends: list[Legend] = [*figure.legends, *(entry for part in figure.subfigs for entry in part.legends)]
    for axes in figure.axes:
        for panel in (axes, *axes.child_axes):
            _widen_all((child for child in panel.get_children() if not isinstance(child, Spine)), times)
            legends += [legend for legend in (panel.get_legend(),) if legend is not None]
    for legend in legends:
        _widen_all(legend.legend_handles, times)


def _widen_all(artists: Iterable[Artist | None], times: float) -> None:
    for artist in artists:
        if isinstance(artist, Line2D):
            artist.set_linewidth(artist.get_linewidth() * times)
            artist.set_markersize(artist.get_markersize() * times)
            artist.set_markeredgewidth(artist.get_markeredgewidth() * times)
        elif isinstance(artist, Collection):
            artist.set_linewidth((times * np.asarray(artist.get_linewidth())).tolist())
        elif isinstance(artist, Patch):
            artist.set_linewidth(artist.get_linewidth() * times)


def _break_labels(figure: Figure) -> None:
    """Break titles and labels that are longer than the side of the panel that they stand at."""
    for axes in panels_of(figure):
        # At first by a rule of thumb: a title far longer than its panel would leave the layout no room for the panel.
        spec = axes.get_subplotspec()
        room = _SHARE * axes.figure.bbox.width / (spec.get_gridspec().ncols if spec else 1)
        _break(axes.set_title(axes.get_title("left"), loc="left"), room)
        _break(axes.xaxis.label, room)
    for _ in range(_MOST_PASSES):  # broken labels leave another room for the panels
        figure.draw_without_rendering()
        before = _labels(figure)
        for axes in panels_of(figure):
            box = axes.get_window_extent()
            _break(axes.set_title(axes.get_title("left"), loc="left"), box.width)
            _break(axes.xaxis.label, min(_OVER * box.width, _WIDEST * figure.bbox.width))
            _break(axes.yaxis.label, box.height, upright=True)
            _thin(axes, upright=False)
            _thin(axes, upright=True)
        for axes in (axes for axes in figure.axes if axes.get_label() == "<colorbar>"):
            box = axes.get_window_extent()
            upright = box.height > box.width
            _break(axes.yaxis.label if upright else axes.xaxis.label, max(box.height, box.width), upright)
        if _labels(figure) == before:
            return


def _labels(figure: Figure) -> list[tuple[str, str, str]]:
    return [(axes.get_title("left"), axes.get_xlabel(), axes.get_ylabel()) for axes in figure.axes]


def _thin(axes: Axes, upright: bool) -> None:
    """Leave out every second of the ticks that were set one by one, where their labels would lie on each other."""
    axis = axes.yaxis if upright else axes.xaxis
    labels = [label for label in axis.get_ticklabels() if label.get_text()]
    if not isinstance(axis.get_major_locator(), FixedLocator) or len(labels) < 3:
        return
    boxes = [label.get_window_extent() for label in labels]
    taken = sum(box.height if upright else box.width + 0.35 * box.height for box in boxes)
    if taken > (axes.get_window_extent().height if upright else axes.get_window_extent().width) * len(labels) / (
        len(labels) - 1.0
    ):
        axis.set_ticks(axis.get_ticklocs()[::2], [label.get_text() for label in labels[::2]])


def _break(text: Text, room: float, upright: bool = False) -> None:
    """Break a text into lines that are not longer than the room, in pixels; a single word stays whole."""

    def length() -> float:
        box = text.get_window_extent()
        return float(box.height if upright and text.get_rotation() else box.width)

    words = text.get_text()
    if not words or room <= 0.0 or length() <= room:
        return
    letters = int(max(map(len, words.split("\n"))) * room / length())
    for most in range(max(letters, _FEWEST_LETTERS), _FEWEST_LETTERS - 1, -1):
        text.set_text("\n".join(textwrap.wrap(words.replace("\n", " "), most, break_long_words=False)))
        if length() <= room:
            return

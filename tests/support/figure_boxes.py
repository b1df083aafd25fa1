"""Look at a figure as a reader does: is every text inside, does none lie on another, and can lines be told apart in grey."""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple
from unittest.mock import patch

from matplotlib import style
from matplotlib.collections import Collection
from matplotlib.colors import to_rgba
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from federates.reporting.media import settings

_ALLOWED_PX = 1.5
"""Boxes of texts have some room of their own; so much of it may be shared."""
_GREY_STEP = 0.12
"""Two greys that differ by this share of white to black are told apart."""


class Drawn(NamedTuple):
    """A text that was drawn: its words, its box in pixels and its size in pt."""

    words: str
    box: Bbox
    size: float


def drawn_texts(figure) -> list[Drawn]:
    """Draw the figure, with the settings of the medium, and return every text that was drawn."""
    found, draw = [], Text.draw

    def note(self, renderer):
        if self.get_visible() and self.get_text().strip():
            found.append(Drawn(self.get_text(), Text.get_window_extent(self, renderer), float(self.get_fontsize())))
        return draw(self, renderer)

    # As it is saved: how many ticks there are depends on the settings.
    with patch.object(Text, "draw", note), style.context(settings(), after_reset=True):
        figure.canvas.draw()
    return found


def text_problems(figure, size: float | None = None) -> list[str]:
    """Return what is cut off at the edge of the figure, which texts lie on each other, and which have another size."""
    texts, (left, bottom, right, top) = drawn_texts(figure), figure.bbox.extents
    assert texts
    problems = [
        f"{words!r} is cut off"
        for words, box, _ in texts
        if box.x0 < left - 0.5 or box.y0 < bottom - 0.5 or box.x1 > right + 0.5 or box.y1 > top + 0.5
    ]
    problems += [f"{words!r} has {found:g} pt" for words, _, found in texts if size is not None and found != size]
    for (one, a, _), (other, b, _) in itertools.combinations(texts, 2):
        wide, high = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
        if wide > _ALLOWED_PX and high > _ALLOWED_PX:
            problems.append(f"{one!r} lies on {other!r}")
    return problems


def alike_in_grey(figure) -> list[str]:
    """Return pairs of entries of one legend that a reader of a grey print could take for each other."""
    legends = [*figure.legends, *(legend for part in figure.subfigs for legend in part.legends)]
    legends += [axes.get_legend() for axes in figure.axes if axes.get_legend() is not None]
    found = []
    for legend in legends:
        looks = [(text.get_text(), _look(handle)) for text, handle in zip(legend.get_texts(), legend.legend_handles, strict=True)]
        for (one, a), (other, b) in itertools.combinations(looks, 2):
            if a[:-1] == b[:-1] and abs(a[-1] - b[-1]) < _GREY_STEP:
                found.append(f"{one!r} and {other!r}: {a}, {b}")
    return found


def _look(handle: Any) -> tuple[Any, ...]:
    """Return what is left of a legend's handle in grey: kind, dash or hatch, marker and its filling, width, grey."""
    if isinstance(handle, Line2D):
        marker = str(handle.get_marker()) if handle.get_marker() not in (None, "None", "") else ""
        dash = str(handle._dash_pattern) if handle.get_linestyle() != "None" and handle.get_linewidth() > 0.0 else "none"
        colour = handle.get_markerfacecolor() if dash == "none" else handle.get_color()
        face = round(_grey(handle.get_markerfacecolor()), 1) if marker else ""
        return ("line", dash, marker, face, round(handle.get_linewidth(), 1), _grey(colour))
    if isinstance(handle, Patch):
        return ("area", str(handle.get_hatch()), _grey(handle.get_facecolor()))
    if isinstance(handle, Collection):
        colours = handle.get_facecolor() if len(handle.get_facecolor()) else handle.get_edgecolor()
        return ("area", str(handle.get_hatch()), _grey(colours[0]))
    return ("other", id(handle), 0.0)


def _grey(colour: Any) -> float:
    """Return the luma (ITU-R BT.601, as printers' drivers take it) of a colour on white, 0 to 1."""
    red, green, blue, alpha = to_rgba(colour)
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    return alpha * luma + 1.0 - alpha

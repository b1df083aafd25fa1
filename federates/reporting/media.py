"""What a figure is drawn for: the report, a column or a page of a paper, or a slide. It sets width, text, panels and resolution.

A figure's code is the same for all. It asks here how many panels stand beside each other and how large its text is; whoever draws
chooses the medium by `drawn_for`. Figures of the report are as they always were.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from math import ceil
from typing import Any

_MM_PER_IN = 25.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Medium:
    """A place where figures are shown."""

    name: str
    width_in: float
    text_pt: float
    """Size of text; of the report's figures that of most of it."""
    height_in: float | None = None
    """Height, where it is the same for all figures; None: what a figure needs."""
    most_in: float = 99.0
    """Height of the highest figure that has room."""
    dpi: int = 200
    """Resolution of a PNG."""
    printed: bool = True
    """For print or a slide: one size of text, letters on panels, no title and nothing of the run inside. Else the report."""
    beside: int = 2
    """Most panels beside each other, where their code puts them so."""
    strokes: float = 1.0
    """Lines and markers are so many times as wide as in the report."""


REPORT = Medium(name="report", width_in=7.16, text_pt=9.0, printed=False)
"""As wide as both columns of the IEEE."""

MEDIA: dict[str, Medium] = {
    "column": Medium(name="column", width_in=88.0 / _MM_PER_IN, text_pt=8.0, most_in=9.0, dpi=600, beside=1, strokes=0.8),
    "page": Medium(name="page", width_in=180.0 / _MM_PER_IN, text_pt=8.0, most_in=9.0, dpi=600),
    "slide": Medium(name="slide", width_in=40.0 / 3.0, height_in=7.5, text_pt=18.0, dpi=144, beside=3, strokes=2.0),
}
"""Media by the word that `portage figures --for` takes: the IEEE's widths of one and of two columns, and a slide of 16:9."""

_CURRENT: ContextVar[Medium] = ContextVar("medium", default=REPORT)


def medium() -> Medium:
    """Return the medium for which figures are drawn now."""
    return _CURRENT.get()


@contextmanager
def drawn_for(wanted: Medium) -> Iterator[None]:
    """Draw the figures inside for a medium."""
    token = _CURRENT.set(wanted)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def pt(size: float) -> float:
    """Return the size of a text that has ``size`` pt in the report; in print and on a slide all text has one size."""
    return medium().text_pt if medium().printed else size


def shape_of(panels: int) -> tuple[int, int]:
    """Return rows and columns of so many panels that stand below each other in the report; a slide is low and wide."""
    if medium().height_in is None:
        return panels, 1
    rows = ceil(panels / medium().beside)
    return rows, ceil(panels / rows)


def settings() -> dict[str, Any]:
    """Return what matplotlib is to be set to for the medium."""
    here = medium()
    return _COMMON | (_printed(here) if here.printed else _REPORT)


_COMMON: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "axes.titleweight": "bold",
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#d9d9d9",
    "figure.facecolor": "white",
    # Glyphs as paths: a page or a paper shows the same letters everywhere.
    "svg.fonttype": "path",
    "svg.hashsalt": "portage",
    # Embedded TrueType, as publishers want it; matplotlib's own Type 3 is refused by some.
    "pdf.fonttype": 42,
    "ps.fonttype": 42,
}

_REPORT: dict[str, Any] = {
    "font.size": 9.0,
    "axes.titlesize": 9.0,
    "axes.labelsize": 9.0,
    "figure.titlesize": 9.5,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.fontsize": 8.0,
    "grid.linewidth": 0.5,
    "lines.linewidth": 1.6,
    "lines.markersize": 3.6,
    "hatch.linewidth": 0.6,
    "savefig.dpi": REPORT.dpi,
}


def _printed(here: Medium) -> dict[str, Any]:
    text = ("font.size", "axes.titlesize", "axes.labelsize", "xtick.labelsize", "ytick.labelsize", "legend.fontsize")
    strokes = {"grid.linewidth": 0.5, "axes.linewidth": 0.8, "hatch.linewidth": 0.6}
    strokes |= {f"{axis}tick.major.{what}": size for axis in "xy" for what, size in (("width", 0.8), ("size", 3.5))}
    return {
        **dict.fromkeys(text, here.text_pt),
        **{name: size * here.strokes for name, size in strokes.items()},
        # Lines and markers are widened when the figure is finished, together with those whose width the figure sets.
        "lines.linewidth": _REPORT["lines.linewidth"],
        "lines.markersize": _REPORT["lines.markersize"],
        "legend.handlelength": 1.8,
        "legend.columnspacing": 1.2,
        "legend.handletextpad": 0.5,
        "savefig.dpi": here.dpi,
    }

"""The figures of the lessons as slides, 16:9: the lesson's own cells, drawn with large letters.

A figure is what a cell draws that has a caption (``mystnb`` in its metadata); the file is named by lesson and figure.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from federates.boundary.errors import PortageError
from federates.lessons.learner import run_quietly, shell
from federates.lessons.pages import Page, figure_caption, lesson_notebook, pages

__all__ = ["write_slides"]

_SIZE_IN = (10.0, 5.625)
_DPI = 192
"""1920 by 1080 pixels."""
_STYLE: dict[Any, Any] = {
    "font.size": 17,
    "lines.linewidth": 2.5,
    "lines.markersize": 9,
    "axes.linewidth": 1.2,
    "svg.hashsalt": "portage",
    "figure.constrained_layout.use": True,
}


def write_slides(folder: Path) -> list[Path]:
    """Draw every figure of every lesson into ``folder``, as PNG and SVG, and their captions as ``captions.md``; return the files.

    Raises
    ------
    PortageError : a cell of a lesson fails, or the libraries for notebooks are missing.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    folder.mkdir(parents=True, exist_ok=True)
    written, captions = list[Path](), ["# Figures of the lessons", ""]
    with mpl.rc_context(_STYLE):
        for page in pages():
            for name, caption in _figures(page, folder):
                written += [folder / f"{name}.png", folder / f"{name}.svg"]
                captions += [f"- **{name}**: {caption}"]
    (folder / "captions.md").write_text("\n".join(captions) + "\n", encoding="utf-8")
    return [*written, folder / "captions.md"]


def _figures(page: Page, folder: Path) -> Iterator[tuple[str, str]]:
    """Run a lesson and write its figures; yield the name of each, and its caption."""
    from matplotlib import pyplot as plt

    interpreter, count = shell(), 0
    interpreter.reset(new_session=False)
    for cell in lesson_notebook(page).cells:
        if cell.cell_type != "code":
            continue
        plt.close("all")
        error = run_quietly(interpreter, cell.source)
        if error is not None:
            raise PortageError(f"{page.file.name}: a cell stops with {type(error).__name__}: {error}")
        caption = figure_caption(cell)
        if caption and plt.get_fignums():
            count += 1
            name = f"lesson-{page.lesson:02d}-figure-{count}"
            _save(plt.gcf(), folder / name)
            yield name, caption
    plt.close("all")


def _save(figure: Any, path: Path) -> None:
    figure.set_size_inches(*_SIZE_IN)
    figure.savefig(path.with_suffix(".png"), dpi=_DPI)
    figure.savefig(path.with_suffix(".svg"), metadata={"Date": None})

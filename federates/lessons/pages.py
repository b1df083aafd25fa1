"""The lessons' pages, and the notebooks that are made of them.

In the repository the pages stand in ``docs/lessons``; a wheel carries them inside the package. They are MyST text notebooks,
executed by the docs site; for learners each becomes an ``.ipynb`` file by jupytext.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from federates.boundary.errors import PortageError

__all__ = ["Page", "answers_by_exercise", "figure_caption", "lesson_notebook", "notebook_of", "pages", "write_notebooks"]

_PACKAGE = Path(__file__).parents[1]
_PLACES = (_PACKAGE.parent / "docs" / "lessons", _PACKAGE / "lessons" / "texts")
_NAME = re.compile(r"(\d\d)_[a-z0-9_]+\.md")
_TAG = re.compile(r"exercise-(\d+\.\d)")
_ANSWER = re.compile(r"^## Exercise (\d+\.\d)\b.*?^```\{code-block\} python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\((?!https?:)([^)\s]+)\)")


@dataclass(frozen=True)
class Page:
    """One lesson: its number and the file of its text."""

    lesson: int
    file: Path


def pages() -> tuple[Page, ...]:
    """Return all lessons, in order; raise `PortageError` if this installation has none."""
    for place in _PLACES:
        found = [Page(int(name[1]), file) for file in sorted(place.glob("*.md")) if (name := _NAME.fullmatch(file.name))]
        if found:
            return tuple(found)
    raise PortageError(f"this installation has no lessons; looked in {' and '.join(str(place) for place in _PLACES)}")


def write_notebooks(folder: Path, answers: Path | None = None) -> tuple[list[Path], list[Path]]:
    """Write every lesson as a notebook into ``folder``; a file that is there already is somebody's work, and is kept.

    Parameters
    ----------
    folder : where the notebooks go; it is made.
    answers : folder of the instructors' answers (``lesson_NN.md``); they are put into the answer cells. Without, these are empty.

    Returns
    -------
    The files that were written, and those that were kept.
    """
    nbformat = _library("nbformat")
    folder.mkdir(parents=True, exist_ok=True)
    written, kept = list[Path](), list[Path]()
    for page in pages():
        file = folder / f"{page.file.stem}.ipynb"
        if file.exists():
            kept.append(file)
            continue
        nbformat.write(notebook_of(page, {} if answers is None else answers_by_exercise(answers, page.lesson)), file)
        written.append(file)
    return written, kept


def notebook_of(page: Page, answers: Mapping[str, str] | None = None) -> Any:
    """Return a lesson as learners get it; ``answers`` replace the answer cells, by number of the exercise."""
    notebook = lesson_notebook(page)
    cells = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = _LINK.sub(_link_in_notebook, cell.source)
        number = exercise_number(cell)
        if answers and number:
            cell.source = answers.get(number, cell.source)
        cells.append(cell)
        if caption := figure_caption(cell):  # Jupyter shows no caption of its own
            cells.append(_library("nbformat").v4.new_markdown_cell(f"*{caption}*"))
    for index, cell in enumerate(cells):
        cell.id = f"cell-{page.lesson:02d}-{index:02d}"  # else drawn at random, and no two copies are the same
    notebook.cells = cells
    return notebook


def lesson_notebook(page: Page) -> Any:
    """Return a lesson as it stands."""
    return _library("jupytext").reads(page.file.read_text(encoding="utf-8"), fmt="md:myst")


def figure_caption(cell: Any) -> str:
    """Return the caption of the figure that a cell draws, empty if it draws none."""
    return " ".join(cell.metadata.get("mystnb", {}).get("figure", {}).get("caption", "").split())


def exercise_number(cell: Any) -> str:
    """Return for which exercise a cell is the answer cell, empty for another cell."""
    found = [match[1] for tag in cell.metadata.get("tags", ()) if (match := _TAG.fullmatch(tag))]
    return found[0] if found else ""


def answers_by_exercise(folder: Path, lesson: int) -> dict[str, str]:
    """Return the instructors' answers of a lesson, by number of the exercise; raise `PortageError` if its file is missing."""
    file = folder / f"lesson_{lesson:02d}.md"
    if not file.is_file():
        raise PortageError(f"{file} is missing: the answers to lesson {lesson}")
    return {number: code.rstrip() for number, code in _ANSWER.findall(file.read_text(encoding="utf-8"))}


def _link_in_notebook(link: re.Match[str]) -> str:
    """Return a link as it works beside the notebooks: to another lesson, else the name of the page of the documentation."""
    text, target = link[1], link[2]
    if _NAME.fullmatch(target):
        return f"[{text}]({target.removesuffix('.md')}.ipynb)"
    return f"{text} (documentation: {Path(target.partition('#')[0]).stem})"


def _library(name: str) -> Any:
    from importlib import import_module

    try:
        return import_module(name)
    except ModuleNotFoundError:
        raise PortageError(f'notebooks need {name}: pip install "portage-cosim[lessons]"') from None

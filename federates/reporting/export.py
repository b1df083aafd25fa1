"""Figures of a run, a comparison or a sweep for papers and slides: ``portage figures``.

They are the report's, drawn for another medium: `media`. What a reader must know stands beside them, in ``captions.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from federates.boundary.errors import ConfigError, PortageError, Problem
from federates.reporting.compare import comparison_figures
from federates.reporting.figures import FORMATS, figure_bytes
from federates.reporting.fit import finished
from federates.reporting.media import MEDIA, drawn_for
from federates.reporting.sweep_page import sweep_entry
from federates.reporting.sweeps import SweepTable
from federates.reporting.tables import RunTables
from federates.reporting.world import Drawing

CAPTIONS = "captions.md"
_HEAD = """# Captions

Title and reading of every figure, as the report has them. Where a reading says top and bottom, or left and right, the panels have
letters, in that order.
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """A figure that can be drawn: its name, and what draws it. ``obstacle``: why it cannot."""

    name: str
    title: str
    obstacle: str
    draw: Callable[[], Drawing]


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: files by figure, and title and obstacle of figures that could not be drawn."""

    folder: Path
    files: list[Path]
    left_out: list[tuple[str, str]]


def write_figures(folder: Path, medium: str, kind: str, names: Sequence[str] = (), out: Path | None = None) -> Written:
    """Write figures of a run, a comparison or a sweep for a medium.

    Parameters
    ----------
    folder : Path
        Folder of a run, of ``portage compare`` or of ``portage sweep``.
    medium, kind : str
        One of `MEDIA` and of `FORMATS`.
    names : sequence of str
        Figures by the names that they have in the report; empty: all that can be drawn.
    out : Path, optional
        Where they go; by default ``figures-<medium>`` in the folder.

    Raises
    ------
    ConfigError : an unknown medium, format or name of a figure, or no such folder.
    PortageError : a figure that is asked for by name cannot be drawn.
    """
    _check_words(medium, kind)
    target = Path(out) if out is not None else Path(folder) / f"figures-{medium}"
    files, left_out, captions = list[Path](), list[tuple[str, str]](), list[str]()
    with drawn_for(MEDIA[medium]):
        for entry in _chosen(list(figures_of(folder)), names):
            if entry.obstacle and names:
                raise PortageError(f"{entry.name} cannot be drawn: {entry.obstacle}")
            if entry.obstacle:
                left_out.append((entry.title, entry.obstacle))
                continue
            drawing = entry.draw()
            target.mkdir(parents=True, exist_ok=True)
            files.append(target / f"{drawing.name}.{kind}")
            files[-1].write_bytes(figure_bytes(finished(drawing.figure), kind))
            captions.append(f"## {drawing.name}\n\n**{drawing.title}.** {drawing.reading}\n")
    if files:
        (target / CAPTIONS).write_text("\n".join([_HEAD, *captions]), encoding="utf-8")
    return Written(target, files, left_out)


def figures_of(folder: Path) -> Iterator[Entry]:
    """Yield the figures of a run, a comparison or a sweep; of a comparison they are drawn at once.

    Raises
    ------
    ConfigError : the folder is none of these.
    """
    folder = Path(folder)
    if (folder / "session.json").is_file():
        run: RunTables[Any] = RunTables.read(folder)
        yield from (_of_run(run, figure) for figure in run.world.figures)
    elif (folder / "comparison.json").is_file():
        yield from (_drawn(drawing) for drawing in comparison_figures(folder))
    elif (folder / "sweep.json").is_file():
        yield _drawn(sweep_entry(SweepTable.read(folder)))
    else:
        allowed = "must be the folder of a run, of portage compare or of portage sweep"
        raise ConfigError([Problem("portage figures", "folder", str(folder), allowed)])


def _of_run(run: RunTables[Any], figure: Any) -> Entry:
    def draw() -> Drawing:
        return Drawing(figure.name, figure.title, figure.draw(run), figure.reading(run))

    return Entry(figure.name, figure.title, figure.obstacle(run), draw)


def _drawn(drawing: Drawing) -> Entry:
    return Entry(drawing.name, drawing.title, "", lambda: drawing)


def _chosen(entries: list[Entry], names: Sequence[str]) -> list[Entry]:
    known = {entry.name: entry for entry in entries}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ConfigError([_unknown("--only", name, list(known)) for name in unknown])
    return [known[name] for name in dict.fromkeys(names)] if names else entries


def _check_words(medium: str, kind: str) -> None:
    wrong = [
        _unknown(option, word, list(allowed))
        for option, word, allowed in (("--for", medium, MEDIA), ("--format", kind, FORMATS))
        if word not in allowed
    ]
    if wrong:
        raise ConfigError(wrong)


def _unknown(option: str, word: str, known: list[str]) -> Problem:
    near = get_close_matches(word, known, 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return Problem("portage figures", option, word, f"must be one of {', '.join(known)}{hint}")

"""The command ``portage figures``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from federates.boundary.errors import ConfigError, Problem
from federates.cli.common import console, errors


def figures(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run, of portage compare or of portage sweep.")],
    medium: Annotated[
        str, typer.Option("--for", help="column (88 mm wide, 8 pt), page (180 mm, 8 pt) or slide (16:9, 18 pt).")
    ] = "column",
    kind: Annotated[str, typer.Option("--format", help="pdf, svg or png.")] = "pdf",
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="NAME", help="Only this figure; may be given again.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Folder for the files.")] = None,
    animate: Annotated[
        Path | None,
        typer.Option("--animate", metavar="FILE", help="Write the day as an animation instead: a .svg or .html file."),
    ] = None,
    seconds: Annotated[float, typer.Option(min=1.0, max=3600.0, help="How long an animated day takes.")] = 60.0,
) -> None:
    """Write the figures of a report for a paper or for slides, without title and run inside, and their captions beside them."""
    if animate is not None:
        from federates.reporting.animation import write_animation

        console.print(f"Animation: {write_animation(folder, animate, seconds)}", markup=False, highlight=False)
        return
    from federates.reporting.export import CAPTIONS, write_figures

    written = write_figures(folder, medium, kind, only or (), out)
    for title, obstacle in written.left_out:
        errors.print(f"Not drawn: {title}: {obstacle}", markup=False, highlight=False)
    if not written.files:
        raise ConfigError([Problem("portage figures", "folder", str(folder), "holds nothing that can be drawn")])
    for path in written.files:
        console.print(str(path), markup=False, highlight=False)
    console.print(f"Captions: {written.folder / CAPTIONS}", markup=False, highlight=False)

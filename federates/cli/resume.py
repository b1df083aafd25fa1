"""``portage run RUN --resume``: a run that was interrupted goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from federates.cli.common import console, refuse_beside_resume

if TYPE_CHECKING:
    from federates.runs.launch import Launch

Start = Callable[[Callable[["Launch"], None]], "Launch"]


def start_again(named: Path, results: Path | None, given: Mapping[str, object]) -> tuple[Start, dict[str, str]]:
    """Return what lets the run ``named`` go on, and the roles of its agents by name; say with which period it does.

    ``given`` are options that change a run, and what was said of each: of this one nothing can be changed.

    Raises
    ------
    ConfigError : it cannot go on.
    """
    from federates.runs.resumable import find_run, resumable
    from federates.runs.resume import resume

    refuse_beside_resume((option for option, said in given.items() if said), "run")
    folder = find_run(named, results)
    found = resumable(folder)
    where = f"goes on with period {found.period}" if found.period else "begins again: no period was carried out by all agents"
    if foreign := found.started.executables:
        where = f"begins again: {', '.join(foreign)} is an executable, of which Portage keeps no checkpoint"
    console.print(f"Run {folder.name} {where}.", markup=False, highlight=False)
    return partial(resume, folder), found.started.agents

"""The command ``portage debrief``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from federates.cli.common import console


def debrief(
    run: Annotated[Path, typer.Argument(help="Folder of a run in which people had seats.")],
    reference: Annotated[
        Path | None, typer.Option(help="Folder of the same day without people; by default it is run now, which takes as long.")
    ] = None,
    scenario: Annotated[
        Path | None, typer.Option(help="Folder of the run's scenario; by default the one in whose results it lies.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON, private numbers included.")] = False,
) -> None:
    """Say what a game came to: points, cost against the best plan, the price of not agreeing, and who bluffed."""
    # Loads pandas and every agent's checks, which the other commands do without.
    from federates.debrief.debrief import debrief as make
    from federates.debrief.game import Game
    from federates.debrief.reference import play_reference
    from federates.debrief.show import sentences, tables
    from federates.runs.stop import Stop, hear_signals

    game = Game(run)
    if reference is None:
        place = run.resolve().parents[1] if scenario is None else scenario
        with hear_signals():
            honest = play_reference(game, place, run.resolve().parent, Stop())
    else:
        honest = Game(reference)
    found = make(game, honest)
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    for table in tables(found):
        console.print(table)
    for sentence in sentences(found):
        console.print(sentence, markup=False, highlight=False)

"""The command ``portage coalition``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from federates.boundary.errors import PortageError
from federates.cli.common import SetOption, console, errors, pairs
from federates.runs.stop import hear_signals, why

if TYPE_CHECKING:
    from federates.coalition.days import Step
    from federates.coalition.study import Study

_VALUES = {
    "fleets": "Fleets S",
    "cost_usd": "The day costs all",
    "saved_usd": "Less than without deliveries",
    "worth_usd": "v(S)",
}
_SHARES = {
    "fleet": "Fleet",
    "alone_usd": "Alone",
    "shapley_usd": "Shapley",
    "half_width_usd": "+/-",
    "nucleolus_usd": "Nucleolus",
}
_PAYMENTS = {
    "fleet": "Fleet",
    "own_cost_usd": "Own cost",
    "shapley_payment_usd": "Shapley + cost",
    "nucleolus_payment_usd": "Nucleolus + cost",
    "paid_usd": "At settled prices",
}


def coalition(
    run: Annotated[Path, typer.Argument(help="Folder of a complete run, such as scenarios/la_fleets/results/<run id>.")],
    player: Annotated[
        list[str] | None,
        typer.Option(help="A fleet that forms coalitions; may be given again. By default all company fleets."),
    ] = None,
    sample: Annotated[
        int | None, typer.Option("--pairs", help="Sample so many pairs of orders; by default none up to 6 fleets, 10 above.")
    ] = None,
    level: Annotated[float, typer.Option(help="Confidence level of a sampled Shapley value's interval.")] = 0.95,
    seed: Annotated[int | None, typer.Option(help="Seed of the sample; by default the run's.")] = None,
    scenario: Annotated[
        Path | None, typer.Option(help="Folder of the run's scenario; by default the one in whose results it lies.")
    ] = None,
    changes: SetOption = None,
) -> None:
    """Run the day of a run anew with some of its company fleets, and say what they are worth together and how they may share it.

    Traffic is by formula. What a day came to is kept in the run's folder: start it again and it goes on where it stopped.
    """
    # Loads pandas, SciPy and every agent's checks, which the other commands do without.
    from federates.coalition.days import CoalitionDays
    from federates.coalition.recorded import RecordedDay
    from federates.coalition.results import DAYS, FOLDER, write_study
    from federates.coalition.study import make_study

    recorded = RecordedDay(run, scenario, pairs(changes))
    fleets = recorded.fleets(player or ())
    if sample is not None and sample < 2:
        raise PortageError(f"--pairs {sample}: there must be 2 at least, for an interval")
    if not 0 < level < 1:
        raise PortageError(f"--level {level}: must be between 0 and 1")
    try:
        with hear_signals():
            days = CoalitionDays(recorded, fleets, run / FOLDER / DAYS, _say)
            study = make_study(days, fleets, sample, recorded.session.seed if seed is None else seed, level)
    except KeyboardInterrupt as error:
        errors.print(f"Stopped ({why(error)}); days that are known are kept: start the same command again to go on.")
        raise
    _show(study)
    console.print(f"Tables: {write_study(study, run / FOLDER)}", markup=False, highlight=False)


def _say(step: Step) -> None:
    from federates.games.game import shown

    who = "Nothing moved" if step.fleets is None else f"With {shown(step.fleets)}" if step.fleets else "With none of them"
    how = "known before" if step.known else f"{step.costs.wall_s:.0f} s"
    console.print(f"{who}: the day costs {step.costs.total_usd:.2f} usd ({how})", markup=False, highlight=False)


def _show(study: Study) -> None:
    from federates.coalition.results import share_rows, value_rows

    _print("What coalitions are worth, usd", value_rows(study), _VALUES)
    shares = share_rows(study)
    heads = dict(_SHARES)
    if not any(row["half_width_usd"] for row in shares):
        del heads["half_width_usd"]
    if study.is_prenucleolus:
        heads["nucleolus_usd"] = "Prenucleolus"
    _print("How they may share it, usd", shares, heads)
    _print("What each is to be paid, so that its share is left, usd", shares, _PAYMENTS)
    for sentence in study.sentences:
        console.print(sentence, markup=False, highlight=False)


def _print(title: str, rows: list[dict[str, Any]], heads: Mapping[str, str]) -> None:
    """Print a table; a column of which nothing is known is left out."""
    table = Table(title=title, title_justify="left")
    columns = [key for key in heads if any(row[key] is not None for row in rows)]
    for key in columns:
        table.add_column(heads[key], justify="left" if key in ("fleets", "fleet") else "right")
    for row in rows:
        table.add_row(*(_cell(row[key]) for key in columns))
    console.print(table)


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return value or "none of them"
    return "-" if value is None else f"{value:.2f}"

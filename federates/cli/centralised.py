"""``portage centralised``: the whole problem in one process, as a yardstick for the federation: by rail, or of fleets."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from federates.cli.common import SetOption, UseOption, pairs

if TYPE_CHECKING:
    from federates.centralised.solve import CentralisedResult

console = Console(soft_wrap=True)
_RAIL_ONLY = {"formulation": "--formulation", "gap": "--gap", "time_limit_s": "--time-limit", "threads": "--threads"}
_RAIL_ONLY |= {"indicators": "--indicators"}


def centralised(
    context: typer.Context,
    scenario: Annotated[Path, typer.Argument(help="Folder of a scenario by rail, such as scenarios/ieee30, or of fleets.")],
    formulation: Annotated[
        str, typer.Option(help="By rail. flow: tight, flows on the time-space network; literal: as published.")
    ] = "flow",
    gap: Annotated[float, typer.Option(min=0.0, max=1.0, help="By rail: relative gap at which to stop.")] = 1e-3,
    time_limit_s: Annotated[float, typer.Option("--time-limit", min=1.0, help="By rail: longest wall time, s.")] = 600.0,
    threads: Annotated[int, typer.Option(min=1, help="By rail: threads of HiGHS.")] = 1,
    indicators: Annotated[
        bool,
        typer.Option("--indicators", help="By rail: find the least and most wind and use of batteries at the plan's cost too."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    changes: SetOption = None,
    use: UseOption = None,
) -> None:
    """Solve the whole problem with everybody's data in one process: the reference, not a federation.

    By rail the day is solved at once. A day of fleets is negotiated in this process, and the joint problem of each of its hours
    is solved beside it.
    """
    overrides = pairs(changes)
    if _is_of_fleets(scenario, overrides):
        for name, option in _RAIL_ONLY.items():
            source = context.get_parameter_source(name)
            if source is not None and source.name != "DEFAULT":
                raise typer.BadParameter("only for a scenario by rail", param_hint=option)
        _fleets(scenario, overrides, pairs(use, "--use"), as_json)
        return
    if use:
        raise typer.BadParameter("only for a scenario of fleets, whose day is run", param_hint="--use")
    from federates.centralised.solve import FORMULATIONS, solve_centralised

    if formulation not in FORMULATIONS:
        raise typer.BadParameter(f"{formulation!r}: allowed are {', '.join(FORMULATIONS)}", param_hint="--formulation")
    result = solve_centralised(
        scenario,
        overrides=overrides,
        formulation=formulation,
        gap=gap,
        time_limit_s=time_limit_s,
        threads=threads,
        indicators=indicators,
    )
    if as_json:
        console.print_json(json.dumps(asdict(result)))
        return
    for line in _lines(result):
        console.print(line, markup=False, highlight=False)


def _is_of_fleets(scenario: Path, overrides: dict[str, str]) -> bool:
    from federates.boundary.errors import ConfigError, Problem
    from federates.boundary.names import FLEETS
    from federates.boundary.world import world_of
    from federates.runs.scenario import load_scenario, shown
    from federates.runtime.agent import load_session

    file = load_scenario(scenario).session_file
    session = load_session(file, overrides, shown_as=shown(file))
    if world_of(session.world).variant_of == FLEETS:
        allowed = (
            "must be left out: the reference compares what each fleet was given, which no coordinator knows of a private sum"
        )
        raise ConfigError([Problem(shown(file), "private_sum", "true", allowed)])
    return bool(session.world == FLEETS)


def _fleets(scenario: Path, overrides: dict[str, str], use: dict[str, str], as_json: bool) -> None:
    """Print the reference of a day of fleets; exit with code 1 where the bounds do not enclose the optimum."""
    from federates.boundary.markdown import markdown_table
    from federates.centralised.fleets.day import reference_day
    from federates.centralised.fleets.tell import COLUMNS, cells, rows, summary

    day = reference_day(scenario, overrides=overrides, use=use)
    table = rows(day)
    if as_json:
        console.print_json(json.dumps(table))
    else:
        console.print(markdown_table(list(COLUMNS.values()), map(cells, table), 0), markup=False, highlight=False)
        console.print(summary(day), markup=False, highlight=False)
    if not all(reference.enclosed for reference in day):
        raise typer.Exit(1)


def _lines(result: CentralisedResult) -> list[str]:
    return [
        f"Scheme {result.scheme}, {result.formulation} formulation, {result.status} after {result.wall_s:.1f} s.",
        f"Total cost      {result.total_cost_usd:14,.2f} $   (bound {result.bound_usd:,.2f} $, gap {result.gap:.3%})",
        f"  power         {result.operating_cost_usd:14,.2f} $",
        f"  transport     {result.transport_cost_usd:14,.2f} $   ({result.trips:.0f} trips, {result.moving_periods:.0f} periods)",
        f"Renewables used {result.wind_used_share:14.2%}",
        f"Batteries used  {result.storage_utilisation:14.2%}   (mean power of all batteries)",
        *(
            f"{name}: {span.least:.2%} to {span.most:.2%} at this cost; proven: {span.proven_least:.2%} to {span.proven_most:.2%}"
            for name, span in result.ranges.items()
        ),
    ]

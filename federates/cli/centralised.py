"""``portage centralised``: the whole rail problem in one process, as a yardstick for the federation."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

if TYPE_CHECKING:
    from federates.centralised.solve import CentralisedResult

console = Console(soft_wrap=True)


def centralised(
    scenario: Annotated[Path, typer.Argument(help="Folder of a rail scenario, such as scenarios/ieee30.")],
    formulation: Annotated[
        str, typer.Option(help="flow: tight, flows on the time-space network; literal: as published.")
    ] = "flow",
    gap: Annotated[float, typer.Option(min=0.0, max=1.0, help="Relative gap at which to stop.")] = 1e-3,
    time_limit_s: Annotated[float, typer.Option("--time-limit", min=1.0, help="Longest wall time, s.")] = 600.0,
    threads: Annotated[int, typer.Option(min=1, help="Threads of HiGHS.")] = 1,
    indicators: Annotated[
        bool, typer.Option("--indicators", help="Find the least and most wind and use of batteries at the plan's cost too.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    changes: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change one key of scenario.yaml.")
    ] = None,
) -> None:
    """Solve the whole problem with both operators' data in one process: the reference, not a federation."""
    from federates.centralised.solve import FORMULATIONS, solve_centralised

    if formulation not in FORMULATIONS:
        raise typer.BadParameter(f"{formulation!r}: allowed are {', '.join(FORMULATIONS)}", param_hint="--formulation")
    overrides = {}
    for change in changes or []:
        key, equals, value = change.partition("=")
        if not equals:
            raise typer.BadParameter(f"{change!r}: must be KEY=VALUE", param_hint="--set")
        overrides[key] = value
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

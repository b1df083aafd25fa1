"""``portage new`` and ``portage new-operator``: starting points for work of one's own."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from federates.cli.common import console
from federates.scaffold.shipped import SHIPPED


def new(
    folder: Annotated[Path, typer.Argument(help="New folder, at any place; its last part becomes the scenario's name.")],
    source: Annotated[str, typer.Option("--from", help=f"Scenario to copy: {', '.join(SHIPPED)}.")],
) -> None:
    """Make a runnable scenario of your own from one that comes with Portage."""
    from federates.scaffold.scenario import new_scenario

    made = new_scenario(folder, source)
    _say(
        f"{made} is a copy of {source}. Next:",
        f"  portage check {_shell(made)}",
        f"  portage run {_shell(made)}",
        f"  portage new-operator power_operator my_operator --into {_shell(made)}    # a class of your own",
    )


def new_class(
    role: Annotated[str, typer.Argument(help="Role that the class plays.")],
    name: Annotated[str, typer.Argument(help="Name of the module, such as my_operator; its class is then MyOperator.")],
    world: Annotated[
        str | None, typer.Option(help="World for which it is written; without it that of the scenario, else road.")
    ] = None,
    source: Annotated[str, typer.Option("--from", help="Copy this installed class, such as price_taker, instead.")] = "",
    into: Annotated[Path, typer.Option(help="Folder of the scenario, or of the agent, that gets the files.")] = Path("."),
) -> None:
    """Make a commented skeleton of a class for ROLE, and a test that fails until it is written."""
    from federates.scaffold.operator import new_operator, world_around

    world = world or world_around(into)
    made = new_operator(role, name, world, into, source)
    module, test = made.files
    first = (
        f"change a rule in {module}" if source else "write the methods; each raises NotImplementedError and says what it must do"
    )
    _say(
        f"{module} {f'is a copy of {source}' if source else 'has every method of the role'}, {test} is its test. Next:",
        f"  1. {first}",
        f"  2. python -m pytest {_shell(test)}",
        f'  3. name it in {role}/config.yaml:  {made.key}: "{made.spec}"',
        f"  4. portage conform {role} {_shell(module)}:{made.class_name} --world {world}",
        "  5. portage run SCENARIO",
    )


def _shell(path: Path) -> str:
    return shlex.quote(str(path))


def _say(*lines: str) -> None:
    for line in lines:
        console.print(line, markup=False, highlight=False)

"""The command ``portage conform``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from federates.boundary.errors import ConfigError, Problem
from federates.cli.common import console
from federates.cli.guarded import NO_VERDICT, in_a_guarded_process, says_its_verdict


def conform(
    role: Annotated[str, typer.Argument(help="The role that is played.")],
    target: Annotated[
        str,
        typer.Argument(
            help="What plays it: file.py:Class, module:Class (in the working folder or the scenario's agent folder, or"
            " installed), a short name such as joint_graph, a config.yaml, or a command in quotes that starts an executable."
        ),
    ],
    scenario: Annotated[
        Path | None, typer.Option(help="Folder of a scenario, whose session, agent folder, settings and time limits are used.")
    ] = None,
    world: Annotated[str | None, typer.Option(help="Without a scenario: the world of the small built-in session.")] = None,
    agent: Annotated[str, typer.Option(help="Which of several agents of the role; else the first.")] = "",
    settings: Annotated[Path | None, typer.Option(help="File with the class's settings, as in config.yaml.")] = None,
    limit: Annotated[
        float | None, typer.Option(min=0.01, help="Longest time of one answer, s; else the scenario's, or 10 s (traffic: 60 s).")
    ] = None,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the report as JSON too.")] = None,
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the report as JUnit XML too.")] = None,
    only: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Only this check or area, and what it needs; may be given again.")
    ] = None,
) -> None:
    """Check that a class or an executable plays by the rules of its role; docs/conformance.md lists them.

    The exit code is 0 if all hold, 1 if one is broken, 2 if the target cannot be used, and 3 if there is no verdict: what is
    tested has ended the process that tests it, or the kit itself failed.
    """
    outputs = [path.resolve() for path in (json, junit) if path is not None]
    for path in outputs:
        if not path.parent.is_dir():
            raise ConfigError([Problem("command line", "output file", str(path), "its folder must exist")])
    # A class may end the process that it works in, which must not be taken for a verdict: so that is another one.
    code = in_a_guarded_process()
    if code is not None:
        raise typer.Exit(code)
    # Loads the whole kit, which the other commands do without.
    from federates.conformance.find_target import Wanted, find_target
    from federates.conformance.report import show_outcome, show_summary
    from federates.conformance.run import chosen
    from federates.conformance.run import conform as make_checks

    with says_its_verdict() as verdict:
        found = find_target(role, target, Wanted(scenario, world, settings, limit, agent))
        chosen(found, tuple(only or ()))
        report = make_checks(found, tuple(only or ()), watch=lambda outcome: show_outcome(console, outcome))
        show_summary(console, report)
        if json is not None:
            report.write_json(json)
        if junit is not None:
            report.write_junit(junit)
        verdict(0 if report.ok else 1 if report.broken else NO_VERDICT)

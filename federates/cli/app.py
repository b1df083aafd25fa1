"""The command ``portage``: check, run, compare and report."""

# A command imports what it works with when it is called: `portage --help` needs none of it, and loading it takes seconds.

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from federates import __version__
from federates.boundary.errors import ConfigError, PortageError
from federates.cli.audit import audit
from federates.cli.centralised import centralised
from federates.cli.coalition import coalition
from federates.cli.common import (
    Command,
    Group,
    RealTimeOption,
    ResultsOption,
    ScenarioArgument,
    SetOption,
    StrictOption,
    UseOption,
    console,
    errors,
    pairs,
    real_time,
    say_end,
    say_if_not_whole,
)
from federates.cli.compare import compare
from federates.cli.conform import conform
from federates.cli.debrief import debrief
from federates.cli.figures import figures
from federates.cli.hosts import HostsOption, InterfaceOption, collect, hosts_of, join, say_lines
from federates.cli.lessons import exercise, lessons
from federates.cli.new import new, new_class
from federates.cli.play import play
from federates.cli.sweep import sweep
from federates.cli.view import AsOption, HostOption, PortOption, WebView, view

if TYPE_CHECKING:
    from federates.runs.launch import Launch

app = typer.Typer(cls=Group, add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)
_WRITE_RESULTS = ("run", "compare", "report", "sweep", "coalition", "debrief", "figures", "play", "join", "collect")


def main() -> None:
    """Run the command line; a `PortageError` becomes a message and an exit code."""
    try:
        app()
    except ConfigError as error:
        count = len(error.problems)
        errors.print(f"[bold red]{count} problem{'s' if count != 1 else ''} found; nothing was started[/]")
        for problem in error.problems:
            errors.print(f"  {problem}", markup=False, highlight=False)
        raise SystemExit(2) from None
    except PortageError as error:
        errors.print(f"portage: {error}", markup=False, highlight=False)
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None


@app.callback(invoke_without_command=True)
def _common(
    context: typer.Context, version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False
) -> None:
    if context.invoked_subcommand in _WRITE_RESULTS:
        from federates.isolation.owner_only import write_for_owner_only

        write_for_owner_only()
    if version:
        console.print(f"portage {__version__}")
        raise typer.Exit


@app.command(cls=Command)
def check(scenario: ScenarioArgument, changes: SetOption = None, use: UseOption = None) -> None:
    """Find everything wrong with a scenario before any process starts."""
    from federates.runs.check import check_scenario

    found = check_scenario(scenario, pairs(changes), pairs(use, "--use"))
    for note in found.notes:
        console.print(f"note: {note}", markup=False, highlight=False)
    console.print(f"{found.name}: nothing wrong; run it with: portage run {scenario}", markup=False, highlight=False)


@app.command(cls=Command)
def run(
    scenario: Annotated[
        Path, typer.Argument(help="Folder of the scenario, such as scenarios/la_gcs; with --resume that of a run, or its id.")
    ],
    changes: SetOption = None,
    use: UseOption = None,
    results: ResultsOption = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Let a run go on that was interrupted, behind the last period that is carried out.")
    ] = False,
    web: Annotated[bool, typer.Option("--web", help="Show the run in the browser too, while it goes on.")] = False,
    viewers: AsOption = None,
    host: HostOption = "127.0.0.1",
    port: PortOption = 0,
    factor: RealTimeOption = None,
    strict: StrictOption = False,
    hosts: HostsOption = None,
    interface: InterfaceOption = None,
) -> None:
    """Run a scenario with live progress; the exit code is 0 only if the run is complete."""
    from federates.cli.progress import ProgressView
    from federates.runs.check import check_scenario
    from federates.runs.launch import launch
    from federates.runs.stop import hear_signals

    overrides, paced, over = pairs(changes), real_time(factor, strict=strict), hosts_of(hosts, interface)
    if resume:
        from federates.cli.resume import start_again

        given = {"--set": changes, "--use": use, "--real-time": paced, "--hosts": over}
        start, roles = start_again(scenario, results, given)
    else:
        found = check_scenario(scenario, overrides, pairs(use, "--use"), over)
        if over is not None:
            say_lines(over, scenario)
        roles = found.roles

        def start(watch: Callable[[Launch], None]) -> Launch:
            return launch(found, overrides, watch=watch, results=results, real_time=paced, hosts=over)

    with hear_signals(), ProgressView(console) as progress, ExitStack() as shown:
        watch = progress.update
        if web:
            watch = shown.enter_context(WebView(watch, roles, viewers, host, port)).update
        finished = start(watch)
    raise typer.Exit(say_end(finished))


@app.command(cls=Command)
def report(
    folder: Annotated[Path, typer.Argument(help="Folder of a run, such as scenarios/la_gcs/results/<run id>.")],
    agent: Annotated[
        str, typer.Option(help="Write the report for this agent, such as power_operator: what it may see and nothing else.")
    ] = "",
) -> None:
    """Write the report of a run again, from the tables it left."""
    from federates.runs.reports import make_readable, write_agent_report, write_run_report

    if agent:
        console.print(f"Report: {write_agent_report(folder, agent)}", markup=False, highlight=False)
        return
    record = make_readable(folder)
    page = write_run_report(folder)
    say_if_not_whole(folder, record)
    console.print(f"Report: {page}", markup=False, highlight=False)


app.command(cls=Command)(compare)
app.command(cls=Command)(figures)
app.command(cls=Command)(audit)
app.command(cls=Command)(sweep)
app.command(cls=Command)(view)
app.command(cls=Command)(join)
app.command(cls=Command)(collect)
app.command(cls=Command)(conform)
app.command(cls=Command)(new)
app.command("new-operator", cls=Command)(new_class)
app.command(cls=Command)(centralised)
app.command(cls=Command)(coalition)
app.command(cls=Command)(lessons)
app.add_typer(exercise, name="exercise")
app.command(cls=Command)(debrief)
app.command(cls=Command)(play)

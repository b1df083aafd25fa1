"""``portage join`` and ``portage collect``: a run over several hosts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from federates.boundary.errors import ConfigError, PortageError, Problem
from federates.cli.common import ResultsOption, ScenarioArgument, UseOption, console, pairs, say_end, say_if_not_whole

if TYPE_CHECKING:
    from federates.runs.hosts import Hosts

HostsOption = Annotated[
    Path | None,
    typer.Option("--hosts", metavar="FILE", help="Run over the computers that this hosts.yaml names; this one is the broker's."),
]
InterfaceOption = Annotated[
    str | None,
    typer.Option(
        "--interface",
        metavar="NAME",
        help="Interface or address on which the broker listens for other hosts, such as eth0 or 10.0.0.1; default: loopback.",
    ),
]


def hosts_of(file: Path | None, interface: str | None) -> Hosts | None:
    """Return what ``--hosts`` and ``--interface`` say; None: the run stays on this computer.

    Raises
    ------
    ConfigError : the file, the key or the interface is wrong.
    """
    from federates.runs.hosts import Hosts

    if file is None:
        if interface is not None:
            allowed = "says where the broker listens for other hosts: give --hosts FILE too"
            raise ConfigError([Problem("command line", "--interface", interface, allowed)])
        return None
    hosts = Hosts(file)
    if problems := hosts.interface_problems(interface) or hosts.port_problems():
        raise ConfigError(problems)
    return hosts


def say_lines(hosts: Hosts, scenario: Path) -> None:
    """Say what is to be typed on each of the other hosts."""
    from federates.runs.hosts import line_to_type

    for name, host in hosts.file.hosts.items():
        if name != hosts.file.broker and hosts.agents_on(name):
            who = "started by ssh" if host.start == "ssh" else "type there"
            console.print(f"On {name}, {who}: {line_to_type(hosts, name, scenario)}", markup=False, highlight=False)


def join(
    scenario: ScenarioArgument,
    hosts: Annotated[Path, typer.Option("--hosts", metavar="FILE", help="The run's hosts.yaml.")],
    host: Annotated[str, typer.Option("--host", metavar="NAME", help="Which of its hosts this computer is.")],
    use: UseOption = None,
    results: ResultsOption = None,
) -> None:
    """Take part in a run over several hosts, with the agents of this one."""
    from federates.runs.hosts import Hosts
    from federates.runs.join import join as join_run
    from federates.runs.stop import hear_signals

    found = Hosts(hosts)
    where = found.file.hosts.get(found.file.broker)
    if where is not None:
        said = f"{host}: joining the run on {found.file.broker}, at {where.address}:{found.file.port}"
        console.print(said, markup=False, highlight=False)
    with hear_signals():
        finished = join_run(scenario, found, host, pairs(use, "--use"), results)
    raise typer.Exit(say_end(finished))


def collect(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of the run on the broker's host.")],
    parts: Annotated[list[Path], typer.Argument(metavar="PART...", help="Folders of the same run from the other hosts.")],
    no_report: Annotated[bool, typer.Option("--no-report", help="Write no report now; `portage report` does it later.")] = False,
) -> None:
    """Put what agents left on other hosts into the run's folder, and write its reports."""
    from federates.runs.collect import collect as collect_parts

    record = collect_parts(folder, parts, report=not no_report)
    for line in record.get("headline", []):
        console.print(line, markup=False, highlight=False)
    say_if_not_whole(folder, record)
    if record["status"] != "complete":
        raise PortageError(f"run {record['run_id']}: {record['failure']}")
    if not record.get("elsewhere") and not no_report:
        console.print(f"Report: {folder / 'report.html'}", markup=False, highlight=False)

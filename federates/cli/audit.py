"""``portage audit``: per agent what it read, what it told whom, and what it never told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from federates.audit.outcome import grouped
from federates.boundary.errors import PortageError
from federates.cli.common import console, errors, say_if_not_whole

if TYPE_CHECKING:
    from federates.audit.outcome import AgentAudit, Audit

_BREACH, _NO_RUN = 1, 2
_FEW = 6
_NAME, _NUMBER = 26, 10
"""Widths of the columns."""
_SANDBOX = {
    "enforced": "kept in its folder by the operating system",
    "off": "not kept in its folder (sandbox off)",
    "unavailable": "not kept in its folder (no sandbox on this computer)",
    "not confined": "not kept in its folder (not a process of its own)",
    "not recorded": "whether it was kept in its folder is not recorded",
}
_KINDS = {
    "results": "its own results",
    "session": "the public agreement",
    "environment": "Python and its packages",
    "temporary": "temporary files",
    "outside": "OUTSIDE ITS FOLDER",
}


def audit(
    run: Annotated[Path, typer.Argument(help="Folder of a run, such as scenarios/la_gcs/results/<run id>.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")] = False,
) -> None:
    """Say who told whom what in a run; the exit code is 1 if anything lies outside the topic table, 2 if there is no run."""
    from federates.audit.audit import audit_run

    try:
        outcome = audit_run(run)
    except PortageError as error:
        errors.print(f"portage: {error}", markup=False, highlight=False)
        raise typer.Exit(_NO_RUN) from None
    from federates.runtime.run_record import read_run_record

    say_if_not_whole(run, read_run_record(run) or {})
    if as_json:
        typer.echo(json.dumps(outcome.as_json(), indent=2))
    else:
        _show(outcome)
    raise typer.Exit(0 if outcome.clean else _BREACH)


def _show(outcome: Audit) -> None:
    looked = f"; the broker looked at the wiring {grouped(outcome.looks)} times" if outcome.looks else ""
    _say(f"[bold]Run {escape(outcome.run_id)}[/]{looked}")
    for agent in outcome.agents:
        _say()
        _show_agent(agent)
    _say()
    for said in outcome.not_recorded:
        _say(f"[yellow]not recorded:[/] {escape(said)}")
    for breach in outcome.breaches:
        _say(f"[bold red]breach:[/] {escape(str(breach))}")
    line = outcome.line if outcome.clean else f"Audit: {_count(len(outcome.breaches), 'breach', 'breaches')}"
    _say(f"[bold {'green' if outcome.clean else 'red'}]{escape(line)}[/]")


def _show_agent(agent: AgentAudit) -> None:
    executable = "" if agent.kind == "python" else "an executable, known from those who heard it; "
    gaps = f"; {escape(agent.sandbox_gaps)}" if agent.sandbox_gaps else ""
    _say(f"[bold]{escape(agent.name)}[/]  [dim]{executable}{_SANDBOX.get(agent.sandbox, escape(agent.sandbox))}{gaps}[/]")
    _row("read", _read(agent))
    _row("told", f"[dim]{'':{_NAME}}{'messages':>{_NUMBER}}{'numbers':>{_NUMBER}}  to[/]" if agent.told else "nothing")
    for entry in agent.told:
        # Whom a topic is addressed to stands behind it.
        name, receivers = entry.topic.rpartition("/")[2], ", ".join(entry.receivers) or "nobody"
        _row("", f"{name:{_NAME}}{grouped(entry.messages):>{_NUMBER}}{grouped(entry.numbers):>{_NUMBER}}  {receivers}")
    heard = [f"{_count(count, 'message', 'messages')} from {name}" for name, count in agent.heard.items()]
    _row("heard", ", ".join(heard) or ("nothing" if agent.kind == "python" else "not recorded"))
    if agent.network:
        _row("network", ", ".join(f"{grouped(count)} {fate}" for fate, count in agent.network.items()))
    _row("never told", _never_told(agent))


def _read(agent: AgentAudit) -> str:
    own = [escape(path.removeprefix(f"{agent.name}/")) for path in agent.own_files]
    parts = [_some(own)] if own else []
    # An agent's own results are what it wrote; that it opened them says nothing.
    parts += [_KINDS.get(kind, kind) for kind in agent.other_files if kind != "results"]
    return "; ".join(parts) or "not recorded"


def _never_told(agent: AgentAudit) -> str:
    files = sum(path.startswith(f"{agent.name}/") for path in agent.own_files)
    parts = [_count(files, "file of its own folder", "files of its own folder")] if files else []
    if agent.kept:
        parts.append(f"{_count(sum(agent.kept.values()), 'row', 'rows')} of results ({_some(sorted(agent.kept))})")
    if agent.settings:
        parts.append(f"its settings ({_some(list(agent.settings))})")
    return "; ".join(parts) or "nothing is recorded that it kept"


def _some(names: list[str]) -> str:
    """Return the first few names, and how many there are besides."""
    return ", ".join(names[:_FEW]) + (f" and {len(names) - _FEW} more" if len(names) > _FEW else "")


def _count(count: int, one: str, many: str) -> str:
    return f"{grouped(count)} {one if count == 1 else many}"


def _row(word: str, text: str) -> None:
    _say(f"  [cyan]{word:11}[/]{text}")


def _say(text: str = "") -> None:
    console.print(text, highlight=False)

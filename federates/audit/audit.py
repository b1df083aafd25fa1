"""Audit a run from what it left: `audit_run` reads a run's folder and needs nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from federates.audit.files import files_breaches, files_not_recorded, other_files, own_files, sandbox_gaps, sandbox_of
from federates.audit.ledgers import Ledgers
from federates.audit.network import fates, network_breaches
from federates.audit.outcome import AgentAudit, Audit, Breach, printable
from federates.audit.read import AgentRecords, RunRecords, read_run
from federates.runtime.results import write_json

AUDIT_RECORD = "audit.json"


def audit_run(folder: Path) -> Audit:
    """Return what the records of the run in ``folder`` come to.

    Raises
    ------
    PortageError : this is no run's folder, or its records cannot be read.
    """
    run = read_run(folder)
    ledgers = Ledgers(run)
    return Audit(
        run_id=folder.resolve().name,
        agents=tuple(_agent(agent, run, ledgers) for agent in run.agents.values()),
        breaches=(*_wire_breaches(run), *ledgers.breaches(), *network_breaches(run), *files_breaches(run)),
        not_recorded=tuple(map(printable, (*_wire_not_recorded(run), *ledgers.not_recorded(), *files_not_recorded(run)))),
        looks=0 if run.graph is None else run.graph.looks,
    )


def write_audit(folder: Path) -> Audit:
    """Audit the run in ``folder`` and leave ``audit.json`` there."""
    audit = audit_run(folder)
    write_json(folder / AUDIT_RECORD, audit.as_json())
    return audit


def _wire_breaches(run: RunRecords) -> Iterator[Breach]:
    for said in () if run.graph is None else run.graph.breaches:
        yield Breach("wire", said.split(" ")[0], said)


def _wire_not_recorded(run: RunRecords) -> Iterator[str]:
    if run.graph is None:
        yield "wiring: the broker left no graph.json (it did not look, or the run is older than the audit)"
    elif not run.graph.looks:
        yield "wiring: the run ended before the broker could look at it"
    for path in () if run.graph is None else run.graph.changed:
        yield f"who changed {path} (content, mode or times) while the run went on"


def _agent(agent: AgentRecords, run: RunRecords, ledgers: Ledgers) -> AgentAudit:
    return AgentAudit(
        name=agent.name,
        kind="python" if agent.python else "executable",
        sandbox=sandbox_of(agent),
        sandbox_gaps=printable(sandbox_gaps(agent)),
        own_files=tuple(map(printable, own_files(agent, run))),
        other_files=other_files(agent),
        told=ledgers.told(agent.name),
        heard=ledgers.heard(agent.name),
        kept={printable(name): rows for name, rows in agent.tables.items()},
        settings=tuple(sorted(map(printable, agent.settings))),
        network=fates(run, agent.name),
    )

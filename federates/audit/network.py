"""Messages that were sent and came, but were not heard: what the network made of them, held against the ledgers.

A ledger counts what came to an agent, whether the network let it be heard or not. The table ``network`` says of each of these
messages whether it was heard, late or lost. So both must tell of the same ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from federates.audit.outcome import Breach
from federates.audit.read import RunRecords
from federates.boundary.exchange import SESSION
from federates.network.hearing import NETWORK

_Message = tuple[str, int, int]


def fates(run: RunRecords, agent: str) -> dict[str, int]:
    """Return how many messages an agent heard, heard late and did not hear; empty where there is no network."""
    rows = _rows(run, agent)
    return {} if rows is None else dict(sorted(Counter(fate for _, fate in rows).items()))


def network_breaches(run: RunRecords) -> Iterator[Breach]:
    """Yield agents whose table ``network`` does not tell of the messages that their ledger has."""
    for agent in run.agents.values() if run.complete else ():
        rows = _rows(run, agent.name)
        if rows is None or agent.received is None:
            continue
        told = {message for message, _ in rows}
        came = {(m.topic.split("/")[0], m.period, m.round) for m in agent.received if not m.topic.endswith(f"/{SESSION.name}")}
        if told != came:
            sender, period, round_ = min(told ^ came)
            what = "came, and nothing is told of it" if (sender, period, round_) in came else "never came"
            said = f"{agent.name}: of {sender}'s message of period {period}, round {round_}, the network tells: it {what}"
            yield Breach("ledger.network", agent.name, said)


def _rows(run: RunRecords, agent: str) -> list[tuple[_Message, str]] | None:
    """Return every message that came to an agent with its fate; None where there is no network."""
    path: Path = run.folder / agent / f"{NETWORK}.parquet"
    if run.session is None or run.session.network is None or not path.is_file():
        return None
    try:
        with pq.ParquetFile(path) as opened:
            table = opened.read(columns=["sender", "period", "round", "fate"], use_threads=False)
    except (OSError, pa.ArrowException):
        return []
    columns = (table.column(name).to_pylist() for name in ("sender", "period", "round", "fate"))
    return [((sender, period, round_), fate) for sender, period, round_, fate in zip(*columns, strict=True)]

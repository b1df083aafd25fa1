"""The report for one agent: what it kept, sent and received, and what is public; nothing of another agent is read for it.

`federates.reporting.report` shows everything and is for whoever owns all results. Where an agent's part of a run is handed to its
owner, this page may go with it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from federates.boundary.names import Role
from federates.boundary.tables import TABLES
from federates.boundary.topics import received_by, sent_by
from federates.reporting.figures.style import svg_bytes
from federates.reporting.page import Picture, render_page, svg_uri
from federates.reporting.run_figure import Reading, RunFigure
from federates.reporting.tables import RunTables
from federates.reporting.words import number
from federates.runtime.ledger import LEDGER, TEXT, UNREADABLE

__all__ = ["agent_page", "write_agent_report"]

_MEANING = {entry.name: entry.meaning for entry in TABLES} | {LEDGER: "Every message that it sent or received, without values."}


def agent_page(folder: Path, agent: Role) -> Path:
    """Return where the report of ``agent`` lies in the folder of a run."""
    return folder / f"report-{agent.value}.html"


def write_agent_report(
    folder: Path, agent: Role, figures: Iterable[RunFigure[Any]], reading: Reading[Any], most_figures: int | None = None
) -> Path:
    """Write the report of one agent into the folder of a run and return it.

    Only ``session.json`` and files in ``<folder>/<agent>`` are read. Of ``figures`` those are drawn for which its tables suffice,
    at most ``most_figures``, each with its ``reading``.

    Raises
    ------
    ConfigError : there is no usable ``session.json``.
    """
    run: RunTables[Any] = RunTables.read_own(folder, agent)
    possible = [figure for figure in figures if not figure.obstacle(run)]
    return render_page(
        "agent_report.html.j2",
        agent_page(folder, agent),
        run=run,
        session=run.session,
        agent=agent.value,
        failure=run.record.get("message", ""),
        pictures=[_picture(figure, run, reading) for figure in possible[:most_figures]],
        not_drawn=[figure.title for figure in possible[len(possible) if most_figures is None else most_figures :]],
        tables=[(name, _MEANING.get(name, "A table of its own."), _column_rows(table)) for name, table in _own_tables(run)],
        messages=_message_rows(run, agent),
        settings=_pretty(run.configuration),
        agreement=_pretty(run.session.model_dump(mode="json")),
    )


def _picture(figure: RunFigure[Any], run: RunTables[Any], reading: Reading[Any]) -> Picture:
    return Picture(figure.name, figure.title, svg_uri(svg_bytes(figure.draw(run))), reading(figure.name, run))


def _own_tables(run: RunTables[Any]) -> list[tuple[str, pd.DataFrame]]:
    """Return every table that the agent left, those that only it knows too."""
    found = []
    for path in sorted(run.folder.glob("*.parquet")):
        try:
            found.append((path.stem, pd.read_parquet(path)))
        except (OSError, ValueError):
            continue  # of a process that died while it wrote
    return found


def _column_rows(table: pd.DataFrame) -> list[list[str]]:
    """Return what is in a table, by column: name, rows with a value, least, mean, most and sum; texts have none of these."""
    rows = []
    for name, column in table.items():
        values = pd.to_numeric(column, errors="coerce").to_numpy(float) if _is_number(column) else np.array([])
        known = values[np.isfinite(values)]
        shown = [known.min(), known.mean(), known.max(), known.sum()] if len(known) else [float("nan")] * 4
        rows.append([str(name), number(column.notna().sum()), *(number(value, 2) for value in shown)])
    return rows


def _is_number(column: pd.Series[Any]) -> bool:
    return bool(pd.api.types.is_numeric_dtype(column)) and not pd.api.types.is_bool_dtype(column)


def _message_rows(run: RunTables[Any], agent: Role) -> list[list[str]]:
    """Return a row for every topic of the agent: direction, topic, other side, messages, numbers, bytes; from its own ledger."""
    path = run.folder / f"{LEDGER}.parquet"
    if not path.is_file():
        return []
    ledger = pd.read_parquet(path, columns=["direction", "topic", "shape", "bytes"])
    ledger["numbers"] = ledger["shape"].map(_numbers)
    partners = {t.key: ", ".join(t.receivers) for t in sent_by(agent)} | {t.key: t.sender.value for t in received_by(agent)}
    grouped = ledger.groupby(["direction", "topic"]).agg(
        messages=("bytes", "size"), numbers=("numbers", "sum"), size=("bytes", "sum")
    )
    return [
        [*key, partners.get(key[1], ""), *(number(value) for value in counts)]
        for key, counts in zip(grouped.index, grouped.to_numpy(), strict=True)
    ]


def _numbers(shape: str) -> int:
    return 0 if shape in (TEXT, UNREADABLE) else int(np.prod([int(size) for size in shape.split(",")]))


def _pretty(content: object) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False, sort_keys=True)

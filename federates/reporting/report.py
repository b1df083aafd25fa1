"""Write the report of a run, one page that explains itself and needs no other file; and the report for one of its agents.

The first shows everything and is for whoever owns all results. The other holds what the agent kept, sent and received, and what
is public; nothing of another agent is read for it. Where an agent's part of a run is handed to its owner, it may go with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from federates.boundary.lines import Roster, lines
from federates.reporting.figures import svg_bytes
from federates.reporting.formatting import clock, number
from federates.reporting.modules import STATIC, bundle
from federates.reporting.negotiation import replay_data, replay_heads, replay_json
from federates.reporting.network import network_sections
from federates.reporting.page import Picture, pretty, render_page, run_pictures, svg_uri, write_json
from federates.reporting.real_time import real_time_sections
from federates.reporting.tables import RunTables, tables_of
from federates.runtime.ledger import LEDGER, TEXT, UNREADABLE


def write_report(run_dir: Path, record: Mapping[str, Any] | None = None) -> Path:
    """Write ``report.html``, ``summary.json`` and ``figures/`` into the folder of a run.

    A figure whose tables are missing is left out and named in the report; so a failed run gets its report too.

    Parameters
    ----------
    run_dir : Path
        Folder of the run, with ``session.json``.
    record : mapping, optional
        What ``run.json`` is going to say. It is written last, after the report, so whoever ends a run hands it over.

    Returns
    -------
    Path
        The report.

    Raises
    ------
    ConfigError : the folder has no usable ``session.json``, or ``run.json`` is damaged.
    """
    run: RunTables[Any] = RunTables.read(Path(run_dir), record)
    world = run.world
    sentences = world.headline(run)
    write_summary(run, sentences)
    pictures, left_out = run_pictures(run)
    replay = replay_data(run, lambda period: clock(run, period))
    return render_page(
        "report.html.j2",
        run.folder / "report.html",
        run=run,
        session=run.session,
        world=world,
        about=list(world.about(run)),
        headline=sentences,
        sections=[*world.sections(run), *network_sections(run), *real_time_sections(run)],
        pictures=pictures,
        left_out=left_out,
        replay=replay,
        replay_json=replay_json(replay),
        replay_heads=replay_json(replay_heads(run)),
        replay_script=Markup(bundle({"replay": STATIC["report"] / "replay.js"})) if replay else "",  # noqa: S704
        grids=list(world.grids(run)),
        unused=sorted(run.missing.items()),
        failure=_failure(run),
        settings=pretty(run.configuration or run.session.model_dump(mode="json")),
        settings_resolved=bool(run.configuration),
        agents=pretty(run.record["agents"]) if run.record.get("agents") else "",
    )


def write_summary(run: RunTables, headline: list[str] | None = None) -> Path:
    """Write ``summary.json`` into the folder of the run, with the ``headline`` in words if given, and return its path."""
    return write_json(run.folder / "summary.json", run.summary | ({"headline": headline} if headline else {}))


def _failure(run: RunTables) -> str:
    """Return what the record says about the failure; empty if the run did not fail."""
    if run.status != "failed":
        return ""
    cause = run.record.get("failure") or "run.json gives no reason"
    return cause if isinstance(cause, str) else pretty(cause)


_LEDGER = "Every message that it sent or received, without values."


def write_agent_report(folder: Path, agent: str, most_figures: int | None = None) -> Path:
    """Write the report of one agent into the folder of a run and return it.

    Only ``session.json`` and files in ``<folder>/<agent>`` are read. Of the world's figures those are drawn for which its tables
    suffice, at most ``most_figures``.

    Raises
    ------
    ConfigError : there is no usable ``session.json``.
    """
    run: RunTables[Any] = RunTables.read_own(folder, agent)
    possible = [figure for figure in run.world.figures if not figure.obstacle(run)]
    meaning = {entry.name: entry.meaning for entry in tables_of(run.session.world)} | {LEDGER: _LEDGER}
    return render_page(
        "agent_report.html.j2",
        folder / f"report-{agent}.html",
        run=run,
        session=run.session,
        agent=agent,
        failure=run.record.get("message", ""),
        pictures=[Picture(f.name, f.title, svg_uri(svg_bytes(f.draw(run))), f.reading(run)) for f in possible[:most_figures]],
        not_drawn=[figure.title for figure in possible[len(possible) if most_figures is None else most_figures :]],
        tables=[(name, meaning.get(name, "A table of its own."), _column_rows(table)) for name, table in _own_tables(run)],
        messages=_message_rows(run, agent),
        settings=pretty(run.configuration),
        agreement=pretty(run.session.model_dump(mode="json")),
    )


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


def _message_rows(run: RunTables[Any], agent: str) -> list[list[str]]:
    """Return a row for every topic of the agent: direction, topic, other side, messages, numbers, bytes; from its own ledger."""
    path = run.folder / f"{LEDGER}.parquet"
    if not path.is_file():
        return []
    ledger = pd.read_parquet(path, columns=["direction", "topic", "shape", "bytes"])
    ledger["numbers"] = ledger["shape"].map(_numbers)
    partners = {
        line.key: ", ".join(line.receivers) if line.sender == agent else line.sender for line in lines(Roster.of(run.session))
    }
    grouped = ledger.groupby(["direction", "topic"]).agg(
        messages=("bytes", "size"), numbers=("numbers", "sum"), size=("bytes", "sum")
    )
    return [
        [*key, partners.get(key[1], ""), *(number(value) for value in counts)]
        for key, counts in zip(grouped.index, grouped.to_numpy(), strict=True)
    ]


def _numbers(shape: str) -> int:
    return 0 if shape in (TEXT, UNREADABLE) else int(np.prod([int(size) for size in shape.split(",")]))

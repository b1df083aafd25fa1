"""Write the report of a run by rail: one page that explains itself and needs no other file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from federates.boundary.names import RAIL
from federates.reporting.page import render_page
from federates.reporting.rail.figures import RAIL_FIGURES
from federates.reporting.rail.metrics import plan_cost, rail_summary, write_rail_summary
from federates.reporting.rail.prices import battery_trade
from federates.reporting.rail.words import figure_reading, headline, scheme_sentence
from federates.reporting.replay import replay_data, replay_json
from federates.reporting.run_figure import saved_pictures
from federates.reporting.tables import RailRun
from federates.reporting.words import clock, number, percent, yes_no

__all__ = ["rail_headline", "read_rail_run", "write_rail_report"]


def rail_headline(run_dir: Path) -> list[str]:
    """Return the main results of a run as sentences; raise `ConfigError` if its folder has no usable ``session.json``."""
    return headline(read_rail_run(run_dir))


def read_rail_run(run_dir: Path, record: Mapping[str, Any] | None = None) -> RailRun:
    """Read the folder of a run by rail; ``record`` as in `RunTables.read`."""
    return RailRun.read(Path(run_dir), record, RAIL)


def write_rail_report(run_dir: Path, record: Mapping[str, Any] | None = None) -> Path:
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
    run = read_rail_run(run_dir, record)
    sentences = headline(run)
    write_rail_summary(run, sentences)
    pictures, left_out = saved_pictures(run, RAIL_FIGURES, figure_reading)
    replay = replay_data(run, lambda period: clock(run, period))
    return render_page(
        "rail_report.html.j2",
        run.folder / "report.html",
        run=run,
        session=run.session,
        scheme_text=scheme_sentence(run),
        headline=sentences,
        pictures=pictures,
        left_out=left_out,
        replay=replay,
        replay_json=replay_json(replay),
        slacks=_slack_rows(run),
        unused=sorted(run.missing.items()),
        costs=_cost_rows(run),
        indicators=_indicator_rows(run),
        trade=_trade_rows(run),
        negotiations=_negotiation_rows(run),
        basis=run.published.basis,
        failure=_failure(run),
        settings=_pretty(run.configuration or run.session.model_dump(mode="json")),
        settings_resolved=bool(run.configuration),
        agents=_pretty(run.record["agents"]) if run.record.get("agents") else "",
    )


_COSTS = {
    "production_usd": "Fuel",
    "start_up_usd": "Starts",
    "shut_down_usd": "Stops",
    "throughput_usd": "Tie-break of charging and discharging",
    "slack_usd": "Penalties for what could not be kept",
    "total_usd": "Power operator together",
}


def _cost_rows(run: RailRun) -> list[list[str]]:
    planned, realised = plan_cost(run, "planned"), plan_cost(run, "realised")
    if not planned and not realised:
        return []
    head, nan = rail_summary(run), float("nan")
    pairs = [(title, planned.get(name, nan), realised.get(name, nan)) for name, title in _COSTS.items()]
    titles = {"transport_cost_usd": "Transport operator", "total_cost_usd": "Both operators"}
    if "realised_late_end_usd" in head:
        titles = {"late_end_usd": "Trains that did not end the day where they should"} | titles
    for key, title in titles.items():
        pairs.append((title, float(head.get(key, nan)), float(head.get(f"realised_{key}", nan))))
    return [[title, number(left, 2), number(right, 2), number(right - left, 2)] for title, left, right in pairs]


_INDICATORS = (
    ("wind_used_share", "Wind used (46)", percent),
    ("storage_utilisation", "Use of the batteries' power (48)", percent),
    ("storage_energy_utilisation", "Mean filling of the batteries", percent),
    ("trips", "Trips", number),
    ("moving_periods", "Periods in motion, all trains", number),
    ("shed_mwh", "Load not served (MWh)", number),
)


def _indicator_rows(run: RailRun) -> list[list[str]]:
    head = rail_summary(run)
    rows = []
    for key, title, write in _INDICATORS:
        if key in head or f"realised_{key}" in head:
            rows.append([title, *(write(float(head.get(f"{prefix}{key}", float("nan")))) for prefix in ("", "realised_"))])
    return rows


def _negotiation_rows(run: RailRun) -> list[list[str]]:
    rows: list[list[str]] = []
    for row in run.frame("negotiations").sort_values("period", kind="stable").to_dict("records"):
        bounds = [number(row[name], 2) for name in ("lower_bound_usd", "upper_bound_usd")]
        gaps = [percent(row[name], 3) for name in ("gap", "claimed_gap")]
        agreed = yes_no(row["agreed"], row["claimed_agreed"])
        why = f"{row['reason']} ({row['verdict']})"
        rows.append([clock(run, int(row["period"])), str(row["cause"]), number(row["rounds"]), agreed, *bounds, *gaps, why])
    return rows


def _trade_rows(run: RailRun) -> list[list[str]]:
    trade = battery_trade(run)
    if trade is None:
        return []
    total = {"station": "together", "bus": "", **trade.stations.sum(numeric_only=True)}
    rows = trade.stations.to_dict("records") + ([total] if len(trade.stations) > 1 else [])
    amounts = ("bought_mwh", "bought_usd", "sold_mwh", "sold_usd", "margin_usd")
    return [[row["station"], row["bus"], *(number(row[name], 1) for name in amounts)] for row in rows]


def _slack_rows(run: RailRun) -> list[str]:
    return [f"plan of {clock(run, int(row.planned_in))[:5]}: {row.constraint}" for row in run.frame("slacks").itertuples()]


def _failure(run: RailRun) -> str:
    """Return what the record says about the failure; empty if the run did not fail."""
    if run.status != "failed":
        return ""
    cause = run.record.get("failure") or "run.json gives no reason"
    return cause if isinstance(cause, str) else _pretty(cause)


def _pretty(content: object) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False, sort_keys=True)

"""Write the report of a run: one page that explains itself and needs no other file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from federates.reporting.accounts import account
from federates.reporting.delivery import delivery_by_period
from federates.reporting.figures import RUN_FIGURES
from federates.reporting.metrics import agreement, overload, write_summary
from federates.reporting.page import render_page
from federates.reporting.replay import replay_data, replay_json
from federates.reporting.run_figure import saved_pictures
from federates.reporting.tables import RunTables
from federates.reporting.words import (
    bins_name,
    clock,
    figure_reading,
    headline,
    minutes,
    number,
    percent,
    scheme_sentence,
    traffic_sentence,
    yes_no,
)

__all__ = ["write_report"]


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
    run = RunTables.read(Path(run_dir), record)
    sentences = headline(run)
    write_summary(run, sentences)
    pictures, left_out = saved_pictures(run, RUN_FIGURES, figure_reading)
    replay = replay_data(run, lambda period: clock(run, period))
    return render_page(
        "report.html.j2",
        run.folder / "report.html",
        run=run,
        session=run.session,
        scheme_text=scheme_sentence(run),
        traffic_text=traffic_sentence(run),
        headline=sentences,
        pictures=pictures,
        left_out=left_out,
        replay=replay,
        replay_json=replay_json(replay),
        unused=sorted(run.missing.items()),
        overload=_overload_rows(run),
        account=_account_rows(run),
        bins_name=bins_name(run),
        delivery=_delivery_rows(run),
        agreement=_agreement_rows(run),
        basis=run.published.basis,
        failure=_failure(run),
        settings=_pretty(run.configuration or run.session.model_dump(mode="json")),
        settings_resolved=bool(run.configuration),
        agents=_pretty(run.record["agents"]) if run.record.get("agents") else "",
    )


def _overload_rows(run: RunTables) -> list[list[str]]:
    return [
        [
            row["station"],
            number(row["limit_kw"]),
            *(number(row[f"bin_{side}_kwh"]) for side in ("without", "with")),
            percent(row["bin_ratio"]),
            *(number(row[f"period_{side}_kwh"]) for side in ("without", "with")),
            percent(row["period_ratio"]),
            f"{row['bins_above_without']} / {row['bins_above_with']}",
            number(row["received_kwh"]),
            number(row["unmet_kwh"]),
            number(row["supply_limited_periods"]),
        ]
        for row in overload(run).to_dict("records")
    ]


def _account_rows(run: RunTables) -> list[list[str]]:
    """Return what everybody bears, the sum, and what is paid beside it: who, what, usd."""
    found = account(run)
    if found is None:
        return []
    sides = (("Power operator", found.power_usd), ("Everybody on the road", found.transport_usd))
    rows = [[who, what, number(usd)] for who, costs in sides for what, usd in costs.items()]
    rows.append(["All", "Social cost: the sum", number(found.social_usd)])
    paid = f"Payment for {number(found.priced_veh)} of {number(found.vehicles)} deliveries (no cost: it is in no sum)"
    return [*rows, ["Power operator to transport operator", paid, number(found.payment_usd)]]


def _delivery_rows(run: RunTables) -> list[list[str]]:
    table = delivery_by_period(run)
    table = table[(table["traffic_veh"] > 0) | (table["formula_veh"] > 0)]
    return [
        [
            clock(run, row["period"]),
            number(row["formula_veh"]),
            minutes(row["formula_s"]),
            number(row["traffic_veh"]),
            minutes(row["traffic_s"]),
        ]
        for row in table.to_dict("records")
    ]


def _agreement_rows(run: RunTables) -> list[list[str]]:
    return [
        [
            clock(run, row["period"]),
            number(row["vehicles"]),
            yes_no(row["agreed"], row["claimed_agreed"]),
            number(row["rounds"]),
            percent(row["gap"], 2),
            number(row["lower_bound_usd"], 2),
            number(row["upper_bound_usd"], 2),
            f"{row['reason']} ({row['verdict']})",
        ]
        for row in agreement(run).to_dict("records")
    ]


def _failure(run: RunTables) -> str:
    """Return what the record says about the failure; empty if the run did not fail."""
    if run.status != "failed":
        return ""
    cause = run.record.get("failure") or "run.json gives no reason"
    return cause if isinstance(cause, str) else _pretty(cause)


def _pretty(content: object) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False, sort_keys=True)

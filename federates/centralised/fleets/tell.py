"""A reference day as a table, for the terminal, for programs and for the docs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from federates.centralised.fleets.day import HourReference

COLUMNS = {
    "hour": "hour",
    "lower_bound_usd": "lower bound (USD)",
    "optimum_usd": "central optimum (USD)",
    "plan_usd": "negotiated plan (USD)",
    "above_optimum": "plan above optimum",
    "certified_gap": "certified gap",
    "agreed": "agreed",
    "enclosed": "enclosed",
}
"""Columns by key, with their heads."""


def rows(day: Sequence[HourReference]) -> list[dict[str, Any]]:
    """Return a row for each hour by the keys of `COLUMNS`; shares are of the negotiated plan's cost.

    What the optimum sends is no column: many plans may cost the same, and which one is found may differ by processor.
    """
    found = []
    for reference in day:
        said, optimum = reference.negotiated, reference.optimum
        cost_usd = max(abs(said.plan_usd), said.allowance_usd())
        values = (
            said.hour,
            said.lower_usd,
            optimum.upper_usd,
            said.plan_usd,
            max(0.0, reference.above_usd) / cost_usd,
            said.certified_usd / cost_usd,
            said.agreed,
            reference.enclosed,
        )
        found.append(dict(zip(COLUMNS, values, strict=True)))
    return found


def cells(row: dict[str, Any]) -> list[str]:
    """Return a row as it is shown."""
    shown = [f"{row['hour']:g}"]
    shown += [f"{round(row[name], 2) + 0.0:.2f}" for name in ("lower_bound_usd", "optimum_usd", "plan_usd")]
    shown += [f"{100.0 * row[name]:.3f} %" for name in ("above_optimum", "certified_gap")]
    return [*shown, *("yes" if row[name] else "NO" for name in ("agreed", "enclosed"))]


def summary(day: Sequence[HourReference]) -> str:
    """Return how many hours are enclosed, and how far the plans are from the optimum, at most and on average."""
    table = rows(day)
    good = sum(row["enclosed"] for row in table)
    worst = max(table, key=lambda row: row["above_optimum"])
    certified = max(row["certified_gap"] for row in table)
    total = sum(row["plan_usd"] for row in table)
    mean = sum(row["plan_usd"] * row["above_optimum"] for row in table) / max(total, 1e-9)
    return (
        f"The optimum lies between the negotiated bounds in {good} of {len(table)} hours. The plan costs at most "
        f"{worst['above_optimum']:.3%} more than the optimum (hour {worst['hour']:g}), {mean:.3%} over the day; "
        f"certified was at most {certified:.3%}."
    )

"""The debrief in a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Table

_AGENTS = {
    "agent": "Agent",
    "points": "Points",
    "cost_usd": "Own cost",
    "payment_usd": "Pays",
    "gain_usd": "Gain",
    "reference_gain_usd": "Gain without people",
}
_ANSWERS = {
    "agent": "Agent",
    "questions": "Questions",
    "by_person": "Answered",
    "late": "Late",
    "away": "Away",
    "false_claims": "False claims",
    "other_answers": "Not own best",
}
_PERIODS = {
    "period": "Period",
    "cost_usd": "Cost",
    "best_usd": "Best",
    "bound_usd": "No plan below",
    "extra_usd": "Too much",
    "idle_usd": "Without exchange",
    "agreed": "Agreed",
}
_BLUFFS = {
    "agent": "Agent",
    "period": "Period",
    "round": "Round",
    "kind": "Question",
    "claimed_more_usd": "Told dearer by",
    "forgone_usd": "Worse than own best by",
    "withheld": "Withheld",
}


def tables(found: Mapping[str, Any]) -> Iterator[Table]:
    """Yield the tables of a debrief: who has how many points, what each period cost, and what was not so."""
    order = {agent: place for place, agent in enumerate(found["ranking"])}
    rows = sorted(found["agents"], key=lambda row: order.get(row["agent"], len(order)))
    yield _table("Points; cost, payments and gains in usd", rows, _AGENTS)
    yield _table("How people answered", [row for row in rows if row["seconds"] > 0], _ANSWERS)
    yield _table("What the day cost all, usd", found["periods"], _PERIODS)
    if found["bluffs"]:
        yield _table("Answers that were not so, usd", found["bluffs"], _BLUFFS)


def sentences(found: Mapping[str, Any]) -> Iterator[str]:
    """Yield the result in words."""
    if found["efficiency"] is None:
        yield "There was nothing to gain by any exchange in this day: nobody has points."
        return
    yield f"Together {found['efficiency']:.0%} of what the day had to give was reached; {found['extra_usd']:.2f} usd were lost."
    if found["price_of_disagreement_usd"]:
        yield f"Of that, {found['price_of_disagreement_usd']:.2f} usd in periods in which nobody could prove agreement."


def _table(title: str, rows: list[dict[str, Any]], heads: Mapping[str, str]) -> Table:
    table = Table(title=title, title_justify="left")
    for key, head in heads.items():
        is_number = not any(isinstance(row.get(key), str) for row in rows)
        table.add_column(head, justify="right" if is_number else "left", no_wrap=key == "agent")
    for row in rows:
        table.add_row(*(_cell(row.get(key)) for key in heads))
    return table


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.2f}" if isinstance(value, float) else str(value)

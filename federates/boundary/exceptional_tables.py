"""Tables of what should not happen: a sound run leaves them without a row."""

from __future__ import annotations

from federates.boundary.names import RAIL, Role
from federates.boundary.table import Table

__all__ = ["EXCEPTIONAL_TABLES"]

EXCEPTIONAL_TABLES: tuple[Table, ...] = (
    Table(
        "bound_misses",
        Role.POWER_OPERATOR,
        "Linear programmes whose proven bound missed the objective that the solver gave, and that were solved again from cold; a "
        "solver that errs nowhere leaves no row. The transport operator has this table too.",
        {
            "period": "period in which it was asked",
            "round": "round",
            "activity": "solve or evaluate",
            "objective_usd": "the solver's objective",
            "safe_bound_usd": "bound proven from its dual values",
            "cold_objective_usd": "objective of the second solve",
            "cold_safe_bound_usd": "bound proven from the second dual values",
            "cold_agrees": "whether the second bound meets the second objective",
        },
        exceptional=True,
    ),
    Table(
        "slacks",
        Role.POWER_OPERATOR,
        "What a plan pays for because it cannot hold it; a sound day has no row.",
        {"planned_in": "period in which it was planned", "constraint": "group, name, period and amount, in words"},
        RAIL,
        exceptional=True,
    ),
    Table(
        "stopped_by_time",
        Role.POWER_OPERATOR,
        "Answers whose search a limit of time has ended, so that another computer may give another one; else it has no row.",
        {"period": "period in which it was asked", "question": "solve or evaluate"},
        RAIL,
        exceptional=True,
    ),
    Table(
        "late_ends",
        Role.TRANSPORT_OPERATOR,
        "Trains that did not end the day where they should, because lateness left no other way; else it has no row.",
        {
            "train": "name",
            "end_station": "where it should have ended the day",
            "next_station": "where it stands, or arrives next",
            "ready_period": "period in which it stands there (T or more: not this day)",
            "price_usd": "what the transport operator counts for it",
        },
        RAIL,
        exceptional=True,
    ),
)

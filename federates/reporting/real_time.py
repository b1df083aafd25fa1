"""How a run kept real time: how late its periods were, and who answered after the end of one."""

from __future__ import annotations

from typing import Any

import pandas as pd

from federates.boundary.names import Role
from federates.reporting.formatting import number
from federates.reporting.tables import RunTables
from federates.reporting.world import Grid, Numbers, Section
from federates.runtime.real_time import LATE_ANSWERS, PACE

Run = RunTables[Any]


def real_time_summary(run: Run) -> Numbers:
    """Return the numbers of a run's summary that say how it kept real time; empty where it had not to."""
    pace, late = _kept(run, PACE), _kept(run, LATE_ANSWERS)
    if pace.empty:
        return {}
    return {
        "real_time_factor": float(pace["factor"].iloc[0]),
        "real_time_late_periods": int((~pace["in_time"]).sum()),
        "real_time_most_late_s": float(pace["late_s"].max()),
        "real_time_late_answers": len(late),
        "real_time_plans_given_up": int(pace["given_up"].sum()),
    }


def real_time_sections(run: Run) -> tuple[Section, ...]:
    """Return the section of the report; none where time went as fast as it could."""
    told = real_time_summary(run)
    if not told:
        return ()
    pace = _kept(run, PACE)
    hour_s = 3600.0 / float(told["real_time_factor"])
    how = "an answer after the end of its period is missing" if pace["strict"].iloc[0] else "all wait for late answers"
    text = (
        f"In real time one simulated hour takes {hour_s:.4g} s; {how}. "
        f"{number(float(told['real_time_late_periods']))} of {len(pace)} periods were committed after their end, "
        f"{number(float(told['real_time_late_answers']))} answers came after the end of their period, and "
        f"{number(float(told['real_time_plans_given_up']))} plans were given up. "
        f"The latest opening was {float(told['real_time_most_late_s']):.2f} s late.",
    )
    late = _kept(run, LATE_ANSWERS)
    grids = (_by_agent(late), _by_period(pace)) if len(late) else (_by_period(pace),)
    return (Section("real-time", "How real time was kept", "Real time", text=text, grids=grids),)


def _kept(run: Run, name: str) -> pd.DataFrame:
    """Return a table of the coordinator, empty where there is none; that is no gap in the report."""
    path = run.folder / Role.COORDINATOR.value / f"{name}.parquet"
    return pd.read_parquet(path) if path.is_file() else pd.DataFrame()


def _by_agent(late: pd.DataFrame) -> Grid:
    rows = [
        [str(agent), str(activity), number(len(part)), number(part["took_s"].max(), 2), number(part["late_s"].max(), 2)]
        for (agent, activity), part in late.groupby(["agent", "activity"], sort=True)
    ]
    heads = ["agent", "what", "late", "longest, s", "latest, s after the end"]
    return Grid("What came after the end of its period.", heads, rows, (0, 1))


def _by_period(pace: pd.DataFrame) -> Grid:
    rows = []
    for row in pace.to_dict("records"):
        outcome = "given up" if row["given_up"] else "in time" if row["in_time"] else "late"
        times = [number(row[name], 2) for name in ("due_s", "opened_s", "committed_s")]
        rows.append([str(row["period"]), *times, outcome])
    heads = ["period", "due, s", "opened, s", "committed, s", "plan"]
    return Grid("When the periods were due, and when they were opened and committed.", heads, rows, (4,))

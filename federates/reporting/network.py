"""What the network cost a run: messages by class of links, rounds, time on the network and how plans were acknowledged."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from federates.network.hearing import ANSWER, NETWORK, QUESTIONS
from federates.reporting.formatting import number, percent
from federates.reporting.tables import RunTables
from federates.reporting.world import Grid, Numbers, Section

Run = RunTables[Any]
_READER = "reader"
_ASKED = {command.name.lower() for command in QUESTIONS}


def messages(run: Run) -> pd.DataFrame:
    """Return the tables ``network`` of all agents as one, with the column ``reader``; empty where there is no network."""
    found = []
    for agent in run.session.agents if run.session.network is not None else ():
        path = run.folder / agent.name / f"{NETWORK}.parquet"
        if path.is_file():
            found.append(pd.read_parquet(path).assign(**{_READER: agent.name}))
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame()


def seconds(told: pd.DataFrame, deadline_s: float) -> pd.Series:
    """Return the time that messages of each period took, s, by period; no agent's own work is in it.

    A round lasts until its last answer has come, or if one does not come in time, until both deadlines have passed. Messages that
    are repeated until they are heard follow each other by kind; those of a kind run side by side.
    """
    is_question, is_answer = told["message"].isin(_ASKED), told["message"] == ANSWER
    on_time = told["fate"] == "heard"
    asked = told[is_question].set_index(["period", "round", _READER])["latency_s"].where(on_time[is_question].to_numpy())
    answered = told[is_answer].set_index(["period", "round", "sender"])["latency_s"].where(on_time[is_answer].to_numpy())
    answered.index = answered.index.set_names(asked.index.names)
    both = (asked + answered.reindex(asked.index)).fillna(2.0 * deadline_s)
    rounds_s = both.groupby(level=["period", "round"]).max().groupby(level="period").sum()
    others = told[~(is_question | is_answer)]
    others_s = others.groupby(["period", "round", "message"])["latency_s"].max().groupby(level="period").sum()
    return rounds_s.add(others_s, fill_value=0.0)


def network_summary(run: Run) -> Numbers:
    """Return the numbers of a run's summary that say what the network cost; empty where there is none."""
    told = messages(run)
    if told.empty:
        return {}
    once = told[told["message"].isin({*_ASKED, ANSWER})]
    return {
        "network_messages": len(told),
        "network_lost": int((told["fate"] == "lost").sum()),
        "network_late": int((told["fate"] == "late").sum()),
        "network_copies": int(np.maximum(told["copies"] - 1, 0).sum()),
        "network_repeats": int((told["sent"] - 1).sum()),
        "network_lost_share": float((once["fate"] == "lost").mean()) if len(once) else 0.0,
        "network_s": float(seconds(told, run.session.network.deadline_s).sum()),
        "network_plans_given_up": int((run.frame("commits")["outcome"] != "agreed plan").sum()),
    }


def network_sections(run: Run) -> tuple[Section, ...]:
    """Return the section of the report; none where there is no network."""
    told = messages(run)
    if told.empty:
        return ()
    cost = {key: float(value) for key, value in network_summary(run).items()}
    deadline_s = run.session.network.deadline_s
    text = (
        f"Of {number(cost['network_messages'])} messages {number(cost['network_lost'])} were lost, "
        f"{number(cost['network_late'])} came late and {number(cost['network_copies'])} copies came again. "
        f"Messages took {number(cost['network_s'], 1)} s in all, counted by the model; a round waits {deadline_s:g} s for its "
        f"question and as long for its answer. {number(cost['network_plans_given_up'])} plans were given up.",
    )
    return (Section("network", "What the network cost", "Network", text=text, grids=(_by_class(told), _by_period(run, told))),)


def _by_class(told: pd.DataFrame) -> Grid:
    rows = []
    for links, part in told.groupby("links", sort=True):
        counts = [int((part["fate"] == fate).sum()) for fate in ("heard", "late", "lost")]
        copies, repeats = int(np.maximum(part["copies"] - 1, 0).sum()), int((part["sent"] - 1).sum())
        rows.append([str(links), *(number(n) for n in (len(part), *counts, copies, repeats)), percent(counts[2] / len(part))])
    heads = ["links (sender > receiver)", "messages", "heard", "late", "lost", "copies", "repeats", "lost share"]
    caption = "Messages by class of links. Repeats are of messages that are sent until they are acknowledged."
    return Grid(caption, heads, rows, (0,))


def _by_period(run: Run, told: pd.DataFrame) -> Grid:
    spent_s = seconds(told, run.session.network.deadline_s)
    held = run.frame("negotiations").set_index("period")
    rows = []
    for row in run.frame("commits").to_dict("records"):
        period = int(row["period"])
        rounds, gap = (held.loc[period, "rounds"], held.loc[period, "gap"]) if period in held.index else (np.nan, np.nan)
        words = [str(row["outcome"]), str(row["not_acknowledged"]) or "nobody"]
        rows.append([str(period), number(rounds), percent(gap, 2), number(spent_s.get(period, np.nan), 2), *words])
    heads = ["period", "rounds", "gap", "on the network, s", "carried out", "not acknowledged by"]
    return Grid("What the network cost in each period.", heads, rows, (4, 5))

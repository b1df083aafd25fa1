"""What a game with posted rewards leaves: who was paid what for how much, and who gains; tables of the coordinator's own.

All three are of the plan before its opened period is rounded to whole units.

- `posted_prices`, a row for every entry with a price or a quantity: the posted reward (or toll, for what followers ask of each
  other), what was predicted and what was accepted at it, what of it is exchanged, and what is paid for that.
- `gains`, a row for every agent: its own cost of the plan and without any exchange, what it receives (negative: pays), and what
  it has of it all, received - cost + cost without.
- `games`, a row for every negotiation: the leaders' cost and payment, the joint cost, that of the negotiated plan and the proven
  lower bound, how far the followers' tolls may be from those that clear their market, and the price of the leaders' power: the
  joint cost over either comparison (NaN where one is not positive).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from federates.boundary.messages import Answer
from federates.boundary.negotiation import Problem
from federates.boundary.roles import Recorder
from federates.coordinator.algorithms.best_response import Found
from federates.coordinator.algorithms.bounds import Bounds
from federates.coordinator.algorithms.posting import Posts

_DIGITS = 9


def record_game(
    recorder: Recorder, problem: Problem, posts: Posts, found: Found, alone: Mapping[str, Answer], negotiated_usd: float,
    bounds: Bounds,
) -> None:  # fmt: skip
    """Write the three tables of one negotiation."""
    _posted(recorder, problem, posts, found)
    paid = _gains(recorder, problem, posts, found, alone)
    answers = found.posting.answers
    joint_usd = sum(answer.cost_usd for answer in answers.values())
    recorder.record(
        "games",
        period=problem.period,
        rounds=posts.rounds,
        turns=found.turns,
        settled=found.settled,
        leaders_cost_usd=sum(answers[agent].cost_usd for agent in posts.leaders),
        leaders_paid_usd=paid,
        joint_cost_usd=joint_usd,
        negotiated_cost_usd=negotiated_usd if math.isfinite(negotiated_usd) else math.nan,
        lower_bound_usd=bounds.lower_usd,
        toll_gap_usd=found.posting.toll_gap_usd,
        power_price=_ratio(joint_usd, negotiated_usd),
        most_power_price=_ratio(joint_usd, bounds.lower_usd),
    )


def _posted(recorder: Recorder, problem: Problem, posts: Posts, found: Found) -> None:
    layout, posting = problem.layout, found.posting
    exchanged = layout.offered(posting.plan)
    columns = {
        "price": posting.prices,
        "predicted": np.where(posts.rewarded, posting.predicted, np.nan),
        "accepted": posting.accepted,
        "exchanged": exchanged,
    }
    shaped = {name: layout.shaped(np.round(values, _DIGITS) + 0.0) for name, values in columns.items()}
    for exchange in layout.exchanges:
        values = {name: arrays[exchange.name] for name, arrays in shaped.items()}
        index = np.nonzero((values["price"] != 0.0) | (values["accepted"] != 0.0) | (values["exchanged"] != 0.0))
        names = [problem.session.index_names(axis) or () for axis in exchange.axes[:-1]]
        for place in zip(*(part.tolist() for part in index), strict=True):
            where = [names[axis][i] for axis, i in enumerate(place[:-1])]
            price, amount = float(values["price"][place]), float(values["exchanged"][place])
            recorder.record(
                "posted_prices",
                period=problem.period,
                exchange=exchange.name,
                unit=exchange.unit,
                source=where[0] if where else "",
                station=where[1] if len(where) > 1 else "",
                for_period=problem.period + place[-1],
                price_usd_per_unit=price,
                predicted_units=float(values["predicted"][place]),
                accepted_units=float(values["accepted"][place]),
                exchanged_units=amount,
                paid_usd=price * amount,
            )


def _gains(recorder: Recorder, problem: Problem, posts: Posts, found: Found, alone: Mapping[str, Answer]) -> float:
    """Write who gains what; return what leaders pay."""
    posting, paid_by_leaders = found.posting, 0.0
    for agent in problem.agents:
        paid = problem.layout.price_of(agent, posting.plan[agent], posting.prices)
        cost_usd, alone_usd = posting.answers[agent].cost_usd, alone[agent].cost_usd
        leads = agent in posts.leaders
        paid_by_leaders += paid if leads else 0.0
        recorder.record(
            "gains",
            period=problem.period,
            agent=agent,
            side="leader" if leads else "follower",
            cost_usd=cost_usd,
            cost_alone_usd=alone_usd,
            received_usd=0.0 - paid,
            surplus_usd=alone_usd - cost_usd - paid,
        )
    return paid_by_leaders


def _ratio(cost_usd: float, least_usd: float) -> float:
    """Return the cost over that of a comparison, NaN where either is not positive or not known."""
    return cost_usd / least_usd if math.isfinite(least_usd) and least_usd > 0.0 and cost_usd > 0.0 else math.nan

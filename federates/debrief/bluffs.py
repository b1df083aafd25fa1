"""Who told what was not so: answers and claimed costs against the own best answer and the own true cost."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from federates.debrief.game import Game

CENT_USD = 0.01
"""What differs by no more than a cent is the same."""
_SAME = 1e-6


@dataclass(frozen=True, slots=True)
class Told:
    """One answer of a person.

    ``claimed_more_usd``: told cost minus own cost of what was told; above 0 it was told dearer than it is. ``forgone_usd``: how
    much worse what was told was for the agent than its best answer, at these prices (of given quantities: own cost minus the
    least one). ``withheld``: how much less than it could the agent sent of what it was given, in units of the exchanges.
    """

    agent: str
    n: int
    kind: str
    period: int
    round: int
    claimed_more_usd: float
    forgone_usd: float
    withheld: float = 0.0

    @property
    def is_false_claim(self) -> bool:
        """Whether another cost was told than the own one."""
        return abs(self.claimed_more_usd) > CENT_USD

    @property
    def is_other_answer(self) -> bool:
        """Whether it was not the best for the agent, so that it was a slip or meant to move the prices."""
        return self.forgone_usd > CENT_USD or self.withheld > _SAME


def told_by_people(game: Game) -> list[Told]:
    """Return all answers that people gave in operators' seats."""
    return [_told(game, agent, record) for agent in game.operators for record in game.answered(agent) if record["by"] == "person"]


def _told(game: Game, agent: str, record: dict[str, Any]) -> Told:
    where = {key: record[key] for key in ("n", "kind", "period", "round")}
    claimed_more_usd = record["told"]["cost_usd"] - record["own_cost_usd"]
    forgone_usd = record["own_total_usd"] - record["best"]["total_usd"]
    if record["kind"] == "solve":
        return Told(agent, **where, claimed_more_usd=claimed_more_usd, forgone_usd=forgone_usd)
    # Of what is given the class sends all that it can: to send less costs less, and is no gain.
    role = game.session.role_of(agent)
    offered = [exchange.name for exchange in game.world.exchanges if role in exchange.offers]
    best, told = record["best"]["quantities"], record["told"]["quantities"]
    withheld = sum(float(np.maximum(np.asarray(best[name]) - np.asarray(told[name]), 0.0).sum()) for name in offered)
    return Told(agent, **where, claimed_more_usd=claimed_more_usd, forgone_usd=max(forgone_usd, 0.0), withheld=withheld)


def summary(agent: str, records: Iterable[dict[str, Any]], told: Iterable[Told]) -> dict[str, Any]:
    """Return how an agent answered: numbers of answers by whom, and what was not so in the person's."""
    records, own = list(records), [each for each in told if each.agent == agent]
    by_person = sum(record["by"] == "person" for record in records)
    whys = [record["why"] for record in records if record["by"] == "class"]
    claims = [each.claimed_more_usd for each in own if each.is_false_claim]
    return {
        "questions": len(records),
        "by_person": by_person,
        "late": sum(why in ("late", "refused") for why in whys),
        "away": whys.count("away"),
        "false_claims": len(claims),
        "largest_claim_usd": max(claims, key=abs, default=0.0),
        "other_answers": sum(each.is_other_answer for each in own),
        "forgone_usd": sum(each.forgone_usd for each in own if each.is_other_answer),
        "bluffed": any(each.is_false_claim or each.is_other_answer for each in own),
    }


def bluff_rows(told: Iterable[Told]) -> list[dict[str, Any]]:
    """Return the answers that were not so, one row each."""
    return [
        {**asdict(each), "false_claim": each.is_false_claim, "other_answer": each.is_other_answer}
        for each in told
        if each.is_false_claim or each.is_other_answer
    ]

"""The mean of all answers as a plan that is costed: near the best where costs are linear, and a plan for any chain of agents.

An answer to prices is a corner of what an agent can do; near the best prices it jumps from one corner to another. The mean by the
weights of the cutting planes lies between them (Dantzig and Wolfe, "Decomposition Principle for Linear Programs", Operations
Research 8(1), 1960). Who only asks sets the plan; the others are asked for what that needs.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from federates.boundary.messages import Array
from federates.boundary.negotiation import Problem, Rounds
from federates.boundary.roles import RoundResult
from federates.coordinator.algorithms.box_step import BoxStep

_PLENTY = 1e6
"""More of anything than an agent can use."""
_TRIES = 3
_LACK = 1e-4
"""A quantity that is no lack."""
_STEP = 1e-6
"""Step of the grid on which quantities cross."""


Costed: TypeAlias = tuple[dict[str, Array], RoundResult]


def cost_mean_plan(problem: Problem, planes: BoxStep) -> Rounds[Costed]:
    """Ask what the mean of what is asked by those who only ask would cost; return the last answers, which are a plan.

    Who both asks and offers (a fleet offers deliveries and asks for passages) says first what it needs for its share; then all
    are asked for what has come out. All answers are new planes.
    """
    means, mixed = planes.mean_copies(), _mixed(problem)
    if mixed:
        means |= yield from _shared_out(problem, planes, means, mixed)
    return (yield from _cost(problem, planes, means, mixed))


def cost_known_mean(problem: Problem, planes: BoxStep) -> Rounds[Costed]:
    """Ask what the cheapest balanced mean of all answers costs: no more than the best plan so far, where costs are convex."""
    layout, means, mixed = problem.layout, planes.mean_copies(balanced=True), _mixed(problem)
    means |= {agent: means[agent] + np.where(layout.sign[agent] > 0, _STEP, 0.0) for agent in mixed}
    return (yield from _cost(problem, planes, means, mixed))


def _mixed(problem: Problem) -> list[str]:
    """Return the agents that both ask and offer."""
    layout = problem.layout
    return [agent for agent in layout.agents if not (layout.only_asks(agent) or layout.only_offers(agent))]


def _cost(problem: Problem, planes: BoxStep, means: dict[str, Array], mixed: list[str]) -> Rounds[Costed]:
    """Ask all for a plan: who only asks is given what is offered, who only offers what is asked, the others their means."""
    layout = problem.layout
    given = layout.shares(layout.asked(means), means, -1.0) | {agent: means[agent] for agent in mixed}
    offered = layout.shares(layout.offered(given), given, 1.0)
    given |= {agent: offered[agent] for agent in layout.agents if layout.only_asks(agent)}
    result = yield problem.evaluate(given)
    return _took(problem, planes, result), result


def _shared_out(problem: Problem, planes: BoxStep, means: dict[str, Array], mixed: list[str]) -> Rounds[dict[str, Array]]:
    """Share what is asked out to ``mixed`` agents, in proportion to their means; what one cannot do, the others are asked for.

    Returns what they answer, with a step more of what they ask for than they said, for that was rounded: so it is enough.
    """
    layout = problem.layout
    offers = {agent: layout.sign[agent] < 0 for agent in mixed}
    wanted = layout.shares(layout.asked(means), means, -1.0)
    share = {agent: wanted[agent] for agent in mixed}
    for _ in range(_TRIES):
        plenty = {agent: np.where(offers[agent], share[agent], _PLENTY) for agent in mixed}
        answered = _took(problem, planes, (yield problem.evaluate(means | plenty)))
        lack = {agent: np.where(offers[agent], share[agent] - answered[agent], 0.0) for agent in mixed}
        missing = np.zeros(layout.size)
        for agent in mixed:
            missing[layout.entries[agent]] += lack[agent]
        parts, able = layout.equal_parts(missing, {agent: offers[agent] & (lack[agent] <= _LACK) for agent in mixed})
        if not ((missing > _LACK) & (able > 0)).any():
            break
        share = {agent: answered[agent] + parts[agent] for agent in mixed}
    return {agent: answered[agent] + np.where(offers[agent], 0.0, _STEP) for agent in mixed}


def _took(problem: Problem, planes: BoxStep, result: RoundResult) -> dict[str, Array]:
    copies = problem.copies(result)
    planes.add(copies, result.answers)
    return copies

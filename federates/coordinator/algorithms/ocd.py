"""Improved optimality condition decomposition (OCD): the paper's coordination, steps 1-6, for any number of agents.

Equations (40)-(45) of Ding et al., "Sharing Mobilized Energy Storage for Temporal-spatial Coordination of Transportation and
Power Systems", JMPCE 2025, DOI 10.35833/MPCE.2023.000976. Written z_i for agent i's copy of what is exchanged and s_i = +1 where
it asks (the paper's power operator, J) or -1 where it offers (the transport operator, I)::

    (40)       L = sum_i [ f_i(z_i) + s_i lambda . z_i ],  lambda >= 0
    (41)-(42)  agent i: min f_i(z_i) + s_i lambda . z_i
    (43)       LB = sum of the minima, maximised over lambda
    (44)       lambda <- max(0, lambda + alpha r)      only where r = sum_i s_i z_i > 0
    (45)       alpha = rho (UB - LB) / |r|^2

1. Begin with multipliers, a step factor and an empty route set.
2. Those who offer answer the multipliers.
3. So do those who ask. Steps 2 and 3 give a lower bound.
4. A new offer is costed: what the others do with it is a plan, and its cost an upper bound.
5. Stop if the bounds are close, or offers repeat.
6. Move the multipliers.

Two settings are not the paper's: ``update: box_step`` takes the multipliers of step 6 from all answers so far (`box_step.py`),
and ``plan: mean`` costs in step 4 the mean of all answers instead of the last offer (`mean_plan.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from federates.boundary.errors import Problem as ConfigProblem
from federates.boundary.messages import Array
from federates.boundary.negotiation import Copies, Problem, Rounds, bound_usd, cost_usd
from federates.boundary.roles import Recorder, RoundResult, Solve
from federates.coordinator.algorithms.bounds import Bounds, Outcome
from federates.coordinator.algorithms.box_step import BoxStep
from federates.coordinator.algorithms.mean_plan import cost_known_mean, cost_mean_plan
from federates.coordinator.algorithms.ocd_settings import OcdSettings
from federates.coordinator.algorithms.rounds import RoundByRound, cost_nothing

_OFFER_DIGITS = 2
"""Offers that agree to so many decimals are the same member of the route set."""
_SAME = 1e-6
_UNCHANGED_LIMIT = 2
"""The paper's rule: stop once the route set is unchanged in two iterations in a row; not for `box_step`, it has all answers."""


class OptimalityConditionDecomposition(RoundByRound):
    """The paper's algorithm. Whole quantities begin at zero prices; of others the prices move on from period to period."""

    Settings = OcdSettings

    @classmethod
    def check(cls, settings: OcdSettings, folder: Path, session: Any) -> list[ConfigProblem]:  # noqa: D102
        return settings.problems(session)

    def begin(self, session: Any, recorder: Recorder) -> None:  # noqa: D102
        super().begin(session, recorder)
        self._last: Array | None = None
        self._last_period = -1

    def goes_on_without(self, question: Solve) -> bool:
        """Go on: multipliers move by what an agent has answered before, and its planes stay valid."""
        return True

    def agree(self, problem: Problem) -> Rounds[Outcome]:  # noqa: D102
        problem = replace(problem, alike=())  # the paper has a multiplier for every entry
        warm = self.settings.warm_start and not problem.whole
        begin_with = np.zeros(problem.layout.size)
        if warm and self._last is not None:
            begin_with = self._last if self._last_period == problem.period else problem.shifted(self._last)
        steps = _Steps(problem, self.settings, self.bounds, begin_with)
        try:
            return (yield from steps.rounds())
        finally:  # also where a limit ends the rounds
            best = self.bounds.best_prices
            self._last, self._last_period = steps.prices if best is None else best, problem.period


class _Steps:
    """One negotiation by steps 1-6.

    Where quantities are whole, as in the paper, the offer is carried out, and all cost it. Else who asks costs the offer, who
    offers the request, and the part of the offer that is used is the plan.
    """

    def __init__(self, problem: Problem, settings: OcdSettings, bounds: Bounds, prices: Array) -> None:
        # Step 1: multipliers, factor and route set to begin with.
        self._problem, self._settings, self._bounds = problem, settings, bounds
        self.prices = prices
        self._rho = settings.step_factor
        self._route_set: set[tuple[float, ...]] = set()
        self._unchanged = 0
        by_planes = settings.update == "box_step"
        self._planes = BoxStep(problem, settings.box_usd_per_veh, 0.0 * prices) if by_planes else None

    def rounds(self) -> Rounds[Outcome]:
        """Ask until a stopping rule holds; the bounds have the plan."""
        iteration = 0
        while True:
            iteration += 1
            yield from self._solve()  # steps 2 and 3
            if self._settings.plan == "offer":
                yield from self._evaluate_if_new(iteration)  # step 4
                if self._bounds.plan is None:
                    yield from cost_nothing(self._problem, self._bounds)  # (45) needs the cost of a plan
            outcome = self._convergence(iteration)
            if outcome is None:
                why = self._why_stop(iteration)  # step 5
                changed = why is None and self._update_prices(iteration)  # step 6
                changed |= why is None and bool(self._result.missing)  # the same prices are new to who has not answered them
                if self._settings.plan == "mean" and ((iteration - 1) % self._settings.evaluate_every == 0 or not changed):
                    yield from self._evaluate_mean()  # step 4, by the planes that give the prices
                    outcome = self._convergence(iteration)
                if outcome is not None:
                    return outcome
                if changed:
                    continue
                if self._settings.plan == "offer" and self._route not in self._route_set:
                    # The last offer has not been costed yet: it may be the best plan, or even close the gap.
                    yield from self._evaluate()
                outcome = self._convergence(iteration) or self._bounds.failure(why or "prices stand still")
            return outcome

    def _solve(self) -> Rounds[None]:
        """Take steps 2 and 3: all agents answer the prices, (41)-(42), and the sum of their bounds is one, (43)."""
        result = self._result = yield self._problem.ask(self.prices)
        self._copies = self._take(result)
        self._asked, self._offered = self._problem.layout.asked(self._copies), self._problem.layout.offered(self._copies)
        self._bounds.update_lower(bound_usd(result.answers), self.prices)
        if np.allclose(self._asked, self._offered, atol=_SAME):
            # What is asked is what is offered: a plan at the sum of all costs.
            self._bounds.update_upper(self._problem.layout.shares(self._asked, self._copies, -1.0), cost_usd(result.answers))

    def _take(self, result: RoundResult) -> dict[str, Array]:
        copies = self._problem.copies(result)
        if self._planes is not None:
            self._planes.add(copies, result.answers)
            for agent, _, answer in result.late:
                self._planes.add_plane(agent, self._problem.layout.own(agent, answer.quantities), answer.cost_usd)
        return copies

    @property
    def _route(self) -> tuple[float, ...]:
        """The last offer as a member of the route set."""
        return tuple(np.round(self._offered, _OFFER_DIGITS))

    def _evaluate_if_new(self, iteration: int) -> Rounds[None]:
        """Take step 4: what a new offer costs."""
        if self._route in self._route_set:
            self._unchanged += not self._result.missing  # an old answer in place of a missing one is no repeated offer
            return
        self._unchanged = 0
        if (iteration - 1) % self._settings.evaluate_every == 0:
            yield from self._evaluate()

    def _evaluate(self) -> Rounds[None]:
        """Fix the offer, ask what it costs, and keep the cheapest plan seen."""
        problem, layout, before = self._problem, self._problem.layout, self._copies
        self._route_set.add(self._route)
        request = self._offered if problem.whole else self._asked
        given = layout.shares(self._offered, layout.shares(request, before, -1.0), 1.0)
        result = yield problem.evaluate(given)
        after = self._take(result)
        # Who asks uses what it wants of the offer; who offers sends that part of it at no more than the whole offer costs.
        chosen = {agent: before if layout.only_offers(agent) else after for agent in layout.agents}
        self._keep(chosen, result, whole=self._offered)
        if not problem.whole and np.allclose(layout.offered(after), request, atol=_SAME):
            # The request itself, where all of it can be sent.
            self._keep({agent: after if layout.only_offers(agent) else before for agent in layout.agents}, result)

    def _evaluate_mean(self) -> Rounds[None]:
        """Take step 4 by the planes: what means of all answers cost."""
        assert self._planes is not None, "OptimalityConditionDecomposition.check lets no mean pass without planes"
        for cost in (cost_mean_plan, cost_known_mean):
            copies, result = yield from cost(self._problem, self._planes)
            self._keep(dict.fromkeys(copies, copies), result)

    def _keep(self, chosen: Mapping[str, Copies], result: RoundResult, whole: Array | None = None) -> None:
        """Keep the plan of which each agent has answered its part in ``chosen``, to the prices or to what it was given."""
        problem, layout = self._problem, self._problem.layout
        copies = {agent: chosen[agent][agent] for agent in layout.agents}
        asked = layout.asked(copies)
        if (asked > layout.offered(copies) + _SAME).any():
            return
        # An agent's cost comes from the round in which it said the copy that is chosen.
        answers = [(self._result if chosen[agent] is self._copies else result).answers[agent] for agent in layout.agents]
        plan = problem.everyone(whole, copies) if problem.whole and whole is not None else layout.shares(asked, copies, -1.0)
        self._bounds.update_upper(plan, sum(answer.cost_usd for answer in answers))

    def _convergence(self, iteration: int) -> Outcome | None:
        return self._bounds.convergence(self._settings.gap_target, self._settings.gap_usd, f"{iteration} iterations")

    def _why_stop(self, iteration: int) -> str | None:
        """Take step 5: return why the rounds end without agreement, None if they go on."""
        if iteration >= self._settings.max_iterations:
            return f"{self._settings.max_iterations} iterations"
        if self._unchanged >= _UNCHANGED_LIMIT and self._planes is None:
            return f"no new offer in {_UNCHANGED_LIMIT} iterations"
        return None

    def _update_prices(self, iteration: int) -> bool:
        """Take step 6; return whether any price changed, by (44)-(45) or by the cutting planes of all answers."""
        before = self.prices
        if self._planes is not None:
            best = self._bounds.best_prices if self._bounds.best_prices is not None else before
            self.prices = self._planes.next_prices(best, self._bounds.lower_usd, judged=not self._result.missing)
        else:
            if iteration > self._settings.halve_after:
                self._rho *= 0.5
            self.prices = np.maximum(0.0, before + self._step())
        return not np.allclose(self.prices, before, rtol=1e-9, atol=1e-9)

    def _step(self) -> Array:
        """Return the change of the prices by (44)-(45); zero where all want the same."""
        residual = self._asked - self._offered
        change = np.maximum(residual, 0.0) if self._settings.update == "shortfall" else residual
        # The paper's norm is that of the whole difference; where quantities can be divided, of the entries that change.
        norm = float(((residual if self._problem.whole else change) ** 2).sum())
        alpha = self._rho * (self._bounds.upper_usd - self._bounds.lower_usd) / norm if norm >= _SAME**2 else 0.0
        return alpha * change

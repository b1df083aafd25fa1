"""Coordination by a bundle of cutting planes: good prices from linear relaxations, a bound and a plan from a few whole answers.

The dual problem (43) of Ding et al., JMPCE 2025, with J = I (see `dual_oracle`), is maximised on the linear relaxations, where
an answer is quick, by a box-step bundle (Marsten, Hogan and Blankenship, Operations Research 23(3), 1975; of three
stabilisations tried, box, level and 1-norm, the one that closed first). The power operator is asked for whole trains at the
prices found, and what it asks is offered to the transport operator; this repeats while prices can be improved.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from federates.boundary.errors import Problem as ConfigProblem
from federates.boundary.negotiation import Problem, Rounds
from federates.boundary.roles import Solve
from federates.boundary.world import world_of
from federates.coordinator.algorithms.bounds import Outcome
from federates.coordinator.algorithms.dual_oracle import DualOracle
from federates.coordinator.algorithms.integer_phase import IntegerPhase, IntegerPhaseSettings
from federates.coordinator.algorithms.lp_phase import LPPhase
from federates.coordinator.algorithms.rounds import RoundByRound


class Bundle(RoundByRound):
    """Prices alone: as near as multipliers can bring the operators to each other."""

    Settings = IntegerPhaseSettings

    @classmethod
    def check(cls, settings: IntegerPhaseSettings, folder: Path, session: Any) -> list[ConfigProblem]:
        """Return a problem where quantities can be divided: `ocd` with `update: box_step` is the bundle of those."""
        divided = [exchange.name for exchange in world_of(session.world).exchanges if not exchange.whole]
        allowed = f"is for whole quantities, and {', '.join(divided)} can be divided: use ocd with update: box_step"
        return [ConfigProblem("config.yaml", "algorithm", "bundle", allowed)] if divided else []

    def goes_on_without(self, question: Solve) -> bool:
        """Go on in the linear relaxation, whose planes stay valid; the few answers with whole trains are all needed."""
        return question.relaxed

    def agree(self, problem: Problem) -> Rounds[Outcome]:  # noqa: D102
        oracle = DualOracle(problem, self.bounds, self.settings.max_rounds)
        lp_phase = LPPhase(oracle, self.settings)
        yield from lp_phase.rounds()
        integer_phase = IntegerPhase(oracle, self.settings, lp_phase)
        while (outcome := integer_phase.convergence()) is None:
            if not (yield from integer_phase.bound()):
                return integer_phase.failure()
        return outcome

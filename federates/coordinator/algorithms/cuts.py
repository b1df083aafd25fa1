"""Coordination by cuts: the bundle's prices first, then plans near the best one, and a master problem over public routes.

What each kind of round is for: `integer_phase`. What the cuts are, and why they hold: `route_master`. Why prices may be
negative: `dual_oracle`.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from federates.boundary.names import RAIL
from federates.boundary.negotiation import Problem, Rounds
from federates.boundary.roles import Solve
from federates.coordinator.algorithms.bounds import Outcome
from federates.coordinator.algorithms.dual_oracle import DualOracle
from federates.coordinator.algorithms.integer_phase import IntegerPhase, IntegerPhaseSettings
from federates.coordinator.algorithms.lp_phase import LPPhase
from federates.coordinator.algorithms.master_proposals import MasterProposals
from federates.coordinator.algorithms.rounds import RoundByRound
from federates.coordinator.algorithms.route_master import RouteMaster


class CutsSettings(IntegerPhaseSettings):
    """Settings of the algorithm."""

    neighbour_widths: tuple[Annotated[int, Field(ge=1, le=1000)], ...] = (1, 2)
    """Better plans are searched for within so many periods of the best plan's stands, one width after the other."""
    proposals: Annotated[int, Field(ge=1, le=10_000)] = 10
    """Most proposals of the master problem in a row."""
    patience: Annotated[int, Field(ge=1, le=1000)] = 2
    """The negotiation ends without agreement once so many turns of all kinds of rounds have moved neither bound."""
    polish_solves: Annotated[int, Field(ge=0, le=1000)] = 2
    """After agreement, most searches for a still better plan near the best one."""


class Cuts(RoundByRound):
    """Prices, neighbours and cuts by turns."""

    Settings = CutsSettings
    worlds = (RAIL,)

    def goes_on_without(self, question: Solve) -> bool:
        """Go on in the linear relaxation, whose planes stay valid; the few answers with whole trains are all needed."""
        return question.relaxed

    def agree(self, problem: Problem) -> Rounds[Outcome]:  # noqa: D102
        settings: CutsSettings = self.settings
        master = RouteMaster(problem)
        oracle = DualOracle(problem, self.bounds, settings.max_rounds, master)
        lp_phase = LPPhase(oracle, settings)
        yield from lp_phase.rounds()
        integer_phase = IntegerPhase(oracle, settings, lp_phase)
        proposals = MasterProposals(oracle, master, integer_phase)
        waited = 0
        while (outcome := integer_phase.convergence()) is None:
            moved = yield from self._turn(integer_phase, proposals)
            waited = 0 if moved else waited + 1
            if waited >= (1 if integer_phase.answers_are_the_limit else settings.patience):
                return integer_phase.failure()
        yield from self._polish(integer_phase)
        return outcome

    def _turn(self, integer_phase: IntegerPhase, proposals: MasterProposals) -> Rounds[bool]:
        """Take one turn of all kinds of rounds, as far as the gap stays open; return whether it got on."""
        moved = yield from integer_phase.bound()
        if integer_phase.convergence() is None:
            moved |= yield from integer_phase.neighbours(self.settings.neighbour_widths)
        if integer_phase.convergence() is None and not integer_phase.answers_are_the_limit:
            moved |= yield from proposals.nearby(self.settings.proposals)
            moved |= yield from proposals.anywhere(self.settings.proposals)
        return moved

    def _polish(self, integer_phase: IntegerPhase) -> Rounds[None]:
        """Look for a better plan than the one agreed on."""
        for _ in range(self.settings.polish_solves):
            if self.bounds.contradicted or self.bounds.absolute_gap_usd < 1e-6:
                return
            yield from integer_phase.neighbours(self.settings.neighbour_widths[:1])

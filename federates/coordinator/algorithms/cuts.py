"""Coordination by cuts: the bundle's prices first, then plans near the best one, and a master problem over public routes.

What each kind of round is for: `whole_search`. What the cuts are, and why they hold: `route_master`. Why prices may be
negative: `conversation`.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from federates.boundary.names import RAIL
from federates.boundary.negotiation import Problem, Rounds
from federates.coordinator.algorithms.bounds import Outcome
from federates.coordinator.algorithms.conversation import Conversation
from federates.coordinator.algorithms.proposals import Proposals
from federates.coordinator.algorithms.relaxed_search import RelaxedSearch
from federates.coordinator.algorithms.rounds import RoundByRound
from federates.coordinator.algorithms.route_master import RouteMaster
from federates.coordinator.algorithms.whole_search import WholeSearch, WholeSettings


class CutsSettings(WholeSettings):
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

    def agree(self, problem: Problem) -> Rounds[Outcome]:  # noqa: D102
        settings: CutsSettings = self.settings
        master = RouteMaster(problem)
        talk = Conversation(problem, self.bounds, settings.max_rounds, master)
        search = RelaxedSearch(talk, settings)
        yield from search.rounds()
        whole = WholeSearch(talk, settings, search)
        proposals = Proposals(talk, master, whole)
        waited = 0
        while (outcome := whole.verdict()) is None:
            moved = yield from self._turn(whole, proposals)
            waited = 0 if moved else waited + 1
            if waited >= (1 if whole.answers_are_the_limit else settings.patience):
                return whole.failure()
        yield from self._polish(whole)
        return outcome

    def _turn(self, whole: WholeSearch, proposals: Proposals) -> Rounds[bool]:
        """Take one turn of all kinds of rounds, as far as the gap stays open; return whether it got on."""
        moved = yield from whole.bound()
        if whole.verdict() is None:
            moved |= yield from whole.neighbours(self.settings.neighbour_widths)
        if whole.verdict() is None and not whole.answers_are_the_limit:
            moved |= yield from proposals.nearby(self.settings.proposals)
            moved |= yield from proposals.anywhere(self.settings.proposals)
        return moved

    def _polish(self, whole: WholeSearch) -> Rounds[None]:
        """Look for a better plan than the one agreed on."""
        for _ in range(self.settings.polish_solves):
            if self.bounds.contradicted or self.bounds.distance_usd < 1e-6:
                return
            yield from whole.neighbours(self.settings.neighbour_widths[:1])

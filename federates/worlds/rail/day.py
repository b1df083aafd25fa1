"""A day by rail: negotiate it once, carry out what was agreed, negotiate again where a late train breaks the plan."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from federates.boundary.messages import Array
from federates.boundary.names import Role
from federates.boundary.negotiation import Agreement, Day, Index, Negotiate, Problem, Rounds, bound_usd
from federates.boundary.roles import Commit, Openings
from federates.worlds.rail.session import RailScheme, RailSession
from federates.worlds.rail.timetable import broken_plan
from federates.worlds.rail.trains import alike_trains

_NO_TRAINS = "the scheme moves no batteries: no train stands anywhere"


class RailDay(Day):
    """The plan of the day holds until a train cannot follow it."""

    def __init__(self, session: RailSession) -> None:
        super().__init__(session)
        self._agreement: Agreement | None = None
        self._since = 0
        self._plan: Array = np.zeros(0)
        """(K, S, H) what was agreed for period ``_since`` and later."""

    def rounds(self, period: int, openings: Openings, negotiate: Negotiate) -> Rounds[Commit]:
        """Return the rounds of ``period``: none while the plan holds."""
        problem = Problem.of(self.session, period, openings, self._alike(openings))
        holds = self._why_it_holds(period, openings)
        if self._agreement is None or holds is None:
            self._agreement = yield from (_cost_of_the_day if self._moves_nothing else negotiate)(problem)
            layout = problem.layout
            self._plan, self._since = layout.shaped(layout.offered(self._agreement.plan))["connection"], period
            return self.commit(problem, self._agreement)
        plan = problem.everyone(self._rest(period).ravel())
        return self.commit(problem, replace(self._agreement, plan=plan, reason=holds, lower_bound_usd=-np.inf))

    @property
    def _moves_nothing(self) -> bool:
        return self.session.scheme is not RailScheme.MOBILE or not self.session.trains

    def _rest(self, period: int) -> Array:
        return self._plan[:, :, period - self._since :]

    def _why_it_holds(self, period: int, openings: Openings) -> str | None:
        """Return why the agreed plan goes on, None if it cannot or there is none."""
        if self._agreement is None:
            return None
        if self._moves_nothing:
            return _NO_TRAINS
        if broken_plan(self.session, period, openings["train_ready"], self._rest(period)) is not None:
            return None
        return f"the plan of period {self._since} holds ({self._agreement.reason})"

    def _railway(self, train: int) -> str:
        """Return the name of the agent whose part a train is."""
        name, railways = self.session.trains[train].name, self.session.of_role(Role.TRANSPORT_OPERATOR)
        return next((agent.name for agent in railways if name in agent.part.get("trains", ())), "")

    def _alike(self, openings: Openings) -> tuple[tuple[Index, ...], ...]:
        """Return the entries of interchangeable trains, as long as nobody has moved.

        Later no two trains are alike any more: who stood where has filled them differently.
        """
        if self._agreement is not None:
            return ()
        _, stations, periods = self.session.connection_shape
        size, ready, groups = stations * periods, openings["train_ready"], []
        for members in alike_trains(self.session):
            # Alike trains that are not in the same place, or of another railway, are not interchangeable.
            places: dict[tuple[object, ...], list[Index]] = {}
            for k in members:
                places.setdefault((self._railway(k), *ready[k].tolist()), []).append(np.arange(k * size, (k + 1) * size))
            groups += [tuple(same) for same in places.values()]
        return tuple(groups)


def _cost_of_the_day(problem: Problem) -> Rounds[Agreement]:
    """Return the one round of a scheme without mobile batteries: what the day costs."""
    zero = problem.everyone(np.zeros(problem.layout.size))
    result = yield problem.evaluate(zero)
    return Agreement(zero, agreed=True, reason=_NO_TRAINS, lower_bound_usd=bound_usd(result.answers))

"""A whole run of a coordinator algorithm under test with scripted operators, the kit in the coordinator's chair."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from federates.boundary.layout import Layout
from federates.boundary.messages import Answer, Array
from federates.boundary.roles import Commit, Evaluate, RoundResult, Solve
from federates.conformance.call_recorder import CallFailedError, CallRecorder, Failure, Kind
from federates.conformance.kit import Scripted, kit_of
from federates.conformance.target import Target
from federates.conformance.values import arrays_fault

__all__ = ["MOST_ROUNDS", "Committed", "Negotiated", "negotiate"]

MOST_ROUNDS = 400
"""Most rounds of one negotiation; as ``max_rounds`` of broker.yaml has it."""
_UNPROVEN_SHARE, _UNPROVEN_USD, _UNPROVEN_PERIODS = 0.1, 1.0, 1


@dataclass(frozen=True)
class Committed:
    """How one period ended."""

    period: int
    rounds: int
    commit: Commit
    operators: Scripted
    disturbed: bool

    @property
    def copies(self) -> dict[str, Array]:
        """Return each agent's part of what was committed."""
        layout = self.operators.layout
        return {agent: layout.own(agent, self.commit.given[agent]) for agent in layout.agents}

    @property
    def plan(self) -> Array:
        """Return what is to be sent, as one vector."""
        return self.operators.layout.offered(self.copies)


@dataclass
class Negotiated:
    """What an algorithm did, as far as it got."""

    caller: CallRecorder
    decisions: list[tuple[str, Any]] = field(default_factory=list)
    periods: list[Committed] = field(default_factory=list)
    failure: Failure | None = None
    malformed: str | None = None
    endless: str | None = None
    """Which negotiation had no end."""
    late_period: int | None = None


class _Stop(Exception):  # noqa: N818
    pass


def negotiate(target: Target, *, stubborn: bool = False, late: bool = False, unproven: bool = False) -> Negotiated:
    """Let an algorithm coordinate a day of scripted operators.

    Parameters
    ----------
    stubborn : who offers never offers what is asked.
    late : the first thing that can come late does.
    unproven : the operators' bounds lie below the best by a tenth, so that no gap can be closed.
    """
    caller, session = CallRecorder(target), target.session
    found = Negotiated(caller)
    with caller:
        try:
            caller.begin()
            operators, disturbed = kit_of(session).scripted(session, stubborn=stubborn), False
            for period in range(_UNPROVEN_PERIODS if unproven else session.periods):
                caller.period = period
                commit, rounds = _negotiated(found, operators, unproven=unproven)
                found.periods.append(Committed(period, rounds, commit, operators, disturbed))
                operators, disturbed = operators.following(found.periods[-1].plan, late=late and found.late_period is None)
                found.late_period = period + 1 if disturbed else found.late_period
        except CallFailedError as end:
            found.failure = end.failure
        except _Stop:
            pass
    return found


def _negotiated(found: Negotiated, operators: Scripted, *, unproven: bool) -> tuple[Commit, int]:
    period, caller = operators.period, found.caller
    decision = _checked(found, operators, caller.ask(Kind.START, "start", period, operators.heard_by_coordinator()), "start")
    rounds = 0
    while not isinstance(decision, Commit):
        rounds += 1
        if rounds > MOST_ROUNDS:
            found.endless = f"no commit in period {period} after {MOST_ROUNDS} rounds"
            raise _Stop
        result = operators.answer(decision)
        if unproven:
            result = RoundResult({agent: _unproven(answer) for agent, answer in result.answers.items()})
        words = f"next (round {rounds})"
        decision = _checked(found, operators, caller.ask(Kind.NEXT, words, result), words)
    return decision, rounds


def _checked(found: Negotiated, operators: Scripted, decision: Any, words: str) -> Any:
    words = f"{words} in period {operators.period}"
    found.decisions.append((words, decision))
    fault = _decision_fault(operators.layout, decision)
    if fault is not None:
        found.malformed = f"{words}: {fault}"
        raise _Stop
    return decision


def _unproven(answer: Answer) -> Answer:
    """Return the answer of an operator that proves less than it could."""
    return dataclasses.replace(answer, bound_usd=answer.bound_usd - _UNPROVEN_SHARE * abs(answer.bound_usd) - _UNPROVEN_USD)


def _decision_fault(layout: Layout, decision: Any) -> str | None:
    """Return why a decision cannot be carried out."""
    if isinstance(decision, Solve):
        parts = [("prices", decision.prices, layout.shapes)]
    elif isinstance(decision, (Evaluate, Commit)):
        given = decision.given
        if not hasattr(given, "keys") or set(given) != set(layout.agents):
            return f"given is {given!r:.100}, must be a mapping with {', '.join(layout.agents)}"
        own = {agent: layout.part(agent, np.zeros(layout.size)) for agent in layout.agents}
        shapes = {agent: {name: part.shape for name, part in parts.items()} for agent, parts in own.items()}
        parts = [(f"given[{agent!r}]", given[agent], shapes[agent]) for agent in layout.agents]
    else:
        return f"the decision is a {type(decision).__name__}, must be Solve, Evaluate or Commit"
    for name, values, wanted in parts:
        if (fault := arrays_fault(name, values, wanted)) is not None:
            return fault
        if not all(np.isfinite(array).all() for array in values.values()):
            return f"{name} has values that are not finite"
    if isinstance(decision, Commit) and not decision.lower_bound_usd < np.inf:
        return f"lower_bound_usd is {decision.lower_bound_usd!r}, must be a number, or -inf where none is known"
    return None

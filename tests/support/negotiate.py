"""One period of a negotiation in this process, without HELICS: an algorithm, whoever answers, and the tables of the loop."""

import numpy as np

from federates.boundary.roles import Commit, Evaluate, RoundResult

POWER, TRANSPORT = "power_operator", "transport_operator"


def play(algorithm, record, answers, period=0, openings=None, most=3000):
    """Return the decision; ``answers`` returns every agent's answer to one, by name; ``record`` writes the tables."""
    openings = {} if openings is None else openings
    record.open(period, openings)
    decision = algorithm.start(period, openings)
    for _ in range(most):
        if isinstance(decision, Commit):
            record.committed(decision)
            return decision
        result = RoundResult(answers(decision))
        record.answered(decision, result)
        decision = algorithm.next(result)
    raise AssertionError("no decision")


def ask(operators, decision, openings=None):
    """Return the answers of ``operators`` (by name) to a decision; ``openings`` has what each hears of the others', by name."""
    answers = {}
    for agent, operator in operators.items():
        heard = (openings or {}).get(agent, {})
        if isinstance(decision, Evaluate):
            answers[agent] = operator.evaluate(decision.given[agent], heard)
        else:
            question = operator.relax if decision.relaxed else operator.solve
            answers[agent] = question(decision.prices, heard)
    return answers


def both(exchange, asks, offers):
    """Return what two agents are given of the one exchange."""
    return {POWER: {exchange: asks}, TRANSPORT: {exchange: offers}}


def given(decision, exchange):
    """Return what is given to two agents of one exchange: the same to both."""
    asked, offered = (decision.given[agent][exchange] for agent in (POWER, TRANSPORT))
    np.testing.assert_array_equal(asked, offered)
    return asked

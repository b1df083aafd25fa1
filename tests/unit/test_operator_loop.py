"""The times that an operator asks HELICS for are those that the coordinator asks for, to the last bit."""

from types import SimpleNamespace

import numpy as np

from federates.boundary.exchange import COMMAND
from federates.boundary.names import Role
from federates.boundary.topics import Command
from federates.runtime import operator_loop

STEP_S, PERIOD_S, PERIOD = 0.001, 3600, 19
KEY = COMMAND.key(Role.COORDINATOR.value, "")


class Federate:
    """Says commit in the first micro-step, which begins the next period, and stop in the last one."""

    def __init__(self, steps):
        limits = SimpleNamespace(period_s=1.0, answer_s=1.0, begin_s=1.0)
        broker = SimpleNamespace(round_step_s=STEP_S, limits=limits)
        self.identity = SimpleNamespace(broker=broker, most_rest_s=lambda period_s: 0.0)
        self.steps, self.asked_s = steps, []

    def begin(self):
        return 0, None

    def carried_out(self, periods):
        self.periods = periods

    def advance(self, time_s, limit_s, waiting_for):
        self.asked_s.append(time_s)

    def updates(self):
        commands = {1: Command.COMMIT, self.steps + 1: Command.STOP}
        command = commands.get(len(self.asked_s))
        if command is None:
            return {}
        return {KEY: SimpleNamespace(period=PERIOD - 1, round=1, values=np.array([float(command)]))}


def test_no_sum_of_steps_drifts_from_the_coordinator_s_time(monkeypatch):
    """HELICS counts nanoseconds: a request that is one later than the coordinator's is never granted, and both wait for ever."""
    inbox = SimpleNamespace(add=lambda frames: None)
    monkeypatch.setattr(operator_loop, "_OperatorAdapter", lambda *_: SimpleNamespace(inbox=inbox))
    monkeypatch.setattr(operator_loop, "_timed", lambda *_: None)
    steps = 500
    federate = Federate(steps)
    session, writer = SimpleNamespace(period_s=PERIOD_S), SimpleNamespace(flush=lambda: None)
    operator_loop.run_operator(federate, session, None, writer)
    # `NegotiationLoop.start_s` and `step`
    assert federate.asked_s == [STEP_S, *(float(PERIOD * PERIOD_S) + k * STEP_S for k in range(1, steps + 1))]
    summed = np.cumsum([PERIOD * PERIOD_S + STEP_S, *[STEP_S] * (steps - 1)])
    assert (np.rint(1e9 * summed) != np.rint(1e9 * np.array(federate.asked_s[1:]))).any()

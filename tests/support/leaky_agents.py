"""An operator that tells what it must not, in one of several ways, going around the checks of the runtime by calling HELICS."""

import contextlib
import sys
from pathlib import Path

import helics as h
import numpy as np
from small_agents import PowerSettings, SmallPower

from federates.boundary.exchange import Moment
from federates.runtime.federate import Federate

SECRET = 123.25


def _own_federate():
    """Return the federate of the loop that has called: one process may hold those of other agents, and of runs that are over."""
    frame = sys._getframe()
    while frame:
        found = [value for value in frame.f_locals.values() if isinstance(value, Federate)]
        if found:
            return found[0]
        frame = frame.f_back
    raise LookupError("no federate has called")


class LeakySettings(PowerSettings):
    leak: str = ""
    leak_period: int = 1


class LeakyPower(SmallPower):
    Settings = LeakySettings

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.settings.leak == "topic_at_start":
            enter = h.helicsFederateEnterInitializingMode
            h.helicsFederateEnterInitializingMode = lambda fed: (self._extra_topic(fed), enter(fed))

    def begin(self, session, recorder):
        super().begin(session, recorder)
        if self.settings.leak == "file":
            self._open_the_partners_file()

    def solve(self, prices, openings):
        if self.period == self.settings.leak_period:
            self._leak()
        return super().solve(prices, openings)

    def _leak(self):
        federate = _own_federate()
        if self.settings.leak == "topic_later":
            self._extra_topic(federate._fed)
        if self.settings.leak == "shape":
            federate.publish = lambda *message: self._publish_and_more(federate, *message)
        if self.settings.leak == "unwritten":
            # A message of the right shape that its own ledger does not show.
            ledger, federate.ledger = federate.ledger, None
            gate_time_s = federate.world.said(federate.role, Moment.OPENING).sent()[0]
            federate.publish(gate_time_s, self.period, 0, np.full(3, SECRET))
            federate.ledger = ledger

    def _publish_and_more(self, federate, topic, period, round_, values, receiver=""):
        """Publish, and once more with a number behind it: of two values at one time HELICS delivers the later one."""
        Federate.publish(federate, topic, period, round_, values, receiver)
        if topic.name == "cost_usd":
            wire = np.array([period, round_, *values, SECRET], dtype="<f8").tobytes()
            federate.outbox.put(topic.key(federate.agent, receiver), wire)

    def _extra_topic(self, fed):
        handle = h.helicsFederateRegisterTypePublication(fed, "margin_usd", "portage.margin_usd/v6", "")
        h.helicsPublicationAddTarget(handle, "traffic_sumo/in/transport_operator/departures")

    def _open_the_partners_file(self):
        with contextlib.suppress(OSError):
            (Path(self.folder).parent / "transport_operator" / "config.yaml").read_text()

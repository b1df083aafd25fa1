"""`python_agent` with one fault on the wire: the loops of the runtime keep every rule, so each fault is put into them here.

``python faulty_runtime.py MODULE:CLASS [FAULT]``, for a coordinator or a traffic model; without a fault it keeps every rule.
"""

import os
import struct
import sys
import time

import helics as h
import numpy as np
import python_agent

from federates.boundary.errors import FederationError
from federates.boundary.names import Role
from federates.boundary.topics import Command
from federates.integrity.envelope import read_envelope
from federates.runtime import agent
from federates.runtime.federate import Federate
from federates.runtime.inbox import Inbox

MAIN = {Role.COORDINATOR: ("delivery_price_usd_per_veh", "connection_price_usd"), Role.TRAFFIC: ("link_speed_m_per_s",)}
"""The topic in which most faults show."""
LONG_S = 60.0


class FaultyFederate(Federate):
    """Joins and sends as the runtime does, apart from what the fault says."""

    fault = ""

    def start(self, session=None):
        if self.fault == "extra_topic":
            h.helicsFederateRegisterTypePublication(self._fed, "fuel_price", "portage.fuel_price/v6", "")
        if self.fault == "trusts":
            self.seal.open = lambda key, message: read_envelope(message).payload
        if self.fault == "another_session":
            session = session.model_copy(update={"seed": session.seed + 1})
        return super().start(session)

    def advance(self, time_s, limit_s, waiting_for):
        try:
            super().advance(time_s, limit_s, waiting_for)
        except FederationError:
            if self.fault == "ignores_failure":
                time.sleep(LONG_S)
            if self.fault == "calls_failure_success":
                os._exit(0)
            raise

    def publish(self, topic, period, round_, values, receiver=""):
        is_main = topic.name in MAIN.get(self.role, ())
        if is_main:
            if self.fault == "no_answer":
                return
            if self.fault == "hangs":
                time.sleep(LONG_S)
            if self.fault == "old_stamp":
                period, round_ = (period, round_ - 1) if self.role == Role.COORDINATOR else (max(period - 1, 0), round_)
            if self.fault in ("one_too_many", "not_finite"):
                self.publish_flawed(topic.key(self.agent, receiver), [period, round_], np.ravel(values).tolist())
                return
        if self.fault == "alters_opening" and topic.name in ("gate_time_s", "train_ready"):
            values = values + 1.0
        if self.fault == "misallots" and topic.name == "station_allotments":
            values = values + 1.0
        if self.fault == "chatters" and topic.name == "command" and values[0] == Command.COMMIT:
            price = self.world.exchanges[0].price
            self.tell_topic(price, period, round_, np.zeros(self.session.connection_shape))
        if self.fault == "unsigned" and is_main:
            payload = struct.pack("<2d", period, round_) + np.ravel(values).astype("<f8").tobytes()
            self.outbox.hand_over(topic.key(self.agent, receiver), payload)
            return
        super().publish(topic, period, round_, values, receiver)

    def publish_flawed(self, key, stamp, values):
        numbers = [*stamp, *values, 0.0] if self.fault == "one_too_many" else [*stamp, float("nan"), *values[1:]]
        payload = struct.pack(f"<{len(numbers)}d", *numbers)
        self.outbox.put(key, payload)

    def updates(self):
        if self.fault == "chatters" and self.role == Role.TRAFFIC:
            # It is at the period's dispatch, so nothing is known of the period yet.
            speed = next(row for message in self.world.messages for row in message.rows if row.name in MAIN[self.role])
            super().publish(speed, 0, 0, np.zeros(len(self.session.links)))
        return super().updates()


class Careless(Inbox):
    """Takes the newest message for that of the round at hand."""

    def has(self, key, period, round_):
        return key in self._frames

    def take(self, key, period, round_=None):
        return self._frames[key].values


def main():
    FaultyFederate.fault = fault = sys.argv[2] if len(sys.argv) > 2 else ""
    sys.argv[2:] = []
    agent.Federate = FaultyFederate
    if fault == "takes_late_for_new":
        Inbox.has, Inbox.take = Careless.has, Careless.take
    code = python_agent.main()
    if fault == "never_ends" and code == 0:
        time.sleep(LONG_S)
    sys.exit(4 if fault == "ends_badly" else code)


if __name__ == "__main__":
    main()

"""`foreign_operator` with one fault on the wire, named on the command line; without a name it keeps every rule.

Unlike `foreign_operator` it looks at stamps, and refuses what is late.
"""

import os
import struct
import sys
import time

import helics as h
from foreign_operator import COMMIT, EVALUATE, OPEN, SOLVE, STOP, Line, RailPower, RoadTransport, Seal, join

LONG_S = 60.0


def payload_of(message):
    """Return what a message carries, without a look at its signature."""
    content = message[74 + 16 + 32 * int.from_bytes(message[72:74], "little") :]
    return content[2 + int.from_bytes(content[:2], "little") :]


class FaultyLine(Line):
    """Joins and sends as `Line` does, apart from what the fault says."""

    fault = ""

    def __init__(self, agent, version, sends, hears):
        fault = self.fault
        name = "stranger" if fault == "another_name" else agent
        sends = sends[:-1] if fault == "topic_missing" else sends
        more = ("coordinator/power_operator/station_travel_time_s",) if fault == "overhears" else ()
        if fault == "endpoint":
            h.helicsCreateValueFederate = h.helicsCreateCombinationFederate
        if fault == "trusts":
            Seal.open = lambda seal, key, message: payload_of(message)
        super().__init__(name, "1" if fault == "old_version" else version, sends, (*hears, *more))
        if fault == "extra_topic":
            h.helicsFederateRegisterTypePublication(self.fed, "fuel_price", "portage.fuel_price/v6", "")
        if fault == "endpoint":
            h.helicsFederateRegisterEndpoint(self.fed, "mail", "")

    def send(self, name, period, round_, values):
        is_answer = name in ("delivery_veh", "connection")
        if name not in self.out or (self.fault == "no_answer" and round_ == 2 and is_answer):
            return
        if self.fault == "old_stamp" and round_ > 1:
            round_ = 1
        if self.fault == "one_too_many" and is_answer:
            values = [*values, 0.0]
        if self.fault == "not_finite" and is_answer:
            values = [float("nan"), *values[1:]]
        payload = struct.pack(f"<{len(values) + 2}d", period, round_, *values)
        if self.fault == "half_a_number" and is_answer:
            payload = payload[:-4]
        if self.fault == "unsigned" and is_answer:
            h.helicsPublicationPublishBytes(self.out[name], payload)
        else:
            self.put(name, payload)


class Stranger:
    """The loop of an operator in plain `helics`."""

    def __init__(self, fault):
        self.fault = fault
        self.operator = RoadTransport() if os.environ["PORTAGE_WORLD"] == "road" else RailPower()
        FaultyLine.fault = fault
        self.line = join(self.operator, FaultyLine)
        self.seen, self.asked = {}, {}

    def given(self, name, period, round_):
        stamp, values = self.seen[name][:2], self.seen[name][2]
        if stamp != (period, round_) and self.fault == "leaves_when_late":
            self.leave(0)
        if stamp != (period, round_) and self.fault != "answers_late":
            raise SystemExit(f"portage: {name} is of {stamp}, needed is {(period, round_)}")
        return values

    def answer(self, code, period, round_):
        self.operator.period = period
        if code == OPEN:
            return self.operator.opening()
        if code == COMMIT:
            return self.operator.commit(self.given(self.operator.quantity, period, round_))
        name = self.operator.quantity if code == EVALUATE else self.operator.price
        answers = self.operator.answer(code, self.given(name, period, round_))
        times = self.asked[period, round_] = self.asked.get((period, round_), 0) + 1
        if self.fault == "counts_repetitions" and times > 1:
            answers = [(name, [value + 1.0 for value in values]) for name, values in answers]
        return answers

    def misbehave(self, code, round_):
        if self.fault == "never_opens" and code == OPEN:
            time.sleep(LONG_S)
        if code == SOLVE and round_ >= 2:
            if self.fault == "crashes":
                raise RuntimeError("asked for by the test")
            if self.fault == "leaves":
                self.leave(0)
            if self.fault == "hangs":
                time.sleep(LONG_S)

    def leave(self, code):
        h.helicsFederateDisconnect(self.line.fed)
        os._exit(code)

    def step(self, time_s):
        try:
            return self.line.step(time_s)
        except h.HelicsException:
            if self.fault == "ignores_failure":
                time.sleep(LONG_S)
            if self.fault == "calls_failure_success":
                os._exit(0)
            raise

    def run(self):
        session, step_s = self.line.start(), float(os.environ["PORTAGE_ROUND_STEP_S"])
        self.operator.begin(session)
        if self.fault == "never_ready":
            time.sleep(LONG_S)
        time_s = step_s
        while True:
            new = self.step(time_s)
            self.seen |= new
            time_s = round(time_s + step_s, 9)
            if "command" not in new:
                if self.fault == "chatters":
                    self.line.send(self.operator.sends[1], 0, 0, [0.0, 0.0, 0.0])
                continue
            period, round_, (code,) = new["command"]
            if code == STOP:
                return
            self.misbehave(code, round_)
            for name, values in self.answer(code, period, round_):
                self.line.send(name, period, round_, values)
            if code == COMMIT:
                time_s = (period + 1) * session["period_s"] + step_s


def main():
    fault = sys.argv[1] if len(sys.argv) > 1 else ""
    if fault == "never_joins":
        time.sleep(LONG_S)
    if fault == "refuses":
        raise SystemExit("portage: no plan for such a day")
    stranger = Stranger(fault)
    stranger.run()
    if fault == "never_ends":
        time.sleep(LONG_S)
    stranger.leave(4 if fault == "ends_badly" else 0)


if __name__ == "__main__":
    main()

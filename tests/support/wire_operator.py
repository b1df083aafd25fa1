"""`foreign_operator` with a choice of faults on the wire, one for each check that must find it; it tells stamps apart."""

import os
import struct
import sys
import time

import helics as h
from foreign_operator import COMMIT, EVALUATE, OPEN, SOLVE, STOP, Line, RailPower, RoadTransport

MULTIPLIERS = "coordinator/multipliers_usd_per_veh"


class FaultyLine(Line):
    """Sends as `Line` does, apart from what the fault says."""

    def __init__(self, fault, role, version, sends, reads):
        self.fault = fault
        super().__init__(role, version, sends, reads)
        if fault == "extra_topic":
            h.helicsFederateRegisterTypePublication(self.fed, "fuel_price", "portage.fuel_price/v2", "")

    def send(self, name, period, round_, values):
        is_answer = name.endswith("connection_veh")
        if self.fault == "no_answer" and round_ == 2 and is_answer:
            return
        if self.fault == "wrong_stamp" and round_ > 1:
            round_ = 1
        if self.fault == "wrong_shape" and is_answer:
            values = [*values, 0.0]
        if self.fault == "not_finite" and is_answer:
            values = [float("nan"), *values[1:]]
        payload = struct.pack(f"<{len(values) + 2}d", period, round_, *values)
        h.helicsPublicationPublishBytes(self.out[name], payload)


class Stranger:
    """The loop of an operator in plain `helics`."""

    def __init__(self, fault):
        self.fault = fault
        self.operator = RoadTransport() if os.environ["PORTAGE_WORLD"] == "road" else RailPower()
        common = ("coordinator/session", "coordinator/command", MULTIPLIERS, self.operator.connection)
        version = "1" if fault == "old_version" else os.environ["PORTAGE_BOUNDARY_VERSION"]
        self.line = FaultyLine(fault, self.operator.role, version, self.operator.sends, common + self.operator.reads)
        self.seen, self.asked = {}, {}

    def given(self, key, period, round_):
        stamp, values = self.seen[key][:2], self.seen[key][2]
        if stamp != (period, round_) and self.fault != "answers_late":
            raise SystemExit(f"portage: {key} is of {stamp}, needed is {(period, round_)}")
        return values

    def answer(self, code, period, round_):
        if code == OPEN:
            return self.operator.opening()
        if code == COMMIT:
            return self.operator.commit(self.given(self.operator.connection, period, round_))
        key = self.operator.connection if code == EVALUATE else MULTIPLIERS
        given = self.given(key, period, round_)
        answers = self.operator.answer(code, given)
        times = self.asked[period, round_] = self.asked.get((period, round_), 0) + 1
        if self.fault == "forgets" and times > 1:
            answers = [(name, [value + 1.0 for value in values]) for name, values in answers]
        return answers

    def misbehave(self, code, round_):
        if code == SOLVE and round_ == 2:
            if self.fault == "crash":
                raise RuntimeError("asked for by the test")
            if self.fault == "slow":
                time.sleep(60)

    def run(self):
        session, step_s = self.line.start(), float(os.environ["PORTAGE_ROUND_STEP_S"])
        self.operator.begin(session)
        time_s = step_s
        while True:
            try:
                new = self.line.step(time_s)
            except h.HelicsException:
                if self.fault == "ignores_failure":
                    time.sleep(60)
                raise
            self.seen |= new
            time_s += step_s
            if "coordinator/command" not in new:
                if self.fault == "chatters":
                    self.line.send(self.operator.sends[1], 0, 0, [0.0, 0.0])
                continue
            period, round_, (code,) = new["coordinator/command"]
            if code == STOP:
                return
            self.misbehave(code, round_)
            for name, values in self.answer(code, period, round_):
                self.line.send(name, period, round_, values)
            if code == COMMIT:
                time_s = (period + 1) * session["period_s"] + step_s


def main():
    fault = sys.argv[1] if len(sys.argv) > 1 else ""
    stranger = Stranger(fault)
    stranger.run()
    if fault == "never_ends":
        time.sleep(60)
    h.helicsFederateDisconnect(stranger.line.fed)
    h.helicsFederateFree(stranger.line.fed)
    h.helicsCloseLibrary()
    if fault == "ends_badly":
        raise SystemExit(4)


if __name__ == "__main__":
    main()

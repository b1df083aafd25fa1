"""An operator as a stranger would write it: plain Python with `helics`, the PORTAGE_* variables, and nothing of ours.

On the road it is the transport operator of `small_agents`, by rail the power operator of `small_rail_agents`: the same answers,
from lists instead of arrays. ``--fault`` makes it fail in period ``--fault-period``.
"""

import argparse
import json
import os
import signal
import struct
import subprocess

import helics as h

OPEN, SOLVE, EVALUATE, COMMIT, STOP, RELAX = range(6)
ROUTE_LINKS = 16


class Line:
    """The HELICS side: topics by name, messages as (period, round, values)."""

    def __init__(self, role, version, sends, reads):
        info = h.helicsCreateFederateInfo()
        h.helicsFederateInfoSetCoreTypeFromString(info, os.environ["PORTAGE_CORE_TYPE"])
        h.helicsFederateInfoSetCoreName(info, os.environ["PORTAGE_CORE_NAME"])
        h.helicsFederateInfoSetCoreInitString(info, os.environ["PORTAGE_CORE_INIT"])
        h.helicsFederateInfoSetTimeProperty(info, h.HELICS_PROPERTY_TIME_DELTA, 1e-9)
        h.helicsFederateInfoSetFlagOption(info, h.HELICS_FLAG_UNINTERRUPTIBLE, True)
        self.fed = h.helicsCreateValueFederate(role, info)
        self.out, self.into = {}, {}
        for name in sends:
            self.out[name] = h.helicsFederateRegisterTypePublication(self.fed, name, f"portage.{name}/v{version}", "")
        for key in reads:
            handle = h.helicsFederateRegisterTypeInput(self.fed, f"in/{key}", f"portage.{key.split('/')[1]}/v{version}", "")
            h.helicsInputAddTarget(handle, key)
            self.into[key] = handle

    def start(self):
        h.helicsFederateEnterExecutingMode(self.fed)
        return json.loads(h.helicsInputGetBytes(self.into["coordinator/session"]))

    def step(self, time_s):
        """Wait for ``time_s`` and return what is new, by key."""
        granted = h.helicsFederateRequestTime(self.fed, time_s)
        if abs(granted - time_s) > 1e-7:
            raise SystemExit(f"asked for {time_s}, was granted {granted}")
        new = {}
        for key, handle in self.into.items():
            if key != "coordinator/session" and h.helicsInputIsUpdated(handle):
                payload = h.helicsInputGetBytes(handle)
                period, round_, *values = struct.unpack(f"<{len(payload) // 8}d", payload)
                new[key] = (int(period), int(round_), values)
        return new

    def send(self, name, period, round_, values):
        payload = struct.pack(f"<{len(values) + 2}d", period, round_, *values)
        h.helicsPublicationPublishBytes(self.out[name], payload)


class RoadTransport:
    """`small_agents.SmallTransport`: a quadratic cost per vehicle."""

    role = "transport_operator"
    sends = ("offered_connection_veh", "transport_cost_usd", "station_travel_time_s", "departures")
    connection = "coordinator/transport_connection_veh"
    reads = (
        "coordinator/gate_time_s",
        "coordinator/gate_spots",
        "traffic_sumo/link_flow_veh_per_h",
        "traffic_sumo/link_density_veh_per_km",
        "traffic_sumo/link_speed_m_per_s",
        "traffic_sumo/link_travel_time_s",
    )

    def begin(self, session):
        self.pairs = len(session["resourceful_stations"]) * len(session["limited_stations"])
        self.columns, self.horizon = len(session["limited_stations"]), session["horizon_periods"]

    def opening(self):
        return [("station_travel_time_s", [900.0] * self.pairs)]

    def answer(self, command, given):
        sent = list(given)
        cost = 0.5 * sum(z * z for z in sent)
        bound = cost if command == EVALUATE else cost - sum(m * z for m, z in zip(given, sent, strict=True))
        return [("offered_connection_veh", sent), ("transport_cost_usd", [cost, bound, 0.0])]

    def commit(self, connection):
        rows = []
        for pair in range(self.pairs):
            vehicles = int(connection[pair * self.horizon])
            if vehicles:
                rows += [pair // self.columns, pair % self.columns, vehicles, 0] + [-1] * (ROUTE_LINKS - 1)
        return [("departures", [float(value) for value in rows])]


class RailPower:
    """`small_rail_agents.SmallRailPower`: a train at a station in a period is worth so many dollars."""

    role = "power_operator"
    sends = ("asked_connection_veh", "power_cost_usd", "power_slope_usd_per_veh")
    connection = "coordinator/power_connection_veh"
    reads = ("coordinator/train_ready",)
    worth = ((1.0, 0.0, 0.0, 1.0), (0.0, 9.0, 9.0, 0.0))

    def begin(self, session):
        self.flat = [value for _ in session["trains"] for row in self.worth for value in row]

    def opening(self):
        return []

    def answer(self, command, given):
        if command == EVALUATE:
            asked = list(given)
            slope = [-value for value in self.flat]
        else:
            asked = [1.0 if worth > price else 0.0 for worth, price in zip(self.flat, given, strict=True)]
            slope = []
        cost = sum(worth * (1 - z) for worth, z in zip(self.flat, asked, strict=True))
        bound = cost if command == EVALUATE else cost + sum(price * z for price, z in zip(given, asked, strict=True))
        return [("asked_connection_veh", asked), ("power_cost_usd", [cost, bound, 0.0]), ("power_slope_usd_per_veh", slope)]

    def commit(self, connection):
        return []


def misbehave(fault):
    if fault == "raise":
        raise RuntimeError("no feasible plan (asked for by the test)")
    if fault == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if fault == "exit3":
        subprocess.Popen(["sleep", "300"])
        print("portage: transport_operator: nothing to drive with", flush=True)
        os._exit(3)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--fault", default="")
    parser.add_argument("--fault-period", type=int, default=1)
    options = parser.parse_args()
    operator = RoadTransport() if os.environ["PORTAGE_WORLD"] == "road" else RailPower()
    assert operator.role == os.environ["PORTAGE_ROLE"]
    common = ("coordinator/session", "coordinator/command", "coordinator/multipliers_usd_per_veh", operator.connection)
    line = Line(operator.role, os.environ["PORTAGE_BOUNDARY_VERSION"], operator.sends, common + operator.reads)
    session = line.start()
    operator.begin(session)
    with open(os.path.join(os.environ["PORTAGE_RESULTS"], "notes.txt"), "w") as notes:
        notes.write(f"{session['name']}\n")
    step_s = float(os.environ["PORTAGE_ROUND_STEP_S"])
    time_s, seen = step_s, {}
    while True:
        new = line.step(time_s)
        seen.update(new)
        time_s += step_s
        if "coordinator/command" not in new:
            continue
        period, round_, (code,) = new["coordinator/command"]
        if code == STOP:
            break
        if options.fault and period == options.fault_period and code == SOLVE:
            misbehave(options.fault)
        if code == OPEN:
            answers = operator.opening()
        elif code == COMMIT:
            answers = operator.commit(seen[operator.connection][2])
            time_s = (period + 1) * session["period_s"] + step_s
        else:
            key = operator.connection if code == EVALUATE else "coordinator/multipliers_usd_per_veh"
            answers = operator.answer(code, seen[key][2])
        for name, values in answers:
            line.send(name, period, round_, values)
    h.helicsFederateDisconnect(line.fed)
    h.helicsFederateFree(line.fed)
    h.helicsCloseLibrary()


if __name__ == "__main__":
    main()

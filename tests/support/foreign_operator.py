"""An operator as a stranger would write it: plain Python with `helics`, the PORTAGE_* variables, and nothing of ours.

On the road it is the transport operator of `small_agents`, by rail the power operator of `small_rail_agents`: the same answers,
from lists instead of arrays. ``--fault`` makes it fail in period ``--fault-period``.
"""

import argparse
import hashlib
import json
import os
import signal
import struct
import subprocess
from pathlib import Path

import helics as h
from nacl.bindings import crypto_sign, crypto_sign_open, crypto_sign_seed_keypair

OPEN, SOLVE, EVALUATE, COMMIT, STOP, RELAX = range(6)
ROUTE_LINKS = 16


class Seal:
    """Signs what is sent and checks what is heard; the form of a message is on the page of the integrity of messages."""

    def __init__(self):
        seed = bytes.fromhex(Path(os.environ["PORTAGE_KEY"]).read_text())
        _, self.private = crypto_sign_seed_keypair(seed)
        self.number, self.last, self.keys = 0, {}, {}

    def meet(self):
        """Read the others' keys; they are there in initializing mode."""
        told, _, signature = Path(os.environ["PORTAGE_ROSTER"]).read_text().rpartition("signature ")
        crypto_sign_open(bytes.fromhex(signature) + told.encode(), bytes.fromhex(os.environ["PORTAGE_ROSTER_KEY"]))
        agents = [line.split() for line in told.splitlines() if line.startswith("agent ")]
        self.keys = {name: bytes.fromhex(key) for _, name, _, key in agents}

    def address(self, key):
        sender, *receiver, topic = key.split("/")
        words = (
            f"portage/{os.environ['PORTAGE_BOUNDARY_VERSION']}",
            os.environ["PORTAGE_RUN"],
            sender,
            *(receiver or "*"),
            topic,
        )
        return " ".join(words).encode()

    def sign(self, key, payload):
        """One signature may stand before several messages; here it is of one."""
        self.number += 1
        address = self.address(key)
        salted = os.urandom(16) + struct.pack("<H", len(address)) + address + payload
        signed = struct.pack("<QH", self.number, 1) + hashlib.sha256(salted).digest()
        return crypto_sign(signed, self.private) + salted

    def open(self, key, message):
        number, count = struct.unpack_from("<QH", message, 64)
        end = 74 + 32 * count
        crypto_sign_open(message[:end], self.keys[key.partition("/")[0]])  # raises what the sender has not signed
        salted, content, address = message[end:], message[end + 16 :], self.address(key)
        whole = hashlib.sha256(salted).digest() in [message[at : at + 32] for at in range(74, end, 32)]
        if not whole or content[2 : 2 + len(address)] != address or number <= self.last.get(key, 0):
            raise SystemExit(f"portage: refused a message on {key}, number {number}: {content[2:80]}")
        self.last[key] = number
        return content[2 + len(address) :]


class Line:
    """The HELICS side: topics by name, one that is addressed with its receiver before it; messages as (period, round, values)."""

    def __init__(self, agent, version, sends, hears):
        info = h.helicsCreateFederateInfo()
        h.helicsFederateInfoSetCoreTypeFromString(info, os.environ["PORTAGE_CORE_TYPE"])
        h.helicsFederateInfoSetCoreName(info, os.environ["PORTAGE_CORE_NAME"])
        h.helicsFederateInfoSetCoreInitString(info, os.environ["PORTAGE_CORE_INIT"])
        h.helicsFederateInfoSetTimeProperty(info, h.HELICS_PROPERTY_TIME_DELTA, 1e-9)
        h.helicsFederateInfoSetFlagOption(info, h.HELICS_FLAG_UNINTERRUPTIBLE, True)
        self.fed = h.helicsCreateValueFederate(agent, info)
        self.agent, self.seal, self.keys = agent, Seal(), {}
        self.out, self.into = {}, {}
        for key in sends:  # HELICS puts the federate's name before it
            kind = f"portage.{key.rpartition('/')[2]}/v{version}"
            self.out[key] = h.helicsFederateRegisterTypePublication(self.fed, key, kind, "")
        for key in hears:
            name = key.rpartition("/")[2]
            self.into[name] = h.helicsFederateRegisterTypeInput(self.fed, f"in/{key}", f"portage.{name}/v{version}", "")
            h.helicsInputAddTarget(self.into[name], key)
            self.keys[name] = key

    def start(self):
        h.helicsFederateEnterInitializingMode(self.fed)
        self.seal.meet()
        h.helicsFederateEnterExecutingMode(self.fed)
        return json.loads(self.heard("session"))

    def heard(self, name):
        return self.seal.open(self.keys[name], h.helicsInputGetBytes(self.into[name]))

    def step(self, time_s):
        """Wait for ``time_s`` and return what is new, by name of the topic."""
        granted = h.helicsFederateRequestTime(self.fed, time_s)
        if abs(granted - time_s) > 1e-7:
            raise SystemExit(f"asked for {time_s}, was granted {granted}")
        new = {}
        for name, handle in self.into.items():
            if name != "session" and h.helicsInputIsUpdated(handle):
                payload = self.heard(name)
                period, round_, *values = struct.unpack(f"<{len(payload) // 8}d", payload)
                new[name] = (int(period), int(round_), values)
        return new

    def send(self, name, period, round_, values):
        payload = struct.pack(f"<{len(values) + 2}d", period, round_, *values)
        self.put(name, payload)

    def put(self, name, payload):
        h.helicsPublicationPublishBytes(self.out[name], self.seal.sign(f"{self.agent}/{name}", payload))

    def leave(self):
        h.helicsFederateDisconnect(self.fed)
        h.helicsFederateFree(self.fed)
        h.helicsCloseLibrary()


class RoadTransport:
    """`small_agents.SmallTransport`: a quadratic cost per vehicle."""

    role = "transport_operator"
    price, quantity, slope = "delivery_price_usd_per_veh", "delivery_veh", "delivery_slope_usd_per_veh"
    sends = (quantity, "cost_usd", slope, "station_travel_time_s", "departures")
    hears = (
        "coordinator/{agent}/gate_time_s",
        "coordinator/{agent}/gate_spots",
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
        return [(self.quantity, sent), (self.slope, []), ("cost_usd", [cost, bound, 0.0])]

    def commit(self, given):
        rows = []
        for pair in range(self.pairs):
            vehicles = int(given[pair * self.horizon])
            if vehicles:
                rows += [pair // self.columns, pair % self.columns, vehicles, 0] + [-1] * (ROUTE_LINKS - 1)
        return [("departures", [float(value) for value in rows])]


class RailPower:
    """`small_rail_agents.SmallRailPower`: a train at a station in a period is worth so many dollars."""

    role = "power_operator"
    price, quantity, slope = "connection_price_usd", "connection", "connection_slope_usd"
    sends = (quantity, "cost_usd", slope)
    hears = ("coordinator/{agent}/train_ready",)
    worth = ((1.0, 0.0, 0.0, 1.0), (0.0, 9.0, 9.0, 0.0))
    period = 0

    def begin(self, session):
        self.trains, self.lost = len(session["trains"]), 0.0

    def opening(self):
        return []

    def open_periods(self):
        """Return the worth of every entry of a message: the past is in none."""
        return [value for _ in range(self.trains) for row in self.worth for value in row[self.period :]]

    def answer(self, command, given):
        flat = self.open_periods()
        if command == EVALUATE:
            asked = list(given)
            slope = [-value for value in flat]
        else:
            asked = [1.0 if worth > price else 0.0 for worth, price in zip(flat, given, strict=True)]
            slope = []
        cost = self.lost + sum(worth * (1 - z) for worth, z in zip(flat, asked, strict=True))
        bound = cost if command == EVALUATE else cost + sum(price * z for price, z in zip(given, asked, strict=True))
        return [(self.quantity, asked), (self.slope, slope), ("cost_usd", [cost, bound, 0.0])]

    def commit(self, given):
        left = len(self.worth[0]) - self.period
        self.lost += sum(w * (1 - z) for w, z in zip(self.open_periods()[::left], given[::left], strict=True))
        return []


def join(operator, line=Line):
    """Return the line of an operator under the name that its agent has in this run."""
    common = ("session", operator.price, operator.quantity)
    hears = ("coordinator/command", *(f"coordinator/{{agent}}/{name}" for name in common), *operator.hears)
    agent = os.environ["PORTAGE_AGENT"]
    return line(agent, os.environ["PORTAGE_BOUNDARY_VERSION"], operator.sends, [key.format(agent=agent) for key in hears])


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
    line = join(operator)
    session = line.start()
    operator.begin(session)
    with open(os.path.join(os.environ["PORTAGE_RESULTS"], "notes.txt"), "w") as notes:
        notes.write(f"{session['name']}\n")
    step_s = float(os.environ["PORTAGE_ROUND_STEP_S"])
    time_s, seen = step_s, {}
    while True:
        new = line.step(time_s)
        seen.update(new)
        time_s = round(time_s + step_s, 9)
        if "command" not in new:
            continue
        period, round_, (code,) = new["command"]
        operator.period = period
        if code == STOP:
            break
        if options.fault and period == options.fault_period and code == SOLVE:
            misbehave(options.fault)
        if code == OPEN:
            answers = operator.opening()
        elif code == COMMIT:
            answers = operator.commit(seen[operator.quantity][2])
            time_s = (period + 1) * session["period_s"] + step_s
        else:
            name = operator.quantity if code == EVALUATE else operator.price
            answers = operator.answer(code, seen[name][2])
        for name, values in answers:
            line.send(name, period, round_, values)
    line.leave()


if __name__ == "__main__":
    main()

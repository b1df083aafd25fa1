"""A fleet and a charging station as a stranger would write them: plain Python on the line of `foreign_operator`, and nothing of
ours. Their answers are those of `good_fleets`, from lists instead of arrays. ``--fault`` makes one fail in period 1.
"""

import argparse
import os
import signal
import sys
import time

from foreign_operator import COMMIT, EVALUATE, OPEN, SOLVE, STOP, Line


def misbehave(fault):
    if fault == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if fault == "sleep":
        time.sleep(3600)
    if fault == "exit3":
        print(f"portage: {os.environ['PORTAGE_AGENT']}: no vehicle left", flush=True)
        sys.exit(3)


class Fleet:
    """Offers deliveries and asks for passages; every kWh costs it more than the one before."""

    def __init__(self, kwh):
        self.kwh = kwh

    def answer(self, code, first, second):
        """Return energy, vehicles, cost and bound: of prices, or of what is given."""
        if code == EVALUATE:
            z, earned = [min(d, p * self.kwh) for d, p in zip(first, second, strict=True)], 0.0
        else:
            margins = [reward - toll / self.kwh for reward, toll in zip(first, second, strict=True)]
            z = [max(margin, 0.0) for margin in margins]
            earned = sum(margin * d for margin, d in zip(margins, z, strict=True))
        cost = sum(0.5 * d * d for d in z)
        return z, [d / self.kwh for d in z], [cost, cost - earned, 0.0]


def commands(line, session, seen):
    """Yield period, round and code of every command until the last, when all that came with it is in ``seen``."""
    step_s = time_s = float(os.environ["PORTAGE_ROUND_STEP_S"])
    while True:
        new = line.step(time_s)
        seen.update(new)
        time_s = round(time_s + step_s, 9)
        if "command" not in new:
            continue
        period, round_, (code,) = new["command"]
        if code == STOP:
            return
        if code == COMMIT:
            time_s = (period + 1) * session["period_s"] + step_s
        yield period, round_, code


def run_fleet(agent, agents, version, fault):
    sends, hears = ["cost_usd"], ["coordinator/command"]
    for name, unit in (("delivery", "kwh"), ("passage", "veh")):
        sends += [f"{name}_{unit}", f"{name}_slope_usd_per_{unit}"]
        hears += [f"coordinator/{agent}/{name}_{unit}", f"coordinator/{agent}/{name}_price_usd_per_{unit}"]
    passed_on = ("session", "gate_time_s", "gate_spots", "station_travel_time_s")
    hears += [f"coordinator/{agent}/{name}" for name in passed_on]
    hears += [f"{name}/{agent}/station_receipts" for name, role in agents if role == "charging_station"]
    line, seen = Line(agent, version, sends, hears), {}
    session = line.start()
    fleet = Fleet(*session["vehicle_kwh"].values())
    for period, round_, code in commands(line, session, seen):
        if code in (OPEN, COMMIT):
            continue
        if fault and period == 1 and code == SOLVE:
            misbehave(fault)
            line.send("delivery_kwh", period, round_, [0.0])  # of a wrong shape
            continue
        asked = ("delivery_kwh", "passage_veh")
        if code != EVALUATE:
            asked = ("delivery_price_usd_per_kwh", "passage_price_usd_per_veh")
        if any(seen[word][:2] != (period, round_) for word in asked):
            continue  # what belongs to the question has not come
        z, vehicles, costs = fleet.answer(code, *(seen[word][2] for word in asked))
        line.send("delivery_kwh", period, round_, z)
        line.send("passage_veh", period, round_, vehicles)
        for name in ("delivery_slope_usd_per_kwh", "passage_slope_usd_per_veh"):
            line.send(name, period, round_, [])
        line.send("cost_usd", period, round_, costs)
    line.leave()


class Account:
    """Vehicles under way to a station, the oldest first; of one period in proportion to the fleets."""

    def __init__(self, fleets):
        self.fleets, self.under_way = fleets, []

    def arrive(self, allotted, arrivals):
        self.under_way.append([list(pair) for pair in allotted])
        arrived = [[0.0, 0.0] for _ in range(self.fleets)]
        while self.under_way:
            oldest = self.under_way[0]
            vehicles = sum(pair[0] for pair in oldest)
            share = 1.0 if vehicles == 0 else min(1.0, arrivals / vehicles)
            for pair, into in zip(oldest, arrived, strict=True):
                for i in range(2):
                    into[i] += share * pair[i]
                    pair[i] *= 1.0 - share
            arrivals -= share * vehicles
            if share < 1.0:
                break
            self.under_way.pop(0)
        return [[*pair, pair[1]] for pair in arrived]


def run_station(agent, agents, version, fault):
    """Need 30 kWh a period at a limited station, spare 500 at a resourceful one."""
    companies = [name for name, role in agents if role == "power_operator"]
    fleets = [name for name, role in agents if role == "mves_fleet"]
    need = [f"station_{name}_kwh" for name in ("need", "surplus", "due")]
    sends = ["gate_time_s", "gate_spots", *(f"{company}/{name}" for company in companies for name in need)]
    sends += [f"{name}/station_receipts" for name in (*fleets, *companies)]
    model = next(name for name, role in agents if role == "traffic_sumo")
    hears = [f"coordinator/{agent}/{name}" for name in ("session", "station_allotments")]
    hears += [f"{model}/{agent}/station_{name}_veh" for name in ("passing", "arrivals")]
    line = Line(agent, version, sends, hears)
    session = line.start()
    parts = {other["name"]: other["part"].get("stations") for other in session["agents"]}
    horizon, bins = session["horizon_periods"], session["bins_per_period"]
    limited, account = bool(session["limited_stations"]), Account(len(fleets))
    step_s, seen = float(os.environ["PORTAGE_ROUND_STEP_S"]), {}
    receipts = [[0.0] * 3 for _ in fleets]
    for period in range(session["periods"] + 1):
        seen.update(line.step(period * session["period_s"] + step_s))
        if period:
            told = [seen[name] for name in ("station_allotments", "station_arrivals_veh")]
            if any(stamp[0] != period - 1 for stamp in told):
                raise SystemExit(f"portage: {agent}: what was told is not of period {period - 1}")
            flat, counted = (values for *_, values in told)
            allotted = [flat[2 * i : 2 * i + 2] for i in range(len(fleets))]
            receipts = account.arrive(allotted, sum(counted)) if limited else [[*pair, pair[1]] for pair in allotted]
        if fault and period == 1:
            if fault == "wrong_shape":
                line.send("gate_spots", period, 0, [1.0, 2.0, 3.0])
                continue
            misbehave(fault)
        line.send("gate_time_s", period, 0, [600.0])
        line.send("gate_spots", period, 0, [4.0])
        for company in companies:
            own = parts[company] is None or agent in parts[company]
            for name, kwh in zip(need, (30.0 * limited, 500.0 * (not limited), 0.0), strict=True):
                line.send(f"{company}/{name}", period, 0, [kwh / bins] * (horizon * bins if own else 0))
            flat = [value for row in receipts for value in row] if own else []
            line.send(f"{company}/station_receipts", period, 0, flat)
        for fleet, row in zip(fleets, receipts, strict=True):
            line.send(f"{fleet}/station_receipts", period, 0, row)
    line.step(session["periods"] * session["period_s"] + 2 * step_s)
    line.leave()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--fault", default="")
    fault = parser.parse_args().fault
    agents = [tuple(pair.split(":")) for pair in os.environ["PORTAGE_AGENTS"].split()]
    run = {"mves_fleet": run_fleet, "charging_station": run_station}[os.environ["PORTAGE_ROLE"]]
    run(os.environ["PORTAGE_AGENT"], agents, os.environ["PORTAGE_BOUNDARY_VERSION"], fault)


if __name__ == "__main__":
    main()

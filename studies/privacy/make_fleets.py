"""Measure what a curious coordinator learns of fleets, by their answers and by their private sum.

``python studies/privacy/make_fleets.py`` asks the five fleets of `la_fleets`, in this process, what any coordinator may ask, and
writes the section of docs/privacy.md. ``--check`` compares the page with what comes out; it takes some seconds.
"""

import argparse
import re
import sys
from pathlib import Path

import numpy as np
import yaml

from federates.boundary.world import parse_session
from federates.runtime.plugins import load_agent
from federates.worlds.road.messages import Gate

ROOT = Path(__file__).parents[2]
SCENARIO, PAGE = ROOT / "scenarios/la_fleets", ROOT / "docs/privacy.md"
BEGIN, END = "<!-- fleets: made by studies/privacy/make_fleets.py -->", "<!-- end of fleets -->"
SCANS, PROBES, TESTS = 15, 45, 30
MOST_USD_PER_KWH, TOLL_USD = 2.5, 0.8
"""Rewards up to the first are asked for; about the toll of that hour."""
HOUR, ROAD_S, GATE_S = 17, 1200.0, 900.0


class Silent:
    """A recorder that keeps nothing."""

    def record(self, table, **row):
        """Leave a row out."""

    def progress(self, **fields):
        """Tell nobody."""


class Learned:
    """Lower model of a private cost: each answer to prices with its bound says f(z) >= bound - s lambda z, for all z."""

    def __init__(self):
        self.planes = []

    def learn(self, prices, bound_usd):
        """Take in one answer; a fleet offers delivery and asks for passage."""
        self.planes.append((bound_usd, prices))

    def floor(self, delivery, passage):
        """Return the model's value, usd."""
        return max(
            bound + float((prices["delivery"] * delivery).sum()) - float((prices["passage"] * passage).sum())
            for bound, prices in self.planes
        )


def fleets():
    """Return the fleets of the scenario, begun, by name; and the shape of a delivery."""
    data = yaml.safe_load((SCENARIO / "scenario.yaml").read_text(encoding="utf-8"))
    session = parse_session(data | {"start_hour": HOUR}, "scenario.yaml")
    found = {}
    for name in session.fleets:
        fleet = load_agent(name, "mves_fleet", SCENARIO / name / "config.yaml", world=session.world).create()
        fleet.begin(session.view(name), Silent())
        fleet.open_period(0, None)
        found[name] = fleet
    return found, session.connection_shape, len(session.stations)


def told(shape, stations):
    """Return the openings: the same times everywhere."""
    gate = Gate(np.full(stations, GATE_S), np.full(stations, 50.0))
    return {"gate": gate, "road_time_s": np.full(shape[:2], ROAD_S), "receipts": np.zeros((stations, 1, 3))}


def questions(shape, random):
    """Yield what is asked: one reward for all entries, then random ones."""
    toll = np.full(shape, TOLL_USD)
    for reward in np.linspace(0.0, MOST_USD_PER_KWH, SCANS):
        yield {"delivery": np.full(shape, reward), "passage": toll}
    for _ in range(PROBES):
        yield {"delivery": random.uniform(0.0, MOST_USD_PER_KWH, shape), "passage": toll * random.uniform(0.5, 1.5, shape)}


def measure():
    """Return the rows of the table: for each fleet and all together, what is known of it before and after."""
    everyone, shape, stations = fleets()
    openings, random = told(shape, stations), np.random.default_rng(14)
    names = tuple(everyone)
    before, after = {name: Learned() for name in names}, Learned()
    offered = {name: [] for name in names}
    largest = dict.fromkeys(names, 0.0)
    for prices in questions(shape, random):
        answers = {name: fleet.solve(prices, openings) for name, fleet in everyone.items()}
        for name, answer in answers.items():
            before[name].learn(prices, answer.bound_usd)
            offered[name].append(float(answer.quantities["delivery"].sum()))
            largest[name] = np.maximum(largest[name], answer.quantities["delivery"])
        after.learn(prices, sum(answer.bound_usd for answer in answers.values()))
    tests = {name: [] for name in names}
    for _ in range(TESTS):
        for name, fleet in everyone.items():
            delivery = random.uniform(0.0, 1.0) * random.uniform(0.0, 1.0, shape) * largest[name]
            answer = fleet.evaluate({"delivery": delivery, "passage": np.full(shape, 1e6)}, openings)
            tests[name].append((answer.quantities["delivery"], answer.quantities["passage"], answer.cost_usd))
    return [_row(name, before[name], after, offered, tests[name], len(names)) for name in names] + [_all(after, tests, names)]


def _row(name, own, total, offered, tests, many):
    """Return how well one fleet is known: by its own answers, and by an equal part of the totals."""
    true = np.array([cost for *_, cost in tests])
    by_own = np.array([own.floor(d, p) for d, p, _ in tests])
    by_total = np.array([total.floor(many * d, many * p) / many for d, p, _ in tests])
    kwh, sums = np.array(offered[name]), np.sum(list(offered.values()), axis=0)
    wrong = np.abs(kwh - sums / many)[sums > 0.0].mean() / kwh[sums > 0.0].mean()
    return name, _error(true, by_own), _error(true, by_total), wrong


def _all(total, tests, names):
    """Return how well all fleets together are known, which is no secret in either case."""
    rounds = zip(*(tests[name] for name in names), strict=True)
    sums = [tuple(sum(one[part] for one in row) for part in range(3)) for row in rounds]
    true, floor = np.array([cost for *_, cost in sums]), np.array([total.floor(d, p) for d, p, _ in sums])
    return "all together", _error(true, floor), _error(true, floor), 0.0


def _error(true, predicted):
    """Return the median error, as a share of the median cost."""
    return float(np.median(np.abs(true - predicted)) / np.median(true))


def section(rows):
    """Return the section's table."""
    lines = [
        "| fleet | error of own cost: by its answers | by the sum | error of kWh at a price: by its answers | by the sum |",
        "|---|---|---|---|---|",
        *(f"| {name} | {own:.0%} | {total:.0%} | 0% | {kwh:.0%} |" for name, own, total, kwh in rows),
    ]
    return "\n".join([BEGIN, "", *lines, "", END])


def rendered(page, text):
    """Return the page with the section in its place."""
    return re.sub(f"{re.escape(BEGIN)}.*?{re.escape(END)}", lambda _: text, page, flags=re.DOTALL)


def main(argv=None):
    """Write the section, or check it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    page, text = PAGE.read_text(encoding="utf-8"), section(measure())
    print(text)
    if parser.parse_args(argv).check:
        return 0 if text in page else 1
    for file in (PAGE, Path(__file__).with_name("privacy.md.in")):
        file.write_text(rendered(file.read_text(encoding="utf-8"), text), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

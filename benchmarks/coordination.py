"""Algorithms and rules for the prices, compared on the Los Angeles operators: rounds, proven gap, cost.

    python benchmarks/coordination.py

Both operators as they ship talk through the algorithm in this process, without HELICS; instead of SUMO they see the typical
flows of the power operator's history, and vehicles arrive in the period they leave. 20 hours from 4 h on.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from federates.boundary.config import load_config
from federates.boundary.messages import Answer
from federates.boundary.names import Role
from federates.boundary.roles import Commit, CoordinationAlgorithm, Evaluate, Operator, RoundResult, Solve
from federates.coordinator.algorithms.admm import Admm
from federates.coordinator.algorithms.ocd import OptimalityConditionDecomposition
from federates.coordinator.algorithms.posted_price import PostedPrice
from federates.runtime.negotiation_record import NegotiationRecord
from federates.runtime.plugins import load_agent
from federates.worlds.road.messages import StationObservation
from federates.worlds.road.session import RoadSession

SCENARIO = Path(__file__).parents[1] / "scenarios/la_gcs"
START_HOUR, PERIODS = 4, 20
OCD, ADMM, POSTED = OptimalityConditionDecomposition, Admm, PostedPrice
RULES = {
    "`shortfall`, rho 1, from zero prices (the paper)": (
        OCD,
        {"update": "shortfall", "warm_start": False, "max_iterations": 60},
    ),
    "`shortfall`, rho 0.5, from the last prices": (OCD, {"update": "shortfall", "step_factor": 0.5, "max_iterations": 60}),
    "`residual`, rho 1.5": (OCD, {"update": "residual", "step_factor": 1.5, "halve_after": 30, "max_iterations": 60}),
    "`box_step` (the scenario's)": (OCD, None),
    "`admm`, from the last prices": (ADMM, {}),
    "`admm`, from zero prices": (ADMM, {"warm_start": False}),
    "`posted_price`, 12 usd": (POSTED, {"price_usd_per_veh": 12.0}),
    "`posted_price`, 14 usd": (POSTED, {"price_usd_per_veh": 14.0}),
}


class Rows:
    """Recorder that keeps the rounds."""

    def __init__(self) -> None:
        self.rounds: list[dict] = []

    def record(self, table: str, **row: object) -> None:
        """Keep a row of the table `rounds`."""
        if table == "rounds":
            self.rounds.append(row)

    def record_many(self, table: str, columns: object) -> None:
        """Keep no prices and answers."""

    def progress(self, **fields: object) -> None:
        """Show nothing."""


def negotiate(algorithm: CoordinationAlgorithm) -> list[dict]:
    """Return the last round of every period."""
    session = load_config(SCENARIO / "scenario.yaml", RoadSession)
    session = session.model_copy(update={"start_hour": START_HOUR, "periods": PERIODS})
    power, transport = (
        load_agent(r, r, SCENARIO / r / "config.yaml").create() for r in (Role.POWER_OPERATOR, Role.TRANSPORT_OPERATOR)
    )
    rows = Rows()
    record = NegotiationRecord(session, rows)
    algorithm.begin(session, rows)
    operators = {Role.POWER_OPERATOR: power, Role.TRANSPORT_OPERATOR: transport}
    for operator in operators.values():
        operator.begin(session, Rows())
    seen, last = None, []
    for period in range(PERIODS):
        openings = {"gate": power.open_period(period, seen), "road_time_s": transport.open_period(period, None)}
        record.open(period, openings)
        decision = algorithm.start(period, openings)
        while not isinstance(decision, Commit):
            result = RoundResult({name: answer(name, operator, decision, openings) for name, operator in operators.items()})
            record.answered(decision, result)
            decision = algorithm.next(result)
        for name, operator in operators.items():
            operator.commit(decision.given[name])
        last.append(rows.rounds[-1] | {"agreed": decision.agreed})
        sent = decision.given[Role.POWER_OPERATOR]["delivery"][:, :, 0]
        seen = observation(session, power.settings, sent, (START_HOUR + period) % 24)
    return last


def answer(name: str, operator: Operator, decision: Solve | Evaluate, openings: dict) -> Answer:
    """Return an operator's answer; each looks up what its partner has opened the period with."""
    if isinstance(decision, Solve):
        return operator.solve(decision.prices, openings)
    return operator.evaluate(decision.given[name], openings)


def observation(session: RoadSession, settings: object, sent: np.ndarray, hour: int) -> StationObservation:
    """Return the typical flows of an hour, and the vehicles sent as arrivals, even over the bins."""
    with (SCENARIO / "power_operator/data/weekday_hourly_share.csv").open() as file:
        share = [float(row["pm_leaning"]) for row in csv.DictReader(line for line in file if not line.startswith("#"))]
    passing = np.array([settings.stations[name].daily_volume_veh for name in session.stations]) * share[hour]
    arrivals = np.concatenate((sent.sum(axis=1), sent.sum(axis=0)))
    bins = session.bins_per_period
    return StationObservation(*(np.repeat((values / bins)[:, None], bins, axis=1) for values in (passing, arrivals)))


def main() -> None:
    print("| rule | rounds a period | gap, mean | gap, largest | periods agreed | sum of UB, usd |\n|---|---|---|---|---|---|")
    for name, (kind, changes) in RULES.items():
        if changes is None:
            settings = load_agent("coordinator", Role.COORDINATOR, SCENARIO / "coordinator/config.yaml").settings
        else:
            settings = kind.Settings(**changes)
        last = negotiate(kind(settings, SCENARIO))
        gaps = np.array([row["gap"] for row in last])
        rounds, agreed = np.mean([row["round"] for row in last]), sum(row["agreed"] for row in last)
        cost = sum(row["upper_bound_usd"] for row in last)
        print(f"| {name} | {rounds:.0f} | {gaps.mean():.2%} | {gaps.max():.2%} | {agreed} of {PERIODS} | {cost:,.0f} |")


if __name__ == "__main__":
    main()

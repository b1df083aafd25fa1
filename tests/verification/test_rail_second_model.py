"""Random days by rail against a second model that shares no code with the project, only its numbers (`rail_equations`).

Both forms of the centralised reference find its optimum, and every algorithm of the coordinator encloses it. A few days are tried
always, 200 with ``-m long``.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from negotiate import given
from rail_algorithms import ALGORITHMS
from rail_equations import RailEquations
from rail_play import negotiate_day
from random_rail_cases import random_day, write_day

from federates.centralised.joint_data import read_joint_data
from federates.centralised.solve import solve_flow, solve_literal

QUICK, LONG = 8, 200
NEAR = 1e-5  # relative: what solvers may differ by


SEEDS = [pytest.param(seed, id=str(seed), marks=() if seed < QUICK else pytest.mark.long) for seed in range(LONG)]


def day_of(seed: int) -> dict:
    """Return a day; of every two days one has trains that differ in what only the transport operator knows."""
    return random_day(seed, private=seed % 2 == 1, most_stands=18 if seed < QUICK else 24)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_random_day(seed: int, tmp_path: Path) -> None:
    day = day_of(seed)
    equations = RailEquations(day)
    best_usd, slack = equations.least()
    if math.isinf(best_usd):
        pytest.skip("trains have no routes that slots and closures allow")
    near_usd = NEAR * max(1.0, abs(best_usd))
    folder = write_day(day, tmp_path / "day")
    data = read_joint_data(folder)
    flow = solve_flow(data, 0.0, 300.0, 1)
    assert flow.total_cost_usd == pytest.approx(best_usd, abs=near_usd)
    assert flow.bound_usd <= best_usd + near_usd
    if slack < 1e-6:  # the published form has no slacks
        assert solve_literal(data, 0.0, 300.0).total_cost_usd == pytest.approx(best_usd, abs=near_usd)
    for name, algorithm in ALGORITHMS.items():
        decision, tables = negotiate_day(folder, algorithm, algorithm.Settings())
        (held,) = tables["negotiations"]
        for row in [*tables["rounds"], held]:  # a bound that nobody has proven is not a number
            assert not row["lower_bound_usd"] > best_usd + near_usd, name
            assert not row["upper_bound_usd"] < best_usd - near_usd, name
        assert not held["claimed_lower_bound_usd"] > best_usd + near_usd, name
        # What is committed can be carried out at the cost that was said.
        assert equations.least(given(decision, "connection"))[0] <= held["upper_bound_usd"] + near_usd, name


def test_the_days_are_worth_trying() -> None:
    """Among the days that are always tried are all that can go wrong."""
    tried = [day_of(seed) for seed in range(QUICK)]
    assert {len(day["trains"]) for day in tried} >= {0, 1, 2, 3}
    assert any(day["closed"] for day in tried)
    assert any(np.min(day["slots"]) < len(day["trains"]) for day in tried)
    assert any(unit["c1"] < 0 for day in tried for unit in day["units"])
    assert any(line["limit_mw"] for day in tried for line in day["lines"])
    assert any(train["cost_factor"] != 1.0 or train["end"] != train["home"] for day in tried for train in day["trains"])

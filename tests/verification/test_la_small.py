"""docs/la_small.md: its formulas against the classes, its best plans against all whole plans, its runs against the run."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from code_blocks import blocks

from federates.boundary.roles import Solve
from federates.coordinator.algorithms.ocd import OptimalityConditionDecomposition
from federates.debrief.reference import CERTIFY
from tests.support.small_table import OPERATORS, NoRecorder, SmallTable

PAGE = Path(__file__).parents[2] / "docs/la_small.md"
PERIODS = 6


def rows(*heads: str) -> list[list[float]]:
    """Return the numbers of the table whose head has these words, row by row, without a row of sums."""
    lines = PAGE.read_text().splitlines()
    (at,) = [i for i, line in enumerate(lines) if line.startswith("|") and all(head in line for head in heads)]
    body = itertools.takewhile(lambda line: line.startswith("|"), lines[at + 2 :])
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in body]
    return [[float(cell) for cell in row] for row in cells if row[0].isdigit()]


def worth(station: str) -> list[float]:
    (line,) = [line for line in PAGE.read_text().splitlines() if line.startswith(f"| worth at {station}")]
    return [float(number) for number in re.findall(r"\| (\d+)", line)]


WORTH = {"q1": worth("q1"), "q2": worth("q2")}
NEED = {"q1": 4, "q2": 6}


def missed_usd(station: str, vehicles: float, period: int) -> float:
    return WORTH[station][period] * max(0.0, NEED[station] - vehicles)


def road_usd(plan: tuple[float, ...]) -> float:
    """Cost of (r1 to q1, r1 to q2, r2 to q1, r2 to q2)."""
    return sum(first * z + z**2 for first, z in zip((8, 10, 4, 6), plan, strict=True))


def cost_usd(plan: tuple[float, ...], period: int) -> float:
    a, b, c, d = plan
    return road_usd(plan) + missed_usd("q1", a + c, period) + missed_usd("q2", b + d, period)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> SmallTable:
    return SmallTable(tmp_path_factory.mktemp("bare"), {})


def test_no_plan_of_whole_vehicles_costs_less_than_the_page_s_and_no_other_as_little():
    table = rows("r1 to q1", "without vehicles")
    assert len(table) == PERIODS
    for period, *plan, best_usd, idle_usd in table:
        costs = {z: cost_usd(z, int(period)) for z in itertools.product(range(7), repeat=4)}
        assert min(costs.values()) == best_usd == cost_usd(tuple(plan), int(period))
        assert list(costs.values()).count(best_usd) == 1
        assert costs[0, 0, 0, 0] == idle_usd
    assert f"| all | | | | | {sum(row[5] for row in table):g} | {sum(row[6] for row in table):g} |" in PAGE.read_text()


def test_the_classes_own_costs_are_the_page_s_formulas(bare):
    rng = np.random.default_rng(1)
    for period in range(PERIODS):
        bare.open(period)
        for z in rng.integers(0, [4, 6, 4, 6], size=(5, 4)):
            given = z.reshape(2, 2, 1).astype(float)
            asked = {
                name: bare.agents[name].evaluate({"delivery": bare.cut(name, given)}, bare.heard[name]) for name in OPERATORS
            }
            assert asked["springs"].cost_usd == pytest.approx(missed_usd("q1", z[0] + z[2], period))
            assert asked["norwalk"].cost_usd == pytest.approx(missed_usd("q2", z[1] + z[3], period))
            assert asked["transport_operator"].cost_usd == pytest.approx(road_usd(tuple(z)), abs=1e-5)


def test_the_prices_found_by_hand_prove_the_plan_of_period_3(bare):
    bare.open(3)
    prices = Solve({"delivery": np.array([[[10.0], [14.0]], [[10.0], [14.0]]])})
    bounds = {name: bare.ask(name, prices).bound_usd for name in OPERATORS}
    assert bounds == pytest.approx({"springs": 40.0, "norwalk": 84.0, "transport_operator": -30.0}, abs=1e-4)
    offered = bare.ask("transport_operator", prices).quantities["delivery"].ravel()
    assert offered == pytest.approx([1, 2, 3, 4], abs=1e-3)


def test_the_page_has_what_the_shipped_coordinator_commits(tmp_path):
    found, table = SmallTable(tmp_path, {"coordinator": 0.0}), rows("r1 to q1", "proven to")
    assert len(table) == PERIODS
    for period, *plan, cost, proven in table:
        commit, decisions = found.negotiate(int(period))
        sent = commit.given["transport_operator"]["delivery"].ravel()
        assert sent.tolist() == plan
        assert cost_usd(tuple(sent), int(period)) == pytest.approx(cost)
        desk = found.desk("coordinator")
        notice = desk.question(desk.last)
        assert 100 * (1 - notice["lower_usd"] / notice["cost_usd"]) == pytest.approx(proven, abs=0.0501)
        assert len(decisions) == 5
    assert f"| all | | | | | {sum(row[5] for row in table):g} | |" in PAGE.read_text()


def test_the_settings_of_a_patient_coordinator_are_those_that_are_tested():
    (block,) = (block for block in blocks(PAGE) if block.language == "yaml")
    assert yaml.safe_load(block.body)["settings"] == {**CERTIFY, "update": "box_step"}


def test_a_patient_coordinator_finds_and_proves_every_best_plan(tmp_path):
    found = SmallTable(tmp_path, {})
    settings = OptimalityConditionDecomposition.Settings(update="box_step", **CERTIFY)
    patient = found.agents["coordinator"] = OptimalityConditionDecomposition(settings, tmp_path)
    patient.begin(found.session, NoRecorder())
    for period, *plan, best_usd, _ in rows("r1 to q1", "without vehicles"):
        commit, _ = found.negotiate(int(period))
        assert commit.agreed
        assert commit.given["transport_operator"]["delivery"].ravel().tolist() == plan
        assert commit.lower_bound_usd == pytest.approx(best_usd, rel=1e-5)

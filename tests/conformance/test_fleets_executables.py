"""Programs in the fleets' world: a fleet and a station of a stranger, and what a coordinator must tell stations."""

import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from federates.conformance import State, conform
from federates.conformance.kit import small_session
from federates.conformance.through_helics import ExecutableTarget
from federates.runtime.broker_config import AuditConfig, BrokerConfig

SUPPORT = Path(__file__).parents[1] / "support"
FLEETS = small_session("fleets").model_copy(update={"periods": 2, "horizon_periods": 1})
END_S = 4.0


def stranger(role, agent, folder, fault=""):
    """Return the report on a program of `foreign_fleets`, which need not lie in a folder with the agent's name."""
    for name in ("foreign_fleets.py", "foreign_operator.py"):
        shutil.copy(SUPPORT / name, folder)
    command = [sys.executable, "foreign_fleets.py", "--fault", fault]
    with ExecutableTarget(role, command, FLEETS, 10.0, folder, agent=agent) as target:
        target.subject = replace(target.subject, end_s=END_S)
        return conform(target, ["wire", "reports"] if role == "charging_station" else ["wire"])


@pytest.mark.parametrize(
    ("role", "agent"),
    [
        ("charging_station", "q1"),
        pytest.param("charging_station", "r1", marks=pytest.mark.long),
        pytest.param("mves_fleet", "vans", marks=pytest.mark.long),
    ],
)
def test_a_stranger_keeps_every_rule_of_the_wire(role, agent, tmp_path):
    report = stranger(role, agent, tmp_path)
    report.raise_if_broken()
    assert {outcome.state for outcome in report.outcomes} == {State.HOLDS}


@pytest.mark.parametrize(
    ("role", "agent", "fault", "meant", "words"),
    [
        ("charging_station", "q1", "wrong_shape", "wire.shape", "do not fill shape"),
        pytest.param("charging_station", "q1", "exit3", "wire.answers", "no vehicle left", marks=pytest.mark.long),
        pytest.param("mves_fleet", "vans", "wrong_shape", "wire.shape", "do not fill shape", marks=pytest.mark.long),
    ],
)
def test_a_stranger_that_fails_is_caught(role, agent, fault, meant, words, tmp_path):
    report = stranger(role, agent, tmp_path, fault)
    assert set(report.broken) == {meant}
    (outcome,) = (outcome for outcome in report.outcomes if outcome.id == meant)
    assert words in outcome.seen


def runtime_agent(role, cls, folder, fault=""):
    """Return the report on a class in the runtime's own loops, run as a program."""
    command = [sys.executable, str(SUPPORT / "faulty_runtime.py"), cls, fault]
    broker = BrokerConfig(schema_version=1, audit=AuditConfig(sandbox="off"))
    with ExecutableTarget(role, command, FLEETS, 10.0, folder, broker) as target:
        return conform(target, ["wire"])


def test_a_coordinator_that_tells_stations_something_else_than_it_commits_is_caught(tmp_path):
    report = runtime_agent("coordinator", "federates.coordinator.algorithms.posted_price:PostedPrice", tmp_path, "misallots")
    assert report.broken == ("wire.passed_on",)
    (outcome,) = (outcome for outcome in report.outcomes if outcome.id == "wire.passed_on")
    assert "station_allotments" in outcome.seen


@pytest.mark.long
@pytest.mark.parametrize(
    ("role", "cls"),
    [
        ("coordinator", "federates.coordinator.algorithms.posted_price:PostedPrice"),
        ("traffic_sumo", "good_agents:GoodTraffic"),
        ("charging_station", "good_fleets:GoodStation"),
        ("transport_operator", "good_fleets:GoodRoad"),
        ("power_operator", "good_fleets:GoodCompany"),
    ],
)
def test_every_role_keeps_the_rules_in_the_loops_of_the_runtime(role, cls, tmp_path):
    report = runtime_agent(role, cls, tmp_path)
    report.raise_if_broken()
    assert {outcome.state for outcome in report.outcomes} == {State.HOLDS}

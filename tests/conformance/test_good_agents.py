"""Agents that keep the rules pass every check; so do the small ones that ship, in sessions and scenarios."""

import pytest
from good_agents import RAIL_WORTH, GoodAlgorithm, GoodPower, GoodRailPower, GoodRailTransport, GoodTraffic, GoodTransport

from federates.boundary.names import Role
from federates.conformance import ClassTarget, State, conform
from federates.conformance.find_target import Wanted, find_target
from federates.conformance.kit import small_session

GOOD = [
    ("power_operator", GoodPower, None, small_session("road")),
    ("transport_operator", GoodTransport, None, small_session("road")),
    ("power_operator", GoodRailPower, RAIL_WORTH, small_session("rail")),
    ("transport_operator", GoodRailTransport, None, small_session("rail")),
    ("traffic_sumo", GoodTraffic, None, small_session("road")),
    ("coordinator", GoodAlgorithm, None, small_session("road")),
    ("coordinator", GoodAlgorithm, None, small_session("rail")),
]


@pytest.mark.parametrize(("role", "cls", "settings", "session"), GOOD, ids=lambda value: getattr(value, "__name__", None))
def test_a_good_agent_passes_every_check(role, cls, settings, session, tmp_path):
    report = conform(ClassTarget(role, cls, settings, tmp_path, session))
    report.raise_if_broken()
    reached = [outcome for outcome in report.outcomes if outcome.state is State.HOLDS]
    lateness = {"day.late"} if cls is GoodRailTransport else set()  # it comes from this operator itself
    assert {outcome.id for outcome in report.outcomes} - {outcome.id for outcome in reached} == lateness


SHIPPED = [
    (Role.POWER_OPERATOR, "charging_station", "la_gcs"),
    (Role.TRANSPORT_OPERATOR, "joint_graph", "la_gcs"),
    (Role.TRANSPORT_OPERATOR, "time_space_network", "ieee30"),
    (Role.TRANSPORT_OPERATOR, "toll_road", "la_fleets"),
    (Role.COORDINATOR, "ocd", "la_gcs"),
    (Role.COORDINATOR, "bundle", "ieee30"),
]
SHIPPED_TOO = [
    (Role.TRANSPORT_OPERATOR, "time_space_network", "ieee118"),
    (Role.COORDINATOR, "ocd", "ieee30"),
    (Role.COORDINATOR, "posted_price", "la_gcs"),
    (Role.COORDINATOR, "admm", "la_gcs"),
    (Role.COORDINATOR, "admm", "ieee30"),
]
"""Tried by default in another scenario, or with their defaults."""


@pytest.mark.parametrize(
    ("role", "name", "scenario"), [*SHIPPED, *(pytest.param(*case, marks=pytest.mark.long) for case in SHIPPED_TOO)]
)
def test_a_shipped_class_passes_in_its_scenario(role, name, scenario, root):
    conform(find_target(role, name, Wanted(root / "scenarios" / scenario))).raise_if_broken()


BY_DEFAULT = [
    (Role.COORDINATOR, name, world)
    for name, world in (("ocd", "road"), ("admm", "road"), ("posted_price", "road"), ("cuts", "rail"), ("posted_price", "rail"))
]


@pytest.mark.parametrize(("role", "name", "world"), BY_DEFAULT)
def test_a_shipped_class_passes_with_its_defaults(role, name, world):
    conform(find_target(role, name, Wanted(world=world))).raise_if_broken()


@pytest.mark.long
@pytest.mark.parametrize(
    ("role", "name", "scenario"),
    [
        (Role.POWER_OPERATOR, "unit_commitment", "ieee30"),
        (Role.POWER_OPERATOR, "unit_commitment", "ieee118"),
        (Role.TRAFFIC, "sumo", "la_gcs"),
        (Role.COORDINATOR, "cuts", "ieee30"),
    ],
)
def test_a_heavy_shipped_class_passes_in_its_scenario(role, name, scenario, root):
    conform(find_target(role, name, Wanted(root / "scenarios" / scenario))).raise_if_broken()

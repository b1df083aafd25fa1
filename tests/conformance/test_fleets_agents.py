"""Agents of the fleets' world: those that keep the rules pass every check, at each of their places."""

import sys

import numpy as np
import pytest
from good_agents import GoodTraffic
from good_fleets import NEGOTIATES, GoodChain, GoodCompany, GoodFleet, GoodRoad, GoodStation
from small_fleets import optimum

from federates.boundary.errors import ConfigError
from federates.boundary.names import Role
from federates.boundary.world import shipped_worlds
from federates.conformance import ClassTarget, State, conform
from federates.conformance.class_target import first_world
from federates.conformance.find_target import Wanted, find_target
from federates.conformance.kit import kit_of, small_session
from federates.worlds.fleets.chain import _CONGESTION_USD, _WORTH_USD

FLEETS = small_session("fleets").model_copy(update={"periods": 4, "horizon_periods": 2})
SHORT = FLEETS.model_copy(update={"periods": 1, "horizon_periods": 1})
GOOD = [
    ("power_operator", GoodCompany, None, FLEETS, ""),
    ("mves_fleet", GoodFleet, None, FLEETS, "trucks"),
    ("transport_operator", GoodRoad, None, FLEETS, ""),
    ("traffic_sumo", GoodTraffic, None, FLEETS, ""),
    ("charging_station", GoodStation, None, FLEETS, "q1"),
    ("charging_station", GoodStation, None, FLEETS, "r1"),
    ("coordinator", GoodChain, NEGOTIATES, SHORT, ""),
]


@pytest.mark.parametrize(
    ("role", "cls", "settings", "session", "agent"), GOOD, ids=lambda value: getattr(value, "__name__", None)
)
def test_a_good_agent_passes_every_check(role, cls, settings, session, agent, tmp_path):
    report = conform(ClassTarget(role, cls, settings, tmp_path, session, agent=agent))
    report.raise_if_broken()
    assert {outcome.id: outcome.seen for outcome in report.outcomes if outcome.state is not State.HOLDS} == {}


def test_all_six_roles_have_checks_of_their_own():
    for world in shipped_worlds():
        assert {role for role in world.roles if role in {str(case[0]) for case in GOOD}} == set(world.roles)


@pytest.mark.parametrize(("model", "agent"), [("utility", "utility"), ("company", "express"), ("private", "commuters")])
def test_a_shipped_fleet_passes_in_the_day_of_fleets(model, agent, root):
    conform(find_target("mves_fleet", model, Wanted(root / "scenarios/la_fleets", agent=agent))).raise_if_broken()


@pytest.mark.parametrize("name", ["posted_price", pytest.param("admm", marks=pytest.mark.long)])
def test_a_shipped_algorithm_that_cannot_agree_here_ends_by_the_rules(name):
    target = find_target("coordinator", name, Wanted(world="fleets"))
    conform(ClassTarget("coordinator", target.cls, None, target.folder, SHORT)).raise_if_broken()


def test_the_optimum_of_the_operators_by_formula_is_that_of_the_linear_equations():
    """The kit chooses the optimum and makes the costs of it; here the optimum is found from the costs."""
    chain = kit_of(FLEETS).scripted(FLEETS)
    kwh = chain.kwh.ravel()
    total = 0.0
    for pair in range(chain.need.size):
        found, cost = optimum(chain.need[pair], _WORTH_USD, chain.slopes[:, pair], kwh, _CONGESTION_USD)
        np.testing.assert_allclose(found / kwh, chain.best_veh[:, pair], rtol=1e-9)
        total += cost
    assert chain.optimum_usd() == pytest.approx(total, rel=1e-12)
    assert (chain.best_veh == np.rint(chain.best_veh)).all()


def test_where_nobody_asks_the_best_is_nothing():
    """Two companies: no delivery leads from a station of the one to a station of the other."""
    parts = {"north": ("r1", "q1"), "south": ("r2", "q2", "q3")}
    others = [agent.model_dump() for agent in FLEETS.agents if agent.role != Role.POWER_OPERATOR]
    companies = [{"name": name, "role": "power_operator", "part": {"stations": own}} for name, own in parts.items()]
    session = type(FLEETS)(**SHORT.model_dump() | {"agents": [*others, *companies]})
    chain = kit_of(session).scripted(session)
    asked = np.array([[True, False, False], [False, True, True]]).ravel()
    assert (chain.best_veh.sum(axis=0) > 0).tolist() == asked.tolist()
    conform(ClassTarget("coordinator", GoodChain, NEGOTIATES, None, session), ["plan"]).raise_if_broken()


def test_which_of_several_agents_is_tried():
    """The one that is named; a program may lie anywhere."""
    program = f"{sys.executable} -c pass"
    for agent, own in (("", ("q1",)), ("r2", ("r2",))):
        assert find_target("charging_station", program, Wanted(agent=agent)).view.stations == own
    with pytest.raises(ConfigError, match="agent = r9: must be one of role charging_station: q1, q2, q3, r1, r2"):
        find_target("charging_station", program, Wanted(agent="r9"))


def test_which_world_a_class_is_tried_in():
    """In the first in which it can work and that has its role; the road's traffic models work in both."""
    assert first_world(GoodTraffic, "traffic_sumo") == "road"
    assert first_world(GoodCompany, "power_operator") == "fleets"
    assert [first_world(cls, role) for cls, role in ((GoodFleet, "mves_fleet"), (None, "charging_station"))] == ["fleets"] * 2
    with pytest.raises(ConfigError, match="there is no mves_fleet in the world road"):
        ClassTarget("mves_fleet", GoodFleet, None, None, small_session("road"))

"""Every broken agent is caught, by the one check that is meant for it and by no other."""

import warnings

import broken_models
import broken_operators
import fleet_mutants
import more_mutants
import mutants
import pytest

from federates.conformance import ClassTarget, State, conform
from federates.conformance.checks import CHECKS
from federates.conformance.kit import small_session

ROAD, RAIL = small_session("road"), small_session("rail")
CASES = [
    *(("power_operator", ROAD, None, *case) for case in broken_operators.ROAD_POWER),
    *(("transport_operator", ROAD, None, *case) for case in broken_operators.ROAD_TRANSPORT),
    *(("power_operator", RAIL, broken_operators.RAIL_SETTINGS, *case) for case in broken_operators.RAIL_POWER),
    *(("transport_operator", RAIL, None, *case) for case in broken_operators.RAIL_TRANSPORT),
    *(("traffic_sumo", ROAD, None, *case) for case in broken_models.TRAFFIC),
    *(("coordinator", ROAD, None, *case) for case in broken_models.ROAD_ALGORITHMS),
    *(("coordinator", RAIL, None, *case) for case in broken_models.RAIL_ALGORITHMS),
    *(("power_operator", ROAD, None, *case) for case in (*mutants.ROAD_POWER, *more_mutants.HABITS)),
    *(("transport_operator", ROAD, None, *case) for case in mutants.ROAD_TRANSPORT),
    *(("power_operator", RAIL, broken_operators.RAIL_SETTINGS, *case) for case in more_mutants.RAIL_POWER),
    *(("transport_operator", RAIL, None, *case) for case in more_mutants.RAIL_TRANSPORT),
    *(("traffic_sumo", ROAD, None, *case) for case in more_mutants.TRAFFIC),
    *(("coordinator", ROAD, None, *case) for case in more_mutants.ROAD_ALGORITHMS),
    *(("coordinator", RAIL, None, *case) for case in more_mutants.RAIL_ALGORITHMS),
    *fleet_mutants.CASES,
]
SLOW = ("end.clean", "answers.in_time", "decisions.unproven", "decisions.end", "alike.exchanged", "commit.feasible")
"""Checks whose broken agents are waited for, or are tried by rail where every route is enumerated."""


def sampled(cases):
    """Return the cases as parameters; one for most checks is tried by default, with fleets one more, all in the long tests."""
    tried, found = {(meant, world) for meant in SLOW for world in ("", "fleets")}, []
    for case in cases:
        name, meant = case[3].__name__, (case[4], "fleets" if case[1].world == "fleets" else "")
        found.append(pytest.param(*case, id=name, marks=[pytest.mark.long] if meant in tried else []))
        tried.add(meant)
    return found


@pytest.mark.parametrize(("role", "session", "settings", "cls", "meant"), sampled(CASES))
def test_a_broken_agent_is_caught_by_the_check_meant_for_it(role, session, settings, cls, meant, tmp_path):
    folder = tmp_path / "agent"
    folder.mkdir()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # some of them divide by zero, and children are left running
        warnings.simplefilter("ignore", ResourceWarning)
        report = conform(ClassTarget(role, cls, settings, folder, session, limit_s=0.3 if "in_time" in meant else 10.0))
    assert set(report.broken) == {meant}
    outcome = next(outcome for outcome in report.outcomes if outcome.id == meant)
    assert outcome.seen
    assert outcome.asked
    assert not report.ok


def test_there_are_two_hundred_broken_classes():
    names = [case[3].__name__ for case in CASES]
    assert len(set(names)) == len(names) >= 200


def test_every_check_has_an_agent_that_breaks_it():
    caught = {case[4] for case in CASES}
    assert {check.id for check in CHECKS} == caught


def test_what_needs_a_broken_rule_is_not_reached_instead_of_failing_too(tmp_path):
    report = conform(ClassTarget("power_operator", broken_operators.WrongWay, None, tmp_path, ROAD))
    not_reached = {outcome.id for outcome in report.outcomes if outcome.state is State.NOT_REACHED}
    assert not_reached == {"prices.best", "bound.proven"}

"""Parts of the coordination by rail: who is alike, when a plan is broken, the paper's step, planes, public routes, conflicts."""

import numpy as np
import pytest
from toy_railway import Rows, ToyRailway

from federates.boundary.errors import ModelError
from federates.boundary.messages import Answer
from federates.boundary.roles import Evaluate, RoundResult, Solve
from federates.coordinator.algorithms.bounds import Bounds
from federates.coordinator.algorithms.box_step import BoxStep
from federates.coordinator.algorithms.conflicts import conflicts
from federates.coordinator.algorithms.conversation import Conversation
from federates.coordinator.algorithms.ocd import OcdSettings, OptimalityConditionDecomposition
from federates.coordinator.algorithms.rail_problem import first_problem, rest_of_day
from federates.coordinator.algorithms.route_master import RouteMaster
from federates.worlds.rail.session import RailSession
from federates.worlds.rail.timetable import broken_plan


def session(periods=6, trains=(("a", "s0"), ("b", "s0"), ("c", "s1"))):
    return RailSession(
        schema_version=1,
        world="rail",
        name="x",
        periods=periods,
        rail_stations=("s0", "s1"),
        trains=tuple({"name": name, "home": home} for name, home in trains),
        trip_periods=((0, 2), (2, 0)),
    )


def result(asked, offered, power=(0.0, 0.0), transport=(0.0, 0.0), slope=None):
    return RoundResult(Answer(asked, *power, slope), Answer(offered, *transport))


def test_trains_of_one_home_and_kind_share_prices_on_the_first_day_only():
    day = session()
    first = first_problem(day, None)
    assert first.groups == ((0, 1), (2,))
    prices = np.arange(24.0).reshape(2, 2, 6)
    each = first.per_train(prices)
    np.testing.assert_array_equal(each[0], each[1])
    np.testing.assert_array_equal(first.means(each), prices)
    late = rest_of_day(day, 2, np.array([[0, 2, 0], [0, 2, 0], [1, 2, 1.0]]), np.ones(day.connection_shape))
    assert late.groups == ((0,), (1,), (2,))
    assert late.price_shape == (3, 2, 4)
    assert not late.per_train(np.ones(late.price_shape))[:, :, :2].any()


def test_trains_that_start_elsewhere_are_not_alike():
    assert first_problem(session(), np.array([[0, 0, 0], [1, 0, 0], [1, 0, 1.0]])).groups == ((0,), (1,), (2,))


def test_the_past_is_fixed_in_what_is_sent_and_heard():
    day = session()
    past = np.zeros(day.connection_shape)
    past[:, 0, :2] = 1.0
    problem = rest_of_day(day, 2, np.zeros((3, 3)), past)
    sent = problem.sent(Evaluate(np.zeros_like(past), np.ones_like(past)))
    for connection in (sent.power_connection_veh, sent.transport_connection_veh):
        np.testing.assert_array_equal(connection[:, :, :2], past[:, :, :2])
    priced = problem.sent(Solve(np.ones_like(past), relaxed=True))
    assert priced.relaxed
    assert not priced.multipliers_usd_per_veh[:, :, :2].any()
    assert priced.multipliers_usd_per_veh[:, :, 2:].all()
    heard = problem.heard(result(np.zeros_like(past), np.ones_like(past)))
    np.testing.assert_array_equal(heard.asked.connection_veh, past)


@pytest.mark.parametrize(
    ("station", "ready", "broken"),
    [
        (0, 2, False),  # stands where it is due
        (1, 2, False),  # two periods away from where it is due in period 4
        (1, 3, True),  # and one period too late for that
        (0, 4, False),
        (0, 5, True),
        (0, 6, True),  # not any more this day
    ],
)
def test_a_plan_is_broken_where_the_next_stand_is_out_of_reach(station, ready, broken):
    day = session(trains=(("a", "s0"),))
    agreed = np.zeros(day.connection_shape)
    agreed[0, 0, 4:] = 1.0
    why = broken_plan(day, 2, np.array([[station, ready, 0]], dtype=float), agreed)
    assert (why is not None) == broken
    if broken:
        assert f"a stands at s{station} " in why
        assert "cannot be at s0 in period 4" in why


def test_a_train_due_before_it_is_ready_breaks_the_plan():
    day = session(trains=(("a", "s0"),))
    agreed = np.ones(day.connection_shape) * np.array([1.0, 0.0])[:, None]
    assert broken_plan(day, 2, np.array([[0.0, 3.0, 0.0]]), agreed) is not None
    assert broken_plan(day, 2, np.array([[0.0, 2.0, 0.0]]), agreed) is None
    assert broken_plan(day, 2, np.array([[0.0, 2.0, 0.0]]), np.zeros_like(agreed)) is None


def test_the_papers_step_by_rail_is_equation_45_over_the_whole_difference():
    """J = 1 in two places where I = 0, I = 1 in one where J = 0: |J - I|^2 = 3, and only the two prices rise."""
    day = session(periods=4, trains=(("a", "s0"),))
    algorithm = OptimalityConditionDecomposition(OcdSettings(step_factor=0.5, gap_target=0.0), None)
    algorithm.begin(day, Rows())
    assert not algorithm.start(0).multipliers_usd_per_veh.any()
    asked, offered = np.zeros(day.connection_shape), np.zeros(day.connection_shape)
    asked[0, 1, 2:] = 1.0
    offered[0, 0, 0] = 1.0
    evaluate = algorithm.next(result(asked, offered, (60.0, 50.0), (0.0, 0.0)))
    assert isinstance(evaluate, Evaluate)
    np.testing.assert_array_equal(evaluate.power_connection_veh, offered)
    np.testing.assert_array_equal(evaluate.transport_connection_veh, offered)
    second = algorithm.next(result(offered, offered, (80.0, 80.0), (0.0, 0.0)))
    np.testing.assert_allclose(second.multipliers_usd_per_veh, asked * 0.5 * (80.0 - 50.0) / 3.0)


def test_the_paper_stops_when_its_route_set_stays_the_same():
    railway = ToyRailway(3, fixed_usd=1.0)
    algorithm, rows = OptimalityConditionDecomposition(OcdSettings(gap_target=0.0), None), Rows()
    algorithm.begin(railway.session, rows)
    decision = railway.play(algorithm)
    assert [type(call).__name__ for call in railway.calls] == ["Solve", "Evaluate", "Solve", "Solve"]
    assert "no new offer in 2 iterations" in decision.reason


def test_an_absolute_gap_is_enough():
    bounds = Bounds(lower_usd=4e6 - 40.0, upper_usd=4e6)
    assert bounds.closed(0.0, 50.0)
    assert not bounds.closed(0.0, 30.0)
    assert bounds.verdict(0.0, 50.0, "3 rounds").agreed


def test_planes_may_have_a_floor_or_none():
    plan = np.array([1.0])
    # Any price from -1 down is best where prices have no floor: of these the nearest to the centre is asked for.
    for floor, best in ((0.0, 0.0), (-np.inf, -1.0)):
        model = BoxStep((1,), 2.0, floor)
        model.add_asked(plan, 10.0)
        model.add_offered(0 * plan, 0.0)
        model.add_asked(0 * plan, 14.0)
        model.add_offered(plan, 4.0)
        assert model.value_usd(np.zeros(1)) == pytest.approx(10.0)
        model = BoxStep((1,), 2.0, floor)
        model.add_asked(0 * plan, 10.0)
        model.add_offered(0 * plan, 2.0)
        model.add_offered(plan, 1.0)
        assert model.next_multipliers(np.zeros(1), 11.0) == pytest.approx(best)


def master_of(railway):
    problem = first_problem(railway.session, None)
    return problem, RouteMaster(problem)


@pytest.mark.parametrize("homes", [(0, 1), (0, 0)])
def test_the_masters_bound_never_exceeds_the_optimum(homes):
    railway = ToyRailway(1, homes=homes, fixed_usd=0.5)
    problem, master = master_of(railway)
    rng, best = np.random.default_rng(2), railway.optimum_usd()
    values = []
    for turn in range(12):
        prices = np.zeros(problem.price_shape) if turn == 0 else rng.uniform(-3.0, 3.0, problem.price_shape)
        master.add_prices(prices, railway.answer(Solve(problem.per_train(prices), relaxed=turn % 2 == 0)))
        proposal = master.propose(1e-6)
        answer = railway.answer(Evaluate(proposal.connection, proposal.connection))
        possible = bool((answer.offered.connection_veh >= proposal.connection).all())
        master.add_evaluation(proposal.connection, answer, possible=possible)
        values.append(master.propose(1e-6).bound_usd)
    assert max(values) <= best + 1e-5
    assert (np.diff(values) >= -1e-6).all()


def test_the_master_knows_every_route_that_the_transport_operator_has():
    """Also those whose trips take longer than the public timetable says: a connection that is one of them is never cut off."""
    railway = ToyRailway(1, periods=6, homes=(0,), slower=1)
    problem, _ = master_of(railway)
    for stands, _ in railway.routes():
        master = RouteMaster(problem)
        master.add_prices(np.zeros(problem.price_shape), result(stands, stands))
        wanted = np.where(problem.totals(stands) > 0.5, -1.0, 1.0)
        master.add_prices(wanted, result(stands, stands, (0.0, float((wanted * problem.totals(stands)).sum())), (0.0, -1e3)))
        assert master.propose(1e-6, stands, 0) is not None


def test_nearby_proposals_stay_nearby_and_leave_no_trace():
    railway = ToyRailway(4)
    problem, master = master_of(railway)
    prices = np.zeros(problem.price_shape)
    master.add_prices(prices, railway.answer(Solve(problem.per_train(prices))))
    plan = railway.transport(asked=np.zeros(problem.session.connection_shape)).connection_veh
    free = master.propose(1e-6).bound_usd
    for changes in (0, 2, 4):
        near = master.propose(1e-6, plan, changes)
        assert np.abs(near.connection - plan).sum() <= changes
    assert master.propose(1e-6).bound_usd == free


def test_no_route_left_is_an_error_in_words():
    railway = ToyRailway(1, homes=(0,))
    problem, master = master_of(railway)
    zero = np.zeros(problem.session.connection_shape)
    master.add_prices(np.zeros(problem.price_shape), railway.answer(Solve(zero)))
    master.forbid(zero)
    with pytest.raises(ModelError):
        master.propose(1e-6)


def test_conflicts_are_the_stands_next_to_what_is_missing():
    day = session(trains=(("a", "s0"), ("c", "s1")))
    wanted, sent = np.zeros(day.connection_shape), np.zeros(day.connection_shape)
    wanted[0, 0, :2] = wanted[0, 1, 3] = 1.0
    wanted[1, 1, :] = 1.0
    sent[:] = wanted
    sent[0, 1, 3] = 0.0
    found = conflicts(first_problem(day, None), wanted, sent)
    assert [np.argwhere(pair).tolist() for pair in found] == [[[0, 0, 1], [0, 1, 3]], [[0, 1, 3], [1, 1, 3]]]


def test_a_conflict_is_learnt_once_and_for_alike_trains():
    railway = ToyRailway(2, homes=(0, 0), periods=6, slower=1)
    problem, master = master_of(railway)
    talk = Conversation(problem, Bounds(), 100, master)
    zero = np.zeros(problem.price_shape)
    drive(talk.relax(zero), railway)
    home = railway.transport(asked=np.zeros(problem.session.connection_shape)).connection_veh
    drive(talk.offer(home), railway)
    station = int(np.argmin(np.where(railway.trip[0] > 0, railway.trip[0], 99)))
    jump = home.copy()
    jump[0, 0, 1:] = 0.0
    jump[0, station, 1 + railway.trip[0, station]] = 1.0
    railway.calls.clear()
    drive(talk.offer(jump), railway)
    tests = [call for call in railway.calls if isinstance(call, Evaluate) and call.transport_connection_veh.sum() == 2]
    assert len(tests) >= 1
    for _ in range(8):
        proposal = master.propose(0.5).connection
        for stands in proposal:
            assert not (stands[0, 0] > 0.5 and stands[station, 1 + railway.trip[0, station]] > 0.5)
        drive(talk.offer(proposal), railway)


def drive(rounds, railway):
    """Play a part of a negotiation to its end."""
    try:
        decision = next(rounds)
        while True:
            decision = rounds.send(railway.answer(decision))
    except StopIteration as end:
        return end.value

"""Parts of the coordination by rail: who is alike, when a plan is broken, the paper's step, planes, public routes, conflicts."""

import numpy as np
import pytest
from negotiate import POWER, TRANSPORT
from toy_railway import Rows, ToyRailway

from federates.boundary.errors import BoundaryError, ModelError
from federates.boundary.messages import Answer
from federates.boundary.negotiation import Agreement, Problem
from federates.boundary.roles import Evaluate, RoundResult
from federates.boundary.world import world_of
from federates.coordinator.algorithms.bounds import Bounds
from federates.coordinator.algorithms.box_step import BoxStep
from federates.coordinator.algorithms.conflicts import conflicts
from federates.coordinator.algorithms.dual_oracle import DualOracle
from federates.coordinator.algorithms.ocd import OcdSettings, OptimalityConditionDecomposition
from federates.coordinator.algorithms.rail_problem import rail_problem
from federates.coordinator.algorithms.route_master import RouteMaster
from federates.worlds.rail.day import RailDay
from federates.worlds.rail.session import RailSession
from federates.worlds.rail.timetable import broken_plan
from federates.worlds.rail.trains import at_home


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


@pytest.mark.parametrize("wrong", [(2.0, 0.0, 0.0), (-1.0, 0.0, 0.0), (0.5, 0.0, 0.0), (0.0, -1.0, 0.0), (0.0, 0.0, 2.0)])
def test_a_train_at_a_station_that_there_is_not_is_refused_by_whoever_hears_of_it(wrong):
    (message,) = world_of("rail").messages
    told = at_home(session())
    assert message.unpacked(session(), (told,)) is told
    told[1] = wrong
    with pytest.raises(BoundaryError, match=r"^train_ready: b stands at station .* stations are 0 to 1, and -1 for an open end$"):
        message.unpacked(session(), (told,))


def result(asked, offered, power=(0.0, 0.0), transport=(0.0, 0.0)):
    return RoundResult({POWER: Answer({"connection": asked}, *power), TRANSPORT: Answer({"connection": offered}, *transport)})


def negotiated(day, plan, *openings):
    """Return what a day negotiates when its periods, from 0 on, open so; each negotiation ends with ``plan`` (K, S, T)."""
    found = []

    def negotiate(problem):
        found.append(problem)
        rest = problem.everyone(plan[:, :, problem.period :].ravel())
        yield problem.evaluate(rest)
        return Agreement(rest, agreed=True, reason="enough for the test", lower_bound_usd=0.0)

    for period, ready in openings:
        rounds = day.rounds(period, {"train_ready": ready}, negotiate)
        try:
            next(rounds)
            rounds.send(None)
        except StopIteration:
            pass
    return found


def first_problem(session, ready=None):
    """Return what the day ahead is about."""
    (problem,) = negotiated(
        RailDay(session), np.zeros(session.connection_shape), (0, at_home(session) if ready is None else ready)
    )
    return problem


def groups(problem):
    return rail_problem(problem).groups


def test_trains_of_one_home_and_kind_share_prices_on_the_first_day_only():
    agreement = session()
    stays = np.zeros(agreement.connection_shape)
    stays[:2, 0] = stays[2, 1] = 1.0
    late = np.array([[0, 3, 0], [0, 3, 0], [1, 2, 1.0]])
    first, second = negotiated(RailDay(agreement), stays, (0, at_home(agreement)), (2, late))
    assert groups(first) == ((0, 1), (2,))
    assert first.prices == 2 * 2 * 6
    prices = np.arange(24.0)
    each = first.layout.shaped(first.by_entry(prices))["connection"]
    np.testing.assert_array_equal(each[0], each[1])
    assert len(np.unique(each)) == 24
    np.testing.assert_array_equal(first.means(first.by_entry(prices)), prices)
    np.testing.assert_array_equal(first.totals(first.by_entry(np.ones(24))).reshape(2, 12)[:, 0], [2, 1])
    assert (second.period, groups(second), second.prices) == (2, ((0,), (1,), (2,)), 3 * 2 * 4)


def test_trains_that_start_elsewhere_are_not_alike():
    assert groups(first_problem(session(), np.array([[0, 0, 0], [1, 0, 0], [1, 0, 1.0]]))) == ((0,), (1,), (2,))


def test_trains_of_two_railways_are_not_alike():
    """Nobody knows whether what one railway answers holds for the other."""
    agents = [{"name": name, "role": name} for name in ("coordinator", "power_operator")]
    agents += [{"name": f"rail{t}", "role": "transport_operator", "part": {"trains": [t]}} for t in "abc"]
    owned = RailSession.model_validate(session().model_dump() | {"agents": agents})
    assert groups(first_problem(owned)) == ((0,), (1,), (2,))
    assert groups(first_problem(session())) == ((0, 1), (2,))


def test_what_is_asked_in_period_2_is_about_the_rest_of_the_day():
    day = session()
    problem = Problem.of(day, 2, {"train_ready": np.array([[0, 2, 0], [0, 2, 0], [1, 2, 1.0]])})
    (prices,) = problem.ask(np.ones(problem.prices), relaxed=True).prices.values()
    assert prices.shape == (3, 2, 4)
    for given in problem.evaluate(problem.everyone(np.arange(24.0))).given.values():
        np.testing.assert_array_equal(given["connection"], np.arange(24.0).reshape(3, 2, 4))


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
    agreed = np.zeros((1, 2, 4))  # of period 2 and later
    agreed[0, 0, 2:] = 1.0
    why = broken_plan(day, 2, np.array([[station, ready, 0]], dtype=float), agreed)
    assert (why is not None) == broken
    if broken:
        assert f"a stands at s{station} " in why
        assert "cannot be at s0 in period 4" in why


def test_a_train_due_before_it_is_ready_breaks_the_plan():
    day = session(trains=(("a", "s0"),))
    agreed = np.ones((1, 2, 4)) * np.array([1.0, 0.0])[:, None]
    assert broken_plan(day, 2, np.array([[0.0, 3.0, 0.0]]), agreed) is not None
    assert broken_plan(day, 2, np.array([[0.0, 2.0, 0.0]]), agreed) is None
    assert broken_plan(day, 2, np.array([[0.0, 2.0, 0.0]]), np.zeros_like(agreed)) is None


def test_the_papers_step_by_rail_is_equation_45_over_the_whole_difference():
    """J = 1 in two places where I = 0, I = 1 in one where J = 0: |J - I|^2 = 3, and only the two prices rise."""
    day = session(periods=4, trains=(("a", "s0"),))
    algorithm = OptimalityConditionDecomposition(OcdSettings(step_factor=0.5, gap_target=0.0), None)
    algorithm.begin(day, Rows())
    assert not algorithm.start(0, {"train_ready": at_home(day)}).prices["connection"].any()
    asked, offered = np.zeros(day.connection_shape), np.zeros(day.connection_shape)
    asked[0, 1, 2:] = 1.0
    offered[0, 0, 0] = 1.0
    evaluate = algorithm.next(result(asked, offered, (60.0, 50.0), (0.0, 0.0)))
    assert isinstance(evaluate, Evaluate)
    for agent in (POWER, TRANSPORT):
        np.testing.assert_array_equal(evaluate.given[agent]["connection"], offered)
    second = algorithm.next(result(offered, offered, (80.0, 80.0), (0.0, 0.0)))
    np.testing.assert_allclose(second.prices["connection"], asked * 0.5 * (80.0 - 50.0) / 3.0)


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
    assert bounds.convergence(0.0, 50.0, "3 rounds").agreed


def test_planes_may_have_a_floor_or_none():
    plan = np.array([1.0])
    one = RailSession(
        schema_version=1, world="rail", name="x", periods=1, rail_stations=("s",), trains=({"name": "a", "home": "s"},),
        trip_periods=((0,),),
    )  # fmt: skip
    problem = first_problem(one)
    # Any price from -1 down is best where prices have no floor: of these the nearest to the centre is asked for.
    for floor, best in ((0.0, 0.0), (-np.inf, -1.0)):
        model = BoxStep(problem, 2.0, np.full(1, floor))
        model.add_plane(POWER, plan, 10.0)
        model.add_plane(TRANSPORT, 0 * plan, 0.0)
        model.add_plane(POWER, 0 * plan, 14.0)
        model.add_plane(TRANSPORT, plan, 4.0)
        assert model.value_usd(np.zeros(1)) == pytest.approx(10.0)
        model = BoxStep(problem, 2.0, np.full(1, floor))
        model.add_plane(POWER, 0 * plan, 10.0)
        model.add_plane(TRANSPORT, 0 * plan, 2.0)
        model.add_plane(TRANSPORT, plan, 1.0)
        assert model.next_prices(np.zeros(1), 11.0) == pytest.approx(best)


def master_of(railway):
    problem = first_problem(railway.session, railway.ready)
    return problem, RouteMaster(problem)


def answered(railway, decision):
    return RoundResult(railway.answers(decision))


def offered(result):
    return result.answers[TRANSPORT].quantities["connection"].ravel()


@pytest.mark.parametrize("homes", [(0, 1), (0, 0)])
def test_the_masters_bound_never_exceeds_the_optimum(homes):
    railway = ToyRailway(1, homes=homes, fixed_usd=0.5)
    problem, master = master_of(railway)
    rng, best = np.random.default_rng(2), railway.optimum_usd()
    values = []
    for turn in range(12):
        prices = np.zeros(problem.prices) if turn == 0 else rng.uniform(-3.0, 3.0, problem.prices)
        master.add_prices(prices, answered(railway, problem.ask(prices, relaxed=turn % 2 == 0)))
        proposal = master.propose(1e-6)
        answer = answered(railway, problem.evaluate(problem.everyone(proposal.connection)))
        possible = bool((offered(answer) >= proposal.connection).all())
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
        master.add_prices(np.zeros(problem.prices), result(stands, stands))
        total = problem.totals(stands.ravel())
        wanted = np.where(total > 0.5, -1.0, 1.0)
        master.add_prices(wanted, result(stands, stands, (0.0, float((wanted * total).sum())), (0.0, -1e3)))
        assert master.propose(1e-6, stands.ravel(), 0) is not None


def test_nearby_proposals_stay_nearby_and_leave_no_trace():
    railway = ToyRailway(4)
    problem, master = master_of(railway)
    prices = np.zeros(problem.prices)
    master.add_prices(prices, answered(railway, problem.ask(prices)))
    plan = railway.transport(asked=np.zeros(problem.session.connection_shape)).quantities["connection"].ravel()
    free = master.propose(1e-6).bound_usd
    for changes in (0, 2, 4):
        near = master.propose(1e-6, plan, changes)
        assert np.abs(near.connection - plan).sum() <= changes
    assert master.propose(1e-6).bound_usd == free


def test_no_route_left_is_an_error_in_words():
    railway = ToyRailway(1, homes=(0,))
    problem, master = master_of(railway)
    zero = np.zeros(problem.prices)
    master.add_prices(zero, answered(railway, problem.ask(zero)))
    master.forbid(np.zeros(problem.layout.size))
    with pytest.raises(ModelError):
        master.propose(1e-6)


def test_conflicts_are_the_stands_next_to_what_is_missing():
    day = session(trains=(("a", "s0"), ("c", "s1")))
    wanted, sent = np.zeros(day.connection_shape), np.zeros(day.connection_shape)
    wanted[0, 0, :2] = wanted[0, 1, 3] = 1.0
    wanted[1, 1, :] = 1.0
    sent[:] = wanted
    sent[0, 1, 3] = 0.0
    found = conflicts(wanted, sent)
    assert [np.argwhere(pair).tolist() for pair in found] == [[[0, 0, 1], [0, 1, 3]], [[0, 1, 3], [1, 1, 3]]]


def test_a_conflict_is_learnt_once_and_for_alike_trains():
    railway = ToyRailway(2, homes=(0, 0), periods=6, slower=1)
    problem, master = master_of(railway)
    oracle = DualOracle(problem, Bounds(), 100, master)
    drive(oracle.relax(np.zeros(problem.prices)), railway)
    home = railway.transport(asked=np.zeros(problem.session.connection_shape)).quantities["connection"]
    drive(oracle.offer(home.ravel()), railway)
    station = int(np.argmin(np.where(railway.trip[0] > 0, railway.trip[0], 99)))
    jump = home.copy()
    jump[0, 0, 1:] = 0.0
    jump[0, station, 1 + railway.trip[0, station]] = 1.0
    railway.calls.clear()
    drive(oracle.offer(jump.ravel()), railway)
    tests = [call for call in railway.calls if isinstance(call, Evaluate) and call.given[TRANSPORT]["connection"].sum() == 2]
    assert len(tests) >= 1
    for _ in range(8):
        proposal = master.propose(0.5).connection
        for stands in proposal.reshape(home.shape):
            assert not (stands[0, 0] > 0.5 and stands[station, 1 + railway.trip[0, station]] > 0.5)
        drive(oracle.offer(proposal), railway)


def drive(rounds, railway):
    """Play a part of a negotiation to its end."""
    try:
        decision = next(rounds)
        while True:
            decision = rounds.send(answered(railway, decision))
    except StopIteration as end:
        return end.value

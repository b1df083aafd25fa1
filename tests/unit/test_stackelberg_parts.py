"""What a leader learns and chooses by, each part against brute force: curves, own cost, tolls, least rewards."""

import itertools

import numpy as np
import pytest
from scipy.optimize import linprog, minimize_scalar
from toll_world import Fleet, Road, toll_installed, toll_session

from federates.boundary.layout import Layout
from federates.boundary.messages import Answer
from federates.coordinator.algorithms.acceptance import Acceptance
from federates.coordinator.algorithms.followers import Followers, Own
from federates.coordinator.algorithms.leader_model import LeaderModel


def learned(rewards, offered, memory=12):
    """Return what was learned of one entry, every reward posted while a second entry's was 1."""
    acceptance = Acceptance(np.array([True, True]), memory)
    for reward, amount in zip(rewards, offered, strict=True):
        acceptance.add(np.array([reward, 1.0]), np.array([amount, 0.0]))
    return acceptance


def curve(acceptance, other=1.0):
    return acceptance.curve(0, np.array([1.0, other]), np.ones(2))


def test_a_curve_is_the_nearest_that_never_falls():
    """Pool adjacent violators, by hand: 4 and 2 become 3 and 3."""
    found = curve(learned([1.0, 2.0, 3.0, 4.0], [1.0, 4.0, 2.0, 5.0]))
    assert found.rewards == pytest.approx([0.0, 1.0, 2.0, 3.0, 4.0])
    assert found.accepted == pytest.approx([0.0, 1.0, 3.0, 3.0, 5.0])
    assert found.at(np.array([0.5, 2.5, 9.0])) == pytest.approx([0.5, 3.0, 5.0])


def test_what_is_accepted_without_reward_is_kept():
    found = curve(learned([0.0, *np.linspace(1.0, 2.0, 20)], [7.0, *np.linspace(8.0, 9.0, 20)], memory=4))
    assert (found.rewards[0], found.accepted[0]) == (0.0, 7.0)


def test_answers_at_other_rewards_elsewhere_do_not_count_where_there_are_better_ones():
    acceptance = learned([1.0, 2.0, 3.0], [1.0, 2.0, 3.0])
    for reward in (1.0, 1.5, 2.0, 2.5, 3.0):
        acceptance.add(np.array([reward, 9.0]), np.array([50.0, 0.0]))
    assert curve(acceptance).accepted.max() == 3.0
    assert curve(acceptance, other=9.0).accepted.max() == 50.0


def test_a_period_later_the_entries_have_moved_on():
    acceptance = learned([1.0, 2.0], [4.0, 6.0])
    acceptance.next_period(np.array([1, 0]))
    assert acceptance.curve(1, np.array([1.0, 1.0]), np.ones(2)).at(np.array([2.0])) == pytest.approx([6.0])


# --- the leader's own cost and choice


def model(seed, leaders=1):
    """Return a model of 3 entries and the same data; costs are of the convex f(d) = |need - d|^2, as told."""
    rng = np.random.default_rng(seed)
    names = [f"leader{k}" for k in range(leaders)]
    found, told = LeaderModel({name: np.arange(3) for name in names}, 3), {name: [] for name in names}
    for _ in range(6):
        copies = {name: np.round(rng.uniform(0.0, 5.0, 3), 3) for name in names}
        copies = copies if told[names[0]] else {name: np.zeros(3) for name in names}
        answers = {name: Answer({}, float(((6.0 - copies[name]) ** 2).sum()), 0.0) for name in names}
        found.add(copies, answers)
        for name in names:
            told[name].append((copies[name], answers[name].cost_usd))
    return found, told, rng


def mixture_usd(told, most):
    """Return the cost of the cheapest mixture of all leaders that uses at most ``most``, by scipy."""
    copies = np.concatenate([[copy for copy, _ in rows] for rows in told.values()])
    one = np.repeat(np.eye(len(told)), [len(rows) for rows in told.values()], axis=1)
    costs = [usd for rows in told.values() for _, usd in rows]
    found = linprog(costs, A_ub=copies.T, b_ub=most, A_eq=one, b_eq=np.ones(len(told)))
    return float(found.fun)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("leaders", [1, 2])
def test_the_choice_of_rewards_is_the_best_of_all_combinations(seed, leaders):
    found, told, rng = model(seed, leaders)
    choices = [(np.sort(rng.uniform(0.0, 4.0, 3)), np.sort(rng.uniform(0.0, 6.0, 3))) for _ in range(3)]
    proposal = found.propose(np.zeros(3), list(told), np.arange(3), choices)
    copies = np.concatenate([[copy for copy, _ in rows] for rows in told.values()])
    one = np.repeat(np.eye(leaders), [len(rows) for rows in told.values()], axis=1)
    costs = np.array([usd for rows in told.values() for _, usd in rows])
    best = np.inf
    for picked in itertools.product(range(3), repeat=3):
        rewards = np.array([choices[e][0][k] for e, k in enumerate(picked)])
        most = [choices[e][1][k] for e, k in enumerate(picked)]
        # A mixture uses what it holds: the payment is of that.
        one_best = linprog(costs + copies @ rewards, A_ub=copies.T, b_ub=most, A_eq=one, b_eq=np.ones(leaders))
        best = min(best, one_best.fun if one_best.status == 0 else np.inf)
    assert proposal.usd == pytest.approx(best, rel=1e-3)


def test_what_quantities_are_worth_and_the_marginal_prices():
    found, told, _ = model(1)
    used = np.array([1.0, 2.0, 1.5])
    found.add_bounds(np.array([2.0, 2.0, 2.0]), {"leader0": Answer({}, 0.0, 40.0)})
    worth = found.worth(list(told), np.arange(3), used)
    assert worth.most_usd == pytest.approx(mixture_usd(told, used), abs=1e-6)
    assert worth.least_usd == pytest.approx(40.0 - 2.0 * worth.used.sum(), abs=1e-6)
    for entry in range(3):
        more = used.copy()
        more[entry] += 1e-4
        rises_usd = mixture_usd(told, more) - mixture_usd(told, used)
        assert -rises_usd / 1e-4 == pytest.approx(worth.marginal[entry], abs=1e-3)


# --- the followers' market


@pytest.fixture
def followers():
    """Return what a fleet and a road have answered to several prices, and the layout; the entries are delivery, passage."""
    fleet, road = Fleet(5.0, 0.5, load=4.0), Road(8.0)
    with toll_installed():
        layout = Layout(toll_session({"company": ["q"]}, ["fleet"], ["q"]), 0)
    found = Followers(layout, ["fleet", "road"], np.array([1]))
    for reward, toll in itertools.product((0.0, 6.0, 9.0, 12.0, 15.0), (0.0, 5.0, 10.0, 20.0)):
        prices = layout.shaped(np.array([reward, toll]))
        answers = {"fleet": fleet.solve(prices), "road": road.solve({"passage": prices["passage"]})}
        found.add({agent: layout.own(agent, answer.quantities) for agent, answer in answers.items()}, answers)
    return found, fleet, road


def test_tolls_are_the_best_by_all_planes(followers):
    found, _, _ = followers
    prices = np.array([12.0, 7.0])
    tolls, promised_usd, own = found.tolls(prices, np.array([50.0]))

    def dual_usd(toll):
        at = np.array([12.0, toll])
        return sum(
            min(usd + float((found._signed(agent, copy) * at).sum()) for copy, usd in zip(*rows, strict=True))
            for agent, rows in ((name, (found._copies[name], found._costs_usd[name])) for name in found.names)
        )

    best = minimize_scalar(lambda toll: -dual_usd(toll), bounds=(0.0, 57.0), method="bounded", options={"xatol": 1e-9})
    assert promised_usd == pytest.approx(-best.fun, abs=1e-4)
    assert dual_usd(tolls[0]) == pytest.approx(-best.fun, abs=1e-4)
    # The mixed answers are in balance and the best there: what they give together is the promise.
    assert own["fleet"].copy[1] == pytest.approx(own["road"].copy[0], abs=1e-6)
    together = own["fleet"].cost_usd + own["road"].cost_usd - 12.0 * own["fleet"].copy[0]
    assert together == pytest.approx(promised_usd, abs=1e-4)


def test_no_known_answer_gives_more_at_the_least_rewards(followers):
    found, fleet, _ = followers
    plan = np.array([6.0, 1.5])  # kWh, vehicles
    own = {
        "fleet": Own(plan, float(fleet.cost(plan[:1]))),
        "road": Own(plan[1:], 4.0 * plan[1] ** 2),
    }
    least = found.least_prices(np.array([15.0, 10.0]), own, plan * [1.0, 0.0], np.array([0, 1]), np.ones(2))

    def lack_usd(prices):
        """Return how much more a known answer gives than the plan, at worst."""
        gives = {a: -(found._signed(a, own[a].copy) * prices).sum() - own[a].cost_usd for a in found.names}
        return max(
            -(found._signed(agent, copy) * prices).sum() - usd - gives[agent]
            for agent in found.names
            for copy, usd in zip(found._copies[agent], found._costs_usd[agent], strict=True)
        )

    assert lack_usd(least) <= 1e-4
    cheaper = min(
        reward
        for reward in np.linspace(5.0, 15.0, 201)
        if min(lack_usd(np.array([reward, toll])) for toll in np.linspace(0.0, 30.0, 121)) <= 1e-9
    )
    assert least[0] == pytest.approx(cheaper, abs=0.15)  # the grid's step, and the margin against a toss-up


def test_what_no_prices_can_keep_is_said(followers):
    found, _, _ = followers
    own = {"fleet": Own(np.array([6.0, 1.5]), 1e4), "road": Own(np.array([1.5]), 9.0)}
    assert found.least_prices(np.array([15.0, 10.0]), own, np.array([6.0, 0.0]), np.array([1]), np.ones(2)) is None

"""`admm` and `posted_price` on the road, against the closed-form optimum of the small operators."""

import numpy as np
import pytest
from negotiate import POWER, TRANSPORT, ask, given, play
from small_agents import PowerSettings, SmallPower, SmallTransport, TransportSettings
from small_rail_agents import PowerSettings as RailPowerSettings
from small_rail_agents import SmallRailPower, SmallRailTransport
from small_rail_agents import TransportSettings as RailTransportSettings
from toy_railway import Rows
from toy_road import ToyRoad

from federates.boundary.config import parse_config
from federates.boundary.errors import ConfigError
from federates.boundary.messages import Answer
from federates.boundary.negotiation import Problem
from federates.coordinator.algorithms.admm import Admm, AdmmSettings
from federates.coordinator.algorithms.ocd import OcdSettings, OptimalityConditionDecomposition
from federates.coordinator.algorithms.posted_price import PostedPrice, PostedPriceSettings
from federates.coordinator.algorithms.splitting import Splitting
from federates.runtime.negotiation_record import NegotiationRecord
from federates.worlds.rail.session import RailSession
from federates.worlds.road.session import RoadSession

NEED, WORTH = 12.0, 8.0


def session(**changes):
    base = {
        "schema_version": 1,
        "name": "x",
        "resourceful_stations": ("r",),
        "limited_stations": ("q", "p"),
        "links": ("l",),
        "horizon_periods": 2,
    }
    return RoadSession.model_validate(base | changes)


class LimitedTransport(SmallTransport):
    """A transport operator that can send at most ``most`` vehicles per pair and period."""

    def __init__(self, slope, most):
        super().__init__(TransportSettings(slope=1.0), None)
        self.slope, self.most = np.broadcast_to(slope, (1, 2, 2)), most

    def solve(self, prices, openings):
        sent = np.minimum(prices["delivery"] / self.slope, self.most)
        cost = float((0.5 * self.slope * sent**2).sum())
        return Answer({"delivery": sent}, cost, cost - float((prices["delivery"] * sent).sum()))

    def evaluate(self, given, openings):
        sent = np.minimum(given["delivery"], self.most)
        cost = float((0.5 * self.slope * sent**2).sum())
        return Answer({"delivery": sent}, cost, cost)


def operators(slope, most=np.inf):
    power, transport = SmallPower(PowerSettings(need=NEED, worth=WORTH, fault_period=-1), None), LimitedTransport(slope, most)
    for operator in (power, transport):
        operator.begin(session(), Rows())
        operator.period = 0
    return power, transport


def negotiate(algorithm, slope, most=np.inf, periods=1, **changes):
    """Return the decisions, one a period, and all rounds."""
    power, transport = operators(slope, most)
    rows = Rows()
    algorithm.begin(session(**changes), rows)
    record = NegotiationRecord(session(**changes), rows)
    both = {POWER: power, TRANSPORT: transport}
    decisions = [play(algorithm, record, lambda decision: ask(both, decision), period) for period in range(periods)]
    return decisions, rows.tables.get("rounds", [])


def sent(decision):
    """Return what is carried out, (R, Q, H)."""
    return given(decision, "delivery")


def optimum(slope, most=np.inf):
    """Return plan and cost of min WORTH (NEED - z) + slope z^2 / 2 over 0 <= z <= min(NEED, most), all four entries together."""
    slope = np.broadcast_to(slope, (1, 2, 2))
    z = np.minimum(np.minimum(NEED, most), WORTH / slope)
    return z, float((WORTH * (NEED - z) + 0.5 * slope * z**2).sum())


def assert_bounds_enclose(rows, cost):
    for row in rows:
        assert not row["lower_bound_usd"] > cost + 1e-6, row
        assert not row["upper_bound_usd"] < cost - 1e-6, row


SLOPES = [1.0, 0.4, 5.0, np.array([[[0.5, 1.0], [2.0, 8.0]]])]


@pytest.mark.parametrize("penalty", [0.05, 0.5, 5.0])
@pytest.mark.parametrize("slope", SLOPES, ids=["equal", "all of the need", "dear", "each its own"])
def test_admm_finds_the_optimum_within_its_stated_gap(slope, penalty):
    algorithm = Admm(AdmmSettings(gap_target=1e-3, max_iterations=200, penalty_usd_per_veh2=penalty), None)
    (decision,), rows = negotiate(algorithm, slope)
    plan, cost = optimum(slope)
    assert_bounds_enclose(rows, cost)
    assert decision.agreed, decision.reason
    assert rows[-1]["gap"] <= 1e-3
    assert rows[-1]["upper_bound_usd"] <= cost * (1 + 1e-3) + 1e-6
    # The plan, not its cost only: strong convexity, slope |z - z*|^2 / 2 <= cost above the optimum.
    near = np.sqrt(2 * 1e-3 * cost / np.min(slope))
    np.testing.assert_allclose(sent(decision)[:, :, 1], plan[:, :, 1], atol=near)
    np.testing.assert_allclose(sent(decision)[:, :, 0], plan[:, :, 0], atol=near + 0.5)
    assert (sent(decision)[:, :, 0] % 1 == 0).all()


def test_admm_keeps_within_what_can_be_sent():
    (decision,), rows = negotiate(Admm(AdmmSettings(gap_target=1e-3), None), 0.5, most=6.0)
    plan, cost = optimum(0.5, most=6.0)
    assert_bounds_enclose(rows, cost)
    assert decision.agreed
    np.testing.assert_allclose(sent(decision), plan, atol=0.3)


def test_admm_begins_the_next_period_with_the_prices_of_the_last():
    def rounds(warm):
        algorithm = Admm(AdmmSettings(warm_start=warm, gap_target=1e-3), None)
        _, rows = negotiate(algorithm, 1.0, periods=2)
        return [sum(row["period"] == period for row in rows) for period in (0, 1)]

    cold, warm = rounds(False), rounds(True)
    assert cold[0] == cold[1] == warm[0]
    assert warm[1] < cold[1]


def test_admm_without_enough_iterations_says_so_and_commits_the_best_plan():
    (decision,), rows = negotiate(Admm(AdmmSettings(max_iterations=1), None), 1.0)
    assert not decision.agreed
    assert "1 iterations" in decision.reason
    assert rows[-1]["upper_bound_usd"] == pytest.approx(4 * WORTH * NEED), "at zero price nothing is offered"


def two_agents(rows):
    """Return a negotiation of so many entries between the two operators."""
    changes = {"limited_stations": tuple(f"q{i}" for i in range(rows)), "horizon_periods": 1}
    return Problem.of(session(**changes), 0, {})


def told(split, asked, asked_usd, offered, offered_usd):
    """Let both answer once."""
    copies = {POWER: np.asarray(asked, dtype=float), TRANSPORT: np.asarray(offered, dtype=float)}
    costs = {POWER: asked_usd, TRANSPORT: offered_usd}
    split.add(copies, {agent: Answer({"delivery": copies[agent]}, costs[agent], 0.0) for agent in copies})


def test_the_prices_are_the_gradient_of_the_augmented_lagrangian():
    """By central differences of f_P + f_T + |max(0, lambda + rho r)|^2 / (2 rho), in the average asked."""
    rng = np.random.default_rng(3)
    start, rho = rng.uniform(0, 5, 6), 0.7
    split = Splitting(two_agents(6), start, rho, np.zeros(6))
    asked, offered = rng.uniform(0, 4, 6), rng.uniform(0, 9, 6)
    told(split, asked, 1.0, offered, 2.0)
    after = split.multipliers

    def square(z):
        return float((np.maximum(0.0, after + rho * (z - offered)) ** 2).sum()) / (2 * rho)

    for at in range(6):
        step = np.zeros(6)
        step[at] = 1e-6
        slope = (square(asked + step) - square(asked - step)) / 2e-6
        assert split.prices[at] == pytest.approx(slope, abs=1e-6)
    np.testing.assert_allclose(after, np.maximum(0.0, start + rho * (asked - offered)))


def test_the_averages_are_the_best_of_all_averages():
    """Against the same small problem solved on a fine grid: two answers of each side, one weight each."""
    split = Splitting(two_agents(2), np.zeros(2), 2.0, np.full(2, -np.inf))
    told(split, [4.0, 0.0], 0.0, [0.0, 0.0], 0.0)
    start = split.multipliers
    told(split, [0.0, 1.0], 5.0, [3.0, 2.0], 4.0)
    u, v = np.meshgrid(np.linspace(0, 1, 1001), np.linspace(0, 1, 1001))
    r = np.array([4 * (1 - u) - 3 * v, u - 2 * v])
    value = 5 * u + 4 * v + np.tensordot(start, r, 1) + (r**2).sum(axis=0)
    best = np.unravel_index(value.argmin(), value.shape)
    assert split.averages[POWER] == pytest.approx([4 * (1 - u[best]), u[best]], abs=0.01)
    assert split.averages[TRANSPORT] == pytest.approx([3 * v[best], 2 * v[best]], abs=0.01)


@pytest.mark.parametrize("slope", [1.0, 2.0])
def test_the_true_marginal_price_gives_the_optimum(slope):
    """The power operator wants all it needs just below its worth; there the transport operator offers worth / slope."""
    price = WORTH * (1 - 1e-9)
    (decision,), rows = negotiate(PostedPrice(PostedPriceSettings(price_usd_per_veh=price), None), slope)
    plan, cost = optimum(slope)
    assert_bounds_enclose(rows, cost)
    assert len(rows) == 2
    assert rows[-1]["upper_bound_usd"] == pytest.approx(cost, rel=1e-6)
    assert rows[-1]["lower_bound_usd"] == pytest.approx(cost, rel=1e-6)
    assert decision.agreed
    np.testing.assert_allclose(sent(decision), plan, rtol=1e-6)


def test_another_price_sends_what_both_accept_and_says_that_it_is_not_agreed():
    (low,), rows = negotiate(PostedPrice(PostedPriceSettings(price_usd_per_veh=3.0), None), 1.0)
    assert_bounds_enclose(rows, optimum(1.0)[1])
    np.testing.assert_allclose(sent(low), 3.0)  # what is offered at 3 usd, less than is asked
    assert rows[-1]["upper_bound_usd"] == pytest.approx(4 * (WORTH * 9 + 0.5 * 9))
    assert not low.agreed
    (high,), rows = negotiate(PostedPrice(PostedPriceSettings(price_usd_per_veh=9.0), None), 1.0)
    assert_bounds_enclose(rows, optimum(1.0)[1])
    assert not sent(high).any(), "nobody asks above the worth"


def test_prices_go_by_the_hour_of_day():
    by_hour = tuple(float(hour) for hour in range(24))
    algorithm = PostedPrice(PostedPriceSettings(price_usd_per_veh=by_hour), None)
    algorithm.begin(session(start_hour=22), Rows())
    assert [algorithm.start(p, {}).prices["delivery"][0, 0].tolist() for p in (0, 1)] == [[22.0, 23.0], [23.0, 0.0]]


def test_prices_may_differ_by_station():
    algorithm = PostedPrice(PostedPriceSettings(price_usd_per_veh={"p": 4.0}), None)
    algorithm.begin(session(), Rows())
    assert algorithm.start(0, {}).prices["delivery"][0].tolist() == [[0.0, 0.0], [4.0, 4.0]]
    wrong = PostedPriceSettings(price_usd_per_veh={"p": 4.0, "r": 1.0})
    (problem,) = PostedPrice.check(wrong, None, session())
    assert (problem.field, problem.allowed) == ("settings.price_usd_per_veh.r", "must be one of q, p")


def test_by_rail_the_true_price_of_every_stand_gives_the_optimum():
    """The power operator's cost is linear, so its worth is the marginal price; the optimum by trying every route."""
    day = RailSession(
        schema_version=1,
        world="rail",
        name="x",
        periods=4,
        rail_stations=("a", "b"),
        trains=({"name": "k", "home": "a"},),
        trip_periods=((0, 1), (1, 0)),
    )
    power, transport = SmallRailPower(RailPowerSettings(), None), SmallRailTransport(RailTransportSettings(), None)
    worth = {"a": (1.0, 0.0, 0.0, 1.0), "b": (0.0, 9.0, 9.0, 0.0)}
    algorithm = PostedPrice(PostedPriceSettings(price_usd_per_veh={s: (*w, *[0.0] * 20) for s, w in worth.items()}), None)
    for agent in (power, transport, algorithm):
        agent.begin(day, Rows())
    power.open_period(0, None)
    openings = {"train_ready": transport.open_period(0, None)}
    both, record = {POWER: power, TRANSPORT: transport}, NegotiationRecord(day, Rows())
    decision = play(algorithm, record, lambda decision: ask(both, decision, {POWER: openings}), 0, openings)
    routes = transport._routes(0, 0, 0, np.zeros((2, 4)), 0)
    best = min(power.evaluate({"connection": stand[None]}, openings).cost_usd + 2.0 * moved for stand, moved in routes)
    assert algorithm.bounds.upper_usd == pytest.approx(best)
    assert algorithm.bounds.lower_usd == pytest.approx(best)
    assert decision.agreed
    assert given(decision, "connection")[0, 1].sum() >= 1, "the train goes to b"


def test_a_day_of_prices_has_24():
    with pytest.raises(ConfigError, match="24, one per hour"):
        parse_config({"price_usd_per_veh": [1.0, 2.0]}, PostedPriceSettings, "config.yaml")


@pytest.mark.parametrize(("kind", "settings"), [(Admm, AdmmSettings), (PostedPrice, PostedPriceSettings)])
def test_schemes_without_negotiation_are_those_of_every_algorithm(kind, settings):
    (nothing,), rows = negotiate(kind(settings(), None), 1.0, scheme="no_mves")
    assert not sent(nothing).any()
    assert rows == []
    (asked,), rows = negotiate(kind(settings(), None), 1.0, most=7.0, scheme="fastest_route")
    np.testing.assert_allclose(sent(asked), 7.0)
    assert [row["command"] for row in rows] == ["solve", "evaluate"]


# --- random cases whose private data differ by pair ---------------------------------------------------------------------------

ALGORITHMS = {
    "shortfall": lambda: OptimalityConditionDecomposition(OcdSettings(update="shortfall", gap_target=0.0), None),
    "residual": lambda: OptimalityConditionDecomposition(OcdSettings(update="residual", gap_target=0.0), None),
    "box_step": lambda: OptimalityConditionDecomposition(OcdSettings(update="box_step", gap_target=0.0), None),
    "admm": lambda: Admm(AdmmSettings(gap_target=0.0), None),
    "posted_price": lambda: PostedPrice(PostedPriceSettings(price_usd_per_veh=9.0), None),
}
QUICK, ALL = range(10), range(200)
SEEDS = [*QUICK, *(pytest.param(seed, marks=pytest.mark.long) for seed in ALL if seed not in QUICK)]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", ALGORITHMS)
def test_bounds_enclose_the_optimum_whatever_is_private(name, seed):
    """LB <= optimum by one programme of both operators <= UB, in every round."""
    road_, rows = ToyRoad(seed), Rows()
    road_.play(ALGORITHMS[name](), rows)
    best = road_.optimum_usd()
    (held,) = rows.tables["negotiations"]
    assert held["claimed_lower_bound_usd"] <= best * (1 + 1e-6)
    for row in rows.tables["rounds"]:
        assert not row["lower_bound_usd"] > best + 1e-6 * abs(best), row
        assert not row["upper_bound_usd"] < best - 1e-6 * abs(best), row

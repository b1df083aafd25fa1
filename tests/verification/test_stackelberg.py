"""Posted rewards against closed forms: monopsony, logit, uniform thresholds, lumps, a chain with tolls, two leaders in turn."""

import sys
from pathlib import Path

import numpy as np
import pytest
from negotiate import ask, play
from scipy.special import lambertw
from toll_world import Company, Fleet, Road, play_tolls, toll_installed, toll_session
from toy_railway import Rows
from toy_road import PLACES, SHAPE, ToyRoad

from federates.boundary.layout import Layout
from federates.coordinator.algorithms.stackelberg import FirstNegotiation, Stackelberg, StackelbergSettings
from federates.runtime.negotiation_record import NegotiationRecord

sys.path.insert(0, str(Path(__file__).parents[1] / "third_world"))
import market
import market_world as mw
import price_followers as pf

FINE = {"tolerance": 0.002}


@pytest.fixture(scope="module", autouse=True)
def market_installed(tmp_path_factory):
    market.install(tmp_path_factory.mktemp("site"))


def post(traders, periods=1, **settings):
    """Let buyers post rewards for one good; return the last decision, the tables and the session."""
    roles = {name: name.split("_")[0] for name in traders} | {"coordinator": "coordinator"}
    agents = [{"name": name, "role": role} for name, role in roles.items()]
    data = {"schema_version": 1, "world": "market", "name": "m", "periods": periods, "goods": ["bread"], "agents": agents}
    session, rows = mw.MarketSession.model_validate(data), Rows()
    algorithm, record = Stackelberg(StackelbergSettings.model_validate(FINE | settings)), NegotiationRecord(session, rows)
    algorithm.begin(session, rows)
    for period in range(periods):
        decision = play(algorithm, record, lambda question: ask(traders, question), period)
    layout = Layout(session, 0)
    copies = {agent: layout.own(agent, decision.given[agent]) for agent in layout.agents}
    assert layout.residual(copies) == pytest.approx(0.0, abs=1e-6), "what is committed is in balance"
    return decision, rows.tables, layout


def buyer(price, slope):
    return mw.Buyer(mw.TraderSettings(price_usd_per_kwh=price, slope_usd_per_kwh2=slope))


def seller(price, slope):
    return mw.Seller(mw.TraderSettings(price_usd_per_kwh=price, slope_usd_per_kwh2=slope))


def posted(tables):
    """Return reward, predicted, accepted and exchanged quantity of the only entry in the last period."""
    row = tables["posted_prices"][-1]
    return [row[f"{name}_{unit}"] for name, unit in (("price", "usd_per_unit"), *((n, "units") for n in UNITS))]


UNITS = ("predicted", "accepted", "exchanged")


def surplus(tables):
    return {row["agent"]: row["surplus_usd"] for row in tables["gains"]}


# --- one leader, one reward


@pytest.mark.parametrize(
    ("worth", "falls", "first", "rises"), [(30.0, 1.0, 5.0, 0.5), (20.0, 0.2, 2.0, 3.0), (9.0, 4.0, 1.0, 2.0)]
)
def test_one_buyer_is_a_monopsony(worth, falls, first, rises):
    """Marginal value = marginal expenditure: a - b u = c + 2 d u. Negotiated it is a - b z = c + d z."""
    _, tables, _ = post({"buyer_0": buyer(worth, falls), "seller_0": seller(first, rises)})
    used = (worth - first) / (falls + 2 * rises)
    reward, predicted, accepted, exchanged = posted(tables)
    competitive = (worth - first) / (falls + rises)
    moves = 2 * FINE["tolerance"] * (first + rises * competitive)
    assert reward == pytest.approx(first + rises * used, abs=moves)
    assert exchanged == pytest.approx(used, abs=moves / rises)
    assert accepted == exchanged == pytest.approx(predicted, rel=1e-3)
    gains = surplus(tables)
    assert gains["seller_0"] == pytest.approx(rises * used**2 / 2, rel=0.05)
    assert gains["buyer_0"] == pytest.approx((falls / 2 + rises) * used**2, rel=1e-3), "the best is flat: it is met closely"
    (game,) = tables["games"]
    lost = (falls + rises) / 2 * (competitive - used) ** 2
    assert game["joint_cost_usd"] - game["lower_bound_usd"] == pytest.approx(lost, rel=0.05)
    assert game["settled"]


def test_with_a_constant_value_the_quantity_is_half_of_the_competitive_one():
    _, tables, _ = post(
        {"buyer_0": pf.LinearBuyer(pf.LinearBuyerSettings(worth_usd_per_kwh=11.0, most_kwh=50.0)), "seller_0": seller(1.0, 0.5)}
    )
    reward, _, _, exchanged = posted(tables)
    assert exchanged == pytest.approx(20.0 / 2, rel=0.01)
    assert reward == pytest.approx(1.0 + 0.5 * 10.0, rel=0.01)


def test_thresholds_that_are_uniform():
    """Reward 1/2, half accept, profit 1/4 (value 1)."""
    _, tables, _ = post({"buyer_0": pf.LinearBuyer(), "seller_0": pf.UniformSeller()})
    reward, _, accepted, _ = posted(tables)
    assert reward == pytest.approx(0.5, abs=0.005)
    assert accepted == pytest.approx(0.5, abs=0.005)
    assert surplus(tables)["buyer_0"] == pytest.approx(0.25, abs=1e-4)


@pytest.mark.parametrize(("beta", "gap"), [(1.0, 1.0), (2.0, 0.5), (0.5, 4.0)])
def test_thresholds_that_are_logistic(beta, gap):
    """Margin (1 + W(exp(beta (v - c) - 1))) / beta; for beta 1 and v - c 1: 1.567143, 0.361896 accept."""
    threshold = 3.0
    worth = pf.LinearBuyerSettings(worth_usd_per_kwh=threshold + gap)
    traders = {"buyer_0": pf.LinearBuyer(worth), "seller_0": pf.LogitSeller(pf.LogitSellerSettings(beta=beta))}
    _, tables, _ = post(traders)
    omega = float(lambertw(np.exp(beta * gap - 1.0)).real)
    margin, accepts = (1.0 + omega) / beta, omega / (1.0 + omega)
    if (beta, gap) == (1.0, 1.0):
        assert (margin, accepts) == (pytest.approx(1.567143, abs=1e-6), pytest.approx(0.361896, abs=1e-6))
    reward, _, accepted, _ = posted(tables)
    assert threshold + gap - reward == pytest.approx(margin, rel=0.01)
    assert accepted == pytest.approx(accepts, rel=0.02)
    assert surplus(tables)["buyer_0"] == pytest.approx(margin * accepts, rel=1e-4)


def test_lumps_are_paid_their_least_reward():
    """Three kWh for at least 1.37 each, all or none: no curve shows that, what is known of the seller's cost does."""
    traders = {
        "buyer_0": pf.LinearBuyer(pf.LinearBuyerSettings(worth_usd_per_kwh=4.0)),
        "seller_0": pf.LumpySeller(mw.TraderSettings(price_usd_per_kwh=1.37, slope_usd_per_kwh2=3.0)),
    }
    _, tables, _ = post(traders)
    reward, _, accepted, _ = posted(tables)
    assert 1.37 <= reward < 1.38
    assert accepted == 3.0


@pytest.mark.parametrize("count", [4, 12])
def test_many_buyers_as_one_and_many_sellers(count):
    """The buyers' joint value is that of their demand at one price; the best reward by a fine grid."""
    traders = market.traders(count)
    agents = {name: (buyer if name.startswith("buyer") else seller)(*of.values()) for name, of in traders.items()}
    decision, tables, _ = post(agents)
    rewards = np.linspace(4.0, 20.0, 16_001)
    offered = sum(
        np.maximum(rewards - s["price_usd_per_kwh"], 0.0) / s["slope_usd_per_kwh2"] for n, s in traders.items() if n[0] == "s"
    )
    worths = [s for n, s in traders.items() if n[0] == "b"]
    # All buyers' marginal values are equal to m where they share: sum (p - m) / s = offered, all of them buying.
    m = (sum(s["price_usd_per_kwh"] / s["slope_usd_per_kwh2"] for s in worths) - offered) / sum(
        1 / s["slope_usd_per_kwh2"] for s in worths
    )
    value = sum((s["price_usd_per_kwh"] ** 2 - m**2) / (2 * s["slope_usd_per_kwh2"]) for s in worths)
    assert all((m[np.argmax(value - rewards * offered)] < s["price_usd_per_kwh"]) for s in worths)
    profit = value - rewards * offered
    gains = surplus(tables)
    assert sum(gains[name] for name in agents if name[0] == "b") == pytest.approx(profit.max(), rel=1e-3)
    assert posted(tables)[0] == pytest.approx(rewards[profit.argmax()], rel=0.02)
    assert decision.prices["trade"].ravel() == pytest.approx([posted(tables)[0]])


def test_what_was_learned_in_a_period_serves_the_next():
    _, tables, _ = post({"buyer_0": buyer(30.0, 1.0), "seller_0": seller(5.0, 0.5)}, periods=3)
    for row in tables["posted_prices"]:
        assert row["price_usd_per_unit"] == pytest.approx(11.25, rel=0.01)
    rounds = [row["rounds"] for row in tables["games"]]
    assert max(rounds[1:]) <= rounds[0]


def test_nothing_is_posted_where_nothing_is_worth_it():
    decision, tables, _ = post({"buyer_0": buyer(4.0, 1.0), "seller_0": seller(5.0, 0.5)})
    assert not any(row["exchanged_units"] for row in tables.get("posted_prices", ()))
    assert decision.given["buyer_0"]["trade"].sum() == 0.0
    assert all(value == 0.0 for value in surplus(tables).values())


# --- nobody gains alone


def test_nobody_gains_by_a_change_of_ones_own():
    """On a fine grid: the buyer's reward with the seller's true answer, and the seller's quantity at that reward."""
    worth = pf.LinearBuyerSettings(worth_usd_per_kwh=4.0)
    agents = {"buyer_0": pf.LinearBuyer(worth), "seller_0": pf.LogitSeller()}
    _, tables, _ = post(agents)
    reward, _, accepted, _ = posted(tables)
    gains = surplus(tables)
    for other in np.linspace(0.0, 4.0, 401):
        trade = agents["seller_0"].solve({"trade": np.array([[other]])}, {}).quantities["trade"].item()
        assert (4.0 - other) * trade <= gains["buyer_0"] + 1e-4
    cost_usd = agents["seller_0"]._cost
    best = reward * accepted - cost_usd(np.array([[accepted]]))
    for other in np.linspace(0.0, 1.0, 401):
        assert reward * other - cost_usd(np.array([[other]])) <= best + 1e-9


# --- a chain: rewards, and tolls among followers


def lead(companies, fleet, road, **settings):
    """Let companies post rewards, one station each; return reward and quantity by station, tolls and surpluses."""
    own = {name: [f"q{number}"] for number, name in enumerate(companies)}
    stations = [station for part in own.values() for station in part]
    with toll_installed():
        session, rows = toll_session(own, ["fleet"], stations), Rows()
        algorithm = Stackelberg(
            StackelbergSettings.model_validate({"max_rounds": 1000, "tolerance": 0.005, "toll_rounds": 12} | settings)
        )
        assert algorithm.check(algorithm.settings, Path(), session) == []
        algorithm.begin(session, rows)
        decision = play_tolls(algorithm, rows, session, {**companies, "fleet": fleet, "road": road})
        layout = Layout(session, 0)
        residual = layout.residual({agent: layout.own(agent, decision.given[agent]) for agent in layout.agents})
    assert residual == pytest.approx(0.0, abs=1e-6)
    rewards, tolls = ([r for r in rows.tables["posted_prices"] if r["exchange"] == name] for name in ("delivery", "passage"))
    return decision, rewards, tolls, rows.tables


def test_a_reward_holds_the_toll_that_it_causes():
    """r = c + (s + g / k^2) q: the fleet's own cost and the road's toll g q / k for a vehicle of k kWh."""
    worth, falls, first, rises, road, load = 30.0, 1.0, 5.0, 0.5, 8.0, 4.0
    _, (reward,), (toll,), tables = lead({"company": Company(worth, falls)}, Fleet(first, rises, load=load), Road(road))
    slope = rises + road / load**2
    used = (worth - first) / (falls + 2 * slope)
    assert reward["exchanged_units"] == pytest.approx(used, rel=0.02)
    assert reward["price_usd_per_unit"] == pytest.approx(first + slope * used, rel=0.01)
    assert toll["price_usd_per_unit"] == pytest.approx(road * used / load, rel=0.02)
    assert toll["exchanged_units"] == pytest.approx(reward["exchanged_units"] / load, rel=1e-6)
    gains = surplus(tables)
    assert gains["fleet"] == pytest.approx(rises * used**2 / 2, rel=0.05)
    assert gains["road"] == pytest.approx(road * (used / load) ** 2 / 2, rel=0.05)
    assert sum(row["received_usd"] for row in tables["gains"]) == pytest.approx(0.0, abs=1e-6)


COST = {"first": 5.0, "slope": 0.5, "shared": 0.6, "load": 4.0, "stations": 2}
WORTH, FALLS = 30.0, 1.0


def slopes(road):
    """Return B of r = c + B q, tolls and all, for two stations that share a fleet."""
    return COST["slope"] * np.array([[1.0, COST["shared"]], [COST["shared"], 1.0]]) + road / COST["load"] ** 2 * np.eye(2)


@pytest.mark.parametrize(
    ("road", "leaders"),
    [
        (1e-6, "together"),
        (1e-6, "in_turn"),
        pytest.param(8.0, "together", marks=pytest.mark.long),
        pytest.param(8.0, "in_turn", marks=pytest.mark.long),
    ],
)
def test_two_companies_that_share_a_fleet(road, leaders):
    """Together: a - b q = c + 2 (B q). Each alone (Bertrand): (a - b q_i - r_i) dq_i/dr_i = q_i, dq/dr = 1 / B."""
    companies = {"east": Company(WORTH, FALLS), "west": Company(WORTH, FALLS)}
    decision, rewards, _, tables = lead(companies, Fleet(**COST), Road(road), leaders=leaders)
    b = slopes(road)
    total, own = b.sum() / 2, np.linalg.inv(b)[0, 0]
    competing = (WORTH - COST["first"]) * own / (1 + own * (FALLS + total))
    used = competing if leaders == "in_turn" else (WORTH - COST["first"]) / (FALLS + 2 * total)
    assert tables["games"][0]["settled"], decision.reason
    for row in rewards:
        assert row["exchanged_units"] == pytest.approx(used, rel=0.05)
        assert row["price_usd_per_unit"] == pytest.approx(COST["first"] + total * used, rel=0.01)
    gain = (WORTH - COST["first"] - total * used) * used - FALLS * used**2 / 2
    gains = surplus(tables)
    assert gains["east"] + gains["west"] == pytest.approx(2 * gain, rel=1e-3 if leaders == "together" else 0.02)
    if leaders == "in_turn":
        as_one = COST["first"] + total * (WORTH - COST["first"]) / (FALLS + 2 * total)
        assert min(row["price_usd_per_unit"] for row in rewards) > 1.05 * as_one, "competing for the fleet raises its rewards"
        assert_nobody_moves([row["price_usd_per_unit"] for row in rewards], b, surplus(tables))


def assert_nobody_moves(rewards, b, gains):
    """No other reward of its own gives a company more, the other's being what it is, but for 1 % of its gain."""
    for own, name in enumerate(("east", "west")):
        best = 0.0
        for other in np.linspace(5.0, 25.0, 401):
            r = np.array(rewards)
            r[own] = other
            q = np.maximum(np.linalg.solve(b, r - COST["first"]), 0.0)[own]
            best = max(best, WORTH * q - FALLS * q**2 / 2 - other * q)
        assert gains[name] >= best * 0.99


def test_leaders_that_still_move_are_reported_as_not_converging():
    companies = {"east": Company(WORTH, FALLS), "west": Company(WORTH, FALLS)}
    decision, _, _, tables = lead(companies, Fleet(**COST), Road(1e-6), leaders="in_turn", max_turns=1)
    assert not decision.agreed
    assert "not converging: a reward still moves by" in decision.reason
    assert not tables["games"][0]["settled"]


# --- many entries at once, of linear programmes


@pytest.mark.parametrize("seed", [1, pytest.param(3, marks=pytest.mark.long)])
def test_on_a_road_of_lumps_leading_pays_and_nobody_is_worse_off_than_alone(seed):
    """Leader's cost and payment: above the joint optimum, below those at the shadow prices times any factor."""
    case, rows = ToyRoad(seed), Rows()
    settings = StackelbergSettings(max_rounds=300, negotiation=FirstNegotiation(max_iterations=30))
    case.play(Stackelberg(settings), rows)
    (game,) = rows.tables["games"]
    led_usd = game["leaders_cost_usd"] + game["leaders_paid_usd"]
    assert game["joint_cost_usd"] >= case.optimum_usd() - 1e-6
    assert game["lower_bound_usd"] <= case.optimum_usd() + 1e-6
    assert case.optimum_usd() - 1e-6 <= led_usd
    assert all(row["surplus_usd"] >= -1e-6 for row in rows.tables["gains"])
    # What is carried out is paid at the posted rewards, not at the prices of the best bound.
    paid = {(r["origin"], r["destination"]): r["price_usd_per_veh"] for r in rows.tables["schedule"]}
    for row in rows.tables["posted_prices"]:
        if row["for_period"] == 0:
            assert paid[row["source"], row["station"]] == pytest.approx(row["price_usd_per_unit"])

    def led(rewards):
        rewards = np.reshape(rewards, SHAPE)
        sent = case.transport(prices=rewards).quantities["delivery"]
        return case.power(prices=rewards, offered=sent).bound_usd

    uniform = min(led(np.full(PLACES, reward)) for reward in np.linspace(0.0, 16.0, 161))
    rng = np.random.default_rng(seed)
    drawn = min(led(rng.uniform(0.0, 12.0, PLACES)) for _ in range(500))
    assert led_usd <= min(uniform, drawn)

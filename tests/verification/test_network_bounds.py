"""Bounds stay proven whatever is lost: against known optima (closed form, a joint programme, brute force), 0 to 30 % loss."""

import functools
import sys
from pathlib import Path

import numpy as np
import pytest
from heat_market import HeatMarket, heat_installed
from lossy_play import LossyPlay
from negotiate import ask
from rail_algorithms import ALGORITHMS
from toy_railway import ToyRailway

from federates.boundary.bound_kinds import BoundKind
from federates.boundary.network import LinkClass, NetworkSettings
from federates.coordinator.algorithms.admm import Admm
from federates.coordinator.algorithms.ocd import OptimalityConditionDecomposition
from federates.coordinator.algorithms.posted_price import PostedPrice
from federates.coordinator.algorithms.stackelberg import Stackelberg
from federates.network import known

sys.path.insert(0, str(Path(__file__).parents[1] / "third_world"))
import market

NEAR = 1e-5
DIVISIBLE = {
    "ocd shortfall": (OptimalityConditionDecomposition, {"update": "shortfall", "max_iterations": 20}),
    "ocd residual": (OptimalityConditionDecomposition, {"update": "residual", "max_iterations": 20}),
    "ocd box_step": (OptimalityConditionDecomposition, {"update": "box_step", "max_iterations": 20}),
    "ocd box_step mean": (OptimalityConditionDecomposition, {"update": "box_step", "plan": "mean", "evaluate_every": 1}),
    "admm": (Admm, {"max_iterations": 12}),
    "posted_price": (PostedPrice, {"price_usd_per_veh": 6.0}),
    "stackelberg": (Stackelberg, {"max_rounds": 30, "negotiation": {"max_iterations": 6}}),
}


@pytest.fixture(scope="module", autouse=True)
def worlds(tmp_path_factory):
    market.install(tmp_path_factory.mktemp("site"))
    with heat_installed():
        yield


def lossy(loss, **other):
    link = LinkClass(loss=loss, latency_s=0.05, jitter_s=0.1, duplication=0.05, reordering=0.05)
    return NetworkSettings(everyone="lossy", classes={"lossy": link}, **other)


def played(session, answers, kind, settings, network, seed, openings=None, most=1500):
    """Return the play and the algorithm after one period."""
    play = LossyPlay(session, answers, network, most, seed)
    algorithm = kind(kind.Settings(**settings), None)
    algorithm.begin(play.session, play._rows)
    play.decision = play.negotiate(algorithm, 0, openings)
    return play, algorithm


def holds(play, algorithm, best_usd):
    """Return whether the runtime's bounds and the algorithm's own enclose the optimum."""
    proof, bounds, near = play.record.proof, algorithm.bounds, NEAR * max(1.0, abs(best_usd))
    lower = max(proof.lower_usd, bounds.lower_usd)
    return lower <= best_usd + near and min(proof.upper_usd, bounds.upper_usd) >= best_usd - near


@pytest.mark.parametrize("loss", [0.1, 0.3])
@pytest.mark.parametrize("name", DIVISIBLE)
def test_bounds_enclose_the_optimum_of_a_joint_programme(name, loss):
    kind, settings = DIVISIBLE[name]
    for seed in range(2 if "shortfall" in name or "residual" in name else 1):
        case = HeatMarket(seed)
        best_usd, _ = case.joint()
        play, algorithm = played(case.session, case.answers, kind, settings, lossy(loss), seed)
        assert holds(play, algorithm, best_usd), seed
        layout = play.record.proof.layout
        copies = {agent: layout.own(agent, own) for agent, own in play.decision.given.items()}
        assert layout.residual(copies).max(initial=0.0) <= 1e-4, "what is carried out is in balance"


@functools.cache
def clearing(count):
    return market.clearing(market.traders(count))[2]


@pytest.mark.parametrize("loss", [0.0, 0.2, 0.3])
@pytest.mark.parametrize("name", ["ocd residual", "ocd box_step mean"])
def test_bounds_enclose_the_closed_form_of_a_market(name, loss):
    import market_world as mw

    kind, settings = DIVISIBLE[name]
    traders = market.traders(4)
    agents = [{"name": n, "role": n.split("_")[0]} for n in traders] + [{"name": "coordinator", "role": "coordinator"}]
    session = mw.MarketSession.model_validate(
        {"schema_version": 1, "world": "market", "name": "m", "periods": 1, "goods": ["bread"], "agents": agents}
    )
    classes = {"buyer": mw.Buyer, "seller": mw.Seller}
    everyone = {n: classes[n.split("_")[0]](mw.TraderSettings(**s)) for n, s in traders.items()}
    for seed in range(2):
        answers = functools.partial(ask, everyone)
        play, algorithm = played(session, answers, kind, settings | {"gap_target": 0.001}, lossy(loss), seed)
        assert holds(play, algorithm, clearing(4)), seed
        if "mean" in name:
            assert algorithm.bounds.gap <= 0.001, "planes of old answers close the gap all the same"


RAIL = {"integer power": {"seed": 1, "fixed_usd": 1.0}, "slots": {"seed": 1, "periods": 6, "slots": 1}}


@functools.cache
def optimum_usd(case):
    return ToyRailway(**RAIL[case]).optimum_usd()


@pytest.mark.parametrize("case", RAIL)
@pytest.mark.parametrize("name", ["cuts", "bundle", "admm", "ocd"])
def test_bounds_enclose_the_optimum_of_trains_by_brute_force(name, case):
    for seed, loss in enumerate((0.15, 0.3)):
        railway = ToyRailway(**RAIL[case])
        opening = {"train_ready": railway.ready}
        settings = {"gap_target": 0.0}
        play, algorithm = played(railway.session, railway.answers, ALGORITHMS[name], settings, lossy(loss), seed, opening)
        assert holds(play, algorithm, optimum_usd(case)), (seed, loss)
        if name == "cuts":
            assert algorithm.bounds.upper_usd == pytest.approx(optimum_usd(case), abs=NEAR)


def test_a_sum_of_bounds_at_different_prices_would_prove_too_much(monkeypatch):
    """Were an old bound taken at any prices, as a term of the sum, the lower bound would rise above the optimum: so it is not."""
    broken = 0
    for honest in (True, False):
        if not honest:
            any_prices = lambda self, signed: max(self.bounds, default=(-np.inf, BoundKind.STATED))  # noqa: E731
            monkeypatch.setattr(known._Known, "bound", any_prices)
        for seed in range(2):
            case = HeatMarket(seed)
            settings = {"update": "residual", "max_iterations": 20}
            play, algorithm = played(case.session, case.answers, OptimalityConditionDecomposition, settings, lossy(0.2), seed)
            fits = holds(play, algorithm, case.joint()[0])
            assert fits or not honest
            broken += not fits
    assert broken

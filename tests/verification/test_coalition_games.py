"""Shares of coalitions' worth against published values, closed formulas, and conditions that characterise them."""

import math
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from federates.boundary.errors import ModelError
from federates.games.core import excess, in_core, least_core, objectors
from federates.games.game import Game, coalitions
from federates.games.nucleolus import nucleolus, prenucleolus
from federates.games.shapley import sample_shapley, shapley


def glove(right=1, left=2):
    names = [f"right_{i}" for i in range(right)] + [f"left_{i}" for i in range(left)]
    return Game.tabulate(names, lambda s: min(sum(n.startswith("right") for n in s), sum(n.startswith("left") for n in s)))


def bankruptcy(estate, claims):
    """Each coalition gets what is left when all others have taken their claims (O'Neill 1982)."""
    names = [f"creditor_{i}" for i in range(len(claims))]
    claim = dict(zip(names, claims, strict=True))
    return Game.tabulate(names, lambda s: max(0.0, estate - sum(claim[n] for n in names if n not in s)))


def voting(quota, weights):
    names = [f"voter_{i}" for i in range(len(weights))]
    weight = dict(zip(names, weights, strict=True))
    return Game.tabulate(names, lambda s: float(sum(weight[n] for n in s) >= quota))


def talmud(estate, claims):
    """The contested-garment rule (Aumann and Maschler 1985) in closed form, with no game in it."""
    half, total = [c / 2 for c in claims], sum(claims)

    def equal_up_to(amount, limits):
        left, shares = amount, [0.0] * len(limits)
        for rank, i in enumerate(sorted(range(len(limits)), key=limits.__getitem__)):
            shares[i] = min(limits[i], left / (len(limits) - rank))
            left -= shares[i]
        return shares

    if estate <= total / 2:
        return equal_up_to(estate, half)
    return [c - lost for c, lost in zip(claims, equal_up_to(total - estate, half), strict=True)]


def test_glove():
    game = glove()
    assert shapley(game) == pytest.approx([2 / 3, 1 / 6, 1 / 6], abs=1e-12)
    assert nucleolus(game) == pytest.approx([1, 0, 0], abs=1e-9)
    least = least_core(game)
    assert least.epsilon_usd == pytest.approx(0, abs=1e-9)
    assert least.share_usd == pytest.approx([1, 0, 0], abs=1e-9)
    assert in_core(game, [1, 0, 0])
    assert not in_core(game, shapley(game)), "the Shapley value need not be in the core"
    assert objectors(game, shapley(game)) == pytest.approx(
        {frozenset({"right_0", "left_0"}): 1 / 6, frozenset({"right_0", "left_1"}): 1 / 6}
    )


def test_airport():
    # Littlechild and Owen 1973: each stretch of the runway is shared by those who need it. A cost is a negative worth.
    costs = {"a": 8.0, "b": 11.0, "c": 13.0, "d": 18.0}
    game = Game.tabulate(costs, lambda s: -max(costs[n] for n in s))
    assert shapley(game) == pytest.approx([-2, -3, -4, -9], abs=1e-12)
    assert in_core(game, shapley(game))
    assert in_core(game, nucleolus(game))
    # Littlechild 1974: the first pay min over k < n of c_k / (k + 1), and of c_n / n, as many as reach it: 13/4, three of them.
    assert nucleolus(game) == pytest.approx([-13 / 4, -13 / 4, -13 / 4, -33 / 4], abs=1e-9)


@pytest.mark.parametrize(("estate", "shares"), [(100, [100 / 3] * 3), (200, [50, 75, 75]), (300, [50, 100, 150])])
def test_talmud(estate, shares):
    game = bankruptcy(estate, [100, 200, 300])
    assert nucleolus(game) == pytest.approx(shares, abs=1e-7)
    assert talmud(estate, [100, 200, 300]) == pytest.approx(shares)
    if estate == 100:
        assert shapley(game) == pytest.approx([100 / 3] * 3)
    if estate == 300:
        assert shapley(game) == pytest.approx([50, 100, 150])


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(1, 60), min_size=2, max_size=5), st.floats(0.01, 0.99))
def test_nucleolus_of_a_bankruptcy_is_the_contested_garment_rule(claims, share):
    estate = share * sum(claims)
    assert nucleolus(bankruptcy(estate, claims)) == pytest.approx(talmud(estate, claims), abs=1e-6)


@pytest.mark.parametrize(
    ("quota", "weights", "index"),
    [
        # Council of the EEC, 1958: Luxembourg had a vote and no power.
        (12, [4, 4, 4, 2, 2, 1], [14 / 60, 14 / 60, 14 / 60, 9 / 60, 9 / 60, 0]),
        (51, [50, 49, 1], [2 / 3, 1 / 6, 1 / 6]),
        (51, [40, 35, 25], [1 / 3, 1 / 3, 1 / 3]),
        # United Nations Security Council before 1965: five with a veto, six without, seven votes needed.
        (37, [7] * 5 + [1] * 6, [76 / 385] * 5 + [1 / 462] * 6),
    ],
)
def test_shapley_shubik_index(quota, weights, index):
    game = voting(quota, weights)
    assert shapley(game) == pytest.approx(index, abs=1e-12)
    # Who has a veto gets all in the core; where nobody has one it is empty.
    veto = [game.worth(set(game.players) - {name}) == 0 for name in game.players]
    assert (least_core(game).epsilon_usd <= 1e-9) == any(veto)
    if any(veto):
        assert nucleolus(game) == pytest.approx(np.array(veto) / sum(veto), abs=1e-9)


@st.composite
def games(draw, most=4):
    """Any game: negative, not superadditive, with ties."""
    count = draw(st.integers(2, most))
    number = st.one_of(st.integers(-6, 6).map(float), st.floats(-100, 100).map(lambda v: round(v, 3)))
    names = tuple("abcdefg"[:count])
    return Game(names, {s: draw(number) for s in coalitions(names)})


@settings(deadline=None, max_examples=40)
@given(games(), games(), st.data())
def test_axioms_of_the_shapley_value(game, other, data):
    value = shapley(game)
    assert value.sum() == pytest.approx(game.total_usd, abs=1e-9)
    orders = [list(order) for order in permutations(game.players)]
    added = {name: [game.worth(o[: o.index(name) + 1]) - game.worth(o[: o.index(name)]) for o in orders] for name in game.players}
    assert value == pytest.approx([math.fsum(added[n]) / len(orders) for n in game.players], abs=1e-9), "the mean over all orders"
    if len(other.players) == len(game.players):
        both = Game(game.players, {s: game.worth(s) + other.worth(s) for s in game.worth_usd})
        assert shapley(both) == pytest.approx(value + shapley(other), abs=1e-9), "additivity"
    # A dummy adds what it is worth alone; two that are alike get the same.
    alone = data.draw(st.floats(-10, 10))
    with_dummy = Game.tabulate((*game.players, "dummy"), lambda s: game.worth(s - {"dummy"}) + alone * ("dummy" in s))
    assert shapley(with_dummy) == pytest.approx([*value, alone], abs=1e-9)
    swap = {"a": "b", "b": "a"}
    alike = Game.tabulate(game.players, lambda s: game.worth(s) + game.worth({swap.get(n, n) for n in s}))
    assert shapley(alike)[0] == pytest.approx(shapley(alike)[1], abs=1e-9)


def is_balanced(must, may, count):
    """Return whether everybody is a sum of ``must`` with positive weights and ``may`` with weights >= 0: rows of membership."""
    rows = np.array([*must, *may])
    # max t with weights >= t on those that must: positive is enough, so t is cut off at 1.
    cost = np.append(np.zeros(len(rows)), -1.0)
    at_least = np.hstack([-np.eye(len(must), len(rows)), np.ones((len(must), 1))])
    found = linprog(
        cost,
        at_least,
        np.zeros(len(must)),
        np.hstack([rows.T, np.zeros((count, 1))]),
        np.ones(count),
        [(0, None)] * len(rows) + [(None, 1)],
    )
    return found.status == 0 and -found.fun > 1e-7


def obeys_kohlberg(game, share, floor):
    """Kohlberg 1971: at every level, the coalitions with at least that excess are balanced; ``floor``: players at their least."""
    gains, count = excess(game, share), len(game.players)
    levels = np.unique(np.round(gains, 6))
    return all(is_balanced(game.membership[gains >= level - 1e-5], np.eye(count)[floor], count) for level in levels)


@settings(deadline=None, max_examples=30)
@given(games())
def test_the_prenucleolus_is_the_one_that_kohlberg_names(game):
    share = prenucleolus(game)
    assert share.sum() == pytest.approx(game.total_usd, abs=1e-7)
    assert obeys_kohlberg(game, share, np.zeros(len(game.players), dtype=bool))
    least = least_core(game)
    assert excess(game, share).max() == pytest.approx(least.epsilon_usd, abs=1e-6), "it is in the least core"
    assert excess(game, least.share_usd).max() == pytest.approx(least.epsilon_usd, abs=1e-6)
    assert (least.epsilon_usd <= 1e-6) == in_core(game, share, 1e-5), "in the core if there is one"
    moved = share + 0.01 * np.array([1.0, -1.0, *[0.0] * (len(share) - 2)])
    assert not obeys_kohlberg(game, moved, np.zeros(len(share), dtype=bool)), "and no other share is"


@settings(deadline=None, max_examples=30)
@given(games())
def test_the_nucleolus_gives_everyone_what_it_is_worth_alone(game):
    alone = np.array([game.worth({name}) for name in game.players])
    if alone.sum() > game.total_usd:
        with pytest.raises(ModelError, match="no nucleolus"):
            nucleolus(game)
        return
    share = nucleolus(game)
    assert share.sum() == pytest.approx(game.total_usd, abs=1e-6)
    assert (share >= alone - 1e-6).all()
    assert obeys_kohlberg(game, share, np.abs(share - alone) < 1e-5)
    if least_core(game).epsilon_usd <= 0:
        assert share == pytest.approx(prenucleolus(game), abs=1e-6)
        assert in_core(game, share, 1e-6)


def test_more_is_tight_in_one_optimum_than_in_all():
    # The first programme has many optima; a vertex of it hits coalitions that others leave slack, so its tight ones are not held.
    worth = {"a": 0, "b": 0, "c": 0, "d": 0, "ab": 1, "cd": 1, "ac": 0.5, "ad": 0, "bc": 0, "bd": 0.2, "abc": 1, "abd": 1}
    game = Game(tuple("abcd"), {frozenset(k): float(v) for k, v in (worth | {"acd": 1.0, "bcd": 1.0, "abcd": 2.0}).items()})
    share = nucleolus(game)
    assert obeys_kohlberg(game, share, share < 1e-9)


def test_twelve_players_exactly():
    weights = [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 7]
    names = [f"p{i}" for i in range(12)]
    game = Game.tabulate(names, lambda s: float(sum(weights[int(n[1:])] for n in s) ** 2))
    # (sum w)^2 shares every product of two between both: phi_i = w_i times the sum.
    assert shapley(game) == pytest.approx([w * sum(weights) for w in weights], rel=1e-12)
    assert in_core(game, shapley(game)), "convex (Shapley 1971)"
    with pytest.raises(ModelError, match="at most 12"):
        Game.tabulate([*names, "one_more"], lambda s: 0.0)


def security_council(coalition):
    return float(sum(n.startswith("veto") for n in coalition) == 5 and len(coalition) >= 9)


def test_sampling_the_security_council():
    # Fifteen members, nine votes, five vetoes: 421/2145 and 4/2145 (Shapley and Shubik's index since 1965).
    names = [f"veto_{i}" for i in range(5)] + [f"elected_{i}" for i in range(10)]
    found = sample_shapley(names, security_council, pairs=1000, seed=7)
    exact = np.array([421 / 2145] * 5 + [4 / 2145] * 10)
    assert found.value_usd.sum() == pytest.approx(1.0, abs=1e-12)
    # 15 intervals of 95 %, not independent: at least 12 hold.
    assert (np.abs(found.value_usd - exact) <= found.half_width_usd).sum() >= 12
    assert found.value_usd[:5] == pytest.approx(exact[:5], abs=0.03)
    assert not found.seen.is_complete
    with pytest.raises(ModelError, match="all are needed"):
        shapley(found.seen)
    again = sample_shapley(names, security_council, pairs=1000, seed=7)
    assert again.value_usd.tolist() == found.value_usd.tolist()


def test_intervals_hold_as_often_as_they_say():
    generator = np.random.default_rng(5)
    game = Game.tabulate(tuple("abcdef"), lambda s: len(s) ** 1.5 + float(generator.normal()))
    exact, held = shapley(game), np.zeros(6)
    for seed in range(300):
        found = sample_shapley(game.players, game.worth, 8, seed)
        held += np.abs(found.value_usd - exact) <= found.half_width_usd
    # 1800 of 95 %; within a run they are not independent, so five standard errors of 300 draws.
    assert abs(held.sum() / 1800 - 0.95) < 5 * math.sqrt(0.05 * 0.95 / 300)


def test_the_reverse_order_makes_intervals_narrower():
    game = Game.tabulate(tuple("abcdef"), lambda s: float(len(s) ** 2))
    found = sample_shapley(game.players, game.worth, 10, 1)
    # What a player adds is linear in its place: an order and its reverse are wrong by the same in opposite directions.
    assert found.value_usd == pytest.approx([6.0] * 6)
    assert found.half_width_usd == pytest.approx([0.0] * 6, abs=1e-12)


def test_each_coalition_is_asked_for_once():
    asked = []

    def worth(coalition):
        asked.append(coalition)
        return float(len(coalition))

    sample_shapley(tuple("abcd"), worth, 30, 2)
    assert len(asked) == len(set(asked)) <= 15


def test_what_two_coalitions_gain_least_by_joining():
    game = Game.tabulate(("x", "y", "z"), lambda s: {1: 1.0, 2: 5.0, 3: 7.0}[len(s)])
    # Two that are alone gain 3, one and a pair gain 1.
    assert game.worst_joining().gain_usd == 1.0
    assert game.is_superadditive


def test_one_player():
    game = Game.tabulate(("only",), lambda s: -3.0)
    assert shapley(game).tolist() == nucleolus(game).tolist() == prenucleolus(game).tolist() == [-3.0]
    assert least_core(game).epsilon_usd == -math.inf
    assert least_core(game).share_usd.tolist() == [-3.0]
    assert in_core(game, [-3.0])
    assert not in_core(game, [0.0]), "it does not share all"
    assert game.worst_joining() is None
    assert game.is_superadditive


def test_nothing_to_share():
    game = Game.tabulate(tuple("abc"), lambda s: 0.0)
    assert shapley(game).tolist() == [0, 0, 0]
    assert nucleolus(game) == pytest.approx([0, 0, 0], abs=1e-12)
    assert least_core(game).epsilon_usd == pytest.approx(0, abs=1e-12)
    assert game.is_superadditive


def test_not_superadditive():
    # Roads congest: two fleets bring less together than apart.
    game = Game.tabulate(("x", "y", "z"), lambda s: {1: 10.0, 2: 15.0, 3: 18.0}[len(s)])
    worst = game.worst_joining()
    assert (worst.one | worst.other, worst.gain_usd) == (frozenset("xyz"), -7.0)
    assert not game.is_superadditive
    assert shapley(game) == pytest.approx([6, 6, 6])
    assert least_core(game).epsilon_usd == pytest.approx(4.0)
    with pytest.raises(ModelError, match="each alone 30"):
        nucleolus(game)
    assert prenucleolus(game) == pytest.approx([6, 6, 6])


def test_a_game_known_in_part():
    full = Game.tabulate(tuple("abc"), lambda s: {1: 0.0, 2: 8.0, 3: 9.0}[len(s)])
    part = Game(full.players, {s: w for s, w in full.worth_usd.items() if s != frozenset("bc")})
    assert least_core(part).epsilon_usd <= least_core(full).epsilon_usd == pytest.approx(2.0)
    for needs_all in (nucleolus, prenucleolus, lambda game: in_core(game, [3, 3, 3])):
        with pytest.raises(ModelError, match="all are needed"):
            needs_all(part)
    with pytest.raises(ModelError, match="not known"):
        part.worth("bc")


@pytest.mark.parametrize(
    ("players", "worth", "words"),
    [
        ((), {}, "one at least"),
        (("a", "a"), {frozenset("a"): 1.0}, "no name twice"),
        (("a",), {frozenset("b"): 1.0}, "no player"),
        (("a",), {frozenset("a"): math.nan}, "finite"),
        (("a",), {frozenset("a"): 1.0, frozenset(): 2.0}, "0 of nobody"),
        (("a", "b"), {frozenset("a"): 1.0}, "is missing"),
    ],
)
def test_games_that_are_none(players, worth, words):
    with pytest.raises(ModelError, match=words):
        Game(players, worth)
    with pytest.raises(ModelError, match="2 pairs"):
        sample_shapley(("a", "b"), len, 1, 0)
    with pytest.raises(ModelError, match="one number a player"):
        excess(glove(), [1.0])

"""Judges of lesson 11: other formulas than the lesson's, and all coalitions looked at one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from federates.games.core import objectors
from federates.games.game import Coalition, Game, coalitions, shown
from federates.games.shapley import shapley
from federates.lessons.exercise import Wrong, exercise
from federates.lessons.judging import as_array, as_function, ask, is_close

_CLAIMS, _ESTATE = (100.0, 200.0, 300.0), 200.0
_TOLERANCE_USD = 0.01


def _random_worth(seed: int, players: tuple[str, ...]) -> Callable[[Iterable[str]], float]:
    draw = np.random.default_rng(seed)
    table = {coalition: float(draw.uniform(0.0, 10.0 * len(coalition))) for coalition in coalitions(players)}
    return lambda coalition: table.get(frozenset(coalition), 0.0)


@exercise(
    "11.1",
    "hand in a function shapley_by_orders(players, worth): a list of what each player adds, on average over all orders.",
    (
        "itertools.permutations(players) has all orders.",
        "In one order a player adds worth(those before and itself) - worth(those before); worth takes a set of names.",
        "Add up by player over all orders, divide by their number, and return in the order of players.",
    ),
)
def _by_orders(answer: Any) -> str:
    function = as_function(answer, "shapley_by_orders")
    for seed, count in ((1, 2), (2, 3), (3, 4), (4, 5)):
        players = tuple("abcde"[:count])
        worth = _random_worth(seed, players)
        given = as_array(ask(function, players, worth), (count,), "what shapley_by_orders returns")
        if not is_close(float(given.sum()), worth(players)):
            raise Wrong(f"with {count} players it shares out {given.sum():.3f}, and all are worth {worth(players):.3f}.")
        # By coalitions and their weights, with no order in it.
        expected = shapley(Game.tabulate(players, worth))
        if not np.allclose(given, expected, atol=1e-6):
            raise Wrong(f"with {count} players it shares out all, but not by what each adds on average.")
    return "in four random games it is what the formula by coalitions says, too."


@exercise(
    "11.2",
    "hand in the names of the fleets, a set, that would gain most by going away if each fleet got the same.",
    (
        "A group gains by going away if it is worth more alone than the sum of what its members get.",
        "each gets game.total_usd / 3. Compare game.worth(group) with that for each of the six groups.",
    ),
)
def _objecting(answer: Any) -> str:
    from federates.lessons.material.three_fleets import three_fleets

    game = three_fleets()
    group = _names(answer, game.players)
    equal = game.total_usd / len(game.players)
    gains = {coalition: game.worth(coalition) - equal * len(coalition) for coalition in game.proper}
    if group not in gains:
        raise Wrong("all fleets together cannot go away; name one or two of them.")
    if gains[group] < max(gains.values()) - _TOLERANCE_USD:
        raise Wrong(f"{shown(group)} would gain {gains[group]:.2f} usd, and another group would gain more.")
    return f"of six groups {shown(group)} has most to gain: {gains[group]:.2f} usd."


def _names(answer: Any, players: tuple[str, ...]) -> Coalition:
    if isinstance(answer, str) or not isinstance(answer, Iterable):
        raise Wrong(f"hand in a set of names, out of {', '.join(players)}.")
    group = frozenset(map(str, answer))
    if not group or not group <= set(players):
        raise Wrong(f"name fleets out of {', '.join(players)}.")
    return group


@exercise(
    "11.3",
    "hand in a share, in the order of game.players, at which the largest objection of a group is as small as can be.",
    (
        "An objection is worth(S) - share(S). Make the largest of them as small as possible: least_core does that.",
        "from federates.games.core import least_core; its share_usd is one such share, epsilon_usd the largest objection.",
    ),
)
def _least_objection(answer: Any) -> str:
    from federates.lessons.material.three_fleets import three_fleets

    game = three_fleets()
    share = as_array(answer, (3,), "the share")
    if abs(float(share.sum()) - game.total_usd) > _TOLERANCE_USD:
        raise Wrong(f"you share out {share.sum():.2f} usd, and all are worth {game.total_usd:.2f} usd together.")
    place = {name: i for i, name in enumerate(game.players)}
    largest = max(game.worth(group) - sum(share[place[name]] for name in group) for group in game.proper)
    # Of three players the groups of one, and of two, each balance: no share does better than these averages (Bondareva, Shapley).
    one = {group: game.worth(group) for group in game.proper if len(group) == 1}
    two = {group: game.worth(group) for group in game.proper if len(group) == 2}
    bounds = [(sum(one.values()) - game.total_usd) / 3, (sum(two.values()) - 2 * game.total_usd) / 3]
    bounds += [(worth + one[frozenset(game.players) - group] - game.total_usd) / 2 for group, worth in two.items()]
    least = max(bounds)
    if largest > least + _TOLERANCE_USD:
        who = next(iter(objectors(game, share, least)), None)
        raise Wrong(
            f"{'' if who is None else shown(who) + ' objects by more than need be: '}{largest:.2f} usd, and it can be less."
        )
    end = "above 0, so some group always goes." if least > 0 else "below 0, so no group goes."
    return f"no share makes the largest objection smaller than {least:.2f} usd: {end}"


@exercise(
    "11.4",
    "hand in what creditors with claims of 100, 200 and 300 get of an estate of 200: the nucleolus.",
    (
        "What is a group of creditors worth? What is left of the estate when all others have been paid, but never below 0.",
        "Game.tabulate(names, worth) makes the game, nucleolus(game) its nucleolus.",
        "The Talmud shares so that any two creditors divide what both have as if they were alone.",
    ),
)
def _talmud(answer: Any) -> str:
    share = as_array(answer, (3,), "the share")
    if not is_close(float(share.sum()), _ESTATE, 1e-6):
        raise Wrong(f"you give {share.sum():g}, and there are {_ESTATE:g}.")
    for i in range(3):
        for j in range(i + 1, 3):
            # Contested garment: each concedes what it does not claim; what both claim is halved (Aumann and Maschler 1985).
            amount = share[i] + share[j]
            conceded_to_i, conceded_to_j = max(0.0, amount - _CLAIMS[j]), max(0.0, amount - _CLAIMS[i])
            fair = conceded_to_i + (amount - conceded_to_i - conceded_to_j) / 2
            if abs(fair - share[i]) > 1e-4 * _ESTATE:
                raise Wrong(
                    f"the creditors of {_CLAIMS[i]:g} and {_CLAIMS[j]:g} have {amount:g} together and would share that otherwise."
                )
    return "every two share what they have together as the Talmud shares a garment that both hold."

"""The game of a day's company fleets: v(S), the Shapley value, least core, nucleolus, payments, and what they say."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from federates.coalition.days import CoalitionDays, DayCosts
from federates.games.core import LeastCore, least_core, objectors
from federates.games.game import Coalition, Game, shown
from federates.games.nucleolus import nucleolus, prenucleolus
from federates.games.shapley import SampledShapley, sample_shapley, shapley

MOST_EXACT = 6
"""Fleets of which every coalition's day is run: 64 days."""
PAIRS = 10
"""Pairs of orders by default where days are sampled."""


@dataclass(frozen=True)
class Share:
    """What one fleet gets, usd; None: not known from a sample."""

    alone_usd: float | None
    shapley_usd: float
    half_width_usd: float
    """Of the Shapley value's confidence interval; 0 where every coalition was asked for."""
    nucleolus_usd: float | None
    own_cost_usd: float
    """Of the day with all, above that of the day in which nothing is moved: what a payment must cover before a share is left."""
    paid_usd: float | None
    """Rewards less tolls at the settled prices of that day; None: the world's schedule has none."""

    @property
    def shapley_payment_usd(self) -> float:
        """Return what the fleet must be paid so that its Shapley value is left."""
        return self.shapley_usd + self.own_cost_usd

    @property
    def nucleolus_payment_usd(self) -> float | None:
        """Return what the fleet must be paid so that its part of the nucleolus is left."""
        return None if self.nucleolus_usd is None else self.nucleolus_usd + self.own_cost_usd


@dataclass(frozen=True)
class Study:
    """What came out. Where the game is sampled, ``game`` has the coalitions that occurred, and ``sample`` is the estimate."""

    game: Game
    days: Mapping[Coalition, DayCosts]
    """Of every coalition of the game, and of nobody."""
    idle: DayCosts | None
    shares: Mapping[str, Share]
    least: LeastCore
    is_prenucleolus: bool
    """Whether no share gives every fleet what it is worth alone, so that the nucleolus is the one without this condition."""
    sample: SampledShapley | None

    @property
    def slack_usd(self) -> float | None:
        """Return how far a worth may be off: the largest slack of a day, plus that of the day with none of the fleets.

        None: not known, for nothing is proven of a negotiation of one of these days.
        """
        slack = {fleets: day.slack_usd for fleets, day in self.days.items()}
        known = {fleets: usd for fleets, usd in slack.items() if usd is not None}
        if len(known) < len(slack):
            return None
        return max(known[s] for s in self.game.worth_usd if s) + known[frozenset()]

    @property
    def is_stable(self) -> bool | None:
        """Return whether the core is not empty, by the worths as they are; None: a sample cannot tell."""
        if self.least.epsilon_usd > self.game.tolerance_usd:
            return False
        return True if self.game.is_complete else None

    @property
    def sentences(self) -> list[str]:
        """Return what came out: whether all stay together, whether joining pays, what the Shapley value leaves open."""
        found = [_stability(self), _joining(self)]
        return found if len(self.game.players) == 1 else [*found, *_shapley(self), *_room(self)]


def make_study(days: CoalitionDays, fleets: Sequence[str], pairs: int | None, seed: int, level: float) -> Study:
    """Run the days that are needed and return the study.

    Parameters
    ----------
    pairs : pairs of random orders to sample; None: every coalition is asked for, up to `MOST_EXACT` fleets, and `PAIRS` above.

    Raises
    ------
    PortageError : a day cannot be run.
    ModelError : fewer than 2 pairs, or a level outside (0, 1).
    """
    sample = None
    if pairs is None and len(fleets) <= MOST_EXACT:
        game = Game.tabulate(fleets, days.worth)
        value = [float(usd) for usd in shapley(game)]
    else:
        sample = sample_shapley(fleets, days.worth, PAIRS if pairs is None else pairs, seed, level)
        game = sample.seen
        # Where the orders have shown every coalition, nothing is left to estimate.
        value = [float(usd) for usd in (shapley(game) if game.is_complete else sample.value_usd)]
    is_pre = game.is_complete and sum(game.worth({n}) for n in fleets) > game.total_usd + game.tolerance_usd
    central = ([float(usd) for usd in (prenucleolus if is_pre else nucleolus)(game)]) if game.is_complete else None
    together, idle = days.day(frozenset(fleets)), days.idle()
    without = {} if idle is None else idle.cost_usd
    shares = {
        name: Share(
            alone_usd=game.worth({name}) if frozenset({name}) in game.worth_usd else None,
            shapley_usd=value[i],
            half_width_usd=0.0 if sample is None or game.is_complete else float(sample.half_width_usd[i]),
            nucleolus_usd=None if central is None else central[i],
            own_cost_usd=together.cost_usd.get(name, 0.0) - without.get(name, 0.0),
            paid_usd=together.paid_usd.get(name),
        )
        for i, name in enumerate(fleets)
    }
    known = {coalition: days.day(coalition) for coalition in (frozenset[str](), *game.worth_usd)}
    return Study(game, known, idle, shares, least_core(game), is_pre, sample)


def _stability(study: Study) -> str:
    everybody, epsilon = shown(study.game.players), study.least.epsilon_usd
    if len(study.game.players) == 1:
        return f"There is one company fleet, {everybody}: nobody to form a coalition with, and all that it adds is its own."
    unsure = _unsure(study, epsilon)
    if study.is_stable:
        return (
            f"The grand coalition {everybody} is stable: shares exist with which no coalition would gain by going away; "
            f"the least-core epsilon is {epsilon:.2f} usd{unsure}."
        )
    if study.is_stable is None:
        return (
            f"Of the coalitions that were sampled none must gain by leaving {everybody} (least-core epsilon {epsilon:.2f} usd); "
            "whether it is stable cannot be told without the others."
        )
    return (
        f"The grand coalition {everybody} is not stable: whatever the shares, some coalition would gain {epsilon:.2f} usd or "
        f"more by going away{unsure}."
    )


def _unsure(study: Study, usd: float) -> str:
    """Return what to say of an amount whose sign the plans' distance from the best could turn; empty if it could not."""
    if study.slack_usd is None:
        return " (by how much the plans may miss the best is not known)"
    if abs(usd) > study.slack_usd:
        return ""
    return f" (less than the {study.slack_usd:.2f} usd by which the plans may miss the best)"


def _joining(study: Study) -> str:
    worst = study.game.worst_joining()
    if worst is None:
        return "There is nothing to join, so the game is superadditive."
    unsure = _unsure(study, worst.gain_usd)
    if study.game.is_superadditive:
        seen = "" if study.game.is_complete else " as far as it was sampled"
        return (
            f"The game is superadditive{seen}: no two coalitions save less together than apart; {shown(worst.one)} and "
            f"{shown(worst.other)} gain least by joining, {worst.gain_usd:.2f} usd{unsure}."
        )
    return (
        f"The game is not superadditive: {shown(worst.one)} and {shown(worst.other)} save {-worst.gain_usd:.2f} usd less "
        f"together than apart{unsure}; fleets that meet the same needs, or fill the same roads and stations, do."
    )


def _shapley(study: Study) -> list[str]:
    value = [share.shapley_usd for share in study.shares.values()]
    against = objectors(study.game, value)
    if not against:
        inside = "is in the core" if study.game.is_complete else "leaves no sampled coalition anything to gain by going away"
        return [f"The Shapley value {inside}."]
    who, gain = next(iter(against.items()))
    return [f"The Shapley value is not in the core: with it {shown(who)} would gain {gain:.2f} usd by going away."]


def _room(study: Study) -> list[str]:
    found = []
    if study.is_prenucleolus:
        found.append("Together the fleets are worth less than each alone in all, so the nucleolus is the prenucleolus.")
    if study.sample is not None and not study.game.is_complete:
        known = sum(1 for coalition in study.game.worth_usd if coalition)
        found.append(
            f"Sampled: {study.sample.pairs} pairs of orders, {known} of {2 ** len(study.game.players) - 1} coalitions; intervals "
            f"of {100 * study.sample.level:g} % for each fleet by itself (Student, of the pairs' means)."
        )
    held = sum(day.negotiations for day in study.days.values())
    agreed = sum(day.agreed for day in study.days.values())
    if agreed < held:
        found.append(f"{held - agreed} of {held} negotiations of these days did not end in agreement.")
    if study.slack_usd is None:
        open_ = sum(1 for day in study.days.values() if day.slack_usd is None)
        found.append(
            f"How far a worth may be off is not known: in {open_} of {len(study.days)} days there is a negotiation of which "
            "nothing is proven."
        )
    elif math.isfinite(study.least.epsilon_usd) and study.slack_usd > 0:
        words = "what the negotiations' gaps leave open, and room in whole vehicles that goes empty"
        found.append(f"A worth is known to about {study.slack_usd:.2f} usd: {words}.")
    return found

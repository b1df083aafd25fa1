"""The search for the rewards that are best for leaders, given how followers answer: by a model, and by what then really comes.

Rewards of the model's choice are posted; where leaders then pay less in all than before, they stay, else the model, which has
learned, chooses again nearer to the last ones (a trust region; Conn, Gould and Toint, "Trust-Region Methods", 2000). Before, all
rewards rise or fall together: followers that choose between entries then accept much less more or less than by one alone. Then
the least rewards are sought for all that followers are known to do (`followers`), and so on until neither helps. Leaders act
together, or in turn: each answers the others' rewards by its best ones, until nobody moves (diagonalisation, the Gauss-Seidel
iteration of best responses; Hu and Ralph, "Using EPECs to Model Bilevel Games in Restructured Electricity Markets with Locational
Prices", Operations Research 55(5), 2007). Such an iteration need not converge, and then says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from federates.boundary.canonical import to_grid
from federates.boundary.layout import Layout
from federates.boundary.messages import Answer, Array
from federates.boundary.negotiation import Rounds
from federates.coordinator.algorithms.followers import Own
from federates.coordinator.algorithms.leader_model import Proposal, Worth
from federates.coordinator.algorithms.posting import Entries, Posting, Posts

_SHRINK = 0.5
_GOOD_SHARE = 0.25
"""A step whose gain is less than this share of what the model promised narrows the search."""
_GAIN = 1e-5
"""Least gain of a step, as a share of what is paid and saved."""
_DOUBT = 0.1
"""Leaders are asked what a proposal is worth where the model does not know it to within this share of the gain."""
_QUESTIONS = 2
_DECIMALS = 6
_STEP, _MOST_STEPS = 0.1, 3.0
"""First share by which all rewards rise or fall, and how far they then move at most, in steps."""
_PROMISING = 8
"""Known plans for which the least rewards are worked out, the most promising ones."""
_REPEATS = 10
"""Most changes between both kinds of steps."""


class Found(NamedTuple):
    """The rewards in the end, whether the search came to rest, and how it ended, in words."""

    posting: Posting
    settled: bool
    words: str
    turns: int


class BestResponse:
    """Searches of one negotiation.

    Parameters
    ----------
    posts : where rewards are posted.
    alone : answers where nothing is exchanged.
    tolerance : change of a reward, as a share of a usual one, that is none.
    most : rounds after which a search ends.
    tries : how often least rewards for known plans are tried in a row.
    """

    def __init__(self, posts: Posts, alone: Mapping[str, Answer], tolerance: float, most: int, tries: int) -> None:
        self._posts, self._alone, self._tolerance, self._most, self._tries = posts, alone, tolerance, most, tries

    def together(self, start: Posting) -> Rounds[Found]:
        """Return the rewards that are best for all leaders as one."""
        best, rests = yield from self._respond(start, self._posts.leaders)
        if self._over:
            return Found(best, False, self._limit, 1)
        words = "the search finds no better rewards for the leaders" if rests else f"still better after {_REPEATS} searches"
        return Found(best, rests, words, 1)

    def in_turn(self, start: Posting, most_turns: int) -> Rounds[Found]:
        """Return rewards at which every leader has answered the others' by its best, if there are any."""
        best, posts, moved = start, self._posts, np.inf
        for turn in range(1, most_turns + 1):
            before = best.prices
            for leader in posts.leaders:
                best, _ = yield from self._respond(best, (leader,))  # who has not come to rest moves in the next turn
                if self._over:
                    return Found(best, False, self._limit, turn)
            moved = float((np.abs(best.prices - before) / posts.scale)[posts.rewarded].max(initial=0.0))
            if moved <= self._tolerance:
                return Found(best, True, f"no leader moves after {turn} turns", turn)
        return Found(best, False, f"not converging: a reward still moves by {moved:.1%} after {most_turns} turns", most_turns)

    @property
    def _over(self) -> bool:
        return self._posts.rounds >= self._most

    @property
    def _limit(self) -> str:
        return f"not settled in {self._most} rounds (max_rounds)"

    def _respond(self, best: Posting, players: Sequence[str]) -> Rounds[tuple[Posting, bool]]:
        """Return the best rewards of ``players``, others as in ``best``; and whether the last search changed none."""
        posts = self._posts
        entries = np.unique(np.concatenate([posts.entries[leader] for leader in players]))
        for _ in range(_REPEATS):
            before = best
            best = yield from self._scaled(best, players, entries)
            best = yield from self._climb(best, players, entries)
            best = yield from self._revealed(best, players, entries)
            if best is before or self._over:
                break
        return best, best is before

    def _scaled(self, best: Posting, players: Sequence[str], entries: Entries) -> Rounds[Posting]:
        """Return better rewards, if there are, that are the last ones times one number: successive parabolic interpolation."""
        layout, step = self._posts.problem.layout, _STEP if best.prices[entries].any() else 0.0
        while step >= self._tolerance and not self._over:
            tried = [best]
            for share in (1.0 - step, 1.0 + step):
                tried.append((yield from self._post_scaled(best, players, entries, share)))
            usd = [total_usd(layout, posting, players) for posting in tried]
            bend = usd[1] + usd[2] - 2.0 * usd[0]
            move = step * (usd[1] - usd[2]) / (2.0 * bend) if bend > 0.0 else 2.0 * step * (1.0 if usd[2] < usd[1] else -1.0)
            move = min(max(move, -_MOST_STEPS * step), _MOST_STEPS * step)
            if abs(move) > self._tolerance / 2.0:
                tried.append((yield from self._post_scaled(best, players, entries, 1.0 + move)))
                usd.append(total_usd(layout, tried[-1], players))
            last, best = best, tried[int(np.argmin(usd))]
            gain_usd = usd[0] - min(usd)
            if best is last or gain_usd <= _GAIN * self._at_stake_usd(best, players):
                break
            step = min(_STEP, max(abs(move) / 2.0, 2.0 * self._tolerance))
        return best

    def _post_scaled(self, best: Posting, players: Sequence[str], entries: Entries, share: float) -> Rounds[Posting]:
        prices, accepted = best.prices.copy(), np.zeros(best.prices.size)
        prices[entries] = to_grid(prices[entries] * share, _DECIMALS)
        for entry, curve in self._posts.curves(entries, prices).items():
            accepted[entry] = curve.at(prices[entry])
        proposal = Proposal(prices, accepted, np.minimum(accepted, best.most), np.nan)
        return (yield from self._posts.post(best, proposal, entries, {leader: best.plan[leader] for leader in players}))

    def _revealed(self, best: Posting, players: Sequence[str], entries: Entries) -> Rounds[Posting]:
        """Return better rewards, if there are, among the least ones for what followers are known to do."""
        posts, layout = self._posts, self._posts.problem.layout
        for _ in range(self._tries):
            found = self._best_revealed(best, players, entries)
            least_gain_usd = _GAIN * self._at_stake_usd(best, players)
            if found is None or self._over or total_usd(layout, best, players) - found[0].usd <= least_gain_usd:
                break
            new = yield from posts.post(best, found[0], entries, found[1])
            if total_usd(layout, new, players) < total_usd(layout, best, players):
                best = new
        return best

    def _best_revealed(self, best: Posting, players: Sequence[str], entries: Entries) -> tuple[Proposal, dict[str, Array]] | None:
        """Return which of all that followers have done together is the best for leaders, at the least rewards for it."""
        posts = self._posts
        found: tuple[Proposal, dict[str, Array]] | None = None
        layout, learned = posts.problem.layout, posts.learned
        free = np.concatenate([entries, learned.tolled])
        for own in (best.own, *self._promising(best, players)):
            accepted = layout.offered({**best.plan, **{agent: each.copy for agent, each in own.items()}})
            worth = posts.model.worth(players, entries, accepted)
            used = np.minimum(worth.used, accepted)
            if found is not None and worth.most_usd >= found[0].usd:
                continue  # no reward makes it better
            prices = learned.least_prices(best.prices, own, used, free, posts.scale)
            if prices is None:
                continue
            usd = worth.most_usd + float((prices * used)[entries].sum())
            if found is None or usd < found[0].usd:
                found = Proposal(prices, accepted, used, usd), worth.wanted
        return found

    def _promising(self, best: Posting, players: Sequence[str]) -> list[dict[str, Own]]:
        """Return what followers have done together that may be best: by leaders' planes, and paid no more than its cost."""
        layout, rounds = self._posts.problem.layout, self._posts.learned.rounds()
        offered = [layout.offered({**best.plan, **{agent: each.copy for agent, each in own.items()}}) for own in rounds]
        cost_usd = [sum(each.cost_usd for each in own.values()) for own in rounds]
        order = np.argsort(self._posts.model.least_usd(players, np.array(offered)) + np.array(cost_usd), kind="stable")
        return [rounds[number] for number in order[:_PROMISING]]

    def _climb(self, best: Posting, players: Sequence[str], entries: Entries) -> Rounds[Posting]:
        """Return rewards near which the model knows no better ones."""
        posts, span = self._posts, 1.0
        while span >= self._tolerance and not self._over:
            usd = total_usd(posts.problem.layout, best, players)
            least_gain_usd = _GAIN * self._at_stake_usd(best, players)
            proposal, worth = yield from self._proposed(best, players, entries, span, least_gain_usd)
            promised_usd = usd - proposal.usd
            if promised_usd <= least_gain_usd:
                span *= _SHRINK
                continue
            new = yield from posts.post(best, proposal, entries, worth.wanted)
            gain_usd = usd - total_usd(posts.problem.layout, new, players)
            if gain_usd > 0.0:
                best = new
            if gain_usd < _GOOD_SHARE * promised_usd:
                span *= _SHRINK
        return best

    def _proposed(
        self, best: Posting, players: Sequence[str], entries: Entries, span: float, least_gain_usd: float
    ) -> Rounds[tuple[Proposal, Worth]]:
        """Return the model's choice; where it does not know its worth, the leaders are asked, and it chooses again."""
        posts = self._posts
        usd = total_usd(posts.problem.layout, best, players)
        for left in reversed(range(_QUESTIONS + 1)):
            curves = posts.curves(entries, best.prices)
            choices = [curves[entry].near(best.prices[entry], span * posts.scale[entry]) for entry in entries]
            proposal = posts.model.propose(best.prices, players, entries, choices)
            worth = posts.model.worth(players, entries, proposal.used)
            doubt_usd = worth.most_usd - worth.least_usd
            if not left or self._over or doubt_usd <= max(least_gain_usd, _DOUBT * (usd - proposal.usd)):
                break
            yield posts.problem.ask(np.maximum(proposal.prices, worth.marginal))
        return proposal, worth

    def _at_stake_usd(self, posting: Posting, players: Sequence[str]) -> float:
        layout = self._posts.problem.layout
        paid = sum(abs(layout.price_of(agent, posting.plan[agent], posting.prices)) for agent in players)
        saved = sum(self._alone[agent].cost_usd - posting.answers[agent].cost_usd for agent in players)
        return paid + abs(saved)


def total_usd(layout: Layout, posting: Posting, agents: Sequence[str]) -> float:
    """Return the own cost of ``agents`` and what they pay (less what they are paid), usd."""
    return sum(posting.answers[agent].cost_usd + layout.price_of(agent, posting.plan[agent], posting.prices) for agent in agents)

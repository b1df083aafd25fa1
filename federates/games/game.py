"""Games with transferable utility: what each coalition of players is worth together, usd.

A game has players and a characteristic function v with v(nobody) = 0 (von Neumann and Morgenstern, 1944). A coalition is a
frozen set of names, or a *mask*: bit i is set where player i is in. A game may know some coalitions only; what needs all says
so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from federates.boundary.errors import ModelError
from federates.lp.arithmetic import Array

MOST_PLAYERS = 12
"""Players of a game of which every coalition is known: 4096 coalitions."""
TOLERANCE = 1e-9
"""Of comparisons of worths, as a share of the largest."""
Coalition: TypeAlias = frozenset[str]
Worth: TypeAlias = Callable[[Coalition], float]
"""Characteristic function. It is not asked what nobody is worth."""


class Joining(NamedTuple):
    """Two disjoint coalitions, and by how much they are worth more together than apart, usd: v(S + T) - v(S) - v(T)."""

    one: Coalition
    other: Coalition
    gain_usd: float


@dataclass(frozen=True)
class Game:
    """Players, and what coalitions are worth: ``worth_usd`` has those that are known, the grand coalition among them.

    Raises
    ------
    ModelError : no player, a name twice, a coalition of strangers, a worth that is not finite, nobody worth anything, or the
    grand
        coalition is missing.
    """

    players: tuple[str, ...]
    worth_usd: Mapping[Coalition, float]

    def __post_init__(self) -> None:
        if not self.players or len(set(self.players)) < len(self.players):
            raise ModelError(f"players {', '.join(self.players) or 'none'}: there must be one at least, and no name twice")
        everybody = frozenset(self.players)
        for coalition, worth in self.worth_usd.items():
            if not coalition <= everybody:
                raise ModelError(f"{shown(coalition)}: {shown(coalition - everybody)} is no player")
            if not np.isfinite(worth) or (not coalition and worth != 0):
                raise ModelError(f"{shown(coalition)}: worth {worth} usd: must be finite, and 0 of nobody")
        if everybody not in self.worth_usd:
            raise ModelError(f"what all are worth together is missing: {shown(everybody)}")

    @classmethod
    def tabulate(cls, players: Iterable[str], worth: Worth) -> Game:
        """Return the game whose every coalition is asked for, the small ones first.

        Raises
        ------
        ModelError : there are more than `MOST_PLAYERS`, or what `Game` refuses.
        """
        names = tuple(players)
        if len(names) > MOST_PLAYERS:
            raise ModelError(f"{len(names)} players: at most {MOST_PLAYERS}, for every coalition is asked for; sample instead")
        return cls(names, {coalition: float(worth(coalition)) for coalition in coalitions(names)})

    def worth(self, coalition: Iterable[str]) -> float:
        """Return what a coalition is worth, usd; raise `ModelError` if that is not known."""
        found = frozenset(coalition)
        if found and found not in self.worth_usd:
            raise ModelError(f"{shown(found)}: its worth is not known")
        return self.worth_usd.get(found, 0.0)

    @property
    def total_usd(self) -> float:
        """Return what all are worth together."""
        return self.worth_usd[frozenset(self.players)]

    @property
    def is_complete(self) -> bool:
        """Return whether every coalition's worth is known."""
        return len(self.proper) == (1 << len(self.players)) - 2

    @cached_property
    def proper(self) -> tuple[Coalition, ...]:
        """Return the known coalitions but nobody and all, by size and then in the players' order."""
        place = {name: i for i, name in enumerate(self.players)}
        found = [coalition for coalition in self.worth_usd if 0 < len(coalition) < len(self.players)]
        return tuple(sorted(found, key=lambda coalition: (len(coalition), sorted(place[name] for name in coalition))))

    @cached_property
    def membership(self) -> Array:
        """Return who is in the proper coalitions, (K, n): 1 where a player is in."""
        rows = [[float(name in coalition) for name in self.players] for coalition in self.proper]
        return np.array(rows).reshape(len(self.proper), len(self.players))

    @cached_property
    def proper_worth(self) -> Array:
        """Return the worth of the proper coalitions, (K,), usd."""
        return np.array([self.worth_usd[coalition] for coalition in self.proper])

    @cached_property
    def by_mask(self) -> Array:
        """Return the worth of every coalition by its mask, (2^n,), usd; raise `ModelError` if one is not known."""
        if not self.is_complete:
            raise ModelError(
                f"only {len(self.proper)} of {2 ** len(self.players) - 2} proper coalitions are known: all are needed"
            )
        bit = {name: 1 << i for i, name in enumerate(self.players)}
        worth = np.zeros(2 ** len(self.players))
        for coalition, value in self.worth_usd.items():
            worth[sum(bit[name] for name in coalition)] = value
        return worth

    @property
    def tolerance_usd(self) -> float:
        """Return the difference below which two worths are the same: `TOLERANCE` of the largest, usd."""
        return TOLERANCE * max((abs(worth) for worth in self.worth_usd.values()), default=0.0)

    def worst_joining(self) -> Joining | None:
        """Return the two coalitions that gain least, or lose most, when they join; None: no two are known together and apart."""
        worst: Joining | None = None
        for one, other in self._disjoint():
            gain = self.worth_usd[one | other] - self.worth_usd[one] - self.worth_usd[other]
            if worst is None or gain < worst.gain_usd - self.tolerance_usd:
                worst = Joining(one, other, gain)
        return worst

    @property
    def is_superadditive(self) -> bool:
        """Return whether no two coalitions that are known lose when they join."""
        worst = self.worst_joining()
        return worst is None or worst.gain_usd >= -self.tolerance_usd

    def _disjoint(self) -> Iterable[tuple[Coalition, Coalition]]:
        """Yield every two disjoint coalitions that are known together and apart, once."""
        if self.is_complete:
            for together in (*self.proper, frozenset(self.players)):
                yield from _parts(together, self.players)
            return
        for one, other in combinations(self.proper, 2):
            if not one & other and one | other in self.worth_usd:
                yield one, other


def coalitions(players: tuple[str, ...]) -> tuple[Coalition, ...]:
    """Return all coalitions but nobody, by size and then in the players' order."""
    return tuple(frozenset(found) for size in range(1, len(players) + 1) for found in combinations(players, size))


def masks(count: int) -> NDArray[np.int64]:
    """Return all masks of ``count`` players, (2^count,)."""
    return np.arange(2**count, dtype=np.int64)


def shown(coalition: Iterable[str]) -> str:
    """Return a coalition in words."""
    return "{" + ", ".join(sorted(coalition)) + "}"


def _parts(together: Coalition, players: tuple[str, ...]) -> Iterable[tuple[Coalition, Coalition]]:
    """Yield every way to part a coalition in two, each once: the first player is always in the second part."""
    inside = [name for name in players if name in together]
    for size in range(1, len(inside)):
        for one in combinations(inside[1:], size):
            yield frozenset(one), together - frozenset(one)

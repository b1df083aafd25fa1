"""A world that Portage does not know: buyers and sellers of goods, any number of each, agree on quantities.

Costs are quadratic, so the price at which all agree is known in closed form. All that another world needs is here: its public
agreement, its exchange, its world object, and classes of agents.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from federates.boundary.bound_kinds import BoundKind
from federates.boundary.config import Config
from federates.boundary.exchange import Exchange
from federates.boundary.messages import Answer
from federates.boundary.roles import Operator
from federates.boundary.session import Identifier, Session
from federates.boundary.world import World


class MarketSession(Session):
    """Public agreement: which goods there are."""

    roles: ClassVar[tuple[str, ...]] = ("coordinator", "buyer", "seller")
    many: ClassVar[tuple[str, ...]] = ("buyer", "seller")

    world: Literal["market"]
    goods: Annotated[tuple[Identifier, ...], Field(min_length=1)]

    def index_names(self, letter):
        return self.goods if letter == "G" else None

    def sizes(self, period=0):
        return {"G": len(self.goods), "H": 1}


class MarketWorld(World):
    """Every period is a market of its own."""

    def committed_rows(self, session, period, committed):
        goods, sold = list(session.goods), committed.total["trade"][:, 0].tolist()
        return {"trades": {"period": [period] * len(goods), "good": goods, "sold": sold}}


WORLD = MarketWorld(
    "market",
    MarketSession,
    (Exchange("trade", "kWh", ("G", "H"), asks=("buyer",), offers=("seller",), meaning="Amount of a good that is traded."),),
    letters={"G": "goods", "H": "one period"},
    package="market_world",
    costs={"traded": ("cost_usd",)},
)


class TraderSettings(Config):
    price_usd_per_kwh: float = 10.0
    """Of the first unit: what it is worth to a buyer, or costs a seller."""
    slope_usd_per_kwh2: float = 1.0
    """By how much less each further unit is worth, or more it costs."""


class _Trader(Operator):
    """``sign`` 1 asks and -1 offers; own cost is -sign p z + s z^2 / 2."""

    Settings = TraderSettings
    worlds = ("market",)
    sign: ClassVar[float]

    def begin(self, session, recorder):
        self.recorder = recorder

    def open_period(self, period, observation):
        self.period = period

    def solve(self, prices, openings):
        s = self.settings
        z = np.maximum(self.sign * (s.price_usd_per_kwh - prices["trade"]) / s.slope_usd_per_kwh2, 0.0)
        cost = self._cost(z)
        return Answer({"trade": z}, cost, cost + self.sign * float((prices["trade"] * z).sum()), None, BoundKind.EXACT)

    def evaluate(self, given, openings):
        z = (
            given["trade"].copy()
            if self.sign < 0
            else np.minimum(given["trade"], self.solve({"trade": 0 * given["trade"]}, {}).quantities["trade"])
        )
        return Answer({"trade": z}, self._cost(z), self._cost(z), None, BoundKind.EXACT)

    def commit(self, given):
        self.recorder.record(
            "traded", period=self.period, amount=float(given["trade"].sum()), cost_usd=self._cost(given["trade"])
        )

    def _cost(self, z):
        s = self.settings
        return float((-self.sign * s.price_usd_per_kwh * z + 0.5 * s.slope_usd_per_kwh2 * z**2).sum())


class Buyer(_Trader):
    sign = 1.0


class Seller(_Trader):
    sign = -1.0

"""What the checks of its agents must know of the market: a small session, what may be asked, traders with a known optimum."""

from __future__ import annotations

import numpy as np

from federates.boundary.session import Agent
from federates.conformance.kit import Scripted, Stage, WorldKit
from market_world import MarketSession


class _MarketStage(Stage):
    """Nobody opens a period by a message, and any amount may be asked for."""

    def openings(self, period, plan):
        return {}

    def modest(self, period):
        return {"trade": np.full((len(self.session.goods), 1), 1.5)}

    def trials(self, period):
        return [(f"{size} kWh of each good", {"trade": np.full((len(self.session.goods), 1), size)}) for size in (3.0, 8.0, 20.0)]

    def impossible(self, period):
        return [("a million kWh of each good", {"trade": np.full((len(self.session.goods), 1), 1e6)})]

    def wanted(self, period, answered):
        return self.modest(period) if answered is None else {"trade": np.maximum(answered["trade"], 0.0)}


class _Traders(Scripted):
    """Own cost of an amount z is -p z + b z^2 / 2 of who buys, and p z + b z^2 / 2 of who sells; p and b differ by trader."""

    @property
    def openings(self):
        return {}

    def _curve(self, agent):
        """Return p and b, and whether the agent buys."""
        number, buys = self.layout.agents.index(agent), self.asks(agent)
        return (30.0 if buys else 6.0) + number, 1.0 + 0.25 * number, buys

    def _costs(self, agent, z):
        p, b, buys = self._curve(agent)
        return (-p if buys else p) * z + 0.5 * b * z**2

    def best(self, agent, prices):
        p, b, buys = self._curve(agent)
        z = np.maximum(((p - prices) if buys else (prices - p)) / b, 0.0)
        if self.stubborn and not buys:
            z = np.zeros_like(z)
        return z, self._costs(agent, z)

    def can(self, agent, given):
        p, b, buys = self._curve(agent)
        most = p / b if buys else 0.0 if self.stubborn else np.inf
        z = np.minimum(given, most)
        return z, self._costs(agent, z), None

    def optimum_usd(self):
        """Demand is supply: sum (p - price) / b of who buys = sum (price - p) / b of who sells, for each good alike."""
        curves = {agent: self._curve(agent) for agent in self.layout.agents}
        if self.stubborn:
            return 0.0
        price = sum(p / b for p, b, _ in curves.values()) / sum(1 / b for _, b, _ in curves.values())
        return float(sum(self.best(agent, np.full(self.layout.size, price))[1].sum() for agent in curves))

    def following(self, plan, *, late=False):
        return _Traders(self.session, self.period + 1, stubborn=self.stubborn), False


class MarketKit(WorldKit):
    thing = "amount"

    def session(self):
        agents = [Agent(name=name, role=name.split("_")[0]) for name in ("buyer_0", "buyer_1", "seller_0", "seller_1")]
        agents.append(Agent(name="coordinator", role="coordinator"))
        return MarketSession(
            schema_version=1, world="market", name="small_market", periods=4, goods=("bread", "milk"), agents=tuple(agents)
        )

    def stage(self, session, role):
        return _MarketStage(session, role)

    def scripted(self, session, *, stubborn=False):
        return _Traders(session, stubborn=stubborn)


KIT = MarketKit()

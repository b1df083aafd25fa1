"""Buyers and sellers of the market world whose best posted price is known in closed form."""

import numpy as np
from market_world import Buyer, Seller

from federates.boundary.bound_kinds import BoundKind
from federates.boundary.config import Config
from federates.boundary.messages import Answer
from federates.boundary.roles import Operator

_TINY = 1e-15


class LinearBuyerSettings(Config):
    worth_usd_per_kwh: float = 1.0
    most_kwh: float = 10.0


class LinearBuyer(Buyer):
    """Every unit is worth the same."""

    Settings = LinearBuyerSettings

    def solve(self, prices, openings):
        s, price = self.settings, prices["trade"]
        z = np.where(price < s.worth_usd_per_kwh, s.most_kwh, 0.0)
        cost = self._cost(z)
        return Answer({"trade": z}, cost, cost + float((price * z).sum()), None, BoundKind.EXACT)

    def evaluate(self, given, openings):
        z = np.minimum(given["trade"], self.settings.most_kwh)
        return Answer({"trade": z}, self._cost(z), self._cost(z), None, BoundKind.EXACT)

    def _cost(self, z):
        return float(-(self.settings.worth_usd_per_kwh * z).sum())


class UniformSeller(Seller):
    """Thresholds of its drivers are uniform on [0, 1]: at reward r so many accept."""

    def solve(self, prices, openings):
        z = np.clip(prices["trade"], 0.0, 1.0)
        cost = self._cost(z)
        return Answer({"trade": z}, cost, cost - float((prices["trade"] * z).sum()), None, BoundKind.EXACT)

    def evaluate(self, given, openings):
        z = np.minimum(given["trade"], 1.0)
        return Answer({"trade": z}, self._cost(z), self._cost(z), None, BoundKind.EXACT)

    def _cost(self, z):
        return float((z**2).sum() / 2)


class LogitSellerSettings(Config):
    beta: float = 1.0
    threshold_usd_per_kwh: float = 3.0


class LogitSeller(Operator):
    """Its drivers accept by a logit: the entropy is the cost whose best answer that is."""

    Settings = LogitSellerSettings
    worlds = ("market",)

    def begin(self, session, recorder):
        pass

    def open_period(self, period, observation):
        pass

    def solve(self, prices, openings):
        s = self.settings
        z = 1.0 / (1.0 + np.exp(-s.beta * (prices["trade"] - s.threshold_usd_per_kwh)))
        cost = self._cost(z)
        return Answer({"trade": z}, cost, cost - float((prices["trade"] * z).sum()), None, BoundKind.EXACT)

    def evaluate(self, given, openings):
        z = np.minimum(given["trade"], 1.0)
        return Answer({"trade": z}, self._cost(z), self._cost(z), None, BoundKind.EXACT)

    def commit(self, given):
        pass

    def _cost(self, z):
        s = self.settings
        x = np.clip(z, _TINY, 1.0 - _TINY)
        entropy = x * np.log(x) + (1.0 - x) * np.log(1.0 - x)
        return float((s.threshold_usd_per_kwh * z + entropy / s.beta).sum())


class LumpySeller(Seller):
    """All of its goods or none: it sells ``slope_usd_per_kwh2`` kWh for at least ``price_usd_per_kwh`` each."""

    def solve(self, prices, openings):
        s = self.settings
        z = np.where(prices["trade"] >= s.price_usd_per_kwh, s.slope_usd_per_kwh2, 0.0)
        cost = self._cost(z)
        return Answer({"trade": z}, cost, cost - float((prices["trade"] * z).sum()), None, BoundKind.EXACT)

    def evaluate(self, given, openings):
        z = np.minimum(given["trade"], self.settings.slope_usd_per_kwh2)
        return Answer({"trade": z}, self._cost(z), self._cost(z), None, BoundKind.EXACT)

    def _cost(self, z):
        return float((self.settings.price_usd_per_kwh * z).sum())

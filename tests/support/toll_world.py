"""A chain of two exchanges: companies ask for deliveries, fleets offer them and ask for passages, a road offers these.

Costs are quadratic, so what rewards a company posts, alone or against another one, is known in closed form. Every company has
stations of its own; a fleet serves all with the same vehicles: what it delivers to one station makes the other dearer.
"""

from contextlib import contextmanager
from types import SimpleNamespace
from typing import Annotated, ClassVar, Literal
from unittest.mock import patch

import numpy as np
from negotiate import play
from pydantic import Field

from federates.boundary import world as worlds
from federates.boundary.bound_kinds import BoundKind
from federates.boundary.exchange import Exchange
from federates.boundary.layout import Layout
from federates.boundary.messages import Answer
from federates.boundary.roles import Evaluate
from federates.boundary.session import Identifier, Session
from federates.boundary.world import World
from federates.runtime.negotiation_record import NegotiationRecord


class TollSession(Session):
    roles: ClassVar[tuple[str, ...]] = ("coordinator", "company", "fleet", "road")
    parts: ClassVar[dict[str, str]] = {"company": "stations"}
    many: ClassVar[tuple[str, ...]] = ("fleet",)
    world: Literal["toll"] = "toll"
    stations: Annotated[tuple[Identifier, ...], Field(min_length=1)]

    def index_names(self, letter):
        return {"M": self.stations}.get(letter)

    def sizes(self, period=0):
        return {"M": len(self.stations), "H": 1}


DELIVERY = Exchange("delivery", "kWh", ("M", "H"), asks=("company",), offers=("fleet",), meaning="Energy at a station.")
PASSAGE = Exchange("passage", "veh", ("M", "H"), asks=("fleet",), offers=("road",), meaning="Vehicles to a station.")
TOLL_WORLD = World("toll", TollSession, (DELIVERY, PASSAGE), letters={"M": "stations", "H": "periods"})


@contextmanager
def toll_installed():
    """Let the framework find the world by its name, as an installed package would."""
    entry = SimpleNamespace(name="toll", load=lambda: TOLL_WORLD)
    found = worlds.entry_points
    worlds.world_of.cache_clear()
    with patch.object(worlds, "entry_points", lambda group: [*found(group=group), entry]):
        yield
    worlds.world_of.cache_clear()


def answer(quantities, cost, pays=0.0):
    """Return an exact answer; ``pays`` is what the prices make of it."""
    return Answer(quantities, float(cost), float(cost + pays), None, BoundKind.EXACT)


class Company:
    """Every kWh is worth ``worth``, the next always ``slope`` less."""

    def __init__(self, worth, slope):
        self.worth, self.slope = worth, slope

    def cost(self, q):
        return (-self.worth * q + 0.5 * self.slope * q**2).sum()

    def solve(self, prices):
        q = np.maximum(self.worth - prices["delivery"], 0.0) / self.slope
        return answer({"delivery": q}, self.cost(q), (prices["delivery"] * q).sum())

    def evaluate(self, given):
        q = np.minimum(given["delivery"], self.worth / self.slope)
        return answer({"delivery": q}, self.cost(q))


class Fleet:
    """Delivers q kWh, ``load`` a vehicle, for ``first`` q + q' A q / 2; A is ``slope``, times ``shared`` off the diagonal."""

    def __init__(self, first, slope, shared=0.0, load=1.0, stations=1):
        self.first, self.load = first, load
        self.a = slope * (np.eye(stations) + shared * (1.0 - np.eye(stations)))

    def cost(self, q):
        flat = q.ravel()
        return self.first * flat.sum() + 0.5 * flat @ self.a @ flat

    def solve(self, prices):
        gain = (prices["delivery"] - prices["passage"] / self.load - self.first).ravel()
        q = self._best(gain).reshape(prices["delivery"].shape)
        p = q / self.load
        return answer(
            {"delivery": q, "passage": p},
            self.cost(q),
            (prices["passage"] * p).sum() - (prices["delivery"] * q).sum(),
        )

    def _best(self, gain):
        """Return max gain . q - q' A q / 2 over q >= 0, by all sets of stations that are served."""
        best = np.zeros(gain.size)
        for served in np.ndindex(*(2,) * gain.size):
            on = np.array(served) > 0
            q = np.zeros(gain.size)
            q[on] = np.linalg.solve(self.a[np.ix_(on, on)], gain[on]) if on.any() else 0.0
            if (q >= 0).all() and gain @ q - 0.5 * q @ self.a @ q > gain @ best - 0.5 * best @ self.a @ best:
                best = q
        return best

    def evaluate(self, given):
        q = np.minimum(given["delivery"], given["passage"] * self.load)
        return answer({"delivery": q, "passage": q / self.load}, self.cost(q))


class Road:
    """p vehicles cost ``slope`` p^2 / 2 at every station."""

    def __init__(self, slope):
        self.slope = slope

    def solve(self, prices):
        p = prices["passage"] / self.slope
        cost = 0.5 * (self.slope * p**2).sum()
        return answer({"passage": p}, cost, -(prices["passage"] * p).sum())

    def evaluate(self, given):
        p = given["passage"].copy()
        return answer({"passage": p}, 0.5 * (self.slope * p**2).sum())


def toll_session(companies, fleets, stations, periods=1):
    """Return the session; ``companies`` has the stations of each by its name."""
    agents = [{"name": "coordinator", "role": "coordinator"}, {"name": "road", "role": "road"}]
    agents += [{"name": name, "role": "company", "part": {"stations": list(own)}} for name, own in companies.items()]
    agents += [{"name": name, "role": "fleet"} for name in fleets]
    return TollSession.model_validate(
        {"schema_version": 1, "world": "toll", "name": "t", "periods": periods, "stations": list(stations), "agents": agents}
    )


def play_tolls(algorithm, rows, session, agents, period=0):
    """Negotiate a period; return the decision. Every agent hears of its own part."""
    layout = Layout(session, period)

    def answers(decision):
        if isinstance(decision, Evaluate):
            return {name: agent.evaluate(decision.given[name]) for name, agent in agents.items()}
        prices = layout.flat(decision.prices)
        return {name: agent.solve(layout.part(name, prices)) for name, agent in agents.items()}

    return play(algorithm, NegotiationRecord(session, rows), answers, period)

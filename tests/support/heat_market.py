"""A world of towns that ask for heat and plants that offer it, any number of each: what three and more agents agree on.

All of them take part in every entry. A town needs so much heat in a period and pays for what it misses; of heat that it gets a
share is lost on the way, another one for every town and place. A plant makes heat at a cost by place and period, up to so much a
period. Every answer is a linear programme, and so is the joint optimum, which is made beside them.
"""

from contextlib import contextmanager
from types import SimpleNamespace
from typing import ClassVar, Literal
from unittest.mock import patch

import numpy as np
from negotiate import play
from scipy.optimize import linprog

from federates.boundary import world as worlds
from federates.boundary.exchange import Exchange
from federates.boundary.messages import Answer
from federates.boundary.roles import Solve
from federates.boundary.session import Session
from federates.boundary.world import World
from federates.runtime.negotiation_record import NegotiationRecord

PERIODS, PLACES = 2, 2
SHAPE = (PLACES, PERIODS)
SIZE = PLACES * PERIODS
_BY_PERIOD = np.array([[float(entry % PERIODS == t) for entry in range(SIZE)] for t in range(PERIODS)])
_AGREE_USD, _MOST = 1e4, 60.0


class HeatSession(Session):
    roles: ClassVar[tuple[str, ...]] = ("coordinator", "town", "plant")
    many: ClassVar[tuple[str, ...]] = ("town", "plant")
    world: Literal["heat"] = "heat"

    def index_names(self, letter):
        return {"M": ("north", "south")}.get(letter)

    def sizes(self, period=0):
        return {"M": PLACES, "H": PERIODS}


HEAT = Exchange("heat", "MWh", ("M", "H"), asks=("town",), offers=("plant",), meaning="Heat at a place in a period.")
HEAT_WORLD = World("heat", HeatSession, (HEAT,), letters={"M": "places", "H": "periods"})


@contextmanager
def heat_installed():
    """Let the framework find the world by its name, as an installed package would."""
    entry = SimpleNamespace(name="heat", load=lambda: HEAT_WORLD)
    found = worlds.entry_points
    worlds.world_of.cache_clear()
    with patch.object(worlds, "entry_points", lambda group: [*found(group=group), entry]):
        yield
    worlds.world_of.cache_clear()


def heat_session(towns, plants):
    agents = [{"name": "coordinator", "role": "coordinator"}]
    agents += [{"name": name, "role": "town"} for name in towns] + [{"name": name, "role": "plant"} for name in plants]
    return HeatSession.model_validate({"schema_version": 1, "name": "m", "periods": 1, "agents": agents})


class Town:
    """Columns: heat taken (4), need that is missed (2)."""

    def __init__(self, rng):
        self.gain = rng.uniform(0.5, 1.0, SIZE)
        self.need, self.worth = rng.uniform(2.0, 12.0, PERIODS), rng.uniform(5.0, 20.0, PERIODS)
        self.cost = np.concatenate([np.zeros(SIZE), self.worth])
        self.rows, self.most = -np.hstack([_BY_PERIOD * self.gain, np.eye(PERIODS)]), -self.need
        self.bounds = [*([(0.0, _MOST)] * SIZE), *([(0.0, None)] * PERIODS)]

    def solve(self, prices):
        found = _programme(self.cost + np.concatenate([prices, np.zeros(PERIODS)]), self.rows, self.most, self.bounds)
        return self._answer(found, found.fun)

    def evaluate(self, given):
        bounds = [*((0.0, most) for most in given), *self.bounds[SIZE:]]
        found = _programme(self.cost + 1e-9, self.rows, self.most, bounds)
        return self._answer(found, self.cost @ found.x)

    def _answer(self, found, bound_usd):
        return Answer({"heat": found.x[:SIZE].reshape(SHAPE)}, float(self.cost @ found.x), float(bound_usd))


class Plant:
    """Columns: heat made (4)."""

    def __init__(self, rng):
        self.cost, self.most = rng.uniform(1.0, 12.0, SIZE), rng.uniform(3.0, 12.0, PERIODS)
        self.rows, self.bounds = _BY_PERIOD, [(0.0, _MOST)] * SIZE

    def solve(self, prices):
        found = _programme(self.cost - prices, self.rows, self.most, self.bounds)
        return self._answer(found, found.fun)

    def evaluate(self, given):
        found = _programme(self.cost - _AGREE_USD, self.rows, self.most, [(0.0, most) for most in given])
        return self._answer(found, self.cost @ found.x)

    def _answer(self, found, bound_usd):
        return Answer({"heat": found.x.reshape(SHAPE)}, float(self.cost @ found.x), float(bound_usd))


def _programme(cost, rows, most, bounds):
    found = linprog(cost, A_ub=rows, b_ub=most, bounds=bounds)
    assert found.status == 0, found.message
    return found


class HeatMarket:
    """One random case: all agents, and the truth."""

    def __init__(self, seed, towns=2, plants=2):
        rng = np.random.default_rng((20253, seed))
        self.towns = {f"town{i}": Town(rng) for i in range(towns)}
        self.plants = {f"plant{i}": Plant(rng) for i in range(plants)}
        self.session = heat_session(self.towns, self.plants)
        self.agents = self.towns | self.plants

    def answers(self, decision):
        """Return all answers to a decision."""
        if isinstance(decision, Solve):
            return {name: agent.solve(decision.prices["heat"].ravel()) for name, agent in self.agents.items()}
        return {name: agent.evaluate(decision.given[name]["heat"].ravel()) for name, agent in self.agents.items()}

    def joint(self):
        """Return the least cost of all, usd, and its shadow prices, (4,): what is taken is at most what is made."""
        everyone = list(self.agents.values())
        cost = np.concatenate([agent.cost for agent in everyone])
        ends = np.cumsum([0, *(len(agent.cost) for agent in everyone)])
        balance = np.zeros((SIZE, ends[-1]))
        rows, most = [], []
        for agent, first in zip(everyone, ends, strict=False):
            balance[:, first : first + SIZE] = np.eye(SIZE) * (1.0 if isinstance(agent, Town) else -1.0)
            own = np.zeros((len(agent.most), ends[-1]))
            own[:, first : first + agent.rows.shape[1]] = agent.rows
            rows.append(own)
            most.append(agent.most)
        bounds = [bound for agent in everyone for bound in agent.bounds]
        found = _programme(cost, np.vstack([balance, *rows]), np.concatenate([np.zeros(SIZE), *most]), bounds)
        return float(found.fun), -found.ineqlin.marginals[:SIZE]

    def play(self, algorithm, recorder):
        """Negotiate the period; return the decision."""
        algorithm.begin(self.session, recorder)
        return play(algorithm, NegotiationRecord(self.session, recorder), self.answers)

"""Read a run in which people had seats: what each agent knew, was asked, told, and what it cost."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from federates.boundary.errors import PortageError
from federates.boundary.layout import Layout
from federates.boundary.names import Role
from federates.boundary.session import Session
from federates.boundary.world import World, parse_session, world_of
from federates.seat.mailbox import Desk, seat_folder


@dataclass(frozen=True, slots=True)
class Account:
    """What one period was to one agent, usd: cost of what was carried out, cost if nothing had been, and what it pays.

    Costs and ``idle_usd`` are the class's own, whatever was told; what an agent pays is negative where it is paid.
    """

    period: int
    cost_usd: float
    idle_usd: float
    payment_usd: float

    @property
    def gain_usd(self) -> float:
        """Return what the agent gained by the exchange."""
        return self.idle_usd - self.cost_usd - self.payment_usd


@dataclass(frozen=True, slots=True)
class Agreed:
    """How a period ended for all: the proof's verdict, and the proven lower bound of the joint cost, usd (None: none)."""

    period: int
    agreed: bool
    verdict: str
    lower_usd: float | None


class Game:
    """One run with seats.

    Raises
    ------
    PortageError : ``folder`` is no run, or nobody had a seat in it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        told = folder / "session.json"
        if not told.exists():
            told = folder / Role.COORDINATOR / "session.json"  # the run goes on, or was ended from outside
        try:
            agreement = json.loads(told.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise PortageError(f"{folder}: is no run whose agreement was told (session.json: {error})") from None
        self.session: Session = parse_session(agreement, str(folder / "session.json"))
        self.world: World = world_of(self.session.world)
        found = {agent.name: Desk(seat_folder(folder, agent.name)) for agent in self.session.agents}
        self.desks = {name: desk for name, desk in found.items() if desk.sheet() is not None}
        if Role.COORDINATOR not in self.desks:
            raise PortageError(f"{folder}: nobody had a seat in this run")

    @cached_property
    def sheets(self) -> dict[str, dict[str, Any]]:
        """Return what each agent knew, by its name."""
        return {name: desk.sheet() or {} for name, desk in self.desks.items()}

    @property
    def operators(self) -> tuple[str, ...]:
        """Return the agents that negotiated and kept account, in order."""
        return tuple(name for name in self.desks if self.session.role_of(name) != Role.COORDINATOR)

    @cached_property
    def questions(self) -> dict[str, list[dict[str, Any]]]:
        """Return all questions and notices of each agent, in order."""
        return {
            name: [question for n in range(1, desk.last + 1) if (question := desk.question(n)) is not None]
            for name, desk in self.desks.items()
        }

    def notices(self, agent: str, kind: str) -> dict[int, dict[str, Any]]:
        """Return the notices of a kind, by period."""
        return {question["period"]: question for question in self.questions[agent] if question["kind"] == kind}

    def answered(self, agent: str) -> list[dict[str, Any]]:
        """Return how the questions of an agent ended, in order."""
        found = (self.desks[agent].answered(question["n"]) for question in self.questions[agent])
        return [record for record in found if record is not None]

    @cached_property
    def agreed(self) -> list[Agreed]:
        """Return how the periods that were negotiated ended."""
        commits = self.notices(Role.COORDINATOR, "commit").values()
        return [Agreed(each["period"], each["agreed"], each["verdict"], each["lower_usd"]) for each in commits]

    @cached_property
    def accounts(self) -> dict[str, list[Account]]:
        """Return the account of each operator, a row for each period that was negotiated and that all have account of."""
        prices = {period: each["prices"] for period, each in self.notices(Role.COORDINATOR, "commit").items()}
        commits = {agent: self.notices(agent, "commit") for agent in self.operators}
        found: dict[str, list[Account]] = {agent: [] for agent in self.operators}
        for period in prices:
            rows = {agent: each.get(period) for agent, each in commits.items()}
            if any(row is None or row["own_cost_usd"] is None for row in rows.values()):
                continue
            layout = Layout(self.session, period)
            for agent, row in rows.items():
                assert row is not None
                paid_usd = self._payment_usd(layout, agent, row["given"], prices[period])
                found[agent].append(Account(period, row["own_cost_usd"], row["idle_cost_usd"], paid_usd))
        return found

    def _payment_usd(self, layout: Layout, agent: str, given: Any, prices: Any) -> float:
        """Return price times what is asked minus price times what is offered of what is carried out; without prices 0."""
        if prices is None:
            return 0.0
        quantities = {name: np.asarray(values, dtype=np.float64) for name, values in given.items()}
        if not self.world.plan_lasts(self.session):
            quantities = {name: _opened(values) for name, values in quantities.items()}
        return layout.price_of(agent, layout.own(agent, quantities), layout.flat(prices))

    def gain_usd(self, agent: str) -> float:
        """Return what an operator gained by all exchanges of the run."""
        return sum(account.gain_usd for account in self.accounts[agent])

    def cost_by_period(self) -> dict[int, float]:
        """Return what each period cost all operators together, usd."""
        return _sums(self.accounts, "cost_usd")

    def idle_by_period(self) -> dict[int, float]:
        """Return what each period would have cost without any exchange, usd."""
        return _sums(self.accounts, "idle_usd")


def _opened(values: Any) -> Any:
    return np.where(np.arange(values.shape[-1]) == 0, values, 0.0)


def _sums(accounts: Mapping[str, list[Account]], what: str) -> dict[int, float]:
    found: dict[int, float] = {}
    for rows in accounts.values():
        for row in rows:
            found[row.period] = found.get(row.period, 0.0) + getattr(row, what)
    return found

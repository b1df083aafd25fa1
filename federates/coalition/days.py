"""What days with some of the fleets came to, each computed once and kept in the run's folder."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from federates.boundary.errors import ConfigError, PortageError
from federates.boundary.session import Session
from federates.boundary.world import World
from federates.coalition.recorded import RecordedDay
from federates.games.game import Coalition, shown
from federates.isolation.owner_only import owner_only
from federates.lp.arithmetic import Array
from federates.runs.remains import private_folder
from federates.runtime.results import read_record, write_json

_DIGITS, _LONGEST_NAME = 6, 150


@dataclass(frozen=True)
class DayCosts:
    """What one day came to, usd."""

    cost_usd: dict[str, float]
    """Own cost of every agent that has one, as it has recorded it (`World.costs`); payments are in none."""
    paid_usd: dict[str, float]
    """Rewards less tolls at the settled prices, by fleet, where the world's schedule has them."""
    gap_usd: float | None
    """How much dearer the plans may be than the best, by their negotiations' gaps, each at the cost of its period; None: not
    known, for nothing is proven of a negotiation or more."""
    empty_usd: float
    """Fleets' costs of deliveries for room that went empty: what is negotiated is energy, what leaves is whole vehicles."""
    negotiations: int
    agreed: int
    """How many of them ended in agreement."""
    wall_s: float
    absent_usd: dict[str, float] = field(default_factory=dict)
    """What those who are away bear all the same, such as business that they miss without any delivery: their idle day's cost."""

    @property
    def total_usd(self) -> float:
        """Return what the day cost all, those who are away among them."""
        return sum(self.cost_usd.values()) + sum(self.absent_usd.values())

    @property
    def slack_usd(self) -> float | None:
        """Return about how much dearer the day may be than the best one: gaps, and vehicles not full; None: not known."""
        return None if self.gap_usd is None else self.gap_usd + self.empty_usd


@dataclass(frozen=True)
class Step:
    """One day that is known now: who took part (None: nothing was moved), what came out, and whether it was known before."""

    fleets: Coalition | None
    costs: DayCosts
    known: bool


class CoalitionDays:
    """Days of a run with some of its fleets; others take part as they did.

    Parameters
    ----------
    fleets : those of which coalitions are formed.
    folder : where to keep what a day came to; what is there of another day or another version is computed anew.
    watch : called with every day that becomes known.
    """

    def __init__(
        self, recorded: RecordedDay, fleets: Sequence[str], folder: Path, watch: Callable[[Step], None] = lambda step: None
    ) -> None:
        self._recorded, self._fleets, self._folder, self._watch = recorded, tuple(fleets), folder, watch
        self._fingerprint = f"{recorded.fingerprint} {'+'.join(self._fleets)} {'+'.join(DayCosts.__dataclass_fields__)}"
        self._found: dict[Coalition | None, DayCosts] = {}

    def worth(self, fleets: Coalition) -> float:
        """Return v(S): by how much cheaper the day is with these fleets than with none of those that form coalitions, usd."""
        return round(self.day(frozenset()).total_usd - self.day(fleets).total_usd, _DIGITS)

    def idle(self) -> DayCosts | None:
        """Return what the day costs if nothing is moved, None where the world has no such day."""
        return None if self._recorded.idle_scheme is None else self._known(None)

    def day(self, fleets: Coalition) -> DayCosts:
        """Return what the day comes to when of those that form coalitions only these take part.

        The others stay at home: what they bear on the day in which nothing is moved is in it. Where nobody is left to move
        anything, it is that day.

        Raises
        ------
        PortageError : an agent failed, or has not recorded its costs.
        """
        return self._known(fleets)

    def _known(self, fleets: Coalition | None) -> DayCosts:
        if fleets in self._found:
            return self._found[fleets]
        path = self._folder / f"{_file_name(fleets)}.json"
        kept = read_record(path) or {}
        before = kept.get("fingerprint") == self._fingerprint
        costs = DayCosts(**kept["day"]) if before else self._compute(fleets)
        if not before:
            with owner_only():
                self._folder.mkdir(parents=True, exist_ok=True)
                names = None if fleets is None else sorted(fleets)
                write_json(path, {"fingerprint": self._fingerprint, "fleets": names, "day": asdict(costs)})
        self._found[fleets] = costs
        self._watch(Step(fleets, costs, before))
        return costs

    def _compute(self, fleets: Coalition | None) -> DayCosts:
        session = self._session(fleets)
        if session is None:
            return self._known(None)
        started = time.monotonic()
        with private_folder() as scratch:
            folder = self._recorded.run(session, Path(scratch))
            wall_s = round(time.monotonic() - started, 2)
            idle = None if fleets is None else self.idle()
            return day_costs(folder, session, self._recorded.world, wall_s, idle)

    def _session(self, fleets: Coalition | None) -> Session | None:
        """Return the agreement of a day; None: nobody is left to move anything, so it is the idle day."""
        idle = self._recorded.idle_scheme
        if fleets is None:
            return self._recorded.part(scheme=idle)
        away = [name for name in self._fleets if name not in fleets]
        try:
            return self._recorded.part(away)
        except ConfigError as error:
            if fleets or idle is None:
                who = f"{shown(fleets)} alone" if fleets else f"none of {shown(self._fleets)}"
                raise PortageError(f"there is no day with {who}: {error}") from None
            return None


def day_costs(folder: Path, session: Session, world: World, wall_s: float, idle: DayCosts | None = None) -> DayCosts:
    """Return what the run in ``folder`` came to.

    Parameters
    ----------
    idle : the day of all agents in which nothing is moved; None: it is this day, or there is none.

    Raises
    ------
    PortageError : an agent has not recorded what its day cost.
    """
    costs, by_period = _recorded_costs(folder, session, world)
    without = {} if idle is None else idle.cost_usd
    paid, full = _of_schedule(folder, getattr(session, "vehicle_kwh", {}))
    empty = sum((costs.get(fleet, 0.0) - without.get(fleet, 0.0)) * (1.0 - share) for fleet, share in full.items())
    held = pd.read_parquet(folder / "coordinator/negotiations.parquet")
    gap = 0.0 if world.moves_nothing(session) else _gap_usd(held, by_period)  # where nothing is moved there is one plan
    return DayCosts(
        costs,
        paid,
        gap,
        round(max(0.0, empty), _DIGITS),
        len(held),
        int(held["agreed"].sum()),
        wall_s,
        {name: usd for name, usd in without.items() if name not in session.roster},
    )


def _recorded_costs(folder: Path, session: Session, world: World) -> tuple[dict[str, float], Array]:
    """Return the recorded costs by agent and by period, usd."""
    by_period = np.zeros(session.periods)
    costs: dict[str, float] = {}
    for agent in session.of_role(*world.costs):
        table = world.costs[agent.role]
        path = folder / agent.name / f"{table.name}.parquet"
        if not path.is_file():
            if table.always:
                raise PortageError(f"{agent.name} has left no table {table.name}: what its day cost is not known")
            continue
        rows = pd.read_parquet(path)
        if absent := [name for name in ("period", *table.columns) if name not in rows]:
            raise PortageError(f"{agent.name}: its table {table.name} lacks {', '.join(absent)}: what its day cost is not known")
        usd = rows[list(table.columns)].sum(axis=1)
        costs[agent.name] = round(float(usd.sum()), _DIGITS)
        np.add.at(by_period, rows["period"].clip(0, session.periods - 1).to_numpy(dtype=np.int64), usd.to_numpy())
    return costs, by_period


def _gap_usd(held: pd.DataFrame, by_period: Array) -> float | None:
    """Return the negotiations' gaps, each at the cost of its period; None where one has no gap, for nothing is proven of it."""
    if held["gap"].isna().any():
        return None
    gaps = held["gap"].clip(lower=0.0).to_numpy()
    return round(float((gaps * np.abs(by_period[held["period"].to_numpy(dtype=np.int64)])).sum()), _DIGITS)


def _of_schedule(folder: Path, vehicle_kwh: Mapping[str, float]) -> tuple[dict[str, float], dict[str, float]]:
    """Return, by fleet, rewards less tolls, and how full the vehicles that left were; nothing where no schedule says so."""
    path = folder / "coordinator/schedule.parquet"
    rows = pd.read_parquet(path) if path.is_file() else pd.DataFrame()
    if not {"fleet", "vehicles", "delivery_kwh", "reward_usd", "toll_usd"} <= set(rows.columns):
        return {}, {}
    if not set(rows["fleet"]) <= set(vehicle_kwh):  # of a private sum it has all fleets together
        return {}, {}
    sums = rows.groupby("fleet")[["vehicles", "delivery_kwh", "reward_usd", "toll_usd"]].sum()  # NaN, not negotiated, is left out
    paid = {str(fleet): round(float(row.reward_usd - row.toll_usd), _DIGITS) for fleet, row in sums.iterrows()}
    room = {fleet: float(sums.vehicles[fleet]) * kwh for fleet, kwh in vehicle_kwh.items() if fleet in sums.index}
    return paid, {fleet: float(sums.delivery_kwh[fleet]) / kwh for fleet, kwh in room.items() if kwh > 0}


def _file_name(fleets: Coalition | None) -> str:
    if fleets is None:
        return "nothing_moved"
    names = "+".join(sorted(fleets))
    return (
        f"with_{names if len(names) <= _LONGEST_NAME else hashlib.sha256(names.encode()).hexdigest()}" if fleets else "with_none"
    )

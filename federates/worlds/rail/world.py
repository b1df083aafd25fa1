"""The rail as the framework sees it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from federates.boundary.exchange import Exchange, Message, Moment
from federates.boundary.messages import Quantities
from federates.boundary.names import RAIL, Role
from federates.boundary.topics import Topic
from federates.boundary.world import Committed, Openings, World
from federates.worlds.rail.day import RailDay
from federates.worlds.rail.session import RailScheme, RailSession
from federates.worlds.rail.tables import TABLES
from federates.worlds.rail.timetable import broken_plan
from federates.worlds.rail.trains import at_home, checked_ready, end_is_certain

TRAIN_READY = "train_ready"
_P, _T = Role.POWER_OPERATOR.value, Role.TRANSPORT_OPERATOR.value

CONNECTION = Exchange(
    "connection",
    "1",
    ("N", "M", "H"),
    asks=(_P,),
    offers=(_T,),
    meaning="1 where a train stands at a station, h periods after the opened one; else 0 (or between, as an answer to relax).",
    whole=True,
)


class RailWorld(World):
    """A day that is negotiated once, and again where a late train breaks the plan; messages hold what is left of it."""

    def day(self, session: RailSession) -> RailDay:  # noqa: D102
        return RailDay(session)

    def negotiates(self, session: RailSession) -> bool:  # noqa: D102
        return not self.moves_nothing(session)

    def moves_nothing(self, session: RailSession) -> bool:  # noqa: D102
        return session.scheme is not RailScheme.MOBILE or not session.trains

    def least_prices(self, session: RailSession, period: int, openings: Openings) -> Mapping[str, ArrayLike]:
        """Return that a train whose end is announced and in reach by the public timetable may have prices of any sign.

        There both operators mean the same routes (docs/decisions/0010, 0016, 0208).
        """
        ready = np.round(openings.get(TRAIN_READY, at_home(session))).astype(int).tolist()
        free = [end_is_certain(session, at, max(since, period), end) for at, since, end in ready]
        return {CONNECTION.name: np.where(free, -math.inf, 0.0)[:, None, None]}

    def plan_lasts(self, session: RailSession) -> bool:  # noqa: D102
        return True

    def cause(self, session: RailSession, period: int, openings: Openings, plan: Quantities | None) -> str:  # noqa: D102
        if plan is None or self.moves_nothing(session):
            return "day ahead"
        ready = openings.get(TRAIN_READY)
        broken = None if ready is None else broken_plan(session, period, ready, plan[CONNECTION.name])
        return broken or "the algorithm asked again, though every train can follow the plan"

    def committed_rows(  # noqa: D102
        self, session: RailSession, period: int, committed: Committed
    ) -> dict[str, dict[str, list[Any]]]:
        k, s, t = (index.tolist() for index in np.nonzero(committed.total[CONNECTION.name] > 0.5))
        rows: dict[str, list[Any]] = {
            "negotiated_in": [period] * len(k),
            "train": [session.trains[i].name for i in k],
            "station": [session.stations[i] for i in s],
            "period": [period + i for i in t],
        }
        return {"connections": rows}

    def progress(self, session: RailSession, period: int, total: Quantities) -> dict[str, float]:  # noqa: D102
        return {"trains_standing": round(float(total[CONNECTION.name][:, :, 0].sum()))}


WORLD = RailWorld(
    RAIL,
    RailSession,
    (CONNECTION,),
    (
        Message(
            TRAIN_READY,
            Moment.OPENING,
            _T,
            (_P,),
            (
                Topic(
                    "",
                    TRAIN_READY,
                    "1",
                    ("N", 3),
                    (),
                    "One row a train: index of the station where it stands next, the period from which it does, and index of the"
                    " station where it ends the day, whatever is agreed; -1 if it may end elsewhere.",
                    decimals=0,
                ),
            ),
            unpack=checked_ready,
        ),
    ),
    letters={"N": "trains", "M": "stations", "H": "periods left of the day; the first is the opened one", "S": "stations"},
    package="federates.worlds.rail",
    tables=TABLES,
    takes_long=True,
)

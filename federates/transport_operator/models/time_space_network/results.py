"""What the operator leaves behind: the table `train_moves`, and its own table `late_ends`."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from federates.boundary.roles import Recorder
from federates.transport_operator.models.time_space_network.execution import Move
from federates.transport_operator.models.time_space_network.network import RailNetwork
from federates.transport_operator.models.time_space_network.situation import Limits, Situation
from federates.worlds.rail.session import RailSession


class Journal:
    """Writes rows and progress with the session's names."""

    def __init__(self, recorder: Recorder, session: RailSession, network: RailNetwork) -> None:
        self._recorder, self._network = recorder, network
        self._trains = [train.name for train in session.trains]
        self._stations = session.stations

    def planned(self, period: int, moves: Iterable[Move]) -> None:
        """Record the moves planned in ``period``."""
        for move in moves:
            self._row("planned", period, move)

    def realised(self, period: int, moves: list[Move]) -> None:
        """Record what the trains did in ``period``."""
        for move in moves:
            self._row("realised", self._network.tsn.periods, move)
        moving = [move for move in moves if move.origin != move.destination]
        late = sum(move.delay_periods > 0 for move in moving)
        cost_usd = sum(move.cost_usd for move in moving)
        self._recorder.progress(period=period, trains_moving=len(moving), trains_late=late, transport_cost_usd=cost_usd)

    def disturbance(self, period: int, situation: Situation, limits: Limits) -> None:
        """Tell which trains have become unable to end where they must, and whether slots had to be widened."""
        for train in np.flatnonzero(limits.end_free & ~situation.limits.end_free):
            self._recorder.progress(period=period, train=self._trains[train], late="cannot be at its end station in time")
        if (limits.slots > situation.limits.slots).any():
            self._recorder.progress(period=period, late="more trains than slots at a station cannot be avoided")

    def late_ends(self, situation: Situation) -> None:
        """Record at the end of the day which trains are not at their end stations."""
        away = (situation.station != self._network.end) | situation.out_for_good(self._network)
        for train in np.flatnonzero(away):
            self._recorder.record(
                "late_ends",
                train=self._trains[train],
                end_station=self._stations[self._network.end[train]],
                next_station=self._stations[situation.station[train]],
                ready_period=int(situation.ready[train]),
                price_usd=self._network.late_end_usd,
            )

    def _row(self, phase: str, planned_in: int, move: Move) -> None:
        self._recorder.record(
            "train_moves",
            phase=phase,
            planned_in=planned_in,
            train=self._trains[move.train],
            period=move.period,
            origin=self._stations[move.origin],
            destination=self._stations[move.destination],
            delay_periods=move.delay_periods,
            cost_usd=move.cost_usd,
        )

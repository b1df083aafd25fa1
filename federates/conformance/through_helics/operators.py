"""Operators behind HELICS, seen through the abstract class of their role."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from federates.boundary.errors import BoundaryError
from federates.boundary.messages import Answer, Array
from federates.boundary.names import Role
from federates.boundary.roles import NoSettings, PowerOperator, Recorder, TransportOperator
from federates.boundary.topics import Command
from federates.conformance.through_helics.breach import WireBreach
from federates.conformance.through_helics.federation import Subject
from federates.conformance.through_helics.operator_line import OperatorLine
from federates.worlds.rail.session import RailSession
from federates.worlds.road.messages import Departure, Gate, LinkObservation, StationObservation, rows_to_departures
from federates.worlds.road.session import RoadSession

__all__ = ["PowerStandIn", "TransportStandIn", "links_seen", "stations_seen"]


class _StandIn:
    """What both operators have in common: a line, and what the partner has opened the period with."""

    line: OperatorLine | None = None

    def __init__(self, subject: Subject) -> None:
        super().__init__(NoSettings(), subject.folder)  # type: ignore[call-arg]
        self._subject = subject
        self._told: dict[str, Array] = {}

    def begin(self, session: RoadSession | RailSession, recorder: Recorder) -> None:
        """Start the executable and wait until it is ready."""
        self.line = OperatorLine(self._subject, session)
        self.line.get_ready()

    @property
    def _line(self) -> OperatorLine:
        if self.line is None:
            raise RuntimeError("begin was not called")
        return self.line

    def _open(self, period: int, seen: Mapping[str, Array]) -> dict[str, Array]:
        self._told = {}
        return self._line.open(period, seen)

    def _ask(self, command: Command, values: Array, opening: Any) -> Answer:
        for name, told in self._opening(opening).items():
            if name not in self._told or not np.array_equal(self._told[name], told):
                self._line.pass_on(name, told)
                self._told[name] = np.array(told)
        return self._answer(self._line.ask(command, values))

    def _opening(self, opening: Any) -> dict[str, Array]:
        """Return the partner's opening as topics."""
        raise NotImplementedError

    def _answer(self, came: dict[str, Array]) -> Answer:
        """Return the topics of an answer as one."""
        raise NotImplementedError

    def _whole(self, connection: Array, costs: str, came: dict[str, Array], slope: Array | None) -> Answer:
        """Return an answer with what the topic ``costs`` carries; an unknown kind of bound breaks the rules."""
        try:
            return Answer.from_wire(connection, came[costs], slope)
        except BoundaryError as error:
            where = f"round {self._line.round} of period {self._line.period}"
            raise self._line.federation.breach("wire.shape", str(error), where) from None

    def solve(self, multipliers_usd_per_veh: Array, opening: Any) -> Answer:
        """Ask `solve`."""
        return self._ask(Command.SOLVE, multipliers_usd_per_veh, opening)

    def relax(self, multipliers_usd_per_veh: Array, opening: Any) -> Answer:
        """Ask `relax`."""
        return self._ask(Command.RELAX, multipliers_usd_per_veh, opening)

    def evaluate(self, connection_veh: Array, opening: Any) -> Answer:
        """Ask `evaluate`."""
        return self._ask(Command.EVALUATE, connection_veh, opening)

    def end(self) -> None:
        """Tell it to stop, from wherever it is."""
        code = self._line.stop()
        if code != 0:
            raise WireBreach("wire.stop", self._line.federation.process.how_it_ended(), "stop")

    def close(self) -> None:
        """Leave nothing behind."""
        if self.line is not None:
            self.line.federation.close()


class PowerStandIn(_StandIn, PowerOperator):
    """A power operator behind HELICS."""

    def open_period(self, period: int, observation: StationObservation | None) -> Gate | None:
        """Ask `open`."""
        came = self._open(period, {} if observation is None else stations_seen(observation))
        return Gate(came["gate_time_s"], came["gate_spots"]) if came else None

    def commit(self, connection_veh: Array) -> None:
        """Ask `commit`."""
        self._line.commit(connection_veh)

    def _opening(self, opening: Array) -> dict[str, Array]:
        return {"station_travel_time_s" if isinstance(self._line.session, RoadSession) else "train_ready": opening}

    def _answer(self, came: dict[str, Array]) -> Answer:
        rows = came["power_slope_usd_per_veh"]
        if len(rows) > 1:
            seen = f"power_operator/power_slope_usd_per_veh has {len(rows)} rows, may have none or one"
            raise self._line.federation.breach("wire.shape", seen, f"round {self._line.round} of period {self._line.period}")
        return self._whole(came["asked_connection_veh"], "power_cost_usd", came, rows[0] if len(rows) else None)


class TransportStandIn(_StandIn, TransportOperator):
    """A transport operator behind HELICS."""

    def open_period(self, period: int, observation: LinkObservation | None) -> Array:
        """Ask `open`."""
        (opening,) = self._open(period, {} if observation is None else links_seen(observation)).values()
        return opening

    def commit(self, connection_veh: Array) -> list[Departure]:
        """Ask `commit`."""
        came, session = self._line.commit(connection_veh), self._line.session
        return rows_to_departures(came["departures"], session) if isinstance(session, RoadSession) else []

    def _opening(self, opening: Gate | None) -> dict[str, Array]:
        return {} if opening is None else {"gate_time_s": opening.time_s, "gate_spots": opening.spots}

    def _answer(self, came: dict[str, Array]) -> Answer:
        return self._whole(came["offered_connection_veh"], "transport_cost_usd", came, None)


def links_seen(observation: LinkObservation) -> dict[str, Array]:
    """Return the traffic model's topics for the transport operator, by key."""
    return {
        f"{Role.TRAFFIC}/link_flow_veh_per_h": observation.flow_veh_per_h,
        f"{Role.TRAFFIC}/link_density_veh_per_km": observation.density_veh_per_km,
        f"{Role.TRAFFIC}/link_speed_m_per_s": observation.speed_m_per_s,
        f"{Role.TRAFFIC}/link_travel_time_s": observation.travel_time_s,
    }


def stations_seen(observation: StationObservation) -> dict[str, Array]:
    """Return the traffic model's topics for the power operator, by key."""
    return {
        f"{Role.TRAFFIC}/station_passing_veh": observation.passing_veh,
        f"{Role.TRAFFIC}/station_arrivals_veh": observation.arrivals_veh,
    }

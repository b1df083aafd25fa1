"""A traffic model behind HELICS: one partner plays everybody else and sends the departures."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import cast

from federates.boundary.messages import Array
from federates.boundary.names import Role
from federates.boundary.roles import NoSettings, Recorder, TrafficModel
from federates.boundary.topics import sent_by, topic
from federates.conformance.through_helics.breach import WireBreach
from federates.conformance.through_helics.federation import Federation, Subject
from federates.worlds.road.messages import Departure, LinkObservation, StationObservation, TrafficObservation, departures_to_rows
from federates.worlds.road.session import RoadSession

__all__ = ["TrafficLine", "TrafficStandIn"]

_DEPARTURES = f"{Role.TRANSPORT_OPERATOR}/departures"
_SENT = {entry.key for entry in sent_by(Role.TRAFFIC)}


@dataclass
class TrafficLine:
    """Moves a traffic model under test through periods, and checks every message that comes back."""

    subject: Subject
    agreed: RoadSession
    period: int = -1
    messages: int = 0
    waits_s: list[tuple[str, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.federation = Federation(self.subject, self.agreed, [Role.TRANSPORT_OPERATOR])
        self.session = self.federation.session

    def get_ready(self) -> None:
        """Wait until the model has prepared itself."""
        self.federation.wait_until_ready(self.subject.broker.dispatch_offset_s)

    def run(self, period: int, rows: Array, stamp: int | None = None) -> dict[str, Array]:
        """Move it through ``period`` and return its topics, by name.

        Parameters
        ----------
        rows : values of the topic `departures`. ``stamp`` is their period, if another one is to be tried.
        """
        if period != self.period + 1:
            raise RuntimeError(f"period {period} cannot be run: period {self.period} was run last")
        self.period = period
        broker, partner = self.subject.broker, self.federation.partner
        asked, begin_s = f"to run period {period}", period * self.session.period_s
        self.federation.send(_DEPARTURES, period if stamp is None else stamp, 1, rows)
        started = time.perf_counter()
        dispatch_s = begin_s + broker.dispatch_offset_s + broker.round_step_s
        self.federation.advance(partner, dispatch_s, self.subject.answer_s, asked)
        self._refuse(partner.updates(), f"nothing before the end of period {period}")
        # It publishes when it is granted the period's end; this partner comes one micro-step behind.
        end_s = begin_s + self.session.period_s + broker.round_step_s
        self.federation.advance(partner, end_s, self.subject.answer_s, asked)
        self.waits_s.append((asked, time.perf_counter() - started))
        return self._seen(partner.updates(), asked)

    def stop(self) -> int:
        """Let time go on after the last period, and return the exit code."""
        broker = self.subject.broker
        last_s = (self.period + 1) * self.session.period_s + broker.dispatch_offset_s
        self.federation.partner.request(last_s + broker.round_step_s)
        return self.federation.await_end("to end after the last period", "wire.stop")

    @property
    def over(self) -> bool:
        """Whether the last period was run."""
        return self.period == self.session.periods - 1

    def _seen(self, updates: dict[str, bytes], asked: str) -> dict[str, Array]:
        missing = sorted(_SENT - updates.keys())
        if missing:
            seen = self.federation.ended_or(f"nothing on {' and '.join(missing)} at the period's end", 1.0)
            raise self.federation.breach("wire.answers", seen, asked)
        values: dict[str, Array] = {}
        for key, payload in updates.items():
            frame = self.federation.decode(topic(key), payload, asked)
            self.messages += 1
            if frame.period != self.period:
                raise self.federation.breach("wire.stamp", f"{key} is stamped period {frame.period}", asked)
            values[key.partition("/")[2]] = frame.values
        return values

    def _refuse(self, updates: dict[str, bytes], asked: str) -> None:
        if updates:
            raise self.federation.breach("wire.silence", f"{', '.join(sorted(updates))} came unasked", asked)


class TrafficStandIn(TrafficModel):
    """A traffic model behind HELICS, seen through its abstract class."""

    line: TrafficLine | None = None

    def __init__(self, subject: Subject) -> None:
        super().__init__(NoSettings(), subject.folder)
        self._subject = subject

    def begin(self, session: RoadSession, recorder: Recorder) -> None:
        """Start the executable and wait until it is ready."""
        self.line = TrafficLine(self._subject, session)
        self.line.get_ready()

    def run(self, period: int, departures: list[Departure]) -> TrafficObservation:
        """Send the departures and return what comes at the period's end."""
        if self.line is None:
            raise RuntimeError("begin was not called")
        came = self.line.run(period, departures_to_rows(departures, cast(RoadSession, self.line.session)))
        links = LinkObservation(
            came["link_flow_veh_per_h"],
            came["link_density_veh_per_km"],
            came["link_speed_m_per_s"],
            came["link_travel_time_s"],
        )
        return TrafficObservation(links, StationObservation(came["station_passing_veh"], came["station_arrivals_veh"]))

    def end(self) -> None:
        """Let it end by itself after the last period; before that nothing but a partner's failure ends a traffic model."""
        if self.line is None:
            return
        if not self.line.over:
            self.line.federation.fail("the conformance check is over")
        elif self.line.stop() != 0:
            raise WireBreach("wire.stop", self.line.federation.process.how_it_ended(), "to end after the last period")

    def close(self) -> None:
        """Leave nothing behind."""
        if self.line is not None:
            self.line.federation.close()

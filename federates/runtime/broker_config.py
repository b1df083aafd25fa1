"""``broker.yaml``: how the processes of a run find and time each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from federates.boundary.config import Config, unfit

CoreType = Literal["zmq", "tcp", "tcpss", "inproc"]
LogLevel = Literal["error", "warning", "summary", "connections", "interfaces", "timing", "data", "debug", "trace"]
Seconds = Annotated[float, Field(ge=0.01, le=86_400)]

_STEPS_PER_ROUND = 2
OVERHEAD_ROUNDS = 10
"""Room for what is no round: open, commit, stop."""


class Limits(Config):
    """Longest waits in s; beyond them the run ends with an error that names who did not answer."""

    join_s: Seconds = 60.0
    """Until every federate has joined."""
    begin_s: Seconds = 120.0
    """For an agent to get ready."""
    answer_s: Seconds = 10.0
    """For one answer of one operator; by rail it solves a programme of the whole day, which may take minutes."""
    period_s: Seconds = 60.0
    """For the traffic model to move through one period (road)."""
    finish_s: Seconds = 120.0
    """For the report to be written."""

    def for_people(self, seats: Mapping[str, float]) -> Limits:
        """Return the limits where people take seats, each with so many seconds for an answer.

        An agent's class then works up to three times for one answer: its own best, what the person's costs, and one draft.
        """
        if not seats:
            return self
        answer_s = 3.0 * self.answer_s + max(seats.values())
        return self.model_copy(update={"answer_s": answer_s})


class AuditConfig(Config):
    """What is watched while a run goes on; docs/audit.md says which guarantee holds where."""

    ledger: bool = True
    """Every agent counts what it sends and receives: topic, round, shape, size and hash."""
    files: bool = True
    """Every agent records which files it opens, whom it connects to, and which programs it starts."""
    sandbox: Literal["auto", "required", "off"] = "auto"
    """Whether an agent's process is kept in its own folder by the operating system (Linux 5.13 or later, without root): ``auto``
    where that is to be had, ``required`` ends the run where it is not."""
    readable: dict[str, tuple[str, ...]] = Field(default={})
    """What an agent may read besides its own, by agent: absolute paths outside the scenario, such as a solver's licence or the
    packages of a language."""


class BrokerConfig(Config):
    """Settings of the HELICS broker and of every federate's wait."""

    schema_version: Annotated[int, Field(ge=1, le=1)]
    """Version of this file's format; 1."""
    core_type: CoreType = "zmq"
    """HELICS core. ``inproc`` is for runs in one process."""
    port: Literal["auto"] | Annotated[int, Field(ge=1024, le=65_000)] = "auto"
    """Port of the broker on the loopback, or ``auto`` for a free one per run."""
    log_level: LogLevel = "warning"
    """What HELICS itself prints."""
    round_step_s: Annotated[float, Field(ge=1e-6, le=1.0)] = 0.001
    """HELICS time between two rounds of a negotiation."""
    dispatch_offset_s: Annotated[float, Field(gt=0, le=60)] = 1.0
    """The traffic model takes departures this long after a period starts (road); all rounds lie before it."""
    max_rounds: Annotated[int, Field(ge=20, le=100_000)] = 400
    """Most rounds of one negotiation."""
    agreed_gap: Annotated[float, Field(ge=0, lt=1)] = 0.01
    """The results call a plan agreed if the algorithm does and it is proven to cost at most this share more than the best one.
    What the algorithm itself aims at is a setting of its own (``gap_target``) and should be smaller."""
    tick_s: Annotated[int, Field(ge=1, le=60)] = 1
    """HELICS looks for lost partners this often."""
    timeout_s: Annotated[int, Field(ge=2, le=600)] = 5
    """A process that gives no sign of life for this long ends the run and is named: it is stopped, or stuck in a library that
    holds Python's interpreter. A long answer is no silence (see ``limits``); time in which all of a run is stopped does not
    count."""
    signatures: bool = True
    """Whether every message is signed, and refused if it is not what its sender said (docs/integrity.md). Off is for measuring
    what it costs, and for programs that cannot sign."""
    report: bool = True
    """Whether a complete run writes its reports, which takes a few seconds; `portage report` writes them later as well."""
    limits: Limits = Limits()
    """Longest waits."""
    audit: AuditConfig = AuditConfig()
    """What is watched."""

    @model_validator(mode="after")
    def _rounds_fit(self) -> Self:
        needed_s = self.round_step_s * _STEPS_PER_ROUND * (self.max_rounds + OVERHEAD_ROUNDS)
        if needed_s >= self.dispatch_offset_s:
            steps = f"round_step_s x {_STEPS_PER_ROUND} x (max_rounds + {OVERHEAD_ROUNDS}) = {needed_s:g} s"
            raise unfit("max_rounds", self.max_rounds, f"{steps} must be below dispatch_offset_s = {self.dispatch_offset_s:g} s")
        return self

    @model_validator(mode="after")
    def _waits_longer_than_it_looks(self) -> Self:
        if self.timeout_s <= self.tick_s:
            raise unfit(
                "timeout_s", self.timeout_s, f"must be more than tick_s = {self.tick_s}, how often partners are looked for"
            )
        return self

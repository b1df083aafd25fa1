"""Checks of a traffic model: what detectors and stations can count."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from federates.boundary.messages import Array
from federates.conformance.call_recorder import Kind
from federates.conformance.check import Check, Does, rules
from federates.conformance.errors import Breach
from federates.conformance.fixtures import Fixtures
from federates.conformance.model_day import ModelDay, observations, seen_fault
from federates.conformance.values import value_fault

__all__ = ["TRAFFIC_CHECKS"]

_OF = (Does.MODEL,)
_MOST_APART = 0.35
"""Flow may differ from density times speed by this share: detectors average in time, and over a link that is not uniform."""
_LEAST_SPEED_M_PER_S = 1.0


TRAFFIC_CHECKS: list[Check] = []
_rule = rules(TRAFFIC_CHECKS, of=_OF)


@_rule("traffic.every_period", "interface.begin", "traffic.in_time")
def _runs(fixtures: Fixtures) -> str:
    """Every period can be run, with departures and without."""
    failure = fixtures.model.failure
    if failure is not None and not failure.late:
        raise Breach(failure.error, failure.words)
    return f"{len(fixtures.model.seen)} periods, the first and the last without a departure"


@_rule("traffic.in_time", "interface.begin")
def _in_time(fixtures: Fixtures) -> str:
    """Every period is run within the time limit."""
    day = fixtures.model
    slowest = fixtures.slowest_in_time([call for call in day.caller.calls if call.kind is Kind.RUN])
    if slowest is None:
        return "no period was run"
    return f"the slowest of {len(day.seen)} periods took {slowest.wall_s:.2g} s of {fixtures.target.limit_s:g} s"


@_rule("traffic.shape", "traffic.every_period")
def _shape(fixtures: Fixtures) -> str:
    """Every observation has a value per link, and per station and bin."""
    for period, seen in enumerate(fixtures.model.seen):
        fault = seen_fault(fixtures.target, period, seen)
        if fault is not None:
            raise Breach(fault, f"run, period {period}")
    session = fixtures.session
    return f"{len(fixtures.model.seen)} observations of {len(session.links)} links and {len(session.stations)} stations"


@_rule("traffic.finite", "traffic.shape")
def _finite(fixtures: Fixtures) -> str:
    """Every count and mean is finite and not negative."""
    fault = _value_fault(fixtures, fixtures.model)
    if fault is not None:
        raise Breach(fault, "run")
    return "every count and mean is finite and not negative"


def _value_fault(fixtures: Fixtures, day: ModelDay) -> str | None:
    for period, seen in enumerate(day.seen):
        for message in observations(fixtures.target):
            if (fault := value_fault(fixtures.session, period, message, getattr(seen, message.name))) is not None:
                return fault
    return None


@_rule("traffic.arrivals", "traffic.finite")
def _arrivals(fixtures: Fixtures) -> str:
    """At no time have more vehicles arrived at a station than set out for it."""
    return _arrivals_of(fixtures, fixtures.model)


def _arrivals_of(fixtures: Fixtures, day: ModelDay) -> str:
    sent, arrived = np.zeros(1), np.zeros(1)
    for period, (dispatch, seen) in enumerate(zip(day.dispatches, day.seen, strict=True)):
        sent = sent + fixtures.model_kit.sent_to(fixtures.session, dispatch)
        arrived = arrived + fixtures.model_kit.arrived_at(fixtures.session, seen)
        if (arrived > sent + 1e-6).any():
            q = int(np.argmax(arrived - sent))
            name = fixtures.session.limited_stations[q]
            raise Breach(
                f"{arrived[q]:g} vehicles have arrived at {name} by its end, only {sent[q]:g} set out for it",
                f"run, period {period}",
            )
    return f"{arrived.sum():g} of {sent.sum():g} vehicles arrived, none that had not set out"


@_rule("traffic.delivers", "traffic.finite")
def _delivers(fixtures: Fixtures) -> str:
    """Vehicles that set out arrive."""
    day = fixtures.model
    sent = sum(float(fixtures.model_kit.sent_to(fixtures.session, dispatch).sum()) for dispatch in day.dispatches)
    arrived = sum(float(fixtures.model_kit.arrived_at(fixtures.session, seen).sum()) for seen in day.seen)
    if sent and not arrived:
        raise Breach(f"none of {sent:g} vehicles has arrived after {len(day.seen)} periods", "run with departures")
    return f"{arrived:g} of {sent:g} vehicles arrived by the end of {len(day.seen)} periods"


@_rule("traffic.flooded", "traffic.finite", "traffic.arrivals")
def _flooded(fixtures: Fixtures) -> str:
    """Far more vehicles than a road can carry are answered, by the same rules."""
    day = fixtures.flooded_model
    if day.failure is not None:
        raise Breach(day.failure.error, day.failure.words)
    fault = day.malformed or _value_fault(fixtures, day)
    if fault is not None:
        raise Breach(fault, "run with far too many vehicles")
    vehicles = fixtures.model_kit.sent_to(fixtures.session, day.dispatches[0]).sum()
    return f"{vehicles:g} vehicles on one route; {_arrivals_of(fixtures, day)}"


@_rule("traffic.consistent", "traffic.finite")
def _consistent(fixtures: Fixtures) -> str:
    """Flow is about density times speed, where all three are there."""
    worst, compared = 0.0, 0
    for period, seen in enumerate(fixtures.model.seen):
        links = seen.links
        product = links.density_veh_per_km * links.speed_m_per_s * 3.6
        defined = (links.flow_veh_per_h > 1.0) & (links.density_veh_per_km > 0) & (links.speed_m_per_s > _LEAST_SPEED_M_PER_S)
        compared += int(defined.sum())
        apart = _share(links.flow_veh_per_h, product, defined)
        if apart.max(initial=0.0) > _MOST_APART:
            link = int(apart.argmax())
            raise Breach(
                f"link {fixtures.session.links[link]} has {links.flow_veh_per_h[link]:.6g} veh/h, but density times speed are"
                f" {product[link]:.6g}",
                f"run, period {period}",
            )
        worst = max(worst, float(apart.max(initial=0.0)))
    return f"flow is density times speed to {worst:.1%} on {compared} link periods"


def _share(flow: Array, product: Array, defined: NDArray[np.bool_]) -> Array:
    return np.where(defined, np.abs(flow - product) / np.where(defined, flow, 1.0), 0.0)

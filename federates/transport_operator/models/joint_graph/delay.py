"""Edge costs: travel time that rises with flow, and money.

One law serves every edge of the joint graph. Time in s at flow x (veh/h) of mobile storages beside a fixed other flow b:

    t(x) = base_s + rise_s * ((b + x) / capacity)^4

* road link: the BPR curve [1]_, ``rise_s = 0.15 base_s``, or calibrated (see `Calibration`);
* charging or discharging edge: b = 0, base_s the time quoted at the gate, capacity = spots / service time. The extra wait of one
  service time at full use imitates a queue with several servers: at 90 % use it is 0.66 service times; Erlang's
  formula gives 0.67 for ten spots [choice];
* bypass or staying: all zero.

Money per trip: ``fixed_usd`` plus ``spread_usd_per_flow * x``, drivers being taken in the order of what a trip costs them.

References
----------
.. [1] Bureau of Public Roads, "Traffic Assignment Manual", US Department of Commerce, 1964.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from federates.boundary.units import S_PER_H
from federates.lp.arithmetic import power, product, solve_definite
from federates.transport_operator.models.joint_graph.graph import Array

BPR_RISE = 0.15
"""Relative rise of the travel time at capacity, BPR."""
_PRIOR = np.array((1.0, BPR_RISE))
_STRENGTH = np.array((0.05, 0.001))  # of the prior: observations' worth of evidence on beta and on a
_LARGEST_RISE = 20.0  # of a; keeps the slope finite when a jam lets almost nothing through
_SMALLEST_BASE = 0.5  # of beta; nobody drives at twice the free speed


@dataclass(frozen=True, slots=True)
class TimeCurve:
    """``base_s + rise_s * (flow / capacity)^4`` for arrays that broadcast together."""

    base_s: Array
    rise_s: Array
    capacity_veh_per_h: Array

    def time_s(self, flow: Array) -> Array:
        """Return the time at ``flow``."""
        use = flow / self.capacity_veh_per_h
        square = use * use
        return self.base_s + self.rise_s * square * square

    def slope(self, flow: Array) -> Array:
        """Return the first derivative, s per veh/h."""
        use = flow / self.capacity_veh_per_h
        return 4.0 * self.rise_s / self.capacity_veh_per_h * use * use * use

    def bend(self, flow: Array) -> Array:
        """Return the second derivative, s per (veh/h)^2."""
        use = flow / self.capacity_veh_per_h
        return 12.0 * self.rise_s / self.capacity_veh_per_h**2 * use * use

    def integral(self, flow: Array) -> Array:
        """Return the integral from zero flow."""
        return self.base_s * flow + self.rise_s * self.capacity_veh_per_h / 5.0 * power(flow / self.capacity_veh_per_h, 5)


@dataclass(frozen=True, slots=True)
class EdgeCosts:
    """All numbers that the laws below need; arrays broadcast to (B, E), flows in veh/h."""

    curve: TimeCurve
    background_veh_per_h: Array
    fixed_usd: Array
    spread_usd_per_flow: Array
    public_usd_per_h: float
    driver_usd_per_h: float

    def with_fixed(self, fixed_usd: Array) -> EdgeCosts:
        """Return the same costs with other money per trip."""
        return replace(self, fixed_usd=fixed_usd)

    def time_s(self, flow: Array) -> Array:
        """Return the time on every edge at ``flow`` beside the background."""
        return self.curve.time_s(self.background_veh_per_h + flow)

    def public_toll_usd(self, flow: Array) -> Array:
        """Return the part of `marginal_toll_usd` that is delay of other traffic, usd."""
        slope = self.curve.slope(self.background_veh_per_h + flow)
        return self.public_usd_per_h * self.background_veh_per_h * slope / S_PER_H

    def marginal_toll_usd(self, flow: Array) -> Array:
        """Return what one more vehicle costs all others by delay, usd: ``(VOT_public b + VOT_driver x) t'(b + x)``.

        A driver who pays it beside the own time faces the marginal social cost, so the tolled equilibrium is the
        system optimum (Pigou 1920).
        """
        money_per_h = self.public_usd_per_h * self.background_veh_per_h + self.driver_usd_per_h * flow
        return money_per_h * self.curve.slope(self.background_veh_per_h + flow) / S_PER_H


@dataclass(frozen=True, slots=True)
class SocialCost:
    """Cost to everyone, usd/h: ``VOT_public b (t(b+x) - t(b)) + VOT_driver x t(b+x) + money``. Its minimum: system optimum."""

    costs: EdgeCosts

    def value(self, flow: Array) -> Array:
        """Return the cost per edge, usd/h."""
        c, b = self.costs, self.costs.background_veh_per_h
        time = c.curve.time_s(b + flow)
        public = c.public_usd_per_h / S_PER_H * b * (time - c.curve.time_s(b))
        return public + flow * (c.driver_usd_per_h / S_PER_H * time + c.fixed_usd + 0.5 * c.spread_usd_per_flow * flow)

    def gradient(self, flow: Array) -> Array:
        """Return the marginal cost per edge, usd/veh."""
        c, b = self.costs, self.costs.background_veh_per_h
        public, driver = c.public_usd_per_h / S_PER_H, c.driver_usd_per_h / S_PER_H
        slope, time = c.curve.slope(b + flow), c.curve.time_s(b + flow)
        return (public * b + driver * flow) * slope + driver * time + c.fixed_usd + c.spread_usd_per_flow * flow

    def curvature(self, flow: Array) -> Array:
        """Return the slope of the marginal cost, usd/veh per veh/h."""
        c, b = self.costs, self.costs.background_veh_per_h
        public, driver = c.public_usd_per_h / S_PER_H, c.driver_usd_per_h / S_PER_H
        slope, bend = c.curve.slope(b + flow), c.curve.bend(b + flow)
        return (public * b + driver * flow) * bend + 2.0 * driver * slope + c.spread_usd_per_flow


@dataclass(frozen=True, slots=True)
class UserCost:
    """What drivers themselves feel: time, money and ``toll_usd``. The minimum of the integral is the user equilibrium."""

    costs: EdgeCosts
    toll_usd: Array | float = 0.0

    def value(self, flow: Array) -> Array:
        """Return the integral of the felt cost per edge (Beckmann's function), usd/h."""
        c, b = self.costs, self.costs.background_veh_per_h
        time = (c.curve.integral(b + flow) - c.curve.integral(b + 0.0 * flow)) * c.driver_usd_per_h / S_PER_H
        return time + flow * (c.fixed_usd + self.toll_usd + 0.5 * c.spread_usd_per_flow * flow)

    def gradient(self, flow: Array) -> Array:
        """Return the felt cost per edge, usd/veh."""
        c = self.costs
        return c.driver_usd_per_h / S_PER_H * c.time_s(flow) + c.fixed_usd + self.toll_usd + c.spread_usd_per_flow * flow

    def curvature(self, flow: Array) -> Array:
        """Return its slope, usd/veh per veh/h."""
        c = self.costs
        slope = c.curve.slope(c.background_veh_per_h + flow)
        return c.driver_usd_per_h / S_PER_H * slope + np.zeros_like(flow) + c.spread_usd_per_flow


class Calibration:
    """Delay curves of L links, fitted to what the road showed: `observe` refines them.

        t(v) = t0 (beta + a u),   u = (v / capacity)^4

    beta and a are the regularised least-squares fit to all observations so far, an observation k periods old counting
    ``memory**k``; the prior (beta, a) = (1, 0.15) is the BPR curve at the free speed. The prior's strengths make one congested
    observation move ``a`` (the curve then passes within a few percent of the excess), and one in free flow, where u is near
    zero and tells nothing of ``a``, move ``beta``: a link that is 2 % slower than free at night is not taken for a steep one.
    When demand exceeds capacity the measured flow falls while the time rises; the fit then is a secant through that point, steep
    enough that vehicles avoid the link, but no model of the queue.
    """

    def __init__(self, free_time_s: Array, capacity_veh_per_h: Array, memory: float) -> None:
        links = len(free_time_s)
        self._free_time_s = free_time_s
        self._capacity = capacity_veh_per_h
        self._memory = memory
        self._evidence = np.zeros((links, 2, 2))
        self._deviation = np.zeros((links, 2))

    def observe(self, flow_veh_per_h: Array, travel_time_s: Array) -> None:
        """Take in one period's mean flow and time per link; a link without flow tells nothing."""
        use = power(flow_veh_per_h / self._capacity, 4)
        regressor = np.stack((np.ones_like(use), use), axis=1)
        excess = travel_time_s / self._free_time_s - product(regressor, _PRIOR)
        seen = ((flow_veh_per_h > 0) & (travel_time_s > 0)).astype(np.float64)
        weighted = regressor * seen[:, None]
        self._evidence = self._memory * self._evidence + weighted[:, :, None] * regressor[:, None, :]
        self._deviation = self._memory * self._deviation + weighted * excess[:, None]

    def curve(self) -> TimeCurve:
        """Return the calibrated curves."""
        system = self._evidence + np.diag(_STRENGTH)
        fitted = _PRIOR + solve_definite(system, self._deviation)
        base = self._free_time_s * np.maximum(fitted[:, 0], _SMALLEST_BASE)
        rise = self._free_time_s * np.clip(fitted[:, 1], 0.0, _LARGEST_RISE)
        return TimeCurve(base, rise, self._capacity)

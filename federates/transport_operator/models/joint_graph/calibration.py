"""Calibrate each link's delay curve with what the road showed.

    t(v) = t0 (beta + a u),   u = (v / capacity)^4

beta and a are the regularised least-squares fit to all observations so far, an observation k periods old counting
``memory**k``; the prior (beta, a) = (1, 0.15) is the BPR curve at the free speed. The prior's strengths make one congested
observation move ``a`` (the curve then passes within a few percent of the excess), and one in free flow, where u is near
zero and tells nothing of ``a``, move ``beta``: a link that is 2 % slower than free at night is not taken for a steep one. When
demand exceeds capacity the measured flow falls while the time rises; the fit then is a secant through that point, steep
enough that vehicles avoid the link, but no model of the queue.
"""

from __future__ import annotations

import numpy as np

from federates.lp.arithmetic import power, product, solve_definite
from federates.transport_operator.models.joint_graph.delay import BPR_RISE, TimeCurve
from federates.transport_operator.models.joint_graph.graph import Array

__all__ = ["Calibration"]

_PRIOR = np.array((1.0, BPR_RISE))
_STRENGTH = np.array((0.05, 0.001))  # of the prior: observations' worth of evidence on beta and on a
_LARGEST_RISE = 20.0  # of a; keeps the slope finite when a jam lets almost nothing through
_SMALLEST_BASE = 0.5  # of beta; nobody drives at twice the free speed


class Calibration:
    """Curves of L links; `observe` refines them."""

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

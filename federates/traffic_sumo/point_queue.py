"""A point queue at the end of every link: vehicles that the bottleneck cannot take wait, and a queue outlasts its cause.

    dQ/dt = v - c   while Q > 0,        t = t0 + Q / c                         Vickrey (1969), deterministic

v is what enters the link, c what its bottleneck lets through. It is no function of the flow of the hour: a vehicle more delays
all that follow it until the queue is gone. A transport operator that fits a power of the flow is wrong about such a road, which
is what this law is for.

The data give a target time per hour, not a capacity. So c follows from them: with the given flows the queue at the end of an
hour is the mean of the delays of this hour and the next. The mean delay of an hour then is its target, smoothed with weights
1/4, 1/2, 1/4 over its neighbours. Where neither hour has a delay, c is the road's nominal capacity.

References
----------
.. [1] W. S. Vickrey, "Congestion theory and transport investment", American Economic Review 59(2), 251-260, 1969.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from federates.boundary.messages import Array


def bottleneck_capacity(flow_veh_per_h: Array, delay_s: Array, nominal_veh_per_h: float) -> tuple[Array, Array]:
    """Return what a bottleneck lets through in every hour of day, veh/h, and its queue as the hour ends, veh; both (24,).

    Parameters
    ----------
    flow_veh_per_h : shape (24,), given flow of the link
    delay_s : shape (24,), target time minus free time, >= 0
    nominal_veh_per_h : capacity in an hour without delay; a larger given flow raises it
    """
    end_h = (delay_s + np.roll(delay_s, -1)) / 2.0 / 3600.0
    hours = len(flow_veh_per_h)
    capacity, queue_veh = np.zeros(hours), np.zeros(hours)
    # The first day brings the queue over midnight, the second is kept. Index -1 is the hour before midnight.
    for hour in (*range(hours), *range(hours)):
        arriving = flow_veh_per_h[hour] + queue_veh[hour - 1]
        # Where nothing arrives nothing waits, whatever delay is given.
        waits = end_h[hour] > 0 and arriving > 0
        capacity[hour] = arriving / (1.0 + end_h[hour]) if waits else max(arriving, nominal_veh_per_h)
        queue_veh[hour] = end_h[hour] * capacity[hour] if waits else 0.0
    return capacity, queue_veh


@dataclass
class PointQueues:
    """Queues of L links, in vehicles; `after` says what an interval makes of them."""

    queue_veh: Array

    def after(self, inflow_veh_per_h: Array, capacity_veh_per_h: Array, length_h: float) -> tuple[Array, Array]:
        """Return the queues (L,) after ``length_h`` hours of constant inflow, and the vehicle hours spent in them.

        Exact: a queue changes linearly until it is empty, and then stays so.
        """
        growth = inflow_veh_per_h - capacity_veh_per_h
        empty_h = np.divide(self.queue_veh, -growth, out=np.full_like(growth, np.inf), where=growth < 0)
        busy_h = np.minimum(length_h, empty_h)
        end = np.where(empty_h < length_h, 0.0, self.queue_veh + growth * length_h)
        return end, (self.queue_veh + end) / 2.0 * busy_h

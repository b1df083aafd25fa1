"""Multi-server queues: stationary formulas and the transient chain M/M/c/K.

A station with ``c`` chargers and room for ``K >= c`` vehicles is a birth-death chain: births at rate lambda below K,
deaths at rate min(n, c) mu. K = c is a loss system (Erlang B), K = infinity a waiting system (Erlang C). Rates are per
hour throughout. Sources: A. K. Erlang, 1917; W. J. Stewart, "Probability, Markov Chains, Queues, and Simulation",
2009, sections 10.3 (uniformisation) and 11.4 to 11.6 (M/M/c, M/M/c/K).
"""

from __future__ import annotations

import itertools
import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from federates.lp.arithmetic import product

Array: TypeAlias = NDArray[np.float64]

_TAIL = 1e-13
"""Probability of the uniformised jumps that are left out."""
_DEVIATIONS, _LEAST_TERMS = 10.0, 30
"""Jump counts this many standard deviations, and then this many, above the mean have a probability far below `_TAIL`."""


def erlang_b(offered_erlang: float, servers: int) -> float:
    """Return the share of arrivals that find all servers busy and leave (loss system).

    Recursion B(0) = 1, B(c) = a B(c-1) / (c + a B(c-1)), stable for every size.
    """
    blocking = 1.0
    for c in range(1, servers + 1):
        blocking = offered_erlang * blocking / (c + offered_erlang * blocking)
    return blocking


def erlang_c(offered_erlang: float, servers: int) -> float:
    """Return the share of arrivals that must wait (waiting system); 1 when the servers cannot keep up."""
    if offered_erlang >= servers:
        return 1.0
    blocking = erlang_b(offered_erlang, servers)
    utilisation = offered_erlang / servers
    return blocking / (1.0 - utilisation * (1.0 - blocking))


def mean_wait_h(arrivals_per_h: float, service_per_h: float, servers: int) -> float:
    """Return the mean wait in h before service in M/M/c; infinite when the servers cannot keep up."""
    spare_per_h = servers * service_per_h - arrivals_per_h
    if spare_per_h <= 0.0:
        return math.inf
    return erlang_c(arrivals_per_h / service_per_h, servers) / spare_per_h


def busy(servers: int, capacity: int) -> Array:
    """Return the busy servers min(n, c) in the states n = 0..K."""
    return np.minimum(np.arange(capacity + 1, dtype=np.float64), servers)


def stationary(arrivals_per_h: float, service_per_h: float, servers: int, capacity: int) -> Array:
    """Return the stationary probabilities p_0..p_K of M/M/c/K.

    p_n = p_0 a^n / n! up to c, p_0 a^n / (c! c^(n-c)) above, as products of p_n / p_(n-1) from the largest of them on, both ways:
    nothing overflows, and no logarithm is needed, whose last bits differ between processors.
    """
    if arrivals_per_h <= 0.0:
        return np.array(np.eye(1, capacity + 1)[0], dtype=np.float64)
    ratio = arrivals_per_h / (service_per_h * busy(servers, capacity)[1:])
    return _from_ratios(ratio)


def _from_ratios(ratio: Array) -> Array:
    """Return probabilities p_0..p_K with p_n / p_(n-1) = ``ratio[n-1]``, which must not rise with n; shape (K+1,)."""
    largest = int((ratio >= 1.0).sum())
    below = np.cumprod(1.0 / ratio[:largest][::-1])[::-1]
    weight = np.concatenate((below, [1.0], np.cumprod(ratio[largest:])))
    return np.asarray(weight / weight.sum(), dtype=np.float64)


def _jump_counts(mean: float) -> tuple[Array, Array]:
    """Return P(N = k) and P(N > k) of a Poisson variable for k = 0, 1, ... until P(N > k) is below `_TAIL`."""
    most = int(mean + _DEVIATIONS * math.sqrt(mean)) + _LEAST_TERMS
    equal = _from_ratios(mean / np.arange(1.0, most + 1.0))
    above = np.concatenate((np.cumsum(equal[:0:-1])[::-1], [0.0]))
    terms = int((above > _TAIL).sum()) + 2
    return equal[:terms], above[:terms]


def transient(start: Array, arrivals_per_h: float, service_per_h: float, servers: int, duration_h: float) -> tuple[Array, Array]:
    """Return the chain's probabilities after ``duration_h`` and their mean over that time, both of shape (K+1,).

    Uniformisation: with jumps at rate L = lambda + c mu and P = I + Q/L, p(t) = sum_k Poisson(k; L t) p P^k, and the
    integral of p over [0, t] is sum_k P(more than k jumps) p P^k / L.

    Accuracy
    --------
    Jumps with probability below 1e-13 are left out; the result is normalised.
    """
    capacity = start.size - 1
    rate_per_h = arrivals_per_h + servers * service_per_h
    at_end, during = _jump_counts(rate_per_h * duration_h)
    birth = arrivals_per_h / rate_per_h
    death = service_per_h * busy(servers, capacity)[1:] / rate_per_h
    stay = 1.0 - np.concatenate((np.full(capacity, birth), [0.0])) - np.concatenate(([0.0], death))
    states = np.empty((at_end.size, capacity + 1))
    states[0] = start
    for before, after in itertools.pairwise(states):
        np.multiply(before, stay, out=after)
        after[1:] += before[:-1] * birth
        after[:-1] += before[1:] * death
    end, total = product(at_end, states), product(during, states)
    return end / end.sum(), total / total.sum()

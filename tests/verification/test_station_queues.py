"""Queues of a station against published values, and against a discrete-event simulation by the library Ciw.

The simulation knows no state probabilities: it serves customers one by one. Seeds are fixed; an estimate is the mean of runs that
are independent of each other, and must lie within a confidence interval of 99.9 % (Student's t) around the formula.
"""

import ciw
import numpy as np
import pytest
from scipy.stats import t as student_t

from federates.station.chain import ChargerChain
from federates.station.queues import busy, erlang_b, stationary, transient
from federates.station.sizing import chargers_for

_CONFIDENCE = 0.999
_TEN_PERCENT = {1: 0.111, 2: 0.595, 3: 1.271, 4: 2.045, 5: 2.881, 6: 3.758, 7: 4.666, 8: 5.597, 9: 6.546, 10: 7.511}
_TEN_PERCENT |= {12: 9.474, 15: 12.484, 20: 17.613}
"""Traffic in erlang at 10 % loss by number of servers, from published tables."""


def _means(p, servers):
    """Return L, Lq and P(nobody there) of state probabilities."""
    n = np.arange(p.size)
    return float(n @ p), float(np.maximum(n - servers, 0) @ p), float(p[0])


def test_published_single_server():
    """Bronson 23.3: 24 arrive and 30 can be served an hour: L = 4, W = 1/6 h, nobody there in a fifth of the time."""
    here, _, nobody = _means(stationary(24.0, 30.0, 1, 600), 1)
    assert here == pytest.approx(4.0)
    assert here / 24.0 == pytest.approx(1 / 6)  # Little
    assert nobody == pytest.approx(0.2)


@pytest.mark.parametrize(("doctors", "nobody", "waiting"), [(1, 1 / 3, 4 / 3), (2, 1 / 2, 1 / 12)])
def test_published_county_hospital(doctors, nobody, waiting):
    """Hillier and Lieberman: 2 arrive an hour and a doctor treats 3; Wq is 2/3 h with one doctor and 1/24 h with two."""
    _, queue, empty = _means(stationary(2.0, 3.0, doctors, 400), doctors)
    assert empty == pytest.approx(nobody)
    assert queue == pytest.approx(waiting)
    assert queue / 2.0 == pytest.approx({1: 2 / 3, 2: 1 / 24}[doctors])


@pytest.mark.parametrize(
    ("servers", "offered"),
    list(_TEN_PERCENT.items()),
)
def test_published_traffic_table_sizes_the_chargers(servers, offered):
    """The column of 10 % loss, read the other way round: so much traffic needs so many servers, a little more needs one more."""
    assert chargers_for(offered - 6e-4, 0.1, "loss") == servers
    assert chargers_for(offered + 6e-4, 0.1, "loss") == servers + 1


def test_what_is_not_turned_away_waits_as_little_says():
    """M/M/c/K by hand: c = 1, K = 2, a = 1 has p = 1/3 each; of 3 an hour 2 come in, so W = 1 / 2 h."""
    p = stationary(3.0, 3.0, 1, 2)
    np.testing.assert_allclose(p, 1 / 3)
    here, _, _ = _means(p, 1)
    assert here / (3.0 * (1.0 - p[-1])) == pytest.approx(1 / 2)
    assert stationary(3.0, 3.0, 1, 1)[-1] == pytest.approx(erlang_b(1.0, 1))


def _simulate(arrivals_per_h, service_per_h, servers, capacity, until_h, seed):
    """Return a simulation that has run, with its history of (time, how many are there)."""
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(arrivals_per_h)],
        service_distributions=[ciw.dists.Exponential(service_per_h)],
        number_of_servers=[servers],
        queue_capacities=[capacity - servers],
    )
    ciw.seed(seed)
    simulation = ciw.Simulation(network, tracker=ciw.trackers.SystemPopulation())
    simulation.simulate_until_max_time(until_h)
    return simulation


def _time_in_states(history, capacity, begin_h, end_h):
    """Return the share of time in each state between two times, (K+1,)."""
    times = np.clip(np.array([t for t, _ in history] + [end_h]), begin_h, end_h)
    return np.bincount([n for _, n in history], weights=np.diff(times), minlength=capacity + 1) / (end_h - begin_h)


def _within(samples, expected):
    samples = np.asarray(samples)
    half = student_t.ppf(0.5 + 0.5 * _CONFIDENCE, samples.size - 1) * samples.std(ddof=1) / np.sqrt(samples.size)
    assert half < 0.1 * abs(expected), "the interval is too wide to say anything"
    assert samples.mean() == pytest.approx(expected, abs=half)


@pytest.mark.parametrize(("arrivals", "servers", "capacity"), [(9.0, 3, 5), (9.0, 3, 3)])
def test_stationary_against_discrete_events(arrivals, servers, capacity):
    service, warm_h, until_h = 3.0, 5.0, 205.0
    p = stationary(arrivals, service, servers, capacity)
    turned_away, load, waits = [], [], []
    for seed in range(24):
        run = _simulate(arrivals, service, servers, capacity, until_h, seed)
        records = [r for r in run.get_all_records() if r.arrival_date > warm_h]
        served = [r for r in records if r.record_type == "service"]
        turned_away.append(1.0 - len(served) / len(records))
        waits.append(np.mean([r.waiting_time for r in served]))
        load.append(_time_in_states(run.statetracker.history, capacity, warm_h, until_h) @ busy(servers, capacity))
    _within(turned_away, p[-1])
    _within(load, p @ busy(servers, capacity))
    if capacity > servers:
        waiting = np.maximum(np.arange(capacity + 1) - servers, 0) @ p
        _within(waits, waiting / (arrivals * (1.0 - p[-1])))


def test_transient_chain_against_discrete_events():
    """From empty, a quarter of an hour at a time: what the forecast carries from bin to bin."""
    arrivals, service, servers, capacity, bin_h = 36.0, 3.0, 10, 12, 0.25
    means, busy_at_end = [], []
    for seed in range(400):
        history = _simulate(arrivals, service, servers, capacity, 2 * bin_h, seed).statetracker.history
        shares = [_time_in_states(history, capacity, b * bin_h, (b + 1) * bin_h) for b in range(2)]
        means.append([share @ busy(servers, capacity) for share in shares])
        busy_at_end.append(history[-1][1])
    chain = ChargerChain(servers, capacity, 1.0, service, "transient")
    for samples in np.array(means).T:
        _within(samples, chain.step(arrivals, bin_h).mean_kw)
    end, _ = transient(np.eye(1, capacity + 1)[0], arrivals, service, servers, 2 * bin_h)
    _within(busy_at_end, float(end @ np.arange(capacity + 1)))
    # The first quarter is far from the stationary state, or the test would say nothing about the transient.
    assert np.mean(means, axis=0)[0] < 0.6 * stationary(arrivals, service, servers, capacity) @ busy(servers, capacity)

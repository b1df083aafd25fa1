"""Queues of the charging stations against published values and a matrix exponential."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

from federates.boundary.errors import ModelError
from federates.station.chain import ChargerChain
from federates.station.queues import erlang_b, erlang_c, mean_wait_h, stationary, transient
from federates.station.sizing import (
    chargers_for,
    expected_wait_h,
    greatest_flow_per_h,
    spots_for,
)


@pytest.mark.parametrize(("offered", "servers", "blocking"), [(5.0, 10, 0.0183845703), (1.0, 1, 0.5), (2.0, 3, 4 / 19)])
def test_erlang_b(offered, servers, blocking):
    assert erlang_b(offered, servers) == pytest.approx(blocking, abs=1e-10)


def test_erlang_b_published_traffic_table():
    assert erlang_b(8.108, 15) == pytest.approx(0.01, abs=1e-5)
    ten_percent = {1: 0.111, 2: 0.595, 3: 1.271, 4: 2.045, 5: 2.881, 6: 3.758, 7: 4.666, 8: 5.597, 9: 6.546, 10: 7.511}
    for servers, offered in {**ten_percent, 12: 9.474, 15: 12.484, 20: 17.613}.items():
        assert erlang_b(offered, servers) == pytest.approx(0.1, abs=3e-4)


def test_erlang_c():
    assert erlang_c(2.0, 3) == pytest.approx(4 / 9, abs=1e-12)
    assert erlang_c(3.0, 3) == 1.0


def test_waits_of_published_examples():
    assert 24.0 * (mean_wait_h(24.0, 30.0, 1) + 1 / 30) == pytest.approx(4.0)  # Bronson 23.3: L = 4
    assert mean_wait_h(2.0, 3.0, 1) == pytest.approx(2 / 3)  # County Hospital, one doctor
    assert mean_wait_h(2.0, 3.0, 2) == pytest.approx(1 / 24)  # two doctors
    assert mean_wait_h(90.0, 30.0, 3) == math.inf


@pytest.mark.parametrize("offered", [0.3, 2.0, 24.0, 60.0])
def test_no_waiting_place_is_erlang_b(offered):
    assert stationary(offered * 3.0, 3.0, 27, 27)[-1] == pytest.approx(erlang_b(offered, 27), rel=1e-10)


def test_many_waiting_places_are_erlang_c():
    p = stationary(20.0 * 3.0, 3.0, 25, 25 + 400)
    assert p[25:].sum() == pytest.approx(erlang_c(20.0, 25), rel=1e-9)
    waiting = np.maximum(np.arange(p.size) - 25, 0) @ p
    assert waiting / 60.0 == pytest.approx(mean_wait_h(60.0, 3.0, 25), rel=1e-9)  # Little


@settings(max_examples=50, deadline=None)
@given(st.floats(0.01, 200), st.floats(0.1, 10), st.integers(1, 30), st.integers(0, 40))
def test_stationary_is_balanced(arrivals, service, servers, places):
    p = stationary(arrivals, service, servers, servers + places)
    n = np.arange(p.size)
    assert p.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(arrivals * p[:-1], service * np.minimum(n[1:], servers) * p[1:], atol=1e-12 * arrivals)
    # Flow in equals flow out: what is not turned away is served.
    assert arrivals * (1 - p[-1]) == pytest.approx(service * np.minimum(n, servers) @ p)


def test_nobody_comes():
    np.testing.assert_array_equal(stationary(0.0, 3.0, 4, 6), np.eye(1, 7)[0])
    end, _ = transient(np.full(5, 0.2), 0.0, 3.0, 4, 50.0)
    assert end[0] == pytest.approx(1.0)


def _generator(arrivals, service, servers, capacity):
    q = np.zeros((capacity + 1, capacity + 1))
    for n in range(capacity + 1):
        if n < capacity:
            q[n, n + 1] = arrivals
        if n > 0:
            q[n, n - 1] = service * min(n, servers)
        q[n, n] = -q[n].sum()
    return q


@pytest.mark.parametrize(("arrivals", "hours"), [(54.0, 0.25), (5.0, 1.0), (72.0, 6.0), (0.0, 0.25), (3.0, 1 / 60)])
def test_transient_against_matrix_exponential(arrivals, hours):
    servers, capacity = 12, 17
    start = np.random.default_rng(2).dirichlet(np.ones(capacity + 1))
    q = _generator(arrivals, 3.0, servers, capacity)
    end, mean = transient(start, arrivals, 3.0, servers, hours)
    np.testing.assert_allclose(end, start @ expm(q * hours), atol=1e-10)
    # Integral by the augmented matrix (Van Loan 1978).
    n = capacity + 1
    block = np.block([[q, np.eye(n)], [np.zeros((n, n)), np.zeros((n, n))]])
    np.testing.assert_allclose(mean, start @ expm(block * hours)[:n, n:] / hours, atol=1e-10)


def test_transient_becomes_stationary():
    end, mean = transient(np.eye(1, 28)[0], 72.0, 3.0, 27, 24.0)
    np.testing.assert_allclose(end, stationary(72.0, 3.0, 27, 27), atol=1e-10)
    assert 0.5 * np.abs(mean - end).sum() > 1e-4  # the way there counts in the mean


def test_transient_chain_lags_behind_stationary_chain():
    arguments = (27, 27, 60.0, 3.0)
    slow, quick = ChargerChain(*arguments, "transient"), ChargerChain(*arguments, "stationary")
    slow.settle(10.0)
    quick.settle(10.0)
    first_slow, first_quick = slow.step(72.0, 0.25), quick.step(72.0, 0.25)
    assert first_slow.mean_kw < first_quick.mean_kw - 100.0
    for _ in range(60):
        last = slow.step(72.0, 0.25)
    assert last.mean_kw == pytest.approx(first_quick.mean_kw, rel=1e-9)
    assert last.all_busy == pytest.approx(erlang_b(24.0, 27))


def test_probability_of_overload_counts_strictly_above_the_limit():
    chain = ChargerChain(10, 10, 60.0, 3.0, "stationary")
    state = chain.step(15.0, 1.0)
    p = stationary(15.0, 3.0, 10, 10)
    assert state.exceeds(420.0) == pytest.approx(p[8:].sum())
    assert state.exceeds(419.0) == pytest.approx(p[7:].sum())
    assert state.exceeds(600.0) == 0.0


def test_copy_of_a_chain_is_independent():
    chain = ChargerChain(9, 9, 60.0, 3.0, "transient")
    chain.copy().step(50.0, 1.0)
    assert chain.step(0.0, 0.1).mean_kw == 0.0


@pytest.mark.parametrize("wait_s", [10.0, 60.0, 300.0])
def test_spots_are_the_fewest_that_keep_the_wait(wait_s):
    spots = spots_for(103.0, 6.0, wait_s / 3600)
    assert mean_wait_h(103.0, 6.0, spots) <= wait_s / 3600 < mean_wait_h(103.0, 6.0, spots - 1)
    flow = greatest_flow_per_h(spots, 6.0, wait_s / 3600)
    assert flow >= 103.0
    assert expected_wait_h(flow, 6.0, spots) <= wait_s / 3600 * (1 + 1e-6)


def test_wait_stays_finite_above_what_spots_can_take():
    assert math.isfinite(expected_wait_h(500.0, 6.0, 5))


def test_waiting_sizes_need_more_chargers():
    assert chargers_for(18.0, 0.1, "wait") > chargers_for(18.0, 0.1, "loss")


@pytest.mark.parametrize(("sized_by", "fate"), [("loss", "turned away"), ("wait", "made to wait")])
def test_what_no_number_is_enough_for_is_said(sized_by, fate):
    assert chargers_for(400.0, 0.1, sized_by) < 5000
    with pytest.raises(ModelError, match=f"even with 5000 chargers more than 10 % of the arrivals are {fate}"):
        chargers_for(6000.0, 0.1, sized_by)
    assert spots_for(4000.0, 1.0, 1 / 60) < 5000
    with pytest.raises(ModelError, match="even with 5000 spots, each for 1 vehicles per hour, 6000 vehicles per hour wait more"):
        spots_for(6000.0, 1.0, 1 / 60)


def test_the_most_is_allowed_and_the_fewest_are_found():
    """Erlang B falls with every charger: of the most and of one fewer, one is right at a target between the two."""
    of_most, of_fewer = (erlang_b(4990.0, chargers) for chargers in (5000, 4999))
    assert chargers_for(4990.0, (of_most + of_fewer) / 2, "loss") == 5000

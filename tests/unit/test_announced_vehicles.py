"""Who arrives, and whose energy is given: counts against announcements, first in first out, vehicle by vehicle."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from federates.charging_station.models.queueing.announced import Announced
from federates.charging_station.models.queueing.parked import ParkedByFleet


def _announced(fleets=2, bins=2, delay_s=900.0, lost_after_s=7200.0):
    return Announced(fleets, 3600.0, bins, delay_s, lost_after_s)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=5),
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=5, max_size=8),
)
def test_match_is_a_queue_of_vehicles(announced, counts):
    """Every vehicle of a period is the mean of that period's: a queue of them, one by one, says what each bin gets."""
    cars, queue = _announced(lost_after_s=1e9), []
    total = np.zeros(2)
    for period, count in enumerate(counts):
        if period < len(announced):
            vehicles = np.array(announced[period], dtype=float)
            kwh = vehicles * np.array([10.0 + period, 37.0])
            cars.announce(period, vehicles, kwh)
            n = int(vehicles.sum())
            queue += [(vehicles / n, kwh / n) for _ in range(n)]
            total += kwh
        matched = cars.match(period, np.array(count, dtype=float))
        for b in range(2):
            here, queue = queue[: count[b]], queue[count[b] :]
            np.testing.assert_allclose(matched.vehicles[b], sum((v for v, _ in here), np.zeros(2)), atol=1e-9)
            np.testing.assert_allclose(matched.kwh[b], sum((k for _, k in here), np.zeros(2)), atol=1e-9)
            assert matched.unknown_veh[b] == pytest.approx(max(0, count[b] - len(here)))
        total -= matched.kwh.sum(axis=0)
        np.testing.assert_allclose(cars.kwh, total, atol=1e-9)
    assert cars.vehicles.sum() == pytest.approx(len(queue))


def test_counts_that_are_means_match_too():
    cars = _announced()
    cars.announce(0, np.array([3.0, 1.0]), np.array([30.0, 40.0]))
    matched = cars.match(0, np.array([0.5, 1.5]))
    np.testing.assert_allclose(matched.kwh, [[3.75, 5.0], [11.25, 15.0]])
    np.testing.assert_allclose(cars.kwh, [15.0, 20.0])


@pytest.mark.parametrize("delay_s", [0.0, 450.0, 2000.0, 5000.0])
def test_learns_how_long_the_way_is(delay_s):
    """1 000 vehicles leave evenly, and all take as long; bins of a quarter of an hour tell it to a minute or so."""
    cars = _announced(fleets=1, bins=4, delay_s=900.0)
    arrive_s = (np.arange(1000) + 0.5) / 1000 * 3600.0 + delay_s
    cars.announce(0, np.array([1000.0]), np.array([1e4]))
    for period in range(4):
        count = np.histogram(arrive_s, bins=np.arange(5) * 900.0 + period * 3600.0)[0]
        cars.match(period, count.astype(float))
    assert cars.delay_s == pytest.approx(delay_s, abs=120.0)
    assert cars.vehicles.sum() == 0.0


def test_what_is_due_is_what_has_not_come():
    cars = _announced(fleets=1, bins=4, delay_s=1800.0)
    cars.announce(0, np.array([40.0]), np.array([400.0]))
    kwh, vehicles = cars.due(0, 8)
    np.testing.assert_allclose(kwh, [0, 0, 100, 100, 100, 100, 0, 0])
    cars.match(0, np.array([0.0, 0.0, 10.0, 5.0]))
    kwh, vehicles = cars.due(1, 4)
    np.testing.assert_allclose(vehicles, [12.5, 12.5, 0, 0])
    assert kwh.sum() == pytest.approx(250.0)
    assert cars.due(2, 4)[0][0] == pytest.approx(250.0)  # late: at once


def test_the_lost_are_expected_no_more_but_are_not_forgotten():
    cars = _announced(fleets=1, bins=1, lost_after_s=3600.0)
    cars.announce(0, np.array([2.0]), np.array([20.0]))
    cars.match(0, np.zeros(1))
    assert cars.due(2, 1)[0][0] == 20.0
    assert cars.due(3, 1)[0][0] == 0.0
    assert cars.lost_kwh(3) == pytest.approx(20.0)
    cars.announce(3, np.array([1.0]), np.array([7.0]))
    # The younger comes first now; the lost one, should it come at last, still has its own energy.
    assert cars.match(3, np.array([1.0])).kwh.sum() == pytest.approx(7.0)
    assert cars.match(4, np.array([2.0])).kwh.sum() == pytest.approx(20.0)
    assert cars.match(5, np.array([3.0])).unknown_veh.sum() == 3.0


@pytest.mark.parametrize("seed", range(5))
def test_parked_energy_goes_out_in_the_order_in_which_it_came(seed):
    """Against a queue of tenths of a kWh, each marked with its fleet in the proportion of its vehicle park."""
    rng = np.random.default_rng(seed)
    parked, queue = ParkedByFleet(3), []
    for _ in range(30):
        came = rng.integers(0, 30, 3).astype(float)
        parked.add(came)
        if came.sum():
            queue += [came / came.sum() / 10] * int(10 * came.sum())
        wanted = round(float(rng.uniform(0, 60)), 1)
        units = round(10 * wanted)
        expected, queue = sum(queue[:units], np.zeros(3)), queue[units:]
        np.testing.assert_allclose(parked.take(wanted), expected, atol=1e-9)
        np.testing.assert_allclose(parked.kwh, sum(queue, np.zeros(3)), atol=1e-9)

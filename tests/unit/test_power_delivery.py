"""Lag of deliveries, vehicles on the road, and the spots where they discharge."""

import numpy as np
import pytest

from federates.power_operator.models.charging_station.delivery import Fleet, lag_shares
from federates.power_operator.models.charging_station.discharge import DischargeSpots
from federates.power_operator.models.charging_station.energy import StorageEnergy
from federates.power_operator.models.charging_station.settings import MobileStorage


@pytest.mark.parametrize(
    ("delay_s", "expected"), [(0.0, [1, 0]), (900.0, [0.75, 0.25]), (3600.0, [0, 1, 0]), (4500.0, [0, 0.75, 0.25])]
)
def test_share_by_lag(delay_s, expected):
    np.testing.assert_allclose(lag_shares(np.array([[delay_s]]), 3600.0)[0, 0], expected)


def test_share_by_lag_against_vehicles_one_by_one():
    leave_s = (np.arange(100_000) + 0.5) / 100_000 * 900.0
    delay_s = np.array([[1111.0, 300.0], [901.0, 2700.0]])
    share = lag_shares(delay_s, 900.0)
    np.testing.assert_allclose(share.sum(axis=2), 1.0)
    for r in range(2):
        for q in range(2):
            lag = ((leave_s + delay_s[r, q]) // 900.0).astype(int)
            np.testing.assert_allclose(share[r, q], np.bincount(lag, minlength=share.shape[2]) / lag.size, atol=1e-4)


def test_fleet_expects_what_has_not_arrived():
    fleet = Fleet(lost_after_periods=2)
    fleet.send(3, 40.0, 9.4, 4.0, np.array([0.7, 0.3]))
    kwh, vehicles = fleet.due(4, 2)
    # Nothing was seen yet, so all 40 are late or on their way and come next.
    np.testing.assert_allclose(vehicles, [40.0, 0.0])
    fleet.arrive(3, 30.0)
    kwh, vehicles = fleet.due(4, 2)
    np.testing.assert_allclose(vehicles, [10.0, 0.0])
    np.testing.assert_allclose(kwh, [94.0, 0.0])
    assert fleet.traction_kwh == 4.0


def test_fleet_takes_the_oldest_first_and_forgets_the_lost():
    fleet = Fleet(lost_after_periods=2)
    fleet.send(0, 5.0, 1.0, 0.0, np.array([0.0, 1.0]))
    fleet.send(1, 5.0, 2.0, 0.0, np.array([0.0, 1.0]))
    fleet.arrive(1, 4.0)
    assert fleet.due(2, 1)[0][0] == pytest.approx(1.0 + 10.0)
    fleet.arrive(3, 0.0)
    assert fleet.due(4, 1)[0][0] == pytest.approx(11.0)
    fleet.arrive(4, 0.0)
    assert fleet.due(5, 1)[0][0] == pytest.approx(10.0)
    fleet.arrive(5, 0.0)
    assert fleet.due(6, 1)[0][0] == 0.0


def test_one_vehicle_discharges_over_the_end_of_its_bin():
    spots = DischargeSpots(1, 60.0, 0.95)
    # Arrives at 7.5 min, needs 10 min: 7.5 min in the first bin and 2.5 min in the second.
    assert spots.step(0.0, 0.25, 1.0, 10.0) == pytest.approx(0.95 * 7.5)
    assert spots.remaining_kwh(0.25) == pytest.approx(0.95 * 2.5)
    assert spots.step(0.25, 0.25, 0.0, 10.0) == pytest.approx(0.95 * 2.5)
    assert spots.remaining_kwh(0.5) == 0.0


def test_spots_limit_the_power_and_nothing_is_lost():
    spots = DischargeSpots(4, 60.0, 0.95)
    energies = [spots.step(b * 0.25, 0.25, 40.0 if b == 0 else 0.0, 9.9) for b in range(12)]
    assert max(energies) <= 4 * 60.0 * 0.95 * 0.25 + 1e-9
    assert sum(energies) == pytest.approx(40 * 9.9 * 0.95)


def test_mean_counts_keep_their_energy():
    spots = DischargeSpots(4, 60.0, 1.0)
    assert sum(spots.step(b, 1.0, 2.5 if b == 0 else 0.0, 10.0) for b in range(3)) == pytest.approx(25.0)


def test_energy_with_and_without_traction():
    energy = StorageEnergy(MobileStorage())
    assert energy.drawn_kwh == pytest.approx(10 / 0.95)
    assert float(energy.delivered_kwh(900.0, False)) == pytest.approx(10 * 0.99 * 0.95)
    assert float(energy.delivered_kwh(900.0, True)) == pytest.approx((9.9 - 4.0) * 0.95)
    assert float(energy.delivered_kwh(9000.0, True)) == 0.0
    both_ways = StorageEnergy(MobileStorage(traction_trips=2))
    assert float(both_ways.traction_kwh(900.0)) == pytest.approx(8.0)
    # About 90 % in all, as the paper says.
    assert float(energy.delivered_kwh(0.0, False)) / energy.drawn_kwh == pytest.approx(0.893, abs=1e-3)

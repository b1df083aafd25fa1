"""Lag of deliveries, vehicles on the road, and the spots where they discharge."""

import math

import numpy as np
import pytest

from federates.station.charging import ChargingSpots, chargeable, latest_schedule
from federates.station.delivery import Fleet, arrival_shares
from federates.station.discharge import DischargeSpots
from federates.station.energy import StorageEnergy
from federates.station.settings import MobileStorage


@pytest.mark.parametrize(
    ("delay_s", "expected"), [(0.0, [1, 0]), (900.0, [0.75, 0.25]), (3600.0, [0, 1, 0]), (4500.0, [0, 0.75, 0.25])]
)
def test_share_by_period(delay_s, expected):
    np.testing.assert_allclose(arrival_shares(np.array([[delay_s]]), 3600.0, 1)[0, 0], expected, atol=1e-12)


@pytest.mark.parametrize("bins", [1, 4])
def test_share_by_bin_against_vehicles_one_by_one(bins):
    leave_s = (np.arange(100_000) + 0.5) / 100_000 * 900.0
    delay_s = np.array([[1111.0, 300.0], [901.0, 2700.0]])
    share = arrival_shares(delay_s, 900.0, bins)
    np.testing.assert_allclose(share.sum(axis=2), 1.0)
    assert share.shape[2] % bins == 0
    for r in range(2):
        for q in range(2):
            arrival = ((leave_s + delay_s[r, q]) // (900.0 / bins)).astype(int)
            np.testing.assert_allclose(share[r, q], np.bincount(arrival, minlength=share.shape[2]) / arrival.size, atol=1e-4)


def test_fleet_expects_what_has_not_arrived():
    fleet = Fleet(lost_after_periods=2, bins=2, usual_kwh=9.9)
    fleet.send(3, "r", 40.0, 9.4, 4.0, np.array([0.3, 0.4, 0.2, 0.1]))
    kwh, vehicles = fleet.due(3, 4)
    np.testing.assert_allclose(vehicles, [12.0, 16.0, 8.0, 4.0])
    # Of those expected by now 28 came, as they should; the others come by their shares.
    np.testing.assert_allclose(fleet.arrive(3, np.array([10.0, 18.0])), [94.0, 18 * 9.4])
    kwh, vehicles = fleet.due(4, 4)
    np.testing.assert_allclose(vehicles, [8.0, 4.0, 0.0, 0.0])
    np.testing.assert_allclose(kwh, 9.4 * vehicles)
    assert fleet.traction_kwh == 4.0
    # One more than were sent is taken for a usual one.
    np.testing.assert_allclose(fleet.arrive(4, np.array([13.0, 0.0])), [12 * 9.4 + 9.9, 0.0])


def test_fleet_takes_the_oldest_first_and_forgets_the_lost():
    fleet = Fleet(lost_after_periods=2, bins=1, usual_kwh=9.9)
    fleet.send(0, "r", 5.0, 1.0, 0.0, np.array([0.0, 1.0]))
    fleet.send(1, "r", 5.0, 2.0, 0.0, np.array([0.0, 1.0]))
    fleet.arrive(1, np.array([4.0]))
    assert fleet.due(2, 1)[0][0] == pytest.approx(1.0 + 10.0)
    fleet.arrive(3, np.zeros(1))
    assert fleet.due(4, 1)[0][0] == pytest.approx(11.0)
    fleet.arrive(4, np.zeros(1))
    assert fleet.due(5, 1)[0][0] == pytest.approx(10.0)
    fleet.arrive(5, np.zeros(1))
    assert fleet.due(6, 1)[0][0] == 0.0


def test_a_short_charge_is_that_of_the_vehicles_that_left_in_its_period():
    fleet = Fleet(lost_after_periods=2, bins=1, usual_kwh=9.9)
    fleet.send(0, "r1", 5.0, 9.0, 0.0, np.array([0.0, 1.0]))
    fleet.send(1, "r1", 4.0, 9.0, 0.0, np.array([0.0, 1.0]))
    fleet.send(1, "r2", 4.0, 9.0, 0.0, np.array([0.0, 1.0]))
    assert fleet.sent_from("r1", 1) == 4.0
    fleet.leave_short("r1", 1, 2.0)
    assert fleet.due(1, 3)[0].sum() == pytest.approx(5 * 9 + 4 * 7 + 4 * 9)
    # In period 2 nobody left r1 for here: a shortage there is not that of those who left before and are still under way.
    assert fleet.sent_from("r1", 2) == 0.0
    fleet.leave_short("r1", 2, 2.0)
    assert fleet.due(1, 3)[0].sum() == pytest.approx(5 * 9 + 4 * 7 + 4 * 9)


def _by_small_steps(spots, spot_kw, efficiency, most_wait_h, bins, steps=20_000):
    """Return feeder energy and vehicle hours by bin, in small steps; ``bins``: (begin, vehicles, kwh, wanted)."""
    parked, out, step_h = [], [], 0.25 / steps
    for begin_h, vehicles, kwh, wanted_kw in bins:
        arrivals, feeder_kwh, parked_h = [begin_h + (i + 0.5) / max(vehicles, 1) * 0.25 for i in range(vehicles)], 0.0, 0.0
        for k in range(steps):
            now_h = begin_h + k * step_h
            while arrivals and arrivals[0] <= now_h:
                parked.append([arrivals.pop(0), kwh / vehicles])
            at_spots = parked[:spots]
            overdue_kw = efficiency * spot_kw * sum(now_h >= arrival_h + most_wait_h for arrival_h, _ in at_spots)
            left_kwh, parked_h = max(wanted_kw, overdue_kw) * step_h, parked_h + len(parked) * step_h
            for vehicle in at_spots:
                taken = min(left_kwh / efficiency, spot_kw * step_h, vehicle[1])
                vehicle[1] -= taken
                left_kwh -= efficiency * taken
                feeder_kwh += efficiency * taken
            parked = [vehicle for vehicle in parked if vehicle[1] > 1e-9]
        out.append((feeder_kwh, parked_h))
    return np.array(out)


@pytest.mark.parametrize("seed", range(3))
def test_spots_against_small_steps(seed):
    rng = np.random.default_rng(seed)
    bins = [(b * 0.25, int(rng.integers(0, 14)), 0.0, float(rng.choice([0.0, 80.0, 200.0, 400.0]))) for b in range(8)]
    bins = [(begin, vehicles, 9.9 * vehicles, wanted) for begin, vehicles, _, wanted in bins]
    spots = DischargeSpots(5, 60.0, 0.95, 0.6)
    given = [spots.step(begin, 0.25, vehicles, kwh, wanted) for begin, vehicles, kwh, wanted in bins]
    expected = _by_small_steps(5, 60.0, 0.95, 0.6, bins)
    np.testing.assert_allclose([g.feeder_kwh for g in given], expected[:, 0], atol=0.05)
    np.testing.assert_allclose([g.parked_veh_h for g in given], expected[:, 1], atol=0.01)
    assert all(g.waiting_veh_h >= 0.0 for g in given)
    arrived = sum(kwh for _, _, kwh, _ in bins)
    assert sum(g.battery_kwh for g in given) + spots.battery_kwh == pytest.approx(arrived, abs=1e-6)


def test_storages_wait_while_the_feeder_needs_nothing_and_give_what_it_needs():
    spots = DischargeSpots(4, 60.0, 1.0, most_wait_h=0.9)
    assert spots.step(0.0, 0.25, 8, 80.0, 0.0).feeder_kwh == 0.0
    assert spots.parked_veh == 8
    assert spots.step(0.25, 0.25, 0, 0.0, 100.0).feeder_kwh == pytest.approx(25.0)
    # 55 kWh in five full and one half empty: four spots for 10 min, then the last two for 5 min, at 60 kW each.
    assert spots.step(0.5, 0.25, 0, 0.0, 1000.0).feeder_kwh == pytest.approx(40.0 + 10.0)
    assert spots.battery_kwh == pytest.approx(5.0)


def test_nobody_waits_longer_than_agreed():
    spots = DischargeSpots(4, 60.0, 1.0, most_wait_h=0.5)
    given = [spots.step(0.25 * b, 0.25, 4 if b == 0 else 0, 40.0 if b == 0 else 0.0, 0.0).feeder_kwh for b in range(4)]
    assert given[:2] == [0.0, 0.0]  # the first came at 1.9 min and has waited long enough at 31.9 min
    assert sum(given) == pytest.approx(40.0)
    held = DischargeSpots(4, 60.0, 0.95, most_wait_h=0.5)
    held.step(0.0, 0.25, 2, 20.0, 0.0)
    np.testing.assert_allclose(held.holdable_kwh(np.array([0.25, 0.6, 0.7])), [19.0, 9.5, 0.0])


def test_one_vehicle_discharges_over_the_end_of_its_bin():
    spots = DischargeSpots(1, 60.0, 0.95)
    # Arrives at 7.5 min, needs 10 min: 7.5 min in the first bin and 2.5 min in the second.
    assert spots.step(0.0, 0.25, 1.0, 10.0, 60.0).feeder_kwh == pytest.approx(0.95 * 7.5)
    assert spots.battery_kwh == pytest.approx(2.5)
    assert spots.step(0.25, 0.25, 0.0, 0.0, 60.0).feeder_kwh == pytest.approx(0.95 * 2.5)
    assert spots.battery_kwh == 0.0


def test_spots_limit_the_power_and_nothing_is_lost():
    spots = DischargeSpots(4, 60.0, 0.95)
    counts = [40.0 if b == 0 else 0.0 for b in range(12)]
    energies = [spots.step(b * 0.25, 0.25, n, 9.9 * n, math.inf).feeder_kwh for b, n in enumerate(counts)]
    assert max(energies) <= 4 * 60.0 * 0.95 * 0.25 + 1e-9
    assert sum(energies) == pytest.approx(40 * 9.9 * 0.95)


def test_mean_counts_keep_their_energy():
    spots = DischargeSpots(4, 60.0, 1.0)
    counts = [2.5, 0.0, 0.0]
    assert sum(spots.step(b, 1.0, n, 10.0 * n, math.inf).feeder_kwh for b, n in enumerate(counts)) == pytest.approx(25.0)


@pytest.mark.parametrize("seed", range(20))
def test_what_can_be_charged_in_time_by_brute_force(seed):
    """The greatest total of which, leaving evenly, every part was charged before: tried in small steps, charging at once."""
    room = np.random.default_rng(seed).choice([0.0, 5.0, 20.0, 60.0], 4)

    def feasible(total):
        return all(room[: b + 1].sum() >= total * (b + 1) / 4 - 1e-9 for b in range(4))

    most = max(total for total in np.arange(0.0, 300.0, 0.5) if feasible(total))
    assert most <= chargeable(room) < most + 0.5
    schedule = latest_schedule(np.full(4, chargeable(room) / 4), room)
    assert (schedule <= room + 1e-9).all()
    assert (np.cumsum(schedule) >= np.arange(1, 5) / 4 * chargeable(room) - 1e-9).all()
    # The latest: nothing could be charged a bin later.
    for b in range(3):
        late = schedule[b + 1 :].sum() < room[b + 1 :].sum() - 1e-9
        ahead = np.cumsum(schedule)[b] > (b + 1) / 4 * chargeable(room) + 1e-9
        assert not (late and ahead and schedule[b] > 0 and (schedule[b + 1] < room[b + 1] - 1e-9))


def test_who_cannot_be_charged_in_time_leaves_with_less():
    spots = ChargingSpots(spot_kwh_per_bin=100.0, energy_kwh=10.0)
    spots.expect(8.0, np.array([50.0, 20.0, 20.0, 0.0]))
    into = [spots.step(b, 2.0, room) for b, room in enumerate([45.0, 20.0, 8.0, 0.0])]
    # 20 leave in every bin. The last bin has no room, so the third's 20 leave in the last and the first two charge ahead.
    assert [c.into_kwh for c in into] == pytest.approx([40.0, 20.0, 8.0, 0.0])
    assert [c.carried_kwh for c in into] == pytest.approx([20.0, 20.0, 20.0, 8.0])
    assert into[-1].short_kwh == pytest.approx(12.0)
    assert spots.battery_kwh == 0.0


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

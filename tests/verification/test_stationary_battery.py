"""The smallest stationary battery against closed forms and brute force, and the page's comparison. docs/battery_wear.md."""

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from load_file import load_file

from federates.battery.stationary import most_given_kwh, smallest_battery, sufficient_limit_kw

page = load_file(Path(__file__).parents[2] / "studies/make_battery_wear.py")


def test_a_night_that_charges_and_a_day_that_needs():
    battery = smallest_battery([0.0, 0.0, 30.0, 20.0], [100.0, 100.0, 0.0, 0.0], 0.9)
    assert battery.battery_kwh == pytest.approx(50.0 / 0.9)
    assert battery.given_kwh == pytest.approx([0, 0, 30, 20], abs=1e-6)
    assert battery.drawn_kwh == pytest.approx([0, 50.0 / 0.81, 0, 0], abs=1e-6), "as late as it can"
    assert battery.lost_kwh == pytest.approx(50.0 / 0.81 - 50.0)
    assert battery.soc == pytest.approx([0, 0, 1, 0.4, 0], abs=1e-6)


def test_needs_in_turn_take_a_small_battery():
    battery = smallest_battery([0.0, 10.0, 0.0, 10.0], [20.0, 0.0, 20.0, 0.0], 1.0)
    assert battery.battery_kwh == pytest.approx(10.0)


def test_the_feeder_has_no_more_than_its_room():
    battery = smallest_battery([0.0, 100.0], [50.0, 0.0], 0.8)
    assert battery.given_kwh.sum() == pytest.approx(0.64 * 50.0) == most_given_kwh([0, 100], [50, 0], 0.8)
    assert smallest_battery([0.0, 100.0], [0.0, 0.0], 0.8).battery_kwh == 0.0
    assert smallest_battery([0.0, 0.0], [10.0, 0.0], 0.8).battery_kwh == 0.0


def least_by_trying(job, room):
    """Return the smallest whole battery without losses that does the whole job, by trying sizes and starts; early is best."""
    for size in range(sum(job) + 1):
        for start in range(size + 1):
            stored = start
            for wanted, free in zip(job, room, strict=True):
                stored = min(size, stored + free) - wanted
                if stored < 0:
                    break
            if stored >= start:
                return size
    return None


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=8))
@settings(max_examples=100, deadline=None)
def test_no_smaller_battery_does_it(excess):
    # A bin either needs or has room, as a load is above its limit or below; the last one has room for what lacks.
    excess = [*excess, -max(0, sum(excess))]
    job, room = [max(0, value) for value in excess], [max(0, -value) for value in excess]
    battery = smallest_battery(job, room, 1.0)
    assert battery.battery_kwh == pytest.approx(least_by_trying(job, room), abs=1e-6)
    assert battery.given_kwh.sum() == pytest.approx(sum(job), abs=1e-6)
    assert (battery.drawn_kwh <= np.array(room) + 1e-9).all()
    assert battery.stored_kwh[0] == battery.stored_kwh[-1]


def test_a_feeder_that_is_just_enough():
    # Two bins, 100 and 300: at L the first charges L - 100, of which 0.81 come back: 300 - L = 0.81 (L - 100).
    limit_kw = sufficient_limit_kw([100.0, 300.0], 0.9)
    assert limit_kw == pytest.approx((300 + 81) / 1.81)
    assert sufficient_limit_kw([100.0, 300.0], 1.0) == pytest.approx(200.0)


@pytest.mark.parametrize(
    ("job", "room", "efficiency"), [([1.0], [1.0, 2.0], 0.9), ([-1.0], [1.0], 0.9), ([1.0], [-1.0], 0.9), ([1.0], [1.0], 0.0)]
)
def test_bad_input(job, room, efficiency):
    with pytest.raises(ValueError, match="two series of energies"):
        smallest_battery(job, room, efficiency)


def test_the_sums_of_the_page_are_those_of_its_rows():
    rows = {}
    for line in page.shown().splitlines()[2:]:
        head, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        rows[head] = [float(re.sub(r"[\u202f %]", "", cell)) for cell in cells]
    costs = ("cells (USD a day)", "converters (USD a day)", "energy lost (USD a day)", "drivers' time (USD a day)")
    for k, total in enumerate(rows["sum (USD a day)"]):
        assert total == pytest.approx(sum(rows[name][k] for name in costs), abs=2.0)
        assert rows["sum (USD per kWh of the job done)"][k] == pytest.approx(total / rows["job done (kWh a day)"][k], abs=1e-3)
        assert rows["energy lost (USD a day)"][k] == pytest.approx(0.12 * rows["energy lost (kWh a day)"][k], abs=1.0)


@pytest.mark.long
def test_the_page_is_that_of_the_day(tmp_path):
    assert page.table(page.day(tmp_path)) == page.shown()

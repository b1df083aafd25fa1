"""The forecast uses nothing but what was seen."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from federates.station.forecast import PassingForecast, TypicalDay
from federates.station.settings import Forecast

SHARE = np.array([2, 1, 1, 1, 2, 4, 5, 5, 5, 5, 5, 5, 5, 5, 6, 6, 6, 6, 5, 5, 5, 4, 4, 2], dtype=float) / 100


def _forecast(daily=100_000.0, period_s=3600.0, start_hour=0, **settings_):
    return PassingForecast(TypicalDay(SHARE), daily, Forecast(**settings_), start_hour, period_s)


def test_first_forecast_is_the_typical_day():
    np.testing.assert_allclose(_forecast().flow_veh_per_h(0, 24, 1)[:, 0], 100_000 * SHARE)
    np.testing.assert_allclose(_forecast().flow_veh_per_h(0, 24, 4), np.repeat(100_000 * SHARE, 4).reshape(24, 4))


def test_start_hour_and_midnight():
    flow = _forecast(start_hour=22).flow_veh_per_h(0, 4, 1)[:, 0]
    np.testing.assert_allclose(flow, 100_000 * SHARE[[22, 23, 0, 1]])


@pytest.mark.parametrize("period_s", [900.0, 5400.0, 43_200.0, 86_400.0])
def test_a_day_sums_to_its_volume_whatever_the_period(period_s):
    periods = int(86_400 / period_s)
    flow = _forecast(period_s=period_s).flow_veh_per_h(0, periods, 1)
    assert flow.sum() * period_s / 3600 == pytest.approx(100_000)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0, 2e4), min_size=6, max_size=6), st.lists(st.floats(0, 2e4), min_size=6, max_size=6))
def test_later_observations_cannot_change_an_earlier_forecast(first, second):
    """Two days that agree for three hours and differ afterwards have the same forecasts until then."""
    days = [first, first[:3] + second[3:]]
    made = []
    for day in days:
        forecast, rows = _forecast(), []
        for period in range(6):
            rows.append(forecast.flow_veh_per_h(period, 4, 4))
            forecast.observe(period, day[period])
        made.append(rows)
    for earlier, other in zip(made[0][:4], made[1][:4], strict=True):
        np.testing.assert_array_equal(earlier, other)


def test_a_forecast_that_was_given_out_stays_as_it_was():
    forecast = _forecast()
    given_out = forecast.flow_veh_per_h(0, 4, 1)
    kept = given_out.copy()
    forecast.observe(0, 99_999.0)
    np.testing.assert_array_equal(given_out, kept)


def test_level_and_error_are_learned():
    forecast = _forecast()
    for period in range(12):
        forecast.observe(period, 120_000 * SHARE[period])
        if period == 0:
            assert forecast.error_share > 0.0
    assert forecast.daily_veh == pytest.approx(120_000, rel=0.01)
    early = forecast.error_share
    for period in range(12, 24):
        forecast.observe(period, forecast.flow_veh_per_h(period, 1, 1)[0, 0])
    assert forecast.error_share < 0.2 * early


def test_a_perfect_day_teaches_nothing():
    forecast = _forecast()
    for period in range(24):
        forecast.observe(period, 100_000 * SHARE[period])
    assert forecast.error_share == pytest.approx(0.0, abs=1e-12)
    assert forecast.daily_veh == pytest.approx(100_000)


def test_settings_change_what_is_learned():
    heavy, light = _forecast(prior_share=1.0), _forecast(prior_share=0.01)
    short, long = _forecast(memory_h=1.0), _forecast(memory_h=1000.0)
    for forecast in (heavy, light, short, long):
        for period in range(8):
            forecast.observe(period, (80_000 if period < 4 else 130_000) * SHARE[period])
    assert heavy.daily_veh < light.daily_veh
    assert long.daily_veh < short.daily_veh


def test_periods_are_seen_in_order():
    forecast = _forecast()
    with pytest.raises(ValueError, match="period 0 is the next"):
        forecast.observe(1, 10.0)

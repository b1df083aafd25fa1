"""Background forecast and calibration of the delay curves."""

import numpy as np
import pytest

from federates.transport_operator.models.joint_graph.background import Background, period_mean
from federates.transport_operator.models.joint_graph.delay import Calibration
from federates.worlds.road.session import RoadSession

HOURLY = np.array([[100.0 * (h + 1) for h in range(24)], [2400.0 - 100 * h for h in range(24)]])


def session(**changes):
    base = {"schema_version": 1, "name": "t", "resourceful_stations": ("r",), "limited_stations": ("q",), "links": ("a", "b")}
    return RoadSession(**(base | changes))


def test_mean_over_whole_and_broken_hours_and_over_midnight():
    assert period_mean(HOURLY, 3.0, 1.0).tolist() == [400, 2100]
    assert period_mean(HOURLY, 3.5, 1.0).tolist() == pytest.approx([450, 2050])
    assert period_mean(HOURLY, 3.25, 0.25).tolist() == pytest.approx([400, 2100])
    assert period_mean(HOURLY, 23.5, 1.0).tolist() == pytest.approx([1250, 1250])


def test_before_any_observation_history_counts():
    background = Background(HOURLY, session(start_hour=22), "profile")
    np.testing.assert_allclose(background.forecast(0, 4)[:, 0], [2300, 2400, 100, 200])


def test_profile_scales_the_last_observation_without_own_vehicles():
    background = Background(HOURLY, session(), "profile")
    background.observe(1, np.array([250.0, 1150.0]), np.array([50.0, 0.0]))
    np.testing.assert_allclose(background.forecast(2, 2), [[300, 1100], [400, 1050]])


def test_persistence_keeps_the_last_observation():
    background = Background(HOURLY, session(), "persistence")
    background.observe(1, np.array([250.0, 40.0]), np.array([50.0, 90.0]))
    np.testing.assert_allclose(background.forecast(2, 2), [[200, 0], [200, 0]])


def test_quarter_hours_and_a_history_of_nothing():
    quiet = np.zeros((2, 24))
    quiet[:, 1] = 500
    background = Background(quiet, session(period_s=900), "profile")
    background.observe(3, np.array([30.0, 30.0]), np.zeros(2))
    np.testing.assert_allclose(background.forecast(4, 1), [[500, 500]])


def curve(observations, memory=0.5):
    calibration = Calibration(np.array([100.0]), np.array([8000.0]), memory)
    for flow, time in observations:
        calibration.observe(np.array([flow]), np.array([time]))
    return calibration.curve()


def test_without_observation_the_curve_is_bpr():
    assert curve([]).time_s(np.array([8000.0])) == pytest.approx([115])


@pytest.mark.parametrize(("flow", "time"), [(6000.0, 160.0), (7800.0, 250.0), (5000.0, 130.0)])
def test_curve_passes_through_a_congested_point(flow, time):
    assert curve([(flow, time)]).time_s(np.array([flow])) == pytest.approx([time], rel=0.03)


def test_slow_night_is_not_taken_for_a_steep_curve():
    fitted = curve([(1000.0, 103.0)])
    assert fitted.time_s(np.array([1000.0])) == pytest.approx([103], rel=0.005)
    assert fitted.time_s(np.array([8000.0])) < 125


def test_memory_weighs_the_past():
    points = [(6000.0, 220.0), (6000.0, 140.0)]
    forgets, remembers = (curve(points, m).time_s(np.array([6000.0]))[0] for m in (0.0, 0.9))
    assert forgets == pytest.approx(140, rel=0.03)
    assert remembers > forgets + 20


def test_empty_link_teaches_nothing_and_rise_is_never_negative():
    assert curve([(0.0, 500.0)]).base_s == pytest.approx([100])
    assert curve([(7900.0, 90.0)]).rise_s[0] >= 0
    assert curve([(7900.0, 60.0)]).rise_s[0] >= 0

"""A road time that nobody can plan over names who tells it, not who would have to plan."""

from types import SimpleNamespace

import numpy as np
import pytest
from federates.runtime.desks import RoadPowerDesk, RoadTransportDesk
from small_agents import PowerSettings, SmallPower, SmallTransport, TransportSettings

from federates.boundary.errors import ModelError
from federates.boundary.names import Role
from federates.worlds.road.session import RoadSession
from federates.worlds.road.times import MOST_ROAD_TIME_S, told_road_time

SESSION = RoadSession(schema_version=1, name="x", resourceful_stations=("r",), limited_stations=("q",), links=("l",))


class SlowTransport(SmallTransport):
    def open_period(self, period, observation):
        return np.array([[1e12]])


def test_up_to_a_day_is_told():
    times = np.array([0.0, -1.0, MOST_ROAD_TIME_S])
    assert told_road_time(times, "traffic_sumo", "a link's travel time") is times
    assert told_road_time(np.zeros((0, 0)), "traffic_sumo", "a link's travel time").size == 0


def test_an_operator_that_tells_more_is_named_at_home():
    federate = SimpleNamespace(role=Role.TRANSPORT_OPERATOR, publish=pytest.fail)
    desk = RoadTransportDesk(federate, SESSION, None, SlowTransport(TransportSettings(), None))
    with pytest.raises(ModelError, match=r"^transport_operator: tells a road time of 1e\+12 s"):
        desk.open(0, 0)


def test_a_program_that_tells_more_is_named_by_who_hears_it():
    federate = SimpleNamespace(role=Role.POWER_OPERATOR)
    desk = RoadPowerDesk(federate, SESSION, None, SmallPower(PowerSettings(), None))
    desk.inbox = SimpleNamespace(take=lambda *_: np.array([[1e12]]))
    with pytest.raises(ModelError, match=r"^transport_operator: tells a road time"):
        desk.opening(0)

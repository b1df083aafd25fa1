"""A road time that nobody can plan over names who tells it, not who would have to plan."""

import numpy as np
import pytest

from federates.boundary.errors import ModelError
from federates.worlds.road.messages import LinkObservation
from federates.worlds.road.session import RoadSession
from federates.worlds.road.times import MOST_ROAD_TIME_S, told_road_time
from federates.worlds.road.world import WORLD

SESSION = RoadSession(schema_version=1, name="x", resourceful_stations=("r",), limited_stations=("q",), links=("l",))


TOLD = next(message for message in WORLD.messages if message.name == "road_time_s")


def test_up_to_a_day_is_told():
    times = np.array([0.0, -1.0, MOST_ROAD_TIME_S])
    assert told_road_time(times, "traffic_sumo", "a link's travel time") is times
    assert told_road_time(np.zeros((0, 0)), "traffic_sumo", "a link's travel time").size == 0


def test_an_operator_that_tells_more_is_named_before_anything_is_sent():
    with pytest.raises(ModelError, match=r"^transport_operator: tells a road time of 1e\+12 s"):
        TOLD.packed(SESSION, np.array([[1e12]]))


def test_a_program_that_tells_more_is_named_by_who_hears_it():
    with pytest.raises(ModelError, match=r"^transport_operator: tells a road time"):
        TOLD.unpacked(SESSION, (np.array([[1e12]]),))


def test_a_traffic_model_that_tells_more_is_named():
    seen = LinkObservation(*(np.array([value]) for value in (1.0, 1.0, 1.0, 1e12)))
    said = next(message for message in WORLD.messages if message.name == "links")
    with pytest.raises(ModelError, match=r"^traffic_sumo: tells a"):
        said.packed(SESSION, seen)

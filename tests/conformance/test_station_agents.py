"""The station agent and the company that plans by stations' reports pass every check, with the Los Angeles stations' settings."""

import pytest
from power_days import FOLDER
from station_days import station_settings

from federates.charging_station.models.queueing.queueing_station import QueueingStation
from federates.conformance import ClassTarget, State, conform
from federates.conformance.kit import small_session
from federates.power_operator.models.station_reports.operator import StationReportsOperator

FLEETS = small_session("fleets").model_copy(update={"periods": 4, "horizon_periods": 2})


@pytest.mark.parametrize("station", [pytest.param("r1", marks=pytest.mark.long), "q2"])
def test_a_station_passes_every_check(station):
    settings = station_settings(station).model_dump()
    report = conform(ClassTarget("charging_station", QueueingStation, settings, FOLDER, FLEETS, agent=station))
    report.raise_if_broken()
    assert {outcome.id: outcome.seen for outcome in report.outcomes if outcome.state is not State.HOLDS} == {}


def test_the_company_passes_every_check(tmp_path):
    report = conform(ClassTarget("power_operator", StationReportsOperator, None, tmp_path, FLEETS))
    report.raise_if_broken()
    assert {outcome.id: outcome.seen for outcome in report.outcomes if outcome.state is not State.HOLDS} == {}

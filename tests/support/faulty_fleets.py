"""Small agents of the fleets' world with one fault in period 1; `scenario_with` joins this file and `small_fleets` in one."""

import os
import signal
import time

import numpy as np
from small_fleets import FleetSettings, SmallFleet, SmallStation, StationSettings


class FaultyStationSettings(StationSettings):
    fault: str = ""


class FaultyFleetSettings(FleetSettings):
    fault: str = ""


def misbehave(fault):
    if fault == "raise":
        raise RuntimeError("the feeder is out of order (asked for by the test)")
    if fault == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if fault == "sleep":
        time.sleep(3600)


class FaultyStation(SmallStation):
    Settings = FaultyStationSettings

    def open_period(self, period, heard):
        said = super().open_period(period, heard)
        if period == 1:
            misbehave(self.settings.fault)
            if self.settings.fault == "wrong":
                return {**said, "receipts": said["receipts"][:, :1]}
        return said


class FaultyFleet(SmallFleet):
    Settings = FaultyFleetSettings

    def solve(self, prices, openings):
        answer = super().solve(prices, openings)
        if self.period == 1:
            misbehave(self.settings.fault)
            if self.settings.fault == "wrong":
                answer.quantities["passage"] = np.full_like(answer.quantities["passage"], np.nan)
        return answer

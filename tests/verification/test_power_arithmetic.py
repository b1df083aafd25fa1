"""Charging load of a station beside a freeway, computed by hand for docs/power_operator.md."""

import numpy as np
import pytest

from federates.station.queues import stationary
from federates.station.settings import Demand, MobileStorage
from federates.station.sizing import chargers_for

# Flow veh/h, arrivals /h, offered kW, chargers, served kW, kW above 420, storages of 10 kWh per hour
ROWS = [
    (2000, 18, 360, 9, 333, 0, 0),
    (3000, 27, 540, 12, 495, 75, 7.5),
    (5000, 45, 900, 18, 822, 402, 40),
    (6000, 54, 1080, 21, 988, 568, 57),
    (8000, 72, 1440, 27, 1320, 900, 90),
]


@pytest.mark.parametrize(("flow", "arrivals", "offered_kw", "chargers", "served_kw", "above_kw", "storages"), ROWS)
def test_load_by_flow(flow, arrivals, offered_kw, chargers, served_kw, above_kw, storages):
    demand = Demand()
    per_h = demand.arrivals_per_passing * flow
    assert per_h == pytest.approx(arrivals)
    assert per_h * demand.energy_per_charge_kwh == pytest.approx(offered_kw)
    service_per_h = 60.0 / demand.energy_per_charge_kwh
    built = chargers_for(per_h / service_per_h, 0.1, "loss")
    assert built == chargers
    served = 60.0 * np.arange(built + 1) @ stationary(per_h, service_per_h, built, built)
    assert served == pytest.approx(served_kw, abs=0.6)
    above = max(0.0, served - 420.0)
    assert above == pytest.approx(above_kw, abs=0.6)
    assert above / MobileStorage().energy_kwh == pytest.approx(storages, abs=0.3)

"""Numbers that a person types, in the worlds that ship."""

from __future__ import annotations

import numpy as np
import pytest

from federates.boundary.world import world_of
from federates.runs.scenario import load_scenario
from federates.runtime.agent import load_session
from federates.seat.asking import Refused
from federates.seat.entries import fields, plain, read_prices, read_quantities
from tests.support.small_table import SCENARIO


def wanted(scenario: str, role: str, agent: str):
    session = load_session(load_scenario(SCENARIO.parent / scenario).session_file)
    return fields(world_of(session.world), session.view(agent), role, 0)


def test_a_fleet_types_energy_and_vehicles_each_in_its_own_range():
    asked = wanted("la_fleets", "mves_fleet", "express")
    zeros = {name: np.zeros(field.shape).tolist() for name, field in asked.items()}
    zeros["delivery"][0][0][0] = 6250.0  # 250 vans of 25 kWh
    assert read_quantities(zeros, asked)["delivery"].sum() == 6250.0
    zeros["passage"][0][0][0] = 6250.0
    with pytest.raises(Refused, match=r"passage r1 to q1, period \+0: 6250 must be from 0 to 1000 veh"):
        read_quantities(zeros, asked)


def test_a_train_stands_or_does_not():
    asked = wanted("ieee30", "transport_operator", "transport_operator")
    stands = {"connection": np.zeros(asked["connection"].shape).tolist()}
    stands["connection"][1][0][3] = 1
    assert read_quantities(stands, asked)["connection"].sum() == 1.0
    stands["connection"][1][0][3] = 0.5
    with pytest.raises(Refused, match=r"connection .* to .*, period \+3: must be 0 or 1\."):
        read_quantities(stands, asked)


def test_a_coordinator_names_prices_of_everything_also_negative_ones():
    asked = wanted("ieee30", "coordinator", "coordinator")
    prices = {"connection": (-np.ones(asked["connection"].shape)).tolist()}
    assert read_prices(prices, asked)["connection"].max() == -1.0


def test_what_is_shown_is_plain_json_without_noise():
    assert plain({"a": np.array([[0.1 + 0.2, -0.0]]), "b": float("inf"), 3: (True, "x", None)}) == {
        "a": [[0.3, 0.0]],
        "b": None,
        "3": [True, "x", None],
    }

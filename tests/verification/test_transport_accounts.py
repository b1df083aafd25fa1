"""What vehicles cost everybody on the road: counted vehicle by vehicle from the other tables, and ordered as theory says."""

from pathlib import Path

import numpy as np
import pytest
from recorded_tables import Tables

from federates.boundary.config import parse_config, read_yaml
from federates.transport_operator.models.joint_graph.operator import JointGraphOperator
from federates.worlds.road.messages import Gate, LinkObservation
from federates.worlds.road.session import RoadSession

SCENARIO = Path(__file__).parents[2] / "scenarios" / "la_gcs"
GATE = Gate(np.array([460.0, 470.0, 700.0, 690.0]), np.array([26.0, 20.0, 17.0, 17.0]))
VOT_DRIVER, VOT_PUBLIC, TRIP_USD, SPREAD_USD, FLEET = 20.0, 14.0, 1.0, 4.0, 400.0


def committed(hour, vehicles, seen_slower=1.0, **changes):
    """Return the tables of a period that sends ``vehicles`` (R, Q), after a period on a road slower than free."""
    session = parse_config(read_yaml(SCENARIO / "scenario.yaml") | {"start_hour": hour}, RoadSession, "scenario.yaml")
    raw = read_yaml(SCENARIO / "transport_operator" / "config.yaml")["settings"]
    raw |= {"public_value_of_time_usd_per_h": VOT_PUBLIC} | changes
    operator = JointGraphOperator(parse_config(raw, JointGraphOperator.Settings, "c"), SCENARIO / "transport_operator")
    tables = Tables()
    operator.begin(session, tables)
    operator.open_period(0, None)
    flow = operator._background.history(0)
    time_s = operator._road.free_time_s * seen_slower
    operator.commit({"delivery": np.zeros(session.connection_shape)})
    operator.open_period(1, LinkObservation(flow, flow / 80.0, 30.0 / seen_slower * np.ones_like(flow), time_s))
    tables.rows.clear()
    connection = np.zeros(session.connection_shape)
    connection[:, :, 0] = vehicles
    operator.evaluate({"delivery": connection}, {"gate": GATE})
    operator.commit({"delivery": connection})
    return tables.rows


@pytest.mark.parametrize("rule", ["system_optimum", "user_equilibrium", "fastest_route"])
def test_the_account_is_what_the_tables_of_routes_and_links_add_up_to(rule):
    rows = committed(6, [[10, 30], [20, 150]], 1.4, routing=rule)
    (account,) = rows["transport_costs"]
    links = {row["link"]: row for row in rows["link_plan"]}
    gate_s = dict(zip(("r1", "r2", "q1", "q2"), GATE.time_s, strict=True))
    driven_s = sum(
        row["vehicles"]
        * (gate_s[row["origin"]] + gate_s[row["destination"]] + sum(links[a]["travel_time_s"] for a in row["route"].split("|")))
        for row in rows["route_flow"]
    )
    assert account["vehicles"] == 210
    assert account["storage_time_h"] == pytest.approx(driven_s / 3600, rel=1e-9)
    # A power law's delay by hand: the time with mobile storages and the time without stand in ratio of their flows to the fourth.
    rise = [rise_of(row) for row in links.values()]
    lost_h = (
        sum(
            row["background_veh_per_h"]
            * rise_s
            * ((row["background_veh_per_h"] + row["mves_veh_per_h"]) ** 4 - row["background_veh_per_h"] ** 4)
            for row, rise_s in zip(links.values(), rise, strict=True)
        )
        / 3600
    )
    assert account["public_delay_h"] == pytest.approx(lost_h, rel=1e-6)
    trips = sum(row["vehicles"] * TRIP_USD + SPREAD_USD * row["vehicles"] ** 2 / (2 * FLEET) for row in rows["delivery_forecast"])
    assert account["trip_usd"] == pytest.approx(trips, rel=1e-9)
    assert account["total_usd"] == pytest.approx(
        account["storage_time_h"] * VOT_DRIVER + account["public_delay_h"] * VOT_PUBLIC + trips, rel=1e-9
    )


def rise_of(link):
    """Return rise / capacity^4 of a link from its toll: toll = (VOT_p b + VOT_d x) 4 a v^3 / 3600."""
    background, storages = link["background_veh_per_h"], link["mves_veh_per_h"]
    money = VOT_PUBLIC * background + VOT_DRIVER * storages
    return link["toll_usd"] * 3600 / money / (4 * (background + storages) ** 3)


@pytest.mark.parametrize("hour", [6, 11, 14, 16])
@pytest.mark.parametrize("slower", [1.05, 1.6])
def test_every_rule_is_best_at_what_it_is_for(hour, slower):
    rows = committed(hour, [[0, 60], [40, 340]], slower)
    by_rule = {row["routing"]: row for row in rows["routing_alternatives"]}
    least = by_rule["system_optimum"]["total_usd"]
    assert all(row["total_usd"] >= least * (1 - 1e-9) for row in by_rule.values())
    quickest = by_rule["storage_optimum"]["storage_time_h"]
    assert all(row["storage_time_h"] >= quickest * (1 - 1e-7) for row in by_rule.values())
    for row in by_rule.values():
        assert row["delivery_time_s"] == pytest.approx(3600 * row["storage_time_h"] / row["vehicles"])

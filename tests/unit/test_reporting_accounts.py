"""The account of a run, and the sums of routing alternatives, from tables written by hand."""

import math

import pandas as pd
import pytest
import road_example_runs as example

from federates.reporting.tables import RunTables
from federates.worlds.road.report.costs import account, everybody_h, routing_alternatives, routing_totals


def _run(tmp_path, **frames):
    tables = {name: pd.DataFrame(rows) for name, rows in frames.items()}
    return RunTables.read(example.write_run(tmp_path, tables, example.session(periods=2)))


def _power(period, **values):
    zero = dict.fromkeys(("drawn_kwh", "waiting_veh_h", "unmet_kwh", "energy_usd", "waiting_usd", "unmet_usd", "total_usd"), 0.0)
    return {"period": period} | zero | values


def _road(period, **values):
    names = ("storage_time_h", "public_delay_h", "storage_time_usd", "public_delay_usd", "trip_usd", "total_usd")
    return {"period": period, "vehicles": 0} | dict.fromkeys(names, 0.0) | values


def _sent(period, vehicles, price):
    rest = {"agreed": True, "reason": ""}
    return {"period": period, "origin": "r1", "destination": "q1", "vehicles": vehicles, "price_usd_per_veh": price} | rest


def test_payments_are_in_no_sum_and_unpriced_vehicles_are_counted_apart(tmp_path):
    run = _run(
        tmp_path,
        power_costs=[_power(0, energy_usd=10.0, unmet_usd=5.0), _power(1, waiting_usd=2.0)],
        transport_costs=[_road(0, storage_time_usd=100.0, trip_usd=7.0), _road(1, public_delay_usd=30.0)],
        schedule=[_sent(0, 4, 17.5), _sent(1, 3, math.nan)],
    )
    found = account(run)
    assert sum(found.power_usd.values()) == pytest.approx(17.0)
    assert sum(found.transport_usd.values()) == pytest.approx(137.0)
    assert found.social_usd == pytest.approx(154.0)
    assert found.payment_usd == pytest.approx(70.0)
    assert (found.priced_veh, found.vehicles) == (4, 7)


def test_an_operator_without_costs_gives_no_account(tmp_path):
    assert account(_run(tmp_path, transport_costs=[_road(0)], schedule=[_sent(0, 1, 2.0)])) is None


def test_alternatives_are_held_against_the_rule_that_is_best_at_each(tmp_path):
    def row(period, routing, hours, delay, usd):
        seconds = 3600 * hours / 10
        rest = {"storage_time_h": hours, "public_delay_h": delay, "total_usd": usd}
        return {"period": period, "routing": routing, "vehicles": 10, "delivery_time_s": seconds} | rest

    rules = [("system_optimum", 6.0, 1.0, 140.0), ("storage_optimum", 5.0, 4.0, 180.0), ("fastest_route", 5.5, 4.0, 190.0)]
    run = _run(tmp_path, routing_alternatives=[row(period, *rule) for period in (0, 1) for rule in rules])
    table = routing_alternatives(run).set_index(["period", "routing"])
    assert table.loc[(1, "system_optimum"), "longer"] == pytest.approx(0.2)
    assert table.loc[(1, "fastest_route"), "dearer_usd"] == pytest.approx(50.0)
    totals = routing_totals(run)
    assert totals.loc["fastest_route", "dearer_usd"] == pytest.approx(100.0)
    assert totals.loc["system_optimum", "delivery_time_s"] == pytest.approx(3600 * 12 / 20)


def test_vehicle_hours_of_everybody_are_littles_law(tmp_path):
    rest = {"density_veh_per_km": 0.0, "speed_m_per_s": 1.0}
    links = [{"period": p, "link": "A_up", "flow_veh_per_h": 1000.0, "travel_time_s": 360.0} | rest for p in (0, 1)]
    assert everybody_h(_run(tmp_path, link_state=links)) == pytest.approx(2 * 1000 * 0.1)

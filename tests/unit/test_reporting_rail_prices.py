"""What batteries earn from price differences, against values by hand, and the figures and sentences of prices by place."""

from __future__ import annotations

import numpy as np
import pytest
import rail_example_runs as example

from federates.reporting.tables import RunTables
from federates.worlds.rail.report.market import battery_trade, bus_prices_figure, price_figure, price_grid, trade_sentence
from federates.worlds.rail.report.narrative import headline

Folder, rail_run, session = example.Folder, example.rail_run, example.session

PRICES = {"4": (30.0, 40.0), "13": (0.0, 10.0)}
TRADE = {"bus4": ((0.0, 0.0), (5.0, 4.0)), "bus13": ((12.0, 2.0), (0.0, 1.0))}
"""By station: charged and discharged in two periods, MW."""


@pytest.fixture
def two_places(tmp_path):
    """Return a run of two half hours: bus13 buys for bus4."""
    run = Folder(tmp_path, session(periods=2, period_s=1800, rail_stations=["bus4", "bus13"], trip_periods=[[0, 1], [1, 0]]))
    for bus, prices in PRICES.items():
        for period, price in enumerate(prices):
            run.add("bus_prices", period=period, bus=bus, load_mw=1.0, price_usd_per_mwh=price)
    for name, (charge, discharge) in TRADE.items():
        run.add("grid", kind="station", name=name, bus=name.removeprefix("bus"), to_bus="", limit_mw=30.0)
        for period in range(2):
            row = {"capacity_mw": 15.0, "energy_mwh": 5.0, "charge_mw": charge[period], "discharge_mw": discharge[period]}
            run.add("storage_state", period=period, planned_in=0, station=name, **row, **{f"planned_{key}": 0.0 for key in row})
    return RunTables.read(run.finish({"status": "complete"}))


def test_the_trade_of_two_places_by_hand(two_places):
    trade = battery_trade(two_places)
    table = trade.stations.set_index("station")
    assert table.loc["bus4", ["bought_mwh", "bought_usd", "sold_mwh", "sold_usd", "margin_usd"]].tolist() == [0, 0, 4.5, 155, 155]
    assert table.loc["bus13", ["bought_mwh", "bought_usd", "sold_mwh", "sold_usd", "margin_usd"]].tolist() == [7, 10, 0.5, 5, -5]
    # Together they sell 5 - 12 = -7 MW and then 4 + 1 - 2 = 3 MW for half an hour: -45 USD at bus4, 15 at bus13.
    assert (trade.margin_usd, trade.one_place, trade.one_place_usd, trade.by_place_usd) == (150.0, "bus13", 15.0, 135.0)


def test_the_sentence_has_the_numbers(two_places):
    text = trade_sentence(two_places)
    assert "bought 7.0 MWh for 10 USD and sold 5.0 MWh for 160 USD, which earned 150 USD" in text
    assert "at most 15 USD (bus13)" in text
    assert text.endswith("earned 135 USD.")


def test_equal_prices_everywhere_leave_nothing_to_places(tmp_path):
    run = RunTables.read(rail_run(tmp_path, scheme="mobile"))
    frame = run._frames["bus_prices"]
    frame["price_usd_per_mwh"] = 10.0 + frame["period"]
    trade = battery_trade(run)
    assert trade.by_place_usd == pytest.approx(0.0, abs=1e-9)
    assert trade.margin_usd == pytest.approx(sum(12.0 * (10 + p) for p in (16, 17, 18)) - sum(18.0 * (10 + p) for p in (1, 2, 3)))


@pytest.mark.parametrize("table", ["bus_prices", "grid", "storage_state"])
def test_without_a_table_there_is_no_sentence(tmp_path, table):
    run = RunTables.read(rail_run(tmp_path, without=(table,)))
    assert battery_trade(run) is None
    assert trade_sentence(run) == ""


@pytest.mark.parametrize("scheme", ["fixed", "central", "no_storage"])
def test_only_mobile_storage_is_said_to_use_differences_between_places(tmp_path, scheme):
    run = RunTables.read(rail_run(tmp_path, scheme))
    assert "between places" not in " ".join(headline(run))
    assert run.world.figure("bus_prices").reading(run)
    assert bus_prices_figure(run).axes


def test_the_heat_map_shows_every_bus_and_names_stations_and_wind(tmp_path):
    run = RunTables.read(rail_run(tmp_path))
    heat, lines, _ = bus_prices_figure(run).axes
    grid = price_grid(run)
    assert heat.collections[0].get_array().shape == grid.shape == (4, 24)
    assert np.array_equal(heat.collections[0].get_array(), grid.to_numpy())
    labels = [text.get_text() for text in heat.get_yticklabels()]
    assert labels == ["station bus4, 4", "10", "station bus13, wind, 13", "station bus15, 15"]
    assert [text.get_text() for text in lines.get_yticklabels()] == ["12-13"]


def test_the_mean_price_says_that_it_is_a_mean(tmp_path):
    run = RunTables.read(rail_run(tmp_path))
    assert "mean over the buses, weighted by their load" in run.world.figure("price").reading(run)
    assert "cheapest to dearest bus" in price_figure(run).axes[0].get_legend_handles_labels()[1]

"""The energy account: a case by hand, days of the power operator, and books that lie. docs/energy_account.md."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from load_file import load_file
from matplotlib.patches import PathPatch
from power_days import run_day

from federates.boundary.markdown import markdown_row
from federates.reporting.energy_account import OUTLETS, EnergyBooks, energy_account, first_in_first_out
from federates.reporting.sankey import sankey_figure
from federates.worlds.road.report.energy import books_of, closing

page = load_file(Path(__file__).parents[2] / "studies/make_energy_account.py")
STATIONS = ("r1", "r2")


def frame(text, *rows):
    return pd.DataFrame(rows, columns=text.split())


@pytest.fixture
def by_hand():
    """Two vehicles in the first period, two in the second, of which one is short; one is still under way, one half discharged.

    Charging keeps 0.8, the drive 0.9, discharging 0.5. 44 kWh are charged, 38 leave, so 6 wait at r1.
    """
    return EnergyBooks(
        sent=frame("period origin destination vehicles", (0, "r1", "q1", 2), (1, "r1", "q1", 2)),
        departures=frame("period origin vehicles kwh", (0, "r1", 2, 20.0), (1, "r1", 2, 18.0)),
        arrivals=frame("period destination vehicles kwh traction_kwh", (0, "q1", 1, 8.0, 1.0), (1, "q1", 2, 15.1, 2.0)),
        charging=frame("origin drawn_kwh into_kwh waiting_kwh", ("r1", 55.0, 44.0, 6.0)),
        giving=frame("destination out_kwh given_kwh parked_kwh", ("q1", 18.1, 9.05, 5.0)),
        retention={"q1": 0.9},
    )


def test_a_case_by_hand(by_hand):
    account = energy_account(by_hand)
    assert account.closes
    first, second = account.cohorts.to_dict("records")
    # 20 left, drawn 25; 18 after the drive less 2 of traction; all of it was given first.
    assert [first[name] for name in ("drawn_kwh", *OUTLETS)] == pytest.approx([25, 5, 0, 2, 2, 0, 0, 8, 8])
    # 18 left, drawn 22.5; one of two has come: 9 less 0.9 less 1 of traction; 2.1 of its 7.1 were given.
    assert [second[name] for name in ("drawn_kwh", *OUTLETS)] == pytest.approx([22.5, 4.5, 0, 0.9, 1, 9, 5, 1.05, 1.05])
    assert (first["arrived_veh"], second["arrived_veh"]) == (2, 1)
    assert [account.total[name] for name in ("drawn_kwh", *OUTLETS)] == pytest.approx([55, 11, 6, 2.9, 3, 9, 5, 9.05, 9.05])
    assert account.total["open_kwh"] == pytest.approx(0.0, abs=1e-12)
    assert closing(account).startswith("The account closes: of 2 cohorts")


@pytest.mark.parametrize(
    ("book", "column", "more", "name"),
    [
        ("departures", "kwh", 0.01, "charged and left"),
        ("departures", "vehicles", 1, "sent and left, in vehicles"),
        ("arrivals", "kwh", 0.01, "left and arrived"),
        ("arrivals", "traction_kwh", -0.01, "left and arrived"),
        ("giving", "parked_kwh", 0.01, "arrived and given"),
        ("giving", "out_kwh", 0.01, "arrived and given"),
        ("charging", "waiting_kwh", 1e-5, "charged and left"),
        ("sent", "vehicles", -1, "sent and left, in vehicles"),
    ],
)
def test_a_book_that_lies_is_found(by_hand, book, column, more, name):
    table = getattr(by_hand, book).copy()
    table[column] = table[column].astype(float)
    table.loc[len(table) - 1, column] += more
    account = energy_account(replace(by_hand, **{book: table}))
    assert not account.closes
    assert account.differences[name] >= abs(more) - 1e-9
    assert "NOT" in closing(account)


def test_energy_that_arrives_without_a_vehicle_that_left_is_missing_in_the_total(by_hand):
    more = pd.concat([by_hand.arrivals, frame("period destination vehicles kwh traction_kwh", (2, "q1", 5, 40.0, 0.0))])
    account = energy_account(replace(by_hand, arrivals=more))
    assert not account.closes
    assert account.differences["left and arrived"] >= 30.0


def test_a_day_on_which_nothing_moves_closes(by_hand):
    nothing = {name: getattr(by_hand, name).iloc[:0] for name in ("sent", "departures", "arrivals", "charging", "giving")}
    account = energy_account(replace(by_hand, **nothing))
    assert account.closes
    assert (len(account.cohorts), account.total["drawn_kwh"]) == (0, 0.0)
    assert not list(sankey_figure(account, "nothing").axes[0].patches)


AMOUNTS = st.lists(st.floats(0.0, 100.0), min_size=1, max_size=8)


@given(AMOUNTS, AMOUNTS)
def test_first_in_first_out_is_what_a_queue_does(held, taken):
    left, wanted = list(held), np.zeros((len(taken), len(held)))
    for i, amount in enumerate(taken):
        for k in range(len(left)):
            used = min(left[k], amount)
            left[k], amount, wanted[i, k] = left[k] - used, amount - used, used
    assert first_in_first_out(np.array(held), np.array(taken)) == pytest.approx(wanted, abs=1e-9)


def day_account(changes, **road):
    memory, sent = run_day(changes=changes, **road)
    index = [(p, r, q) for p in range(len(sent)) for r in range(2) for q in range(2)]
    schedule = frame("period origin destination vehicles", *((p, STATIONS[r], f"q{q + 1}", sent[p][r, q]) for p, r, q in index))
    stock, energy = (pd.DataFrame(memory.tables[name]) for name in ("mves_stock", "mves_energy"))
    return energy_account(books_of(stock, energy, schedule, STATIONS, {"q1": 0.99, "q2": 0.99})), sent


def test_a_day_of_the_power_operator_closes_by_cohort():
    account, sent = day_account({})
    assert account.closes
    assert max(account.differences.values()) < 1e-8, "what is not rounded for a table closes closer"
    assert account.cohorts["vehicles"].sum() == sent.sum()
    assert account.total["given_kwh"] > 5000.0
    assert account.total["under_way_kwh"] == pytest.approx(10.0 * (sent.sum() - account.cohorts["arrived_veh"].sum()))
    assert account.total["traction_kwh"] == 0.0
    assert (account.cohorts[list(OUTLETS)] >= -1e-9).all(axis=None)


def test_a_day_with_traction_and_vehicles_left_short_closes_by_cohort():
    account, _ = day_account({"mves": {"traction": "on"}})
    assert account.total["traction_kwh"] > 1000.0
    assert account.total["charging_loss_kwh"] > 0.0
    assert max(account.differences.values()) < 1e-8


def test_widths_of_the_figure_are_to_scale(by_hand):
    axes = sankey_figure(energy_account(by_hand), "by hand").axes[0]
    assert axes.get_aspect() == 1.0, "else widths across and along would differ"
    branches = [patch for patch in axes.patches if isinstance(patch, PathPatch) and len(patch.get_path().vertices) == 9]
    widths = [np.ptp(patch.get_path().vertices[3:5, 0]) for patch in branches]
    assert widths == pytest.approx([11 / 55, 6 / 55, 2.9 / 55, 3 / 55, 9 / 55, 5 / 55, 9.05 / 55])
    up = [patch.get_hatch() is not None for patch in branches]
    assert up == [False, True, False, False, True, True, False], "told apart without colour"


def test_the_page_has_a_row_of_every_run():
    assert [line.split(" | ")[0].strip("| ") for line in page.shown().splitlines()[2:]] == list(page.RUNS)


@pytest.mark.long
@pytest.mark.parametrize("name", list(page.RUNS))
def test_the_page_is_that_of_the_runs(tmp_path, name):
    assert markdown_row(page.row(name, tmp_path)) in page.shown().splitlines()

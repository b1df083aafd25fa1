"""The report of an hour of fleets: what it says of money and energy, against the tables of the agents."""

import pandas as pd
import pytest

from federates.reporting.report import write_agent_report, write_report
from federates.reporting.tables import RunTables
from federates.runs.in_process import run_in_process
from federates.worlds.fleets.report import REPORT, acceptance, energy, money, summary

FLEETS = ("utility", "express", "parcel", "commuters", "residents")


@pytest.fixture(scope="module")
def folder(tmp_path_factory, pytestconfig):
    import shutil

    source, target = pytestconfig.rootpath / "scenarios/la_fleets", tmp_path_factory.mktemp("report") / "la_fleets"
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("results", "*.log"))
    shutil.copy(pytestconfig.rootpath / "broker.yaml", target.parents[0] / "broker.yaml")
    runner = target / "runner.json"
    runner.write_text(runner.read_text().replace("../../broker.yaml", "../broker.yaml"))
    # Drivers whose batteries are under warranty: their wear is a cost that no fleet bears.
    config = target / "residents/config.yaml"
    config.write_text(config.read_text() + "  battery_warranty: true\n")
    changes = {"periods": 1, "start_hour": 8, "horizon_periods": 2}
    return run_in_process(target, changes, use={"traffic_sumo": "bpr"})


@pytest.fixture(scope="module")
def run(folder):
    return RunTables.read(folder)


def _sum(folder, agent, table, *columns):
    frame = pd.read_parquet(folder / agent / f"{table}.parquet")
    return float(frame[list(columns)].sum().sum())


def test_payments_cancel_and_what_is_left_is_worth_less_all_costs(run, folder):
    own = ("driver_usd", "time_usd", "energy_usd", "wear_usd", "opportunity_usd", "warranted_wear_usd")
    costs = sum(_sum(folder, fleet, "fleet_costs", *own) for fleet in FLEETS)
    costs += _sum(folder, "power_operator", "power_costs", "energy_usd", "waiting_usd")
    costs += _sum(folder, "transport_operator", "transport_costs", "total_usd")
    avoided = 0.0
    for station in ("q1", "q2"):
        load = pd.read_parquet(folder / station / "feeder_load.parquet")
        above = [(load[side] - load["limit_kw"]).clip(lower=0.0) for side in ("load_without_kw", "load_with_kw")]
        avoided += float(((above[0] - above[1]) * load["duration_s"] / 3600.0).sum())
    assert avoided > 0.0
    gains = money.gains(run)
    assert gains["gain_usd"].sum() == pytest.approx(5.0 * avoided - costs, abs=1e-6)
    assert _sum(folder, "residents", "fleet_costs", "warranted_wear_usd") > 0.0
    assert "battery warranty" in set(gains["agent"])


def test_what_is_paid_is_the_settled_price_of_what_was_committed(run):
    schedule, paid = run.frame("schedule"), money.payments(run).set_index("fleet")
    for fleet, own in schedule.groupby("fleet"):
        assert paid.loc[fleet, "reward_usd"] == pytest.approx((own["reward_usd_per_kwh"] * own["delivery_kwh"]).sum())
        assert paid.loc[fleet, "toll_usd"] == pytest.approx((own["toll_usd_per_veh"] * own["vehicles"]).sum())


def test_energy_closes_from_charger_to_charger(run):
    account = energy.account(run)
    assert account.total["given_kwh"] > 0.0
    assert max(account.differences.values()) <= 1e-5, account.differences


def test_everyone_near_accepts_or_is_counted_by_a_reason(run):
    table = acceptance.refusals(run)
    assert table["accepted_veh"].sum() > 0
    counted = table[["accepted_veh", *acceptance.REASONS]].sum(axis=1)
    private = table["agent"].isin(["commuters", "residents"])
    assert (counted[private] == table.loc[private, "near_veh"]).all()


def test_every_page_is_written_and_an_agent_s_page_has_its_own_numbers_only(folder, run):
    write_report(folder)
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert all(figure.title in page for figure in REPORT.figures if not figure.obstacle(run))
    (gained,) = (sentence for sentence in summary.headline(run) if sentence.startswith("Together all gain"))
    assert all(money.MISSED in words for words in (page, gained, money.GAINS.reading(run), money.grids(run)[0].caption))
    for agent in ("power_operator", "q1", "commuters"):
        write_agent_report(folder, agent)
        assert (folder / f"report-{agent}.html").is_file()
    own = (folder / "report-commuters.html").read_text(encoding="utf-8")
    wages = money.payments(run).set_index("fleet").loc["express", "driver_usd"]
    assert f"{wages:,.2f}".replace(",", "\u202f") not in own

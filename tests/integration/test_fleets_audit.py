"""Who was told what in the fleets' world: by the ledgers of a run with two companies, and by the audit."""

from collections import Counter

import pandas as pd
import pytest

from federates.audit.audit import audit_run
from federates.runs.in_process import run_in_process
from tests.support.small_fleets import write_fleets

COMPANIES = {"north": (1.0, ["r1", "q1"]), "south": (2.0, ["r2", "q2"])}
FLEETS = {"u": (40.0, 0.5), "c": (10.0, 1.0)}
STATIONS = {station: company for company, (_, own) in COMPANIES.items() for station in own}
NEED = ("station_need_kwh", "station_surplus_kwh", "station_due_kwh")
PERIODS, HEADER_BYTES = 2, 16


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    stations = {"resourceful_stations": ["r1", "r2"]}
    folder = tmp_path_factory.mktemp("fleets")
    return run_in_process(write_fleets(folder, FLEETS, COMPANIES, settings={"max_iterations": 2}, periods=PERIODS, **stations))


@pytest.fixture(scope="module")
def ledgers(run):
    return {path.parent.name: pd.read_parquet(path) for path in run.glob("*/ledger.parquet")}


def heard(ledgers, agent, sender=""):
    rows = ledgers[agent][ledgers[agent].direction == "received"]
    return rows[rows.topic.str.startswith(f"{sender}/")] if sender else rows


def test_the_run_is_clean_and_every_message_of_a_station_is_counted(run):
    found = audit_run(run)
    assert found.breaches == ()
    told = {t.topic: t.messages for agent in found.agents for t in agent.told if agent.name in STATIONS}
    topics = ["gate_time_s", "gate_spots", *(f"{company}/{name}" for company in COMPANIES for name in NEED)]
    topics += [f"{hearer}/station_receipts" for hearer in (*COMPANIES, *FLEETS)]
    assert told == {f"{station}/{topic}": PERIODS + 1 for station in STATIONS for topic in topics}


def test_the_audit_says_who_hears_what_is_said_directly(run):
    agents = {agent.name: agent for agent in audit_run(run).agents}
    for station in STATIONS:
        receivers = {told.topic.removeprefix(f"{station}/"): told.receivers for told in agents[station].told}
        assert receivers["gate_time_s"] == ("coordinator",)
        for company in COMPANIES:
            assert {receivers[f"{company}/{name}"] for name in NEED} == {(company,)}
        assert set(agents["coordinator"].heard) & set(STATIONS) == set(STATIONS)


def test_a_need_is_told_to_its_own_company_and_no_other_ledger_holds_it(ledgers):
    for station, company in STATIONS.items():
        sent = ledgers[station][(ledgers[station].direction == "sent") & ledgers[station].topic.str.endswith(NEED)]
        assert len(sent) == len(COMPANIES) * len(NEED) * (PERIODS + 1)
        for agent in ledgers:
            got = heard(ledgers, agent, station)
            got = got[got.topic.str.endswith(NEED)]
            if agent == company:
                assert (got.bytes > HEADER_BYTES).all()
                assert len(got) == len(NEED) * (PERIODS + 1)
            else:
                # Another company's line is there, for it might own the station: what comes by it is of no station.
                assert set(got.bytes) <= {HEADER_BYTES}
                assert agent in COMPANIES or got.empty


def test_a_fleet_hears_of_its_own_column_only(ledgers):
    for fleet in FLEETS:
        got = heard(ledgers, fleet)
        receipts = got[got.topic.str.endswith("/station_receipts")]
        assert Counter(receipts["shape"]) == {"1,1,3": len(STATIONS) * (PERIODS + 1)}
        assert all(f"/{fleet}/" in topic for topic in receipts.topic)
        others = [name for name in FLEETS if name != fleet]
        assert not got.topic.str.contains("|".join(f"/{name}/|^{name}/" for name in others)).any()


def test_who_negotiates_hears_no_price_of_an_exchange_that_is_not_its_own(ledgers):
    prices = {
        "north": {"delivery"},
        "u": {"delivery", "passage"},
        "transport_operator": {"passage"},
        "q1": set(),
        "traffic_sumo": set(),
    }
    for agent, exchanges in prices.items():
        topics = heard(ledgers, agent).topic
        seen = {name for name in ("delivery", "passage") if topics.str.contains(f"/{name}_price").any()}
        assert seen == exchanges, agent


def test_a_station_hears_nothing_of_other_stations_and_no_cost(ledgers):
    for station in STATIONS:
        topics = {topic.rpartition("/")[2] for topic in heard(ledgers, station).topic}
        assert topics == {"session", "station_allotments", "station_passing_veh", "station_arrivals_veh"}
        allotments = heard(ledgers, station)[lambda rows: rows.topic.str.endswith("station_allotments")]
        assert set(allotments["shape"]) == {f"1,{len(FLEETS)},2"}


def test_what_an_agent_is_announced_names_no_other_agents_part(run):
    """A company sees its own stations, a fleet what its own vehicle holds."""
    from federates.boundary.config import read_yaml
    from federates.boundary.world import parse_session

    session = parse_session(read_yaml(run / "coordinator" / "session.json"), "session.json")
    assert session.view("north").stations == ("r1", "q1")
    assert session.view("q2").stations == ("q2",)
    assert session.view("u").vehicle_kwh == {"u": 40.0}
    assert session.view("q2").vehicle_kwh == session.vehicle_kwh

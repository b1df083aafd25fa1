"""Fleets that answer as one, in a whole day by HELICS: what is agreed is as good, and no single answer crosses."""

from __future__ import annotations

import json
import shutil
from collections import defaultdict

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml

from federates.audit.audit import audit_run
from federates.boundary.errors import ConfigError, FederationError
from federates.boundary.lines import Roster, lines
from federates.boundary.parts import cut
from federates.boundary.summed import QUANTITY_DECIMALS
from federates.boundary.world import parse_session, world_of
from federates.private_sum.fixed_point import from_halves, from_words
from federates.runs.in_process import run_in_process
from federates.runtime import federate
from federates.runtime.agent import load_session
from tests.support.small_fleets import SESSION, optimum, write_fleets

FLEETS = {"utility": (100.0, 0.5), "company": (10.0, 1.0), "private": (20.0, 0.7)}
WORTH, CONGESTION, NEED_KWH = 0.02, 0.02, 300.0


def _table(run, agent, name):
    return pq.read_table(run / agent / f"{name}.parquet").to_pandas()


def _journal(run, agent):
    return [json.loads(line) for line in (run / agent / "journal.jsonl").read_text().splitlines()]


def _best_usd():
    """Return the optimum of two stations and two periods of the horizon, each on its own."""
    kwh, slopes = zip(*FLEETS.values(), strict=True)
    return 2 * sum(optimum(need, WORTH, np.array(slopes), kwh, CONGESTION)[1] for need in (NEED_KWH, NEED_KWH / 2))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    algorithm = {"update": "box_step", "plan": "mean", "gap_target": 0.008, "box_usd_per_veh": 1.0, "max_iterations": 80}
    folder = write_fleets(
        tmp_path_factory.mktemp("summed"),
        FLEETS,
        settings=algorithm,
        companies={"power_operator": (WORTH, [])},
        congestion=CONGESTION,
        need_kwh=NEED_KWH,
        private_sum=True,
    )
    return run_in_process(folder)


def test_the_agents_agree_and_the_bound_encloses_the_closed_form_optimum(run):
    negotiations = _table(run, "coordinator", "negotiations")
    assert negotiations["agreed"].all(), negotiations[["rounds", "gap", "reason"]]
    assert (negotiations["gap"] <= 0.01).all()
    assert (negotiations["lower_bound_usd"] <= _best_usd() + 1e-3).all()
    assert (negotiations["upper_bound_usd"] >= _best_usd() - 1e-3).all()


@pytest.mark.long
@pytest.mark.parametrize(("algorithm", "gap"), [("admm", 0.01), ("stackelberg", 0.05), ("posted_price", np.inf)])
def test_every_algorithm_negotiates_with_the_group(tmp_path, algorithm, gap):
    folder = write_fleets(
        tmp_path,
        FLEETS,
        algorithm=algorithm,
        companies={"power_operator": (WORTH, [])},
        congestion=CONGESTION,
        need_kwh=NEED_KWH,
        periods=1,
        private_sum=True,
    )
    (row,) = _table(run_in_process(folder), "coordinator", "negotiations").to_dict("records")
    assert row["lower_bound_usd"] <= _best_usd() + 1e-3
    assert row["upper_bound_usd"] >= _best_usd() - 1e-3
    assert row["gap"] <= gap


def test_each_fleet_sends_its_part_and_the_parts_add_up_to_what_was_agreed(run):
    schedule = _table(run, "coordinator", "schedule")
    assert set(schedule["fleet"]) == {"fleets"}
    sent = {fleet: _table(run, fleet, "sent").set_index("period") for fleet in FLEETS}
    for period, agreed in schedule.groupby("period"):
        kwh = sum(table.loc[period, "kwh"] for table in sent.values())
        assert kwh == pytest.approx(agreed["delivery_kwh"].sum(), abs=1e-5)
        assert sum(table.loc[period, "vehicles"] for table in sent.values()) == agreed["vehicles"].sum() > 0
    # Costs differ, so no fleet has the same part as another.
    assert len({round(table["kwh"].sum(), 3) for table in sent.values()}) == len(FLEETS)


def test_stations_hear_from_the_fleets_who_comes(run):
    told = _table(run, "q1", "seen")["told_kwh"].sum() + _table(run, "q2", "seen")["told_kwh"].sum()
    assert told == pytest.approx(_table(run, "coordinator", "schedule")["delivery_kwh"].sum(), abs=1e-5)


def test_the_coordinator_hears_totals_of_noise(run):
    """The journals have what crossed: each answer is noise, and its total is the sum of what the fleets meant."""
    heard, sums = defaultdict(dict), {}
    for line in _journal(run, "coordinator"):
        if line.get("key", "").endswith("/masked_answer"):
            words = from_halves(np.array(line["values"]).reshape(-1, 2))
            heard[line["period"], line["round"]][line["key"].split("/")[0]] = words
    assert len(heard) > 10
    for at, words in heard.items():
        assert set(words) == set(FLEETS)
        sums[at] = from_words(sum(words.values()), QUANTITY_DECIMALS)
    answers = _table(run, "coordinator", "answers")
    own = answers[(answers["agent"] == "fleets") & (answers["exchange"] == "delivery")]
    for (period, round_), rows in own.groupby(["period", "round"]):
        assert sums[period, round_][:4].sum() == pytest.approx(rows["connection_veh"].sum(), abs=1e-5)
    noise = np.concatenate([words for told in heard.values() for words in told.values()]).astype(np.float64) / 2.0**64
    assert abs(noise.mean() - 0.5) < 5.0 * np.sqrt(1.0 / 12.0 / len(noise))


def test_nothing_of_a_single_fleet_s_answers_or_parts_is_on_the_coordinator_s_lines(run):
    told = {line["key"] for line in _journal(run, "coordinator")}
    single = {key for key in told if any(fleet in key.split("/") for fleet in FLEETS)}
    assert {key.split("/")[-1] for key in single} <= {
        "session",
        "masked_answer",
        "delivery_price_usd_per_kwh",
        "passage_price_usd_per_veh",
        "gate_time_s",
        "gate_spots",
        "station_travel_time_s",
    }
    costs = _table(run, "coordinator", "answer_costs")
    assert set(costs["agent"]) == {"fleets", "power_operator", "transport_operator"}
    parsed = parse_session(json.loads((run / "coordinator" / "session.json").read_text()), "session.json")
    assert parsed.world == "fleets_private_sum"
    for line in lines(Roster.of(parsed)):
        assert not (line.sender in FLEETS and "coordinator" in line.receivers and line.topic.name != "masked_answer")


def test_the_audit_holds(run):
    found = audit_run(run)
    assert found.clean, found.breaches
    assert found.messages > 500


def test_the_same_scenario_gives_the_same_tables_though_masks_differ(run, tmp_path):
    folder = tmp_path / "again"
    shutil.copytree(run.parents[1], folder, ignore=shutil.ignore_patterns("results", "__pycache__"))
    again = run_in_process(folder)
    for table in ("schedule", "answers", "answer_costs", "prices"):
        assert _table(again, "coordinator", table).equals(_table(run, "coordinator", table))
    masked = [next(line["values"] for line in _journal(r, "coordinator") if "masked_answer" in line["key"]) for r in (run, again)]
    assert masked[0] != masked[1]


# What is refused


def test_a_coordinator_that_asks_one_fleet_something_else_gets_noise(tmp_path, monkeypatch):
    """With a good price for one fleet and none for the others the total would be that fleet's answer."""

    def cut_or_changed(topic, whole, view, values):
        part = cut(topic, whole, view, values)
        other = view.viewer == "company" and topic.name.startswith("delivery_price")
        return part + 0.25 if other else part

    monkeypatch.setattr(federate, "cut", cut_or_changed)
    folder = write_fleets(tmp_path, FLEETS, private_sum=True, periods=1)
    with pytest.raises(FederationError, match="masked answers do not add up: the members have not all been asked the same"):
        run_in_process(folder)


def _agreement(fleets, **more):
    agents = [agent for agent in SESSION["agents"] if agent["role"] != "mves_fleet"]
    agents += [{"name": name, "role": "mves_fleet"} for name in fleets]
    return SESSION | {"agents": agents, "vehicle_kwh": dict.fromkeys(fleets, 10.0), "private_sum": True} | more


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"fleets": ("a", "b")}, "at least 3 fleets: of two, each gets the other's value by taking its own from the sum"),
        ({"fleets": ("a", "b", "fleets")}, "in a private sum this is the name of all fleets together"),
        ({"fleets": ("a", "b", "c"), "network": {"everyone": "fibre"}}, "network .* must be left out"),
        ({"fleets": ("a", "b", "c"), "private_sum": "perhaps"}, "private_sum = 'perhaps'"),
    ],
)
def test_what_hides_nothing_is_refused_in_one_line(changes, words):
    with pytest.raises(ConfigError, match=words) as refused:
        parse_session(_agreement(**{"fleets": ("a", "b", "c")} | changes), "scenario.yaml")
    assert len(str(refused.value).splitlines()) == 1


def test_the_key_stands_in_the_file(tmp_path):
    file = tmp_path / "scenario.yaml"
    file.write_text(yaml.safe_dump(_agreement(("a", "b", "c"), private_sum=False)))
    with pytest.raises(ConfigError, match=r"private_sum = true: must stand in .*: it decides what crosses"):
        load_session(file, {"periods": "1", "private_sum": "true"})
    assert load_session(file, {"private_sum": "false"}).world == "fleets"


def test_without_the_key_nothing_changes():
    plain = parse_session(SESSION, "scenario.yaml")
    assert "private_sum" not in plain.model_dump()
    assert plain.world == "fleets"
    off = parse_session(_agreement(("a", "b", "c"), private_sum=False), "scenario.yaml")
    assert off.world == "fleets"
    on = parse_session(_agreement(("a", "b", "c")), "scenario.yaml")
    assert on.world == "fleets_private_sum"
    assert parse_session(on.model_dump(mode="json"), "session.json") == on
    assert parse_session(json.loads(on.view("a").model_dump_json()), "session").world == "fleets_private_sum"
    negotiated = world_of(on.world).negotiated(on)
    assert (negotiated.fleets, on.fleets) == (("fleets",), ("a", "b", "c"))


def test_a_number_out_of_range_ends_the_run_in_one_line(tmp_path):
    folder = write_fleets(tmp_path, FLEETS, private_sum=True, periods=1)
    config = yaml.safe_load((folder / "company" / "config.yaml").read_text())
    config["settings"]["slope"] = 1e-12  # it offers some 1e12 kWh
    (folder / "company" / "config.yaml").write_text(yaml.safe_dump(config))
    with pytest.raises(Exception, match=r"company: value .* in a private sum with 9 decimals it must lie between"):
        run_in_process(folder)

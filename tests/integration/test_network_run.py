"""Runs over a network: the same tables again; one that loses nothing changes nothing; audit and report understand it."""

import hashlib
import json

import numpy as np
import pandas as pd
import pytest
from quick_runs import quick_run
from small_fleets import optimum, write_fleets
from small_rail_scenario import write_small_rail_scenario
from small_scenario import write_small_scenario

from federates.audit.audit import audit_run
from federates.reporting.report import write_report

LOSSY = {
    "everyone": "lossy",
    "classes": {"lossy": {"loss": 0.2, "latency_s": 0.05, "jitter_s": 0.1, "duplication": 0.1, "reordering": 0.1}},
}


def tables(run):
    found = {p.relative_to(run).as_posix(): pd.read_parquet(p) for p in sorted(run.glob("*/*.parquet"))}
    return {name: table for name, table in found.items() if "timings" not in name}


def hashes(run):
    return {n: hashlib.sha256(t.to_csv(index=False).encode()).hexdigest() for n, t in tables(run).items()}


@pytest.fixture(scope="module")
def lossy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lossy")
    return [quick_run(write_small_scenario(folder / str(n)), {"network": LOSSY, "seed": 5}, {}, {}) for n in (1, 2)]


@pytest.fixture(scope="module")
def page(lossy):
    """The report of the first run; with it the summary is written."""
    return write_report(lossy[0]).read_text(encoding="utf-8")


def test_the_same_messages_are_lost_again(lossy):
    first, second = map(hashes, lossy)
    assert first == second
    fates = pd.concat([t for n, t in tables(lossy[0]).items() if n.endswith("/network.parquet")]).fate.value_counts()
    assert min(fates["lost"], fates["late"]) > 0


def test_what_is_carried_out_is_what_all_were_given(lossy):
    """Whatever was lost: the last command of every period is one commit, which all operators had from the same round."""
    heard = {name: t[t.message == "commit"] for name, t in tables(lossy[0]).items() if name.endswith("/network.parquet")}
    rounds = [tuple(zip(t.period, t["round"], strict=True)) for t in heard.values() if len(t)]
    assert len(rounds) >= 2
    assert len(set(rounds)) == 1


def test_the_audit_understands_what_was_sent_and_not_heard(lossy):
    outcome = audit_run(lossy[0])
    assert outcome.clean, outcome.breaches
    lost = sum(agent.network["lost"] for agent in outcome.agents if "lost" in agent.network)
    assert f"the network lost {lost} and delayed" in outcome.line
    path = lossy[1] / "power_operator/network.parquet"
    table = pd.read_parquet(path)
    table.drop(table.index[table.message == "solve"][0]).to_parquet(path)
    (breach,) = audit_run(lossy[1]).breaches
    assert (breach.check, breach.agent) == ("ledger.network", "power_operator")
    assert "came, and nothing is told of it" in breach.said
    table.to_parquet(path)


def test_the_report_says_what_the_network_cost(lossy, page):
    told = pd.concat([t for n, t in tables(lossy[0]).items() if n.endswith("/network.parquet")])
    summary = json.loads((lossy[0] / "summary.json").read_text())
    assert summary["network_lost"] == (told.fate == "lost").sum()
    assert summary["network_messages"] == len(told)
    assert summary["network_repeats"] == (told.sent - 1).sum()
    assert f"{summary['network_lost']} were lost" in page
    assert "fibre &gt; lossy" in page


@pytest.mark.usefixtures("page")
def test_seconds_are_those_of_the_slowest_answer_of_each_round(lossy):
    """Worked out anew, message by message."""
    read = {n.split("/")[0]: t for n, t in tables(lossy[0]).items() if n.endswith("/network.parquet")}
    deadline_s, total_s, slowest_s = 0.5, 0.0, {}
    answers = {(row.period, row.round, row.sender): row for row in read["coordinator"].itertuples() if row.message == "answer"}
    phases = {}
    for agent, table in read.items():
        for row in table.itertuples():
            if row.message in ("solve", "relax", "evaluate"):
                answer = answers.get((row.period, row.round, agent))
                there = answer is not None and answer.fate == row.fate == "heard"
                took_s = row.latency_s + answer.latency_s if there else 2 * deadline_s
                slowest_s[row.period, row.round] = max(slowest_s.get((row.period, row.round), 0.0), took_s)
            elif row.message != "answer":
                key = row.period, row.round, row.message
                phases[key] = max(phases.get(key, 0.0), row.latency_s)
    total_s = sum(slowest_s.values()) + sum(phases.values())
    summary = json.loads((lossy[0] / "summary.json").read_text())
    assert summary["network_s"] == pytest.approx(total_s, rel=1e-9)


@pytest.mark.parametrize("write", [write_small_scenario, write_small_rail_scenario], ids=["road", "rail"])
def test_a_network_that_loses_nothing_changes_no_plan(tmp_path, write):
    perfect = {"everyone": "perfect", "classes": {"perfect": {"latency_s": 0.01}}}
    with_, without = (quick_run(write(tmp_path / str(n)), change, {}, {}) for n, change in enumerate(({"network": perfect}, {})))
    ours, theirs = tables(with_), tables(without)
    kept = ("prices", "answers", "schedule", "power_costs", "transport_costs", "plan", "moves")
    for name in theirs:
        if name.split("/")[1].removesuffix(".parquet") in kept and "answers" not in name:
            pd.testing.assert_frame_equal(ours[name], theirs[name])
    assert set(ours) - set(theirs) == {n for n in ours if n.endswith(("/network.parquet", "/commits.parquet"))}
    assert (ours["coordinator/commits.parquet"].outcome == "agreed plan").all()


def test_bounds_of_fleets_hold_whose_vehicles_are_on_the_road(tmp_path):
    """By a closed form; vehicles under way are reached by a class that covers half of their road, or a poorer one, or none."""
    fleets, need_kwh, congestion = {"u": (40.0, 0.5), "c": (10.0, 1.0)}, 60.0, 20.0
    settings = {"update": "box_step", "plan": "mean", "gap_target": 1e-3}
    folder = write_fleets(tmp_path, fleets, settings=settings, congestion=congestion, need_kwh=need_kwh)
    network = {
        "classes": {"good": {"loss": 0.1}, "far": {"loss": 0.3}},
        "everyone": "good",
        "under_way": {"u": ["good", "far"]},
        "roads": {"r1": {"q1": ["a"], "q2": ["a"]}},
        "coverage": {"good": {"a": [[0.0, 0.5]]}, "far": {"a": [[0.25, 0.9]]}},
    }
    run = quick_run(folder, {"network": network, "seed": 3}, {}, {})
    kwh, slopes = zip(*fleets.values(), strict=True)
    best_usd = 2 * sum(optimum(need, 1.0, np.array(slopes), kwh, congestion)[1] for need in (need_kwh, need_kwh / 2))
    negotiations = pd.read_parquet(run / "coordinator/negotiations.parquet")
    assert (negotiations.lower_bound_usd <= best_usd + 1e-6).all()
    assert (negotiations.upper_bound_usd >= best_usd - 1e-6).all()
    told = pd.read_parquet(run / "u/network.parquet")
    asked = told[told.message.isin(["solve", "evaluate"])]
    assert set(asked[asked.period == 0].links) == {"fibre > good"}, "nothing is under way yet"
    assert {"fibre > far", "fibre > none"} & set(asked[asked.period == 1].links)
    assert (asked[asked.links == "fibre > none"].fate == "lost").all()
    assert audit_run(run).clean

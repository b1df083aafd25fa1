"""Figures, report and comparison of days by rail: what only they have."""

from __future__ import annotations

import json
import math
import re
import shutil

import pytest
import rail_example_runs as example
from report_pages import check_self_contained

from federates.reporting.compare import write_comparison
from federates.reporting.report import write_report
from federates.reporting.tables import RunTables
from federates.runs.reports import run_headline
from federates.worlds.rail.report.power import line_loading

pytestmark = [pytest.mark.filterwarnings("error"), pytest.mark.usefixtures("not_rendered")]
SCHEMES = ("mobile", "fixed", "central", "no_storage")


def test_routes_slope_where_trains_move(rail_days):
    run = RunTables.read(rail_days["mobile"])
    figure = run.world.figure("capacity_and_routes").draw(run)
    diagram = figure.get_axes()[-1]
    late = [line for line in diagram.get_lines() if line.get_linestyle() == "-"][1]
    hours, rows = late.get_data()
    # train2 leaves bus13 at 4 h and, an hour late, is at bus15 at 6 h: one line, although it is two rows of the table
    k = list(hours).index(6.0)
    assert (hours[k - 1], hours[k]) == (4.0, 6.0)
    assert rows[k] - rows[k - 1] == pytest.approx(1.0)


def test_headline_says_cost_wind_gap_and_trains(rail_days):
    sentences = run_headline(rail_days["mobile"])
    assert len(sentences) == 5
    text = " ".join(sentences)
    for pattern in (
        r"planned to cost [\d\u202f]+ USD",
        "wind was used",
        "proven to be within",
        "4 trips",
        "was late",
        "06:00 .train2 is late",
        "At the prices of their buses the batteries bought",
    ):
        assert re.search(pattern, text), pattern
    assert len(run_headline(rail_days["no_storage"])) == 2, "nobody negotiates and nothing moves"


@pytest.mark.usefixtures("without_figures")
def test_what_a_plan_could_not_hold_stands_in_the_report(reported, tmp_path):
    folder = shutil.copytree(reported["rail"], tmp_path / "run")
    text = (folder / "report.html").read_text(encoding="utf-8")
    assert "could not hold" not in text
    assert "slacks" not in text
    writer = example.ResultWriter(folder / "power_operator_more")
    writer.record("slacks", planned_in=0, constraint="line 12-13, period 4: 3.0 MW above the limit")
    writer.finish("power_operator")
    (folder / "power_operator_more/slacks.parquet").rename(folder / "power_operator/slacks.parquet")
    text = write_report(folder).read_text(encoding="utf-8")
    assert "plan of 00:00: line 12-13, period 4: 3.0 MW above the limit" in text


def test_trains_alone_do_not_break_figures(tmp_path):
    write_report(example.rail_run(tmp_path / "a", without=("train_moves", "train_storage")))
    write_report(example.rail_run(tmp_path / "b", "central"))


def test_bounds_that_cross_claim_nothing_and_everybody_says_why(tmp_path):
    folder = example.Folder(tmp_path, example.session())
    bounds = {"lower_bound_usd": 94.3722, "upper_bound_usd": 93.6344, "gap": math.nan}
    claims = {
        "ended_by_time": False,
        "claimed_agreed": False,
        "claimed_lower_bound_usd": math.nan,
        "claimed_gap": math.nan,
        "verdict": "<wrong>",
    }
    folder.add("negotiations", period=0, cause="day ahead", rounds=2, agreed=False, reason="wrong", **bounds, **claims)
    rest = {"bound_usd": 94.3722, "residual_veh": 0.0, "shortfall_veh": 0.0}
    folder.add("rounds", period=0, round=1, command="solve", **bounds, **rest, **example.KINDS)
    place = folder.finish(None)
    run = RunTables.read(place)
    head = run.summary
    assert "gap" not in head
    assert head["bounds_cross"] == 1
    said = [*run_headline(place), run.world.figure("bounds").reading(run)]
    assert sum("the bounds contradict each other: the lower bound lies above the cost of a plan" in text for text in said) == 2
    said.append(write_report(place).read_text(encoding="utf-8"))
    assert not any("proven to be within" in text or "0.00 %" in text for text in said)


def test_comparison_puts_the_paper_beside_ours(rail_days, tmp_path):
    page = write_comparison({scheme: rail_days[scheme] for scheme in reversed(SCHEMES)}, tmp_path / "out")
    text = page.read_text(encoding="utf-8")
    check_self_contained(text)
    content = json.loads((tmp_path / "out/comparison.json").read_text())
    assert list(content["runs"]) == list(SCHEMES), "in the paper's order, however given"
    found = content["indicators"]
    assert found["mobile"]["usd_per_mw"] == pytest.approx((14_300.3 - (14_000 * 0.93 + 380.3)) / 90)
    assert "usd_per_mw" not in found["no_storage"]
    row = next(line for line in text.splitlines() if line.startswith('<tr><th scope="row">M1'))
    assert "14\u202f075" in row, "the paper's cost"
    assert "13\u202f400" in row, "ours"
    assert "\u2212" not in row
    assert "-674" in row, "the difference"
    assert {claim["key"]: claim["verdict"] for claim in content["claims"]}["order_total_cost_usd"] == "shown"
    assert {claim["key"]: claim["verdict"] for claim in content["claims"]}["order_storage_utilisation"] == "not shown", (
        "all alike"
    )
    assert content["intervals"]["mobile"]["total_cost_usd"] == {
        "low": content["summary"]["mobile"]["bound_usd"],
        "high": 14_000 * 0.93 + 380.3,
    }
    assert content["figures"]["fig5_utilisation"].startswith("Top: ")
    header, _, *rows = (tmp_path / "out/summary.md").read_text().splitlines()
    assert header == "| Quantity | mobile | fixed | central | no_storage |"
    assert all(line.count("|") == 6 for line in rows)
    assert (tmp_path / "out/figures/fig5_utilisation.svg").exists()


def test_comparison_of_another_scenario_has_no_published_column(tmp_path):
    run = example.rail_run(tmp_path / "run", "fixed", name="ieee300")
    text = write_comparison({"fixed": run}, tmp_path / "out").read_text(encoding="utf-8")
    assert ">M2<" not in text
    assert "names no published case" in text
    assert "There is no run without storage" in text


def test_energy_limit_missing_draws_energy_itself(rail_days, tmp_path):
    run = example.rail_run(tmp_path / "run", "fixed")
    (run / "configuration.json").unlink()
    text = write_comparison({"fixed": run}, tmp_path / "out").read_text(encoding="utf-8")
    assert "Energy is a share" not in text


def test_most_loaded_line_comes_first(rail_days):
    table = line_loading(RunTables.read(rail_days["mobile"]))
    assert table["line"].tolist() == ["12-13", "2-4", "6-8"]
    assert table["periods_at_limit"].tolist()[1:] == [0, 0]
    assert table["most_share"][0] == pytest.approx(1.0)

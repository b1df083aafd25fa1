"""Figures, report and comparison of days by rail made up for the purpose."""

from __future__ import annotations

import functools
import json
import math
import re
from pathlib import Path

import pandas as pd
import pytest
from load_file import load_file

from federates.boundary.errors import ConfigError
from federates.reporting.figures.style import save_figure, svg_bytes
from federates.reporting.rail.compare import write_rail_comparison
from federates.reporting.rail.figures import RAIL_FIGURES
from federates.reporting.rail.figures.lines import line_loading
from federates.reporting.rail.metrics import rail_summary
from federates.reporting.rail.report import rail_headline, read_rail_run, write_rail_report
from federates.reporting.rail.words import figure_reading

pytestmark = pytest.mark.filterwarnings("error")


example = load_file(Path(__file__).with_name("test_reporting_rail_example_runs.py"))
pages = load_file(Path(__file__).with_name("test_reporting_pages.py"))
SCHEMES = ("mobile", "fixed", "central", "no_storage")
CATEGORIES = {"Station", "Bus", "Line at its limit"}


@pytest.fixture(scope="module")
def days(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rail")
    return {scheme: example.rail_run(folder / scheme, scheme, name="ieee30", published="ieee30") for scheme in SCHEMES}


@pytest.fixture
def svg_only(monkeypatch):
    """Leave the PNG out where a test reads only the page: it takes half the time."""
    for module in ("run_figure", "rail.compare"):
        monkeypatch.setattr(f"federates.reporting.{module}.save_figure", functools.partial(save_figure, formats=("svg",)))


@pytest.mark.parametrize("entry", RAIL_FIGURES, ids=lambda entry: entry.name)
def test_axes_of_every_figure_are_labelled_with_units(days, entry):
    run = read_rail_run(days["mobile"])
    assert entry.obstacle(run) == ""
    figure = entry.draw(run)
    shown = [axes for axes in figure.get_axes() if axes.axison and axes.has_data()]
    found = [text for axes in shown for text in (axes.get_xlabel(), axes.get_ylabel()) if text]
    assert all(text in CATEGORIES or re.search(r"\([^)]+\)", text) for text in found)
    assert all(axes.get_xlabel() for axes in shown if axes.get_subplotspec() and axes.get_subplotspec().is_last_row())
    assert all(axes.get_ylabel() for axes in shown)


@pytest.mark.parametrize("entry", RAIL_FIGURES, ids=lambda entry: entry.name)
def test_the_same_run_gives_the_same_picture(days, entry):
    assert svg_bytes(entry.draw(read_rail_run(days["mobile"]))) == svg_bytes(entry.draw(read_rail_run(days["mobile"])))


def test_routes_slope_where_trains_move(days):
    figure = RAIL_FIGURES[0].draw(read_rail_run(days["mobile"]))
    diagram = figure.get_axes()[-1]
    late = [line for line in diagram.get_lines() if line.get_linestyle() == "-"][1]
    hours, rows = late.get_data()
    # train2 leaves bus13 at 4 h and, an hour late, is at bus15 at 6 h: one line, although it is two rows of the table
    k = list(hours).index(6.0)
    assert (hours[k - 1], hours[k]) == (4.0, 6.0)
    assert rows[k] - rows[k - 1] == pytest.approx(1.0)


def test_report_is_one_file_with_everything(days, tmp_path, svg_only):
    folder = example.rail_run(tmp_path, name="any", published="ieee30")
    text = write_rail_report(folder).read_text(encoding="utf-8")
    page = pages.check_self_contained(text)
    assert page.tags.count("img") == len(RAIL_FIGURES)
    for word in ("Published and reconstructed", "NOT the authors", "train2 is late", "Power operator together", "mobile"):
        assert word in text
    assert json.loads((folder / "summary.json").read_text())["headline"] == rail_headline(folder)
    assert sorted(p.stem for p in (folder / "figures").glob("*.svg")) == sorted(entry.name for entry in RAIL_FIGURES)


def test_headline_says_cost_wind_gap_and_trains(days):
    sentences = rail_headline(days["mobile"])
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
    assert len(rail_headline(days["no_storage"])) == 2, "nobody negotiates and nothing moves"


@pytest.mark.parametrize(
    ("table", "figures"),
    [
        ("storage_state", {"capacity_and_routes", "storage_energy"}),
        ("power_balance", {"dispatch", "wind", "price"}),
        ("rounds", {"bounds", "prices"}),
        ("line_flow", {"line_flow", "bus_prices"}),
        ("bus_prices", {"bus_prices"}),
    ],
)
def test_missing_table_leaves_out_what_needs_it_and_says_so(tmp_path, svg_only, table, figures):
    folder = example.rail_run(tmp_path, without=(table,))
    text = write_rail_report(folder).read_text(encoding="utf-8")
    assert {path.stem for path in (folder / "figures").glob("*")} == {entry.name for entry in RAIL_FIGURES} - figures
    assert text.count(f"table {table} was not written") == len(figures)


def test_report_of_a_run_that_left_nothing(tmp_path):
    folder = example.Folder(tmp_path, example.session()).finish(
        {"run_id": "x", "status": "failed", "failure": "power_operator: gone"}
    )
    text = write_rail_report(folder).read_text(encoding="utf-8")
    pages.check_self_contained(text)
    assert "power_operator: gone" in text
    assert rail_headline(folder) == []


def test_what_a_plan_could_not_hold_stands_in_the_report(tmp_path, svg_only):
    folder = example.rail_run(tmp_path)
    text = write_rail_report(folder).read_text(encoding="utf-8")
    assert "could not hold" not in text
    assert "slacks" not in text
    writer = example.ResultWriter(folder / "power_operator_more")
    writer.record("slacks", planned_in=0, constraint="line 12-13, period 4: 3.0 MW above the limit")
    writer.finish("power_operator")
    (folder / "power_operator_more/slacks.parquet").rename(folder / "power_operator/slacks.parquet")
    text = write_rail_report(folder).read_text(encoding="utf-8")
    assert "plan of 00:00: line 12-13, period 4: 3.0 MW above the limit" in text


def test_trains_alone_do_not_break_figures(tmp_path, svg_only):
    write_rail_report(example.rail_run(tmp_path / "a", without=("train_moves", "train_storage")))
    write_rail_report(example.rail_run(tmp_path / "b", "central"))


def test_names_are_escaped(tmp_path, svg_only):
    folder = example.rail_run(tmp_path, without=("negotiations",))
    writer = example.ResultWriter(folder / "coordinator")
    bounds = {"lower_bound_usd": 1.0, "upper_bound_usd": 2.0, "gap": 0.5}
    claims = {
        "ended_by_time": False,
        "claimed_agreed": True,
        "claimed_lower_bound_usd": 1.0,
        "claimed_gap": 0.5,
        "verdict": "<i>",
    }
    writer.record("negotiations", period=0, cause="<script>", rounds=1, agreed=True, reason="<b>", **bounds, **claims)
    writer.finish("coordinator")
    pages.check_self_contained(write_rail_report(folder).read_text(encoding="utf-8"))


def test_bounds_that_cross_claim_nothing_and_everybody_says_why(tmp_path, svg_only):
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
    run = read_rail_run(place)
    head = rail_summary(run)
    assert "gap" not in head
    assert head["bounds_cross"] == 1
    said = [*rail_headline(place), figure_reading("bounds", run)]
    assert sum("the bounds contradict each other: the lower bound lies above the cost of a plan" in text for text in said) == 2
    said.append(write_rail_report(place).read_text(encoding="utf-8"))
    assert not any("proven to be within" in text or "0.00 %" in text for text in said)


def test_comparison_puts_the_paper_beside_ours(days, tmp_path, svg_only):
    page = write_rail_comparison({scheme: days[scheme] for scheme in reversed(SCHEMES)}, tmp_path / "out")
    text = page.read_text(encoding="utf-8")
    pages.check_self_contained(text)
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


def test_comparison_of_another_scenario_has_no_published_column(tmp_path, svg_only):
    run = example.rail_run(tmp_path / "run", "fixed", name="ieee300")
    text = write_rail_comparison({"fixed": run}, tmp_path / "out").read_text(encoding="utf-8")
    assert ">M2<" not in text
    assert "names no published case" in text
    assert "There is no run without storage" in text


def test_comparison_refuses_what_cannot_be_compared(days, tmp_path):
    other = example.rail_run(tmp_path / "run", "fixed", name="other")
    with pytest.raises(ConfigError) as caught:
        write_rail_comparison({"mobile": days["mobile"], "fixed": other, "central": days["no_storage"]}, tmp_path / "out")
    fields = {(problem.field, problem.value) for problem in caught.value.problems}
    assert {("name", "other"), ("scheme", "no_storage")} <= fields
    assert not (tmp_path / "out").exists()
    with pytest.raises(ConfigError, match="at least one run"):
        write_rail_comparison({}, tmp_path / "out")


def test_energy_limit_missing_draws_energy_itself(days, tmp_path, svg_only):
    run = example.rail_run(tmp_path / "run", "fixed")
    (run / "configuration.json").unlink()
    text = write_rail_comparison({"fixed": run}, tmp_path / "out").read_text(encoding="utf-8")
    assert "Energy is a share" not in text


def test_most_loaded_line_comes_first(days):
    table = line_loading(read_rail_run(days["mobile"]))
    assert table["line"].tolist() == ["12-13", "2-4", "6-8"]
    assert table["periods_at_limit"].tolist()[1:] == [0, 0]
    assert table["most_share"][0] == pytest.approx(1.0)


def test_rows_may_come_in_any_order(days, tmp_path):
    folder = example.rail_run(tmp_path)
    before = {entry.name: svg_bytes(entry.draw(read_rail_run(folder))) for entry in RAIL_FIGURES}
    for path in folder.glob("*/*.parquet"):
        pd.read_parquet(path).iloc[::-1].to_parquet(path)
    run = read_rail_run(folder)
    names = [entry.name for entry in RAIL_FIGURES if svg_bytes(entry.draw(run)) != before[entry.name]]
    assert not names

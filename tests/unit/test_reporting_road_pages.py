"""Figures, report and comparison of days on the road: what only they have."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import road_example_runs as example
from matplotlib.colors import to_hex
from report_pages import check_self_contained

from federates.boundary.tables import table
from federates.reporting.compare import write_comparison
from federates.reporting.report import write_report
from federates.reporting.tables import RunTables
from federates.worlds.road.report import REPORT
from federates.worlds.road.report.compare import check_claims
from federates.worlds.road.report.delivery import delivery_time_figure
from federates.worlds.road.report.links import link_flow_by_scheme_figure, load_geometry
from federates.worlds.road.report.load import feeder_load_figure

pytestmark = pytest.mark.filterwarnings("error")
SCHEMES = ("proposed", "fastest_route", "no_mves")


@pytest.fixture
def days(road_days, copy_of):
    """Return copies of the days, to be changed."""
    return copy_of(road_days)


def rewrite(folder: Path, name: str, change) -> None:
    path = folder / table(name).owner.value / f"{name}.parquet"
    frame = pd.read_parquet(path)
    change(frame)
    frame.to_parquet(path)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_figures_of_all_schemes_are_drawn_or_excused(road_days, scheme):
    run = RunTables.read(road_days[scheme])
    excused = {entry.name for entry in REPORT.figures if entry.obstacle(run)}
    assert excused == ({"fig6_delivery_time", "energy_account", "routing", "prices"} if scheme == "no_mves" else set())


def test_geometry_from_files_is_that_from_tables(road_days, days):
    known = load_geometry(RunTables.read(road_days["proposed"]))
    folder = days["proposed"] / "traffic_sumo"
    for path in folder.glob("*.parquet"):
        if path.stem in ("link_geometry", "station_sites"):
            path.unlink()
    run = RunTables.read(days["proposed"])
    assert load_geometry(run) is None
    for name, csv in (("link_geometry", "geometry.csv"), ("station_sites", "sites.csv")):
        RunTables.read(road_days["proposed"]).frame(name).to_csv(folder / csv, index=False)
    found = load_geometry(run)
    assert found.stations == known.stations
    assert all(found.links[link] == pytest.approx(known.links[link]) for link in example.LINKS)
    assert known.links["B_up"].tolist() == [pytest.approx(p) for p in ([-118.2, 34.0], [-118.15, 33.95], [-118.1, 33.9])]
    (folder / "geometry.csv").write_text("damaged")
    assert load_geometry(run) is None


def test_hours_are_ticked_from_0_to_24(road_days):
    axes = feeder_load_figure(RunTables.read(road_days["proposed"])).get_axes()[-1]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == [str(hour) for hour in range(0, 25, 2)]


def test_feeder_load_shows_the_data_of_the_run_given_for_each_side(days):
    rewrite(days["no_mves"], "feeder_load", lambda frame: frame.__setitem__("load_without_kw", 777.0))
    proposed, base = (RunTables.read(days[scheme]) for scheme in ("proposed", "no_mves"))
    axes = feeder_load_figure(proposed, base).get_axes()[0]
    drawn = {line.get_label(): line.get_ydata() for line in axes.get_lines()}
    assert set(drawn["without mobile storage"]) == {777.0}
    own = proposed.frame("feeder_load").query("station == 'q1' and period == 15 and bin == 2")["load_with_kw"].item()
    assert drawn["with mobile storage"][2 * (15 * example.B + 2)] == pytest.approx(own)


def test_feeder_load_shows_the_stations_that_give_and_the_probability_of_overload(days):
    helper = RunTables.read(days["proposed"]).frame("feeder_load").query("station == 'q1'").assign(station="r1", limit_kw=5000.0)
    helper["overload_probability_with"] = 0.25
    path = days["proposed"] / "power_operator/feeder_load.parquet"
    pd.concat([pd.read_parquet(path), helper]).to_parquet(path)
    axes = feeder_load_figure(RunTables.read(days["proposed"])).get_axes()
    assert [panel.get_title("left") for panel in axes] == ["q1", "q2", "r1, gives energy", "probability of overload"]
    lines = {line.get_label(): line.get_ydata() for line in axes[-1].get_lines()}
    assert set(lines["r1 with"]) == {0.25}
    assert set(lines["q1 without"]) == {0.0, 1.0}


def test_schemes_differ_by_more_than_colour(road_days):
    runs = {scheme: RunTables.read(road_days[scheme]) for scheme in SCHEMES[:2]}
    lines = [line for line in delivery_time_figure(runs).get_axes()[0].get_lines() if not line.get_label().startswith("_")]
    assert len({(line.get_marker(), line.get_linestyle()) for line in lines}) == len(lines) == 4
    assert len({to_hex(line.get_color()) for line in lines}) == 2


@pytest.mark.usefixtures("without_figures")
def test_a_name_brings_no_provenance_and_no_claims(days, tmp_path):
    for run in days.values():
        (run / "published.yaml").unlink()
        change = json.loads((run / "session.json").read_text()) | {"name": "la_gcs_x"}
        (run / "session.json").write_text(json.dumps(change))
    text = write_report(days["proposed"]).read_text(encoding="utf-8")
    assert "Caltrans" not in text
    assert "the scenario does not say" in text
    page = write_comparison(days, tmp_path / "out")
    assert "The paper's statements" not in page.read_text(encoding="utf-8")
    assert json.loads((tmp_path / "out/comparison.json").read_text())["claims"] == []


@pytest.mark.usefixtures("without_figures")
@pytest.mark.parametrize(("model", "name", "said"), [("sumo", "SUMO", "vehicle by vehicle"), ("bpr", "bpr", "traffic model bpr")])
def test_the_report_names_the_traffic_model_of_its_run(days, model, name, said):
    (days["proposed"] / "configuration.json").write_text(json.dumps({"traffic_sumo": {"model": model}}))
    text = write_report(days["proposed"]).read_text(encoding="utf-8")
    assert said in text
    assert f"min in {name} and" in text
    assert ("SUMO" in text) is (name == "SUMO")


@pytest.mark.usefixtures("not_rendered")
def test_report_of_a_run_that_failed_in_the_sixth_hour(tmp_path):
    tables = {name: frame[frame["period"] < 6] for name, frame in example.day_tables().items()}
    record = {"status": "failed", "failure": {"agent": "power_operator", "error": "ModelError"}}
    text = write_report(example.write_run(tmp_path, tables, example.session(), record)).read_text(encoding="utf-8")
    assert check_self_contained(text).tags.count("img") == len(REPORT.figures) - 2, "no map, and no settings to account by"
    assert "This run failed" in text
    assert "ModelError" in text


def test_comparison_shows_the_claims_on_a_day_that_has_them(road_days, tmp_path):
    path = write_comparison(road_days, tmp_path / "out")
    check_self_contained(path.read_text(encoding="utf-8"))
    result = json.loads((path.parent / "comparison.json").read_text())
    verdicts = {claim["key"]: claim["verdict"] for claim in result["claims"]}
    # The example day sends nobody at night: there is no time to compare, and that is not called equal.
    night = {key for key in verdicts if key.startswith("equal_delivery_time")}
    peak = {key for key in verdicts if key.startswith("peak_delivery_time")}
    assert {verdicts[key] for key in night} == {"not shown"}
    assert {verdicts[key] for key in peak} == {"follows from the input"}
    assert {verdict for key, verdict in verdicts.items() if key not in night | peak} == {"shown"}
    assert all(claim["yardstick"] for claim in result["claims"])
    assert result["figures"]["fig5_feeder_load"]
    assert result["load_without_from"] == "no_mves"
    assert result["common_random_numbers"] is True
    rows = (path.parent / "summary.csv").read_text().splitlines()
    assert rows[0] == "quantity,proposed,fastest_route,no_mves"
    assert (path.parent / "summary.md").read_text().count("\n") == len(rows) + 1


def slower_proposed(days):
    rewrite(days["proposed"], "deliveries", lambda frame: frame.__setitem__("road_time_s", frame["road_time_s"] * 1.5))


def no_help(days):
    rewrite(days["proposed"], "feeder_load", lambda frame: frame.__setitem__("load_with_kw", frame["load_without_kw"]))


def help_at_night(days):
    rewrite(days["proposed"], "feeder_load", lambda frame: frame.__setitem__("load_with_kw", frame["load_with_kw"] - 20.0))


def morning_peak(days):
    def change(frame):
        frame.loc[frame["period"] == 8, "delivery_time_s"] *= 3.0

    rewrite(days["fastest_route"], "delivery_forecast", change)


@pytest.mark.parametrize(
    ("change", "flipped"),
    [
        (slower_proposed, {"longer_delivery_time_traffic"}),
        (no_help, {"overload_removed"}),
        (help_at_night, {"equal_load"}),
        (morning_peak, {"peak_delivery_time_formula"}),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_claims_flip_with_the_data(days, tmp_path, change, flipped):
    change(days)
    claims = claims_of(days, tmp_path)
    held = {key for key, verdict in claims.items() if verdict == "not shown" and not key.startswith("equal_delivery_time")}
    assert held == flipped


def claims_of(days, tmp_path) -> dict[str, str]:
    runs = {scheme: RunTables.read(path) for scheme, path in days.items()}
    return {claim.key: claim.verdict for claim in check_claims(runs)}


@pytest.mark.parametrize(
    ("factor", "periods", "shown"), [(1.01, [0, 1, 23], "shown"), (1.2, [0, 1, 23], "not shown"), (1.01, [1], "not shown")]
)
def test_night_claim_is_decided_by_vehicles_in_most_of_the_night(days, tmp_path, factor, periods, shown):
    for scheme, scale in (("proposed", 1.0), ("fastest_route", factor)):

        def at_night(frame, scale=scale):
            night = frame["period"].isin(periods)
            frame.loc[night, "vehicles"] = 1
            frame.loc[night, "delivery_time_s"] = 1800.0 * scale

        rewrite(days[scheme], "delivery_forecast", at_night)
    assert claims_of(days, tmp_path)["equal_delivery_time_formula"] == shown


@pytest.mark.usefixtures("not_rendered")
def test_comparison_without_the_day_without_vehicles_says_so(road_days, tmp_path):
    path = write_comparison({"proposed": road_days["proposed"]}, tmp_path)
    result = json.loads((tmp_path / "comparison.json").read_text())
    assert result["load_without_from"] == "proposed"
    assert "no run without vehicles is given" in path.read_text(encoding="utf-8")
    assert {claim["verdict"] for claim in result["claims"] if "delivery_time" in claim["key"]} == {"not shown"}


@pytest.mark.usefixtures("without_figures")
def test_comparison_names_different_seeds(days, tmp_path):
    public = json.loads((days["fastest_route"] / "session.json").read_text())
    (days["fastest_route"] / "session.json").write_text(json.dumps(public | {"seed": 9}))
    assert "different seeds" in write_comparison(days, tmp_path / "out").read_text(encoding="utf-8")


def test_difference_of_link_flow_is_fastest_minus_proposed(road_days):
    runs = {scheme: RunTables.read(road_days[scheme]) for scheme in SCHEMES[:2]}
    panels = [axes for axes in link_flow_by_scheme_figure(runs).get_axes() if axes.collections and axes.get_ylabel() == "Link"]
    proposed, fastest, change = (np.ma.filled(axes.collections[0].get_array(), np.nan) for axes in panels)
    assert change == pytest.approx(fastest - proposed)
    assert np.nanmax(change) > 0

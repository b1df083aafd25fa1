"""`published.yaml`: what a scenario says about its data and a paper is checked, copied, and kept with every run."""

import json
import shutil
import sys
from pathlib import Path

import pytest
import yaml

from federates.boundary.errors import ConfigError
from federates.reporting.published import read_published
from federates.runs.check import check_scenario
from federates.runs.start import new_identity
from federates.scaffold.scenario import new_scenario
from federates.scaffold.shipped import SHIPPED

REPOSITORY = Path(__file__).parents[2]
SCENARIOS = REPOSITORY / "scenarios"


@pytest.fixture
def scenario(tmp_path):
    return new_scenario(tmp_path / "mine", "ieee30")


def rewrite(scenario, change):
    content = yaml.safe_load((scenario / "published.yaml").read_text())
    change(content)
    (scenario / "published.yaml").write_text(yaml.safe_dump(content))


def spoil_a_share(content):
    content["case"]["models"]["mobile"]["wind_used_share"] = 66.1


def misspell_a_model(content):
    content["case"]["models"]["mobil"] = content["case"]["models"].pop("mobile")


def leave_a_model_out(content):
    del content["case"]["models"]["central"]


def cross_nothing(content):
    content["sweeps"][0]["statements"][0] |= {"kind": "crosses", "other": "fixed"}


def compare_with_nobody(content):
    del content["sweeps"][1]["statements"][2]["other"]


def forget_the_source(content):
    del content["source"]


def know_nothing(content):
    content["basis"] = []


def speak_of_roads(content):
    content["statements"] = [{"check": "equal_load", "paper": "equal", "from_h": 0, "to_h": 4}]


@pytest.mark.parametrize(
    ("change", "field", "allowed"),
    [
        (spoil_a_share, "case.models.mobile.wind_used_share", "less than or equal to 1"),
        (misspell_a_model, "case.models.mobil", "'mobile', 'fixed', 'central'"),
        (leave_a_model_out, "case", "must have mobile, fixed and central"),
        (cross_nothing, "sweeps.0.statements.0", "must both be given for kind crosses"),
        (compare_with_nobody, "sweeps.1.statements.2", "must be given for kind below"),
        (forget_the_source, "source", "must be given where case"),
        (know_nothing, "basis", "at least 1"),
        (speak_of_roads, "statements", "unknown key"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_is_wrong_is_named_before_anything_starts(scenario, change, field, allowed):
    rewrite(scenario, change)
    with pytest.raises(ConfigError) as caught:
        check_scenario(scenario)
    (problem,) = caught.value.problems
    assert problem.file.endswith("published.yaml")
    assert problem.field.startswith(field)
    assert allowed in problem.allowed


@pytest.mark.parametrize("source", SHIPPED)
def test_a_copy_says_the_same_about_its_data(source, tmp_path):
    made = new_scenario(tmp_path / "copy", source)
    world = yaml.safe_load((made / "scenario.yaml").read_text()).get("world", "road")
    assert read_published(made, world) == read_published(SCENARIOS / source, world)
    assert read_published(made, world).source


def test_a_run_keeps_what_its_scenario_said(scenario):
    found = check_scenario(scenario)
    identity = new_identity(scenario, found.broker, str(found.broker_file), found.world, found.roles)
    (scenario / "published.yaml").unlink()
    assert read_published(Path(identity.run_folder), "rail").case.models["mobile"].model == "M1"
    check_scenario(scenario)
    later = new_identity(scenario, found.broker, str(found.broker_file), found.world, found.roles)
    assert read_published(Path(later.run_folder), "rail").case is None
    assert "does not say" in read_published(Path(later.run_folder), "rail").basis[0].text


def test_nothing_in_the_program_holds_a_papers_numbers():
    rows = [row for name in ("ieee30", "ieee118") for row in read_published(SCENARIOS / name, "rail").case.models.values()]
    wanted = {f"{value:g}" for row in rows for value in (row.wind_used_share, row.usd_per_mw, row.storage_utilisation) if value}
    wanted = {text for text in wanted if len(text) > 3} | {"la_gcs_", "Caltrans AADT", "14074.57", "14_074.57"}
    texts = {path: path.read_text(encoding="utf-8") for path in (REPOSITORY / "federates").rglob("*.py")}
    reporting = {path: text for path, text in texts.items() if {"reporting", "worlds"} & set(path.parts)}
    assert {path.name for path, text in reporting.items() for number in wanted if number in text} == set()


def test_the_contrast_of_the_118_bus_load_follows_its_rule():
    folder = SCENARIOS / "ieee118/calibration"
    sys.path.insert(0, str(folder))
    try:
        import contrast
        import make_data
    finally:
        sys.path.remove(str(folder))
    known = contrast.read_results()
    assert contrast.nearest(known) == make_data.CONTRAST == json.loads(contrast.RESULTS.read_text())["chosen"]
    load = (folder.parent / "power_operator/data/load.csv").read_text().splitlines()[1:]
    assert [float(line.split(",")[1]) for line in load] == make_data.load_mw(make_data.CONTRAST)
    assert set(contrast.cases()) >= set(known)


def test_the_calibration_changes_what_it_says_in_a_copy_that_can_run(tmp_path):
    folder = SCENARIOS / "ieee118/calibration"
    sys.path.insert(0, str(folder))
    try:
        import contrast
    finally:
        sys.path.remove(str(folder))
    copy = tmp_path / "ieee118"
    shutil.copytree(SCENARIOS / "ieee118", copy, ignore=shutil.ignore_patterns("results", "calibration"))
    contrast.prepare(copy, contrast.Case("mobile", 1.2, 4))
    storage = yaml.safe_load((copy / "power_operator/config.yaml").read_text())["settings"]["storage"]
    assert storage["battery"]["duration_h"] == 4
    assert sum(site["energy_mwh"] for part in ("mobile", "trains") for site in storage[part].values()) / 2 == 1600.0
    check_scenario(copy)

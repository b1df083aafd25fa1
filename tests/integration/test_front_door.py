"""``import federates as portage``: objects without a folder, runs of scenarios, and what a run shows."""

import pandas as pd
import pytest
from small_agents import SmallPower, SmallTraffic, SmallTransport
from small_scenario import write_small_scenario

import federates as portage
from federates.coordinator.algorithms.ocd import OptimalityConditionDecomposition

AGREEMENT = {
    "schema_version": 1,
    "name": "small",
    "periods": 3,
    "horizon_periods": 2,
    "bins_per_period": 2,
    "resourceful_stations": ["r1"],
    "limited_stations": ["q1", "q2"],
    "links": ["a", "b"],
}


def objects():
    return {
        "power_operator": SmallPower(),
        "transport_operator": SmallTransport(),
        "traffic_sumo": SmallTraffic(),
        "coordinator": OptimalityConditionDecomposition(),
    }


@pytest.fixture(scope="module")
def run():
    return portage.federate(AGREEMENT, objects())


def test_objects_are_federated_without_a_folder_and_agree_on_the_closed_form(run):
    # min(need, worth / slope) = min(12, 8) vehicles on each of two pairs in each of three periods.
    assert run.tables["schedule"].vehicles.tolist() == [8] * 6
    assert run.record["status"] == "complete"
    assert any("48 vehicles" in line for line in run.headline)


def test_a_table_that_several_agents_have_is_theirs_together_or_one_agents(run):
    both = run.tables["seen"]
    assert len(both) == len(run.tables["power_operator/seen"]) + len(run.tables["transport_operator/seen"]) == 6
    assert {"rounds", "negotiations", "seen"} <= set(run.tables)
    with pytest.raises(KeyError):
        run.tables["no such table"]


def test_a_run_shows_itself_its_figures_and_its_report(run):
    assert "complete" in run._repr_html_()
    assert run.figure("bounds").axes
    with pytest.raises(KeyError, match="bounds"):
        run.figure("no such figure")
    assert run.report().name == "report.html"


def test_objects_give_the_tables_of_the_same_scenario_from_its_folder(tmp_path, run):
    from quick_runs import quick_run

    folder = quick_run(write_small_scenario(tmp_path))
    for name in ("schedule", "rounds", "prices"):
        pd.testing.assert_frame_equal(run.tables[name], pd.read_parquet(folder / f"coordinator/{name}.parquet"))


@pytest.mark.long
def test_a_run_that_is_loaded_again_is_the_same_and_compares_with_others(tmp_path):
    first = portage.federate(AGREEMENT, objects(), results=tmp_path)
    second = portage.federate(AGREEMENT | {"seed": 7}, objects(), results=tmp_path)
    again = portage.load_run(first.folder)
    pd.testing.assert_frame_equal(again.tables["schedule"], first.tables["schedule"])
    assert first.compare(second).is_file()
    with pytest.raises(portage.PortageError, match="no run's folder"):
        portage.load_run(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda agents: agents.pop("coordinator"), "coordinator"),
        (lambda agents: agents.update(coordinator=SmallPower()), "CoordinationAlgorithm"),
        (lambda agents: agents.update(someone=SmallPower()), "someone"),
    ],
    ids=["missing", "of another class", "unknown"],
)
def test_agents_that_do_not_fit_the_agreement_are_named_before_anything_starts(change, said):
    agents = objects()
    change(agents)
    with pytest.raises(portage.ConfigError, match=said):
        portage.federate(AGREEMENT, agents)


def test_a_failing_object_ends_the_run_and_is_named():
    agents = objects() | {"power_operator": SmallPower(SmallPower.Settings(fault="raise"))}
    with pytest.raises(portage.FederationError, match="power_operator: no feasible plan"):
        portage.federate(AGREEMENT, agents)


def test_a_scenario_runs_in_processes_and_is_checked(tmp_path):
    scenario = write_small_scenario(tmp_path)
    assert portage.check(scenario) == []
    run = portage.run(scenario, periods=2)
    assert run.tables["schedule"].vehicles.tolist() == [8] * 4
    with pytest.raises(portage.ConfigError, match="periods"):
        portage.run(scenario, periods=-1)


def test_the_package_lists_what_it_has_and_refuses_the_rest():
    assert {"run", "resume", "load_run", "federate", "check", "compare", "Answer"} <= set(dir(portage))
    with pytest.raises(AttributeError, match="federate"):
        portage.fedrate  # noqa: B018

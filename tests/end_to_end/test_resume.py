"""Processes are killed, one or all, at any moment; the run goes on by the command, and its tables are those of a whole run."""

import json

import pytest
from interrupted import tables
from killed import asked, behind, go_on, killed, los_angeles, writing
from quick_runs import quick_run
from small_fleets import write_fleets
from small_rail_scenario import write_small_rail_scenario
from small_scenario import write_small_scenario

LOSSY = {"everyone": "lossy", "classes": {"lossy": {"loss": 0.2, "latency_s": 0.05, "jitter_s": 0.1, "reordering": 0.1}}}


def _road(folder):
    return write_small_scenario(folder, session={"seed": 5, "network": LOSSY})


def _fleets(folder):
    settings = {"update": "box_step", "plan": "mean", "gap_target": 1e-2}
    return write_fleets(folder, {"u": (40.0, 0.5), "c": (10.0, 1.0)}, settings=settings)


WRITERS = {"road, lossy": _road, "rail": write_small_rail_scenario, "fleets": _fleets}


def _equal_after(tmp_path, write, whom, moment):
    whole = quick_run(write(tmp_path / "whole"))
    run = killed(write(tmp_path / "killed"), whom, moment)
    done = go_on(run)
    assert done.returncode == 0, done.stdout + done.stderr
    assert tables(run) == tables(whole)
    return run, done


def test_a_run_of_which_every_process_was_killed_goes_on(tmp_path):
    run, done = _equal_after(tmp_path, _road, "all", behind("coordinator", 2))
    at = json.loads((run / "run.json").read_text())["resumed"][0]["from_period"]
    assert at in (1, 2)
    assert f"Run {run.name} goes on with period {at}." in done.stdout
    again = go_on(run)
    assert again.returncode == 2
    assert "status = 'complete': must be failed: it has come to its end" in again.stderr


MOMENTS = {
    "before the first answer": asked(0, 1),
    "in a negotiation": asked(1, 2),
    "in a commit": behind("power_operator", 1),
    "when a period is over": behind("coordinator", 2),
}
_AGENTS = ("coordinator", "power_operator", "transport_operator", "broker", "all")


@pytest.mark.faults
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("whom", [*_AGENTS, "traffic_sumo"])
@pytest.mark.parametrize("world", ["road, lossy"])
def test_by_road_whoever_is_killed_whenever(tmp_path, world, whom, moment):
    _equal_after(tmp_path, WRITERS[world], whom, MOMENTS[moment])


@pytest.mark.faults
@pytest.mark.parametrize("moment", ["before the first answer", "in a commit", "when a period is over"])
@pytest.mark.parametrize("whom", _AGENTS)
def test_by_rail_whoever_is_killed_whenever(tmp_path, whom, moment):
    _equal_after(tmp_path, write_small_rail_scenario, whom, MOMENTS[moment])


@pytest.mark.faults
def test_what_helics_run_has_started_goes_on(tmp_path):
    whole = quick_run(_road(tmp_path / "whole"))
    run = killed(_road(tmp_path / "killed"), "all", behind("coordinator", 2), by_helics=True)
    done = go_on(run)
    assert done.returncode == 0, done.stdout + done.stderr
    assert tables(run) == tables(whole)


@pytest.mark.faults
@pytest.mark.parametrize("whom", ["coordinator", "q1", "u", "all"])
def test_with_fleets_whoever_is_killed(tmp_path, whom):
    _equal_after(tmp_path, _fleets, whom, behind("coordinator", 1))


LONG_STATE = """


class LongState(SmallPower):
    def state(self):
        return {"much": np.zeros(4_000_000)}
    def restore(self, state):
        assert state["much"].shape == (4_000_000,)
"""


@pytest.mark.faults
@pytest.mark.parametrize("whom", ["power_operator", "all"])
def test_in_the_midst_of_writing_a_checkpoint(tmp_path, whom):
    whole = quick_run(write_small_scenario(tmp_path / "whole"))
    scenario = write_small_scenario(tmp_path / "killed")
    with (scenario / "small_agents.py").open("a") as file:
        file.write(LONG_STATE)
    run = killed(scenario, whom, writing("power_operator", 1), "--use", "power_operator=small_agents:LongState")
    assert (run / "power_operator/checkpoint/.new").exists()
    done = go_on(run)
    assert done.returncode == 0, done.stdout + done.stderr
    assert tables(run) == tables(whole)
    assert not (run / "power_operator/checkpoint/.new").exists()


@pytest.mark.long
@pytest.mark.parametrize("states", [False, True], ids=["simulated again", "from its state"])
@pytest.mark.parametrize("whom", ["traffic_sumo", "all"])
def test_a_day_with_sumo(tmp_path, whom, states):
    options = ("--set", "periods=3", "--set", "start_hour=6")
    whole = quick_run(los_angeles(tmp_path / "whole", states), {"periods": 3, "start_hour": 6})
    run = killed(los_angeles(tmp_path / "killed", states), whom, behind("coordinator", 2), *options)
    done = go_on(run)
    assert done.returncode == 0, done.stdout + done.stderr
    assert tables(run) == tables(whole)

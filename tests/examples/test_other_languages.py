"""The operators in C and C++ in real runs: what they agree on is compared with optima that are computed here, otherwise."""

import functools
import json
import os
import re
import shutil
import signal
import subprocess
import time

import numpy as np
import pytest
import yaml
from other_languages import POWER, ROOT, TRANSPORT, copy_of, helics_run, outcome_of, portage_run, put_in
from portage_c_kit import every_route
from small_rail_scenario import write_small_rail_scenario
from small_scenario import write_small_scenario

PAGE = ROOT / "docs/other_languages.md"


def words_of(text):
    """Return the lines of a data file as lists of words, without comments."""
    return [words for line in text.splitlines() if (words := line.partition("#")[0].split())]


def change(path, **changes):
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | changes, sort_keys=False))


@pytest.mark.long
def test_the_rail_operator_in_c_finds_the_joint_optimum_of_another_network(programs, tmp_path, environment):
    """Three stations, two trains: the cheapest of all pairs of routes, each train's worth and costs added up."""
    trip, homes, per_period, per_trip = [[0, 1, 2], [1, 0, 1], [2, 1, 0]], [0, 2], 1.5, 0.25
    worth = np.array([[1, 0, 0, 2, 0], [0, 5, 4, 0, 3], [2, 2, 0, 9, 1]], dtype=float)
    session = {
        "periods": 5,
        "rail_stations": ["a", "b", "c"],
        "trip_periods": trip,
        "trains": [{"name": f"k{k}", "home": "abc"[s]} for k, s in enumerate(homes)],
    }
    scenario = write_small_rail_scenario(tmp_path, session=session, power={"worth_usd": worth.tolist()})
    put_in(scenario, programs, TRANSPORT, {"rail.txt": f"usd_per_period {per_period}  # and\n\nusd_per_trip {per_trip}\n"})
    outcome = portage_run(scenario, environment)
    assert outcome.record["status"] == "complete", outcome.output

    def cost(moves):
        return sum(per_period * trip[s][r] + per_trip for s, r in moves)

    best = [
        min(cost(moves) - sum(worth[stand] for stand in stands) for moves, stands in every_route(trip, 5, home, 0, home))
        for home in homes
    ]
    (negotiation,) = outcome.table("coordinator/negotiations").to_dict("records")
    optimum = 2 * worth.sum() + sum(best)
    assert negotiation["lower_bound_usd"] == pytest.approx(optimum)
    assert negotiation["upper_bound_usd"] == pytest.approx(optimum)
    agreed = outcome.table("coordinator/connections")
    moves = outcome.rows("transport_operator/moves.csv")
    stood = moves[moves.origin == moves.destination]
    assert sorted(zip(stood.train, stood.origin, stood.period, strict=True)) == sorted(
        zip(agreed.train, agreed.station, agreed.period, strict=True)
    )
    earned = sum(worth["abc".index(s), t] for s, t in zip(agreed.station, agreed.period, strict=True))
    assert moves.cost_usd.sum() - earned == pytest.approx(sum(best))
    assert moves.cost_usd.sum() > 0


ROAD = """value_of_time_usd_per_h 12
trip_usd 0.5
spread_usd 6
route r1 q1 30 5 a a
route r1 q2 8 10 b
"""


WORTH = (
    """worth r1 """
    + "0 " * 24
    + """
worth q1 20 20 20 """
    + "0 " * 21
    + """
worth q2 16 16 12 """
    + "0 " * 21
    + """
need q1 12
need q2 9
gate r1 600 4
gate q1 600 4
gate q2 600 4
"""
)


def python_shortage(q, hour, z):
    """Cost of `SmallPower`, which wants 12 vehicles for 8 usd each."""
    return 8 * (12 - min(z, 12))


def cpp_shortage(q, hour, z):
    """Cost of the operator in C++ with WORTH: what vehicles that do not come would have been worth, each less than the last."""
    need, worth = (12, 9)[q], ((20, 20, 20, 0), (16, 16, 12, 0))[q][hour]
    whole = [sum(worth * (1 - j / need) for j in range(n, need)) for n in range(need + 1)]
    return np.interp(z, range(need + 1), whole)


@pytest.mark.parametrize("shortage", [pytest.param(python_shortage, marks=pytest.mark.long), cpp_shortage])
def test_the_road_operators_agree_on_the_optimum_of_a_formula(programs, tmp_path, environment, shortage):
    """Transport's cost is a z + b z^2 / 2 up to the fleet; with power's it is minimised here over a fine grid, pair by pair.

    Prices by cutting planes, as in the shipped day: the paper's rule only raises them, and stands still where one was too high.
    """
    scenario = write_small_scenario(tmp_path, coordinator={"update": "box_step", "max_iterations": 60, "gap_target": 0.005})
    put_in(scenario, programs, TRANSPORT, {"road.txt": ROAD})
    if shortage is cpp_shortage:
        put_in(scenario, programs, POWER, {"worth.txt": WORTH})
    outcome = portage_run(scenario, environment)
    assert outcome.record["status"] == "complete", outcome.output
    plan = outcome.rows("transport_operator/plan.csv")
    # The gates take 600 s each and a link 300 s; before it was seen, the road takes its free time.
    assert plan.road_s.tolist() == [300.0, 600.0] + 2 * [600.0, 300.0]

    def best(q, hour, road_s, fleet):
        a, z = 12 * (600 + road_s + 600) / 3600 + 0.5, np.linspace(0, fleet, 2401)
        return min((a + 6 / fleet * z / 2) * z + [shortage(q, hour, v) for v in z])

    last = outcome.table("coordinator/rounds").groupby("period").last()
    for period, roads in enumerate([(300, 600), (600, 300), (600, 300)]):
        pairs = [(0, roads[0], 30), (1, roads[1], 8)]
        optimum = sum(best(q, hour, road_s, fleet) for q, road_s, fleet in pairs for hour in (period, period + 1))
        assert last.loc[period].lower_bound_usd <= optimum + 1e-6
        assert last.loc[period].upper_bound_usd >= optimum - 0.01  # the grid's own error
        assert last.loc[period].upper_bound_usd <= 1.005 * optimum
    assert outcome.table("coordinator/schedule").agreed.all()
    assert plan.vehicles.sum() > 20
    assert plan.vehicles.tolist() == outcome.table("coordinator/schedule").vehicles.tolist()
    assert outcome.table("traffic_sumo/moved").vehicles.tolist() == plan.groupby("period").vehicles.sum().tolist()


def test_two_periods_of_los_angeles_with_the_operator_in_c(programs, tmp_path, environment):
    """By `helics run`; the traffic model is the formula, and what it told of the links is what the operator told of the roads."""
    scenario = copy_of("la_gcs", tmp_path)
    change(scenario / "scenario.yaml", periods=2, start_hour=7)
    stations = yaml.safe_load((scenario / "traffic_sumo/config.yaml").read_text())["settings"]["stations"]
    change(scenario / "traffic_sumo/config.yaml", model="bpr", settings={"stations": stations})
    put_in(scenario, programs, TRANSPORT)
    outcome = helics_run(scenario, environment)
    assert outcome.record["status"] == "complete", outcome.output
    plan, schedule = outcome.rows("transport_operator/plan.csv"), outcome.table("coordinator/schedule")
    assert plan.vehicles.tolist() == schedule.vehicles.tolist()
    assert plan.vehicles.sum() > 50
    assert schedule.agreed.all()
    seen = outcome.table("traffic_sumo/link_state").query("period == 0").set_index("link").travel_time_s
    routes = [words for words in words_of((ROOT / "examples/transport_operator_c/road.txt").read_text()) if words[0] == "route"]
    expected = [60 * float(words[4]) for words in routes] + [seen[words[5:]].sum() for words in routes]
    assert plan.road_s.to_numpy() == pytest.approx(expected, abs=0.06)


def commands_of_the_page():
    return list(re.findall(r"<!-- run -->\n```bash\n(.*?)```", PAGE.read_text(), flags=re.DOTALL))


def best_of_day(trip, periods, home, gain, cost):
    """Return the most that a train can earn in a day, from home to home; ``gain[s][t]`` for standing."""

    @functools.cache
    def best(station, period):
        if period == periods:
            return 0.0 if station == home else -np.inf
        ways = [gain[station][period] + best(station, period + 1)]
        for goal, length in enumerate(trip[station]):
            if goal != station and period + length <= periods:
                ways.append(best(goal, period + length) - cost * length)
        return max(ways)

    return best(home, 0)


def test_the_commands_of_the_page_run_the_rail_day_in_c_and_cpp(programs, tmp_path, environment):
    """As a user would, from building on; the optimum is that of both operators' data, by recursion over all ways."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns("build"))
    copy_of("ieee30", tmp_path)
    blocks = commands_of_the_page()
    assert len(blocks) >= 2
    script = "set -eu\n" + "\n".join(blocks)
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=150, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    outcome = outcome_of(tmp_path / "scenarios/my_rail", done.returncode, done.stdout)
    assert outcome.record["status"] == "complete"
    session = json.loads((outcome.folder / "session.json").read_text())
    data = words_of((ROOT / "examples/power_operator_cpp/worth.txt").read_text())
    worth = {words[1]: [float(word) for word in words[2:]] for words in data if words[0] == "worth"}
    gain = [worth[station] for station in session["rail_stations"]]
    trains = session["trains"]
    homes = [session["rail_stations"].index(train["home"]) for train in trains]
    most = sum(best_of_day(session["trip_periods"], 24, home, gain, 10.0) for home in homes)
    (negotiation,) = outcome.table("coordinator/negotiations").to_dict("records")
    assert negotiation["agreed"]
    assert negotiation["upper_bound_usd"] == pytest.approx(len(trains) * np.sum(gain) - most, rel=0.005)
    assert negotiation["lower_bound_usd"] <= len(trains) * np.sum(gain) - most + 1e-6
    assert outcome.rows("transport_operator/moves.csv").cost_usd.sum() > 0


@pytest.mark.long
def test_a_wrong_data_file_ends_the_run_for_everyone_with_its_line(programs, tmp_path, environment):
    scenario = write_small_scenario(tmp_path)
    put_in(scenario, programs, TRANSPORT, {"road.txt": ROAD.replace("a a", "a " * 17)})
    outcome = portage_run(scenario, environment)
    assert outcome.code == 1
    assert outcome.record["status"] == "failed"
    assert "road.txt:4: too many links" in outcome.record["failure"]
    assert "road.txt:4: too many links" in (outcome.folder / "logs/coordinator.log").read_text()


@pytest.mark.long
def test_a_partners_error_reaches_the_program(programs, tmp_path, environment):
    scenario = write_small_rail_scenario(tmp_path, power={"fault": "raise"})
    put_in(scenario, programs, TRANSPORT)
    outcome = portage_run(scenario, environment)
    assert outcome.code == 1
    assert "power_operator: no feasible plan" in outcome.record["failure"]
    assert "no feasible plan" in (outcome.folder / "logs/transport_operator.log").read_text()


def test_a_killed_program_ends_the_run_and_is_named(programs, tmp_path, environment):
    scenario = write_small_scenario(tmp_path, session={"periods": 10_000})
    put_in(scenario, programs, TRANSPORT, {"road.txt": ROAD})
    words = ["python", "-m", "federates.cli", "run", str(scenario)]
    process = subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    record = wait_for(scenario, "transport_operator/plan.csv", process).parent / "process.json"
    os.kill(json.loads(record.read_text())["pid"], signal.SIGKILL)
    output, _ = process.communicate(timeout=120)
    outcome = outcome_of(scenario, process.returncode, output)
    assert outcome.code == 1
    assert "transport_operator" in outcome.record["failure"]
    assert "SIGKILL" in outcome.record["failure"]


def wait_for(scenario, name, process):
    """Return the file that the run leaves under ``name``, as soon as something is in it."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        for path in (scenario / "results").glob(f"*/{name}"):
            if path.stat().st_size > 100:
                return path
        time.sleep(0.05)
    process.kill()
    raise AssertionError(f"{name} never came: {process.communicate()[0]}")


@pytest.mark.parametrize("program", [TRANSPORT, POWER], ids=["c", "cpp"])
def test_a_program_that_nobody_told_of_a_run_says_so(programs, program):
    role, folder, command = program
    bare = {name: value for name, value in os.environ.items() if not name.startswith("PORTAGE_")}
    words = [str(programs / folder / role), *command.split()[1:]]
    done = subprocess.run(words, env=bare, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert re.search(r"PORTAGE_(WORLD|AGENT) is not set", done.stderr)


@pytest.mark.long
@pytest.mark.parametrize("scenario", ["la_gcs", "ieee30"])
def test_a_whole_day_with_the_operator_in_c(programs, tmp_path, environment, scenario):
    folder = copy_of(scenario, tmp_path)
    put_in(folder, programs, TRANSPORT)
    outcome = helics_run(folder, environment, 500)
    assert outcome.record["status"] == "complete", outcome.output
    if scenario == "la_gcs":
        schedule = outcome.table("coordinator/schedule")
        assert schedule.groupby("period").agreed.all().mean() >= 0.8
        assert outcome.rows("transport_operator/plan.csv").vehicles.tolist() == schedule.vehicles.tolist()
    else:
        assert outcome.table("coordinator/negotiations").gap.max() <= 0.005
        moves = outcome.rows("transport_operator/moves.csv")
        assert moves[moves.origin != moves.destination].cost_usd.unique().tolist() == [20.0]  # two periods of 10 usd

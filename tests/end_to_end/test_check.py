"""`portage check` on broken scenarios: one clear message each, with file, field, value and what is allowed; no traceback."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from small_rail_scenario import write_small_rail_scenario

from federates.cli.app import main

ROOT = Path(__file__).parents[2]


def change(path, *keys, to=None, drop=False):
    """Return a function that sets or drops one key of a YAML or JSON file of the scenario."""

    def apply(scenario):
        file = scenario / path
        load, dump = (json.loads, json.dumps) if file.suffix == ".json" else (yaml.safe_load, yaml.safe_dump)
        data = load(file.read_text())
        place = data
        for key in keys[:-1]:
            place = place[key]
        if drop:
            del place[keys[-1]]
        else:
            place[keys[-1]] = to
        file.write_text(dump(data))

    return apply


def rename(path, *keys, to):
    def apply(scenario):
        file = scenario / path
        data = yaml.safe_load(file.read_text())
        place = data
        for key in keys[:-1]:
            place = place[key]
        place[to] = place.pop(keys[-1])
        file.write_text(yaml.safe_dump(data))

    return apply


def remove(path):
    return lambda scenario: (scenario / path).unlink()


def replace(path, old, new):
    def apply(scenario):
        file = scenario / path
        assert old in file.read_text(), f"{old!r} is not in {path}"
        file.write_text(file.read_text().replace(old, new))

    return apply


P, T, X, C = (f"{a}/config.yaml" for a in ("power_operator", "transport_operator", "traffic_sumo", "coordinator"))

BROKEN = {
    "misspelt key in the agreement": (
        rename("scenario.yaml", "periods", to="perods"),
        ["scenario.yaml", "perods", "did you mean 'periods'"],
    ),
    "missing key in the agreement": (change("scenario.yaml", "links", drop=True), ["scenario.yaml", "links", "required"]),
    "unknown scheme": (change("scenario.yaml", "scheme", to="fastest"), ["scheme", "'fastest'", "proposed"]),
    "no periods": (change("scenario.yaml", "periods", to=0), ["periods", "0", "greater than or equal to 1"]),
    "period as text": (change("scenario.yaml", "period_s", to="an hour"), ["period_s", "an hour", "number"]),
    "seed below zero": (change("scenario.yaml", "seed", to=-1), ["seed", "-1"]),
    "station in both roles": (change("scenario.yaml", "limited_stations", to=["q1", "r1"]), ["r1", "once"]),
    "unknown station": (change("scenario.yaml", "limited_stations", to=["q1", "q3"]), ["q3"]),
    "unknown link": (change("scenario.yaml", "links", to=["I5S_ELA-I711"]), ["I5S_ELA-I711"]),
    "newer format": (change("scenario.yaml", "schema_version", to=9), ["schema_version", "9"]),
    "not a number": (replace("scenario.yaml", "period_s: 3600", "period_s: .nan"), ["period_s", "nan"]),
    "key given twice": (replace("scenario.yaml", "seed: 1", "seed: 1\nseed: 2"), ["scenario.yaml", "seed", "twice"]),
    "no YAML": (replace("scenario.yaml", "links:", "links: [\n"), ["scenario.yaml", "valid YAML"]),
    "agreement missing": (remove("scenario.yaml"), ["scenario.yaml", "missing"]),
    "runner missing": (remove("runner.json"), ["runner.json", "missing"]),
    "runner is no JSON": (replace("runner.json", '"federates"', "federates"), ["runner.json", "valid JSON"]),
    "agent without entry": (
        replace("runner.json", '"name": "traffic_sumo"', '"name": "traffic"'),
        ["traffic_sumo", "exactly one"],
    ),
    "folder of an agent missing": (
        replace("runner.json", '"directory": "traffic_sumo"', '"directory": "sumo"'),
        ["sumo", "must exist"],
    ),
    "program not found": (
        replace("runner.json", "python -u -m federates.traffic_sumo", "pithon -u -m federates.traffic_sumo"),
        ["pithon", "PATH"],
    ),
    "module not found": (
        replace("runner.json", "-m federates.traffic_sumo", "-m federates.trafic_sumo"),
        ["federates.trafic_sumo", "not installed"],
    ),
    "own broker and HELICS's": (change("runner.json", "broker", to=True), ["runner.json", "broker", "absent or false"]),
    "another agent's folder": (
        replace("runner.json", '"directory": "transport_operator"', '"directory": "power_operator"'),
        ["transport_operator.directory", "power_operator", "own"],
    ),
    "another agent's configuration": (
        replace(
            "runner.json",
            "federates.transport_operator --config config.yaml",
            "federates.transport_operator --config ../power_operator/config.yaml",
        ),
        ["transport_operator.exec", "../power_operator/config.yaml", "own folder"],
    ),
    "another agent's data": (
        change(T, "settings", "background_file", to="../traffic_sumo/data/la_links_hourly.csv"),
        ["transport_operator/config.yaml", "background_file", "own folder"],
    ),
    "configuration missing": (remove(P), [P, "missing"]),
    "unknown operator": (change(P, "operator", to="charging_stations"), [P, "operator", "did you mean 'charging_station'"]),
    "class that is not there": (change(P, "operator", to="nowhere:Mine"), [P, "operator", "cannot be imported"]),
    "class of another role": (
        change(P, "operator", to="federates.traffic_sumo.sumo:SumoTraffic"),
        [P, "operator", "must be a class derived from PowerOperator"],
    ),
    "unknown traffic setting": (rename(X, "settings", "engine", to="engin"), [X, "settings.engin", "did you mean 'engine'"]),
    "unknown engine": (change(X, "settings", "engine", to="aimsun"), [X, "settings.engine", "'aimsun'"]),
    "unknown junction": (change(X, "settings", "stations", "r1", "junction", to="J110"), [X, "r1", "J110"]),
    "negative flow": (
        replace("traffic_sumo/data/la_links_hourly.csv", "I5S_ELA-I710,0,", "I5S_ELA-I710,0,-"),
        ["la_links_hourly.csv"],
    ),
    "traffic data missing": (remove("traffic_sumo/data/la_links_hourly.csv"), ["la_links_hourly.csv"]),
    "station without settings": (change(P, "settings", "stations", "q1", drop=True), [P, "q1"]),
    "feeder limit below zero": (change(P, "settings", "stations", "q1", "feeder_limit_kw", to=-420), [P, "q1", "-420"]),
    "gap above one": (change(C, "settings", "gap_target", to=2), [C, "settings.gap_target", "2"]),
    "unknown transport junction": (change(T, "settings", "stations", "q2", "junction", to="J999"), [T, "J999"]),
    "free speed of zero": (change(T, "settings", "free_speed_m_per_s", to=0), [T, "free_speed_m_per_s", "0"]),
    "command with an open quote": (
        replace("runner.json", "federates.traffic_sumo --config config.yaml", "federates.traffic_sumo '--config config.yaml"),
        ["exec", "must be a command"],
    ),
    "agent in another's place": (
        replace("runner.json", "-m federates.power_operator", "-m federates.transport_operator"),
        ["power_operator.exec", "must be federates.power_operator"],
    ),
    "another agent's configuration, joined": (
        replace(
            "runner.json",
            "federates.power_operator --config config.yaml",
            "federates.power_operator --config=../traffic_sumo/config.yaml",
        ),
        ["power_operator.exec", "../traffic_sumo/config.yaml", "own folder"],
    ),
    "unknown option": (
        replace("runner.json", "federates.power_operator --config config.yaml", "federates.power_operator --conf config.yaml"),
        ["power_operator.exec", "--conf", "unknown option"],
    ),
    "operator with a syntax error": (
        lambda scenario: (
            (scenario / "power_operator/mine.py").write_text("def broken(:\n"),
            change(P, "operator", to="mine:Mine")(scenario),
        ),
        [P, "operator", "SyntaxError"],
    ),
    "period shorter than the dispatch offset": (
        lambda scenario: (
            change("scenario.yaml", "period_s", to=60)(scenario),
            change("../../broker.yaml", "dispatch_offset_s", to=60)(scenario),
        ),
        ["period_s", "dispatch_offset_s"],
    ),
    "rounds that do not fit": (change("../../broker.yaml", "max_rounds", to=5000), ["broker.yaml", "dispatch_offset_s"]),
    "unknown core": (change("../../broker.yaml", "core_type", to="mpi"), ["broker.yaml", "core_type", "'mpi'"]),
}


@pytest.fixture(scope="module")
def pristine(tmp_path_factory):
    """Return a copy of the scenario as it ships."""
    return copy(tmp_path_factory.mktemp("pristine"))


def copy(folder):
    shutil.copy(ROOT / "broker.yaml", folder / "broker.yaml")
    shutil.copytree(ROOT / "scenarios/la_gcs", folder / "scenarios/la_gcs", ignore=shutil.ignore_patterns("results", "*.log"))
    return folder / "scenarios/la_gcs"


def check(scenario):
    words = [sys.executable, "-m", "federates.cli", "check", str(scenario)]
    return subprocess.run(words, capture_output=True, text=True, timeout=120)


@pytest.fixture
def refused(monkeypatch, capsys):
    """Return a function that gives what the command says of a scenario that it refuses; a process each would take two seconds."""

    def say(scenario):
        monkeypatch.setattr(sys, "argv", ["portage", "check", str(scenario)])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 2
        assert not (scenario / "results").exists()
        return capsys.readouterr().err

    return say


def test_the_scenario_as_it_ships_has_nothing_wrong(pristine):
    done = check(pristine)
    assert done.returncode == 0, done.stderr
    assert "nothing wrong" in done.stdout


def test_thirty_and_more_scenarios_are_broken():
    assert len(BROKEN) >= 30


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_scenario_is_refused_with_a_clear_message(tmp_path, name, refused):
    breaking, said = BROKEN[name]
    scenario = copy(tmp_path)
    breaking(scenario)
    message = refused(scenario)
    assert [words for words in said if words not in message] == []


def test_several_problems_in_several_files_come_at_once(tmp_path):
    scenario = copy(tmp_path)
    for name in ("no periods", "unknown engine", "gap above one", "free speed of zero", "unknown core"):
        BROKEN[name][0](scenario)
    done = check(scenario)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    for words in ("periods", "settings.engine", "settings.gap_target", "free_speed_m_per_s", "core_type"):
        assert words in done.stderr
    assert done.stderr.startswith("5 problems found")


def rail(**keys):
    """Return a function that changes keys of the public agreement of the small scenario by rail."""

    def apply(scenario):
        for key, value in keys.items():
            change("scenario.yaml", key, to=value)(scenario)

    return apply


def list_traffic(scenario):
    (scenario / "traffic_sumo").mkdir()
    runner = scenario / "runner.json"
    data = json.loads(runner.read_text())
    entry = {"name": "traffic_sumo", "directory": "traffic_sumo", "exec": "python -m federates.traffic_sumo"}
    data["federates"].append(entry)
    runner.write_text(json.dumps(data))


BROKEN_RAIL = {
    "home station unknown": (
        rail(trains=[{"name": "k1", "home": "c"}]),
        ["scenario.yaml", "trains.k1.home = 'c': must be one of a, b"],
    ),
    "trip longer than the day": (
        rail(trip_periods=[[0, 5], [1, 0]]),
        ["scenario.yaml", "trip_periods[a][b] = 5: must be from 1 to 4, the periods of the run"],
    ),
    "ragged timetable": (
        rail(trip_periods=[[0, 1], [1]]),
        ["scenario.yaml", "trip_periods = 'rows of [2, 1]': must be 2 rows of 2 numbers, one per station"],
    ),
    "unknown scheme": (rail(scheme="proposed"), ["scenario.yaml", "scheme = 'proposed'", "'mobile', 'fixed'"]),
    "world misspelt": (
        rail(world="rial"),
        ["scenario.yaml", "world = 'rial': must be one of fleets, rail, road; did you mean 'rail'?"],
    ),
    "world that is no text": (rail(world=["rail"]), ["scenario.yaml", "world = ['rail']: must be one of fleets, rail, road"]),
    "traffic model by rail": (
        list_traffic,
        [
            "runner.json",
            "'traffic_sumo': allowed names: broker, coordinator, power_operator, transport_operator",
            "world is rail",
        ],
    ),
    "no transport operator": (
        replace("runner.json", '"name": "transport_operator"', '"name": "transporter"'),
        ["runner.json", "0 named 'transport_operator'", "allowed names: broker, coordinator, power_operator, transport_operator"],
    ),
    "key of the road": (rail(horizon_periods=4), ["scenario.yaml", "horizon_periods = 4: unknown key"]),
    "misspelt key of a train": (
        rail(trains=[{"name": "k1", "hom": "a"}]),
        ["scenario.yaml", "trains.0.hom", "did you mean 'home'", "trains.0.home = missing"],
    ),
    "rounds that do not fit into a period": (
        lambda scenario: (
            rail(period_s=60)(scenario),
            change("broker.yaml", "max_rounds", to=20_000)(scenario),
            change("broker.yaml", "dispatch_offset_s", to=60)(scenario),
        ),
        ["scenario.yaml", "period_s = 60", "round_step_s x 4 x (max_rounds + 10) = 80.04 s"],
    ),
    "model of the road": (
        lambda scenario: shutil.copytree(
            ROOT / "scenarios/la_gcs/transport_operator", scenario / "transport_operator", dirs_exist_ok=True
        ),
        ["transport_operator/config.yaml", "operator = 'joint_graph'", "whose world is rail"],
    ),
    "another runner file": (
        replace("runner.json", "federates.broker --config broker.yaml", "federates.broker --runner other.json"),
        ["runner.json", "broker.exec = --runner: must be this file, runner.json"],
    ),
}


def test_a_scenario_by_rail_has_nothing_wrong(tmp_path):
    done = check(write_small_rail_scenario(tmp_path))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", BROKEN_RAIL)
def test_a_broken_scenario_by_rail_is_refused_with_a_clear_message(tmp_path, name, refused):
    breaking, said = BROKEN_RAIL[name]
    scenario = write_small_rail_scenario(tmp_path)
    breaking(scenario)
    message = refused(scenario)
    assert [words for words in said if words not in message] == []


def test_schemes_to_compare_are_those_of_the_world(tmp_path):
    words = [sys.executable, "-m", "federates.cli", "compare", "--schemes", "mobile,fastest_route"]
    done = subprocess.run([*words, str(write_small_rail_scenario(tmp_path))], capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert "mobile, fixed, central, no_storage" in " ".join(done.stderr.replace("│", " ").split())

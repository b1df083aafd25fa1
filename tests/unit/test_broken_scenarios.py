"""Faults of single files that were once taken without a word: each is named, by file and field, and by little else."""

import json
import shutil
from pathlib import Path

import pytest
import yaml
from broken_files import ROOT, Mutant, Scenarios

LA, IEEE = "la_gcs", "ieee30"


@pytest.fixture(scope="module")
def scenarios(tmp_path_factory):
    return Scenarios(tmp_path_factory.mktemp("scenarios"))


def said(scenarios, name, file, write):
    """Return the lines that `check` says about one changed file."""
    outcome = scenarios.outcome(Mutant(name, file, "", "refuse", write))
    assert not outcome.crash
    return [str(problem).partition(f"scenarios/{name}/")[2] or str(problem) for problem in outcome.problems]


def put(old, new):
    def write(place):
        text = place.read_text()
        assert old in text
        place.write_text(text.replace(old, new, 1))

    return write


P, T, X = (f"{agent}/config.yaml" for agent in ("power_operator", "transport_operator", "traffic_sumo"))
POWER, ROAD, TRAFFIC = "power_operator/data", "transport_operator/data", "traffic_sumo/data"
COMMAND = "python -u -m federates.power_operator --config config.yaml"
CASES = {
    "period numbered from 1": (
        IEEE, f"{POWER}/load.csv", lambda p: p.write_text("period,load_mw\n" + "".join(f"{k},200\n" for k in range(1, 25))),
        f"{POWER}/load.csv: period = 1 to 24: must be numbered from 0, to 23",
    ),
    "limit twice": (
        IEEE, f"{POWER}/line_limits.csv", lambda p: p.write_text(p.read_text() + "16,12,13,40\n"),
        f"{POWER}/line_limits.csv: line 3, line = 16: stands twice, first in line 2",
    ),
    "no ramp": (
        IEEE, f"{POWER}/units.csv", put("ramp_mw_per_h", "ramp_mw_per_hour"),
        f"{POWER}/units.csv: header = 'ramp_mw_per_hour': unknown column; did you mean 'ramp_mw_per_h'?",
    ),
    "efficiency true": (
        IEEE, P, put("charge_efficiency: 0.85", "charge_efficiency: true"),
        f"{P}: settings.storage.battery.charge_efficiency = True: must be a number",
    ),
    "train that the session lacks": (
        IEEE, P, put("      train2: {", "      train3: {capacity_mw: 4, energy_mwh: 9}\n      train2: {"),
        f"{P}: settings.storage.trains.train3 = given: the session does not name it; it has: train1, train2",
    ),
    "trip of no period": (
        IEEE, "scenario.yaml", put("[2, 0, 2]", "[0, 0, 2]"),
        "scenario.yaml: trip_periods[bus13][bus4] = 0: must be from 1 to 24, the periods of the run",
    ),
    "rounds of the broker": (
        IEEE, "broker.yaml", put("max_rounds: 400", "max_rounds: 250"),
        "broker.yaml: max_rounds = 250: must be at least 300, for the coordinator's settings.max_rounds: at fewer",
    ),
    "core of one process": (
        IEEE, "broker.yaml", put("core_type: zmq", "core_type: inproc"),
        "broker.yaml: core_type = 'inproc': must be zmq, tcp or tcpss: inproc joins nothing but the threads of one process",
    ),
    "no time for an answer": (
        IEEE, "broker.yaml", put("answer_s: 300", "answer_s: 1e-300"),
        "broker.yaml: limits.answer_s = 1e-300: Input should be greater than or equal to 0.01",
    ),
    "periods of 61 s": (
        LA, "scenario.yaml", put("period_s: 3600", "period_s: 61"),
        f"{X}: settings.step_s = 1: must divide a bin of the session, 15.25 s",
    ),
    "fleet of 0.4": (
        LA, T, put("fleet_veh_per_h: 400", "fleet_veh_per_h: 0.4"),
        f"{T}: settings.stations.r1.fleet_veh_per_h = 0.4: must be 0, or at least 1: one vehicle in a period",
    ),
    "coming true": (
        LA, P, put("coming: 0.20", "coming: true"),
        f"{P}: settings.demand.coming = True: must be a number",
    ),
    "energy of 1e300": (
        LA, P, put("energy_per_charge_kwh: 20.0", "energy_per_charge_kwh: 1e300"),
        f"{P}: settings.demand.energy_per_charge_kwh = 1e+300: Input should be less than or equal to 10000",
    ),
    "another place of a station": (
        LA, T, put("JELA", "J5_110"), "settings.stations.r2.junction = J5_110: must be JELA",
    ),
    "latitude and longitude swapped": (
        LA, f"{TRAFFIC}/la_junctions.csv", put("34.0817,-118.2239", "-118.2239,34.0817"),
        f"{TRAFFIC}/la_junctions.csv: line 2, lat = '-118.2239': must be 0 or in size",
    ),
    "junction twice": (
        LA, f"{TRAFFIC}/la_junctions.csv", lambda p: p.write_text(p.read_text() + "J5_110,x,34,-118,x\n"),
        f"{TRAFFIC}/la_junctions.csv: line 10, id = J5_110: stands twice, first in line 2",
    ),
    "lanes below zero": (
        LA, f"{TRAFFIC}/la_links.csv", put(",3.73,", ",-5,"),
        f"{TRAFFIC}/la_links.csv: line 2, lanes_ml_mean = '-5': must be at least 0",
    ),
    "detector of no link": (
        LA, f"{TRAFFIC}/la_links_stations.csv", put("I110S_I5-US101", "I110S_I5-US102"),
        f"{TRAFFIC}/la_links_stations.csv: link = I110S_I5-US102: must be a link of data/la_links.csv",
    ),
    "length of 1e300": (
        LA, f"{ROAD}/links.csv", put(",3.26,", ",1e300,"), f"{ROAD}/links.csv: line 2, length_km = '1e300': must be 0 or in size",
    ),
    "no junctions": (
        LA, f"{TRAFFIC}/la_junctions.csv", Path.unlink, f"{TRAFFIC}/la_junctions.csv: (file) = missing: this file must exist",
    ),
    "shell": (
        LA, "runner.json", put(COMMAND, COMMAND + " | tee log"),
        "runner.json: power_operator.exec = |: no shell reads this command; put what needs one into a program",
    ),
    "python -c": (
        LA, "runner.json", put(COMMAND, "python -c pass"), "power_operator.exec = python -c pass: must be python -m",
    ),
    "no value": (
        LA, "runner.json", put(COMMAND, COMMAND[:-12]), "power_operator.exec = --config: must have a value behind it",
    ),
    "option twice": (
        LA, "runner.json", put(COMMAND, COMMAND + " --config config.yaml"), "power_operator.exec = --config: may stand once",
    ),
    "change of no key": (
        LA, "runner.json", put("../scenario.yaml", "../scenario.yaml --set periodz=3"),
        "scenario.yaml with --set: periodz = '3': unknown key; did you mean 'periods'?",
    ),
    "another computer": (
        LA, "runner.json", put('"power_operator", "host": "localhost"', '"power_operator", "host": "example.org"'),
        "runner.json: federates[1].host = 'example.org': must be localhost: other hosts are named",
    ),
    "name of NaN": (LA, "runner.json", put('"la_gcs"', "NaN"), "(file) = NaN is no value of JSON: must be valid JSON"),
    "name twice": (
        LA, "runner.json", put('"name": "la_gcs"', '"name": "x", "name": "la_gcs"'),
        "runner.json: (file) = key 'name' is given twice: must be valid JSON",
    ),
    "own program": (
        LA, "runner.json", put(COMMAND, "./mine --fast"),
        "runner.json: power_operator.exec = ./mine: this program was not found: neither in power_operator/",
    ),
    "own Python file": (
        LA, "runner.json", put(COMMAND, "python mine.py"), "power_operator.exec = mine.py: this file must exist",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_fault_is_named(scenarios, name):
    scenario, file, write, wanted = CASES[name]
    lines = said(scenarios, scenario, file, write)
    assert any(wanted in line for line in lines), lines
    assert len(lines) <= 2, lines


def test_rows_of_profiles_may_stand_in_any_order_and_begin_with_a_mark(scenarios):
    def shuffled(place):
        header, *rows = place.read_text().splitlines()
        place.write_text("\ufeff" + "\n".join([header, *rows[::-1]]))

    for name, file in ((IEEE, f"{POWER}/load.csv"), (IEEE, f"{POWER}/renewables.csv"), (LA, f"{POWER}/weekday_hourly_share.csv"),
                       (LA, f"{ROAD}/links.csv"), (LA, f"{TRAFFIC}/la_links_hourly.csv")):  # fmt: skip
        assert said(scenarios, name, file, shuffled) == []


def test_a_reversed_day_is_the_same_day(tmp_path):
    from federates.power_operator.models.unit_commitment.day_data import read_day
    from federates.power_operator.models.unit_commitment.settings import UnitCommitmentSettings

    folder = tmp_path / "power_operator"
    shutil.copytree(ROOT / "scenarios/ieee30/power_operator", folder)
    settings = UnitCommitmentSettings(**yaml.safe_load((folder / "config.yaml").read_text())["settings"])
    before = read_day(settings, folder, 24, 1.0).system
    for name in ("load.csv", "renewables.csv"):
        header, *rows = (folder / "data" / name).read_text().splitlines()
        (folder / "data" / name).write_text("\n".join([header, *rows[::-1]]) + "\n")
    after = read_day(settings, folder, 24, 1.0).system
    assert (before.load_mw == after.load_mw).all()
    assert (before.renewables.available_mw == after.renewables.available_mw).all()
    first = read_day(settings, folder, 6, 1.0).system
    assert (before.load_mw[:, :6] == first.load_mw).all()


def test_the_scenarios_of_this_page_are_sound(scenarios):
    for name in scenarios.names:
        assert said(scenarios, name, "runner.json", lambda place: json.loads(place.read_text())) == []

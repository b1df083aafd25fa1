"""`portage run --real-time`, as docs/howto/real_time.md has it."""

import json

import pandas as pd
import pytest
from small_scenario import write_small_scenario
from typer.testing import CliRunner

from federates.cli.app import app
from federates.runtime.broker_config import BrokerConfig
from federates.runtime.identity import RunIdentity
from federates.runtime.real_time import RealTime


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--real-time", "0"], "0: must be a positive number of simulated seconds"),
        (["--real-time", "-1"], "-1: must be a positive number of simulated seconds"),
        (["--real-time", "nan"], "nan: must be a positive number of simulated seconds"),
        (["--real-time", "inf"], "inf: must be a positive number of simulated seconds"),
        (["--strict"], "give --real-time FACTOR too"),
    ],
)
def test_what_is_no_pace_is_refused_before_anything_starts(tmp_path, options, said):
    scenario = write_small_scenario(tmp_path)
    ended = CliRunner().invoke(app, ["run", str(scenario), *options], env={"COLUMNS": "200"})
    assert ended.exit_code == 2
    assert said in ended.output
    assert not (scenario / "results").exists()


@pytest.mark.parametrize("real_time", [None, RealTime(60.0, strict=True)])
def test_every_process_of_a_run_reads_the_pace(tmp_path, real_time):
    broker = BrokerConfig(schema_version=1)
    identity = RunIdentity("r", "/s", "/r", 24_000, "k", broker, "road", {"coordinator": "coordinator"}, real_time=real_time)
    identity.write(tmp_path / "identity.json")
    assert RunIdentity.read(tmp_path / "identity.json") == identity
    assert identity.most_rest_s(3600.0) == (60.0 if real_time else 0.0)


@pytest.mark.long
@pytest.mark.parametrize("strict", [False, True])
def test_the_command_keeps_the_pace(tmp_path, strict):
    scenario, results = write_small_scenario(tmp_path), tmp_path / "results"
    options = ["--real-time", "3600", *(["--strict"] if strict else []), "--results", str(results)]
    ended = CliRunner().invoke(app, ["run", str(scenario), *options])
    assert ended.exit_code == 0, ended.output
    (run,) = results.iterdir()
    pace = pd.read_parquet(run / "coordinator/pace.parquet")
    assert (pace.opened_s >= pace.period).all()
    assert (pace.strict == strict).all()
    record = json.loads((run / "run.json").read_text())
    assert record["wall_s"] >= 3
    assert "pace" not in record["agents"]["coordinator"]["tables_sha256"]

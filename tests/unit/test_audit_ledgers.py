"""The audit of a real run's records, before and after somebody has tampered with them."""

import json
import shutil
from types import SimpleNamespace

import pandas as pd
import pytest
from small_rail_scenario import write_small_rail_scenario
from typer.testing import CliRunner

from federates.audit.audit import audit_run
from federates.boundary.errors import PortageError
from federates.cli.app import app
from federates.cli.common import say_end
from federates.runs.in_process import run_in_process

COST = "power_operator/cost_usd"


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    return run_in_process(write_small_rail_scenario(tmp_path_factory.mktemp("audit")))


@pytest.fixture
def run(original, tmp_path):
    """Return a copy of the run, at the place in a scenario where runs lie."""
    folder = tmp_path / "scenario" / "results" / original.name
    shutil.copytree(original, folder)
    return folder


def tamper(run, agent, change):
    path = run / agent / "ledger.parquet"
    change(pd.read_parquet(path)).to_parquet(path, index=False)


def change_first(column, value, topic=COST):
    def change(rows):
        rows.loc[rows.index[rows.topic == topic][0], column] = value
        return rows

    return change


def found(run):
    return [(breach.check, breach.agent) for breach in audit_run(run).breaches]


def test_an_untouched_run_is_clean(run):
    outcome = audit_run(run)
    assert outcome.breaches == ()
    assert outcome.topics == 15
    assert outcome.looks >= 1
    ledgers = [pd.read_parquet(path) for path in run.glob("*/ledger.parquet")]
    assert outcome.messages == sum((rows.direction == "sent").sum() for rows in ledgers)


def test_the_ledger_knows_neither_values_nor_times(run):
    for path in run.glob("*/ledger.parquet"):
        columns = set(pd.read_parquet(path).columns)
        assert columns == {"direction", "topic", "period", "round", "shape", "bytes", "sha256", "reason"}


def test_a_removed_row_is_a_count_that_does_not_fit(run):
    tamper(run, "power_operator", lambda rows: rows.drop(index=rows.index[rows.topic == COST][:1]))
    assert found(run) == [("ledger.count", "power_operator")]
    assert f"{COST}: power_operator has 4 messages, coordinator 5" in audit_run(run).line


def test_another_hash_is_another_message(run):
    tamper(run, "power_operator", change_first("sha256", "0" * 16))
    assert found(run) == [("ledger.hash", "power_operator")]


def test_a_receiver_that_tampers_is_found_too(run):
    tamper(run, "coordinator", change_first("sha256", "0" * 16))
    assert found(run) == [("ledger.hash", "power_operator")]  # one of the two; the ledgers cannot say which


@pytest.mark.parametrize("how", ["removed", "broken"])
def test_a_ledger_that_is_not_there_is_said(run, how):
    path = run / "power_operator/ledger.parquet"
    path.unlink() if how == "removed" else path.write_bytes(b"no table")
    assert ("ledger.missing", "power_operator") in found(run)


def test_a_topic_outside_the_table_is_found(run):
    tamper(run, "power_operator", lambda rows: rows.assign(topic=rows.topic.replace(COST, "power_operator/margin_usd")))
    assert ("ledger.topic", "power_operator") in found(run)


def test_a_receiver_that_is_not_in_the_table_is_found(run):
    def overhear(rows):
        return pd.concat([rows, rows.iloc[:1].assign(direction="received", topic=COST, shape="2", bytes=32)])

    tamper(run, "transport_operator", overhear)
    assert found(run) == [("ledger.topic", "transport_operator")]


@pytest.mark.parametrize(("column", "value"), [("shape", "4"), ("bytes", 48)])
def test_a_shape_or_size_outside_the_table_is_found(run, column, value):
    for agent in ("power_operator", "coordinator"):
        tamper(run, agent, change_first(column, value))
    assert set(found(run)) == {("ledger.shape", "power_operator")}


def test_a_second_plane_is_found_although_both_ledgers_agree(run):
    slope = "power_operator/connection_slope_usd"
    for agent in ("power_operator", "coordinator"):
        tamper(run, agent, change_first("shape", "2,1,2,4", slope))
        tamper(run, agent, change_first("bytes", 8 * (2 + 16), slope))
    assert set(found(run)) == {("ledger.shape", "power_operator")}
    assert "2 rows; at most 1 may be sent" in audit_run(run).line


def test_an_executable_is_known_by_those_who_heard_it(run):
    before = {agent.name: agent.told for agent in audit_run(run).agents}
    for name in ("ledger.parquet", "config.json"):
        (run / "power_operator" / name).unlink()
    outcome = audit_run(run)
    assert outcome.breaches == ()
    assert {agent.name: agent.told for agent in outcome.agents} == before
    assert any(said.startswith("power_operator is an executable and keeps no ledger") for said in outcome.not_recorded)


ODD = {
    "another type": lambda rows: rows.assign(bytes=rows.bytes.astype(str)),
    "no number": lambda rows: rows.assign(shape="many"),
    "nothing": lambda rows: rows.assign(shape=None),
    "another direction": lambda rows: rows.assign(direction="back"),
    "a column less": lambda rows: rows.drop(columns="sha256"),
}


@pytest.mark.parametrize("change", ODD)
def test_a_ledger_that_no_agent_writes_is_said_in_one_line(run, change):
    tamper(run, "power_operator", ODD[change])
    assert ("ledger.missing", "power_operator") in found(run)
    said = CliRunner().invoke(app, ["audit", str(run)])
    assert said.exit_code == 1
    assert "the ledger of power_operator cannot be read: " in said.output


@pytest.mark.parametrize("text", ["[]", '{"recorded": "python", "opened": [{"path": "x"}]}', "no JSON", None])
def test_a_record_of_files_that_is_broken_or_gone_is_a_breach(run, text):
    path = run / "power_operator/files.json"
    path.unlink() if text is None else path.write_text(text)
    assert found(run) == [("files.missing", "power_operator")]


@pytest.mark.parametrize("text", ["[]", '{"agents": [', '{"agents": ["power_operator"], "edges": [{}]}'])
def test_a_record_of_the_wiring_that_is_broken_is_one_line(run, text):
    (run / "graph.json").write_text(text)
    said = CliRunner().invoke(app, ["audit", str(run)])
    assert said.exit_code == 2
    assert "graph.json: " in said.stderr
    assert isinstance(said.exception, SystemExit)


def test_a_run_that_was_killed_is_audited_as_far_as_it_got(run):
    """Ledgers are in parts then, an agent has left nothing yet, and there is no run.json."""
    (run / "run.json").unlink()
    shutil.rmtree(run / "transport_operator")
    for agent in ("power_operator", "coordinator"):
        rows = pd.read_parquet(run / agent / "ledger.parquet")
        (run / agent / "ledger.parts").mkdir()
        rows[rows.period < 2].to_parquet(run / agent / "ledger.parts/00000.parquet")
        for name in ("ledger.parquet", "finished.json"):
            (run / agent / name).unlink()
    outcome = audit_run(run)
    assert outcome.clean
    assert 0 < outcome.messages < sum(told.messages for told in outcome.agents[0].told) * 3
    assert "the run ended early: messages on their way at the end may stand in one ledger only" in outcome.not_recorded
    tamper_part = run / "power_operator/ledger.parts/00000.parquet"
    change_first("sha256", "0" * 16)(pd.read_parquet(tamper_part)).to_parquet(tamper_part)
    assert found(run) == [("ledger.hash", "power_operator")]


def test_what_a_sandbox_leaves_open_is_said(run):
    gap = "scenario or results lie in /env, which this process must read: partners' files there are not protected"
    files_record(run, "power_operator", sandbox={"state": "enforced", "why": gap})
    said = CliRunner().invoke(app, ["audit", str(run)], env={"COLUMNS": "300"})
    assert f"power_operator  kept in its folder by the operating system; {gap}" in said.output


def files_record(run, agent, opened=(), connections=(), sandbox=None):
    sandbox = sandbox or {"state": "off"}
    record = {"sandbox": sandbox, "recorded": "python", "opened": opened, "connections": connections, "children": []}
    (run / agent / "files.json").write_text(json.dumps(record))


def test_files_of_a_partner_and_outside_are_found_whatever_they_are_called(run):
    scenario = run.parents[1]
    entry = {"mode": "read", "count": 1}
    opened = [
        entry | {"path": str(scenario / "power_operator/config.yaml"), "kind": "own"},
        entry | {"path": str(scenario / "transport_operator/costs.csv"), "kind": "environment"},
        entry | {"path": str(run / "coordinator/rounds.parquet"), "kind": "results"},
        entry | {"path": "/elsewhere/notes.txt", "kind": "outside", "refused": True},
    ]
    files_record(run, "power_operator", opened)
    assert found(run) == [("files.outside", "power_operator")] * 3
    said = [breach.said for breach in audit_run(run).breaches]
    assert said[0].endswith("costs.csv, which is transport_operator's")
    assert said[1].endswith("rounds.parquet, which is coordinator's")
    assert "tried to read (and the operating system refused) /elsewhere/notes.txt" in said[2]


@pytest.mark.parametrize(("address", "caught"), [("127.0.0.1", 0), ("::1", 0), ("192.0.2.7", 1), ("example.org", 1)])
def test_a_connection_off_this_computer_is_found(run, address, caught):
    files_record(run, "coordinator", connections=[{"address": address, "port": 80}])
    assert found(run) == [("files.connection", "coordinator")] * caught


def test_what_is_not_there_is_not_passed_over(run):
    (run / "graph.json").unlink()
    for path in (*run.glob("*/ledger.parquet"), *run.glob("*/files.json")):
        path.unlink()
    outcome = audit_run(run)
    assert outcome.clean
    assert [said.split(":")[0] for said in outcome.not_recorded] == ["wiring", "messages", "opened files"]
    assert "3 things were not recorded" in outcome.line


def test_the_command_says_it_by_exit_code(run, tmp_path):
    command = CliRunner()
    clean = command.invoke(app, ["audit", str(run), "--json"])
    assert (clean.exit_code, json.loads(clean.output)["outcome"]) == (0, "clean")
    text = command.invoke(app, ["audit", str(run)])
    assert "cost_usd" in text.output
    assert "nothing outside the table" in text.output
    tamper(run, "power_operator", change_first("sha256", "0" * 16))
    assert command.invoke(app, ["audit", str(run)]).exit_code == 1
    assert command.invoke(app, ["audit", str(tmp_path)]).exit_code == 2
    with pytest.raises(PortageError, match="no run's folder"):
        audit_run(tmp_path)


FORGED = "x\n\x1b[2K\x1b[1mAudit: 3 agents, 15 topics, 293 messages, nothing outside the table"


def note(run, agent, **changes):
    """Change the agent's record of files."""
    path = run / agent / "files.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"recorded": "python"} | changes))


def said(run):
    return [breach.said for breach in audit_run(run).breaches]


def test_a_name_cannot_forge_a_line(run):
    """A file may be called so; nothing of it may end a line or steer the terminal."""
    opened = [{"path": f"/tmp/{FORGED}", "mode": "read", "kind": "outside", "count": 1}]
    note(run, "power_operator", opened=[*opened, {**opened[0], "kind": "own"}])
    shown = CliRunner().invoke(app, ["audit", str(run)])
    assert shown.exit_code == 1
    assert "\x1b" not in shown.output
    assert not any(line.startswith("Audit: 3 agents") for line in shown.output.splitlines())
    assert "\n" not in audit_run(run).line
    assert "\\n\\x1b[2K" in audit_run(run).line


def test_a_reason_cannot_forge_a_line(tmp_path, capsys):
    """An agent's last words become the reason of a failure; they keep their lines, but none that looks like one of ours."""
    record = {"status": "failed", "failure": f"power_operator: {FORGED}\nAudit: nothing outside the table"}
    say_end(
        SimpleNamespace(ok=False, record=record, identity=SimpleNamespace(run_id="r"), folder=tmp_path / "gone", culprit=None)
    )
    shown = capsys.readouterr().err
    assert "\x1b" not in shown
    assert len(shown.splitlines()) == 3
    assert not any(line.startswith("Audit") for line in shown.splitlines())


def test_what_was_done_to_a_file_is_said_as_it_was(run):
    path = str(run.parents[1] / "transport_operator/config.yaml")
    kinds = {"change": {}, "read": {"absent": True}, "list": {"refused": True}}
    for mode, more in kinds.items():
        note(run, "power_operator", opened=[{"path": path, "mode": mode, "kind": "outside", "count": 1} | more])
        (words,) = said(run)
        assert words.endswith("which is transport_operator's")
        assert {
            "change": "changed the mode, owner, times or attributes of",
            "read": "tried to read (but it is not there)",
            "list": "tried to list (and the operating system refused)",
        }[mode] in words


def test_a_local_socket_is_not_outside_the_computer(run):
    note(run, "power_operator", connections=[{"address": "own.sock", "port": None, "kind": "results", "bound": True}])
    assert said(run) == []
    note(run, "power_operator", connections=[{"address": "/run/x", "port": None, "kind": "outside", "bound": True}])
    assert said(run) == ["power_operator bound the local socket /run/x, outside its folder"]
    note(run, "power_operator", connections=[{"address": "192.0.2.1", "port": 80, "kind": "outside"}])
    assert said(run) == ["power_operator connected to 192.0.2.1:80, outside this computer"]


def test_a_changed_file_is_listed_and_no_breach(run):
    graph = json.loads((run / "graph.json").read_text())
    assert graph["changed"] == []
    (run / "graph.json").write_text(json.dumps(graph | {"changed": ["power_operator/config.yaml"]}))
    assert audit_run(run).clean
    assert any("who changed power_operator/config.yaml" in words for words in audit_run(run).not_recorded)


def test_a_run_of_programs_says_that_nothing_was_recorded(run):
    for path in run.glob("*/ledger.parquet"):
        path.unlink()
        (path.parent / "config.json").write_text(json.dumps({"executable": ["./program"]}))
    line = audit_run(run).line
    assert line.startswith("Audit: 3 agents, no message was recorded, nothing outside the table in the wiring")
    assert "0 messages" not in line

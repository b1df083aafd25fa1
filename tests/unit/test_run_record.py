"""``run.json`` from the start of a run to its end, and what the next run does about one that was ended from outside."""

import errno
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from full_disk import unshare

from federates.runs.remains import private_folder, remove_keys_of_the_dead, remove_scratch, settle_broken_runs
from federates.runtime import identity
from federates.runtime.identity import process_start
from federates.runtime.results import ResultWriter, disk_error, read_record, reserve, write_json
from federates.runtime.run_record import begin_run_record, end_run_record, is_ended, read_run_record

AGENTS = ("coordinator", "power_operator")


def dead_process() -> dict[str, object]:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    start = process_start(child.pid)
    child.communicate(b"\n")
    return {"pid": child.pid, "start": start}


def begin(results: Path, name: str = "one", **process: object) -> Path:
    """Return the folder of a run that has just begun; ``process`` changes which process is said to run it."""
    folder = results / name
    for agent in AGENTS:
        (folder / agent / "temporary").mkdir(parents=True)
        (folder / agent / "temporary/vehicles.xml").write_text("scratch")
        (folder / agent / "plan.parts").mkdir()
        (folder / agent / "plan.parts/00000.parquet").write_bytes(b"a table")
    begin_run_record(folder, AGENTS, 1_000_000.0)
    record = read_record(folder / "run.json")
    write_without_reserve(folder / "run.json", record | {"process": record["process"] | process})
    return folder


def write_without_reserve(path: Path, record: dict[str, object]) -> None:
    path.write_text(json.dumps(record))


def test_a_run_says_that_it_goes_on_and_by_which_process(tmp_path):
    record = read_run_record(begin(tmp_path))
    assert record["status"] == "running"
    assert (record["process"]["pid"], record["process"]["start"]) == (os.getpid(), process_start(os.getpid()))
    assert not is_ended(record)
    assert record["started"] == "1970-01-12T13:46:40+00:00"


def test_a_run_whose_process_is_gone_has_failed(tmp_path):
    dead = dead_process()
    record = read_run_record(begin(tmp_path, **dead))
    assert record["status"] == "failed"
    assert f"ended from outside: process {dead['pid']}" in record["failure"]
    assert record["agents"] == dict.fromkeys(AGENTS)


def test_a_number_that_another_process_has_now_is_not_taken_for_the_run(tmp_path):
    assert read_run_record(begin(tmp_path, start="1"))["status"] == "failed"


def test_nothing_is_said_of_a_process_on_another_computer(tmp_path):
    assert read_run_record(begin(tmp_path, **dead_process(), host="another"))["status"] == "running"


def test_that_all_agents_had_come_to_their_end_is_said(tmp_path):
    folder = begin(tmp_path, **dead_process())
    assert "every agent had come to its end" not in read_run_record(folder)["failure"]
    for agent in AGENTS:
        (folder / agent / "finished.json").write_text('{"agent": "x"}')
    assert "every agent had come to its end" in read_run_record(folder)["failure"]


def test_the_next_run_says_so_once_and_leaves_the_tables(tmp_path):
    broken, going_on = begin(tmp_path, "broken", **dead_process()), begin(tmp_path, "going-on")
    (broken / "coordinator/session.json").write_text('{"name": "day"}')
    (sentence,) = settle_broken_runs(tmp_path)
    assert sentence.startswith("run broken was ended from outside")
    assert "\n" not in sentence
    assert settle_broken_runs(tmp_path) == []
    assert read_record(broken / "run.json")["status"] == "failed"
    assert read_record(broken / "session.json") == {"name": "day"}
    assert not list(broken.glob("**/.*"))
    for agent in AGENTS:
        assert (broken / agent / "plan.parts/00000.parquet").read_bytes() == b"a table"
        assert not (broken / agent / "temporary").exists()
        assert (going_on / agent / "temporary/vehicles.xml").exists()
    assert read_record(going_on / "run.json")["status"] == "running"


def test_scratch_of_a_run_that_had_no_time_to_clean_up_goes_too(tmp_path):
    folder = begin(tmp_path)
    write_without_reserve(folder / "run.json", read_record(folder / "run.json") | {"status": "failed", "failure": "interrupted"})
    write_json(folder / "coordinator/process.json", dead_process())
    assert settle_broken_runs(tmp_path) == []
    assert not (folder / "coordinator/temporary").exists()
    assert read_record(folder / "run.json")["failure"] == "interrupted"


def test_a_run_of_which_one_agent_is_still_there_is_not_touched(tmp_path):
    folder = begin(tmp_path, **dead_process())
    write_json(folder / "coordinator/process.json", {"pid": os.getpid(), "start": process_start(os.getpid())})
    assert settle_broken_runs(tmp_path) == []
    assert (folder / "power_operator/temporary").exists()


def test_scratch_of_an_agent_that_is_gone_is_removed_before_the_run_is_over(tmp_path):
    folder = begin(tmp_path)
    write_json(folder / "coordinator/process.json", dead_process())
    remove_scratch(folder, AGENTS)
    assert not (folder / "coordinator/temporary").exists()
    assert (folder / "power_operator/temporary").exists(), "it may be about to say which process it is"


def test_keys_of_the_dead_are_removed_and_those_of_the_living_stay(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(identity, "_TEMPORARY", tmp_path)
    dead = dead_process()
    keys = tmp_path / f"portage-{os.getuid()}"
    keys.mkdir()
    old = [
        keys / f"{dead['pid']}-{dead['start']}.json",
        tmp_path / f"portage-run-{dead['pid']}-{dead['start']}-abc/identity.json",
    ]
    kept = [keys / f"{os.getpid()}-{process_start(os.getpid())}.json", tmp_path / "portage-other/file"]
    for path in [*old, *kept]:
        path.parent.mkdir(exist_ok=True)
        path.write_text("key")
    with private_folder() as mine:
        remove_keys_of_the_dead()
        assert [path.exists() for path in [*old, *kept]] == [False, False, True, True]
        assert Path(mine).exists()
        assert not old[1].parent.exists()


@pytest.mark.parametrize("full", [False, True])
def test_the_end_is_written_with_whatever_there_is(tmp_path, monkeypatch, full):
    """The longest record does not fit into what was reserved: then its essential part does."""
    folder = begin(tmp_path)
    long = {"run_id": "one", "status": "failed", "failure": "why", "started": "", "finished": "", "wall_s": 1.0}
    long |= {"agents": {agent: {"tables_sha256": "x" * 20_000} for agent in AGENTS}}
    if full:
        (folder / ".run.json.reserved").unlink()
        monkeypatch.setattr("federates.runtime.run_record.disk_is_full", lambda folder: True)
    end_run_record(folder, long)
    failure = read_run_record(folder)["failure"]
    assert failure == (f"no space left on the device: {folder}; why" if full else "why")


ON_A_FULL_DISK = """
import sys
from pathlib import Path
from federates.boundary.errors import PortageError
from federates.runtime.results import ResultWriter, disk_is_full, read_record
from federates.runtime.run_record import begin_run_record, end_run_record
sys.path.insert(0, {support!r})
from full_disk import fill
folder = Path("/mnt/run")
folder.mkdir()
begin_run_record(folder, ["coordinator"], 0.0)
writer = ResultWriter(folder / "coordinator")
writer.record("plan", period=1)
assert not disk_is_full(folder)
fill(Path("/mnt"))
assert disk_is_full(folder)
try:
    writer.flush()
except PortageError as error:
    print(error)
    writer.fail("coordinator", f"coordinator: {{error}}", own_fault=True)
print(read_record(folder / "coordinator/failed.json")["message"])
record = dict(run_id="run", status="failed", failure="somebody", started="", finished="", wall_s=0, agents={{}})
end_run_record(folder, record)
print(read_record(folder / "run.json")["failure"])
print([path.name for path in folder.glob("**/.*")])
"""


def test_records_reach_a_file_system_that_is_really_full(root, tmp_path):
    if not (words := unshare()):
        pytest.skip("this user may not make a file system of its own (unshare)")
    script = tmp_path / "script.py"
    script.write_text(ON_A_FULL_DISK.format(support=str(root / "tests/support")))
    mounted = f"mount -t tmpfs -o size=2m none /mnt && exec {sys.executable} {script}"
    done = subprocess.run([*words, "sh", "-c", mounted], capture_output=True, text=True, cwd=root)
    assert done.returncode == 0, done.stderr
    met, told, failure, hidden = done.stdout.splitlines()
    assert met.startswith("no space left on the device: /mnt/run/coordinator/plan.parts")
    assert told == f"coordinator: {met}"
    assert failure == "no space left on the device: /mnt/run; somebody"
    assert hidden == "[]", "nothing half-written stays"


def test_a_disk_that_refuses_for_another_reason_is_not_called_full(tmp_path):
    assert "cannot write results" in str(disk_error(tmp_path, OSError(errno.EFBIG, "File too large")))
    assert "no space left on the device" in str(disk_error(tmp_path, OSError(errno.EDQUOT, "Disk quota exceeded")))


def test_what_was_reserved_is_used_once_and_whole(tmp_path):
    """Two threads write at the same moment, as an agent and its watchdog may."""
    for number in range(20):
        path = tmp_path / f"{number}.json"
        reserve(path, 4096)
        threads = [threading.Thread(target=write_json, args=(path, {"who": who * 400})) for who in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert read_record(path)["who"] in ("a" * 400, "b" * 400)
    assert not list(tmp_path.glob(".*"))


def test_a_run_that_ends_well_gives_back_what_was_reserved(tmp_path):
    writer = ResultWriter(tmp_path / "coordinator")
    assert (tmp_path / "coordinator/.failed.json.reserved").stat().st_size > 1000
    writer.finish("coordinator")
    assert not list(tmp_path.glob("**/.*"))

"""What is brought from another host is taken only if it is what that host announced."""

import hashlib
import json

import pytest

from federates.boundary.errors import PortageError
from federates.runs.collect import collect


@pytest.fixture
def run(tmp_path):
    """A run whose agent `b` is on depot, and what was left there."""
    folder, part = tmp_path / "lab" / "run-1", tmp_path / "depot" / "run-1"
    (folder / "b").mkdir(parents=True)
    (part / "b").mkdir(parents=True)
    (part / "b" / "plan.parquet").write_bytes(b"rows")
    told = {"agent": "b", "tables_sha256": {"plan": hashlib.sha256(b"rows").hexdigest()}}
    (folder / "b" / "elsewhere.json").write_text(json.dumps({"host": "depot", "finished": told}))
    write(folder, agents={"a": None, "b": told}, elsewhere={"b": "depot"}, status="complete", failure=None)
    write(part, agents={"b": told}, elsewhere={"a": "lab"}, status="complete", failure=None)
    return folder, part


def write(folder, **keys):
    (folder / "run.json").write_text(json.dumps({"run_id": "run-1"} | keys))


@pytest.mark.parametrize("change", [lambda path: path.write_bytes(b"other rows"), lambda path: path.unlink()])
def test_a_table_that_was_changed_or_lost_on_the_way_is_refused(run, change):
    folder, part = run
    change(part / "b" / "plan.parquet")
    with pytest.raises(PortageError, match="is not the table that b left at the end of the run"):
        collect(folder, [part])
    assert not (folder / "b" / "plan.parquet").exists()
    assert json.loads((folder / "run.json").read_text())["elsewhere"] == {"b": "depot"}


def test_of_a_part_with_a_wrong_table_nothing_is_copied(run):
    folder, part = run
    told = json.loads((folder / "b" / "elsewhere.json").read_text())["finished"]
    for place in (folder, part):
        (place / "c").mkdir()
    (part / "c" / "plan.parquet").write_bytes(b"other rows")
    (folder / "c" / "elsewhere.json").write_text(json.dumps({"host": "depot", "finished": told | {"agent": "c"}}))
    write(folder, agents={"a": None, "b": told, "c": told}, elsewhere={"b": "depot", "c": "depot"}, status="complete")
    write(part, agents={"b": told, "c": told}, elsewhere={}, status="complete")
    for _ in range(2):
        with pytest.raises(PortageError, match="is not the table that c left"):
            collect(folder, [part])
        assert not (folder / "b" / "plan.parquet").exists()
        assert (folder / "b" / "elsewhere.json").exists(), "what the next try is compared with"


def test_another_run_or_none_is_refused(run, tmp_path):
    folder, part = run
    with pytest.raises(PortageError, match="holds no part of a run"):
        collect(folder, [tmp_path])
    with pytest.raises(PortageError, match="this is no run of which a part is on other hosts"):
        collect(tmp_path, [part])
    write(part, agents={"a": None})
    with pytest.raises(PortageError, match="brings none of the agents that are missing: b"):
        collect(folder, [part])
    (part / "run.json").write_text(json.dumps({"run_id": "run-2", "agents": {"b": None}}))
    with pytest.raises(PortageError, match="is of run run-2, not of run-1"):
        collect(folder, [part])

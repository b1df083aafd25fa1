"""Files of packages are classed by their folder, for there are thousands; nothing may hide behind that."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from federates.audit.files import changed_files, files_state
from federates.isolation.access import AccessPolicy
from federates.isolation.opened_files import OpenedFiles
from federates.isolation.sandbox import NOT_CONFINED


@pytest.fixture
def folders(tmp_path):
    for name in ("packages", "own", "partner", "results"):
        (tmp_path / name).mkdir()
    for name in ("packages/first.py", "packages/second.py", "own/data.csv", "partner/secret.csv"):
        (tmp_path / name).write_text("x")
    return tmp_path


def record_of(folders, events, **changes):
    """Return the record after Python has told of these events."""
    policy = {"own": (folders / "own",), "results": folders / "results", "session": None, "exposed": ()}
    files = OpenedFiles(AccessPolicy(**policy | {"environment": (folders / "packages",)} | changes), range(0), NOT_CONFINED)
    for event, *arguments in events:
        files._hook(event, tuple(arguments))
    files.write()
    return json.loads((folders / "results/files.json").read_text())


def opened(folders, paths, **changes):
    """Return (path, kind) of what a record says after these were opened."""
    entries = record_of(folders, [("open", str(path), "r", 0) for path in paths], **changes)["opened"]
    return {entry["path"]: (entry["kind"], entry["count"]) for entry in entries}


def test_packages_count_as_one(folders):
    found = opened(folders, [folders / "packages/first.py", folders / "packages/second.py", folders / "packages/first.py"])
    assert list(found.values()) == [("environment", 3)]


def test_a_link_among_packages_is_named_by_what_it_leads_to(folders):
    (folders / "packages/third.py").symlink_to(folders / "partner/secret.csv")
    found = opened(folders, [folders / "packages/first.py", folders / "packages/third.py"])
    assert found[str(folders / "partner/secret.csv")] == ("outside", 1)


def test_a_folder_that_is_a_link_is_followed(folders):
    (folders / "packages/sub").symlink_to(folders / "partner")
    found = opened(folders, [folders / "packages/first.py", folders / "packages/sub/secret.csv"])
    assert found[str(folders / "partner/secret.csv")] == ("outside", 1)


def test_what_lies_beside_a_device_is_no_device(folders):
    found = opened(folders, ["/dev/null", "/dev/portage-of-nobody"])
    assert found["/dev/portage-of-nobody"] == ("outside", 1)


def test_a_folder_whose_name_only_begins_alike_is_another(folders):
    (folders / "packages-of-a-partner").mkdir()
    found = opened(folders, [folders / "packages/first.py", folders / "packages-of-a-partner/first.py"])
    assert found[str(folders / "packages-of-a-partner/first.py")] == ("outside", 1)


def test_a_scenario_among_the_packages_is_looked_at_file_by_file(folders):
    (folders / "packages/agreement.yaml").write_text("x")
    changes = {"session": folders / "packages/agreement.yaml", "exposed": (folders / "packages",)}
    found = opened(folders, [folders / "packages/first.py", folders / "packages/agreement.yaml"], **changes)
    assert found[str(folders / "packages/agreement.yaml")] == ("session", 1)


def test_what_is_changed_about_a_partners_file_is_recorded(folders):
    """These are the events of Python for `os.chmod` and the like: no sandbox refuses them."""
    secret, here = folders / "partner/secret.csv", os.open(folders / "partner", os.O_RDONLY)
    events = [
        ("os.chmod", secret, 0o600, -1),
        ("os.utime", "secret.csv", None, None, here),
        ("os.setxattr", str(secret), "user.note", b"1", 0),
        ("os.chown", secret, -1, -1, -1),
    ]
    (entry,) = record_of(folders, events)["opened"]
    os.close(here)
    assert entry == {"path": str(secret), "mode": "change", "kind": "outside", "count": 4}


def test_a_file_that_is_not_there_was_not_read(folders):
    own, partner = folders / "own/later.csv", folders / "partner/missing.csv"
    events = [("open", str(own), "r", 0), ("open", str(partner), "r", 0)]
    assert [entry["absent"] for entry in record_of(folders, events)["opened"]] == [True, True]
    own.touch()
    assert [entry.get("absent", False) for entry in record_of(folders, events)["opened"]] == [True, False]


def test_a_way_through_another_process_is_no_file_of_the_system(folders):
    packages = {"environment": (folders / "packages", Path("/proc"))}
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, cwd=folders / "partner")
    try:
        ways = [f"/proc/{child.pid}/environ", f"/proc/{child.pid}/stat", "/proc/self/maps"]
        found = opened(folders, ways, **packages)
    finally:
        child.communicate(b"\n")
    assert found[ways[0]] == ("outside", 1)
    assert [kind for kind, _ in found.values()] == ["environment", "outside"]
    # Where the sandbox holds, the link cannot be followed.
    assert opened(folders, ["/proc/1/cwd/config.yaml"], **packages)["/proc/1/cwd/config.yaml"][0] == "outside"


def test_a_local_socket_is_judged_by_where_its_file_lies(folders):
    def sockets(*names):
        events = [("socket.bind", None, str(name)) for name in names]
        return [entry["kind"] for entry in record_of(folders, events)["connections"]]

    assert sockets(folders / "results/own.sock", folders / "partner/other.sock", "\0name") == ["results", "outside", "name"]
    record = record_of(folders, [("socket.connect", None, ("192.0.2.1", 80)), ("socket.bind", None, ("0.0.0.0", 81))])
    assert [entry.get("bound", False) for entry in record["connections"]] == [False, True]


def test_a_change_of_a_file_is_seen_whoever_made_it(folders):
    def state():
        return files_state(folders, ["own", "partner"])

    before, secret = state(), folders / "partner/secret.csv"
    known = os.stat(secret)
    assert changed_files(before, state()) == []
    secret.read_text()
    assert changed_files(before, state()) == []
    subprocess.run(["chmod", "600", secret], check=True)
    os.chmod(secret, known.st_mode)
    os.utime(secret, ns=(known.st_atime_ns, known.st_mtime_ns))
    (folders / "own/new.csv").touch()
    assert changed_files(before, state()) == ["own/new.csv", "partner/secret.csv"]

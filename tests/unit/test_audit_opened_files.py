"""Files of packages are classed by their folder, for there are thousands; nothing may hide behind that."""

import json

import pytest

from federates.runtime.opened_files import OpenedFiles
from federates.runtime.places import Places
from federates.runtime.sandbox import NOT_CONFINED


@pytest.fixture
def folders(tmp_path):
    for name in ("packages", "own", "partner", "results"):
        (tmp_path / name).mkdir()
    for name in ("packages/first.py", "packages/second.py", "own/data.csv", "partner/secret.csv"):
        (tmp_path / name).write_text("x")
    return tmp_path


def opened(folders, paths, **changes):
    """Return (path, kind) of what a record says after these were opened."""
    places = {"own": (folders / "own",), "results": folders / "results", "session": None, "exposed": ()}
    files = OpenedFiles(Places(**places | {"environment": (folders / "packages",)} | changes), range(0), NOT_CONFINED)
    for path in paths:
        files._on_open((str(path), "r", 0))
    files.write()
    entries = json.loads((folders / "results/files.json").read_text())["opened"]
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

"""What is installed is read once for a search path, and is what the standard library finds."""

import sys
from importlib import metadata

from federates.boundary.installed import entry_points


def test_it_is_what_the_standard_library_finds():
    assert set(entry_points(group="portage.world")) == set(metadata.entry_points(group="portage.world"))
    assert entry_points(group="portage.nothing") == ()


def test_a_package_on_a_path_that_is_added_is_found(tmp_path, monkeypatch):
    _package(tmp_path)
    assert "sea" not in {entry.name for entry in entry_points(group="portage.world")}
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    assert "sea" in {entry.name for entry in entry_points(group="portage.world")}


def test_the_working_folder_counts_as_the_one_that_it_is_now(tmp_path, monkeypatch):
    _package(tmp_path)
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    monkeypatch.chdir(tmp_path)
    assert "sea" in {entry.name for entry in entry_points(group="portage.world")}
    monkeypatch.chdir(tmp_path.parent)
    assert "sea" not in {entry.name for entry in entry_points(group="portage.world")}


def _package(folder):
    info = folder / "sea-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: sea\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[portage.world]\nsea = sea:WORLD\n")

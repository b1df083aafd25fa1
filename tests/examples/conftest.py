"""The programs of `examples/`, built once for all tests of this folder as docs/other_languages.md says."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def programs(tmp_path_factory) -> Path:
    """Return the folder in which the C and the C++ program were built."""
    missing = [tool for tool in ("make", os.environ.get("CC", "gcc"), os.environ.get("CXX", "g++")) if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"no {missing[0]}")
    out = tmp_path_factory.mktemp("programs")
    root = Path(__file__).parents[2]
    words = ["make", "-C", str(root / "examples"), f"PYTHON={sys.executable}", f"OUT={out}"]
    built = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)
    assert built.returncode == 0, built.stdout + built.stderr
    return out

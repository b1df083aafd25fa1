"""Shared fixtures."""

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SUPPORT = Path(__file__).parent / "support"
sys.path.insert(0, str(SUPPORT))


@pytest.fixture
def root() -> Path:
    """Return the top folder of the project."""
    return ROOT


@pytest.fixture
def environment() -> dict[str, str]:
    """Return an environment in which `python` and `helics` are those that run the tests."""
    here = str(Path(sys.executable).parent)
    return os.environ | {"PATH": here + os.pathsep + os.environ.get("PATH", "")}

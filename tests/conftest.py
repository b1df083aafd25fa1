"""Shared fixtures."""

import federates.runtime.helics_api  # isort: skip  # noqa: F401  before any test module imports helics: libsumo would abort

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


@pytest.fixture(scope="session")
def programs(tmp_path_factory) -> Path:
    """Return the folder in which the C and the C++ program of `examples/` were built, once for all tests."""
    from other_languages import build_programs, missing_tool

    if tool := missing_tool():
        pytest.skip(f"{tool} is not installed, so no operator in C or C++ can be built")
    return build_programs(tmp_path_factory.mktemp("programs"))


@pytest.fixture
def environment() -> dict[str, str]:
    """Return an environment in which `python` and `helics` are those that run the tests."""
    here = str(Path(sys.executable).parent)
    return os.environ | {"PATH": here + os.pathsep + os.environ.get("PATH", "")}

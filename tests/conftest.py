"""Shared fixtures."""

import federates.runtime.helics_api  # isort: skip  # noqa: F401  before any test module imports helics: libsumo would abort

import os
import signal
import sys
from pathlib import Path

import hypothesis
import pytest

hypothesis.settings.register_profile("the same examples again", derandomize=True)
hypothesis.settings.load_profile("the same examples again")

ROOT = Path(__file__).parent.parent
SUPPORT = Path(__file__).parent / "support"
sys.path.insert(0, str(SUPPORT))


def pytest_configure(config):
    """Let workers begin with the folders of long runs: a long file that comes last would leave the other processor idle.

    Tests send Ctrl-C to what they start, which does not hear it where the tests themselves were started in the background.
    """
    config.option.loadscopereorder = False
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config):
    """Return a worker more than there are processors: many tests wait for the processes of a run."""
    return len(os.sched_getaffinity(0)) + 1


@pytest.fixture(scope="module", autouse=True)
def search_path():
    """Let no module install a world or load a folder for those after it."""
    before = list(sys.path)
    yield
    sys.path[:] = before


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

"""The examples in the docstrings of the front door, run as they stand."""

import doctest
import shutil

import pytest

import federates.api

_FLAGS = doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL | doctest.REPORT_NDIFF
TESTS = {test.name.removeprefix("federates.api."): test for test in doctest.DocTestFinder().find(federates.api)}


def follow(name, names):
    """Run the examples of one function with these ``names``, and leave in them what the examples define."""
    test = TESTS[name]
    test.globs = names
    said = []
    failed, tried = doctest.DocTestRunner(optionflags=_FLAGS).run(test, out=said.append, clear_globs=False)
    assert tried > 1
    assert not failed, "".join(said)
    return test.globs


@pytest.fixture
def here(tmp_path, root, monkeypatch):
    """Work where the examples' scenario is; its run writes no report, which takes longer than the run."""
    shutil.copytree(root / "scenarios/ieee30", tmp_path / "scenarios/ieee30", ignore=shutil.ignore_patterns("results"))
    with (tmp_path / "scenarios/ieee30/broker.yaml").open("a", encoding="utf-8") as file:
        file.write("\nreport: false\n")
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def names():
    """Return what the example of `federate` leaves, which others build upon."""
    return follow("federate", {})


@pytest.mark.parametrize("name", ["check", "run"])
def test_an_example_with_a_scenario(here, name):
    follow(name, {})


@pytest.mark.parametrize("name", ["load_run", "compare"])
def test_an_example_that_builds_upon_that_of_federate(names, name):
    follow(name, dict(names))


def test_every_function_of_the_front_door_has_an_example():
    assert {"run", "load_run", "federate", "check", "compare"} <= {name for name, test in TESTS.items() if test.examples}

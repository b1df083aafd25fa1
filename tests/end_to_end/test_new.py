"""`portage new` and `portage new-operator`, as a user calls them: in a folder that has nothing to do with the repository."""

import ast
import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from federates.boundary.errors import ConfigError
from federates.boundary.names import RAIL, ROAD, Role
from federates.boundary.world import shipped_worlds
from federates.cli.app import main
from federates.conformance import ConformanceError
from federates.runs.check import check_scenario
from federates.runtime.plugins import class_key, load_agent
from federates.scaffold import shipped
from federates.scaffold.operator import new_operator, world_around
from federates.scaffold.scenario import new_scenario

PAIRS = [(world.name, role) for world in shipped_worlds() if world.module("conformance") for role in world.roles]


def portage(environment, folder, *words):
    command = [sys.executable, "-m", "federates.cli", *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("source", shipped.SHIPPED)
def test_a_new_scenario_passes_the_check_and_has_a_broker_of_its_own(source, tmp_path):
    made = new_scenario(tmp_path / "mine", source)
    found = check_scenario(made)
    assert found.name == "mine"
    assert yaml.safe_load((made / "scenario.yaml").read_text())["name"] == "mine"
    assert found.broker_file == (made / "broker.yaml").resolve()
    original = check_scenario(shipped.shipped_scenario(source))
    assert found.broker == original.broker
    for role, config in original.configs.items():
        assert found.configs[role].read_bytes() == config.read_bytes()
    notes = {path.relative_to(made) for path in made.rglob("PROVENANCE.md")}
    assert notes == {path.relative_to(original.folder) for path in original.folder.rglob("PROVENANCE.md")} != set()
    # Comments are part of a scenario: only the name has changed.
    before, after = (folder / "scenario.yaml" for folder in (original.folder, made))
    assert after.read_text() == before.read_text().replace(f"name: {source}", "name: mine")


def test_what_a_run_leaves_is_not_copied(tmp_path, monkeypatch, root):
    place = tmp_path / "scenarios"
    shutil.copytree(root / "scenarios/ieee30", place / "ieee30", ignore=shutil.ignore_patterns("results", "*.log"))
    left = [
        "results/run/run.json",
        "coordinator.log",
        "notes.txt",
        "power_operator/__pycache__/x.pyc",
        ".hidden/x",
        "my_operator.py",
    ]
    for name in left:
        (place / "ieee30" / name).parent.mkdir(parents=True, exist_ok=True)
        (place / "ieee30" / name).write_text("x")
    monkeypatch.setattr(shipped, "_PLACES", (tmp_path / "no-repository", place))
    made = new_scenario(tmp_path / "mine", "ieee30")
    assert [name for name in left if (made / name).exists()] == ["my_operator.py"]
    assert not (made / "calibration").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "scenarios"]


@pytest.mark.long
def test_the_printed_run_command_runs(tmp_path, environment):
    made = portage(environment, tmp_path, "new", "mine", "--from", "la_gcs")
    assert made.returncode == 0, made.stderr
    commands = [line.split() for line in made.stdout.splitlines() if line.strip().startswith("portage ")]
    assert [words[1] for words in commands] == ["check", "run", "new-operator"]
    ran = portage(environment, tmp_path, *commands[1][1:], "--set", "periods=1", "--set", "scheme=no_mves")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    (run,) = (tmp_path / "mine/results").iterdir()
    assert json.loads((run / "run.json").read_text())["status"] == "complete"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("new", "taken", "--from", "ieee30"), "folder = taken: must not exist yet"),
        (("new", "9lives", "--from", "ieee30"), "name = '9lives': a name starts with a letter"),
        (("new", "mine", "--from", "ieee31"), "--from = ieee31: must be one of la_gcs, ieee30, ieee118, la_fleets"),
        (("new", "no/mine", "--from", "ieee30"), "folder = no: this folder must exist"),
        (("new-operator", "power_operator", "Mine"), "name = 'Mine': must be a Python module's name"),
        (("new-operator", "power_operator", "class"), "name = 'class': must be a Python module's name"),
        (("new-operator", "power_operator", "numpy"), "name = 'numpy': a module of this name is installed"),
        (("new-operator", "power_operator", "old"), "file = old.py: exists"),
        (("new-operator", "power_operator", "mine", "--into", "no"), "--into = no: this folder must exist"),
        (("new-operator", "traffic_sumo", "mine", "--world", "rail"), "--world = rail: there is no traffic_sumo in it"),
        (("new-operator", "power_operator", "mine", "--world", "sea"), "--world = sea: installed: "),
    ],
)
def test_a_mistake_is_one_clear_error_and_nothing_is_written(words, said, tmp_path, monkeypatch, capsys):
    (tmp_path / "taken").mkdir()
    (tmp_path / "old.py").write_text("x")
    before = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["portage", *words])
    with pytest.raises(SystemExit) as end:
        main()
    told = capsys.readouterr().err
    assert end.value.code == 2
    assert "1 problem found" in told
    assert said in told
    assert sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*")) == before
    assert (tmp_path / "old.py").read_text() == "x"


def test_the_broker_file_of_a_wheel_is_the_one_at_the_top(root):
    packaged = root / "federates/scaffold/templates/broker.yaml"
    assert packaged.read_text() == (root / "broker.yaml").read_text()


def test_an_installation_without_scenarios_says_where_it_looked(monkeypatch, tmp_path):
    monkeypatch.setattr(shipped, "_PLACES", (tmp_path,))
    with pytest.raises(ConfigError, match="has no scenarios; looked in"):
        shipped.shipped_scenario("la_gcs")


@pytest.mark.parametrize(("world", "role"), [(world.name, role) for world in shipped_worlds() for role in world.roles])
def test_a_skeleton_has_every_method_of_its_role_and_says_what_is_missing(world, role, tmp_path):
    made = new_operator(role, "my_agent", world, tmp_path)
    config = tmp_path / "config.yaml"
    config.write_text(f'schema_version: 1\n{class_key(role)}: "{made.spec}"\n')
    loaded = load_agent(role, role, config)  # raises if a method is missing
    assert loaded.cls.worlds == (world,)
    (tree,) = (node for node in ast.parse(made.files[0].read_text()).body if getattr(node, "name", "") == "MyAgent")
    methods = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert {node.name for node in methods} == set(loaded.cls.__base__.__abstractmethods__)
    for node in methods:
        assert ast.get_docstring(node)
        last = node.body[-1]
        assert isinstance(last, ast.Raise), node.name
        assert last.exc.func.id == "NotImplementedError"
        assert last.exc.args[0].value.startswith(f"{node.name}: ")


def test_a_skeleton_of_a_station_says_what_it_hears_and_tells(tmp_path):
    text = new_operator("charging_station", "my_station", "fleets", tmp_path).files[0].read_text()
    assert 'heard["allotments"]' in text
    assert '``heard["stations"].passing_veh``, veh, shape (S, B)' in text
    for told in ('opening["gate"].time_s', 'opening["balance"].need_kwh', 'opening["receipts"]'):
        assert told in text
    assert "def solve" not in text


def test_a_skeleton_knows_a_world_that_portage_does_not(tmp_path, monkeypatch, root):
    monkeypatch.setattr(sys, "path", [*sys.path, str(root / "tests/third_world")])
    importlib.import_module("market").install(tmp_path / "site")
    made = new_operator("seller", "my_seller", "market", tmp_path)
    text = made.files[0].read_text()
    assert "``trade``, kWh, shape (G, H), its price in usd/kWh; this agent offers it." in text
    assert "class MySeller(Operator):" in text
    (tmp_path / "config.yaml").write_text(f'schema_version: 1\n{made.key}: "{made.spec}"\n')
    assert load_agent("shop", "seller", tmp_path / "config.yaml").cls.worlds == ("market",)


def test_the_world_of_a_skeleton_is_that_of_the_scenario_around_it(tmp_path):
    made = new_scenario(tmp_path / "mine", "ieee30")
    assert [world_around(place) for place in (made, made / "power_operator", tmp_path)] == [RAIL, RAIL, ROAD]


def test_a_role_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="there is no traffic_sumo in it"):
        new_operator(Role.TRAFFIC, "mine", RAIL, Path(tmp_path))


@pytest.mark.parametrize(("world", "role"), PAIRS)
def test_the_test_of_a_skeleton_fails_and_says_which_method_is_missing(world, role, tmp_path, monkeypatch):
    name = f"my_{world}_{role}"
    made = new_operator(role, name, world, tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    spec = importlib.util.spec_from_file_location(f"test_{name}", made.files[1])
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with pytest.raises(ConformanceError) as broken:
        getattr(module, f"test_{name}_plays_by_the_rules")()
    assert f"{made.class_name} breaks the rules of {role}" in str(broken.value)
    assert "NotImplementedError: begin: " in str(broken.value)


LIE = """

def _solve_with_a_bound_that_is_none(self, prices, openings, _solve=MyAgent.solve):
    answer = _solve(self, prices, openings)
    return Answer(answer.quantities, answer.cost_usd, answer.bound_usd + 1e6)


MyAgent.solve = _solve_with_a_bound_that_is_none
"""


BLOCK = re.compile(r"^```python title=mine/(\w+)/my_\w+\.py\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def filled_in(skeleton, written):
    """Return the skeleton with what ``written`` does in place of every line that raises, and its imports and settings."""
    tree, own = ast.parse(skeleton), ast.parse(written)
    classes = {node.name: node for node in own.body if isinstance(node, ast.ClassDef)}
    methods = {node.name: node for node in list(classes.values())[-1].body if isinstance(node, ast.FunctionDef)}
    body = [classes.get("Settings", node) if getattr(node, "name", "") == "Settings" else node for node in tree.body]
    for method in (node for node in tree.body[-1].body if isinstance(node, ast.FunctionDef)):
        assert [arg.arg for arg in method.args.args] == [arg.arg for arg in methods[method.name].args.args]
        method.body[-1:] = methods[method.name].body
    docstring, future, *rest = body
    imports = [node for node in own.body if isinstance(node, ast.Import | ast.ImportFrom)]
    return ast.unparse(ast.Module([docstring, future, *imports, *rest], type_ignores=[]))


@pytest.mark.parametrize("role", ["power_operator", "traffic_sumo", "coordinator"])
def test_a_skeleton_filled_in_as_the_how_to_says_passes_its_test(role, root, tmp_path, environment):
    written = dict(BLOCK.findall((root / "docs/howto/own_class.md").read_text()))[role]
    made = new_operator(role, "my_agent", ROAD, tmp_path)
    made.files[0].write_text(filled_in(made.files[0].read_text(), written))
    passed = pytest_of(made, tmp_path, environment)
    assert passed.returncode == 0, passed.stdout + passed.stderr


@pytest.mark.long
def test_the_test_of_a_copy_passes_until_a_rule_is_broken(tmp_path, environment):
    made = new_operator(Role.POWER_OPERATOR, "my_agent", ROAD, tmp_path, source="price_taker")
    passed = pytest_of(made, tmp_path, environment)
    assert passed.returncode == 0, passed.stdout + passed.stderr
    made.files[0].write_text(made.files[0].read_text() + LIE)
    failed = pytest_of(made, tmp_path, environment)
    assert failed.returncode == 1
    assert "bound.proven" in failed.stdout


def test_a_copy_of_nothing_that_is_installed_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"--from = nobody: installed: .*price_taker"):
        new_operator(Role.POWER_OPERATOR, "my_agent", ROAD, tmp_path, source="nobody")
    assert not any(tmp_path.iterdir())


def pytest_of(made, folder, environment):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", made.files[1].name]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)

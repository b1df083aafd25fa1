"""A nosy operator in a real run: what it tries is refused where there is Landlock, and recorded anyway."""

import json
import os
import socket
import subprocess
from pathlib import Path

import pandas as pd
import pytest
import yaml
from small_scenario import write_small_scenario

from federates.boundary.errors import ConfigError
from federates.boundary.names import Role
from federates.isolation import sandbox
from federates.isolation.access import access_policy, also_readable
from federates.isolation.landlock import NETWORK_ABI, landlock_abi
from federates.isolation.sandbox import plan_sandbox
from federates.runtime.broker_config import AuditConfig, BrokerConfig
from federates.runtime.identity import RunIdentity

ABI = landlock_abi()
needs_landlock = pytest.mark.skipif(ABI == 0, reason="this kernel has no Landlock")

NOSY = '''
"""A power operator that does its work and looks around meanwhile."""
import ctypes
import importlib.util
import json
import os
import socket
import subprocess
import tempfile
from pathlib import Path

import helics
import pyarrow.csv

HERE = Path(__file__).parent
WISHES = json.loads((HERE / "wishes.json").read_text())
TRIED = []


def attempt(name, action):
    try:
        said = str(action())
    except Exception as error:
        said = type(error).__name__
    TRIED.append((name, said))


def cat(path):
    done = subprocess.run(["cat", path], capture_output=True, text=True)
    return done.stdout or "nothing"


def connect(port):
    with socket.create_connection(("127.0.0.1", port), timeout=5):
        return "connected"


def temporary():
    with tempfile.NamedTemporaryFile("w") as file:
        file.write("mine")
        return "written"


def shared_memory():
    number = ctypes.CDLL(None, use_errno=True).shmget(0, 4096, 0o1600)
    if number < 0:
        raise OSError(ctypes.get_errno(), "refused")
    ctypes.CDLL(None).shmctl(number, 0, None)
    return "shared"


def local_socket(path):
    with socket.socket(socket.AF_UNIX) as local:
        local.bind(os.path.relpath(path))  # an address has at most 108 bytes
    os.unlink(path)
    return "bound"


def change_mode(path):
    os.chmod(path, os.stat(path).st_mode)
    return "changed"


attempt("read at import", lambda: Path(WISHES["at_import"]).read_text())
spec = importlib.util.spec_from_file_location("beside", HERE.parent / "small_agents.py")
small = importlib.util.module_from_spec(spec)
spec.loader.exec_module(small)


class Nosy(small.SmallPower):
    def solve(self, prices, openings):
        if self.period == 0 and len(TRIED) == 1:
            partner = self.recorder.folder.parent / "transport_operator"
            attempt("read in solve", lambda: Path(WISHES["in_solve"]).read_text())
            attempt("read from C", lambda: pyarrow.csv.read_csv(WISHES["in_solve"]).column_names[0])
            attempt("read by a child", lambda: cat(WISHES["in_solve"]))
            attempt("read by a link", lambda: (HERE / "link.csv").read_text())
            attempt("list results", lambda: len(os.listdir(partner)) >= 0)
            attempt("read results", lambda: (partner / "config.json").read_text())
            attempt("earlier results", lambda: Path(WISHES["earlier"]).read_text())
            attempt("home", lambda: Path(WISHES["home"]).read_text())
            attempt("the run's key", lambda: Path(os.environ["PORTAGE_IDENTITY"]).read_text()[:1])
            attempt("write", lambda: Path(WISHES["in_solve"]).with_name("planted.csv").write_text("x"))
            attempt("connect", lambda: connect(WISHES["port"]))
            attempt("read what broker.yaml allows", lambda: Path(WISHES["licence"]).read_text())
            attempt("read own", lambda: (HERE / "own.csv").read_text())
            attempt("temporary file", temporary)
            attempt("environment of another", lambda: Path(f"/proc/{os.getppid()}/environ").read_text()[:1])
            attempt("by way of another", lambda: Path(f"/proc/{os.getppid()}/cwd/broker.yaml").read_text()[:1])
            attempt("environment by a child", lambda: cat(f"/proc/{os.getppid()}/environ")[:7])
            attempt("shared memory", shared_memory)
            attempt("priority", lambda: os.setpriority(os.PRIO_PROCESS, os.getppid(), os.getpriority(os.PRIO_PROCESS, 0)))
            attempt("own priority", lambda: os.setpriority(os.PRIO_PROCESS, 0, os.getpriority(os.PRIO_PROCESS, 0)))
            attempt("processors", lambda: os.sched_setaffinity(os.getppid(), os.sched_getaffinity(os.getppid())))
            attempt("mode of a partner's file", lambda: change_mode(WISHES["in_solve"]))
            for call in ("SendCommand", "SetGlobal", "SetTag"):
                attempt(call, lambda: getattr(helics, "helicsFederate" + call)(None, "coordinator", "4711"))
            attempt("socket", lambda: local_socket(tempfile.gettempdir() + "/s"))
            for name, said in TRIED:
                self.recorder.record("tried", name=name, said=said)
        return super().solve(prices, openings)
'''
PARTNERS = (
    "read at import",
    "read in solve",
    "read from C",
    "read by a child",
    "read by a link",
    "read results",
    "earlier results",
    "home",
    "the run's key",
)


def nosy_run(tmp_path, environment, mode):
    """Return what the operator tried with what came of it, and its ``files.json``, after a run with this kind of sandbox."""
    licence = tmp_path / "opt/solver.lic"
    licence.parent.mkdir()
    licence.write_text("licensed")
    audit = {"sandbox": mode, "readable": {"power_operator": [str(licence)]}}
    scenario = write_small_scenario(tmp_path, session={"periods": 1}, broker={"audit": audit})
    own, partner = scenario / "power_operator", scenario / "transport_operator"
    (own / "nosy.py").write_text(NOSY)
    (own / "own.csv").write_text("mine")
    (partner / "secret.csv").write_text("secret\n")
    (partner / "first.csv").write_text("secret\n")
    (own / "link.csv").symlink_to(partner / "secret.csv")
    earlier = scenario / "results/earlier/power_operator/plan.csv"
    earlier.parent.mkdir(parents=True)
    earlier.write_text("secret\n")
    home = tmp_path / "home/notes.txt"
    home.parent.mkdir()
    home.write_text("secret\n")
    (own / "config.yaml").write_text(yaml.safe_dump({"schema_version": 1, "operator": "nosy:Nosy"}))
    with socket.create_server(("127.0.0.1", 0)) as server:
        wishes = {
            "at_import": str(partner / "first.csv"),
            "in_solve": str(partner / "secret.csv"),
            "earlier": str(earlier),
            "home": str(home),
            "licence": str(licence),
            "port": server.getsockname()[1],
        }
        (own / "wishes.json").write_text(json.dumps(wishes))
        words = ["python", "-m", "federates.cli", "run", str(scenario)]
        done = subprocess.run(words, env=environment | {"HOME": str(home.parent)}, capture_output=True, text=True, timeout=120)
    folder = next(path for path in (scenario / "results").iterdir() if path.name != "earlier")
    table = pd.read_parquet(next(path for path in (folder / "power_operator").glob("tried.parquet*")))
    files = json.loads((folder / "power_operator/files.json").read_text())
    return done, dict(zip(table.name, table.said, strict=True)), files, wishes, folder


def outside(files):
    return {(entry["path"], entry["mode"]): entry for entry in files["opened"] if entry["kind"] == "outside"}


@needs_landlock
def test_nothing_of_a_partner_can_be_read(tmp_path, environment):
    done, tried, files, wishes, folder = nosy_run(tmp_path, environment, "auto")
    assert files["sandbox"]["state"] == "enforced", files["sandbox"]
    assert files["sandbox"]["why"] == ""
    for name in PARTNERS:
        assert "secret" not in tried[name], name
        assert tried[name] in ("PermissionError", "OSError", "nothing", "ArrowInvalid"), (name, tried[name])
    assert tried["list results"] == tried["write"] == "PermissionError"
    assert not Path(wishes["in_solve"]).with_name("planted.csv").exists()
    assert tried["read own"] == "mine"
    assert tried["read what broker.yaml allows"] == "licensed"
    assert tried["temporary file"] == "written"
    calls = ["SendCommand", "SetGlobal", "SetTag"]
    assert [tried[name] for name in calls] == ["BoundaryError"] * 3
    assert files["helics_calls"] == [f"helicsFederate{name}" for name in calls]
    breaches = json.loads((folder / "audit.json").read_text())["breaches"]
    assert sum(breach["check"] == "helics.call" for breach in breaches) == 3
    for name in ("environment of another", "by way of another", "shared memory", "priority", "processors"):
        assert tried[name] == "PermissionError", (name, tried[name])
    assert (tried["environment by a child"], tried["own priority"], tried["socket"]) == ("nothing", "None", "bound")
    seen = outside(files)
    assert (wishes["licence"], "read") not in seen
    assert any(path.endswith("/cwd/broker.yaml") and entry["refused"] for (path, _), entry in seen.items())
    assert any(path.endswith("/environ") and entry["refused"] for (path, _), entry in seen.items())
    # No sandbox refuses it, so it is said.
    assert tried["mode of a partner's file"] == "changed"
    assert "refused" not in seen[wishes["in_solve"], "change"]
    graph = json.loads((folder / "graph.json").read_text())
    assert graph["changed"] == ["transport_operator/secret.csv"]
    assert [c["kind"] for c in files["connections"] if c["port"] is None] == ["temporary"]
    assert seen[wishes["at_import"], "read"]["refused"]
    assert seen[wishes["in_solve"], "read"]["refused"]
    assert seen[str(folder / "transport_operator"), "list"]["refused"]
    assert seen[wishes["home"], "read"]["refused"]
    assert ["cat", wishes["in_solve"]] == files["children"][0].split()
    connection = next(c for c in files["connections"] if c["port"] == wishes["port"])
    if ABI >= NETWORK_ABI:
        assert tried["connect"] == "PermissionError"
        assert connection["refused"]
    # The audit tells it: the run as a whole is not clean.
    assert done.returncode == 1
    assert "power_operator tried to read" in done.stderr
    assert not (folder / "power_operator/temporary").exists()


def test_without_a_sandbox_it_is_recorded_all_the_same(tmp_path, environment):
    done, tried, files, wishes, folder = nosy_run(tmp_path, environment, "off")
    assert files["sandbox"]["state"] == "off"
    for name in set(PARTNERS) - {"read results", "the run's key"}:
        assert "secret" in tried[name], (name, tried[name])
    assert tried["connect"] == "connected"
    seen = outside(files)
    assert {wishes["at_import"], wishes["in_solve"], wishes["earlier"], wishes["home"]} <= {path for path, _ in seen}
    assert (str(folder / "transport_operator"), "list") in seen
    assert not any(entry.get("refused") for entry in seen.values())
    assert any(c["port"] == wishes["port"] and "refused" not in c for c in files["connections"])
    assert done.returncode == 1
    assert "power_operator read" in done.stderr


def identity_of(folder, **audit):
    broker = BrokerConfig(schema_version=1, audit=audit)
    agents = {role: role for role in ("coordinator", "power_operator", "transport_operator", "traffic_sumo")}
    return RunIdentity("r", str(folder), str(folder / "results/r"), 24_000, "key", broker, "road", agents)


def test_a_system_without_landlock_is_said(tmp_path, monkeypatch):
    """The kernel is made to say that it has none; `required` then ends the run, `auto` goes on and says so."""
    monkeypatch.setattr(sandbox, "landlock_abi", lambda: 0)
    policy = access_policy(tmp_path / "power_operator", tmp_path, tmp_path / "results/r/power_operator")
    state = plan_sandbox(Role.POWER_OPERATOR, identity_of(tmp_path), policy)
    assert state.state == "unavailable"
    assert "Landlock" in state.why
    with pytest.raises(ConfigError, match=r"broker\.yaml: audit\.sandbox = required: this system has no Landlock"):
        plan_sandbox(Role.POWER_OPERATOR, identity_of(tmp_path, sandbox="required"), policy)


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("licences", "must be an absolute path"),
        ("/no/such/licence", "must exist"),
        ("{top}", "must lie outside the scenario and the run's results, and not around them"),
        ("{top}/scenario/transport_operator", "must lie outside the scenario and the run's results, and not around them"),
    ],
)
def test_what_broker_yaml_lets_an_agent_read_besides_is_nobody_s(tmp_path, name, allowed):
    (tmp_path / "scenario/transport_operator").mkdir(parents=True)
    audit = AuditConfig(readable={"power_operator": [name.format(top=tmp_path)]})
    with pytest.raises(ConfigError, match=rf"broker\.yaml: audit\.readable\.power_operator = .*{allowed}"):
        also_readable(audit, Role.POWER_OPERATOR, [tmp_path / "scenario"])
    assert also_readable(audit, Role.TRANSPORT_OPERATOR, [tmp_path / "scenario"]) == []


@needs_landlock
def test_the_traffic_model_may_use_any_port(tmp_path):
    policy = access_policy(tmp_path / "traffic_sumo", tmp_path, tmp_path / "results/r/traffic_sumo")
    state = plan_sandbox(Role.TRAFFIC, identity_of(tmp_path), policy)
    assert not state.network
    assert "TCP is not limited" in state.why
    assert os.fspath(tmp_path / "traffic_sumo") in state.readable

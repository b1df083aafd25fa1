"""Who is kept out by the operating system and by the run's key: a nosy executable, and a process that belongs to no run."""

import json
import os
import subprocess
import sys
import time
from dataclasses import replace

import helics as h
import pytest
from small_scenario import write_small_scenario

from federates.isolation.landlock import landlock_abi
from federates.runs.broker_core import Broker
from federates.runs.topology_monitor import TopologyMonitor
from federates.runtime.broker_config import BrokerConfig
from federates.runtime.helics_core import federate_info
from federates.runtime.identity import IDENTITY_VARIABLE, RunIdentity, choose_port

SIGNALS_ABI = 6
TWO = {"coordinator": "coordinator", "power_operator": "power_operator"}
NOSY = """
import json, os, subprocess, sys
def attempt(action):
    try:
        return action()
    except OSError as error:
        return type(error).__name__
def read(path):
    return attempt(lambda: bool(open(path).read()) and "read")
def child(path):
    done = subprocess.run(["cat", path], capture_output=True, text=True)
    return "PermissionError" if "Permission denied" in done.stderr else done.stdout
partner, key, stranger = "../transport_operator/config.yaml", sys.argv[1], int(sys.argv[2])
tried = {"own": read("config.yaml"), "partner": read(partner), "key": read(key), "child": child(partner)}
tried["environment"] = read(f"/proc/{stranger}/environ")
tried["signal"] = attempt(lambda: os.kill(stranger, 0) or "sent")
json.dump(tried, open(os.environ["PORTAGE_RESULTS"] + "/tried.json", "w"))
"""


@pytest.mark.skipif(landlock_abi() == 0, reason="this kernel has no Landlock")
def test_an_executable_cannot_open_a_partners_file(tmp_path, environment):
    """The wrapper alone, without a federation: what its program may open does not depend on one."""
    scenario = write_small_scenario(tmp_path)
    (scenario / "power_operator/nosy.py").write_text(NOSY)
    folder = scenario / "results/r"
    folder.mkdir(parents=True)
    identity = tmp_path / "private/identity.json"
    broker = BrokerConfig(schema_version=1)
    roles = {role: role for role in ("coordinator", "power_operator", "transport_operator")}
    RunIdentity("r", str(folder), str(folder), 24_000, "key", broker, "rail", roles).write(identity)
    wrapper = [sys.executable, "-m", "federates.executable", "power_operator", "--"]
    words = [*wrapper, "python", "nosy.py", str(identity), str(os.getpid())]
    variables = environment | {"LC_ALL": "C", IDENTITY_VARIABLE: str(identity)}
    done = subprocess.run(words, cwd=scenario / "power_operator", env=variables, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    tried = json.loads((folder / "power_operator/tried.json").read_text())
    assert tried.pop("signal") == ("PermissionError" if landlock_abi() >= SIGNALS_ABI else "sent")
    # Root may watch the memory of every process whatever confines it (Linux, CAP_PERFMON).
    assert tried.pop("environment") == "PermissionError" or os.geteuid() == 0
    assert tried == {"own": "read"} | dict.fromkeys(("partner", "key", "child"), "PermissionError")
    assert json.loads((folder / "power_operator/files.json").read_text())["recorded"] == "none"


def test_a_process_without_the_runs_key_cannot_join(tmp_path):
    config = BrokerConfig(schema_version=1)
    identity = RunIdentity("keys", str(tmp_path), str(tmp_path), choose_port(config), "right", config, "rail", TWO)
    with Broker(identity) as broker:
        with pytest.raises(h.HelicsException, match="broker key does not match"):
            h.helicsCreateValueFederate("power_operator", federate_info("power_operator", replace(identity, key="wrong")))
        assert broker.joined() == []
        member = h.helicsCreateValueFederate("coordinator", federate_info("coordinator", identity))
        assert broker.joined() == ["coordinator"]
        h.helicsFederateDisconnect(member)


def test_a_stranger_with_the_key_under_an_agents_name_is_said_at_once(tmp_path):
    """HELICS refuses it and would wait for ever; it stays as a core that nobody expects."""
    config = BrokerConfig(schema_version=1)
    agents = tuple(TWO)
    identity = RunIdentity("crowd", str(tmp_path), str(tmp_path), choose_port(config), "right", config, "rail", TWO)
    with Broker(identity, barrier=True) as broker:
        broker.join_barrier()
        watch = TopologyMonitor(broker, identity)
        members = [h.helicsCreateValueFederate(agents[0], federate_info(agents[0], identity))]
        stranger = federate_info(agents[0], identity)
        h.helicsFederateInfoSetCoreName(stranger, "stranger")
        h.helicsFederateInfoSetFlagOption(stranger, h.HELICS_FLAG_TERMINATE_ON_ERROR, False)
        with pytest.raises(h.HelicsException, match="duplicate federate name"):
            h.helicsCreateValueFederate(agents[0], stranger)
        members.append(h.helicsCreateValueFederate(agents[1], federate_info(agents[1], identity)))
        deadline = time.monotonic() + 10
        while (said := watch.look()) is None and time.monotonic() < deadline:
            time.sleep(0.05)
        broker.fail(said)
    assert said == "audit: a program that is no agent of this run has come with the run's key (HELICS core stranger)"
    assert json.loads((tmp_path / "graph.json").read_text())["breaches"] == [said.removeprefix("audit: ")]

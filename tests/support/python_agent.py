"""A small class of the tests as an executable: the loop of the runtime, with what a stranger is told and nothing else.

``python python_agent.py MODULE:CLASS [SETTINGS AS JSON]``
"""

import importlib
import json
import os
import re
import sys
from pathlib import Path

from federates.boundary.names import Role
from federates.runtime.agent import load_session, run_agent
from federates.runtime.broker_config import BrokerConfig
from federates.runtime.identity import RunIdentity
from federates.runtime.plugins import LoadedAgent


def main():
    told = {name.removeprefix("PORTAGE_").lower(): value for name, value in os.environ.items() if name.startswith("PORTAGE_")}
    agent, role, init = told["agent"], told["role"], told["core_init"]
    broker = BrokerConfig(schema_version=1, core_type=told["core_type"], round_step_s=told["round_step_s"])
    port, key = (re.search(rf"--{name}=(\S+)", init).group(1) for name in ("brokerport", "brokerkey"))
    results = Path(told["results"])
    agents = dict(entry.split(":") for entry in told["agents"].split())
    run_id = told["core_name"].removesuffix(f"-{agent}")
    place = str(Path.cwd().parent), str(results.parent), int(port)
    roster_key = told.get("roster_key", "")
    identity = RunIdentity(run_id, *place, key, broker, told["world"], agents, roster_key=roster_key)
    module, _, name = sys.argv[1].partition(":")
    cls = getattr(importlib.import_module(module), name)
    settings = cls.Settings(**json.loads(sys.argv[2] if len(sys.argv) > 2 else "{}"))
    loaded = LoadedAgent(agent, role, name, cls, settings, Path.cwd())
    session = load_session(Path(told["session"]), run_id=identity.run_id) if role == Role.COORDINATOR else None
    return 0 if run_agent(loaded, identity, session) is None else 1


if __name__ == "__main__":
    sys.exit(main())

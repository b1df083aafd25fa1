"""Run a fleet as a process: ``python -m federates.mves_fleet --config config.yaml``."""

import sys

from federates.boundary.names import Role
from federates.runtime.agent import agent_main

if __name__ == "__main__":
    sys.exit(agent_main(Role.MVES_FLEET))

"""Run the power operator as a process: ``python -m federates.power_operator --config config.yaml``."""

import sys

from federates.boundary.names import Role
from federates.runtime.agent import agent_main

if __name__ == "__main__":
    sys.exit(agent_main(Role.POWER_OPERATOR))

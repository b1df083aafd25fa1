"""Run the coordinator as a process: ``python -m federates.coordinator --config config.yaml --session ../scenario.yaml``."""

import sys

from federates.boundary.names import Role
from federates.runtime.agent import agent_main
from federates.runtime.outcome import print_outcome

if __name__ == "__main__":
    code = agent_main(Role.COORDINATOR)
    sys.exit(code or print_outcome())

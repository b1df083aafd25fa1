"""Run the traffic sumo as a process: ``python -m federates.traffic_sumo --config config.yaml``."""

import sys

from federates.boundary.names import Role
from federates.runtime.agent import agent_main

if __name__ == "__main__":
    sys.exit(agent_main(Role.TRAFFIC))

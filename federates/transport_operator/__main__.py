"""Run the transport operator as a process: ``python -m federates.transport_operator --config config.yaml``."""

import sys

from federates.boundary.names import Role
from federates.runtime.agent import agent_main

if __name__ == "__main__":
    sys.exit(agent_main(Role.TRANSPORT_OPERATOR))

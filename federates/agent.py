"""Run an agent of any role as a process: ``python -m federates.agent ROLE --config config.yaml``.

The roles that ship have modules of their own, such as ``python -m federates.power_operator``.
"""

import sys

from federates.runtime.agent import agent_main

if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.exit("usage: python -m federates.agent ROLE [--config FILE]")
    sys.exit(agent_main(sys.argv[1], sys.argv[2:]))

"""Run an executable in any language as an agent: ``python -u -m federates.executable ROLE -- PROGRAM [ARGUMENT ...]``.

The wrapper waits for the run's identity, hands it to the program in environment variables, and leaves the same records as an
agent of ours: which process it is, and how it ended. See docs/decisions/0012.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from federates.boundary.errors import ConfigError, PortageError
from federates.boundary.names import Role
from federates.executable.arguments import Arguments, parse_arguments
from federates.executable.process import run_executable
from federates.isolation.owner_only import keep_logs_to_owner
from federates.runtime.outcome import print_outcome
from federates.runtime.say import say


def main(argv: list[str] | None = None, agent: str = "") -> int:
    """Run one executable; return 0 if it finished, 1 if it failed, 2 if the configuration cannot be used.

    ``agent`` is which agent of the run it is; empty: the one after which its folder is named, or the only one of its role.
    """
    # Python's own handler would not run before the child has ended.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    keep_logs_to_owner()
    words = sys.argv[1:] if argv is None else argv
    role = words[0] if words else "executable"
    try:
        arguments = parse_arguments(words)
        return _run(arguments, agent)
    except ConfigError as error:
        say(f"portage: {role}: the configuration cannot be used\n{error}")
        return 2
    except PortageError as error:
        say(f"portage: {error}")
        return 1


def _run(arguments: Arguments, agent: str) -> int:
    run_executable(arguments, Path.cwd(), agent)
    return print_outcome() if arguments.role == Role.COORDINATOR else 0


if __name__ == "__main__":
    sys.exit(main())

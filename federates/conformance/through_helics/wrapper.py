"""The wrapper of programs as the kit starts it: ``python -m federates.conformance.through_helics.wrapper AGENT ROLE -- PROGRAM``.

In a run a folder's name says which agent of a role a program is; here it may lie anywhere.
"""

from __future__ import annotations

import sys

from federates.executable.__main__ import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[2:], sys.argv[1]))

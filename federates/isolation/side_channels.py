"""What HELICS can carry beside publications, and no data-flow graph shows: commands, global values, tags.

Agents have no use for them. pyhelics looks every function of HELICS up by `helics.capi.loadSym`, so that is where they are
refused. Code that loads HELICS's library by itself is not held up; the broker still sees tags
(`federates.runs.topology_monitor`). See docs/decisions/0022.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from federates.boundary.errors import BoundaryError
from federates.runtime.helics_api import capi

_BESIDE = re.compile(r"helics\w*(?:Send(?:Ordered)?Command|(?:Get|Wait)Command\w*|SetGlobal|SetTag)")


def refuse_side_channels(note: Callable[[str], None]) -> None:
    """Refuse these functions to this process, for good; each call raises `BoundaryError`, and ``note`` is told its name first."""
    load, refused = capi.loadSym, frozenset(name for name in dir(capi) if _BESIDE.fullmatch(name))

    def watched(name: str) -> Any:
        if name in refused:
            note(name)
            raise BoundaryError(f"{name}: an agent speaks by the topics of the boundary alone")
        return load(name)

    capi.loadSym = watched

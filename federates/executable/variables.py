"""What an executable is told of its run: environment variables, the same for every language."""

from __future__ import annotations

import os
from pathlib import Path

from federates.boundary.topics import BOUNDARY_VERSION
from federates.executable.arguments import search_path
from federates.runtime.federate import core_init_string, core_name
from federates.runtime.identity import IDENTITY_VARIABLE, RunIdentity

__all__ = ["child_environment"]


def child_environment(agent: str, identity: RunIdentity, results: Path, session: Path | None) -> dict[str, str]:
    """Return the environment of an executable that takes the place of ``agent``.

    ``results`` is the folder where it may write, ``session`` the file of the public agreement (coordinator only). The file
    that tells of the whole run is not handed on.
    """
    broker = identity.broker
    inherited = {name: value for name, value in os.environ.items() if name != IDENTITY_VARIABLE}
    told = {
        "PORTAGE_AGENT": agent,
        "PORTAGE_ROLE": identity.agents[agent],
        "PORTAGE_AGENTS": " ".join(f"{name}:{role}" for name, role in identity.agents.items()),
        "PORTAGE_WORLD": identity.world,
        "PORTAGE_CORE_TYPE": broker.core_type,
        "PORTAGE_CORE_NAME": core_name(agent, identity),
        "PORTAGE_CORE_INIT": core_init_string(identity),
        "PORTAGE_ROUND_STEP_S": repr(broker.round_step_s),
        "PORTAGE_DISPATCH_OFFSET_S": repr(broker.dispatch_offset_s),
        "PORTAGE_RESULTS": str(results),
        "PORTAGE_BOUNDARY_VERSION": str(BOUNDARY_VERSION),
    }
    if session is not None:
        told["PORTAGE_SESSION"] = str(session)
    return inherited | {"PATH": search_path()} | told

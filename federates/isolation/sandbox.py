"""An agent's process is kept in its own folders by the operating system, where that can be had without privileges.

What it guarantees and what not: docs/decisions/0011.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from federates.boundary.errors import ConfigError, Problem
from federates.boundary.names import Role
from federates.isolation.access import AccessPolicy
from federates.isolation.landlock import NETWORK_ABI, landlock_abi, restrict
from federates.isolation.system_calls import give_up_capabilities, refuse_system_calls
from federates.runtime.identity import RunIdentity

State = Literal["enforced", "off", "unavailable", "not confined"]


@dataclass(frozen=True)
class SandboxState:
    """What holds for a process, as ``files.json`` says it.

    ``network`` tells whether TCP is limited to the run's ports; ``why`` says in words what is missing, if anything.
    """

    state: State
    abi: int | None
    network: bool
    why: str
    readable: tuple[str, ...] = ()
    writable: tuple[str, ...] = ()

    def as_record(self) -> dict[str, Any]:
        """Return the state as ``files.json`` has it."""
        return asdict(self)


NOT_CONFINED = SandboxState("not confined", None, False, "all agents of this run are threads of one process")


def plan_sandbox(role: str, identity: RunIdentity, policy: AccessPolicy) -> SandboxState:
    """Return what `confine` will establish.

    Raises
    ------
    ConfigError : ``broker.yaml`` requires a sandbox, and this system has none.
    """
    if identity.broker.audit.sandbox == "off":
        return SandboxState("off", None, False, "audit.sandbox of broker.yaml is off")
    abi = landlock_abi()
    if abi == 0:
        return _unavailable(identity, "this system has no Landlock (Linux 5.13 or later, not switched off)")
    network = role != Role.TRAFFIC and abi >= NETWORK_ABI and identity.broker.core_type != "inproc"
    words = []
    if policy.exposed:
        folders = ", ".join(str(path) for path in policy.exposed)
        words.append(
            f"scenario or results lie in {folders}, which this process must read: partners' files there are not protected"
        )
    if not network:
        free = "SUMO's control port is any free one" if role == Role.TRAFFIC else "this kernel cannot limit it"
        words.append(f"TCP is not limited: {free}")
    readable, writable = (tuple(map(str, paths)) for paths in (policy.readable, policy.writable))
    return SandboxState("enforced", abi, network, "; ".join(words), readable, writable)


def confine(identity: RunIdentity, policy: AccessPolicy, planned: SandboxState) -> SandboxState:
    """Restrict the calling thread and all that it starts from now on; return what holds.

    Threads that run already (those of a linear algebra library) stay as they are; none of them runs an agent's code.
    """
    if planned.state != "enforced":
        return planned
    try:
        restrict(policy.readable, policy.writable, _ports(identity) if planned.network else None)
        give_up_capabilities()
    except OSError as error:
        return _unavailable(identity, f"Landlock is there, but refused: {error.strerror or error}")
    if refused := refuse_system_calls():
        words = f"shared memory and message queues without a file, and priorities of others, are open: {refused}"
        planned = replace(planned, why="; ".join(part for part in (planned.why, words) if part))
    # What is compiled now could not be written beside its source; it is no use to try.
    sys.dont_write_bytecode = True
    return planned


def use_private_temporary_folder(policy: AccessPolicy) -> None:
    """Let this process and its children put temporary files among the agent's own results."""
    policy.temporary.mkdir(parents=True, exist_ok=True)
    os.environ.update(dict.fromkeys(("TMPDIR", "TMP", "TEMP"), str(policy.temporary)))
    tempfile.tempdir = str(policy.temporary)


def _ports(identity: RunIdentity) -> Iterable[int]:
    return identity.ports


def _unavailable(identity: RunIdentity, why: str) -> SandboxState:
    if identity.broker.audit.sandbox == "required":
        raise ConfigError([Problem("broker.yaml", "audit.sandbox", "required", f"{why}; allowed here: auto, off")])
    return SandboxState("unavailable", None, False, why)

"""How a process joins a run's federation: names and options of its HELICS core, and who must take part."""

from __future__ import annotations

from typing import Any

from federates.boundary.errors import ConfigError, Problem
from federates.boundary.session import Session
from federates.runtime.helics_api import h
from federates.runtime.identity import RunIdentity
from federates.runtime.placement import LOOPBACK

_PATIENT = 3


def check_agents(session: Session, identity: RunIdentity, file: str) -> None:
    """Raise `ConfigError` if the public agreement in ``file`` is of another world, or of other agents, than the run."""
    if (session.world, session.roster) != (identity.world, identity.agents):
        allowed = f"must be those of the run: world {identity.world}, {', '.join(identity.agents)}"
        raise ConfigError([Problem(file, "agents", f"world {session.world}, {', '.join(session.roster)}", allowed)])


def federate_info(name: str, identity: RunIdentity) -> Any:
    """Return what HELICS must be told to make the federate ``name`` of this run."""
    broker = identity.broker
    info = h.helicsCreateFederateInfo()
    h.helicsFederateInfoSetCoreTypeFromString(info, broker.core_type)
    h.helicsFederateInfoSetCoreName(info, core_name(name, identity))
    h.helicsFederateInfoSetCoreInitString(info, core_init_string(identity))
    h.helicsFederateInfoSetTimeProperty(info, h.HELICS_PROPERTY_TIME_DELTA, 1e-9)
    h.helicsFederateInfoSetFlagOption(info, h.HELICS_FLAG_TERMINATE_ON_ERROR, True)
    h.helicsFederateInfoSetFlagOption(info, h.HELICS_FLAG_UNINTERRUPTIBLE, True)
    return info


def core_name(name: str, identity: RunIdentity) -> str:
    """Return the name of the HELICS core of the federate ``name``."""
    return f"{identity.run_id}-{name}"


def core_init_string(identity: RunIdentity) -> str:
    """Return what a federate's HELICS core must be told to join this run."""
    broker = identity.broker
    parts = ["-f 1", f"--loglevel={broker.log_level}", f"--tick={broker.tick_s}s", f"--timeout={silence_s(identity)}s"]
    if broker.core_type == "inproc":
        return " ".join([*parts, f"--broker={identity.run_id}"])
    # tcp's default message size of 4 kB would cut our vectors off.
    if identity.hosts is None:
        parts += ["--local", f"--broker_address={LOOPBACK}"]
    else:
        parts += [f"--local_interface={identity.hosts.address}", f"--broker_address={identity.hosts.broker_address}"]
    return " ".join([*parts, f"--brokerport={identity.port}", "--maxsize=1048576", f"--brokerkey={identity.key}"])


def silence_s(identity: RunIdentity) -> int:
    """Return after which time without a sign HELICS gives a partner up, s.

    Over several hosts a host that is cut off is to be named by those who watch it (`federates.runs.meeting`), before HELICS,
    which cannot name it, ends the federation.
    """
    return identity.broker.timeout_s * (1 if identity.hosts is None else _PATIENT)

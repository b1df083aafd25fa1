"""Life of one agent, from its configuration to its finish record, in a process of its own or in a thread."""

from __future__ import annotations

import argparse
import faulthandler
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Any, cast

import helics as h
import psutil

from federates.boundary.config import load_config, parse_config
from federates.boundary.errors import ConfigError, FederationError, PortageError
from federates.boundary.roles import CoordinationAlgorithm, PowerOperator, TrafficModel, TransportOperator
from federates.boundary.session import Session
from federates.boundary.topics import Role
from federates.runtime.coordinator_loop import run_coordinator
from federates.runtime.federate import Federate
from federates.runtime.identity import RunIdentity, wait_for_identity
from federates.runtime.operator_loop import Desk, PowerDesk, TransportDesk, run_operator
from federates.runtime.plugins import LoadedAgent, load_agent
from federates.runtime.results import PROCESS_RECORD, ResultWriter, write_json
from federates.runtime.traffic_loop import run_traffic
from federates.runtime.watchdog import Watchdog

__all__ = ["agent_main", "load_session", "run_agent"]


def load_session(path: Path, overrides: dict[str, Any] | None = None, run_id: str = "", shown_as: str | None = None) -> Session:
    """Return the public agreement in ``path`` with ``overrides`` on top; raise `ConfigError` for anything wrong."""
    session = load_config(path, Session, shown_as)
    data = session.model_dump() | (overrides or {}) | {"run_id": run_id}
    return parse_config(data, Session, f"{shown_as or path} with --set")


def agent_main(role: Role, argv: list[str] | None = None) -> int:
    """Run one agent as a process and return its exit code: 0 finished, 1 failed, 2 bad configuration.

    It is the whole of every ``python -m federates.<agent>``.
    """
    # Python's own handler cannot run while a HELICS call blocks; the default one ends the process at once.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    faulthandler.enable()
    arguments = _parse(role, argv)
    try:
        loaded = load_agent(role, arguments.config)
        identity = wait_for_identity()
        session = None
        if role is Role.COORDINATOR:
            session = load_session(arguments.session, _overrides(arguments.set), identity.run_id)
    except ConfigError as error:
        print(f"portage: {role}: the configuration cannot be used\n{error}", file=sys.stderr, flush=True)
        return 2
    except PortageError as error:
        print(f"portage: {role}: {error}", file=sys.stderr, flush=True)
        return 1
    return 0 if run_agent(loaded, identity, session, hard=True) is None else 1


def run_agent(loaded: LoadedAgent, identity: RunIdentity, session: Session | None, *, hard: bool) -> Exception | None:
    """Take one agent through its whole run; return what ended it early, or None.

    ``session`` is given to the coordinator only. ``hard`` ends the process if a wait passes its limit; threads leave it off.
    A failure reaches every other agent as a HELICS global error with this agent's name in it.
    """
    writer = ResultWriter(Path(identity.run_folder) / loaded.role.value)
    write_json(writer.folder / "config.json", loaded.resolved())
    if hard:
        write_json(writer.folder / PROCESS_RECORD, {"pid": os.getpid(), "created": psutil.Process().create_time()})
    federate: Federate | None = None
    agent: Any = None
    watchdog = Watchdog(lambda reason: _alarm(federate, loaded.role, reason, writer), hard=hard).start()
    failure: Exception | None = None
    try:
        agent = loaded.create()
        federate = Federate(loaded.role, identity, watchdog)
        _live(federate, agent, session, writer)
        _close(agent)
        writer.finish(loaded.role.value, {"helics": h.helicsGetVersion()})
        federate.finish()
    except Exception as error:
        failure = error
        _report_failure(error, federate, loaded.role, writer, watchdog)
        _close(agent)
    finally:
        watchdog.stop()
        if federate is not None:
            federate.close()
    return failure


def _live(federate: Federate, agent: Any, session: Session | None, writer: ResultWriter) -> None:
    agreed = federate.start(session)
    limit_s = federate.identity.broker.limits.begin_s
    with federate.watchdog.limit(limit_s, f"{federate.role}: getting ready"):
        agent.begin(agreed, writer)
    if federate.role is Role.COORDINATOR:
        write_json(writer.folder / "session.json", agreed.model_dump(mode="json"))
        run_coordinator(federate, agreed, cast(CoordinationAlgorithm, agent), writer)
    elif federate.role is Role.TRAFFIC:
        run_traffic(federate, agreed, cast(TrafficModel, agent), writer)
    else:
        run_operator(federate, _desk(federate, agreed, agent, writer))


def _desk(federate: Federate, session: Session, agent: Any, writer: ResultWriter) -> Desk:
    if federate.role is Role.POWER_OPERATOR:
        return PowerDesk(federate, session, writer, cast(PowerOperator, agent))
    return TransportDesk(federate, session, writer, cast(TransportOperator, agent))


def _report_failure(error: Exception, federate: Federate | None, role: Role, writer: ResultWriter, watchdog: Watchdog) -> None:
    """Say what happened on stderr, on disk and to the federation."""
    own_fault = not isinstance(error, FederationError) or watchdog.reason is not None or federate is None
    kind = "" if isinstance(error, PortageError) else f"{type(error).__name__}: "
    message = f"{kind}{watchdog.reason or error}"
    if not message.startswith(f"{role}:"):
        message = f"{role}: {message}"
    if own_fault and not isinstance(error, PortageError):
        traceback.print_exception(error)
    print(f"portage: {message}", file=sys.stderr, flush=True)
    if federate is not None and own_fault:
        federate.fail(message)
    writer.fail(role.value, message, own_fault=own_fault)


def _alarm(federate: Federate | None, role: Role, reason: str, writer: ResultWriter) -> None:
    """Say on disk and to the federation what took too long; the main thread may be stuck and unable to."""
    message = reason if reason.startswith(f"{role}:") else f"{role}: {reason}"
    writer.fail(role.value, message, own_fault=True, flush=False)
    if federate is not None:
        federate.fail(message)


def _close(agent: Any) -> None:
    if isinstance(agent, TrafficModel):
        agent.close()


def _overrides(pairs: list[str]) -> dict[str, Any]:
    """Return ``--set key=value`` pairs as a mapping; pydantic turns the text into the right type."""
    return dict(pair.split("=", 1) for pair in pairs)


def _parse(role: Role, argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=f"python -m federates.{role.value}", description=f"Run the {role.value} of a federation."
    )
    parser.add_argument(
        "--config", type=Path, default=Path("config.yaml"), help="the agent's own configuration (default: config.yaml)"
    )
    parser.set_defaults(session=None, set=[])
    if role is Role.COORDINATOR:
        parser.add_argument("--session", type=Path, default=Path("../scenario.yaml"), help="the public agreement")
        parser.add_argument(
            "--set", action="append", default=[], metavar="KEY=VALUE", help="change one key of the public agreement"
        )
    return parser.parse_args(argv)

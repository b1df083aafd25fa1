"""Run the broker of a federation as a process: ``python -m federates.broker --config broker.yaml``.

It belongs to no operator: it starts the HELICS broker, tells the other processes of the run where it is, and when the
federation has ended it writes the report and, last of all, ``run.json``.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
import traceback
from dataclasses import replace
from pathlib import Path
from typing import Any

from federates.boundary.config import load_config
from federates.boundary.errors import FederationError, PortageError
from federates.runs.broker_core import Broker
from federates.runs.finish import finish_run, mark_failed, note_failure
from federates.runs.how_ended import HowEnded
from federates.runs.liveness import AgentsWatch
from federates.runs.lost import Siblings, ended_early, lost_agents, lost_reason
from federates.runs.scenario import agents_of
from federates.runs.start import new_identity
from federates.runs.wire_watch import WireWatch
from federates.runtime.broker_config import BrokerConfig
from federates.runtime.identity import IDENTITY_VARIABLE, RunIdentity, choose_port, identity_path
from federates.runtime.sign_of_life import ALIVE, SignOfLife
from federates.runtime.watchdog import Watchdog

_POLL_S = 0.2
_GATE_POLL_S = 0.05
_LAST_WORDS_S = 0.3
_ATTEMPTS = 5


def main(argv: list[str] | None = None) -> int:
    """Serve one run; return 0 if it completed, 1 if it failed, 2 if the configuration cannot be used."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    arguments = _parse(argv)
    path = identity_path()
    try:
        identity = _identity(arguments, path)
    except PortageError as error:
        print(f"portage: broker: {error}", file=sys.stderr, flush=True)
        return 2
    watchdog = Watchdog(lambda reason: None).start()
    alive = SignOfLife(path.with_suffix(f".{ALIVE}")).start()
    started = time.time()
    try:
        record = _finish(identity, started, _serve(identity, path, started))
    except PortageError as error:
        print(f"portage: broker: {error}", file=sys.stderr, flush=True)
        return 1
    finally:
        watchdog.stop()
        alive.stop()
        path.unlink(missing_ok=True)
    print(
        f"portage: run {identity.run_id}: {record['status']}" + (f": {record['failure']}" if record["failure"] else ""),
        flush=True,
    )
    return 0 if record["status"] == "complete" else 1


def _finish(identity: RunIdentity, started: float, ended_by_broker: str | None) -> dict[str, Any]:
    """Write report and ``run.json``; where that fails, a ``run.json`` that says so."""
    try:
        return finish_run(identity, started, ended_by_broker)
    except Exception as error:
        traceback.print_exception(error)
        return mark_failed(identity, started, f"broker: the report could not be written: {type(error).__name__}: {error}")


def _identity(arguments: argparse.Namespace, path: Path) -> RunIdentity:
    """Return the run's identity: the one ``portage run`` has written, or a new one."""
    request = path.with_suffix(".request")
    if os.environ.get(IDENTITY_VARIABLE) and request.exists():
        return RunIdentity.read(request)
    config = load_config(arguments.config, BrokerConfig)
    return new_identity(Path.cwd(), config, str(arguments.config), agents_of(arguments.runner))


def _serve(identity: RunIdentity, path: Path, started: float) -> str | None:
    """Start the broker, announce it, and wait until the federation has ended, lost somebody, or wired what it must not.

    Return why it had to be ended, or None if it has ended by itself.
    """
    broker, identity = _start(identity)
    reason = None
    with broker:
        identity.write(path)
        print(f"portage: run {identity.run_id}: broker on 127.0.0.1:{identity.port}", flush=True)
        # HELICS waits for the gate whenever it joins, so the agents need not wait for it.
        broker.join_gate()
        watch = WireWatch(broker, identity)
        deadline = time.monotonic() + identity.broker.limits.join_s
        siblings, how = Siblings(), HowEnded()
        alive = AgentsWatch(Path(identity.run_folder), identity.agents, identity.broker.timeout_s)
        while broker.connected:
            time.sleep(_POLL_S if broker.gate_open else _GATE_POLL_S)
            reason = _missing(identity, watch, siblings, how, deadline) or alive.look(siblings.pids) or watch.look()
            if reason is not None:
                print(f"portage: {reason}", file=sys.stderr, flush=True)
                note_failure(identity, started, reason)
                broker.fail(reason)
                time.sleep(_LAST_WORDS_S)
                break
        watch.close()
    return reason


def _missing(identity: RunIdentity, watch: WireWatch, siblings: Siblings, how: HowEnded, deadline: float) -> str | None:
    """Return who is lost or did not join in time, in words, or None."""
    if lost := lost_agents(identity):
        return lost_reason(identity, lost, how)
    if not watch.everyone_is_here and (ended := siblings.ended()):
        return ended_early(identity, ended, how)
    if not watch.everyone_is_here and time.monotonic() > deadline:
        missing = [agent for agent in identity.agents if agent not in watch.joined]
        return f"{', '.join(missing)}: did not join within {identity.broker.limits.join_s:g} s (join_s)"
    return None


def _start(identity: RunIdentity) -> tuple[Broker, RunIdentity]:
    """Start the broker; a port that another run has just taken is changed, unless it is fixed in broker.yaml."""
    for _ in range(_ATTEMPTS - 1):
        try:
            return Broker(identity, gated=True), identity
        except FederationError:
            if identity.broker.port != "auto":
                raise
            identity = replace(identity, port=choose_port(identity.broker))
    return Broker(identity, gated=True), identity


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m federates.broker", description="Run the HELICS broker of a federation.")
    parser.add_argument("--config", type=Path, default=Path("../../broker.yaml"), help="broker.yaml (default: ../../broker.yaml)")
    parser.add_argument(
        "--runner", type=Path, default=Path("runner.json"), help="file that names the agents of the run (default: runner.json)"
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())

"""An agent's place in the federation: HELICS interfaces made from the topic table, checked messages, limited waits."""

from __future__ import annotations

import contextlib
import math
import re
import time
from collections.abc import Iterator
from typing import Any

import helics as h
import numpy as np

from federates.boundary.errors import BoundaryError, FederationEndedError, FederationError
from federates.boundary.messages import Array, Frame, decode, encode
from federates.boundary.session import Session
from federates.boundary.topics import Role, Topic, received_by, sent_by, topic
from federates.runtime.identity import RunIdentity
from federates.runtime.watchdog import Watchdog

__all__ = ["SESSION_KEY", "Federate", "core_init_string"]

SESSION_KEY = f"{Role.COORDINATOR}/session"

_TIME_TOLERANCE_S = 1e-7
_ASK_EVERY_S = 0.02
_SILENCE_S = 2.0
_ERROR_CODE = re.compile(r"^\[-?\d+\] ")
"""HELICS puts its error code before the message."""


class Federate:
    """One HELICS value federate that can send and read what the topic table allows its role, and nothing else.

    A call that fails because the federation has ended raises `FederationError` with HELICS's own reason, which names the
    federate at fault.
    """

    def __init__(self, role: Role, identity: RunIdentity, watchdog: Watchdog) -> None:
        self.role = role
        self.identity = identity
        self.watchdog = watchdog
        self.session: Session | None = None
        with self._helics(), watchdog.limit(identity.broker.limits.join_s, f"{role}: reaching the broker"):
            self._fed = h.helicsCreateValueFederate(role.value, _federate_info(role, identity))
            self._publications = {t.key: self._register_publication(t) for t in sent_by(role)}
            self._inputs = {t.key: (t, self._register_input(t)) for t in received_by(role)}

    def start(self, session: Session | None = None) -> Session:
        """Enter execution and return the public agreement; only the coordinator brings its own ``session``."""
        limit_s = self.identity.broker.limits.join_s
        with self._helics(), self.watchdog.limit(limit_s, f"{self.role}: waiting for every federate to join"):
            h.helicsFederateEnterInitializingMode(self._fed)
            if session is not None:
                h.helicsPublicationPublishBytes(self._publications[SESSION_KEY], session.model_dump_json().encode())
            h.helicsFederateEnterExecutingMode(self._fed)
            if session is None:
                session = Session.model_validate_json(h.helicsInputGetBytes(self._inputs[SESSION_KEY][1]))
        self.session = session
        return session

    def publish(self, name: str, period: int, round_: int, values: Array) -> None:
        """Send one topic of this role; ``name`` is the part of its key behind the slash."""
        key = f"{self.role}/{name}"
        if key not in self._publications or key == SESSION_KEY:
            raise BoundaryError(f"{self.role} may not publish {name!r}: it is not in the topic table")
        payload = encode(topic(key), period, round_, np.asarray(values, dtype=np.float64), self._agreed())
        with self._helics():
            h.helicsPublicationPublishBytes(self._publications[key], payload)

    def advance(self, time_s: float, limit_s: float, waiting_for: str) -> None:
        """Ask for ``time_s`` and wait for it; ``waiting_for`` says in words what may take too long.

        Raises
        ------
        FederationError : another time is granted (the federation has ended early), or nothing within ``limit_s``.
        """
        with self._helics(), self.watchdog.limit(limit_s, f"{self.role}: waiting for {waiting_for}"):
            granted_s = float(h.helicsFederateRequestTime(self._fed, time_s))
        if abs(granted_s - time_s) > _TIME_TOLERANCE_S:
            raise FederationEndedError(
                f"{self.role}: asked for t = {time_s} s, was granted {granted_s} s: the federation has ended early"
            )

    def wait_until(self, partner: Role, time_s: float, limit_s: float, waiting_for: str) -> None:
        """Wait, without asking for time, until ``partner`` has been granted ``time_s``.

        Two federates that hear each other and both wait for a third in a time request exchange messages without end
        (HELICS 3.6.1, docs/decisions/0007). Where a wait is long, the coordinator therefore asks how far the third one is.
        """
        query = h.helicsCreateQuery(partner.value, "current_time")
        deadline_s = time.monotonic() + limit_s
        try:
            answered_s = time.monotonic()
            while True:
                granted_s = self._granted_s(query)
                if granted_s >= time_s - _TIME_TOLERANCE_S:
                    return
                if not math.isnan(granted_s):
                    answered_s = time.monotonic()
                elif time.monotonic() > answered_s + _SILENCE_S:
                    return  # It has left or is lost; the next time request says which.
                if time.monotonic() > deadline_s:
                    raise FederationError(f"{self.role}: waiting for {waiting_for} took longer than {limit_s:g} s")
                time.sleep(_ASK_EVERY_S)
        finally:
            h.helicsQueryFree(query)

    def _granted_s(self, query: Any) -> float:
        """Return the time granted to the federate that ``query`` asks; NaN if it does not answer."""
        with self._helics():
            answer = h.helicsQueryExecute(query, self._fed)
        if isinstance(answer, dict) and "granted_time" in answer:
            return float(answer["granted_time"])
        return math.nan

    def updates(self) -> dict[str, Frame]:
        """Return every message that came with the last grant, by topic key."""
        frames: dict[str, Frame] = {}
        with self._helics():
            for key, (entry, handle) in self._inputs.items():
                if key != SESSION_KEY and h.helicsInputIsUpdated(handle):
                    frames[key] = decode(entry, h.helicsInputGetBytes(handle), self._agreed())
        return frames

    def finish(self) -> None:
        """Leave the federation in good order."""
        with self._helics(), self.watchdog.limit(self.identity.broker.limits.join_s, f"{self.role}: leaving the federation"):
            h.helicsFederateDisconnect(self._fed)

    def fail(self, message: str) -> None:
        """Tell the whole federation that this agent failed; every other agent stops with this message."""
        with contextlib.suppress(Exception):
            h.helicsFederateGlobalError(self._fed, 1, message)

    def close(self) -> None:
        """Free the HELICS objects."""
        with contextlib.suppress(Exception):
            h.helicsFederateFree(self._fed)

    def _register_publication(self, entry: Topic) -> Any:
        return h.helicsFederateRegisterTypePublication(self._fed, entry.name, entry.type_name, "")

    def _register_input(self, entry: Topic) -> Any:
        handle = h.helicsFederateRegisterTypeInput(self._fed, f"in/{entry.key}", entry.type_name, "")
        h.helicsInputAddTarget(handle, entry.key)
        h.helicsInputSetOption(handle, h.HELICS_HANDLE_OPTION_CONNECTION_REQUIRED, 1)
        return handle

    def _agreed(self) -> Session:
        if self.session is None:
            raise FederationError(f"{self.role}: no message may cross before the session is known")
        return self.session

    @contextlib.contextmanager
    def _helics(self) -> Iterator[None]:
        """Turn a HELICS error into one of ours."""
        try:
            yield
        except h.HelicsException as error:
            reason = self.watchdog.reason or _ERROR_CODE.sub("", str(error))
            raise FederationEndedError(f"{self.role}: {reason}") from error


def _federate_info(role: Role, identity: RunIdentity) -> Any:
    broker = identity.broker
    info = h.helicsCreateFederateInfo()
    h.helicsFederateInfoSetCoreTypeFromString(info, broker.core_type)
    h.helicsFederateInfoSetCoreName(info, f"{identity.run_id}-{role}")
    h.helicsFederateInfoSetCoreInitString(info, core_init_string(identity))
    h.helicsFederateInfoSetTimeProperty(info, h.HELICS_PROPERTY_TIME_DELTA, 1e-9)
    h.helicsFederateInfoSetFlagOption(info, h.HELICS_FLAG_TERMINATE_ON_ERROR, True)
    h.helicsFederateInfoSetFlagOption(info, h.HELICS_FLAG_UNINTERRUPTIBLE, True)
    return info


def core_init_string(identity: RunIdentity) -> str:
    """Return what a federate's HELICS core must be told to join this run."""
    broker = identity.broker
    parts = ["-f 1", f"--loglevel={broker.log_level}", f"--tick={broker.tick_s}s", f"--timeout={broker.timeout_s}s"]
    if broker.core_type == "inproc":
        return " ".join([*parts, f"--broker={identity.run_id}"])
    # tcp's default message size of 4 kB would cut our vectors off.
    parts += ["--local", "--broker_address=127.0.0.1", f"--brokerport={identity.port}"]
    return " ".join([*parts, "--maxsize=1048576", f"--brokerkey={identity.key}"])

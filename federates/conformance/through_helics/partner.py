"""A scripted partner: one HELICS federate that this process drives without ever blocking in a call."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable
from typing import Any

from federates.boundary.names import Role
from federates.boundary.topics import Topic
from federates.runtime.federate import SESSION_KEY, core_init_string
from federates.runtime.helics_api import h
from federates.runtime.identity import RunIdentity

__all__ = ["Partner"]

_LEAVE_S = 2.0


class Partner:
    """Plays ``role``, and can send and read the topics it is given, whichever role they belong to.

    HELICS calls that wait are begun here and looked after by the owner (`done`, then `complete`), so that one thread can serve
    several partners, watch a process and keep a limit. Its inputs have no type: a publication of a wrong type is to be found
    and named, not to end the federation.
    """

    def __init__(self, role: Role, identity: RunIdentity, sends: Iterable[Topic], reads: Iterable[Topic]) -> None:
        self.role = role
        self._pending: Callable[[], Any] | None = None
        self._fed: Any = h.helicsCreateValueFederate(role.value, _federate_info(role, identity))
        register = h.helicsFederateRegisterGlobalTypePublication
        self._publications = {t.key: register(self._fed, t.key, t.type_name, "") for t in sends}
        self._inputs = {t.key: self._register_input(t) for t in reads}

    def begin_initializing(self) -> None:
        """Begin to enter HELICS's initializing mode."""
        h.helicsFederateEnterInitializingModeAsync(self._fed)
        self._pending = lambda: h.helicsFederateEnterInitializingModeComplete(self._fed)

    def begin_executing(self) -> None:
        """Begin to enter HELICS's executing mode."""
        h.helicsFederateEnterExecutingModeAsync(self._fed)
        self._pending = lambda: h.helicsFederateEnterExecutingModeComplete(self._fed)

    def request(self, time_s: float) -> None:
        """Begin to ask for ``time_s``."""
        h.helicsFederateRequestTimeAsync(self._fed, time_s)
        self._pending = lambda: h.helicsFederateRequestTimeComplete(self._fed)

    @property
    def waits(self) -> bool:
        """Whether something was begun and not completed."""
        return self._pending is not None

    def done(self) -> bool:
        """Whether what was begun can be completed without waiting."""
        return bool(h.helicsFederateIsAsyncOperationCompleted(self._fed))

    def complete(self) -> Any:
        """Complete what was begun; return the granted time after a request."""
        pending, self._pending = self._pending, None
        assert pending is not None, "nothing was begun"
        return pending()

    def publish(self, key: str, payload: bytes) -> None:
        """Send ``payload`` on a topic."""
        h.helicsPublicationPublishBytes(self._publications[key], payload)

    def read(self, key: str) -> bytes:
        """Return the newest message of a topic."""
        return bytes(h.helicsInputGetBytes(self._inputs[key]))

    def updates(self) -> dict[str, bytes]:
        """Return every message that came with the last grant, by topic key; the session is no message of a round."""
        updated = [key for key, handle in self._inputs.items() if key != SESSION_KEY and h.helicsInputIsUpdated(handle)]
        return {key: self.read(key) for key in updated}

    def ask(self, federate: str, question: str) -> Any:
        """Return HELICS's answer to a query about ``federate``."""
        # pyhelics frees the query with its Python object; freeing it here as well would free what is there by then.
        query = h.helicsCreateQuery(federate, question)
        return h.helicsQueryExecute(query, self._fed)

    def fail(self, message: str) -> None:
        """End the federation with an error, as an agent does that has failed."""
        h.helicsFederateGlobalError(self._fed, 1, message)

    def leave(self) -> None:
        """Leave in good order, unless something that was begun is still under way: HELICS would wait for that."""
        if self._pending is not None and self.done():
            with contextlib.suppress(h.HelicsException):
                self.complete()
        if self._pending is None:
            _at_most(lambda: h.helicsFederateDisconnect(self._fed))

    def close(self) -> None:
        """Free the HELICS objects; the federation has ended."""
        self._pending = None
        # pyhelics frees a federate when its object goes. Freed here as well, it would be freed twice, and the second time its
        # address may be that of a later life's federate (seen with HELICS 3.6.1).
        last, self._fed = [self._fed], None
        _at_most(last.clear)

    def _register_input(self, entry: Topic) -> Any:
        handle = h.helicsFederateRegisterTypeInput(self._fed, f"in/{entry.key}", "", "")
        h.helicsInputAddTarget(handle, entry.key)
        # One that is not published is reported by the check of the topics, not by a warning on the terminal.
        h.helicsInputSetOption(handle, h.HELICS_HANDLE_OPTION_CONNECTION_OPTIONAL, 1)
        return handle


def _at_most(call: Callable[[], Any]) -> None:
    """Carry out a call of HELICS for at most `_LEAVE_S`; errors are those of a federation that has ended.

    Now and then HELICS 3.6.1 never returns from it after an error of the whole federation. The thread is then given up.
    """

    def carry_out() -> None:
        with contextlib.suppress(h.HelicsException):
            call()

    thread = threading.Thread(target=carry_out, name="portage-conform leaves", daemon=True)
    thread.start()
    thread.join(_LEAVE_S)


def _federate_info(role: Role, identity: RunIdentity) -> Any:
    info = h.helicsCreateFederateInfo()
    h.helicsFederateInfoSetCoreTypeFromString(info, identity.broker.core_type)
    h.helicsFederateInfoSetCoreName(info, f"{identity.run_id}-{role}")
    h.helicsFederateInfoSetCoreInitString(info, core_init_string(identity))
    h.helicsFederateInfoSetTimeProperty(info, h.HELICS_PROPERTY_TIME_DELTA, 1e-9)
    # What is wrong, a breach says.
    h.helicsFederateInfoSetIntegerProperty(info, h.HELICS_PROPERTY_INT_LOG_LEVEL, h.HELICS_LOG_LEVEL_NO_PRINT)
    h.helicsFederateInfoSetFlagOption(info, h.HELICS_FLAG_TERMINATE_ON_ERROR, True)
    h.helicsFederateInfoSetFlagOption(info, h.HELICS_FLAG_UNINTERRUPTIBLE, True)
    return info

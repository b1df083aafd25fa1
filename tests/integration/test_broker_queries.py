"""What the broker asks HELICS has an end, also in the moment in which a federation breaks: then HELICS never answers."""

import threading
import time

import pytest

from federates.runs import broker_core
from federates.runs.broker_core import Broker
from federates.runtime.broker_config import BrokerConfig
from federates.runtime.helics_api import h
from federates.runtime.helics_core import federate_info
from federates.runtime.identity import RunIdentity

_ROOM_S = 3.0


def _breaks(member, after_s):
    time.sleep(after_s)
    h.helicsFederateGlobalError(member, 1, "asked for by the test")
    h.helicsFederateDisconnect(member)


@pytest.mark.faults
def test_a_question_in_the_moment_of_a_break_has_an_end(tmp_path):
    """About one in 150 breaks meets a question; nothing of it may hold the one who asks, or the end of the broker."""
    config = BrokerConfig(schema_version=1, core_type="inproc")
    longest_s = 0.0
    for number in range(100):
        identity = RunIdentity(
            f"break{number}", str(tmp_path), str(tmp_path), 24_000, "key", config, "rail", {"a": "power_operator"}
        )
        with Broker(identity) as broker:
            member = h.helicsCreateValueFederate("a", federate_info("a", identity))
            h.helicsFederateEnterExecutingMode(member)
            breaking = threading.Thread(target=_breaks, args=(member, 0.002 * (number % 10)))
            breaking.start()
            end_s = time.monotonic() + 0.1
            while (begun_s := time.monotonic()) < end_s:
                broker.joined()
                longest_s = max(longest_s, time.monotonic() - begun_s)
            breaking.join()
            leaves_s = time.monotonic()
        longest_s = max(longest_s, time.monotonic() - leaves_s)
    assert longest_s < broker_core._ANSWER_S + _ROOM_S

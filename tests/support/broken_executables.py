"""Executables with one fault each, the check of the wire that must find it, and what it must say.

Operators are strangers in plain `helics` (`wire_operator`); coordinators and traffic models are small classes in the runtime's
own loops, into which the fault is put (`faulty_runtime`).
"""

import shutil
import sys
from pathlib import Path

from federates.runtime.broker_config import AuditConfig, BrokerConfig

HERE = Path(__file__).parent

OPERATORS = [
    ("refuses", "wire.joins", "no plan for such a day"),
    ("old_version", "wire.joins", "mismatched types"),
    ("extra_topic", "wire.topics", "fuel_price, which is not in the topic table"),
    ("no_answer", "wire.answers", "nothing has come on"),
    ("crashes", "wire.answers", "asked for by the test"),
    ("leaves", "wire.answers", "exit code 0"),
    ("one_too_many", "wire.shape", "do not fill shape"),
    ("not_finite", "wire.shape", "every value must be finite"),
    ("unsigned", "wire.signed", "are no signed message"),
    ("old_stamp", "wire.stamp", "round 1"),
    ("hangs", "wire.in_time", "not done within"),
    ("chatters", "wire.silence", "came unasked"),
    ("counts_repetitions", "wire.repeated", "the second answer differs"),
    ("never_ends", "wire.stop", "it still runs"),
    ("answers_late", "wire.late", "came for round 2"),
    ("trusts", "wire.tampered", "came for round 2"),
    ("ignores_failure", "wire.failure", "it still runs"),
]
OPERATORS_TOO = [
    ("half_a_number", "wire.shape", "bytes"),
    ("never_ready", "wire.joins", "not done within"),
    ("another_name", "wire.joins", "stranger has joined, but is no agent of this run"),
    ("never_joins", "wire.joins", "not done within"),
    ("never_opens", "wire.in_time", "not done within"),
    ("topic_missing", "wire.topics", "it does not publish"),
    ("overhears", "wire.topics", "only power_operator may"),
    ("endpoint", "wire.topics", "has endpoint"),
    ("leaves_when_late", "wire.late", "as if all were well"),
    ("ends_badly", "wire.stop", "exit code 4"),
    ("calls_failure_success", "wire.failure", "as if the run were complete"),
]
"""Other ways to break the same rules."""

_BOTH = [
    ("extra_topic", "wire.topics", "fuel_price"),
    ("no_answer", "wire.answers", "nothing"),
    ("one_too_many", "wire.shape", "do not fill shape"),
    ("not_finite", "wire.shape", "every value must be finite"),
    ("unsigned", "wire.signed", "are no signed message"),
    ("old_stamp", "wire.stamp", "is stamped"),
    ("hangs", "wire.in_time", "not done within"),
    ("chatters", "wire.silence", "came"),
    ("never_ends", "wire.stop", "it still runs"),
    ("ends_badly", "wire.stop", "exit code 4"),
    ("ignores_failure", "wire.failure", "it still runs"),
]
ALTERS_OPENING = ("alters_opening", "wire.passed_on", "coordinator/transport_operator/gate_time_s: [411.921, ")
COORDINATORS = [*_BOTH, ("another_session", "wire.joins", "differs in seed"), ("takes_late_for_new", "wire.late", "round")]
COORDINATORS.append(("trusts", "wire.tampered", "round"))
TRAFFIC_MODELS = [
    *_BOTH,
    ("takes_late_for_new", "wire.late", "it ran the period"),
    ("trusts", "wire.tampered", "it ran the period"),
    ("calls_failure_success", "wire.failure", "as if the run were complete"),
]
_CLASSES = {"coordinator": "good_agents:GoodAlgorithm", "traffic_sumo": "good_agents:GoodTraffic"}
_NOT_CONFINED = BrokerConfig(schema_version=1, audit=AuditConfig(sandbox="off"))


def executable(role: str, fault: str, folder: Path) -> dict:
    """Return what `ExecutableTarget` must be told of the executable with ``fault`` (empty: none); ``folder`` becomes its own."""
    if role not in _CLASSES:
        for name in ("foreign_operator.py", "wire_operator.py"):
            shutil.copy(HERE / name, folder)
        return {"role": role, "command": [sys.executable, "wire_operator.py", fault], "folder": folder}
    # These import Portage from where it is being worked on, which lies outside an executable's own folder.
    command = [sys.executable, str(HERE / "faulty_runtime.py"), _CLASSES[role], fault]
    return {"role": role, "command": command, "folder": folder, "broker": _NOT_CONFINED}

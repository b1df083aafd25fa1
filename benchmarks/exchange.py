"""Floor of a round: the bare HELICS exchange of the federation, with nothing around it.

Three processes and a broker: a coordinator that sends a vector to two operators and reads two vectors of each, in lock-step
micro-steps, with no check, no table and no mathematics. The coordinator waits for the operators' grants
(`wait_for_current_time_update`), so that one step is one whole round.
"""

from __future__ import annotations

import multiprocessing
import os
import time

import helics as h
import numpy as np

_VECTOR = np.zeros(18).tobytes()
_STEP_S = 0.001


def _federate(name: str, port: int, sends: dict[str, list[str]], rounds: int, out: multiprocessing.Queue) -> None:
    info = h.helicsCreateFederateInfo()
    h.helicsFederateInfoSetCoreTypeFromString(info, "zmq")
    h.helicsFederateInfoSetCoreInitString(info, f"-f 1 --local --broker_address=127.0.0.1 --brokerport={port} --loglevel=error")
    h.helicsFederateInfoSetFlagOption(info, h.HELICS_FLAG_UNINTERRUPTIBLE, True)
    h.helicsFederateInfoSetFlagOption(info, h.HELICS_FLAG_WAIT_FOR_CURRENT_TIME_UPDATE, name == "coordinator")
    fed = h.helicsCreateValueFederate(name, info)
    outs = [h.helicsFederateRegisterTypePublication(fed, topic, "bytes", "") for topic in sends[name]]
    keys = [f"{other}/{topic}" for other, topics in sends.items() for topic in topics]
    heard = [k for k in keys if not k.startswith(name) and (name == "coordinator" or k.startswith("coordinator"))]
    ins = []
    for key in heard:
        ins.append(h.helicsFederateRegisterTypeInput(fed, f"in/{key}", "bytes", ""))
        h.helicsInputAddTarget(ins[-1], key)
    h.helicsFederateEnterExecutingMode(fed)
    started = time.perf_counter()
    for number in range(1, rounds + 1):
        for publication in outs:
            h.helicsPublicationPublishBytes(publication, _VECTOR)
        h.helicsFederateRequestTime(fed, number * _STEP_S)
        for handle in ins:
            if h.helicsInputIsUpdated(handle):
                h.helicsInputGetBytes(handle)
    if name == "coordinator":
        out.put((time.perf_counter() - started) / rounds)
    h.helicsFederateDisconnect(fed)


def exchange_s(rounds: int = 1000) -> float:
    """Return the wall-clock time of one bare round, s."""
    sends = {"coordinator": ["command", "prices"], "power": ["asked", "cost"], "transport": ["offered", "cost"]}
    port = 55_000 + (os.getpid() % 200) * 40
    broker = h.helicsCreateBroker("zmq", "", f"-f 3 --local --port={port} --loglevel=error")
    context = multiprocessing.get_context("spawn")
    out = context.Queue()
    processes = [context.Process(target=_federate, args=(name, port, sends, rounds, out)) for name in sends]
    for process in processes:
        process.start()
    result = float(out.get(timeout=120))
    for process in processes:
        process.join(30)
    h.helicsBrokerDisconnect(broker)
    return result


if __name__ == "__main__":
    print(f"bare round: {1000 * exchange_s():.2f} ms")

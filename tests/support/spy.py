"""A federate that belongs to nobody: it knows the run's key and wants to hear what only the coordinator may.

``python spy.py start`` joins with the agents; ``python spy.py late`` joins as an observer while they negotiate.
"""

import sys
import time
from pathlib import Path

import helics as h

from federates.runtime.helics_core import federate_info
from federates.runtime.identity import wait_for_identity

identity = wait_for_identity()
info = federate_info("spy", identity)
if sys.argv[1] == "late":
    while not (Path(identity.run_folder) / "coordinator" / "schedule.parts").exists():
        time.sleep(0.05)
    h.helicsFederateInfoSetFlagOption(info, h.HELICS_FLAG_OBSERVER, True)
spy = h.helicsCreateValueFederate("spy", info)
ear = h.helicsFederateRegisterTypeInput(spy, "ear", "", "")
h.helicsInputAddTarget(ear, "power_operator/cost_usd")
h.helicsFederateEnterExecutingMode(spy)
print("the spy is in", flush=True)
while True:
    h.helicsFederateRequestNextStep(spy) if hasattr(h, "helicsFederateRequestNextStep") else h.helicsFederateRequestTime(spy, 1e9)
    if h.helicsInputIsUpdated(ear):
        print("the spy heard", len(h.helicsInputGetBytes(ear)), "bytes", flush=True)

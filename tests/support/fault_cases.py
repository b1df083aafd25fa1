"""Faults that are put into real runs, one each: where, what, and who must be named.

`tests/end_to_end/test_fault_table.py` runs those (marker ``faults``), and ``studies/make_reliability.py`` makes a page of how
they end. A case is a line of `CASES`; what it does to a run is a function of `Running`, in `fault_actions`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import fault_actions as do
from fault_runs import Running

COMPLETE = ""
"""In place of a culprit: the run completes all the same."""


@dataclass(frozen=True)
class Case:
    """One fault.

    ``world`` is ``road`` or ``rail`` (small agents of tests/support) or ``la`` (the Los Angeles scenario, with SUMO). ``phase``
    is a key of `fault_runs.PHASES`. ``named`` is how ``failure`` in ``run.json`` begins, or all the ways in which it may begin
    (`COMPLETE`: the run must complete), and ``said`` stands in it too.
    """

    name: str
    phase: str
    act: Callable[[Running], None]
    named: str | tuple[str, ...]
    said: str = ""
    world: str = "road"
    launchers: tuple[str, ...] = ("portage", "helics")
    settings: dict[str, Any] = field(default_factory=dict)
    limit_s: float = 15.0

    def as_wanted(self, launcher: str, outcome: dict[str, Any]) -> bool:
        """Whether a run ended as wanted; ``outcome`` has the fields of `fault_runs.Outcome`."""
        if outcome["gone_s"] is None:
            return False
        if self.named == COMPLETE:
            return (outcome["code"], outcome["status"]) == (0, "complete")
        named = outcome["failure"].startswith(self.named) and self.said in outcome["failure"]
        # `helics run` has its own exit code, which is 0 after some failures.
        return (
            named
            and outcome["status"] == "failed"
            and outcome["seconds"] < self.limit_s
            and (launcher == "helics" or outcome["code"] != 0)
        )


_STOPPED = "no sign of life for 5 s"
_HUNG = [
    Case(f"{agent} is stopped", phase, do.send("STOP", agent), agent, _STOPPED, world)
    for phase in ("joining", "negotiation")
    for world, agents in (
        ("road", ("power_operator", "transport_operator", "traffic_sumo", "coordinator")),
        ("rail", ("power_operator", "transport_operator", "coordinator")),
    )
    for agent in agents
]
_HUNG += [
    Case("SUMO is stopped", "traffic", do.send("STOP", "sumo"), "traffic_sumo: sumo", _STOPPED, "la"),
    Case("the broker is stopped", "negotiation", do.send("STOP", "broker"), "broker", _STOPPED, launchers=("portage",)),
    Case(
        "the solver waits in C and holds the interpreter",
        "misbehaving",
        do.nothing,
        "power_operator",
        _STOPPED,
        settings={"power": {"fault": "stuck"}},
    ),
    Case(
        "the solver never ends, in Python",
        "misbehaving",
        do.nothing,
        "power_operator",
        "solve in period 1, round 1 took longer than 4 s",
        settings={"power": {"fault": "sleep"}, "answer_s": 4},
    ),
]
_SHORT = {"periods": 6}
_PAUSED = [
    Case(f"{who} is stopped for 3 s", "negotiation", do.pause(3, who), COMPLETE, settings=_SHORT)
    for who in ("power_operator", "coordinator", "traffic_sumo", "broker")
]
_PAUSED += [
    Case("everything is stopped for 20 s (Ctrl-Z, fg)", "negotiation", do.pause_everything(20), COMPLETE, settings=_SHORT),
    Case("the launcher is stopped for 10 s", "negotiation", do.pause(10, "launcher"), COMPLETE, settings=_SHORT),
]
_SIGNALS = [
    Case(f"{agent} gets {signal}", "negotiation", do.send(signal, agent), agent, signal, world)
    for world, agents in (
        ("road", ("power_operator", "traffic_sumo", "coordinator")),
        ("rail", ("power_operator", "transport_operator")),
    )
    for agent in agents
    for signal in ("SEGV", "TERM", "KILL")
]
_SIGNALS += [
    Case("SUMO is killed", "traffic", do.send("KILL", "sumo"), "traffic_sumo: SUMO failed", "SIGKILL", "la"),
    Case("the broker is killed", "negotiation", do.send("KILL", "broker"), "broker", "SIGKILL", launchers=("portage",)),
    Case("power_operator is killed before it joins", "joining", do.send("KILL", "power_operator"), "power_operator", "SIGKILL"),
]

_AGENTS = ("power_operator", "transport_operator", "traffic_sumo", "coordinator")
_NO_SPACE = "no space left on the device: "
_DISK = {"disk": ("8m", "asked")}
_ENDINGS = [
    Case(
        f"the launcher gets SIG{signal}",
        "negotiation",
        do.send(signal, "launcher"),
        "portage: interrupted",
        said,
        launchers=("portage",),
    )
    for signal, said in (("INT", "by the user"), ("TERM", "by SIGTERM"), ("HUP", "by SIGHUP"))
]
_ENDINGS += [
    Case("everything is killed at once", "negotiation", do.kill_everything, "ended from outside", "is gone"),
    Case("the disk is full", "negotiation", do.fill_the_disk, _AGENTS, _NO_SPACE, settings=_DISK),
    Case("the disk is full", "report", do.fill_the_disk, "broker", _NO_SPACE, settings=_DISK | {"periods": 3}),
    Case(
        "the disk is too small",
        "start",
        do.nothing,
        (*_AGENTS, "broker"),
        _NO_SPACE,
        settings={"disk": ("100k", "start")},
        limit_s=60,
    ),
    Case(
        "the coordinator is killed",
        "report",
        do.send("KILL", "coordinator"),
        COMPLETE,
        settings={"periods": 3},
        launchers=("portage",),
    ),
]

CASES: list[Case] = [*_HUNG, *_PAUSED, *_SIGNALS, *_ENDINGS]

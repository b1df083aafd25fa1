"""Conformance of executables: the program runs behind HELICS as in a run, with partners in the loops of the runtime.

The protocol is what those loops ask (docs/decisions/0002, 0007, 0008; the topics: docs/boundary.md). ``d`` is the round step,
``T`` the length of a period, ``p`` a period, ``r`` a round; every message begins with the period and round it belongs to.

An operator requests the times p T + d, p T + 2 d, ... one by one while period p is negotiated, with HELICS's option
*uninterruptible*. If ``coordinator/command`` is new with a grant, the operator does what it says and publishes every topic of
the answer, stamped (p, r) as the command is, before its next request:

- open (r = 0): the topics of its opening. From p = 1 on, a model's topics of p - 1 have come. What other operators have said is
  passed on by the coordinator afterwards, stamped (p, 0), before the first question or with it.
- solve, relax, evaluate (r = 1, 2, ...): for each exchange the quantity and the slope, which may have no row, and the cost. The
  prices or quantities that belong to the question come with the command and bear its stamp; if they do not, they are late.
- commit: the topics of its dispatch, if it has any. The next request is (p + 1) T + d.
- stop: leave the federation and end with exit code 0. It may come at any time; in a run it comes after ``open`` of the period
  behind the last one.

An agent that reports requests p T + d once a period, and opens p with what it has heard of p - 1: the coordinator's dispatch to
it, and a model's topics. It says the topics of its openings, each hearer its own; behind the last period it requests d more and
ends. No command reaches it.

A command may be missing from a grant: then there is nothing to say. A model requests p T + o (the dispatch offset), moves through
p with the dispatch that bears its stamp, requests (p + 1) T and then publishes its topics, stamped p; after the last period it
requests one dispatch more and ends. The coordinator publishes the session before the first period, then commands as above, asking
for the next micro-step until all answers have come; it waits until everyone is ready before the first ``open``, and steps once
more after ``stop``. A HELICS error ends every agent, with another exit code than 0.
"""

from federates.conformance.through_helics.checks import WIRE_BASICS, wire_checks
from federates.conformance.through_helics.target import ExecutableTarget

__all__ = ["WIRE_BASICS", "ExecutableTarget", "wire_checks"]

"""Tables that a run leaves behind: name, owner, columns. The figures and the report read only these.

An agent may record tables of its own beside them. ``period`` is 0-based, ``time_s`` counts from the start of the run,
names of stations and links are those of the session. Wall-clock times live in ``timings`` alone, and in real time in ``pace``
and ``late_answers``, so that every other table of two runs with the same seed is identical.
"""

from __future__ import annotations

from federates.boundary.bound_kinds import BoundKind
from federates.boundary.names import Role
from federates.boundary.table import Table
from federates.boundary.world import world_names, world_of

__all__ = ["COMMON", "Table", "table", "tables_of"]

_KINDS = ", ".join(kind.word for kind in BoundKind)

COMMON: tuple[Table, ...] = (
    Table(
        "rounds",
        Role.COORDINATOR,
        "One row per round: what the answers prove, as worked out by the loop that asks the operators. NaN: none yet.",
        {
            "period": "period",
            "round": "round, from 1",
            "command": "solve, relax or evaluate",
            "bound_usd": "sum of all proven bounds in this answer to prices (NaN: evaluate)",
            "lower_bound_usd": "best lower bound so far (NaN: none): of the sums at prices of which none is negative (of any "
            "sign for trains whose end is announced and in reach)",
            "upper_bound_usd": "best upper bound so far (NaN: none): least cost of a plan, the power operator's of what it "
            "uses plus the transport operator's of an offer that covers it",
            "gap": "(UB - LB) / |UB| (NaN while there is none)",
            "residual_veh": "sum of |asked - offered|",
            "shortfall_veh": "sum of max(0, asked - offered)",
            "lower_bound_kinds": "what the agents' parts of the best lower bound rest on, in their order (empty: none yet)",
        },
    ),
    Table(
        "prices",
        Role.COORDINATOR,
        "Multiplier of every connection entry and round of solve or relax. Prices of zero are left out.",
        {
            "period": "period",
            "round": "round, from 1",
            "exchange": "name of the exchange",
            "source": "name along its first dimension: r (road) or train",
            "station": "q (road) or station",
            "for_period": "period that the entry is of: on the road the opened one or later, by rail one of the day",
            "price_usd_per_veh": "multiplier",
        },
    ),
    Table(
        "answers",
        Role.COORDINATOR,
        "What was asked and offered, per connection entry and round; by rail of periods that are still open. Zeros are left out.",
        {
            "period": "period",
            "round": "round, from 1",
            "agent": "name of the agent",
            "exchange": "name of the exchange",
            "source": "name along its first dimension: r (road) or train",
            "station": "q (road) or station",
            "for_period": "period that the entry is of",
            "connection_veh": "wanted (solve, relax); used of what is offered, or sent of what is asked (evaluate)",
        },
    ),
    Table(
        "answer_costs",
        Role.COORDINATOR,
        "What each operator said of its cost, per round.",
        {
            "period": "period",
            "round": "round, from 1",
            "agent": "power_operator or transport_operator",
            "cost_usd": "own cost of its answer, without multipliers",
            "bound_usd": "its proven bound",
            "bound_kind": f"what it rests on: {_KINDS}",
        },
    ),
    Table(
        "negotiations",
        Role.COORDINATOR,
        "One row per negotiation: on the road every period, by rail the first is day-ahead and others follow a disturbance. "
        "What the answers prove of the committed plan, and beside it what the algorithm claims. NaN: not known.",
        {
            "period": "period in which it was held",
            "cause": "a new period (road), day ahead, or what broke the plan (rail)",
            "rounds": "number of rounds",
            "agreed": "the algorithm says so, both operators have named a cost that holds for the plan, no bounds contradict "
            "each other, and claimed_gap is at most agreed_gap of broker.yaml; as claimed where the scheme negotiates nothing",
            "verdict": "why it is agreed or not, in words",
            "lower_bound_usd": "lower bound that the answers prove (NaN: none)",
            "upper_bound_usd": "cost of both operators with the committed plan by their answers (NaN: not told); on the "
            "road before the opened period was rounded to whole vehicles",
            "gap": "(UB - LB) / |UB| of these two (NaN: not known)",
            "claimed_agreed": "the algorithm says that the operators agreed, by its own stopping rule",
            "reason": "why the rounds ended, in the algorithm's words",
            "claimed_lower_bound_usd": "the algorithm's own lower bound (NaN: it names none)",
            "claimed_gap": "gap with the better of both lower bounds (NaN: not known)",
            "ended_by_time": "the algorithm says that a limit of time ended the rounds: on another computer the plan may differ",
        },
    ),
    Table(
        "timings",
        Role.COORDINATOR,
        "Wall-clock times; every agent has this table. The coordinator's are of whole negotiations, the others' of one answer.",
        {
            "period": "period",
            "round": "round; of the coordinator: number of rounds",
            "activity": "command, negotiation, algorithm, run, checkpoint or resume",
            "wall_s": "wall-clock time, s",
        },
    ),
    Table(
        "bound_misses",
        Role.POWER_OPERATOR,
        "Linear programmes whose proven bound missed the objective that the solver gave, and that were solved again from cold; a "
        "solver that errs nowhere leaves no row. The transport operator has this table too.",
        {
            "period": "period in which it was asked",
            "round": "round",
            "activity": "solve or evaluate",
            "objective_usd": "the solver's objective",
            "safe_bound_usd": "bound proven from its dual values",
            "cold_objective_usd": "objective of the second solve",
            "cold_safe_bound_usd": "bound proven from the second dual values",
            "cold_agrees": "whether the second bound meets the second objective",
        },
        exceptional=True,
    ),
    Table(
        "network",
        Role.COORDINATOR,
        "What became of every message that came to this agent over the network; every agent has one. Without `network:` in "
        "the session there is none.",
        {
            "period": "period",
            "round": "round of the question that it asks or answers; 0: no round",
            "sender": "name of the agent that sent it",
            "message": "solve, relax or evaluate (a question), answer, another command, or the topic",
            "links": "classes of the sender's and of the receiver's link",
            "fate": "heard, late (in a later round) or lost; what is no question or answer is repeated until it is heard",
            "rounds_late": "rounds by which it is late",
            "latency_s": "time until it is heard, s, repeats included (NaN: lost)",
            "sent": "how often it was sent",
            "copies": "how many copies arrived; all after the first change nothing",
        },
        exceptional=True,
    ),
    Table(
        "commits",
        Role.COORDINATOR,
        "How every plan was acknowledged over the network, one row a period; without `network:` in the session there is none.",
        {
            "period": "period",
            "outcome": "what is carried out: agreed plan, last agreed plan or nothing",
            "rounds": "rounds in which the plan was told until all had acknowledged it, or it was given up",
            "not_acknowledged": "agents that had not acknowledged the plan when it was given up",
        },
        exceptional=True,
    ),
    Table(
        "pace",
        Role.COORDINATOR,
        "How a run kept real time, one row a period; without `--real-time` there is none. Times count from when the first "
        "period opened, without that in which the run was held.",
        {
            "period": "period",
            "due_s": "when it was due, s",
            "opened_s": "when it was opened, s",
            "committed_s": "when its plan was carried out, s",
            "late_s": "how late it was opened, s",
            "in_time": "whether it was committed before its end",
            "given_up": "whether its plan was given up: nothing moves",
            "factor": "simulated seconds in one second",
            "strict": "whether answers after the end of a period are missing",
        },
        exceptional=True,
    ),
    Table(
        "late_answers",
        Role.COORDINATOR,
        "What came after the end of its period in real time, one row each; without `--real-time` there is none.",
        {
            "period": "period",
            "round": "round; 0: no round",
            "activity": "what the agent did: open, solve, relax, evaluate, commit or stop; run of the world's model",
            "agent": "name of the agent",
            "took_s": "time from when it was asked (run: from when its period was opened) until it was done, s",
            "late_s": "time from the end of the period until it was done, s",
        },
        exceptional=True,
    ),
)
"""Of every world: rounds, what was said in them, how they ended, and what is carried out; then what every agent leaves."""


def table(name: str) -> Table:
    """Return the table with this name, of whichever world; raise KeyError if there is none."""
    return {entry.name: entry for world in world_names() for entry in tables_of(world)}[name]


def tables_of(world: str) -> tuple[Table, ...]:
    """Return the tables that a run of a world may leave."""
    return (*COMMON, *world_of(world).tables)

"""Versions of the boundary: what changed in each, and the fingerprint that a version stands for.

The rule: whoever changes the table (`federates.boundary.topics`) or the session raises `BOUNDARY_VERSION` and adds an entry here.
A test compares `federates.boundary.schemas.fingerprint` with the last entry's. A released version's fingerprint is never edited:
partners in other languages are built against it, and HELICS lets only equal versions meet.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Version:
    """One version of the boundary. ``fingerprint`` is None for versions older than fingerprints."""

    number: int
    fingerprint: str | None
    changes: tuple[str, ...]


VERSIONS: tuple[Version, ...] = (
    Version(1, None, ("The road: power operator, transport operator, traffic model and coordinator.",)),
    Version(
        2,
        "10826a6c99ede733",
        (
            "The session has `world` (`road` if it is missing) and two forms; a topic or table belongs to one world or to both.",
            "Command `relax` (5).",
            "Topic `power_operator/power_slope_usd_per_veh`, with every answer of the power operator; no row if there is none.",
            "By rail, topic `transport_operator/train_ready`, passed on by the coordinator.",
        ),
    ),
    Version(
        3,
        "7d5b4bc28fbdc463",
        (
            "Every topic has a grid, `decimals` and `rounding`: values are rounded where they are sent and read.",
            "Topic `train_ready` has a third column: where each train ends the day.",
            "`power_cost_usd` and `transport_cost_usd` have a third value: the number of the kind of the bound.",
        ),
    ),
    Version(
        4,
        "38879d9849f87288",
        (
            "An agent has a name and a role; the session lists the agents, of which there may be several of a role, and what "
            "part of it is an agent's own. Every agent is announced the session as it sees it, `coordinator/<agent>/session`.",
            "What agents agree on is an exchange: `delivery` on the road, `connection` by rail. Its topics are "
            "`<agent>/delivery_veh`, `<agent>/delivery_slope_usd_per_veh`, `coordinator/<agent>/delivery_price_usd_per_veh` and "
            "`coordinator/<agent>/delivery_veh`; by rail `connection`, `connection_slope_usd` and `connection_price_usd`.",
            "`<agent>/cost_usd` has cost, bound and kind of bound; every agent sends a slope, with no row if there is none.",
            "By rail a message holds the open periods only: entry 0 of its last dimension is the opened period in every world.",
            "What the coordinator passes on and what the traffic model tells of stations is addressed to each receiver.",
            "With fleets, a third world: two exchanges, `delivery` and `passage`, and the roles `mves_fleet` and "
            "`charging_station`. A message may be `direct`: it opens a period and goes to its hearers, not to the coordinator.",
        ),
    ),
    Version(
        5,
        "af2211972f4428ec",
        ("The session may have `network`: classes of links between the agents, and who uses which; without it nothing changes.",),
    ),
    Version(
        6,
        "fab4250f3270f223",
        (
            "Every message is signed: signature, number and address stand before what it carries. Executables get their key and "
            "the roster of all keys in `PORTAGE_KEY`, `PORTAGE_ROSTER`, `PORTAGE_ROSTER_KEY` and `PORTAGE_RUN`.",
            "With fleets the session may have `private_sum`: the fleets' answers cross masked, as a sum, by topics of their own "
            "(docs/private_sum.md); without it nothing changes.",
        ),
    ),
)
"""All versions, oldest first."""

"""The boundary: the one table of everything that may cross between agents.

HELICS interfaces, the docs page, the wiring check and the message check are all made from `TOPICS`; an agent
can publish nothing else. A message is a vector of 64-bit little-endian floats ``[period, round, *values]``, its values in
C order of the topic's shape. Its HELICS type string is ``portage.<topic>/v<version>``: HELICS itself refuses a partner
with another version at start. Letters in a shape: see `federates.boundary.session.Session.sizes`; ``E`` is free (any number of
rows). (N, M, H) is the shape of a connection: resourceful stations, limited stations, horizon on the road; trains, stations,
periods by rail, where a vehicle is a train and 1 means that it stands there.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from federates.boundary.bound_kinds import BoundKind
from federates.boundary.names import Role, World

__all__ = [
    "BOUNDARY_VERSION",
    "MAX_ROUTE_LINKS",
    "PASSED_ON",
    "TOPICS",
    "Command",
    "Role",
    "Rounding",
    "Topic",
    "passed_on",
    "received_by",
    "roles_of",
    "sent_by",
    "topic",
]

BOUNDARY_VERSION = 3
"""Raised whenever a topic's meaning, unit or shape changes."""

MAX_ROUTE_LINKS = 16
"""Most links a route may have; shorter routes are padded with -1."""


class Command(IntEnum):
    """What the coordinator tells the operators to do."""

    OPEN = 0
    """A period begins: take in the observation of the last one, publish gate and travel times."""
    SOLVE = 1
    """Answer the multipliers with the own best connection."""
    EVALUATE = 2
    """Say what the given connection would cost."""
    COMMIT = 3
    """The first period of the given connection is final: carry it out."""
    STOP = 4
    """The run is over."""
    RELAX = 5
    """Answer the multipliers with the own best connection in the linear relaxation: quick, and may be fractional."""


class Rounding(StrEnum):
    """Which point of the grid a value becomes."""

    NEAREST = "nearest"
    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Topic:
    """One quantity that crosses the boundary."""

    sender: Role
    name: str
    unit: str
    shape: tuple[str | int, ...]
    receivers: tuple[Role, ...]
    meaning: str
    world: World | None = None
    """The only world that has this topic; None: both."""
    most_rows: int | None = None
    """Most rows of the free dimension ``E``, where there is a limit: room for more could carry what nobody agreed on."""
    decimals: int = 6
    """The grid of its values: they are rounded to so many decimal places where they are sent and again where they are read, so
    that rounding error, which differs between processors, does not cross. Programs need not round."""
    rounding: tuple[Rounding, ...] = (Rounding.NEAREST,)
    """How they are rounded: one rule for all values, or one for each entry of the last dimension."""

    @property
    def key(self) -> str:
        """Return the HELICS key, ``<sender>/<name>``."""
        return f"{self.sender}/{self.name}"

    @property
    def type_name(self) -> str:
        """Return the HELICS type string, which carries the boundary's version."""
        return f"portage.{self.name}/v{BOUNDARY_VERSION}"


_ROAD, _RAIL = World.ROAD, World.RAIL
_C, _P, _T, _X = Role.COORDINATOR, Role.POWER_OPERATOR, Role.TRANSPORT_OPERATOR, Role.TRAFFIC
_CONNECTION: tuple[str | int, ...] = ("N", "M", "H")
_MONEY = (Rounding.UP, Rounding.DOWN, Rounding.NEAREST)
"""Of a cost, its bound and the bound's kind: the cost stays one that is enough, the bound stays proven."""
_KINDS = "number of the bound's kind: " + ", ".join(f"{kind.value} {kind.word}" for kind in BoundKind)

TOPICS: tuple[Topic, ...] = (
    Topic(
        _C, "session", "json", (), (_P, _T, _X), "Public agreement of the run, as JSON text; sent once, before the first period."
    ),
    Topic(
        _C, "command", "1", (1,), (_P, _T), "What to do now: 0 open, 1 solve, 2 evaluate, 3 commit, 4 stop, 5 relax.", decimals=0
    ),
    Topic(_C, "multipliers_usd_per_veh", "usd/veh", _CONNECTION, (_P, _T), "Price of one unit of the connection."),
    Topic(
        _C,
        "power_connection_veh",
        "veh",
        _CONNECTION,
        (_P,),
        "Vehicles offered to the power operator, to evaluate or as committed.",
    ),
    Topic(
        _C,
        "transport_connection_veh",
        "veh",
        _CONNECTION,
        (_T,),
        "Vehicles asked of the transport operator, to evaluate or as committed.",
    ),
    Topic(
        _C,
        "station_travel_time_s",
        "s",
        ("N", "M"),
        (_P,),
        "The transport operator's topic of this name, passed on.",
        _ROAD,
        decimals=3,
    ),
    Topic(_C, "gate_time_s", "s", ("S",), (_T,), "The power operator's topic of this name, passed on.", _ROAD, decimals=3),
    Topic(_C, "gate_spots", "1", ("S",), (_T,), "The power operator's topic of this name, passed on.", _ROAD),
    Topic(_C, "train_ready", "1", ("N", 3), (_P,), "The transport operator's topic of this name, passed on.", _RAIL, decimals=0),
    Topic(
        _P,
        "asked_connection_veh",
        "veh",
        _CONNECTION,
        (_C,),
        "Vehicles the power operator wants (solve) or would use of those offered (evaluate).",
    ),
    Topic(
        _P,
        "power_cost_usd",
        "usd",
        (3,),
        (_C,),
        "Own cost without multipliers; proven lower bound of own cost plus multipliers times connection (solve, relax), or of "
        f"own cost at the given connection (evaluate); {_KINDS}.",
        rounding=_MONEY,
    ),
    Topic(
        _P,
        "power_slope_usd_per_veh",
        "usd/veh",
        ("E", *_CONNECTION),
        (_C,),
        "No row, or one (evaluate): with the proven bound as its value at the given connection, a plane below own cost.",
        most_rows=1,
        decimals=9,
    ),
    Topic(
        _P,
        "gate_time_s",
        "s",
        ("S",),
        (_C,),
        "Expected time from arrival at a station to leaving it: waiting plus charging (RCS) or discharging (LCS).",
        _ROAD,
        decimals=3,
    ),
    Topic(_P, "gate_spots", "1", ("S",), (_C,), "Spots for mobile storage at a station.", _ROAD),
    Topic(
        _T,
        "offered_connection_veh",
        "veh",
        _CONNECTION,
        (_C,),
        "Vehicles the transport operator would send (solve) or can send of those asked (evaluate).",
    ),
    Topic(
        _T,
        "transport_cost_usd",
        "usd",
        (3,),
        (_C,),
        f"Own cost without multipliers; proven lower bound of own cost minus multipliers times connection; {_KINDS}.",
        rounding=_MONEY,
    ),
    Topic(_T, "station_travel_time_s", "s", ("N", "M"), (_C,), "Expected road time from r to q now.", _ROAD, decimals=3),
    Topic(
        _T,
        "train_ready",
        "1",
        ("N", 3),
        (_C,),
        "One row a train: index of the station where it stands next, the period from which it does, and index of the station"
        " where it ends the day, whatever is agreed; -1 if it may end elsewhere.",
        _RAIL,
        decimals=0,
    ),
    Topic(
        _T,
        "departures",
        "1",
        ("E", 3 + MAX_ROUTE_LINKS),
        (_X,),
        "One row a route with at least one vehicle: index of r, index of q, vehicles, then link indices padded with -1.",
        _ROAD,
        decimals=0,
    ),
    Topic(_X, "link_flow_veh_per_h", "veh/h", ("L",), (_T,), "Mean flow of the last period.", _ROAD, decimals=3),
    Topic(_X, "link_density_veh_per_km", "veh/km", ("L",), (_T,), "Mean density of the last period, all lanes.", _ROAD),
    Topic(_X, "link_speed_m_per_s", "m/s", ("L",), (_T,), "Mean speed of the last period.", _ROAD),
    Topic(_X, "link_travel_time_s", "s", ("L",), (_T,), "Mean travel time of the last period.", _ROAD, decimals=3),
    Topic(
        _X,
        "station_passing_veh",
        "veh",
        ("S", "B"),
        (_P,),
        "Vehicles that passed a station in each bin of the last period.",
        _ROAD,
    ),
    Topic(
        _X,
        "station_arrivals_veh",
        "veh",
        ("S", "B"),
        (_P,),
        "Mobile storages that arrived at a station in each bin of the last period.",
        _ROAD,
    ),
)


PASSED_ON: tuple[tuple[Role, str], ...] = (
    (Role.TRANSPORT_OPERATOR, "station_travel_time_s"),
    (Role.POWER_OPERATOR, "gate_time_s"),
    (Role.POWER_OPERATOR, "gate_spots"),
    (Role.TRANSPORT_OPERATOR, "train_ready"),
)
"""What the coordinator passes from one operator to the other when a period opens: the operators have no line of their own
(docs/decisions/0007)."""


def topic(key: str) -> Topic:
    """Return the topic with this key; raise KeyError for a key outside the table."""
    return _BY_KEY[key]


def roles_of(world: World) -> tuple[Role, ...]:
    """Return the agents of a federation in ``world``: by rail nobody models traffic."""
    return tuple(role for role in Role if world is World.ROAD or role is not Role.TRAFFIC)


def sent_by(role: Role, world: World | None = None) -> tuple[Topic, ...]:
    """Return the topics that ``role`` publishes, in one world or (None) in any."""
    return tuple(entry for entry in TOPICS if entry.sender is role and _in(entry, world))


def received_by(role: Role, world: World | None = None) -> tuple[Topic, ...]:
    """Return the topics that ``role`` may read, in one world or (None) in any."""
    return tuple(entry for entry in TOPICS if role in entry.receivers and _in(entry, world))


def passed_on(world: World) -> tuple[tuple[Role, str], ...]:
    """Return sender and name of what the coordinator passes on in ``world``."""
    return tuple((role, name) for role, name in PASSED_ON if _in(topic(f"{role}/{name}"), world))


def _in(entry: Topic, world: World | None) -> bool:
    return world is None or entry.world in (None, world)


_BY_KEY = {entry.key: entry for entry in TOPICS}

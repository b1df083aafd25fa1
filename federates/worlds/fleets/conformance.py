"""What the checks of agents (`federates.conformance`) must know of the fleets' world.

The operators that algorithms negotiate with are those of `federates.worlds.fleets.chain`, in closed form.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from federates.boundary.exchange import Message, Moment
from federates.boundary.messages import Array, Quantities
from federates.boundary.names import FLEETS, Role
from federates.boundary.roles import Openings
from federates.boundary.session import Agent
from federates.conformance.kit import ReporterKit, Scripted, Stage
from federates.worlds.fleets.account import account_fault
from federates.worlds.fleets.chain import Chain, balance_of
from federates.worlds.fleets.session import FleetSession
from federates.worlds.fleets.world import DELIVERY, PASSAGE, WORLD
from federates.worlds.road.conformance import RoadKit, drawn, opened_by, seen_traffic
from federates.worlds.road.messages import LinkObservation, StationObservation

__all__ = ["KIT", "FleetsKit"]

_D, _P = DELIVERY.name, PASSAGE.name
_TRY_VEH, _TRY_FULL = 2.0, 0.75
"""A modest delivery: so many vehicles, and how full their batteries are."""
_MOST_PLANNED_VEH, _ABSURD, _FLOOD_VEH = 20.0, 1e6, 500.0
_DELAY_UNTIL, _LATE_OF = 3, 3
"""On a delayed day vehicles arrive when this period opens; a station's come a period later once in so many periods."""
_MOST_ALLOTTED_VEH = 4
_NOTHING = 1e-6


class _FleetsStage(Stage):
    session: FleetSession

    def __init__(self, session: FleetSession, role: str) -> None:
        super().__init__(session, role)
        self.vehicle_kwh = float(np.mean(list(session.vehicle_kwh.values())))
        shape = session.connection_shape[:2]
        self._left = np.zeros((*shape, 2))
        """Vehicles and kWh that left in the period before, by pair of stations."""
        self._under_way = np.zeros((*shape, 2))

    def openings(self, period: int, plan: dict[str, Array]) -> dict[str, Any]:
        arrived = np.zeros_like(self._left) if self._is_late(period) else self._under_way + self._left
        self._under_way = self._under_way + self._left - arrived
        receipts = np.zeros((len(self.session.stations), len(self.session.fleets), 3))
        receipts[:, 0, :2] = np.concatenate([self._left.sum(axis=1), arrived.sum(axis=0)])
        receipts[:, 0, 2] = receipts[:, 0, 1]
        told = opened_by(self.session, period) | {"balance": balance_of(self.session, period), "receipts": receipts}
        return {message.name: told[message.name] for message in WORLD.told(self.role, Moment.OPENING)}

    def observation(self, period: int) -> LinkObservation | None:
        if not period or self.role != Role.TRANSPORT_OPERATOR:
            return None
        return seen_traffic(self.session, period - 1, self._left[..., 0], late=self._is_late(period)).links

    def committed(self, plan: Quantities) -> dict[str, Array]:
        z = {name: np.array(values) for name, values in plan.items()}
        if _P in z:
            vehicles = z[_D][..., 0] / self.vehicle_kwh if _D in z else z[_P][..., 0]
            z[_P][..., 0] = np.ceil(vehicles - _NOTHING)
        kwh = z[_D][..., 0] if _D in z else self.vehicle_kwh * z[_P][..., 0]
        vehicles = z[_P][..., 0] if _P in z else np.ceil(kwh / self.vehicle_kwh - _NOTHING)
        self._left = np.stack([vehicles, kwh], axis=-1)
        return z

    def modest(self, period: int) -> dict[str, Array]:
        return self._vehicles(_TRY_VEH)

    def trials(self, period: int) -> Sequence[tuple[str, dict[str, Array]]]:
        many = (("twice as much", 2.0), ("ten times as much", 10.0), ("a thousand times as much", 1000.0))
        found = [(words, self._vehicles(times * _TRY_VEH)) for words, times in many]
        if self.role == Role.MVES_FLEET:
            modest = self.modest(period)
            for words, times in (
                ("with half the passages", 0.5),
                ("with ten times the passages", 10.0),
                ("without a passage", 0.0),
            ):
                found.append((f"a modest delivery {words}", modest | {_P: times * modest[_P]}))
        return found

    def impossible(self, period: int) -> Sequence[tuple[str, dict[str, Array]]]:
        return [("a million of everything", {name: np.full_like(z, _ABSURD) for name, z in self.modest(period).items()})]

    def wanted(self, period: int, answered: Quantities | None) -> dict[str, Array]:
        if answered is None or not any(values[..., 0].any() for values in answered.values()):
            return self.modest(period)
        most = self._vehicles(_MOST_PLANNED_VEH)
        return {name: np.clip(values, 0.0, most[name]) for name, values in answered.items()}

    def _is_late(self, period: int) -> bool:
        return self.late and period < _DELAY_UNTIL

    def _vehicles(self, count: float) -> dict[str, Array]:
        """Return deliveries and passages of so many vehicles for every pair and period, as far as they are the role's."""
        shape = self.session.connection_shape
        both = {_D: np.full(shape, count * _TRY_FULL * self.vehicle_kwh), _P: np.full(shape, count)}
        return {e.name: both[e.name] for e in WORLD.exchanges if self.role in e.roles}


class FleetsKit(RoadKit, ReporterKit):
    """Fleets: what is exchanged is energy in vehicles, and their passages."""

    thing = "delivery or passage"
    led: ClassVar[str] = PASSAGE.name
    worth_usd: ClassVar[Mapping[str, float]] = {_D: 0.05, _P: 1.0}

    def session(self) -> FleetSession:  # type: ignore[override]
        """Return the small road with a charging station at each end, two fleets, and one company."""
        stations, road = ("q1", "q2", "q3", "r1", "r2"), super().session()
        roles = {role: role for role in (Role.COORDINATOR, Role.POWER_OPERATOR, Role.TRANSPORT_OPERATOR, Role.TRAFFIC)}
        names = {str(name): str(role) for name, role in roles.items()}
        names |= dict.fromkeys(("trucks", "vans"), Role.MVES_FLEET.value) | dict.fromkeys(stations, Role.CHARGING_STATION.value)
        same = {key: getattr(road, key) for key in FleetSession.model_fields if key in type(road).model_fields}
        own = {
            "name": "small_fleets",
            "world": FLEETS,
            "vehicle_kwh": {"trucks": 40.0, "vans": 10.0},
            "agents": tuple(Agent(name=name, role=role, part=_part(name, role)) for name, role in names.items()),
        }
        return FleetSession(**same | own)

    def stage(self, session: FleetSession, role: str) -> Stage:  # type: ignore[override]  # noqa: D102
        return _FleetsStage(session, role)

    def scripted(self, session: FleetSession, *, stubborn: bool = False) -> Scripted:  # type: ignore[override]  # noqa: D102
        return Chain(session, stubborn=stubborn)

    def message_fault(  # type: ignore[override]
        self, session: FleetSession, period: int, message: Message, arrays: Sequence[Array]
    ) -> str | None:
        """Return which count, energy or time is negative, or stands at a station of the other kind."""
        if (fault := super().message_fault(session, period, message, arrays)) is not None or message.name != "balance":
            return fault
        need, surplus, due = arrays
        origins = len(session.resourceful_stations)
        for words, wrong in (
            ("need above 0 at a resourceful station", need[:origins]),
            ("surplus above 0 at a limited station", surplus[origins:]),
            ("energy due above 0 at a resourceful station", due[:origins]),
        ):
            if wrong.any():
                return f"the balance has a {words} in period {period}, must be 0"
        return None

    def offer_fault(  # type: ignore[override]
        self, session: FleetSession, period: int, offered: Quantities, openings: Openings
    ) -> str | None:
        """Return how more is offered than any road carries, or than vehicles carry."""
        fault = super().offer_fault(session, period, offered, openings)
        if fault is not None or set(offered) != {_D, _P}:
            return fault
        kwh = max(session.vehicle_kwh.values())
        over = offered[_D] - kwh * (offered[_P] + 2 * _NOTHING) * (1.0 + _NOTHING)
        if over.max(initial=0.0) <= 0.0:
            return None
        at = np.unravel_index(int(over.argmax()), over.shape)
        return f"{offered[_P][at]:.6g} vehicles deliver {offered[_D][at]:.6g} kWh, but each has {kwh:g} kWh at most"

    def rounded_away(self, session: FleetSession) -> Mapping[str, float]:  # type: ignore[override]
        """Return what a vehicle carries, on the grid of passages."""
        return {_D: max(session.vehicle_kwh.values()) * 10.0**-PASSAGE.quantity.decimals}

    # Charging stations.

    def heard(self, session: FleetSession, role: str, periods: int, *, flooded: bool) -> Sequence[dict[str, Any]]:  # noqa: D102
        sizes, kwh = session.sizes(), np.array(list(session.vehicle_kwh.values()))
        origins, under_way, found = sizes["N"], np.zeros(sizes["S"]), list[dict[str, Any]]()
        for period in range(periods):
            vehicles = drawn(period, 6).integers(0, _MOST_ALLOTTED_VEH + 1, (sizes["S"], sizes["F"])).astype(float)
            if flooded or period % _LATE_OF == 0:
                vehicles[:] = _FLOOD_VEH if flooded and period == 0 else 0.0
            allotted = np.stack([vehicles, np.round(vehicles * kwh * drawn(period, 7).uniform(0.5, 1.0), 6)], axis=-1)
            under_way += vehicles.sum(axis=1)
            late = not flooded and period % _LATE_OF == _LATE_OF - 1
            arrivals = np.zeros((sizes["S"], sizes["B"]))
            arrivals[:origins, 0] = vehicles[:origins].sum(axis=1)
            arrivals[origins:, -1] = 0.0 if late else under_way[origins:]
            under_way[origins:] -= arrivals[origins:, -1]
            passing = seen_traffic(session, period, np.zeros(session.connection_shape[:2])).stations.passing_veh
            found.append({"allotments": allotted, "stations": StationObservation(passing, arrivals)})
        return found

    def report_fault(  # noqa: D102
        self, session: FleetSession, heard: Sequence[Mapping[str, Any]], said: Sequence[Mapping[str, Any]]
    ) -> tuple[int, str] | None:
        return account_fault(session, heard, said)


KIT = FleetsKit()


def _part(name: str, role: str) -> dict[str, tuple[str, ...]]:
    keys = {Role.MVES_FLEET.value: "fleets", Role.CHARGING_STATION.value: "stations"}
    return {keys[role]: (name,)} if role in keys else {}

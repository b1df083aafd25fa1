"""The storage fleet of a scheme, from the settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from federates.boundary.errors import Problem
from federates.power_operator.models.unit_commitment.fleet import StorageFleet
from federates.power_operator.models.unit_commitment.settings import (
    SiteSettings,
    StorageSettings,
    TrainSettings,
    UnitCommitmentSettings,
)
from federates.worlds.rail.session import RailScheme, RailSession
from federates.worlds.rail.trains import unlike_trains


def storage_fleet(settings: UnitCommitmentSettings, session: RailSession, buses: Sequence[int]) -> StorageFleet:
    """Return stations and trains of the session's scheme; ``buses`` are the numbers of the case, in order.

    Stations of the scheme `mobile` stand in the session's order. Fixed storage has all its batteries, and its energy is limited
    by ``energy_mwh`` alone: the paper gives M2, M3, M5 and M6 more hours than beta.
    """
    mobile = session.scheme is RailScheme.MOBILE
    sites = settings.storage.sites(session.scheme)
    names = session.stations if mobile else tuple(sites)
    chosen = [sites[name] for name in names]
    capacity_mw = np.array([site.capacity_mw for site in chosen])
    energy_mwh = np.array([site.energy_mwh for site in chosen])
    battery = settings.storage.battery
    start_mw = capacity_mw * (battery.start_capacity_share if mobile else 1.0)
    start_mwh = energy_mwh * battery.start_energy_share
    trains = [settings.storage.trains[train.name] for train in session.trains] if mobile else []
    train_mw = np.array([train.capacity_mw for train in trains])
    train_mwh = np.array([train.energy_mwh for train in trains])
    return StorageFleet(
        stations=tuple(names),
        bus=np.array([list(buses).index(site.bus) for site in chosen], dtype=np.int64),
        capacity_mw=capacity_mw,
        energy_mwh=energy_mwh,
        start_capacity_mw=start_mw,
        start_energy_mwh=start_mwh,
        end_capacity_mw=start_mw,
        end_energy_mwh=start_mwh,
        trains=tuple(train.name for train in session.trains) if mobile else (),
        train_capacity_mw=train_mw,
        train_energy_mwh=train_mwh,
        train_start_capacity_mw=train_mw * battery.start_capacity_share,
        train_start_energy_mwh=train_mwh * battery.start_energy_share,
        train_end_capacity_mw=train_mw * battery.start_capacity_share,
        train_end_energy_mwh=train_mwh * battery.start_energy_share,
        duration_h=battery.duration_h if mobile else _longest_h(chosen),
        charge_efficiency=battery.charge_efficiency,
        discharge_efficiency=battery.discharge_efficiency,
        throughput_usd_per_mwh=battery.throughput_usd_per_mwh,
        end_slack_usd_per_mwh=settings.prices.end_state_usd_per_mwh,
    )


def _longest_h(sites: Sequence[SiteSettings]) -> float:
    return max((site.energy_mwh / site.capacity_mw for site in sites if site.capacity_mw > 0), default=1.0)


def storage_problems(settings: UnitCommitmentSettings, session: RailSession, buses: Sequence[int], config: str) -> list[Problem]:
    """Return what does not fit: stations and trains that only the session or only the settings have, and unknown buses."""
    storage = settings.storage
    problems: list[Problem] = []
    if session.scheme is RailScheme.MOBILE:
        problems += _differing("settings.storage.mobile", session.stations, storage.mobile, config)
        problems += _differing("settings.storage.trains", tuple(train.name for train in session.trains), storage.trains, config)
    for scheme in (RailScheme.MOBILE, RailScheme.FIXED, RailScheme.CENTRAL):
        for name, site in storage.sites(scheme).items():
            if site.bus not in buses:
                field = f"settings.storage.{scheme.value}.{name}.bus"
                problems.append(Problem(config, field, str(site.bus), f"must be a bus of the case: {_few(buses)}"))
    if session.scheme is not RailScheme.MOBILE:
        problems += _no_batteries(settings, session.scheme, config)
    elif not problems:
        problems += _start_energy(settings, session, config) or _unlike(storage, session, config)
    return problems


def _differing(field: str, wanted: Sequence[str], given: Mapping[str, object], config: str) -> list[Problem]:
    """Return names of the session that the settings lack; if there are none, names of the settings that the session lacks."""
    missing = [
        Problem(config, f"{field}.{name}", "missing", f"the session names it; given: {', '.join(given) or 'none'}")
        for name in wanted
        if name not in given
    ]
    unknown = [
        Problem(config, f"{field}.{name}", "given", f"the session does not name it; it has: {', '.join(wanted) or 'none'}")
        for name in given
        if name not in wanted
    ]
    return missing or unknown


def _start_energy(settings: UnitCommitmentSettings, session: RailSession, config: str) -> list[Problem]:
    """Energy at the start must fit into the batteries that are there, equation (10)."""
    battery = settings.storage.battery
    holders: dict[str, SiteSettings | TrainSettings] = {name: settings.storage.mobile[name] for name in session.stations}
    holders |= {train.name: settings.storage.trains[train.name] for train in session.trains}
    too_full = []
    for name, holder in holders.items():
        room_mwh = battery.duration_h * battery.start_capacity_share * holder.capacity_mw
        start_mwh = battery.start_energy_share * holder.energy_mwh
        if start_mwh > room_mwh + 1e-9:
            too_full.append(f"{name} with {start_mwh:g} MWh in batteries for {room_mwh:g} MWh")
    if not too_full:
        return []
    field, allowed = "settings.storage.battery.start_energy_share", f"would start {'; '.join(too_full)}"
    return [Problem(config, field, f"{battery.start_energy_share:g}", allowed)]


def _no_batteries(settings: UnitCommitmentSettings, scheme: RailScheme, config: str) -> list[Problem]:
    """Return fixed storage that starts with energy and without batteries; all other has its batteries, so that (10) holds."""
    share, problems = settings.storage.battery.start_energy_share, []
    for name, site in settings.storage.sites(scheme).items():
        if site.capacity_mw == 0 and site.energy_mwh * share > 0:
            field = f"settings.storage.{scheme.value}.{name}.capacity_mw"
            allowed = f"must be above 0: the place starts with {site.energy_mwh * share:g} MWh; without batteries energy_mwh is 0"
            problems.append(Problem(config, field, "0", allowed))
    return problems


def _unlike(storage: StorageSettings, session: RailSession, config: str) -> list[Problem]:
    """Return what differs between trains that everybody takes for interchangeable."""
    problems: list[Problem] = []
    for field in TrainSettings.model_fields:
        most = {train.name: getattr(storage.trains[train.name], field) for train in session.trains}
        problems += unlike_trains(session, config, f"settings.storage.trains.{{train}}.{field}", most)
    return problems


def _few(buses: Sequence[int]) -> str:
    shown = ", ".join(str(bus) for bus in buses[:5])
    return f"{shown}, ... {buses[-1]} ({len(buses)} buses)" if len(buses) > 6 else ", ".join(str(bus) for bus in buses)

"""Both operators' private data of a rail scenario, read side by side: the only place where they meet."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from federates.boundary.errors import ConfigError, Problem
from federates.boundary.names import Role
from federates.power_operator.models.unit_commitment.fleet import StorageFleet
from federates.power_operator.models.unit_commitment.operator import UnitCommitmentOperator
from federates.power_operator.models.unit_commitment.settings import UnitCommitmentSettings
from federates.power_operator.models.unit_commitment.storage_data import storage_fleet
from federates.power_operator.models.unit_commitment.system import PowerSystem
from federates.runs.scenario import load_scenario, shown
from federates.runtime.agent import load_session
from federates.runtime.plugins import load_agent
from federates.transport_operator.models.time_space_network.network import RailNetwork, build_network
from federates.transport_operator.models.time_space_network.operator import TimeSpaceNetworkOperator
from federates.worlds.rail.session import RailScheme, RailSession


@dataclass(frozen=True, slots=True)
class JointData:
    """A day as somebody would see it who may see everything; ``rail`` is None where no train runs."""

    session: RailSession
    system: PowerSystem
    fleet: StorageFleet
    rail: RailNetwork | None


def read_joint_data(scenario: Path, overrides: dict[str, Any] | None = None) -> JointData:
    """Read a rail scenario whose operators are `unit_commitment`, or derived from it, and `time_space_network`.

    Raises
    ------
    ConfigError : anything is wrong in any file, or the operators are others.
    """
    found = load_scenario(scenario)
    session = load_session(found.session_file, overrides, shown_as=shown(found.session_file))
    if not isinstance(session, RailSession):
        raise ConfigError([Problem(shown(found.session_file), "world", str(session.world), "must be rail")])
    power, transport = (
        load_agent(role, role, found.configs[role], shown(found.configs[role]))
        for role in (Role.POWER_OPERATOR, Role.TRANSPORT_OPERATOR)
    )
    for agent, wanted in ((power, UnitCommitmentOperator), (transport, TimeSpaceNetworkOperator)):
        if not issubclass(agent.cls, wanted):
            file = shown(found.configs[agent.agent])
            raise ConfigError([Problem(file, "operator", agent.name, f"the centralised reference is for {wanted.__name__}")])
        problems = agent.cls.check(cast(Any, agent.settings), agent.folder, session)
        if problems:
            raise ConfigError([Problem(shown(agent.folder / p.file), p.field, p.value, p.allowed) for p in problems])
    settings = power.settings
    assert isinstance(settings, UnitCommitmentSettings)
    assert issubclass(power.cls, UnitCommitmentOperator)
    day = power.cls.read_day(settings, power.folder, session)
    moving = session.scheme is RailScheme.MOBILE and bool(session.trains)
    rail = build_network(transport.settings, session) if moving else None  # type: ignore[arg-type]
    return JointData(session, day.system, storage_fleet(settings, session, day.buses), rail)

"""The records of a run that are JSON, as far as the audit reads them."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from federates.audit.graph import Edge
from federates.runtime.broker_config import AuditConfig


class _Written(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class GraphRecord(_Written):
    """``graph.json``: what the broker saw of the wiring."""

    world: str
    agents: dict[str, str]
    audit: AuditConfig
    looks: int
    edges: list[Edge]
    breaches: list[str]
    changed: list[str] = []


class RunRecord(_Written):
    """``run.json``, of which only the names of the agents matter here."""

    agents: dict[str, object]


class Opened(_Written):
    """One file, or one kind of files, that a process opened; ``change`` is one of its mode, owner, times or attributes."""

    path: str
    mode: Literal["read", "write", "list", "change"]
    kind: str
    count: int = Field(ge=0)
    refused: bool = False
    absent: bool = False


class Connection(_Written):
    """One address that a process connected to or ``bound``; ``port`` is None for a local socket, which has a name or a file."""

    address: str
    port: int | None
    kind: str = ""
    bound: bool = False


class Sandbox(_Written):
    """What kept the process in its folder, and in words what is missing."""

    state: str
    why: str = ""


class FilesRecord(_Written):
    """``files.json`` of one agent. ``recorded``: by whom, ``python`` or ``none``."""

    sandbox: Sandbox
    recorded: Literal["python", "none"]
    opened: list[Opened] = []
    connections: list[Connection] = []
    children: list[str] = []
    helics_calls: list[str] = []

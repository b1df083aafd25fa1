"""Where a run over several hosts is, as one of them sees it: what its HELICS cores listen on, and who is elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

LOOPBACK = "127.0.0.1"
ELSEWHERE = "elsewhere.json"
"""How an agent on another host ended, in its folder among the results of the broker's host."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Addresses are IPv4, ``agents`` maps every agent of the run to its host.

    ``here`` is this host, ``address`` the one on which it listens, ``broker_address`` that of the broker's host, where the hosts
    meet at the TCP port ``port``.
    """

    here: str
    address: str
    broker_address: str
    port: int
    key_file: str
    agents: dict[str, str]

    @property
    def elsewhere(self) -> dict[str, str]:
        """Return the agents that run on other hosts, and which these are."""
        return {agent: host for agent, host in self.agents.items() if host != self.here}

    @property
    def others(self) -> dict[str, tuple[str, ...]]:
        """Return the other hosts, and which agents run there."""
        found: dict[str, tuple[str, ...]] = {}
        for agent, host in self.elsewhere.items():
            found[host] = (*found.get(host, ()), agent)
        return found

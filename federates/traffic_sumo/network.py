"""Plain XML of the road network for SUMO's netconvert, made from the data files.

A link is three edges in a row: merge, main, gore. The gore has lanes of its own for every way out, the junction joins lanes one
to one, the merge takes all lanes in and narrows to the main edge by a zipper. SUMO's guessed connections would gridlock, and
in a mesoscopic model a fork with shared lanes passes one lane's flow only, whatever its width (eclipse-sumo/sumo issue 1473).
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import quoteattr

from federates.traffic_sumo.data import Link, Road
from federates.traffic_sumo.settings import Settings

MERGE_M, GORE_M, RAMP_M = 500.0, 400.0, 200.0
RAMP_SPEED_M_PER_S = 20.0
_DESIGN_VEH_PER_H = 1400.0
"""Flow for which a lane of a ramp or gore is sized: below the 1,790 veh/h that a mesoscopic lane passes."""
_M_PER_DEG = 111_320.0


@dataclass(frozen=True, slots=True)
class Edge:
    """An edge of the SUMO network."""

    name: str
    start: str
    end: str
    lanes: int
    length_m: float
    speed_m_per_s: float
    points: tuple[tuple[float, float], ...] = ()


@dataclass(slots=True)
class Network:
    """Nodes (lat, lon, type), edges, and connections (from edge, to edge, from lane, to lane)."""

    nodes: dict[str, tuple[float, float, str]] = field(default_factory=dict)
    edges: dict[str, Edge] = field(default_factory=dict)
    connections: list[tuple[str, str, int, int]] = field(default_factory=list)

    def add(self, edge: Edge) -> None:
        """Add an edge."""
        self.edges[edge.name] = edge


def link_edges(link: str) -> tuple[str, str, str]:
    """Return the edges of a link in driving order."""
    return f"{link}.merge", main_edge(link), f"{link}.gore"


def main_edge(link: str) -> str:
    """Return the edge on which a link's vehicles are counted."""
    return f"{link}.main"


def on_ramp(link: str) -> str:
    """Return the edge by which other traffic enters a link."""
    return f"{link}.on"


def off_ramp(link: str) -> str:
    """Return the edge by which other traffic leaves a link."""
    return f"{link}.off"


def entry_edge(station: str, link: str) -> str:
    """Return the ramp from a station onto a link."""
    return f"{station}.to.{link}"


def exit_edge(link: str, station: str) -> str:
    """Return the ramp from a link to a station."""
    return f"{station}.from.{link}"


def plan_network(
    road: Road, settings: Settings, peaks: dict[tuple[str, str], int], sources: list[str], sinks: list[str]
) -> Network:
    """Return the network; ``peaks`` are the largest hourly flows of `movement_peaks`, sources and sinks are stations."""
    network = Network()
    lanes = {pair: _lanes_for(flow) for pair, flow in peaks.items()}
    for junction in road.junctions.values():
        network.nodes[junction.name] = (junction.lat_deg, junction.lon_deg, "unregulated")
    for link in road.links.values():
        ways_in = _ways_in(road, link, settings, lanes, sources)
        ways_out = _ways_out(road, link, settings, lanes, sinks)
        _add_link(network, road, link, settings, sum(n for _, n in ways_in), sum(n for _, n in ways_out))
        _add_ramps(network, link, ways_in, ways_out)
    for link in road.links.values():
        _connect(network, road, link, settings, lanes, (sources, sinks))
    return network


def _lanes_for(flow_veh_per_h: float) -> int:
    return max(1, math.ceil(flow_veh_per_h / _DESIGN_VEH_PER_H))


def _ways_in(
    road: Road, link: Link, settings: Settings, lanes: dict[tuple[str, str], int], sources: list[str]
) -> list[tuple[str, int]]:
    """Return (edge, lanes) of everything that flows into a link, from the right lane to the left."""
    stations = [(entry_edge(s, link.name), 1) for s in sources if settings.stations[s].junction == link.start]
    links = [(f"{a.name}.gore", lanes.get((a.name, link.name), 1)) for a in road.into(link.start)]
    return [*stations, (on_ramp(link.name), lanes.get(("", link.name), 1)), *links]


def _ways_out(
    road: Road, link: Link, settings: Settings, lanes: dict[tuple[str, str], int], sinks: list[str]
) -> list[tuple[str, int]]:
    """Return (edge, lanes) of every way out of a link, from the right lane to the left."""
    stations = [(exit_edge(link.name, s), 1) for s in sinks if settings.stations[s].junction == link.end]
    links = [(f"{b.name}.merge", lanes.get((link.name, b.name), 1)) for b in road.out_of(link.end)]
    return [*stations, (off_ramp(link.name), lanes.get((link.name, ""), 1)), *links]


def _add_link(network: Network, road: Road, link: Link, settings: Settings, lanes_in: int, lanes_out: int) -> None:
    line = _line(road, link)
    length_m = 1000.0 * link.length_km
    cuts = (MERGE_M / length_m, 1.0 - GORE_M / length_m)
    merge_end, gore_start = f"{link.name}.zip", f"{link.name}.fan"
    network.nodes[merge_end] = (*_at(line, cuts[0]), "zipper")
    network.nodes[gore_start] = (*_at(line, cuts[1]), "unregulated")
    merge, main, gore = link_edges(link.name)
    speed = settings.free_speed_m_per_s
    network.add(Edge(merge, link.start, merge_end, max(lanes_in, link.lanes), MERGE_M, speed))
    main_m = length_m - MERGE_M - GORE_M
    network.add(Edge(main, merge_end, gore_start, link.lanes, main_m, speed, tuple(_between(line, *cuts))))
    network.add(Edge(gore, gore_start, link.end, lanes_out, GORE_M, speed))
    wide = max(lanes_in, link.lanes)
    for lane in range(wide):
        network.connections.append((merge, main, lane, lane * link.lanes // wide))
    for lane in range(max(link.lanes, lanes_out)):
        pair = (lane * link.lanes // lanes_out, lane) if lanes_out >= link.lanes else (lane, lane * lanes_out // link.lanes)
        network.connections.append((main, gore, *pair))


def _add_ramps(network: Network, link: Link, ways_in: list[tuple[str, int]], ways_out: list[tuple[str, int]]) -> None:
    """Add the ramps of a link; each has an outer node of its own some way off the junction."""
    for side, ways, junction in (("in", ways_in, link.start), ("out", ways_out, link.end)):
        ramps = [(edge, lanes) for edge, lanes in ways if not edge.endswith((".gore", ".merge"))]
        for number, (edge, lanes) in enumerate(ramps):
            lat, lon, _ = network.nodes[junction]
            outer = f"{edge}.end"
            sign = 1.0 if side == "in" else -1.0
            east = lon + sign * (RAMP_M + 40.0 * number) / _M_PER_DEG
            network.nodes[outer] = (lat + RAMP_M / _M_PER_DEG, east, "unregulated")
            ends = (outer, junction) if side == "in" else (junction, outer)
            network.add(Edge(edge, *ends, lanes, RAMP_M, RAMP_SPEED_M_PER_S))


def _connect(
    network: Network,
    road: Road,
    link: Link,
    settings: Settings,
    lanes: dict[tuple[str, str], int],
    stations: tuple[list[str], list[str]],
) -> None:
    """Join lanes one to one: all ways into ``link`` to its merge, and its gore to the ramps at its end."""
    merge, _, gore = link_edges(link.name)
    into = 0
    for edge, number in _ways_in(road, link, settings, lanes, stations[0]):
        first = 0
        if edge.endswith(".gore"):
            first = _first_lane(_ways_out(road, road.links[edge[: -len(".gore")]], settings, lanes, stations[1]), merge)
        network.connections.extend((edge, merge, first + lane, into + lane) for lane in range(number))
        into += number
    first = 0
    for edge, number in _ways_out(road, link, settings, lanes, stations[1]):
        if not edge.endswith(".merge"):
            network.connections.extend((gore, edge, first + lane, lane) for lane in range(number))
        first += number


def _first_lane(ways: list[tuple[str, int]], wanted: str) -> int:
    first = 0
    for edge, number in ways:
        if edge == wanted:
            return first
        first += number
    raise KeyError(wanted)


def _line(road: Road, link: Link) -> list[tuple[float, float]]:
    """Return the (lat, lon) of a link from junction to junction, without points that would turn it back."""
    start, end = road.junctions[link.start], road.junctions[link.end]
    line = [(start.lat_deg, start.lon_deg)]
    goal = (end.lat_deg, end.lon_deg)
    for point in link.points:
        if _distance(point, goal) < _distance(line[-1], goal) and _distance(point, line[-1]) > 300.0:
            line.append(point)
    return [*line, goal]


def _distance(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Return the distance in m; flat earth, good to a per mille over a metropolitan area."""
    north = a[0] - b[0]
    east = (a[1] - b[1]) * math.cos(math.radians((a[0] + b[0]) / 2))
    return _M_PER_DEG * math.hypot(north, east)


def _positions(line: list[tuple[float, float]]) -> list[float]:
    """Return how far along the line, as a share of 1, each of its points lies."""
    steps = [_distance(a, b) for a, b in itertools.pairwise(line)]
    total = sum(steps)
    return [sum(steps[:i]) / total for i in range(len(line))]


def _at(line: list[tuple[float, float]], share: float) -> tuple[float, float]:
    positions = _positions(line)
    for i in range(1, len(line)):
        if share <= positions[i]:
            t = (share - positions[i - 1]) / (positions[i] - positions[i - 1])
            (lat0, lon0), (lat1, lon1) = line[i - 1], line[i]
            return lat0 + t * (lat1 - lat0), lon0 + t * (lon1 - lon0)
    return line[-1]


def _between(line: list[tuple[float, float]], low: float, high: float) -> list[tuple[float, float]]:
    inner = [p for p, share in zip(line, _positions(line), strict=True) if low < share < high]
    return [_at(line, low), *inner, _at(line, high)]


def write_plain_xml(network: Network, folder: Path) -> tuple[Path, Path, Path]:
    """Write nodes, edges and connections; return their files."""
    files = (folder / "road.nod.xml", folder / "road.edg.xml", folder / "road.con.xml")
    nodes = [
        f'<node id={quoteattr(name)} x="{lon:.7f}" y="{lat:.7f}" type="{kind}"/>'
        for name, (lat, lon, kind) in network.nodes.items()
    ]
    edges = [_edge_xml(edge) for edge in network.edges.values()]
    joins = [
        f'<connection from={quoteattr(a)} to={quoteattr(b)} fromLane="{i}" toLane="{j}"/>' for a, b, i, j in network.connections
    ]
    for file, tag, lines in zip(files, ("nodes", "edges", "connections"), (nodes, edges, joins), strict=True):
        file.write_text(f"<{tag}>\n" + "\n".join(lines) + f"\n</{tag}>\n", encoding="utf-8")
    return files


def _edge_xml(edge: Edge) -> str:
    shape = " ".join(f"{lon:.7f},{lat:.7f}" for lat, lon in edge.points)
    return (
        f"<edge id={quoteattr(edge.name)} from={quoteattr(edge.start)} to={quoteattr(edge.end)} "
        f'numLanes="{edge.lanes}" length="{edge.length_m:.1f}" speed="{edge.speed_m_per_s:.3f}"'
        + (f' shape="{shape}"' if shape else "")
        + "/>"
    )

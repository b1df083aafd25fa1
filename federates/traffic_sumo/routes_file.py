"""The route file: vehicle types, paths and every background vehicle of a run."""

from __future__ import annotations

from pathlib import Path as File
from xml.sax.saxutils import quoteattr

from federates.traffic_sumo.demand import Path, Vehicles
from federates.traffic_sumo.fleet import MVES_TYPE
from federates.traffic_sumo.network import link_edges, off_ramp, on_ramp
from federates.traffic_sumo.settings import Settings

_TRUCK_SPEED_M_PER_S = 25.0
"""California's limit for trucks, 55 mph (California Vehicle Code 22406)."""


def write_routes(file: File, settings: Settings, paths: list[Path], vehicles: Vehicles, zero_s: float) -> None:
    """Write ``vehicles``; their times of the run become SUMO times by adding ``zero_s``."""
    deviation = settings.speed_deviation
    factor = f"normc(1,{deviation:g},{max(0.2, 1 - 3 * deviation):g},{1 + 3 * deviation:g})"
    with file.open("w", encoding="utf-8") as out:
        out.write("<routes>\n")
        out.write(f'<vType id="car" vClass="passenger" speedFactor="{factor}"/>\n')
        out.write(f'<vType id="truck" vClass="truck" maxSpeed="{_TRUCK_SPEED_M_PER_S:g}" speedFactor="{factor}"/>\n')
        out.write(f'<vType id="{MVES_TYPE}" vClass="passenger" speedFactor="1"/>\n')
        for index, path in enumerate(paths):
            edges = [on_ramp(path[0]), *(edge for link in path for edge in link_edges(link)), off_ramp(path[-1])]
            out.write(f'<route id="p{index}" edges={quoteattr(" ".join(edges))}/>\n')
        kinds = ("car", "truck")
        out.writelines(
            f'<vehicle id="{name}" type="{kinds[truck]}" route="p{path}" depart="{depart + zero_s:.2f}" '
            'departLane="best" departSpeed="max"/>\n'
            for name, truck, path, depart in zip(
                vehicles.name, vehicles.truck.tolist(), vehicles.path.tolist(), vehicles.depart_s.tolist(), strict=True
            )
        )
        out.write("</routes>\n")

"""Waiting at the stations: what the gates told and how it came; and what trips take of the life of the fleets' batteries."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from federates.reporting.figures import BLUE, VERMILLION, draw_stairs, hour_panels, legend_below, new_figure, paper_style, stack
from federates.reporting.formatting import number, number_2, ratio
from federates.reporting.world import Grid, RunFigure
from federates.worlds.fleets.report.run import FleetRun, by_fleet, committed


def waiting(run: FleetRun) -> pd.DataFrame:
    """Return one row per station: vehicles, told_wait_min, came_wait_min (means over vehicles), spots, most_reserved."""
    table = run.frame("station_waiting")
    rows = []
    for station, own in table.groupby("station", sort=False):
        vehicles = float(own["vehicles"].sum())
        told = float((own["told_wait_s"] * own["vehicles"]).sum()) / 60.0
        rows.append(
            {
                "station": station,
                "vehicles": vehicles,
                "told_wait_min": ratio(told, vehicles),
                "came_wait_min": ratio(60.0 * float(own["waiting_veh_h"].sum()), vehicles),
                "spots": float(own["spots"].max()),
                "most_reserved": float(own["reserved_spots"].max()),
                "unknown_veh": float(own["unknown_veh"].sum()),
            }
        )
    order = {name: i for i, name in enumerate(run.session.stations)}
    return pd.DataFrame(sorted(rows, key=lambda row: order[str(row["station"])]))


@paper_style
def waiting_figure(run: FleetRun) -> Figure:
    """Return a panel per station: reserved spots, and the wait that was told, by period."""
    stations = [name for name in run.session.stations if name in set(run.frame("station_waiting")["station"])]
    figure = new_figure(1.0 + 1.25 * len(stations), f"Spots and waiting: {run.title}")
    panels = stack(figure, len(stations))
    for panel, station in zip(panels, stations, strict=True):
        own = run.frame("station_waiting")
        own = own[own["station"] == station].set_index("period").reindex(range(run.session.periods))
        draw_stairs(panel, run, own["reserved_spots"].to_numpy(float), color=BLUE, label="spots taken, as expected (number)")
        draw_stairs(
            panel,
            run,
            own["told_wait_s"].to_numpy(float) / 60.0,
            color=VERMILLION,
            linestyle=(0, (4, 1.5)),
            label="wait that the gate tells (min)",
        )
        panel.set_title(f"{station}: {number(float(own['spots'].max()))} spots", loc="left")
        panel.set_ylabel("Spots; min")
        panel.set_ylim(bottom=0.0, top=max(1.0, panel.get_ylim()[1]))
    hour_panels(panels, run)
    legend_below(figure, 2, *panels[0].get_legend_handles_labels())
    return figure


def _waiting_reading(run: FleetRun) -> str:
    texts = [
        f"{row['station']}: {number_2(row['told_wait_min'])} min told, {number_2(row['came_wait_min'])} min came"
        for row in waiting(run).to_dict("records")
        if row["vehicles"]
    ]
    return (
        "Spots that announced and parked vehicles are expected to take, and the wait that a driver is told at the gate. Mean "
        f"wait of a vehicle beyond what charging or giving takes: {'; '.join(texts) or 'no vehicle came'}. At a "
        "limited station a "
        "vehicle also waits until its feeder needs the energy."
    )


WAITING = RunFigure(
    "waiting", "Spots and waiting at the stations", lambda run: run.lacks("station_waiting"), waiting_figure, _waiting_reading
)


def grids(run: FleetRun) -> list[Grid]:
    """Return waiting by station, and wear by fleet."""
    found = []
    if not run.lacks("station_waiting"):
        found.append(
            Grid.of(
                "Waiting at the stations.",
                waiting(run).to_dict("records"),
                ("Station", str, "station"),
                ("Vehicles", number, "vehicles"),
                ("Wait told (min)", number_2, "told_wait_min"),
                ("Wait that came (min)", number_2, "came_wait_min"),
                ("Spots", number, "spots"),
                ("Most spots reserved", number_2, "most_reserved"),
                ("Vehicles of nobody", number, "unknown_veh"),
            )
        )
    if not run.lacks("fleet_costs", "schedule"):
        found.append(_wear(run))
    return found


def _wear(run: FleetRun) -> Grid:
    costs, kwh = run.frame("fleet_costs"), by_fleet(run, committed(run), "delivery_kwh", "fleet")
    rows = [
        {"fleet": fleet, "cycles": cycles, "usd": usd, "each": ratio(usd, float(kwh[fleet]))}
        for fleet, cycles, usd in zip(
            run.session.fleets, by_fleet(run, costs, "full_cycles"), by_fleet(run, costs, "wear_usd"), strict=True
        )
    ]
    return Grid.of(
        "Battery wear that deliveries cost, by the depth of their cycles (Xu et al. 2018): docs/battery_wear.md.",
        rows,
        ("Fleet", str, "fleet"),
        ("Equivalent full cycles, all vehicles", number_2, "cycles"),
        ("Wear (USD)", number_2, "usd"),
        ("Wear (USD per delivered kWh)", number_2, "each"),
    )

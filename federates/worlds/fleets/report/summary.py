"""Headline numbers and sentences of a day of fleets."""

from __future__ import annotations

from federates.reporting.formatting import number, number_2, percent, ratio
from federates.reporting.world import Numbers
from federates.worlds.fleets.report import acceptance, money
from federates.worlds.fleets.report.run import FleetRun, companies, model_of
from federates.worlds.road.report.load import overload
from federates.worlds.road.report.negotiation import agreement
from federates.worlds.road.report.run import traffic_name

_NAMES = {
    "delivered_kwh": "Energy delivered, in batteries at departure",
    "rewards_usd": "Rewards paid",
    "tolls_usd": "Tolls paid",
    "gain_usd": "Gain of everybody together",
    "above_limit_without_bin_kwh": "Energy above the feeder limits without deliveries",
    "above_limit_with_bin_kwh": "Energy above the feeder limits with deliveries",
}


def name_of(key: str) -> str:
    """Return the name of a number of the summary, empty if it needs none."""
    return _NAMES.get(key, "")


def about(run: FleetRun) -> list[str]:
    """Return paragraphs that say what was run."""
    session = run.session
    fleets = ", ".join(
        f"{fleet} ({model_of(run, fleet)}, {session.vehicle_kwh[fleet]:g} kWh a vehicle)" for fleet in session.fleets
    )
    traffic = traffic_name(run)
    by = "was simulated in SUMO, vehicle by vehicle" if traffic == "SUMO" else f"comes from the traffic model {traffic}"
    private = "The coordinator hears only the sum of the fleets' answers." if session.private_sum else ""
    return [
        f"Charging stations with energy to spare ({', '.join(session.resourceful_stations)}) help stations whose "
        "feeder overloads "
        f"({', '.join(session.limited_stations)}). Each station is an agent and tells its own company what it needs. Companies "
        f"({', '.join(companies(run))}) ask for deliveries, fleets carry them: {fleets}. A company pays a reward per kWh; the "
        "transport operator asks a toll per trip, which is what the trip costs others on the road. Rewards and tolls "
        "are the prices "
        f"at which all agree. {private} The traffic {by}.".replace("  ", " "),
        f"{session.periods} periods of {run.period_h:g} h from {session.start_hour}:00, planned "
        f"{session.horizon_periods} periods "
        f"ahead; seed {session.seed}.",
    ]


def summary(run: FleetRun) -> Numbers:
    """Return the headline numbers by key."""
    head: Numbers = {}
    over = overload(run)
    if len(over):
        head |= {f"above_limit_{side}_bin_kwh": float(over[f"bin_{side}_kwh"].sum()) for side in ("without", "with")}
    if not run.lacks("schedule"):
        schedule = run.frame("schedule")
        head |= {"mves_sent_veh": int(schedule["vehicles"].sum()), "delivered_kwh": float(schedule["delivery_kwh"].sum())}
        head |= {"rewards_usd": float(schedule["reward_usd"].sum()), "tolls_usd": float(schedule["toll_usd"].sum())}
        for row in money.payments(run).to_dict("records"):
            head |= {f"{row['fleet']}_vehicles_veh": int(row["vehicles"]), f"{row['fleet']}_delivered_kwh": row["delivery_kwh"]}
            head |= {f"{row['fleet']}_reward_usd": row["reward_usd"], f"{row['fleet']}_gain_usd": row["gain_usd"]}
    if not money.missing(run):
        head["gain_usd"] = float(money.gains(run)["gain_usd"].sum())
    table = agreement(run)
    if len(table):
        agreed = table["agreed"].astype(bool)
        head |= {"agreed_periods": int(agreed.sum()), "rounds_mean": float(table["rounds"].mean())}
        head |= {"gap_mean": float(table["gap"].mean()), "gap_max": float(table["gap"].max())}
    return head


def headline(run: FleetRun) -> list[str]:
    """Return the main results as sentences."""
    head, out = run.summary, list[str]()
    if "above_limit_without_bin_kwh" in head:
        without, with_ = (float(head[f"above_limit_{side}_bin_kwh"]) for side in ("without", "with"))
        out.append(
            f"Without deliveries {number(without)} kWh lay above the feeder limits of the limited stations; with them "
            f"{number(with_)} kWh did ({percent(ratio(with_, without))} of it)."
        )
    if head.get("mves_sent_veh"):
        kwh = float(head["delivered_kwh"])
        out.append(
            f"{number(float(head['mves_sent_veh']))} vehicles left with {number(kwh)} kWh: "
            + ", ".join(
                f"{row['fleet']} {number(row['delivery_kwh'])} kWh"
                for row in money.payments(run).to_dict("records")
                if row["vehicles"]
            )
            + "."
        )
        out.append(
            f"Companies paid {number(float(head['rewards_usd']))} USD in rewards, "
            f"{number_2(float(head['rewards_usd']) / kwh)} USD per "
            f"kWh; fleets paid {number(float(head['tolls_usd']))} USD in tolls."
        )
    if "gain_usd" in head:
        table = money.gains(run)
        best = table.loc[table["gain_usd"].idxmax()]
        out.append(
            f"Together all gain {number(float(head['gain_usd']))} USD against a day without deliveries; "
            f"{best['agent']} gains most, "
            f"{number(float(best['gain_usd']))} USD. All business of its own that a fleet misses is a cost, {money.MISSED}."
        )
    if "agreed_periods" in head and run.session.scheme.value == "proposed":
        out.append(
            f"The agents agreed in {head['agreed_periods']} of {len(agreement(run))} periods after "
            f"{number(float(head['rounds_mean']), 1)} rounds on average; {_proven(run)}."
        )
    if not run.lacks("acceptance"):
        refused = acceptance.refusals(run)
        near, yes = float(refused["near_veh"].sum()), float(refused["accepted_veh"].sum())
        if near:
            out.append(f"Where a reward was offered, {percent(ratio(yes, near))} of the vehicles near a station accepted.")
    return out


def _proven(run: FleetRun) -> str:
    """Return to within what of the best the plans are proven; a plan without a gap is in no mean, and said."""
    gaps = agreement(run)["gap"]
    unproven, head = int(gaps.isna().sum()), run.summary
    if unproven == len(gaps):
        return "nothing is proven of the plans"
    known = (
        f"the plans are proven to within {percent(float(head['gap_mean']), 2)} of the best on average, "
        f"{percent(float(head['gap_max']), 2)} at most"
    )
    return f"{known}, but for {unproven} of which nothing is proven" if unproven else known

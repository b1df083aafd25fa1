"""The centralised reference of the world `fleets`: what one planner with everybody's data would do in each hour of a day.

It takes no part in the day. The day is the negotiated one, run in this process; the parties' states are read at every commitment.
"""

"""The centralised reference: all parties' data in one process, to measure what the federation reaches without sharing them.

By rail it solves the day of both operators; ``fleets`` has each hour of a day of fleets. It is no agent and takes no part in a
negotiation. It alone imports from several agents.
"""

"""Fleets of vehicles that carry energy (MVES): utility-owned, of a company, or private.

The three types are those of Chen et al., IEEE Network 33(6), 2019.
"""

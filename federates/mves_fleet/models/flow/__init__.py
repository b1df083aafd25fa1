"""Vehicles of one owner as a flow through places, states of charge and periods."""

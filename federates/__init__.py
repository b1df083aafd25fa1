"""Portage: power and transport operators that agree on moving energy, as a HELICS co-simulation."""

__version__ = "0.1.0"

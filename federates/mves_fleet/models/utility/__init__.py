"""Vehicles that the power company itself owns (UMVES)."""

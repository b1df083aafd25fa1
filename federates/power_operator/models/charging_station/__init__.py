"""Charging stations on distribution feeders, relieved by vehicles that carry energy (MVES)."""

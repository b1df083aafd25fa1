"""Vehicles of a company with a business of its own (LMVES)."""

"""Charging stations."""

"""Worlds that ship: what moves the energy, who takes part, and what they exchange."""

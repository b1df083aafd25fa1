"""Charging stations: queues, spots, forecast and energy, shared by whoever plans or runs one; knows no agent."""

"""The road: vehicles with large batteries between charging stations."""

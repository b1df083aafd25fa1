"""The road: vehicles carry energy from resourceful stations to limited ones."""

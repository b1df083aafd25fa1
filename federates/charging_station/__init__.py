"""A charging station as an agent: its queue, its spots and its feeder, and what it tells of them."""

"""The game: students are agents of real runs, in their browsers; a lecturer leads it."""

"""Models of a power operator; one folder a model."""

"""What lessons work on that needs more than a few lines: small days, and shipped agents that can be asked outside a run."""

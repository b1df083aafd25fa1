"""Wear of batteries: cycles in a state of charge, life that they use, and a convex cost of depth for decisions."""

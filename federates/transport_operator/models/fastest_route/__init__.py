"""Transport operator that sends every vehicle by the route that is fastest now, at a cost that is known beforehand."""

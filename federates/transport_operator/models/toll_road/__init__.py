"""Transport operator of the world `fleets`: the road asks for its marginal external cost."""

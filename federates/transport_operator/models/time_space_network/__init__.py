"""Transport operator of the rail world: trains routed on their time-space network."""

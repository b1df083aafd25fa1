"""A person in an agent's seat: the agent stays a process of its own, and its class asks the person before it answers."""

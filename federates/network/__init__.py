"""What becomes of messages on the network between the agents, and what a negotiation knows without those that are missing."""

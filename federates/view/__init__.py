"""A run in the browser, while it goes on or afterwards: what each agent told whom, the negotiation, and what the world moves."""

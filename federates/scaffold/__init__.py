"""Starting points for a user's own work: a copy of a shipped scenario, and a skeleton of an own class with its test."""

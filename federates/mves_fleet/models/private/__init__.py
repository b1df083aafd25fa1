"""Private drivers who decide alone (PMVES)."""

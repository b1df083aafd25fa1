"""A station as a queue: plug-in vehicles at its chargers, mobile storages at its spots."""

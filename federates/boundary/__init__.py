"""The only thing two federates share: topics, messages, roles, units, errors, the public agreement."""

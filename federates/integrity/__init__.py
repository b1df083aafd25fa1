"""Signed messages: what an agent hears is what its sender said, to it, in this run, once (docs/integrity.md)."""

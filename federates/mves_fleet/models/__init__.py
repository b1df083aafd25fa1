"""The fleets that ship."""

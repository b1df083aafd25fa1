"""The rail: trains carry batteries between storage stations."""

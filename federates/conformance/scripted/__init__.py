"""Operators by formula, whose joint optimum is known: the partners of a coordinator algorithm under test."""

"""Reporting: metrics, figures and pages from the tables that a run leaves behind.

Reads files only, never HELICS, and knows no agent: what it needs is the boundary's list of tables, the session, and what the
scenario says about itself (`published`). The package itself imports nothing: the check of a scenario needs no figures.
"""

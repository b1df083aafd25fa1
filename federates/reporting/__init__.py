"""Reporting: metrics, figures and pages from the tables that a run leaves behind.

Reads files only, never HELICS, and knows no agent: what it needs is the boundary's list of tables and the session.
"""

from federates.reporting.compare import write_comparison
from federates.reporting.metrics import summary
from federates.reporting.report import write_report
from federates.reporting.tables import RunTables

__all__ = ["RunTables", "summary", "write_comparison", "write_report"]

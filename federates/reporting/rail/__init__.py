"""Reporting of the rail world: batteries on trains between storage stations, planned by unit commitment, then carried out."""

from federates.reporting.rail.compare import write_rail_comparison
from federates.reporting.rail.metrics import rail_summary
from federates.reporting.rail.report import rail_headline, write_rail_report

__all__ = ["rail_headline", "rail_summary", "write_rail_comparison", "write_rail_report"]

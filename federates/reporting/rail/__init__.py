"""Reporting of the rail world: batteries on trains between storage stations, planned by unit commitment, then carried out."""

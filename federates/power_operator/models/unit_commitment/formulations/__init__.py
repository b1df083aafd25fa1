"""Published formulations, one file per source."""

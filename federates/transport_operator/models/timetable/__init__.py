"""Transport operator with fixed departures: it offers its timetable, whatever the prices."""

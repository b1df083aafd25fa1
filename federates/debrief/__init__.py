"""After a game: what everybody knew, what the day cost against the best one, who told what was not so, and the points."""

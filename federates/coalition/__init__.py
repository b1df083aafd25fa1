"""What coalitions of company fleets are worth on the day of a run, and how they may share it: ``portage coalition``.

`recorded` runs the day again with some of the fleets, `days` keeps what each came to, `study` makes a game of it
(`federates.games`), `results` writes what came out. docs/coalitions.md has the formulas.
"""

"""Theory of games that markets of mobile storage are made of: a leader who posts a reward, and coalitions that share a gain.

Numbers in, numbers out: nothing here knows an agent, a world or a run. `acceptance` has how followers answer a reward, and how
that is learnt; `leader` the reward that is best for who posts it. `game` has games of coalitions; `shapley`, `core` and
`nucleolus` are how their worth is shared.
"""

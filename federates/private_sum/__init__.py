"""A sum of which the collector learns the total and no term: additive masks that cancel (docs/private_sum.md).

`masks` is the sum in which everybody answers. `recovery` is the one in which somebody may be lost. `ckks` is an
approximate one by homomorphic encryption, an extra. Nothing here knows of agents or of HELICS.
"""

"""A whole run seen from outside: start it, watch it, finish it. No agent imports this; it is no part of the federation."""

import federates.runtime  # noqa: F401 (before HELICS, see there)

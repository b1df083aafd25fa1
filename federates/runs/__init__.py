"""A whole run seen from outside: start it, watch it, finish it. No agent imports this; it is no part of the federation."""

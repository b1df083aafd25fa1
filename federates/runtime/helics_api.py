"""HELICS's Python interface, loaded behind pyarrow.

Where HELICS's library comes first, libsumo aborts the process when it is imported ("Duplicate string 'HDV__'"); behind pyarrow it
does not. So every module of the project takes HELICS from here.
"""

# isort: off
import pyarrow  # noqa: F401
import helics as h
from helics import capi

__all__ = ["capi", "h"]

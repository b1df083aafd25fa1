"""Life of an agent: configuration, HELICS, rounds, results.

Importing it loads pyarrow, and so before HELICS, which its modules load: where HELICS's library comes first, libsumo aborts the
process when it is imported ("Duplicate string 'HDV__'").
"""

import pyarrow  # noqa: F401

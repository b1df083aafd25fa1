"""The C kit of `examples/portage_c` seen from Python: a shared library with the same structures as its headers."""

import ctypes as c
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import helics
import numpy as np

HELICS = Path(helics.__file__).parent / "install"


class Topic(c.Structure):
    """`portage_topic` of internal.h."""

    _fields_ = [
        ("sender", c.c_char),
        ("name", c.c_char_p),
        ("receiver", c.c_char),
        ("world", c.c_char),
        ("shape", c.c_char_p),
        ("part", c.c_char),
        ("addressed", c.c_int),
    ]


class Agreement(c.Structure):
    """`portage_session` of portage.h."""

    _fields_ = [
        ("rail", c.c_int),
        ("scheme", c.c_char_p),
        ("periods", c.c_int),
        ("period_s", c.c_double),
        ("start_hour", c.c_int),
        ("n", c.c_int),
        ("m", c.c_int),
        ("h", c.c_int),
        ("stations", c.c_int),
        ("station", c.POINTER(c.c_char_p)),
        ("links", c.c_int),
        ("link", c.POINTER(c.c_char_p)),
        ("bins", c.c_int),
        ("trains", c.c_int),
        ("train", c.POINTER(c.c_char_p)),
        ("home", c.POINTER(c.c_int)),
        ("trip_periods", c.POINTER(c.c_int)),
    ]


class Route(c.Structure):
    """`portage_route` of portage.h."""

    _fields_ = [("value_usd", c.c_double), ("cost_usd", c.c_double), ("next", c.c_int)]


def build_library(root: Path, folder: Path) -> Path:
    """Return the kit as a shared library, built with the flags of `examples/Makefile` and the address of everything checked."""
    library = folder / "kit.so"
    sources = sorted(map(str, (root / "examples/portage_c").glob("*.c")))
    flags = ["-std=c11", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-isystem", str(HELICS / "include")]
    link = [f"-L{HELICS / 'lib64'}", "-lhelics", f"-Wl,-rpath,{HELICS / 'lib64'}", "-lm", "-ldl"]
    subprocess.run([os.environ.get("CC", "gcc"), *flags, *sources, "-o", str(library), *link], check=True)
    return library


class Kit:
    """The functions that the tests call."""

    def __init__(self, library: Path) -> None:
        self.path = library
        self._library = c.CDLL(str(library))
        self._library.portage_values.restype = c.c_size_t
        self._library.portage_best_route.restype = Route

    def topics(self) -> list[Topic]:
        """Return the kit's table of topics."""
        count = c.c_int.in_dll(self._library, "portage_topic_count").value
        return list((Topic * count).in_dll(self._library, "portage_topics"))

    def values(self, topic: Topic, agreement: Agreement, period: int) -> tuple[int, bool]:
        """Return how many values a message of ``period`` has (one row, if their number is free), and whether it is free."""
        rows = c.c_int()
        count = self._library.portage_values(c.byref(topic), c.byref(agreement), period, c.byref(rows))
        return count, bool(rows.value)

    def agreement(self, text: str) -> Agreement:
        """Return the session that the kit makes of a JSON text; what it refuses ends the process."""
        agreement = Agreement()
        self._library.portage_parse_session(text.encode(), c.byref(agreement))
        return agreement

    def free(self, agreement: Agreement) -> None:
        """Give the session's memory back."""
        self._library.portage_free_session(c.byref(agreement))

    def best_route(self, agreement: Agreement, place: tuple[int, int], end: int, trip_usd, reward) -> tuple[Route, np.ndarray]:
        """Return the best route from ``place`` (station, period) to station ``end``, and where it stands in each period (H,)."""
        stand = np.zeros(agreement.h, dtype=np.intc)
        trip_usd, reward = (np.ascontiguousarray(a, dtype=np.float64) for a in (trip_usd, reward))
        doubles = [a.ctypes.data_as(c.POINTER(c.c_double)) for a in (trip_usd, reward)]
        into = stand.ctypes.data_as(c.POINTER(c.c_int))
        return self._library.portage_best_route(c.byref(agreement), *place, end, *doubles, into), stand


def every_route(trip, periods: int, station: int, period: int, end: int, stand=()) -> Iterator[tuple[tuple, tuple]]:
    """Yield (moves, stands) of every way from here to the end of the day: pairs (from, to) and (station, period)."""
    if period == periods:
        if end in (-1, station):
            yield (), stand
        return
    yield from every_route(trip, periods, station, period + 1, end, (*stand, (station, period)))
    for goal, length in enumerate(trip[station]):
        if goal != station and length > 0 and period + length <= periods:
            for moves, stands in every_route(trip, periods, goal, period + length, end, stand):
                yield ((station, goal), *moves), stands

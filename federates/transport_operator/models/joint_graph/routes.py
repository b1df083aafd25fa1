"""The fastest paths from one node to another, of at most so many edges each, fastest first.

Yen's method with Lawler's partition [1]_, [2]_. The fastest path is found; all others leave it at its first edge, or at its
second, and so on. Of each of these sets the fastest is found, the fastest of them is the next path, and what is left of its set
is split alike. So the work is at most one search per edge of a path that is returned, whatever the number of paths in the graph.

A search grows paths by time so far plus the least that is still needed (A*), which one pass backwards from the destination tells
for every node and every number of edges left.

References
----------
.. [1] J. Y. Yen, "Finding the K Shortest Loopless Paths in a Network", Management Science 17(11), 712-716, 1971.
.. [2] E. L. Lawler, "A Procedure for Computing the K Best Solutions to Discrete Optimization Problems and Its Application to the
   Shortest Path Problem", Management Science 18(7), 401-405, 1972.
"""

from __future__ import annotations

import math
from collections import defaultdict
from heapq import heappop, heappush

import numpy as np

from federates.transport_operator.models.joint_graph.graph import Array, DirectedGraph

Path = tuple[int, ...]
_ROUNDING = 1e-9  # relative: sums of the same times in another order must not cut off a path that is just within the limit


def fastest_paths(
    graph: DirectedGraph,
    time_s: Array,
    ends: tuple[int, int],
    *,
    most_edges: int,
    most_paths: int,
    most_detour: float | None = None,
) -> list[Path]:
    """Return the ``most_paths`` fastest paths without a repeated node, as edges, fastest first; fewer if there are no more.

    ``time_s`` (E,) >= 0. Each has at most ``most_edges`` edges and takes at most ``most_detour`` times as long as the first, but
    for rounding (None: any time). A path just as fast as the last one may be left out.
    """
    search = _Search(graph, time_s, ends, most_edges)
    first = search.fastest((), frozenset(), math.inf)
    if first is None:
        return []
    most_s = math.inf if most_detour is None else most_detour * first[0] * (1.0 + _ROUNDING)
    found: list[Path] = []
    waiting: list[tuple[float, Path, int, frozenset[int]]] = [(*first, 0, frozenset())]
    while waiting and len(found) < most_paths:
        _, path, shared, barred = heappop(waiting)
        found.append(path)
        for place in range(shared, len(path)):
            left = frozenset((path[place],)) | (barred if place == shared else frozenset())
            best = search.fastest(path[:place], left, most_s)
            if best is not None:
                heappush(waiting, (*best, place, left))
    return found


class _Search:
    """Fastest paths between two nodes that begin with given edges and do not go on by others."""

    def __init__(self, graph: DirectedGraph, time_s: Array, ends: tuple[int, int], most_edges: int) -> None:
        self._origin, self._destination = ends
        self._time_s: list[float] = time_s.tolist()
        self._head: list[int] = graph.head.tolist()
        self._leaving: list[list[int]] = [[] for _ in range(graph.nodes)]
        for edge, node in enumerate(graph.tail):
            self._leaving[node].append(edge)
        self._most_edges = most_edges
        self._least_s = _least_time_s(graph, time_s, self._destination, most_edges)

    def fastest(self, begin: Path, barred: frozenset[int], most_s: float) -> tuple[float, Path] | None:
        """Return time and edges of the fastest path that begins with ``begin`` and goes on by an edge that is not ``barred``.

        None if none takes at most ``most_s``.
        """
        passed = {self._origin, *(self._head[edge] for edge in begin)}
        node, spent_s = (self._head[begin[-1]] if begin else self._origin), sum(self._time_s[edge] for edge in begin)
        # Of equally good beginnings the one with most edges goes first: it is nearest to the destination.
        growing = [(spent_s + self._least_s[self._most_edges - len(begin)][node], -len(begin), begin, spent_s, node)]
        reached: defaultdict[int, list[tuple[float, int]]] = defaultdict(list)
        while growing:
            _, _, path, spent_s, node = heappop(growing)
            if node == self._destination:
                return spent_s, path
            # Who was here sooner with no more edges did better. That also ends circles.
            if any(sooner_s <= spent_s and edges <= len(path) for sooner_s, edges in reached[node]):
                continue
            reached[node].append((spent_s, len(path)))
            for edge in self._leaving[node]:
                head, time_s = self._head[edge], spent_s + self._time_s[edge]
                if head in passed or len(path) == self._most_edges or (edge in barred and path == begin):
                    continue
                whole_s = time_s + self._least_s[self._most_edges - len(path) - 1][head]
                if whole_s <= most_s and whole_s < math.inf:
                    heappush(growing, (whole_s, -len(path) - 1, (*path, edge), time_s, head))
        return None


def _least_time_s(graph: DirectedGraph, time_s: Array, destination: int, most_edges: int) -> list[list[float]]:
    """Return the least time to the destination with at most 0, 1, ... ``most_edges`` edges, from every node; inf if too far."""
    least_s = [np.full(graph.nodes, np.inf)]
    least_s[0][destination] = 0.0
    for _ in range(most_edges):
        nearer_s = least_s[-1].copy()
        np.minimum.at(nearer_s, graph.tail, time_s + least_s[-1][graph.head])
        least_s.append(nearer_s)
    return [row.tolist() for row in least_s]

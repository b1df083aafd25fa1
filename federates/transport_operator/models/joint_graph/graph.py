"""Directed graph with parallel edges and zero costs, and its shortest paths.

Edges are numbered 0..E-1, nodes 0..N-1. Costs are finite and >= 0; zero is an ordinary cost (a bypass edge takes no time).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

Array = NDArray[np.float64]
Indices = NDArray[np.intp]
Flags = NDArray[np.bool_]
_NO_NODE = -9999  # scipy's mark for "no predecessor"


@dataclass(frozen=True, slots=True)
class DirectedGraph:
    """``tail[e] -> head[e]`` for every edge e, over ``nodes`` nodes; parallel edges are allowed."""

    nodes: int
    tail: Indices
    head: Indices
    _order: Indices = field(init=False, repr=False)
    _starts: Indices = field(init=False, repr=False)
    _columns: Indices = field(init=False, repr=False)
    _row_starts: Indices = field(init=False, repr=False)
    _slot: dict[tuple[int, int], int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Sort edges by (tail, head): a sparse matrix holds one number per pair, so parallel edges share a slot."""
        order = np.lexsort((self.head, self.tail))
        key = self.tail[order] * self.nodes + self.head[order]
        starts = np.flatnonzero(np.diff(key, prepend=-1))
        rows, columns = np.divmod(key[starts], self.nodes)
        counts = np.bincount(rows, minlength=self.nodes)
        set_ = object.__setattr__  # the class is frozen; these are derived once
        set_(self, "_order", order)
        set_(self, "_starts", starts)
        set_(self, "_columns", columns)
        set_(self, "_row_starts", np.concatenate(([0], np.cumsum(counts))))
        set_(self, "_slot", {(int(r), int(c)): i for i, (r, c) in enumerate(zip(rows, columns, strict=True))})

    def shortest_paths(self, cost: Array, origins: Indices, destinations: Indices) -> tuple[Array, list[tuple[int, ...]]]:
        """Return for every pair (origins[i], destinations[i]) the least cost and the edges of one path that has it.

        A pair without a path has cost inf and the empty path.
        """
        sources, row = np.unique(origins, return_inverse=True)
        cheapest = np.minimum.reduceat(cost[self._order], self._starts)
        matrix = csr_array((cheapest, self._columns, self._row_starts), shape=(self.nodes, self.nodes))
        distance, previous = dijkstra(matrix, indices=sources, return_predecessors=True)
        paths = [self._trace(previous[r], int(d), cost) for r, d in zip(row, destinations, strict=True)]
        return distance[row, destinations], paths

    def _trace(self, previous: NDArray[np.int32], node: int, cost: Array) -> tuple[int, ...]:
        edges = []
        while (before := int(previous[node])) != _NO_NODE:
            slot = self._slot[before, node]
            end = self._starts[slot + 1] if slot + 1 < len(self._starts) else len(self._order)
            parallel = self._order[self._starts[slot] : end]
            edges.append(int(parallel[np.argmin(cost[parallel])]))
            node = before
        return tuple(reversed(edges))

"""All paths of a graph, by trying every edge: a second way to what the transport operator searches."""

from __future__ import annotations

from federates.transport_operator.models.joint_graph.graph import DirectedGraph


def simple_paths(graph: DirectedGraph, origin: int, destination: int, limit: int) -> list[tuple[int, ...]]:
    """Return every path without a repeated node, as edges, in the order of edge numbers; stop after ``limit`` paths."""
    leaving: list[list[int]] = [[] for _ in range(graph.nodes)]
    for edge, node in enumerate(graph.tail):
        leaving[node].append(edge)
    found: list[tuple[int, ...]] = []
    stack: list[tuple[int, tuple[int, ...], frozenset[int]]] = [(origin, (), frozenset((origin,)))]
    while stack and len(found) < limit:
        node, edges, seen = stack.pop()
        if node == destination:
            found.append(edges)
            continue
        for edge in reversed(leaving[node]):
            head = int(graph.head[edge])
            if head not in seen:
                stack.append((head, (*edges, edge), seen | {head}))
    return found

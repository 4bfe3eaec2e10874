"""A layered layout of a graph without cycles: who points stands above whom it points at, crossings are few.

After Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical system structures" (1981): layers
by the longest path, places within a layer by the means of their neighbours' places, sweeping down and up.
"""

from collections.abc import Iterable, Mapping
from typing import Final

Arrows = Mapping[str, frozenset[str]]
"""Of each node those it points at; every node is a key."""

PASSING: Final = ">"
"""In the names of stops."""
_SWEEPS: Final = 24


def without_shortcuts(arrows: Arrows) -> dict[str, frozenset[str]]:
    """``arrows`` without those that a longer way implies."""
    return {node: frozenset(one for one in to if not _implied(arrows, to, one)) for node, to in arrows.items()}


def _implied(arrows: Arrows, to: frozenset[str], one: str) -> bool:
    return any(one in reached(arrows, other) for other in to if other != one)


def reached(arrows: Arrows, start: str) -> set[str]:
    """Every node that a way leads to from ``start``."""
    found: set[str] = set()
    open_ones = list(arrows[start])
    while open_ones:
        node = open_ones.pop()
        if node not in found:
            found.add(node)
            open_ones += arrows[node]
    return found


def layered(arrows: Arrows) -> tuple[list[list[str]], dict[str, frozenset[str]]]:
    """Layers from the top, each in order from the left, and the arrows with a stop in each layer they pass.

    Raises ``ValueError`` where the arrows go round.
    """
    depth = _depths(arrows)
    short: dict[str, set[str]] = {node: set() for node in arrows}
    for node, to in arrows.items():
        for target in sorted(to):
            before = node
            for level in range(depth[node] + 1, depth[target]):
                stop = f"{node}{PASSING}{target}{PASSING}{level}"
                depth[stop] = level
                short[before].add(stop)
                before = stop
                short[stop] = set()
            short[before].add(target)
    stepwise = {node: frozenset(to) for node, to in short.items()}
    layers = [sorted(node for node in depth if depth[node] == level) for level in range(max(depth.values()) + 1)]
    backwards = {node: frozenset(one for one, to in stepwise.items() if node in to) for node in stepwise}
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        for layer in layers if down else reversed(layers):
            _sort(layer, backwards if down else stepwise, _places(layers))
    return layers, stepwise


def _depths(arrows: Arrows) -> dict[str, int]:
    depth: dict[str, int] = {}

    def depth_of(node: str, above: tuple[str, ...]) -> int:
        if node in above:
            raise ValueError(f"the arrows go round: {' -> '.join((*above, node))}")
        if node not in depth:
            pointing = [one for one, to in arrows.items() if node in to]
            depth[node] = max((depth_of(one, (*above, node)) + 1 for one in pointing), default=0)
        return depth[node]

    for node in arrows:
        depth_of(node, ())
    return depth


def _sort(layer: list[str], towards: Arrows, places: Mapping[str, float]) -> None:
    def wanted(node: str) -> tuple[float, float]:
        # In order, for sums of fractions depend on it and pictures must not.
        found = sorted(places[one] for one in towards[node])
        return (sum(found) / len(found) if found else places[node]), places[node]

    layer.sort(key=wanted)


def _places(layers: Iterable[list[str]]) -> dict[str, float]:
    """Of each node its place within its layer, 0 to 1."""
    return {node: (number + 0.5) / len(layer) for layer in layers for number, node in enumerate(layer)}

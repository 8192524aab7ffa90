"""Circles among names that point at names: groups in groups, scopes below scopes.

Depth-first search with colours (Cormen et al., *Introduction to Algorithms*, 20.3), the stack kept by hand: a chain of
100,000 names is no deeper for Python than one of two. A name that is met again while the search is still below it
closes a circle: in `{a: [b], b: [a]}`, `b` → `a` does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

_SHOWN = 5  # names of a circle, before the rest is an ellipsis


class Circle(NamedTuple):
    """`last` → `first` closes it; `path` names it from `first` round to `first`, cut short in the middle where long."""

    first: str
    last: str
    path: str


def circles(edges: Mapping[str, Iterable[str]]) -> Iterator[Circle]:
    """One circle for each edge that closes one, in the order of `edges`. Names that are no key point nowhere.

    Every name that lies on some circle can be reached from one that is reported. Linear in names and edges.
    """
    done: set[str] = set()
    for root in edges:
        if root in done:
            continue
        path, depth = [root], {root: 0}
        open_edges = [iter(edges[root])]
        while path:
            for name in open_edges[-1]:
                if name in depth:
                    yield Circle(name, path[-1], _drawn(path, depth[name]))
                elif name in edges and name not in done:
                    depth[name] = len(path)
                    path.append(name)
                    open_edges.append(iter(edges[name]))
                    break
            else:
                open_edges.pop()
                finished = path.pop()
                del depth[finished]
                done.add(finished)


def _drawn(path: list[str], start: int) -> str:
    if len(path) - start <= _SHOWN:
        names = [f"`{name}`" for name in path[start:]]
    else:
        names = [*(f"`{name}`" for name in path[start : start + _SHOWN - 1]), "…", f"`{path[-1]}`"]
    return " > ".join([*names, f"`{path[start]}`"])

"""What rules give together, in normal form: whether some facets of a policy allow, or deny, all that a rule does.

A normal form is looked at as the ways in which it is true, each a set of comparisons. A rule is covered where each of
its ways holds all that some way of another rule asks for, or that rule's condition as a whole.

    viewer: when own                      vet includes viewer: when own and resource.total < 5
    {own}  is a part of  {own, total < 5}    → covered
    viewer: when own or shared            vet includes viewer: when (own or shared) and open
    {own or shared}  is a part of  {own or shared, open}    → covered

Sound and not complete: what only the solver can tell is not found.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from remit.lint.rule import Effect
from remit.model.expression import Attr, Expr, attributes
from remit.model.types import Reading
from remit.table import normal
from remit.table.shape import RuleEntry, Table

Ways = frozenset[frozenset[str]]

_ALWAYS: Ways = frozenset((frozenset[str](),))


class Given:
    """The rules of a table by facet. `rules_of` gives those of some facets; `covering` those that settle a cell."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self._of: dict[int, list[RuleEntry]] = {}
        self._at: dict[tuple[Effect, int, str], list[RuleEntry]] = {}
        self._readings: dict[str, Reading] = {}
        self._reads: dict[int, list[Attr]] = {}
        self._ways: dict[tuple[int, tuple[object, ...]], tuple[Ways, Ways]] = {}
        for entry in table.rules:
            for facet in entry.facets:
                self._of.setdefault(facet, []).append(entry)
                for name in entry.cells:
                    self._at.setdefault((entry.effect, facet, name), []).append(entry)

    def rules_of(self, facets: Collection[int]) -> Iterator[RuleEntry]:
        """The rules of these facets, each once for each of them."""
        for facet in sorted(facets):
            yield from self._of.get(facet, ())

    def covering(
        self,
        facets: Collection[int],
        effect: Effect,
        kind: str,
        action: str,
        condition: Expr | None,
        but: Collection[int] = (),
    ) -> Sequence[RuleEntry]:
        """Rules of these facets that together have this effect wherever the condition is true; none where they do not
        have it everywhere, or only the solver could tell. `but`: numbers of rules that are left aside."""
        found = [
            entry
            for facet in facets
            for entry in self._at.get((effect, facet, kind), ())
            if action in entry.cells[kind] and entry.number not in but
        ]
        plain = next((entry for entry in found if entry.condition is None), None)
        if plain is not None or not found:
            return (plain,) if plain is not None else ()
        mine = self.ways(condition, kind)
        settling: dict[int, RuleEntry] = {}
        for way in mine:
            by = next(
                (entry for entry in found if any(asked <= way for asked in self._asked(entry.condition, kind))), None
            )
            if by is None:
                return ()
            settling[by.number] = by
        return list(settling.values())

    def _asked(self, condition: Expr | None, kind: str) -> Ways:
        """What has to hold for a condition to be true: one of its ways, or all of it as it is, a part of another."""
        return self._read(condition, kind)[1]

    def ways(self, condition: Expr | None, kind: str) -> Ways:
        """The ways in which a condition is true at a type; none where it never is."""
        return self._read(condition, kind)[0]

    def _read(self, condition: Expr | None, kind: str) -> tuple[Ways, Ways]:
        if condition is None:
            return _ALWAYS, _ALWAYS
        if id(condition) not in self._reads:
            self._reads[id(condition)] = sorted(attributes(condition), key=str)
        if kind not in self._readings:
            self._readings[kind] = self.table.reading(kind)
        reading = self._readings[kind]
        key = (id(condition), tuple(reading.find(attr) for attr in self._reads[id(condition)]))
        found = self._ways.get(key)  # the same at all types that declare alike what it reads
        if found is None:
            form = normal.normal(condition, reading)
            ways = _ways(form)
            whole = frozenset((frozenset((normal.key(form),)),)) if len(ways) > 1 else frozenset[frozenset[str]]()
            found = self._ways[key] = (ways, ways | whole)
        return found


def _ways(form: normal.Normal) -> Ways:
    if isinstance(form, bool):
        return _ALWAYS if form else frozenset()
    parts = form[1:] if form[0] == "or" else [form]
    return frozenset(
        frozenset(normal.key(piece) for piece in (part[1:] if part[0] == "and" else [part])) for part in parts
    )

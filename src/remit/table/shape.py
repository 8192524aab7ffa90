"""The decision table in memory: what a policy means, and where each part of it was written.

A *facet* is a role as seen from one layer: a locked role of a base keeps the facets it was declared with, whatever an
overlay does to the roles it includes. A role reaches its own facet and those of all it includes, so a rule belongs to
one facet and counts for every role that reaches it. Two facets stand for the blocks `everyone` and `members`.

    base:    role viewer { allow read }     locked role owner includes viewer { allow write }
    overlay: extend role viewer { deny * }
    facets:  0 everyone, 1 members, 2 viewer (base), 3 owner (base), 4 viewer (overlay: base's rules and the deny)
    reach:   owner → 3, 2        viewer → 4
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from remit.model.expression import Expr
from remit.model.types import Attributes, Reading

EVERYONE, MEMBERS = 0, 1  # facets of the blocks
BLOCKS = ("everyone", "members")


class Place(NamedTuple):
    """File (relative to the policy's folder, a base's prefixed `NAME:`), line and column from 1, and the text there;
    `lead` and `trail` are what stands before and behind it on its lines, so that they can be quoted whole."""

    file: str
    line: int
    column: int
    text: str
    lead: str = ""
    trail: str = ""


class RuleEntry(NamedTuple):
    """A written rule. `role` is None in a block. `cells`: type → its actions. `condition_at` is the offset of the
    condition's text in the rule's."""

    number: int
    effect: Literal["allow", "deny"]
    role: str | None
    block: str | None
    facets: tuple[int, ...]
    cells: Mapping[str, tuple[str, ...]]
    condition: Expr | None
    condition_text: str
    condition_at: int
    because: str
    place: Place

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Its cells one by one, as (type, action): by type, then by action."""
        for name, actions in self.cells.items():
            for action in actions:
                yield name, action


class RoleEntry(NamedTuple):
    """`includes` is closed; `facets` are those the role reaches."""

    name: str
    title: str
    locked: bool
    former: tuple[str, ...]
    includes: tuple[str, ...]
    facets: frozenset[int]
    place: Place


class TypeEntry(NamedTuple):
    name: str
    area: str
    title: str
    actions: tuple[str, ...]
    attributes: Attributes


class EventEntry(NamedTuple):
    """A line of `assignments`. `trigger`: None, `first in domain`, `unassigned`, or a condition over claims."""

    kind: str
    to_group: bool
    requires: tuple[str, str] | None
    within_own: bool
    trigger: Expr | str | None
    assign: tuple[str, ...]
    place: Place


class GuardEntry(NamedTuple):
    """See `remit.model.policy.Guard`."""

    name: str
    title: str
    kind: Literal["least", "most", "per_user", "never"]
    count: int  # type: ignore[assignment]  # not the tuple's method of that name
    active: bool
    role: str
    other: str
    per: str
    place: Place


Cells = Mapping[str, tuple[str, ...]]


class AssertEntry(NamedTuple):
    """`cells` and `other` are the selectors, settled."""

    title: str
    kind: Literal["within", "only", "no", "requires", "never"]
    roles: tuple[str, ...]
    cells: Cells
    other: Cells
    condition: Expr | None
    place: Place


class TestEntry(NamedTuple):
    """`lines` are plain JSON objects with `kind` user, scope, given, may or event, and their `line` and `column`."""

    title: str
    lines: tuple[Mapping[str, Any], ...]
    place: Place


class Table(NamedTuple):
    """INVARIANT: role, type, action and facet names used anywhere in it are declared in it."""

    name: str
    title: str
    base: str
    root: str | None
    scopes: Mapping[str, str | None]
    areas: Mapping[str, str]  # name → title, in the order of the text
    types: Mapping[str, TypeEntry]
    user: Attributes
    context: Attributes
    claims: Attributes
    roles: Mapping[str, RoleEntry]
    facet_count: int
    rules: tuple[RuleEntry, ...]
    individual_over_group: bool
    roles_from_subject: bool
    events: tuple[EventEntry, ...]
    guards: Mapping[str, GuardEntry]
    assertions: tuple[AssertEntry, ...]
    tests: tuple[TestEntry, ...]
    conditions: Mapping[str, str]  # named conditions: their titles
    origins: Mapping[str, str]  # file → path for the person at the terminal
    kept: dict[str, str]  # `digest`, once it was asked for (`remit.table.meaning.digest`)

    def is_own(self, place: Place) -> bool:
        """Whether something is this policy's own, and not its base's."""
        return not self.base or ":" not in place.file

    def own_rules(self) -> list[RuleEntry]:
        """The rules that are this policy's own: of an overlay, those that it adds."""
        return [rule for rule in self.rules if self.is_own(rule.place)]

    def reading(self, resource_type: str) -> Reading:
        """What a condition may read at a resource of this type."""
        attributes = self.types[resource_type].attributes
        return Reading({"resource": attributes, "user": self.user, "context": self.context})

    def canonical_role(self, name: str) -> str | None:
        """The role of this name or former name, or None."""
        if name in self.roles:
            return name
        for role in self.roles.values():
            if name in role.former:
                return role.name
        return None

"""The checked model: names bound, types checked, selectors (`*`, sets, bundles, `except`) still as they were written.

An overlay is a `Model` with a `base`; it holds only what it adds. What a role may do in all is the table's to settle.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from remit.model.expression import Expr
from remit.model.types import Attributes, Reading
from remit.source import Span

Effect = Literal["allow", "deny"]


@dataclass(frozen=True, slots=True)
class ResourceType:
    """`sensitive` are those of its actions that are marked so; the mark changes no decision."""

    name: str
    title: str
    area: str
    attributes: Attributes
    actions: tuple[str, ...]
    span: Span
    sensitive: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ActionItem:
    """One word of a list of actions: `kind` all (`*`), set (with its `actions`, sets of sets resolved) or action."""

    kind: Literal["all", "set", "action"]
    name: str
    actions: frozenset[str]


@dataclass(frozen=True, slots=True)
class Selector:
    """`a, b on t, u` as written: `types` is None for `*`."""

    actions: tuple[ActionItem, ...]
    types: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class ExceptItem:
    """Takes `action on type` out of its rule: `action` None for the whole type, `type` None for `*`."""

    action: ActionItem | None
    type: str | None


@dataclass(frozen=True, slots=True)
class Permission:
    name: str
    area: str
    title: str
    bundles: tuple[Selector, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Area:
    name: str
    title: str
    types: tuple[str, ...]
    permissions: Mapping[str, Permission]
    span: Span


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as written. `areas` None at the top of a role. A rule has a `selector`, a grant `permissions`."""

    effect: Effect
    areas: tuple[str, ...] | None
    selector: Selector | None
    permissions: tuple[str, ...]
    excepts: tuple[ExceptItem, ...]
    condition: Expr | None
    condition_text: str
    because: str
    span: Span
    condition_span: Span | None = None


@dataclass(frozen=True, slots=True)
class Role:
    name: str
    title: str
    locked: bool
    former: tuple[str, ...]
    includes: tuple[str, ...]
    rules: tuple[Rule, ...]
    span: Span  # of its head


@dataclass(frozen=True, slots=True)
class Condition:
    name: str
    title: str
    body: Expr
    span: Span


@dataclass(frozen=True, slots=True)
class OnEvent:
    """`trigger`: None, the words `first in domain` or `unassigned`, or a condition over claims."""

    kind: str
    to_group: bool
    requires: tuple[str, str] | None  # action, type
    within_own: bool
    trigger: Expr | str | None
    assign: tuple[str, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Guard:
    """`kind` least or most (of holders of `role`), per_user (roles of one user) or never (`role` with `other`)."""

    name: str
    title: str
    kind: Literal["least", "most", "per_user", "never"]
    count: int
    active: bool
    role: str
    other: str
    per: str
    span: Span


@dataclass(frozen=True, slots=True)
class Assertion:
    """`kind` within (`roles` in rising order), only, no (one role), requires, never (with `other`)."""

    title: str
    kind: Literal["within", "only", "no", "requires", "never"]
    roles: tuple[str, ...]
    selector: Selector | None
    other: Selector | None
    condition: Expr | None
    span: Span


TestValue = str | int | bool | tuple[str | int | bool, ...]


@dataclass(frozen=True, slots=True)
class TestUser:
    """`held`: (role, scope or None, group or None)."""

    id: str
    status: Literal["active", "pending", "disabled"]
    held: tuple[tuple[str, str | None, str | None], ...]
    groups: tuple[str, ...]
    attributes: Mapping[str, TestValue]
    span: Span


@dataclass(frozen=True, slots=True)
class TestScope:
    name: str
    parent: str | None
    span: Span


@dataclass(frozen=True, slots=True)
class TestResource:
    type: str
    id: str
    scope: str | None
    properties: Mapping[str, TestValue]
    span: Span


@dataclass(frozen=True, slots=True)
class Expectation:
    user: str
    allowed: bool
    action: str
    resource: str
    context: Mapping[str, TestValue]
    because: str
    span: Span


@dataclass(frozen=True, slots=True)
class TestEvent:
    kind: str
    user: str | None
    group: str | None
    by: str | None
    role: str | None
    scope: str | None
    claims: Mapping[str, TestValue]
    accepted: bool
    because: str
    span: Span


TestLine = TestUser | TestScope | TestResource | Expectation | TestEvent


@dataclass(frozen=True, slots=True)
class Test:
    title: str
    lines: tuple[TestLine, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Model:
    """One policy, or one overlay over its `base`. An overlay's catalogue, scopes and attributes are the base's own."""

    name: str
    title: str
    base: Model | None
    root: str | None  # the root's scope kind
    scopes: Mapping[str, str | None]  # kind → the kind above
    scope_titles: Mapping[str, str]
    areas: Mapping[str, Area]
    types: Mapping[str, ResourceType]
    action_sets: Mapping[str, frozenset[str]]
    user: Attributes
    context: Attributes
    claims: Attributes
    conditions: Mapping[str, Condition]
    roles: Mapping[str, Role]
    extensions: Mapping[str, tuple[Rule, ...]]
    everyone: tuple[Rule, ...]
    members: tuple[Rule, ...]
    events: tuple[OnEvent, ...]
    individual_over_group: bool
    roles_from_subject: bool
    guards: Mapping[str, Guard]
    assertions: tuple[Assertion, ...]
    tests: tuple[Test, ...]
    files: tuple[str, ...] = field(default=())

    def layers(self) -> list[Model]:
        """From the base outward, this one last."""
        found: list[Model] = []
        layer: Model | None = self
        while layer:
            found.append(layer)
            layer = layer.base
        return found[::-1]

    def role(self, name: str) -> Role | None:
        """The role as the outermost layer that declares it has it."""
        layer: Model | None = self
        while layer:
            if name in layer.roles:
                return layer.roles[name]
            layer = layer.base
        return None

    def role_names(self) -> list[str]:
        return sorted({name for layer in self.layers() for name in layer.roles})

    def reading(self, resource_type: str) -> Reading:
        """What a condition may read at a resource of this type."""
        return Reading({"resource": self.types[resource_type].attributes, "user": self.user, "context": self.context})

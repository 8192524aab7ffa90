"""The syntax tree: what was written, every part with its place, nothing resolved.

Nodes are plain slotted records. Lists keep the order of the text. `*` is a `Name` whose text is `*`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal as OneOf

from remit.source import Source as Source
from remit.source import Span as Span
from remit.syntax.expressions import And as And
from remit.syntax.expressions import Attribute as Attribute
from remit.syntax.expressions import Compare as Compare
from remit.syntax.expressions import Enumeration as Enumeration
from remit.syntax.expressions import Expression as Expression
from remit.syntax.expressions import Has as Has
from remit.syntax.expressions import ListLiteral as ListLiteral
from remit.syntax.expressions import Literal as Literal
from remit.syntax.expressions import Member as Member
from remit.syntax.expressions import Minus as Minus
from remit.syntax.expressions import Name as Name
from remit.syntax.expressions import Not as Not
from remit.syntax.expressions import Or as Or
from remit.syntax.expressions import Path as Path
from remit.syntax.expressions import PlainType as PlainType
from remit.syntax.expressions import Reference as Reference
from remit.syntax.expressions import SetType as SetType
from remit.syntax.expressions import Text as Text
from remit.syntax.expressions import WrittenType as WrittenType

# -- the catalogue -------------------------------------------------------------------------------------------------


@dataclass(slots=True, eq=False)
class Policy:
    name: Name
    title: Text | None
    extends: Text | None
    span: Span


@dataclass(slots=True, eq=False)
class Scope:
    name: Name
    title: Text | None
    parent: Name | None
    span: Span


@dataclass(slots=True, eq=False)
class Resource:
    """`sensitive` are those of its actions that are marked so."""

    name: Name
    title: Text | None
    attributes: list[Attribute]
    actions: list[Name]
    sensitive: list[Name]
    span: Span


@dataclass(slots=True, eq=False)
class Bundle:
    """`a, b on t` inside a permission."""

    actions: list[Name]
    types: list[Name]


@dataclass(slots=True, eq=False)
class Permission:
    name: Name
    title: Text | None
    bundles: list[Bundle]
    span: Span


@dataclass(slots=True, eq=False)
class Area:
    name: Name
    title: Text | None
    resources: list[Resource]
    permissions: list[Permission]
    span: Span


@dataclass(slots=True, eq=False)
class ActionSet:
    name: Name
    actions: list[Name]
    span: Span


@dataclass(slots=True, eq=False)
class Attributes:
    """A `context`, `user` or `claims` block."""

    of: OneOf["context", "user", "claims"]
    attributes: list[Attribute]
    span: Span


@dataclass(slots=True, eq=False)
class Condition:
    name: Name
    title: Text | None
    expression: Expression
    span: Span


# -- roles ---------------------------------------------------------------------------------------------------------


@dataclass(slots=True, eq=False)
class ExceptItem:
    """`t`, or `a on t` where `action` is given."""

    action: Name | None
    type: Name


@dataclass(slots=True, eq=False)
class AccessRule:
    effect: OneOf["allow", "deny"]
    actions: list[Name]
    types: list[Name]
    excepts: list[ExceptItem]
    when: Expression | None
    because: Text | None
    span: Span


@dataclass(slots=True, eq=False)
class GrantRule:
    permissions: list[Name]
    when: Expression | None
    because: Text | None
    span: Span


Rule = AccessRule | GrantRule


@dataclass(slots=True, eq=False)
class AreaBlock:
    areas: list[Name]
    rules: list[Rule]
    span: Span


@dataclass(slots=True, eq=False)
class Body:
    """The rules of a role or block: those at its top, and those inside `in AREA { … }`."""

    rules: list[Rule] = field(default_factory=list)
    blocks: list[AreaBlock] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Role:
    name: Name
    title: Text | None
    locked: bool
    former: list[Name]
    includes: list[Name]
    body: Body
    span: Span
    head: Span  # from `role` (or `locked`) to the name


@dataclass(slots=True, eq=False)
class ExtendRole:
    name: Name
    body: Body
    span: Span


@dataclass(slots=True, eq=False)
class Block:
    """`everyone { … }` or `members { … }`."""

    of: OneOf["everyone", "members"]
    body: Body
    span: Span


# -- assignments and guards ----------------------------------------------------------------------------------------


@dataclass(slots=True, eq=False)
class Requires:
    action: Name
    type: Name
    within_own: bool
    span: Span


@dataclass(slots=True, eq=False)
class OnEvent:
    kind: Name
    to_group: bool
    requires: Requires | None
    trigger: OneOf["first in domain", "unassigned"] | Expression | None
    assign: list[Name]
    span: Span


@dataclass(slots=True, eq=False)
class Assignments:
    events: list[OnEvent]
    individual_over_group: bool
    roles_from_subject: bool
    span: Span


@dataclass(slots=True, eq=False)
class GuardCount:
    bound: OneOf["least", "most"]
    count: int
    active: bool
    role: Name
    per: Name | None


@dataclass(slots=True, eq=False)
class GuardPerUser:
    count: int
    per: Name | None


@dataclass(slots=True, eq=False)
class GuardNever:
    role: Name
    other: Name
    per: Name | None


@dataclass(slots=True, eq=False)
class Guard:
    name: Name
    title: Text | None
    rule: GuardCount | GuardPerUser | GuardNever
    span: Span


# -- asserts and tests ---------------------------------------------------------------------------------------------


@dataclass(slots=True, eq=False)
class AssertWithin:
    roles: list[Name]


@dataclass(slots=True, eq=False)
class AssertOnly:
    roles: list[Name]
    actions: list[Name]
    types: list[Name]
    when: Expression | None


@dataclass(slots=True, eq=False)
class AssertNo:
    role: Name
    actions: list[Name]
    types: list[Name]
    when: Expression | None


@dataclass(slots=True, eq=False)
class AssertRequires:
    actions: list[Name]
    types: list[Name]
    expression: Expression


@dataclass(slots=True, eq=False)
class AssertNever:
    actions: list[Name]
    types: list[Name]
    other_actions: list[Name]
    other_types: list[Name]


@dataclass(slots=True, eq=False)
class Assertion:
    title: Text | None
    claim: AssertWithin | AssertOnly | AssertNo | AssertRequires | AssertNever
    span: Span


@dataclass(slots=True, eq=False)
class Place:
    """`KIND/ID`, or the root's kind alone."""

    text: str
    span: Span


@dataclass(slots=True, eq=False)
class Value:
    """A value of an example: string, int or bool, or a list of them. A bare name is the string it spells."""

    value: str | int | bool | list[str | int | bool]
    span: Span


@dataclass(slots=True, eq=False)
class Pair:
    name: Name
    value: Value


@dataclass(slots=True, eq=False)
class Held:
    role: Name
    at: Place | None
    group: Name | None


@dataclass(slots=True, eq=False)
class TestScope:
    place: Place
    parent: Place | None
    span: Span


@dataclass(slots=True, eq=False)
class TestUser:
    id: Name
    status: OneOf["active", "pending", "disabled"]
    held: list[Held]
    group: Name | None
    attributes: list[Pair]
    span: Span


@dataclass(slots=True, eq=False)
class TestGiven:
    type: Name
    id: Name
    at: Place | None
    attributes: list[Pair]
    span: Span


@dataclass(slots=True, eq=False)
class TestMay:
    user: Name
    expected: bool
    action: Name
    resource: Name
    context: list[Pair]
    because: Name | None
    span: Span


@dataclass(slots=True, eq=False)
class TestEvent:
    kind: Name
    user: Name | None
    group: Name | None
    by: Name | None
    role: Name | None
    at: Place | None
    claims: list[Pair]
    accepted: bool
    because: Name | None
    span: Span


@dataclass(slots=True, eq=False)
class Test:
    title: Text
    lines: list[TestScope | TestUser | TestGiven | TestMay | TestEvent]
    span: Span


Statement = (
    Policy
    | Scope
    | Area
    | ActionSet
    | Attributes
    | Condition
    | Role
    | ExtendRole
    | Block
    | Assignments
    | Guard
    | Assertion
    | Test
)


@dataclass(slots=True, eq=False)
class Broken:
    """A statement that did not parse: what it would have declared, so that no name is called unknown on its account."""

    kind: str
    name: str | None


@dataclass(slots=True, eq=False)
class File:
    source: Source
    statements: list[Statement]
    broken: list[Broken]

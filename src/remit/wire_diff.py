"""The shape of `remit diff --output-format json`, as pydantic models: the source of its JSON Schema.

One change is one entry for all the roles whose access changes alike in that type and action; none is left out or folded
with another.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from remit.directory.wire import Status
from remit.wire import Closed, DecisionCode, Name, Place, Properties, Request

Kind = Literal["gained", "lost", "widened", "narrowed", "changed", "incomplete_only"]
Part = Literal["may", "forbids"]
Count = Annotated[int, Field(ge=0)]


class Version(Closed):
    """One side: what it was called, the policy's name, and the digest over what it means."""

    name: str
    commit: str | None = Field(description="The hash, where it is a git revision.")
    policy: str
    digest: str


class Summary(Closed):
    """How many permissions changed: one for each role (or user), type and action."""

    gained: Count
    widened: Count
    changed: Count
    narrowed: Count
    lost: Count
    incomplete_only: Count
    unproven: Count


class SettlingRule(Place):
    """A rule that counts in the cell on its side. `caused`: the other side has none that says the same here."""

    id: Name
    effect: Literal["allow", "deny"]
    role: str | None
    block: Literal["everyone", "members"] | None
    text: str
    when: str | None = Field(description="Its condition; null: always.")
    because: str | None
    caused: bool


class Asker(Closed):
    """Somebody who holds just these roles, at the root. By user: whom the directory knows by this id."""

    id: Name
    roles: list[str]
    groups: list[str]
    attributes: Properties


class Witness(Closed):
    """A request that the two sides decide otherwise, and the codes of the two decisions."""

    request: Request
    asked_by: Asker
    missing: list[str] = Field(description="What it leaves out that a complete request has.")
    place_known: bool = Field(description="Whether the directory knows the place that it names.")
    old: DecisionCode
    new: DecisionCode

    @model_validator(mode="after")
    def _differs(self) -> Self:
        if (self.old == "allowed") == (self.new == "allowed"):
            raise PydanticCustomError("witness", "the two decisions are alike")
        return self


class PermissionChange(Closed):
    """What became otherwise in one type and action. `part` may: what is allowed to whom it names; forbids: what they
    forbid to somebody whom another role allows it. `kind` speaks of access: a deny that goes is a gain."""

    area: str
    type: Name
    action: Name
    part: Part
    kind: Kind
    old: list[SettlingRule]
    new: list[SettlingRule]
    witness: Witness


class RoleChange(PermissionChange):
    roles: list[str] = Field(description="Each alone sees the change; none: whoever holds no role.")


class UserChange(PermissionChange):
    user: Name
    scopes: list[str | None] = Field(description="Where; null: where a request names no place.")
    since: str | None = Field(description="From when on; null: from the time of the comparison.")


class BesideThat(Closed):
    """Something else that is new, gone or otherwise. `name` is a name, or the text of a line."""

    about: Literal["type", "action", "attribute", "scope", "role", "assignments", "guard", "assert", "user"]
    name: str
    how: Literal["added", "removed", "changed"]
    what: str


class OpenRoles(Closed):
    roles: list[str]
    part: Part
    type: Name
    action: Name


class OpenUser(Closed):
    user: Name
    type: Name
    action: Name


class Holder(Closed):
    id: Name
    status: Status


class DiffFile(Closed):
    """Every permission that two policies give otherwise."""

    by: Literal["role", "user"]
    old: Version
    new: Version
    summary: Summary
    beside: list[BesideThat]
    unproven: list[OpenRoles | OpenUser] = Field(description="What could not be told.")
    holders: dict[str, list[Holder]] | None = Field(
        description="Who holds each role that changes, by the directory; null without one, and by user."
    )
    changes: list[RoleChange | UserChange]

"""The directory file as pydantic models: the source of `schema/directory.schema.json`, by which editors complete.

The reader decides (`remit.directory.reader`); a test holds both to the same verdict wherever the shape alone decides.
What only the whole file can tell (an unknown member, a circle, an undeclared scope) is the reader's.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, model_validator
from pydantic_core import PydanticCustomError

from remit.instant import parse_instant


def _instant(text: str) -> str:
    if parse_instant(text) is None:
        raise PydanticCustomError("time", "no RFC 3339 time with its zone")
    return text


Status = Literal["active", "pending", "disabled"]
Word = Annotated[str, Field(min_length=1)] | int | float | bool  # an unquoted number or word is read as its text
Id = Word | None  # `null`, without quotes, is an id like any other
Instant = Annotated[str, AfterValidator(_instant), Field(json_schema_extra={"format": "date-time"})]
ScopeKey = Annotated[str, Field(pattern=r"^[^/]+/[\s\S]+$")]
ScopeName = Annotated[str, Field(pattern=r"^[^/]+(/[\s\S]+)?$")] | int | float | bool
Key = Annotated[str, Field(min_length=1)]

_NO_OTHER_KEYS = Field(json_schema_extra={"additionalProperties": False})


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class AssignmentEntry(_Entry):
    """A role, at a scope and for a time."""

    role: Word = Field(description="The role's name, as the policy declares it.")
    scope: ScopeName | None = Field(
        None, description="Where it is held: `KIND/ID`, as declared under `scopes`; without it, at the root."
    )
    start: Instant | None = Field(
        None, alias="from", description="From when it counts (RFC 3339 with a zone), inclusive; open without it."
    )
    until: Instant | None = Field(
        None, description="Until when it counts (RFC 3339 with a zone), exclusive; open without it."
    )

    @model_validator(mode="after")
    def _window(self) -> Self:
        start, until = parse_instant(self.start or ""), parse_instant(self.until or "")
        if start is not None and until is not None and start >= until:
            raise PydanticCustomError("window", "`until` is not after `from`")
        return self


class UserEntry(_Entry):
    """One user; the key is the id."""

    status: Status | None = Field(None, description="`active` unless given. Nobody else is ever allowed anything.")
    type: Word | None = Field(None, description="The subject type of requests by this user: `user` unless given.")
    attributes: dict[str, JsonValue] | None = Field(
        None, description="What conditions read as `user.NAME`, as the policy's `user` block declares it."
    )
    assignments: list[AssignmentEntry] | None = Field(None, description="The roles the user holds individually.")
    status_before: Status | None = Field(None, description="The status that `enable` brings back; kept by `disable`.")


class GroupEntry(_Entry):
    """One group; the key is its name."""

    members: list[Id] | None = Field(
        None, description="Ids of users, and `group/NAME` for groups inside this one.", examples=[["ann", "group/desk"]]
    )
    assignments: list[AssignmentEntry] | None = Field(None, description="The roles every member holds through it.")


class ScopeEntry(_Entry):
    """One place; the key is `KIND/ID`."""

    parent: ScopeName | list[ScopeName] | None = Field(
        None, description="The scope or scopes above: `KIND/ID`, or the root's kind. The root, unless given."
    )


class DirectoryFile(_Entry):
    """Who holds which role where. Every section may be missing."""

    model_config = ConfigDict(title="remit directory")

    users: dict[Key, UserEntry | None] | None = Field(None, description="The users, by id.")
    groups: dict[Key, GroupEntry | None] | None = Field(None, description="The groups, by name.")
    scopes: Annotated[dict[ScopeKey, ScopeEntry | None], _NO_OTHER_KEYS] | None = Field(
        None, description="The places roles are held at, by `KIND/ID`.", examples=[{"branch/north": {}}]
    )
    joined_domains: list[Id] | None = Field(
        None, description="Mail domains that somebody has joined from, ever; outlives the users."
    )
    removed: list[Id] | None = Field(None, description="Ids of removed users, who stay known and are never allowed.")

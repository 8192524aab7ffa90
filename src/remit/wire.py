"""The shapes that cross the border, as pydantic models: the source of the JSON Schemas and a check of what tests see.

request ──▶ response, explanation      event ──▶ result, audit      remit.toml ──▶ config

What comes in from other systems (a request) may carry more than is known here; what remit itself writes, and what
people write for it, may not. Nothing on the path of a single question imports this module: there the shapes are checked
by hand.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator
from pydantic_core import PydanticCustomError

from remit.directory.wire import Instant, Status

DecisionCode = Literal[
    "allowed",
    "denied_by_rule",
    "no_rule",
    "unknown_user",
    "inactive_user",
    "unknown_action",
    "unknown_resource_type",
    "invalid_request",
]
EventType = Literal[
    "signup",
    "sso_login",
    "register",
    "invite",
    "change_role",
    "assign",
    "revoke",
    "disable",
    "enable",
    "remove",
    "join",
    "leave",
    "create_group",
    "delete_group",
    "create_scope",
    "delete_scope",
]
ResultCode = Literal[
    "accepted",
    "not_permitted",
    "guard_failed",
    "inactive_user",
    "unknown_user",
    "unknown_role",
    "unknown_scope",
    "unknown_group",
    "already_exists",
    "not_empty",
    "no_rule",
    "invalid_event",
]
Name = Annotated[str, Field(min_length=1)]
Properties = dict[str, JsonValue]


class Open(BaseModel):
    """From other systems: more keys than these are left alone."""

    model_config = ConfigDict(extra="allow", strict=True)


class Closed(BaseModel):
    """Written by or for remit: an unknown key is a mistake."""

    model_config = ConfigDict(extra="forbid", strict=True)


# Requests and answers (OpenID AuthZEN Authorization API 1.0)


class Subject(Open):
    type: Name = Field(description="The user's `type` in the directory, `user` by default there.")
    id: Name
    properties: Properties | None = Field(
        None, description="Overrides no directory fact. With `roles from subject`: `roles` and attributes."
    )


class Action(Open):
    name: Name
    properties: Properties | None = None


class Resource(Open):
    type: Name
    id: str | None = Field(None, description="Without one, `resource.id` is unknown to conditions.")
    properties: Properties | None = Field(
        None, description="The attributes that conditions read; `scope` names the scope instance (absent: the root)."
    )


class Request(Open):
    """May this subject do this action to this resource?"""

    subject: Subject
    action: Action
    resource: Resource
    context: Properties | None = Field(
        None, description="What conditions read as `context.NAME`; `time` is the time of the decision."
    )


class Place(Closed):
    """A place in a policy: `file` relative to its folder, line and column from 1, in code points."""

    file: str
    line: int = Field(ge=1)
    column: int = Field(ge=1)


class RuleName(Place):
    """A rule by its stable id. Rules of the blocks `everyone` and `members` have no role, but the block."""

    id: Name
    role: str | None
    block: Literal["everyone", "members"] | None = None


class ResponseContext(Closed):
    code: DecisionCode
    rules: list[RuleName] = Field(
        description="The allows of an `allowed`, the denies of a `denied_by_rule`, else none."
    )
    message: str | None = Field(None, description="For `invalid_request`: what is wrong with it.")


class Response(Closed):
    """One answer: whether, why, and which lines say so."""

    decision: bool
    context: ResponseContext


# Explanations


class Part(Closed):
    """A part of a condition with what it came to (null: unknown) and the values it saw."""

    text: str
    value: bool | None
    saw: dict[str, JsonValue] = Field(description="Each attribute it reads, with its value; null where it is absent.")
    condition: str | None = Field(None, description="The named condition it stands in.")


class Condition(Closed):
    name: str | None
    text: str
    value: bool | None
    parts: list[Part]
    missing: list[str] = Field(description="The attributes for want of which it is unknown.")


class AppliedRule(RuleName):
    """A rule that applied. `needed`: without it the decision would change."""

    effect: Literal["allow", "deny"]
    text: str
    because: str | None
    condition: Condition | None
    decides: bool
    needed: bool


class Held(Closed):
    """How a role is held, and which roles it brings."""

    role: str
    scope: str | None
    via: Literal["individual", "group", "subject", "option"]
    group: str | None
    includes: list[str]


class Hidden(Held):
    """A role through a group whose allows an individual assignment hides."""

    hidden_by: Held


class Activate(Closed):
    kind: Literal["activate"]


class HoldRole(Closed):
    kind: Literal["hold_role"]
    role: str
    scope: str | None
    hides: list[Held] = Field(description="The allows through groups that the assignment would hide.")
    guards: list[str] = Field(description="The guards it would break.")


class MakeTrue(Closed):
    kind: Literal["condition"]
    file: str
    line: int
    column: int | None = None
    condition: str
    attributes: Properties | None = Field(description="Values that make it true, tried; null where none are known.")


class StopDeny(Closed):
    kind: Literal["deny"]
    file: str
    line: int
    column: int | None = None
    how: list[Literal["lift", "condition"]]
    attributes: Properties | None


Atom = Annotated[Activate | HoldRole | MakeTrue | StopDeny, Field(discriminator="kind")]


class Explanation(Closed):
    """Everything about one decision: the rules, how roles are held, what is hidden, and what would change a denial."""

    decision: bool
    code: DecisionCode
    status: Status | None = Field(description="The user's; null where the user is not known.")
    request: JsonValue
    rules: list[AppliedRule]
    held: list[Held]
    hidden: list[Hidden]
    repairs: list[list[Atom]] = Field(max_length=100, description="Each a smallest set of changes that would allow.")
    repairs_complete: bool
    nearest: list[AppliedRule] = Field([], description="The rules that the repairs' conditions name, as `rules`.")
    message: str | None = Field(None, description="For `invalid_request`: what is wrong with it.")


# Membership


class Event(Closed):
    """One membership event. An unknown key is refused: a misspelt `scope` must not mean the root."""

    type: EventType
    user: Name | None = None
    by: Name | None = Field(None, description="Who does it; not for `signup`, `sso_login` and `register`.")
    role: Name | None = None
    scope: Name | None = Field(None, description="`KIND/ID`; the root unless given.")
    group: Name | None = Field(None, description="For `join` and `leave`, and for roles given to a group.")
    parent: Name | list[Name] | None = Field(None, description="On `create_scope`: the scope or scopes above.")
    domain: Name | None = Field(None, description="Who joins, from where: by default what follows the `@`.")
    claims: Properties | None = Field(None, description="What the sign-on hands over.")
    attributes: Properties | None = Field(None, description="Attributes of a user who comes to exist or signs in.")
    start: Instant | None = Field(None, alias="from", description="From when the role counts, inclusive.")
    until: Instant | None = Field(None, description="Until when the role counts, exclusive.")
    id: Name | None = Field(
        None, description="Names the event: one that comes twice is answered with its first result."
    )


class Result(Closed):
    """What became of an event."""

    accepted: bool
    code: ResultCode
    guard: str | None = Field(None, description="The guard that failed.")
    roles: list[str] = Field(description="The individual roles at the event's scope afterwards, sorted.")
    status: Status | None = Field(description="The user's afterwards; null once removed.")
    message: str
    at: Place | None = Field(None, description="The line that decided.")

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.accepted != (self.code == "accepted"):
            raise PydanticCustomError("accepted", "`accepted` and `code` differ")
        return self


class Audit(Closed):
    """One record of the audit log."""

    company_id: str
    created_at: Instant
    action: Name = Field(examples=["member.disabled"])
    action_performed_by_user_id: str | None
    reference_type: Name
    reference_id: str | None
    additional_data: Properties


# remit.toml


class LintConfig(Closed):
    select: list[str] | None = Field(None, description="Codes, or beginnings of codes, to report; all by default.")
    ignore: list[str] | None = Field(None, description="Codes, or beginnings of codes, to leave out.")
    fail_level: Literal["error", "warning", "note"] | None = Field(
        None, alias="fail-level", description="From which level on `lint` fails; `warning` by default."
    )
    baseline: Name | None = Field(None, description="The file of known findings, relative to this file.")
    exact: bool | None = Field(None, description="Whether the rules that need the solver run.")
    reasons: list[Literal["allow", "deny"]] | None = Field(
        None, description="The effects whose rules must give their reason with `because`."
    )
    levels: dict[str, Literal["error", "warning", "note", "off"]] | None = Field(
        None, description="Levels of warnings in place of their own, by code or name."
    )
    per_path: dict[str, list[str]] | None = Field(
        None, alias="per-path", description="Codes that are kept silent in the paths that match a glob."
    )


class Config(Closed):
    """remit.toml, or `[tool.remit]`."""

    policy: Name | None = Field(None, description="The policy's file or folder, relative to this file.")
    directory: Name | None = Field(None, description="The directory's file, relative to this file, or its address.")
    company_id: str | None = Field(None, description="Stands in every audit record.")
    audit_permission: Name | None = Field(
        None, description="What reading the audit log takes, as `read on audit_log`; else the one action `audit`."
    )
    output_format: Name | None = Field(None, alias="output-format", description="What `--output-format` is by default.")
    lint: LintConfig | None = None

"""A request as it arrives (AuthZEN 1.0's shape), read by hand: what is wrong with it is said, never raised."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from remit.evaluator.facts import EMPTY
from remit.evaluator.holding import Scopes
from remit.instant import parse_instant


class Resource(dict[str, Any]):
    """A resource as a mapping with the keys `type`, `id` and `properties`, as requests have it."""

    __slots__ = ()

    def __init__(self, type: str, id: str | None = None, properties: Mapping[str, Any] | None = None) -> None:
        super().__init__(type=type, id=id, properties=properties or {})

    @property
    def type(self) -> str:
        return str(self["type"])

    @property
    def id(self) -> str | None:
        return self["id"]  # type: ignore[no-any-return]  # as it was made

    @property
    def properties(self) -> Mapping[str, Any]:
        return self["properties"]  # type: ignore[no-any-return]  # as it was made


class Claim(NamedTuple):
    """A role that the subject brings along."""

    role: str
    scope: str | None


class Malformed(NamedTuple):
    """Why a request cannot be judged, in words."""

    why: str


class Asked(NamedTuple):
    """A well-formed request. `user_type` None: the caller named the user by id alone. `roles`: those asked for
    instead of a user. `claims`: roles the subject brings, None where it brings no list; malformed ones matter only
    where they are taken."""

    user: str
    user_type: str | None
    subject: Mapping[str, Any]
    claims: tuple[Claim, ...] | Malformed | None
    roles: tuple[str, ...] | None
    action: str
    type: str
    id: str | None
    properties: Mapping[str, Any]
    scope: str | None
    context: Mapping[str, Any]
    time: int | None  # given by the request; 0 is a time
    time_given: bool


def _is_object(value: Any) -> bool:
    """Whether it is a JSON object: nearly always a dict, which is told far faster than a mapping of another kind."""
    return type(value) is dict or isinstance(value, Mapping)


def read_request(request: Any, scopes: Scopes) -> Asked | Malformed:
    """The request's parts, or what is wrong with it. Unknown keys are ignored, null is absent."""
    if not _is_object(request):
        return Malformed("a request is an object with subject, action and resource")
    subject = request.get("subject")
    if not _is_object(subject):
        return Malformed("`subject` is missing" if subject is None else "`subject` is no object")
    user, user_type = subject.get("id"), subject.get("type")
    if not isinstance(user, str) or not user:
        return Malformed("`subject.id` is missing" if user is None else "`subject.id` is no text")
    if not isinstance(user_type, str):
        return Malformed("`subject.type` is missing" if user_type is None else "`subject.type` is no text")
    action = request.get("action")
    if not _is_object(action) or not isinstance(action.get("name"), str):
        return Malformed("`action.name` is missing or no text")
    brought = subject.get("properties")
    if brought is not None and not _is_object(brought):
        return Malformed("`subject.properties` is no object")
    claims = read_claims(brought or EMPTY, scopes)
    return read_parts(
        user, user_type, brought or EMPTY, claims, None, action["name"], request.get("resource"),
        request.get("context"), scopes,
    )  # fmt: skip


def read_parts(
    user: str,
    user_type: str | None,
    subject: Mapping[str, Any],
    claims: tuple[Claim, ...] | Malformed | None,
    roles: tuple[str, ...] | None,
    action: Any,
    resource: Any,
    context: Any,
    scopes: Scopes,
) -> Asked | Malformed:
    """The same, from a subject already read."""
    if not isinstance(action, str) or not isinstance(user, str):
        return Malformed("user and action are texts")
    if not _is_object(resource):
        return Malformed("`resource` is missing" if resource is None else "`resource` is no object")
    kind, identifier = resource.get("type"), resource.get("id")
    if not isinstance(kind, str):
        return Malformed("`resource.type` is missing" if kind is None else "`resource.type` is no text")
    if identifier is not None and not isinstance(identifier, str):
        return Malformed("`resource.id` is no text")
    if not type(user) is type(action) is type(kind) is str:  # an enumeration's members are the texts they are
        user, action, kind = str.__str__(user), str.__str__(action), str.__str__(kind)
    properties = resource.get("properties")
    if properties is not None and not _is_object(properties):
        return Malformed("`resource.properties` is no object")
    scope = properties.get("scope") if properties is not None else None
    if scope is not None and scopes.malformed(scope):
        shown = f": {scope[:80]}" if isinstance(scope, str) else ""
        return Malformed(f"`scope` names no place of this policy{shown}")
    if context is not None and not _is_object(context):
        return Malformed("`context` is no object")
    given = context.get("time") if context is not None else None
    time = parse_instant(given) if isinstance(given, str) else None
    return Asked(
        user, user_type, subject, claims, roles, action, kind, identifier,
        EMPTY if properties is None else properties, scope, EMPTY if context is None else context, time,
        given is not None,
    )  # fmt: skip


def read_claims(brought: Mapping[str, Any], scopes: Scopes) -> tuple[Claim, ...] | Malformed | None:
    """The roles a subject brings (`roles from subject`): names, or objects with `role` and perhaps `scope`."""
    listed = brought.get("roles")
    if not isinstance(listed, list | tuple):
        return None
    found: list[Claim] = []
    for item in listed:
        if isinstance(item, str):
            found.append(Claim(item, None))
            continue
        role = item.get("role") if isinstance(item, Mapping) else None
        scope = item.get("scope") if isinstance(item, Mapping) else None
        if not isinstance(role, str) or (scope is not None and not isinstance(scope, str)):
            return Malformed("`subject.properties.roles` lists names, or objects with `role` and `scope`")
        found.append(Claim(role, None if scope == scopes.root else scope))
    return tuple(found)

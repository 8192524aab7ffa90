"""Audit records (DESIGN 3): what an event or an allowed request leaves behind, each chained to the one before.

A record is one line of JSON. Its `additional_data` carries `previous`, the SHA-256 of the line before it, so a line
that is changed, removed or moved breaks the chain at the line behind it. The hash of the last line, and how many there
are, are kept apart by whoever keeps the log: lines cut off the end show there.

    {"company_id": "acme", …, "additional_data": {…, "previous": null}}          sha256 = 3f9c…
    {"company_id": "acme", …, "additional_data": {…, "previous": "3f9c…"}}
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from remit.instant import format_instant, parse_instant
from remit.membership.event import BadEvent, Event
from remit.membership.judge import Outcome

ACTIONS = {
    "signup": "member.signed_up",
    "sso_login": "member.signed_in",
    "register": "member.registered",
    "invite": "member.invited",
    "change_role": "member.role_changed",
    "assign": "member.role_assigned",
    "revoke": "member.role_revoked",
    "disable": "member.disabled",
    "enable": "member.enabled",
    "remove": "member.removed",
    "join": "member.joined_group",
    "leave": "member.left_group",
    "create_group": "group.created",
    "delete_group": "group.deleted",
    "create_scope": "scope.created",
    "delete_scope": "scope.deleted",
}
_SECOND = 1_000_000_000
_DATABASE_TIME = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)([+-]\d\d)(?::?(\d\d))?", re.ASCII)


class Line(NamedTuple):
    """A record as it is kept: its text, without a line end, and the hash of that."""

    text: str
    hash: str


def event_record(
    event: Event | BadEvent, outcome: Outcome, now: int, company: str, policy: str, **more: Any
) -> dict[str, Any]:
    """The record of an event. `now`: nanoseconds since 1970, when it is written; `policy`: the table's digest; `more`
    goes into `additional_data` (what the directory was before and after, say)."""
    group = getattr(event, "group", None)
    user = event.user
    reference = "member" if user is not None or event.type not in ACTIONS else "group" if group else "scope"
    data: dict[str, Any] = {
        "accepted": outcome.accepted,
        "code": outcome.code,
        "message": outcome.message,
        "guard": outcome.guard,
        "event": _kept(event) if isinstance(event, Event) else event.given,
        "event_id": event.id,
        "roles": list(outcome.roles),
        "status": outcome.status,
        "at": outcome.result()["at"],
        "rules": list(outcome.rules),
        "policy": policy,
        **more,
    }
    action = ACTIONS.get(event.type or "", "event.invalid")
    if reference == "group" and action.startswith("member."):
        action = "group." + action.partition(".")[2]
    performed_by = event.by or (user if event.type in ("signup", "sso_login", "register") else None)
    return _record(company, now, action, performed_by, reference, user or group or getattr(event, "scope", None), data)


def decision_record(
    user: str, action: str, resource: Mapping[str, Any], rules: Iterable[Mapping[str, Any]], now: int, company: str,
    policy: str,
) -> dict[str, Any]:  # fmt: skip
    """The record of an allowed request: who did what to which resource, and the rules that allow it."""
    kind, place = str(resource.get("type")), (resource.get("properties") or {}).get("scope")
    data = {"accepted": True, "code": "allowed", "scope": place, "rules": list(rules), "policy": policy}
    return _record(company, now, f"{kind}.{action}", user, kind, resource.get("id"), data)


def import_record(users: int, groups: int, now: int, company: str, version: int) -> dict[str, Any]:
    """The record of a whole directory put in the place of another."""
    said = f"{users} users and {groups} groups are there instead of those before"
    data = {"accepted": True, "message": said, "users": users, "groups": groups, "directory_version": version}
    return _record(company, now, "directory.replaced", None, "directory", None, data)


def _record(
    company: str, now: int, action: str, by: str | None, kind: str, reference: str | None, data: dict[str, Any]
) -> dict[str, Any]:
    return {
        "company_id": company,
        "created_at": _micros(now),
        "action": action,
        "action_performed_by_user_id": by,
        "reference_type": kind,
        "reference_id": reference,
        "additional_data": data,
    }


def _micros(now: int) -> str:
    """Always six digits of a second, so that columns line up and texts sort as times do."""
    second = now - now % _SECOND
    return f"{format_instant(second)[:-1]}.{now % _SECOND // 1_000:06}Z"


def _kept(event: Event) -> dict[str, Any]:
    """The event as it came, without claims, which may hold what a log should not."""
    shown: dict[str, Any] = {
        key: getattr(event, key) for key in ("type", "user", "by", "role", "scope", "group", "domain")
    }
    times = (("from", event.start), ("until", event.end))
    shown |= {key: None if at is None else format_instant(at) for key, at in times}
    shown |= {"attributes": dict(event.attributes) or None, "parent": list(event.parents) or None}
    return {key: value for key, value in shown.items() if value is not None}


# -- the chain ---------------------------------------------------------------------------------------------------------


def chained(record: dict[str, Any], previous: str | None) -> Line:
    """The record as a line, with the hash of the one before in it."""
    data = {**record["additional_data"], "previous": previous}
    text = json.dumps({**record, "additional_data": data}, ensure_ascii=False, separators=(", ", ": "))
    return Line(text, line_hash(text))


def line_hash(text: str) -> str:
    """SHA-256 of a line's UTF-8 text, without its line end, in hexadecimal."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class Flaw(NamedTuple):
    """Something wrong with a log: at a line, from 1; what, in words."""

    line: int
    message: str


class Checked(NamedTuple):
    """A log that was read: how many records, the hash of the last, what is wrong with it, and where it stood."""

    count: int  # type: ignore[assignment]  # not the tuple's method of that name
    last: str | None
    flaws: tuple[Flaw, ...]
    hashes: tuple[str | None, ...]  # of each line, from 1; of none, None
    unreadable: int  # lines that are no records


def check_chain(lines: Iterable[str]) -> Checked:
    """Whether each line is a record and names the one before it: any line changed, removed or moved is found, at the
    line behind it. What is cut off the end only the count and the last hash can tell."""
    previous: str | None = None
    flaws: list[Flaw] = []
    hashes: list[str | None] = [None]
    number = unreadable = 0
    for number, text in enumerate(lines, 1):
        record, why = read_record(text)
        if record is None:
            unreadable += 1
            flaws.append(Flaw(number, why))
        else:
            named = record["additional_data"].get("previous")
            if named != previous:
                before = "the first record names one before it" if number == 1 else "it does not follow the line before"
                flaws.append(Flaw(number, f"{before}: a line was changed, removed or moved"))
        previous = line_hash(text)
        hashes.append(previous)
    return Checked(number, previous, tuple(flaws), tuple(hashes), unreadable)


def read_record(text: str) -> tuple[dict[str, Any] | None, str]:
    """A record, or what is wrong with it in words. Its time may be RFC 3339 or as databases print it
    (`2023-06-01 00:55:10.09358+00`)."""
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        return None, "this is no JSON"
    if not isinstance(record, dict):
        return None, "a record is an object"
    for key in ("company_id", "created_at", "action", "reference_type"):
        if not isinstance(record.get(key), str):
            return None, f"`{key}` is {'missing' if record.get(key) is None else 'no text'}"
    if instant_of(record["created_at"]) is None:
        return None, "`created_at` is no time with its zone"
    if not isinstance(record.get("additional_data"), dict):
        return None, "`additional_data` is no object"
    return record, ""


def instant_of(text: str) -> int | None:
    """Nanoseconds since 1970 of a record's time, in either of the two ways it may be written."""
    found = _DATABASE_TIME.fullmatch(text)
    return parse_instant(f"{found[1]}T{found[2]}{found[3]}:{found[4] or '00'}" if found else text)


__all__ = ["Checked", "Flaw", "Line", "chained", "check_chain", "decision_record", "event_record", "read_record"]

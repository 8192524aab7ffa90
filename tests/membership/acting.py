"""A small policy and its people, and one event on them, in as few words as the tests need."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from remit import Directory, Policy
from remit.directory import shape
from remit.instant import parse_instant
from remit.membership.apply import Applied, apply_event, apply_events
from remit.wire import Result

Json = dict[str, Any]

BASE = """
scope company
scope region in company
scope branch in region
area people {
  resource member {
    status: string?  role: string?  new_role: string?  roles: set of string  new_roles: set of string
    actions invite, change, lead
  }
  resource plain { actions invite }
}
area desk { resource note { label: string  author: user  actions read, write, sign } }
user { team: string  level: int }
claims { groups: set of string  rank: int? }
context { hour: int }
role viewer { allow read on note }
role vet was doctor includes viewer { allow write on note }
role lead { allow lead, invite on member }
role owner { allow * on * }
"""
KINDS = (
    "signup sso_login register invite change_role assign revoke disable enable remove join leave "
    "create_group delete_group create_scope delete_scope"
).split()
OWN = KINDS[:3]
EVERYTHING = "assignments { " + " ".join(f"on {kind}" for kind in KINDS) + " on assign to group on revoke to group }"
PEOPLE = """
joined_domains: [old.org]
removed: [zed, yan@gone.org]
scopes:
  region/east: {}
  branch/north: {parent: region/east}
  branch/south: {}
  branch/empty: {}
users:
  ann: {assignments: [{role: owner}]}
  bob: {assignments: [{role: viewer, scope: branch/north}, {role: doctor, scope: branch/south}]}
  cyd: {status: pending, assignments: [{role: viewer}]}
  dan: {status: disabled, status_before: pending}
  eve@acme.com: {assignments: [{role: lead}]}
  fay@new.org: {status: pending}
  gus: {status: disabled}
  kit: {}
groups:
  desk: {members: [kit], assignments: [{role: vet, scope: branch/north}]}
  all: {members: [group/desk], assignments: [{role: viewer}]}
  none: {}
"""


def instant(text: str) -> int:
    """Nanoseconds since 1970."""
    found = parse_instant(text)
    assert found is not None
    return found


NOW = instant("2026-03-01T12:00:00Z")


@cache
def policy(text: str) -> Policy:
    """The policy of one file, `x.remit`."""
    return Policy.from_sources({"x.remit": text})


@cache
def people(text: str = PEOPLE) -> shape.Directory:
    """A directory's content."""
    return Directory.from_text(text).data


def apply(text: str, event: Any, directory: str | shape.Directory = PEOPLE, now: int = NOW) -> Applied:
    """One event under `BASE` with these lines. Looks on the way at what holds for all events: the result's shape, a
    message, that nothing given is changed, that a refusal changes nothing, and that `Policy.apply` says the same."""
    known = policy(BASE + text)
    before = people(directory) if isinstance(directory, str) else directory
    kept, given = copy.deepcopy(event), Directory(before)
    applied = apply_event(known.index, before, event, now)
    assert event == kept
    assert given.data == before
    assert known.apply(given, event, now) == applied
    result = applied.result
    Result.model_validate(result)
    assert result["message"]
    assert "\n" not in result["message"]
    assert (result["code"] == "guard_failed") is (result["guard"] is not None)
    if not result["accepted"]:
        assert applied.directory == before
    return applied


def code(text: str, event: Any, directory: str | shape.Directory = PEOPLE, now: int = NOW) -> str:
    """The code of the event's result."""
    found: str = apply(text, event, directory, now).result["code"]
    return found


def run(text: str, events: Iterable[Any], directory: str | shape.Directory = PEOPLE, now: int = NOW) -> list[Applied]:
    """Several events, each on what the one before left: the same whether they come together or one by one."""
    before = people(directory) if isinstance(directory, str) else directory
    together = list(apply_events(policy(BASE + text).index, before, [*(given := list(events))], now))
    for one, event in zip(together, given, strict=True):
        alone = apply(text, event, before, now)
        assert alone.result == one.result
        before = alone.directory
    return together


def by_ann(type: str, **more: Any) -> Json:
    """An event by ann, who is owner. `start` is its `from`."""
    return event(type, by="ann", **more)


def event(type: str, **more: Any) -> Json:
    """An event. `start` is its `from`."""
    renamed = {"from" if key == "start" else key: value for key, value in more.items()}
    return {"type": type, **renamed}


# An event of each kind that is accepted by `EVERYTHING` on `PEOPLE`.
ACCEPTED: Mapping[str, Json] = {
    "signup": event("signup", user="new"),
    "sso_login": event("sso_login", user="kit"),
    "register": event("register", user="cyd"),
    "invite": by_ann("invite", user="new", role="vet"),
    "change_role": by_ann("change_role", user="bob", role="vet"),
    "assign": by_ann("assign", user="bob", role="vet"),
    "revoke": by_ann("revoke", user="bob", role="viewer", scope="branch/north"),
    "disable": by_ann("disable", user="bob"),
    "enable": by_ann("enable", user="dan"),
    "remove": by_ann("remove", user="bob"),
    "join": by_ann("join", user="bob", group="desk"),
    "leave": by_ann("leave", user="kit", group="desk"),
    "create_group": by_ann("create_group", group="fresh"),
    "delete_group": by_ann("delete_group", group="none"),
    "create_scope": by_ann("create_scope", scope="branch/fresh"),
    "delete_scope": by_ann("delete_scope", scope="branch/empty"),
}

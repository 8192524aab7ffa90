"""An event as it arrives (DESIGN 3), read by hand: what is wrong with it is said, never raised.

    {"type": "invite", "user": "bob@acme.com", "by": "ann", "role": "vet", "scope": "branch/north"}

An unknown key is refused, and so is one that the kind of event has no use for: a misspelt `scope` must not mean the
root. Null is absent. Every event that is read here fits `remit.wire.Event`, which a test holds; the schema does not say
which keys go with which kind.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from remit.diagnostics import similar
from remit.evaluator.facts import EMPTY
from remit.instant import parse_instant
from remit.model.names import EVENTS
from remit.model.types import Attributes, belongs
from remit.table.shape import Table

OWN = ("signup", "sso_login", "register")  # the user's own, which need no `by`
GIVING = ("invite", "change_role", "assign")  # that give the role they name


class Event(NamedTuple):
    """A well-formed event. `start` and `end` are nanoseconds since 1970; `end` is exclusive. `role`, `scope`,
    `group` and `user` are as written: whether they exist is the judgement's to say."""

    type: str
    user: str | None = None
    by: str | None = None
    role: str | None = None
    scope: str | None = None
    group: str | None = None
    domain: str | None = None
    claims: Mapping[str, Any] = EMPTY
    attributes: Mapping[str, Any] = EMPTY
    parents: tuple[str, ...] = ()
    start: int | None = None
    end: int | None = None
    id: str | None = None


class BadEvent(NamedTuple):
    """Why an event cannot be judged, in words; `type`, `user`, `by` and `id` as far as they could be read. `given` is
    what came, without claims, as far as a log can keep it."""

    why: str
    type: str | None = None
    user: str | None = None
    by: str | None = None
    id: str | None = None
    given: Any = None


_HALF = re.compile("[\ud800-\udfff]")
_UNKEPT = re.compile("[\0\ud800-\udfff]")
_DEEPEST = 50  # values inside each other
_LONGEST_SHOWN = 100  # characters of a key that is not known
_LONGEST_ATTRIBUTES = 65_536  # characters of JSON: they stay in the directory
_LONGEST_KEPT = 4_000  # characters that a record keeps of what was no event
LONGEST_NAME = 600  # bytes: three of them and their overhead fit into one index entry of PostgreSQL (2,704)
_ALWAYS = ("type", "by", "claims", "id")
_WINDOW = ("from", "until")
# Kind → the keys it must have, and those it may have beside `_ALWAYS`.
_KEYS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "signup": (("user",), ("domain", "attributes", "scope")),
    "sso_login": (("user",), ("domain", "attributes", "scope")),
    "register": (("user",), ("domain", "attributes", "scope")),
    "invite": (("user", "role"), ("attributes", "scope", *_WINDOW)),
    "change_role": (("user", "role"), ("scope", *_WINDOW)),
    "assign": (("role",), ("user", "group", "scope", *_WINDOW)),
    "revoke": ((), ("user", "group", "role", "scope")),
    "disable": (("user",), ()),
    "enable": (("user",), ()),
    "remove": (("user",), ()),
    "join": (("user", "group"), ()),
    "leave": (("user", "group"), ()),
    "create_group": (("group",), ()),
    "delete_group": (("group",), ()),
    "create_scope": (("scope",), ("parent",)),
    "delete_scope": (("scope",), ()),
}
_KNOWN = frozenset(_ALWAYS).union(*(must + may for must, may in _KEYS.values()))
_TEXTS = ("type", "user", "by", "role", "scope", "group", "domain", "id")
_KEPT = (*_TEXTS, "claims", "attributes")  # as they are given


def read_event(value: Any, table: Table) -> Event | BadEvent:
    """The event, or what is wrong with it; what was found to be no event before stays so."""
    if isinstance(value, BadEvent):
        return value
    if not isinstance(value, Mapping):
        return BadEvent("an event is an object with a `type`", given=kept_of(value))
    given = {key: item for key, item in value.items() if item is not None}
    bad = BadEvent("", *(_text(given.get(key)) for key in ("type", "user", "by", "id")))
    unknown = next((key for key in value if key not in _KNOWN), None)  # with null as well: it is misspelt all the same
    why = _unwritable(value, _DEEPEST) or _shape(given, unknown) or _values(given, table)
    if why:
        return bad._replace(why=why, given=kept_of({key: item for key, item in value.items() if key != "claims"}))
    parent = given.get("parent", ())
    start, end = (parse_instant(given[key]) if key in given else None for key in _WINDOW)
    return Event(
        **{key: given[key] for key in _KEPT if key in given},
        parents=(parent,) if isinstance(parent, str) else tuple(parent),
        start=start,
        end=end,
    )


def kept_of(value: Any) -> Any:
    """What came, where a log can keep it: JSON of a moderate size; else its beginning, as text."""
    if _unwritable(value, _DEEPEST):
        return None
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError):
        return None
    return value if len(text) <= _LONGEST_KEPT else text[:_LONGEST_KEPT]


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value and not name_trouble(value) else None


def _unwritable(value: Any, depth: int) -> str:
    """What no file and no database could keep: half a character, and nesting without end."""
    if isinstance(value, str):
        return "half a surrogate pair is no character" if _HALF.search(value) else ""
    if not isinstance(value, Mapping | list | tuple):
        return ""
    if not depth:
        return f"nested more than {_DEEPEST} deep"
    parts = [*value, *value.values()] if isinstance(value, Mapping) else value
    return next((why for part in parts if (why := _unwritable(part, depth - 1))), "")


def name_trouble(name: str) -> str:
    """Why a name cannot be kept, wherever directories are; empty where it can."""
    if _UNKEPT.search(name):
        return "holds a character that no database keeps"
    if len(name) * 4 > LONGEST_NAME and len(name.encode()) > LONGEST_NAME:
        return f"is longer than {LONGEST_NAME} bytes"
    return ""


def _shape(given: Mapping[str, Any], unknown: Any) -> str:
    """What is wrong with the keys, and with texts; empty where nothing is."""
    kind = given.get("type")
    if not isinstance(kind, str):
        return "`type` is missing" if kind is None else "`type` is no text"
    for key, name in _names(given):
        if trouble := name_trouble(name):
            return f"`{key}` {trouble}"
    if kind not in _KEYS:
        return f"there is no event `{kind}`; {similar(kind, EVENTS, 'the events are ' + ', '.join(EVENTS))}"
    must, may = _KEYS[kind]
    if unknown is not None:
        unknown = str(unknown)[:_LONGEST_SHOWN]
        return f"an event has no key `{unknown}`; {similar(unknown, _KNOWN, f'`{kind}` takes {_named(must + may)}')}"
    for key in given:
        if key not in must and key not in may and key not in _ALWAYS:
            return f"`{kind}` takes no `{key}`"
    for key in must:
        if key not in given:
            return f"`{kind}` needs `{key}`"
    if str(given.get("user", "")).startswith("group/"):
        return "a user's id does not begin with `group/`, which names groups where members are listed"
    if kind in ("assign", "revoke") and ("user" in given) == ("group" in given):
        return f"`{kind}` needs `user` or `group`" + (", not both" if "user" in given else "")
    for key in _TEXTS:
        if key in given and _text(given[key]) is None:
            return f"`{key}` is {'an empty text' if given[key] == '' else 'no text'}"
    return ""


def _names(given: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The names an event holds, each with its key."""
    parents = given.get("parent", ())
    found = [(key, given.get(key)) for key in _TEXTS]
    found += [("parent", name) for name in (parents if isinstance(parents, list | tuple) else (parents,))]
    return [(key, name) for key, name in found if isinstance(name, str)]


def _values(given: Mapping[str, Any], table: Table) -> str:
    for key in _WINDOW:
        if key in given and (not isinstance(given[key], str) or parse_instant(given[key]) is None):
            return f"`{key}` is no time with its zone, as in `2026-01-31T09:00:00Z`"
    if "from" in given and "until" in given and not _before(given["from"], given["until"]):
        return "`until` is not after `from`"
    parents = given.get("parent", ())
    if not isinstance(parents, str | list | tuple) or not all(map(_text, parents or ())):
        return "`parent` is a scope, or a list of scopes"
    if parents == "":
        return "`parent` is an empty text"
    scope = given.get("scope")
    for name in (scope, *((parents,) if isinstance(parents, str) else parents)):
        if name is not None and "/" in name and not all(name.split("/", 1)):
            return f"the scope `{name}` does not name a kind and an id"
    if len(json.dumps(given.get("attributes", {}), default=str)) > _LONGEST_ATTRIBUTES:
        return f"`attributes` are longer than {_LONGEST_ATTRIBUTES:,} characters of JSON"
    return _attributes(given, "claims", table.claims, False) or _attributes(given, "attributes", table.user, True)


def _before(start: str, end: str) -> bool:
    begun, ended = parse_instant(start), parse_instant(end)
    return begun is not None and ended is not None and begun < ended


def _attributes(given: Mapping[str, Any], key: str, declared: Attributes, strict: bool) -> str:
    """Claims may hold more than the policy declares; a user's attributes, which stay, are of their declared types."""
    values = given.get(key, EMPTY)
    if not isinstance(values, Mapping):
        return f"`{key}` is no object"
    for name, value in values.items() if strict else ():
        if name not in declared:
            return (
                f"a user has no attribute `{name}`; {similar(str(name), declared, 'the policy declares it in `user`')}"
            )
        if value is not None and not belongs(value, declared[name].type):
            return f"the attribute `{name}` is {declared[name].type.spoken}"
    return ""


def _named(keys: tuple[str, ...]) -> str:
    return ", ".join(f"`{key}`" for key in keys)

"""What a question on the command line names: a resource, an action, attributes by their declared types, a place, roles.

    record:r1                            → ("record", "r1")
    --set cost=12 --set tags=a --set tags=b → {"cost": 12, "tags": ["a", "b"]}

A name that the policy lacks, or a value that is not of its attribute's type, ends the call with 2 and says what would
fit; a user, an id or a place that merely is not known is a question like any other. All functions take the table alone,
so that they serve a compiled policy as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn

import click

from remit.cli.session import Session, fail, shown, split_pair
from remit.diagnostics import similar
from remit.directory.shape import User
from remit.evaluator.pdp import Pdp
from remit.instant import parse_instant
from remit.model.types import BUILT_IN, LARGEST, SMALLEST, Attributes, Type
from remit.table.shape import Table

_INT = re.compile(r"[+-]?[0-9]{1,19}", re.ASCII)


def parse_resource(table: Table, text: str) -> tuple[str, str | None]:
    """`TYPE` or `TYPE:ID`. An id may hold colons; so may a type written in backticks, and the longest type wins."""
    if text in table.types:
        return text, None
    at = text.rfind(":")
    while at >= 0 and text[:at] not in table.types:
        at = text.rfind(":", 0, at)
    if at < 0:
        kind = text.partition(":")[0]
        fail(f"there is no resource type `{kind}`", similar(kind, table.types, _listed("the types are", table.types)))
    if not text[at + 1 :]:
        fail(f"`{text}` gives no id", f"write {text[:at]}:ID, or {text[:at]} for a resource without one")
    return text[:at], text[at + 1 :]


def check_action(table: Table, resource_type: str, action: str) -> None:
    """The type has the action."""
    actions = table.types[resource_type].actions
    if action not in actions:
        hint = similar(action, actions, _listed("it has", actions))
        fail(f"`{resource_type}` has no action `{action}`", hint)


def check_scope(table: Table, scope: str | None) -> str | None:
    """A place of a kind the policy has, as `KIND/ID` or the root's kind alone; whether it exists is not asked."""
    if scope is None:
        return None
    if table.root is None:
        fail(f"there is no place `{scope}`: this policy declares no scopes", "leave out --at")
    kind, slash, identifier = scope.partition("/")
    if kind not in table.scopes:
        fail(f"there is no kind of scope `{kind}`", similar(kind, table.scopes, _listed("the kinds are", table.scopes)))
    if not slash and kind != table.root:
        fail(f"`{scope}` names no place", f"write {kind}/ID, or {table.root} for the root")
    if slash and not identifier:
        fail(f"`{scope}` gives no id", f"write {kind}/ID")
    return scope


def properties(table: Table, resource_type: str, pairs: Iterable[str], scope: str | None) -> dict[str, Any]:
    """`resource.properties` from `--set` and `--at`. Each attribute is read by its declared type."""
    owner = f"`{resource_type}`"
    built_in = {"id": f"write {resource_type}:ID", "scope": "write --at SCOPE"}
    given = _given(table.types[resource_type].attributes, pairs, "--set", owner, built_in)
    place = check_scope(table, scope)
    return given if place is None else {**given, "scope": place}


def known_properties(table: Table, pairs: Iterable[str], scope: str | None) -> dict[str, dict[str, Any]]:
    """The same for a question about all types: type → its properties. A name is known where any type declares it, and
    its value is read by each of these; a type at which it has no such value does not carry it."""
    place = check_scope(table, scope)
    by_name = _by_name(pairs, "--set")
    found: dict[str, dict[str, Any]] = {name: {} if place is None else {"scope": place} for name in table.types}
    for name, values in by_name.items():
        entries = table.types.items()
        declaring = {kind: entry.attributes[name].type for kind, entry in entries if name in entry.attributes}
        if not declaring:
            known = sorted({attribute for entry in table.types.values() for attribute in entry.attributes})
            hint = {"id": "ask about one resource with who or can", "scope": "write --at SCOPE"}.get(name)
            hint = hint or similar(name, known, _listed("known are", known))
            fail(f"no resource type has an attribute `{name}`", hint)
        fitting = {kind: read for kind, of in declaring.items() if (read := _read(values, of)) is not None}
        if not fitting:
            _refuse(name, values, next(iter(declaring.values())), "--set")
        for kind, read in fitting.items():
            found[kind][name] = read
    return found


def context_values(table: Table, pairs: Iterable[str]) -> dict[str, Any]:
    """The context from `--context`, each attribute read by its declared type; `time` is the time of the decision."""
    return _given({**table.context, **BUILT_IN["context"]}, pairs, "--context", "the context", {})


def check_roles(table: Table, roles: Iterable[str]) -> tuple[str, ...]:
    """The roles by their present names, each once, in the order given."""
    found: dict[str, None] = {}
    for role in roles:
        name = table.canonical_role(role)
        if name is None:
            fail(f"there is no role `{role}`", similar(role, table.roles, _listed("the roles are", table.roles)))
        found[name] = None
    return tuple(found)


# -- answers ---------------------------------------------------------------------------------------------------------


def chosen(given: str | None, session: Session, *formats: str) -> str:
    """The output format: as told, else remit.toml's where this command has it, else the first."""
    if given is None and session.config.output_format in formats:
        return str(session.config.output_format)
    return given or formats[0]


def say_unknown_place(pdp: Pdp, scope: str | None) -> None:
    """Says on standard error that the directory lacks a place: the answer is right, and seldom to what was meant."""
    if scope is not None and pdp.holders.scopes.state(scope) == "unknown":
        hint = similar(scope, pdp.directory.scopes)
        click.echo(shown(f"the directory has no place `{scope}`{f'; {hint}' if hint else ''}"), err=True)


def elsewhere(pdp: Pdp, scope: str | None, user: User | None) -> str:
    """A line about roles held below the root, which count only where their place is named: for a list without --at.
    `user` None: anybody's. Empty where there are none."""
    if scope is not None:
        return ""
    people = pdp.directory.users.values() if user is None else (user,)
    held = {holding.scope for one in people for holding in pdp.holders.holdings(one) if holding.scope is not None}
    if not held:
        return ""
    places = sorted(held)
    named = ", ".join(places[:3]) + (f" and {len(places) - 3} more" if len(places) > 3 else "")
    return shown(f"roles held at {named} count there alone: ask with --at")


def path_from_here(table: Table) -> Callable[[str], str]:
    """A policy's file → its path from where we stand; of a compiled table without origins, its own name for it."""

    def path(file: str) -> str:
        origin = table.origins.get(file)
        return file if origin is None else from_here(origin)

    return path


def from_here(path: str) -> str:
    """A path relative to the folder we stand in, where it lies below it."""
    try:
        return Path(path).resolve().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return path


# -- values ----------------------------------------------------------------------------------------------------------


def _given(
    declared: Attributes, pairs: Iterable[str], option: str, owner: str, built_in: Mapping[str, str]
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, values in _by_name(pairs, option).items():
        if name not in declared:
            hint = built_in.get(name) or similar(name, declared, _listed("it has", declared))
            fail(f"{owner} has no attribute `{name}`", hint)
        read = _read(values, declared[name].type)
        if read is None:
            _refuse(name, values, declared[name].type, option)
        found[name] = read
    return found


def _by_name(pairs: Iterable[str], option: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for pair in pairs:
        name, value = split_pair(pair, option)
        found.setdefault(name, []).append(value)
    return found


def _read(values: list[str], kind: Type) -> Any:
    """The JSON value that the texts stand for; None where they stand for none of the type. A set is its elements, one
    text each; one empty text is the empty set."""
    if kind.kind == "set" and kind.element is not None:
        if values == [""]:
            return []
        items = [_read_one(value, kind.element) for value in values]
        return None if None in items else items
    return _read_one(values[0], kind) if len(values) == 1 else None


def _read_one(text: str, kind: Type) -> Any:
    if kind.kind == "int":
        number = int(text) if _INT.fullmatch(text) else None
        return number if number is not None and SMALLEST <= number <= LARGEST else None
    if kind.kind == "bool":
        return {"true": True, "false": False}.get(text)
    if kind.kind == "enum":
        return text if text in kind.values else None
    if kind.kind == "time":
        return text if parse_instant(text) is not None else None
    return text


def _refuse(name: str, values: list[str], kind: Type, option: str) -> NoReturn:
    """Ends the call: the texts are no value of the type."""
    if len(values) > 1 and kind.kind != "set":
        fail(
            f"`{name}` is given {len(values)} times and holds one {_called(kind)}", f"write {option} {name}=VALUE once"
        )
    inner = kind.element if kind.kind == "set" and kind.element else kind
    wrong = next(value for value in values if _read_one(value, inner) is None)
    fail(f"`{name}` is {_called(kind)}, not `{wrong}`", _instead(wrong, inner))


def _called(kind: Type) -> str:
    return {"int": "an int", "bool": "a bool", "enum": f"one of {kind}", "set": f"a {kind}"}.get(kind.kind, f"a {kind}")


def _instead(wrong: str, kind: Type) -> str:
    if kind.kind == "enum":
        return similar(wrong, kind.values)
    return {
        "int": "a whole number of at most 64 bits",
        "bool": "write true or false",
        "time": "write it like 2024-02-29T12:00:00Z",
    }.get(kind.kind, "")


def _listed(before: str, names: Iterable[str]) -> str:
    """A help line with the names there are, where they are few."""
    known = list(names)
    return f"{before} {', '.join(known)}" if 0 < len(known) <= 12 else ""

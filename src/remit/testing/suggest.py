"""The tests that are missing, as text: a request for each goal that no test reaches, with the decision of today.

    # unreviewed: what the policy answers today, which nobody has said is right
    test "sign on record, as it is today" {
      user a_vet is vet
      given record record_1 { vet: a_vet, status: "open" }
      given record record_2 { vet: other, status: "open" }
      a_vet may sign record_1
      a_vet may not sign record_2
    }

The requests are those that were found when coverage was measured (`remit.testing.coverage`), put together by resource
type. People are called after their roles and resources after their types where that changes nothing: each request is
decided once more under its new names, and keeps those it was found with if it then reaches something else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain, product
from typing import Any

from remit.evaluator.index import Index
from remit.model import expression as ex
from remit.model.types import Attributes, Type
from remit.proof.case import OTHER, SOMEONE, Case, World
from remit.table.shape import Table
from remit.testing.goals import Goal, Watch
from remit.testing.reach import Witness

MARK = "unreviewed: what the policy answers today, which nobody has said is right"
MOST_LINES = 24  # expectations in one test: as many as can be read in one go
_WIDEST = 120

_WORDS = {SOMEONE: "something", OTHER: "something else"}
_KEYWORDS = frozenset(
    "active as at because by disabled given in group is may not on pending scope to user with true false".split()
)
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(slots=True)
class _Block:
    """A test that is being put together. Users and resources are known by all that is said of them."""

    users: dict[str, str] = field(default_factory=dict)  # line → id
    resources: dict[str, str] = field(default_factory=dict)
    people: set[str] = field(default_factory=set)  # ids that are taken
    ids: set[str] = field(default_factory=set)
    alike: dict[str, list[str]] = field(default_factory=dict)  # what is said of a resource but for its id → ids
    lines: dict[str, None] = field(default_factory=dict)
    actions: dict[str, None] = field(default_factory=dict)

    def other_user(self, user: str, case: Case) -> bool:
        """Whether who asks, of whom this line tells, is somebody else here or goes by another name."""
        return self.users[user] != case.user if user in self.users else case.user in self.people

    def other_resource(self, given: str, case: Case) -> bool:
        """The same of the resource."""
        return self.resources[given] != case.id if given in self.resources else case.id in self.ids

    def take(self, user: str, given: str, said: str, case: Case) -> None:
        """Adds the lines, where they are new."""
        if user not in self.users:
            self.users[user] = case.user
            self.people.add(case.user)
        if given not in self.resources and case.id is not None:
            self.resources[given] = case.id
            self.ids.add(case.id)
            self.alike.setdefault(said, []).append(case.id)


class Draft:
    """A test that asks for one thing; `witness` has the names that it uses. Equal where the text is."""

    __slots__ = ("block", "lines", "witness")

    def __init__(self, witness: Witness, block: _Block) -> None:
        self.witness = witness
        self.block = block
        self.lines = (*block.users, *block.resources, *block.lines)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Draft) and self.lines == other.lines

    def __hash__(self) -> int:
        return hash(self.lines)


def suggested(table: Table, index: Index, witnesses: Iterable[Witness], titles: Iterable[str] = ()) -> str:
    """Test blocks in the language, a comment above each, with a line end; empty without witnesses. `titles` are those
    that tests have already."""
    return "\n".join(Writer(table, index, titles).blocks(witnesses))


class Writer:
    """Writes tests of one policy, no two by the same title."""

    def __init__(self, table: Table, index: Index, titles: Iterable[str]) -> None:
        self.table = table
        self.world = World(table, index)
        self.watch = Watch(index)
        self.titles = set(titles) | {entry.title for entry in table.tests}

    def draft(self, witness: Witness, renamed: bool = True) -> Draft | None:
        """A test of one request, where one can ask it; unless `renamed`, with the names that it came with."""
        block = _Block()
        case = self._put(block, witness, renamed)
        return None if case is None else Draft(witness._replace(case=case), block)

    def text(self, draft: Draft, notes: Iterable[str] = ()) -> tuple[str, str]:
        """The title of a test and all of it, with these lines in the comment above."""
        title = self._title(draft.witness.type, draft.block)
        return title, _text(title, draft.block, notes)

    def blocks(self, witnesses: Iterable[Witness]) -> Iterator[str]:
        """The tests of `suggested`."""
        by_type: dict[str, list[Witness]] = {}
        for witness in witnesses:
            by_type.setdefault(witness.type, []).append(witness)
        for name, kind in self.table.types.items():
            order = {action: at for at, action in enumerate(kind.actions)}
            here = sorted(by_type.get(name, ()), key=lambda w: (order[w.action], not w.allowed, w.roles))
            blocks = [_Block()]
            for witness in here:
                if len(blocks[-1].lines) >= MOST_LINES and witness.action not in blocks[-1].actions:
                    blocks.append(_Block())
                if self._put(blocks[-1], witness) is None:
                    blocks.append(_Block())
                    self._put(blocks[-1], witness)
            yield from (_text(self._title(name, block), block) for block in blocks if block.lines)

    # -- one request -------------------------------------------------------------------------------------------------

    def _put(self, block: _Block, witness: Witness, renamed: bool = True) -> Case | None:
        """Adds a request to a test, and says by which names; None where these are taken there."""
        for case in chain(self._renamed(witness, block) if renamed else (), [witness.case]):
            if case.id is None:
                continue  # a test names what it asks about
            user, said = _user_line(witness, case), self._said(witness, case)
            given = f"given {_name(witness.type)} {_id(case.id)}{said}"
            if block.other_user(user, case) or block.other_resource(given, case) or not self._same(witness, case):
                continue
            block.take(user, given, said, case)
            may = "may" if witness.allowed else "may not"
            context = f" with {_object(case.context)}" if case.context else ""
            line = f"{_id(case.user)} {may} {_name(witness.action)} {_id(case.id)}{context}"
            block.lines[line] = None
            block.actions[witness.action] = None
            return case
        return None

    def _renamed(self, witness: Witness, block: _Block) -> Iterator[Case]:
        """The case with names that say more, those that are there already first."""
        people = [_person(witness.roles) + end for end in ("", "_2", "_3", "_4", "_5")]
        number = len(block.resources) + 1
        for person, words in product(people, (True, False)):
            case = self._called(witness, person, words)
            if block.other_user(_user_line(witness, case), case):
                continue
            for known in block.alike.get(self._said(witness, case), ()):
                yield replace(case, id=known)
            yield replace(case, id=f"{_stem(witness.type)}_{number}")
            yield case

    def _called(self, witness: Witness, person: str, words: bool) -> Case:
        """The case with its user renamed wherever they stand; with `words` only where users are meant, and in texts a
        word that is nobody's name."""
        case = witness.case
        if case.user != SOMEONE:
            return case

        def named(value: Any, kind: Type | None) -> Any:
            if isinstance(value, list | tuple):
                return [named(item, kind.element if kind is not None else None) for item in value]
            if words and kind is not None and kind.kind == "string" and value in _WORDS:
                return _WORDS[value]
            return person if value == SOMEONE else value

        def renamed(values: Mapping[str, Any], declared: Attributes) -> dict[str, Any]:
            return {
                name: named(value, declared[name].type if name in declared else None) for name, value in values.items()
            }

        return replace(
            case,
            user=person,
            attributes=renamed(case.attributes, self.table.user),
            properties=renamed(case.properties, self.table.types[witness.type].attributes),
            context=renamed(case.context, self.table.context),
            groups=tuple(named(list(case.groups), None)),
        )

    def _same(self, witness: Witness, case: Case) -> bool:
        """Whether the case under its new names reaches all it did."""
        if case is witness.case:
            return True
        judged = self.world.judge(witness.roles, witness.type, witness.action, case)
        reached: set[Goal] = set(self.watch.reached(judged))
        return (judged.code == "allowed") == witness.allowed and witness.reached <= reached

    def _said(self, witness: Witness, case: Case) -> str:
        """What a `given` line says of the resource behind its id."""
        scope = case.properties.get("scope")
        at = f" at {scope if scope == self.table.root else _place(scope)}" if scope is not None else ""
        declared = self.table.types[witness.type].attributes
        properties = {name: case.properties[name] for name in declared if name in case.properties and name != "scope"}
        return f"{at} {_object(properties)}" if properties else at

    # -- text --------------------------------------------------------------------------------------------------------

    def _title(self, name: str, block: _Block) -> str:
        what = ", ".join(block.actions) if len(block.actions) <= 4 else "all actions"
        title = f"{what} on {name}, as it is today"
        found, number = title, 1
        while found in self.titles:
            number += 1
            found = f"{title} ({number})"
        self.titles.add(found)
        return found


def _text(title: str, block: _Block, notes: Iterable[str] = ()) -> str:
    head = "".join(f"# {line}\n" for line in (MARK, *notes))
    lines = [*block.users, *block.resources, *block.lines]
    return f"{head}test {ex.literal(title)} {{\n" + "".join(f"  {line}\n" for line in lines) + "}\n"


def _user_line(witness: Witness, case: Case) -> str:
    held = f" is {', '.join(_name(role) for role in witness.roles)}" if witness.roles else ""
    first, *more = [f" in group {_id(group)}" for group in case.groups] or [""]
    if held:  # a line takes one group after a role, which the group would then hold: so they have lines of their own
        more, first = [*([first] if first else []), *more], ""
    extra = f" with {_object(case.attributes)}" if case.attributes else ""
    line = f"user {_id(case.user)}{held}{first}{extra}"
    return "\n  ".join([line, *(f"user {_id(case.user)}{group}" for group in more)])


def _place(scope: str) -> str:
    kind, _, name = scope.partition("/")
    return f"{_name(kind)}/{_id(name)}"


def _object(values: Mapping[str, Any]) -> str:
    return "{ " + ", ".join(f"{_name(name)}: {_value(value)}" for name, value in values.items()) + " }"


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    if isinstance(value, str) and value not in _KEYWORDS and value.isascii() and re.fullmatch(r"an?_\w+|other", value):
        return value
    return ex.literal(value)


def _name(text: str) -> str:
    """A name of the policy, as it is always read."""
    return text if _PLAIN.fullmatch(text) and text not in _KEYWORDS else f"`{text}`"


def _id(text: str) -> str:
    return text if _PLAIN.fullmatch(text) and text not in _KEYWORDS else ex.literal(text)


def _stem(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]", "_", text)


def _person(roles: tuple[str, ...]) -> str:
    if not roles:
        return "an_outsider"
    first = _stem(roles[0])
    article = "an" if first[:1].lower() in "aeiou" else "a"
    return f"{article}_{'_and_'.join(_stem(role) for role in roles)}"


__all__ = ["MARK", "MOST_LINES", "Draft", "Writer", "suggested"]

"""A chunk of a directory file, brought to say what is wanted.

    wanted: ann, a service               ann: {status_before: active}
    first what is missing comes          ann: {status_before: active, type: service}
    then what is too much goes           ann: {type: service}

What the chunk says is compared with what it shall say, what differs is spliced, and the text is parsed again, until
nothing differs. Then the reader reads it, and all it finds must be what shall be there; else the body of the entry is
written anew, if no comment is lost, and else nothing is done.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import SequenceMatcher
from typing import TypeAlias

from remit.directory import nodes
from remit.directory.nodes import Node, Scalar
from remit.directory.reader import Reader
from remit.directory.rendering import (
    BREAK,
    DEFAULTS,
    Entry,
    OddError,
    Page,
    Style,
    assignment_body,
    block,
    body,
    entry,
    exact,
    members_of,
    written,
)
from remit.directory.shape import Group, User
from remit.source import Source

State: TypeAlias = dict[str, dict[str, Entry]]  # by section and name
Names: TypeAlias = Mapping[str, Entry | None]  # what shall stand in a section; None: nothing
Wanted: TypeAlias = Mapping[str, Names]

SECTIONS = ("users", "groups", "scopes", "removed", "joined_domains")
_LISTS = ("removed", "joined_domains")
_ROUNDS = 6  # of comparing and splicing; two or three are enough


class RewriteError(Exception):
    """The text cannot be edited safely; it is as it was. The sentence is for people."""


def equal(a: Entry | None, b: Entry | None) -> bool:
    """Whether they say the same, wherever they stand. Raises RewriteError for what no file can hold."""
    if a is None or b is None:
        return a is b
    try:
        return a is b or exact(body(a)) == exact(body(b))
    except (ValueError, TypeError, RecursionError) as error:
        raise RewriteError(f"`{b if isinstance(b, str) else b[0]}` holds what no file can: {error}") from None


def same(a: State, b: State) -> bool:
    return a.keys() == b.keys() and all(
        a[name].keys() == b[name].keys() and all(equal(a[name][key], b[name][key]) for key in b[name]) for name in b
    )


def outcome(state: dict[str, Entry], wanted: Names) -> dict[str, Entry]:
    """What a section says in the end."""
    return {name: value for name, value in {**state, **wanted}.items() if value is not None}


class Reading(Reader):
    """The reader on a part of the directory: whom the names stand for is not asked."""

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self.user_names = self.group_names = self.scope_names = None

    def state(self, top: nodes.Mapping) -> State:
        """All that the part says, or OddError where anything is wrong with it."""
        self.keys("a directory", SECTIONS, top)
        self.read_scopes(self.section(top, "scopes"))
        self.read_users(self.section(top, "users"))
        self.read_groups(self.section(top, "groups"))
        lists = {name: self.names_of(top, name, "a name") for name in _LISTS}
        if self.findings:
            raise OddError
        found: State = {"users": {**self.users}, "groups": {**self.groups}, "scopes": {**self.scopes}}
        for name in _LISTS:
            found[name] = {text: text for text in (name_of(name, item) for item in lists[name].values())}
        return found

    def one(self, section: str, name: str, key: Scalar, node: Node) -> Entry:
        """What one entry says."""
        alone = nodes.Mapping(0, 0)
        alone.entries[name] = key, node
        top = nodes.Mapping(0, 0)
        top.entries[section] = key, alone
        return Reading(self.source).state(top)[section][name]


def name_of(section: str, item: Node) -> str:
    """What an item of a list is compared by."""
    if not isinstance(item, Scalar):
        raise OddError
    return item.text.lower() if section == "joined_domains" else item.text


def top_of(page: Page, inside: str) -> nodes.Mapping:
    """The sections of a chunk. `inside` names the section whose entries a chunk holds; empty: it holds sections."""
    if isinstance(page.root, nodes.Mapping) and not inside:
        return page.root
    top = nodes.Mapping(0, len(page.text))
    if page.root is not None and inside:
        top.entries[inside] = Scalar(inside, 0, 0), page.root
    return top


def rewritten(text: str, eol: str, inside: str, wanted: Wanted, expected: State) -> Page:
    """The chunk as wanted. INVARIANT: the reader finds in it what is expected, and nothing else."""
    for anew in (False, True):
        try:
            page = Page(text, eol)
            for _ in range(_ROUNDS):
                _Plan(page, inside, anew).note(wanted)
                if not page.splices:
                    break
                page = Page(page.spliced(), eol)
            read = Reading(page.source).state(top_of(page, inside))
            whole_lines = not page.text or not text or page.text.endswith(("\n", "\r")) == text.endswith(("\n", "\r"))
            if whole_lines and not page.splices and same({name: read[name] for name in expected}, expected):
                return page
        except OddError:
            continue
        except (ValueError, TypeError, RecursionError) as error:
            raise RewriteError(f"what no file can hold is not written: {error}") from None
    section, names = next((part for part in (*wanted.items(), *expected.items()) if part[1]), ("", {"": None}))
    raise RewriteError(f"the text at `{next(iter(names))}` under `{section}` cannot be edited without harm to others")


class _Plan:
    """One round: what a page says is compared with what is wanted, and the difference noted as splices. In one
    collection, new parts come in one round and old ones go in the next."""

    def __init__(self, page: Page, inside: str, anew: bool) -> None:
        self.page = page
        self.inside = inside
        self.anew = anew  # write bodies as a whole
        self.top = top_of(page, inside)
        flow = page.root is not None and page.is_flow(page.root)
        self.style = page.style(self.top, Style(json=True)) if flow and not inside else Style()
        page.tight = self.style.tight
        self.may_open = not flow and not inside
        self.reading = Reading(page.source)

    def note(self, wanted: Wanted) -> None:
        missing = []
        for section, entries in wanted.items():
            found = self.top.entries.get(section)
            if found is not None:
                self.section(section, entries, *found)
                continue
            new = {name: value for name, value in entries.items() if value is not None}
            if new:
                value = list(new) if section in _LISTS else {name: body(value) for name, value in new.items()}
                missing.append(entry(section, value, self.style))
        if missing:
            self.page.insert(self.top, len(self.top.entries), missing)

    def section(self, section: str, wanted: Names, key: Scalar, node: Node) -> None:
        page, style = self.page, self.page.style(node, self.style)
        if section in _LISTS:
            names = [name_of(section, item) for item in node.items] if isinstance(node, nodes.Sequence) else []
        else:
            names = list(node.entries) if isinstance(node, nodes.Mapping) else []
        known = set(names)
        new = {name: value for name, value in wanted.items() if value is not None and name not in known}
        if section in _LISTS:
            texts = [written(name, style) for name in new]
        else:
            texts = [entry(name, body(value), style) for name, value in new.items()]
            for name, value in wanted.items():
                if value is not None and name in known and isinstance(node, nodes.Mapping):
                    self.entry(section, name, value, node, style)
        gone = [number for number, name in enumerate(names) if name in wanted and wanted[name] is None]
        if texts:
            self.add(section in _LISTS, texts, key, node)
        elif gone:
            assert isinstance(node, nodes.Mapping | nodes.Sequence)
            page.delete(node, gone, None if self.inside else key)

    def add(self, listed: bool, texts: list[str], key: Scalar, node: Node) -> None:
        """New entries at the end of a section, which may be empty."""
        page = self.page
        parts = page.parts(node) if isinstance(node, nodes.Mapping | nodes.Sequence) else []
        if not parts and self.may_open and not BREAK.search(page.text, node.start, page.end(node)):
            page.insert_below(key, node, [f"- {text}" for text in texts] if listed else texts)
        elif isinstance(node, nodes.Mapping | nodes.Sequence):
            page.insert(node, len(parts), texts)
        else:
            joined = ", ".join(texts)
            page.put(key, node, f"[{joined}]" if listed else f"{{{joined}}}")

    def entry(self, section: str, name: str, value: Entry, holder: nodes.Mapping, style: Style) -> None:
        """The body of an entry: only the keys that differ."""
        page, (key, node) = self.page, holder.entries[name]
        current = self.reading.one(section, name, key, node)
        if equal(current, value):
            return
        old, new = body(current), body(value)
        if self.anew and page.has_comment(key.end, node):
            raise OddError
        if self.anew or not isinstance(node, nodes.Mapping):
            page.put(key, node, written(new, style))
            return
        inner = page.style(node, style)
        gone = []
        for number, (word, (at, held)) in enumerate(node.entries.items()):
            if exact(old.get(word)) == exact(new.get(word)):
                continue
            if isinstance(held, nodes.Sequence) and word in ("members", "assignments"):
                self.items(word, at, held, current, value, page.style(held, inner))
            elif isinstance(held, nodes.Mapping) and word == "attributes":
                self.attributes(at, held, new.get(word), page.style(held, inner))
            elif word in new or word in DEFAULTS:
                quoted = Style(json=inner.json or page.text.startswith('"', held.start), tight=inner.tight)
                page.put(at, held, written(new.get(word, DEFAULTS.get(word)), quoted))
            else:
                gone.append(number)
        missing = [entry(word, new[word], inner) for word in new if word not in node.entries]
        if missing:
            page.insert(node, len(node.entries), missing)
        elif gone:
            page.delete(node, gone, key)

    def attributes(self, key: Scalar, node: nodes.Mapping, wanted: object, style: Style) -> None:
        assert wanted is None or isinstance(wanted, dict)
        wanted = wanted or {}
        gone = [number for number, word in enumerate(node.entries) if word not in wanted]
        for word, (at, held) in node.entries.items():
            if word in wanted and exact(nodes.value_of(held)) != exact(wanted[word]):
                self.page.put(at, held, written(wanted[word], style))
        missing = [entry(word, value, style) for word, value in wanted.items() if word not in node.entries]
        if missing:
            self.page.insert(node, len(node.entries), missing)
        elif gone:
            self.page.delete(node, gone, key)

    def items(self, word: str, key: Scalar, node: nodes.Sequence, old: Entry, new: Entry, style: Style) -> None:
        """The items of `members` or `assignments`."""
        page = self.page
        if word == "members":
            there = [name_of(word, item) for item in node.items]
            kept = {*_kept(members_of(old), members_of(new))}
            wanted: list[object] = [name for name in there if name in kept]
            wanted += [name for name in members_of(new) if name not in kept]
        else:
            read = [self.reading.assignment(item) for item in node.items]
            there = [exact(assignment_body(item)) for item in read if item is not None]
            assert isinstance(new, User | Group)
            wanted = [assignment_body(item) for item in new.assignments]
        blocks = (
            not page.is_flow(node) and isinstance(node.items[-1], nodes.Mapping) and not page.is_flow(node.items[-1])
        )
        keys = [str(item) if word == "members" else exact(item) for item in wanted]
        gone: list[int] = []
        added = False
        for kind, start, end, first, last in SequenceMatcher(None, there, keys, autojunk=False).get_opcodes():
            if kind == "equal":
                continue
            gone += range(start, end)
            if first < last:
                texts = [block(item, style) if blocks else written(item, style) for item in wanted[first:last]]
                page.insert(node, end, texts)
                added = True
        if gone and not added:
            page.delete(node, gone, key)


def _kept(old: list[str], new: list[str]) -> list[str]:
    """Members who stay where they are: changes take some away and append others."""
    kept = []
    for kind in (False, True):
        wanted = iter([name for name in new if name.startswith("group/") is kind])
        next_ = next(wanted, None)
        for name in old:
            if name == next_:
                kept.append(name)
                next_ = next(wanted, None)
    return kept

"""The names a policy declares, over all its files and the base: found once, asked by every part of the check."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from remit.diagnostics import Diagnostic, Label, Suggestions
from remit.model.policy import ActionItem, Area, Model, ResourceType
from remit.model.types import Attributes, Reading
from remit.model.typing import Checker, Conditions
from remit.source import Span
from remit.syntax import tree

EVENTS = (
    "signup sso_login register invite change_role assign revoke disable enable remove join leave "
    "create_group delete_group create_scope delete_scope"
).split()


@dataclass(slots=True)
class Names:
    """What is declared, and where findings go. Filled by `remit.model.catalogue` first, then only read."""

    report: Callable[[Diagnostic], None]
    base: Model | None
    broken: set[tuple[str, str | None]]
    scopes: dict[str, str | None] = field(default_factory=dict)
    scope_titles: dict[str, str] = field(default_factory=dict)
    root: str | None = None
    areas: Mapping[str, Area] = field(default_factory=dict)
    types: Mapping[str, ResourceType] = field(default_factory=dict)
    action_sets: dict[str, frozenset[str]] = field(default_factory=dict)
    user: Attributes = field(default_factory=dict)
    context: Attributes = field(default_factory=dict)
    claims: Attributes = field(default_factory=dict)
    roles: dict[str, Span] = field(default_factory=dict)  # of all layers; this layer's over the base's
    conditions: Conditions = field(default_factory=lambda: Conditions({}))
    guards: dict[str, Span] = field(default_factory=dict)
    actions: frozenset[str] = frozenset()
    near: Suggestions = field(default_factory=Suggestions)

    def error(
        self, code: str, message: str, span: Span | None, label: str = "", help: str = "", *others: Label
    ) -> None:
        self.report(Diagnostic(code, message, span, label, help, others))

    def lost(self, kind: str, name: str) -> bool:
        """Whether a statement that did not parse may have declared it."""
        return (kind, name) in self.broken or (kind, None) in self.broken or ("file", None) in self.broken

    def lost_types(self) -> bool:
        """Whether a resource type may be missing because its text did not parse."""
        return any(kind in ("area", "resource", "file") for kind, _ in self.broken)

    def duplicate(self, kind: str, name: tree.Name, first: Span) -> None:
        help = "rename one of them, or remove it"
        self.twice("E101", f"{kind} `{name.text}` is declared twice", name.span, help, first)

    def twice(self, code: str, message: str, span: Span, help: str, other: Span) -> None:
        """Reports what stands at two places. The order of files means nothing: of two files neither comes first."""
        if other.source.name == span.source.name:
            self.error(code, message, span, "", help, Label(other, "first declared here"))
        else:
            label = Label(other, "declared here, too")
            self.error(code, f"{message}, here and in {other.source.name}", span, "", help, label)

    def checker(self) -> Checker:
        return Checker(self.conditions, self.report, self.near)

    # -- looking up, with a finding where there is nothing -----------------------------------------------------------

    def role(self, name: tree.Name) -> bool:
        if name.text in self.roles:
            return True
        if not self.lost("role", name.text):
            help = self.near.similar(name.text, self.roles, f"declare it: `role {name.text} {{ … }}`")
            self.error("E106", f"the policy has no role `{name.text}`", name.span, help=help)
        return False

    def kind(self, name: tree.Name) -> bool:
        if name.text in self.scopes:
            return True
        if not self.lost("scope", name.text):
            help = self.near.similar(name.text, self.scopes, f"declare it: `scope {name.text}`")
            self.error("E109", f"the policy has no scope `{name.text}`", name.span, help=help)
        return False

    def type(self, name: tree.Name, who: str, areas: tuple[str, ...] | None, to: str = "") -> ResourceType | None:
        """The resource type, inside `areas`; `who` begins the message (role `vet`), `to` ends it (to allow on)."""
        found = self.types.get(name.text)
        if found and (areas is None or found.area in areas):
            return found
        if self.lost("resource", name.text) or (areas and any(self.lost("area", area) for area in areas)):
            return None
        where = "the policy" if areas is None else "area " + " and ".join(f"`{area}`" for area in areas)
        known = [t.name for t in self.types.values() if areas is None or t.area in areas]
        help = (
            f"`{name.text}` is in area `{found.area}`"
            if found
            else self.near.similar(name.text, known, listed("its types are" if areas else "the types are", known))
        )
        label = f"not in {where}" if areas is not None else ""
        self.error("E104", f"{who} has no resource type `{name.text}`{to}", name.span, label, help)
        return None

    def action_item(self, name: tree.Name) -> ActionItem:
        if name.text == "*":
            return ActionItem("all", "*", frozenset())
        if name.text in self.action_sets:
            return ActionItem("set", name.text, self.action_sets[name.text])
        return ActionItem("action", name.text, frozenset((name.text,)))

    def reading(self, resource_type: ResourceType) -> Reading:
        return Reading({"resource": resource_type.attributes, "user": self.user, "context": self.context})

    def place(self, place: tree.Place) -> str | None:
        """A scope as written in an example: `KIND/ID`, or the root's kind (given back as None)."""
        kind, slash, identifier = place.text.partition("/")
        if not self.kind(tree.Name(kind, place.span.source, place.span.start, place.span.end)):
            return None
        if not slash and kind == self.root:
            return None
        if not slash or not identifier:
            self.error("E109", f"`{place.text}` names no place", place.span, help=f"write `{kind}/ID`")
        elif kind == self.root:
            self.error("E109", f"the root is just `{kind}`", place.span, help=f"write `{kind}`, without an id")
        else:
            return place.text
        return None


def listed(words: str, names: Collection[str]) -> str:
    """`its types are `a`, `b``, not all of many; empty where there are none."""
    shown = sorted(names)[:6]
    return f"{words} " + ", ".join(f"`{name}`" for name in shown) + (", …" if len(names) > 6 else "") if names else ""


def unique(names: Names, kind: str, found: Iterable[tuple[tree.Name, object]]) -> dict[str, object]:
    """By name; the second of a name is a finding and is left out."""
    kept: dict[str, object] = {}
    first: dict[str, Span] = {}
    for name, thing in found:
        if name.text in kept:
            names.duplicate(kind, name, first[name.text])
        else:
            kept[name.text] = thing
            first[name.text] = name.span
    return kept


def circle(graph: Mapping[str, Iterable[str]]) -> list[str] | None:
    """One circle of a directed graph as its names in order, or None (depth-first search with three colours)."""
    done: set[str] = set()
    for start in sorted(graph):
        path: list[str] = []
        on_path: set[str] = set()
        pending = [(start, iter(sorted(graph.get(start, ()))))]
        if start in done:
            continue
        path.append(start)
        on_path.add(start)
        while pending:
            node, following = pending[-1]
            step = next(following, None)
            if step is None:
                pending.pop()
                done.add(node)
                on_path.discard(path.pop())
            elif step in on_path:
                return path[path.index(step) :]
            elif step not in done and step in graph:
                path.append(step)
                on_path.add(step)
                pending.append((step, iter(sorted(graph.get(step, ())))))
    return None

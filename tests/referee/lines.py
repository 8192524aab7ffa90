"""The lines of the `assignments` block that an event meets (SEMANTICS 8), their `when`s and what they give."""

from __future__ import annotations

from dataclasses import replace

from referee.decide import ROOT, Asked, Truth, current_name, truth
from referee.guards import all_held
from referee.heard import GIVING, LEAVING_NOBODY, Heard, domain_of

from remit.directory.shape import Assignment, Directory
from remit.model import expression as ex
from remit.model.policy import Model, OnEvent


def lines_of(model: Model, heard: Heard) -> list[OnEvent]:
    """8: the lines that name the kind; to groups, those that say `to group`."""
    to_group = heard.kind in ("assign", "revoke") and heard.group is not None
    lines = [line for layer in model.layers() for line in layer.events]
    return [line for line in lines if line.kind == heard.kind and line.to_group == to_group]


def matches(model: Model, directory: Directory, heard: Heard, line: OnEvent) -> Truth:
    """8: whether the line's `when` is true; unknown where it reads claims that are not there."""
    if line.trigger is None:
        return True
    user = directory.users.get(heard.user or "")
    if line.trigger == "first in domain":
        if user is not None and user.status != "pending":
            return False  # who has joined is not the first to join
        return heard.domain != "" and heard.domain not in joined(directory)
    if line.trigger == "unassigned":
        return heard.user is None or not all_held(model, directory, heard.user, heard.time)
    assert not isinstance(line.trigger, str)
    return claimed_truth(model, heard, line.trigger)


def joined(directory: Directory) -> set[str]:
    """8, 013: the domains from which somebody has ever joined: the directory's list, and those in the ids of users that
    registered and of removed ones."""
    found = {domain.lower() for domain in directory.joined_domains}
    for user in directory.users.values():
        before = user.status_before if user.status == "disabled" else user.status
        if before != "pending":
            found.add(domain_of(user.id))
    return (found | {domain_of(name) for name in directory.removed}) - {""}


def claimed_truth(model: Model, heard: Heard, trigger: ex.Expr) -> Truth:
    """8: a condition over claims, read like one over a context that holds them under names of their own."""
    context = {f"claims {name}": declared for name, declared in model.claims.items()}
    values = {f"claims {name}": value for name, value in heard.claims.items()}
    asked = Asked("", "", None, None, None, {}, values, heard.time, "", True, {}, frozenset(), ())
    return truth(replace(model, context=context), asked, on_context(trigger))


def on_context(node: ex.Expr) -> ex.Expr:
    """The condition with `context` where it says `claims`."""
    match node:
        case ex.Attr():
            return ex.Attr("context", f"claims {node.name}") if node.root == "claims" else node
        case ex.Has():
            attr = on_context(node.attr)
            assert isinstance(attr, ex.Attr)
            return ex.Has(attr)
        case ex.Not():
            return ex.Not(on_context(node.operand))
        case ex.And():
            return ex.And(tuple(on_context(part) for part in node.operands))
        case ex.Or():
            return ex.Or(tuple(on_context(part) for part in node.operands))
        case ex.Minus():
            return ex.Minus(on_context(node.left), on_context(node.right))
        case ex.Compare():
            return ex.Compare(node.operator, on_context(node.left), on_context(node.right))
        case ex.Member():
            collection = node.collection
            if isinstance(collection, ex.Attr):
                moved = on_context(collection)
                assert isinstance(moved, ex.Attr)
                collection = moved
            return ex.Member(on_context(node.operand), collection)
        case ex.Named():
            return on_context(node.body)
    return node


def gifts(model: Model, heard: Heard, matching: list[OnEvent]) -> list[Assignment]:
    """8, 013: what the event gives: the role it names, by that name where the policy lacks it, where a line matches,
    and what matching lines assign. To nobody in events that leave nobody."""
    if heard.kind in LEAVING_NOBODY:
        return []
    scope = None if heard.place == ROOT else heard.scope
    found: list[Assignment] = []
    if matching and heard.kind in GIVING:
        assert heard.role is not None
        found.append(Assignment(current_name(model, heard.role) or heard.role, scope, heard.start, heard.end))
    for line in matching:
        for name in line.assign:
            if name not in [item.role for item in found]:
                found.append(Assignment(name, scope, heard.start, heard.end))
    return found

"""Check, third part: assignments and guards, how roles come to be held and what must stay true of the holders."""

from __future__ import annotations

from collections.abc import Sequence

from remit.model.catalogue import only, unknown_action
from remit.model.expression import Expr
from remit.model.names import EVENTS, Names, unique
from remit.model.policy import Guard, OnEvent
from remit.model.types import Reading
from remit.model.typing import Subject, bind
from remit.syntax import tree

_ON_GROUPS = ("assign", "revoke")


def build_events(names: Names, statements: Sequence[tree.Statement]) -> tuple[OnEvent, ...]:
    """The lines of all `assignments` blocks, in the order of the text."""
    return tuple(
        built
        for block in only(statements, tree.Assignments)
        for written in block.events
        if (built := _event(names, written))
    )


def _event(names: Names, written: tree.OnEvent) -> OnEvent | None:
    kind = written.kind.text
    if kind not in EVENTS:
        help = names.near.similar(kind, EVENTS, f"the events are {', '.join(EVENTS)}")
        names.error("E501", f"there is no event `{kind}`", written.kind.span, help=help)
        return None
    if written.to_group and kind not in _ON_GROUPS:
        names.error("E502", f"`{kind}` has no `to group`", written.kind.span, help="`to group` goes with `assign`")
    requires = _requires(names, written.requires) if written.requires else None
    assign = [role.text for role in written.assign if names.role(role)]
    trigger: Expr | str | None = None
    if isinstance(written.trigger, str):
        trigger = written.trigger
        if trigger == "first in domain" and kind not in ("signup", "sso_login", "register"):
            help = "it goes with `signup`, `sso_login` and `register`"
            names.error("E502", f"`first in domain` is no trigger of `{kind}`", written.span, help=help)
    elif written.trigger is not None:
        trigger = bind(written.trigger, names.conditions)
        names.checker().check(written.trigger, [Subject(Reading({"claims": names.claims}))])
    within = bool(written.requires and written.requires.within_own)
    return OnEvent(kind, written.to_group, requires, within, trigger, tuple(assign), written.span)


def _requires(names: Names, requires: tree.Requires) -> tuple[str, str] | None:
    kind = names.type(requires.type, "the policy", None)
    if kind is None:
        return None
    if requires.action.text not in kind.actions:
        unknown_action(names, requires.action, kind)
        return None
    return (requires.action.text, kind.name)


def build_guards(names: Names, statements: Sequence[tree.Statement]) -> dict[str, Guard]:
    """The guards by name."""
    inherited = {
        name: guard for layer in (names.base.layers() if names.base else ()) for name, guard in layer.guards.items()
    }
    built: dict[str, Guard] = {}
    for name, written in unique(names, "guard", ((g.name, g) for g in only(statements, tree.Guard))).items():
        assert isinstance(written, tree.Guard)
        if name in inherited:
            names.duplicate("guard", written.name, inherited[name].span)
            continue
        rule = written.rule
        title = written.title.text if written.title else ""
        known = [names.kind(rule.per)] if rule.per else []
        per = rule.per.text if rule.per else ""
        if isinstance(rule, tree.GuardCount):
            known.append(names.role(rule.role))
            guard = Guard(name, title, rule.bound, rule.count, rule.active, rule.role.text, "", per, written.span)
        elif isinstance(rule, tree.GuardPerUser):
            guard = Guard(name, title, "per_user", rule.count, False, "", "", per, written.span)
        else:
            known.extend([names.role(rule.role), names.role(rule.other)])
            guard = Guard(name, title, "never", 0, False, rule.role.text, rule.other.text, per, written.span)
        if guard.count < 0:
            names.error("E004", "a guard counts from 0", written.span, help="write a number of people")
        if all(known):
            built[name] = guard
    names.guards = {name: guard.span for name, guard in {**inherited, **built}.items()}
    return built

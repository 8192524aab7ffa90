"""How lines of `assignments` come to give roles, and what guards make of it: for the rules about them.

    on sso_login when "desk" in claims.groups assign vet      gives vet: to a user who may hold anything already
    on signup when first in domain assign owner               gives owner: to somebody new
    on invite requires invite on member                       gives whichever role the invitation names

Lines and guards are looked at as they stand in the text, those of the bases of an overlay too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import cached_property
from typing import Any

from remit.lint.rule import Subject
from remit.model.expression import Expr
from remit.model.policy import Guard, OnEvent
from remit.model.types import Reading
from remit.table import normal
from remit.table.tableau import implies

NAMING = ("invite", "change_role", "assign")  # events that give the role they name
NOBODY = ("remove", "delete_group", "create_scope", "delete_scope")  # that leave nobody to give a role to
_BUILT_IN = ("first in domain", "unassigned")


class Giving:
    """The lines that give roles, and the guards, of a policy with all its layers."""

    def __init__(self, subject: Subject) -> None:
        self.table = subject.table
        layers = subject.model.layers()
        self.lines: list[OnEvent] = [line for layer in layers for line in layer.events]
        self.guards: list[Guard] = [guard for layer in layers for guard in layer.guards.values()]
        self.own_guards = frozenset(subject.model.guards)
        self.own_lines = bool(subject.model.events)
        self._known: dict[str, frozenset[str]] = {}
        self.claims = Reading({"context": subject.model.claims})

    @property
    def assigning(self) -> list[OnEvent]:
        """The lines with roles of their own to give."""
        return [line for line in self.lines if line.assign and line.kind not in NOBODY]

    @cached_property
    def any_role(self) -> bool:
        """Whether some event gives whichever role it names, or callers bring roles of their own."""
        return self.table.roles_from_subject or any(line.kind in NAMING for line in self.lines)

    @cached_property
    def holdable(self) -> frozenset[str]:
        """The roles that some event can give to somebody, with all they include."""
        if self.any_role:
            return frozenset(self.table.roles)
        return self.closed(role for line in self.assigning for role in line.assign)

    def closed(self, roles: Iterable[str]) -> frozenset[str]:
        """Roles with all they include."""
        return frozenset[str]().union(*(self._with(role) for role in roles))

    def _with(self, role: str) -> frozenset[str]:
        if role not in self._known:
            self._known[role] = frozenset((role, *self.table.roles[role].includes))
        return self._known[role]

    def refusing(self, roles: Collection[str]) -> Iterator[Guard]:
        """The guards that let nobody hold these roles together at one place."""
        held = self.closed(roles)
        for guard in self.guards:
            many = guard.kind == "per_user" and len(set(roles)) > guard.count
            if many or (guard.kind == "never" and guard.role in held and guard.other in held):
                yield guard

    def touches(self, guard: Guard, roles: Collection[str]) -> bool:
        """Whether a guard refuses some role beside these, which it lets be by themselves."""
        held = self.closed(roles)
        if guard.kind == "per_user":
            return len(set(roles)) == guard.count
        return guard.kind == "never" and (guard.role in held) != (guard.other in held)

    def beside(self, guard: Guard, roles: Collection[str], among: Iterable[str]) -> str | None:
        """A role among others that a guard refuses beside these."""
        if guard.kind == "per_user":
            return next((role for role in among if role not in roles), None)
        wanted = guard.other if guard.role in self.closed(roles) else guard.role
        return next((role for role in among if wanted in self._with(role)), None)

    # -- whether two lines match one event ---------------------------------------------------------------------------

    def together(self, one: OnEvent, other: OnEvent) -> bool:
        """Whether one event can match both, as far as that can be told."""
        if (one.kind, one.to_group) != (other.kind, other.to_group):
            return False
        forms = [self.form(line.trigger) for line in (one, other)]
        if any(isinstance(form, str) for form in forms):
            return True
        first, second = forms
        if _compares(first) and _compares(second) and first[1] == second[1]:
            return bool(first[2] == second[2])
        return not implies(normal.both([first, second]), False, self.claims).closed

    def form(self, trigger: Expr | str | None) -> Any:
        """A trigger's normal form, the words of the built-in ones. Claims are read as context, which the tableau
        knows."""
        if isinstance(trigger, str):
            return trigger
        reading = Reading({"claims": self.claims.roots["context"]})
        return _as_context(normal.normal(trigger, reading))


def _as_context(form: Any) -> Any:
    if isinstance(form, list):
        return ["context" if part == "claims" and at == 0 else _as_context(part) for at, part in enumerate(form)]
    return form


def _compares(form: Any) -> bool:
    return isinstance(form, list) and form[0] == "==" and not isinstance(form[2], list)

"""Roles that a guard keeps apart (`never R with Q`, `at most N role per user`), and that `assignments` or `includes`
bring together all the same. The guard holds: the events are refused, every time, and the people concerned are shut out
where nobody expects it. Found are

- a role that includes both sides of a `never`: nobody can ever hold it;
- a line, or two lines that match one event, that give both sides at once;
- a line of `invite`, `assign` or `change_role` that adds a role which most of what they name may not be held with;
- a sign-on or a registration that gives one side to whoever was given the other before: they cannot sign in any more.

It would have caught a mapping of sign-on groups to roles by which whoever moved from sales to finance was locked out:
the sign-on gave `accountant`, and `sales_rep` was still there.

There is no fix: what should give way, the guard, the line or the role held before, is for people to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from remit.diagnostics import Diagnostic, Label
from remit.lint.giving import NAMING, NOBODY, Giving
from remit.lint.rule import Subject, rule
from remit.lint.words import first_name
from remit.model.policy import Guard, OnEvent

_MOST = 300  # assigning lines of one event that are held against one another
_SHOWN = 3  # names of a longer list


@rule("W501", "duty-conflict")
def check(subject: Subject) -> Iterator[Diagnostic]:
    giving = Giving(subject)
    if any(guard.kind in ("never", "per_user") for guard in giving.guards):
        yield from _impossible(subject, giving)
        found = _Lines(giving)
        yield from found.at_once()
        yield from found.one_after_the_other()


def _impossible(subject: Subject, giving: Giving) -> Iterator[Diagnostic]:
    """Roles that nobody can hold."""
    bringing: dict[str, list[str]] = {}
    for entry in subject.table.roles.values():
        for name in (entry.name, *entry.includes):
            bringing.setdefault(name, []).append(entry.name)
    for guard in giving.guards:
        if guard.kind != "never" or guard.per:
            continue
        others = {*bringing.get(guard.other, ())}
        for name in bringing.get(guard.role, ()):
            if name not in others:
                continue
            sides = f"`{guard.role}` and `{guard.other}`" if guard.role != guard.other else f"`{guard.role}`, twice"
            message = f"nobody can hold role `{name}`: guard `{guard.name}` refuses it"
            why, help = f"it brings {sides}", "let it include one of the two, or change the guard"
            role = subject.role(name)
            if name in subject.model.roles and role is not None:
                place = first_name(role.span, name)
                yield check.finding(message, place, why, help, [Label(guard.span, "this guard")])
            elif guard.name in giving.own_guards and role is not None:
                yield check.finding(message, guard.span, "", help, [Label(role.span, why)])


class _Lines:
    """The lines that give roles, held against the guards and one another; each is reported once."""

    def __init__(self, giving: Giving) -> None:
        self.giving = giving
        personal = [line for line in giving.assigning if not line.to_group and line.kind != "create_group"]
        self.lines = [line for line in personal if not any(self._alone(role) for role in line.assign)]
        self.done: set[int] = set()

    def _alone(self, role: str) -> bool:
        return any(guard.kind == "never" for guard in self.giving.refusing((role,)))

    def at_once(self) -> Iterator[Diagnostic]:
        """Lines, alone or two by two, that give at once what a guard keeps apart."""
        for line in self.lines:
            guard = next(self.giving.refusing(line.assign), None)
            if guard is not None:
                message = f"this line gives {_listed(line.assign)} at once, which guard `{guard.name}` refuses"
                yield from self._finding(message, "every event that matches is refused", line, guard, [])
        kinds: dict[str, list[OnEvent]] = {}
        for line in self.lines:
            before = kinds.setdefault(line.kind, [])
            for other in before[:_MOST] if id(line) not in self.done else ():
                guard = self._kept_apart(line, other)
                if guard is not None and self.giving.together(line, other):
                    message = f"one `{line.kind}` can match two lines, which give {_listed(_both(line, other))}"
                    why = f"guard `{guard.name}` refuses that"
                    label = Label(other.span, f"this line gives {_listed(other.assign)}")
                    yield from self._finding(message, why, line, guard, [label])
                    self.done.add(id(other))
                    break
            if id(line) not in self.done:
                before.append(line)
        for line in self.lines:
            if line.kind in NAMING and line.trigger is None and id(line) not in self.done:
                yield from self._beside_the_named(line)

    def _beside_the_named(self, line: OnEvent) -> Iterator[Diagnostic]:
        for guard in self._touching(line):
            role = self.giving.beside(guard, line.assign, self.giving.table.roles)
            if role is not None:
                refused = "every other role" if guard.kind == "per_user" else f"role `{role}`"
                message = f"`{line.kind}` always gives {_listed(line.assign)} too, so it is refused for {refused}"
                yield from self._finding(message, f"guard `{guard.name}` refuses both", line, guard, [])
                return

    def one_after_the_other(self) -> Iterator[Diagnostic]:
        """Sign-ons and registrations that give a role beside which somebody may hold another one."""
        for line in self.lines:
            if line.kind not in ("sso_login", "register") or line.trigger == "unassigned" or id(line) in self.done:
                continue
            for guard in self._touching(line):
                found = self._held_before(line, guard)
                if found is not None:
                    role, before = found
                    message = f"`{line.kind}` is refused to whoever holds `{role}` and is to get {_listed(line.assign)}"
                    why = f"guard `{guard.name}` refuses both"
                    label = Label(before.span, f"`{before.kind}` can give `{role}` before")
                    help = "give it `when unassigned` alone, or have the other role taken away before"
                    yield from self._finding(message, why, line, guard, [label], help)
                    break

    def _touching(self, line: OnEvent) -> list[Guard]:
        return [guard for guard in self.giving.guards if self.giving.touches(guard, line.assign)]

    def _held_before(self, line: OnEvent, guard: Guard) -> tuple[str, OnEvent] | None:
        """A role that a guard refuses beside the line's, and a line by which somebody can have it already."""
        invited = line.kind == "register" or line.trigger == "first in domain"  # whoever comes for the first time
        pending = any(one.kind == "register" for one in self.giving.lines)
        for before in self.giving.lines:
            if (
                before is line
                or before.to_group
                or before.kind in (*NOBODY, "disable")
                or (invited and not (before.kind == "invite" and pending))
            ):
                continue
            among = [*before.assign, *(self.giving.table.roles if before.kind in NAMING else ())]
            role = self.giving.beside(guard, line.assign, among)
            if role is not None:
                return role, before
        return None

    def _kept_apart(self, one: OnEvent, other: OnEvent) -> Guard | None:
        return next(self.giving.refusing(_both(one, other)), None)

    def _finding(
        self, message: str, why: str, line: OnEvent, guard: Guard, labels: Sequence[Label], help: str = ""
    ) -> Iterator[Diagnostic]:
        self.done.add(id(line))
        help = help or "give one of them, or change the guard"
        if self.giving.own_lines:
            yield check.finding(message, line.span, why, help, [*labels, Label(guard.span, "this guard")])
        elif guard.name in self.giving.own_guards:
            yield check.finding(message, guard.span, "refused by this guard", help, [Label(line.span, "by this line")])


def _both(one: OnEvent, other: OnEvent) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*other.assign, *one.assign)))


def _listed(roles: Sequence[str]) -> str:
    names = [f"`{role}`" for role in roles]
    if len(names) > _SHOWN:
        return f"{', '.join(names[:_SHOWN])} and {len(names) - _SHOWN} more"
    return " and ".join(names) if len(names) < 3 else f"{', '.join(names[:-1])} and {names[-1]}"

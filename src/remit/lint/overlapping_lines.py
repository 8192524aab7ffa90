"""Two lines of `assignments` that match the same event. All that match count: every `requires` must hold, every role is
given, and no line goes before another. So

- a line that says nothing more than another one that matches whenever it does is idle: a narrower `when` lifts no
  requirement, and a second line gives no choice;
- a line `when unassigned` is no default beside lines that give other roles: somebody new who matches both gets both
  (a note, for that may be meant).

It would have caught `on invite when "hr" in claims.groups`, added so that the people of HR need no permission to
invite: the line before it required one of everybody, and went on doing so.

The fix removes the idle line. Every event is judged as before; it is an unsafe one all the same, since what was meant
by the line may well be missing.
"""

from __future__ import annotations

from collections.abc import Iterator

from remit.diagnostics import Diagnostic, Edit, Fix, Label
from remit.lint.giving import NOBODY, Giving
from remit.lint.rule import Subject, rule
from remit.model.policy import OnEvent
from remit.table import normal


@rule("W503", "overlapping-lines")
def check(subject: Subject) -> Iterator[Diagnostic]:
    if not subject.model.events:
        return
    giving = Giving(subject)
    kinds: dict[tuple[str, bool], list[OnEvent]] = {}
    for line in subject.model.events:
        kinds.setdefault((line.kind, line.to_group), []).append(line)
    for lines in kinds.values():
        if len(lines) > 1:
            idle: dict[int, OnEvent] = {}
            yield from _idle(giving, lines, idle)
            yield from _defaults(giving, [line for line in lines if id(line) not in idle])


def _idle(giving: Giving, lines: list[OnEvent], idle: dict[int, OnEvent]) -> Iterator[Diagnostic]:
    """Lines that another one makes needless, the later of two alike; fills `idle`."""
    triggers = {id(line): normal.key(giving.form(line.trigger)) for line in lines}
    broad: dict[str, list[OnEvent]] = {}
    for line in lines:
        broad.setdefault(triggers[id(line)], []).append(line)
    always = normal.key(True)
    for line in reversed(lines):
        mine = triggers[id(line)]
        wider = [*broad.get(always, ()), *(broad[mine] if mine != always else ())]
        by = next((one for one in wider if one is not line and id(one) not in idle and _says(one, line)), None)
        if by is None:
            continue
        idle[id(line)] = by
        same = triggers[id(by)] == mine
        message = f"this line changes nothing: another one for `{line.kind}` says as much"
        label = "it says the same" if same and _says(line, by) else "this one matches as well, and says no less"
        fix = Fix("remove the line", (Edit(line.span, ""),), safe=False)
        help = "remove it; all lines that match count, and none goes before another"
        yield check.finding(message, line.span, "", help, [Label(by.span, label)], fix)


def _says(one: OnEvent, other: OnEvent) -> bool:
    """Whether one line says all that another does, where both match."""
    if other.requires is not None and (one.requires != other.requires or other.within_own > one.within_own):
        return False
    return {*other.assign} <= {*one.assign} or other.kind in NOBODY


def _defaults(giving: Giving, lines: list[OnEvent]) -> Iterator[Diagnostic]:
    """Lines `when unassigned` that give a role beside another line's."""
    for line in lines:
        if line.trigger != "unassigned" or not line.assign or line.kind in NOBODY:
            continue
        for other in lines:
            brought = giving.closed(other.assign)
            if (
                other.trigger == line.trigger
                or not other.assign
                or brought >= {*line.assign}
                or _refused(giving, line, other)
            ):
                continue
            roles = " and ".join(f"`{role}`" for role in dict.fromkeys((*other.assign, *line.assign)))
            message = f"somebody new who matches both lines gets {roles}"
            label = "no default: it matches whoever holds no role before the event"
            help = "leave it so if both are meant; else narrow one of the two"
            labels = [Label(other.span, "and so may this line")]
            yield check.finding(message, line.span, label, help, labels, level="note")
            break


def _refused(giving: Giving, line: OnEvent, other: OnEvent) -> bool:
    """Whether a guard refuses it, which is another rule's to say."""
    return next(giving.refusing(tuple({*line.assign, *other.assign})), None) is not None

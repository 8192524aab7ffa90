"""`everyone` may do something that is more than looking, without a condition. That is each user the directory knows,
whatever role they hold, one without any role included: whoever signed up this morning, and the account that was
forgotten.

It would have caught `everyone { allow invite on member }`, which was to let colleagues invite each other, and let
people who had lost all their roles bring themselves back.

What looks only is told by the first word of an action's name: read, view, list, get, see, show, search, find, query,
browse, watch, count, preview, open, download, export, print (`read`, `list_members`). All others are found, `*` where
it covers one of them. A rule with `when` is let be, and so is `members`, which speaks of people who hold a role.
There is no fix.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from remit.diagnostics import Diagnostic
from remit.lint.bare_text import claim
from remit.lint.rule import Subject, rule

LOOKING = frozenset(
    "read view list get see show search find query browse watch count preview open download export print".split()
)
_FIRST_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Za-z][a-z]*")


@rule("W708", "everyone-writes")
def check(subject: Subject) -> Iterator[Diagnostic]:
    for written in subject.written:
        entry = written.entry
        if written.block != "everyone" or entry is None or entry.effect != "allow" or entry.condition is not None:
            continue
        found = [pair for pair in entry.pairs() if not looks_only(pair[1])]
        if found:
            name, action = found[0]
            more = f", and {len(found) - 1} more" if len(found) > 1 else ""
            yield check.finding(
                f"`everyone` may {action} on `{name}`{more}, whoever they are and without a condition",
                claim(written.rule.span),
                help="say when, or give it to `members` or to a role",
            )


def looks_only(action: str) -> bool:
    """Whether an action changes nothing, as far as its name tells."""
    first = _FIRST_WORD.search(action)
    return first is not None and first[0].lower() in LOOKING

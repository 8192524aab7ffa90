"""Two policies of one type, one role and one action, but for what a test says, and their difference in few words."""

from __future__ import annotations

from functools import cache

from remit import Policy
from remit.proof.compare import Change, Difference, compare
from remit.table.shape import Table

DIRECTORY_KINDS = "scope company\nscope branch in company\n"


@cache
def table(text: str) -> Table:
    """The table of one file."""
    return Policy.from_sources({"x.remit": text}).table


def written(
    condition: str | None,
    declared: str = "",
    *,
    effect: str = "allow",
    context: str = "",
    user: str = "",
    kinds: str = DIRECTORY_KINDS,
    more: str = "",
) -> str:
    """A policy in which `r` may read a note when the condition holds, or always; or where a deny is compared, may so
    unless the condition holds."""
    when = "" if condition is None else f" when {condition}"
    rules = f"allow read on note{when}" if effect == "allow" else f"allow read on note\n deny read on note{when}"
    return f"""{kinds}
    area desk {{ resource note {{ {declared} actions read, write }} }}
    context {{ {context} }}
    user {{ {user} }}
    {more}
    role r {{ {rules} }}
    """


def difference(old: str, new: str) -> Difference:
    """The difference of two policies' texts."""
    return compare(table(old), table(new))


def changes(old: str, new: str) -> list[str]:
    """Their changes in short: `may widened r`, without the name for somebody without a role. Nothing is unproven."""
    found = difference(old, new)
    assert found.unproven == ()
    return sorted(shown(change) for change in found.changes)


def shown(change: Change) -> str:
    return " ".join([change.part, change.kind, *change.roles])


def kinds(
    old: str | None,
    new: str | None,
    declared: str = "",
    *,
    became: str | None = None,
    effect: str = "allow",
    context: str = "",
    user: str = "",
    more: str = "",
    places: str = DIRECTORY_KINDS,
) -> list[str]:
    """What becomes of `r` when its condition does: the classes of the changes in what it may. `became`: what the
    resource declares afterwards."""
    texts = [
        written(condition, attributes, effect=effect, context=context, user=user, kinds=places, more=more)
        for condition, attributes in ((old, declared), (new, declared if became is None else became))
    ]
    found = difference(*texts)
    assert found.unproven == ()
    assert all(change.roles == ("r",) and (change.type, change.action) == ("note", "read") for change in found.changes)
    return [change.kind for change in found.changes if change.part == "may"]


def case(old: str, new: str) -> str:
    """The request of the only change in what somebody may, in words."""
    (change,) = [change for change in difference(old, new).changes if change.part == "may"]
    return change.case.text

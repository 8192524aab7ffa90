"""Which guards an added role would break: judged as an event that assigns it would be (SEMANTICS 8)."""

from __future__ import annotations

from remit.directory.shape import User
from remit.evaluator.holding import Holding
from remit.evaluator.pdp import Pdp
from remit.membership.guards import Guards, Person, Touched
from remit.membership.roster import Roster


def broken_by(pdp: Pdp, roster: Roster, user: User, role: str, scope: str | None, time: int | None) -> tuple[str, ...]:
    """The guards that an individual assignment of `role` at `scope` would make worse, now or later, sorted by name."""
    if user.id not in pdp.directory.users or not pdp.table.guards:
        return ()
    before = Person(user.id, user.status, pdp.holders.holdings(user))
    added = Holding(role, pdp.index.bits[role], scope, "individual")
    touched = Touched(before, before._replace(holdings=(*before.holdings, added)))
    guards = Guards(pdp.index, roster, pdp.clock() if time is None else time)
    return tuple(broken.guard.name for broken in guards.all_worsened([touched]))

"""The policy decision point: a table and a directory bound together, asked one question at a time.

Deciding is: find the cell, find the user's role masks at the scope, intersect, and only then run conditions.
`allows` is the fast path: two look-ups in nested dictionaries for each, filled when first asked for. Whatever does
not fit it (unknown names, malformed input, windows in time) raises KeyError or TypeError inside and takes the long
way, which every other question takes too, so both give the same answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from remit.directory.shape import Directory, User
from remit.evaluator.decision import Decision
from remit.evaluator.facts import EMPTY, NOBODY, Facts
from remit.evaluator.holding import EVERYONE_BIT, Held, Holders, Holding
from remit.evaluator.index import Cell, Entry, Index
from remit.evaluator.request import Asked, Malformed, read_parts, read_request
from remit.table.shape import Table

NO_GROUPS: frozenset[str] = frozenset()


class Judged(NamedTuple):
    """All that went into a decision. `cell`, `held` and `facts` are None where the code was found before them."""

    code: str
    allows: tuple[Entry, ...]
    denies: tuple[Entry, ...]
    asked: Asked | None
    cell: Cell | None
    user: User | None
    held: Held | None
    facts: Facts | None
    why: str = ""


class Pdp:
    """Answers requests. Safe to share between threads: what it keeps is only ever added to."""

    def __init__(
        self, table: Table, directory: Directory, clock: Callable[[], int], index: Index | None = None
    ) -> None:
        self.table = table
        self.directory = directory
        self.clock = clock
        self.index = index or Index(table)
        self.holders = Holders(table, directory, self.index.bits)
        self._cells = self.index.cells
        self._masks = _Users(self)

    # -- the fast path -----------------------------------------------------------------------------------------------

    def allows(
        self, user: str, action: str, resource: Mapping[str, Any], context: Mapping[str, Any] | None = None
    ) -> bool:
        """Whether the user may. `resource` has `type`, and perhaps `id` and `properties`. Bad input is False."""
        try:
            cell = self._cells[resource["type"]][action]
            properties = resource.get("properties")
            if properties is None:
                properties = EMPTY
            allow, deny, facts = self._masks[user][properties.get("scope")]
            identifier = resource.get("id")
            if identifier is not None and not isinstance(identifier, str):
                return False
            if deny & cell.deny:
                return False
            if not cell.deny_if and allow & cell.allow:
                return context is None or isinstance(context, Mapping)
            if context is not None and not isinstance(context, Mapping):
                return False
            if cell.deny_if or cell.allow_if:
                known = facts(identifier, properties, context or EMPTY)
                for mask, test in cell.deny_if:
                    if mask & deny and test(known) is not False:
                        return False
                if allow & cell.allow:
                    return True
                for mask, test in cell.allow_if:
                    if mask & allow and test(known) is True:
                        return True
            return False
        except (KeyError, TypeError, AttributeError):
            asked = read_parts(user, None, EMPTY, None, None, action, resource, context, self.holders.scopes) if (
                isinstance(user, str)
            ) else Malformed("the user is no text")
            return self.judge(asked).code == "allowed"

    # -- the long way ------------------------------------------------------------------------------------------------

    def decide(self, request: Any) -> Decision:
        """The decision on a request in AuthZEN's shape. Never raises: bad input has its code."""
        return Decision(self, self.judge(read_request(request, self.holders.scopes)))

    def ask(
        self,
        user: str | None,
        action: str,
        resource: Mapping[str, Any],
        context: Mapping[str, Any] | None = None,
        roles: tuple[str, ...] | None = None,
    ) -> Decision:
        """The decision for a user by id alone, or for somebody who holds just `roles` (at the root)."""
        asked = read_parts(
            user or "", None, EMPTY, None, roles, action, resource, context, self.holders.scopes
        )
        return Decision(self, self.judge(asked))

    def judge(self, asked: Asked | Malformed) -> Judged:
        """The first code that fits (SEMANTICS 4), with every rule that applied."""
        if isinstance(asked, Malformed):
            return Judged("invalid_request", (), (), None, None, None, None, None, asked.why)
        actions = self._cells.get(asked.type)
        if actions is None:
            return Judged("unknown_resource_type", (), (), asked, None, None, None, None)
        try:
            cell = actions[asked.action]
        except KeyError:
            return Judged("unknown_action", (), (), asked, None, None, None, None)
        found = self.subject(asked)
        if found is None:
            return Judged("unknown_user", (), (), asked, cell, None, None, None)
        user, holdings = found
        time = self.time(asked)
        held = self.holders.at(holdings, asked.scope, time)
        facts = self.facts(asked, user, held, time)
        if user.status != "active":
            return Judged("inactive_user", (), (), asked, cell, user, held, facts)
        return self.weigh(Judged("no_rule", (), (), asked, cell, user, held, facts))

    def weigh(self, judged: Judged) -> Judged:
        """The rules of the cell that apply to these facts and masks, and the code they make."""
        cell, held, facts = judged.cell, judged.held, judged.facts
        assert cell is not None and held is not None and facts is not None
        denies = tuple(
            entry
            for entry in cell.denies
            if entry.mask & held.deny and (entry.test is None or entry.test(facts) is not False)
        )
        allows = tuple(
            entry
            for entry in cell.allows
            if entry.mask & held.allow and (entry.test is None or entry.test(facts) is True)
        )
        code = "denied_by_rule" if denies else "allowed" if allows else "no_rule"
        return judged._replace(code=code, allows=allows, denies=denies)

    def subject(self, asked: Asked) -> tuple[User, tuple[Holding, ...]] | None:
        """The user and all they hold anywhere; None for an unknown one."""
        holders = self.holders
        if asked.roles is not None:
            made = [holders.holding(role, asked.scope, "option") for role in asked.roles]
            return _NOBODY, tuple(holding for holding in made if holding)
        user = self.directory.users.get(asked.user)
        if user is not None:
            if asked.user_type is not None and asked.user_type != user.type:
                return None
            return user, holders.holdings(user)
        if not self.table.roles_from_subject or asked.claims is None or asked.user in self.directory.removed:
            return None
        brought = [holders.holding(claim.role, claim.scope, "subject") for claim in asked.claims]
        attributes = dict(asked.subject)
        return User(asked.user, attributes=attributes), tuple(holding for holding in brought if holding)

    def time(self, asked: Asked) -> int | None:
        """The time of the decision: the request's, else the clock's; None where the request's is malformed."""
        if asked.time_given:
            return asked.time
        return self.clock()

    def facts(self, asked: Asked, user: User, held: Held, time: int | None) -> Facts:
        """What conditions may read. With roles instead of a user, nothing is known of the user but the roles."""
        holders, nobody = self.holders, user is _NOBODY
        return Facts(
            NOBODY if nobody else user.id,
            user.attributes,
            asked.id,
            asked.scope,
            asked.properties,
            asked.context,
            lambda: NO_GROUPS if nobody or user.id not in self.directory.users else holders.groups_of(user.id),
            lambda: holders.role_names(held, asked.scope),
            lambda: time,
        )

    # -- several at once ---------------------------------------------------------------------------------------------

    def actions(
        self, user: str, resource: Mapping[str, Any], context: Mapping[str, Any] | None = None
    ) -> list[str]:
        """The actions the user may do on the resource, sorted."""
        kind = resource.get("type") if isinstance(resource, Mapping) else None
        entry = self.table.types.get(kind) if isinstance(kind, str) else None
        return sorted(action for action in entry.actions if self.allows(user, action, resource, context)) if entry else []


_NOBODY = User("")


class _Scopes(dict[Any, tuple[int, int, Callable[..., Facts]]]):
    """A user's masks by scope, found when first asked for."""

    __slots__ = ("holdings", "pdp", "user")

    def __init__(self, pdp: Pdp, user: User, holdings: tuple[Holding, ...]) -> None:
        super().__init__()
        self.pdp = pdp
        self.user = user
        self.holdings = holdings

    def __missing__(self, scope: Any) -> tuple[int, int, Callable[..., Facts]]:
        holders = self.pdp.holders
        if scope is not None and (not isinstance(scope, str) or holders.scopes.state(scope) != "known"):
            raise KeyError(scope)
        held = holders.at(self.holdings, scope, 0)
        made = self[scope] = (held.allow, held.deny, self._facts(held, scope))
        return made

    def _facts(self, held: Held, scope: str | None) -> Callable[..., Facts]:
        user, pdp, holders = self.user, self.pdp, self.pdp.holders
        groups: Callable[[], frozenset[str]] = lambda: holders.groups_of(user.id)  # noqa: E731  # one of three alike
        roles: Callable[[], frozenset[str] | None] = lambda: holders.role_names(held, scope)  # noqa: E731

        def facts(identifier: Any, properties: Mapping[str, Any], context: Mapping[str, Any]) -> Facts:
            if "time" in context:
                raise KeyError
            return Facts(user.id, user.attributes, identifier, scope, properties, context, groups, roles, pdp.clock)

        return facts


class _Users(dict[Any, _Scopes]):
    """Every active user's masks; an unknown or inactive one, or one with windows in time, is a KeyError."""

    __slots__ = ("pdp",)

    def __init__(self, pdp: Pdp) -> None:
        super().__init__()
        self.pdp = pdp

    def __missing__(self, user: Any) -> _Scopes:
        found = self.pdp.directory.users.get(user)
        if found is None or found.status != "active":
            raise KeyError(user)
        holdings = self.pdp.holders.holdings(found)
        if any(holding.start is not None or holding.end is not None for holding in holdings):
            raise KeyError(user)
        made = self[user] = _Scopes(self.pdp, found, holdings)
        return made


__all__ = ["EVERYONE_BIT", "Judged", "Pdp"]

"""The policy decision point: a table and a directory bound together, asked one question at a time.

Deciding is: find the cell, find the user's role masks at the scope, intersect, and only then run conditions.
`allows` is the fast path: the cell and the user's verdicts are two look-ups each in nested dictionaries, filled when
first asked for, and the verdict is one more. Whatever does not fit it (unknown names, malformed input, windows in time)
raises KeyError, TypeError or AttributeError inside and takes the long way, which every other question takes too, so
both give the same answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple, Self

from remit.directory.shape import Directory, User
from remit.evaluator.decision import Decision
from remit.evaluator.facts import EMPTY, NOBODY, Facts, Person
from remit.evaluator.holding import Held, Holders, Holding
from remit.evaluator.index import Cell, Entry, Index
from remit.evaluator.request import Asked, Malformed, Resource, read_parts, read_request
from remit.evaluator.verdicts import Allowing, Deciding, Verdicts
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

    @property
    def deciding(self) -> tuple[Entry, ...]:
        """The rules that decide: the allows of an `allowed`, the denies of a `denied_by_rule`, else none."""
        return self.allows if self.code == "allowed" else self.denies


class Pdp:
    """Answers requests. Safe to share between threads: what it keeps never changes, and is found again where it was
    dropped."""

    def __init__(
        self, table: Table, directory: Directory, clock: Callable[[], int], index: Index | None = None
    ) -> None:
        self.table = table
        self.directory = directory
        self.clock = clock
        self.index = index or Index(table)
        self.holders = Holders(table, directory, self.index.bits)
        self.verdicts = Verdicts(self.index)
        self._cells = self.index.cells
        self._users = _Users(self)

    def following(self, directory: Directory, groups: Iterable[str]) -> Self:
        """A decision point for a later directory, of which only these groups have other members. This one goes on
        answering for the directory it has, so each decision sees one directory whole."""
        made = type(self).__new__(type(self))
        made.__dict__.update(self.__dict__)
        made.directory = directory
        made.holders = self.holders.following(directory, groups)
        made._users = _Users(made)
        return made

    # -- the fast path -----------------------------------------------------------------------------------------------

    def allows(
        self, user: str, action: str, resource: Mapping[str, Any], context: Mapping[str, Any] | None = None
    ) -> bool:
        """Whether the user may. `resource` has `type`, and perhaps `id` and `properties`. Bad input is False."""
        try:
            if type(resource) is not dict and type(resource) is not Resource:
                raise TypeError  # other mappings may say one thing here and another there
            cell = self._cells[resource["type"]][action]
            properties = resource.get("properties")
            if properties is None:
                here = self._users[user][None]
            elif type(properties) is dict:
                here = self._users[user][properties.get("scope")]
            else:
                raise TypeError
            verdict = here[ALLOWING][cell]
            if verdict is False:
                return False  # as everything that is malformed is, too
            identifier = resource.get("id")
            if (identifier is None or type(identifier) is str) and (
                context is None or (type(context) is dict and "time" not in context)
            ):
                if verdict is True:
                    return True
                timed, denies, outright, allows, alone = verdict
                person = self._now(here[PERSON]) if timed else here[PERSON]
                facts = (user, properties or EMPTY, context or EMPTY, here[ATTRIBUTES], identifier, person)
                if alone is not None:
                    return alone(facts) is True
                for test in denies:
                    if test(facts) is not False:
                        return False
                if outright:
                    return True
                for test in allows:  # noqa: SIM110  # a generator costs more than the decision
                    if test(facts) is True:
                        return True
                return False
        except (KeyError, TypeError, AttributeError):
            pass  # an unknown name, a wrong shape, or somebody whose roles come and go in time
        return self._allows_slowly(user, action, resource, context)

    def _now(self, person: Person) -> Person:
        """The clock is read once for a decision, where a condition will ask."""
        now = self.clock()
        return person._replace(time=lambda: now)

    def _allows_slowly(self, user: object, action: Any, resource: Any, context: Any) -> bool:
        if not isinstance(user, str):
            return False
        asked = read_parts(user, None, EMPTY, None, None, action, resource, context, self.holders.scopes)
        return self.judge(asked).code == "allowed"

    def deciding(
        self, user: str, action: str, resource: Mapping[str, Any], context: Mapping[str, Any] | None = None
    ) -> str | None:
        """The id of the first rule that decides, by file, line and column: an allow's or a deny's; None where no rule
        decides."""
        try:
            if type(resource) is not dict and type(resource) is not Resource:
                raise TypeError
            cell = self._cells[resource["type"]][action]
            properties = resource.get("properties")
            if properties is None:
                here = self._users[user][None]
            elif type(properties) is dict:
                here = self._users[user][properties.get("scope")]
            else:
                raise TypeError
            verdict = here[DECIDING][cell]
            if verdict is None:
                return None
            identifier = resource.get("id")
            if (identifier is None or type(identifier) is str) and (
                context is None or (type(context) is dict and "time" not in context)
            ):
                if isinstance(verdict, str):
                    return verdict
                timed, denies, allows = verdict
                person = self._now(here[PERSON]) if timed else here[PERSON]
                facts = (user, properties or EMPTY, context or EMPTY, here[ATTRIBUTES], identifier, person)
                for test, identity in denies:
                    if test is None or test(facts) is not False:
                        return identity
                for test, identity in allows:
                    if test is None or test(facts) is True:
                        return identity
                return None
        except (KeyError, TypeError, AttributeError):
            pass
        return self._deciding_slowly(user, action, resource, context)

    def _deciding_slowly(self, user: object, action: Any, resource: Any, context: Any) -> str | None:
        if not isinstance(user, str):
            return None
        rules = self.ask(user, action, resource, context).rules
        return str(rules[0]["id"]) if rules else None

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
        asked = read_parts(user or "", None, EMPTY, None, roles, action, resource, context, self.holders.scopes)
        return Decision(self, self.judge(asked))

    def judge(self, asked: Asked | Malformed) -> Judged:
        """The first code that fits (SEMANTICS 4), with every rule that applied."""
        if isinstance(asked, Malformed):
            return Judged("invalid_request", (), (), None, None, None, None, None, asked.why)
        if isinstance(asked.claims, Malformed) and self._takes_claims(asked):
            return Judged("invalid_request", (), (), None, None, None, None, None, asked.claims.why)
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
        held = self.held(asked, user, holdings, time)
        facts = self.facts(asked, user, held, time)
        if user.status != "active":
            return Judged("inactive_user", (), (), asked, cell, user, held, facts)
        return self.weigh(Judged("no_rule", (), (), asked, cell, user, held, facts))

    def held(self, asked: Asked, user: User, holdings: tuple[Holding, ...], time: int | None) -> Held:
        """What of the user's holdings bears on the request; kept for those whose roles do not come and go."""
        if asked.roles is None and asked.claims is None:
            try:
                return self._users[user.id][asked.scope][HELD]
            except KeyError:
                pass  # inactive, unknown to the directory, or with roles that begin or end
        return self.holders.at(holdings, asked.scope, time)

    def weigh(self, judged: Judged) -> Judged:
        """The rules of the cell that apply to these facts and masks, and the code they make."""
        cell, held, facts = judged.cell, judged.held, judged.facts
        assert cell is not None
        assert held is not None
        assert facts is not None
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
        if asked.claims is None or isinstance(asked.claims, Malformed) or not self._takes_claims(asked):
            return None
        brought = [holders.holding(claim.role, claim.scope, "subject") for claim in asked.claims]
        attributes = dict(asked.subject)
        return User(asked.user, attributes=attributes), tuple(holding for holding in brought if holding)

    def _takes_claims(self, asked: Asked) -> bool:
        """Whether the roles a subject brings count: for users the directory has never known, if the policy says so."""
        known = asked.user in self.directory.users or asked.user in self.directory.removed
        return self.table.roles_from_subject and not known

    def time(self, asked: Asked) -> int | None:
        """The time of the decision: the request's, else the clock's; None where the request's is malformed."""
        if asked.time_given:
            return asked.time
        return self.clock()

    def facts(self, asked: Asked, user: User, held: Held, time: int | None) -> Facts:
        """What conditions may read. With roles instead of a user, nothing is known of the user but the roles."""
        holders, nobody = self.holders, user is _NOBODY
        person = Person(
            asked.scope,
            lambda: NO_GROUPS if nobody or user.id not in self.directory.users else holders.groups_of(user.id),
            lambda: holders.role_names(held, asked.scope),
            lambda: time,
        )
        return Facts(NOBODY if nobody else user.id, asked.properties, asked.context, user.attributes, asked.id, person)

    # -- several at once ---------------------------------------------------------------------------------------------

    def actions(self, user: str, resource: Mapping[str, Any], context: Mapping[str, Any] | None = None) -> list[str]:
        """The actions the user may do on the resource, sorted."""
        asked = read_parts(user, None, EMPTY, None, None, "", resource, context, self.holders.scopes)
        if isinstance(asked, Malformed) or asked.type not in self.table.types:
            return []  # as `allows` would say of each
        if not asked.time_given:
            asked = asked._replace(time=self.clock(), time_given=True)  # one moment for all of them
        known = self.table.types[asked.type].actions
        return sorted(action for action in known if self.judge(asked._replace(action=action)).code == "allowed")


_NOBODY = User("")


_Here = tuple[Allowing, Deciding, Mapping[str, Any], Person, Held]
ALLOWING: Final = 0
DECIDING: Final = 1
ATTRIBUTES: Final = 2
PERSON: Final = 3
HELD: Final = 4


class _Scopes(dict[Any, _Here]):
    """What a user has by scope, found when first asked for; a malformed or unknown scope is a KeyError."""

    __slots__ = ("holdings", "pdp", "user")

    def __init__(self, pdp: Pdp, user: User, holdings: tuple[Holding, ...]) -> None:
        super().__init__()
        self.pdp = pdp
        self.user = user
        self.holdings = holdings

    def __missing__(self, scope: Any) -> _Here:
        holders = self.pdp.holders
        if scope is not None and (not isinstance(scope, str) or holders.scopes.state(scope) != "known"):
            raise KeyError(scope)
        user, held = self.user, holders.at(self.holdings, scope, 0)
        person = Person(
            scope,
            lambda: holders.groups_of(user.id),
            lambda: holders.role_names(held, scope),
            self.pdp.clock,
        )
        made = self[scope] = (*self.pdp.verdicts.of(held.allow, held.deny), user.attributes, person, held)
        return made


class _Users(dict[Any, _Scopes]):
    """What every active user has by scope; an unknown or inactive one, or one with windows in time, is a KeyError."""

    __slots__ = ("pdp",)

    def __init__(self, pdp: Pdp) -> None:
        super().__init__()
        self.pdp = pdp

    def __missing__(self, user: Any) -> _Scopes:
        found = self.pdp.directory.users.get(user)
        if found is None or found.status != "active":
            raise KeyError(user)
        holdings = self.pdp.holders.holdings(found)
        if any(holding.timed for holding in holdings):
            raise KeyError(user)
        made = self[user] = _Scopes(self.pdp, found, holdings)
        return made


__all__ = ["Judged", "Pdp"]

"""`assert`s: what normal forms settle, and that whatever is settled is so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

import pytest
from referee.decide import decide
from referee.generate import NOW, Case, make_case
from referee.judge import build

from remit import Policy
from remit.directory.shape import Assignment, Directory, Group, Scope, User
from remit.evaluator.conditions import compile_condition
from remit.evaluator.pdp import Judged, Pdp
from remit.model.expression import Const, walk
from remit.model.types import Type
from remit.proof.case import NOON, World
from remit.proof.claims import Claims
from remit.table.shape import AssertEntry, Place, Table
from remit.testing.asserts import AssertResult, Settler, settle_asserts

CLINIC = """
policy clinic
scope company
scope branch in company
area patients {
  resource record {
    vet: user  status: "open" | "closed" | "lost"  cost: int  note: string?  urgent: bool  tags: set of string
    seen: time  name: string
    actions read, update, delete, sign
  }
}
area money { resource invoice { amount: int  actions read, refund, pay } }
user { department: string }
context { hour: int  channel: string? }
actions write = update, delete
condition own = resource.vet == user.id
condition open = resource.status == "open"
"""

# what stands in a policy beside the catalogue, the assert, and its result
SETTLED = [
    # R within S
    ("role a { allow read on record }  role b includes a {}", "a within b", "proved"),
    ("role a { allow read on record }  role b { allow read on record when own }", "a within b", "failed"),
    ("role a { allow read on record when own }  role b { allow read on record }", "a within b", "proved"),
    ("role a { allow read on record when own and open }  role b { allow read on record when own }", "a within b",
     "proved"),
    ("role a { allow read on record when own }  role b { allow read on record when own and open }", "a within b",
     "failed"),
    ("role a { allow read on record }  role b includes a { deny read on record when own }", "a within b", "failed"),
    ("role b { allow read on record }  role a includes b { deny read on record when own }", "a within b", "proved"),
    ("role a { allow read on record when resource.cost <= 5 }  role b { allow read on record when resource.cost < 9 }",
     "a within b", "proved"),
    ("role a { allow read on record when resource.cost < 9 }  role b { allow read on record when resource.cost <= 5 }",
     "a within b", "failed"),
    ('role a { allow read on record when open }  role b { allow read on record when resource.status != "lost" }',
     "a within b", "proved"),
    (("role a { allow read on record when open }  "
     'role b { allow read on record when resource.status in ["open", "lost"] }'), "a within b", "proved"),
    ("role a { allow read on record when not open }  role b { allow read on record when open }", "a within b",
     "failed"),
    ("role a { allow * on * }  role b { allow * on * except invoice }", "a within b", "failed"),
    ("role a { allow read on record }  role b includes a {}  role c includes b {}", "a within b within c", "proved"),
    ("role a { allow read on record }  role b includes a {}  role c {}", "a within b within c", "failed"),
    ("role a {}  role b {}  members { allow read on record when open }", "a within b", "proved"),
    ("role a { allow read on record }  role b {}  everyone { allow * on * }", "a within b", "proved"),
    ("role a { allow read on record }  role b {}  everyone { deny * on record when own }", "a within b", "failed"),
    ("role a { allow read on record }  role b { allow read on record }  everyone { deny * on record when own }",
     "a within b", "proved"),
    ("role a { allow read on record }  role b {}  everyone { deny * on * }", "a within b", "proved"),
    ('role a { allow read on record when "a" in user.roles }  role b { allow read on record }', "a within b",
     "proved"),
    ('role a { allow read on record }  role b { allow read on record when "b" in user.roles }', "a within b",
     "failed"),  # a request that names no scope leaves `user.roles` unknown
    ('role a { allow read on record when "b" in user.roles }  role b {}', "a within b", "proved"),
    ('role a { allow read on record }  role b { allow read on record when "a" in user.roles }', "a within b",
     "failed"),
    (("role a { allow read on record when resource.cost == 1 or resource.cost == 2 }  "
     "role b { allow read on record when resource.cost >= 1 and resource.cost <= 2 }"), "a within b", "proved"),
    (("role a { allow read on record when context.time - resource.seen < 1d }  "
     "role b { allow read on record when context.time - resource.seen < 2d }"), "a within b", "proved"),
    (("role a { allow read on record when context.time - resource.seen < 2d }  "
     "role b { allow read on record when context.time - resource.seen < 1d }"), "a within b", "failed"),
    ("role a { allow read on record when open or not open }  role b { allow read on record }", "a within b", "proved"),
    ("role a { allow read on record }  role b { allow read on record when open or not open }", "a within b", "failed"),
    # no R may
    ("role a { allow read on record }", "no a may write on *", "proved"),
    ("role a { allow * on * except delete on record }", "no a may delete on record", "proved"),
    ("role a { allow * on * }", "no a may delete on record", "failed"),
    ("role a { allow * on record  deny delete on record }", "no a may delete on record", "proved"),
    ("role a { allow * on record  deny delete on record when own }", "no a may delete on record", "failed"),
    ("role b { allow delete on record }  role a includes b {}", "no a may delete on record", "failed"),
    ("role a {}  members { allow delete on record }", "no a may delete on record", "failed"),
    ("role a { allow update on record when own }", "no a may update on record when not own", "proved"),
    ("role a { allow update on record when own }", "no a may update on record when open", "failed"),
    ("role a { allow read on record when resource.cost < 5 }", "no a may read on record when resource.cost > 5",
     "proved"),
    ("role a { allow read on record when resource.cost < 5 }", "no a may read on record when resource.cost > 3",
     "failed"),
    ('role a { allow read on record when open and resource.status != "open" }', "no a may read on record", "proved"),
    ('role a { allow read on record when has resource.note and resource.note == "x" }',
     "no a may read on record when not has resource.note", "proved"),
    ("role a { allow read on record when resource.urgent }", "no a may read on record when not resource.urgent",
     "proved"),
    ('role a { allow read on record when "x" in resource.tags }',
     'no a may read on record when "x" not in resource.tags', "proved"),
    ('role a { allow read on record when "x" in resource.tags }',
     'no a may read on record when "y" in resource.tags', "failed"),
    ('role a { allow read on record when user.department == "x" }',
     'no a may read on record when user.department != "x"', "proved"),
    ('role a { allow read on record when user.department == "x" }', "no a may read on record", "failed"),
    ('role a { allow read on record when "desk" in user.groups }', "no a may read on record", "failed"),
    ('role a { allow read on record when resource.scope == "branch/north" }', "no a may read on record", "failed"),
    ("role a { allow read on record when resource.name == resource.vet }", "no a may read on record when own",
     "failed"),
    # only R may
    ("role a { allow pay on invoice }  role b { allow read on * }", "only a may pay on invoice", "proved"),
    ("role a { allow pay on invoice }  role b { allow * on * }", "only a may pay on invoice", "failed"),
    ("role a { allow pay on invoice }  role b includes a {}", "only a may pay on invoice", "proved"),
    ("role a {}  role b { allow pay on invoice }  role c { allow pay on invoice }", "only a, b may pay on invoice",
     "failed"),
    ("role a {}  everyone { allow pay on invoice }", "only a may pay on invoice", "failed"),
    ("role a {}  role b {}  members { allow pay on invoice }", "only a may pay on invoice", "failed"),
    ("role a {}  members { allow pay on invoice }", "only a may pay on invoice", "proved"),
    ("role a {}  role b { allow * on *  deny pay on invoice }", "only a may pay on invoice", "proved"),
    ("role a { allow pay on invoice }  role b { allow pay on invoice when resource.amount < 5 }",
     "only a may pay on invoice when resource.amount >= 5", "proved"),
    ("role a { allow pay on invoice }  role b { allow pay on invoice when resource.amount < 5 }",
     "only a may pay on invoice when resource.amount >= 4", "failed"),
    ('role a {}  role b { allow pay on invoice when "a" in user.roles }  role c {}', "only a may pay on invoice",
     "proved"),  # nobody without a holds a
    # A on T requires E
    ("role a { allow sign on record when own and open }", "sign on record requires own", "proved"),
    ("role a { allow sign on record when own or open }", "sign on record requires own", "failed"),
    ("role a { allow sign on record when own }  role b { allow * on * }", "sign on record requires own", "failed"),
    ("role a { allow * on * }  everyone { deny sign on record when not own }", "sign on record requires own",
     "proved"),
    ("role a { allow * on * }  everyone { deny sign on record when own }", "sign on record requires not own",
     "proved"),
    ("role a { allow sign on record when not open }", "sign on record requires not own", "failed"),
    ("role a { allow pay on invoice when resource.amount < 5 }", "pay on invoice requires resource.amount < 9",
     "proved"),
    ('role a { allow sign on record when has resource.note and resource.note == "x" }',
     "sign on record requires has resource.note", "proved"),
    ("everyone { allow sign on record when own }", "sign on record requires own", "proved"),
    ("role a { allow sign on record when own }  everyone { allow sign on record }", "sign on record requires own",
     "failed"),
    ('role a { allow sign on record when "a" in user.roles }', 'sign on record requires "a" in user.roles',
     "proved"),
    # never one user
    ("role a { allow sign on record }  role b { allow pay on invoice }",
     "never one user sign on record and pay on invoice", "failed"),
    ("role a { allow sign on record }  role b { allow pay on invoice }  guard apart: never a with b",
     "never one user sign on record and pay on invoice", "proved"),
    ("role a { allow sign on record }  role b { allow pay on invoice }  guard one: at most 1 role per user",
     "never one user sign on record and pay on invoice", "proved"),
    ("role a { allow sign on record }  role b { allow pay on invoice }  guard one: at most 1 role per user per branch",
     "never one user sign on record and pay on invoice", "unproven"),
    ("role a { allow sign on record }  role b { allow pay on invoice }  guard none: at most 0 b",
     "never one user sign on record and pay on invoice", "proved"),
    ("role a { allow sign on record }  role b { allow pay on invoice }  guard few: at most 2 b",
     "never one user sign on record and pay on invoice", "failed"),
    (("role a { allow sign on record }  role b { allow pay on invoice }  role c includes a, b {}  "
     "guard apart: never a with b"), "never one user sign on record and pay on invoice", "proved"),
    ("role a { allow sign on record  deny pay on invoice }  role b { allow pay on invoice }",
     "never one user sign on record and pay on invoice", "proved"),
    ("role a { allow sign on record when own }  members { allow pay on invoice when resource.amount > 5 }",
     "never one user sign on record and pay on invoice", "failed"),
    ("role a { allow sign on record }", "never one user sign on record and pay on invoice", "proved"),
    (('role a { allow sign on record when user.department == "x" }  '
     'role b { allow pay on invoice when user.department == "y" }'),
     "never one user sign on record and pay on invoice", "proved"),
    ("role a { allow sign on record when resource.scope in user.groups }  everyone { allow pay on invoice }",
     "never one user sign on record and pay on invoice", "failed"),
    ('role a { allow sign on record when user.id != resource.scope allow pay on invoice when user.id == "branch/x" }',
     "never one user sign on record and pay on invoice", "failed"),
    # where the directory does not know the place, nobody is a member
    ("role a {}  members { deny * on * }  everyone { allow sign on record  allow pay on invoice }",
     "never one user sign on record and pay on invoice", "failed"),
    ("role a {}  members { deny * on * }  everyone { allow sign on record }",
     "never one user sign on record and pay on invoice", "proved"),
    ("role a { deny * on * }  members { deny * on * }  everyone { allow sign on record  allow pay on invoice }",
     "never one user sign on record and pay on invoice", "proved"),
]  # fmt: skip


def settled(policy: str, *claims: str) -> list[AssertResult]:
    """The results of these asserts in a policy."""
    text = CLINIC + policy + "\n" + "\n".join(f"assert {claim}" for claim in claims)
    return settle_asserts(Policy.from_sources({"clinic.remit": text}).table)


@pytest.mark.parametrize(("policy", "claim", "result"), SETTLED)
def test_an_assert_is_settled(policy: str, claim: str, result: str) -> None:
    """Each form of assert is proved or failed, and unproven where a guard may or may not forbid."""
    [found] = settled(policy, claim)
    assert found.result == result, found
    assert bool(found.offences) == (result == "failed")
    assert found.open or result != "unproven"


@pytest.mark.parametrize(("policy", "claim", "result"), SETTLED)
def test_without_the_solver_nothing_is_claimed_wrongly(
    policy: str, claim: str, result: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the solver is missing, an assert is settled as with it, or stays unproven."""
    monkeypatch.setattr("remit.testing.asserts.available", lambda: False)
    [found] = settled(policy, claim)
    assert found.result in (result, "unproven"), found
    assert bool(found.offences) == (found.result == "failed")


def test_what_takes_the_solver_stays_unproven_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two differences of times are compared by the solver alone."""
    roles = (
        "role a { allow read on record when context.time - resource.seen < 1d }  "
        "role b { allow read on record when context.time - resource.seen < 2d }"
    )
    assert [found.result for found in settled(roles, "a within b")] == ["proved"]
    monkeypatch.setattr("remit.testing.asserts.available", lambda: False)
    [found] = settled(roles, "a within b")
    assert (found.result, [cell.action for cell in found.open], found.solver) == ("unproven", ["read"], False)


def test_a_failure_names_who_and_what() -> None:
    """A failed assert names the role, the type and action, the rules, and what a request brings."""
    [found] = settled("role a { allow pay on invoice when resource.amount <= 500 }\nrole b {}", "only b may pay on *")
    [offence] = found.offences
    assert (offence.roles, offence.type, offence.action) == (("a",), "invoice", "pay")
    assert [rule.place.text for rule in offence.rules] == ["allow pay on invoice when resource.amount <= 500"]
    assert offence.cases[0].properties["amount"] <= 500
    assert offence.example.startswith("resource.amount is ")


def test_every_offence_is_named() -> None:
    """One assert reports every type and action where it fails."""
    [found] = settled("role a { allow update, delete on record }", "no a may write on *")
    assert [(offence.type, offence.action) for offence in found.offences] == [
        ("record", "delete"),
        ("record", "update"),
    ]


def test_a_set_that_holds_an_offending_role_is_not_named_again() -> None:
    """`never` names the smallest sets of roles."""
    [found] = settled(
        "role a { allow * on * }\nrole b { allow * on * }\nrole c {}", "never one user sign on * and pay on *"
    )
    assert [offence.roles for offence in found.offences] == [("a",), ("b",)]
    assert found.offences[0].also is not None


def test_a_complete_request_comes_first() -> None:
    """An example leaves an attribute out only where the assert fails on incomplete requests alone."""
    listed = 'resource.status in ["open", "closed", "lost"]'
    policy = f"role a {{ allow read on record }}\nrole b {{ allow read on record when {listed} }}"
    [of_status, of_cost] = settled(policy, "a within b", "read on record requires resource.cost > 5")
    assert of_status.offences[0].example == "resource.status is missing"
    assert of_cost.offences[0].example == "resource.cost is 0"


def test_a_bases_asserts_hold_an_overlay() -> None:
    """An overlay's roles are held to the asserts of its base."""
    base = Policy.from_sources(
        {"c.remit": CLINIC + "role a { allow pay on invoice }\nassert only a may pay on invoice"}
    )
    over = Policy.from_sources({"o.remit": "role b { allow pay on invoice }"}, base=base, name="over")
    assert [found.result for found in settle_asserts(base.table)] == ["proved"]
    [found] = settle_asserts(over.table)
    assert (found.result, found.place.file) == ("failed", "clinic:c.remit")


def test_many_denies_end() -> None:
    """A question that would split without end is given up, and is unproven."""
    denies = "".join(
        f'  deny read on record when resource.cost == {n} and resource.name == "{n}" and resource.vet != user.id\n'
        for n in range(40)
    )  # fmt: skip
    rules = "role a { allow read on record when own or open }\nrole b {\nallow read on record when own or open\n"
    [found] = settled(f"{rules}{denies}}}", "b within a")
    assert found.result == "proved"  # b may less: nothing needs splitting
    [found] = settled(f"{rules}{denies}}}", "read on record requires resource.cost > 100")
    assert found.result == "failed"


# -- soundness ---------------------------------------------------------------------------------------------------------

KINDS = ("within", "only", "no", "requires", "never")
WORDS: dict[str, tuple[Any, ...]] = {
    "user": ("ann", "bob", "red"),
    "string": ("ann", "red", "blue", "branch/north"),
    "int": (-1, 0, 1, 2, 3, 4, 5, 6, 2**63 - 1, -(2**63)),
    "bool": (True, False),
    "time": ("2026-02-28T12:00:00Z", "2026-03-01T11:59:59.999999999Z", "2026-03-01T12:00:00Z", "2026-03-02T12:00:00Z"),
    "any": (7, "", None, [], "noon", True),
}


class Chances:
    """Asserts about a generated policy, and requests and users to try them on."""

    def __init__(self, case: Case, policy: Policy, random: Random) -> None:
        self.table: Table = policy.table
        self.index = policy.index
        self.random = random
        self.roles = sorted(self.table.roles)
        self.places = ["region/north", "branch/north"] if "branch" in self.table.scopes else []
        self.constants = tuple(
            part.value
            for rule in self.table.rules
            for part in (walk(rule.condition) if rule.condition else ())
            if isinstance(part, Const) and part.kind in ("string", "int")
        )

    def claim(self) -> AssertEntry | None:
        """An assert of some kind; its condition is one of a rule, so that its types fit."""
        kind = self.random.choice(KINDS)
        rule = self.random.choice(self.table.rules)
        cells, condition = dict(rule.cells), rule.condition
        other = dict(self.random.choice(self.table.rules).cells) if kind == "never" else {}
        roles: tuple[str, ...] = ()
        if kind == "within":
            roles, cells, condition = tuple(self.random.sample(self.roles, 2)), {}, None
        elif kind in ("only", "no"):
            roles = tuple(self.random.sample(self.roles, 1 if kind == "no" else self.random.randint(1, 2)))
            condition = condition if self.random.random() < 0.6 else None
        elif kind == "requires" and condition is None:
            return None
        elif kind == "never":
            condition = None
        return AssertEntry("", kind, roles, cells, other, condition, Place("a.remit", 1, 1, ""))

    def value(self, kind: Type) -> Any:
        """Mostly a value of the type, now and then another or none."""
        if self.random.random() < 0.2:
            return self.random.choice(WORDS["any"])
        if kind.kind == "enum":
            return self.random.choice(kind.values)
        if kind.kind == "set" and kind.element is not None:
            return [self.value(kind.element) for _ in range(self.random.randint(0, 3))]
        if kind.kind in ("string", "int") and self.constants and self.random.random() < 0.5:
            return self.random.choice(self.constants)
        return self.random.choice(WORDS[kind.kind])

    def section(self, declared: Any) -> dict[str, Any]:
        return {name: self.value(found.type) for name, found in declared.items() if self.random.random() < 0.85}

    def request(self, resource_type: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """A resource and a context."""
        properties = self.section(self.table.types[resource_type].attributes)
        scopes = [None, *self.places, self.table.root]
        if self.table.root is not None:
            scopes.append("branch/nowhere" if self.places else f"{self.table.root}/x")
        if (scope := self.random.choice(scopes)) is not None:
            properties["scope"] = scope
        context = self.section(self.table.context)
        if self.random.random() < 0.3:
            context["time"] = self.random.choice(WORDS["time"])
        return {"type": resource_type, "id": self.random.choice(("ann", "red")), "properties": properties}, context

    def pdp(self, held: Sequence[tuple[str, str | None, bool]], attributes: dict[str, Any], groups: bool) -> Pdp:
        """Somebody called ann, with roles at places, each alone or through a group."""
        own = tuple(Assignment(role, scope) for role, scope, through in held if not through)
        given = tuple(Assignment(role, scope) for role, scope, through in held if through)
        names = ["desk", *("north" for _ in range(groups))]
        return Pdp(
            self.table,
            Directory(
                users={"ann": User("ann", attributes=attributes, assignments=own)},
                groups={name: Group(name, ("ann",), assignments=given if name == "desk" else ()) for name in names},
                scopes={
                    "region/north": Scope("region/north"), "branch/north": Scope("branch/north", ("region/north",)),
                } if self.places else {},
            ),
            lambda: NOW,
            self.index,
        )  # fmt: skip

    def person(self) -> tuple[dict[str, Any], bool]:
        return self.section(self.table.user), self.random.random() < 0.5

    def held(self, roles: Sequence[str]) -> list[tuple[str, str | None, bool]]:
        """The roles, each somewhere."""
        return [(role, self.random.choice([None, *self.places]), self.random.random() < 0.4) for role in roles]


def contradictions(chances: Chances, claim: AssertEntry, tries: int) -> Iterator[str]:
    """What the evaluator decides against an assert, by trying, from the words of SEMANTICS 7."""
    random, table = chances.random, chances.table
    if claim.kind == "within":
        pairs = [(name, action) for name, kind in table.types.items() for action in kind.actions]
    else:
        pairs = [(name, action) for name, actions in claim.cells.items() for action in actions]
    others = [(name, action) for name, actions in claim.other.items() for action in actions]
    closed = {role: {role, *table.roles[role].includes} for role in chances.roles}
    outside = [role for role in chances.roles if claim.kind != "only" or closed[role].isdisjoint(claim.roles)]
    for _ in range(tries):
        name, action = random.choice(pairs)
        resource, context = chances.request(name)
        person = chances.person()

        def judge(
            held: Sequence[tuple[str, str | None, bool]], cell: tuple[str, str] = (name, action),
            asked: tuple[dict[str, Any], dict[str, Any]] = (resource, context),
            who: tuple[dict[str, Any], bool] = person,
        ) -> Judged:  # fmt: skip
            return chances.pdp(held, *who).ask("ann", cell[1], asked[0], asked[1]).judged

        # "only R" is somebody who holds R where the decision is made: there, or at the root
        place, through = random.choice([None, resource["properties"].get("scope")]), random.random() < 0.3
        if claim.kind == "within":
            one, other = claim.roles
            if judge([(one, place, through)]).code == "allowed" and judge([(other, place, through)]).code != "allowed":
                yield f"{one} may {action} on {resource} with {context}, {other} may not"
            continue
        if claim.kind == "never":
            roles = random.sample(chances.roles, min(random.randint(1, 2), len(chances.roles)))
            second = random.choice(others)
            held = [(role, None, through) for role in roles]
            if judge(held).code == "allowed":
                for _ in range(5):
                    asked = chances.request(second[0])
                    if judge(held, second, asked).code == "allowed":
                        yield f"{roles} may both"
            continue
        if claim.kind == "no":
            held = [(claim.roles[0], place, through)]
        else:
            held = chances.held(random.sample(outside, min(random.randint(0, 3), len(outside))))
        judged = judge(held)
        if judged.code != "allowed" or judged.facts is None:
            continue
        value = compile_condition(claim.condition, table.reading(name))(judged.facts) if claim.condition else True
        if (value is not True) if claim.kind == "requires" else (value is True):
            yield f"{held} may {action} on {resource} with {context}"


def policies(seeds: Iterator[str]) -> Iterator[tuple[Case, Policy, Random]]:
    for seed in seeds:
        random = Random(seed)
        case = make_case(random, requests=1, small=True)
        policy = build(case.sources, case.overlays)
        if len(policy.table.roles) > 1 and policy.table.rules:
            yield case, policy, random


def settler_of(policy: Policy, exact: bool) -> Settler:
    """With the solver, or without. (Generated policies have no asserts of their own, so it does not come by itself.)"""
    settler = Settler(policy.table, policy.index)
    settler.claims = Claims(policy.table) if exact else None
    return settler


@pytest.mark.slow
@pytest.mark.parametrize("exact", [True, False], ids=["exact", "tried"])
@pytest.mark.parametrize("chunk", range(3))
def test_what_is_proved_is_never_contradicted(chunk: int, exact: bool) -> None:
    """Over generated policies, whatever is proved holds for every user and request that is tried; with the solver,
    nothing stays open."""
    seen: Counter[str] = Counter()
    for case, policy, random in policies(f"asserts/{chunk}/{number}" for number in range(20)):
        chances = Chances(case, policy, random)
        settler = settler_of(policy, exact)
        for claim in [found for _ in range(12) if (found := chances.claim())]:
            result = settler.settle(claim)
            seen[f"{claim.kind} {result.result}"] += 1
            if result.result == "proved":
                assert next(contradictions(chances, claim, 60), None) is None, (claim, case.sources, case.overlays)
    for kind in KINDS:
        assert seen[f"{kind} proved"], seen
        assert seen[f"{kind} failed"], seen
        assert not exact or not seen[f"{kind} unproven"], seen


@pytest.mark.slow
@pytest.mark.parametrize("exact", [True, False], ids=["exact", "tried"])
def test_what_failed_has_a_witness(exact: bool) -> None:
    """Over generated policies, the referee decides each reported request as the failure says."""
    checked = 0
    for case, policy, random in policies(f"witness/{number}" for number in range(20)):
        chances = Chances(case, policy, random)
        settler = settler_of(policy, exact)
        for claim in [found for _ in range(12) if (found := chances.claim())]:
            for offence in settler.settle(claim).offences:
                cells = [(offence.type, offence.action), *([offence.also[:2]] if offence.also else [])]
                for (name, action), tried in zip(cells, offence.cases, strict=True):
                    request = {
                        "subject": {"type": "user", "id": tried.user}, "action": {"name": action},
                        "resource": {"type": name, "id": tried.id, "properties": tried.properties},
                        "context": tried.context,
                    }  # fmt: skip
                    assert policy.model is not None
                    world = World(policy.table)
                    directory = world.pdp(offence.roles, tried).directory
                    assert decide(policy.model, directory, request, NOON).code == "allowed", (claim, offence)
                    checked += 1
                    if claim.kind == "within":
                        directory = world.pdp(claim.roles[1:], tried).directory
                        assert decide(policy.model, directory, request, NOON).code != "allowed", (claim, offence)
    assert checked > 30

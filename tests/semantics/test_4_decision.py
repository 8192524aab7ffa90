"""SEMANTICS 4: the code of a decision, its rules, their ids and places, and the clock."""

from __future__ import annotations

import copy
import itertools
import json
import math
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from world import ANN, PLAIN, Json, bind, code, explained, overlay, policy, request

from remit import Directory, Policy
from remit.cli.explain_command import command

TEXT = (
    PLAIN
    + """
role r { allow read on note  allow write on note deny write on note }
"""
)
PEOPLE = """
scopes: {branch/n: {}}
users:
  ann: {assignments: [{role: r}]}
  off: {status: disabled, assignments: [{role: r}]}
  new: {status: pending, assignments: [{role: r}]}
"""

# -- codes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "user, action, type, more, expected",
    [
        ("ann", "read", "note", {}, "allowed"),
        ("ann", "sign", "note", {}, "no_rule"),
        ("ann", "write", "note", {}, "denied_by_rule"),
        ("off", "read", "note", {}, "inactive_user"),
        ("new", "read", "note", {}, "inactive_user"),
        ("off", "write", "note", {}, "inactive_user"),
        ("off", "sign", "note", {}, "inactive_user"),
        ("eve", "read", "note", {}, "unknown_user"),
        ("eve", "write", "note", {}, "unknown_user"),
        ("ann", "fly", "note", {}, "unknown_action"),
        ("off", "fly", "note", {}, "unknown_action"),
        ("eve", "fly", "note", {}, "unknown_action"),
        ("ann", "read", "bird", {}, "unknown_resource_type"),
        ("eve", "fly", "bird", {}, "unknown_resource_type"),
        ("off", "read", "bird", {}, "unknown_resource_type"),
        ("eve", "fly", "bird", {"scope": "room/1"}, "invalid_request"),
        ("ann", "read", "note", {"scope": "room/1"}, "invalid_request"),
        ("ann", "read", "note", {"scope": "branch/new"}, "no_rule"),
        ("ann", "write", "note", {"scope": "branch/new"}, "denied_by_rule"),
        ("off", "read", "note", {"scope": "branch/new"}, "inactive_user"),
    ],
)
def test_the_first_code_that_fits(user: str, action: str, type: str, more: Json, expected: str) -> None:
    """In the page's order: request, type, action, user, status, denies, nothing, allowed."""
    assert code(bind(TEXT, PEOPLE), user, action, type, **more) == expected


GOOD = request("ann", "read")


def changed(path: str, value: Any) -> Json:
    """The good request with one value at a dotted path replaced; ... takes it away."""
    made = copy.deepcopy(GOOD)
    *above, last = path.split(".")
    at = made
    for key in above:
        at = at.setdefault(key, {})
    if value is ...:
        del at[last]
    else:
        at[last] = value
    return made


@pytest.mark.parametrize(
    "asked",
    [
        None,
        5,
        "read",
        [],
        {},
        changed("subject", ...),
        changed("subject", "ann"),
        changed("subject", None),
        changed("subject.id", ...),
        changed("subject.id", 5),
        changed("subject.id", None),
        changed("subject.type", 5),
        changed("subject.properties", []),
        changed("action", ...),
        changed("action", "read"),
        changed("action.name", ...),
        changed("action.name", ["read"]),
        changed("action.name", None),
        changed("resource", ...),
        changed("resource", "note"),
        changed("resource", []),
        changed("resource.type", ...),
        changed("resource.type", 5),
        changed("resource.type", ["note"]),
        changed("resource.properties", "x"),
        changed("resource.properties", [1]),
        changed("context", "x"),
        changed("context", [1]),
        changed("resource.properties.scope", 5),
    ],
)
def test_what_is_no_request(asked: Any) -> None:
    """Missing parts and parts of a wrong shape are `invalid_request`, a code and never an exception."""
    pdp = bind(TEXT, PEOPLE)
    decision = pdp.decide(asked)
    assert decision.code == "invalid_request"
    assert decision.allowed is False
    assert decision.rules == []
    found = pdp.explain(asked).to_dict()
    assert found["code"] == "invalid_request"
    assert found["repairs"] == []
    assert found["rules"] == []


@pytest.mark.parametrize(
    "asked",
    [
        changed("extra", 1),
        changed("subject.extra", 1),
        changed("resource.properties.colour", {"deep": [1, {}]}),
        changed("context.weather", "wet"),
        changed("context", None),
        changed("resource.properties", None),
        changed("subject.properties", None),
        changed("action.properties", {"soft": True}),
        changed("resource.properties.n", math.nan),
        changed("resource.properties.n", 10**400),
        changed("resource.id", ...),
        changed("resource.id", None),
    ],
)
def test_what_nobody_declared_is_left_alone(asked: Json) -> None:
    """Unknown keys are ignored, null is absent."""
    assert bind(TEXT, PEOPLE).decide(asked).code == "allowed"


def test_names_are_exact() -> None:
    """Case and blanks count."""
    pdp = bind(TEXT, PEOPLE)
    assert code(pdp, "ann", "Read") == "unknown_action"
    assert code(pdp, "ann", "read", "Note") == "unknown_resource_type"
    assert code(pdp, "Ann", "read") == "unknown_user"
    assert code(pdp, "ann ", "read") == "unknown_user"


def test_an_action_of_another_type_is_unknown() -> None:
    """Each type has its own actions; action sets and permissions are none."""
    pdp = bind("""
    area a { resource t { actions x } resource u { actions y } permission p { x on t } }
    actions s = x
    role r { allow * on * }
    """)
    assert code(pdp, "ann", "y", "t") == "unknown_action"
    assert code(pdp, "ann", "s", "t") == "unknown_action"
    assert code(pdp, "ann", "p", "t") == "unknown_action"
    assert code(pdp, "ann", "*", "t") == "unknown_action"


def test_a_deny_wins_whether_or_not_anything_allows() -> None:
    """`denied_by_rule` also where nothing allows."""
    pdp = bind(PLAIN + "role r { deny read on note }")
    assert code(pdp, "ann", "read") == "denied_by_rule"
    assert len(pdp.decide(request("ann", "read")).rules) == 1


def test_the_order_of_rules_and_roles_does_not_matter() -> None:
    """A deny wins over allows before and after it, in its own role and in another."""
    rules = ["allow read on note", "deny read on note", "allow * on *"]
    for ordered in itertools.permutations(rules):
        assert code(bind(PLAIN + f"role r {{ {' '.join(ordered)} }}"), "ann", "read") == "denied_by_rule"
    directory = "users: {ann: {assignments: [{role: a}, {role: b}]}}"
    for text in ("role a { allow read on note } role b { deny read on note }",
                 "role b { allow read on note } role a { deny read on note }"):  # fmt: skip
        assert code(bind(PLAIN + text, directory), "ann", "read") == "denied_by_rule"


def test_an_included_deny_binds() -> None:
    """Denies come with an include as allows do."""
    text = PLAIN + "role no { deny read on note } role r includes no { allow read on note }"
    assert code(bind(text), "ann", "read") == "denied_by_rule"


# -- rules -----------------------------------------------------------------------------------------------------------

MANY = {
    "b.remit": PLAIN + "role r includes q { allow read on note }\neveryone { allow read on note }",
    "a/z.remit": "members { allow read on note }",
    "a.remit": "\n" * 8
    + "role q { allow read on note allow read on note\n  allow * on note }\nrole unheld { allow read on note }\n",
}


def places(rules: list[Json]) -> list[tuple[str, int, int]]:
    return [(rule["file"], rule["line"], rule["column"]) for rule in rules]


def test_all_deciding_rules_are_reported_in_order() -> None:
    """Every allow that applies, sorted by where it stands, and with its role."""
    pdp = Policy.from_sources(MANY).bind(Directory.from_text(ANN))
    rules = pdp.decide(request("ann", "read")).rules
    found = places(rules)
    assert found == sorted(found)
    assert [(rule["file"], rule["line"], rule["role"]) for rule in rules] == [
        ("a.remit", 9, "q"),
        ("a.remit", 9, "q"),
        ("a.remit", 10, "q"),
        ("a/z.remit", 1, None),
        ("b.remit", 5, "r"),
        ("b.remit", 6, None),
    ]
    assert found[0] == ("a.remit", 9, 10)
    assert found[1] == ("a.remit", 9, 29)
    assert found[2] == ("a.remit", 10, 3)


def test_lines_sort_as_numbers() -> None:
    """Line 10 comes after line 9, column 100 after column 99."""
    rules = "\n".join("allow read on note" for _ in range(12))
    wide = " ".join("allow read on note" for _ in range(12))
    pdp = bind(PLAIN + "role r {\n" + rules + "\n" + wide + " }")
    found = places(pdp.decide(request("ann", "read")).rules)
    assert len(found) == 24
    assert found == sorted(found)


def test_a_rule_held_in_several_ways_is_reported_once() -> None:
    """Individually, through groups and by includes."""
    directory = """
    users: {ann: {assignments: [{role: r}, {role: r, scope: branch/n}, {role: s}]}}
    groups: {g: {members: [ann], assignments: [{role: r}]}}
    scopes: {branch/n: {}}
    """
    pdp = bind(PLAIN + "role r { allow read on note } role s includes r {}", directory)
    assert len(pdp.decide(request("ann", "read", scope="branch/n")).rules) == 1


def test_only_rules_whose_conditions_decide() -> None:
    """An allow must be true, a deny must not be false; unknown denies are reported too."""
    text = """
    area desk { resource note { n: int m: int actions read, write } }
    role r {
      allow read on note when resource.n == 1
      allow read on note when resource.n == 2
      allow read on note when resource.m == 1
      allow write on note
      deny write on note when resource.n == 1
      deny write on note when resource.n == 2
      deny write on note when resource.m == 1
    }
    """
    pdp = bind(text)
    assert [rule["line"] for rule in pdp.decide(request("ann", "read", n=1)).rules] == [4]
    assert [rule["line"] for rule in pdp.decide(request("ann", "write", n=1)).rules] == [8, 10]
    assert [rule["line"] for rule in pdp.decide(request("ann", "write", n=3, m=2)).rules] == [7]


def test_which_rules_a_decision_carries() -> None:
    """Allows of an `allowed`, denies of a `denied_by_rule`, else none."""
    pdp = bind(TEXT, PEOPLE)
    assert [rule["effect"] for rule in pdp.decide(request("ann", "read")).rules] == ["allow"]
    assert [rule["effect"] for rule in pdp.decide(request("ann", "write")).rules] == ["deny"]
    for user, action, type in [("ann", "sign", "note"), ("off", "read", "note"), ("eve", "read", "note"),
                               ("ann", "fly", "note"), ("ann", "read", "bird")]:  # fmt: skip
        assert pdp.decide(request(user, action, type)).rules == []
        assert pdp.explain(request(user, action, type)).to_dict()["rules"] == []


def test_a_response_in_authzens_shape() -> None:
    """`decision`, and a context with the code and the rules."""
    response = bind(TEXT, PEOPLE).decide(request("ann", "read")).to_response()
    assert response["decision"] is True
    assert response["context"]["code"] == "allowed"
    [rule] = response["context"]["rules"]
    assert rule["role"] == "r"
    assert (rule["file"], rule["line"]) == ("x.remit", 6)
    assert rule["id"]


def test_an_explanations_rules_are_all_that_applied() -> None:
    """Allows beside the denies that decide, with `decides` and `needed`."""
    found = explained(bind(TEXT, PEOPLE), "ann", "write")
    assert [(rule["effect"], rule["decides"], rule["needed"]) for rule in found["rules"]] == [
        ("allow", False, False),
        ("deny", True, True),
    ]


def test_needed_means_that_the_decision_would_change() -> None:
    """One allow alone is needed; of two neither is; of two denies neither is."""

    def flags(rules: str) -> list[tuple[str, bool, bool]]:
        found = explained(bind(PLAIN + f"role r {{ {rules} }}"), "ann", "read")
        return [(rule["effect"], rule["decides"], rule["needed"]) for rule in found["rules"]]

    assert flags("allow read on note") == [("allow", True, True)]
    assert flags("allow read on note allow * on note") == [("allow", True, False), ("allow", True, False)]
    assert flags("allow read on note deny read on note deny * on note") == [
        ("allow", False, False),
        ("deny", True, False),
        ("deny", True, False),
    ]


def test_how_roles_of_an_option_are_held(tmp_path: Path) -> None:
    """With `--role` instead of a user, `via` is `option`, and the status null."""
    (tmp_path / "main.remit").write_text(PLAIN + "role r { allow read on note }")
    called = ["--role", "r", "read", "note", "--policy", str(tmp_path), "--output-format", "json"]
    done = CliRunner().invoke(command, called, catch_exceptions=False)
    assert done.exit_code == 0
    found = json.loads(done.output)
    assert found["held"] == [{"role": "r", "scope": "company", "via": "option", "group": None, "includes": []}]
    assert found["status"] is None


# -- ids -------------------------------------------------------------------------------------------------------------

CELLS = """
area desk {{ resource note {{ n: int p: bool actions read, write }} resource memo {{ n: int p: bool actions read }} }}
condition small = resource.n < 5
{0}
"""


def ids(rules: str, action: str = "read", type: str = "note", effect: str = "allow", more: str = "") -> list[str]:
    """Ids of the rules that a request with n = 1 and p = true meets."""
    pdp = bind(CELLS.format(f"{more} role r {{ {rules} }}"))
    found = pdp.explain(request("ann", action, type, n=1, p=True)).to_dict()["rules"]
    return [rule["id"] for rule in found if rule["effect"] == effect]


def test_ids_survive_edits_elsewhere() -> None:
    """New roles, rules, types, comments, blank lines, titles and reasons move no id."""
    [plain] = ids("allow read on note when small")
    assert ids("\n\n  allow read on note when small  # why\n") == [plain]
    assert ids("deny write on note allow read on note when small") == [plain]
    assert ids('allow read on note when small because "so"') == [plain]
    assert ids("allow read on note when small", more="role other { allow * on * } condition c = true") == [plain]
    assert ids("allow read on note when small", more="area more { resource t { actions x } }") == [plain]
    assert ids("allow read, write on note when small") == [plain]
    assert ids("allow * on * when small") == [plain]
    assert ids("in desk { allow read on * when small }") == [plain]


def test_ids_see_conditions_in_their_normal_form() -> None:
    """The same condition in other words has the same id, another one has not."""
    [plain] = ids("allow read on note when small")
    for same in ("resource.n < 5", "5 > resource.n", "resource.n <= 4", "not (resource.n >= 5)", "small and small"):
        assert ids(f"allow read on note when {same}") == [plain], same
    for other in ("resource.n < 6", "resource.n <= 5", "resource.p", "small and resource.p"):
        assert ids(f"allow read on note when {other}") != [plain], other
    assert ids("allow read on note") != [plain]


def test_ids_differ_by_role_effect_and_cell() -> None:
    """A written rule over many cells has an id in each."""
    [plain] = ids("allow * on *")
    assert ids("allow * on *", "write") != [plain]
    assert ids("allow * on *", "read", "memo") != [plain]
    assert ids("deny * on *", effect="deny") != [plain]
    text = CELLS.format("role q { allow * on * } role r {}")
    [other] = bind(text, "users: {ann: {assignments: [{role: q}]}}").decide(request("ann", "read")).rules
    assert other["id"] != plain
    [block] = bind(CELLS.format("role r {} everyone { allow * on * }")).decide(request("ann", "read")).rules
    [members] = bind(CELLS.format("role r {} members { allow * on * }")).decide(request("ann", "read")).rules
    assert len({plain, other["id"], block["id"], members["id"]}) == 4


def test_ids_do_not_depend_on_files() -> None:
    """A rule that moves to another file keeps its id."""
    whole = policy(PLAIN + "role r { allow read on note }")
    split = Policy.from_sources({"z/1.remit": PLAIN, "a.remit": "\n\n\n\n\n\n\nrole r {\n allow read on note }"})
    people = Directory.from_text(ANN)
    first, second = (one.bind(people).decide(request("ann", "read")).rules for one in (whole, split))
    assert first[0]["id"] == second[0]["id"]
    assert first[0]["line"] != second[0]["line"]


def test_an_included_rule_has_its_own_roles_id() -> None:
    """Whoever holds it."""
    text = PLAIN + "role q { allow read on note } role r includes q {}"
    [by_r] = bind(text).decide(request("ann", "read")).rules
    [by_q] = bind(text, "users: {ann: {assignments: [{role: q}]}}").decide(request("ann", "read")).rules
    assert by_r["id"] == by_q["id"]
    assert by_r["role"] == "q"


# -- files -----------------------------------------------------------------------------------------------------------


def test_files_are_relative_to_the_policys_folder(tmp_path: Path) -> None:
    """With `/`, and a base's behind its name."""
    (tmp_path / "roles" / "deep").mkdir(parents=True)
    (tmp_path / "main.remit").write_text("policy clinic " + PLAIN + "everyone { allow read on note }")
    (tmp_path / "roles" / "deep" / "q.remit").write_text("role q { allow read on note }")
    folder = tmp_path / "overlays" / "vip" / "inner"
    folder.mkdir(parents=True)
    (folder.parent / "o.remit").write_text('policy vip extends "../.."')
    (folder / "r.remit").write_text("role r includes q { allow read on note }")
    people = Directory.from_text("users: {ann: {assignments: [{role: r}, {role: q}]}}")
    base = Policy.load(tmp_path).bind(people).decide(request("ann", "read")).rules
    assert [rule["file"] for rule in base] == ["main.remit", "roles/deep/q.remit"]
    top = Policy.load(folder.parent).bind(people).decide(request("ann", "read")).rules
    assert sorted(rule["file"] for rule in top) == ["clinic:main.remit", "clinic:roles/deep/q.remit", "inner/r.remit"]
    found = places(top)
    assert found == sorted(found)


def test_a_single_files_place_is_its_name(tmp_path: Path) -> None:
    """A policy of one file lies in that file's folder."""
    path = tmp_path / "deep" / "one.remit"
    path.parent.mkdir()
    path.write_text(PLAIN + "role r { allow read on note }")
    [rule] = Policy.load(path).bind(Directory.from_text(ANN)).decide(request("ann", "read")).rules
    assert rule["file"] == "one.remit"


def test_ids_are_the_same_in_an_overlay() -> None:
    """A base's rule keeps its id, and an extension's is of the role it extends."""
    base = policy(PLAIN + "role r { allow read on note }")
    top = overlay("extend role r { allow write on note }", base)
    people = Directory.from_text(ANN)
    below = base.bind(people).decide(request("ann", "read")).rules
    above = top.bind(people).decide(request("ann", "read")).rules
    assert [rule["id"] for rule in below] == [rule["id"] for rule in above]
    [added] = top.bind(people).decide(request("ann", "write")).rules
    assert added["role"] == "r"
    plain = policy(PLAIN + "role r { allow write on note }").bind(people).decide(request("ann", "write")).rules
    assert [rule["id"] for rule in plain] == [added["id"]]


# -- the clock -------------------------------------------------------------------------------------------------------

TIMES = """
area desk {
  resource note { a: time actions read, write }
}
role r {
  allow read on note when context.time > resource.a and context.time <= resource.a
  allow read on note when context.time - resource.a < 5s
  deny write on note when context.time != context.time
  deny write on note when context.time < resource.a
  allow write on note when context.time == context.time
}
"""
WINDOWS = (
    'users: {ann: {assignments: [{role: r, from: "2000-01-01T00:00:00Z"}, {role: r, until: "2100-01-01T00:00:00Z"}]}}'
)


class Ticking:
    """A clock that moves on with every look, and counts them."""

    def __init__(self) -> None:
        self.looks = 0

    def __call__(self) -> int:
        self.looks += 1
        return 1717243200 * 10**9 + self.looks


@pytest.mark.parametrize("directory", [ANN, WINDOWS])
@pytest.mark.parametrize("way", ["decide", "explain", "ask"])
def test_the_clock_is_read_once(directory: str, way: str) -> None:
    """However many conditions and windows want the time."""
    for action in ("read", "write"):
        clock = Ticking()
        pdp = bind(TIMES, directory, clock)
        asked = request("ann", action, a="2024-01-01T00:00:00Z")
        answer = pdp.ask("ann", action, asked["resource"]) if way == "ask" else getattr(pdp, way)(asked)
        assert answer.code == ("no_rule" if action == "read" else "allowed")
        assert clock.looks == 1


@pytest.mark.parametrize("directory", [ANN, WINDOWS])
def test_a_given_time_stands_for_the_clock(directory: str) -> None:
    """The clock is not asked then."""
    clock = Ticking()
    pdp = bind(TIMES, directory, clock)
    asked = request("ann", "write", a="2024-01-01T00:00:00Z", context={"time": "2024-06-01T00:00:00Z"})
    assert pdp.decide(asked).code == "allowed"
    assert clock.looks == 0

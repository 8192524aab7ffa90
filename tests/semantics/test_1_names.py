"""SEMANTICS 1: names, files, overlays, and what stands in them."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from world import ANN, PLAIN, bind, code, codes, compiles, findings, overlay, policy

from remit import Directory, Policy, PolicyError
from remit.cli.test_command import command

DESK = "area desk { resource note { actions read } }\n"


def write(folder: Path, files: dict[str, str]) -> Path:
    """The files of a policy, in a folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def load_codes(path: Path) -> list[str]:
    """The codes of a policy on disk that must not load."""
    with pytest.raises(PolicyError) as caught:
        Policy.load(path)
    return [found.code for found in caught.value.diagnostics]


def may(loaded: Policy, action: str = "read", type: str = "note") -> bool:
    """Whether ann, who holds `r`, may."""
    return loaded.bind(Directory.from_text(ANN)).allows("ann", action, {"type": type})


# -- files -----------------------------------------------------------------------------------------------------------


def test_a_policy_is_one_file(tmp_path: Path) -> None:
    """A single file is a policy, whatever lies beside it."""
    write(tmp_path, {"one.remit": DESK + "role r { allow read on note }", "two.remit": "nonsense"})
    assert may(Policy.load(tmp_path / "one.remit"))


def test_a_policy_is_a_folder_read_as_one(tmp_path: Path) -> None:
    """Files in sub-folders belong to it; only `.remit` files do; statements may come in any order."""
    write(
        tmp_path,
        {
            "a/roles.remit": "role r { allow read on note }",
            "z/deep/er/catalogue.remit": DESK,
            "notes.txt": "nonsense",
            "b.remit.bak": "nonsense",
        },
    )
    assert may(Policy.load(tmp_path))


def test_a_sub_folder_with_a_policy_of_its_own_is_not_read(tmp_path: Path) -> None:
    """A `policy` statement in any file of a sub-folder takes the whole sub-folder out, what lies below it too."""
    write(
        tmp_path,
        {
            "main.remit": "policy main " + DESK + "role r { allow read on note }",
            "other/a.remit": "role r { deny read on note }",
            "other/z.remit": "policy other",
            "other/below/b.remit": "role r { deny read on note }",
        },
    )
    assert may(Policy.load(tmp_path))


@pytest.mark.parametrize(
    "text, read",
    [
        ("policy other role r {{{ nonsense", False),
        ("everyone { deny read on note when c }\npolicy late condition c = true", False),
        ("# policy other\neveryone { deny read on note }", True),
        ('role x "policy other" {} everyone { deny read on note because "policy y" }', True),
        ("role policy {} everyone { deny read on note }", True),
        ("condition policy = true everyone { deny read on note when policy }", True),
    ],
)
def test_what_is_a_policy_statement(tmp_path: Path, text: str, read: bool) -> None:
    """A statement anywhere in a file, also in one that is broken; not the word in a comment, a text or as a name."""
    write(tmp_path, {"main.remit": DESK + "role r { allow read on note }", "sub/o.remit": text})
    assert may(Policy.load(tmp_path)) is not read


def test_a_policy_statement_is_not_needed(tmp_path: Path) -> None:
    """A folder without a `policy` statement leaves out a sub-folder that has one all the same."""
    write(
        tmp_path,
        {
            "main.remit": DESK + "role r { allow read on note }",
            "other/o.remit": "policy other role r { deny read on x }",
        },
    )
    assert may(Policy.load(tmp_path))


def test_two_policy_statements_are_an_error(tmp_path: Path) -> None:
    """In one file or in two of one policy."""
    assert "E102" in codes("policy a policy b " + DESK)
    write(tmp_path, {"a.remit": "policy a " + DESK, "b.remit": "policy b"})
    assert "E102" in load_codes(tmp_path)


def test_a_link_out_of_the_folder_is_an_error(tmp_path: Path) -> None:
    """A linked file and a linked folder that lie outside are refused."""
    write(tmp_path, {"in/main.remit": DESK + "role r { allow read on note }", "out/more.remit": "role q {}"})
    assert may(Policy.load(tmp_path / "in"))
    (tmp_path / "in" / "linked.remit").symlink_to(tmp_path / "out" / "more.remit")
    assert "E009" in load_codes(tmp_path / "in")
    (tmp_path / "in" / "linked.remit").unlink()
    (tmp_path / "in" / "linked").symlink_to(tmp_path / "out", target_is_directory=True)
    assert "E009" in load_codes(tmp_path / "in")


def test_every_error_of_every_file_at_once(tmp_path: Path) -> None:
    """One run reports the errors of all files."""
    write(tmp_path, {"a.remit": DESK + "role r { allow fly on note }", "b/c.remit": "role q { allow read on nte }"})
    found = load_codes(tmp_path)
    assert "E105" in found
    assert "E104" in found


# -- unique names ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "area a { resource t { actions x } } area b { resource t { actions x } }",
        "area a { resource t { actions x } resource t { actions y } }",
        DESK + "role r {} role r {}",
        DESK + "condition c = true condition c = false",
        DESK + "actions s = read actions s = read",
        DESK + "scope company scope b in company scope b in company",
        DESK + "role r {} guard g: at least 1 r guard g: at most 2 r",
        "area a { resource t { actions x } permission p { x on t } permission p { x on t } }",
        "area a { resource t { n: int n: int actions x } }",
        "area a { resource t { n: int n: string? actions x } }",
        DESK + "context { n: int n: int }",
        DESK + "user { n: int n: int }",
    ],
)
def test_a_name_taken_twice_is_an_error(text: str) -> None:
    """An area has a permission once, a type an attribute; types, whatever their area, and the rest are the policy's."""
    assert "E101" in codes(text)


@pytest.mark.parametrize(
    "text",
    [
        "area a { resource t { n: int actions x } resource u { n: string actions x } }",
        (
            "area a { resource t { actions x } permission p { x on t } } "
            "area b { resource u { actions x } permission p { x on u } }"
        ),
        (
            "area same { resource same { same: int actions same } } role same { allow same on same when same } "
            "condition same = resource.same == 1 scope same actions same2 = same guard same: at least 1 same"
        ),
        "area a { resource t { n: int actions x } } context { n: int } user { n: int }",
    ],
)
def test_names_of_different_kinds_do_not_collide(text: str) -> None:
    """Uniqueness is per kind of name, per area for permissions and per type for attributes."""
    assert compiles(text)


@pytest.mark.parametrize("name", ["everyone", "members", "`everyone`", "`members`"])
def test_everyone_and_members_are_no_role_names(name: str) -> None:
    """Neither plain nor in backticks."""
    assert not compiles(DESK + f"role {name} {{ allow read on note }}")
    assert compiles(DESK + f"actions {name} = read")


@pytest.mark.parametrize(
    "text",
    [
        "area a { resource t { scope: string actions x } }",
        DESK + "user { roles: set of string }",
        DESK + "user { groups: set of string }",
        DESK + "user { status: string }",
    ],
)
def test_built_in_attributes_are_not_declared(text: str) -> None:
    """A resource has its `scope`, a user `status`, `groups` and `roles` without (section 9)."""
    assert not compiles(text)


# -- names and strings -----------------------------------------------------------------------------------------------

KEYWORDS = (
    "accepted actions active allow and area as assert assign assignments at because by claims condition context deny "
    "disabled domain except extend extends everyone false first from given grant group guard has in includes "
    "individual is least locked may members most never no not of on one only or over own pending per permission policy "
    "refused requires resource role roles scope set string int bool time user subject test to true unassigned was when "
    "with within"
).split()


@pytest.mark.parametrize("word", KEYWORDS)
def test_backticks_make_any_word_a_name(word: str) -> None:
    """A type, an action, an area, an attribute, a condition, a scope kind and an action set may be called anything."""
    name = f"`{word}`"
    attribute = name if word != "scope" else "x"
    pdp = bind(
        f"""
        scope {name}
        area {name} {{
          resource {name} {{ {attribute}: bool actions {name} }}
          permission {name} {{ {name} on {name} }}
        }}
        condition {name} = resource.{attribute}
        actions set_of = {name}
        role r {{ allow {name} on {name} when {name} }}
        role s {{ in {name} {{ grant {name} }} }}
        """,
        "users: {ann: {assignments: [{role: r}]}, bob: {assignments: [{role: s}]}}",
    )
    properties = {word if word != "scope" else "x": True}
    assert pdp.allows("ann", word, {"type": word, "properties": properties})
    assert not pdp.allows("ann", word, {"type": word})
    assert pdp.allows("bob", word, {"type": word})


@pytest.mark.parametrize("word", [word for word in KEYWORDS if word not in ("everyone", "members")])
def test_backticks_make_any_word_a_role(word: str) -> None:
    """Included and held by its name."""
    pdp = bind(
        DESK + f"role `{word}` {{ allow read on note }} role other includes `{word}` {{}}",
        f'users: {{ann: {{assignments: [{{role: "{word}"}}]}}, bob: {{assignments: [{{role: other}}]}}}}',
    )
    assert code(pdp, "ann", "read") == "allowed"
    assert code(pdp, "bob", "read") == "allowed"


def test_names_of_other_systems() -> None:
    """Anything may stand in backticks."""
    pdp = bind("area core { resource `pods/log` { actions `get it` } } role r { allow `get it` on `pods/log` }")
    assert pdp.allows("ann", "get it", {"type": "pods/log"})


def test_backticks_and_plain_are_one_name() -> None:
    """`note` in backticks is note."""
    assert compiles(DESK + "role r { allow `read` on `note` }")
    assert "E101" in codes(DESK + "role r {} role `r` {}")


def test_keywords_as_plain_names() -> None:
    """Types, actions, attributes and roles may be called like keywords."""
    pdp = bind(
        """
        area role { resource test { role: string  user: user  not: bool?  actions allow, in, when } }
        role guard { allow allow on test when resource.role == "x" and resource.user == user.id }
        role r includes guard { allow allow on test when resource.role == "y" }
        """
    )
    assert pdp.allows("ann", "allow", {"type": "test", "properties": {"role": "x", "user": "ann"}})
    assert pdp.allows("ann", "allow", {"type": "test", "properties": {"role": "y"}})
    assert not pdp.allows("ann", "allow", {"type": "test", "properties": {"role": "x", "user": "bob"}})


@pytest.mark.parametrize("word", "role area scope resource assert test guard condition user members everyone".split())
def test_attributes_named_like_keywords_after_a_list_of_actions(word: str) -> None:
    """The list ends where the attribute begins."""
    name = word if word != "scope" else "group"
    assert compiles(f"area a {{ resource t {{ actions x, y {name}: string }} }}")


def test_a_condition_before_an_area_block() -> None:
    """After `when c`, `in money { … }` opens a block and is no operator."""
    text = """
    area desk { resource note { p: bool actions read } }
    area money { resource invoice { actions read } }
    condition c = resource.p
    role r { allow read on note when c in money { allow read on invoice } }
    """
    pdp = bind(text)
    assert code(pdp, "ann", "read", "invoice") == "allowed"
    assert code(pdp, "ann", "read", "note", p=True) == "allowed"
    assert code(pdp, "ann", "read", "note", p=False) == "no_rule"


def test_in_as_operator_at_the_end_of_a_rule() -> None:
    """The operator's right side is a path or a list, and a block may follow it at once."""
    text = """
    area desk { resource note { s: string l: set of string actions read, write } }
    area money { resource invoice { actions read } }
    role r {
      allow read on note when resource.s in ["a"] in money { allow read on invoice }
      allow write on note when "a" in resource.l
      in desk, money { allow read on invoice }
    }
    """
    pdp = bind(text)
    assert code(pdp, "ann", "read", "invoice") == "allowed"
    assert code(pdp, "ann", "read", "note", s="a") == "allowed"
    assert code(pdp, "ann", "write", "note", l=["a"]) == "allowed"
    assert code(pdp, "ann", "read", "note", s="b") == "no_rule"


@pytest.mark.parametrize(
    "text",
    [
        "scope company scope branch incompany " + DESK,
        DESK + "role r { allowread on note }",
        DESK + "role r { allow read onnote }",
        DESK + "rolex { allow read on note }",
        DESK + "lockedrole r { allow read on note }",
        DESK + "role r { allow read on note whentrue }",
        DESK + "role r { allow read on note when nottrue }",
    ],
)
def test_glued_words_are_refused(text: str) -> None:
    """Two words want a blank between them."""
    assert not compiles(text)


def test_escapes_in_strings() -> None:
    r"""`\" \\ \n \t \u{…}`, and nothing else."""
    text = r"""
    area desk { resource note { s: string actions read } }
    role r { allow read on note when resource.s == "a\"b\\c\nd\te\u{e9}\u{1F600}" }
    """
    assert code(bind(text), "ann", "read", s='a"b\\c\nd\te\u00e9\U0001f600') == "allowed"
    assert not compiles(DESK + r'role r { allow read on note because "a\qb" }')
    assert not compiles(DESK + "role r { allow read on note because 'x' }")


# -- actions and types of rules --------------------------------------------------------------------------------------

OFFICE = """
scope company
area patients {
  resource record { cost: int actions read, update, delete, sign }
  resource appointment { actions read, create, update }
  permission view { read on record, appointment }
  permission desk { read, create, update on appointment }
}
area money {
  resource invoice { actions read, update, delete }
  resource report { actions read, export }
  permission view { read on * }
}
actions change = create, update, delete
actions reading = read
"""
CELLS = [
    (action, type)
    for type, actions in {
        "record": "read update delete sign",
        "appointment": "read create update",
        "invoice": "read update delete",
        "report": "read export",
    }.items()
    for action in actions.split()
]


def allowed(rules: str, more: str = "") -> set[str]:
    """The cells, as `action type`, that role r allows with these rules."""
    pdp = bind(f"{OFFICE} {more} role r {{ {rules} }}")
    return {f"{action} {type}" for action, type in CELLS if code(pdp, "ann", action, type) == "allowed"}


EVERY = {f"{action} {type}" for action, type in CELLS}


def cells(text: str) -> set[str]:
    return {cell.strip() for cell in text.split(",")}


@pytest.mark.parametrize(
    "rules, expected",
    [
        ("allow * on *", EVERY),
        ("allow read on *", {"read record", "read appointment", "read invoice", "read report"}),
        ("allow sign on *", {"sign record"}),
        ("allow * on report", {"read report", "export report"}),
        ("allow change on *", cells("update record,delete record,create appointment,update appointment,update invoice,"
                                    "delete invoice")),
        ("allow change on appointment", {"create appointment", "update appointment"}),
        ("allow read, change on invoice", {"read invoice", "update invoice", "delete invoice"}),
        ("in money { allow * on * }", cells("read invoice,update invoice,delete invoice,read report,export report")),
        ("in money { allow read on * except report }", {"read invoice"}),
        ("in money, patients { allow delete on * }", {"delete invoice", "delete record"}),
        ("grant view", {"read record", "read appointment", "read invoice", "read report"}),
        ("in money { grant view }", {"read invoice", "read report"}),
        ("grant desk", {"read appointment", "create appointment", "update appointment"}),
        ("grant desk, view", cells("read record,read appointment,read invoice,read report,create appointment,"
                                   "update appointment")),
        ("allow read on * except report, invoice", {"read record", "read appointment"}),
        ("allow * on * except change on record", EVERY - {"update record", "delete record"}),
        ("allow * on * except delete on record", EVERY - {"delete record"}),
        ("allow * on * except invoice, delete on record",
         EVERY - cells("read invoice,update invoice,delete invoice,delete record")),
        ("allow * on * except delete on record, invoice",
         EVERY - cells("read invoice,update invoice,delete invoice,delete record")),
        ("allow * on * except reading on report", EVERY - {"read report"}),
        ("allow change, sign on record, appointment except create on appointment, delete on record",
         None),
        ("allow change on record, appointment except update on appointment",
         {"update record", "delete record", "create appointment"}),
        ("allow read on report allow * on * except report", EVERY - {"export report"}),
        ("allow * on * deny * on * except report", {"read report", "export report"}),
        ("allow * on * deny update, delete on record, invoice except delete on invoice",
         EVERY - cells("update record,delete record,update invoice")),
        ("allow * on * deny change on * except record", EVERY - cells("create appointment,update appointment,"
                                                                      "update invoice,delete invoice")),
        ("in patients { allow * on * except record } in money { deny read on * } allow * on report",
         {"read appointment", "create appointment", "update appointment", "export report"}),
    ],
)  # fmt: skip
def test_what_a_rule_takes(rules: str, expected: set[str] | None) -> None:
    """`*` and sets take what a type has, `except` takes out of its own rule alone; None: it does not compile."""
    if expected is None:
        assert not compiles(f"{OFFICE} role r {{ {rules} }}")
    else:
        assert allowed(rules) == expected


@pytest.mark.parametrize(
    "rules",
    [
        "allow sign on record, appointment",
        "allow read, sign on appointment",
        "allow fly on *",
        "allow change on report",
        "in money { allow sign on * }",
        "in money { allow read on record }",
        "in money { grant desk }",
        "grant nothing",
        "allow read on * except nothing",
        "allow read on nothing",
        "in nothing { allow read on * }",
        "allow * on * except fly on record",
        "deny sign on record, invoice",
        "deny change on report",
    ],
)
def test_what_a_rule_must_have(rules: str) -> None:
    """Types have the actions that are named with them; `*` and sets take something; names exist."""
    assert not compiles(f"{OFFICE} role r {{ {rules} }}")


def test_except_takes_nothing_out_of_included_roles() -> None:
    """Neither allows nor denies of what is included."""
    base = "role base { allow * on * } "
    assert allowed("allow read on * except report", base.replace("base", "b")) == cells(
        "read record,read appointment,read invoice"
    )
    pdp = bind(f"{OFFICE} {base} role r includes base {{ allow * on * except report }}")
    assert code(pdp, "ann", "read", "report") == "allowed"
    pdp = bind(
        f"{OFFICE} role no {{ deny read on * }} role r includes no {{ allow * on * deny read on * except report }}"
    )
    assert code(pdp, "ann", "read", "report") == "denied_by_rule"


def test_a_permission_may_name_sets_and_everything() -> None:
    """A bundle takes action sets and `*` as a rule does."""
    text = """
    area a { resource t { actions x, y } resource u { actions x } permission p { s on * } permission q { * on t } }
    actions s = x
    role r { grant p } role q { grant q }
    """
    pdp = bind(text, "users: {ann: {assignments: [{role: r}]}, bob: {assignments: [{role: q}]}}")
    assert pdp.actions("ann", {"type": "t"}) == ["x"]
    assert pdp.actions("ann", {"type": "u"}) == ["x"]
    assert pdp.actions("bob", {"type": "t"}) == ["x", "y"]
    assert pdp.actions("bob", {"type": "u"}) == []


def test_grant_with_a_condition() -> None:
    """`grant … when` puts the condition on each of the bundle's cells."""
    pdp = bind(f"{OFFICE} context {{ hour: int }} role r {{ in patients {{ grant desk when context.hour >= 8 }} }}")
    assert code(pdp, "ann", "create", "appointment", context={"hour": 8}) == "allowed"
    assert code(pdp, "ann", "create", "appointment", context={"hour": 7}) == "no_rule"
    assert code(pdp, "ann", "create", "appointment") == "no_rule"


# -- overlays --------------------------------------------------------------------------------------------------------

BASE = (
    PLAIN
    + """
actions change = write, sign
condition never = false
role viewer { allow read on note }
role editor includes viewer { allow write on note }
locked role owner includes viewer { allow sign on note }
locked role chief includes middle {}
role middle includes viewer {}
"""
)
FIVE = """users:
  viewer: {assignments: [{role: viewer}]}
  editor: {assignments: [{role: editor}]}
  owner: {assignments: [{role: owner}]}
  chief: {assignments: [{role: chief}]}
  middle: {assignments: [{role: middle}]}
  both: {assignments: [{role: owner}, {role: viewer}]}
  new: {assignments: [{role: new}]}
"""


def over(text: str, *more: str) -> dict[str, str]:
    """What each of the five may do over the base, by user: `read`, `write`, `sign` shortened to r, w, s."""
    top = policy(BASE)
    for layer in (text, *more):
        top = overlay(layer, top)
    pdp = top.bind(Directory.from_text(FIVE))
    names = ("viewer", "editor", "owner", "chief", "middle", "both", "new")
    return {name: "".join(action[0] for action in pdp.actions(name, {"type": "note"})) for name in names}


PLAINLY = {"viewer": "r", "editor": "rw", "owner": "rs", "chief": "r", "middle": "r", "both": "rs", "new": ""}


def test_an_overlay_alone_changes_nothing() -> None:
    """An empty overlay decides as its base does, one with a new role too, but for those who hold it."""
    assert over("policy o") == PLAINLY
    assert over("role new { allow write on note }") == {**PLAINLY, "new": "w"}
    assert over("role new includes owner { allow write on note }") == {**PLAINLY, "new": "rsw"}


def test_an_overlay_sees_the_base() -> None:
    """Its roles use the base's conditions and action sets, and it may add its own."""
    assert over("role new { allow change on note }")["new"] == "sw"
    assert over("role new { allow read on note when never }")["new"] == ""
    assert over("actions two = read, sign condition c = not never role new { allow two on note when c }")["new"] == "rs"


def test_extending_a_role_is_for_everybody_who_includes_it() -> None:
    """An allow added to viewer reaches editor and middle, and no locked role."""
    expected = {**PLAINLY, "viewer": "rs", "editor": "rsw", "middle": "rs", "both": "rs"}
    assert over("extend role viewer { allow sign on note }") == expected


def test_replacing_a_role_is_for_everybody_who_includes_it() -> None:
    """The base's role is gone, with what it included, but for locked roles."""
    assert over("role viewer { allow sign on note }") == {
        **PLAINLY,
        "viewer": "s",
        "editor": "sw",
        "middle": "s",
        "both": "rs",
    }
    assert over("role editor { allow sign on note }")["editor"] == "s"
    assert over("role middle {}")["chief"] == "r"
    assert over("role middle {}")["middle"] == ""


def test_a_locked_roles_rules_are_settled_where_it_is_declared() -> None:
    """A deny in a role that a locked role includes does not empty the locked one; who holds both is bound."""
    found = over("extend role viewer { deny * on * }")
    assert found == {"viewer": "", "editor": "", "owner": "rs", "chief": "r", "middle": "", "both": "", "new": ""}


def test_what_a_locked_role_includes_is_settled_all_the_way_down() -> None:
    """Neither a change of the included role nor of what that includes reaches it."""
    assert over("extend role middle { deny * on * }")["chief"] == "r"
    assert over("role middle { deny * on * }")["chief"] == "r"
    assert over("role viewer { deny * on * }")["chief"] == "r"
    assert over("extend role viewer { allow * on * }")["chief"] == "r"


def test_locked_roles_are_not_touched() -> None:
    """Extending and replacing one are errors."""
    assert "E301" in codes({"o.remit": "extend role owner { allow write on note }"}, policy(BASE))
    assert "E301" in codes({"o.remit": "role owner { allow write on note }"}, policy(BASE))
    assert "E301" in codes({"o.remit": "locked role owner { allow write on note }"}, policy(BASE))


def test_both_for_one_role_is_an_error() -> None:
    """An overlay either replaces or extends."""
    both = {"o.remit": "role viewer {} extend role viewer { allow sign on note }"}
    assert "E303" in codes(both, policy(BASE))


def test_extending_what_is_not_there_is_an_error() -> None:
    """`extend role` names a role of the base."""
    assert codes({"o.remit": "extend role nobody { allow sign on note }"}, policy(BASE)) == ["E106"]


@pytest.mark.parametrize(
    "statement",
    [
        "scope room in branch",
        "area more { resource extra { actions read } }",
        "context { hour: int }",
        "user { team: string }",
        "claims { groups: set of string }",
        "everyone { allow read on note }",
        "members { allow read on note }",
        "assignments { individual over group }",
    ],
)
def test_what_an_overlay_may_not_hold(statement: str) -> None:
    """Catalogue, scopes, `everyone`, `members` and `assignments` are the base's alone."""
    assert "E302" in codes({"o.remit": statement}, policy(BASE))


@pytest.mark.parametrize(
    "statement",
    [
        "role more { allow read on note }",
        "extend role viewer { allow sign on note }",
        "condition c = true",
        "actions a = read",
        'assert "x": viewer within editor',
        'test "x" { user ann is viewer given note n {} ann may read n }',
        "guard g: at least 1 owner",
    ],
)
def test_what_an_overlay_may_hold(statement: str) -> None:
    """What adds to the base: its own roles, tests, asserts, guards, and names for conditions and actions."""
    assert overlay(statement, BASE).digest


def test_overlays_of_overlays() -> None:
    """Each layer sees the ones below; the last word is the topmost's."""
    assert over("role viewer { allow sign on note }", "extend role viewer { allow write on note }")["viewer"] == "sw"
    assert over("extend role viewer { allow sign on note }", "role viewer { allow write on note }")["editor"] == "w"
    assert over("role new includes viewer {}", "extend role new { allow sign on note }")["new"] == "rs"


def test_a_role_locked_by_an_overlay_is_locked_for_the_next() -> None:
    """It keeps what it saw: viewer as the first overlay left it, not as the base had it."""
    first = "extend role viewer { allow sign on note } locked role new includes viewer {}"
    assert over(first, "extend role viewer { deny * on * }")["new"] == "rs"
    assert over(first, "role viewer {}")["new"] == "rs"
    assert over(first, "role viewer {}")["owner"] == "rs"
    assert over(first, "role viewer {}")["chief"] == "r"
    assert "E301" in codes({"o.remit": "extend role new { deny * on * }"}, overlay(first, BASE))
    assert "E301" in codes({"o.remit": "extend role owner { deny * on * }"}, overlay(first, BASE))


def test_an_overlay_may_lock_what_it_replaces() -> None:
    """A replaced role may be locked for the next overlay."""
    first = overlay("locked role viewer { allow sign on note }", BASE)
    assert "E301" in codes({"o.remit": "role viewer {}"}, first)


def test_two_locked_settlements_of_one_role() -> None:
    """The base's locked role and an overlay's see two viewers, and each keeps its own."""
    first = "role viewer { allow write on note } locked role new includes viewer {}"
    found = over(first, "role viewer { deny * on * }")
    assert found["owner"] == "rs"
    assert found["new"] == "w"
    assert found["viewer"] == ""


def test_extends_is_a_path(tmp_path: Path) -> None:
    """Relative to the file that says it, or absolute; the base's sub-folder is not read by the base."""
    write(
        tmp_path,
        {
            "main.remit": "policy main " + BASE,
            "overlays/one/o.remit": 'policy one extends "../.." role r includes owner { allow write on note }',
            "elsewhere/o.remit": f'policy two extends "{tmp_path}" role r includes viewer {{}}',
        },
    )
    assert Policy.load(tmp_path).digest
    one = Policy.load(tmp_path / "overlays" / "one").bind(Directory.from_text(ANN))
    assert one.actions("ann", {"type": "note"}) == ["read", "sign", "write"]
    two = Policy.load(tmp_path / "elsewhere").bind(Directory.from_text(ANN))
    assert two.actions("ann", {"type": "note"}) == ["read"]
    three = Policy.load(tmp_path / "elsewhere" / "o.remit").bind(Directory.from_text(ANN))
    assert three.actions("ann", {"type": "note"}) == ["read"]


def test_extends_nothing_or_itself(tmp_path: Path) -> None:
    """A base that is not there, and a circle of bases, are errors."""
    write(tmp_path, {"a/a.remit": 'policy a extends "../b"', "b/b.remit": 'policy b extends "../a"'})
    assert "E305" in load_codes(tmp_path / "a")
    write(tmp_path, {"c/c.remit": 'policy c extends "../missing"', "d/d.remit": 'policy d extends "."'})
    assert "E304" in load_codes(tmp_path / "c")
    assert "E305" in load_codes(tmp_path / "d")


# -- assignments, guards, roles, types -------------------------------------------------------------------------------

STAFF = (
    DESK
    + """
scope company scope branch in company
area people { resource member { actions invite, remove } }
role owner {} role vet {} role viewer {}
claims { groups: set of string }
"""
)


@pytest.mark.parametrize(
    "line",
    [
        "on signup assign owner",
        "on signup when first in domain assign owner",
        "on sso_login when unassigned assign viewer",
        'on sso_login when "finance" in claims.groups assign vet, viewer',
        "on invite requires invite on member",
        "on invite requires invite on member, role within own",
        "on assign to group requires invite on member, role within own",
        "on remove requires remove on member",
        "on register",
        "on join requires invite on member assign viewer",
        "on signup requires invite on member when first in domain assign owner",
        "individual over group",
        "roles from subject",
    ],
)
def test_an_assignments_line(line: str) -> None:
    """The event, and behind it any of the four clauses."""
    assert compiles(f"{STAFF} assignments {{ {line} }}")


@pytest.mark.parametrize(
    "line",
    [
        "on signup assign owner when first in domain",
        "on invite when unassigned requires invite on member",
        "on invite role within own",
        "on invite requires invite, remove on member",
        "on invite requires invite on member, note",
        "on invite requires fly on member",
        "on invite requires invite on membr",
        "on vanish assign owner",
        "on signup assign nobody",
        "on signup assign",
    ],
)
def test_no_assignments_line(line: str) -> None:
    """In this order, one action, one type, and with names that exist."""
    assert not compiles(f"{STAFF} assignments {{ {line} }}")


@pytest.mark.parametrize(
    "guard",
    [
        "at least 1 owner",
        "at least 1 active owner",
        "at most 3 active owner per branch",
        "at most 3 vet",
        "at most 1 role per user",
        "at most 1 role per user per branch",
        "never vet with owner",
    ],
)
def test_a_guard(guard: str) -> None:
    """The three forms of a guard, with or without a title."""
    assert compiles(f"{STAFF} guard g: {guard}")
    assert compiles(f'{STAFF} guard g "Title": {guard}')


@pytest.mark.parametrize(
    "guard",
    [
        "at least one owner",
        "at least 1 nobody",
        "at least 1 active owner per room",
        "at least 1 role per user",
        "never vet with nobody",
        "exactly 1 owner",
    ],
)
def test_no_guard(guard: str) -> None:
    """Other forms and unknown names are errors."""
    assert not compiles(f"{STAFF} guard g: {guard}")


def test_the_head_of_a_role() -> None:
    """Former names, then the title, then what is included."""
    assert compiles(DESK + 'role q {} locked role r was old, older "Title" includes q { allow read on note }')
    assert not compiles(DESK + 'role q {} role r "Title" was old { allow read on note }')
    assert not compiles(DESK + "role q {} role r includes q was old { allow read on note }")
    assert not compiles(DESK + 'role q {} role r includes q "Title" { allow read on note }')
    assert not compiles(DESK + "role locked r { allow read on note }")


def test_includes_do_not_run_in_circles() -> None:
    """A role that includes itself, at once or by way of others, is an error."""
    assert "E114" in codes(DESK + "role r includes r {}")
    assert "E114" in codes(DESK + "role a includes b {} role b includes c {} role c includes a {}")
    assert codes(DESK + "role a includes nobody {}") == ["E106"]


@pytest.mark.parametrize(
    "type",
    [
        "string", "int", "bool", "time", "user", '"a" | "b"', '"a"', '("a" | "b")?', "string?", "int?", "bool?",
        "time?", "user?", "set of string", "set of int", "set of time", "set of user", "set of bool",
        'set of "a" | "b"', 'set of ("a" | "b")', "set of string?",
    ],
)  # fmt: skip
def test_types(type: str) -> None:
    """The types of DESIGN 1, optional ones, enumerations and sets."""
    assert compiles(f"area desk {{ resource note {{ x: {type} actions read }} }}")


@pytest.mark.parametrize("type", ["float", "sting", "set of set of string", "set of", '"a" | string', "string??"])
def test_no_types(type: str) -> None:
    """There are no others."""
    assert not compiles(f"area desk {{ resource note {{ x: {type} actions read }} }}")


# -- former names ----------------------------------------------------------------------------------------------------


def test_directories_may_use_former_names() -> None:
    """`was` keeps what a role was called before."""
    text = PLAIN + "role r was old, older { allow read on note }"
    for name in ("r", "old", "older"):
        pdp = bind(text, f"users: {{ann: {{assignments: [{{role: {name}}}]}}}}")
        assert code(pdp, "ann", "read") == "allowed"
        held = pdp.explain({"subject": {"type": "user", "id": "ann"}, "action": {"name": "read"},
                            "resource": {"type": "note"}}).to_dict()["held"]  # fmt: skip
        assert [one["role"] for one in held] == ["r"]
    assert code(bind(text, "users: {ann: {assignments: [{role: oldest}]}}"), "ann", "read") == "no_rule"


def test_policies_use_names_that_are() -> None:
    """A former name is for directories; another role may not take it and leave it open who is meant."""
    assert not compiles(PLAIN + "role r was old {} role q includes old {}")
    assert not compiles(PLAIN + "role r was old {} role old {}")
    assert not compiles(PLAIN + "role r was old {} role q was old {}")


def test_former_names_reach_conditions() -> None:
    """`user.roles` holds the name that is, however the directory calls it."""
    text = PLAIN + 'role r was old {} everyone { allow read on note when "r" in user.roles }'
    pdp = bind(text, "users: {ann: {assignments: [{role: old}]}}")
    assert code(pdp, "ann", "read", scope="company") == "allowed"


# -- tests in policies -----------------------------------------------------------------------------------------------

EXAMPLES = """
scope company scope branch in company
area desk { resource note { owner: user open: bool actions read, write, sign } }
context { hour: int }
user { team: string }
condition own = resource.owner == user.id
condition is_open = resource.open
role viewer { allow read on note deny sign on note when is_open }
role editor includes viewer {
  allow write on note when own and is_open
  allow sign on note when user.team == "x" and context.hour >= 8
}
guard last: at least 1 active editor
guard apart: never viewer with editor
"""


def run_tests(folder: Path, body: str) -> tuple[int, str]:
    """`remit test` on a policy with this test: exit code and output."""
    write(folder, {"p/main.remit": f'{EXAMPLES} test "it" {{ {body} }}'})
    done = CliRunner().invoke(command, [str(folder / "p")], catch_exceptions=False)
    return done.exit_code, done.output


@pytest.mark.parametrize(
    "body",
    [
        "user ann is viewer given note n {} ann may read n ann may not write n",
        "user ann is editor given note n { owner: ann, open: true } ann may write n",
        "user ann is editor given note n { owner: bob, open: true } ann may not write n because own",
        "user ann is editor given note n { owner: ann, open: false } ann may not write n because is_open",
        "user ann is editor given note n { owner: ann } ann may not write n because is_open",
        "user ann is viewer given note n { open: true } ann may not sign n because is_open",
        "user ann is viewer given note n { open: true } ann may not sign n because viewer",
        'user ann is editor with { team: "x" } given note n { open: false } ann may sign n with { hour: 8 }',
        'user ann is editor with { team: "x" } given note n { open: false } ann may not sign n with { hour: 7 }',
        'user ann is editor with { team: "x" } given note n { open: false } ann may not sign n',
        "user ann pending is viewer given note n {} ann may not read n",
        "user ann disabled is viewer given note n {} ann may not read n",
        "user ann is viewer at branch/north given note n at branch/north {} ann may read n",
        "user ann is viewer at branch/north given note n at branch/south {} ann may not read n",
        "user ann is viewer at branch/north in group g given note n at branch/north {} ann may read n",
        'user "ann@acme.com" is viewer given note "n 1" {} "ann@acme.com" may read "n 1"',
        "user ann in group g given note n {} ann may not read n",
        "user ann is viewer, editor given note n { owner: ann, open: true } ann may write n",
        "user ann is viewer, editor at branch/north given note n { owner: ann, open: true } ann may not write n",
    ],
)
def test_examples_that_hold(tmp_path: Path, body: str) -> None:
    """Each states what the page says; its directory is not held to the guards `last` and `apart`."""
    status, output = run_tests(tmp_path, body)
    assert status == 0, output


@pytest.mark.parametrize(
    "body",
    [
        "user ann is viewer given note n {} ann may not read n",
        "user ann is viewer given note n {} ann may write n",
        "user ann is editor given note n { owner: ann, open: false } ann may not write n because own",
        "user ann is editor given note n { owner: bob, open: true } ann may not write n because is_open",
        "user ann disabled is viewer given note n {} ann may read n",
        "user ann is viewer at branch/north given note n at branch/south {} ann may read n",
        'user ann is editor with { team: "x" } given note n { open: false } ann may sign n',
    ],
)
def test_examples_that_fail(tmp_path: Path, body: str) -> None:
    """Each states the opposite of what the page says, or the wrong reason."""
    status, output = run_tests(tmp_path, body)
    assert status == 1, output


@pytest.mark.parametrize(
    "body",
    [
        "user ann is nobody given note n {} ann may not read n",
        "user ann is viewer given nte n {} ann may not read n",
        "user ann is viewer given note n {} ann may not fly n",
        "user ann is viewer given note n {} bob may not read n",
        "user ann is viewer given note n {} ann may read m",
        "user ann is viewer given note n { colour: 5 } ann may read n",
        'user ann is viewer given note n { open: "yes" } ann may read n',
        "user ann is viewer given note n {} ann may read n with { minute: 5 }",
        "user ann is viewer given note n {} ann may not read n because nothing",
    ],
)
def test_examples_that_do_not_compile(body: str) -> None:
    """Names that nobody declared are mistakes in tests as well."""
    assert not compiles(f'{EXAMPLES} test "it" {{ {body} }}')


def test_a_locked_roles_change_points_at_both_places() -> None:
    """The error underlines the overlay's role."""
    assert findings({"o.remit": "extend role owner { allow write on note }"}, policy(BASE))[0][1] == "owner"

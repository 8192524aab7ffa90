"""SEMANTICS 6: the table as an artifact, and the digest over its meaning."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from world import ANN, PLAIN, Json, overlay, policy, request

from remit import Directory, Policy, PolicyError
from remit.cli.compile_command import command

# -- the digest: what does not move it -------------------------------------------------------------------------------

FIELDS = 'a: bool b: bool c: bool n: int m: int s: "open" | "closed" t: time u: user l: set of string x: int?'
NOTE = f"area desk {{ resource note {{ {FIELDS} actions read, write }} resource memo {{ actions read }} }}\n"


def digest(text: str) -> str:
    return policy(text).digest


def when(condition: str, more: str = "", effect: str = "allow") -> str:
    """The digest of a policy with one rule under a condition."""
    return digest(NOTE + more + f"role r {{ {effect} read on note when {condition} }}")


@pytest.mark.parametrize(
    "one, other",
    [
        ("resource.a", "resource.a == true"),
        ("resource.a", "true == resource.a"),
        ("not resource.a", "resource.a == false"),
        ("not resource.a", "resource.a != true"),
        ("resource.a", "not not resource.a"),
        ("resource.a", "not (not (resource.a))"),
        ("resource.a", "(resource.a)"),
        ("resource.a and resource.b", "resource.b and resource.a"),
        ("resource.a or resource.b", "resource.b or resource.a"),
        ("resource.a and (resource.b and resource.c)", "(resource.c and resource.a) and resource.b"),
        ("resource.a or (resource.b or resource.c)", "resource.c or resource.b or resource.a"),
        ("resource.a and resource.a", "resource.a"),
        ("resource.a or resource.a or resource.a", "resource.a"),
        ("resource.a or resource.a and resource.b", "resource.a"),
        ("resource.a and (resource.a or resource.b)", "resource.a"),
        ("resource.a and (resource.b or resource.a) and resource.c", "resource.c and resource.a"),
        ("resource.a and resource.b or resource.a and resource.b and resource.c", "resource.b and resource.a"),
        ("not (resource.a and resource.b)", "not resource.a or not resource.b"),
        ("not (resource.a or resource.b)", "not resource.b and not resource.a"),
        ("not (resource.a and not resource.b)", "resource.b or not resource.a"),
        ("resource.n < 5", "5 > resource.n"),
        ("resource.n < 5", "resource.n <= 4"),
        ("resource.n > 5", "resource.n >= 6"),
        ("resource.n > 5", "not resource.n <= 5"),
        ("resource.n > 5", "6 <= resource.n"),
        ("resource.n >= 6", "not (resource.n < 6)"),
        ("resource.n == 5", "5 == resource.n"),
        ("resource.n != 5", "not resource.n == 5"),
        ("resource.n != 5", "not 5 == resource.n"),
        ("resource.n < resource.m", "resource.m > resource.n"),
        ("resource.n <= resource.m", "not resource.n > resource.m"),
        ("resource.n == resource.m", "resource.m == resource.n"),
        ("resource.n != resource.m", "not resource.m == resource.n"),
        ("resource.a == resource.b", "resource.b == resource.a"),
        ("resource.u == user.id", "user.id == resource.u"),
        ("resource.u == user.id", "not user.id != resource.u"),
        ('resource.s == "open"', '"open" == resource.s'),
        ('"a" not in resource.l', 'not ("a" in resource.l)'),
        ('resource.s in ["open", "closed"]', 'resource.s in ["closed", "open"]'),
        ('resource.s in ["open", "open"]', 'resource.s in ["open"]'),
        ('resource.s not in ["open"]', 'not resource.s in ["open"]'),
        ("resource.t < context.time", "context.time > resource.t"),
        ("context.time - resource.t < 30d", "30d > context.time - resource.t"),
        ("context.time - resource.t < 1d", "context.time - resource.t < 24h"),
        ('resource.t < "2024-06-01T00:00:00Z"', 'resource.t < "2024-06-01T02:00:00+02:00"'),
        ("has resource.x and resource.x < 5", "has resource.x and 4 >= resource.x"),
        ("not has resource.x or resource.x == 1", "not (has resource.x and resource.x != 1)"),
        ("small and resource.a", "resource.a and resource.n < 5"),
        ("tiny", "small"),
        ("not small", "resource.n >= 5"),
    ],
)
def test_conditions_that_mean_the_same(one: str, other: str) -> None:
    """Names inlined, `not` inward, sides oriented, bounds inclusive, flat, sorted, without doubles, absorbed."""
    named = "condition small = resource.n < 5 condition tiny = small "
    for effect in ("allow", "deny"):
        assert when(one, named, effect) == when(other, named, effect)


@pytest.mark.parametrize(
    "one, other",
    [
        ("resource.a or not resource.a", "true"),
        ("resource.a and not resource.a", "false"),
        ('resource.s == "open" or resource.s == "closed"', "true"),
        ('resource.s in ["open", "closed"]', "true"),
        ("resource.n < 5 or resource.n >= 5", "true"),
        ("resource.n < 5 and resource.n > 5", "false"),
        ("resource.n == resource.n", "true"),
        ("resource.n <= 9223372036854775807", "true"),
        ("resource.n > 9223372036854775807", "false"),
        ("resource.a and (resource.b or not resource.b)", "resource.a"),
        ("resource.a", "resource.b"),
        ("resource.a", "not resource.a"),
        ("resource.n < 5", "resource.n <= 5"),
        ("resource.n < 5", "resource.m < 5"),
        ("resource.a and resource.b", "resource.a or resource.b"),
        ('"a" in resource.l', '"b" in resource.l'),
        ("resource.n < resource.m", "resource.m < resource.n"),
        ("has resource.x", "has resource.x and resource.x == resource.x"),
        ("not has resource.x", "has resource.x"),
    ],
)
def test_conditions_that_three_values_tell_apart(one: str, other: str) -> None:
    """What is unknown somewhere is neither true nor false everywhere, and nothing folds it away."""
    for effect in ("allow", "deny"):
        assert when(one, effect=effect) != when(other, effect=effect)


def test_always_true_is_no_condition_only_where_it_is() -> None:
    """`status == "open"` or `"closed"` is not the same as none."""
    plain = digest(NOTE + "role r { allow read on note }")
    assert when('resource.s == "open" or resource.s == "closed"') != plain
    assert when("resource.a or not resource.a") != plain
    assert when("true") == plain
    assert when("resource.a or true") == plain
    assert when("not false") == plain


WHOLE = """scope company "Co"
scope branch in company
area desk "Desk" { resource note "Note" { a: bool n: int actions read, write } permission p { read on note } }
area money { resource invoice { actions read } }
actions all_of = read, write
context { hour: int }
condition early = context.hour < 9
role base { allow read on note when early }
role r was old includes base { allow write on note when resource.a }
role wide { allow * on * deny read on invoice }
everyone { allow read on invoice }
assignments { on signup when first in domain assign r individual over group }
guard g "At least": at least 1 r
guard h: never r with wide
assert "grows": base within r
"""
SAME: dict[str, str] = {
    "lines": WHOLE.replace("\n", "\n\n  "),
    "comments": WHOLE.replace("\n", " # why\n"),
    "order": "\n".join(reversed(WHOLE.strip().split("\n"))).replace(
        'scope branch in company\nscope company "Co"', 'scope company "Co"\nscope branch in company'
    ),
    "titles": WHOLE.replace(' "Desk"', ' "The desk"').replace(' "Note"', "").replace('"At least"', '"No fewer"'),
    "reasons": WHOLE.replace("when early }", 'when early because "it is early" }'),
    "named": WHOLE.replace("early", "morning"),
    "inlined": WHOLE.replace("when early", "when context.hour <= 8"),
    "unused condition": WHOLE + "condition late = context.hour > 20",
    "tests": WHOLE + 'test "t" { user ann is r given note n { a: true } ann may write n }',
    "star": WHOLE.replace("{ allow * on *", "{ allow read, write on note allow read on invoice"),
    "set": WHOLE.replace("{ allow * on *", "{ allow all_of on note allow read on invoice"),
    "bundle": WHOLE.replace("{ allow * on *", "{ grant p allow write on note allow read on invoice"),
    "except": WHOLE.replace("{ allow * on *", "{ allow * on * except invoice allow read on invoice"),
    "areas": WHOLE.replace("{ allow * on *", "{ in desk { allow * on * } in money { allow read on * }"),
    "action order": WHOLE.replace("actions read, write", "actions write, read"),
    "attribute order": WHOLE.replace("a: bool n: int", "n: int a: bool"),
    "written twice": WHOLE.replace("{ allow * on *", "{ allow * on * allow * on *"),
    "absorbed": WHOLE.replace("{ allow * on *", "{ allow * on * allow read on note when early"),
}


@pytest.mark.parametrize("way", sorted(SAME))
def test_the_digest_is_over_the_meaning(way: str) -> None:
    """Places, texts, titles, reasons, condition names, tests and the order of statements are no part of it."""
    assert SAME[way] != WHOLE
    assert digest(SAME[way]) == digest(WHOLE)


LISTS = (
    WHOLE.replace("was old includes base", "was old, elder includes base, mid")
    .replace("assign r individual", "assign r, wide on register assign base individual")
    .replace("n: int", 'n: int e: "a" | "b" l: set of "a" | "b"')
    .replace("base within r", "only r, wide may read, write on note")
    + "role mid {} assert read on note requires context.hour < 9"
)


@pytest.mark.parametrize(
    "one, other",
    [
        ("was old, elder", "was elder, old"),
        ("includes base, mid", "includes mid, base"),
        ("assign r, wide", "assign wide, r"),
        ('e: "a" | "b"', 'e: "b" | "a"'),
        ('set of "a" | "b"', 'set of ("b" | "a")'),
        ("only r, wide may read, write", "only wide, r may write, read"),
        ("requires context.hour < 9", "requires early"),
        ("requires context.hour < 9", "requires not 9 <= context.hour"),
        ("on register assign base individual over group", "individual over group on register assign base"),
        ("early", "`early`"),
    ],
)
def test_the_order_in_lists_does_not_move_the_digest(one: str, other: str) -> None:
    """What is a set is kept sorted; conditions of asserts are normalised too."""
    assert one in LISTS
    assert digest(LISTS.replace(one, other)) == digest(LISTS)


def test_includes_are_meaning_even_where_they_grant_the_same() -> None:
    """A role that includes another is not one that repeats its rules."""
    included = digest(PLAIN + "role a { allow read on note } role b includes a {}")
    repeated = digest(PLAIN + "role a { allow read on note } role b { allow read on note }")
    assert included != repeated


OTHER: dict[str, str] = {
    "an action more": WHOLE.replace("actions read, write", "actions read, write, sign"),
    "an attribute more": WHOLE.replace("n: int", "n: int m: int"),
    "another type": WHOLE.replace("n: int", "n: string"),
    "an optional one": WHOLE.replace("n: int", "n: int?"),
    "a scope kind": WHOLE + "scope room in branch",
    "a lock": WHOLE.replace("role wide", "locked role wide"),
    "a former name": WHOLE.replace("was old", "was older"),
    "an include": WHOLE.replace("role wide", "role wide includes base"),
    "a role": WHOLE + "role more {}",
    "a role's name": WHOLE.replace("wide", "broad"),
    "a rule": WHOLE.replace("role base {", "role base { allow read on invoice"),
    "a deny": WHOLE.replace("role base {", "role base { deny read on invoice"),
    "no deny": WHOLE.replace("deny read on invoice", ""),
    "another condition": WHOLE.replace("context.hour < 9", "context.hour < 10"),
    "a block": WHOLE.replace("everyone", "members"),
    "a guard": WHOLE.replace("at least 1 r", "at least 2 r"),
    "a guard's name": WHOLE.replace("guard g", "guard k"),
    "an assert": WHOLE.replace("base within r", "r within wide"),
    "an assignment": WHOLE.replace("assign r", "assign wide"),
    "individual": WHOLE.replace("individual over group", ""),
    "context": WHOLE.replace("hour: int", "hour: int minute: int"),
}


@pytest.mark.parametrize("way", sorted(OTHER))
def test_the_digest_sees_every_part_of_the_meaning(way: str) -> None:
    """Catalogue, scopes, roles with locks, includes and former names, cells, assignments, guards and asserts."""
    assert OTHER[way] != WHOLE
    assert digest(OTHER[way]) != digest(WHOLE)


def test_all_digests_differ() -> None:
    """No two of those are one policy."""
    assert len({digest(text) for text in [WHOLE, *OTHER.values()]}) == 1 + len(OTHER)


def test_moving_between_files_does_not_move_the_digest() -> None:
    """Split in every way, and under any file names."""
    statements = [line + "\n" for line in WHOLE.strip().split("\n")]
    for names in itertools.permutations(["a.remit", "z/b.remit", "m.remit"]):
        parts = {names[0]: statements[:5], names[1]: statements[5:9], names[2]: statements[9:]}
        split = Policy.from_sources({name: "".join(lines) for name, lines in parts.items()})
        assert split.digest == digest(WHOLE)


def test_an_overlay_has_a_digest_of_its_own() -> None:
    """One that changes a rule has another than its base."""
    base = PLAIN + "role r { allow read on note }"
    changed = overlay("extend role r { allow write on note }", base)
    assert changed.digest != digest(base)
    assert overlay("extend role r { allow write on note }", base).digest == changed.digest


# -- the artifact ----------------------------------------------------------------------------------------------------

RICH = """scope company
scope branch in company
area desk {
  resource note {
    owner: user n: int s: "open" | "closed" t: time l: set of string x: int?
    actions read, write, sign
  }
}
area money { resource invoice { actions read, pay } permission view { read on invoice } }
context { hour: int channel: string? }
user { team: string }
actions change = write, sign
condition own "their own" = resource.owner == user.id
condition is_open = resource.s == "open" or has resource.x and resource.x > 3
locked role owner "Owner" { allow * on * }
role viewer was reader { allow read on * except invoice because "to see is free" }
role editor includes viewer {
  allow change on note when own and is_open because "it is theirs"
  deny sign on note when context.time - resource.t > 30d or "done" in resource.l
  in money { grant view when user.team == "money" }
}
role auditor { deny change on * when "owner" not in user.roles }
everyone { deny pay on invoice when has context.channel and context.channel == "api" }
members { allow read on invoice when context.hour in [8, 9] }
assignments { on invite requires read on note individual over group roles from subject }
guard last: at least 1 active owner
guard apart "Not both": never owner with auditor
guard one: at most 2 role per user
assert "grows": viewer within editor
test "t" { user ann is viewer given note n {} ann may read n }
"""
CROWD = """
scopes: {branch/n: {}, branch/s: {parent: company}}
users:
  ann: {assignments: [{role: owner}]}
  bob: {attributes: {team: money}, assignments: [{role: editor, scope: branch/n}]}
  cyd: {assignments: [{role: reader}, {role: ghost}]}
  dan: {status: disabled, assignments: [{role: editor}]}
  eve: {assignments: [{role: auditor}, {role: editor, until: "2024-01-01T00:00:00Z"}]}
  fay: {}
groups: {g: {members: [bob, fay], assignments: [{role: viewer, scope: branch/n}, {role: auditor}]}}
"""
NOW = 1717243200 * 10**9


def requests() -> list[Json]:
    """Everybody, every action, some places and properties."""
    properties: list[Json] = [
        {},
        {"owner": "bob", "s": "open", "t": "2024-05-30T00:00:00Z", "l": []},
        {"owner": "bob", "s": "closed", "x": 5, "t": "2023-05-30T00:00:00Z", "l": ["done"]},
    ]
    contexts: list[Json] = [{}, {"hour": 9, "channel": "api"}]
    made = []
    for user in ("ann", "bob", "cyd", "dan", "eve", "fay", "stranger"):
        for type, action in [
            ("note", "read"),
            ("note", "write"),
            ("note", "sign"),
            ("invoice", "read"),
            ("invoice", "pay"),
        ]:
            for scope in (None, "company", "branch/n", "branch/s", "branch/new"):
                for given in properties:
                    for context in contexts:
                        place = {"scope": scope} if scope else {}
                        made.append(request(user, action, type, context=context, **given, **place))
    made.append(request("stranger", "read", subject={"roles": ["viewer"]}))
    made.append(request("ann", "read", scope="nowhere"))
    return made


def save(folder: Path, text: str = RICH) -> tuple[Path, Path]:
    """A policy's folder, and the table that `remit compile` makes of it."""
    source, table = folder / "clinic", folder / "table.json"
    source.mkdir()
    (source / "main.remit").write_text(text, encoding="utf-8")
    done = CliRunner().invoke(command, ["--policy", str(source), "-o", str(table)], catch_exceptions=False)
    assert done.exit_code == 0
    return source, table


def refused(path: Path) -> str:
    """The code with which a file is refused, whole."""
    with pytest.raises(PolicyError) as caught:
        Policy.load(path)
    [finding] = caught.value.diagnostics
    return finding.code


def test_a_table_stands_for_its_sources(tmp_path: Path) -> None:
    """The same digest, decisions, rules, ids, explanations and repairs."""
    source, table = save(tmp_path)
    first, second = Policy.load(source), Policy.load(table)
    assert first.digest == second.digest
    people = Directory.from_text(CROWD)
    one, other = first.bind(people, lambda: NOW), second.bind(people, lambda: NOW)
    codes = set()
    for asked in requests():
        assert one.decide(asked).to_response() == other.decide(asked).to_response()
        assert one.decide(asked).rules == other.decide(asked).rules
        assert one.explain(asked).to_dict() == other.explain(asked).to_dict()
        codes.add(one.decide(asked).code)
    assert codes == {"allowed", "denied_by_rule", "no_rule", "inactive_user", "unknown_user", "invalid_request"}


def test_an_overlays_table_stands_for_base_and_overlay(tmp_path: Path) -> None:
    """It needs neither; the base's places keep its name."""
    (tmp_path / "main.remit").write_text("policy main " + RICH, encoding="utf-8")
    folder = tmp_path / "overlays" / "vip"
    folder.mkdir(parents=True)
    over = 'policy vip extends "../.." extend role viewer { deny write on note } role more includes owner {}'
    (folder / "o.remit").write_text(over, encoding="utf-8")
    table = tmp_path / "t.json"
    done = CliRunner().invoke(command, ["--policy", str(folder), "-o", str(table)], catch_exceptions=False)
    assert done.exit_code == 0
    first = Policy.load(folder)
    people = Directory.from_text(CROWD)
    one, other = first.bind(people, lambda: NOW), Policy.load(table).bind(people, lambda: NOW)
    files = set()
    for asked in requests():
        assert one.explain(asked).to_dict() == other.explain(asked).to_dict()
        files.update(rule["file"] for rule in other.decide(asked).rules)
    assert files == {"main:main.remit", "o.remit"}


def test_a_table_keeps_its_meaning_and_provenance_apart(tmp_path: Path) -> None:
    """Two parts; the meaning is the same bytes wherever and however the policy was written."""
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    _, first = save(tmp_path / "one", WHOLE)
    _, second = save(tmp_path / "two", SAME["order"])
    one, two = (json.loads(path.read_text(encoding="utf-8")) for path in (first, second))
    assert json.dumps(one["meaning"]) == json.dumps(two["meaning"])
    assert one["provenance"] != two["provenance"]
    assert one["digest"] == two["digest"]
    assert "early" not in json.dumps(one["meaning"])


@pytest.mark.parametrize("seed", ["0", "1", "77"])
def test_a_table_does_not_depend_on_hash_seeds(tmp_path: Path, seed: str) -> None:
    """Two runs give the same bytes."""
    source, table = save(tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "remit", "compile", "--policy", str(source)],
        capture_output=True,
        env={**os.environ, "PYTHONHASHSEED": seed},
        timeout=60,
        check=True,
    )
    assert done.stdout == table.read_bytes()


@pytest.mark.parametrize(
    "layout",
    [
        lambda data: json.dumps(data, indent=2),
        lambda data: json.dumps(data, indent="\t", ensure_ascii=False),
        lambda data: json.dumps(data, sort_keys=True),
        lambda data: json.dumps(data, separators=(",", ":")),
        lambda data: json.dumps(dict(reversed(data.items())), indent=1),
        lambda data: json.dumps(data, indent=4).replace("\n", "\r\n"),
    ],
)
def test_a_table_laid_out_anew_is_the_same(tmp_path: Path, layout: Callable[[Json], str]) -> None:
    """Formatters, sorters of keys and line ends change nothing."""
    source, table = save(tmp_path)
    table.write_bytes(layout(json.loads(table.read_text(encoding="utf-8"))).encode())
    first, second = Policy.load(source), Policy.load(table)
    assert first.digest == second.digest
    people = Directory.from_text(CROWD)
    one, other = first.bind(people, lambda: NOW), second.bind(people, lambda: NOW)
    for asked in requests()[::7]:
        assert one.explain(asked).to_dict() == other.explain(asked).to_dict()


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text.replace('"viewer"', '"viewed"', 1),
        lambda text: text.replace("allow", "deny", 1),
        lambda text: text.replace("to see is free", "to see is dear"),
        lambda text: text.replace("main.remit", "other.remit", 1),
        lambda text: text.replace("true", "false", 1),
        lambda text: text[: len(text) // 2],
        lambda text: text[:-3],
        lambda text: text + "}",
        lambda text: text.replace('"digest":"', '"digest":"0', 1),
        lambda text: json.dumps({**json.loads(text), "digest": "0" * 64}),
        lambda text: json.dumps({key: value for key, value in json.loads(text).items() if key != "meaning"}),
        lambda text: json.dumps({key: value for key, value in json.loads(text).items() if key != "provenance"}),
        lambda text: json.dumps({key: value for key, value in json.loads(text).items() if key != "digest"}),
        lambda text: json.dumps({**json.loads(text), "meaning": {}}),
        lambda text: json.dumps({**json.loads(text), "meaning": None}),
        lambda text: json.dumps({**json.loads(text), "provenance": []}),
    ],
)
def test_a_damaged_table_is_refused(tmp_path: Path, damage: Callable[[str], str]) -> None:
    """One value changed, in either part, is enough; so is a missing end."""
    _, table = save(tmp_path)
    before = table.read_text(encoding="utf-8")
    after = damage(before)
    assert after != before
    table.write_text(after, encoding="utf-8")
    assert refused(table) in ("E601", "E602")


def test_a_change_in_a_table_laid_out_anew_is_seen(tmp_path: Path) -> None:
    """The check is of the content."""
    _, table = save(tmp_path)
    text = json.dumps(json.loads(table.read_text(encoding="utf-8")), indent=2)
    for old, new in [('"viewer"', '"viewed"'), ("to see is free", "to see is dear")]:
        assert old in text
        table.write_text(text.replace(old, new, 1), encoding="utf-8")
        assert refused(table) == "E601"


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[]", b"null", b"5", b'"table"', b"not json", b'{"format": "other", "version": 1}', b"\x00\x01\x02",
     b"\xff\xfe", b'{"users": {}}', b"[" * 100_000, b'{"a":' * 50_000],
)  # fmt: skip
def test_a_foreign_file_is_refused(tmp_path: Path, content: bytes) -> None:
    """What was never a table."""
    path = tmp_path / "t.json"
    path.write_bytes(content)
    assert refused(path).startswith("E")


@pytest.mark.parametrize("version", [3, 99, 10**30])
def test_a_newer_table_is_refused(tmp_path: Path, version: int) -> None:
    """It says that it is newer, whatever else is in it."""
    _, table = save(tmp_path)
    data = json.loads(table.read_text(encoding="utf-8"))
    table.write_text(json.dumps({**data, "version": version, "meaning": {"new": 1}}), encoding="utf-8")
    assert refused(table) == "E603"
    table.write_text(table.read_text(encoding="utf-8").replace(", ", ","), encoding="utf-8")
    assert refused(table) == "E603"


@pytest.mark.parametrize("version", ["1", None, True, 0, -1, 1.5, []])
def test_a_version_that_is_none_is_refused(tmp_path: Path, version: object) -> None:
    """Only a whole number from 1 is one."""
    _, table = save(tmp_path)
    data = json.loads(table.read_text(encoding="utf-8"))
    table.write_text(json.dumps({**data, "version": version}), encoding="utf-8")
    assert refused(table).startswith("E6")


def test_an_overlay_may_extend_a_table_or_says_why_not(tmp_path: Path) -> None:
    """A file that is no source is never read as one."""
    _, table = save(tmp_path)
    assert Policy.load(table).bind(Directory.from_text(ANN)).decide(request("ann", "read")).code == "no_rule"

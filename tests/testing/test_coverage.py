"""What tests reach: the goals there are, what reaches them, what is left out, and how it is shown."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from rich.cells import cell_len

from remit import Policy
from remit.cli.main import remit
from remit.report.coverage_html import Page, coverage_html
from remit.report.coverage_text import draw_coverage, gaps, percent
from remit.testing.coverage import Coverage
from remit.testing.run import run

CLINIC = """policy clinic "Paws & <Co>"
scope company
area patients {
  resource record { vet: user  status: "open" | "closed"  note: string?  actions read, sign, delete }
}
area money { resource invoice { amount: int  actions refund } }
context { hour: int }
condition treats = resource.vet == user.id
role viewer { allow read on record }
role vet includes viewer {
  allow sign on record when treats and resource.status == "open"
}
"""
SIGNING = """test "own records" {
  user ann is vet
  user bob is vet
  given record r1 { vet: ann, status: "open" }
  ann may sign r1
  bob may not sign r1
}
"""


def covered(*texts: str, base: Policy | None = None) -> Coverage:
    """What the tests of a policy reach."""
    policy = Policy.from_sources({"main.remit": "\n".join(texts)}, base=base, name="clinic")
    found = run(policy.table, lambda: 1_767_268_800 * 10**9, policy.index, cover=True)
    assert found.coverage is not None
    return found.coverage


def missing(found: Coverage) -> list[tuple[str, str]]:
    return [(gap.where, gap.said) for gap in gaps(found)]


# -- goals -------------------------------------------------------------------------------------------------------------


def test_the_worked_example() -> None:
    """Six of the seven goals of one rule: allowed, denied, both outcomes of `treats`, one of the status, the rule."""
    found = covered(CLINIC.replace("role viewer { allow read on record }", "role viewer {}"), SIGNING)
    assert (len(found.reached), found.total) == (6, 7)
    assert missing(found) == [("record.sign", '`resource.status == "open"` was never false')]
    assert percent(found) == "85 %"


def test_the_counts() -> None:
    """A cell counts once it was allowed and denied, a condition once it was true and false, a rule once it decided."""
    found = covered(CLINIC, SIGNING)
    assert (found.cells, found.conditions, found.rules) == ((1, 2), (1, 2), (1, 2))
    assert missing(found)[0] == ("record.read", "no test")


def test_a_cell_that_no_rule_speaks_of_is_no_goal() -> None:
    """Nothing is asked for where no rule says anything: `record.delete`, `invoice.refund`."""
    assert {goal.action for goal in covered(CLINIC).missing if goal.kind == "cell"} == {"read", "sign"}


def test_a_rule_that_never_decides_is_missing() -> None:
    """A rule whose every cell is tested through other rules is named by its role."""
    found = covered(CLINIC, "role chief { allow sign on record }", SIGNING.replace("ann is vet", "ann is vet"))
    assert ("chief", "this allow never decided") in missing(found)


def test_a_deny_decides_where_it_denies() -> None:
    """A deny is reached by a denied decision in which it applies, and by no other."""
    rule = "role vet2 includes viewer { deny read on record when treats }"
    other = 'test "t" { user ann is vet2  given record r { vet: bob }  ann may read r }'
    own = 'test "u" { user ann is vet2  given record r { vet: ann }  ann may not read r }'
    said = ("vet2", "this deny never decided")
    assert said in missing(covered(CLINIC, rule, other))
    assert said not in missing(covered(CLINIC, rule, own))


def test_only_rules_of_the_user_are_looked_at() -> None:
    """A condition counts in decisions about somebody for whom its rule counts: a viewer's say nothing of a vet's."""
    found = covered(
        CLINIC, 'test "t" { user v is viewer  given record r { vet: v, status: "open" }  v may not sign r }'
    )
    assert ("record.sign", "`treats` was never true, and never false") in missing(found)


def test_a_condition_that_cannot_be_evaluated_is_neither() -> None:
    """A missing attribute makes a condition unknown, which is counted apart."""
    found = covered(CLINIC, 'test "t" { user ann is vet  given record r { status: "open" }  ann may not sign r }')
    assert ("record.sign", "`treats` was only ever unknown") in missing(found)
    assert [(goal.condition, goal.outcome) for goal in found.unknown] == [("treats", None)]


@pytest.mark.parametrize(
    "line",
    [
        "user ann pending is viewer  given record r  ann may not read r",
        "given record r  ann may not read r because unknown_user",
        "user ann  given record r  ann may read r",
    ],
    ids=["inactive", "unknown", "came out otherwise"],
)
def test_what_does_not_count(line: str) -> None:
    """Nobody's rules are looked at for who is unknown or not active, and an expectation that failed reaches nothing."""
    assert covered(CLINIC, f'test "t" {{ {line} }}').reached == ()


def test_an_event_does_not_count() -> None:
    """What an event requires is decided by rules, and reaches nothing."""
    text = """area people { resource member { actions remove } }
    role owner { allow remove on member }
    assignments { on remove requires remove on member }
    test "t" { user ann is owner  user bob  on remove bob by ann is accepted }"""
    assert covered(text).reached == ()


# -- what cannot be ----------------------------------------------------------------------------------------------------

IMPOSSIBLE = [
    # a rule, and what of it cannot be
    ("everyone { allow read on invoice }", ("cell", False)),
    ("role a { allow read on invoice when has resource.note and resource.note != user.id }", ("condition", True)),
    ("role a { allow read on invoice when resource.amount > 5 and resource.amount < 5 }", ("rule", True)),
    ("role a { allow read on invoice }  everyone { deny read on invoice }", ("cell", True)),
]


@pytest.mark.parametrize(("rules", "kind"), IMPOSSIBLE, ids=[kind[0] for _, kind in IMPOSSIBLE])
def test_what_cannot_be_is_left_out(rules: str, kind: tuple[str, bool]) -> None:
    """A goal that nothing reaches is no goal, and is listed as impossible; the rest is still one."""
    catalogue = (
        "area a { resource invoice { amount: int  actions read }  resource page { note: string?  actions read } }"
    )
    if "note" in rules:
        rules = rules.replace("on invoice", "on invoice, page")
    found = covered(catalogue, rules)
    assert kind in {(left.goal.kind, left.goal.outcome) for left in found.left_out if left.impossible}
    assert found.missing


def test_all_can_be_had() -> None:
    """What the witnesses reach together is all that is missing."""
    found = covered(CLINIC)
    reached = frozenset(goal for witness in found.witnesses for goal in witness.reached)
    assert set(found.missing) <= reached


def test_without_goals_all_is_reached() -> None:
    """A policy without rules has nothing to reach, and reaches all of it."""
    found = covered("area a { resource r { actions x } }")
    assert (found.total, percent(found)) == (0, "100 %")


def test_percent_is_rounded_down() -> None:
    """Only all is 100 %."""
    many = "\n".join(f"role r{number} {{ allow read on record }}" for number in range(400))
    tests = "\n".join(
        f'test "{number}" {{ user u is r{number}  user v  given record r  u may read r  v may not read r }}'
        for number in range(399)
    )
    found = covered(CLINIC.partition("role viewer")[0], many, tests)
    assert len(found.missing) == 1
    assert percent(found) == "99 %"


# -- overlays ----------------------------------------------------------------------------------------------------------


def overlay(*lines: str) -> Coverage:
    """What the tests of an overlay reach."""
    base = Policy.from_sources({"main.remit": CLINIC}, name="clinic")
    return covered('policy north extends "x"', *lines, base=base)


def test_in_an_overlay_only_its_own_counts() -> None:
    """The base's rules and the cells that only they speak of are no goals of an overlay."""
    found = overlay("role helper { allow delete on record when treats }")
    assert {goal.action for goal in found.missing if goal.kind == "cell"} == {"delete"}
    assert found.rules.total == 1


def test_an_overlay_that_changes_nothing_has_no_goals() -> None:
    """An overlay with tests alone has nothing of its own to reach."""
    assert overlay('test "t" { user v is viewer  given record r  v may read r }').total == 0


def test_in_an_overlay_a_cell_counts_for_those_it_touches() -> None:
    """A decision about somebody whom the overlay gives nothing does not count for a cell; one about somebody with a
    role that includes an extended one does."""
    extended = "extend role viewer { allow delete on record when treats }"
    denied = 'test "t" {{ user v is {}  given record r {{ vet: w }}  v may not delete r }}'
    other = "role guest { allow read on record }"
    assert not [g for g in overlay(extended, "role guest {}", denied.format("guest")).reached if g.kind == "cell"]
    assert [g for g in overlay(extended, other, denied.format("vet")).reached if g.kind == "cell"]


# -- text and JSON -----------------------------------------------------------------------------------------------------


def test_text() -> None:
    """The counts, each thing that is missing with its line, and a hint. A rule in no other cell goes with its cell."""
    found = covered(CLINIC, "role owner { allow * on * }", SIGNING)
    assert (
        draw_coverage(found, lambda file: f"clinic/{file}")
        == """cells 1 of 4 · both outcomes of 1 of 2 conditions · 1 of 3 rules decided · 40 %
  record.read     clinic/main.remit:9   no test
  record.sign     clinic/main.remit:11  `resource.status == "open"` was never false
  record.delete   clinic/main.remit:14  no test
  invoice.refund  clinic/main.remit:14  no test
  owner           clinic/main.remit:14  this allow never decided
  suggest them with: remit test --suggest"""
    )


def test_what_is_missing_alike_is_one_line() -> None:
    """Actions of one type that lack the same, by the same line of the policy, stand together."""
    assert missing(covered(CLINIC.partition("role viewer")[0], "role a { allow * on record when treats }")) == [
        ("record.read, sign, delete", "no test")
    ]


def test_nothing_missing_is_one_line() -> None:
    """Where all is reached there is nothing to list, and no hint."""
    found = covered(CLINIC.partition("role viewer")[0])
    assert draw_coverage(found, str) == "cells 0 of 0 · 0 of 0 rules decided · 100 %"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the command is called; the policy is in `clinic`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "clinic").mkdir()
    (tmp_path / "clinic/main.remit").write_text(CLINIC + SIGNING, encoding="utf-8")
    return tmp_path


def call(*words: str) -> Result:
    return CliRunner().invoke(remit, ["test", *words])


def test_the_command_says_what_is_missing(folder: Path) -> None:
    """`--coverage` adds the counts and what is missing below the policy's line; the exit code is the tests'."""
    found = call("clinic", "--coverage")
    assert found.exit_code == 0
    assert found.stdout.splitlines()[2:5] == [
        "cells 1 of 2 · both outcomes of 1 of 2 conditions · 1 of 2 rules decided · 60 %",
        "  record.read  clinic/main.remit:9   no test",
        '  record.sign  clinic/main.remit:11  `resource.status == "open"` was never false',
    ]


WIDE = """area a {
  resource page { n: int  t: string  actions read, write, `读取`, approve, archive, publish, retract, plan, lend }
  resource `页面` { n: int  t: string  actions read }
  resource a_name_that_is_longer_than_any_column_of_a_list_should_be { actions read }
}
role `角色` { allow * on page, a_name_that_is_longer_than_any_column_of_a_list_should_be  allow read on `页面` when %s }
test "t" { user u  given `页面` p { n: 1 }  u may not read p }
"""
LONG = f'resource.t == "{"x" * 300}"'


def test_the_list_is_aligned_whatever_the_names() -> None:
    """Wide signs take two columns; a name that is too long has a line of its own, many actions are counted, and the
    middle of a long condition is left out: places stand below places, and what is said below what is said."""
    drawn = draw_coverage(covered(WIDE % LONG), lambda file: file).splitlines()[1:-1]
    places = [(cell_len(line[: line.index("main.remit:")]), line) for line in drawn if "main.remit:" in line]
    assert {column for column, _ in places} == {places[0][0]}
    said = {cell_len(line[: re.search(r"main\.remit:\d+ +", line).end()]) for _, line in places}  # type: ignore[union-attr]  # each has a place
    assert len(said) == 1
    assert max(map(cell_len, drawn)) <= 240
    assert drawn[0] == "  page.read, write, 读取, approve and 5 more" + drawn[0][42:]
    assert "  a_name_that_is_longer_than_any_column_of_a_list_should_be.read" in drawn
    assert any("…" in line and line.endswith(" was never true, and never false") for line in drawn)


def test_a_long_place_has_a_line_of_its_own() -> None:
    """So it is with a file whose path is long."""
    policy = covered(WIDE % "resource.n > 1")
    drawn = draw_coverage(policy, lambda file: f"{'deep/' * 20}{file}").splitlines()[1:-1]
    for line, below in pairwise(drawn):
        if "deep/" in line:
            assert re.search(r"main\.remit:\d+$", line)
            assert below.startswith(" " * (line.index("deep/") + 2))


def test_json(folder: Path) -> None:
    """The JSON has percent and counts, and each gap with its place and goals."""
    data: dict[str, Any] = json.loads(call("clinic", "--coverage", "--output-format", "json").stdout)
    found = data["policies"][0]["coverage"]
    assert found["percent"] == 60.0
    assert found["goals"] == {"covered": 6, "total": 10}
    assert [found[name] for name in ("cells", "conditions", "rules")] == [{"covered": 1, "total": 2}] * 3
    assert found["missing"][1] == {
        "where": "record.sign",
        "message": '`resource.status == "open"` was never false',
        "file": "main.remit",
        "line": 11,
        "column": 3,
        "goals": [
            {
                "kind": "condition", "type": "record", "action": "sign", "rule": 1,
                "condition": 'resource.status == "open"', "outcome": False,
            }
        ],
    }  # fmt: skip
    assert (found["left_out"], found["unknown"]) == ([], [])


def test_without_the_option_nothing_is_measured(folder: Path) -> None:
    """Coverage is in the JSON only when it is asked for."""
    assert "coverage" not in json.loads(call("clinic", "--output-format", "json").stdout)["policies"][0]


@pytest.mark.parametrize(("least", "code"), [("60", 0), ("60.5", 1), ("0", 0), ("100", 1)])
def test_fail_under(folder: Path, least: str, code: int) -> None:
    """`--fail-under` is exit 1 where the tests reach less than so many percent, and says of which policy."""
    found = call("clinic", "--fail-under", least)
    assert found.exit_code == code
    assert (f"the tests of `clinic` reach 60 %, and {least} % was asked for" in found.stderr) == bool(code)


@pytest.mark.parametrize("least", ["99.999999999", "60.50", "1e2"])
def test_fail_under_is_said_as_it_was_given(folder: Path, least: str) -> None:
    """The number that was missed is said as it was written, and not rounded to another."""
    assert f"reach 60 %, and {least} % was asked for" in call("clinic", "--fail-under", least).stderr


@pytest.mark.parametrize("option", ["--fail-under", "--mutate-fail-under"])
@pytest.mark.parametrize("least", ["nan", "inf", "-inf", "-1", "100.5", "all"])
def test_fail_under_what_is_no_percentage(folder: Path, option: str, least: str) -> None:
    """Less than nothing, more than all, or no number cannot be asked for; what can is said."""
    found = call("clinic", option, least)
    assert found.exit_code == 2
    assert f"`{least}` is no percentage, write a number from 0 to 100" in found.stderr


def test_a_long_condition(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is found out of a part of a condition serves the goals of all others: few forms are written out for one."""
    written: list[Any] = []
    plain = json.JSONEncoder.iterencode

    def counted(encoder: json.JSONEncoder, form: Any, **how: Any) -> Any:
        written.append(form)
        return plain(encoder, form, **how)

    monkeypatch.setattr(json.JSONEncoder, "iterencode", counted)
    long = " and ".join(f"(resource.n != {number} or resource.b)" for number in range(60))
    policy = Policy.from_sources(
        {
            "main.remit": f"""policy p
area things {{ resource thing {{ n: int  b: bool  actions read }} }}
role reader {{ allow read on thing when {long} }}
"""
        }
    )
    written.clear()
    found = run(policy.table, lambda: 0, policy.index, cover=True).coverage
    assert found is not None
    assert (found.conditions.total, len(found.left_out), len(found.witnesses)) == (61, 0, 60)
    assert 0 < len(written) < 60 * 61  # once for each goal and part would be as many


# -- the page ----------------------------------------------------------------------------------------------------------


class _Reader(HTMLParser):
    """Collects what a page is made of."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.open: list[str] = []
        self.text = ""
        self.wrong: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        known = dict(attrs)
        self.ids += [known["id"] or ""] if "id" in known else []
        self.links += [known["href"] or ""] if "href" in known else []
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def page(*texts: str) -> str:
    return coverage_html([Page(covered(*texts), {"main.remit": "\n".join(texts)})])


def test_the_page_stands_alone() -> None:
    """One page without scripts or anything from elsewhere, every tag closed, every link to an anchor of its own."""
    made = page(CLINIC, SIGNING)
    found = _Reader(made)
    assert (found.open, found.wrong) == ([], [])
    assert "script" not in found.tags
    assert len(set(found.ids)) == len(found.ids)
    assert found.links
    assert {link.removeprefix("#") for link in found.links} <= set(found.ids)
    assert re.findall(r"https?:|url\(|@import|<img|<link", made) == []
    assert "prefers-color-scheme:dark" in made


def test_the_page_has_source_matrix_and_gaps() -> None:
    """The policy's text is there with a sign beside each rule, and each gap with its words."""
    found = _Reader(page(CLINIC, SIGNING))
    assert "allow read on record" in found.text
    assert "Paws & <Co>" in found.text
    assert 'resource.status == "open" was never false' in found.text
    assert {"✓", "◐", "✗"} <= set(found.text)


def test_the_page_escapes_what_a_policy_says() -> None:
    """Markup and control characters in titles, names and texts are shown and do nothing."""
    hostile = CLINIC.replace('"Paws & <Co>"', '"<script>alert(1)</script>\\u{1b}\\u{202e}"').replace(
        "role viewer",
        'role `<b onload="x">` { allow sign on record when resource.note2 == "</style><i>" }\nrole viewer',
    )
    made = page(hostile.replace("note: string?", "note: string?  note2: string"), "# </td><script>x</script>", SIGNING)
    found = _Reader(made)
    assert (found.open, found.wrong) == ([], [])
    assert "script" not in found.tags
    assert "\x1b" not in made
    assert "\u202e" not in made
    assert '<b onload="x">' in found.text


def test_the_page_of_the_command(folder: Path) -> None:
    """`--coverage-html FILE` writes the page beside the usual output; `--output-format html` prints it."""
    found = call("clinic", "--coverage-html", "cov.html")
    assert found.stdout.startswith("clinic   1 example")
    assert "allow read on record" in (folder / "cov.html").read_text(encoding="utf-8")
    assert call("clinic", "--output-format", "html").stdout == (folder / "cov.html").read_text(encoding="utf-8")


def test_the_page_of_a_compiled_table(folder: Path) -> None:
    """A compiled table has no text to show: the page does without."""
    assert CliRunner().invoke(remit, ["compile", "--policy", "clinic", "-o", "table.json"]).exit_code == 0
    made = _Reader(call("table.json", "--output-format", "html").stdout)
    assert "record.read" in made.text
    assert {link.removeprefix("#") for link in made.links} <= set(made.ids)


# -- the shipped policies ----------------------------------------------------------------------------------------------


def shipped() -> list[str]:
    root = Path(__file__).resolve().parents[2] / "policies"
    return sorted(str(path.parent.relative_to(root)) for path in root.rglob("policy.remit"))


@pytest.mark.parametrize("policy", shipped())
def test_shipped_policies_are_covered(policy: str, root: Path) -> None:
    """The tests of every shipped policy and overlay reach all that can be reached, and what was left out of that is
    impossible."""
    loaded = Policy.load(root / "policies" / policy)
    found = run(loaded.table, lambda: 1_767_268_800 * 10**9, loaded.index, cover=True).coverage
    assert found is not None
    assert (missing(found), found.total > 0) == ([], True)
    assert [left for left in found.left_out if not left.impossible] == []

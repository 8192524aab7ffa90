"""One rich difference through every format: what each looks like, and that hostile and large ones stay readable."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest
from syrupy.assertion import SnapshotAssertion

from remit.analysis.concerned import Concerned
from remit.analysis.reviewing import Review, review, with_people
from remit.evaluator.pdp import Pdp
from remit.policy import Directory, Policy
from remit.proof.compare import compare
from remit.report.diff_html import diff_html
from remit.report.diff_json import diff_json
from remit.report.diff_markdown import MOST, code, diff_markdown
from remit.report.diff_text import diff_text
from remit.report.diff_words import Paths
from remit.table.shape import Table

pytest.importorskip("z3")

CATALOGUE = """\
policy clinic "Paws & Co"
scope company
scope branch in company
area patients "Patients" {
  resource record { vet: user  status: "open" | "closed"  note: string?  actions read, update, delete, sign }
}
area money "Money" {
  resource invoice { owner: user  amount: int  actions read, refund, void }
  resource report { actions read, export }
}
context { hour: int }
"""
OLD = f"""{CATALOGUE}
condition treats "the vet in charge" = resource.vet == user.id
locked role owner "Owner" includes vet {{ allow * on * }}
role viewer "Viewer" {{ in patients {{ allow read on record }} in money {{ allow read on report }} }}
role nurse "Nurse" includes viewer {{ in patients {{ allow update on record when resource.status == "open" }} }}
role vet "Vet" includes nurse {{
  in patients {{ allow sign on record when treats }}
  in money {{ allow refund on invoice when resource.amount <= 500 }}
}}
role audit "Audit" {{ deny void on invoice  in money {{ allow read on * }} }}
role clerk "Clerk" {{ in money {{ allow read, void on invoice when context.hour < 20 }} }}
role desk "Desk" {{ in money {{ allow export on report when resource.scope == "x" or resource.scope != "x" }} }}
everyone {{ deny sign on record when context.hour < 6 }}
guard last_owner: at least 1 active owner
guard duties: never vet with audit
"""
NEW = f"""{CATALOGUE.replace("amount: int", "amount: int  paid: bool")}
condition treats "the vet in charge" = resource.vet == user.id and resource.status == "open"
role owner "Owner" includes vet {{ allow * on * }}
role viewer "Viewer" {{ in patients {{ allow read on record }} }}
role nurse "Nurse" includes viewer {{ in patients {{ allow update on record when resource.status == "closed" }} }}
role vet "Vet" includes nurse {{
  in patients {{ allow sign on record when treats  allow delete on record when treats because "who treats may" }}
  in money {{ allow refund on invoice }}
}}
role audit "Audit" {{ in money {{ allow read on * }} }}
role clerk "Clerk" {{ in money {{ allow read, void on invoice when context.hour >= 8 and context.hour < 20 }} }}
role desk "Desk" {{ in money {{ allow export on report }} }}
everyone {{ deny sign on record when context.hour < 6 }}
guard last_owner: at least 1 active owner
"""
DIRECTORY = """
scopes: {branch/north: {}}
users:
  ann: {assignments: [{role: vet, scope: branch/north}]}
  bob: {status: disabled, assignments: [{role: vet}]}
  cyd: {assignments: [{role: owner}]}
  dot: {}
groups:
  all: {members: [group/desk], assignments: [{role: clerk}]}
  desk: {members: [dot]}
"""
NAMES = ("main", "policy")
PATHS = Paths(str, str)


def tables(old: str, new: str) -> tuple[Table, Table]:
    before, after = (Policy.from_sources({"clinic.remit": text}).table for text in (old, new))
    return before, after


def reviewed(old: str, new: str, directory: str | None = None) -> Review:
    before, after = tables(old, new)
    found = review(compare(before, after), before, after)
    if directory is None:
        return found
    people = Directory.from_text(directory).data
    pdps = Pdp(before, people, lambda: 0), Pdp(after, people, lambda: 0)
    return with_people(found, Concerned(people, (after, before), 0), pdps)


@pytest.fixture(scope="module")
def rich() -> Review:
    """One change of each class, folded and not, and others beside."""
    found = reviewed(OLD, NEW, DIRECTORY)
    assert {entry.kind for entry in found.entries} == {*found.changed}
    return found


def test_text(rich: Review, snapshot: SnapshotAssertion) -> None:
    """The text, without colour; with it only the escapes are more."""
    text = diff_text(rich, PATHS)
    assert text == snapshot
    assert re.sub(r"\x1b\[[0-9]*m", "", diff_text(rich, PATHS, colour=True)) == text


def test_json(rich: Review, snapshot: SnapshotAssertion) -> None:
    """The JSON, laid out for reading."""
    pieces = diff_json(rich, *tables(OLD, NEW), NAMES, ("0" * 40, None))
    assert json.dumps(json.loads("".join(pieces)), indent=1, ensure_ascii=False) == snapshot


def test_markdown(rich: Review, snapshot: SnapshotAssertion) -> None:
    """The comment."""
    assert diff_markdown(rich, PATHS, NAMES) == snapshot


def test_html(rich: Review, snapshot: SnapshotAssertion) -> None:
    """The page; it takes nothing from elsewhere and runs nothing."""
    page = diff_html(rich, PATHS, NAMES)
    assert page.partition("</style>")[2] == snapshot
    assert not re.search(r"<script|\bon\w+=|src=|href=|url\(|@import", page)


# -- one thing in every output -----------------------------------------------------------------------------------------


def outputs(old: str, new: str) -> tuple[str, str, str]:
    """Text, Markdown and the page's body."""
    found = reviewed(f"{CATALOGUE}\n{old}", f"{CATALOGUE}\n{new}")
    page = diff_html(found, PATHS, NAMES).partition("<body>")[2]
    return diff_text(found, PATHS), diff_markdown(found, PATHS, NAMES), page


CLERK = 'role clerk "Clerk" { in money { allow void on invoice } }'
DENY = "role audit { in money { deny void on invoice%s } }"


@pytest.mark.parametrize(
    ("before", "after", "verb", "title"),
    [
        ("role audit { }", DENY % "", "now forbids 1 permission to others", "Now forbidden to others"),
        (DENY % "", "role audit { }", "no longer forbids 1 permission to others", "No longer forbidden to others"),
        (
            DENY % " when resource.amount > 5",
            DENY % "",
            "forbids 1 permission to others in more cases",
            "Forbidden to others in more cases",
        ),
        (
            DENY % "",
            DENY % " when resource.amount > 5",
            "forbids 1 permission to others in fewer cases",
            "Forbidden to others in fewer cases",
        ),
        (
            DENY % " when resource.amount > 5",
            DENY % " when resource.amount <= 5",
            "forbids 1 permission to others in other cases",
            "Forbidden to others in other cases",
        ),
    ],
)
def test_what_a_role_forbids_is_told_as_that(before: str, after: str, verb: str, title: str) -> None:
    """In the head line of each output, and in the title above it: the role itself gains and loses nothing."""
    text, markdown, page = outputs(f"{CLERK} {before}", f"{CLERK} {after}")
    assert text.startswith(f"`audit` {verb}\n")
    assert markdown.startswith(f"### `audit` {verb}\n")
    assert f"<h1><code>audit</code> {verb}</h1>" in page
    assert re.search(rf"^#### \S+ {title} \(1 permission\)$", markdown, re.M)
    assert f"</b> {title}</h2>" in page
    for output in (text, markdown):
        assert not re.search(r"gains|loses|Gained|Lost", output)


def test_many_roles_that_forbid_are_counted() -> None:
    """Where the head line has no room for each."""
    before = "\n".join(f"role r{number} {{ }}" for number in range(7))
    text, *_ = outputs(f"{CLERK} {before}", f"{CLERK} {before.replace('{ }', '{ deny void on invoice }')}")
    assert text.startswith("7 roles now forbid 7 permissions to others\n")


def test_a_line_that_did_not_change_is_no_new_line() -> None:
    """What a role includes newly stands on both sides: it is shown without a sign."""
    base = "role reads {\n allow read on invoice\n}"
    old = f"{base}\nrole desk {{\n allow read on invoice when resource.amount < 5\n}}"
    new = f"{base}\nrole desk includes reads {{\n allow void on invoice\n}}"
    _, markdown, page = outputs(old, new)
    assert re.findall(r"^[-+ ] (?:allow|deny) .*$", markdown, re.M) == [
        "  allow read on invoice    # clinic.remit:14",
        "- allow read on invoice when resource.amount < 5    # clinic.remit:17",
        "+ allow void on invoice    # clinic.remit:17",
    ]
    assert "+ clinic.remit:14" not in page
    assert "  clinic.remit:14   allow read on invoice" in page


def test_an_included_line_of_a_new_role_is_no_new_line() -> None:
    """Neither on the page, where each entry has its own lines."""
    base = "role reads {\n allow read on invoice\n}"
    _, markdown, page = outputs(base, f"{base}\nrole desk includes reads {{ }}")
    assert "+ allow" not in markdown
    assert "<pre>  clinic.remit:14   allow read on invoice</pre>" in page


def test_asserts_are_named_by_their_titles_and_lines() -> None:
    """Not by their whole text: one without a title by its first words; one that kept its title changed."""
    roles = "role reads { }\nrole other { }"
    long = "assert only reads, other may read, refund, void on invoice when resource.amount < 5"
    old = f'{roles}\nassert "goes": reads within other\nassert "stays":\n reads within other'
    new = f'{roles}\n{long}\nassert "stays": other within reads\nassert "comes": reads within other'
    text, markdown, page = outputs(old, new)
    assert text.partition("Beside that:\n")[2].splitlines() == [
        "  assert `goes` is gone (was clinic.remit:15)",
        "  assert `comes` is new (clinic.remit:17)",
        "  assert `stays` changed (clinic.remit:16)",
        "  assert `only reads, other may read, refund, void on invoice when …` is new (clinic.remit:15)",
    ]
    assert "- assert `stays` changed (`clinic.remit:16`)" in markdown
    assert "<li>assert <code>stays</code> changed (clinic.remit:16)</li>" in page


# -- hostile texts -----------------------------------------------------------------------------------------------------

HOSTILE = "`|@admin <img src=x onerror=y> \\| **b** [x](http://y) #1 \\u{1b}[31m \\u{202e}"


def hostile() -> Review:
    name = "`@team|<b>x</b>`"
    old = f"{CATALOGUE}\nrole {name} {{ }}"
    text = HOSTILE.replace("\\|", "\\\\|")
    new = f'{CATALOGUE}\nrole {name} {{ in patients {{ allow read on record when resource.note == "{text}" }} }}'
    new = new.replace("when resource", "when has resource.note and resource")
    return reviewed(old, new, "users: {'@ann|<i>`x`': {assignments: [{role: '@team|<b>x</b>'}]}}")


def test_markdown_stays_whole_with_hostile_texts() -> None:
    """No name is a mention, no text is HTML or Markdown, and each row has its columns."""
    page = diff_markdown(hostile(), PATHS, ("@x|y", "`z`"))
    bare = re.sub(r"<code>[^<]*</code>|`[^`]*`", "", re.sub(r"```.*?```", "", page, flags=re.S))
    for sign in ("@", "<img", "<b>", "**b", "](http", "\x1b", "\u202e"):
        assert sign not in bare, sign
    rows = [line for line in re.sub(r"```.*?```", "", page, flags=re.S).splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {6}


def test_code_spans_hold_any_text() -> None:
    """Signs that would end a span, or a table's cell, are written as entities."""
    assert code("a b") == "`a b`"
    assert code("a|b") == "<code>a&#124;b</code>"
    assert code("`<x>`") == "<code>&#96;&#60;x&#62;&#96;</code>"
    assert code("") == ""


def test_html_stays_whole_with_hostile_texts() -> None:
    """The only elements are those the page is made of, each closed."""

    class Elements(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.open: list[str] = []
            self.seen: set[str] = set()

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.seen.add(tag)
            assert {name for name, _ in attrs} <= {"class", "lang", "charset", "name", "content"}
            if tag != "meta":
                self.open.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert self.open.pop() == tag

    parser = Elements()
    parser.feed(diff_html(hostile(), PATHS, ("<x>", "&amp;")))
    assert parser.open == []
    assert parser.seen.isdisjoint({"img", "i", "script", "a"})


def test_text_shows_no_control_characters() -> None:
    """Whatever the policy and the directory hold."""
    assert diff_text(hostile(), PATHS).replace("\n", "").isprintable()


# -- sizes -------------------------------------------------------------------------------------------------------------


def many(count: int) -> Review:
    roles = [f"role r{number}" for number in range(count)]
    old = "\n".join(f"{role} {{ in money {{ allow read on invoice when resource.amount <= 5 }} }}" for role in roles)
    new = "\n".join(f"{role} {{ in money {{ allow read on invoice when resource.amount <= 6 }} }}" for role in roles)
    return reviewed(f"{CATALOGUE}\n{old}", f"{CATALOGUE}\n{new}")


@pytest.mark.parametrize("count", [1, 30, 500])
def test_a_comment_has_room(count: int) -> None:
    """One change or five hundred: it fits, what does not is counted, and everything that was opened is closed."""
    page = diff_markdown(many(count), PATHS, NAMES)
    assert len(page.encode()) <= MOST
    assert page.count("<details>") == page.count("</details>")
    assert page.count("```") % 2 == 0
    rows = page.count("| **`r")
    left = re.search(r"… and ([\d,]+) more row", page)
    assert (rows == count) == (left is None)
    assert page.startswith(f"### {f'{count} roles gain {count}' if count > 5 else '`r0` gains 1'} permission")


def test_a_comment_with_little_room_says_what_it_leaves_out() -> None:
    """However little."""
    page = diff_markdown(many(40), PATHS, NAMES, 3_000)
    assert len(page.encode()) <= 3_000
    assert re.search(r"… and \d+ more rows, for which this comment has no room", page)


def test_nothing_changed_is_a_sentence() -> None:
    """In every format for people."""
    found = reviewed(OLD, OLD)
    assert diff_text(found, PATHS) == "no role allows or forbids anything else"
    assert diff_markdown(found, PATHS, NAMES) == "### No role allows or forbids anything else\n\n`main` → `policy`"
    assert "<h1>no role allows or forbids anything else</h1>" in diff_html(found, PATHS, NAMES)

"""`remit test --suggest`: the missing tests parse, pass, and reach all that can be reached."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner, Result
from referee.generate import make_case
from referee.judge import build

from remit import Policy
from remit.cli.main import remit
from remit.project.sources import read
from remit.testing import suggest
from remit.testing.coverage import Coverage
from remit.testing.run import run
from remit.testing.suggest import MARK, MOST_LINES, suggested

NOON = 1_767_268_800 * 10**9
HINT = "  suggest them with: remit test --suggest\n"
LATER = NOON + 400 * 86_400 * 10**9  # what is suggested must not depend on the day

CLINIC = """policy clinic
scope company
scope branch in company
area patients {
  resource record {
    vet: user  status: "open" | "closed"  note: string?  cost: int  seen: time  actions read, sign, delete
  }
}
user { department: string }
context { hour: int }
condition treats = resource.vet == user.id
role viewer { allow read on record }
role vet includes viewer {
  allow sign on record when treats and resource.status == "open" and context.hour < 20
  deny delete on record when has resource.note and resource.cost > 500
}
role owner { allow delete on record when context.time - resource.seen > 30d or user.department in ["surgery"] }
"""


def coverage(policy: Policy, now: int = NOON) -> Coverage:
    """What the tests of a policy reach; they pass."""
    found = run(policy.table, lambda: now, policy.index, cover=True)
    assert [failure for test in found.tests for failure in test.failures] == []
    assert found.coverage is not None
    return found.coverage


def suggestions(policy: Policy) -> str:
    return suggested(policy.table, policy.index, coverage(policy).witnesses)


def completes(sources: dict[str, str], base: Policy | None = None, name: str = "policy") -> Coverage:
    """Suggests, appends, and measures again: all that can be reached is."""
    policy = Policy.from_sources(sources, base, name)
    before = coverage(policy)
    text = suggested(policy.table, policy.index, before.witnesses)
    assert text == suggestions(Policy.from_sources(sources, base, name))
    after = coverage(Policy.from_sources({**sources, "zz_suggested.remit": text}, base, name), LATER)
    assert (after.missing, after.total) == ((), before.total)
    return before


# -- what is suggested -------------------------------------------------------------------------------------------------


def test_few_readable_tests() -> None:
    """One test for a type, its people called after their roles, each marked as unreviewed; the same in every run."""
    text = suggestions(Policy.from_sources({"main.remit": CLINIC.partition("role owner")[0]}))
    assert (
        text
        == f"""# {MARK}
test "read, sign, delete on record, as it is today" {{
  user a_viewer is viewer
  user an_outsider
  user a_vet is vet
  given record record_1
  given record record_2 {{ vet: a_vet, status: "open" }}
  given record record_3 {{ vet: other, status: "open" }}
  given record record_4 {{ vet: a_vet, status: "closed" }}
  given record record_5 {{ note: "something", cost: 501 }}
  given record record_6 {{ cost: 501 }}
  given record record_7 {{ note: "something", cost: 500 }}
  a_viewer may read record_1
  an_outsider may not read record_1
  a_vet may sign record_2 with {{ hour: 19 }}
  a_vet may not sign record_3 with {{ hour: 19 }}
  a_vet may not sign record_4 with {{ hour: 19 }}
  a_vet may not sign record_2 with {{ hour: 20 }}
  a_vet may not delete record_5
  a_vet may not delete record_6
  a_vet may not delete record_7
}}
"""
    )


def test_nothing_is_suggested_where_nothing_is_missing() -> None:
    """Of a policy that is covered there is nothing to suggest."""
    sources = {"main.remit": CLINIC}
    sources["more.remit"] = suggestions(Policy.from_sources(sources))
    assert suggestions(Policy.from_sources(sources)) == ""


def test_only_what_is_missing() -> None:
    """What tests reach already is not suggested again."""
    reading = 'test "r" { user v is viewer  user w  given record r  v may read r  w may not read r }'
    assert " read " not in suggestions(Policy.from_sources({"main.remit": CLINIC + reading}))


def test_a_test_is_no_longer_than_can_be_read() -> None:
    """Many requests of one type are several tests, with titles of their own."""
    actions = ", ".join(f"a{number}" for number in range(60))
    policy = Policy.from_sources(
        {"main.remit": f"area a {{ resource r {{ actions {actions} }} }} role x {{ allow * on r }}"}
    )
    blocks = suggestions(policy).split("# ")[1:]
    assert len(blocks) > 4
    assert all(block.count(" may ") <= MOST_LINES + 1 for block in blocks)
    assert len({block.splitlines()[1] for block in blocks}) == len(blocks)


def test_twice_as_much_takes_twice_as_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written for each request does not grow with those that were written before it."""
    written: list[object] = []
    whole = suggest._object
    monkeypatch.setattr(suggest, "_object", lambda values: written.append(values) or whole(values))

    def effort(rules: int) -> float:
        lines = "".join(f"allow x on r when resource.n == {number} " for number in range(rules))
        text = f"area a {{ resource r {{ n: int  actions x }} }} role a {{ {lines}}}"
        policy = Policy.from_sources({"main.remit": text})
        witnesses = coverage(policy).witnesses
        written.clear()
        assert suggested(policy.table, policy.index, witnesses).count(" may ") > rules
        return len(written) / len(witnesses)

    assert effort(80) < 1.3 * effort(20)


# -- it completes ------------------------------------------------------------------------------------------------------


def test_it_completes() -> None:
    """Appended, the suggestions reach all; on another day, too."""
    assert completes({"main.remit": CLINIC}).missing


HARD = {
    "names that are no plain ones": (
        "area a { resource `pods/log` { `is`: bool  actions `not`, `get it`, may } }"
        " role `given` { allow * on `pods/log` when resource.`is` } role with { deny may on `pods/log` }"
    ),
    "texts with signs": (
        "area a { resource r { t: string  actions x } }"
        ' role a { allow x on r when resource.t == "a \\"b\\" \\\\ \\n\\u{1b}" or resource.t == "" }'
    ),
    "ids": 'area a { resource r { actions x } } role a { allow x on r when resource.id == "is" and user.id == "a b" }',
    "numbers": (
        "area a { resource r { n: int  actions x } }"
        " role a { allow x on r when resource.n > 9223372036854775806 or resource.n < -5 }"
    ),
    "sets": (
        "area a { resource r { s: set of string  peers: set of user?  actions x } }"
        ' role a { allow x on r when "q" in resource.s and has resource.peers and user.id in resource.peers }'
    ),
    "groups": 'area a { resource r { actions x } } role a { allow x on r when "desk" in user.groups }',
    "roles": (
        "area a { resource r { actions x } } role a { allow x on r } role b {}"
        ' everyone { deny x on r when "b" in user.roles }'
    ),
    "places": (
        "scope company scope branch in company area a { resource r { actions x } }"
        ' role a { allow x on r when resource.scope == "branch/north" and "b" not in user.roles } role b {}'
    ),
    "times": (
        "area a { resource r { at: time  until: time?  actions x } }"
        " role a { allow x on r when context.time < resource.at"
        ' or has resource.until and resource.until - resource.at > 7d and context.time > "2030-01-01T00:00:00Z" }'
    ),
    "members": (
        "area a { resource r { o: user  actions x } } role a {} members { allow x on r when resource.o == user.id }"
    ),
    "everyone": "area a { resource r { o: user  actions x } } everyone { allow x on r when resource.o != user.id }",
}


@pytest.mark.parametrize("text", HARD.values(), ids=HARD)
def test_it_completes_what_is_hard_to_write(text: str) -> None:
    """Backticks, quotes, control characters, 64-bit ints, sets, groups, two roles, places and times: the suggestions
    parse, pass and reach all, and nothing was left out."""
    before = completes({"main.remit": text})
    assert before.missing
    assert before.left_out == ()


@pytest.mark.parametrize("seed", range(8))
def test_it_completes_generated_policies(seed: int) -> None:
    """On generated policies and the overlays over them the suggestions parse, pass and reach all that can be
    reached."""
    case = make_case(Random(seed))
    completes(case.sources)
    for number, overlay in enumerate(case.overlays):
        completes(overlay, build(case.sources, case.overlays[:number]), f"over{number}")


def shipped() -> list[str]:
    root = Path(__file__).resolve().parents[2] / "policies"
    return sorted(str(path.parent.relative_to(root)) for path in root.rglob("policy.remit"))


@pytest.mark.parametrize("name", shipped())
def test_it_completes_the_shipped_policies_without_their_tests(name: str, root: Path) -> None:
    """Each shipped policy and overlay, stripped of its tests, is completed."""
    folder = root / "policies" / name
    sources = {source.name: source.text for source in read(folder)[0]}
    tests = ("tests.remit", "events.remit", "coverage.remit", "limits.remit")
    bare = {file: text for file, text in sources.items() if file not in tests}
    base = Policy.load(folder.parents[1]) if "overlays" in name else None
    assert len(completes(bare, base, folder.name).missing) > 10


# -- the command -------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the command is called; the policy is in `clinic`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "clinic").mkdir()
    (tmp_path / "clinic/main.remit").write_text(CLINIC, encoding="utf-8")
    return tmp_path


def call(*words: str) -> Result:
    return CliRunner().invoke(remit, ["test", *words])


def test_to_standard_output(folder: Path) -> None:
    """Without -o the tests are printed, and nothing else."""
    found = call("clinic", "--suggest")
    assert found.exit_code == 0
    assert found.stdout == suggestions(Policy.load("clinic"))


def test_to_a_new_file(folder: Path) -> None:
    """With -o they are written, and counted on standard error; then nothing is missing."""
    found = call("clinic", "--suggest", "-o", "clinic/more.remit")
    assert (found.exit_code, found.stdout) == (0, "")
    assert found.stderr == "1 test to review, in clinic/more.remit\n"
    assert call("clinic", "--fail-under", "100").exit_code == 0
    assert call("clinic", "--suggest").stderr == "no test is missing\n"


def test_never_over_a_file(folder: Path) -> None:
    """A file that is there stays as it is, unless told to be added to: then what was there stays, and comes first."""
    before = (folder / "clinic/main.remit").read_text(encoding="utf-8")
    found = call("clinic", "--suggest", "-o", "clinic/main.remit")
    assert found.exit_code == 2
    assert "`clinic/main.remit` is there already" in found.stderr
    assert (folder / "clinic/main.remit").read_text(encoding="utf-8") == before
    assert call("clinic", "--suggest", "--append", "-o", "clinic/main.remit").exit_code == 0
    after = (folder / "clinic/main.remit").read_text(encoding="utf-8")
    assert after.startswith(before + "\n# " + MARK)
    assert call("clinic", "--fail-under", "100").exit_code == 0


def test_append_goes_with_a_file(folder: Path) -> None:
    """`--append` without suggestions, or without a file, is a mistake."""
    assert call("clinic", "--append").exit_code == 2
    assert call("clinic", "--suggest", "--append").exit_code == 2


@pytest.mark.parametrize("name", ["clinic/directory.yaml", "remit.toml", "notes.txt", "clinic", "new.yaml"])
def test_append_to_a_file_of_a_policy_alone(folder: Path, name: str) -> None:
    """`--append` to what is no `.remit` file, there or not, is a mistake; it says what to write, and writes nothing."""
    for there in ("clinic/directory.yaml", "remit.toml", "notes.txt"):
        (folder / there).write_text("", encoding="utf-8")
    before = {path: path.is_dir() or path.read_bytes() for path in folder.rglob("*")}
    found = call("clinic", "--suggest", "--append", "-o", name)
    assert (found.exit_code, found.stdout) == (2, "")
    assert f"`{name}` is no file of a policy, and tests are added to such a file alone" in found.stderr
    assert "name one that ends in `.remit`: -o policy/more_tests.remit" in found.stderr
    assert {path: path.is_dir() or path.read_bytes() for path in folder.rglob("*")} == before


def test_append_to_a_new_file(folder: Path) -> None:
    """`--append` makes a `.remit` file that is not there."""
    assert call("clinic", "--suggest", "--append", "-o", "clinic/more.remit").exit_code == 0
    assert (folder / "clinic/more.remit").read_text(encoding="utf-8").startswith(f"# {MARK}\ntest ")


def test_never_in_the_place_of_a_directory(folder: Path) -> None:
    """Suggestions are not written to a new file by the name of a directory, which would be read as one."""
    found = call("clinic", "--suggest", "-o", "clinic/directory.yaml")
    assert (found.exit_code, (folder / "clinic/directory.yaml").exists()) == (2, False)
    assert "`clinic/directory.yaml` is a directory" in found.stderr


@pytest.mark.parametrize("where", [[], ["-o", "clinic/more.remit"]])
def test_coverage_beside_suggestions(folder: Path, where: list[str]) -> None:
    """With --coverage what the tests reach comes on standard error, so that the suggestions alone can be redirected."""
    plain = call("clinic", "--suggest")
    table = call("clinic", "--coverage").stdout.partition("\n\n")[2].removesuffix(HINT)
    found = call("clinic", "--suggest", "--coverage", *where)
    assert table.startswith("cells 0 of 3 · ")
    assert found.stderr.startswith(f"clinic   {table}")
    assert found.stdout == ("" if where else plain.stdout)
    assert "cells" not in plain.stderr


def test_coverage_beside_suggestions_where_nothing_is_missing(folder: Path) -> None:
    """It comes of a policy that lacks no test, too."""
    call("clinic", "--suggest", "-o", "clinic/more.remit")
    found = call("clinic", "--suggest", "--coverage")
    assert found.stderr.startswith("clinic   cells 3 of 3 · ")
    assert found.stderr.endswith(" · 100 %\nno test is missing\n")


def test_several_policies(folder: Path) -> None:
    """Of several policies each has its name above its tests; a file belongs to one."""
    (folder / "other").mkdir()
    (folder / "other/main.remit").write_text(CLINIC.replace("policy clinic", "policy other"), encoding="utf-8")
    found = call(".", "--suggest")
    assert [line for line in found.stdout.splitlines() if line.startswith("# policy")] == [
        "# policy clinic",
        "# policy other",
    ]
    refused = call(".", "--suggest", "-o", "more.remit")
    assert refused.exit_code == 2
    assert not (folder / "more.remit").exists()


def test_titles_of_tests_that_were_not_run_are_taken(folder: Path) -> None:
    """Where only some tests are run, no suggestion has the title of another test of the policy."""
    title = "read, sign, delete on record, as it is today"
    text = f'{CLINIC}test "{title}" {{ user v is viewer  given record r  v may read r }}\ntest "t" {{ user v }}\n'
    (folder / "clinic/main.remit").write_text(text, encoding="utf-8")
    assert f'test "{title} (2)" {{' in call("clinic", "--suggest", "-k", "t", "-k", f"not {title}").stdout


def test_a_failing_test_is_told_apart(folder: Path) -> None:
    """What fails is shown on standard error, and the exit code is 1; the suggestions are made all the same."""
    text = CLINIC + 'test "wrong" { user v is viewer  given record r  v may not read r }'
    (folder / "clinic/main.remit").write_text(text, encoding="utf-8")
    found = call("clinic", "--suggest")
    assert found.exit_code == 1
    assert "failed: wrong" in found.stderr
    assert found.stdout.startswith(f"# {MARK}\ntest ")

"""`--fix`, `--unsafe-fixes` and `--diff`: what is done, what is refused, and what the files hold then."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from remit.cli.main import remit
from remit.diagnostics import Diagnostic, Edit, Fix
from remit.lint.rule import LintRule, Subject
from remit.project import fixing
from remit.source import Span

HEAD = "policy shop\narea sales { resource order { total: int  actions read, write } }\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def lint(*options: str, select: str = "E,W305,W901") -> Result:
    done = CliRunner().invoke(remit, ["lint", *options, "--select", select])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def write(text: str, name: str = "main.remit") -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_bytes(text.encode())


def read(name: str = "main.remit") -> str:
    return Path(name).read_bytes().decode()


def role(*lines: str, name: str = "clerk") -> str:
    return f"{HEAD}role {name} {{\n" + "".join(f"  {line}\n" for line in lines) + "}\n"


Put = Callable[[str, str, bool], None]


@pytest.fixture
def put(monkeypatch: pytest.MonkeyPatch) -> Put:
    """A rule that would put one word in place of each place of another in the policy's own text."""
    rules: list[LintRule] = []

    def add(old: str, new: str, safe: bool) -> None:
        def check(subject: Subject) -> Iterator[Diagnostic]:
            for source in subject.sources:
                at = source.text.find(old)
                while at >= 0:
                    span = Span(source, at, at + len(old))
                    fix = Fix("replace it", (Edit(span, new),), safe)
                    yield Diagnostic("W305", f"{old} {at}", span, level="warning", fix=fix)
                    at = source.text.find(old, at + 1)

        rules.append(LintRule("W305", "duplicate-rule", "policy", "warning", True, check))

    monkeypatch.setattr("remit.lint.run.rules", lambda: tuple(rules))
    return add


def test_safe_fixes_are_done() -> None:
    """What is fixed is gone from the file and from the findings; the rest of the text stays as it was."""
    write(role("allow read on order  # one", "", "allow read on order", "# two", "allow read on order # three", "  "))
    ran = lint("--fix")
    assert (ran.exit_code, ran.stdout) == (0, "no findings in 1 file\n")
    assert ran.stderr == "fixed 2 findings in 1 file\n"
    assert read() == role("allow read on order  # one", "", "# two", "# three", "  ")


def test_a_comment_that_silenced_what_is_fixed_elsewhere() -> None:
    """What a fix leaves behind is fixed in the next round: the comment of a finding that is gone."""
    write(role("allow read on order  # remit: ignore[W305] -- why", "allow read on order"))
    assert lint("--fix").exit_code == 0
    assert read() == role("allow read on order")


def test_what_is_silent_is_not_fixed() -> None:
    """A finding kept silent is not fixed."""
    text = role("allow read on order", "allow read on order  # remit: ignore[W305] -- why")
    write(text)
    lint("--fix")
    assert read() == text


def test_lines_end_as_they_did() -> None:
    """A file with CRLF keeps it."""
    write(role("allow read on order", "allow read on order", "allow write on order").replace("\n", "\r\n"))
    lint("--fix")
    assert read() == role("allow read on order", "allow write on order").replace("\n", "\r\n")


def test_diff_writes_nothing() -> None:
    """`--diff` prints what would be done, exits with 1, and with 0 where nothing would be."""
    text = role("allow read on order", "allow read on order")
    write(text)
    ran = lint("--diff")
    assert (ran.exit_code, ran.stderr) == (1, "1 finding would be fixed\n")
    assert ran.stdout.splitlines()[:3] == ["--- a/main.remit", "+++ b/main.remit", "@@ -2,5 +2,4 @@"]
    assert "-  allow read on order" in ran.stdout.splitlines()
    assert read() == text
    write(role("allow read on order"))
    assert (lint("--diff").exit_code, lint("--diff").stdout) == (0, "")


def test_unsafe_fixes_are_asked_for(put: Put) -> None:
    """An unsafe fix changes what is allowed, and is done with `--unsafe-fixes` alone."""
    put("write", "read", False)
    text = role("allow write on order")
    write(text)
    lint("--fix")
    assert read() == text
    assert "unsafe-fixes" in lint("--unsafe-fixes").stderr
    lint("--fix", "--unsafe-fixes")
    assert "allow read on order" in read()


def test_a_fix_that_is_not_safe_is_refused(put: Put) -> None:
    """A fix that calls itself safe and changes a decision is not written, and is reported."""
    put("allow write", "allow read", True)
    text = role("allow write on order")
    write(text)
    ran = lint("--fix")
    assert read() == text
    assert ran.stderr == "not fixed: W305 at main.remit:4:3: it changes what somebody may do\n" or (
        ran.stderr.endswith("whether it is safe needs remit[prove] to tell\n")
    )
    assert ran.exit_code == 1


def test_a_fix_that_does_not_compile_is_refused(put: Put) -> None:
    """An unsafe fix must leave a policy that compiles."""
    put("order when", "ordr when", False)
    text = role("allow read on order when resource.total > 5")
    write(text)
    assert "what it leaves does not compile" in lint("--fix", "--unsafe-fixes").stderr
    assert read() == text


def test_one_bad_fix_leaves_the_others(put: Put) -> None:
    """Where all together fail, those at fault are found and the others done."""
    put("total >= 6", "total > 5", True)
    put("total >= 9", "total > 5", True)
    put("total <= 6", "total < 7", True)
    lines = ["allow read on order when resource.total >= 6", "allow write on order when resource.total >= 9"]
    write(role(*lines, "deny read on order when resource.total <= 6"))
    ran = lint("--fix")
    assert "not fixed: W305 at main.remit:5:38" in ran.stderr
    assert ran.stderr.count("not fixed") == 1
    assert "fixed 2 findings in 1 file" in ran.stderr
    lines[0] = "allow read on order when resource.total > 5"
    assert read() == role(*lines, "deny read on order when resource.total < 7")


def test_solver_missing(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where digests differ and nothing can tell whether the meaning does, the fix is not done, and that is said."""

    monkeypatch.setattr("remit.proof.solver.available", lambda: False)
    put("total < 5", "total < 6", True)
    text = role("allow write on order when resource.total < 5")
    write(text)
    assert lint("--fix").stderr.endswith("whether it is safe needs remit[prove] to tell\n")
    assert read() == text


def test_a_base_is_not_fixed_from_an_overlay() -> None:
    """An overlay's run leaves its base alone; the base's own run fixes it."""
    write(role("allow read on order", "allow read on order"), "base/main.remit")
    write('policy more extends "../base"\nrole boss { allow read on order allow read on order }\n', "more/main.remit")
    assert lint("--fix", "more").exit_code == 0
    assert read("more/main.remit").endswith("role boss { allow read on order }\n")
    assert read("base/main.remit").count("allow") == 2
    lint("--fix", "base", "more")
    assert read("base/main.remit").count("allow") == 1


def test_an_overlay_in_the_run_is_proved_too(put: Put) -> None:
    """A fix in a base that would change an overlay of the run is refused, even if it changes nothing in the base."""
    put("  allow read on order\n  # twice", "  # twice", True)
    guest, clerk = "role guest { allow read on order }", "role clerk includes guest {"
    base = f"{HEAD}{guest}\n{clerk}\n  allow read on order\n  # twice\n}}\n"
    write(base, "base/main.remit")
    write('policy more extends "../base"\nrole guest { }\n', "more/main.remit")
    ran = lint("--fix", "base", "more")
    assert "not fixed" in ran.stderr
    assert read("base/main.remit") == base
    lint("--fix", "base")
    assert read("base/main.remit") != base


def test_a_file_that_changed_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """What somebody wrote between looking and writing is not lost: the call ends with 2."""
    write(role("allow read on order", "allow read on order"))
    before = fixing.write

    def late(fixed: fixing.Fixed) -> None:
        write("# new\n")
        before(fixed)

    monkeypatch.setattr(fixing, "write", late)
    ran = lint("--fix")
    assert (ran.exit_code, read()) == (2, "# new\n")
    assert "`main.remit` changed meanwhile" in ran.stderr


def test_a_directory() -> None:
    """A comment of a directory that silences nothing is taken away, and the directory stays what it was."""
    write(HEAD + "role clerk was seller { }\n")
    write(
        "users:\n  ann:\n    # remit: ignore[W421] -- renamed\n    assignments: [{role: clerk}]  # staff\n",
        "directory.yaml",
    )
    assert lint("--fix", select="E,W421,W901").exit_code == 0
    assert read("directory.yaml") == "users:\n  ann:\n    assignments: [{role: clerk}]  # staff\n"


def test_standard_input_is_no_file() -> None:
    """`-` with `--fix` ends the call with 2."""
    assert lint("--fix", "-").exit_code == 2


@pytest.mark.parametrize(
    ("text", "removed", "left"),
    [
        ("a\n  b\nc\n", "b", "a\nc\n"),
        ("a\n  b  # d\nc\n", "b", "a\n  # d\nc\n"),
        ("a b\nc\n", "b", "a\nc\n"),
        ("a b c\n", "b ", "a c\n"),
        ("a b c\n", "b", "a c\n"),
        ("a\nb", "b", "a\n"),
        ("a\r\n\tb\r\nc\r\n", "b", "a\r\nc\r\n"),
        ("a b\r\nc\r\n", "b", "a\r\nc\r\n"),
        ("a\n\nb\n\nc\n", "b", "a\n\n\nc\n"),
        ("a\n  b1\n  b2\nc\n", "b1\n  b2", "a\nc\n"),
    ],
)
def test_what_a_removal_leaves(text: str, removed: str, left: str) -> None:
    """A line that a removal leaves blank goes, a comment behind it takes its place, blanks at a line's end go."""
    start = text.index(removed)
    assert fixing.edited({"f": text}, [("f", start, start + len(removed), "")]) == {"f": left}

"""Findings kept silent: by comments, by the settings of a path, and what becomes of levels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner

from remit.cli.main import remit
from remit.diagnostics import Diagnostic
from remit.lint.suppression import Silence, suppressions
from remit.source import Source, Span

HEAD = "policy shop\narea sales { resource order { actions read, write } }\nrole clerk was seller {\n"
TWICE = "  allow read on order\n  allow read on order"


class Ran(NamedTuple):
    exit_code: int
    found: list[tuple[str, int]]
    out: str
    err: str


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def lint(*options: str, select: str = "E,W305,W421,W901,W902,W903") -> Ran:
    """Codes and lines, and what the command prints as text."""
    call = ["lint", "--no-cache", *(["--select", select] if select else []), *options]
    done = CliRunner().invoke(remit, call)
    as_json = CliRunner().invoke(remit, [*call, "--output-format", "json"])
    for one in (done, as_json):
        assert one.exception is None or isinstance(one.exception, SystemExit), one.exception
    found = json.loads(as_json.stdout)["findings"] if as_json.stdout.startswith("{") else []
    return Ran(done.exit_code, [(one["code"], one["line"]) for one in found], done.stdout, done.stderr)


def write(text: str, name: str = "main.remit") -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(text, encoding="utf-8", newline="\n")


@pytest.mark.parametrize(
    "text",
    [
        f"{HEAD}{TWICE}  # remit: ignore[W305] -- merged in June\n}}",
        f"{HEAD}{TWICE}# remit:ignore[W305]--merged in June\n}}",
        f"{HEAD}{TWICE}  # remit: ignore[W421, duplicate-rule] -- merged in June\n}}",
        f"{HEAD}{TWICE}  # twice # remit: ignore[W305] -- merged in June\n}}",
        f"{HEAD}  allow read on order\n  # remit: ignore[W305] -- merged\n  allow read on order\n}}",
        f"{HEAD}  allow read on order\n  # remit: ignore[W305] -- merged\n\n  # so\n  allow read\n on order\n}}",
        f"{HEAD}  allow read on order\n  allow read\n  on order  # remit: ignore[W305] -- merged\n}}",
        f"# the shop\n# remit: ignore-file[W305] -- merged\n\n{HEAD}{TWICE}\n}}",
        f"{HEAD}{TWICE}  # remit: ignore[W305] -- merged in June\n}}".replace("\n", "\r\n"),
    ],
)
def test_a_comment_silences(text: str) -> None:
    """At the line's end, alone before the next line of text, or for the file: the finding is silent, and is counted."""
    write(text)
    ran = lint(select="W305,W902,W903")
    assert (ran.exit_code, ran.found) == (0, [])
    assert ran.out == "no findings in 1 file; 1 silenced\n"


@pytest.mark.parametrize(
    "text",
    [
        f"{HEAD}  # remit: ignore[W305] -- the wrong line\n{TWICE}\n}}",
        f"{HEAD}  allow read on order\n  # remit: ignore[W305] -- why\n  allow write on order{TWICE[21:]}\n}}",
        f"{HEAD}{TWICE}  # remit: ignore[W421] -- another code\n}}",
        f"{HEAD}{TWICE}  # remit: ignore[W30] -- the beginning of a code\n}}",
        f"{HEAD}{TWICE}  # remit: ignore[W305]\n}}",
        f'{HEAD}  allow read on order because "x"\n  allow read on order because "# remit: ignore[W305] -- x"\n}}',
    ],
)
def test_another_comment_does_not(text: str) -> None:
    """On another line, for another code, without a reason, or inside a string, it silences nothing."""
    write(text)
    assert "W305" in [code for code, _ in lint().found]


def test_an_error_is_never_silent() -> None:
    """An error beside a comment that names it stays, and the comment is a finding."""
    write(f"{HEAD}  allow read on ordr  # remit: ignore[E104] -- why\n}}")
    assert lint().found == [("E104", 4), ("W903", 4)]


def test_a_comment_in_a_directory() -> None:
    """A directory's findings are silenced by comments of its own, and text in scalars is no comment."""
    write(f"user {{ note: string }}\n{HEAD}}}")
    users = (
        "users:\n  ann:\n    assignments:\n      - role: seller{}\n    attributes:\n      note: |\n        # remit: x\n"
    )
    write(users.format("  # remit: ignore[W421] -- renamed"), "directory.yaml")
    assert lint().found == []
    write(users.format("").replace("# remit: x", "# remit: ignore[W421] -- renamed"), "directory.yaml")
    assert lint().found == [("W421", 4)]


def test_unused_only_what_ran() -> None:
    """A comment for a code that was not selected, or in a policy that does not compile, is not called unused."""
    write(f"{HEAD}  allow read on order  # remit: ignore[W305] -- why\n}}")
    assert lint().found == [("W901", 4)]
    assert lint(select="W901").found == []
    assert lint("--ignore", "W305").found == []
    write(f"{HEAD}  allow read on order  # remit: ignore[W305] -- why\n}}\nrole x includes nobody {{ }}")
    assert lint().found == [("E106", 6)]


def test_unused_is_silenced_by_selection_alone() -> None:
    """What speaks of silence can be left out by the call, not by a comment."""
    write(f"{HEAD}  allow read on order  # remit: ignore[W305] -- why\n  # remit: ignore[W901] -- no\n}}")
    assert lint().found == [("W901", 4), ("W903", 5)]
    assert lint("--ignore", "W9").found == []


def test_a_base_keeps_its_comments() -> None:
    """The comments of a base are the base's business: an overlay alone says nothing about them."""
    write(f"{HEAD}  allow read on order  # remit: ignore[W305] -- why\n}}", "base/main.remit")
    write('policy more extends "../base"\nrole boss includes clerk { }', "more/main.remit")
    assert lint("more").found == []
    assert lint("more", "base").found == [("W901", 4)]


def test_the_settings_of_a_path() -> None:
    """`[lint.per-path]` silences codes where a path matches, relative to the settings, wherever the call stands."""
    write(f"policy shop\n{HEAD.partition(chr(10))[2]}{TWICE}\n}}", "shop/roles.remit")
    for glob, silent in (("shop/*.remit", True), ("shop", True), ("roles.remit", True), ("**/roles.*", True)):
        write(f'[lint.per-path]\n"{glob}" = ["duplicate-rule"]', "remit.toml")
        assert (lint("shop").found == []) is silent
    for glob in ("*.yaml", "roles/*.remit", "hop/roles.remit", "shop/roles", "/roles.remit"):
        write(f'[lint.per-path]\n"{glob}" = ["W305"]', "remit.toml")
        assert lint("shop").found == [("W305", 5)]


def test_levels(monkeypatch: pytest.MonkeyPatch) -> None:
    """`[lint.levels]` makes a warning an error, a note or nothing; as an error it can still be silenced."""
    write(f"{HEAD}{TWICE}\n}}")
    write('[lint.levels]\nduplicate-rule = "error"', "remit.toml")
    assert (lint("--fail-level", "error").exit_code, lint().out.count("error[W305]")) == (1, 1)
    write('[lint.levels]\nW305 = "note"', "remit.toml")
    assert (lint().exit_code, lint().out.count("note[W305]")) == (0, 1)
    write('[lint.levels]\nW305 = "off"', "remit.toml")
    assert lint().out == "no findings in 1 file\n"
    write(f"{HEAD}{TWICE}  # remit: ignore[W305] -- why\n}}")
    assert lint().found == []
    write('[lint.levels]\nW305 = "error"', "remit.toml")
    assert lint().found == []


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ('[lint.levels]\nE104 = "warning"', "an error stays one"),
        ('[lint.levels]\nW305 = "fatal"', "is one of error, warning, note, off"),
        ('[lint.levels]\nduplicate-rul = "note"', "`duplicate-rule` has a similar name"),
        ('[lint.per-path]\n"x" = ["E104"]', "errors are never kept silent"),
        ('[lint.per-path]\n"x" = ["W9999"]', "there is no code `W9999`"),
        ('[lint.per-path]\n"x" = "W305"', "is a list of codes"),
        ('[lint]\nreasons = ["grant"]', "is one of allow, deny"),
        ('[lint]\nexact = "yes"', "is true or false"),
        ('[lint]\nbasline = "x"', "`baseline` has a similar name"),
    ],
)
def test_settings_that_cannot_be_used(settings: str, said: str) -> None:
    """A wrong setting ends the call with 2 and names the key."""
    write(HEAD + "}")
    write(settings, "remit.toml")
    ran = lint()
    assert ran.exit_code == 2
    assert said in ran.err


def silence(text: str, ran: set[str]) -> Silence:
    source = Source("main.remit", text)
    return Silence(source, suppressions(source), ran)


def at(found: Silence, word: str, code: str) -> Diagnostic:
    start = found.source.text.index(word)
    return Diagnostic(code, "m", Span(found.source, start, start + len(word)), level="warning")


def test_a_list_is_used_code_by_code() -> None:
    """Of a list, each code is used or not by itself, and one that did not run is left alone."""
    found = silence("rule  # remit: ignore[W305, W421, W424] -- why", {"W305", "W421"})
    assert found.silences(at(found, "rule", "W305")) is found.comments[0]
    assert [unused for _, unused in found.unused()] == [[1]]


def test_a_line_goes_before_the_file() -> None:
    """Where a comment of the line silences, that of the file is not used by it."""
    found = silence("# remit: ignore-file[W305] -- file\none # remit: ignore[W305] -- line\ntwo", {"W305"})
    reasons = [one.reason for word in ("one", "two") if (one := found.silences(at(found, word, "W305")))]
    assert reasons == ["line", "file"]
    assert list(found.unused()) == []


@pytest.mark.parametrize(
    "text",
    [
        'x "# remit: ignore[W305] -- y"',
        "`# remit: ignore[W305] -- y`",
        '"\\"# remit: ignore[W305] -- y"',
        "# `# remit: ignore[W305]`",
    ],
)
def test_no_comment(text: str) -> None:
    """In strings, names in backticks and quotations of a comment there is nothing that silences."""
    assert suppressions(Source("main.remit", text)) == []


def test_exact_needs_the_solver(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the solver is missing, `--exact` ends the call with 2, and so does the setting."""
    write(f"{HEAD}}}")
    monkeypatch.setattr("remit.proof.solver.available", lambda: False)
    assert (lint("--exact").exit_code, lint().exit_code) == (2, 0)
    write("[lint]\nexact = true", "remit.toml")
    assert lint().err == "error: `--exact` needs the solver\n  = help: install remit[prove]\n"

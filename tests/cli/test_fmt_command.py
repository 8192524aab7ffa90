"""`remit fmt`: what it writes, what it says, and the exit code."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from remit.cli.main import remit
from remit.project import formatting
from remit.syntax import printing

UGLY = "role   vet{ allow read on   x }\n"
NEAT = "role vet { allow read on x }\n"
BROKEN = "role vet { allow read onn x }\n"


def call(*words: str, given: bytes | str | None = None) -> Result:
    return CliRunner().invoke(remit, ["fmt", *words], input=given)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, which the call stands in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder: Path, **files: str) -> None:
    """`a__b="…"` writes a/b.remit."""
    for name, text in files.items():
        file = folder / (name.replace("__", "/") + ".remit")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode())


def read(folder: Path, name: str) -> str:
    return (folder / f"{name}.remit").read_bytes().decode()


def test_files_are_written(here: Path) -> None:
    """Every file at or below the folder is brought into the format, those of further policies too."""
    write(here, a=UGLY, b=NEAT, sub__c="policy p\n" + UGLY, sub__deep__d="\n\n")
    result = call()
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [
        "reformatted a.remit",
        "reformatted sub/c.remit",
        "reformatted sub/deep/d.remit",
        "3 files reformatted, 1 file left as it is",
    ]
    assert [read(here, name) for name in ("a", "b", "sub/c", "sub/deep/d")] == [NEAT, NEAT, "policy p\n" + NEAT, ""]


@pytest.mark.parametrize("options", [[], ["--check"], ["--diff"]])
def test_formatted_files(here: Path, options: list[str]) -> None:
    """Where nothing would change nothing is written, and the exit code is 0."""
    write(here, a=NEAT)
    before = (here / "a.remit").stat().st_mtime_ns
    result = call(*options)
    assert result.exit_code == 0
    assert result.output == "1 file left as it is\n"
    assert (here / "a.remit").stat().st_mtime_ns == before


def test_check(here: Path) -> None:
    """--check names what would change, writes nothing and exits with 1; the second time, too."""
    write(here, a=UGLY, b=NEAT)
    for _ in range(2):
        result = call("--check")
        assert result.exit_code == 1
        assert result.stdout == "would reformat a.remit\n1 file would be reformatted, 1 file left as it is\n"
        assert read(here, "a") == UGLY


def test_diff(here: Path) -> None:
    """--diff shows what would change as a patch on standard output, and the summary beside it."""
    write(here, a="scope a\n\n\nscope b\n" + UGLY)
    for options in (["--diff"], ["--diff", "--check"]):
        result = call(*options)
        assert result.exit_code == 1
        assert result.stdout.splitlines() == [
            "--- a/a.remit",
            "+++ b/a.remit",
            "@@ -1,5 +1,4 @@",
            " scope a",
            " ",
            "-",
            " scope b",
            "-role   vet{ allow read on   x }",
            "+role vet { allow read on x }",
        ]
        assert result.stderr == "1 file would be reformatted\n"


@pytest.mark.parametrize("text", [UGLY, UGLY.rstrip(), NEAT.rstrip(), "\n" * 9 + NEAT, "# é\n" + UGLY * 3])
def test_the_diff_is_a_patch(here: Path, text: str) -> None:
    """`patch` makes of the file what fmt would, a missing line end included."""
    write(here, a=text)
    shown = call("--diff", "--quiet").stdout
    subprocess.run(["patch", "-p1", "--quiet"], input=shown.encode(), check=True, cwd=here)
    patched = read(here, "a")
    write(here, a=text)
    assert call().exit_code == 0
    assert read(here, "a") == patched


def test_the_diff_in_a_terminal(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a terminal it is coloured; NO_COLOR turns that off."""
    write(here, a=UGLY)
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert f"\x1b[32m+{NEAT.rstrip()}\x1b[0m" in call("--diff").stdout
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in call("--diff").stdout


def test_control_characters(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A comment cannot draw on a terminal; a patch in a pipe holds it as it is."""
    write(here, a=UGLY + "# \x1b[2J\n")
    assert "# \x1b[2J\n" in call("--diff").stdout
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "# \\u{1b}[2J\n" in call("--diff").stdout


def test_files_with_errors(here: Path) -> None:
    """A file with syntax errors is left as it is and its findings are shown; the others are formatted; exit 2."""
    write(here, a=BROKEN, b=UGLY)
    result = call()
    assert result.exit_code == 2
    assert result.stdout == "reformatted b.remit\n1 file reformatted, 1 file not formatted\n"
    assert "error[E001]: unexpected `onn`\n  ┌─ a.remit:1:23\n" in result.stderr
    assert (read(here, "a"), read(here, "b")) == (BROKEN, NEAT)


@pytest.mark.parametrize("option", ["--check", "--diff"])
def test_errors_outweigh_changes(here: Path, option: str) -> None:
    """The exit code is 2 where a file has errors, whatever else would change."""
    write(here, a=BROKEN, b=UGLY)
    assert call(option).exit_code == 2


def test_meaning_is_not_asked_for(here: Path) -> None:
    """A policy that does not compile for another reason than its syntax is formatted."""
    write(here, a="role  a includes nobody { }")
    assert call().exit_code == 0
    assert read(here, "a") == "role a includes nobody { }\n"


@pytest.mark.parametrize(
    "text, said",
    [
        (b"\xef\xbb\xbf" + NEAT.encode(), "E002"),
        (b"# \xff\n" + NEAT.encode(), "E008"),
    ],
)
def test_files_that_are_no_policy_text(here: Path, text: bytes, said: str) -> None:
    """A byte-order mark and what is not UTF-8 are refused as everywhere, and stay."""
    (here / "a.remit").write_bytes(text)
    result = call()
    assert result.exit_code == 2
    assert f"error[{said}]" in result.stderr
    assert (here / "a.remit").read_bytes() == text


def test_line_ends(here: Path) -> None:
    """CRLF becomes LF, which is a change that --check sees."""
    write(here, a=NEAT.replace("\n", "\r\n"))
    assert call("--check").exit_code == 1
    assert call().exit_code == 0
    assert read(here, "a") == NEAT


def test_quiet(here: Path) -> None:
    """With --quiet only errors are said."""
    write(here, a=UGLY)
    assert call("-q", "--check").output == ""
    assert call("--quiet").output == ""
    write(here, b=BROKEN)
    result = call("-q")
    assert (result.stdout, "E001" in result.stderr) == ("", True)


def test_default_place(here: Path) -> None:
    """Without PATH it is the policy of remit.toml; PATH replaces --policy."""
    write(here, policy__a=UGLY, other__b=UGLY)
    (here / "remit.toml").write_text('policy = "policy"\n')
    assert call().exit_code == 0
    assert (read(here, "policy/a"), read(here, "other/b")) == (NEAT, UGLY)
    assert call("other", "--policy", "nowhere").exit_code == 0
    assert read(here, "other/b") == NEAT


def test_each_file_once(here: Path) -> None:
    """A file that is named twice is formatted once."""
    write(here, a=UGLY)
    (here / "link.remit").symlink_to("a.remit")
    result = call("a.remit", ".", "./a.remit", "link.remit")
    assert result.stdout == "reformatted a.remit\n1 file reformatted\n"


def test_links(here: Path) -> None:
    """What a link leads to is written where it is, and the link stays; below a folder links are left out."""
    write(here, outside__a=UGLY, inside__b=NEAT)
    (here / "inside/link.remit").symlink_to("../outside/a.remit")
    assert call("inside").stdout == "1 file left as it is\n"
    assert read(here, "outside/a") == UGLY
    assert call("inside/link.remit").exit_code == 0
    assert (here / "inside/link.remit").is_symlink()
    assert read(here, "outside/a") == NEAT


def test_rights_are_kept(here: Path) -> None:
    """A file keeps its mode bits."""
    write(here, a=UGLY)
    (here / "a.remit").chmod(0o640)
    call()
    assert stat.S_IMODE((here / "a.remit").stat().st_mode) == 0o640


def test_hidden_folders(here: Path) -> None:
    """Hidden folders are not looked into, as no policy is read from them."""
    write(here, a=NEAT)
    (here / ".git").mkdir()
    (here / ".git" / "b.remit").write_text(UGLY)
    assert call().stdout == "1 file left as it is\n"


def test_what_cannot_be_written(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that cannot be written is named, the others are written; exit 2."""
    write(here, a=UGLY, b=UGLY)
    whole = formatting.write_whole

    def write_whole(path: Path, text: str) -> None:
        if path.name == "a.remit":
            raise PermissionError(13, "Permission denied")
        whole(path, text)

    monkeypatch.setattr(formatting, "write_whole", write_whole)
    result = call()
    assert result.exit_code == 2
    assert "error: `a.remit` cannot be written: permission denied\n" in result.stderr
    assert result.stdout == "reformatted b.remit\n1 file reformatted, 1 file not formatted\n"
    assert not list(here.glob(".a.remit*"))


def test_a_faulty_printer(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the result would not say the same the file stays, and the fault is reported; exit 2."""
    write(here, a=UGLY, b=NEAT)
    monkeypatch.setattr(printing, "printed", lambda file: NEAT.replace("read", "write"))
    result = call("a.remit")
    assert result.exit_code == 2
    assert "error: `a.remit` is left as it is: the text would mean something else\n" in result.stderr
    assert read(here, "a") == UGLY


@pytest.mark.parametrize(
    "words, said",
    [
        (["nowhere"], "there is no file or folder at `nowhere`"),
        (["empty"], "there is no `.remit` file at or below `empty`"),
        (["-", "a.remit"], "`-` stands alone"),
        (["a\0b"], "there is no file or folder at"),
    ],
)
def test_wrong_calls(here: Path, words: list[str], said: str) -> None:
    """A wrong call is exit 2 and says what is wrong."""
    (here / "empty").mkdir()
    write(here, a=UGLY)
    result = CliRunner().invoke(remit, ["fmt", *words])
    assert result.exit_code == 2
    assert said in result.stderr.lower()
    assert read(here, "a") == UGLY


# -- standard input ----------------------------------------------------------------------------------------------------


def test_standard_input(here: Path) -> None:
    """`-` formats standard input to standard output, and says nothing else."""
    result = call("-", given="# é\r\n" + UGLY.rstrip())
    assert (result.exit_code, result.stdout_bytes.decode(), result.stderr) == (0, "# é\n" + NEAT, "")
    assert list(here.iterdir()) == []


def test_checking_standard_input(here: Path) -> None:
    """--check and --diff of standard input call it by the name it is given."""
    result = call("-", "--check", "--stdin-filename", "x/a.remit", given=UGLY)
    assert (result.exit_code, result.stdout) == (1, "would reformat x/a.remit\n")
    assert call("-", "--check", given=NEAT).exit_code == 0
    result = call("-", "--diff", "--stdin-filename", "x/a.remit", given=UGLY)
    assert (result.exit_code, result.stdout.splitlines()[0]) == (1, "--- a/x/a.remit")


def test_standard_input_with_errors(here: Path) -> None:
    """Errors are shown under that name; nothing is printed, for an editor would put it into the file."""
    result = call("-", "--stdin-filename", "x/a.remit", given=BROKEN)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "┌─ x/a.remit:1:23" in result.stderr
    assert call("-", given=b"\xff").exit_code == 2


# -- what is known already ---------------------------------------------------------------------------------------------


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are parsed from here on."""
    found: list[str] = []
    format_source = formatting.format_source

    def spy(source: formatting.Source) -> formatting.Formatted:
        found.append(source.name)
        return format_source(source)

    monkeypatch.setattr(formatting, "format_source", spy)
    return found


def test_unchanged_files_are_not_parsed_again(here: Path, parsed: list[str]) -> None:
    """What was formatted, or found to be, is known by its text; what changed is not."""
    write(here, a=UGLY, b=NEAT * 2)
    assert call().exit_code == 0
    assert sorted(parsed) == ["a.remit", "b.remit"]
    parsed.clear()
    for options in ([], ["--check"], ["--diff"]):
        assert call(*options).output == "2 files left as they are\n"
    assert parsed == []
    write(here, a=NEAT + UGLY)
    assert call("--check").exit_code == 1
    assert parsed == ["a.remit"]


def test_files_to_be_formatted_are_known_too(here: Path, parsed: list[str]) -> None:
    """--check remembers what would change; whoever needs the text gets it all the same."""
    write(here, a=UGLY)
    assert [call("--check").exit_code for _ in range(3)] == [1, 1, 1]
    assert parsed == ["a.remit"]
    assert "+role vet" in call("--diff").stdout
    assert call().exit_code == 0
    assert read(here, "a") == NEAT


def test_files_with_errors_are_not_kept(here: Path) -> None:
    """Errors are said every time."""
    write(here, a=BROKEN)
    assert [call("--check").exit_code for _ in range(2)] == [2, 2]
    assert "E001" in call().stderr


def test_no_cache(here: Path, parsed: list[str]) -> None:
    """With --no-cache nothing is kept and nothing is looked up."""
    write(here, a=NEAT)
    call("--no-cache")
    assert not (here / ".remit_cache").exists()
    call()
    call("--no-cache")
    assert parsed == ["a.remit"] * 3


def test_the_cache_stands_beside_the_settings(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache is in the folder of remit.toml, wherever below it the call is made."""
    write(here, sub__a=NEAT)
    (here / "remit.toml").write_text('policy = "sub"\n')
    monkeypatch.chdir(here / "sub")
    call()
    assert (here / ".remit_cache").is_dir()
    assert not (here / "sub" / ".remit_cache").exists()


def test_a_bare_run_needs_no_grammar(here: Path) -> None:
    """A run that finds all files known does not load the parser."""
    write(here, a=NEAT)
    call()
    program = (
        "import sys; sys.argv[1:] = ['fmt']; from remit.cli.main import main; main(); print('lark' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=here, capture_output=True, text=True, check=True)
    assert done.stdout == "1 file left as it is\nFalse\n"

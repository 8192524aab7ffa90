"""`remit lint`: what is wrong in policies and directories, each finding with its code and place.

PATH… ──▶ targets: policies, directories, standard input ──▶ findings, by file ──▶ text or JSON, exit code
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

import click

from remit.cli.session import Session, answers, coloured, directory_option, fail, format_option, loaded, policy_option
from remit.codes import CODES
from remit.diagnostics import Diagnostic, similar
from remit.directory.shape import Directory
from remit.lint.rule import LintRule
from remit.policy import clock
from remit.project.config import FAIL_LEVELS, Config
from remit.project.directories import is_url
from remit.project.files import write_whole
from remit.project.linting import Linted, is_table, lint_directory, lint_people, lint_policy, lint_text
from remit.project.policies import policies_below

_DIRECTORIES = (".yaml", ".yml", ".json")


@dataclass(slots=True)
class Choice:
    """Which findings are wanted, by the beginning of a code or by name: all, unless some are selected."""

    select: list[str] = field(default_factory=list)
    ignore: list[str] = field(default_factory=list)

    def takes(self, finding: Diagnostic) -> bool:
        return self._takes(finding.code)

    def wants(self, rule: LintRule) -> bool:
        """Whether a lint rule runs at all: what does not run by itself is selected by its whole code or its name."""
        return self._takes(rule.code) and (rule.default or bool({rule.code, rule.name} & {*self.select}))

    def _takes(self, code: str) -> bool:
        return (not self.select or _named(code, self.select)) and not _named(code, self.ignore)


def _named(code: str, words: list[str]) -> bool:
    return any(code.startswith(word) or CODES.get(code) == word for word in words)


@click.command(name="lint")
@click.argument("paths", metavar="[PATH]...", nargs=-1)
@policy_option
@directory_option
@format_option("text", "json")
@click.option(
    "--fail-level",
    type=click.Choice(FAIL_LEVELS),
    default=None,
    help="Least level that gives exit 1. Default: warning.",
)
@click.option("--select", multiple=True, metavar="CODE,…", help="Report these only: codes, beginnings of codes, names.")
@click.option("--ignore", multiple=True, metavar="CODE,…", help="Leave these out.")
@click.option("--exact", is_flag=True, help="Also run the rules that need the solver: remit[prove].")
@click.option("--exit-zero", is_flag=True, help="Exit 0 whatever is found.")
@click.option("-q", "--quiet", is_flag=True, help="Print findings only, no summary.")
@click.option("-o", "--output", "target", metavar="FILE", help="Write to a file instead of standard output.")
@click.option("--stdin-filename", metavar="NAME", help="What the file read from standard input, `-`, is called.")
@answers
def command(
    paths: tuple[str, ...],
    policy_path: str | None,
    directory_path: str | None,
    output_format: str | None,
    fail_level: str | None,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    exact: bool,
    exit_zero: bool,
    quiet: bool,
    target: str | None,
    stdin_filename: str | None,
) -> int:
    """What is wrong in policies and directories.

    PATH is a policy's file or folder, of a folder every policy at or below it; a directory's file; or - for a policy on
    standard input. A policy's directory is checked with it.

    \b
    Examples:
      remit lint
      remit lint policies --output-format json
      remit lint - --stdin-filename policy/roles.remit < roles.remit

    Exit codes: 0 clean, 1 findings, 2 the call is wrong or a file cannot be read."""
    session = Session(policy_path, directory_path)
    config = session.config
    choice = Choice(_codes("--select", select, config.select), _codes("--ignore", ignore, config.ignore))
    places = list(paths) or [str(session.policy_path)]
    try:
        linted = Linted(clock(), choice.wants, exact=exact)
        _lint(linted, places, directory_path, session, stdin_filename)
    except MemoryError:
        fail("this takes more memory than there is", "split the policy, or the directory")
    findings = linted.ordered()
    wanted = [finding for finding in findings if choice.takes(finding)]
    kept = config.output_format if config.output_format in ("text", "json") else "text"
    _print(wanted, linted.files, len(findings) - len(wanted), output_format or kept, quiet, target)
    if any(finding.code == "E010" for finding in findings):
        return 2
    level = FAIL_LEVELS.index(fail_level or config.fail_level)
    failed = linted.broken or any(FAIL_LEVELS.index(finding.level) <= level for finding in wanted)
    return int(failed and not exit_zero)


def _codes(option: str, given: tuple[str, ...], configured: tuple[str, ...]) -> list[str]:
    """The words of an option, or of the settings, each of which means at least one code."""
    words = [word.strip() for part in given or configured for word in part.split(",") if word.strip()]
    for word in words:
        if not any(_named(code, [word]) for code in CODES) and word not in ("E", "W", "N"):
            fail(f"`{option} {word}`: there is no such code", similar(word, [*CODES, *CODES.values()]))
    return words


def _lint(
    linted: Linted, places: list[str], directory_path: str | None, session: Session, stdin_filename: str | None
) -> None:
    """Finds all there is at all places; each policy and each directory is looked at once."""
    config = session.config
    people = _from_database(directory_path, config)
    given = None if people is not None else _given(directory_path)
    policies: dict[Path, Path] = {}
    for place in places:
        path = Path(place)
        if place == "-":
            data = sys.stdin.buffer.read()
            name = stdin_filename or "<stdin>"
            lint_text(linted, data, name, given)
        elif not _exists(path):
            fail(f"there is no file or folder at `{place}`")
        elif path.is_file() and is_table(path):
            fail(f"`{place}` is a compiled table, which has no text to lint", "name the policy it was compiled from")
        elif path.is_file() and path.suffix.lower() in _DIRECTORIES:
            lint_directory(linted, path, session.given_policy)
        else:
            for policy in policies_below(path) if path.is_dir() else [path]:
                policies.setdefault(policy.resolve(), policy)
    for policy in policies.values():
        if people is not None and (directory_path is not None or _is_configured(policy, config)):
            lint_people(linted, policy, people)
        else:
            lint_policy(linted, policy, given or _configured(policy, config))


def _from_database(directory_path: str | None, config: Config) -> Directory | None:
    """The directory, where it is named as a database's address."""
    place = directory_path or config.directory
    return loaded(place).data if place is not None and is_url(place) else None


def _given(directory_path: str | None) -> Path | None:
    if directory_path is None:
        return None
    if not _exists(Path(directory_path)):
        fail(f"there is no directory at `{directory_path}`", "name one with --directory")
    return Path(directory_path)


def _configured(policy: Path, config: Config) -> Path | None:
    """The directory of remit.toml, for the policy of remit.toml."""
    if config.directory is None or is_url(config.directory):
        return None
    if not _is_configured(policy, config):
        return None
    place = Path(config.directory)
    if not _exists(place):
        fail(f"there is no directory at `{place}`", "remit.toml names it under `directory`")
    return place


def _is_configured(policy: Path, config: Config) -> bool:
    """Whether the directory of remit.toml goes with this policy."""
    return config.policy is None or config.policy.resolve() == policy.resolve()


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name that no file system takes
        return False


def _print(
    findings: list[Diagnostic], files: int, left_out: int, output_format: str, quiet: bool, target: str | None
) -> None:
    colour = target is None and output_format == "text" and coloured()
    folder = str(Path.cwd())
    if output_format == "json":
        from remit.report.findings_json import findings_json

        text = findings_json(findings, folder)
    else:
        from remit.report.text import draw_findings

        text = draw_findings(findings, colour, folder, None if quiet else files)
        if left_out and not quiet:
            text += f"; {left_out:,} not selected"
    if target is None:
        if text:
            click.echo(text, color=colour)
        return
    if target.endswith(".remit"):
        fail(f"`{target}` is a policy: the findings would stand in its place", "give -o another name")
    try:
        write_whole(Path(target), text + "\n")
    except OSError as error:
        fail(f"`{target}` cannot be written: {(error.strerror or 'unwritable').lower()}")

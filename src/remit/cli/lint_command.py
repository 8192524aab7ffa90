"""`remit lint`: what is wrong in policies and directories, each finding with its code and place.

PATH… ──▶ targets: policies, directories, standard input ──▶ findings, by file ──▶ one of the formats, exit code
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click

from remit.cli.session import (
    Session,
    answers,
    coloured,
    directory_option,
    exists,
    fail,
    format_option,
    loaded,
    policy_option,
    refuse_source,
)
from remit.codes import CODES
from remit.diagnostics import Diagnostic, Silenced, similar
from remit.directory.shape import Directory
from remit.lint.rule import LintRule, Settings
from remit.policy import clock
from remit.project.baseline import BaselineError
from remit.project.baseline import write_baseline as write
from remit.project.config import FAIL_LEVELS, Config
from remit.project.directories import is_url
from remit.project.files import write_whole
from remit.project.lint_memory import Memory
from remit.project.linting import Linted, is_table, lint_directory, lint_people, lint_policy, lint_text
from remit.project.policies import Overrides
from remit.project.silencing import Quiet, Said, said
from remit.project.sources import policies_below
from remit.report.findings_formats import FORMATS, writer

_DIRECTORIES = (".yaml", ".yml", ".json")


@dataclass(slots=True)
class Choice:
    """Which findings are wanted, by the beginning of a code or by name: all, unless some are selected."""

    select: list[str] = field(default_factory=list)
    ignore: list[str] = field(default_factory=list)

    def wants(self, rule: LintRule) -> bool:
        """Whether a lint rule runs at all: what does not run by itself is selected by its whole code or its name."""
        return self.takes(rule.code) and (rule.default or bool({rule.code, rule.name} & {*self.select}))

    def takes(self, code: str) -> bool:
        return (not self.select or _named(code, self.select)) and not _named(code, self.ignore)


def _named(code: str, words: list[str]) -> bool:
    return any(code.startswith(word) or CODES.get(code) == word for word in words)


@click.command(name="lint")
@click.argument("paths", metavar="[PATH]...", nargs=-1)
@policy_option
@directory_option
@format_option("text", "full", *FORMATS)
@click.option(
    "--fail-level",
    type=click.Choice(FAIL_LEVELS),
    default=None,
    help="Least level that gives exit 1. Default: warning.",
)
@click.option("--select", multiple=True, metavar="CODE,…", help="Report these only: codes, beginnings of codes, names.")
@click.option("--ignore", multiple=True, metavar="CODE,…", help="Leave these out.")
@click.option("--exact", is_flag=True, help="Also run the rules that need the solver: remit[prove].")
@click.option("--fix", "fixes", is_flag=True, help="Do the safe fixes, each proved to change no decision.")
@click.option("--unsafe-fixes", is_flag=True, help="With --fix or --diff: also those that change decisions.")
@click.option("--diff", is_flag=True, help="Show what --fix would do, and write nothing.")
@click.option("--baseline", "baseline_path", metavar="FILE", help="Keep the findings silent that stand in this file.")
@click.option("--write-baseline", is_flag=True, help="Write all that is found now to the baseline.")
@click.option("--no-cache", is_flag=True, help="Look at everything anew, and remember nothing.")
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
    fixes: bool,
    unsafe_fixes: bool,
    diff: bool,
    baseline_path: str | None,
    write_baseline: bool,
    no_cache: bool,
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
      remit lint --fix
      remit lint - --stdin-filename policy/roles.remit < roles.remit

    Exit codes: 0 clean, 1 findings, 2 the call is wrong or a file cannot be read."""
    session = Session(policy_path, directory_path)
    config = session.config
    off = [code for code, level in config.levels.items() if level is None]
    choice = Choice(_codes("--select", select, config.select), [*_codes("--ignore", ignore, config.ignore), *off])
    places = list(paths) or [str(session.policy_path)]
    baseline = Path(baseline_path) if baseline_path else config.baseline
    levels = {code: level for code, level in config.levels.items() if level is not None}
    quieting = Quiet(choice.takes, levels, config.paths, baseline)
    _check_fixes(places, fixes, unsafe_fixes, diff, write_baseline)
    _check_baseline(baseline, write_baseline)
    if exact or config.exact:
        _check_solver()
    else:
        _check_exact(choice)
    now, remembers = clock(), not (no_cache or fixes or diff)

    def look(texts: Overrides) -> tuple[Linted, Said]:
        linted = Linted(now, choice.wants, Settings(config.reasons), exact or config.exact, choice.takes, texts)
        linted.memory = Memory(config.file.parent if config.file else Path()) if remembers else None
        _lint(linted, places, directory_path, session, stdin_filename)
        return linted, said(linted, quieting)

    try:
        if diff or fixes:
            from remit.cli.lint_fixes import fix, show

            if diff:
                return show(look, unsafe_fixes, quiet)
            linted, found = fix(look, unsafe_fixes, quiet)
        else:
            linted, found = look({})
        if write_baseline and baseline is not None:
            write(baseline, found.entries)
            if not quiet:
                from remit.report.listing import counted

                click.echo(f"{counted(len(found.entries), 'finding')} written to {os.path.relpath(baseline)}", err=True)
            found = said(linted, quieting)
    except BaselineError as error:
        fail(str(error), error.help)
    except MemoryError:
        fail("this takes more memory than there is", "split the policy, or the directory")
    kept = config.output_format if config.output_format in FORMATS else "text"
    _print(found.findings, linted.files, found.left_out, output_format or kept, quiet, target, found.silenced)
    if any(finding.code == "E010" for finding in linted.ordered()):
        return 2
    least = FAIL_LEVELS.index(fail_level or config.fail_level)
    failed = linted.broken or any(FAIL_LEVELS.index(finding.level) <= least for finding in found.findings)
    return int(failed and not exit_zero)


def _check_exact(choice: Choice) -> None:
    """Ends the call where a rule is selected, by its code or name, that would not run."""
    from remit.lint.registry import rules

    for rule in rules():
        if rule.needs == "exact" and {rule.code, rule.name} & {*choice.select}:
            fail(f"`{rule.code}` compares conditions, which only the solver can do", "add --exact")


def _check_fixes(places: list[str], fixes: bool, unsafe: bool, diff: bool, write_baseline: bool) -> None:
    """Ends the call where the options about fixes do not go together."""
    if unsafe and not (fixes or diff):
        fail("`--unsafe-fixes` goes with --fix, which does them, or --diff, which shows them")
    if diff and write_baseline:
        fail("`--diff` writes nothing, and so no baseline", "leave one of the two out")
    if (fixes or diff) and "-" in places:
        fail("what is read from standard input is no file to fix", "name the file")


def _check_baseline(baseline: Path | None, writes: bool) -> None:
    if writes and baseline is None:
        fail("where is the baseline to stand?", "name its file with --baseline, or under [lint] in remit.toml")
    if not writes and baseline is not None and not exists(baseline):
        fail(f"there is no baseline at `{baseline}`", "write it with: remit lint --write-baseline")


def _check_solver() -> None:
    from remit.proof.solver import available

    if not available():
        fail("`--exact` needs the solver", "install remit[prove]")


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
        elif not exists(path):
            fail(f"there is no file or folder at `{place}`")
        elif path.is_file() and is_table(path):
            fail(f"`{place}` is a compiled table, which has no text to lint", "name the policy it was compiled from")
        elif path.is_file() and path.suffix.lower() in _DIRECTORIES:
            lint_directory(linted, path, session.given_policy)
        else:
            below = linted.memory.policies_below if linted.memory is not None else policies_below
            for policy in below(path) if path.is_dir() else [path]:
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
    if not exists(directory_path):
        fail(f"there is no directory at `{directory_path}`", "name one with --directory")
    return Path(directory_path)


def _configured(policy: Path, config: Config) -> Path | None:
    """The directory of remit.toml, for the policy of remit.toml."""
    if config.directory is None or is_url(config.directory):
        return None
    if not _is_configured(policy, config):
        return None
    place = Path(config.directory)
    if not exists(place):
        fail(f"there is no directory at `{place}`", "remit.toml names it under `directory`")
    return place


def _is_configured(policy: Path, config: Config) -> bool:
    """Whether the directory of remit.toml goes with this policy."""
    return config.policy is None or config.policy.resolve() == policy.resolve()


def _print(
    findings: list[Diagnostic],
    files: int,
    left_out: int,
    output_format: str,
    quiet: bool,
    target: str | None,
    silenced: Sequence[Silenced] = (),
) -> None:
    colour = target is None and output_format in ("text", "full") and coloured()
    folder = str(Path.cwd())
    if output_format in FORMATS:
        text = writer(output_format)(findings, silenced, folder)
    else:
        from remit.report.text import draw_findings

        text = draw_findings(findings, colour, folder, None if quiet else files)
        if left_out and not quiet:
            text += f"; {left_out:,} not selected"
        if silenced and not quiet:
            text += f"; {len(silenced):,} silenced"
    if target is None:
        if text:
            click.echo(text, color=colour)
        return
    refuse_source(target, "the findings")
    try:
        write_whole(Path(target), f"{text}\n" if text else "")
    except OSError as error:
        fail(f"`{target}` cannot be written: {(error.strerror or 'unwritable').lower()}")

"""`remit test`: run the examples of policies, settle their asserts, and say what the tests do not reach."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from remit.cli.mutating import Percent, mutate_options, percent, say_mutants, too_many_survive, try_mutants
from remit.cli.progress import progress
from remit.cli.session import (
    Session,
    answers,
    coloured,
    exists,
    fail,
    format_option,
    paint,
    policy_option,
    refuse_source,
    shown,
)
from remit.policy import clock

if TYPE_CHECKING:
    from remit.testing.run import Results

FORMATS = ("text", "json", "junit", "html")


@click.command("test", short_help="run the examples and asserts of a policy")
@click.argument("paths", metavar="[PATH]...", nargs=-1)
@policy_option
@click.option(
    "-k",
    "--select",
    "patterns",
    metavar="PATTERN",
    multiple=True,
    help="Only what is called so; `not PATTERN`: not it.",
)
@click.option("-x", "--fail-fast", is_flag=True, help="Stop at the first failure.")
@click.option("-j", "--jobs", type=click.IntRange(min=1), metavar="N", help="Processes. Default: as many as pay.")
@click.option(
    "--coverage", "cover", is_flag=True, help="Say what the tests do not reach, with --suggest on standard error."
)
@click.option("--fail-under", callback=percent, metavar="PERCENT", help="Exit 1 where a policy's tests reach less.")
@click.option("--coverage-html", metavar="FILE", help="Write what the tests reach as a page.")
@click.option("--suggest", is_flag=True, help="Write the tests that are missing, with the decisions of today.")
@click.option("--append", is_flag=True, help="With --suggest: add to the end of the .remit file that -o names.")
@mutate_options
@format_option(*FORMATS)
@click.option("-o", "--output", "target", metavar="FILE", help="Write to a file instead of standard output.")
@answers
def command(
    paths: tuple[str, ...],
    policy_path: str | None,
    patterns: tuple[str, ...],
    fail_fast: bool,
    jobs: int | None,
    cover: bool,
    fail_under: Percent | None,
    coverage_html: str | None,
    suggest: bool,
    append: bool,
    mutate: bool,
    mutate_fail_under: Percent | None,
    output_format: str | None,
    target: str | None,
) -> int:
    """Run `test` blocks and settle `assert`s.

    PATH is a policy's file or folder, of a folder every policy at or below it, or a compiled table.

    \b
    Examples:
      remit test
      remit test policies -k refund -k "not overlay*"
      remit test --coverage --fail-under 100
      remit test --mutate
      remit test --suggest -o policy/more_tests.remit
      remit test --output-format junit -o tests.xml

    Exit codes: 0 nothing failed, 1 an example or an assert failed, an assert is unproven, the tests reach less than
    --fail-under, or a mutant survives, 2 a policy does not compile or is not there, or nothing is called as wanted."""
    session = Session(policy_path)
    kept = session.config.output_format if session.config.output_format in FORMATS else "text"
    wanted = _Wanted(output_format or kept, target, coverage_html, suggest, append, fail_under, cover)
    wanted.check()
    from remit.cli.testing import Plan, run_policies
    from remit.testing.selection import Selection

    covered = cover or suggest or fail_under is not None or coverage_html is not None or wanted.format == "html"
    plan = Plan(clock(), Selection(patterns), covered, fail_fast, str(Path.cwd()), coloured(err=True))
    policies = _policies(list(paths) or [str(session.policy_path)])
    with progress("tests") as bar:
        ran = run_policies(policies, plan, jobs, bar)
    for one in ran:
        if one.refused:  # the others are run all the same
            click.echo(one.refused, err=True, color=plan.colour)
    if patterns and not any(one.selected for one in ran) and any(one.results for one in ran):
        said = " ".join(f"-k {word!r}" if " " in word else f"-k {word}" for word in patterns)
        fail(f"no example and no assert is called so: `{said}`", "a pattern is part of a title, or all of it with `*`")
    if mutate or mutate_fail_under is not None:
        ran = try_mutants(ran, plan, jobs)
    found = [_Found(Path(one.path), one.results, one.seconds, one.titles) for one in ran if one.results is not None]
    wanted.write(found)
    low = wanted.too_low(found)
    if suggest or wanted.format in ("junit", "html"):
        say_mutants([one.results for one in found])
    low |= too_many_survive([one.results for one in found], mutate_fail_under)
    if any(one.refused for one in ran):
        return 2
    return int(low or any(one.results.failed or one.results.unproven for one in found))


class _Found(NamedTuple):
    path: Path
    results: Results
    seconds: float
    titles: tuple[str, ...]


class _Wanted(NamedTuple):
    """What is to be written, and where."""

    format: str
    target: str | None
    page: str | None
    suggest: bool
    append: bool
    fail_under: Percent | None
    cover: bool

    def check(self) -> None:
        """Ends the call where it would write over something."""
        if self.append and not (self.suggest and self.target):
            fail("`--append` says how to write suggestions to a file", "give --suggest and -o FILE with it")
        if self.append and self.target is not None and not self.target.endswith(".remit"):
            said = f"`{self.target}` is no file of a policy, and tests are added to such a file alone"
            fail(said, "name one that ends in `.remit`: -o policy/more_tests.remit")
        for place in (self.target, self.page):
            if not (self.suggest and place is not None and place == self.target and place.endswith(".remit")):
                refuse_source(place, "the results")
        if self.suggest and self.target is not None and not self.append and exists(self.target):
            fail(f"`{self.target}` is there already", "name a new file, or add to this one with --append")

    def write(self, found: Sequence[_Found]) -> None:
        """Everything that was asked for."""
        if self.page is not None:
            _write(self.page, _html(found))
        if self.suggest:
            self._suggest(found)
        elif self.target is not None:
            text = self._text(found, colour=False)
            _write(self.target, text if text.endswith("\n") else text + "\n")
        elif found:
            colour = self.format == "text" and coloured()
            click.echo(self._text(found, colour).removesuffix("\n"), color=colour)

    def _text(self, found: Sequence[_Found], colour: bool) -> str:
        timed = [(one.results, one.seconds) for one in found]
        if self.format == "json":
            from remit.report.tests_json import results_json

            return results_json(timed)
        if self.format == "junit":
            from remit.report.tests_junit import results_junit

            return results_junit(timed, str(Path.cwd()))
        if self.format == "html":
            return _html(found)
        from remit.report.tests_text import draw_results

        return draw_results(timed, colour, str(Path.cwd()))

    def _suggest(self, found: Sequence[_Found]) -> None:
        """The missing tests: of several policies under the name of each, into a file of one alone."""
        from remit.report.tests_text import draw_results

        texts = [(one, text) for one in found if (text := _suggested(one.results, one.titles))]
        failed = [(one.results._replace(coverage=None), one.seconds) for one in found if one.results.failed]
        if failed:
            click.echo(draw_results(failed, coloured(err=True), str(Path.cwd())), err=True)
        if self.cover:
            _say_coverage([one.results for one in found])
        if self.target is None:
            for one, text in texts:
                head = f"# policy {shown(one.results.table.name)}\n\n" if len(found) > 1 else ""
                click.echo(head + text, nl=one is not texts[-1][0])
        elif len(texts) > 1:
            names = ", ".join(f"`{one.results.table.name}`" for one, _ in texts)
            fail(f"{len(texts)} policies lack tests, and a file belongs to one: {names}", "name one of them as PATH")
        elif texts:
            _write(self.target, _before(self.target, self.append) + texts[0][1])
        tests = sum(text.count("\ntest ") for _, text in texts)
        if self.target is not None or not texts:
            where = f", in {shown(self.target)}" if self.target is not None and texts else ""
            said = f"{tests:,} test{'' if tests == 1 else 's'} to review{where}" if texts else "no test is missing"
            click.echo(said, err=True)

    def too_low(self, found: Sequence[_Found]) -> bool:
        """Whether the tests of some policy reach less than they should; says of which."""
        if self.fail_under is None:
            return False
        low = False
        for one in found:
            if one.results.coverage is not None and one.results.coverage.percent < self.fail_under.number:
                from remit.report.coverage_text import percent as shown_percent

                name, reached = shown(one.results.table.name), shown_percent(one.results.coverage)
                said = f"the tests of `{name}` reach {reached}, and {shown(self.fail_under.given)} % was asked for"
                click.echo(f"{paint('error', 'red', err=True)}: {said}", err=True)
                low = True
        return low


def _say_coverage(results: Sequence[Results]) -> None:
    """What the tests reach, on standard error, where standard output is for something else."""
    from remit.report.coverage_text import draw_coverage
    from remit.report.quote import coloured as by_escapes
    from remit.report.quote import plain
    from remit.report.tests_text import path_in

    paint_ = by_escapes if coloured(err=True) else plain
    for one in results:
        if one.coverage is not None:
            path = partial(path_in, one.table, folder=str(Path.cwd()))
            click.echo(f"{shown(one.table.name)}   {draw_coverage(one.coverage, path, paint_, hint=False)}", err=True)


def _suggested(results: Results, titles: Sequence[str]) -> str:
    from remit.evaluator.index import Index
    from remit.testing.suggest import suggested

    if results.coverage is None:
        return ""
    return suggested(results.table, Index(results.table), results.coverage.witnesses, titles)


def _html(found: Sequence[_Found]) -> str:
    from remit.project.sources import read
    from remit.report.coverage_html import Page, coverage_html

    pages = []
    for path, results, _, _ in found:
        if results.coverage is not None:
            sources = read(path)[0] if path.is_dir() or path.suffix == ".remit" else []
            pages.append(Page(results.coverage, {source.name: source.text for source in sources}))
    return coverage_html(pages)


def _before(target: str, append: bool) -> str:
    """What stands in a file that is added to, with an empty line behind it."""
    if not append or not exists(target):
        return ""
    try:
        text = Path(target).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        fail(f"`{target}` cannot be read", "name a file with text")
    return text.rstrip("\n") + "\n\n" if text.strip() else ""


def _write(target: str, text: str) -> None:
    from remit.project.files import write_whole

    try:
        write_whole(Path(target), text)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "no file can have that name"
        fail(f"`{target}` cannot be written: {why.lower()}")


def _policies(places: list[str]) -> list[Path]:
    """Every policy at or below the places, each once."""
    from remit.project.sources import policies_below

    found: dict[Path, Path] = {}
    for place in places:
        path = Path(place)
        if not exists(path):
            fail(f"there is no policy at `{place}`", "name a policy's folder or file, or a compiled table")
        for policy in policies_below(path) if path.is_dir() else [path]:
            found.setdefault(policy.resolve(), policy)
    return list(found.values())

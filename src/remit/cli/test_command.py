"""`remit test`: run the examples of policies and settle their asserts."""

from __future__ import annotations

import time
from pathlib import Path

import click

from remit.cli.session import Session, answers, coloured, fail, format_option, policy_option
from remit.policy import clock


@click.command("test", short_help="run the examples and asserts of a policy")
@click.argument("paths", metavar="[PATH]...", nargs=-1)
@policy_option
@format_option("text", "json")
@answers
def command(paths: tuple[str, ...], policy_path: str | None, output_format: str | None) -> int:
    """Run `test` blocks and settle `assert`s.

    PATH is a policy's file or folder, of a folder every policy at or below it, or a compiled table.

    \b
    Examples:
      remit test
      remit test policies --output-format json

    Exit codes: 0 nothing failed, 1 an example or an assert failed, 2 a policy does not compile or is not there. An
    assert that is unproven does not fail."""
    session = Session(policy_path)
    kept = session.config.output_format if session.config.output_format in ("text", "json") else "text"
    now = clock()
    from remit.testing.run import run

    found, broken = [], False
    for path in _policies(list(paths) or [str(session.policy_path)]):
        begun = time.perf_counter()
        try:
            policy = Session(str(path)).policy()
        except click.exceptions.Exit:  # it has said what is wrong; the others are run all the same
            broken = True
            continue
        found.append((run(policy.table, lambda: now, policy.index), time.perf_counter() - begun))
    if (output_format or kept) == "json":
        from remit.report.tests_json import results_json

        click.echo(results_json(found))
    elif found:
        from remit.report.tests_text import draw_results

        colour = coloured()
        click.echo(draw_results(found, colour, str(Path.cwd())), color=colour)
    return 2 if broken else int(any(results.failed for results, _ in found))


def _policies(places: list[str]) -> list[Path]:
    """Every policy at or below the places, each once."""
    from remit.project.policies import policies_below

    found: dict[Path, Path] = {}
    for place in places:
        path = Path(place)
        if not _exists(path):
            fail(f"there is no policy at `{place}`", "name a policy's folder or file, or a compiled table")
        for policy in policies_below(path) if path.is_dir() else [path]:
            found.setdefault(policy.resolve(), policy)
    return list(found.values())


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name that no file system takes
        return False

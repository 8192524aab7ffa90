"""`remit test --mutate`: tries the mutants of policies whose tests passed, over several processes where that pays."""

from __future__ import annotations

import math
import multiprocessing
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from remit.cli.progress import Bar, progress
from remit.cli.session import coloured, fail, paint, shown

if TYPE_CHECKING:
    from remit.cli.testing import Plan, Ran
    from remit.model.policy import Model
    from remit.source import Source
    from remit.table.shape import Table
    from remit.testing.mutants import Mutant
    from remit.testing.mutation import Mutation, Outcome, Trial
    from remit.testing.run import Results

# For each process. One tries about 300 mutants in a second, and another takes about a second to start, to import what
# it needs and to compile the policy.
LEAST_MUTANTS = 500


class Percent(NamedTuple):
    """A number from 0 to 100, and how it was written."""

    number: float
    given: str


def percent(context: click.Context, parameter: click.Parameter, given: str | None) -> Percent | None:
    """A number from 0 to 100, as a callback of an option."""
    if given is None:
        return None
    try:
        number = float(given)
    except ValueError:
        number = math.nan
    if not 0 <= number <= 100:  # nan is neither
        raise click.BadParameter(f"`{given}` is no percentage, write a number from 0 to 100", context, parameter)
    return Percent(number, given.strip())


def mutate_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--mutate` and `--mutate-fail-under`."""
    under = "Exit 1 where fewer mutants are noticed, and not because of single ones."
    command = click.option("--mutate-fail-under", callback=percent, metavar="PERCENT", help=under)(command)
    return click.option("--mutate", is_flag=True, help="Change each rule and say which changes no test notices.")(
        command
    )


def try_mutants(ran: Sequence[Ran], plan: Plan, jobs: int | None) -> list[Ran]:
    """The same with what became of each policy's mutants, in at most `jobs` processes. A policy with tests that fail is
    left as it is."""
    from remit.proof.solver import MissingSolverError

    found = []
    for one in ran:
        if one.results is None or one.results.failed or one.results.unproven or one.results.stopped:
            if one.results is not None:
                what = "tests that fail" if one.results.failed else "asserts that are unproven"
                said = f"`{one.results.table.name}` has {what}: its mutants are not tried"
                click.echo(f"{paint('warning', 'yellow', err=True)}: {shown(said)}", err=True)
            found.append(one)
            continue
        try:
            mutation = _tried(one.path, plan, jobs)
        except MissingSolverError:
            fail("it takes the solver to tell whether a mutant changes anything", "install remit[prove]")
        results = one.results._replace(mutation=mutation)
        found.append(one._replace(results=results, seconds=one.seconds + mutation.seconds))
    return found


def too_many_survive(results: Sequence[Results], under: Percent | None) -> bool:
    """Whether mutants survive that should not: any without a reason, or with `under` more than leaves that percentage.
    Comments that accept nothing count, too."""
    low = False
    for one in results:
        if one.mutation is None:
            continue
        if one.mutation.troubles or (under is None and one.mutation.survivors):
            low = True
        if under is not None and one.mutation.score < under.number:
            from remit.report.mutation_text import percent as shown_percent

            noticed = shown_percent(one.mutation)
            said = f"the tests of `{shown(one.table.name)}` notice {noticed} of its mutants"
            click.echo(f"{paint('error', 'red', err=True)}: {said}, and {shown(under.given)} % was asked for", err=True)
            low = True
    return low


def say_mutants(results: Sequence[Results]) -> None:
    """What became of them, on standard error, for formats that have no place for it."""
    from remit.report.mutation_text import draw_mutation
    from remit.report.quote import coloured as by_escapes
    from remit.report.quote import plain

    paint_ = by_escapes if coloured(err=True) else plain
    for one in results:
        if one.mutation is not None:
            blocks = draw_mutation(one.mutation, one.table, str(Path.cwd()), paint_)
            click.echo(f"{shown(one.table.name)}   " + "\n\n".join(blocks), err=True)


class _Opened(NamedTuple):
    table: Table
    model: Model | None
    sources: list[Source]
    titles: tuple[str, ...]


def _opened(path: str, plan: Plan) -> _Opened:
    """A policy that compiled before, with its own texts and the titles of all its tests; a table has neither model nor
    texts."""
    where = Path(path)
    if where.is_file() and where.suffix != ".remit":
        from remit.policy import Policy

        table, model, own = Policy.load(where).table, None, []
    else:
        from remit.project.policies import load

        loaded = load(where)
        assert loaded.compiled.table is not None
        table, model, own = loaded.compiled.table, loaded.compiled.model, loaded.own
    return _Opened(plan.selection.of(table), model, own, tuple(entry.title for entry in table.tests))


def _tried(path: str, plan: Plan, jobs: int | None) -> Mutation:
    from remit.cli.testing import cores
    from remit.testing.accepted import acceptances
    from remit.testing.mutation import Trial, all_mutants, concluded, left_out
    from remit.testing.proposals import with_proposals

    begun = time.perf_counter()
    table, model, sources, titles = _opened(path, plan)
    mutants = all_mutants(table, model)
    with progress("mutants", len(mutants)) as bar:
        processes = min(jobs or cores(), len(mutants) // LEAST_MUTANTS)
        if processes > 1:
            outcomes = _in_processes(path, plan, mutants, processes, bar)
        else:
            trial = Trial(table, model, plan.now)
            outcomes = []
            for mutant in mutants:
                outcomes.append(trial.outcome(mutant))
                bar(1)
    accepting, troubles = acceptances(sources)
    found = with_proposals(concluded(outcomes, accepting, troubles, left_out(table, model)), table, model, titles)
    return found._replace(seconds=time.perf_counter() - begun)


# -- in processes of their own -----------------------------------------------------------------------------------------

_shared: dict[str, tuple[list[Mutant], Trial]] = {}  # what a process was started with


def _in_processes(path: str, plan: Plan, mutants: Sequence[Mutant], jobs: int, bar: Bar) -> list[Outcome]:
    """The outcomes, in order. A process makes the mutants anew and is told their numbers."""
    size = -(-len(mutants) // (jobs * 8))
    stretches = [range(at, min(at + size, len(mutants))) for at in range(0, len(mutants), size)]
    outcomes: list[Outcome] = []
    context = multiprocessing.get_context("spawn")  # asserts have asked z3 here, whose threads no fork takes along
    with ProcessPoolExecutor(jobs, context, _begin, (path, plan)) as pool:
        for found in pool.map(_stretch, stretches):
            bar(len(found))
            outcomes += found
    return outcomes


def _begin(path: str, plan: Plan) -> None:
    from remit.testing.mutation import Trial, all_mutants

    table, model, _, _ = _opened(path, plan)
    _shared["policy"] = (all_mutants(table, model), Trial(table, model, plan.now))


def _stretch(numbers: range) -> list[Outcome]:
    mutants, trial = _shared["policy"]
    return [trial.outcome(mutants[number]) for number in numbers]

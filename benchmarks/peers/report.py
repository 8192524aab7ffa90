"""The comparison as Markdown: a table a size, engines ahead of remit first and said so."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks import workload as w
from benchmarks.page import Part, chart, digits, missed, shown
from benchmarks.page import row as table_row
from benchmarks.peers import shell
from benchmarks.peers.engines import ENGINES, REMIT, Engine, Home
from benchmarks.peers.runner import BATCHES, COLD, FULL, HOT, QUICK, Compared, Row, compare
from benchmarks.timing import spread

PROMISED = {  # size and engine → how many times remit's time it takes at least, hot and cold
    ("medium", "regorus-rust"): {HOT: 20, COLD: 8},
    ("medium", "regorus-py"): {HOT: 20, COLD: 8},
    ("medium", "pycasbin"): {HOT: 100},
    ("small", "cedarpy"): {HOT: 150},
    ("small", "cedarpy-sliced"): {HOT: 150},
}
AHEAD = "{size}: {engine}: {found} of remit's time"
SOONER = "{size}: from texts to ready to decide, as times of remit's {ours} s{once}: {others}"
NOT_TIMED = "{size}: {engine}: {why}"
NO_BATCH = "{size}: {engine}, {batch}: {why}"
NO_SHELL = "large: one question from a shell: only smaller sizes are asked"
NOT_ASKED = "not asked for: {keys}"
_DRAWN = 150  # times remit's: what is slower would leave the others no width
HEAD = (
    "| engine | version | hot, × remit | cold, × remit | load, × remit (a process's first) | what one call includes |\n"
    "|---|---|---|---|---|---|"
)


def chosen(only: Sequence[str]) -> list[Engine]:
    """The engines of these keys, and remit's own; none where only commands are named, which `shell` has. Raises
    ValueError naming a key that is neither."""
    engines, commands = [engine.key for engine in ENGINES], [command.key for command in shell.COMMANDS]
    keys = [*dict.fromkeys(engines + commands)]
    unknown = [key for key in only if key not in keys]
    if unknown:
        raise ValueError(f"there is no engine `{unknown[0]}`: there are {', '.join(keys)}")
    if only and not set(only) & set(engines):
        return []
    return [engine for engine in ENGINES if not only or engine.key in only or engine is REMIT]


def report(quick: bool, home: Path | None, only: Sequence[str] = (), sizes: Sequence[str] = ()) -> Part:
    """Measure and tell. Without `home` the peers are fetched and built into a folder that is gone afterwards."""
    plan = QUICK if quick else FULL
    engines, commands = chosen(only), shell.chosen(only)
    with tempfile.TemporaryDirectory() as scratch:
        at_home = Home((home or Path(scratch)).resolve())
        wanted = [size for size in plan.sizes if not sizes or size.name in sizes]
        found = [compare(size, plan, at_home, engines) for size in wanted if engines]
        asked = [shell.compare(size, plan.rounds, at_home, commands) for size in wanted if commands and size != w.LARGE]
    behind = [line for one in asked for line in shell.behind(one)]
    behind += [line for one in found for line in _behind(one)]
    missing = [line for one in found for line in _missing(one)]
    missing += [line for one in asked for line in shell.missing(one)]
    missing += [NO_SHELL] if commands and w.LARGE in wanted else []
    left = [one.key for one in ENGINES if one not in engines]
    left += [one.key for one in shell.COMMANDS if one not in commands]
    missing += [NOT_ASKED.format(keys=", ".join(dict.fromkeys(left)))] if left else []
    text = "\n\n".join([*(table(one, judged=not quick) for one in found), *(shell.table(one) for one in asked)])
    return Part("Beside other engines", text, behind, missing)


def _behind(compared: Compared) -> Iterator[str]:
    """Engines that decide faster, and those that are ready sooner."""
    base = next(row for row in compared.rows if row.engine is REMIT)
    ours = base.load
    for row in compared.rows:
        if row.ahead:
            yield AHEAD.format(size=compared.size.name, engine=row.name, found=_ratios(row))
        for batch, least in PROMISED.get((compared.size.name, row.engine.key), {}).items():
            if batch in row.ratios and row.ratios[batch].median < least:
                name = f"{compared.size.name}: {row.name}, {batch}"
                yield missed(name, f"{shown(row.ratios[batch])} × remit's time", f"≥ {least} ×")
    sooner = [row for row in compared.rows if row.load is not None and ours is not None and row.load < ours]
    sooner = [row for row in sooner if row.engine.family != REMIT.family]
    if sooner and ours is not None:
        times = sorted((row.load / ours, row.name) for row in sooner if row.load is not None)
        said = ", ".join(f"{name} {digits(ratio)}" for ratio, name in times)
        once = f" (a small policy, as the first of a process, in {base.first:,.3f} s)" if base.first is not None else ""
        yield SOONER.format(size=compared.size.name, ours=f"{ours:,.3f}", once=once, others=said)


def _missing(compared: Compared) -> Iterator[str]:
    for row in compared.rows:
        if row.trouble:
            yield NOT_TIMED.format(size=compared.size.name, engine=row.name or row.engine.key, why=row.trouble)
            continue
        for batch, why in row.missing.items():
            yield NO_BATCH.format(size=compared.size.name, engine=row.name, batch=batch, why=why)


def table(compared: Compared, judged: bool = True) -> str:
    """`judged`: engines that are ahead of remit are said to be."""
    size = compared.size
    counts = f"{size.rules:,} rules, {size.roles:,} roles, {size.types:,} types, {size.users:,} users"
    rows = sorted(compared.rows, key=_rank)
    base = next(row for row in rows if row.engine is REMIT)
    lines = [f"### {size.name}: {counts}", "", f"{compared.denied:.0%} of the requests are denied by a deny rule.", ""]
    if judged:
        ahead = [f"**Ahead of remit:** {row.name}: {_ratios(row)} of remit's time." for row in rows if row.ahead]
        lines += ahead or ["No engine measured here is ahead of remit."]
    drawn = [(row.name, row.ratios[HOT].median) for row in rows if HOT in row.ratios]
    near = [(name, ratio) for name, ratio in drawn if ratio <= _DRAWN]
    if near:
        names, times = zip(*near, strict=True)
        lines += ["", chart(f"{size.name}: a decision, as remit's times", "times", names, times, across=True)]
    lines += ["", HEAD, *(_line(row, base) for row in rows)]
    lines += ["", *(f"- {remark}." for remark in compared.remarks)] if compared.remarks else []
    return "\n".join(lines)


def _rank(row: Row) -> tuple[int, float]:
    """Those ahead, then remit, then the others by their time, then those that were not timed."""
    hot = row.ratios[HOT].median if HOT in row.ratios else float("inf")
    if row.trouble or not row.ratios:
        return (3, hot)
    return (0, hot) if row.ahead else (1, hot) if row.engine.family == REMIT.family else (2, hot)


def _ratios(row: Row) -> str:
    return ", ".join(f"{batch} {shown(row.ratios[batch])}" for batch in BATCHES if batch in row.ratios)


def _line(row: Row, base: Row) -> str:
    load = ", ".join(part for part in (_load(row, base), row.note) if part)
    said = f"**{row.trouble}**" if row.trouble else row.includes
    cells = [row.name, row.version or "–", *(_cell(row, batch) for batch in (HOT, COLD)), load, said]
    return table_row(cells)


def _load(row: Row, base: Row) -> str:
    """Beside that of `base`, and of a process's first load, too."""
    if row is base:
        times = [f"{one:,.3f} s" for one in (row.load, row.first) if one is not None]
        return f"1 ({'; the first '.join(times)})" if times else "–"
    if row.load is None or not base.load:
        return "–"
    first = f" ({digits(row.first / base.first)})" if row.first is not None and base.first else ""
    return f"{digits(row.load / base.load)}{first}"


def _cell(row: Row, batch: str) -> str:
    if row.trouble:
        return "–"
    if batch not in row.ratios:
        return f"not measured: {row.missing.get(batch, 'no round')}"
    if row.engine is REMIT:
        micro = spread(second * 1e6 for second in row.times[batch].values())
        return f"1 ({digits(micro.median)} µs)"
    return shown(row.ratios[batch])

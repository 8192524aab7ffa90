"""Seeders: findings that are kept silent (W901 to W904)."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

from remit.lint.registry import RULES, rule_of
from remit.project.baseline import entries_of
from remit.source import Span

from .ground import Ground
from .seeder import Seed, one, seeder


def _looked_for(ground: Ground) -> list[str]:
    return [code for code in RULES if rule_of(code).default and rule_of(code).needs in ("policy", "exact")]


def _comment(ground: Ground, random: Random, text: str) -> Seed | None:
    """A comment above a rule or at its end."""
    spots = [
        spot
        for spot in ground.spots
        if not any(found.span and found.span.line == spot.rule.span.line for found in ground.before("W901"))
    ]
    spot = one(random, spots)
    if spot is None:
        return None
    span = spot.rule.span
    line = span.source.text[span.source.text.rfind("\n", 0, span.start) + 1 : span.start]
    end = span.source.text.find("\n", span.end)
    if random.random() < 0.5 and not line.strip():
        return Seed([ground.before_span(span, f"⟦{text}⟧\n{line}")])
    if "#" in span.source.text[span.end : end] or "remit:" in span.source.text[: span.start].rpartition("\n\n")[2]:
        return None
    return Seed([ground.behind(Span(span.source, end, end), f"  ⟦{text}⟧")])


@seeder("W901", "a comment that keeps nothing silent")
def unused(ground: Ground, random: Random) -> Seed | None:
    code = random.choice([code for code in _looked_for(ground) if not ground.found(code)])
    word = random.choice((code, rule_of(code).name))
    return _comment(ground, random, f"# remit: ignore[{word}] -- kept for the audit")


@seeder("W901", "a comment for a whole file that keeps nothing silent")
def whole_file(ground: Ground, random: Random) -> Seed | None:
    codes = [code for code in _looked_for(ground) if not ground.found(code)]
    path = one(random, sorted(path for path in ground.texts if path != ground.people))
    source = next(source for source in ground.sources if ground.path(Span(source, 0, 0)) == path)
    span = Span(source, 0, 0)
    return Seed([ground.before_span(span, f"⟦# remit: ignore-file[{random.choice(codes)}] -- made by a machine⟧\n")])


@seeder("W902", "a comment without a reason")
def unreasoned(ground: Ground, random: Random) -> Seed | None:
    code = random.choice(_looked_for(ground))
    return _comment(ground, random, f"# remit: ignore[{code}]{random.choice(('', ' --', ' -- '))}".rstrip())


@seeder("W903", "a comment that is no form of `ignore`")
def malformed(ground: Ground, random: Random) -> Seed | None:
    code = random.choice(_looked_for(ground))
    text = random.choice(
        (
            "# remit: ignore {0} -- so it is",
            "# remit: ignore({0}) -- so it is",
            "# remit ignore[{0}] -- so it is",
            "# remit: ignore[{0} -- so it is",
            "# remit: ignores[{0}] -- so it is",
            "# remit: ignore[{0}] so it is",
            "# remit: ignore-fil[{0}] -- so it is",
            "# remit: IGNORE[{0}] -- so it is",
        )
    )
    return _comment(ground, random, text.format(code))


@seeder("W903", "a comment that names no code of a warning")
def no_code(ground: Ground, random: Random) -> Seed | None:
    word = random.choice(("W999", "E104", "dead_rule", "deadrule", "", "W901", "syntax", "W3O5"))
    return _comment(ground, random, f"# remit: ignore[{word}] -- so it is")


@seeder("W904", "an entry of a baseline for what is gone")
def stale(ground: Ground, random: Random) -> Seed | None:
    """Beside entries for all that is found still, and for what was not looked for."""
    path = ground.folder / "known.json"
    known = [
        {"fingerprint": one.fingerprint, "code": one.code, "file": one.file, "message": one.message}
        for one in entries_of([f for f in ground.before("W904") if f.code[0] == "W"], path)
    ]
    file = Path(random.choice(sorted(p for p in ground.texts if p != ground.people))).relative_to(
        ground.folder.resolve()
    )
    code = random.choice([code for code in _looked_for(ground) if not ground.found(code)])
    gone = {"fingerprint": f"{random.getrandbits(64):016x}", "code": code, "file": str(file), "message": "it was there"}
    other = {**gone, "fingerprint": f"{random.getrandbits(64):016x}", "code": "W102"}  # not looked for
    listed = [*known, gone, other]
    random.shuffle(listed)
    text = json.dumps({"remit-baseline": 1, "findings": []}).replace(
        "[]", "[\n" + ",\n".join(json.dumps(entry) for entry in listed) + "\n]"
    )
    return Seed([], names=[code], baseline=text)
